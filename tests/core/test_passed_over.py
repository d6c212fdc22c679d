"""What is kept of the sources that an order was not served from, though they were ranked better: why."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import orders, rates, supply
from core.database import Shop, write
from core.orders import Passed
from core.orders.drawing import Drawn
from core.orders.passing import keep_passed
from core.storefronts import Storefront
from core.supply import Stop
from tests.core.offering import offered, supplier, under_quota
from tests.core.props import consign, place, settle
from tests.core.test_exposure_bound import limit
from tests.core.way import ask
from tests.stage import Clock, Goods, person, put_on_sale, stock

FACTS = {
    Passed.DATES: "valid_until = 1",
    Passed.QUANTITY: "min_quantity = 5",
    Passed.COUNTRY: "region = 'JP'",
    Passed.CURRENCY: "max_quantity = 99",
    Passed.EMPTY: "max_quantity = 99",
}


@write
def let_be(session: Session, offer_id: int, facts: str) -> None:
    """An offer is so from this moment on, and no job has looked at it yet."""
    session.execute(text(f"UPDATE offers SET plain = FALSE, {facts} WHERE id = :id"), {"id": offer_id})


async def sold_from(shop: Shop, goods: Goods, way: str = "wallet", quantity: int = 2) -> set[int]:
    """Sell the first order of this shop; returns the sources it came from."""
    buyer = await person(shop, goods.storefront, money_minor=1_000_000)
    if way == "wallet":
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once="once", **goods.terms())
    else:
        await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
        await settle(shop, buyer, await place(shop, buyer, goods, once="once", quantity=quantity), event="paid")
    return {line.offer_id for line in await shop.read(orders.lines_of, 1)}


@pytest.mark.parametrize("way", ["wallet", "payment"])
@pytest.mark.parametrize("why", [*FACTS, Passed.PROMISED])
async def test_a_better_ranked_source_gives_nothing(shop: Shop, storefront: Storefront, clock: Clock, why: Passed, way: str) -> None:
    goods = await put_on_sale(shop, storefront, count=0 if why is Passed.EMPTY else 9)
    second = await offered(shop, goods.sku_id)
    await stock(shop, second.id, goods.sku_id, 9)
    if why is Passed.PROMISED:
        await shop.write(supply.change_offer, offer_id=second.id, by="test", exclusive_until=clock() + timedelta(days=2))
    else:
        await shop.write(let_be, second.id, "max_quantity = 99")  # More is to be looked at than shelves.
        await shop.write(let_be, goods.offer_id, FACTS[why])
    if why is Passed.CURRENCY:
        await shop.write(consign, offer_id=goods.offer_id, cost_minor=100, currency="USD")

    assert await sold_from(shop, goods, way) == {second.id}

    assert await shop.read(orders.passed_over, 1) == {goods.offer_id: why}


async def test_a_contract_or_a_limit_that_leaves_nothing(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    _, first = await under_quota(shop, goods, total_minor=5000)
    second = await offered(shop, goods.sku_id, supplier_id=await supplier(shop))
    third = await offered(shop, goods.sku_id)
    for offer in (first, second, third):
        await stock(shop, offer.id, goods.sku_id, 5)
    await limit(shop, second.supplier_id, 100)
    await shop.write(supply.lift, offer_ids=[second.id], why=Stop.EXPOSURE, by="test")

    assert await sold_from(shop, goods) == {third.id}

    assert await shop.read(orders.passed_over, 1) == {goods.offer_id: Passed.EMPTY, first.id: Passed.QUOTA, second.id: Passed.ROOM}


async def test_a_source_that_was_asked_and_one_that_stopped_a_moment_ago(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    asked_of = await supplier(shop)
    first = await offered(shop, goods.sku_id, supplier_id=asked_of, declared=9)
    second = await offered(shop, goods.sku_id)
    assert await sold_from(shop, goods) == {first.id}
    empty = {goods.offer_id: Passed.EMPTY}
    assert await shop.read(orders.passed_over, 1) == empty
    await stock(shop, second.id, goods.sku_id, 9)
    task = await ask(shop, f"supplier:{asked_of}")
    await shop.write(orders.task_failed, task_id=task.id, cause="declined")
    assert {line.offer_id for line in await shop.read(orders.lines_of, 1)} == {second.id}
    assert await shop.read(orders.passed_over, 1) == empty | {first.id: Passed.ASKED}

    @write
    def stopped_meanwhile(session: Session) -> None:
        ranked = supply.ranked(session, [goods.sku_id])
        supply.stop(session, offer_ids=[first.id], why=Stop.PAUSED, by="test")
        session.execute(text("DELETE FROM passed_offers"))
        drawn = Drawn({second.id: 2})
        keep_passed(session, order_id=1, ranked=ranked, drawn=drawn, quantity=2, country=None, currency="CNY")

    await shop.write(stopped_meanwhile)
    assert await shop.read(orders.passed_over, 1) == empty | {first.id: Passed.STOPPED}


async def test_sales_off_the_first_shelf_keep_nothing(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=9)
    await offered(shop, goods.sku_id)
    assert await sold_from(shop, goods) == {goods.offer_id}
    assert await shop.read(orders.passed_over, 1) == {}
