"""Promotion and demotion by volume: the turnover of the storefront's window against what levels ask for."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import journal, orders, payments, people, storefronts
from core.database import now, write
from core.resellers.joined import move
from core.resellers.levels import levels, window_days
from core.resellers.rules import moves_to
from core.resellers.tables import Level, Reseller

LOOK_AGAIN = timedelta(hours=1)  # nobody's turnover is counted more often
BY = "shop"  # who moves them in the action log


@write
def review_levels(session: Session, *, most: int = 50) -> int:
    """Count the turnover of the resellers who were not looked at for longest, and move who has earned another level.

    The reseller and the staff are told of a move. Who is pinned, or at a level that only the staff give, stays. Returns how many were
    looked at. Several processes may do this at once.
    """
    at = now(session)
    due = (
        select(Reseller)
        .where(Reseller.ended_at.is_(None), or_(Reseller.looked_at.is_(None), Reseller.looked_at <= at - LOOK_AGAIN))
        .order_by(Reseller.looked_at, Reseller.customer_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(due).all()
    for storefront_id in sorted({row.storefront_id for row in rows}):
        theirs = [row for row in rows if row.storefront_id == storefront_id]
        window = timedelta(days=window_days(session, storefront_id=storefront_id))
        steps = [one.step for one in levels(session, storefront_id=storefront_id)]
        turnover = orders.turnover_of(session, buyer_ids=[row.customer_id for row in theirs], since=at - window)
        for row in theirs:
            row.turnover_minor, row.looked_at = turnover.get(row.customer_id, 0), at
            customer = people.by_id(session, row.customer_id)
            if row.pinned or not customer.wholesale:
                continue
            settled = row.level_since + window <= at
            moves, to = moves_to(steps, customer.level_id, row.turnover_minor, settled=settled)
            if moves and to != customer.level_id:
                _moved(session, row, customer, None if to is None else session.get_one(Level, to))
    session.flush()
    return len(rows)


def _moved(session: Session, row: Reseller, customer: people.Customer, level: Level | None) -> None:
    before = {"level": customer.level_id or 0}
    move(session, row, customer, level, by_hand=False)
    after = {"level": 0 if level is None else level.id, "turnover_minor": row.turnover_minor}
    journal.record(session, by=BY, did="set-level", about="customer", about_id=customer.id, before=before, after=after)
    body = {
        "says": "reseller-moved",
        "customer": customer.id,
        "level": None if level is None else level.name,
        "turnover_minor": row.turnover_minor,
        "currency": storefronts.by_id(session, row.storefront_id).currency,
    }
    once = f"reseller-moved:{customer.id}:{row.level_since.isoformat()}"
    payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=once)
