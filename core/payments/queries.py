"""Asking about payments and wallets."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from core import ledger, people, storefronts
from core.database import now, read
from core.payments.tables import Change, IntentState, PaymentEvent
from core.payments.tables import Intent as IntentRow


@dataclass(frozen=True, slots=True)
class Intent:
    """A wish to pay `amount_minor` of the provider's currency, worth `worth_minor` of the shop's."""

    id: int
    provider: str
    customer_id: int
    order_id: int | None
    amount_minor: int
    currency: str
    worth_minor: int
    worth_currency: str
    state: IntentState
    made_at: datetime
    expires_at: datetime
    fee_minor: int
    kept_minor: int
    provider_ref: str | None
    url: str | None
    qr: str | None
    words: str | None
    screen_message_id: int | None
    tries: int
    receipt: str | None
    receipt_is_photo: bool
    reference: str  # what it is called at its provider
    reversible: bool = False
    rate_id: int | None = None
    step_minor: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """A state an intent came into, and why."""

    state: IntentState
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Wallet:
    """A customer's balance in minor units of the storefront's currency."""

    account_id: int
    balance_minor: int
    currency: str
    floor_minor: int = 0  # how far it may fall: below zero by what the shop lends

    @property
    def spendable_minor(self) -> int:
        """What can be bought for, credit included."""
        return self.balance_minor - self.floor_minor


def view(row: IntentRow) -> Intent:
    return Intent(
        row.id,
        row.provider,
        row.customer_id,
        row.order_id,
        row.amount_minor,
        row.currency,
        row.worth_minor,
        row.worth_currency,
        row.state,
        row.made_at,
        row.expires_at,
        row.fee_minor,
        row.kept_minor,
        row.provider_ref,
        row.url,
        row.qr,
        row.words,
        row.screen_message_id,
        row.tries,
        row.receipt,
        bool(row.receipt_is_photo),
        row.reference or f"{row.id}",  # Those asked before there were tags go by their bare number.
        row.reversible,
        row.rate_id,
        row.step_minor,
    )


@read
def intent(session: Session, intent_id: int) -> Intent | None:
    row = session.get(IntentRow, intent_id)
    return None if row is None else view(row)


@read
def find_intent(
    session: Session,
    *,
    order_id: int | None = None,
    event_key: str | None = None,
    provider_ref: str | None = None,
    customer_id: int | None = None,
    screen_message_id: int | None = None,
) -> Intent | None:
    """The newest intent of an order, the one an event of this key belongs to, or the one a provider knows by this reference.

    With a customer given, only theirs; with a message of their chat given, the one that it shows.
    """
    question = select(IntentRow).order_by(IntentRow.id.desc()).limit(1)
    if order_id is not None:
        question = question.where(IntentRow.order_id == order_id)
    if event_key is not None:
        question = question.join(PaymentEvent, PaymentEvent.intent_id == IntentRow.id).where(PaymentEvent.event_key == event_key)
    if provider_ref is not None:
        question = question.where(IntentRow.provider_ref == provider_ref)
    if customer_id is not None:
        question = question.where(IntentRow.customer_id == customer_id)
    if screen_message_id is not None:
        question = question.where(IntentRow.screen_message_id == screen_message_id)
    row = session.scalars(question).one_or_none()
    return None if row is None else view(row)


@read
def waiting(session: Session, *, providers: Collection[str], most: int = 10_000) -> list[Intent]:
    """Payments that providers are still asked about, oldest first."""
    rows = session.scalars(
        select(IntentRow).where(IntentRow.due_at.is_not(None), IntentRow.provider.in_(providers)).order_by(IntentRow.id).limit(most)
    )
    return [view(row) for row in rows]


@read
def asked_lately(session: Session, *, customer_id: int, providers: Collection[str], hours: float) -> int:
    """What a customer was asked for by these providers and has paid or may still pay, in minor units of the shop's currency."""
    found = session.scalar(
        select(func.coalesce(func.sum(IntentRow.worth_minor), 0)).where(
            IntentRow.customer_id == customer_id,
            IntentRow.provider.in_(providers),
            IntentRow.made_at > now(session) - timedelta(hours=hours),
            or_(
                IntentRow.state.in_((IntentState.CREATED, IntentState.PENDING, IntentState.PAID, IntentState.REFUNDED)),
                # Cancelled here, but the provider's page still takes money.
                and_(IntentRow.state == IntentState.EXPIRED, IntentRow.url.is_not(None), IntentRow.expires_at > now(session)),
            ),
        )
    )
    return int(found or 0)


@read
def steps(session: Session, intent_id: int) -> list[Step]:
    """The states an intent came through, oldest first."""
    rows = session.execute(select(Change.state, Change.cause, Change.at).where(Change.intent_id == intent_id).order_by(Change.id))
    return [Step(state, cause, at) for state, cause, at in rows]


@read
def known_events(session: Session, *, provider: str, keys: Collection[str]) -> set[str]:
    """Those of these event keys (some hundreds at most) that were recorded."""
    if not keys:
        return set()
    return set(session.scalars(select(PaymentEvent.event_key).where(PaymentEvent.provider == provider, PaymentEvent.event_key.in_(keys))))


_KEY = 150  # what is kept of a provider's key for what became of a payment


def key_of_return(event_key: str) -> str:
    """Under which key it is recorded that the provider gave this payment back."""
    key = f"{event_key}:given-back"
    # One that is too long is told apart from its neighbours by what is cut off.
    return key if len(key) <= _KEY else f"{event_key[:100]}:{hashlib.sha256(event_key.encode()).hexdigest()[:32]}:given-back"


def key_heard(event_key: str) -> str:
    """Under which key it is recorded that the provider said so while we were asking for it ourselves."""
    return key_of_return(event_key).removesuffix("given-back") + "heard"


@read
def returned_whole(session: Session, *, provider: str, event_key: str) -> bool:
    """Was it booked that the provider gave all of this payment back, as one?"""
    # Long keys were once cut at another place.
    keys = [key_of_return(event_key), f"{event_key[:180]}:given-back"]
    return bool(known_events(session, provider=provider, keys=keys))


@dataclass(frozen=True, slots=True)
class PaidEvent:
    """Money a provider reported."""

    key: str
    intent_id: int | None
    amount_minor: int
    currency: str
    at: datetime


@read
def paid_event(session: Session, *, provider: str, key: str) -> PaidEvent | None:
    """The money that was recorded under this key."""
    row = session.execute(
        select(PaymentEvent.event_key, PaymentEvent.intent_id, PaymentEvent.amount_minor, PaymentEvent.currency, PaymentEvent.at).where(
            PaymentEvent.provider == provider, PaymentEvent.event_key == key, PaymentEvent.kind == "paid"
        )
    ).first()
    return None if row is None else PaidEvent(*row)


@read
def paid_first(session: Session, *, intent_id: int) -> str | None:
    """The key of the payment that an intent was paid by; what came for it later only went to the wallet."""
    question = select(PaymentEvent.event_key).where(PaymentEvent.intent_id == intent_id, PaymentEvent.kind == "paid")
    return session.scalar(question.order_by(PaymentEvent.id).limit(1))


@read
def paid_for(session: Session, *, order_id: int) -> tuple[Intent, str] | None:
    """The payment that an order was issued with, and its event's key: the first that came for it, whatever was asked or paid later."""
    row = session.execute(
        select(IntentRow, PaymentEvent.event_key)
        .join(PaymentEvent, PaymentEvent.intent_id == IntentRow.id)
        .where(IntentRow.order_id == order_id, PaymentEvent.kind == "paid")
        .order_by(PaymentEvent.id)
        .limit(1)
    ).first()
    return None if row is None else (view(row[0]), row[1])


@read
def paid_events(session: Session, *, provider: str, since: datetime) -> list[PaidEvent]:
    """The money of a provider that was recorded since then, oldest first."""
    rows = session.execute(
        select(PaymentEvent.event_key, PaymentEvent.intent_id, PaymentEvent.amount_minor, PaymentEvent.currency, PaymentEvent.at)
        .where(PaymentEvent.provider == provider, PaymentEvent.kind == "paid", PaymentEvent.at >= since)
        .order_by(PaymentEvent.id)
    )
    return [PaidEvent(*row) for row in rows]


@read
def wallet(session: Session, customer_id: int) -> Wallet:
    """The customer's wallet."""
    customer = people.by_id(session, customer_id)
    currency = storefronts.by_id(session, customer.storefront_id).currency
    room = ledger.room(session, customer.wallet_id)
    return Wallet(customer.wallet_id, room.balance_minor, currency, room.floor_minor)
