"""Props of the supply side: a supplier with members and an offer of their own, with codes."""

from __future__ import annotations

from core import inventory, supply
from core.database import Shop
from core.inventory import Secret
from core.storefronts import Storefront
from core.supply import SourceClass, Standing, SupplierView
from tests.stage import Goods, numbers, put_on_sale, stock


async def trader(shop: Shop, name: str = "Acme", standing: Standing = Standing.TRUSTED, telegram_id: int | None = None) -> SupplierView:
    """Somebody who brings goods."""
    return await shop.write(supply.new_supplier, name=name, standing=standing, telegram_id=telegram_id or 8_000_000 + next(numbers))


async def consigned(shop: Shop, goods: Goods, supplier_id: int, *, count: int = 5, cost_minor: int = 8500) -> int:
    """An offer of this supplier of the denomination, with codes; returns its id."""
    made = await shop.write(
        supply.new_offer,
        supplier_id=supplier_id,
        sku_id=goods.sku_id,
        cost_minor=cost_minor,
        cost_currency="CNY",
        source_class=SourceClass.OWN_STOCK,
        by="test",
    )
    if count:
        await stock(shop, made.id, goods.sku_id, count)
    return made.id


async def theirs_alone(shop: Shop, storefront: Storefront, supplier_id: int, *, count: int = 5) -> Goods:
    """A denomination that nobody has but this supplier: `offer_id` is theirs."""
    goods = await put_on_sale(shop, storefront, count=0)
    own, goods.offer_id = goods.offer_id, await consigned(shop, goods, supplier_id, count=count)
    await shop.write(supply.withdraw_offer, offer_id=own, by="test")
    return goods


async def bring(shop: Shop, goods: Goods, codes: list[str], offer_id: int | None = None) -> inventory.ImportReceipt:
    """Import exactly these codes."""
    return await inventory.bring_in(
        shop,
        offer_id=offer_id or goods.offer_id,
        sku_id=goods.sku_id,
        source_name="test",
        by="test",
        lines=((row, Secret(None, code)) for row, code in enumerate(codes, 1)),
    )
