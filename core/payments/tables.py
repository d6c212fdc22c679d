"""Payments: what a customer was asked to pay by a provider, and every event the provider reported, once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id
from core.ports import DisputeState


class IntentState(StrEnum):
    CREATED = "created"
    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"
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
        Index(
            "ix_payment_intents_tidy",
            "provider",
            "tidy_at",
            postgresql_where=text("tidy_at IS NOT NULL"),
            sqlite_where=text("tidy_at IS NOT NULL"),
        ),
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
    reference: Mapped[str | None] = mapped_column(String(32))  # what it is called at its provider; empty: its bare number
    # When what is left of a payment that we have ended is to be put away: its page at the provider, and its link in the chat.
    tidy_at: Mapped[datetime | None]
    reversible: Mapped[bool] = mapped_column(server_default=false())  # whoever pays this way can take the money back
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


_MOVED_BACK = text("kind IN ('part-back', 'disputed', 'reinstated')")


class PaymentEvent(Base):
    """Something a provider reported; the same event is recorded, and acted on, once."""

    __tablename__ = "payment_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_key", name="uq_payment_event_once"),
        Index("ix_payment_events_of", "intent_id"),
        Index("ix_payment_events_key", "event_key"),
        Index("ix_payment_events_since", "provider", "at"),
        Index("ix_payment_events_back", "at", postgresql_where=_MOVED_BACK, sqlite_where=_MOVED_BACK),
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
    # Of a dispute's money: what the provider took for its own trouble besides, or, below zero, gave back of that.
    charged_minor: Mapped[int] = mapped_column(server_default=text("0"))


class Dispute(Base):
    """A payer has asked their bank for the money of a payment back; as its provider last told it."""

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("provider", "dispute_key", name="uq_dispute_once"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_when_decided"),
        Index("ix_disputes_of_customer", "customer_id", "state"),
        Index("ix_disputes_of", "intent_id"),
    )

    id: Mapped[Id]
    provider: Mapped[str] = mapped_column(String(16))
    dispute_key: Mapped[str] = mapped_column(String(150))
    event_key: Mapped[str] = mapped_column(String(200))  # of the payment
    intent_id: Mapped[int] = mapped_column(ForeignKey("payment_intents.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(80))
    state: Mapped[DisputeState]
    due_at: Mapped[datetime | None]  # until when the shop may show its evidence
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class PaymentReturn(Base):
    """A part of a payment that its provider gave back to the payer, or took for a dispute, without being asked by us.

    Its worth left the wallet as far as it was there; the rest is a loss, as long as it is neither regained nor reinstated.
    """

    __tablename__ = "payment_returns"
    __table_args__ = (
        UniqueConstraint("provider", "return_key", name="uq_return_once"),
        CheckConstraint("amount_minor > 0 AND worth_minor = taken_minor + lost_minor", name="taken_or_lost"),
        CheckConstraint("taken_minor >= 0 AND lost_minor >= 0 AND regained_minor >= 0 AND loss_back_minor >= 0", name="not_negative"),
        CheckConstraint("regained_minor + loss_back_minor <= lost_minor", name="regained_at_most_lost"),
        CheckConstraint("back_minor <= amount_minor AND back_worth_minor <= worth_minor", name="reinstated_at_most_taken"),
        Index("ix_payment_returns_of", "intent_id"),
    )

    id: Mapped[Id]
    provider: Mapped[str] = mapped_column(String(16))
    return_key: Mapped[str] = mapped_column(String(150))
    event_key: Mapped[str] = mapped_column(String(200))  # of the payment
    intent_id: Mapped[int] = mapped_column(ForeignKey("payment_intents.id"))
    dispute_id: Mapped[int | None] = mapped_column(ForeignKey("disputes.id"))
    amount_minor: Mapped[int]  # of the payment's currency
    fee_minor: Mapped[int]  # of it: what the payer had borne of the provider's fee
    worth_minor: Mapped[int]  # the rest in the shop's currency
    taken_minor: Mapped[int]  # of the worth: from the wallet
    lost_minor: Mapped[int]  # of the worth: what the wallet did not hold
    regained_minor: Mapped[int] = mapped_column(default=0)  # of what was lost: kept of a refund, as the payer has it already
    back_minor: Mapped[int] = mapped_column(default=0)  # of the amount: reinstated by the provider
    back_worth_minor: Mapped[int] = mapped_column(default=0)  # of the worth: the same
    loss_back_minor: Mapped[int] = mapped_column(default=0)  # of what was lost: the same
    at: Mapped[datetime]
