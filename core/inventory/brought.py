"""What came in which batch, and how much of it is sold: for who keeps accounts of batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.database import among, read
from core.inventory.tables import Batch, BatchState, Code


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch whose codes are on sale; `accepted` is how many came."""

    id: int
    offer_id: int
    sku_id: int
    source_name: str
    by: str
    accepted: int
    published_at: datetime


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
    return [
        BatchView(row.id, row.offer_id, row.sku_id, row.source_name, row.by, row.accepted, row.published_at)
        for row in rows
        if row.published_at is not None
    ]


@read
def sold_of_batches(session: Session, batch_ids: Collection[int]) -> dict[int, int]:
    """How many codes of each of these batches are with an order."""
    rows = session.execute(
        select(Code.batch_id, func.count())
        .where(among(session, Code.batch_id, batch_ids), Code.order_id.is_not(None))
        .group_by(Code.batch_id)
    )
    return dict(rows.all())
