"""Each stream of revenue has an account of its own that something posts to, and the books show every one apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import fulfilment, journal, orders, settlement
from core.catalog import Gone
from core.database import Shop
from core.settlement import NotPositive, SpreadShare, Stream, Surcharge, TakenBackBefore, TakeRate
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, at_once
from tests.core.supplies import earned, settled, supplied
from tests.core.test_service import delivered, designer
from tests.stage import Clock, person

STAFF = "telegram:1"


def entry(storefront: Storefront, **facts: Any) -> dict[str, Any]:
    about = {"storefront_id": storefront.id, "currency": "CNY", "by": STAFF, "note": "Banner, May", "once": "desk:1:1"}
    return {**about, "stream": Stream.ADVERTISING, "amount_minor": 150_000, **facts}


async def test_six_streams_are_earned_each_on_an_account_of_its_own_and_the_books_show_them_apart(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    since = clock()
    shared = await supplied(shop, storefront, terms=SpreadShare(3000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a card", **shared.goods.terms())
    made = await designer(shop, storefront, terms=TakeRate(1000, Surcharge(custom_bp=500)))
    step = await delivered(shop, made, buyer)
    await shop.write(fulfilment.accept_milestone, milestone_id=step.id, customer_id=buyer.id)
    for one in await shop.read(fulfilment.steps_to_settle):
        await shop.write(orders.settle_step, one)
    await settled(shop)
    for number, stream in enumerate(Stream, 1):
        await shop.write(settlement.book_revenue, **entry(storefront, stream=stream, amount_minor=number * 111, once=f"{number}"))

    wanted = {"spread": 700, "commission": 1000, "service": 500, "interest": 111, "advertising": 222, "data": 333}
    assert {label: await shop.read(earned, storefront, label) for label in wanted} == wanted
    told = {pot.label: pot.minor for pot in await shop.read(settlement.revenue_by_stream, storefront_id=storefront.id)}
    assert told == wanted
    statement = await assert_books(shop, since, clock())
    assert {pot.label: pot.closing_minor for pot in statement.pots if pot.kind == "revenue"} == wanted
    causes = {pot.label: [(flow.cause, flow.minor) for flow in pot.into] for pot in statement.pots if pot.kind == "revenue"}
    assert causes["commission"] == [("settle", 1000)] and causes["data"] == [("revenue", 333)]
    bank = statement.pot("gateway", "CNY", "bank")
    assert bank is not None and [(flow.cause, flow.minor) for flow in bank.into] == [("revenue", 666)]
    await assert_sound(shop)


async def test_what_was_booked_by_hand_is_booked_once_and_taken_back_once_with_its_trail(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    since = clock()
    made, *_ = (await at_once(shop.write(settlement.book_revenue, **entry(storefront)) for _ in range(4)))[0]
    assert (made.stream, made.amount_minor, made.currency, made.note, made.by) == (Stream.ADVERTISING, 150_000, "CNY", "Banner, May", STAFF)
    assert await shop.read(earned, storefront, "advertising") == 150_000
    for amount in (0, -1):
        with pytest.raises(NotPositive):
            await shop.write(settlement.book_revenue, **entry(storefront, amount_minor=amount, once="other"))
    abroad = await shop.write(settlement.book_revenue, **entry(storefront, currency="USD", once="abroad", note="a\x00 b\n c"))
    assert abroad.note == "a b c"
    assert (await shop.read(earned, storefront, "advertising"), await shop.read(earned, storefront, "advertising", "USD")) == (150_000,) * 2

    back: dict[str, Any] = {"entry_id": made.id, "by": "telegram:2", "why": "Booked twice"}
    with pytest.raises(Gone):
        await shop.write(settlement.take_back_revenue, storefront_id=storefront.id + 1, **back)
    clock.passes(hours=1)
    _, refused = await at_once(shop.write(settlement.take_back_revenue, storefront_id=storefront.id, **back) for _ in range(3))
    assert [type(no) for no in refused] == [TakenBackBefore] * 2
    assert await shop.read(earned, storefront, "advertising") == 0
    newest, oldest = await shop.read(settlement.revenue_entries, storefront_id=storefront.id)
    assert newest.id == abroad.id and (oldest.back_by, oldest.back_why) == ("telegram:2", "Booked twice")
    assert oldest.back_at is not None and oldest.back_at - oldest.at >= timedelta(hours=1)
    trail = [(one.did, one.by, one.after["booking"], one.after["amount_minor"]) for one in await shop.read(journal.latest)]
    assert trail == [
        ("take-back-revenue", "telegram:2", made.id, 150_000),
        ("book-revenue", STAFF, abroad.id, 150_000),
        ("book-revenue", STAFF, made.id, 150_000),
    ]
    statement = await assert_books(shop, since, clock())
    pot = statement.pot("revenue", "CNY", "advertising")
    assert pot is not None and [flow.cause for flow in (*pot.into, *pot.out)] == ["revenue", "revenue-back"]
    await assert_sound(shop)
