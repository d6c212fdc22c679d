"""How much customers have bought lately, less what was given back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
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
