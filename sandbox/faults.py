"""Faults on demand: what a bot's connection to Telegram can suffer, switched on from the page or a test."""

from dataclasses import asdict, dataclass, fields

from sandbox.errors import ApiError, PhoneError
from sandbox.store import Json


@dataclass
class Faults:
    """The switches as they stand; the counters say how many of the next calls are hit.

    Polling for updates is cut by `offline` and otherwise left alone, so that a counter hits what a test is about.
    """

    slow_ms: int = 0
    too_many_requests: int = 0
    retry_after: int = 2
    server_errors: int = 0
    offline: bool = False
    drop_after_commit: int = 0
    duplicate_updates: bool = False

    def row(self) -> Json:
        return asdict(self)

    def change(self, changes: Json) -> None:
        """Sets the named switches; raises PhoneError for a name or a value that makes no sense, and then changes nothing."""
        kinds = {switch.name: type(getattr(self, switch.name)) for switch in fields(self)}
        for name, value in changes.items():
            if name not in kinds:
                raise PhoneError(400, f"There is no fault called {name!r}.")
            if type(value) is not kinds[name]:
                raise PhoneError(400, f"{name} must be {'true or false' if kinds[name] is bool else 'a whole number'}.")
            if isinstance(value, int) and value < 0:
                raise PhoneError(400, f"{name} must not be negative.")
        for name, value in changes.items():
            setattr(self, name, value)

    def refuse(self) -> None:
        """Raises the refusal that is due before a call is carried out, if one is, and counts it."""
        if self.too_many_requests:
            self.too_many_requests -= 1
            raise ApiError(429, f"Too Many Requests: retry after {self.retry_after}", retry_after=self.retry_after)
        if self.server_errors:
            self.server_errors -= 1
            raise ApiError(502, "Bad Gateway")

    def cut_after(self) -> bool:
        """Says whether the connection is to be cut now that a call has been carried out, and counts it."""
        if not self.drop_after_commit:
            return False
        self.drop_after_commit -= 1
        return True
