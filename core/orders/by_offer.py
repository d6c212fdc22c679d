"""How much of each offer was sold lately."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import ledger
from core.database import now, read
from core.orders.tables import Order, OrderLine, OrderState


@read
def units_by_offer(session: Session, *, since: datetime) -> dict[int, int]:
    """Units of orders issued since then, by their offers; what was refunded afterwards was sold all the same."""
    paid = ledger.causes(session, kind=ledger.TransferKind.SALE, since=since, until=now(session))
    rows = session.execute(
        select(OrderLine.offer_id, func.sum(OrderLine.quantity))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.id.in_(paid), Order.state.in_((OrderState.ISSUED, OrderState.REFUNDED)), Order.issued_at >= since)
        .group_by(OrderLine.offer_id)
    )
    return {offer_id: int(units) for offer_id, units in rows}
