"""As what the buyer of an order bought it, kept with the sale: whoever they have become since."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.database import read
from core.orders.tables import Order


@dataclass(frozen=True, slots=True)
class BoughtAs:
    """The buyer of an order; `reseller` is None of orders that are older than this was kept, `level_id` is a level of resellers."""

    buyer_id: int
    reseller: bool | None
    level_id: int | None


@read
def bought_as(session: Session, order_id: int) -> BoughtAs | None:
    """Who bought this order, and as what; None when there is no such order."""
    row = session.get(Order, order_id)
    return None if row is None else BoughtAs(row.buyer_id, row.as_reseller, row.level_id)
