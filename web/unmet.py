"""What programs ask for and cannot have is noted for those who bring goods, by every door in the same way."""

from __future__ import annotations

from typing import Any

from core import api, orders, settlement
from core.api import ApiOrder, Key
from core.database import Shop


async def ordered(shop: Shop, key: Key, *, sku_id: int, quantity: int, **asked: Any) -> ApiOrder:
    """`api.order` for a key; what was sold out, or of which fewer were had, is noted. Raises what it raises."""
    try:
        found = await shop.write(api.order, key_id=key.id, sku_id=sku_id, quantity=quantity, **asked)
    except orders.SoldOut as short:
        lacks(key, sku_id, quantity - short.left)
        raise
    if asked.get("partial") and not found.repeated:
        lacks(key, sku_id, quantity - await _units(shop, found))
    return found


def lacks(key: Key, sku_id: int, units: int) -> None:
    """The owner of this key asked for so many more than there are; a sandbox key asks for nothing."""
    if units > 0 and not key.sandbox:
        settlement.note_missed(key.storefront_id, key.customer_id, sku_id=sku_id, units=units)


async def _units(shop: Shop, found: ApiOrder) -> int:
    """How many were sold; of what is on its way the answer does not say it yet."""
    if found.state in ("done", "partly"):
        return found.got
    detail = await shop.read(orders.detail, order_id=found.order_id)
    return found.quantity if detail is None else detail.card.quantity
