"""Where one code is, found by the code itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core.database import keys, read
from core.inventory.codes import Secret
from core.inventory.tables import Batch, Code, Hold


@dataclass(frozen=True, slots=True)
class CodePlace:
    """Where a code is: `place` is staged, shelf, held, sold or void; the order is the one it was sold to or is held for."""

    code_id: int
    sku_id: int
    batch_id: int
    source_name: str
    row: int
    brought_by: str
    brought_at: datetime
    place: str
    order_id: int | None


@read
def find_code(session: Session, secret: Secret) -> CodePlace | None:
    """The code that is this secret, however it was typed; None when the shop never had it."""
    return _found(session, Code.fingerprint == keys(session).fingerprint(secret.joined()))


@read
def code_place(session: Session, code_id: int) -> CodePlace | None:
    """Where the code of this id is."""
    return _found(session, Code.id == code_id)


def _found(session: Session, which: ColumnElement[bool]) -> CodePlace | None:
    found = session.execute(
        select(Code, Batch, Hold.order_id).join(Batch, Batch.id == Code.batch_id).outerjoin(Hold, Hold.id == Code.hold_id).where(which)
    ).one_or_none()
    if found is None:
        return None
    code, batch, held_for = found
    places: dict[str, Any] = {
        "staged": code.staged,
        "shelf": code.available,
        "held": code.hold_id,
        "sold": code.order_id,
        "void": code.void_at,
    }
    return CodePlace(
        code.id,
        batch.sku_id,
        batch.id,
        batch.source_name,
        code.row,
        batch.by,
        batch.made_at,
        next(name for name, value in places.items() if value is not None),
        code.order_id or held_for,
    )
