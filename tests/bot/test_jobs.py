"""Timed jobs: each does its work, alone or beside the same job of another process, and falls alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

import pytest

from bot.jobs import CALM, FEW, Job, Jobs, jobs_of
from core import inventory, ledger, orders, outbox, payments, promotion, rates
from core.database import Shop
from core.orders import OrderState
from core.outbox import Topic
from tests.bot.conftest import until
from tests.conftest import KEYS
from tests.stage import Clock, Goods, person, put_on_sale, stock


@pytest.fixture
async def other(shop: Shop, clock: Clock) -> AsyncIterator[Shop]:
    """The same shop in another process; on SQLite, where one process writes, the same."""
    if shop.is_sqlite:
        yield shop
        return
    async with Shop.opened(shop.url.render_as_string(hide_password=False), KEYS, clock=clock) as opened:
        yield opened


async def both(job: str, *shops: Shop) -> None:
    """Run the job of that name in all these processes at once."""
    found = [next(each for each in jobs_of(shop) if each.name == job) for shop in shops]
    await asyncio.gather(*(each.run() for each in found))


async def test_orders_that_nobody_paid_end_once_and_give_back_what_they_held(shop: Shop, other: Shop, goods: Goods, clock: Clock) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(10), source="test")
    placed = []
    for number in range(12):
        buyer = await person(shop, goods.storefront)
        order = await shop.write(
            orders.place,
            buyer_id=buyer.id,
            quantity=1,
            once=f"p{number}",
            provider="stars",
            pay_currency="XTR",
            seconds=60,
            **goods.terms(),
        )
        intent = order.intent
        await shop.write(
            orders.reserve,
            intent_id=intent.id,
            customer_id=buyer.id,
            amount_minor=intent.amount_minor,
            currency="XTR",
            hold_seconds=30,
        )
        placed.append(order)
    assert (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id] == 28

    clock.passes(seconds=40)
    await both("release-lapsed-holds", shop, other)
    assert (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id] == 40
    clock.passes(seconds=40)
    await both("expire-orders", shop, other)

    for order in placed:
        detail = await shop.read(orders.detail, order_id=order.order_id)
        assert detail is not None and detail.card.state is OrderState.EXPIRED


async def test_deposits_that_nobody_paid_end(shop: Shop, other: Shop, goods: Goods, clock: Clock) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(10), source="test")
    buyer = await person(shop, goods.storefront)
    intent = await shop.write(orders.deposit, customer_id=buyer.id, worth_minor=500, provider="stars", pay_currency="XTR", seconds=60)
    clock.passes(seconds=61)
    await both("expire-deposits", shop, other)

    found = await shop.read(payments.intent, intent.id)
    assert found is not None and found.state is payments.IntentState.EXPIRED


async def test_who_waits_is_told_once(shop: Shop, other: Shop, goods: Goods) -> None:
    empty = await put_on_sale(shop, goods.storefront, count=0)
    people = [await person(shop, goods.storefront) for _ in range(FEW - 4)]
    for each in people:
        await shop.write(inventory.watch, customer_id=each.id, sku_id=empty.sku_id)
    await stock(shop, empty.offer_id, empty.sku_id, 5)
    await both("tell-who-waits", shop, other)
    await both("tell-who-waits", shop, other)
    assert (await shop.read(outbox.waiting)).open == len(people)


async def test_an_interrupted_publishing_is_finished(shop: Shop, other: Shop, goods: Goods) -> None:
    batch = await shop.write(inventory.open_batch, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="x", by="test")
    secrets = [(row, inventory.Secret(None, f"HALF-PUBLISHED-{row:04d}")) for row in range(30)]
    sealed = list(inventory.seal(shop.tools.keys, batch, secrets))
    await shop.write(inventory.stage, batch_id=batch.id, offer_id=goods.offer_id, sealed=sealed)
    assert await shop.write(inventory.publish, batch_id=batch.id, most=10) == 20
    await both("finish-publishing", shop, other)
    assert (await shop.read(inventory.on_shelf, [goods.offer_id]))[goods.offer_id] == 70


async def test_the_books_are_rolled_up_once_by_two_processes(shop: Shop, other: Shop, goods: Goods, clock: Clock) -> None:
    for number in range(2):
        buyer = await person(shop, goods.storefront, money_minor=40 * 9500)
        for purchase in range(3):
            await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once=f"{number}-{purchase}", **goods.terms())
        before = await shop.read(ledger.house_balance, goods.storefront.sales_account_id)
        clock.passes(days=1)
        await asyncio.gather(*(shop.write(ledger.roll_up) for shop in (shop, other) * 4))
        assert await shop.read(ledger.house_balance, goods.storefront.sales_account_id) == before
    assert await shop.write(ledger.roll_up) == 0


async def test_a_broadcast_is_posted_in_small_portions_while_the_outbox_is_calm(shop: Shop, other: Shop, goods: Goods) -> None:
    people = [await person(shop, goods.storefront) for _ in range(3 * FEW)]
    broadcast = await shop.write(promotion.draft, storefront_id=goods.storefront.id, text="News", by="test")
    await shop.write(promotion.begin, broadcast_id=broadcast, storefront_id=goods.storefront.id, by="test")
    for _ in range(5):
        await both("post-broadcasts", shop)
    assert CALM <= (await shop.read(outbox.waiting)).open <= CALM + FEW

    reached = 0
    for _ in range(20):
        for message in await shop.write(outbox.lease, worker="w", most=100, seconds=60):
            assert message.topic is Topic.BROADCAST
            await shop.write(outbox.done, message_id=message.id, worker="w")
            reached += 1
        await both("post-broadcasts", shop, other)
    assert reached == len(people)


async def test_every_job_runs_on_an_empty_shop(shop: Shop) -> None:
    for job in jobs_of(shop):
        assert await job.run() == 0, job.name


async def test_a_failing_job_stops_no_other_and_is_tried_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.random.uniform", lambda low, high: high * 0.01)
    ran, woken = [0], [0]

    async def fails() -> int:
        raise RuntimeError("no")

    async def works() -> int:
        ran[0] += 1
        return 1

    jobs = Jobs([Job("fails", 0.01, fails), Job("works", 0.01, works)], lambda: woken.__setitem__(0, woken[0] + 1))
    assert await jobs.once(Job("fails", 5, fails)) < await jobs.once(Job("fails", 5, fails))
    stop = asyncio.Event()
    running = asyncio.create_task(jobs.run(stop))

    async def often() -> bool:
        return ran[0] > 20

    await until(often)
    stop.set()
    await running
    assert woken[0] == ran[0]
    assert jobs.courses["fails"].failures > 2 and jobs.courses["works"].failures == 0


async def test_a_job_that_found_much_goes_on_at_once() -> None:
    async def much() -> int:
        return 100

    async def little() -> int:
        return 99

    jobs = Jobs([Job("much", 60, much), Job("little", 60, little)])
    assert await jobs.once(Job("much", 60, much)) == 0
    assert await jobs.once(Job("little", 60, little)) > 50
