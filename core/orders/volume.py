"""How much customers have bought lately, less what was given back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.orm import Session

from core.database import read
from core.orders.tables import Order, OrderState, Refund

_PAID = (OrderState.ISSUED, OrderState.FULFILLING, OrderState.REFUNDED)


@read
def turnover_of(session: Session, *, buyer_ids: Collection[int], since: datetime) -> dict[int, int]:
    """What each of these customers paid for orders placed since then, in minor units of their storefront, less its refunds."""
    if not buyer_ids:
        return {}
    theirs = (Order.buyer_id.in_(buyer_ids), Order.placed_at >= since, Order.state.in_(_PAID))
    paid = session.execute(select(Order.buyer_id, func.sum(Order.total_minor)).where(*theirs).group_by(Order.buyer_id)).all()
    back = session.execute(
        select(Order.buyer_id, func.sum(Refund.amount_minor))
        .join(Refund, Refund.order_id == Order.id)
        .where(*theirs)
        .group_by(Order.buyer_id)
    ).all()
    returned = {buyer_id: int(minor) for buyer_id, minor in back}
    return {buyer_id: int(minor) - returned.get(buyer_id, 0) for buyer_id, minor in paid}


_WEEK_MICROS = 7 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Trade:
    """What somebody has bought: paid and refunded in minor units, and in how many different weeks."""

    paid_minor: int
    refunded_minor: int
    weeks: int


@read
def trade_of(session: Session, *, buyer_id: int, since: datetime) -> Trade:
    """What this customer has bought by orders placed since then; a week is one of those that are counted from 1970 on."""
    theirs = (Order.buyer_id == buyer_id, Order.placed_at >= since, Order.state.in_(_PAID))
    week = type_coerce(Order.placed_at, BigInteger) // _WEEK_MICROS
    paid, refunded, weeks = session.execute(
        select(
            func.coalesce(func.sum(Order.total_minor), 0), func.coalesce(func.sum(Order.refunded_minor), 0), func.count(week.distinct())
        ).where(*theirs)
    ).one()
    return Trade(int(paid), int(refunded), int(weeks))
