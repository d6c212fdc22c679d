"""The whole way on the buy screen: a coupon is typed, seen, used and dropped; tiers are seen and charged."""

from __future__ import annotations

import pytest

from core import coupons, payments, pricing
from core.database import Shop
from core.pricing import Tier
from handlers import callbacks
from tests.admin.direct import Chatter
from tests.core.test_coupons import coupon
from tests.stage import Goods, give, person


@pytest.fixture
async def buyer(shop: Shop, goods: Goods) -> Chatter:
    customer = await person(shop, goods.storefront, telegram_id=77)
    await give(shop, customer, 20_000)
    return Chatter(shop, goods.storefront, 77)


async def money(shop: Shop, goods: Goods) -> int:
    customer = await person(shop, goods.storefront, telegram_id=77)
    return (await shop.read(payments.wallet, customer.id)).balance_minor


def button(chat: Chatter, prefix: str) -> str:
    [data] = [data for data in chat.keyboard() if data.startswith(f"{prefix}:")]
    return data


async def test_a_coupon_is_typed_seen_and_used(shop: Shop, goods: Goods, buyer: Chatter) -> None:
    spring = await coupon(shop, goods.storefront)
    await buyer.presses(callbacks.Sku(id=goods.sku_id, quantity=2))

    await buyer.presses(button(buyer, "v"))
    seen = await buyer.says("spring")

    assert "2 × ¥95.00 = ¥190.00" in seen and "Coupon SPRING: −¥19.00" in seen and "Total: <b>¥171.00</b>" in seen
    bought = await buyer.presses(button(buyer, "b"))
    assert "Paid <b>¥171.00</b>" in bought
    assert await money(shop, goods) == 20_000 - 17_100
    assert (await shop.read(coupons.used, spring.id)).orders == 1


async def test_a_coupon_that_ended_while_the_buyer_looked_charges_nothing_and_is_dropped(shop: Shop, goods: Goods, buyer: Chatter) -> None:
    spring = await coupon(shop, goods.storefront)
    await buyer.presses(callbacks.Sku(id=goods.sku_id, quantity=2, coupon=spring.id))
    buys = button(buyer, "b")
    await shop.write(coupons.switch_off, spring.id, storefront_id=goods.storefront.id, by="test")

    said = await buyer.presses(buys)

    assert "This coupon is no longer given. Nothing was charged." in said and "Coupon SPRING" not in said
    assert await money(shop, goods) == 20_000
    assert callbacks.Buy.unpack(button(buyer, "b")).coupon == 0


async def test_the_coupon_stays_with_the_screen_while_quantities_are_chosen(shop: Shop, goods: Goods, buyer: Chatter) -> None:
    spring = await coupon(shop, goods.storefront)
    await buyer.presses(callbacks.Sku(id=goods.sku_id, quantity=2, coupon=spring.id))
    others = [callbacks.Sku.unpack(data) for data in buyer.keyboard() if data.startswith("s:")]

    assert {other.coupon for other in others if other.quantity != 2} == {spring.id}
    assert [other.quantity for other in others if other.coupon == 0] == [2]
    await buyer.presses(button(buyer, "q"))
    assert "3 × ¥95.00" in await buyer.says("3")


async def test_tiers_are_seen_and_charged(shop: Shop, goods: Goods, buyer: Chatter) -> None:
    await shop.write(
        pricing.set_price,
        storefront_id=goods.storefront.id,
        sku_id=goods.sku_id,
        retail_minor=9500,
        currency="CNY",
        tiers=[Tier(2, 9400), Tier(10, 9000)],
    )

    seen = await buyer.presses(callbacks.Sku(id=goods.sku_id, quantity=5))
    assert "From 2 on: ¥94.00 each" in seen and "5 × ¥94.00 = ¥470.00" in seen
    two = next(data for data in buyer.keyboard() if data.startswith("s:") and callbacks.Sku.unpack(data).quantity == 2)
    await buyer.presses(two)
    await buyer.presses(button(buyer, "b"))
    assert await money(shop, goods) == 20_000 - 18_800
