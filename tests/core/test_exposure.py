"""The shop owes a supplier no more than it wants to, and has no more with them than it may lose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import exposure, orders, purchasing, supply
from core.database import Shop
from core.errors import Refusal
from core.exposure import TooExposed
from core.purchasing import CostTier
from core.storefronts import Storefront
from core.supply import Stop
from handlers.admin.exposure import read_limits
from tests.core.offering import offered, supplier
from tests.core.props import assert_sound
from tests.stage import Goods, person, stock


async def test_goods_of_whom_too_much_is_owed_stop_selling_until_the_limit_is_raised(
    shop: Shop, storefront: Storefront, goods: Goods
) -> None:
    seller = await supplier(shop)
    offer = await offered(shop, goods.sku_id, supplier_id=seller)
    await stock(shop, offer.id, goods.sku_id, 10)
    await shop.write(supply.stop, offer_ids=[goods.offer_id], why=Stop.PAUSED, by="test")
    buyer = await person(shop, storefront, money_minor=1_000_000)
    facts: dict[str, Any] = {"supplier_id": seller, "currency": "CNY", "most_ahead_minor": None, "by": "telegram:1"}
    await shop.write(exposure.set_limit, most_owed_minor=10_000, **facts)

    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    # 85.00 of 100.00 are owed: the sale itself sells no more of it, before anybody has looked.
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="two", **goods.terms())
    assert await shop.read(supply.stops, [offer.id]) == []
    assert await shop.write(exposure.keep_limits) == 1
    assert await shop.write(exposure.keep_limits) == 0
    assert [one.why for one in await shop.read(supply.stops, [offer.id])] == [Stop.EXPOSURE]
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="three", **goods.terms())

    [known] = await shop.read(exposure.exposure_of, seller)
    assert (known.owed_minor, known.ahead_minor, known.left_minor, known.over) == (8500, 0, 1500, False)
    await shop.write(exposure.set_limit, most_owed_minor=17_000, **facts)
    assert await shop.read(supply.stops, [offer.id]) == []
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="four", **goods.terms())
    # A limit below what is owed already stops them at once, and none at all lets them sell.
    await shop.write(exposure.set_limit, most_owed_minor=5000, **facts)
    [known] = await shop.read(exposure.exposure_of, seller)
    assert (known.owed_minor, known.left_minor, known.over) == (17_000, -12_000, True)
    assert [one.why for one in await shop.read(supply.stops, [offer.id])] == [Stop.EXPOSURE]
    await shop.write(exposure.set_limit, most_owed_minor=None, **facts)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="five", **goods.terms())
    await assert_sound(shop)


async def test_no_more_is_ordered_from_a_supplier_than_they_may_have_of_ours(shop: Shop, goods: Goods) -> None:
    seller = await shop.write(supply.new_vendor, name="Wholesaler", by="test")
    facts: dict[str, Any] = {
        "supplier_id": seller.id,
        "sku_id": goods.sku_id,
        "tiers": [CostTier(1, 8500)],
        "currency": "CNY",
        "by": "test",
    }
    one, two = [(await shop.write(purchasing.draft_purchase, quantity=quantity, **facts)).id for quantity in (10, 2)]
    await shop.write(
        exposure.set_limit, supplier_id=seller.id, currency="CNY", most_owed_minor=None, most_ahead_minor=85_000, by="telegram:1"
    )

    await shop.write(exposure.order_purchase, purchase_id=one, by="telegram:1")
    with pytest.raises(TooExposed):
        await shop.write(exposure.order_purchase, purchase_id=two, by="telegram:1")
    await shop.write(purchasing.end_purchase, purchase_id=one, by="telegram:1")
    await shop.write(exposure.order_purchase, purchase_id=two, by="telegram:1")
    [known] = await shop.read(exposure.exposure_of, seller.id)
    assert known.ahead_minor == 17_000


@given(st.text(max_size=40))
def test_whatever_is_typed_is_two_limits_or_a_refusal(text: str) -> None:
    try:
        owed, ahead, _ = read_limits(text, "CNY")
    except Refusal:
        return
    assert owed is None or owed >= 0
    assert ahead is None or ahead >= 0


def test_limits_are_read_as_people_write_them() -> None:
    assert read_limits("50000 -", "CNY") == (5_000_000, None, "CNY")
    assert read_limits("－ 20000.50", "CNY") == (None, 2_000_050, "CNY")
    assert read_limits("0 1 usd", "CNY") == (0, 100, "USD")
