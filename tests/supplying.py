"""Props of the suppliers' tests: a supplier with people and offers, and goods of theirs on sale."""

from __future__ import annotations

from dataclasses import dataclass

from core import supply
from core.database import Shop
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
    document_id: int | None = 1,
    cost_minor: int = 8500,
    goods: Goods | None = None,
) -> Supplied:
    """A supplier whose person this is, with one offer."""
    goods = goods or await put_on_sale(shop, storefront, count=0)
    supplier = await shop.write(supply.new_supplier, name=name, standing=standing, telegram_id=telegram_id)
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
