"""Goods that sources may sell to buyers of one country only: whoever buys is asked where they are first, and others are told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import inventory, orders, supply
from core.database import Shop
from core.storefronts import Storefront
from tests.core.offering import offered
from tests.handlers.counter import Counter, opened
from tests.stage import put_on_sale, stock


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_buyer_says_where_they_are_and_buys_what_is_sold_there(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, count=0)
    offer = await offered(counter.shop, goods.sku_id, region="TR")
    await counter.shop.write(supply.withdraw_offer, offer_id=goods.offer_id, by="test")
    await stock(counter.shop, offer.id, goods.sku_id, 3)
    there, elsewhere = await counter.buyer("buyer", money_minor=20_000), await counter.buyer("second", money_minor=20_000)

    for buyer, country in ((there, "TR"), (elsewhere, "PL")):
        screen = await buyer.say(f"/start sku-{goods.sku_id}")
        assert "In which country are you?" in screen["text"]
        await buyer.press("Another country")
        await buyer.say(country)
        await buyer.sees("¥95.00")
        await buyer.press("Pay ¥95.00")
    await there.sees("✅ Paid ¥95.00")
    await elsewhere.sees("cannot be sold to buyers in")
    assert await counter.shop.read(inventory.on_shelf, [offer.id]) == {offer.id: 2}
    assert await counter.shop.read(orders.history, buyer_id=elsewhere.customer.id) == []
