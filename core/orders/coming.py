"""What orders that are on their way will owe a supplier when their goods have come."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import fulfilment
from core.database import among, read
from core.orders.tables import Order, OrderLine, OrderState


@read
def cost_on_its_way(session: Session, *, offer_ids: Collection[int], currency: str) -> int:
    """What the units of these offers cost in orders whose money still waits, in minor units: nobody is credited with them yet."""
    waiting = fulfilment.orders_with_open_tasks(session)
    if not waiting or not offer_ids:
        return 0
    cost = select(func.coalesce(func.sum(OrderLine.quantity * OrderLine.unit_cost_minor), 0)).join(Order, Order.id == OrderLine.order_id)
    theirs = (among(session, OrderLine.offer_id, sorted(offer_ids)), OrderLine.cost_currency == currency)
    found = session.scalar(cost.where(among(session, Order.id, sorted(waiting)), Order.state == OrderState.FULFILLING, *theirs))
    return int(found or 0)
