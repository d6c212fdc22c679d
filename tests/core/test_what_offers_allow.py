"""The sale itself looks at what is agreed of an offer: its country, quantities and dates, and whether it keeps the others out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from core import fulfilment, inventory, orders, people, rates, routing, supply
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.storefronts import Storefront
from core.supply import Stop
from tests.core.offering import offered
from tests.core.props import STAR_RATE, place, reserve, settle
from tests.stage import Clock, Goods, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")

ON_THE_SHELF = 6


@dataclass(frozen=True)
class Case:
    """One offer beside the shop's own: who buys how many, whether it is theirs, and how it is refused when there is no other."""

    quantity: int
    theirs: bool
    facts: dict[str, Any] = field(default_factory=dict)
    country: str | None = None
    later: float = 0  # days
    refused: dict[str, Any] = field(default_factory=dict)
    why: type[Refusal] = orders.SoldOut


CASES = {
    "anybody may have it": Case(2, True),
    "a buyer there": Case(2, True, {"region": "TR"}, "TR"),
    "a buyer elsewhere": Case(2, False, {"region": "TR"}, "PL", refused={"country": "PL"}, why=fulfilment.NotForYourCountry),
    "a buyer who has not said where": Case(2, False, {"region": "TR"}, why=fulfilment.CountryUnknown),
    "the least it gives": Case(3, True, {"min_quantity": 3}),
    "less than that": Case(2, False, {"min_quantity": 3}, refused={"least": 3, "most": 6}, why=orders.WrongQuantity),
    "the most it gives": Case(2, True, {"max_quantity": 2}),
    "more than that": Case(3, False, {"max_quantity": 2}, refused={"least": 1, "most": 2}, why=orders.WrongQuantity),
    "on its last day": Case(2, True, {"valid_until": 2}, later=1),
    "when that is over, and no job has run": Case(2, False, {"valid_until": 2}, later=3, refused={"left": 0}),
    "before its first day": Case(2, False, {"valid_from": 2}, refused={"left": 0}),
}


def in_days(clock: Clock, facts: dict[str, Any]) -> dict[str, Any]:
    """The same facts, days counted from now."""
    dated = ("valid_from", "valid_until", "exclusive_until")
    return {name: clock() + timedelta(days=value) if name in dated else value for name, value in facts.items()}


async def buyer_in(shop: Shop, storefront: Storefront, country: str | None) -> Customer:
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(people.choose_country, customer_id=buyer.id, country=country)
    return buyer


async def drawn(shop: Shop, buyer: Customer, goods: Goods, quantity: int) -> dict[int, int]:
    """What a purchase by wallet draws, by offer."""
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=f"buys:{buyer.id}:{goods.sku_id}", **goods.terms())
    return {line.offer_id: line.quantity for line in await shop.read(orders.lines_of, receipt.order_id)}


async def paid(shop: Shop, buyer: Customer, goods: Goods, quantity: int) -> dict[int, int]:
    """What is held for a payer, and is theirs when the money has come."""
    order = await place(shop, buyer, goods, once=f"pays:{buyer.id}:{goods.sku_id}", quantity=quantity)
    await reserve(shop, buyer, order)
    held = await shop.read(inventory.held_by_offer, [one.id for one in await shop.read(supply.offer_views, sku_id=goods.sku_id)])
    assert (await settle(shop, buyer, order, event=f"paid:{order.order_id}")).issued
    lines = {line.offer_id: line.quantity for line in await shop.read(orders.lines_of, order.order_id)}
    assert lines == held
    return lines


async def test_an_offer_is_drawn_only_as_it_is_agreed_and_else_another_is_or_the_buyer_is_told_why(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    for name, case in CASES.items():
        goods = await put_on_sale(shop, storefront, count=20)
        offer = await offered(shop, goods.sku_id, priority=9, **in_days(clock, case.facts))
        await stock(shop, offer.id, goods.sku_id, ON_THE_SHELF)
        await shop.write(supply.lift, offer_ids=[offer.id], why=Stop.DATES, by="a job that was too early")
        await shop.write(routing.rank, sku_id=goods.sku_id)
        assert (await shop.read(supply.ranked, [goods.sku_id]))[0].id == offer.id
        clock.passes(days=case.later)
        buyer = await buyer_in(shop, storefront, case.country)
        source = offer.id if case.theirs else goods.offer_id

        assert await drawn(shop, buyer, goods, case.quantity) == {source: case.quantity}, name
        assert await paid(shop, buyer, goods, case.quantity) == {source: case.quantity}, name
        if case.theirs:
            continue
        await shop.write(supply.pause_offer, offer_id=goods.offer_id, by="test")
        for buys in (drawn, paid):
            again = await buyer_in(shop, storefront, case.country)
            with pytest.raises(case.why) as refused:
                await buys(shop, again, goods, case.quantity)
            assert refused.value.facts().items() >= case.refused.items(), name
        assert (await shop.read(inventory.on_shelf, [offer.id])) == {offer.id: ON_THE_SHELF}, name
        await shop.write(supply.keep_dates)


async def test_the_limits_that_are_told_are_those_of_the_nearest_source_that_has_it(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    small = await offered(shop, goods.sku_id, max_quantity=2)
    large = await offered(shop, goods.sku_id, min_quantity=20, max_quantity=40)
    buyer = await buyer_in(shop, storefront, None)
    for offer, count in ((small, 9), (large, 25)):
        await stock(shop, offer.id, goods.sku_id, count)
    for quantity, least, most in ((4, 1, 2), (18, 20, 25), (41, 20, 25)):
        with pytest.raises(orders.WrongQuantity) as refused:
            await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=f"q{quantity}", **goods.terms())
        assert (refused.value.least, refused.value.most) == (least, most)
    with pytest.raises(orders.SoldOut) as short:
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=30, once="more than there are", **goods.terms())
    assert short.value.left == 25


@dataclass(frozen=True)
class Kept:
    """Which of several sources an order draws from: "own" is the shop's, which is ranked first; others by their name."""

    offers: dict[str, dict[str, Any]]
    draws: dict[str, int]
    country: str | None = None
    quantity: int = 2
    later: float = 0


_TR, _PL = {"region": "TR", "exclusive_until": 5}, {"region": "PL", "exclusive_until": 5}
EXCLUSIVE = {
    "it keeps the others out": Kept({"alone": {"exclusive_until": 5}}, {"alone": 2}),
    "until its day": Kept({"alone": {"exclusive_until": 5}}, {"own": 2}, later=6),
    "while it has something": Kept({"alone": {"exclusive_until": 5}}, {"alone": 6, "own": 1}, quantity=7),
    "an empty one keeps nobody out": Kept({"alone": {"exclusive_until": 5, "stock": 0}}, {"own": 2}),
    "what it declares counts": Kept({"alone": {"exclusive_until": 5, "stock": 0, "declared": 9}}, {"alone": 2}),
    "in its country": Kept({"alone": _TR}, {"alone": 2}, "TR"),
    "and in no other": Kept({"alone": _TR}, {"own": 2}, "PL"),
    "two, in the first one's country": Kept({"tr": _TR, "pl": _PL}, {"tr": 2}, "TR"),
    "two, in the second one's": Kept({"tr": _TR, "pl": _PL}, {"pl": 2}, "PL"),
    "two, elsewhere": Kept({"tr": _TR, "pl": _PL}, {"own": 2}, "DE"),
    "two, and nobody knows where": Kept({"tr": _TR, "pl": _PL}, {"own": 2}),
    "two, when one's days are over": Kept({"tr": {**_TR, "exclusive_until": 1}, "pl": _PL}, {"own": 2}, "TR", later=2),
}


@pytest.mark.parametrize("ranked_anew", [False, True], ids=["not ranked yet", "ranked anew"])
async def test_an_exclusive_source_keeps_the_others_out_in_its_days_its_country_and_its_stock(
    shop: Shop, storefront: Storefront, clock: Clock, ranked_anew: bool
) -> None:
    for name, case in EXCLUSIVE.items():
        goods = await put_on_sale(shop, storefront, count=20)
        ids = {"own": goods.offer_id}
        for called, facts in case.offers.items():
            said = in_days(clock, {fact: value for fact, value in facts.items() if fact != "stock"})
            ids[called] = (await offered(shop, goods.sku_id, **said)).id
            if facts.get("stock", ON_THE_SHELF):
                await stock(shop, ids[called], goods.sku_id, ON_THE_SHELF)
        if ranked_anew:
            await shop.write(routing.rank, sku_id=goods.sku_id)
            clock.passes(days=case.later)
            await shop.write(routing.rank, sku_id=goods.sku_id)
        else:
            clock.passes(days=case.later)
            assert (await shop.read(supply.ranked, [goods.sku_id]))[0].id == goods.offer_id
        buyer = await buyer_in(shop, storefront, case.country)

        assert await drawn(shop, buyer, goods, case.quantity) == {ids[called]: n for called, n in case.draws.items()}, name
