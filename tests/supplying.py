"""Props of the suppliers' tests: a supplier with people and offers, and goods of theirs on sale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core import onboarding, supply
from core.database import Shop
from core.onboarding import PaperKind
from core.storefronts import Storefront
from core.supply import SourceClass, Standing
from tests.stage import Goods, put_on_sale


@dataclass
class Supplied:
    """A supplier's offer of a denomination that the shop itself has none of."""

    supplier_id: int
    offer_id: int
    goods: Goods


async def supplied(
    shop: Shop,
    storefront: Storefront,
    telegram_id: int,
    *,
    name: str = "Cards of Lin",
    standing: Standing = Standing.AUTHORISED,
    papered: bool = True,
    cost_minor: int = 8500,
    goods: Goods | None = None,
) -> Supplied:
    """A supplier whose person this is, with one offer, resting on a paper that the staff have seen."""
    goods = goods or await put_on_sale(shop, storefront, count=0)
    supplier = await shop.write(supply.new_supplier, name=name, standing=standing, telegram_id=telegram_id)
    document_id = None
    if papered:
        facts: dict[str, Any] = {"kind": PaperKind.AUTHORISATION, "scope": "Steam, PSN and the like", "by": "test"}
        document_id = await shop.write(onboarding.add_document, supplier_id=supplier.id, storefront_id=storefront.id, **facts)
    offer = await shop.write(
        supply.new_offer,
        supplier_id=supplier.id,
        sku_id=goods.sku_id,
        cost_minor=cost_minor,
        cost_currency="CNY",
        source_class=SourceClass.AUTHORISED,
        document_id=document_id,
        by="test",
    )
    return Supplied(supplier.id, offer.id, goods)
