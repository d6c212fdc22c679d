"""Traps around money from providers: each was a way to get something for nothing, or to wait for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import orders, payments
from core.database import Shop
from core.orders import Cap, DailyCap, HeldByOthers, HoldRules
from core.payments import IntentState
from core.people import Customer
from core.ports import Created, Event, PaymentState
from tests.core.props import assert_sound, balance, left
from tests.stage import Clock, Goods, chat_of, numbers, person

RULES = HoldRules()


async def placed(shop: Shop, buyer: Customer, goods: Goods, *, quantity: int = 1, cap: Cap | None = None) -> orders.PendingOrder:
    return await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=quantity,
        once=f"trap:{next(numbers)}",
        provider="stripe",
        pay_currency="CNY",
        seconds=86_400,
        hold=RULES,
        by_task=True,
        cap=cap,
        **goods.terms(),
    )


async def booked(shop: Shop, goods: Goods, event: Event) -> orders.Booked:
    return await shop.write(orders.book, storefront_id=goods.storefront.id, provider="stripe", event=event)


async def test_money_paid_before_it_was_asked_for_is_of_another_shop(shop: Shop, goods: Goods, clock: Clock) -> None:
    """A new database begins to count at 1 again, and the provider still knows last month's number 1."""
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    old = Event("pay-old", f"{order.intent.id}", PaymentState.PAID, 9500, "CNY", clock() - timedelta(days=30))

    assert (await booked(shop, goods, old)).says == "stray"
    assert await balance(shop, buyer) == 0
    intent = await shop.read(payments.intent, order.intent.id)
    assert intent is not None and intent.state is IntentState.CREATED
    await assert_sound(shop)


async def test_one_unpaid_order_does_not_empty_the_shelf(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    with pytest.raises(HeldByOthers):
        await placed(shop, buyer, goods, quantity=40)
    await placed(shop, buyer, goods, quantity=20)
    assert await left(shop, goods) == 20
    clock.passes(minutes=50)
    await shop.write(orders.release_lapsed_holds)
    assert await left(shop, goods) == 40, "the order may wait a day for its money, its codes do not"


async def test_the_daily_cap_counts_what_was_cancelled_and_can_still_be_paid(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront)
    cap = Cap(("stripe",), 20_000)
    for _ in range(2):
        order = await placed(shop, buyer, goods, cap=cap)
        await shop.write(
            payments.created, intent_id=order.intent.id, how=Created(f"ref-{order.intent.id}", "https://pay.example/1"), poll=True
        )
        await shop.write(orders.cancel, order_id=order.order_id, buyer_id=buyer.id)

    with pytest.raises(DailyCap) as refused:
        await placed(shop, buyer, goods, cap=cap)
    assert (refused.value.left_minor, refused.value.currency) == (1000, "CNY")


async def test_what_was_paid_and_given_back_unheard_does_not_wait_for_ever(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    returned = Event("pay-1", order.intent.reference, PaymentState.REFUNDED, 9500, "CNY", clock())
    await booked(shop, goods, returned)

    intent = await shop.read(payments.intent, order.intent.id)
    assert intent is not None and intent.state is IntentState.FAILED
    clock.passes(days=3)
    assert await shop.write(payments.due, providers=["stripe"], most=10) == []
    assert await left(shop, goods) == 40
    await assert_sound(shop)


async def test_nothing_more_is_given_for_a_payment_the_provider_took_back(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await booked(shop, goods, Event("pay-1", order.intent.reference, PaymentState.PAID, 9500, "CNY", clock()))
    await shop.write(
        orders.hand_over, order_id=order.order_id, cause=orders.RevealCause.SENT, to_telegram_id=await chat_of(shop, order.order_id)
    )
    await booked(shop, goods, Event("pay-1", order.intent.reference, PaymentState.REFUNDED, 9500, "CNY", clock()))

    with pytest.raises(orders.TakenBack):
        await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=None, reason="again", by="test", once="again")
    assert await balance(shop, buyer) == 0
    await assert_sound(shop)


async def test_asking_at_once_does_not_put_the_next_question_off(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await shop.write(payments.created, intent_id=order.intent.id, how=Created("ref"), poll=True)
    for _ in range(6):
        await shop.write(payments.ask_again, intent_id=order.intent.id, soon=True)
    due = await shop.write(payments.due, providers=["stripe"], most=10)
    assert [intent.id for intent in due] == [order.intent.id]
    await shop.write(payments.ask_again, intent_id=order.intent.id)
    clock.passes(seconds=10)
    again = await shop.write(payments.due, providers=["stripe"], most=10)
    assert [intent.id for intent in again] == [order.intent.id]
