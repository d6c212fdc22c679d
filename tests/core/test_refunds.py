"""Refunds: exact to the minor unit whatever the order of its parts, the goods back where they may be, everything else undone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from core import audit, insight, inventory, journal, ledger, orders, outbox, payments, people, rates, supply
from core.database import Shop
from core.orders import AlreadyRefunded, NotOfThisOrder, NotRefundable, NoWayBack, OnceReused, OnlyWhole, OrderState, RefundState, RefundTo
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import STAR_RATE, aside, assert_sound, at_once, balance, consign, left, place, scalar, settle
from tests.stage import Clock, Goods, chat_of, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def bought(shop: Shop, buyer: Customer, goods: Goods, quantity: int = 1, once: str = "one") -> int:
    """The id of an order of so many, paid from the wallet."""
    return (await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **goods.terms())).order_id


async def refund(
    shop: Shop,
    order_id: int,
    codes: Sequence[int] | None = None,
    *,
    once: str = "r",
    to: RefundTo = RefundTo.WALLET,
    whole_only: bool = False,
) -> orders.Refunded:
    return await shop.write(
        orders.refund_codes,
        order_id=order_id,
        code_ids=codes,
        reason="did not work",
        by="telegram:1",
        once=once,
        to=to,
        whole_only=whole_only,
    )


async def codes_of(shop: Shop, order_id: int) -> list[int]:
    return [code.code_id for code in await shop.read(orders.codes_sold, order_id)]


async def delivered(shop: Shop, buyer: Customer, order_id: int) -> orders.Parcel:
    """A courier takes the delivery, and shows the codes."""
    for message in await shop.write(outbox.lease, worker="w", most=50, seconds=60):
        if message.order_id == order_id and message.topic is outbox.Topic.DELIVERY:
            parcel = await shop.write(
                orders.hand_over, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id
            )
            assert isinstance(parcel, orders.Parcel)
            await shop.write(outbox.done, message_id=message.id, worker="w", sent_message_id=1)
            return parcel
    raise AssertionError("the order has no delivery")


async def test_a_whole_order_that_nobody_has_seen_comes_back_as_if_it_had_never_been(shop: Shop, goods: Goods) -> None:
    before = await shop.read(insight.today, goods.storefront.id, timezone="UTC")
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 3)

    made = await refund(shop, order_id)

    assert (made.amount_minor, made.returned, made.void, made.state) == (28_500, 3, 0, RefundState.REFUNDED)
    assert await balance(shop, buyer) == 100_000
    assert await left(shop, goods) == 40
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None and found.card.state is OrderState.REFUNDED and found.refunded_minor == 28_500
    assert all(delivery.done_at is not None for delivery in found.deliveries), "nothing is sent any more"
    after = await shop.read(insight.today, goods.storefront.id, timezone="UTC")
    assert (after.orders, after.units, after.sales_minor, after.cost_minor, after.profit_minor) == (
        before.orders,
        before.units,
        before.sales_minor,
        before.cost_minor,
        before.profit_minor,
    )
    assert after.refunded_minor == 28_500


async def test_what_was_returned_is_sold_again_to_somebody_else(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=100, count=2)
    first, second = [await person(shop, storefront, money_minor=1000) for _ in range(2)]
    await refund(shop, await bought(shop, first, goods, 2))

    again = await bought(shop, second, goods, 2, once="two")

    assert len((await delivered(shop, second, again)).lines[0].secrets) == 2
    assert (await refund(shop, again, once="again")).void == 2, "and comes back a second time, from another order"


async def test_delivered_codes_are_void_and_shown_no_more(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 2)
    await delivered(shop, buyer, order_id)
    one, other = await codes_of(shop, order_id)

    made = await refund(shop, order_id, [one])

    assert (made.amount_minor, made.returned, made.void) == (9500, 0, 1)
    assert await left(shop, goods) == 38
    parcel = await shop.write(
        orders.reveal, order_id=order_id, cause=orders.RevealCause.SHOWN, to_telegram_id=await chat_of(shop, order_id)
    )
    assert [len(line.secrets) for line in parcel.lines] == [1]
    sold = await shop.read(orders.codes_sold, order_id)
    assert [(code.code_id, code.refunded, code.returned, code.worth_minor) for code in sold] == [
        (one, True, False, 0),
        (other, False, False, 9500),
    ]
    place = await shop.read(inventory.code_place, one)
    assert place is not None and (place.place, place.order_id) == ("sold", order_id)


async def test_a_delivery_that_a_courier_has_in_hand_counts_as_tried(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods)
    [message] = [m for m in await shop.write(outbox.lease, worker="w", most=9, seconds=60) if m.order_id == order_id]

    made = await refund(shop, order_id)

    assert (made.returned, made.void) == (0, 1)
    parcel = await shop.write(
        orders.hand_over, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id, buyer_id=buyer.id
    )
    assert parcel is None, "the courier has nothing to send"
    await shop.write(outbox.done, message_id=message.id, worker="w")


async def test_a_part_that_was_refunded_before_sending_is_not_sent_and_the_rest_is(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 3)
    made = await refund(shop, order_id, (await codes_of(shop, order_id))[:1])

    assert (made.returned, await left(shop, goods)) == (1, 38)
    assert [len(line.secrets) for line in (await delivered(shop, buyer, order_id)).lines] == [2]
    rest = await refund(shop, order_id, once="rest")
    assert (rest.amount_minor, rest.void) == (19_000, 2)
    assert await balance(shop, buyer) == 100_000


async def test_the_same_refund_again_changes_nothing_and_with_other_codes_is_refused(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 2)
    one, other = await codes_of(shop, order_id)
    first = await refund(shop, order_id, [one])

    again = await refund(shop, order_id, [one])

    assert (again.refund_id, again.amount_minor, again.returned, again.repeated) == (first.refund_id, 9500, 1, True)
    with pytest.raises(OnceReused):
        await refund(shop, order_id, [other])
    another = await bought(shop, buyer, goods, once="two")
    with pytest.raises(OnceReused):
        await refund(shop, another)
    assert await balance(shop, buyer) == 100_000 - 2 * 9500


async def test_what_cannot_be_refunded_is_refused_and_nothing_is_changed(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id, another = await bought(shop, buyer, goods, 2), await bought(shop, buyer, goods, once="two")
    one, other = await codes_of(shop, order_id)
    [foreign] = await codes_of(shop, another)
    await refund(shop, order_id, [one])
    for codes, refusal in (
        ([one], AlreadyRefunded),
        ([one, other], AlreadyRefunded),
        ([foreign], NotOfThisOrder),
        ([other, foreign], NotOfThisOrder),
        ([], NotOfThisOrder),
        ([10**9], NotOfThisOrder),
    ):
        with pytest.raises(refusal):
            await refund(shop, order_id, codes, once="no")
    with pytest.raises(NoWayBack):
        await refund(shop, another, to=RefundTo.SOURCE, once="no")
    await refund(shop, another, once="whole")
    with pytest.raises(AlreadyRefunded):
        await refund(shop, another, once="no")
    assert await balance(shop, buyer) == 100_000 - 9500


async def test_an_order_that_was_not_issued_is_not_refunded(shop: Shop, storefront: Storefront, clock: Clock, goods: Goods) -> None:
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    buyer = await person(shop, storefront)
    pending = await place(shop, buyer, goods, once="p")

    with pytest.raises(NotRefundable):
        await refund(shop, pending.order_id)


async def test_fifty_refunds_of_one_order_at_once_give_its_money_back_once(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 10)
    codes = await codes_of(shop, order_id)

    made, refused = await at_once(
        [refund(shop, order_id, [codes[n % 10]], once=f"{n}") for n in range(30)]
        + [refund(shop, order_id, once=f"all:{n}") for n in range(20)]
    )

    assert sum(one.amount_minor for one in made) == 95_000
    assert len(made) + len(refused) == 50 and {type(refusal) for refusal in refused} == {AlreadyRefunded}
    assert await balance(shop, buyer) == 100_000
    assert await left(shop, goods) == 40


@pytest.mark.parametrize(("price", "cost"), [(2000, 1500), (2000, 2000), (1500, 2000), (2000, 0)])
async def test_a_supplier_gives_its_cost_back_and_the_shop_the_rest(shop: Shop, storefront: Storefront, price: int, cost: int) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=price, count=5)
    payable = await shop.write(consign, offer_id=goods.offer_id, cost_minor=cost)
    buyer = await person(shop, storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 3)
    assert await shop.read(ledger.house_balance, payable) == 3 * cost

    await refund(shop, order_id, (await codes_of(shop, order_id))[:1])

    assert await shop.read(ledger.house_balance, payable) == 2 * cost
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 2 * (price - cost)
    await refund(shop, order_id, once="rest")
    assert await shop.read(ledger.house_balance, payable) == 0
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 0
    assert await balance(shop, buyer) == 100_000


async def test_a_limit_counts_only_what_was_not_refunded(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=100, count=9, max_per_buyer=3)
    buyer = await person(shop, storefront, money_minor=1000)
    order_id = await bought(shop, buyer, goods, 3)
    with pytest.raises(orders.LimitReached):
        await bought(shop, buyer, goods, 1, once="two")

    await refund(shop, order_id, (await codes_of(shop, order_id))[:2])

    assert await bought(shop, buyer, goods, 2, once="three")
    with pytest.raises(orders.LimitReached):
        await bought(shop, buyer, goods, 1, once="four")


async def test_the_cost_of_what_cannot_be_sold_again_stays_the_shops(shop: Shop, goods: Goods, database_url: str) -> None:
    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=8000, cost_currency="CNY")
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    seen, unseen = await bought(shop, buyer, goods, once="seen"), await bought(shop, buyer, goods, once="unseen")
    await shop.write(outbox.park, message_id=0, worker="w", trouble="none")
    await shop.write(orders.reveal, order_id=seen, cause=orders.RevealCause.SENT, to_telegram_id=await chat_of(shop, seen))
    await refund(shop, seen, once="a")
    await refund(shop, unseen, once="b")

    day = await shop.read(insight.today, goods.storefront.id, timezone="UTC")

    assert (day.orders, day.units, day.sales_minor, day.cost_minor, day.profit_minor) == (0, 0, 0, 8000, -8000)


async def test_a_refund_is_told_to_the_buyer_and_written_into_the_action_log(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, money_minor=9500)
    order_id = await bought(shop, buyer, goods)
    await refund(shop, order_id)

    [entry] = await shop.read(journal.latest, about="order", about_id=order_id)
    assert (entry.did, entry.by) == ("refund", "telegram:1")
    assert (entry.before["refunded_minor"], entry.after["refunded_minor"], entry.after["reason"]) == (0, 9500, "did not work")
    told = [m.body for m in await shop.write(outbox.lease, worker="w", most=50, seconds=60) if m.body.get("says") == "refunded"]
    assert [(body["order"], body["amount_minor"], body["reason"]) for body in told] == [(order_id, 9500, "did not work")]
    moved = await shop.read(orders.movements, buyer.id)
    assert [(entry.kind, entry.amount_minor, entry.subject_id) for entry in moved[:2]] == [
        (ledger.TransferKind.REFUND, 9500, order_id),
        (ledger.TransferKind.SALE, -9500, order_id),
    ]


# To the source


async def paid_in_stars(shop: Shop, buyer: Customer, goods: Goods, quantity: int = 2, event: str = "charge") -> int:
    await shop.write(rates.set_rate, base="XTR", quote=goods.storefront.currency, rate=STAR_RATE, source="test")
    pending = await place(shop, buyer, goods, once=f"stars:{event}", quantity=quantity)
    assert (await settle(shop, buyer, pending, event=event)).issued
    return pending.order_id


async def gateway_balance(shop: Shop, url: str, kind: str, currency: str) -> int:
    account = await scalar(url, f"SELECT id FROM accounts WHERE kind = '{kind}' AND currency = '{currency}'")
    return 0 if account is None else await shop.read(ledger.house_balance, account)


async def test_a_refund_to_the_source_waits_for_the_provider_and_leaves_by_its_gateway(
    shop: Shop, goods: Goods, clock: Clock, database_url: str
) -> None:
    buyer = await person(shop, goods.storefront)
    order_id = await paid_in_stars(shop, buyer, goods)
    source = await shop.read(orders.source_of, order_id)
    assert source is not None and (source.provider, source.event_key, source.amount_minor, source.left_minor) == (
        "stars",
        "charge",
        1358,
        19_000,
    )

    made = await refund(shop, order_id, to=RefundTo.SOURCE, whole_only=True)

    assert (made.state, made.amount_minor, made.source_minor, await balance(shop, buyer)) == (RefundState.WANTED, 19_000, 19_000, 0)
    assert await gateway_balance(shop, database_url, "refunding", "CNY") == 19_000
    assert await shop.read(orders.is_our_refund, provider="stars", event_key="charge"), "from the moment it is wanted"
    [due] = await shop.write(orders.refunds_due)
    asked = due.asked
    assert (due.provider, asked.event_key, asked.amount_minor, asked.whole_minor, asked.currency) == ("stars", "charge", 1358, 1358, "XTR")
    assert asked.payer_telegram_id == buyer.telegram_id
    assert await shop.read(orders.is_our_refund, provider="stars", event_key="charge")
    assert await shop.write(orders.refunds_due) == [], "it is one caller's at a time"
    clock.passes(seconds=31)
    [again] = await shop.write(orders.refunds_due)
    assert (again.refund_id, again.asked, again.tries) == (due.refund_id, asked, 2), "no answer is asked again, for the same"
    await assert_sound(shop)

    assert await shop.write(orders.refund_done, refund_id=due.refund_id)
    assert not await shop.write(orders.refund_done, refund_id=due.refund_id)
    assert not await shop.write(orders.refund_declined, refund_id=due.refund_id, why="too late")
    for kind, currency in (("refunding", "CNY"), ("gateway", "XTR"), ("exchange", "CNY"), ("exchange", "XTR"), ("sales", "CNY")):
        assert await gateway_balance(shop, database_url, kind, currency) == 0, kind
    clock.passes(hours=2)
    assert await shop.write(orders.refunds_due) == []
    assert await shop.read(orders.source_of, order_id) is None


async def test_a_refund_that_the_provider_declines_goes_to_the_wallet_and_buyer_and_staff_are_told(shop: Shop, goods: Goods) -> None:
    buyer, clerk = await person(shop, goods.storefront), await person(shop, goods.storefront)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[clerk.telegram_id])
    order_id = await paid_in_stars(shop, buyer, goods)
    made = await refund(shop, order_id, to=RefundTo.SOURCE)
    [due] = await shop.write(orders.refunds_due)

    assert await shop.write(orders.refund_declined, refund_id=due.refund_id, why="CHARGE_TOO_OLD")
    assert not await shop.write(orders.refund_done, refund_id=due.refund_id)

    assert await balance(shop, buyer) == 19_000
    told = {m.body["says"]: m.customer_id for m in await shop.write(outbox.lease, worker="w", most=50, seconds=60) if m.body}
    assert (told["refund-declined"], told["refund-not-taken"]) == (buyer.id, clerk.id)
    [seen] = await shop.read(orders.refunds_of, order_id)
    assert (seen.id, seen.state) == (made.refund_id, RefundState.DECLINED)


async def test_parts_to_the_source_sum_up_to_the_payment_and_a_whole_only_provider_takes_no_part(
    shop: Shop, goods: Goods, database_url: str
) -> None:
    buyer = await person(shop, goods.storefront)
    order_id = await paid_in_stars(shop, buyer, goods, quantity=3)
    source = await shop.read(orders.source_of, order_id)
    assert source is not None
    codes = await codes_of(shop, order_id)
    with pytest.raises(OnlyWhole):
        await refund(shop, order_id, codes[:1], to=RefundTo.SOURCE, whole_only=True)
    await refund(shop, order_id, codes[:1], to=RefundTo.SOURCE, once="1")
    await refund(shop, order_id, codes[1:2], once="2")
    await refund(shop, order_id, codes[2:], to=RefundTo.SOURCE, once="3")

    due = await shop.write(orders.refunds_due)

    assert await balance(shop, buyer) == 9500
    for one in due:
        await shop.write(orders.refund_done, refund_id=one.refund_id)
    assert sum(one.asked.amount_minor for one in due) == source.amount_minor * 19_000 // 28_500
    assert await gateway_balance(shop, database_url, "refunding", "CNY") == 0
    with pytest.raises(AlreadyRefunded):
        await refund(shop, order_id, once="4")


async def test_the_audit_sees_money_that_was_refunded_beside_the_books(shop: Shop, goods: Goods, database_url: str) -> None:
    """The checks of refunds are shown their damages with all the others; this is the way a bug would make one."""
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    order_id = await bought(shop, buyer, goods, 2)
    await refund(shop, order_id, (await codes_of(shop, order_id))[:1])
    async with aside(database_url) as connection:
        await connection.execute(text("UPDATE orders SET refunded_minor = refunded_minor + 1 WHERE id = :id"), {"id": order_id})
        await connection.commit()
    assert (await shop.read(audit.audit)).violated.keys() == {"an order's refunds, and the books, say what it was refunded"}
    async with aside(database_url) as connection:
        await connection.execute(text("UPDATE orders SET refunded_minor = refunded_minor - 1 WHERE id = :id"), {"id": order_id})
        await connection.commit()


async def test_money_given_to_the_wallet_can_be_spent_again(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=100, count=1)
    buyer = await person(shop, storefront, money_minor=100)
    for turn in range(5):
        assert (await refund(shop, await bought(shop, buyer, goods, once=f"{turn}"), once=f"r{turn}")).returned == 1

    assert (await shop.read(payments.wallet, buyer.id)).balance_minor == 100
