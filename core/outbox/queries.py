"""Asking the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import read
from core.outbox.tables import Message, Topic


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages are open and parked, and since when the oldest open one has waited."""

    open: int
    parked: int
    oldest_made_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an order's message."""

    id: int
    made_at: datetime
    done_at: datetime | None
    parked_at: datetime | None
    attempts: int
    trouble: str | None


@read
def waiting(session: Session) -> Waiting:
    """The state of the queue, for health and metrics."""
    open_ = Message.done_at.is_(None)
    count, oldest = session.execute(select(func.count(), func.min(Message.made_at)).where(open_, Message.parked_at.is_(None))).one()
    parked = session.scalar(select(func.count()).select_from(Message).where(open_, Message.parked_at.is_not(None)))
    return Waiting(count, parked or 0, oldest)


@read
def unsent(session: Session, *, topic: Topic, once_prefix: str) -> tuple[int, int]:
    """How many messages posted under keys with this beginning are still to be sent, and how many are parked.

    Both are counted over what is unfinished only, so the cost does not grow with what was ever sent.
    """
    these = (Message.topic == topic, Message.once.startswith(once_prefix, autoescape=True), Message.done_at.is_(None))
    counted = [
        session.scalar(select(func.count()).select_from(Message).where(*these, where))
        for where in (Message.parked_at.is_(None), Message.parked_at.is_not(None))
    ]
    return counted[0] or 0, counted[1] or 0


@read
def of_order(session: Session, *, order_id: int) -> list[Delivery]:
    """The deliveries of an order, oldest first."""
    rows = session.scalars(select(Message).where(Message.order_id == order_id, Message.topic == Topic.DELIVERY).order_by(Message.id)).all()
    return [Delivery(m.id, m.made_at, m.done_at, m.parked_at, m.attempts, m.trouble) for m in rows]
