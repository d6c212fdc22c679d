"""How much one order may take."""

from __future__ import annotations

from core import catalog
from core.database import Shop
from tests.admin.direct import at_the_desk
from tests.stage import Goods


async def test_one_order_takes_ten_thousand_codes_at_most(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)

    assert "from 1 to 10000" in await desk.answers("sku.max", goods.sku_id, "10001")
    before = await shop.read(catalog.sku, goods.sku_id)
    assert before is not None and before.max_quantity == 500

    await desk.answers("sku.max", goods.sku_id, "10000")
    after = await shop.read(catalog.sku, goods.sku_id)
    assert after is not None and after.max_quantity == 10_000
