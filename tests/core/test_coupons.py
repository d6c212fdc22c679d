"""Coupons and tiers where the purchase is made: the right price, kept with its reasons, and never one use too many."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import coupons, journal, orders, pricing
from core.catalog import Gone
from core.coupons import (
    Coupon,
    CouponExpired,
    CouponForFirstOrder,
    CouponNotForThis,
    CouponNotYet,
    CouponOff,
    CouponUsedByYou,
    CouponUsedUp,
    NeedsMore,
    NoSuchCoupon,
    NotADraft,
    SpanIsEmpty,
    Standing,
    WordTaken,
    folded,
)
from core.database import Shop, utc_now
from core.orders import Receipt, SoldOut
from core.people import Customer
from core.pricing import Tier
from core.storefronts import Storefront
from tests.core.props import at_once, balance, consign, left, scalar
from tests.core.test_oversell import assert_no_deadlock
from tests.stage import Clock, Goods, person, put_on_sale

sound = pytest.mark.usefixtures("sound_in_the_end")


async def coupon(shop: Shop, storefront: Storefront, word: str = "SPRING", *, on: bool = True, **terms: Any) -> Coupon:
    """A coupon that may be used: 10 % off, unless the terms say something else."""
    amount, points = terms.pop("amount_minor", 0), terms.pop("basis_points", 0)
    made = await shop.write(
        coupons.draft,
        storefront_id=storefront.id,
        word=word,
        currency=storefront.currency,
        by="test",
        amount_minor=amount,
        basis_points=points or (0 if amount else 1000),
    )
    made = await shop.write(coupons.change, made.id, storefront_id=storefront.id, terms=terms)
    if on:
        assert await shop.write(coupons.switch_on, made.id, storefront_id=storefront.id, by="test")
    found = await shop.read(coupons.coupon, made.id, storefront_id=storefront.id)
    assert found is not None
    return found


async def buys(shop: Shop, buyer: Customer, goods: Goods, with_: Coupon, *, quantity: int = 1, once: str | None = None) -> Receipt:
    return await shop.write(
        orders.buy_with,
        buyer_id=buyer.id,
        quantity=quantity,
        once=once or f"buy:{buyer.id}:{goods.sku_id}:{with_.id}:{quantity}",
        coupon_id=with_.id,
        **goods.terms(),
    )


async def tiered(shop: Shop, goods: Goods, *tiers: tuple[int, int]) -> dict[str, Any]:
    """The terms of a button after the price was given tiers."""
    price = await shop.write(
        pricing.set_price,
        storefront_id=goods.storefront.id,
        sku_id=goods.sku_id,
        retail_minor=9500,
        currency="CNY",
        tiers=[Tier(*tier) for tier in tiers],
    )
    return {**goods.terms(), "price_id": price.id}


# What is charged and kept


@sound
async def test_a_coupon_is_taken_off_the_total_and_kept_with_the_order(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    spring = await coupon(shop, goods.storefront)

    receipt = await buys(shop, buyer, goods, spring, quantity=3)

    assert receipt.paid_minor == 3 * 9500 - 2850
    assert await balance(shop, buyer) == 50_000 - receipt.paid_minor
    detail = await shop.read(orders.detail, order_id=receipt.order_id)
    assert detail is not None and detail.priced is not None
    priced = detail.priced
    assert (priced.goods_minor, priced.total_minor, priced.unit_minor, priced.quantity) == (28_500, 25_650, 9500, 3)
    [discount] = priced.discounts
    assert (discount.why, discount.amount_minor, discount.facts["word"]) == ("coupon", 2850, "SPRING")
    used = await shop.read(coupons.used, spring.id)
    assert (used.orders, used.buyers, used.discount_minor, used.released) == (1, 1, 2850, 0)


@sound
async def test_what_the_screen_quotes_is_what_the_sale_charges(shop: Shop, goods: Goods) -> None:
    terms = await tiered(shop, goods, (10, 9400), (20, 9250))
    buyer = await person(shop, goods.storefront, money_minor=10_000_000)
    off = await coupon(shop, goods.storefront, basis_points=333, cap_minor=5_000, limit_per_buyer=None)

    for quantity in (1, 9, 10, 20):
        quote = await shop.read(
            orders.quote,
            storefront_id=goods.storefront.id,
            customer_id=buyer.id,
            sku_id=goods.sku_id,
            quantity=quantity,
            coupon_id=off.id,
        )
        receipt = await shop.write(orders.buy_with, buyer_id=buyer.id, quantity=quantity, once=f"q{quantity}", coupon_id=off.id, **terms)
        assert quote.coupon is not None and quote.coupon.id == off.id
        assert receipt.paid_minor == quote.total_minor
        detail = await shop.read(orders.detail, order_id=receipt.order_id)
        assert detail is not None and detail.priced is not None
        assert detail.priced == quote.priced


@sound
@pytest.mark.parametrize(("quantity", "unit", "tier"), [(9, 9500, None), (10, 9400, 10), (11, 9400, 10), (20, 9250, 20)])
async def test_a_tier_is_charged_from_its_quantity_on(shop: Shop, goods: Goods, quantity: int, unit: int, tier: int | None) -> None:
    terms = await tiered(shop, goods, (10, 9400), (20, 9250))
    buyer = await person(shop, goods.storefront, money_minor=1_000_000)

    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once="one", **terms)

    assert receipt.paid_minor == unit * quantity
    detail = await shop.read(orders.detail, order_id=receipt.order_id)
    assert detail is not None
    kept = detail.priced
    assert (None if kept is None or kept.tier is None else kept.tier.from_quantity) == tier


@sound
async def test_a_price_without_tiers_keeps_nothing_more_than_before(shop: Shop, goods: Goods, database_url: str) -> None:
    buyers = await asyncio.gather(*(person(shop, goods.storefront, money_minor=9500) for _ in range(12)))

    await asyncio.gather(*(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"b{buyer.id}", **goods.terms()) for buyer in buyers))

    assert await scalar(database_url, "SELECT count(*) FROM order_prices") == 0
    assert await scalar(database_url, "SELECT count(*) FROM orders") == 12


@sound
async def test_many_at_once_are_each_charged_their_tier(shop: Shop, storefront: Storefront) -> None:
    """Gathered purchases of a price with tiers are told apart from the others, and run by themselves."""
    goods = await put_on_sale(shop, storefront, count=120)
    other = await put_on_sale(shop, storefront, name="Plain", denomination="Plain 1", price_minor=100)
    terms = await tiered(shop, goods, (3, 9000), (5, 8500))
    buyers = await asyncio.gather(*(person(shop, storefront, money_minor=1_000_000) for _ in range(20)))
    unit = {1: 9500, 2: 9500, 3: 9000, 4: 9000, 5: 8500}

    async with asyncio.TaskGroup() as group:
        plain = [
            group.create_task(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"p{n}", **other.terms()))
            for n, buyer in enumerate(buyers)
        ]
        rising = [
            group.create_task(shop.write(orders.buy, buyer_id=buyer.id, quantity=1 + n % 5, once=f"t{n}", **terms))
            for n, buyer in enumerate(buyers)
        ]

    assert [task.result().paid_minor for task in plain] == [100] * 20
    for task in rising:
        receipt = task.result()
        assert receipt.paid_minor == unit[receipt.quantity] * receipt.quantity


@sound
async def test_the_shop_bears_a_discount_and_its_supplier_gets_the_cost(shop: Shop, goods: Goods, database_url: str) -> None:
    account = await shop.write(consign, offer_id=goods.offer_id, cost_minor=9000)
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    half = await coupon(shop, goods.storefront, basis_points=5000)

    receipt = await buys(shop, buyer, goods, half, quantity=2)

    earned = await scalar(database_url, f"SELECT sum(amount_minor) FROM postings WHERE credit_id = {account}")
    assert (receipt.paid_minor, earned) == (9500, 18_000)
    assert await balance(shop, buyer) == 40_500


@sound
async def test_a_coupon_worth_more_than_the_goods_leaves_something_to_pay(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    big = await coupon(shop, goods.storefront, amount_minor=1_000_000)

    assert (await buys(shop, buyer, goods, big)).paid_minor == pricing.LEAST_MINOR


@sound
async def test_pressing_twice_uses_the_coupon_once_and_another_coupon_is_another_wish(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    spring, summer = await coupon(shop, goods.storefront), await coupon(shop, goods.storefront, "SUMMER")

    first, second = [await buys(shop, buyer, goods, spring, once="screen") for _ in range(2)]
    with pytest.raises(orders.OnceReused):
        await buys(shop, buyer, goods, summer, once="screen")
    with pytest.raises(orders.OnceReused):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="screen", **goods.terms())

    assert (first.repeated, second.repeated, second.order_id) == (False, True, first.order_id)
    assert (await shop.read(coupons.used, spring.id)).orders == 1


# Each refusal by its cause; nothing is charged and nothing is counted


@sound
async def test_each_refusal_says_why_and_changes_nothing(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    other = await put_on_sale(shop, storefront, name="Other", denomination="Other 1")
    elsewhere = await put_on_sale(shop, storefront, category_id=goods.category_id, product_id=goods.product_id, denomination="S 100")
    buyer = await person(shop, storefront, money_minor=50_000)
    at = utc_now()
    cases = {
        CouponOff: await coupon(shop, storefront, "DRAFT", on=False),
        CouponNotYet: await coupon(shop, storefront, "MAY", starts_at=at + timedelta(days=1)),
        CouponExpired: await coupon(shop, storefront, "OVER", expires_at=at + timedelta(minutes=5)),
        NeedsMore: await coupon(shop, storefront, "MUCH", minimum_minor=9501),
    }
    for_other_product = await coupon(shop, storefront, "OTHER", product_id=other.product_id)
    for_other_sku = await coupon(shop, storefront, "ELSE", sku_id=elsewhere.sku_id)
    off = await coupon(shop, storefront, "AUTUMN")
    await shop.write(coupons.switch_off, off.id, storefront_id=storefront.id, by="test")
    clock.passes(minutes=6)

    wrong = [*cases.items(), (CouponNotForThis, for_other_product), (CouponNotForThis, for_other_sku), (CouponOff, off)]
    for kind, refused in wrong:
        with pytest.raises(kind):
            await buys(shop, buyer, goods, refused)
        quote = await shop.read(
            orders.quote,
            storefront_id=storefront.id,
            customer_id=buyer.id,
            sku_id=goods.sku_id,
            quantity=1,
            coupon_id=refused.id,
        )
        assert isinstance(quote.coupon_refused, kind) and quote.coupon is None
        assert quote.total_minor == 9500
    with pytest.raises(CouponOff):
        await shop.write(orders.buy_with, buyer_id=buyer.id, quantity=1, once="forged", coupon_id=999_999, **goods.terms())

    assert await balance(shop, buyer) == 50_000 and await left(shop, goods) == 40
    for _, refused in wrong:
        assert (await shop.read(coupons.used, refused.id)).orders == 0


@sound
async def test_a_coupon_of_another_storefront_is_not_there(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront)
    ours = await coupon(shop, goods.storefront, "OURS")
    elsewhere = goods.storefront.id + 1

    assert await shop.read(coupons.coupon, ours.id, storefront_id=elsewhere) is None
    assert await shop.read(coupons.coupons, storefront_id=elsewhere) == []
    with pytest.raises(NoSuchCoupon):
        await shop.read(coupons.find, storefront_id=elsewhere, word="OURS")
    with pytest.raises(CouponOff):
        await shop.read(
            coupons.check,
            coupon_id=ours.id,
            storefront_id=elsewhere,
            customer_id=buyer.id,
            product_id=goods.product_id,
            sku_id=goods.sku_id,
            goods_minor=9500,
            currency="CNY",
            first_order=True,
        )
    with pytest.raises(Gone):
        await shop.write(coupons.switch_off, ours.id, storefront_id=elsewhere, by="test")


@sound
async def test_a_first_order_is_the_first_and_only_one(shop: Shop, goods: Goods) -> None:
    fresh, old = [await person(shop, goods.storefront, money_minor=50_000) for _ in range(2)]
    welcome = await coupon(shop, goods.storefront, "WELCOME", first_order_only=True, limit_per_buyer=None)
    hello = await coupon(shop, goods.storefront, "HELLO", first_order_only=True)
    await shop.write(orders.buy, buyer_id=old.id, quantity=1, once="before", **goods.terms())

    with pytest.raises(CouponForFirstOrder):
        await buys(shop, old, goods, welcome)
    both = [buys(shop, fresh, goods, each, once=f"{n}") for n, each in enumerate((welcome, hello, welcome, hello))]
    bought, refused = await at_once(both)

    assert len(bought) == 1
    assert [type(refusal) for refusal in refused] == [CouponForFirstOrder] * 3


# Words


@sound
@pytest.mark.parametrize(
    "typed", ["spring10", "SPRlNG1O", "ＳＰＲＩＮＧ１０", "Spring-10", " spring 10 ", "ЅPRING10", "spring１０", "5pring10", "sprıng10"]
)
async def test_a_word_is_found_however_it_is_typed(shop: Shop, storefront: Storefront, typed: str) -> None:
    made = await coupon(shop, storefront, "Spring10")

    assert (await shop.read(coupons.find, storefront_id=storefront.id, word=typed)).id == made.id


@sound
async def test_two_coupons_never_look_alike(shop: Shop, storefront: Storefront) -> None:
    first = await coupon(shop, storefront, "BOOK")

    with pytest.raises(WordTaken) as refused:
        await coupon(shop, storefront, "8OOК")
    await shop.write(coupons.switch_off, first.id, storefront_id=storefront.id, by="test")
    second = await coupon(shop, storefront, "8OOК")

    assert refused.value.other == "BOOK"
    assert (await shop.read(coupons.find, storefront_id=storefront.id, word="book")).id == second.id


@given(st.text(max_size=40))
def test_folding_is_stable_and_blind_to_case(text: str) -> None:
    once = folded(text)

    assert once == "" or (once.isalnum() and folded(once) == once)
    assert folded(text.upper()) == once or len(text.upper()) != len(text)


@sound
async def test_what_a_buyer_types_that_is_no_coupon_is_said_so(shop: Shop, storefront: Storefront) -> None:
    await coupon(shop, storefront, "DRAFT", on=False)

    for word in ("nothing", "", "🎁", "draft", "x" * 500):
        with pytest.raises(NoSuchCoupon):
            await shop.read(coupons.find, storefront_id=storefront.id, word=word)


# Limits


@sound
async def test_two_hundred_uses_of_a_coupon_for_forty_are_forty(
    shop: Shop, storefront: Storefront, database: str, database_url: str
) -> None:
    """There are goods and money enough for all; the coupon's counter decides, and who is refused pays nothing."""
    goods = await put_on_sale(shop, storefront, count=250)
    buyers = await asyncio.gather(*(person(shop, storefront, money_minor=9500) for _ in range(200)))
    rare = await coupon(shop, storefront, limit_total=40)

    sold, refused = await at_once(buys(shop, buyer, goods, rare) for buyer in buyers)

    assert len(sold) == 40
    assert [type(refusal) for refusal in refused] == [CouponUsedUp] * 160
    assert sorted([await balance(shop, buyer) for buyer in buyers]) == [950] * 40 + [9500] * 160
    assert await left(shop, goods) == 210
    found = await shop.read(coupons.coupon, rare.id, storefront_id=storefront.id)
    assert found is not None and (found.used, found.standing(utc_now())) == (40, Standing.USED_UP)
    await assert_no_deadlock(database, database_url)


@sound
async def test_a_buyer_uses_a_coupon_as_often_as_they_may(shop: Shop, storefront: Storefront, database: str, database_url: str) -> None:
    goods = await put_on_sale(shop, storefront, count=100)
    buyers = [await person(shop, storefront, money_minor=1_000_000) for _ in range(3)]
    twice = await coupon(shop, storefront, limit_per_buyer=2)

    sold, refused = await at_once(buys(shop, buyer, goods, twice, once=f"{buyer.id}:{n}") for n in range(15) for buyer in buyers)

    assert len(sold) == 6
    assert {(type(refusal), refusal.most) for refusal in refused if isinstance(refusal, CouponUsedByYou)} == {(CouponUsedByYou, 2)}
    assert len(refused) == 39
    await assert_no_deadlock(database, database_url)


@sound
async def test_a_use_that_came_to_nothing_is_not_counted(shop: Shop, storefront: Storefront) -> None:
    """Ten buyers want the last three codes with a coupon for ten: three uses, and seven who can still use it."""
    goods = await put_on_sale(shop, storefront, count=3)
    buyers = [await person(shop, storefront, money_minor=9500) for _ in range(10)]
    ten = await coupon(shop, storefront, limit_total=10)

    sold, refused = await at_once(buys(shop, buyer, goods, ten) for buyer in buyers)

    assert (len(sold), {type(refusal) for refusal in refused}) == (3, {SoldOut})
    assert (await shop.read(coupons.used, ten.id)).orders == 3


@sound
async def test_an_order_that_ended_gives_its_use_back_once_and_late_money_takes_it_again(shop: Shop, goods: Goods) -> None:
    """Told of an issued order, whose row is then released as if it had waited and ended; afterwards all is as it was."""
    buyers = [await person(shop, goods.storefront, money_minor=50_000) for _ in range(2)]
    single = await coupon(shop, goods.storefront, limit_total=1)
    first = await buys(shop, buyers[0], goods, single)

    with pytest.raises(CouponUsedUp):
        await buys(shop, buyers[1], goods, single)
    assert [await shop.write(coupons.release, [first.order_id, 999]) for _ in range(2)] == [1, 0]
    assert (await shop.read(coupons.used, single.id)).released == 1
    assert [await shop.write(coupons.take_again, order) for order in (first.order_id, first.order_id, 999)] == [True, True, True]
    with pytest.raises(CouponUsedUp):
        await buys(shop, buyers[1], goods, single)


async def test_late_money_does_not_take_a_use_that_somebody_else_has(shop: Shop, goods: Goods, clock: Clock) -> None:
    first, second = [await person(shop, goods.storefront, money_minor=50_000) for _ in range(2)]
    single = await coupon(shop, goods.storefront, limit_total=1, expires_at=utc_now() + timedelta(hours=1))
    order = await buys(shop, first, goods, single)
    await shop.write(coupons.release, [order.order_id])
    other = await buys(shop, second, goods, single)

    assert not await shop.write(coupons.take_again, order.order_id)

    await shop.write(coupons.release, [other.order_id])
    clock.passes(hours=2)  # The coupon is over, but this price was promised before.
    assert await shop.write(coupons.take_again, order.order_id)
    assert not await shop.write(coupons.take_again, other.order_id)


@pytest.mark.parametrize("back", [True, False])
async def test_a_whole_refund_gives_the_use_back_when_the_coupon_says_so(shop: Shop, goods: Goods, back: bool) -> None:
    buyer = await person(shop, goods.storefront, money_minor=50_000)
    spring = await coupon(shop, goods.storefront, back_on_refund=back)
    order = await buys(shop, buyer, goods, spring)

    assert await shop.write(coupons.give_back, order.order_id) is back

    found = await shop.read(coupons.redeemed, order.order_id)
    assert found is not None and found.released is back
    assert await shop.write(coupons.take_again, order.order_id)


@sound
@pytest.mark.parametrize("cost", [0, 9000])
async def test_a_discounted_order_is_refunded_code_by_code_to_the_minor_unit(shop: Shop, goods: Goods, cost: int) -> None:
    """Seven codes for an amount that seven does not divide; consigned below and above what was paid for them."""
    if cost:
        await shop.write(consign, offer_id=goods.offer_id, cost_minor=cost)
    buyer = await person(shop, goods.storefront, money_minor=70_000)
    odd = await coupon(shop, goods.storefront, basis_points=1337)
    order = await buys(shop, buyer, goods, odd, quantity=7)
    assert order.paid_minor % 7

    codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
    for n, code in enumerate(codes[:3]):
        await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=[code], reason="bad", by="test", once=f"r{n}")
    assert await balance(shop, buyer) == 70_000 - order.paid_minor + order.paid_minor * 3 // 7
    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=None, reason="bad", by="test", once="rest")

    assert await balance(shop, buyer) == 70_000


# The shopkeeper's side


@sound
async def test_a_draft_is_changed_and_a_coupon_that_is_on_is_not(shop: Shop, storefront: Storefront) -> None:
    made = await coupon(shop, storefront, on=False, limit_total=5)
    await shop.write(coupons.switch_on, made.id, storefront_id=storefront.id, by="telegram:1")

    with pytest.raises(NotADraft):
        await shop.write(coupons.change, made.id, storefront_id=storefront.id, terms={"limit_total": 6})
    with pytest.raises(NotADraft):
        await shop.write(coupons.discard, made.id, storefront_id=storefront.id)
    again = await shop.write(coupons.switch_on, made.id, storefront_id=storefront.id, by="telegram:1")
    offs = [await shop.write(coupons.switch_off, made.id, storefront_id=storefront.id, by="telegram:1") for _ in range(2)]

    assert (again, offs) == (False, [True, False])
    log = await shop.read(journal.latest, limit=5)
    assert [entry.did for entry in log if entry.by == "telegram:1"] == ["switch-off-coupon", "switch-on-coupon"]
    assert log[1].after == {"word": "SPRING", "basis_points": 1000, "limit_total": 5, "limit_per_buyer": 1}


@sound
async def test_a_coupon_that_would_never_hold_is_not_switched_on(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    at = utc_now()
    gone = await coupon(shop, storefront, "GONE", on=False, expires_at=at + timedelta(minutes=1))
    turned = await coupon(shop, storefront, "TURNED", on=False, starts_at=at + timedelta(days=2), expires_at=at + timedelta(days=1))
    clock.passes(minutes=2)

    for made in (gone, turned):
        with pytest.raises(SpanIsEmpty):
            await shop.write(coupons.switch_on, made.id, storefront_id=storefront.id, by="test")
        await shop.write(coupons.discard, made.id, storefront_id=storefront.id)
        assert await shop.read(coupons.coupon, made.id, storefront_id=storefront.id) is None
