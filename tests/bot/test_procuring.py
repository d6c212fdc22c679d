"""Procuring from upstreams, told from the purchase to the delivery, with everything that upstreams do wrong: nothing is bought twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from bot import procuring
from connectors.suppliers import upstream as open_upstream
from connectors.suppliers.own_shop import OwnShop
from core import integration, journal, supply
from core.database import Shop, write
from core.fulfilment import TaskState
from core.fulfilment.tables import Task
from core.fulfilment.tasks import _sealed
from core.integration import Place
from core.people import Customer
from core.ports import Callback, Declined, ItemNotice, NotGenuine, NotSure, UpstreamAsk, UpstreamOrder, UpstreamShop
from core.storefronts import Storefront
from tests.bot.buying_there import ADMIN, Trade, given, sound, told, trading
from tests.connectors.suppliers import SECRET, STANDS
from tests.core.props import aside, balance
from tests.stage import Clock, person


@pytest.fixture
async def trade(shop: Shop, storefront: Storefront) -> AsyncIterator[Trade]:
    async with trading(shop, storefront) as made:
        yield made
        await sound(shop)


@pytest.fixture
async def admin(shop: Shop, storefront: Storefront) -> Customer:
    from core import people

    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001])
    return await person(shop, storefront, 7001)


async def test_what_is_sold_is_bought_there_and_delivered(trade: Trade) -> None:
    assert await trade.declared() == 20
    buyer = await trade.buyer()
    task = await trade.buys(buyer, 3)
    assert await trade.declared() == 17

    await trade.procurer.work_off()

    after = await trade.task(task)
    assert (after.state, after.got, after.cost_minor, after.source_ref) == (TaskState.DONE, 3, 850, trade.fake.orders[0].ref)
    assert sorted(await trade.codes(task)) == sorted(trade.fake.order(task.number).codes)
    assert trade.fake.handed_out == {task.number: 1} and trade.fake.orders[0].quantity == 3
    assert await balance(trade.shop, buyer) == 100_000 - 3000
    of = await trade.shop.read(integration.upstream, trade.of.id)
    assert of.balance_minor == 1_000_000 - 2550


@pytest.mark.parametrize("fault", ["nonsense", "says_repeated", "errors_500"])
@pytest.mark.parametrize("protocol", list(STANDS))
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_whatever_goes_wrong_with_the_answer_it_is_bought_once(
    shop: Shop, storefront: Storefront, clock: Clock, protocol: str, fault: str
) -> None:
    async with trading(shop, storefront, protocol) as trade:
        task = await trade.buys(await trade.buyer())
        real = type(trade.procurer)._ask

        def spoiled(self: procuring.Procurer, *args: Any) -> UpstreamAsk:
            """The fault is switched on between the price and the order."""
            setattr(trade.fake.faults, fault, 1 if fault == "errors_500" else True)
            trade.fake.faults.next_call_only = True
            return real(self, *args)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(procuring.Procurer, "_ask", spoiled)
            await trade.procurer.work_off()
        first = await trade.task(task)
        if fault == "errors_500":
            assert first.state is TaskState.UNKNOWN and trade.fake.orders == []
        for _ in range(12):
            clock.passes(minutes=2)
            await trade.procurer.work_off()
            trade.finishes(task)
        after = await trade.task(task)
        assert len(trade.fake.orders) <= 1 and trade.fake.handed_out[task.number] <= 1
        if trade.fake.orders:
            assert after.state is TaskState.DONE and sorted(await trade.codes(task)) == sorted(given(trade.fake.orders[0]))
        else:
            # Only this protocol can neither repeat nor make it: known after ten minutes, and the money is back.
            assert protocol == "acg-faka" and after.state is TaskState.FAILED
        await sound(shop)


async def test_not_found_is_final_only_after_ten_minutes(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    async with trading(shop, storefront, "acg-faka") as trade:
        buyer = await trade.buyer()
        task = await trade.buys(buyer)
        trade.fake.faults.forgets = True
        trade.fake.faults.nonsense = False
        real = type(trade.procurer)._ask

        def spoiled(self: procuring.Procurer, *args: Any) -> UpstreamAsk:
            trade.fake.faults.errors_500 = 1
            return real(self, *args)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(procuring.Procurer, "_ask", spoiled)
            await trade.procurer.work_off()
        for _ in range(4):
            clock.passes(minutes=2)
            await trade.procurer.work_off()
            assert (await trade.task(task)).state is TaskState.UNKNOWN
        assert await balance(shop, buyer) == 100_000 - 2000
        clock.passes(minutes=4)
        await trade.procurer.work_off()
        assert (await trade.task(task)).state is TaskState.FAILED
        assert await balance(shop, buyer) == 100_000
        assert trade.fake.orders == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_not_found_counts_from_when_it_was_ordered_last(
    shop: Shop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trading(shop, storefront) as trade:
        task = await trade.buys(await trade.buyer())
        line = await trade.procurer._line(trade.of)
        assert line is not None
        ordered: list[datetime] = []

        async def accepts_and_says_nothing(ask: UpstreamAsk) -> UpstreamOrder:
            ordered.append(clock())
            raise NotSure("it is still working on it")

        async def knows_nothing_yet(number: str, ref: str | None) -> None:
            return None

        monkeypatch.setattr(line.shop, "order", accepts_and_says_nothing)
        monkeypatch.setattr(line.shop, "find", knows_nothing_yet)
        while (await trade.task(task)).open:
            await trade.procurer.work_off()
            clock.passes(seconds=20)
            assert clock() - ordered[0] < timedelta(hours=1), "it ends at last"
        assert len(ordered) > 1, "it was ordered again, under the same number"
        assert clock() - ordered[-1] >= timedelta(seconds=line.shop.can.final_after_seconds)


async def test_an_upstream_that_answers_nothing_about_orders_leaves_it_to_a_person(
    shop: Shop, storefront: Storefront, clock: Clock, admin: Customer
) -> None:
    async with trading(shop, storefront, "acg-faka") as trade:
        await shop.write(integration.say_settings, upstream_id=trade.of.id, settings={"finds": "no"}, by=ADMIN)
        await trade.procurer.work_off()
        first, second = await trade.buys(await trade.buyer()), await trade.buys(await trade.buyer(), 1)
        trade.fake.faults.says_repeated = True
        await trade.procurer.work_off()
        for _ in range(20):
            clock.passes(hours=2)
            await trade.procurer.work_off()
        assert {(await trade.task(task)).state for task in (first, second)} == {TaskState.UNKNOWN}
        assert (await told(shop)).count("upstream-unknown") == 2
        bought = trade.fake.order(first.number)

        from core.inventory import Secret

        taken = await shop.write(
            integration.was_bought,
            task_id=first.id,
            secrets=[Secret(None, code) for code in bought.codes],
            storefront_id=storefront.id,
            by=ADMIN,
        )
        await shop.write(integration.was_not_bought, task_id=second.id, storefront_id=storefront.id, by=ADMIN)
        assert taken == 2 and (await trade.task(first)).state is TaskState.DONE
        assert (await trade.task(second)).state is TaskState.FAILED
        for decided in (first, second):
            with pytest.raises(integration.TaskDecided):
                await shop.write(integration.was_not_bought, task_id=decided.id, storefront_id=storefront.id, by=ADMIN)
        assert [entry.did for entry in await shop.read(journal.latest, limit=2)] == ["decide-unknown"] * 2
        await sound(shop)


async def test_two_workers_and_the_admin_at_once_buy_once(trade: Trade, storefront: Storefront) -> None:
    tasks = [await trade.buys(await trade.buyer(), 1) for _ in range(5)]
    others = [trade.another() for _ in range(3)]

    async def heard() -> None:
        for _ in range(5):
            await trade.shop.write(integration.heard, upstream_id=trade.of.id, numbers=[task.number for task in tasks])

    await asyncio.gather(trade.procurer.work_off(), *(each.work_off() for each in others), heard())
    for each in (trade.procurer, *others):
        await each.work_off()
    for each in others:
        await each.close()

    assert trade.fake.handed_out == {task.number: 1 for task in tasks}
    assert [(await trade.task(task)).state for task in tasks] == [TaskState.DONE] * 5
    assert len({code for task in tasks for code in await trade.codes(task)}) == 5


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_who_needs_a_connection_at_the_same_moment_gets_the_same_and_after_the_end_nobody_gets_one(trade: Trade) -> None:
    opened: list[UpstreamShop] = []

    def opens(protocol: str, settings: Mapping[str, str]) -> UpstreamShop:
        opened.append(open_upstream(protocol, settings))
        return opened[-1]

    worker = procuring.Procurer(trade.shop, opens)
    lines = await asyncio.gather(*(worker._line(trade.of) for _ in range(3)))
    assert len(opened) == 1 and all(line is lines[0] for line in lines)
    await worker.close()
    assert await worker._line(trade.of) is None and len(opened) == 1


@pytest.mark.parametrize("protocol", ["own-shop", "dujiao-next", "acg-faka"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_worker_that_dies_at_any_of_its_steps_has_bought_once(
    shop: Shop, storefront: Storefront, clock: Clock, protocol: str
) -> None:
    """The process is cut off at every await in turn: before the price, between the promise to ask and the order, before its answer."""
    async with trading(shop, storefront, protocol, stock=200) as trade:
        finished = 0
        for step in range(60):
            task = await trade.buys(await trade.buyer(), 1)
            worker = trade.another()
            died = await _dies_after(worker.work_off(), step)
            await worker.close()
            clock.passes(minutes=4)
            survivor = trade.another()
            for _ in range(3):
                await survivor.work_off()
                clock.passes(minutes=3)
            await survivor.work_off()
            await survivor.close()
            after = await trade.task(task)
            bought = trade.fake.handed_out[task.number]
            assert bought <= 1, f"bought twice when it died at step {step}"
            if bought:
                assert after.state is TaskState.DONE and await trade.codes(task) == trade.fake.order(task.number).codes
            finished += not died
            if finished >= 2:
                break
        assert finished >= 2, "it never ran through"
        assert max(trade.fake.handed_out.values()) == 1
        await sound(shop)


async def _dies_after(work: Awaitable[object], steps: int) -> bool:
    """Run a coroutine with all it has begun, and cut everything off after so many turns of the loop; was it cut off?"""
    before = asyncio.all_tasks()
    main = asyncio.ensure_future(work)
    for _ in range(steps * 12):
        await asyncio.sleep(0)
        if main.done():
            return False
        if steps % 2:
            await asyncio.sleep(0.0002 * steps)
    begun = [task for task in asyncio.all_tasks() - before if task is not main and "procuring" in repr(task.get_coro())]
    for task in (main, *begun):
        task.cancel()
    await asyncio.gather(main, *begun, return_exceptions=True)
    return True


async def test_nothing_is_bought_above_what_it_was_sold_for(trade: Trade) -> None:
    buyer = await trade.buyer()
    task = await trade.buys(buyer)
    trade.fake.reprice(trade.stand.key, "10.01")

    await trade.procurer.work_off()

    assert (await trade.task(task)).state is TaskState.FAILED and trade.fake.orders == []
    assert await balance(trade.shop, buyer) == 100_000
    (offer,) = await trade.shop.read(supply.offers, [trade.offer_id])
    assert offer.cost_minor == 1001


async def test_what_came_is_delivered_and_the_rest_is_paid_back(trade: Trade) -> None:
    buyer = await trade.buyer()
    task = await trade.buys(buyer, 3)
    trade.fake.faults.partial = True

    await trade.procurer.work_off()

    after = await trade.task(task)
    assert (after.state, after.got, after.cost_minor) == (TaskState.DONE, 2, 850)
    assert await balance(trade.shop, buyer) == 100_000 - 2000


@pytest.mark.parametrize("no", [Declined, NotSure])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_an_upstream_repeats_of_the_account_is_in_no_log_and_in_no_row(
    trade: Trade, admin: Customer, clock: Clock, monkeypatch: pytest.MonkeyPatch, no: type[Exception]
) -> None:
    async def echoes(*asked: object) -> object:
        raise no("Account 138 6789-1234 (13867891234) of LIN@x.cn: 138678 91234 does not exist; its name is lin@x")

    task = await trade.buys(await trade.buyer(), 1)
    await trade.shop.write(_says, task.id, {"account": "138-6789-1234", "mail": "lin@x.cn", "server": "1"})
    monkeypatch.setattr(OwnShop, "order", echoes)
    monkeypatch.setattr(OwnShop, "find", echoes)
    with capture_logs() as logged:
        for _ in range(procuring.TRIES_BEFORE_A_PERSON_LOOKS + 1):
            await trade.procurer.work_off()
            clock.passes(minutes=11)
    after = await trade.task(task)
    assert after.state is (TaskState.FAILED if no is Declined else TaskState.UNKNOWN)
    async with aside(trade.shop.url.render_as_string(hide_password=False)) as connection:
        kept = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("tasks", "task_steps", "outbox", "upstreams", "actions", "orders")
        ]
    for row in [*kept, str(logged)]:
        for part in ("13867", "6789-", "138678", "lin@x", "LIN@x"):
            assert part not in row, row
    assert "Account ••• (•••) of •••: ••• does not exist; its name is •••" in kept[1] + str(logged)


@write
def _says(session: Session, task_id: int, fields: dict[str, str]) -> None:
    """The buyer was asked for something, and has said this."""
    row = session.get_one(Task, task_id)
    row.fields = _sealed(session, row.number, fields)


async def test_an_upstream_that_takes_more_than_it_said_is_told_of(trade: Trade, admin: Customer) -> None:
    trade.fake.faults.charges_more = True
    task = await trade.buys(await trade.buyer(), 1)
    trade.fake.reprice(trade.stand.key, "9.99")
    await trade.procurer.work_off()
    after = await trade.task(task)
    assert (after.state, after.cost_minor) == (TaskState.DONE, 1099)
    assert "upstream-overcharged" in await told(trade.shop)


async def test_what_is_taken_back_later_is_noticed_and_told_once(trade: Trade, clock: Clock, admin: Customer) -> None:
    task = await trade.buys(await trade.buyer(), 1)
    await trade.procurer.work_off()
    trade.fake.reverse(task.number)
    for _ in range(3):
        clock.passes(minutes=11)
        await trade.procurer.work_off()
    assert (await trade.task(task)).reversed_at is not None
    assert (await told(trade.shop)).count("source-reversed") == 1


@pytest.mark.parametrize("protocol", [name for name in STANDS if name != "acg-faka"])  # which never says so
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_part_that_is_taken_back_later_is_noticed_each_time_there_is_more_of_it(
    shop: Shop, storefront: Storefront, clock: Clock, admin: Customer, protocol: str
) -> None:
    async with trading(shop, storefront, protocol) as trade:
        task = await trade.buys(await trade.buyer(), 3)
        await trade.procurer.work_off()
        trade.finishes(task)
        for _ in range(3):
            clock.passes(minutes=11)
            await trade.procurer.work_off()
        assert (await trade.task(task)).got == 3 and "source-reversed" not in await told(shop)
        for units, times in ((1, 1), (0, 1), (1, 2), (1, 3)):
            if units:
                trade.fake.reverse(task.number, units)
            for _ in range(3):
                clock.passes(minutes=11)
                await trade.procurer.work_off()
            after = await trade.task(task)
            assert after.reversed_at is not None
            assert ((await told(shop)).count("source-reversed"), after.reversed_units) == (times, times)


async def test_an_order_that_is_worked_on_is_waited_for_and_called_off_ones_paid_back(trade: Trade, clock: Clock) -> None:
    trade.fake.by_hand = True
    buyer = await trade.buyer()
    first, second = await trade.buys(buyer, 1), await trade.buys(buyer, 1)
    await trade.procurer.work_off()
    assert (await trade.task(first)).state is TaskState.ASKED
    trade.fake.finish(first.number)
    trade.fake.fail(second.number)
    clock.passes(seconds=5)
    await trade.procurer.work_off()
    assert ((await trade.task(first)).state, (await trade.task(second)).state) == (TaskState.DONE, TaskState.FAILED)
    assert await balance(trade.shop, buyer) == 100_000 - 1000


async def test_after_failures_it_rests_and_its_offers_are_hidden_until_it_answers(trade: Trade, clock: Clock, admin: Customer) -> None:
    trade.fake.faults.errors_500 = 10**6
    for _ in range(6):
        clock.passes(minutes=11)
        await trade.procurer.work_off()
    of = await trade.shop.read(integration.upstream, trade.of.id)
    assert of.open_until is not None
    assert [stop.why for stop in await trade.shop.read(supply.stops, [trade.offer_id])] == [supply.Stop.HIDDEN]
    assert await trade.shop.read(supply.left, [trade.sku_id]) == {trade.sku_id: 0}
    calls = len(trade.fake.calls)
    await trade.procurer.work_off()
    assert len(trade.fake.calls) == calls, "what rests is left alone"
    trade.fake.faults.clear()
    clock.passes(minutes=40)
    await trade.procurer.work_off()
    of = await trade.shop.read(integration.upstream, trade.of.id)
    assert (of.open_until, of.failures) == (None, 0)
    assert await trade.shop.read(supply.stops, [trade.offer_id]) == []
    assert [says for says in await told(trade.shop) if says.startswith("upstream-")] == ["upstream-rests", "upstream-works"]


async def test_one_that_hangs_holds_up_no_other(shop: Shop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procuring, "CALL_SECONDS", 3.0)
    async with trading(shop, storefront, "dujiao-next") as slow, trading(shop, storefront) as quick:
        hanging, flowing = await slow.buys(await slow.buyer()), await quick.buys(await quick.buyer())
        slow.fake.faults.slow_seconds = 60.0
        stop = asyncio.Event()
        running = asyncio.create_task(quick.procurer.run(stop))
        async with asyncio.timeout(2.5):
            while (await quick.task(flowing)).state is not TaskState.DONE:  # noqa: ASYNC110 - what is waited for is in a database
                await asyncio.sleep(0.02)
        assert (await slow.task(hanging)).state is TaskState.WANTED
        slow.fake.faults.clear()
        stop.set()
        await running


async def test_a_low_balance_is_told_once_for_each_fall(trade: Trade, clock: Clock, admin: Customer) -> None:
    shop = trade.shop
    await shop.write(integration.set_low_balance, upstream_id=trade.of.id, low_balance_minor=500_000, by=ADMIN)
    for worth in ("6000", "4999.99", "4000", "7000", "100"):
        trade.fake.balance = Decimal(worth)
        clock.passes(minutes=11)
        await trade.procurer.work_off()
    assert (await told(shop)).count("upstream-low") == 2


async def test_the_catalogue_follows_and_what_the_shop_said_stays(trade: Trade, clock: Clock) -> None:
    from core import catalog, pricing

    shop, sku = trade.shop, await trade.shop.read(catalog.sku, trade.sku_id)
    assert sku is not None
    await shop.write(catalog.change_sku, trade.sku_id, name="Steam 50 元 · 秒发", by=ADMIN)
    await shop.write(catalog.change_product, sku.product_id, name="Steam", by=ADMIN)
    trade.fake.wares[trade.stand.key].title = "NEW TITLE"
    trade.fake.reprice(trade.stand.key, "8.80")
    trade.fake.restock(trade.stand.key, 5)
    clock.passes(minutes=16)
    await trade.procurer.work_off()
    (offer,) = await shop.read(supply.offers, [trade.offer_id])
    assert (offer.cost_minor, offer.declared) == (880, 25)
    after, product = await shop.read(catalog.sku, trade.sku_id), await shop.read(catalog.product, sku.product_id)
    price = await shop.read(pricing.current, storefront_id=trade.storefront.id, sku_ids=[trade.sku_id])
    assert after is not None and product is not None
    assert (after.name, product.name, price[trade.sku_id].retail_minor) == ("Steam 50 元 · 秒发", "Steam", 1000)
    trade.fake.drop(trade.stand.key)
    clock.passes(minutes=16)
    await trade.procurer.work_off()
    assert await trade.declared() == 0


async def test_changes_are_told_between_two_readings_of_the_catalogue(trade: Trade, clock: Clock) -> None:
    clock.passes(minutes=2)
    await trade.procurer.work_off()
    trade.fake.restock(trade.stand.key, 7)
    trade.fake.calls.clear()
    clock.passes(minutes=2)
    await trade.procurer.work_off()
    assert await trade.declared() == 27
    assert "GET /api/v1/items" not in trade.fake.calls and "GET /api/v1/changes" in trade.fake.calls


async def test_notices_count_in_whatever_order_they_come(trade: Trade) -> None:
    key, told_ = trade.stand.key, [5, 3, 9, 7, 9, 2]
    for version in told_:
        await trade.shop.write(
            integration.take_notices,
            upstream_id=trade.of.id,
            notices=[ItemNotice(key, str(version), price_minor=800 + version, currency="CNY", stock=version)],
        )
    (offer,) = await trade.shop.read(supply.offers, [trade.offer_id])
    assert (offer.cost_minor, offer.declared) == (809, 9)


async def test_what_is_sold_and_not_yet_asked_for_is_not_sold_again(trade: Trade, clock: Clock) -> None:
    await trade.buys(await trade.buyer(), 8)
    trade.fake.restock(trade.stand.key, 1)
    await trade.shop.write(
        integration.take_notices,
        upstream_id=trade.of.id,
        notices=[ItemNotice(trade.stand.key, "999", stock=21)],
    )
    assert await trade.declared() == 13
    await trade.procurer.work_off()
    assert trade.fake.orders[0].quantity == 8


async def test_paused_it_sells_nothing_and_removed_it_is_still_asked_about(trade: Trade, clock: Clock) -> None:
    shop = trade.shop
    trade.fake.by_hand = True
    task = await trade.buys(await trade.buyer(), 1)
    await trade.procurer.work_off()
    await shop.write(integration.pause_upstream, upstream_id=trade.of.id, by=ADMIN)
    assert await shop.read(supply.left, [trade.sku_id]) == {trade.sku_id: 0}
    await shop.write(integration.resume_upstream, upstream_id=trade.of.id, by=ADMIN)
    assert await shop.read(supply.left, [trade.sku_id]) == {trade.sku_id: 19}
    await shop.write(integration.remove_upstream, upstream_id=trade.of.id, by=ADMIN)
    assert (await shop.read(integration.upstream, trade.of.id)).place is Place.REMOVED
    with pytest.raises(integration.NoSuchUpstream):
        await shop.read(integration.upstream, trade.of.id, storefront_id=trade.storefront.id)
    trade.fake.finish(task.number)
    clock.passes(minutes=1)
    await trade.procurer.work_off()
    assert (await trade.task(task)).state is TaskState.DONE


async def test_its_secrets_are_sealed_and_no_other_row_opens_them(trade: Trade) -> None:
    async with aside(trade.shop.url.render_as_string(hide_password=False)) as connection:
        row = (await connection.execute(text("SELECT settings, data_key FROM upstreams"))).one()
        actions = str((await connection.execute(text("SELECT before, after FROM actions"))).all())
    assert SECRET.encode() not in bytes(row.settings) + bytes(row.data_key) and SECRET not in actions
    assert (await trade.shop.read(integration.settings_of, trade.of.id))["secret"] == SECRET
    assert trade.of.word not in repr(trade.of)


async def test_a_call_at_the_door_is_only_a_reason_to_ask(trade: Trade) -> None:
    trade.fake.by_hand = True
    task = await trade.buys(await trade.buyer(), 1)
    await trade.procurer.work_off()
    bought = trade.fake.order(task.number)
    bought.state = "done"  # Said, and not so: nothing was handed out.
    letter = trade.fake._callback(bought)
    bought.state = "working"
    assert letter is not None
    callback = Callback((), {name.lower(): value for name, value in letter.headers.items()}, letter.body)
    for _ in range(3):
        assert await trade.procurer.hear(trade.of.word, callback) == "ok"
        await trade.procurer.work_off()
    assert (await trade.task(task)).state is TaskState.ASKED and await trade.codes(task) == []
    assert await trade.procurer.hear("another-word", callback) is None
    with pytest.raises(NotGenuine):
        await trade.procurer.hear(trade.of.word, Callback((), callback.headers, callback.body + b" "))
    trade.fake.finish(task.number)
    assert await trade.procurer.hear(trade.of.word, callback) == "ok"
    await trade.procurer.work_off()
    assert (await trade.task(task)).state is TaskState.DONE
    trade.fake.reverse(task.number)
    for _ in range(2):
        assert await trade.procurer.hear(trade.of.word, callback) == "ok"
        await trade.procurer.work_off()
    assert (await trade.task(task)).reversed_at is not None
