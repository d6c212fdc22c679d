"""Payments: what a customer was asked to pay by a provider, and every event the provider reported, once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class IntentState(StrEnum):
    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class Intent(Base):
    """A wish to pay: for an order, or for the wallet when it has none."""

    __tablename__ = "payment_intents"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("worth_minor > 0", name="worth_positive"),
        Index(
            "ix_payment_intents_open",
            "expires_at",
            postgresql_where=text("state IN ('created', 'pending')"),
            sqlite_where=text("state IN ('created', 'pending')"),
        ),
        Index("ix_payment_intents_of_customer", "customer_id", "id"),
        Index(
            "ix_payment_intents_of_order",
            "order_id",
            postgresql_where=text("order_id IS NOT NULL"),
            sqlite_where=text("order_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    provider: Mapped[str] = mapped_column(String(16))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    order_id: Mapped[int | None]
    amount_minor: Mapped[int]  # asked for, in the provider's currency
    currency: Mapped[str] = mapped_column(String(8))
    worth_minor: Mapped[int]  # the same in the shop's currency: what the wallet is credited with
    worth_currency: Mapped[str] = mapped_column(String(8))
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("rates.id"))
    state: Mapped[IntentState]
    provider_ref: Mapped[str | None] = mapped_column(String(200))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PaymentEvent(Base):
    """Something a provider reported; the same event is recorded, and acted on, once."""

    __tablename__ = "payment_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_key", name="uq_payment_event_once"),
        Index("ix_payment_events_of", "intent_id"),
    )

    id: Mapped[Id]
    provider: Mapped[str] = mapped_column(String(16))
    event_key: Mapped[str] = mapped_column(String(200))
    intent_id: Mapped[int | None] = mapped_column(ForeignKey("payment_intents.id"))
    kind: Mapped[str] = mapped_column(String(24))
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    verdict: Mapped[str] = mapped_column(String(32))  # what was made of it
    at: Mapped[datetime]
