"""How much one order may take."""

from __future__ import annotations

import pytest

from core import catalog
from core.catalog import MOST_IN_ORDER, TooManyInOrder, WrongLimits
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


async def test_no_command_lets_one_order_take_more_than_one_transaction_can(shop: Shop, goods: Goods) -> None:
    too_many = MOST_IN_ORDER + 1
    for least, most, refusal in (
        (1, too_many, TooManyInOrder),
        (too_many, too_many, TooManyInOrder),
        (2, 1, WrongLimits),
        (0, 5, WrongLimits),
    ):
        with pytest.raises(refusal) as refused:
            await shop.write(catalog.change_sku, goods.sku_id, min_quantity=least, max_quantity=most)
        assert refused.value.facts()["most"] == (10_000 if refusal is TooManyInOrder else most)
        with pytest.raises(refusal):
            await shop.write(catalog.add_sku, product_id=goods.product_id, slug="new", name="New", min_quantity=least, max_quantity=most)

    assert await shop.read(catalog.sku_by_slug, "new") is None
    left = await shop.read(catalog.sku, goods.sku_id)
    assert left is not None and (left.min_quantity, left.max_quantity) == (1, 500)
