"""What must happen outside, as rows committed with the change that caused it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Topic(StrEnum):
    DELIVERY = "delivery"  # the codes of an order, to its buyer
    NOTICE = "notice"  # a sentence to a customer
    ALERT = "alert"  # a sentence to the admins; one row for each of them
    BROADCAST = "broadcast"
    CARD = "card"  # a message that is drawn again when what it shows has changed; it may be in a group


_OPEN = text("done_at IS NULL AND parked_at IS NULL")


class Message(Base):
    """One message to one person; never holds a code, only the order's id."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("once", name="uq_outbox_once"),
        Index("ix_outbox_due", "due_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index(
            "ix_outbox_parked",
            "customer_id",
            postgresql_where=text("parked_at IS NOT NULL"),
            sqlite_where=text("parked_at IS NOT NULL"),
        ),
        Index(
            "ix_outbox_of_order",
            "order_id",
            postgresql_where=text("order_id IS NOT NULL"),
            sqlite_where=text("order_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    topic: Mapped[Topic]
    customer_id: Mapped[int]  # to whom; for an alert, the admin's customer id
    order_id: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]  # a notice's name and facts
    once: Mapped[str | None] = mapped_column(String(120))  # the same message is posted once
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]  # also the end of a lease: a worker that dies gives it back by time
    lease: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int]
    done_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]  # the person blocked the bot; comes back at the next /start
    trouble: Mapped[str | None] = mapped_column(String(300))
    sent_message_id: Mapped[int | None]
