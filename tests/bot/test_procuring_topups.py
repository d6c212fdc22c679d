"""Top-ups through the procurer: what nobody knows is asked after, no account is topped up twice, and what never was is paid back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from core import fulfilment, integration, orders, people
from core.database import Shop
from core.fulfilment import TaskState, TaskView
from core.orders import OrderState
from core.people import Customer
from core.ports import Callback, NotSure, UpstreamAsk, UpstreamOrder, UpstreamShop
from core.storefronts import Storefront
from sandbox.gateways import Upstream
from tests.bot.buying_there import ADMIN, Trade, sound, told, trading
from tests.connectors.suppliers import stocked
from tests.core.ledgers import assert_books
from tests.core.props import balance
from tests.stage import Clock, person

PAID = 100_000 - 2 * 1000


@pytest.fixture
async def trade(shop: Shop, storefront: Storefront, clock: Clock) -> AsyncIterator[Trade]:
    """One operator whose top-ups take their time; in the end the books are right and no account was topped up twice."""
    since = clock()
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001])
    await person(shop, storefront, 7001)
    async with trading(shop, storefront, "topup") as made:
        yield made
        assert all(times == 1 for times in made.fake.handed_out.values())
        await sound(shop)
        await assert_books(shop, since, clock())


@asynccontextmanager
async def another_source(trade: Trade) -> AsyncIterator[Upstream]:
    """A second operator sells the same, and comes next."""
    fake = stocked(trade.stand)
    await fake.start()
    try:
        of = await trade.shop.write(
            integration.add_upstream,
            storefront=trade.storefront,
            protocol="topup",
            name="The other operator",
            settings=trade.stand.settings(fake.url),
            by=ADMIN,
        )
        await trade.procurer.work_off()
        (item,) = await trade.shop.read(integration.items_of, upstream_id=of.id, page=0, size=10)
        await trade.shop.write(integration.link_item, item_id=item.id, sku_id=trade.sku_id, storefront=trade.storefront, by=ADMIN)
        yield fake
    finally:
        await fake.stop()


async def line_of(trade: Trade) -> UpstreamShop:
    line = await trade.procurer._line(trade.of)
    assert line is not None
    return line.shop


def never_answers(
    trade: Trade, real: Callable[[UpstreamAsk], Awaitable[UpstreamOrder]]
) -> Callable[[UpstreamAsk], Awaitable[UpstreamOrder]]:
    """The order goes out and is carried out there, and no answer comes before the time is over."""

    async def order(ask: UpstreamAsk) -> UpstreamOrder:
        trade.fake.working.clear()
        trade.fake.faults.stall_after_work_seconds, trade.fake.faults.next_call_only = 60.0, True
        call = asyncio.ensure_future(real(ask))
        await trade.fake.working.wait()
        call.cancel()
        raise TimeoutError

    return order


async def of_order(trade: Trade, task: TaskView) -> list[TaskView]:
    found: list[TaskView] = await trade.shop.read(fulfilment.tasks_of, task.order_id)
    return found


async def state(trade: Trade, task: TaskView) -> OrderState:
    found = await trade.shop.read(orders.detail, order_id=task.order_id)
    assert found is not None
    return found.card.state


def asked_for(fake: Upstream, what: str = "POST /v1/orders") -> int:
    return list(fake.calls).count(what)


async def later(trade: Trade, clock: Clock, times: int, **duration: float) -> None:
    for _ in range(times):
        clock.passes(**duration)
        await trade.procurer.work_off()


async def buyer_and_task(trade: Trade) -> tuple[Customer, TaskView]:
    buyer = await trade.buyer()
    return buyer, await trade.buys(buyer)


@pytest.mark.parametrize("ready_before", [True, False], ids=["done before it is asked after", "still worked on"])
async def test_a_top_up_whose_answer_never_came_is_asked_after_and_never_ordered_again(
    trade: Trade, clock: Clock, monkeypatch: pytest.MonkeyPatch, ready_before: bool
) -> None:
    async with another_source(trade) as other:
        buyer, task = await buyer_and_task(trade)
        line = await line_of(trade)
        monkeypatch.setattr(line, "order", never_answers(trade, line.order))
        await trade.procurer.work_off()

        assert (await trade.task(task)).state is TaskState.UNKNOWN
        assert trade.fake.order(task.number).fields == {"account": "13800001111"} and trade.fake.handed_out == {}
        if ready_before:
            trade.fake.finish(task.number)
        await later(trade, clock, 3, seconds=30)
        if not ready_before:
            assert (await trade.task(task)).state is TaskState.ASKED, "it is known there, and worked on"
            # However long it takes there: what it has taken is not taken elsewhere.
            await later(trade, clock, 3, minutes=15)
            assert (await trade.task(task)).state is TaskState.ASKED
            trade.fake.finish(task.number)
            await later(trade, clock, 1, minutes=11)

        after = await trade.task(task)
        assert (after.state, after.got, after.source_ref) == (TaskState.DONE, 2, trade.fake.orders[0].ref)
        assert await trade.codes(task) == [f"operator receipt {after.source_ref}"] * 2
        assert (len(trade.fake.orders), asked_for(trade.fake), trade.fake.handed_out) == (1, 1, {task.number: 1})
        assert asked_for(trade.fake, "GET /v1/orders") >= 1, "it was asked after by its number"
        assert other.orders == [] and await balance(trade.shop, buyer) == PAID
        assert await state(trade, task) is OrderState.ISSUED


async def test_a_top_up_that_was_done_and_is_denied_is_ordered_under_its_number_and_done_once(
    trade: Trade, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator says "not found" of what it has: only its own number keeps it from topping up twice."""
    buyer, task = await buyer_and_task(trade)
    line = await line_of(trade)
    with monkeypatch.context() as patched:
        patched.setattr(line, "order", never_answers(trade, line.order))
        await trade.procurer.work_off()
    trade.fake.finish(task.number)
    trade.fake.faults.clear()
    trade.fake.faults.forgets = True
    await later(trade, clock, 2, seconds=30)

    assert (await trade.task(task)).state is TaskState.DONE and asked_for(trade.fake) == 2
    assert (len(trade.fake.orders), trade.fake.handed_out) == (1, {task.number: 1})
    assert await balance(trade.shop, buyer) == PAID


@pytest.mark.parametrize("sources", [1, 2], ids=["paid back", "tried at another source"])
async def test_not_found_is_final_ten_minutes_after_the_last_order_and_not_before(
    trade: Trade, clock: Clock, monkeypatch: pytest.MonkeyPatch, sources: int
) -> None:
    async with another_source(trade) as other:
        if sources == 1:
            other.drop(trade.stand.key)
            await later(trade, clock, 1, minutes=16)
        buyer, task = await buyer_and_task(trade)
        ordered: list[datetime] = []

        async def lost(ask: UpstreamAsk) -> UpstreamOrder:
            ordered.append(clock())
            raise NotSure("the line was cut")

        monkeypatch.setattr(await line_of(trade), "order", lost)
        await trade.procurer.work_off()
        while (await trade.task(task)).open:
            assert (await trade.task(task)).state is TaskState.UNKNOWN and other.orders == []
            assert await balance(trade.shop, buyer) == PAID
            before = clock()
            assert before - ordered[0] < timedelta(hours=1), "it ends at last"
            await later(trade, clock, 1, seconds=40)

        assert (await trade.task(task)).state is TaskState.FAILED
        assert timedelta(minutes=10) <= clock() - ordered[-1] and before - ordered[-1] < timedelta(minutes=15)
        assert asked_for(trade.fake, "GET /v1/orders") > 3 and trade.fake.orders == []
        if sources == 1:
            assert await balance(trade.shop, buyer) == 100_000 and await state(trade, task) is OrderState.CANCELLED
            return
        await trade.procurer.work_off()
        [bought] = other.orders
        assert bought.fields == {"account": "13800001111"} and bought.number != task.number
        other.finish(bought.number)
        await later(trade, clock, 2, minutes=1)
        assert [one.state for one in await of_order(trade, task)] == [TaskState.FAILED, TaskState.DONE]
        assert await trade.codes(task) == [bought.note] * 2 and other.handed_out == {bought.number: 1}
        assert await balance(trade.shop, buyer) == PAID and await state(trade, task) is OrderState.ISSUED


async def test_a_top_up_that_was_taken_and_is_forgotten_there_is_nobodys_to_give_back(trade: Trade, clock: Clock) -> None:
    """It had said yes: that it does not know the number any more is no answer, however long it says so, and a person looks."""
    async with another_source(trade) as other:
        buyer, task = await buyer_and_task(trade)
        await trade.procurer.work_off()
        assert (await trade.task(task)).source_ref == trade.fake.orders[0].ref
        trade.fake.faults.forgets = True
        await later(trade, clock, 10, minutes=6)
        assert (await trade.task(task)).state is TaskState.UNKNOWN and other.orders == []
        assert await balance(trade.shop, buyer) == PAID
        assert (await told(trade.shop)).count("upstream-unknown") == 1

        trade.fake.faults.clear()
        trade.fake.finish(task.number)
        await later(trade, clock, 1, minutes=6)

        assert (await trade.task(task)).state is TaskState.DONE
        assert (len(trade.fake.orders), asked_for(trade.fake)) == (1, 1)


@pytest.mark.parametrize("sources", [1, 2], ids=["paid back", "tried at another source"])
async def test_a_top_up_that_failed_for_sure_after_it_was_taken_goes_elsewhere_or_back(trade: Trade, clock: Clock, sources: int) -> None:
    async with another_source(trade) as other:
        if sources == 1:
            other.drop(trade.stand.key)
            await later(trade, clock, 1, minutes=16)
        buyer, task = await buyer_and_task(trade)
        await trade.procurer.work_off()
        trade.fake.fail(task.number)
        await later(trade, clock, 2, minutes=1)

        assert (await trade.task(task)).state is TaskState.FAILED and trade.fake.handed_out == {}
        if sources == 1:
            assert await balance(trade.shop, buyer) == 100_000
            return
        other.finish(other.orders[0].number)
        await later(trade, clock, 2, minutes=1)
        assert [one.state for one in await of_order(trade, task)] == [TaskState.FAILED, TaskState.DONE]
        assert other.handed_out == {other.orders[0].number: 1} and await balance(trade.shop, buyer) == PAID


@pytest.mark.parametrize("noticed", ["by looking back", "at the door"])
async def test_a_top_up_that_is_taken_back_later_is_told_once_and_the_staff_may_give_the_money_back(
    trade: Trade, clock: Clock, noticed: str
) -> None:
    buyer, task = await buyer_and_task(trade)
    await trade.procurer.work_off()
    trade.fake.finish(task.number)
    await later(trade, clock, 1, minutes=1)
    assert (await trade.task(task)).state is TaskState.DONE

    trade.fake.reverse(task.number)
    letter = trade.fake._callback(trade.fake.order(task.number))
    assert letter is not None
    for _ in range(3):
        if noticed == "at the door":
            heard = Callback((), {name.lower(): value for name, value in letter.headers.items()}, letter.body)
            assert await trade.procurer.hear(trade.of.word, heard) == "ok"
            await trade.procurer.work_off()
        else:
            await later(trade, clock, 1, minutes=11)

    after = await trade.task(task)
    assert after.state is TaskState.DONE and after.reversed_at is not None
    assert (await told(trade.shop)).count("source-reversed") == 1
    # It was the buyer's already: what is done about it is for the staff to decide with them, and nothing happens by itself.
    assert await state(trade, task) is OrderState.ISSUED and await balance(trade.shop, buyer) == PAID
    assert (len(trade.fake.orders), asked_for(trade.fake)) == (1, 1)
    codes = [code.code_id for code in await trade.shop.read(orders.codes_sold, task.order_id)]
    await trade.shop.write(
        orders.refund_codes, order_id=task.order_id, code_ids=codes, once="reversed", reason="it was taken back", by=ADMIN
    )
    assert await balance(trade.shop, buyer) == 100_000 and await state(trade, task) is OrderState.REFUNDED
