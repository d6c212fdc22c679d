"""Finding customers and orders; crediting once, however often it is pressed; sending codes again to the buyer alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction

import pytest
from sqlalchemy.orm import Session

from core import ledger, orders, outbox, rates
from core.database import Shop, now, write
from core.storefronts import Storefront
from core.storefronts.tables import StorefrontRow
from handlers.admin.desk import Do, Go
from tests.admin.direct import Chatter, at_the_desk
from tests.stage import Goods, person


@pytest.fixture
async def desk(shop: Shop, goods: Goods) -> Chatter:
    return await at_the_desk(shop, goods.storefront)


@write
def open_another(session: Session, *, like: Storefront) -> int:
    """A second storefront of the same house; returns its id."""
    row = StorefrontRow(
        party_id=like.party_id,
        name="Another",
        currency=like.currency,
        language=like.language,
        sales_account_id=like.sales_account_id,
        opened_at=now(session),
    )
    session.add(row)
    session.flush()
    return row.id


async def confirmation(desk: Chatter, customer_id: int, kind: str, amount: str, reason: str = "a gift") -> str:
    await desk.answers(f"person.{kind}", customer_id, amount)
    await desk.says(reason)
    return next(data for data in desk.keyboard() if data.startswith(f"{Do.__prefix__}:adjust"))


async def test_a_credit_pressed_ten_times_at_once_is_one_adjustment(shop: Shop, goods: Goods, desk: Chatter) -> None:
    buyer = await person(shop, goods.storefront)
    confirm = await confirmation(desk, buyer.id, "credit", "12.5")

    await asyncio.gather(*[desk.presses(confirm) for _ in range(10)])
    await desk.presses(confirm)

    assert await shop.read(ledger.balance, buyer.wallet_id) == 1250
    moved = await shop.read(orders.movements, buyer.id)
    assert len(moved) == 1


async def test_a_debit_of_more_than_there_is_is_refused_and_says_so(shop: Shop, goods: Goods, desk: Chatter) -> None:
    buyer = await person(shop, goods.storefront, money_minor=1000)

    said = await desk.presses(await confirmation(desk, buyer.id, "debit", "10.01"))

    assert "¥0.01" in said and "¥10.00" in said
    assert await shop.read(ledger.balance, buyer.wallet_id) == 1000


async def test_a_debit_with_a_reason_takes_the_money_and_tells_the_customer(shop: Shop, goods: Goods, desk: Chatter) -> None:
    buyer = await person(shop, goods.storefront, money_minor=1000)
    await shop.write(outbox.lease, worker="test", most=100, seconds=60)

    said = await desk.presses(await confirmation(desk, buyer.id, "debit", "¥10", "charged twice"))

    assert await shop.read(ledger.balance, buyer.wallet_id) == 0
    assert "Done. The balance is ¥0.00 now." in said
    (notice,) = await shop.write(outbox.lease, worker="test", most=100, seconds=60)
    assert notice.body["reason"] == "charged twice" and notice.body["amount_minor"] == -1000


# What a person types is judged before the database is asked.
@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("typed", ["0", "-5", "ten", "1.005", "1e3", "99999999999999999999"])
async def test_what_is_no_amount_is_refused_in_one_sentence_and_asked_again(shop: Shop, goods: Goods, desk: Chatter, typed: str) -> None:
    buyer = await person(shop, goods.storefront)

    said = await desk.answers("person.credit", buyer.id, typed)
    right = await desk.says("5")

    assert "Type the amount to credit" in said
    assert "Type the reason" in right
    assert await shop.read(ledger.balance, buyer.wallet_id) == 0


async def test_an_old_confirmation_does_nothing_after_a_newer_one(shop: Shop, goods: Goods, desk: Chatter) -> None:
    first, second = await person(shop, goods.storefront), await person(shop, goods.storefront)
    old = await confirmation(desk, first.id, "credit", "5")
    new = await confirmation(desk, second.id, "credit", "7")

    said = await desk.presses(old)
    await desk.presses(new)

    assert "out of date" in said
    assert await shop.read(ledger.balance, first.wallet_id) == 0
    assert await shop.read(ledger.balance, second.wallet_id) == 700


async def test_an_order_is_found_by_its_number_and_its_id_and_sent_again_to_its_buyer(shop: Shop, goods: Goods, desk: Chatter) -> None:
    buyer = await person(shop, goods.storefront, money_minor=9500)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())

    by_number = await desk.answers("order.find", 0, f"#{receipt.number.lower()}")
    by_id = await desk.answers("order.find", 0, str(receipt.order_id))
    busy = await desk.presses(Do(act="resend", id=receipt.order_id))
    for message in await shop.write(outbox.lease, worker="test", most=10, seconds=60):
        await shop.write(outbox.done, message_id=message.id, worker="test")
    again = await desk.presses(Do(act="resend", id=receipt.order_id))
    posted = await shop.write(outbox.lease, worker="test", most=10, seconds=60)

    assert receipt.number in by_number and "¥95.00" in by_number and buyer.name in by_number
    assert receipt.number in by_id
    assert "under way already" in busy and "on their way to the buyer" in again
    assert [(message.customer_id, message.order_id) for message in posted] == [(buyer.id, receipt.order_id)]


async def test_a_top_up_is_found_by_its_charge_id_and_tells_whose_it_is_how_much_and_how_it_stands(
    shop: Shop, goods: Goods, desk: Chatter
) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="test")
    buyer = await person(shop, goods.storefront, money_minor=95_000)
    first = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    asked = await shop.write(orders.deposit, customer_id=buyer.id, worth_minor=700, provider="stars", pay_currency="XTR", seconds=900)
    assert asked.id == first.order_id, "the number is that of an order too"

    waiting = await desk.answers("order.find", 0, str(asked.id))
    also = desk.keyboard()
    await shop.write(
        orders.settle,
        provider="stars",
        event_key="charge-of-a-top-up",
        intent_id=asked.id,
        customer_id=buyer.id,
        amount_minor=asked.amount_minor,
        currency="XTR",
    )
    paid = await desk.answers("order.find", 0, "charge-of-a-top-up")
    again = await desk.presses(Go(to="payment", id=asked.id))

    for said, state in ((waiting, ": waits for the payer"), (paid, ": paid"), (again, ": paid")):
        assert f"Payment {asked.reference}</b>" in said and "⭐ 50" in said and state in said
        assert buyer.name in said and "Top-up of the balance by ¥7.00" in said
    assert Go(to="order", id=first.order_id).pack() in also, "what else the number may mean is offered"
    assert Go(to="order", id=first.order_id).pack() not in desk.keyboard()
    assert Go(to="person", id=buyer.id).pack() in desk.keyboard()
    assert "no longer" in await desk.presses(Go(to="payment", id=999))


async def test_a_top_up_of_another_storefront_is_not_shown(shop: Shop, goods: Goods, desk: Chatter) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="test")
    elsewhere = await shop.write(open_another, like=goods.storefront)
    buyer = await person(shop, replace(goods.storefront, id=elsewhere))
    asked = await shop.write(orders.deposit, customer_id=buyer.id, worth_minor=700, provider="stars", pay_currency="XTR", seconds=900)

    assert "Nothing was found" in await desk.answers("order.find", 0, str(asked.id))
    assert "no longer" in await desk.presses(Go(to="payment", id=asked.id))


async def test_customers_are_found_and_shown_with_balance_and_orders(shop: Shop, goods: Goods, desk: Chatter) -> None:
    buyer = await person(shop, goods.storefront, telegram_id=987654321, money_minor=20_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    await person(shop, goods.storefront, telegram_id=987654322)

    shown = await desk.answers("person.find", 0, "987654321")
    buttons = desk.keyboard()
    several = await desk.answers("person.find", 0, "Person 98765")
    nobody = await desk.answers("person.find", 0, "nobody like this")

    assert "¥105.00" in shown and "987654321" in shown
    assert Go(to="order", id=receipt.order_id).pack() in buttons
    assert "Who of these?" in several
    assert "Nothing was found for “nobody like this”" in nobody
