"""Coupons on orders that wait for a payment: counted while they wait, given back when they end, taken again by late money."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest

from core import coupons, orders, pricing, rates
from core.coupons import Coupon, CouponForFirstOrder, CouponUsedUp
from core.database import Shop
from core.orders import PendingOrder
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import at_once, balance, reserve, settle
from tests.core.test_coupons import buys, coupon
from tests.core.test_oversell import assert_no_deadlock
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


@pytest.fixture(autouse=True)
async def a_rate(shop: Shop) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(10), source="test")


async def place(shop: Shop, buyer: Customer, goods: Goods, with_: Coupon, *, once: str, quantity: int = 1) -> PendingOrder:
    return await shop.write(
        orders.place,
        storefront_id=goods.storefront.id,
        sku_id=goods.sku_id,
        price_id=goods.price_id,
        rules_version=goods.rules_version,
        buyer_id=buyer.id,
        quantity=quantity,
        once=once,
        provider="stars",
        pay_currency="XTR",
        seconds=600,
        coupon_id=with_.id,
    )


async def test_the_price_with_the_coupon_is_asked_paid_and_kept(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront)
    spring = await coupon(shop, goods.storefront)

    waiting = await place(shop, buyer, goods, spring, once="a", quantity=3)
    again = await place(shop, buyer, goods, spring, once="a", quantity=3)
    settled = await settle(shop, buyer, waiting, event="paid")

    assert waiting.order_id == again.order_id
    assert (waiting.intent.worth_minor, settled.why) == (25_650, "issued")
    detail = await shop.read(orders.detail, order_id=waiting.order_id)
    assert detail is not None and detail.priced is not None
    assert (detail.card.total_minor, detail.priced.discount_minor) == (25_650, 2850)
    assert await balance(shop, buyer) == 0


@pytest.mark.parametrize("how", ["cancelled", "expired"])
async def test_an_order_that_ends_unpaid_gives_its_use_back(shop: Shop, goods: Goods, clock: Clock, how: str) -> None:
    buyers = [await person(shop, goods.storefront, money_minor=9500) for _ in range(2)]
    single = await coupon(shop, goods.storefront, limit_total=1)
    waiting = await place(shop, buyers[0], goods, single, once="a")
    with pytest.raises(CouponUsedUp):
        await buys(shop, buyers[1], goods, single)

    if how == "cancelled":
        await shop.write(orders.cancel, order_id=waiting.order_id, buyer_id=buyers[0].id)
    else:
        clock.passes(seconds=601)
        await shop.write(orders.expire)

    assert (await buys(shop, buyers[1], goods, single)).paid_minor == 8550


@pytest.mark.parametrize("taken_meanwhile", [False, True])
async def test_late_money_is_issued_when_the_coupon_is_still_there_and_credited_when_not(
    shop: Shop, goods: Goods, clock: Clock, taken_meanwhile: bool
) -> None:
    late, other = [await person(shop, goods.storefront, money_minor=9500) for _ in range(2)]
    single = await coupon(shop, goods.storefront, limit_total=1)
    waiting = await place(shop, late, goods, single, once="a")
    clock.passes(seconds=601)
    await shop.write(orders.expire)
    if taken_meanwhile:
        await buys(shop, other, goods, single)

    settled = await settle(shop, late, waiting, event="late")

    assert (settled.issued, settled.why) == ((False, "coupon") if taken_meanwhile else (True, "issued"))
    assert await balance(shop, late) == 9500 + (8550 if taken_meanwhile else 0)


async def test_two_first_orders_cannot_wait_at_once(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront)
    hello = await coupon(shop, goods.storefront, "HELLO", first_order_only=True, limit_per_buyer=None)

    placed, refused = await at_once(place(shop, buyer, goods, hello, once=f"{n}") for n in range(4))

    assert (len(placed), {type(each) for each in refused}) == (1, {CouponForFirstOrder})
    await shop.write(orders.cancel, order_id=placed[0].order_id, buyer_id=buyer.id)
    assert (await place(shop, buyer, goods, hello, once="again")).intent.worth_minor == 8550


async def test_what_could_not_be_had_is_not_charged_and_takes_its_part_of_the_discount(shop: Shop, goods: Goods) -> None:
    few = await put_on_sale(shop, goods.storefront, name="Few", denomination="Few 1", price_minor=1001, count=7)
    buyer, other = [await person(shop, goods.storefront, money_minor=50_000) for _ in range(2)]
    odd = await coupon(shop, goods.storefront, basis_points=1337)
    waiting = await place(shop, buyer, few, odd, once="a", quantity=7)
    await shop.write(orders.buy, buyer_id=other.id, quantity=3, once="b", **few.terms())

    settled = await settle(shop, buyer, waiting, event="paid")

    assert settled.why == "issued-partly"
    whole = pricing.quote(pricing.Price(1, 1, 1001, None, "CNY"), 7, cuts=[odd.cut])
    charged = 4 * 1001 - pricing.portion(whole.discount_minor, of=7, before=0, units=4)
    detail = await shop.read(orders.detail, order_id=waiting.order_id)
    assert detail is not None and detail.priced is not None
    assert detail.card.total_minor == detail.priced.total_minor == charged
    # Stars are whole and rounded up, but an order as asked is worth what was asked.
    assert await balance(shop, buyer) == 50_000 + whole.total_minor - charged
    assert (await shop.read(coupons.used, odd.id)).discount_minor == 4 * 1001 - charged


async def test_pending_orders_of_two_coupons_expire_while_others_buy_with_them(
    shop: Shop, storefront: Storefront, clock: Clock, database: str, database_url: str
) -> None:
    goods = await put_on_sale(shop, storefront, count=100)
    rare = [await coupon(shop, storefront, word, limit_total=10) for word in ("ONE", "TWO")]
    buyers = [await person(shop, storefront, money_minor=9500) for _ in range(40)]
    placed, _ = await at_once(place(shop, buyer, goods, rare[n % 2], once=f"p{n}") for n, buyer in enumerate(buyers))
    assert len(placed) == 20
    for order in placed[:3]:
        await reserve(shop, next(buyer for buyer in buyers if buyer.id == order.intent.customer_id), order)
    clock.passes(seconds=700)

    (_, refused), (ended, _) = await asyncio.gather(
        at_once(buys(shop, buyer, goods, rare[(n + 1) % 2]) for n, buyer in enumerate(buyers)),
        at_once(shop.write(orders.expire, most=7) for _ in range(6)),
    )

    assert {type(each) for each in refused} <= {CouponUsedUp}
    assert sum(ended) >= 17
    for each in rare:
        found = await shop.read(coupons.coupon, each.id, storefront_id=storefront.id)
        assert found is not None and found.used <= 10
    await assert_no_deadlock(database, database_url)
