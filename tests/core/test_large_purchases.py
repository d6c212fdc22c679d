"""Purchases with more codes than a statement may have parameters."""

from __future__ import annotations

from fractions import Fraction

import pytest
from sqlalchemy import text

from core import orders, rates
from core.database import Shop
from core.storefronts import Storefront
from tests.core.props import aside, assert_sound, left, place, reserve, settle
from tests.stage import person, put_on_sale

MANY = 33_000  # PostgreSQL takes 32,767 parameters, SQLite 32,766 unless it was built otherwise


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wallet", "stars"])
async def test_thirty_three_thousand_codes_are_bought_at_once(shop: Shop, storefront: Storefront, way: str) -> None:
    goods = await put_on_sale(shop, storefront, count=MANY + 1, price_minor=1)
    # The shop's own screens stop at ten thousand; what the statements bear must not depend on that.
    async with aside(shop.url.render_as_string(hide_password=False)) as connection:
        await connection.execute(text("UPDATE skus SET max_quantity = :most"), {"most": MANY})
        await connection.commit()
    buyer = await person(shop, storefront, money_minor=MANY)
    if way == "wallet":
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=MANY, once="many", **goods.terms())
    else:
        await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="test")
        order = await place(shop, buyer, goods, once="many", quantity=MANY)
        await reserve(shop, buyer, order)
        assert await left(shop, goods) == 1
        assert (await settle(shop, buyer, order, event="paid")).issued
    assert await left(shop, goods) == 1
    await assert_sound(shop)
