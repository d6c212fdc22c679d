"""Payouts: from what is due to what has left the house, by hand, and no more than there is whoever asks at once."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import aftersale, orders, rates, settlement, standing, supply
from core.database import Shop, write
from core.settlement import (
    AddressIsFresh,
    NoAddress,
    NoRate,
    NotAnAddress,
    NotThatMuch,
    NotYours,
    PayoutIsOver,
    PayoutsStopped,
    PayoutState,
    PayTo,
    SpreadShare,
    TheyAreSuspended,
    TooSmall,
    WasTakenSince,
)
from core.storefronts import Storefront
from core.supply import Stop
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, at_once, scalar
from tests.core.supplies import Supplied, purse, released, settled, supplied
from tests.core.traders import theirs_alone
from tests.stage import Clock, person

STAFF, OTHER = "telegram:1", "telegram:2"
HOME: dict[str, Any] = {"to": PayTo.WORDS, "words": "Bank of China 6217 0000, Li Ming"}


@pytest.fixture
async def of(shop: Shop, storefront: Storefront, clock: Clock) -> Supplied:
    """A supplier with 880.00 due: ten cards at 85.00 and 30 % of the spread."""
    made = await supplied(shop, storefront, terms=SpreadShare(3000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=10, once="ten", **made.goods.terms())
    await released(shop, clock)
    assert await shop.read(purse, made.supplier_id) == (0, 88_000, 0)
    return made


def ask_of(of: Supplied, storefront: Storefront, amount: int | None = None) -> dict[str, Any]:
    return {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "currency": "CNY", "by": of.by, "amount_minor": amount}


async def live_at(shop: Shop, storefront: Storefront, of: Supplied, **where: Any) -> None:
    await shop.write(settlement.set_address, supplier_id=of.supplier_id, storefront_id=storefront.id, by=of.by, **(where or HOME))


@write
def coin_address(session: Session, *, supplier_id: int) -> None:
    """Their first way to be paid is a coin: nothing waits for a day."""
    session.execute(text("DELETE FROM payout_addresses WHERE supplier_id = :id"), {"id": supplier_id})
    settlement.set_address(session, supplier_id=supplier_id, storefront_id=1, to=PayTo.CRYPTO_PAY, words="4711000", by="test")


async def test_from_asked_to_confirmed_by_hand(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    with pytest.raises(NoAddress):
        await shop.write(settlement.ask_payout, **ask_of(of, storefront))
    await live_at(shop, storefront, of)
    for amount, refusal in ((88_001, NotThatMuch), (9999, TooSmall), (0, TooSmall), (-5, TooSmall)):
        with pytest.raises(refusal):
            await shop.write(settlement.ask_payout, **ask_of(of, storefront, amount))

    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 50_000))
    assert await shop.read(purse, of.supplier_id) == (0, 38_000, 50_000)
    with pytest.raises(NotYours):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=of.by)
    with pytest.raises(PayoutIsOver):
        await shop.write(settlement.sent_by_hand, payout_id=asked.id, by=STAFF, reference="too early")
    assert (await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)).state is PayoutState.APPROVED
    sent = await shop.write(settlement.sent_by_hand, payout_id=asked.id, by=STAFF, reference="BOC-7781")
    assert (sent.state, sent.reference) == (PayoutState.SENT, "BOC-7781")
    assert await shop.read(purse, of.supplier_id) == (0, 38_000, 0)
    with pytest.raises(PayoutIsOver):
        await shop.write(settlement.sent_by_hand, payout_id=asked.id, by=OTHER, reference="again")
    done = await shop.write(settlement.confirm_payout, payout_id=asked.id, supplier_id=of.supplier_id, by=of.by)
    assert done.state is PayoutState.CONFIRMED

    found = await shop.read(settlement.balances, supplier_id=of.supplier_id, currency="CNY")
    assert (found.due_minor, found.paid_minor, found.settling_minor) == (38_000, 50_000, 0)
    await assert_books(shop, clock() - timedelta(days=60), clock())
    await assert_sound(shop)


async def test_a_refused_payout_is_due_again(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront))
    assert (await shop.write(settlement.refuse_payout, payout_id=asked.id, by=STAFF, why="Wrong account")).why == "Wrong account"
    assert await shop.read(purse, of.supplier_id) == (0, 88_000, 0)
    with pytest.raises(PayoutIsOver):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    await assert_sound(shop)


async def test_above_the_rule_two_of_the_staff_approve(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    await shop.write(settlement.set_rule, currency="CNY", by=STAFF, two_above_minor=80_000)
    await live_at(shop, storefront, of)
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront))

    assert (await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)).state is PayoutState.REQUESTED
    with pytest.raises(NotYours):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    done = await shop.write(settlement.approve_payout, payout_id=asked.id, by=OTHER)
    assert (done.state, done.approved_by, done.second_by) == (PayoutState.APPROVED, STAFF, OTHER)
    await assert_sound(shop)


async def test_many_who_ask_at_once_get_no_more_than_there_is(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    granted, refused = await at_once(shop.write(settlement.ask_payout, **ask_of(of, storefront, 30_000)) for _ in range(8))

    assert len(granted) == 2 and {type(no) for no in refused} == {NotThatMuch}
    assert await shop.read(purse, of.supplier_id) == (0, 28_000, 60_000)
    approved, _ = await at_once(
        shop.write(settlement.approve_payout, payout_id=granted[0].id, by=f"telegram:{number}") for number in range(1, 5)
    )
    assert len(approved) == 1
    await assert_sound(shop)


async def test_a_changed_address_waits_a_day_and_everybody_is_told(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied, database_url: str
) -> None:
    for telegram_id in (of.telegram_id, 555):
        await shop.write(supply.add_member, supplier_id=of.supplier_id, telegram_id=telegram_id)
        await person(shop, storefront, telegram_id=telegram_id)
    await live_at(shop, storefront, of)
    await live_at(shop, storefront, of, to=PayTo.CRYPTO_PAY, words="4711000")
    with pytest.raises(AddressIsFresh):
        await shop.write(settlement.ask_payout, **ask_of(of, storefront))
    told = "SELECT count(*) FROM outbox WHERE topic = 'notice' AND CAST(body AS VARCHAR) LIKE '%payout-address%'"
    assert await scalar(database_url, told) == 2
    # The same again is no change, and a wrong one none either.
    await live_at(shop, storefront, of, to=PayTo.CRYPTO_PAY, words=" 4711000 ")
    for words in ("", "abc", "12 34 x", "-1", "9" * 16):
        with pytest.raises(NotAnAddress):
            await live_at(shop, storefront, of, to=PayTo.CRYPTO_PAY, words=words)
    clock.passes(hours=25)
    assert (await shop.write(settlement.ask_payout, **ask_of(of, storefront))).words == "4711000"
    await assert_sound(shop)


async def test_what_is_frozen_or_taken_back_is_not_paid(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    available: dict[str, Any] = {"supplier_id": of.supplier_id, "currency": "CNY"}
    await shop.write(supply.stop, offer_ids=[of.goods.offer_id], why=Stop.TAKEDOWN, by="test", ref="takedown:1")
    assert (await shop.read(settlement.available, **available)).minor == 0
    await shop.write(supply.lift, offer_ids=[of.goods.offer_id], why=Stop.TAKEDOWN, by="test", ref="takedown:1")
    assert (await shop.read(settlement.available, **available)).minor == 88_000
    first = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 80_000))
    await shop.write(settlement.approve_payout, payout_id=first.id, by=STAFF)
    await shop.write(settlement.sent_by_hand, payout_id=first.id, by=STAFF, reference="x")

    # Everything is refunded after it was paid out: the supplier owes, and later sales make it up.
    order_id = await scalar(shop.url.render_as_string(hide_password=False), "SELECT max(id) FROM orders")
    await shop.write(aftersale.refund_codes, order_id=order_id, code_ids=None, reason="test", by="test", once="all")
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (0, -80_000, 0)
    assert (await shop.read(settlement.available, **available)).minor == 0
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=10, once="ten more", **of.goods.terms())
    await released(shop, clock)
    assert await shop.read(purse, of.supplier_id) == (0, 8000, 0)
    await assert_sound(shop)


async def test_paid_in_another_currency_at_the_markets_rate(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    await live_at(shop, storefront, of, to=PayTo.CRYPTO_PAY, words="4711000")
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 50_000))
    with pytest.raises(NoRate):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF, pay_currency="USDT")
    rules = rates.Rules(timedelta(hours=5), Fraction(3))
    await shop.write(rates.take, quote="CNY", source="test", market={"USDT": Fraction(7)}, as_of=clock(), rules=rules)
    approved = await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF, pay_currency="USDT")

    assert (approved.pay_minor, approved.pay_currency) == (7142, "USDT"), "500.00 / 7, rounded down, without the buffer"
    due = await shop.write(settlement.take_payout)
    assert due is not None and await shop.write(settlement.take_payout) is None
    await shop.write(settlement.payout_done, payout_id=due.id, reference="1")
    await shop.write(settlement.payout_done, payout_id=due.id, reference="1")
    assert await shop.read(purse, of.supplier_id) == (0, 38_000, 0)
    await assert_books(shop, clock() - timedelta(days=60), clock())
    await assert_sound(shop)


async def test_a_suspended_supplier_is_paid_nothing(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 20_000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="held", **of.goods.terms())
    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="fraud", by=STAFF)
    with pytest.raises(PayoutsStopped):
        await shop.write(settlement.ask_payout, **ask_of(of, storefront, 20_000))
    with pytest.raises(PayoutsStopped):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    await released(shop, clock)
    assert await shop.read(purse, of.supplier_id) == (8800, 68_000, 20_000)
    await assert_sound(shop)


async def test_a_small_payout_does_not_thaw_what_is_taken_down(shop: Shop, storefront: Storefront, clock: Clock, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    available: dict[str, Any] = {"supplier_id": of.supplier_id, "currency": "CNY"}
    clock.passes(seconds=60)
    await shop.write(settlement.ask_payout, **ask_of(of, storefront, 10_000))
    clock.passes(seconds=60)
    await shop.write(supply.stop, offer_ids=[of.goods.offer_id], why=Stop.TAKEDOWN, by="test", ref="takedown:1")
    there = await shop.read(settlement.available, **available)
    assert (there.due_minor, there.frozen_minor) == (78_000, 78_000)
    with pytest.raises(settlement.TooSmall):
        await shop.write(settlement.ask_payout, **ask_of(of, storefront))

    # What sells later and is not objected to is theirs; what was paid out first is what was released first.
    clean = await theirs_alone(shop, storefront, of.supplier_id, count=2)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="clean", **clean.terms())
    await released(shop, clock)
    after = await shop.read(settlement.available, **available)
    assert after.due_minor > 78_000 and after.frozen_minor == 78_000


async def test_what_was_approved_waits_while_its_supplier_is_suspended(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    by_hand = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 20_000))
    await shop.write(settlement.approve_payout, payout_id=by_hand.id, by=STAFF)
    await shop.write(coin_address, supplier_id=of.supplier_id)
    by_provider = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 30_000))
    await shop.write(settlement.approve_payout, payout_id=by_provider.id, by=STAFF)

    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="fraud", by=STAFF)
    assert await shop.write(settlement.take_payout) is None
    with pytest.raises(TheyAreSuspended):
        await shop.read(settlement.may_pay, by_hand.id)
    with pytest.raises(TheyAreSuspended):
        await shop.write(settlement.sent_by_hand, payout_id=by_hand.id, by=STAFF, reference="x")
    await assert_sound(shop)

    await shop.write(standing.unsuspend, supplier_id=of.supplier_id, by=STAFF)
    taken = await shop.write(settlement.take_payout)
    assert taken is not None and taken.id == by_provider.id
    # What may have been sent already is followed up whatever has happened since.
    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="again", by=STAFF)
    await shop.write(settlement.payout_done, payout_id=taken.id, reference="1")
    await assert_sound(shop)


async def test_what_was_objected_to_since_it_was_asked_for_is_not_paid(
    shop: Shop, storefront: Storefront, clock: Clock, of: Supplied
) -> None:
    await shop.write(coin_address, supplier_id=of.supplier_id)
    objection: dict[str, Any] = {"offer_ids": [of.goods.offer_id], "why": Stop.TAKEDOWN, "by": "test", "ref": "takedown:1"}
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 50_000))
    await shop.write(supply.stop, **objection)
    with pytest.raises(WasTakenSince):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)

    await shop.write(supply.lift, **objection)
    await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    await shop.write(supply.stop, **objection)
    assert await shop.write(settlement.take_payout) is None
    await shop.write(supply.lift, **objection)
    clock.passes(hours=1)
    taken = await shop.write(settlement.take_payout)
    assert taken is not None and taken.id == asked.id
    await assert_sound(shop)


async def test_what_was_refunded_since_it_was_asked_for_is_not_paid(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    await live_at(shop, storefront, of)
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront))
    order_id = await scalar(shop.url.render_as_string(hide_password=False), "SELECT max(id) FROM orders")
    await shop.write(aftersale.refund_codes, order_id=order_id, code_ids=None, reason="test", by="test", once="all")
    await settled(shop)
    with pytest.raises(WasTakenSince) as no:
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    assert no.value.missing_minor == 88_000
    await shop.write(settlement.refuse_payout, payout_id=asked.id, by=STAFF)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0)
    await assert_sound(shop)
