"""The holes that connectors fill: one way to be paid is one implementation of `PaymentMethod`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


class PaymentState(StrEnum):
    """Where a payment stands at its provider. UNKNOWN is a state: it is asked again, and never taken for a failure."""

    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a method can do; the screens obey it. Amounts in minor units of `currency`."""

    currency: str
    callback: bool
    poll: bool
    refund_full: bool
    refund_partial: bool
    reversible: bool
    minimum_minor: int
    maximum_minor: int
    seconds_to_pay: int


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


@dataclass(frozen=True, slots=True)
class Created:
    """How the payer pays: a message that was sent to them, or an address to open."""

    provider_ref: str | None
    url: str | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something the provider reports; (provider, key) is unique, so a repetition is recognised."""

    key: str
    reference: str
    state: PaymentState
    amount_minor: int
    currency: str
    at: datetime
    payer_telegram_id: int | None = None  # when the provider knows the payer


@runtime_checkable
class PaymentMethod(Protocol):
    """One way to be paid. All of it is network: never call it inside a transaction, nor to decide a sale."""

    name: str

    @property
    def capabilities(self) -> Capabilities: ...

    async def create(self, ask: Ask) -> Created:
        """Ask the payer; safe to repeat for the same reference."""
        ...

    async def find(self, reference: str, since: datetime) -> Event | None:
        """What the provider knows of a reference; None when nothing, UNKNOWN when it cannot say."""
        ...

    async def refund(self, event_key: str, payer_telegram_id: int, amount_minor: int) -> PaymentState:
        """Give money back; REFUNDED also when it was already given back."""
        ...

    async def received(self, since: datetime) -> Sequence[Event]:
        """The provider's own list of payments, for reconciliation."""
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
