"""The holes that connectors fill: one way to be paid is one implementation of `PaymentMethod`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Protocol, runtime_checkable


class PaymentState(StrEnum):
    """Where a payment stands at its provider. UNKNOWN is a state: it is asked again, and never taken for a failure."""

    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fee:
    """What the provider keeps of a payment: so many hundredths of a per cent, and so much each time, in minor units of its currency."""

    basis_points: int = 0
    fixed_minor: int = 0
    passed_on: bool = False  # The payer pays it on top; otherwise the shop bears it.


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a method can do; the screens obey it. Amounts in minor units of `currency`."""

    currency: str
    callback: bool  # It reports payments by itself.
    poll: bool  # It can be asked.
    refund_full: bool
    refund_partial: bool
    reversible: bool  # The payer can take the money back (a card, Stars); crypto and a confirmed transfer are not.
    minimum_minor: int
    maximum_minor: int
    seconds_to_pay: int
    fee: Fee = Fee()
    by_hand: bool = False  # A person of the shop says whether it was paid.
    step_minor: int = 1  # Amounts are whole multiples of it: Stripe takes a last digit of 0 only, where a currency has three.


@dataclass(frozen=True, slots=True)
class Ask:
    """A payment to be created: `reference` is our number, which comes back with every event."""

    reference: str
    amount_minor: int
    currency: str
    title: str
    description: str
    payer_telegram_id: int
    expires_at: datetime
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """How the payer pays: a message that was sent to them, an address to open, a QR code to scan, or words to follow."""

    provider_ref: str | None
    url: str | None = None
    message_id: int | None = None
    qr: str | None = None  # what the QR code says, when it is another than the address
    words: str | None = None  # the shop owner's own instructions


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund of a payment as the provider lists it, known by its own key; `once` is our number when we asked for it."""

    key: str
    amount_minor: int  # of the payment's currency
    at: datetime
    once: str | None = None


class DisputeState(StrEnum):
    """Where a dispute stands. WON also when it ended without the money going to the payer for good."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that a dispute has moved, known by its own key: negative when it was taken from the shop, positive when it came back.

    `fee_minor` is what the provider charges for it besides; negative when it gives a fee back. Both in the payment's currency.
    """

    key: str
    amount_minor: int
    at: datetime
    fee_minor: int = 0


@dataclass(frozen=True, slots=True)
class Dispute:
    """The payer has asked their bank for the money back. It is told as it stands, with all that it has moved so far, oldest first."""

    key: str
    state: DisputeState
    amount_minor: int
    reason: str
    at: datetime
    due_at: datetime | None = None  # until when the shop may show its evidence
    movements: Sequence[Movement] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something the provider reports; (provider, key) is unique, so a repetition is recognised.

    A payment and its end by refund have the same key. EXPIRED and FAILED say that nothing will be paid any more.

    Where a provider can say what has become of a payment since, `given_back` lists every refund of it, ours too, and `disputes`
    every dispute: then PAID and REFUNDED say only that it was paid, and each of these is booked once by its own key.
    """

    key: str
    reference: str
    state: PaymentState
    amount_minor: int
    currency: str
    at: datetime
    payer_telegram_id: int | None = None  # when the provider knows the payer
    provider_ref: str | None = None
    given_back: Sequence[GivenBack] = ()
    disputes: Sequence[Dispute] = ()
    # Refunds that did not reach the payer after all, so that the provider has the money again; they are not in `given_back`.
    failed_refunds: Sequence[GivenBack] = ()


@dataclass(frozen=True, slots=True)
class Refund:
    """Money to be given back: `amount_minor` of the `whole_minor` that was paid, once for each `once`."""

    once: str
    event_key: str
    reference: str
    provider_ref: str | None
    payer_telegram_id: int
    amount_minor: int
    whole_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Callback:
    """What came in at a method's door, as it came; names of headers are in lower case. Nothing of it is to be believed yet."""

    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a genuine callback says. The events are booked first, then the reply is sent."""

    events: Sequence[Event]
    reply: str = ""


class NotGenuine(Exception):
    """A callback that is forged, malformed or somebody else's: nothing is changed, the door answers 400."""


class NotSure(Exception):
    """The provider cannot say now: a time-out, an answer of 5xx, nonsense. It is asked again; whatever it was may have been done."""


class Declined(Exception):
    """The provider has said no, and nothing was done: the payer is offered another way. The text is for the log, without secrets."""


@runtime_checkable
class PaymentMethod(Protocol):
    """One way to be paid. All of it is network: never call it inside a transaction, nor to decide a sale.

    Every call may raise NotSure.
    """

    name: str  # at most 16 characters of a-z, 0-9 and -: it is in the books, in addresses and in buttons

    @property
    def capabilities(self) -> Capabilities: ...

    async def create(self, ask: Ask) -> Created:
        """Ask the payer; safe to repeat for the same reference. Raises Declined."""
        ...

    async def callback(self, callback: Callback) -> Heard:
        """Check what came in at the method's door, and with the provider itself before any money is believed. Raises NotGenuine."""
        ...

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        """What the provider knows of a reference, made after `since`; None when it knows nothing of it, UNKNOWN when it cannot say."""
        ...

    async def refund(self, refund: Refund) -> PaymentState:
        """Give money back: REFUNDED also when this very refund was made before, REFUNDING while it is under way. Raises Declined."""
        ...

    async def received(self, since: datetime) -> Sequence[Event]:
        """The provider's own list of payments (PAID and REFUNDED), oldest first, for reconciliation; empty where it has none.

        Older payments are in it too when something has become of them since: a refund, a dispute.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


@runtime_checkable
class Withdraws(Protocol):
    """What a way to be paid has besides when it can close a payment that nobody shall pay any more."""

    async def withdraw(self, reference: str, provider_ref: str) -> None:
        """Nothing can be paid for this reference any more; safe to repeat, also when it ended there by itself.

        Raises Declined when it was paid meanwhile (or the provider does not do it), and NotSure.
        """
        ...


class TelegramCalls(Protocol):
    """The few calls to Telegram that a payment in Stars needs; filled by the running bot."""

    async def send_invoice(self, ask: Ask) -> int:
        """Send an invoice into the payer's chat; returns the message's id."""
        ...

    async def refund_stars(self, telegram_id: int, charge_id: str) -> bool:
        """Give Stars back in full; True also when they were given back before."""
        ...

    async def star_payments(self, since: datetime) -> Sequence[Event]:
        """Payments that came in since then, from Telegram's own list."""
        ...


@dataclass(frozen=True, slots=True)
class MarketRates:
    """What one whole unit of `base` is worth in whole units of other currencies, exactly as a source says it, and of which instant."""

    base: str
    per_base: Mapping[str, Fraction]
    as_of: datetime

    def between(self, one: str, other: str) -> Fraction | None:
        """What one unit of a currency is worth in another, worked out exactly over the base; None when the source knows one of them not."""
        known = {**self.per_base, self.base: Fraction(1)}
        return known[other] / known[one] if one in known and other in known else None


class RateSource(Protocol):
    """Where exchange rates come from. All of it is network: never call it inside a transaction."""

    name: str  # at most 32 characters of a-z, 0-9 and -: it stands in the books beside each rate

    async def rates(self) -> MarketRates:
        """What the source says now. Raises NotSure for a time-out, an error or nonsense, and Declined when it refuses us, as for a key."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
