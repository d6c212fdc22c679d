"""Cases about the goods of single offers, as their supplier sees them: nothing in them says who bought."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import inventory
from core.aftersale.tables import Case, CaseState, Reason
from core.database import among, read


@dataclass(frozen=True, slots=True)
class CaseOfOffer:
    """An undecided case: which code (its first and last characters), what is said to be wrong, and what it freezes of the earnings."""

    id: int
    offer_id: int
    sku_id: int
    masked: str
    reason: Reason
    state: CaseState
    opened_at: datetime
    frozen_minor: int
    frozen_currency: str


@read
def open_of_offers(session: Session, offer_ids: Collection[int], *, limit: int = 10) -> list[CaseOfOffer]:
    """The undecided cases about codes of these offers, the oldest first."""
    rows = session.scalars(
        select(Case).where(among(session, Case.offer_id, offer_ids), Case.state != CaseState.DECIDED).order_by(Case.id).limit(limit)
    ).all()
    masks = inventory.masked(session, [row.code_id for row in rows])
    return [
        CaseOfOffer(
            row.id,
            row.offer_id,
            row.sku_id,
            masks.get(row.code_id, "••••"),
            row.reason,
            row.state,
            row.opened_at,
            row.frozen_minor,
            row.frozen_currency,
        )
        for row in rows
    ]


@read
def count_open_of_offers(session: Session, offer_ids: Collection[int]) -> int:
    """How many undecided cases are about codes of these offers."""
    question = select(func.count()).select_from(Case).where(among(session, Case.offer_id, offer_ids), Case.state != CaseState.DECIDED)
    return session.scalar(question) or 0
