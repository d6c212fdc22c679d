"""Batches as the staff and their suppliers see them, how old a shelf is, and voiding what is unsold of a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from core import journal
from core.database import among, now, read, tools, write
from core.inventory.tables import Batch, BatchState, Code


@dataclass(frozen=True, slots=True)
class BatchView:
    """A delivery of codes: who brought it, from which file, and how many codes it was of."""

    id: int
    offer_id: int
    sku_id: int
    by: str
    source_name: str
    made_at: datetime
    accepted: int
    on_sale: bool
    by_link: bool
    document_id: int | None


@dataclass(frozen=True, slots=True)
class BatchPlaces:
    """Where the codes of a batch are now."""

    staged: int
    available: int
    held: int
    sold: int
    void: int


def _view(row: Batch) -> BatchView:
    return BatchView(
        row.id,
        row.offer_id,
        row.sku_id,
        row.by,
        row.source_name,
        row.made_at,
        row.accepted,
        row.state is BatchState.PUBLISHED,
        row.link_id is not None,
        row.document_id,
    )


@read
def batches_of(session: Session, offer_ids: Collection[int], *, before: int | None = None, limit: int = 10) -> list[BatchView]:
    """The batches of these offers that came in, the newest first; `before` is the id to go on after."""
    question = select(Batch).where(among(session, Batch.offer_id, offer_ids), Batch.state != BatchState.REJECTED)
    if before:
        question = question.where(Batch.id < before)
    return [_view(row) for row in session.scalars(question.order_by(Batch.id.desc()).limit(limit))]


@read
def batch(session: Session, batch_id: int) -> BatchView | None:
    """One batch; None when there is none or it was put aside."""
    row = session.get(Batch, batch_id)
    return None if row is None or row.state is BatchState.REJECTED else _view(row)


@read
def batch_places(session: Session, batch_id: int) -> BatchPlaces:
    """Where its codes are."""
    row = session.execute(
        select(
            func.count(Code.staged),
            func.count(Code.available),
            func.count(Code.hold_id),
            func.count(Code.order_id),
            func.count(Code.void_at),
        ).where(Code.batch_id == batch_id)
    ).one()
    return BatchPlaces(*row)


@read
def shelved_since(session: Session, offer_ids: Collection[int]) -> dict[int, datetime]:
    """When the oldest code came in that is on the shelf of each of these offers; offers with an empty shelf are left out.

    The shelf is sorted first in, first out, so it is one look at its head.
    """
    found = {}
    for offer_id in offer_ids:
        at = session.scalar(
            select(Batch.made_at)
            .join(Code, Code.batch_id == Batch.id)
            .where(Code.offer_id == offer_id, Code.available.is_not(None))
            .order_by(Code.available)
            .limit(1)
        )
        if at is not None:
            found[offer_id] = at
    return found


@write
def void_batch(session: Session, *, batch_id: int, by: str, most: int = 2000) -> tuple[int, bool]:
    """Take up to `most` codes of a batch off the shelf for ever; returns how many, and whether there may be more: then call again.

    What is held for a payment or sold stays where it is.
    """
    row = session.get_one(Batch, batch_id)
    ids = session.scalars(
        select(Code.id)
        .where(Code.batch_id == batch_id, Code.offer_id == row.offer_id, Code.available.is_not(None))
        .order_by(Code.available)
        .limit(most)
        .with_for_update()
    ).all()
    if not ids:
        return 0, False
    tools(session).low_water.clear()
    session.execute(
        update(Code).where(among(session, Code.id, ids)).values(available=None, void_at=now(session)),
        execution_options={"synchronize_session": False},
    )
    journal.record(session, by=by, did="void-batch", about="batch", about_id=batch_id, before={"shelf": len(ids)}, after={"void": len(ids)})
    return len(ids), len(ids) == most


@read
def published_batches(session: Session, *, offer_ids: Collection[int], unless: Select[int], most: int) -> Sequence[BatchView]:
    """Batches of these offers that are on sale and held codes, the oldest first, but for those whose ids `unless` selects."""
    rows = session.scalars(
        select(Batch)
        .where(
            among(session, Batch.offer_id, offer_ids),
            Batch.state == BatchState.PUBLISHED,
            Batch.accepted > 0,
            Batch.published_at.is_not(None),
            Batch.id.not_in(unless),
        )
        .order_by(Batch.id)
        .limit(most)
    )
    return [_view(row) for row in rows]


@read
def sold_of_batches(session: Session, batch_ids: Collection[int]) -> dict[int, int]:
    """How many codes of each of these batches are with an order."""
    rows = session.execute(
        select(Code.batch_id, func.count())
        .where(among(session, Code.batch_id, batch_ids), Code.order_id.is_not(None))
        .group_by(Code.batch_id)
    )
    return dict(rows.all())
