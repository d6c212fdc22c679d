"""Money that a provider gives back past us, where it crosses our own refunds, other payments and other orders: no cent twice."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot import reconciling
from core import aftersale, catalog, orders, outbox, payments, people, storefronts
from core.aftersale import Reason
from core.database import Shop
from core.orders import OrderState, PendingOrder, RevealCause
from core.payments import IntentState
from core.people import Customer
from core.ports import Capabilities, Dispute, DisputeState, Event, Movement, PaymentState
from tests.core.props import assert_sound, at_once, balance, left
from tests.core.test_coming_back import (
    BY,
    at_gateway,
    back,
    bought,
    brought,
    disputed,
    held,
    lost,
    placed,
    state_of,
    told,
    topped_up,
)
from tests.stage import Clock, Goods, chat_of, person

__all__ = ["held"]


def paid_event(order: PendingOrder | payments.Intent, clock: Clock, **more: Any) -> Event:
    intent = order.intent if isinstance(order, PendingOrder) else order
    event = Event(f"pay-{intent.id}", intent.reference, PaymentState.PAID, intent.amount_minor, intent.currency, clock())
    return replace(event, **more)


async def book(shop: Shop, goods: Goods, event: Event, provider: str = "stripe") -> str:
    return (await shop.write(orders.book, storefront_id=goods.storefront.id, provider=provider, event=event)).says


async def show(shop: Shop, order_id: int) -> None:
    await shop.write(orders.reveal, order_id=order_id, cause=RevealCause.SENT, to_telegram_id=await chat_of(shop, order_id))


async def to_source(shop: Shop, order_id: int, code_ids: list[int] | None = None) -> orders.Refunded:
    return await shop.write(orders.refund_to_source, order_id=order_id, code_ids=code_ids, reason="x", by=BY, once="source")


# Beside our own refund of the same payment.


@pytest.mark.parametrize("handed_out", [False, True])
async def test_given_back_whole_while_ours_is_wanted_is_ours_when_it_is_done(
    shop: Shop, goods: Goods, clock: Clock, handed_out: bool
) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await show(shop, order.order_id)
    ours = await to_source(shop, order.order_id)
    if handed_out:
        await shop.write(orders.refunds_due)

    event = paid_event(order, clock, state=PaymentState.REFUNDED)
    assert await book(shop, goods, event) == "repeated"
    await shop.write(orders.refund_done, refund_id=ours.refund_id)
    assert await book(shop, goods, event) == "repeated"

    assert (await balance(shop, buyer), await lost(shop, goods), await at_gateway(shop, goods)) == (0, 0, 0)
    await assert_sound(shop)


async def test_given_back_whole_while_ours_is_wanted_is_theirs_when_ours_is_declined(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await show(shop, order.order_id)
    ours = await to_source(shop, order.order_id)

    event = paid_event(order, clock, state=PaymentState.REFUNDED)
    await book(shop, goods, event)
    await shop.write(orders.refunds_due)
    await shop.write(orders.refund_declined, refund_id=ours.refund_id, why="refunded before")

    # Also when it is not said again: the payer has it from the provider, and not in the wallet too.
    for _ in range(2):
        assert (await balance(shop, buyer), await lost(shop, goods), await at_gateway(shop, goods)) == (0, 0, 0)
        await assert_sound(shop)
        assert await book(shop, goods, event) == "repeated"


async def test_a_part_of_ours_is_declined_when_all_had_gone_and_nothing_is_given_twice(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)
    await show(shop, order.order_id)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
    ours = await to_source(shop, order.order_id, codes[:1])

    assert await book(shop, goods, paid_event(order, clock, state=PaymentState.REFUNDED)) == "given-back"
    assert await lost(shop, goods) == 9500, "the other code, which was seen"
    await shop.write(orders.refund_declined, refund_id=ours.refund_id, why="refunded before")

    assert (await balance(shop, buyer), await lost(shop, goods), await at_gateway(shop, goods)) == (0, 9500, 0)
    await assert_sound(shop)


async def test_the_rest_given_back_while_a_part_of_ours_is_wanted_ends_an_order_nobody_has_seen(
    shop: Shop, goods: Goods, clock: Clock
) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
    await to_source(shop, order.order_id, codes[:1])

    await told(shop, order, clock, given_back=[back("re_1", 9500, clock)])

    assert await state_of(shop, order.order_id) is OrderState.REFUNDED
    assert (await balance(shop, buyer), await lost(shop, goods), await left(shop, goods)) == (0, 0, 40)
    await assert_sound(shop)


async def test_a_return_that_ours_is_under_way_for_ends_no_other_order(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order, other = await placed(shop, buyer, held), await placed(shop, buyer, held)
    for each in (order, other):
        await told(shop, each, clock)
    await shop.write(orders.release, order_id=order.order_id, by=BY)
    await show(shop, order.order_id)
    ours = await to_source(shop, order.order_id)

    await told(shop, order, clock, given_back=[back("re_1", 9500, clock)])
    assert await state_of(shop, other.order_id) is OrderState.ISSUED
    await shop.write(orders.refund_declined, refund_id=ours.refund_id, why="refunded before")

    assert (await balance(shop, buyer), await lost(shop, held), await at_gateway(shop, held)) == (0, 0, 9500)
    await assert_sound(shop)


async def test_what_was_given_back_whole_and_lost_is_kept_of_a_later_refund(shop: Shop, goods: Goods, clock: Clock) -> None:
    """Reported as a whole it is noted like a part: what the wallet had borne comes back to it, and no more."""
    buyer = await person(shop, goods.storefront, money_minor=3000)
    before = await lost(shop, goods)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await show(shop, order.order_id)
    event = paid_event(order, clock, state=PaymentState.REFUNDED)
    assert [await book(shop, goods, event) for _ in range(2)] == ["given-back", "repeated"]
    assert (await balance(shop, buyer), await lost(shop, goods) - before) == (0, 6500)
    intent = await shop.read(payments.intent, order.intent.id)
    assert intent is not None and intent.state is IntentState.REFUNDED

    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=None, reason="bad", by=BY, once="r")

    assert (await balance(shop, buyer), await lost(shop, goods) - before) == (3000, 0)
    await assert_sound(shop)


# A payment that is not the order's.


@pytest.mark.parametrize("whole", [False, True])
async def test_a_second_payment_that_goes_back_leaves_the_order_of_the_first_alone(
    shop: Shop, held: Goods, clock: Clock, whole: bool
) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)
    second = paid_event(order, clock, key="second")
    assert await book(shop, held, second) == "second-payment"

    if whole:
        await book(shop, held, replace(second, state=PaymentState.REFUNDED))
    else:
        await book(shop, held, replace(second, given_back=[back("re_2", 9500, clock)]))

    assert (await balance(shop, buyer), await state_of(shop, order.order_id)) == (0, OrderState.ISSUED)
    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    await assert_sound(shop)


async def test_another_payment_for_the_same_order_that_goes_back_is_not_what_it_was_issued_with(
    shop: Shop, goods: Goods, clock: Clock
) -> None:
    """Asked for again by another way, and paid both ways: the order is the first payment's."""
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, provider="epay-alipay", reversible=False)
    again = await shop.write(
        payments.ask, customer_id=buyer.id, order_id=order.order_id, worth_minor=9500, provider="stripe", pay_currency="CNY", seconds=600
    )
    assert again is not None
    assert await book(shop, goods, paid_event(order, clock), "epay-alipay") == "issued"
    await show(shop, order.order_id)
    assert await book(shop, goods, paid_event(again, clock)) == "second-payment"
    await shop.write(payments.adjust, customer_id=buyer.id, amount_minor=-9500, reason="spent", by=BY, once="spent")

    await book(shop, goods, paid_event(again, clock, state=PaymentState.REFUNDED))

    assert not await shop.read(orders.taken_back, order.order_id)
    source = await shop.read(orders.source_of, order.order_id)
    assert source is not None and (source.provider, source.left_minor) == ("epay-alipay", 9500)
    await assert_sound(shop)


async def test_one_row_of_a_list_that_cannot_be_booked_keeps_no_other_waiting(
    shop: Shop, goods: Goods, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer, clerk = await person(shop, goods.storefront), await person(shop, goods.storefront)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[clerk.telegram_id])
    bad, good = await placed(shop, buyer, goods), await placed(shop, buyer, goods)
    events = [paid_event(each, clock) for each in (bad, good)]
    clock.passes(minutes=5)
    mend = reconciling._mend

    async def trips(shop: Shop, storefront: Any, provider: str, event: Event, known: set[str]) -> str | None:
        if event is events[0]:
            raise ArithmeticError("a bad row")
        return await mend(shop, storefront, provider, event, known)

    monkeypatch.setattr(reconciling, "_mend", trips)

    async def received(since: Any) -> list[Event]:
        return events

    method: Any = SimpleNamespace(capabilities=Capabilities("CNY", True, True, True, False, True, 1, 10_000, 900), received=received)
    storefront = await shop.read(storefronts.first)
    assert storefront is not None
    for mended in (1, 0):
        [done] = await reconciling.compared(shop, storefront, {"stripe": method})
        assert (done.sure, done.failed, len(done.mended)) == (True, 1, mended)
    assert await state_of(shop, good.order_id) is OrderState.ISSUED
    leased = await shop.write(outbox.lease, worker="w", most=99, seconds=30)
    assert len([message for message in leased if message.body.get("says") == "not-booked"]) == 1


@pytest.mark.parametrize("ours", [True, False])
async def test_a_refund_that_failed_after_it_was_made_is_told_once_also_when_only_the_list_says_so(
    shop: Shop, goods: Goods, clock: Clock, ours: bool
) -> None:
    buyer, clerk = await person(shop, goods.storefront), await person(shop, goods.storefront)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[clerk.telegram_id])
    order = await placed(shop, buyer, goods)
    event = paid_event(order, clock)
    await book(shop, goods, event)
    await show(shop, order.order_id)
    once = None
    if ours:
        asked = await to_source(shop, order.order_id)
        await shop.write(orders.refund_done, refund_id=asked.refund_id)
        once = f"refund-{asked.refund_id}"
    else:
        await book(shop, goods, replace(event, given_back=[back("re_1", 9500, clock)]))
    failed = replace(event, failed_refunds=[replace(back("re_1", 9500, clock), once=once)])
    clock.passes(minutes=5)

    async def received(since: Any) -> list[Event]:
        return [failed]

    method: Any = SimpleNamespace(capabilities=Capabilities("CNY", True, True, True, False, True, 1, 10_000, 900), received=received)
    storefront = await shop.read(storefronts.first)
    assert storefront is not None
    for _ in range(2):
        [done] = await reconciling.compared(shop, storefront, {"stripe": method})
        assert done.sure and not done.failed and not done.mended
    leased = await shop.write(outbox.lease, worker="w", most=99, seconds=30)
    told = [message.body for message in leased if message.body.get("says") == "refund-failed"]
    assert [(body["ours"], body["amount_minor"], body["customer"]) for body in told] == [(ours, 9500, buyer.id)]


# Heard more than once.


@pytest.mark.parametrize("whole", [False, True])
async def test_a_top_up_given_back_heard_at_once_ends_no_more_than_once(shop: Shop, held: Goods, clock: Clock, whole: bool) -> None:
    for _ in range(3):
        buyer = await person(shop, held.storefront)
        first = await topped_up(shop, buyer, clock, 9500)
        await topped_up(shop, buyer, clock, 9500)
        receipts = [await bought(shop, buyer, held) for _ in range(2)]
        event = paid_event(first, clock, state=PaymentState.REFUNDED)
        if not whole:
            event = replace(event, given_back=[back(f"re_{first.id}", 9500, clock)])

        said, _ = await at_once(book(shop, held, event) for _ in range(3))

        assert said.count("repeated") == 2
        assert [await state_of(shop, receipt.order_id) for receipt in receipts] == [OrderState.ISSUED, OrderState.REFUNDED]
        assert await balance(shop, buyer) == 0
    await assert_sound(shop)


async def test_what_was_never_booked_ends_nothing_and_is_no_news(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)
    intent = await shop.write(
        orders.deposit, customer_id=buyer.id, worth_minor=9500, provider="stripe", pay_currency="CNY", seconds=1800, reversible=True
    )
    unvalued = paid_event(intent, clock, amount_minor=1500, currency="USD")
    assert await book(shop, held, unvalued) == "deposit"

    gone = replace(unvalued, given_back=[back("re_x", 1500, clock)])
    await book(shop, held, gone)

    assert await state_of(shop, order.order_id) is OrderState.ISSUED
    assert not await shop.read(payments.has_news, provider="stripe", event=gone)


async def test_what_went_back_whole_has_no_parts_and_they_are_no_news(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await show(shop, order.order_id)
    event = paid_event(order, clock, state=PaymentState.REFUNDED)
    listed = replace(event, given_back=[back("re_1", 9500, clock)])
    assert await shop.read(payments.has_news, provider="stripe", event=listed)
    await book(shop, goods, event)

    assert not await shop.read(payments.has_news, provider="stripe", event=listed)
    assert await book(shop, goods, listed) == "repeated"
    assert (await lost(shop, goods), await at_gateway(shop, goods)) == (9500, 0)
    await assert_sound(shop)


# After it is decided.


async def case_of(shop: Shop, buyer: Customer, goods: Goods, order_id: int) -> dict[str, Any]:
    [code] = await shop.read(orders.codes_sold, order_id)
    case = await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=order_id, code_id=code.code_id, reason=next(iter(Reason)))
    return {"case_id": case.case_id, "storefront_id": goods.storefront.id, "by": BY}


async def test_no_other_code_is_given_after_a_dispute_that_was_lost(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await brought(shop, buyer)
    decision = await case_of(shop, buyer, goods, order.order_id)
    taken = ("txn_1", -9500, 1500)
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.OPEN, taken)])
    with pytest.raises(orders.InQuestion):
        await shop.write(aftersale.replace, **decision)

    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.LOST, taken)])
    with pytest.raises(orders.TakenBack):
        await shop.write(aftersale.replace, **decision)

    # Put back after all, late: then it was paid again.
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.LOST, taken, ("txn_2", 9500, 0))])
    await shop.write(aftersale.replace, **decision)
    # And taken once more before the new code has gone out.
    again = Dispute("du_2", DisputeState.LOST, 9500, "fraudulent", clock(), movements=(Movement("txn_3", -9500, clock(), 0),))
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.LOST, taken, ("txn_2", 9500, 0)), again])
    with pytest.raises(catalog.Gone):
        await shop.write(aftersale.parcel, case_id=decision["case_id"], to_telegram_id=buyer.telegram_id, buyer_id=buyer.id)
    await assert_sound(shop)


@pytest.mark.parametrize("way", ["refund", "replace"])
async def test_what_the_balance_paid_in_the_end_is_refunded_and_replaced_like_any_other(
    shop: Shop, goods: Goods, clock: Clock, way: str
) -> None:
    buyer = await person(shop, goods.storefront, money_minor=9500)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await brought(shop, buyer)
    await told(shop, order, clock, given_back=[back("re_1", 9500, clock)])
    assert await balance(shop, buyer) == 0
    decision = await case_of(shop, buyer, goods, order.order_id)

    await shop.write(aftersale.refund if way == "refund" else aftersale.replace, **decision)

    assert await balance(shop, buyer) == (9500 if way == "refund" else 0)
    await assert_sound(shop)


async def test_what_two_withdrawals_took_comes_again_as_one_sum(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront, money_minor=6000)
    before = await lost(shop, goods)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await show(shop, order.order_id)
    taken = ("t1", -5000, 0), ("t2", -4500, 0)
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.OPEN, *taken)])
    assert (await balance(shop, buyer), await lost(shop, goods) - before) == (0, 3500)

    for moved in ((("t3", 9500, 0),), (("t3", 9500, 0), ("t4", 300, 0))):
        won = disputed(clock, DisputeState.WON, *taken, *moved)
        await told(shop, order, clock, disputes=[won])
        assert (await balance(shop, buyer), await lost(shop, goods) - before) == (6000, 0)
        assert not await shop.read(payments.has_news, provider="stripe", event=paid_event(order, clock, disputes=[won]))

    assert await at_gateway(shop, goods) == 9800, "more than was taken is the shop's"
    await assert_sound(shop)
