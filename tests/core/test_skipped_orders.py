"""An order that settlement cannot work out: the others do not wait, it is tried again ever more seldom, and the staff are told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import aftersale, journal, orders, settlement
from core.database import Shop
from core.settlement import SpreadShare, claims, drafts
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, scalar
from tests.core.supplies import Supplied, purse, settled, supplied
from tests.stage import Clock, person

TOLD = "SELECT count(*) FROM outbox WHERE CAST(body AS VARCHAR) LIKE '%unsettled%'"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Orders whose sharing fails, as long as they are named here."""
    orders_of: set[int] = set()
    shared = drafts._shared

    def fails(setting: Any, draft: Any) -> Any:
        assert draft.order_id not in orders_of, "an unforeseen order"
        return shared(setting, draft)

    monkeypatch.setattr(drafts, "_shared", fails)
    return orders_of


async def sold(shop: Shop, storefront: Storefront, of: Supplied, once: str) -> int:
    buyer = await person(shop, storefront, money_minor=1_000_000)
    return (await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once=once, **of.goods.terms())).order_id


async def test_it_is_tried_again_ever_more_seldom_and_told_once(
    shop: Shop, storefront: Storefront, clock: Clock, broken: set[int], database_url: str
) -> None:
    since, of = clock(), await supplied(shop, storefront, terms=SpreadShare(3000))
    await person(shop, storefront, telegram_id=1)
    bad, good = await sold(shop, storefront, of, "bad"), await sold(shop, storefront, of, "good")
    broken.add(bad)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (2 * 8500 + 17_600, 0, 0), "the other order is settled"
    told = await scalar(database_url, TOLD)

    waits: list[timedelta] = []
    minutes: list[int] = []
    for _ in range(10):
        [one] = await shop.read(settlement.skipped_orders)
        assert "an unforeseen order" in one.why and one.order_id == bad
        waits.append(one.next_at - clock())
        minutes.append(round(waits[-1] / timedelta(minutes=1)))
        assert await shop.write(settlement.settle_now) == 0, "nobody tries it before its time"
        clock.passes(seconds=waits[-1].total_seconds())
        await settled(shop)
    assert minutes == [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440], "ever more seldom, and at least every day"
    assert await scalar(database_url, TOLD) == told, "once"
    shown = await shop.read(settlement.skipped_order, bad)
    assert shown is not None and shown.tries == 11

    broken.clear()
    clock.passes(days=1)
    await settled(shop)
    assert await shop.read(settlement.skipped_orders) == [] and await shop.read(settlement.skipped_order, bad) is None
    held, due, _ = await shop.read(purse, of.supplier_id)
    assert held + due == 4 * 8800
    for order in (bad, good):
        [share] = await shop.read(settlement.who_earns, order)
        assert share.supplier_minor == 17_600
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_the_staff_have_it_tried_now_and_what_was_refunded_meanwhile_is_taken_back(
    shop: Shop, storefront: Storefront, clock: Clock, broken: set[int]
) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    bad = await sold(shop, storefront, of, "bad")
    broken.add(bad)
    await settled(shop)
    assert not await shop.write(settlement.settle_order, order_id=bad, by="telegram:1")
    code, _ = await shop.read(orders.codes_sold, bad)
    await shop.write(aftersale.refund_codes, order_id=bad, code_ids=[code.code_id], reason="t", by="test", once="back")
    broken.clear()

    assert await shop.write(settlement.settle_order, order_id=bad, by="telegram:1")
    assert await shop.write(settlement.settle_order, order_id=bad, by="telegram:1"), "again changes nothing"

    assert await shop.read(purse, of.supplier_id) == (8800, 0, 0)
    tried = [entry for entry in await shop.read(journal.latest) if entry.did == "settle-order"]
    assert [entry.after for entry in tried] == [{"settled": True}, {"settled": True}, {"settled": False}]
    clock.passes(days=30)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (0, 8800, 0)
    await assert_sound(shop)


async def test_a_release_that_fails_waits_by_itself(
    shop: Shop, storefront: Storefront, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000))
    bad, _ = await sold(shop, storefront, of, "bad"), await sold(shop, storefront, of, "good")
    await settled(shop)
    release = claims._release

    def fails(session: Any, rows: Any, at: Any) -> None:
        assert bad not in {claim.order_id for claim in rows}, "cannot be released"
        release(session, rows, at)

    with monkeypatch.context() as patched:
        patched.setattr(claims, "_release", fails)
        clock.passes(days=30)
        await settled(shop)
        assert await shop.read(purse, of.supplier_id) == (17_600, 17_600, 0)
        assert [one.order_id for one in await shop.read(settlement.skipped_orders)] == [bad]
    clock.passes(hours=1)
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (0, 35_200, 0)
    await assert_sound(shop)
