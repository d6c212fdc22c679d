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
        Index("ix_payment_intents_due", "due_at", postgresql_where=text("due_at IS NOT NULL"), sqlite_where=text("due_at IS NOT NULL")),
        Index("ix_payment_intents_ref", "provider_ref"),
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
    amount_minor: Mapped[int]  # asked for, in the provider's currency, with the fee
    fee_minor: Mapped[int] = mapped_column(default=0)  # of it: what the payer bears of the provider's fee
    kept_minor: Mapped[int] = mapped_column(default=0)  # what the provider is expected to keep of it
    currency: Mapped[str] = mapped_column(String(8))
    worth_minor: Mapped[int]  # the same in the shop's currency: what the wallet is credited with
    worth_currency: Mapped[str] = mapped_column(String(8))
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("rates.id"))
    state: Mapped[IntentState]
    provider_ref: Mapped[str | None] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(2000))
    qr: Mapped[str | None] = mapped_column(String(2000))
    words: Mapped[str | None] = mapped_column(String(2000))
    screen_message_id: Mapped[int | None]  # the message in the payer's chat that turns into the link
    receipt: Mapped[str | None] = mapped_column(String(200))  # Telegram's id of the picture the payer sent
    receipt_is_photo: Mapped[bool | None]
    due_at: Mapped[datetime | None]  # when the provider is to be asked next; empty when there is nothing to ask
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # The amount is worth at the rate, and the fee, rounded up to a whole multiple of this.
    step_minor: Mapped[int] = mapped_column(default=1, server_default="1")


class Change(Base):
    """A change of an intent's state, with its cause."""

    __tablename__ = "payment_changes"
    __table_args__ = (Index("ix_payment_changes_of", "intent_id", "id"),)

    id: Mapped[Id]
    intent_id: Mapped[int] = mapped_column(ForeignKey("payment_intents.id"))
    state: Mapped[IntentState]
    cause: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class PaymentEvent(Base):
    """Something a provider reported; the same event is recorded, and acted on, once."""

    __tablename__ = "payment_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_key", name="uq_payment_event_once"),
        Index("ix_payment_events_of", "intent_id"),
        Index("ix_payment_events_key", "event_key"),
        Index("ix_payment_events_since", "provider", "at"),
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
