"""Asking about payments and wallets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ledger, people, storefronts
from core.database import read
from core.payments.tables import Intent as IntentRow
from core.payments.tables import IntentState, PaymentEvent


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


@dataclass(frozen=True, slots=True)
class Wallet:
    """A customer's balance in minor units of the storefront's currency."""

    account_id: int
    balance_minor: int
    currency: str


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
) -> Intent | None:
    """The newest intent of an order, the one an event of this key belongs to, or the one a provider knows by this reference.

    With a customer given, only theirs.
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
    row = session.scalars(question).one_or_none()
    return None if row is None else view(row)


@read
def known_events(session: Session, *, provider: str, keys: Collection[str]) -> set[str]:
    """Those of these event keys (some hundreds at most) that were recorded."""
    if not keys:
        return set()
    return set(session.scalars(select(PaymentEvent.event_key).where(PaymentEvent.provider == provider, PaymentEvent.event_key.in_(keys))))


@read
def wallet(session: Session, customer_id: int) -> Wallet:
    """The customer's wallet."""
    customer = people.by_id(session, customer_id)
    currency = storefronts.by_id(session, customer.storefront_id).currency
    return Wallet(customer.wallet_id, ledger.balance(session, customer.wallet_id), currency)
