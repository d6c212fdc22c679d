"""Orders whose goods are on their way, from the purchase to each of their ends, with a scripted source: money exact at each end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from core import catalog, fulfilment, orders, rates
from core.database import Shop
from core.fulfilment import TaskState
from core.orders import OrderState
from core.people import Customer
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import STAR_RATE, at_once, balance, left, place, reserve, settle
from tests.core.way import another_offer, ask, declared, secrets, state
from tests.stage import Clock, Goods, chat_of, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


@pytest.fixture
async def goods(shop: Shop, storefront: Storefront) -> Goods:
    """Steam 50 for 95.00: two on the shelf, five more at upstream 7, for 80.00 each."""
    made = await put_on_sale(shop, storefront, count=2)
    return made


@pytest.fixture
async def upstream(shop: Shop, goods: Goods) -> int:
    return await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)


async def test_what_the_shelf_has_not_is_ordered_and_the_order_is_issued_when_it_is_there(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int
) -> None:
    buyer = await person(shop, storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="o", **goods.terms())
    assert receipt.due_at is not None
    assert await state(shop, receipt.order_id) is OrderState.FULFILLING
    assert await balance(shop, buyer) == 100_000 - 4 * 9500
    assert await declared(shop, goods, upstream) == 3
    assert await shop.read(fulfilment.lanes) == ["upstream:7"]

    task = await ask(shop, "upstream:7")
    assert task.quantity == 2 and task.most_cost_minor == 9500
    found = await shop.write(
        orders.arrived, task_id=task.id, secrets=secrets("UP-1", "UP-2"), done=True, cause="came", source_ref="r1", unit_cost_minor=7900
    )
    assert found.taken == 2
    assert await state(shop, receipt.order_id) is OrderState.ISSUED
    [after] = await shop.read(fulfilment.tasks_of, receipt.order_id)
    assert (after.state, after.got, after.cost_minor) == (TaskState.DONE, 2, 7900)
    detail = await shop.read(orders.detail, order_id=receipt.order_id)
    assert detail is not None and detail.cost_minor == 2 * 7900

    assert not await shop.write(orders.task_failed, task_id=task.id, cause="too late to fail")
    again = await shop.write(orders.arrived, task_id=task.id, secrets=secrets("UP-1", "UP-2"), done=True, cause="came again")
    assert (again.taken, again.refused, again.late) == (0, 0, 0)


async def bought(shop: Shop, storefront: Storefront, goods: Goods, quantity: int = 4) -> tuple[Customer, int]:
    """Somebody with 1000.00 has bought so many."""
    buyer = await person(shop, storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=f"b{buyer.id}", **goods.terms())
    return buyer, receipt.order_id


async def codes_of(shop: Shop, order_id: int) -> list[str]:
    parcel = await shop.write(
        orders.reveal, order_id=order_id, cause=orders.RevealCause.SHOWN, to_telegram_id=await chat_of(shop, order_id)
    )
    return [str(secret.card_pwd) for line in parcel.lines for secret in line.secrets]


async def test_what_comes_only_in_part_is_issued_and_the_rest_is_given_back(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int, clock: Clock
) -> None:
    since = clock()
    buyer, order_id = await bought(shop, storefront, goods)
    task = await ask(shop, "upstream:7")
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("P-1"), done=True, cause="only one", source_ref="r")

    assert await state(shop, order_id) is OrderState.ISSUED
    assert await balance(shop, buyer) == 100_000 - 3 * 9500
    assert "P-1" in await codes_of(shop, order_id) and len(await codes_of(shop, order_id)) == 3
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None and (found.card.quantity, found.card.total_minor, found.short_by) == (3, 3 * 9500, 1)
    assert await declared(shop, goods, upstream) == 4
    await assert_books(shop, since, clock())


async def test_unknown_is_asked_again_and_found(shop: Shop, storefront: Storefront, goods: Goods, upstream: int) -> None:
    _, order_id = await bought(shop, storefront, goods)
    task = await ask(shop, "upstream:7")
    assert task.lease is not None
    assert await shop.write(fulfilment.not_sure, task_id=task.id, lease=task.lease, cause="timed out", again_seconds=0)
    [again] = await shop.write(fulfilment.take_due, lane="upstream:7", most=5)
    assert again.id == task.id and again.asked_at is not None and again.state is TaskState.UNKNOWN and again.number == task.number
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("U-1", "U-2"), done=True, cause="it was there")
    assert await state(shop, order_id) is OrderState.ISSUED


async def test_unknown_and_nothing_there_goes_to_the_next_source_within_the_promise(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int, clock: Clock
) -> None:
    since = clock()
    next_one = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8500, rank=3, declared=9, upstream_id=8, consigned=True)
    buyer, order_id = await bought(shop, storefront, goods)
    task = await ask(shop, "upstream:7")
    assert task.lease is not None
    await shop.write(fulfilment.not_sure, task_id=task.id, lease=task.lease, cause="timed out", again_seconds=600)
    # While it is unknown nobody else is asked, however long it lasts.
    assert await shop.write(orders.keep_promises) == 0 and await shop.read(fulfilment.lanes) == []
    clock.passes(seconds=601)
    assert await shop.write(orders.task_failed, task_id=task.id, cause="they know nothing of it")
    assert await declared(shop, goods, upstream) == 5 and await declared(shop, goods, next_one) == 7
    other = await ask(shop, "upstream:8")
    assert other.due_at == task.due_at and other.quantity == 2
    await shop.write(orders.arrived, task_id=other.id, secrets=secrets("N-1", "N-2"), done=True, cause="came", unit_cost_minor=1)

    assert await state(shop, order_id) is OrderState.ISSUED
    lines = await shop.read(orders.lines_of, order_id)
    assert [(line.offer_id, line.quantity, line.unit_cost_minor) for line in lines] == [(goods.offer_id, 2, 0), (next_one, 2, 8500)]
    assert await balance(shop, buyer) == 100_000 - 4 * 9500
    await assert_books(shop, since, clock())


async def test_a_shelf_that_was_filled_meanwhile_takes_the_place_of_a_source_that_failed(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int
) -> None:
    _, order_id = await bought(shop, storefront, goods)
    task = await ask(shop, "upstream:7")
    await stock(shop, goods.offer_id, goods.sku_id, 1)
    await shop.write(orders.task_failed, task_id=task.id, cause="declined")
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None and (found.card.state, found.card.quantity, found.short_by) == (OrderState.ISSUED, 3, 1)


async def test_when_nothing_comes_all_of_it_is_given_back(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int, clock: Clock
) -> None:
    since = clock()
    await shop.write(orders.buy, buyer_id=(await person(shop, storefront, money_minor=50_000)).id, quantity=2, once="all", **goods.terms())
    buyer, order_id = await bought(shop, storefront, goods, 3)
    task = await ask(shop, "upstream:7")
    await shop.write(orders.task_failed, task_id=task.id, cause="declined")
    assert await state(shop, order_id) is OrderState.CANCELLED
    assert await balance(shop, buyer) == 100_000
    assert await declared(shop, goods, upstream) == 5
    # What comes after all is kept, and nobody is charged for it.
    late = await shop.write(orders.arrived, task_id=task.id, secrets=secrets("L-1"), done=True, cause="late")
    assert (late.taken, late.late) == (0, 1)
    assert (await shop.write(orders.arrived, task_id=task.id, secrets=secrets("L-1"), done=True, cause="late")).late == 0
    await assert_books(shop, since, clock())


async def test_a_code_that_was_in_the_shop_before_is_no_delivery(shop: Shop, storefront: Storefront, goods: Goods, upstream: int) -> None:
    [code] = await stock(shop, goods.offer_id, goods.sku_id, 1)
    buyer, order_id = await bought(shop, storefront, goods)
    task = await ask(shop, "upstream:7")
    found = await shop.write(orders.arrived, task_id=task.id, secrets=secrets(code), done=True, cause="came")
    assert (found.taken, found.refused) == (0, 1)
    assert await state(shop, order_id) is OrderState.ISSUED
    assert await balance(shop, buyer) == 100_000 - 3 * 9500


async def test_what_nobody_was_asked_for_in_time_is_given_back_and_what_is_unknown_is_told_once(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int, clock: Clock
) -> None:
    buyer, order_id = await bought(shop, storefront, goods)
    other, unknown = await bought(shop, storefront, goods, 2)
    [first, second] = await shop.write(fulfilment.take_due, lane="upstream:7", most=5)
    assert second.lease is not None and await shop.write(fulfilment.asking, task_id=second.id, lease=second.lease)
    await shop.write(fulfilment.not_sure, task_id=second.id, lease=second.lease, cause="timed out", again_seconds=60)
    clock.passes(minutes=31)
    assert await shop.write(orders.keep_promises) == 2
    assert await shop.write(orders.keep_promises) == 0
    assert await state(shop, order_id) is OrderState.ISSUED and await balance(shop, buyer) == 100_000 - 2 * 9500
    assert first.lease is not None and not await shop.write(fulfilment.asking, task_id=first.id, lease=first.lease)
    assert await state(shop, unknown) is OrderState.FULFILLING
    assert await shop.write(orders.decide_failed, task_id=second.id, by="telegram:1")
    assert await state(shop, unknown) is OrderState.CANCELLED and await balance(shop, other) == 100_000


async def test_two_workers_and_an_admin_at_once_bring_a_task_to_one_end(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int
) -> None:
    buyer, order_id = await bought(shop, storefront, goods)
    taken = await asyncio.gather(*(shop.write(fulfilment.take_due, lane="upstream:7", most=5) for _ in range(4)))
    assert sorted(len(tasks) for tasks in taken) == [0, 0, 0, 1]
    [task] = [task for tasks in taken for task in tasks]
    came = secrets("R-1", "R-2")
    everybody: list[Awaitable[Any]] = [
        *(shop.write(orders.arrived, task_id=task.id, secrets=came, done=True, cause="came") for _ in range(3)),
        shop.write(orders.decide_failed, task_id=task.id, by="telegram:1"),
        shop.write(orders.call_off, order_id=order_id, by="telegram:2", reason="test"),
    ]
    granted, refused = await at_once(everybody)
    assert refused == [] and len(granted) == 5
    paid = 100_000 - await balance(shop, buyer)
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None
    if found.card.state is OrderState.ISSUED:
        assert paid == found.card.quantity * 9500 and len(await codes_of(shop, order_id)) == found.card.quantity
    else:
        assert found.card.state is OrderState.CANCELLED and paid == 0


async def test_the_staff_call_off_what_nobody_was_asked_for_and_the_shelf_gets_its_codes_back(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int
) -> None:
    buyer, order_id = await bought(shop, storefront, goods)
    assert await shop.write(orders.call_off, order_id=order_id, by="telegram:1", reason="a mistake") == 4
    assert await state(shop, order_id) is OrderState.CANCELLED and await balance(shop, buyer) == 100_000
    assert await left(shop, goods) == 2 and await declared(shop, goods, upstream) == 5
    assert await shop.write(orders.call_off, order_id=order_id, by="telegram:1", reason="again") == 0


async def test_what_a_source_was_asked_for_cannot_be_called_off(shop: Shop, storefront: Storefront, goods: Goods, upstream: int) -> None:
    _, order_id = await bought(shop, storefront, goods)
    task = await ask(shop, "upstream:7")
    assert await shop.write(orders.call_off, order_id=order_id, by="telegram:1", reason="too late") == 0
    await shop.write(orders.decide_arrived, task_id=task.id, secrets=secrets("H-1"), by="telegram:1")
    assert await state(shop, order_id) is OrderState.FULFILLING
    await shop.write(orders.decide_arrived, task_id=task.id, secrets=secrets("H-2"), by="telegram:1")
    assert await state(shop, order_id) is OrderState.ISSUED
    for units, news in ((1, True), (1, False), (9, True), (2, False)):
        assert await shop.write(orders.reversed_later, task_id=task.id, units=units, cause="charged back") is news
    [after] = await shop.read(orders.on_its_way, order_id)
    assert after.reversed_units == after.got == 2


async def test_a_payment_by_a_provider_buys_from_the_shelf_and_from_sources_and_a_refund_goes_by_real_costs(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int, clock: Clock
) -> None:
    since = clock()
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    buyer = await person(shop, storefront)
    order = await place(shop, buyer, goods, once="stars", quantity=4)
    await reserve(shop, buyer, order)
    settled = await settle(shop, buyer, order, event="paid")
    assert settled.issued and settled.why == "on-its-way"
    task = await ask(shop, "upstream:7")
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("S-1", "S-2"), done=True, cause="came", unit_cost_minor=7700)
    assert await state(shop, order.order_id) is OrderState.ISSUED
    sold = await shop.read(orders.codes_sold, order.order_id)
    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=[sold[-1].code_id], reason="bad", by="telegram:1", once="one")
    assert await balance(shop, buyer) == 9500
    await assert_books(shop, since, clock())


async def test_money_that_can_be_taken_back_buys_nothing_before_the_staff_have_looked(
    shop: Shop, storefront: Storefront, goods: Goods, upstream: int
) -> None:
    await shop.write(orders.buy, buyer_id=(await person(shop, storefront, money_minor=50_000)).id, quantity=2, once="all", **goods.terms())
    await shop.write(catalog.change_product, goods.product_id, held=True, by="test")
    buyer = await person(shop, storefront)

    async def paid(once: str) -> int:
        terms = {**goods.terms(), "rules_version": goods.rules_version + 1}
        order = await shop.write(
            orders.place,
            buyer_id=buyer.id,
            quantity=1,
            once=once,
            provider="card",
            pay_currency="CNY",
            seconds=900,
            reversible=True,
            **terms,
        )
        settled = await shop.write(
            orders.settle,
            provider="card",
            event_key=once,
            intent_id=order.intent.id,
            customer_id=buyer.id,
            amount_minor=9500,
            currency="CNY",
        )
        assert settled.why == "on-its-way"
        return order.order_id

    first, second = await paid("first"), await paid("second")
    assert await shop.read(fulfilment.lanes) == []
    assert (await shop.write(orders.release, order_id=first, by="telegram:1")).decided
    [task] = await shop.write(fulfilment.take_due, lane="upstream:7", most=5)
    assert task.order_id == first
    assert (await shop.write(orders.refund_held, order_id=second, by="telegram:1", to_source=False, whole_only=False)).decided
    assert await state(shop, second) is OrderState.CANCELLED and await balance(shop, buyer) == 9500
