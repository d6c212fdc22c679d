"""How far broadcasts are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import outbox
from core.database import read
from core.promotion.tables import Broadcast

DRAFT = -1  # in `upto_customer_id`: typed, but not begun


def once_prefix(broadcast_id: int) -> str:
    """How the outbox keys of a broadcast begin."""
    return f"broadcast:{broadcast_id}:"


@dataclass(frozen=True, slots=True)
class BroadcastView:
    """A broadcast and what became of its messages: posted = sent + parked + left."""

    id: int
    storefront_id: int
    by: str
    text: str
    made_at: datetime
    begun: bool
    posting_done: bool
    stopped: bool
    posted: int
    sent: int
    parked: int
    left: int


@read
def broadcast(session: Session, broadcast_id: int) -> BroadcastView | None:
    """One broadcast with its progress."""
    row = session.get(Broadcast, broadcast_id)
    return None if row is None else _view(session, row)


@read
def broadcasts(session: Session, *, storefront_id: int, limit: int = 10) -> list[BroadcastView]:
    """The newest broadcasts that were begun, newest first."""
    rows = session.scalars(
        select(Broadcast)
        .where(Broadcast.storefront_id == storefront_id, Broadcast.upto_customer_id != DRAFT)
        .order_by(Broadcast.id.desc())
        .limit(limit)
    )
    return [_view(session, row) for row in rows]


def _view(session: Session, row: Broadcast) -> BroadcastView:
    left, parked = outbox.unsent(session, topic=outbox.Topic.BROADCAST, once_prefix=once_prefix(row.id))
    return BroadcastView(
        row.id,
        row.storefront_id,
        row.by,
        row.text,
        row.made_at,
        row.upto_customer_id != DRAFT,
        row.posted_at is not None,
        row.stopped_at is not None,
        row.posted,
        row.posted - left - parked,
        parked,
        left,
    )
