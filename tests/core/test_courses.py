"""How sales went: every order on its day and at its product, what came back taken off, and who looked, began and paid."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import insight, orders
from core.database import Shop
from core.insight import Course, Opened, TooManyOrders, screens
from core.orders import courses
from core.storefronts import Storefront
from tests.reselling import a_reseller
from tests.stage import Clock, person, put_on_sale


def to_clock(clock: Clock, hour: int, minute: int = 0) -> None:
    """Tomorrow at this time of day (UTC): the day does not end while a test runs."""
    at = datetime.combine(clock().date() + timedelta(days=1), time(hour, minute), UTC)
    clock.passes(seconds=(at - clock()).total_seconds())


async def seen(shop: Shop, storefront: Storefront, days: int = 7, timezone: str = "UTC") -> Course:
    return await shop.read(insight.course_of_storefront, storefront.id, days=days, timezone=timezone)


async def test_every_order_is_on_its_day_and_what_came_back_is_taken_off(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    to_clock(clock, 12)
    cards = await put_on_sale(shop, storefront, name="Steam", price_minor=9500)
    songs = await put_on_sale(shop, storefront, name="Songs", denomination="A song", price_minor=500)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="a", **cards.terms())
    whole = await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="b", **songs.terms())
    clock.passes(days=2)
    part = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="c", **songs.terms())
    [first, *_] = await shop.read(orders.codes_sold, part.order_id)
    await shop.write(orders.refund_codes, order_id=part.order_id, code_ids=[first.code_id], reason="bad", by="test", once="r1")
    await shop.write(orders.refund_codes, order_id=whole.order_id, code_ids=None, reason="bad", by="test", once="r2")

    course = await seen(shop, storefront)
    assert [day.day for day in course.days] == [clock().date() - timedelta(days=back) for back in range(6, -1, -1)]
    assert [(day.orders, day.units, day.sales_minor) for day in course.days if day.sales_minor] == [(1, 3, 28_500), (1, 3, 1500)]
    assert (course.orders, course.units, course.sales_minor) == (2, 6, 30_000)
    assert [(one.product.name, one.units, one.sales_minor) for one in course.products] == [("Steam", 3, 28_500), ("Songs", 3, 1500)]
    assert (await seen(shop, storefront, days=1)).sales_minor == 1500
    theirs = await shop.read(insight.course_of_buyer, buyer.id, days=7, timezone="UTC")
    assert theirs.sales_minor == 30_000 and theirs.margin_minor is None, "what it cost the shop is not the buyer's to know"
    other = await person(shop, storefront)
    assert (await shop.read(insight.course_of_buyer, other.id, days=7, timezone="UTC")).orders == 0


async def test_the_margin_is_that_of_the_days_figures(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    to_clock(clock, 12)
    goods = await put_on_sale(shop, storefront)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=5, once="a", **goods.terms())
    [first, *_] = await shop.read(orders.codes_sold, bought.order_id)
    await shop.write(orders.refund_codes, order_id=bought.order_id, code_ids=[first.code_id], reason="bad", by="test", once="r")

    today = await shop.read(insight.today, storefront.id, timezone="UTC")
    course = await seen(shop, storefront, days=1)
    assert (course.sales_minor, course.units, course.margin_minor) == (today.sales_minor, today.units, today.profit_minor)


async def test_days_are_those_of_the_shops_time_zone(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    to_clock(clock, 15, 58)  # before midnight there
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="before", **goods.terms())
    clock.passes(minutes=4)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="after", **goods.terms())

    there = await seen(shop, storefront, days=7, timezone="Asia/Shanghai")
    assert [day.units for day in there.days][-2:] == [1, 2]
    assert (await seen(shop, storefront, days=7)).days[-1].units == 3, "elsewhere it is one day"


async def test_who_looked_began_and_paid_is_counted_once_a_day_and_resellers_are_left_out(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    to_clock(clock, 12)
    goods = await put_on_sale(shop, storefront)
    buyer, looker = await person(shop, storefront, money_minor=1_000_000), await person(shop, storefront)
    reseller = await a_reseller(shop, storefront)
    assert await shop.write(insight.count_opened, storefront_id=storefront.id + 1, opened=[Opened(buyer.id, 1)]) == 0, "not there"
    looked = [Opened(buyer.id, goods.product_id), Opened(looker.id, goods.product_id), Opened(buyer.id, 77)]
    assert await shop.write(insight.count_opened, storefront_id=storefront.id, opened=looked) == 3
    assert await shop.write(insight.count_opened, storefront_id=storefront.id, opened=looked) == 0, "once a day"
    for once in ("a", "b"):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=once, **goods.terms())
    await shop.write(orders.buy, buyer_id=reseller.id, quantity=1, once="c", **goods.terms())

    today = (await seen(shop, storefront)).days[-1]
    assert (today.visitors, today.ordered, today.paid, today.orders) == (2, 1, 1, 3)
    clock.passes(days=1)
    assert await shop.write(insight.count_opened, storefront_id=storefront.id, opened=looked) == 3, "another day"
    assert (await seen(shop, storefront)).visitors == 4
    clock.passes(days=screens.KEPT_DAYS)
    assert await shop.write(insight.forget_opened, most=2) == 2
    assert await shop.write(insight.forget_opened) == 1, "what is not too old is kept"


async def test_too_many_orders_are_refused_with_a_way_on(shop: Shop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch) -> None:
    goods = await put_on_sale(shop, storefront)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    for once in ("a", "b"):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=once, **goods.terms())
    monkeypatch.setattr(courses, "MOST_ORDERS", 1)
    with pytest.raises(TooManyOrders):
        await seen(shop, storefront)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40))))
def test_what_is_noted_is_taken_once_and_never_more_than_there_is_room_for(looks: list[tuple[int, int, int]]) -> None:
    screens.take_opened(screens.MOST)
    for look in looks:
        insight.note_opened(*look)
    found: list[tuple[int, int, int]] = []
    while some := insight.take_opened(7):
        assert sum(len(there) for there in some.values()) <= 7
        found += [(of, one.customer_id, one.product_id) for of, there in some.items() for one in there]
    assert sorted(found) == sorted(set(looks))


def test_a_crowd_beyond_the_room_is_not_noted() -> None:
    screens.take_opened(screens.MOST)
    for number in range(screens.MOST + 5):
        insight.note_opened(1, number, 1)
    assert sum(len(there) for there in insight.take_opened(2 * screens.MOST).values()) == screens.MOST
