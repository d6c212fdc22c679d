"""What sells at the moment: units by denomination, of everybody and of one buyer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from core.database import now, read
from core.orders.queries import newest
from core.orders.tables import Order, OrderLine, OrderState

MOST_ORDERS = 20_000  # are looked at, however many there were
_SOLD = (OrderState.FULFILLING, OrderState.ISSUED)


@dataclass(frozen=True, slots=True)
class Selling:
    """How many of a denomination were sold lately, and how many of them to the buyer who asks."""

    sku_id: int
    units: int
    own_units: int


@read
def selling(session: Session, *, storefront_id: int, buyer_id: int, days: int) -> list[Selling]:
    """The denominations sold in the last days (of the newest MOST_ORDERS orders), the most sold first."""
    own = case((Order.buyer_id == buyer_id, OrderLine.quantity), else_=0)
    units = func.sum(OrderLine.quantity)
    rows = session.execute(
        select(OrderLine.sku_id, units, func.sum(own))
        .join(Order, Order.id == OrderLine.order_id)
        .where(
            OrderLine.order_id > newest(session) - MOST_ORDERS,
            Order.storefront_id == storefront_id,
            Order.state.in_(_SOLD),
            Order.placed_at >= now(session) - timedelta(days=days),
        )
        .group_by(OrderLine.sku_id)
        .order_by(units.desc(), OrderLine.sku_id)
    ).all()
    return [Selling(sku_id, int(n), int(mine or 0)) for sku_id, n, mine in rows]
