"""Goods of suppliers that are partly on their way: one cost and one line, money given back once, and one bad order that stops nobody."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import audit, fulfilment, orders, outbox, rates, supply
from core.database import Shop, micros, read, write
from core.orders import OrderState
from core.outbox.tables import Message
from core.settlement import SpreadShare
from core.storefronts import Storefront
from tests.core.joining import staff
from tests.core.ledgers import assert_books
from tests.core.props import STAR_RATE, assert_sound, balance, place, settle
from tests.core.supplies import Supplied, purse, released, settled, supplied
from tests.core.way import another_offer, ask, secrets, state
from tests.stage import Clock, person, put_on_sale, stock

BY: dict[str, Any] = {"reason": "test", "by": "test"}


@write
def damage(session: Session, statement: str, of_id: int = 0) -> None:
    session.execute(text(statement), {"id": of_id} if ":id" in statement else {})


@read
def told(session: Session, says: str) -> list[dict[str, Any]]:
    return [body for body in session.scalars(select(Message.body).order_by(Message.id)) if body and body.get("says") == says]


async def twice_from_one_shelf(shop: Shop, storefront: Storefront) -> tuple[Supplied, int]:
    """Two of a supplier's codes, and two more of them after another source failed and the offers were ranked anew."""
    of = await supplied(shop, storefront, terms=SpreadShare(3000), count=2)
    await shop.write(another_offer, sku_id=of.goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=100_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="four", **of.goods.terms())
    task = await ask(shop, "upstream:7")
    await stock(shop, of.goods.offer_id, of.goods.sku_id, 2)
    await shop.write(damage, "UPDATE sources SET version = version + 1")
    await shop.write(orders.task_failed, task_id=task.id, cause="none there")
    assert await state(shop, bought.order_id) is OrderState.ISSUED
    # The rank is no other, so that the ranking of that number was never kept.
    await shop.write(damage, "UPDATE sources SET version = version - 1")
    return of, bought.order_id


async def test_a_suppliers_goods_are_one_line_whatever_was_ranked_anew(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    of, order_id = await twice_from_one_shelf(shop, storefront)
    assert [line.quantity for line in await shop.read(orders.lines_of, order_id)] == [4]
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (4 * 8800, 0, 0)
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=None, once="all", **BY)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_claims_of_several_lines_of_one_offer_are_taken_back_together(shop: Shop, storefront: Storefront) -> None:
    """As orders were written before a supplier's goods became one line."""
    of, order_id = await twice_from_one_shelf(shop, storefront)
    columns = "sku_id, offer_id, price_id, unit_price_minor, unit_cost_minor, cost_currency, ranking_version"
    await shop.write(damage, "UPDATE order_lines SET quantity = 2 WHERE order_id = :id", order_id)
    await shop.write(
        damage,
        f"INSERT INTO order_lines (order_id, seq, quantity, {columns}) SELECT order_id, 2, 2, {columns} FROM order_lines"
        " WHERE order_id = :id",
        order_id,
    )
    await settled(shop)
    first, *others = [code.code_id for code in await shop.read(orders.codes_sold, order_id)]
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=[first], once="one", **BY)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (3 * 8800, 0, 0)
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=others, once="rest", **BY)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    report = await shop.read(audit.audit, sample=0)
    assert not set(report.violated) & audit.SETTLEMENT.keys()


async def test_an_order_that_cannot_be_settled_waits_alone_and_the_staff_are_told_once(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    await staff(shop, storefront, 900_001)
    _, order_id = await twice_from_one_shelf(shop, storefront)
    other = await supplied(shop, storefront, terms=SpreadShare(3000), name="Other")
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=10, once="ten", **other.goods.terms())
    await settled(shop)
    await shop.write(damage, "UPDATE claims SET units = 3 WHERE order_id = :id", order_id)
    await shop.write(orders.refund_codes, order_id=order_id, code_ids=None, once="all", **BY)
    await released(shop, clock)
    assert (await shop.read(purse, other.supplier_id))[:2] == (0, 88_000)
    clock.passes(hours=1)
    await settled(shop)
    assert [one["order"] for one in await shop.read(told, "task")] == [order_id]


async def test_what_a_source_is_asked_for_costs_what_it_costs_when_it_is_paid(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    since = clock()
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    of = await supplied(shop, storefront, count=1)
    await shop.write(damage, "UPDATE offers SET declared = 5 WHERE id = :id", of.goods.offer_id)
    buyer = await person(shop, storefront)
    placed = await place(shop, buyer, of.goods, once="p", quantity=3)
    await shop.write(supply.set_cost, offer_id=of.goods.offer_id, cost_minor=9000, cost_currency="CNY", by="test")
    await settle(shop, buyer, placed, event="e")
    [task] = await shop.read(fulfilment.tasks_of, placed.order_id)
    assert task.cost_minor == 9000
    await shop.write(orders.arrived, task_id=task.id, secrets=secrets("A1", "A2"), done=True, cause="there")
    assert await shop.read(purse, of.supplier_id) == (27_000, 0, 0)
    await released(shop, clock)
    assert await shop.read(purse, of.supplier_id) == (0, 27_000, 0)
    await assert_books(shop, since, clock())
    await assert_sound(shop)


@pytest.mark.parametrize("called_off", [False, True])
async def test_what_the_payer_has_back_already_is_not_given_again_when_nothing_comes(
    shop: Shop, storefront: Storefront, clock: Clock, called_off: bool
) -> None:
    since = clock()
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    buyer = await person(shop, storefront)
    placed = await place(shop, buyer, goods, once="p", quantity=1)
    await settle(shop, buyer, placed, event="e")
    if called_off:
        await shop.write(orders.hold_back, order_id=placed.order_id)
        [task] = await shop.read(fulfilment.tasks_of, placed.order_id)
    else:
        task = await ask(shop, "upstream:7")
    await shop.write(orders.given_back, provider="stars", event_key="e", customer_id=buyer.id)
    await shop.write(orders.task_failed, task_id=task.id, cause="none there")
    assert await state(shop, placed.order_id) is OrderState.CANCELLED
    assert await balance(shop, buyer) == 0
    if not called_off:
        assert [(one["amount_minor"], one["kept_minor"]) for one in await shop.read(told, "not-coming")] == [(0, 9500)]
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_what_was_late_because_it_was_held_is_promised_anew_when_it_is_released(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=100_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="o", **goods.terms())
    await shop.write(orders.hold_back, order_id=bought.order_id)
    clock.passes(hours=2)
    assert await shop.write(orders.keep_promises) == 1
    await shop.write(outbox.lease, worker="test", most=200, seconds=1)
    await shop.write(orders.release, order_id=bought.order_id, by="test")
    clock.passes(seconds=5)
    promised = [
        m.body["due"] for m in await shop.write(outbox.lease, worker="test", most=200, seconds=1) if m.body.get("says") == "on-its-way"
    ]
    [task] = await shop.read(orders.on_its_way, bought.order_id)
    assert promised[-1:] == [micros(task.due_at)], "the buyer is told the new date"
    assert await shop.write(orders.keep_promises) == 0, "half an hour from now on"
    clock.passes(minutes=31)
    assert await shop.write(orders.keep_promises) == 1
    assert await state(shop, bought.order_id) is OrderState.CANCELLED
    assert await balance(shop, buyer) == 100_000
    await assert_sound(shop)
