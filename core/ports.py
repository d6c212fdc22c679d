"""The holes that connectors fill: a way to be paid, a shop that supplies us, a register of certificates, a source of rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
    path: str = ""  # at which it came in, for protocols that sign it


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


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """Who a bot is, as Telegram says: its id, its @username without the sign, and its name."""

    bot_id: int
    username: str
    name: str


class MeetsBots(Protocol):
    """Asks Telegram whose token this is; filled by the running bot. Raises a Refusal that says what to do."""

    async def __call__(self, token: str) -> BotIdentity: ...


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


class ItemKind(StrEnum):
    """What an upstream sells under one of its numbers."""

    CODE = "code"
    TOPUP = "topup"  # straight into an account: its fields are asked of the buyer
    MANUAL = "manual"  # delivered by a person there


@dataclass(frozen=True, slots=True)
class UpstreamField:
    """Something an upstream wants to know of the buyer before it delivers."""

    name: str  # as the upstream calls it
    title: str
    required: bool = True
    pattern: str | None = None  # a regular expression over the whole answer
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class UpstreamItem:
    """One thing that can be ordered from an upstream, as it says now. The price is of one unit, in minor units of `currency`."""

    key: str  # what it is ordered by
    title: str
    category: str
    price_minor: int
    currency: str
    stock: int | None  # None: as many as one likes
    active: bool
    kind: ItemKind = ItemKind.CODE
    fields: Sequence[UpstreamField] = ()
    least: int = 1
    most: int | None = None
    description: str = ""
    version: str = ""  # of price and stock, where the upstream numbers them: what is older than what we have is not taken


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A part of a catalogue; `after` asks for the next part, None when there is none."""

    items: Sequence[UpstreamItem]
    after: str | None


@dataclass(frozen=True, slots=True)
class Prepaid:
    """What we have at an upstream, in minor units, and what it calls itself."""

    amount_minor: int
    currency: str
    name: str


class UpstreamState(StrEnum):
    """Where an order stands at its upstream. REVERSED: it was delivered, and taken back later."""

    WORKING = "working"
    DONE = "done"
    PARTLY = "partly"  # over, with fewer than were ordered
    FAILED = "failed"  # over, with nothing, and nothing was charged
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class UpstreamCode:
    """A code as an upstream delivers it; its repr shows nothing."""

    card_no: str | None = field(default=None, repr=False)
    card_pwd: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamAsk:
    """An order to be placed: `number` is ours and the same for every try, so that it is one order there for ever."""

    number: str
    key: str
    quantity: int
    most_minor: int  # one unit may cost no more; in minor units of `currency`
    currency: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class UpstreamOrder:
    """What an upstream says of an order of ours. `amount_minor` is what it charged for all of it."""

    ref: str  # the upstream's own number
    state: UpstreamState
    amount_minor: int
    currency: str
    codes: Sequence[UpstreamCode] = ()
    got: int = 0  # how many units were delivered, codes or not
    note: str = ""  # its words: an operator's receipt, why it failed
    repeated: bool = False  # it says itself that it had this number before


@dataclass(frozen=True, slots=True)
class ItemNotice:
    """A change of price or stock; notices arrive in any order, `version` says which is newer."""

    key: str
    version: str
    price_minor: int | None = None
    currency: str | None = None
    stock: int | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class UpstreamHeard:
    """What a genuine callback says: `numbers` are orders to be asked about now – what it says of them is never believed by itself."""

    numbers: Sequence[str] = ()
    notices: Sequence[ItemNotice] = ()
    reply: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamCan:
    """What an upstream's protocol can do; who uses it obeys."""

    finds_by_number: bool  # an order is found by our number, also when no answer ever came
    repeats: bool  # the same number again is the same order: an unknown one may simply be ordered again
    callback: bool
    validates: bool  # it can be asked whether an account exists before it is paid for
    most_quantity: int = 100
    final_after_seconds: int = 600  # "not found" is believed when the order was asked for so long ago


@dataclass(frozen=True, slots=True)
class AccountChecked:
    """Whether an account can be topped up; `shown` is whose it is, as far as the upstream tells (a masked name)."""

    good: bool
    shown: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamSetting:
    """What a protocol must be told of an upstream: asked of the staff one by one, under its title and with an example."""

    name: str  # at most 16 characters of a-z and _
    title: str  # marked for translation
    example: str
    secret: bool = False
    optional: bool = False
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class UpstreamProtocol:
    """A way to speak to upstreams, as the staff choose it."""

    name: str
    title: str
    settings: Sequence[UpstreamSetting]


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed in a catalogue since the place `after` of the last answer; `more` when there is another part at once."""

    notices: Sequence[ItemNotice]
    after: str
    more: bool = False


@runtime_checkable
class TellsChanges(Protocol):
    """What an upstream has besides when it can say what has changed since."""

    async def changes(self, after: str) -> Changes:
        """Prices and stock that have changed since then; an empty `after` asks only for the place where "since now" begins."""
        ...


class UpstreamShop(Protocol):
    """A shop that supplies us. All of it is network: never call it inside a transaction. Every call may raise NotSure."""

    name: str  # of the protocol: at most 16 characters of a-z, 0-9 and -

    @property
    def can(self) -> UpstreamCan: ...

    async def prepaid(self) -> Prepaid:
        """What we have there. Raises Declined when it does not know us."""
        ...

    async def catalogue(self, after: str | None = None) -> ItemPage:
        """What it sells, part by part. Raises Declined."""
        ...

    async def item(self, key: str) -> UpstreamItem | None:
        """One thing as it is now; None when it sells it no more."""
        ...

    async def check_account(self, key: str, fields: Mapping[str, str]) -> AccountChecked:
        """Can this account be topped up? Costs nothing and orders nothing."""
        ...

    async def order(self, ask: UpstreamAsk) -> UpstreamOrder:
        """Order and pay from what we have there. Declined: it said no and nothing was bought; NotSure: it may have been."""
        ...

    async def find(self, number: str, ref: str | None) -> UpstreamOrder | None:
        """What became of an order, with its codes when they are there; None when it knows nothing of it."""
        ...

    async def cancel(self, number: str, ref: str | None) -> UpstreamState:
        """Ask that an order be called off; the state it has then. Raises Declined when it is too late."""
        ...

    async def callback(self, callback: Callback) -> UpstreamHeard:
        """Check what came in at this upstream's door. Raises NotGenuine."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class CertificateState(StrEnum):
    """What a register says of a certificate. PENDING: it could not be asked yet, which is never an approval."""

    VALID = "valid"
    INVALID = "invalid"
    EXPIRED = "expired"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate as it was handed in."""

    number: str
    holder: str
    scope: str  # brands or goods it covers
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class CertificateAnswer:
    """What a register said; `facts` are its own words, for the people who decide."""

    state: CertificateState
    facts: Mapping[str, str] = field(default_factory=dict)


class CertificateRegister(Protocol):
    """Who knows whether a certificate is genuine. All of it is network: never call it inside a transaction."""

    name: str  # at most 16 characters of a-z, 0-9 and -

    async def check(self, certificate: CertificateFacts) -> CertificateAnswer:
        """What the register says of it. Raises NotSure when it cannot be reached: the check stays pending, and is made again."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class PayoutSent(StrEnum):
    """What a provider says of a payout of ours. There is no FAILED: what failed was never made, and is not there."""

    DONE = "done"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class PayoutAsk:
    """Money to be sent: `number` is ours and the same for every try, so that it is sent once for ever; in minor units."""

    number: str
    to: str  # whom: what the method calls its users
    amount_minor: int
    currency: str
    says: str = ""  # a word to who gets it


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout as its provider knows it."""

    ref: str  # the provider's own number
    number: str
    state: PayoutSent
    to: str
    amount_minor: int
    currency: str


class PayoutMethod(Protocol):
    """A way to pay suppliers. All of it is network: never call it inside a transaction."""

    name: str  # at most 16 characters of a-z, 0-9 and -
    currency: str  # what it pays in

    async def send(self, ask: PayoutAsk) -> PaidOut:
        """Send it, or say what was sent under this number before. Declined: nothing was sent; NotSure: it may have been."""
        ...

    async def find(self, number: str) -> PaidOut | None:
        """What was sent under a number of ours; None when nothing was. Raises NotSure."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
