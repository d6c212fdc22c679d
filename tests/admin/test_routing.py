"""At the desk: why a source was drawn from first, how much each reason counts, and what is decided about goods on their way."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import fulfilment, inventory, journal, orders, routing, supply
from core.database import Shop
from core.inventory import Secret
from core.orders import OrderState
from core.storefronts import Storefront
from core.supply import Stop
from handlers.admin.desk import Do, Go
from handlers.admin.routing import MOST_TYPED, NotCodes, typed_codes
from tests.admin.direct import Chatter, at_the_desk
from tests.core.offering import offered
from tests.core.props import assert_sound
from tests.core.way import another_offer, ask, state
from tests.stage import Goods, person, put_on_sale, stock


@pytest.fixture
async def goods(shop: Shop, storefront: Storefront) -> Goods:
    made = await put_on_sale(shop, storefront, count=1)
    await shop.write(another_offer, sku_id=made.sku_id, cost_minor=7000, rank=2, declared=9, upstream_id=7)
    return made


async def bought(shop: Shop, goods: Goods) -> int:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once=f"b{buyer.id}", **goods.terms())
    return receipt.order_id


async def test_a_weight_is_typed_and_logged_and_bad_input_changes_nothing(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    assert "low cost: 40" in await buttons(desk, Go(to="routing"))
    for wrong in ("101", "-1", "ten", "4.5"):
        assert "whole number from 0 to 100" in await desk.answers("routing.weight", 0, wrong, "cost")
    assert (await shop.read(routing.weights)).cost == 40
    await desk.answers("routing.weight", 0, "55", "cost")
    assert (await shop.read(routing.weights)).cost == 55
    [entry] = await shop.read(journal.latest, limit=1)
    assert (entry.did, entry.before["cost"], entry.after["cost"]) == ("set-weights", 40, 55)


async def buttons(desk: Chatter, to: Go) -> str:
    """The labels under a screen, and what it says."""
    said = await desk.presses(to)
    labels = [
        button.text
        for call in desk.session.calls
        if (markup := getattr(call, "reply_markup", None)) is not None
        for row in markup.inline_keyboard
        for button in row
    ]
    return "\n".join([said, *labels])


async def test_the_staff_are_told_why_a_source_was_first(shop: Shop, goods: Goods) -> None:
    third = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=100, rank=3, declared=900, upstream_id=8)
    await shop.write(routing.rank, sku_id=goods.sku_id)
    order_id = await bought(shop, goods)
    desk = await at_the_desk(shop, goods.storefront)

    said = await desk.presses(Go(to="why-source", id=order_id))

    assert f"#{third}" in said and "First because: " in said and "ranking 2" in said and "of 1000" in said
    assert "Why these sources" in await buttons(desk, Go(to="order", id=order_id))


async def test_the_staff_are_told_why_a_better_one_was_passed_over(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    abroad = await offered(shop, goods.sku_id, cost_minor=6000, region="JP")
    other = await offered(shop, goods.sku_id, cost_minor=7000)
    desk = await at_the_desk(shop, storefront)
    for offer in (abroad, other):
        await stock(shop, offer.id, goods.sku_id, 9)
    unranked = await bought(shop, goods)
    said = await desk.presses(Go(to="why-source", id=unranked))
    assert "had not ranked its sources yet" in said and f"(#{abroad.id}): it sells to another country only" in said

    await shop.write(routing.rank, sku_id=goods.sku_id)
    said = await desk.presses(Go(to="why-source", id=await bought(shop, goods)))
    assert (
        said.index(f"#{abroad.id}")
        < said.index("↳ passed over: it sells to another country only")
        < said.index(f"2. Bright Cards (#{other.id})")
    )
    assert said.count("passed over") == 1, "the shop's own comes after, and was not looked at"

    # Off the shelf alone: what stands before it had none.
    await shop.write(supply.stop, offer_ids=[abroad.id], why=Stop.PAUSED, by="test")
    await shop.write(inventory.void_batch, batch_id=(await shop.read(inventory.batches_of, [other.id]))[0].id, by="test")
    await stock(shop, goods.offer_id, goods.sku_id, 9)
    said = await desk.presses(Go(to="why-source", id=await bought(shop, goods)))
    assert "↳ passed over: it had nothing on its shelf, or did not sell at that moment" in said

    late = await offered(shop, goods.sku_id, cost_minor=6000)
    await stock(shop, late.id, goods.sku_id, 9)
    await shop.write(inventory.void_batch, batch_id=(await shop.read(inventory.batches_of, [goods.offer_id]))[0].id, by="test")
    said = await desk.presses(Go(to="why-source", id=await bought(shop, goods)))
    assert f"(#{late.id}) had joined a moment before" in said


async def test_the_staff_bring_a_task_to_its_end(shop: Shop, goods: Goods) -> None:
    order_id = await bought(shop, goods)
    desk = await at_the_desk(shop, goods.storefront)
    task = await ask(shop, "upstream:7")
    assert task.lease is not None
    await shop.write(fulfilment.not_sure, task_id=task.id, lease=task.lease, cause="timed out", again_seconds=600)

    assert "could not say" in await desk.presses(Go(to="on-way", id=order_id))
    assert "asked now" in await desk.presses(Do(act="task-ask", id=task.id))
    assert await shop.read(fulfilment.lanes) == ["upstream:7"]
    assert "for already" in await desk.presses(Do(act="call-off", id=order_id))
    assert "1 code is the order's now" in await desk.answers("task.codes", task.id, "DESK-1")
    assert "Another source" in await desk.presses(Do(act="task-fail", id=task.id))
    assert "over already" in await desk.presses(Do(act="task-fail", id=task.id))
    assert await state(shop, order_id) is OrderState.ISSUED
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None and (found.card.quantity, found.short_by) == (2, 1)
    assert [entry.did for entry in await shop.read(journal.latest, limit=3)] == ["fail-task", "bring-task", "ask-task"]
    await assert_sound(shop)


async def test_very_many_tasks_are_shown_some_at_a_time_the_open_ones_first(shop: Shop, storefront: Storefront) -> None:
    made = await put_on_sale(shop, storefront, count=0)
    for rank in range(2, 14):
        await shop.write(another_offer, sku_id=made.sku_id, cost_minor=7000 + rank, rank=rank, declared=1, upstream_id=rank)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    order_id = (await shop.write(orders.buy, buyer_id=buyer.id, quantity=12, once="many", **made.terms())).order_id
    tasks = await shop.read(orders.on_its_way, order_id)
    assert len(tasks) == 12
    for _ in range(6):
        for task in tasks:
            await shop.write(fulfilment.note, task_id=task.id, cause="x" * 300)
    first = tasks[0]
    await shop.write(orders.arrived, task_id=first.id, secrets=[Secret(None, "ONE-1")], done=True, cause="came")
    desk = await at_the_desk(shop, storefront)

    pages = [await desk.presses(Go(to="on-way", id=order_id, page=page)) for page in range(5)]

    assert all(0 < len(said) <= 4096 for said in pages)
    assert all(sum(f"{nth}. " in line for line in "".join(pages[:4]).splitlines()) >= 1 for nth in range(1, 13))
    assert "2. 0 of 1" in pages[0] and "1. 1 of 1" in pages[3] and pages[4] == pages[3], "what is open comes first"


async def test_forged_and_outdated_buttons_change_nothing(shop: Shop, goods: Goods) -> None:
    order_id = await bought(shop, goods)
    desk = await at_the_desk(shop, goods.storefront)
    for data in (Do(act="task-ask", id=999), Do(act="task-fail", id=0), Do(act="call-off", id=999), Go(to="why-source", id=999)):
        assert await desk.presses(data)
    await desk.presses(Go(to="ask", arg="routing.weight@nothing"))
    assert "pieces were called off" in await desk.presses(Do(act="call-off", id=order_id))
    assert await state(shop, order_id) is OrderState.CANCELLED
    await desk.presses(Do(act="call-off", id=order_id))
    await assert_sound(shop)


@given(st.text(max_size=300))
def test_whatever_is_typed_is_codes_or_a_clear_refusal(text: str) -> None:
    found: list[Secret] = []
    with suppress(NotCodes):
        found = typed_codes(text, MOST_TYPED)
        assert found
    assert len(found) <= MOST_TYPED and (found or not text.isalnum())
