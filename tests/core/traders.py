"""Props of the supply side: a supplier with members and an offer of their own, with codes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, update

from core import inventory, supply
from core.database import Shop, write
from core.inventory import Secret
from core.storefronts import Storefront
from core.supply import SourceClass, Standing, SupplierView
from core.supply.tables import Offer, Source
from tests.stage import Goods, numbers, put_on_sale, stock


async def trader(shop: Shop, name: str = "Acme", standing: Standing = Standing.TRUSTED, telegram_id: int | None = None) -> SupplierView:
    """Somebody who brings goods."""
    return await shop.write(supply.new_supplier, name=name, standing=standing, telegram_id=telegram_id or 8_000_000 + next(numbers))


@write
def _offer(session: Any, supplier_id: int, sku_id: int, cost_minor: int, rank: int) -> int:
    row = Offer(
        supplier_id=supplier_id,
        sku_id=sku_id,
        cost_minor=cost_minor,
        cost_currency="CNY",
        payable_id=supply.payable(session, supplier_id=supplier_id, currency="CNY"),
        since=session.info["tools"].clock(),
        source_class=SourceClass.OWN_STOCK,
    )
    session.add(row)
    session.flush()
    session.add(Source(sku_id=sku_id, rank=rank, offer_id=row.id, version=1))
    return row.id


async def consigned(shop: Shop, goods: Goods, supplier_id: int, *, count: int = 5, cost_minor: int = 8500, rank: int = 2) -> int:
    """An offer of this supplier of the denomination, with codes; returns its id."""
    offer_id = await shop.write(_offer, supplier_id, goods.sku_id, cost_minor, rank)
    if count:
        await stock(shop, offer_id, goods.sku_id, count)
    return offer_id


@write
def _alone(session: Any, offer_id: int, sku_id: int) -> None:
    session.execute(delete(Source).where(Source.sku_id == sku_id, Source.offer_id != offer_id))
    session.execute(update(Source).where(Source.offer_id == offer_id).values(rank=1))


async def theirs_alone(shop: Shop, storefront: Storefront, supplier_id: int, *, count: int = 5) -> Goods:
    """A denomination that nobody has but this supplier: `offer_id` is theirs."""
    goods = await put_on_sale(shop, storefront, count=0)
    goods.offer_id = await consigned(shop, goods, supplier_id, count=count)
    await shop.write(_alone, goods.offer_id, goods.sku_id)
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
