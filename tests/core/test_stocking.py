"""Suppliers stock their offers: who may, by which link, what goes back, and what the audit says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core import audit, insight, inventory, journal, orders, outbox, standing, supply
from core.audit.stocking import STOCKING
from core.database import Shop
from core.insight import Restock
from core.inventory import LinkBusy, LinkOver, NothingOnShelf, Secret, TooManyLinks
from core.storefronts import Storefront
from core.supply import IsSuspended, NoPaper, NotYours, Standing, Stop
from tests.core.ledgers import assert_books
from tests.core.props import aside, assert_sound
from tests.stage import Clock, person, stock
from tests.supplying import Supplied, supplied

LIN, WANG = 5001, 5002


@pytest.fixture
async def lin(shop: Shop, storefront: Storefront) -> Supplied:
    return await supplied(shop, storefront, LIN)


async def link_of(shop: Shop, made: Supplied, who: int = LIN) -> tuple[str, inventory.LinkView]:
    customer = await person(shop, made.goods.storefront, who)
    return await shop.write(supply.make_upload_link, offer_id=made.offer_id, telegram_id=who, customer_id=customer.id, by=f"telegram:{who}")


async def came(shop: Shop, made: Supplied, link_id: int | None, *codes: str) -> inventory.ImportReceipt:
    lines = ((row, Secret(None, code)) for row, code in enumerate(codes, 1))
    return await inventory.bring_in(
        shop, offer_id=made.offer_id, sku_id=made.goods.sku_id, source_name="f", by="telegram:5001", lines=lines, link_id=link_id
    )


async def suspend(shop: Shop, supplier_id: int) -> None:
    await shop.write(standing.suspend, supplier_id=supplier_id, reason="stolen goods", by="test")


async def test_only_their_own_people_stock_an_offer_with_a_paper_of_a_supplier_in_good_standing(
    shop: Shop, storefront: Storefront, lin: Supplied, clock: Clock
) -> None:
    facts = await shop.read(supply.to_be_stocked, offer_id=lin.offer_id, telegram_id=LIN)
    assert facts.supplier_id == lin.supplier_id

    with pytest.raises(NotYours):
        await shop.read(supply.to_be_stocked, offer_id=lin.offer_id, telegram_id=WANG)
    with pytest.raises(NotYours):
        await shop.read(supply.to_be_stocked, offer_id=999, telegram_id=LIN)
    bare = await supplied(shop, storefront, WANG, name="Wang", standing=Standing.TRUSTED, papered=False)
    with pytest.raises(NoPaper):
        await shop.read(supply.to_be_stocked, offer_id=bare.offer_id, telegram_id=WANG)
    creator = await supplied(shop, storefront, WANG, name="Studio", standing=Standing.CREATOR, papered=False)
    assert (await shop.read(supply.to_be_stocked, offer_id=creator.offer_id, telegram_id=WANG)).document_id is None

    await suspend(shop, lin.supplier_id)
    with pytest.raises(IsSuspended):
        await shop.read(supply.to_be_stocked, offer_id=lin.offer_id, telegram_id=LIN)


async def test_a_link_is_good_once_for_an_hour_and_until_the_next_one_of_its_offer(shop: Shop, lin: Supplied, clock: Clock) -> None:
    first, _ = await link_of(shop, lin)
    word, link = await link_of(shop, lin)
    with pytest.raises(LinkOver):
        await shop.read(inventory.link, first)
    with pytest.raises(LinkOver):
        await shop.read(inventory.link, "made-up")
    assert (await shop.read(inventory.link, word)).id == link.id

    assert (await shop.write(inventory.take_link, word)).offer_id == lin.offer_id
    with pytest.raises(LinkBusy):
        await shop.write(inventory.take_link, word)
    await shop.write(inventory.give_link_back, link_id=link.id)
    await shop.write(inventory.take_link, word)
    receipt = await came(shop, lin, link.id, "A-0001", "A-0002")
    await shop.write(inventory.end_link, link_id=link.id, batch_id=receipt.batch_id)
    with pytest.raises(LinkOver):
        await shop.write(inventory.take_link, word)

    late, _ = await link_of(shop, lin)
    clock.passes(minutes=61)
    with pytest.raises(LinkOver):
        await shop.write(inventory.take_link, late)
    await assert_sound(shop, sample=2)


async def test_a_link_taken_by_somebody_who_died_is_not_kept_for_ever_and_nobody_makes_links_without_end(
    shop: Shop, lin: Supplied, clock: Clock
) -> None:
    word, _ = await link_of(shop, lin)
    await shop.write(inventory.take_link, word)
    clock.passes(hours=3)
    with pytest.raises(LinkOver):
        await shop.read(inventory.link, word)

    for _ in range(12):
        await link_of(shop, lin)
    with pytest.raises(TooManyLinks):
        await link_of(shop, lin)
    clock.passes(hours=1, minutes=1)
    await link_of(shop, lin)


async def test_what_is_taken_back_is_void_the_newest_first_and_opened_for_its_taker_alone(shop: Shop, lin: Supplied) -> None:
    codes = await stock(shop, lin.offer_id, lin.goods.sku_id, 5)
    taker = await person(shop, lin.goods.storefront, LIN)
    stranger = await person(shop, lin.goods.storefront, WANG)
    taking: dict[str, Any] = {"offer_id": lin.offer_id, "customer_id": taker.id, "by": "telegram:5001"}

    taken = await shop.write(supply.take_stock_back, telegram_id=LIN, quantity=2, **taking)
    with pytest.raises(NotYours):
        await shop.write(supply.take_stock_back, telegram_id=WANG, quantity=2, **taking)

    places = await shop.read(inventory.places, [lin.offer_id])
    assert (taken.quantity, places["available"], places["void"]) == (2, 3, 2)
    asked: dict[str, Any] = {"take_back_id": taken.id, "to_telegram_id": LIN}
    assert await shop.write(inventory.open_taken_back, customer_id=stranger.id, **asked) is None
    opened = await shop.write(inventory.open_taken_back, customer_id=taker.id, **asked)
    assert opened is not None
    assert [secret.joined() for secret in opened.codes] == codes[3:]
    assert not any(code in repr(opened) for code in codes)
    await shop.write(inventory.handed_back, take_back_id=taken.id)
    assert await shop.write(inventory.open_taken_back, customer_id=taker.id, **asked) is None, "once"

    did = [entry.did for entry in await shop.read(journal.latest, limit=10)]
    assert did.count("take-back-codes") == 1 and did.count("open-taken-back") == 1
    # What left is never sold, and never comes in again.
    assert (await came(shop, lin, None, codes[4])).duplicate_in_shop == [1]
    await shop.write(supply.take_stock_back, telegram_id=LIN, quantity=100, **taking)
    with pytest.raises(NothingOnShelf):
        await shop.write(supply.take_stock_back, telegram_id=LIN, quantity=1, **taking)
    await assert_sound(shop, sample=3)


async def test_a_supplier_sees_what_was_sold_what_is_left_and_for_how_long(shop: Shop, lin: Supplied, clock: Clock) -> None:
    await stock(shop, lin.offer_id, lin.goods.sku_id, 10)
    buyer = await person(shop, lin.goods.storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="one", **lin.goods.terms())

    home = await shop.read(insight.supplier_home, lin.supplier_id, timezone="UTC")
    page = await shop.read(insight.offer_page, offer_id=lin.offer_id, telegram_id=LIN)

    assert (home.shelf, home.sold_today, home.cost_today_minor, home.days_left) == (6, 4, {"CNY": 34_000}, 21)
    assert page.places["sold"] == 4 and page.age_days == 0
    assert (page.advice.what, page.advice.days_left) == (Restock.ENOUGH, 21)
    clock.passes(days=15)
    later = await shop.read(insight.offer_page, offer_id=lin.offer_id, telegram_id=LIN)
    assert (later.line.sold, later.age_days, later.advice.what) == (0, 15, Restock.UNASKED)
    with pytest.raises(NotYours):
        await shop.read(insight.offer_page, offer_id=lin.offer_id, telegram_id=WANG)
    await assert_books(shop, clock() - timedelta(days=16), clock())


async def test_a_paused_offer_sells_again_when_its_supplier_says_so_and_not_when_others_stopped_it(shop: Shop, lin: Supplied) -> None:
    doing: dict[str, Any] = {"offer_id": lin.offer_id, "telegram_id": LIN, "by": "telegram:5001"}
    assert await shop.write(supply.pause_own, paused=True, **doing)
    assert not await shop.write(supply.pause_own, paused=True, **doing)
    await shop.write(supply.stop, offer_ids=[lin.offer_id], why=Stop.PAUSED, by="telegram:1")
    assert await shop.write(supply.pause_own, paused=False, **doing)

    assert [one.by for one in await shop.read(supply.stops, [lin.offer_id])] == ["telegram:1"], "the staff's own pause stays"


async def test_a_lower_cost_holds_at_once_and_a_higher_one_when_the_staff_agree(shop: Shop, lin: Supplied) -> None:
    customer = await person(shop, lin.goods.storefront, LIN)
    wishing: dict[str, Any] = {"offer_id": lin.offer_id, "telegram_id": LIN, "customer_id": customer.id, "by": "telegram:5001"}

    async def cost() -> int:
        return (await shop.read(supply.offers, [lin.offer_id]))[0].cost_minor

    assert await shop.write(supply.wish_cost, cost_minor=8000, **wishing) is None
    assert await cost() == 8000
    first = await shop.write(supply.wish_cost, cost_minor=9000, **wishing)
    second = await shop.write(supply.wish_cost, cost_minor=8800, **wishing)
    assert first is not None and second is not None
    assert await cost() == 8000
    assert not await shop.write(supply.decide_wish, wish_id=first.id, granted=True, by="telegram:1"), "another took its place"
    assert await shop.write(supply.decide_wish, wish_id=second.id, granted=True, by="telegram:1")
    assert not await shop.write(supply.decide_wish, wish_id=second.id, granted=False, by="telegram:1")
    assert await cost() == 8800
    third = await shop.write(supply.wish_cost, cost_minor=9900, **wishing)
    assert third is not None
    assert await shop.write(supply.decide_wish, wish_id=third.id, granted=False, by="telegram:1")
    assert await cost() == 8800
    assert (await shop.read(outbox.waiting)).open == 2, "the supplier is told twice"


async def test_the_unsold_codes_of_a_batch_are_voided_in_pieces_and_the_sold_ones_stay(shop: Shop, lin: Supplied) -> None:
    receipt = await came(shop, lin, None, *[f"B-{n:04}" for n in range(7)])
    buyer = await person(shop, lin.goods.storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="one", **lin.goods.terms())

    counts, more = [], True
    while more:
        count, more = await shop.write(inventory.void_batch, batch_id=receipt.batch_id, by="telegram:1", most=2)
        counts.append(count)

    places = await shop.read(inventory.batch_places, receipt.batch_id)
    assert counts == [2, 2, 1] and (places.available, places.sold, places.void) == (0, 2, 5)
    await assert_sound(shop, sample=3)


DAMAGES = [
    ("a supplier's batch rests on a paper", "UPDATE offers SET document_id = NULL WHERE id = (SELECT offer_id FROM upload_links)"),
    (
        "an upload link is used once",
        "UPDATE batches SET link_id = (SELECT id FROM upload_links) WHERE offer_id = (SELECT offer_id FROM upload_links)",
    ),
    ("what came by an upload link is of its offer", "UPDATE batches SET link_id = NULL WHERE link_id IS NOT NULL"),
    (
        "an upload link is its offer's supplier's",
        "UPDATE upload_links SET supplier_id = (SELECT MIN(id) FROM suppliers WHERE id <> supplier_id)",
    ),
    (
        "a code that was taken back is void",
        "UPDATE codes SET void_at = NULL, available = id WHERE id = (SELECT MIN(code_id) FROM taken_codes)",
    ),
    ("a take-back has its codes", "UPDATE take_backs SET quantity = quantity + 1"),
]


def test_every_check_of_what_suppliers_bring_is_shown_damage() -> None:
    assert {check for check, _ in DAMAGES} == STOCKING.keys()


@pytest.mark.parametrize(("check", "sql"), DAMAGES)
async def test_the_audit_finds_damage_to_what_suppliers_brought(
    shop: Shop, storefront: Storefront, lin: Supplied, database_url: str, check: str, sql: str
) -> None:
    customer = await person(shop, storefront, LIN)
    word, link = await link_of(shop, lin)
    await shop.write(inventory.take_link, word)
    receipt = await came(shop, lin, link.id, "C-0001", "C-0002")
    await shop.write(inventory.end_link, link_id=link.id, batch_id=receipt.batch_id)
    await came(shop, lin, None, "C-0003", "C-0004")
    await shop.write(
        supply.take_stock_back, offer_id=lin.offer_id, telegram_id=LIN, customer_id=customer.id, quantity=2, by="telegram:5001"
    )
    await assert_sound(shop)

    async with aside(database_url) as connection:
        await connection.execute(text(sql))
        await connection.commit()

    assert check in (await shop.read(audit.audit)).violated


async def test_whoever_is_suspended_while_their_list_is_read_sells_nothing_of_it(shop: Shop, lin: Supplied, clock: Clock) -> None:
    asked = []

    async def agree(quantity: int) -> None:
        asked.append(quantity)
        await suspend(shop, lin.supplier_id)
        await shop.read(supply.to_be_stocked, offer_id=lin.offer_id, telegram_id=LIN)

    lines = ((row, Secret(None, f"S-{row:04}")) for row in range(1, 1501))
    with pytest.raises(IsSuspended):
        await inventory.bring_in(
            shop, offer_id=lin.offer_id, sku_id=lin.goods.sku_id, source_name="f", by="telegram:5001", lines=lines, agree=agree
        )

    places = await shop.read(inventory.places, [lin.offer_id])
    assert asked == [1500] and set(places.values()) == {0}, "its codes are free to come again"
    await assert_sound(shop)


# Restocking: arithmetic alone


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 30))
def test_what_is_advised_lasts_until_the_next_delivery_and_a_cover_longer(left: int, sold: int, lead: int) -> None:
    advice = insight.advise(left, sold, lead_days=lead)

    if sold == 0:
        assert (advice.what, advice.bring, advice.days_left) == (Restock.UNASKED, 0, None)
        return
    if advice.bring:
        # Enough for the wait and two weeks more, and not a unit more than that asks for.
        wanted = sold * (lead + 14)
        assert (left + advice.bring) * 14 >= wanted > (left + advice.bring - 1) * 14
    if advice.what in (Restock.EMPTY, Restock.NOW):
        assert advice.days_left is not None and advice.days_left <= lead
        assert advice.bring > 0
    assert (advice.what is Restock.EMPTY) == (left == 0)


@pytest.mark.parametrize(
    ("left", "sold", "what"),
    [
        (0, 14, Restock.EMPTY),
        (3, 14, Restock.NOW),
        (9, 14, Restock.SOON),
        (20, 14, Restock.ENOUGH),
        (200, 14, Restock.SLOW),
        (0, 0, Restock.UNASKED),
    ],
)
def test_the_advice_goes_with_how_long_the_shelf_lasts(left: int, sold: int, what: Restock) -> None:
    assert insight.advise(left, sold).what is what


def test_how_often_a_supplier_delivers_is_learned_from_their_deliveries() -> None:
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    assert insight.lead_days([]) == 3
    assert insight.lead_days([monday, monday + timedelta(days=1)]) == 3, "two say nothing yet"
    assert insight.lead_days([monday + timedelta(days=7 * n) for n in range(5)]) == 7
    assert insight.lead_days([monday + timedelta(minutes=n) for n in range(5)]) == 1
    assert insight.lead_days([monday + timedelta(days=90 * n) for n in range(5)]) == 30
