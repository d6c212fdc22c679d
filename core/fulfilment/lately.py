"""What those who keep an eye on sources ask of tasks: what is over since when, and what was promised and not asked for yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import supply
from core.database import among, read
from core.fulfilment.tables import Task, TaskState


@dataclass(frozen=True, slots=True)
class Delivered:
    """A task that brought something, by the number its source knows it by."""

    id: int
    number: str
    source_ref: str | None


@dataclass(frozen=True, slots=True)
class LaneLoad:
    """How much of a lane is under way, and how much of that nobody knows the outcome of."""

    open: int = 0
    unknown: int = 0


@read
def delivered_lately(session: Session, *, lane: str, since: datetime, after: int, most: int) -> Sequence[Delivered]:
    """Tasks of a lane that ended with something since then and were not all taken back, the oldest first, from the one after `after` on."""
    rows = session.execute(
        select(Task.id, Task.number, Task.source_ref)
        .where(Task.lane == lane, Task.id > after, Task.state == TaskState.DONE, Task.ended_at >= since, Task.reversed_units < Task.got)
        .order_by(Task.id)
        .limit(most)
    ).all()
    return [Delivered(*row) for row in rows]


@read
def ended_skus(session: Session, *, since: datetime) -> set[int]:
    """The denominations of tasks that ended since then: what became of them may say something of their sources."""
    return set(session.scalars(select(Task.sku_id).where(Task.ended_at >= since)))


@read
def not_asked_for(session: Session, offer_ids: Collection[int]) -> dict[int, int]:
    """How many units of these offers were sold and not yet asked for at their source: it still counts them among its own."""
    rows = session.execute(
        select(Task.offer_id, func.sum(Task.quantity - Task.got))
        .where(Task.offer_id.in_(offer_ids), Task.ended_at.is_(None), Task.asked_at.is_(None))
        .group_by(Task.offer_id)
    ).all()
    found = {offer_id: int(units) for offer_id, units in rows}
    return {offer_id: found.get(offer_id, 0) for offer_id in offer_ids}


@read
def unasked_forbidden(session: Session, *, most: int) -> Sequence[int]:
    """The ids of open tasks that nobody was asked for yet, and whose offers' goods must not be sold; those of held orders wait."""
    unasked = (Task.ended_at.is_(None), Task.asked_at.is_(None), Task.held.is_(False))
    offer_ids = session.scalars(select(Task.offer_id).where(*unasked).distinct()).all()
    forbidden = supply.forbidden(session, offer_ids)
    if not forbidden:
        return []
    return session.scalars(
        select(Task.id).where(*unasked, among(session, Task.offer_id, sorted(forbidden))).order_by(Task.id).limit(most)
    ).all()


@read
def lane_load(session: Session, lane: str) -> LaneLoad:
    """What is under way in a lane now."""
    rows = session.execute(select(Task.state, func.count()).where(Task.lane == lane, Task.ended_at.is_(None)).group_by(Task.state)).all()
    counted = {state: int(count) for state, count in rows}
    return LaneLoad(sum(counted.values()), counted.get(TaskState.UNKNOWN, 0))


@read
def unknown_of(session: Session, lane: str, *, most: int) -> Sequence[int]:
    """The ids of the tasks of a lane whose outcome nobody knows, the oldest first."""
    rows = session.scalars(
        select(Task.id).where(Task.lane == lane, Task.ended_at.is_(None), Task.state == TaskState.UNKNOWN).order_by(Task.id).limit(most)
    )
    return rows.all()
