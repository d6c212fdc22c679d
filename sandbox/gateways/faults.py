"""What a gateway does wrong when it is told to."""

from collections.abc import Collection
from dataclasses import dataclass, fields

# How much a switch is when it is thrown by hand, where yes is not enough.
BY_HAND: dict[str, int | float] = {"late_seconds": 20.0, "errors_500": 1_000_000, "stall_after_work_seconds": 30.0}


@dataclass
class Faults:
    """Switches that a test or the demo sets while the gateway runs.

    A switch stays as it is set, unless `next_call_only`: then it goes back by itself when it has taken effect once.
    """

    # What happens to a notification as a whole.
    no_callback: bool = False  # It is never sent.
    callback_twice: bool = False  # It is sent twice, at the same moment.
    out_of_order: bool = False  # It waits until a later one was sent (or for the pace's `hold_seconds`).
    late_seconds: float = 0.0  # It is sent that long after what it reports.
    # What is wrong in each sending; the gateway's own books and its answers to questions stay right.
    wrong_amount: bool = False  # It states another amount, genuinely signed.
    wrong_currency: bool = False  # It states another currency, genuinely signed.
    wrong_sign: bool = False  # It is signed with another secret.
    # The answers to questions state the wrong amount or currency as well; says nothing by itself.
    lies_in_answers: bool = False
    # What happens to the answers of the API; the pages for payers always work.
    errors_500: int = 0  # So many next calls are answered with 500, and nothing is done.
    stall_after_work_seconds: float = 0.0  # The call is carried out, then its answer comes that late.

    next_call_only: bool = False

    def take(self, name: str) -> float:
        """The value of a switch that is about to take effect; with `next_call_only` it is switched off."""
        value: float = getattr(self, name)
        if value and self.next_call_only:
            setattr(self, name, type(value)(0))
        return value

    def take_error(self) -> bool:
        """Whether this call is to be answered with 500; counts down."""
        if self.errors_500 <= 0:
            return False
        self.errors_500 -= 1
        return True

    @property
    def on(self) -> list[str]:
        """The switches that are on, in the order they are written here."""
        return [field.name for field in fields(self) if field.name != "next_call_only" and getattr(self, field.name)]

    def choose(self, names: Collection[str], *, next_call_only: bool) -> None:
        """Exactly these are on from now on, as strong as a person at the page means them."""
        self.clear()
        self.next_call_only = next_call_only
        for name in names:
            setattr(self, name, BY_HAND.get(name, True))
        if self.errors_500 and next_call_only:
            self.errors_500 = 1

    def clear(self) -> None:
        """Everything is as it should be again."""
        for field in fields(self):
            setattr(self, field.name, field.default)
