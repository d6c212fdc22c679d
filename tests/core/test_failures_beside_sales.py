"""What a source says of its tasks, and what a payment settles, lock as a sale does: the wallet, what is agreed, and then the offer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from core import exposure, orders, rates, settlement, supply
from core.database import Shop
from core.fulfilment import TaskView
from core.people import Customer
from core.storefronts import Storefront
from tests.core.offering import offered, supplier
from tests.core.props import at_once, keeps_turn, place, reserve, settle
from tests.core.test_commitments_on_the_way import promised
from tests.core.test_exposure_bound import limit
from tests.core.way import ask, secrets
from tests.stage import Clock, Goods, person, put_on_sale, stock

# Only PostgreSQL locks rows; SQLite lets one command write at a time.
pytestmark = [pytest.mark.usefixtures("sound_in_the_end"), pytest.mark.parametrize("database", ["postgres"], indirect=True)]

LOCKS = {
    "wallet": "SELECT 1 FROM accounts a JOIN customers c ON c.wallet_id = a.id ORDER BY a.id FOR UPDATE OF a",
    "commitment": "SELECT 1 FROM commitments ORDER BY id FOR UPDATE",
    "room": "SELECT 1 FROM owed_rooms ORDER BY supplier_id, currency FOR UPDATE",
}


async def asked(shop: Shop, storefront: Storefront, clock: Clock, *, orders_made: int = 1) -> tuple[Goods, Customer, list[TaskView]]:
    """Goods that a supplier with a commitment and a limit brings on order, and that were ordered; the tasks are asked for."""
    goods = await put_on_sale(shop, storefront, count=0)
    seller = await supplier(shop)
    far = await offered(shop, goods.sku_id, supplier_id=seller, declared=500)
    await promised(shop, far, clock, 400)
    await limit(shop, seller, 100_000_000)
    buyer = await person(shop, storefront, money_minor=10_000_000)
    tasks = []
    for number in range(orders_made):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once=f"before-{number}", **goods.terms())
        tasks.append(await ask(shop, f"supplier:{seller}"))
    return goods, buyer, tasks


async def goes_past(url: str, lock: str, asks: Coroutine[Any, Any, Any]) -> None:
    """While the command waits for what a sale holds, the sale can have the offers it would take next."""
    await keeps_turn(url, asks, has=LOCKS[lock], then="SELECT 1 FROM offers FOR UPDATE")


@pytest.mark.parametrize("lock", LOCKS)
async def test_a_task_that_fails(shop: Shop, storefront: Storefront, clock: Clock, database_url: str, lock: str) -> None:
    _, _, [task] = await asked(shop, storefront, clock)
    await goes_past(database_url, lock, shop.write(orders.task_failed, task_id=task.id, cause="declined"))


@pytest.mark.parametrize("lock", LOCKS)
async def test_codes_that_arrive(shop: Shop, storefront: Storefront, clock: Clock, database_url: str, lock: str) -> None:
    _, _, [task] = await asked(shop, storefront, clock)
    brought = shop.write(orders.arrived, task_id=task.id, secrets=secrets("A-1", "A-2"), done=True, cause="brought")
    await goes_past(database_url, lock, brought)


@pytest.mark.parametrize("lock", LOCKS)
async def test_an_order_that_is_called_off(shop: Shop, storefront: Storefront, clock: Clock, database_url: str, lock: str) -> None:
    goods, buyer, _ = await asked(shop, storefront, clock)
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="unasked", **goods.terms())
    await goes_past(database_url, lock, shop.write(orders.call_off, order_id=made.order_id, by="telegram:1", reason=""))


@pytest.mark.parametrize("lock", LOCKS)
async def test_a_promise_that_is_over(shop: Shop, storefront: Storefront, clock: Clock, database_url: str, lock: str) -> None:
    goods, buyer, _ = await asked(shop, storefront, clock)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="unasked", **goods.terms())
    clock.passes(hours=25)
    await goes_past(database_url, lock, shop.write(orders.keep_promises))


async def test_many_of_both_at_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """Nobody is thrown out: whoever waits for another is not waited for."""
    goods, _, tasks = await asked(shop, storefront, clock, orders_made=2)
    buyers = [await person(shop, storefront, money_minor=10_000_000) for _ in range(8)]
    # They fail while the sales go on.
    failing = asyncio.gather(*(shop.write(orders.task_failed, task_id=task.id, cause="declined") for task in tasks))

    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyers[number % 8].id, quantity=1, once=f"beside-{number}", **goods.terms()) for number in range(40)
    )

    assert await failing == [True, True]
    # A source that fails is asked no more for a while; those who came before are sold to.
    assert len(sold) + len(refused) == 40 and {type(no) for no in refused} <= {orders.SoldOut, orders.NotForSale}


async def test_whatever_is_done_at_once_throws_nobody_out(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """Sales, payments, refunds, what sources say, settlement and both clocks' jobs, in any order: refusals at most, and sound books."""
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    goods = await put_on_sale(shop, storefront, count=0)
    far = await offered(shop, goods.sku_id, supplier_id=await supplier(shop), declared=500)
    near = await offered(shop, goods.sku_id, supplier_id=await supplier(shop), cost_minor=9000)
    for offer, promise in ((far, 200), (near, 30)):
        await promised(shop, offer, clock, promise)
        await limit(shop, offer.supplier_id, 100_000_000)
    buyers = [await person(shop, storefront, money_minor=10_000_000) for _ in range(6)]
    made = [
        await shop.write(orders.buy, buyer_id=buyers[number % 6].id, quantity=2, once=f"before-{number}", **goods.terms())
        for number in range(18)
    ]
    tasks = [task for one in made for task in await shop.read(orders.on_its_way, one.order_id)]
    await stock(shop, near.id, goods.sku_id, 60)
    placed = [(buyer, await place(shop, buyer, goods, once=f"placed-{buyer.id}")) for buyer in buyers]
    asks: list[Coroutine[Any, Any, Any]] = []
    for number, task in enumerate(tasks):
        match number % 3:
            case 0:
                asks.append(shop.write(orders.task_failed, task_id=task.id, cause="declined"))
            case 1:
                brought = secrets(*(f"came-{task.id}-{n}" for n in range(task.missing)))
                asks.append(shop.write(orders.arrived, task_id=task.id, secrets=brought, done=True, cause="came"))
            case _:
                asks.append(shop.write(orders.call_off, order_id=task.order_id, by="telegram:1", reason=""))
    for number in range(30):
        buyer_id, quantity = buyers[number % 6].id, 1 + number % 2
        asks.append(shop.write(orders.buy, buyer_id=buyer_id, quantity=quantity, once=f"beside-{number}", **goods.terms()))
    for buyer, order in placed:
        asks += [reserve(shop, buyer, order), settle(shop, buyer, order, event=f"paid-{order.order_id}")]
    for _ in range(6):
        asks += [shop.write(exposure.keep_limits), shop.write(settlement.settle_now), shop.write(supply.judge_commitments)]
    for one in made[:6]:
        refund: dict[str, Any] = {"code_ids": None, "reason": "test", "by": "test", "once": f"back-{one.order_id}"}
        asks.append(shop.write(orders.refund_codes, order_id=one.order_id, **refund))
    Random(2).shuffle(asks)

    done, _ = await at_once(asks)

    assert len(done) > 60
    await shop.write(exposure.keep_limits)
