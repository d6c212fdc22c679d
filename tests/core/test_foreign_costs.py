"""Agreed in dollars, sold in yuan: booked at a recorded rate with its buffer, followed when the rate moves, stopped when there is none."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from core import audit, orders, rates, supply
from core.database import Shop
from core.rates import Rules
from core.storefronts import Storefront
from core.supply import NoRateForCost, SourceClass, Standing, Stop
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.core.supplies import purse, settled
from tests.stage import Clock, Goods, person, put_on_sale, stock

RULES = Rules(timedelta(hours=48), Fraction(1))  # a buffer of one per cent


async def told(shop: Shop, clock: Clock, worth: str) -> None:
    """A source says what a dollar is worth in yuan."""
    await shop.write(rates.take, market={"USD": Fraction(worth)}, as_of=clock(), quote="CNY", source="ecb", rules=RULES)


async def in_dollars(shop: Shop, storefront: Storefront, minor: int) -> tuple[Goods, int, int]:
    goods = await put_on_sale(shop, storefront, name="PSN", denomination="PSN 10", price_minor=9500, count=0)
    seller = await shop.write(supply.new_supplier, name="Abroad", standing=Standing.TRUSTED, telegram_id=77)
    made = await shop.write(
        supply.new_offer,
        supplier_id=seller.id,
        sku_id=goods.sku_id,
        cost_minor=minor,
        cost_currency="USD",
        source_class=SourceClass.OWN_STOCK,
        by="test",
    )
    await stock(shop, made.id, goods.sku_id, 5)
    return goods, made.id, seller.id


async def test_a_cost_in_dollars_is_booked_in_yuan_at_the_rate_with_its_buffer(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await told(shop, clock, "7.20")
    goods, offer_id, seller_id = await in_dollars(shop, storefront, 1000)
    quoted = await shop.read(rates.latest, base="USD", quote="CNY")
    assert quoted is not None and quoted.rate < quoted.market == Fraction(72, 10)

    [offer] = await shop.read(supply.offers, [offer_id])
    foreign = await shop.read(supply.foreign_cost, offer_id)
    exactly = 1000 * quoted.market * quoted.market / quoted.rate
    assert exactly > 7200, "the buffer is on our side"
    assert (offer.cost_minor, offer.cost_currency) == (-(-exactly.numerator // exactly.denominator), "CNY")
    assert foreign is not None and (foreign.minor, foreign.currency) == (1000, "USD")
    # Which rate, of when, and whose: the one that the source said, with a buffer that is added for the shop.
    assert (foreign.rate_id, foreign.source, foreign.as_of) == (quoted.id, "ecb", quoted.as_of) and foreign.as_of <= clock()
    assert foreign.market == Fraction(72, 10) and foreign.rate == Fraction(72, 10) * Fraction(101, 100)
    assert quoted.rate * Fraction(101, 100) == quoted.market, "payers bear it in the other direction"
    assert offer.cost_minor == 7272
    [version] = await shop.read(supply.costs_of, offer_id)
    assert version.currency == "CNY"
    assert (version.agreed_minor, version.agreed_currency, version.rate_id) == (1000, "USD", quoted.id)

    buyer = await person(shop, storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="two", **goods.terms())
    owed = await shop.read(supply.offers, [offer_id])
    assert owed[0].payable_id is not None
    assert await shop.read(purse, seller_id) == (2 * 7272, 0, 0)
    await assert_sound(shop)
    await assert_books(shop, clock() - timedelta(days=1), clock() + timedelta(minutes=1))


async def test_a_later_rate_does_not_change_what_was_sold(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await told(shop, clock, "7.20")
    goods, offer_id, seller_id = await in_dollars(shop, storefront, 1000)
    then = await shop.read(rates.latest, base="USD", quote="CNY")
    buyer = await person(shop, storefront, money_minor=100_000)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="before", **goods.terms())
    clock.passes(hours=1)
    await told(shop, clock, "7.50")
    assert await shop.write(supply.follow_rates) == 1
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="after", **goods.terms())
    await settled(shop)

    # 10.00 at 7.20 and 7.50, each with its buffer, and each sale at its own.
    [before, after] = [(await shop.read(orders.sold_lines, [order_id]))[0] for order_id in (made.order_id, made.order_id + 1)]
    assert (before.unit_cost_minor, after.unit_cost_minor, before.cost_currency) == (7272, 7575, "CNY")
    assert await shop.read(purse, seller_id) == (2 * 7272 + 7575, 0, 0)
    newer, older = await shop.read(supply.costs_of, offer_id)
    assert then is not None and older.rate_id == then.id != newer.rate_id
    assert older.taken_at is not None and newer.taken_at is not None
    assert older.taken_at <= before.issued_at < newer.taken_at <= after.issued_at, (
        "the version of its instant says at which rate it was sold"
    )
    known = await shop.read(rates.by_id, newer.rate_id or 0)
    assert known is not None and (known.market, known.source) == (Fraction(75, 10), "ecb")
    # What is taken back is what was booked, not what it would cost now.
    await shop.write(orders.refund_codes, order_id=made.order_id, code_ids=None, once="back", reason="test", by="test")
    await settled(shop)
    assert await shop.read(purse, seller_id) == (7575, 0, 0)
    await assert_books(shop, clock() - timedelta(days=1), clock() + timedelta(minutes=1))
    await assert_sound(shop)


async def test_a_moved_rate_makes_the_next_version_and_no_rate_stops_the_sale(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await told(shop, clock, "7.20")
    _, offer_id, _ = await in_dollars(shop, storefront, 1000)
    before = (await shop.read(supply.offers, [offer_id]))[0].cost_minor
    assert await shop.write(supply.follow_rates) == 0

    clock.passes(hours=1)
    await told(shop, clock, "7.30")
    assert await shop.write(supply.follow_rates) == 1
    assert await shop.write(supply.follow_rates) == 0
    after = (await shop.read(supply.offers, [offer_id]))[0].cost_minor
    assert 90 <= after - before <= 110
    assert [version.by for version in await shop.read(supply.costs_of, offer_id)] == ["rate", "test"]

    clock.passes(hours=49)
    assert await shop.write(supply.follow_rates) == 1
    assert [one.why for one in await shop.read(supply.stops, [offer_id])] == [Stop.RATE]
    await told(shop, clock, "7.30")
    assert await shop.write(supply.follow_rates) >= 1
    assert await shop.read(supply.stops, [offer_id]) == []
    assert (await shop.read(audit.audit)).clean


async def test_without_a_rate_goods_in_another_currency_are_not_taken_in(shop: Shop, storefront: Storefront) -> None:
    with pytest.raises(NoRateForCost):
        await in_dollars(shop, storefront, 1000)


async def test_what_a_supplier_asks_is_compared_in_the_currency_it_was_agreed_in(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    await told(shop, clock, "7.20")
    _, offer_id, _ = await in_dollars(shop, storefront, 1000)
    asks: dict[str, Any] = {"offer_id": offer_id, "telegram_id": 77, "by": "telegram:77"}
    someone = await person(shop, storefront)

    wish = await shop.write(supply.wish_cost, customer_id=someone.id, cost_minor=1100, **asks)
    assert wish is not None and (wish.before_minor, wish.wanted_minor, wish.currency) == (1000, 1100, "USD")
    assert await shop.write(supply.decide_wish, wish_id=wish.id, granted=True, by="telegram:1")
    foreign = await shop.read(supply.foreign_cost, offer_id)
    assert foreign is not None and foreign.minor == 1100
    assert await shop.write(supply.wish_cost, customer_id=someone.id, cost_minor=900, **asks) is None
    assert (await shop.read(supply.offers, [offer_id]))[0].cost_minor < 7000
    await assert_sound(shop)
