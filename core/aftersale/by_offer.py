"""How many cases buyers won about codes of each offer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.aftersale.tables import Case, CaseState, Outcome
from core.database import read


@read
def lost_by_offer(session: Session, *, since: datetime) -> dict[int, int]:
    """Cases opened since then that ended with a replacement or a refund, by the offer the code came from."""
    rows = session.execute(
        select(Case.offer_id, func.count())
        .where(Case.opened_at >= since, Case.state == CaseState.DECIDED, Case.outcome.in_((Outcome.REPLACED, Outcome.REFUNDED)))
        .group_by(Case.offer_id)
    )
    return {offer_id: int(n) for offer_id, n in rows}
