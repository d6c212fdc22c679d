"""Who may change what is paid out: the rules of payouts, payouts of the suspended, and contracts of one offer that end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import journal, orders, settlement, standing, supply
from core.catalog import Gone
from core.database import Shop
from core.settlement import NothingToEnd, NotInThePast, NotYours, PayoutState, PayTo, SpreadShare, TakeRate, TheyAreSuspended
from core.storefronts import Storefront
from core.supply import OwnSupplier
from tests.core.props import assert_sound
from tests.core.supplies import Supplied, purse, released, settled, supplied
from tests.stage import Clock, person

STAFF, OTHER = "telegram:1", "telegram:2"


@pytest.fixture
async def of(shop: Shop, storefront: Storefront, clock: Clock) -> Supplied:
    """A supplier with 880.00 due, who has said where it goes."""
    made = await supplied(shop, storefront, terms=SpreadShare(3000))
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=10, once="ten", **made.goods.terms())
    await released(shop, clock)
    where: dict[str, Any] = {"supplier_id": made.supplier_id, "storefront_id": storefront.id, "by": made.by}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words="Bank of China 6217 0000, Li Ming", **where)
    return made


def ask_of(of: Supplied, storefront: Storefront, amount: int) -> dict[str, Any]:
    return {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "currency": "CNY", "by": of.by, "amount_minor": amount}


# The rules of payouts


async def test_who_acts_for_a_supplier_does_not_change_the_rules_of_payouts(shop: Shop, of: Supplied) -> None:
    before = await shop.read(settlement.rule, "CNY")
    for change in ({"least_minor": 1}, {"two_above_minor": 99_000_000}):
        with pytest.raises(OwnSupplier):
            await shop.write(settlement.set_rule, currency="CNY", by=of.by, **change)
    assert await shop.read(settlement.rule, "CNY") == before
    assert [one for one in await shop.read(journal.latest) if one.did == "payout-rule"] == []

    await shop.write(settlement.set_rule, currency="CNY", by=STAFF, least_minor=5000, two_above_minor=80_000)
    [entry] = [one for one in await shop.read(journal.latest) if one.did == "payout-rule"]
    assert entry.by == STAFF
    assert (entry.before["two_above_minor"], entry.after["two_above_minor"]) == (1_000_000, 80_000)
    assert (entry.before["least_minor"], entry.after["least_minor"]) == (10_000, 5000)


async def test_who_belongs_to_the_shops_own_supplier_may_change_them(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    own = await shop.read(supply.places_of, [(await shop.write(supply.own_offer, storefront=storefront, sku_id=of.goods.sku_id)).id])
    await shop.write(supply.add_member, supplier_id=own[0].supplier_id, telegram_id=1)
    assert (await shop.write(settlement.set_rule, currency="CNY", by=STAFF, least_minor=5000)).least_minor == 5000


async def test_a_rule_that_is_loosened_makes_no_way_for_a_payout_that_waits(shop: Shop, storefront: Storefront, of: Supplied) -> None:
    await shop.write(settlement.set_rule, currency="CNY", by=STAFF, two_above_minor=20_000)
    asked = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 30_000))
    await shop.write(settlement.set_rule, currency="CNY", by=STAFF, two_above_minor=90_000)
    first = await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    assert (first.state, first.two_above_minor) == (PayoutState.REQUESTED, 20_000), "one alone was not enough when it was asked for"
    with pytest.raises(NotYours):
        await shop.write(settlement.approve_payout, payout_id=asked.id, by=STAFF)
    assert (await shop.write(settlement.approve_payout, payout_id=asked.id, by=OTHER)).state is PayoutState.APPROVED

    # What is asked for now is under the rule of now, and a rule that is made stricter holds at once.
    later = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 30_000))
    assert (await shop.write(settlement.approve_payout, payout_id=later.id, by=STAFF)).state is PayoutState.APPROVED
    last = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 25_000))
    await shop.write(settlement.set_rule, currency="CNY", by=STAFF, two_above_minor=10_000)
    assert (await shop.write(settlement.approve_payout, payout_id=last.id, by=STAFF)).state is PayoutState.REQUESTED
    await assert_sound(shop)


# Payouts of the suspended


async def test_nothing_of_a_suspended_supplier_is_approved_for_the_second_time_or_recorded_as_sent(
    shop: Shop, storefront: Storefront, of: Supplied
) -> None:
    """Old payouts: one waits for its second approval, one is approved and was perhaps sent by hand already."""
    await shop.write(settlement.set_rule, currency="CNY", by=STAFF, two_above_minor=20_000)
    half = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 30_000))
    await shop.write(settlement.approve_payout, payout_id=half.id, by=STAFF)
    old = await shop.write(settlement.ask_payout, **ask_of(of, storefront, 15_000))
    await shop.write(settlement.approve_payout, payout_id=old.id, by=STAFF)
    before = await shop.read(purse, of.supplier_id)

    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="fraud", by=STAFF)
    with pytest.raises(TheyAreSuspended):
        await shop.write(settlement.approve_payout, payout_id=half.id, by=OTHER)
    for who in (STAFF, OTHER):
        with pytest.raises(TheyAreSuspended):
            await shop.write(settlement.sent_by_hand, payout_id=old.id, by=who, reference="BOC-7781")
    assert await shop.read(purse, of.supplier_id) == before == (0, 43_000, 45_000)
    frozen = {one.id: (one.state, one.second_by, one.reference) for one in await shop.read(settlement.payouts_of, of.supplier_id)}
    assert frozen == {half.id: (PayoutState.REQUESTED, None, None), old.id: (PayoutState.APPROVED, None, None)}
    # The money may be given back to what is due, where it stays frozen.
    await shop.write(settlement.refuse_payout, payout_id=half.id, by=OTHER, why="suspended")

    await shop.write(standing.unsuspend, supplier_id=of.supplier_id, by=STAFF)
    assert (await shop.write(settlement.sent_by_hand, payout_id=old.id, by=STAFF, reference="BOC-7781")).state is PayoutState.SENT
    await assert_sound(shop)


# A contract of one offer that ends


async def test_a_contract_of_one_offer_ends_for_what_is_sold_from_then_on(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(5000))
    offer_id = of.goods.offer_id
    with pytest.raises(NothingToEnd):
        await shop.write(settlement.end_contract, offer_id=offer_id, by=STAFF)
    own = await shop.write(settlement.agree, supplier_id=of.supplier_id, offer_id=offer_id, terms=TakeRate(0), by=STAFF)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="under its own", **of.goods.terms())
    with pytest.raises(NotInThePast):
        await shop.write(settlement.end_contract, offer_id=offer_id, by=STAFF, from_at=clock() - timedelta(hours=1))
    with pytest.raises(OwnSupplier):
        await shop.write(settlement.end_contract, offer_id=offer_id, by=of.by)
    with pytest.raises(Gone):
        await shop.write(settlement.end_contract, offer_id=999_999, by=STAFF)

    end = await shop.write(settlement.end_contract, offer_id=offer_id, by=STAFF, from_at=clock() + timedelta(hours=1))
    assert (end.version, end.ends, end.offer_id) == (2, True, offer_id)
    with pytest.raises(NothingToEnd):
        await shop.write(settlement.end_contract, offer_id=offer_id, by=STAFF)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="still", **of.goods.terms())
    clock.passes(hours=2)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="under the supplier's", **of.goods.terms())
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (9500 + 9500 + 9000, 0, 0)
    found, terms = await shop.read(settlement.terms_now, supplier_id=of.supplier_id, offer_id=offer_id)
    assert terms == SpreadShare(5000) and found is not None and found.offer_id is None
    assert (await shop.read(supply.offers, [offer_id]))[0].id == offer_id
    view = await shop.read(supply.offer_view, offer_id)
    assert view is not None and view.contract_id is None
    [entry] = [one for one in await shop.read(journal.latest) if one.did == "end-offer-contract"]
    assert (entry.by, entry.before["version"], entry.after["version"], entry.after["offer"]) == (STAFF, own.version, 2, offer_id)

    # It may have one of its own again.
    await shop.write(settlement.agree, supplier_id=of.supplier_id, offer_id=offer_id, terms=TakeRate(1000), by=STAFF)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="again", **of.goods.terms())
    await settled(shop)
    assert await shop.read(purse, of.supplier_id) == (9500 + 9500 + 9000 + 8550, 0, 0)
    await assert_sound(shop)
