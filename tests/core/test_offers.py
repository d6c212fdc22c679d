"""Offers of suppliers: made, changed, paused, withdrawn; their costs by version; the ranking stays whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import journal, orders, supply
from core.database import Shop
from core.errors import Refusal
from core.storefronts import Storefront
from core.supply import SourceClass, Stop
from tests.core.offering import offered, supplier
from tests.core.props import at_once
from tests.stage import Clock, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def test_an_offer_of_a_supplier_joins_the_ranking_at_its_end_and_is_consigned(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)

    offer = await offered(shop, goods.sku_id)

    first, second = await shop.read(supply.offer_views, sku_id=goods.sku_id)
    assert (first.id, first.rank, first.owned, first.own) == (goods.offer_id, 1, True, True)
    assert (second.id, second.rank, second.owned, second.own, second.sells, second.plain) == (offer.id, 2, False, False, True, True)
    assert [entry.did for entry in await shop.read(journal.latest, about="offer", about_id=offer.id)] == ["new-offer"]


async def test_what_the_shop_purchased_from_a_supplier_is_owned(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)

    offer = await offered(shop, goods.sku_id, source_class=SourceClass.PURCHASED)

    assert offer.payable_id is None
    view = await shop.read(supply.offer_view, offer.id)
    assert view is not None and view.owned
    # And the reverse is not said of goods that are the supplier's.
    other = await offered(shop, goods.sku_id)
    with pytest.raises(supply.StaysConsigned):
        await shop.write(supply.change_offer, offer_id=other.id, source_class=SourceClass.PURCHASED, by="test")


async def test_ten_suppliers_who_join_at_once_stand_in_a_row(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)
    who = [await supplier(shop, f"Supplier {n}") for n in range(10)]

    made, refused = await at_once([offered(shop, goods.sku_id, supplier_id=one) for one in who])

    assert (len(made), refused) == (10, [])
    assert [view.rank for view in await shop.read(supply.offer_views, sku_id=goods.sku_id)] == list(range(1, 12))


async def test_a_withdrawn_offer_leaves_the_ranking_without_a_gap_and_comes_back_under_its_number(
    shop: Shop, storefront: Storefront
) -> None:
    goods = await put_on_sale(shop, storefront)
    who = await supplier(shop)
    middle = await offered(shop, goods.sku_id, supplier_id=who)
    last = await offered(shop, goods.sku_id)

    assert await shop.write(supply.withdraw_offer, offer_id=middle.id, by="test")
    assert not await shop.write(supply.withdraw_offer, offer_id=middle.id, by="test"), "once"

    assert [(view.id, view.rank) for view in await shop.read(supply.offer_views, sku_id=goods.sku_id)] == [
        (goods.offer_id, 1),
        (last.id, 2),
    ]
    whose = await shop.read(supply.offer_view, last.id)
    assert whose is not None
    with pytest.raises(supply.AlreadyOffered):
        await offered(shop, goods.sku_id, supplier_id=whose.supplier_id)
    again = await offered(shop, goods.sku_id, supplier_id=who, cost_minor=8000)
    assert (again.id, again.rank, again.cost_minor) == (middle.id, 3, 8000)


async def test_a_paused_offer_is_passed_over_until_it_is_resumed(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    offer = await offered(shop, goods.sku_id)
    await stock(shop, offer.id, goods.sku_id, 3)
    buyer = await person(shop, storefront, money_minor=100_000)

    await shop.write(supply.pause_offer, offer_id=offer.id, by="test")
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once="paused")
    view = await shop.read(supply.offer_view, offer.id)
    assert view is not None and [found.why for found in view.stops] == [Stop.PAUSED]

    await shop.write(supply.resume_offer, offer_id=offer.id, by="test")
    receipt = await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once="resumed")
    assert receipt.paid_minor == 9500


@pytest.mark.parametrize(
    ("facts", "plain"),
    [
        ({"declared": 5, "priority": 3, "warranty_hours": 48}, True),
        ({"min_quantity": 2}, False),
        ({"max_quantity": 9}, False),
        ({"region": "TR"}, False),
    ],
)
async def test_an_offer_is_plain_while_there_is_nothing_to_check(
    shop: Shop, storefront: Storefront, facts: dict[str, Any], plain: bool
) -> None:
    goods = await put_on_sale(shop, storefront)
    offer = await offered(shop, goods.sku_id)

    await shop.write(supply.change_offer, offer_id=offer.id, by="test", **facts)

    view = await shop.read(supply.offer_view, offer.id)
    assert view is not None and view.plain is plain
    clear = [name for name in facts if name != "priority"]
    await shop.write(supply.change_offer, offer_id=offer.id, by="test", clear=clear)
    cleared = await shop.read(supply.offer_view, offer.id)
    assert cleared is not None and cleared.plain
    latest = (await shop.read(journal.latest, about="offer", about_id=offer.id))[0]
    assert latest.before == {name: facts[name] for name in clear} and latest.after == dict.fromkeys(clear)


async def test_what_cannot_be_is_refused_and_changes_nothing(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront)
    offer = await offered(shop, goods.sku_id)
    before = await shop.read(supply.offer_view, offer.id)
    wrong: list[tuple[type[Refusal], dict[str, Any]]] = [
        (supply.WrongOfferLimits, {"min_quantity": 5, "max_quantity": 4}),
        (supply.OfferDatesOver, {"valid_until": clock() - timedelta(minutes=1)}),
        (supply.OfferDatesOver, {"valid_from": clock() + timedelta(days=2), "valid_until": clock() + timedelta(days=1)}),
        (supply.OfferDatesOver, {"exclusive_until": clock() - timedelta(minutes=1)}),
        (supply.NoSuchCountry, {"region": "Turkey"}),
        (supply.QuotaOfAnother, {"quota_id": 4711}),
    ]

    for refusal, facts in wrong:
        with pytest.raises(refusal):
            await shop.write(supply.change_offer, offer_id=offer.id, by="test", **facts)
    with pytest.raises(supply.NoRateForCost):
        await offered(shop, goods.sku_id, cost_currency="USD")
    with pytest.raises(supply.NoRateForCost):
        await shop.write(supply.set_cost, offer_id=offer.id, cost_minor=1200, cost_currency="USD")

    assert await shop.read(supply.offer_view, offer.id) == before


async def test_an_offer_sells_from_its_first_day_to_its_last(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront)
    days: dict[str, Any] = {"valid_from": clock() + timedelta(days=1), "valid_until": clock() + timedelta(days=3)}
    offer = await offered(shop, goods.sku_id, **days)

    async def why() -> list[Stop]:
        return [found.why for found in await shop.read(supply.stops, [offer.id])]

    assert (await why(), await shop.write(supply.keep_dates)) == ([Stop.DATES], 0)
    clock.passes(days=1, seconds=1)
    assert (await shop.write(supply.keep_dates), await why()) == (1, [])
    clock.passes(days=2)
    assert (await shop.write(supply.keep_dates), await why()) == (1, [Stop.DATES])
    await shop.write(supply.change_offer, offer_id=offer.id, clear=("valid_until",), by="test")
    assert await why() == []


# Costs


async def test_a_cost_of_a_later_day_is_booked_from_then_on(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    offer = await offered(shop, goods.sku_id)
    await stock(shop, offer.id, goods.sku_id, 2)
    buyer = await person(shop, storefront, money_minor=100_000)
    later = clock() + timedelta(days=1)

    await shop.write(supply.set_cost, offer_id=offer.id, cost_minor=8600, cost_currency="CNY", from_at=later, by="test")
    before = await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once="before")
    assert await shop.write(supply.take_costs) == 0
    clock.passes(days=1, seconds=1)
    assert (await shop.write(supply.take_costs), await shop.write(supply.take_costs)) == (1, 0)
    after = await shop.write(orders.buy, **goods.terms(), buyer_id=buyer.id, quantity=1, once="after")

    sold = [await shop.read(orders.detail, order_id=one.order_id) for one in (before, after)]
    assert [one.cost_minor for one in sold if one is not None] == [8500, 8600]
    assert [(one.version, one.cost_minor, one.waits) for one in await shop.read(supply.costs_of, offer.id)] == [
        (2, 8600, False),
        (1, 8500, False),
    ]


async def test_a_cost_set_in_between_does_not_undo_a_later_one_and_one_taken_back_never_comes(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront)
    offer = await offered(shop, goods.sku_id)
    for days, minor in ((1, 8600), (2, 8700)):
        when = clock() + timedelta(days=days)
        await shop.write(supply.set_cost, offer_id=offer.id, cost_minor=minor, cost_currency="CNY", from_at=when, by="test")
    await shop.write(supply.set_cost, offer_id=offer.id, cost_minor=8400, cost_currency="CNY", by="test")

    assert await shop.write(supply.drop_cost, offer_id=offer.id, version=2, by="test")
    assert not await shop.write(supply.drop_cost, offer_id=offer.id, version=2, by="test"), "once"
    assert not await shop.write(supply.drop_cost, offer_id=offer.id, version=1, by="test"), "it is in force"
    clock.passes(days=1, seconds=1)
    assert await shop.write(supply.take_costs) == 0
    clock.passes(days=1)
    assert await shop.write(supply.take_costs) == 1

    view = await shop.read(supply.offer_view, offer.id)
    assert view is not None and (view.cost_minor, view.waiting_costs) == (8700, [])
    with pytest.raises(supply.InThePast):
        await shop.write(
            supply.set_cost, offer_id=offer.id, cost_minor=1, cost_currency="CNY", from_at=clock() - timedelta(days=1), by="test"
        )


async def test_two_processes_take_a_due_cost_once(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront)
    offer = await offered(shop, goods.sku_id)
    await shop.write(
        supply.set_cost, offer_id=offer.id, cost_minor=8600, cost_currency="CNY", from_at=clock() + timedelta(days=1), by="test"
    )
    clock.passes(days=2)

    taken, _ = await at_once([shop.write(supply.take_costs) for _ in range(5)])

    assert sum(taken) == 1
