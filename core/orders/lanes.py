"""Who would make what is about to be bought: asked before it is paid for, whether an account exists."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import catalog, supply
from core.database import read
from core.orders.drawing import way_of


@read
def first_lane(session: Session, *, sku_id: int) -> str | None:
    """The lane of the source that a denomination would be drawn from first; None when nothing of it sells."""
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    offers = supply.ranked(session, [sku_id])
    return None if product is None or not offers else way_of(product, offers[0]).lane
