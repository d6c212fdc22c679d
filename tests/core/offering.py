"""Props of the tests about offers: suppliers, and what they offer."""

from __future__ import annotations

from typing import Any

from core import catalog, supply
from core.database import Shop
from core.supply import Offer, SourceClass, Standing
from tests.stage import Goods, numbers


async def supplier(shop: Shop, name: str = "Bright Cards") -> int:
    """Somebody who brings goods; returns the id."""
    found = await shop.write(supply.new_supplier, name=name, standing=Standing.TRUSTED, telegram_id=5_000_000 + next(numbers))
    return found.id


async def offered(shop: Shop, sku_id: int, *, cost_minor: int = 8500, supplier_id: int | None = None, **facts: Any) -> Offer:
    """A supplier's own offer of a denomination, consigned."""
    asked = {"cost_currency": "CNY", "source_class": SourceClass.AUTHORISED, "by": "test", **facts}
    who = supplier_id or await supplier(shop)
    return await shop.write(supply.new_offer, supplier_id=who, sku_id=sku_id, cost_minor=cost_minor, **asked)


async def under_quota(shop: Shop, goods: Goods, *, total_minor: int, off_bp: int = 1500) -> tuple[int, Offer]:
    """A supplier's offer of these goods, of face value 100.00, under a quota; returns the quota's id and the offer."""
    await shop.write(catalog.change_sku, goods.sku_id, face_value_minor=10_000, face_currency="CNY")
    who = await supplier(shop)
    quota_id = await shop.write(
        supply.new_quota, supplier_id=who, currency="CNY", face_total_minor=total_minor, discount_bp=off_bp, by="test"
    )
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    return quota_id, await offered(shop, goods.sku_id, supplier_id=who, quota_id=quota_id)
