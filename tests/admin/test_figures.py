"""Today in figures, in the shop's own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core import insight, orders, payments, supply
from core.database import Shop
from handlers.admin.desk import Go
from locales import shop_timezone
from tests.admin.direct import at_the_desk
from tests.stage import Clock, Goods, person, put_on_sale

SHANGHAI = "Asia/Shanghai"


def wait_for(clock: Clock, hour: int, minute: int, timezone: str = SHANGHAI) -> None:
    """Move the clock to the next such time of day there."""
    zone = ZoneInfo(timezone)
    here = clock().astimezone(zone)
    there = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), zone) + timedelta(hours=hour, minutes=minute)
    clock.ahead += there - here


async def test_the_figures_of_a_day_are_those_since_midnight_in_shanghai(shop: Shop, goods: Goods, clock: Clock) -> None:
    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=8000, cost_currency="CNY")
    await put_on_sale(shop, goods.storefront, name="Bare", denomination="Bare 1", count=0)
    wait_for(clock, 23, 59)
    buyer = await person(shop, goods.storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=5, once="yesterday", **goods.terms())
    # 23:59 in Shanghai is 15:59 in UTC: the day changes where the shop is.
    clock.passes(minutes=2)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="one", **goods.terms())
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="two", **goods.terms())
    await person(shop, goods.storefront)
    await shop.write(payments.credit, customer_id=buyer.id, provider="stars", key="paid", amount_minor=50, currency="XTR", worth_minor=450)

    day = await shop.read(insight.today, goods.storefront.id, timezone=SHANGHAI)

    assert (day.orders, day.units, day.sales_minor, day.cost_minor, day.profit_minor) == (2, 3, 28_500, 24_000, 4_500)
    assert [(d.label, d.currency, d.count, d.amount_minor) for d in day.deposits] == [("stars", "XTR", 1, 50)]
    assert day.new_customers == 1
    assert day.stock_outs == 1
    assert day.waiting.open == 4  # Three parcels, and the notice of the credited money.

    clock.passes(days=1)
    tomorrow = await shop.read(insight.today, goods.storefront.id, timezone=SHANGHAI)
    assert (tomorrow.orders, tomorrow.sales_minor, tomorrow.deposits, tomorrow.new_customers) == (0, 0, [], 0)


async def test_costs_in_another_currency_stand_beside_the_profit(shop: Shop, goods: Goods) -> None:
    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=1000, cost_currency="USD")
    buyer = await person(shop, goods.storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="one", **goods.terms())

    day = await shop.read(insight.today, goods.storefront.id, timezone=SHANGHAI)

    assert (day.cost_minor, day.profit_minor, day.other_costs_minor) == (0, 19_000, {"USD": 2000})


async def test_the_screen_says_what_the_figures_say(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="one", **goods.terms())
    desk = await at_the_desk(shop, goods.storefront)

    said = await desk.presses(Go(to="today"))

    assert "Orders: 1" in said and "Cards sold: 2" in said and "Sales: ¥190.00" in said and "Profit: ¥190.00" in said
    assert "Nothing was paid in." in said and "Denominations sold out: 0" in said


async def test_the_day_of_the_screen_changes_where_the_shop_says_it_is(shop: Shop, goods: Goods, clock: Clock) -> None:
    wait_for(clock, 23, 59, "America/New_York")
    buyer = await person(shop, goods.storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=5, once="yesterday", **goods.terms())
    clock.passes(minutes=2)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="today", **goods.terms())
    desk = await at_the_desk(shop, goods.storefront)

    said = {}
    for timezone in ("America/New_York", SHANGHAI):
        set_back = shop_timezone.set(timezone)
        try:
            said[timezone] = await desk.presses(Go(to="today"))
        finally:
            shop_timezone.reset(set_back)

    assert "Orders: 1" in said["America/New_York"] and "Cards sold: 2" in said["America/New_York"]
    assert "Orders: 2" in said[SHANGHAI] and "Cards sold: 7" in said[SHANGHAI]
    day = clock().astimezone(ZoneInfo("America/New_York"))
    assert f"Today, {day:%b} {day.day}, {day.year}" in said["America/New_York"]
