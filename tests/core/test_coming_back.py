"""What becomes of paid money: held for review, disputed, given back in the provider's own console; the books stay exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from core import aftersale, catalog, journal, ledger, orders, outbox, payments, rates, storefronts
from core.aftersale import Reason
from core.database import Shop
from core.ledger import AccountKind
from core.orders import HeldForReview, OrderState, Parcel, PaymentDisputed, PendingOrder, RefundTo, RevealCause, Seal
from core.payments import IntentState
from core.people import Customer
from core.ports import Dispute, DisputeState, Event, Fee, GivenBack, Movement, PaymentState
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, balance, left
from tests.stage import Clock, Goods, numbers, person, put_on_sale

BY = "telegram:1"


@pytest.fixture(autouse=True)
async def exact_books(shop: Shop, clock: Clock) -> AsyncIterator[None]:
    """Whatever happened in a test, its statement equals the ledger, is made of its parts, and has every posting in it."""
    since = clock() - timedelta(seconds=1)
    yield
    if await shop.read(storefronts.first) is not None:
        await assert_books(shop, since, clock())


@pytest.fixture
async def held(shop: Shop, goods: Goods) -> Goods:
    """The same denomination, held for review when it is paid reversibly."""
    await shop.write(catalog.change_product, goods.product_id, held=True, by=BY)
    goods.rules_version += 1
    return goods


async def placed(shop: Shop, buyer: Customer, goods: Goods, quantity: int = 1, **more: Any) -> PendingOrder:
    given: dict[str, Any] = {"provider": "stripe", "pay_currency": "CNY", "seconds": 1800, "reversible": True} | more
    return await shop.write(orders.place, buyer_id=buyer.id, quantity=quantity, once=f"o{next(numbers)}", **given, **goods.terms())


async def told(shop: Shop, order: PendingOrder | payments.Intent, clock: Clock, **since: Any) -> str:
    """The provider says that it was paid, and what has become of it since."""
    intent = order.intent if isinstance(order, PendingOrder) else order
    event = Event(f"pay-{intent.id}", intent.reference, PaymentState.PAID, intent.amount_minor, intent.currency, clock(), **since)
    buyer = await shop.read(payments.intent, intent.id)
    assert buyer is not None
    storefront = await shop.read(storefronts.first)
    assert storefront is not None
    return (await shop.write(orders.book, storefront_id=storefront.id, provider=intent.provider, event=event)).says


async def topped_up(shop: Shop, buyer: Customer, clock: Clock, worth: int, *, reversible: bool = True) -> payments.Intent:
    intent = await shop.write(
        orders.deposit,
        customer_id=buyer.id,
        worth_minor=worth,
        provider="stripe" if reversible else "crypto-pay",
        pay_currency="CNY",
        seconds=1800,
        reversible=reversible,
    )
    await told(shop, intent, clock)
    return intent


async def bought(shop: Shop, buyer: Customer, goods: Goods) -> orders.Receipt:
    return await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"w{next(numbers)}", **goods.terms())


async def brought(shop: Shop, buyer: Customer) -> list[Parcel | Seal | None]:
    """All that a courier brings to this buyer."""
    things = []
    for message in await shop.write(outbox.lease, worker="w", most=99, seconds=60):
        if message.topic is outbox.Topic.DELIVERY and message.order_id is not None and message.customer_id == buyer.id:
            things.append(await hand_over(shop, buyer, message.order_id))
        await shop.write(outbox.done, message_id=message.id, worker="w", sent_message_id=1)
    return things


async def hand_over(shop: Shop, buyer: Customer, order_id: int) -> Parcel | Seal | None:
    return await shop.write(
        orders.hand_over, order_id=order_id, cause=RevealCause.SENT, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id
    )


async def state_of(shop: Shop, order_id: int) -> OrderState:
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None
    return found.card.state


async def lost(shop: Shop, goods: Goods) -> int:
    """What the shop has lost by now, in its own currency."""
    account = await shop.write(
        ledger.open_account, party_id=goods.storefront.party_id, kind=AccountKind.ADJUSTMENT, currency=goods.storefront.currency
    )
    return -await shop.read(ledger.house_balance, account)


async def at_gateway(shop: Shop, goods: Goods, currency: str = "CNY") -> int:
    account = await shop.write(
        ledger.open_account, party_id=goods.storefront.party_id, kind=AccountKind.GATEWAY, currency=currency, label="stripe"
    )
    return -await shop.read(ledger.house_balance, account)


def back(key: str, amount: int, clock: Clock, once: str | None = None) -> GivenBack:
    return GivenBack(key, amount, clock(), once)


def disputed(clock: Clock, state: DisputeState = DisputeState.OPEN, *moved: tuple[str, int, int], amount: int = 9500) -> Dispute:
    movements = tuple(Movement(key, minor, clock(), fee) for key, minor, fee in moved)
    return Dispute("du_1", state, amount, "fraudulent", clock(), clock() + timedelta(days=9), movements)


# Held for review.


async def test_what_is_paid_reversibly_is_the_buyers_and_is_not_sent_until_it_is_released(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held, 2)

    assert await told(shop, order, clock) == "issued"

    assert (await left(shop, held), await balance(shop, buyer)) == (38, 0), "allocated and booked"
    assert await brought(shop, buyer) == []
    [card] = await shop.read(orders.history, buyer_id=buyer.id)
    assert card.held_until is not None and card.held_until - clock() > timedelta(hours=23)
    await assert_sound(shop)

    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    assert not (await shop.write(orders.release, order_id=order.order_id, by="telegram:2")).decided, "the first press decides"
    refused = await shop.write(orders.refund_held, order_id=order.order_id, by=BY, to_source=True, whole_only=False)
    assert not refused.decided and refused.refund is None

    [parcel] = await brought(shop, buyer)
    assert isinstance(parcel, Parcel) and len(parcel.lines[0].secrets) == 2
    [line] = await shop.read(journal.latest, about="order")
    assert line.did == "release-order"
    await assert_sound(shop)


async def in_hand(shop: Shop, order_id: int) -> int:
    """A courier takes the order's delivery; which message that is."""
    [message] = [one for one in await shop.write(outbox.lease, worker="w", most=99, seconds=60) if one.order_id == order_id]
    return message.id


async def held_while_a_courier_has_it(shop: Shop, buyer: Customer, goods: Goods, clock: Clock) -> tuple[PendingOrder, int]:
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)
    message_id = await in_hand(shop, order.order_id)
    await told(shop, order, clock, given_back=(back(f"re_{order.order_id}", 9500, clock),))
    return order, message_id


async def test_released_after_the_courier_was_stopped_it_is_brought_by_another_delivery(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order, message_id = await held_while_a_courier_has_it(shop, buyer, goods, clock)
    assert await hand_over(shop, buyer, order.order_id) is None

    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    await shop.write(outbox.done, message_id=message_id, worker="w", sent_message_id=None)

    [parcel] = await brought(shop, buyer)
    assert isinstance(parcel, Parcel) and len(parcel.lines[0].secrets) == 2
    await assert_sound(shop)


async def test_released_before_the_courier_asks_it_brings_the_codes_itself_and_nothing_else_does(
    shop: Shop, goods: Goods, clock: Clock
) -> None:
    buyer = await person(shop, goods.storefront)
    order, message_id = await held_while_a_courier_has_it(shop, buyer, goods, clock)

    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    assert isinstance(await hand_over(shop, buyer, order.order_id), Parcel)
    await shop.write(outbox.done, message_id=message_id, worker="w", sent_message_id=1)

    assert await brought(shop, buyer) == []
    await assert_sound(shop)


async def test_released_while_the_courier_asks_the_codes_are_brought_once(shop: Shop, goods: Goods, clock: Clock) -> None:
    """Whichever of the two comes first, the other goes by what it finds."""
    buyer = await person(shop, goods.storefront)
    for _ in range(6):
        order, message_id = await held_while_a_courier_has_it(shop, buyer, goods, clock)
        asked, released = await asyncio.gather(
            hand_over(shop, buyer, order.order_id), shop.write(orders.release, order_id=order.order_id, by=BY)
        )
        assert released.decided
        await shop.write(outbox.done, message_id=message_id, worker="w", sent_message_id=None if asked is None else 1)
        assert len([thing for thing in [asked, *await brought(shop, buyer)] if thing is not None]) == 1
    await assert_sound(shop)


async def test_released_for_a_buyer_who_is_away_it_comes_once_when_they_are_back(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order, message_id = await held_while_a_courier_has_it(shop, buyer, goods, clock)
    await shop.write(outbox.park, message_id=message_id, worker="w", trouble="blocked")

    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    await shop.write(outbox.unpark, customer_id=buyer.id)

    assert len(await brought(shop, buyer)) == 1
    await assert_sound(shop)


async def test_no_door_gives_out_what_is_held(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)
    [code] = await shop.read(orders.codes_sold, order.order_id)

    assert await hand_over(shop, buyer, order.order_id) is None
    for door, facts in (
        (orders.reveal, {"cause": RevealCause.SHOWN, "to_telegram_id": 1}),
        (orders.show_again, {"buyer_id": buyer.id}),
        (orders.resend, {"by": BY}),
        (orders.open_sealed, {"buyer_id": buyer.id}),
        (orders.return_sealed, {"buyer_id": buyer.id}),
        (aftersale.open_case, {"buyer_id": buyer.id, "code_id": code.code_id, "reason": next(iter(Reason))}),
    ):
        command: Any = door
        with pytest.raises(HeldForReview):
            await shop.write(command, order_id=order.order_id, **facts)
    found = await shop.read(orders.detail, order_id=order.order_id)
    assert found is not None and (found.reveals, found.deliveries) == (0, [])


async def test_held_and_refunded_nothing_is_sent_and_the_codes_are_for_sale_again(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)

    done = await shop.write(orders.refund_held, order_id=order.order_id, by=BY, to_source=True, whole_only=True)

    assert done.refund is not None and (done.refund.source_minor, done.refund.returned, done.refund.void) == (9500, 1, 0)
    assert not (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    assert (await brought(shop, buyer), await left(shop, held), await balance(shop, buyer)) == ([], 40, 0)
    await assert_sound(shop)


async def test_a_way_that_cannot_give_back_refunds_to_the_balance(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)
    await shop.write(orders.refund_held, order_id=order.order_id, by=BY, to_source=False, whole_only=True)
    assert (await balance(shop, buyer), await left(shop, held)) == (9500, 40)

    # The money came by card all the same: the balance is no way around.
    assert (await bought(shop, buyer, held)).held
    assert await brought(shop, buyer) == []
    await assert_sound(shop)


async def test_money_that_cannot_be_taken_back_is_not_held_up(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    await told(shop, await placed(shop, buyer, held, provider="crypto-pay", reversible=False), clock)
    await topped_up(shop, buyer, clock, 9500, reversible=False)
    receipt = await bought(shop, buyer, held)
    assert not receipt.held
    assert [type(thing) for thing in await brought(shop, buyer)] == [Parcel, Parcel]


async def test_a_top_up_by_card_is_no_way_around_until_its_days_are_over(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    await topped_up(shop, buyer, clock, 9500, reversible=False)
    await topped_up(shop, buyer, clock, 10_000)

    assert not (await bought(shop, buyer, held)).held, "the rest of the balance pays for one"
    assert (await bought(shop, buyer, held)).held
    await topped_up(shop, buyer, clock, 30_000)
    clock.passes(days=31)
    assert not (await bought(shop, buyer, held)).held
    await assert_sound(shop)


async def test_other_products_are_sent_at_once_whatever_they_were_paid_with(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    await told(shop, await placed(shop, buyer, goods), clock)
    assert [type(thing) for thing in await brought(shop, buyer)] == [Parcel]


async def test_a_sealed_order_is_held_before_it_is_handed_over_and_its_time_to_return_begins_then(
    shop: Shop, held: Goods, clock: Clock
) -> None:
    await shop.write(catalog.change_product, held.product_id, sealed=True, return_hours=2)
    held.rules_version += 1
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)
    clock.passes(hours=5)
    await shop.write(orders.release, order_id=order.order_id, by=BY)

    [seal] = await brought(shop, buyer)
    assert isinstance(seal, Seal) and seal.returnable
    assert await shop.write(orders.open_sealed, order_id=order.order_id, buyer_id=buyer.id)
    assert [type(thing) for thing in await brought(shop, buyer)] == [Parcel]
    await assert_sound(shop)


async def test_the_staff_are_reminded_and_nothing_is_sent_by_time(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    await shop.write(storefronts.set_review, storefront_id=held.storefront.id, by=BY, review_hours=3)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)

    for _ in range(3):
        clock.passes(hours=2)
        assert await shop.write(orders.remind_held) == 0
        clock.passes(hours=1, minutes=1)
        assert await shop.write(orders.remind_held) == 1

    assert await brought(shop, buyer) == []
    assert (await state_of(shop, order.order_id), await left(shop, held)) == (OrderState.ISSUED, 39)
    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    assert await shop.write(orders.remind_held) == 0


# Given back in the provider's own console.


async def test_given_back_whole_while_it_is_held_the_order_ends_and_nothing_is_lost(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)
    await told(shop, order, clock)

    assert await told(shop, order, clock, given_back=[back("re_1", 9500, clock)]) == "part-given-back"
    assert await told(shop, order, clock, given_back=[back("re_1", 9500, clock)]) == "repeated"

    assert await state_of(shop, order.order_id) is OrderState.REFUNDED
    assert (await left(shop, held), await balance(shop, buyer), await lost(shop, held), await at_gateway(shop, held)) == (40, 0, 0, 0)
    assert not (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    await assert_sound(shop)


async def test_what_was_not_sent_yet_is_not_sent_for_money_that_was_taken_back(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    # A courier has it in hand, and asks for the codes a moment later.
    leased = await shop.write(outbox.lease, worker="w", most=9, seconds=60)
    assert any(message.order_id == order.order_id for message in leased)

    await told(shop, order, clock, given_back=[back("re_1", 9500, clock)])

    assert await hand_over(shop, buyer, order.order_id) is None
    assert (await balance(shop, buyer), await lost(shop, goods)) == (0, 0)
    await assert_sound(shop)


async def test_parts_given_back_are_booked_once_each_and_add_up(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, fee=Fee(290, 30, passed_on=True))
    await told(shop, order, clock)
    await brought(shop, buyer)
    paid = order.intent.amount_minor
    parts = [back(f"re_{n}", amount, clock) for n, amount in enumerate((1, 3333, 3333), 1)]
    parts.append(back("re_9", paid - 6667, clock))

    for upto in (1, 1, 3, 2, 4, 4):
        await told(shop, order, clock, given_back=parts[:upto])
        await assert_sound(shop)

    assert await lost(shop, goods) == 9500, "all that the order was worth, and no more"
    intent = await shop.read(payments.intent, order.intent.id)
    assert intent is not None and intent.state is IntentState.REFUNDED
    assert await state_of(shop, order.order_id) is OrderState.ISSUED
    with pytest.raises(orders.TakenBack):
        await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=None, reason="x", by=BY, once="x")


async def test_a_part_given_back_before_it_is_sent_holds_the_order_for_the_staff(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)

    await told(shop, order, clock, given_back=[back("re_1", 4000, clock)])

    assert await brought(shop, buyer) == []
    done = await shop.write(orders.refund_held, order_id=order.order_id, by=BY, to_source=True, whole_only=False)
    assert done.refund is not None and (done.refund.amount_minor, done.refund.source_minor) == (19_000, 15_000)
    assert (await balance(shop, buyer), await lost(shop, goods)) == (0, 0), "what the payer has already is not given twice"
    await assert_sound(shop)


async def test_our_refunds_are_not_booked_again_and_theirs_are_when_both_are_mixed(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)
    await brought(shop, buyer)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=codes[:1], reason="x", by=BY, once="ours", to=RefundTo.SOURCE)
    [due] = await shop.write(orders.refunds_due)
    ours = back("re_ours", 9500, clock, due.asked.once)

    assert await told(shop, order, clock, given_back=[ours]) == "repeated", "seen before we have our answer"
    await shop.write(orders.refund_done, refund_id=due.refund_id)
    assert await told(shop, order, clock, given_back=[ours, back("re_1", 2500, clock)]) == "part-given-back"
    assert await lost(shop, goods) == 2500
    source = await shop.read(orders.source_of, order.order_id)
    assert source is not None and source.left_minor == 7000

    # The rest to the source: only what is left there; the payer has the other part already, so the shop keeps it.
    made = await shop.write(orders.refund_to_source, order_id=order.order_id, code_ids=None, reason="x", by=BY, once="rest")
    assert (made.amount_minor, made.source_minor) == (9500, 7000)
    [due] = await shop.write(orders.refunds_due)
    assert due.asked.amount_minor == 7000
    await shop.write(orders.refund_done, refund_id=due.refund_id)
    assert (await balance(shop, buyer), await lost(shop, goods), await at_gateway(shop, goods)) == (0, 0, 0)
    await assert_sound(shop)


async def test_a_part_of_ours_and_then_the_whole_by_them_books_the_difference(shop: Shop, goods: Goods, clock: Clock) -> None:
    """By a provider that only says that all of it went back, without its parts."""
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)
    await brought(shop, buyer)
    codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=codes[:1], reason="x", by=BY, once="o", to=RefundTo.SOURCE)
    [due] = await shop.write(orders.refunds_due)
    await shop.write(orders.refund_done, refund_id=due.refund_id)

    for _ in range(2):
        await shop.write(orders.given_back, provider="stripe", event_key=f"pay-{order.intent.id}", customer_id=buyer.id)

    assert (await lost(shop, goods), await at_gateway(shop, goods)) == (9500, 0)
    await assert_sound(shop)


async def test_a_second_payment_that_goes_back_leaves_what_the_first_one_bought(shop: Shop, goods: Goods, clock: Clock) -> None:
    """Who paid twice by mistake and has one payment back is as well served as who paid once, and so is the shop."""
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, 2)
    await told(shop, order, clock)
    second = Event("second", order.intent.reference, PaymentState.PAID, order.intent.amount_minor, "CNY", clock())
    for event in (second, replace(second, state=PaymentState.REFUNDED)):
        await shop.write(orders.book, storefront_id=goods.storefront.id, provider="stripe", event=event)

    codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=codes[:1], reason="x", by=BY, once="o")
    assert await balance(shop, buyer) == 9500
    await told(shop, order, clock, given_back=[back("re_1", 19_000, clock)])

    assert await brought(shop, buyer) == [], "what was paid for it is gone, and nobody has seen it"
    assert (await balance(shop, buyer), await lost(shop, goods), await at_gateway(shop, goods)) == (0, 0, 0)
    await assert_sound(shop)


async def test_declined_because_they_have_given_it_back_already_it_is_not_given_twice(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await brought(shop, buyer)
    await shop.write(orders.refund_to_source, order_id=order.order_id, code_ids=None, reason="x", by=BY, once="o")
    [due] = await shop.write(orders.refunds_due)

    await told(shop, order, clock, given_back=[back("re_1", 9500, clock)])
    await shop.write(orders.refund_declined, refund_id=due.refund_id, why="charge_already_refunded")

    assert (await balance(shop, buyer), await lost(shop, goods), await at_gateway(shop, goods)) == (0, 0, 0)
    await assert_sound(shop)


async def test_a_top_up_that_is_given_back_ends_the_held_orders_that_were_bought_with_it(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    intent = await topped_up(shop, buyer, clock, 20_000)
    receipts = [await bought(shop, buyer, held) for _ in range(2)]
    assert await balance(shop, buyer) == 1000

    await told(shop, intent, clock, given_back=[back("re_1", 10_000, clock)])
    states = [await state_of(shop, receipt.order_id) for receipt in receipts]
    assert states == [OrderState.ISSUED, OrderState.REFUNDED], "the newest first, and no more than needed"
    await told(shop, intent, clock, given_back=[back("re_1", 10_000, clock), back("re_2", 10_000, clock)])

    assert await state_of(shop, receipts[0].order_id) is OrderState.REFUNDED
    assert (await balance(shop, buyer), await lost(shop, held), await left(shop, held)) == (0, 0, 40)
    await assert_sound(shop)


# Disputes.


async def test_a_dispute_stops_what_was_not_sent_and_closes_reversible_ways_until_it_is_decided(
    shop: Shop, goods: Goods, clock: Clock
) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)

    assert await told(shop, order, clock, disputes=[disputed(clock)]) == "disputed"

    assert await brought(shop, buyer) == [] and await hand_over(shop, buyer, order.order_id) is None
    with pytest.raises(PaymentDisputed):
        await placed(shop, buyer, goods)
    with pytest.raises(PaymentDisputed):
        await topped_up(shop, buyer, clock, 100)
    await placed(shop, buyer, goods, provider="crypto-pay", reversible=False)

    assert await told(shop, order, clock, disputes=[disputed(clock, DisputeState.WON)]) == "dispute-won"
    assert await told(shop, order, clock, disputes=[disputed(clock)]) == "repeated", "what is decided stays so"
    await placed(shop, buyer, goods)
    assert (await shop.write(orders.release, order_id=order.order_id, by=BY)).decided
    assert [type(thing) for thing in await brought(shop, buyer)] == [Parcel]
    await assert_sound(shop)


async def test_money_that_a_dispute_takes_and_gives_again_is_booked_once_each_with_its_fee(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront, money_minor=3000)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await brought(shop, buyer)
    before = await lost(shop, goods)  # The wallet of the test was filled by hand.
    taken, given = ("txn_1", -9500, 1500), ("txn_2", 9500, 0)

    for _ in range(2):
        await told(shop, order, clock, disputes=[disputed(clock, DisputeState.OPEN, taken)])
    assert (await balance(shop, buyer), await lost(shop, goods) - before, await at_gateway(shop, goods)) == (0, 6500, -1500)
    for _ in range(2):
        await told(shop, order, clock, disputes=[disputed(clock, DisputeState.WON, taken, given)])

    assert (await balance(shop, buyer), await lost(shop, goods) - before) == (3000, 0)
    assert await at_gateway(shop, goods) == 9500 - 1500, "the fee of the dispute stays with the provider"
    await assert_sound(shop)


async def test_refunded_during_a_dispute_that_is_won_the_buyer_has_the_money_once(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await brought(shop, buyer)
    taken = ("txn_1", -9500, 0)
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.OPEN, taken)])

    await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=None, reason="x", by=BY, once="r")
    assert (await balance(shop, buyer), await lost(shop, goods)) == (0, 0), "the bank has given it to the payer already"
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.WON, taken, ("txn_2", 9500, 0))])

    assert (await balance(shop, buyer), await lost(shop, goods)) == (9500, 0)
    await assert_sound(shop)


async def test_a_dispute_of_what_nobody_has_seen_ends_the_order_without_a_loss(shop: Shop, held: Goods, clock: Clock) -> None:
    buyer = await person(shop, held.storefront)
    order = await placed(shop, buyer, held)

    # Heard all at once: paid, disputed, and the money gone.
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.OPEN, ("txn_1", -9500, 1500))])

    assert await state_of(shop, order.order_id) is OrderState.REFUNDED
    assert (await brought(shop, buyer), await left(shop, held), await lost(shop, held)) == ([], 40, 0)
    [found] = await shop.read(payments.disputes_of, order_id=order.order_id)
    assert (found.state, found.amount_minor, found.reason) == (DisputeState.OPEN, 9500, "fraudulent")
    await assert_sound(shop)


async def test_a_dispute_of_a_payment_in_another_currency_is_exact(shop: Shop, goods: Goods, clock: Clock) -> None:
    await shop.write(rates.set_rate, base="JPY", quote="CNY", rate=Fraction(477, 100), source="test", by=BY)
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods, pay_currency="JPY")
    await told(shop, order, clock)
    await brought(shop, buyer)
    yen = order.intent.amount_minor
    taken, given = ("txn_1", -yen, 0), ("txn_2", yen, 0)

    await told(shop, order, clock, given_back=[back("re_1", 7, clock)])
    await told(shop, order, clock, given_back=[back("re_1", 7, clock), back("re_2", yen - 7, clock)])
    assert (await lost(shop, goods), await at_gateway(shop, goods, "JPY")) == (9500, 0)
    other = await placed(shop, buyer, goods, pay_currency="JPY")
    await told(shop, other, clock)
    await brought(shop, buyer)
    for moved in ((taken,), (taken, given)):
        await told(shop, other, clock, disputes=[disputed(clock, DisputeState.LOST, *moved, amount=yen)])
    assert (await lost(shop, goods), await at_gateway(shop, goods, "JPY")) == (9500, yen)
    await assert_sound(shop)


async def test_no_other_code_is_given_for_a_payment_in_question(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    order = await placed(shop, buyer, goods)
    await told(shop, order, clock)
    await brought(shop, buyer)
    [code] = await shop.read(orders.codes_sold, order.order_id)
    case = await shop.write(
        aftersale.open_case, buyer_id=buyer.id, order_id=order.order_id, code_id=code.code_id, reason=next(iter(Reason))
    )
    decision = {"case_id": case.case_id, "storefront_id": goods.storefront.id}
    await told(shop, order, clock, disputes=[disputed(clock)])

    with pytest.raises(orders.InQuestion):
        await shop.write(aftersale.replace, by=BY, **decision)
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.WON)])
    await shop.write(aftersale.replace, by=BY, **decision)
    # Disputed again before the new code has gone out.
    again = Dispute("du_2", DisputeState.OPEN, 9500, "fraudulent", clock())
    await told(shop, order, clock, disputes=[disputed(clock, DisputeState.WON), again])
    with pytest.raises(catalog.Gone):
        await shop.write(aftersale.parcel, case_id=case.case_id, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id)
    await assert_sound(shop)


# A part of it to where it was paid from, where the provider takes no small coins.


@pytest.mark.parametrize(
    ("of", "way", "step", "price", "fee"),
    [
        ("KWD", "KWD", 10, 1255, Fee()),
        ("KWD", "KWD", 10, 1255, Fee(200, 9, True)),
        ("MGA", "MGA", 100, 123_450, Fee(100, 55, True)),
        ("CNY", "KWD", 10, 9505, Fee(200, 7, True)),
        ("CNY", "CNY", 1, 9505, Fee(290, 30, True)),
    ],
)
async def test_parts_to_the_source_leave_nothing_set_aside_and_no_payer_short(
    shop: Shop, clock: Clock, of: str, way: str, step: int, price: int, fee: Fee
) -> None:
    front = await shop.write(storefronts.open_storefront, name="Coins", currency=of, language="en")
    goods = await put_on_sale(shop, front, price_minor=price, count=20)
    if way != of:
        await shop.write(rates.set_rate, base=way, quote=of, rate=Fraction(235, 100), source="staff")
    aside = await shop.write(ledger.open_account, party_id=front.party_id, kind=AccountKind.REFUNDING, currency=of)
    buyer, rng = await person(shop, front), Random(f"{of}{way}{price}")
    for round_ in range(2):
        before = await balance(shop, buyer)
        order = await placed(shop, buyer, goods, 10, pay_currency=way, step_minor=step, fee=fee)
        assert await told(shop, order, clock) == "issued"
        await hand_over(shop, buyer, order.order_id)
        codes = [code.code_id for code in await shop.read(orders.codes_sold, order.order_id)]
        rng.shuffle(codes)
        to_source = to_wallet = 0
        while codes:
            taken = [codes.pop() for _ in range(min(len(codes), rng.randint(1, 3)))]
            once = f"c{next(numbers)}"
            if round_ and rng.random() < 0.4:
                made = await shop.write(orders.refund_codes, order_id=order.order_id, code_ids=taken, reason="", by=BY, once=once)
            else:
                made = await shop.write(orders.refund_to_source, order_id=order.order_id, code_ids=taken, reason="", by=BY, once=once)
                [due] = await shop.write(orders.refunds_due)
                last = not codes and not round_ and due.asked.amount_minor % step
                assert due.asked.amount_minor % step == 0 or last
                if of == way:
                    assert due.asked.amount_minor >= made.source_minor, "the payer is not short"
                if rng.random() < 0.8:
                    await shop.write(orders.refund_done, refund_id=due.refund_id)
                else:
                    await shop.write(orders.refund_declined, refund_id=due.refund_id, why="no")
                    to_wallet, to_source = to_wallet + made.source_minor, to_source - made.source_minor
            to_source += made.source_minor
            to_wallet += made.amount_minor - made.source_minor
            assert await shop.read(ledger.house_balance, aside) == 0
        assert to_source + to_wallet == price * 10, "every minor unit is in one of the two"
        assert await balance(shop, buyer) == before + to_wallet
        await assert_sound(shop)
