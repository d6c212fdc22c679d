"""How many orders each source had a part in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import now, read
from core.orders.tables import Order, OrderLine, OrderState
from core.spans import written_between


@read
def sold_by_offer(session: Session, *, since: datetime) -> dict[int, int]:
    """Of how many orders placed since then, and issued, each offer gave codes."""
    placed = written_between(session, Order.id, Order.placed_at, since, now(session))
    rows = session.execute(
        select(OrderLine.offer_id, func.count(OrderLine.order_id.distinct()))
        .join(Order, Order.id == OrderLine.order_id)
        .where(placed, Order.state.in_((OrderState.ISSUED, OrderState.REFUNDED)))
        .group_by(OrderLine.offer_id)
    )
    return {offer_id: int(n) for offer_id, n in rows}
