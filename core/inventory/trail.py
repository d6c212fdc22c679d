"""What became of each code of a batch, for an export: where it is, and never what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.database import read, write
from core.inventory.tables import Code


@dataclass(frozen=True, slots=True)
class BatchCode:
    """A code by its id and its line in what was brought. `place` is staged, available, held, sold, refunded or void.

    `order_id` is whose it is; `at` is when it was refunded or made void.
    """

    code_id: int
    row: int
    place: str
    order_id: int | None
    at: datetime | None


@read
def codes_of_batch(session: Session, batch_id: int, *, after: int = 0, limit: int = 10_000) -> list[BatchCode]:
    """Up to so many codes of a batch with ids above `after`, by id."""
    rows = session.execute(
        select(Code.id, Code.row, Code.staged, Code.available, Code.hold_id, Code.order_id, Code.void_at, Code.refunded_at)
        .where(Code.batch_id == batch_id, Code.id > after)
        .order_by(Code.id)
        .limit(limit)
    )
    return [
        BatchCode(code_id, row, _place(staged, available, hold_id, void_at, refunded_at), order_id, refunded_at or void_at)
        for code_id, row, staged, available, hold_id, order_id, void_at, refunded_at in rows
    ]


def _place(staged: int | None, available: int | None, hold_id: int | None, void_at: datetime | None, refunded_at: datetime | None) -> str:
    places = {"staged": staged, "available": available, "held": hold_id, "void": void_at, "refunded": refunded_at}
    return next((name for name, value in places.items() if value is not None), "sold")


@write
def note_export(session: Session, *, batch_id: int, by: str, codes: int) -> None:
    """Keep who took the trail of a batch out of the shop, and how many codes it names."""
    journal.record(session, by=by, did="export-batch", about="batch", about_id=batch_id, after={"codes": codes})
