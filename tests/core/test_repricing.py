"""A cost that leaves too little proposes a price; the first press decides; the guard keeps from losses; resellers are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import outbox, people, pricing, supply
from core.database import Shop
from core.pricing import Tier
from core.storefronts import Storefront
from core.supply import Outcome, Prices, Stop
from core.supply.rules import enough, kindly_up, least_price, margin_bp, out_of_band, stability, weakest
from tests.core.offering import offered
from tests.core.props import at_once
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")

MINOR = st.integers(min_value=1, max_value=10**10)
BP = st.integers(min_value=0, max_value=9_000)


@given(cost=st.integers(min_value=0, max_value=10**10), bp=BP)
def test_the_least_price_leaves_the_margin_and_one_less_does_not(cost: int, bp: int) -> None:
    price = least_price(cost, bp)

    assert (price - cost) * 10_000 >= bp * price
    if price > 1:
        assert (price - 1 - cost) * 10_000 < bp * (price - 1)


@given(minor=MINOR)
def test_a_kind_price_is_never_lower_and_hardly_higher(minor: int) -> None:
    assert minor <= kindly_up(minor) <= minor + max(1, minor // 100)
    assert kindly_up(kindly_up(minor)) == kindly_up(minor)


@given(
    retail=MINOR,
    wholesale=st.none() | MINOR,
    tiers=st.dictionaries(st.integers(min_value=2, max_value=99), MINOR, max_size=4),
    cost=MINOR,
    bp=BP,
)
def test_proposed_prices_leave_enough_fall_with_the_quantity_and_lower_nothing(
    retail: int, wholesale: int | None, tiers: dict[int, int], cost: int, bp: int
) -> None:
    before = Prices(retail, wholesale, tiers)
    after = enough(before, cost, bp)

    assert weakest(after) >= least_price(cost, bp) or weakest(after) >= retail >= least_price(cost, bp)
    assert after.retail_minor >= retail
    falling = [after.retail_minor, *(unit for _, unit in sorted(after.tiers.items()))]
    assert falling == sorted(set(falling), reverse=True)
    assert enough(after, cost, bp) == after


def test_the_bands_are_told_in_words_and_only_where_they_are_broken() -> None:
    assert out_of_band(cost_minor=85, wholesale_minor=90, retail_minor=95, face_minor=100) == []
    assert out_of_band(cost_minor=92, wholesale_minor=90, retail_minor=101, face_minor=100) == ["cost>wholesale", "retail>face"]
    assert out_of_band(cost_minor=96, wholesale_minor=None, retail_minor=95, face_minor=None) == ["cost>retail"]


def test_stability_is_told_from_twenty_orders_on_and_falls_with_what_went_wrong() -> None:
    assert stability(orders=19, cases=0, undelivered=0, days=400) is None
    assert stability(orders=20, cases=0, undelivered=0, days=400) == 100
    assert stability(orders=100, cases=0, undelivered=0, days=0) == 90
    assert stability(orders=100, cases=5, undelivered=0, days=90) == 65
    assert stability(orders=100, cases=10, undelivered=10, days=90) == 10


@given(
    orders=st.integers(min_value=20, max_value=10**6),
    cases=st.integers(min_value=0, max_value=10**6),
    undelivered=st.integers(min_value=0, max_value=10**6),
    days=st.integers(min_value=0, max_value=10**5),
)
def test_stability_stays_between_nought_and_a_hundred_and_one_case_more_never_helps(
    orders: int, cases: int, undelivered: int, days: int
) -> None:
    one = stability(orders=orders, cases=cases, undelivered=undelivered, days=days)
    more = stability(orders=orders, cases=cases + 1, undelivered=undelivered, days=days)

    assert one is not None and more is not None and 0 <= more <= one <= 100


async def dear(shop: Shop, goods: Goods, cost_minor: int = 9450, **prices: Any) -> int:
    """A supplier's cost rises above what the price leaves; returns the offer."""
    if prices:
        await shop.write(
            pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=9500, currency="CNY", **prices
        )
    offer = await offered(shop, goods.sku_id)
    await shop.write(supply.set_cost, offer_id=offer.id, cost_minor=cost_minor, cost_currency="CNY", by="test")
    return offer.id


async def test_a_cost_that_leaves_too_little_proposes_a_price_and_tells_the_staff(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)
    admin = await person(shop, storefront)
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[admin.telegram_id])

    await dear(shop, goods, wholesale_minor=9300, tiers=[Tier(10, 9400)])

    (found,) = await shop.read(supply.repricings, storefront_id=storefront.id)
    assert (found.old_cost_minor, found.cost_minor, found.margin_bp) == (8500, 9450, margin_bp(9300, 9450))
    assert found.proposed == Prices(9650, 9650, {}), "9450 and two per cent of the price, rounded kindly; the tier would fall no more"
    leased = await shop.write(outbox.lease, worker="test", most=10, seconds=60)
    assert [one.body for one in leased if one.body.get("says") == "reprice"] == [{"says": "reprice", "repricing": found.id}]


async def test_enough_is_left_and_nothing_is_proposed(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)

    await dear(shop, goods, cost_minor=9310)

    assert await shop.read(supply.repricings, storefront_id=storefront.id) == []


async def test_of_ten_presses_the_first_decides(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)
    await dear(shop, goods)
    (found,) = await shop.read(supply.repricings, storefront_id=storefront.id)
    facts: dict[str, Any] = {"repricing_id": found.id, "storefront_id": storefront.id, "by": "test"}

    presses, refused = await at_once([shop.write(supply.decide_price, **facts, take=bool(n % 2)) for n in range(10)])

    assert refused == [] and [one.first for one in presses].count(True) == 1
    assert len({one.outcome for one in presses}) == 1
    price = (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[goods.sku_id]))[goods.sku_id]
    assert price.retail_minor == (9650 if presses[0].outcome is Outcome.TAKEN else 9500)


async def test_a_proposal_is_over_when_the_price_or_the_cost_has_moved(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)
    offer_id = await dear(shop, goods)
    (first,) = await shop.read(supply.repricings, storefront_id=storefront.id)
    await shop.write(supply.set_cost, offer_id=offer_id, cost_minor=9460, cost_currency="CNY", by="test")
    (second,) = await shop.read(supply.repricings, storefront_id=storefront.id)
    await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=9700, currency="CNY")

    old = await shop.write(supply.decide_price, repricing_id=first.id, storefront_id=storefront.id, by="test", take=True)
    new = await shop.write(supply.decide_price, repricing_id=second.id, storefront_id=storefront.id, by="test", take=True)

    assert (old.outcome, old.first) == (Outcome.FOLLOWED, False)
    assert (new.outcome, new.first) == (Outcome.MOVED, True)
    price = (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[goods.sku_id]))[goods.sku_id]
    assert price.retail_minor == 9700


async def test_a_shop_that_never_sells_at_a_loss_stops_what_costs_more_until_the_price_is_right(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront)
    offer_id = await dear(shop, goods, cost_minor=9600)

    async def why() -> list[Stop]:
        return [one.why for one in await shop.read(supply.stops, [offer_id])]

    assert await why() == [], "unless it says so, the shop pays the difference"
    await shop.write(supply.set_rule, storefront_id=storefront.id, never_below_cost=True, by="test")
    assert await why() == [Stop.LOSS]
    await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=9600, currency="CNY")
    assert (await shop.write(supply.guard_losses), await why()) == (1, [])
    await shop.write(supply.set_cost, offer_id=offer_id, cost_minor=9601, cost_currency="CNY", by="test")
    assert await why() == [Stop.LOSS], "a cost is looked at at once"
    await shop.write(supply.set_rule, storefront_id=storefront.id, never_below_cost=False, by="test")
    assert await why() == []


async def test_resellers_are_told_once_an_hour_of_all_that_changed_for_them(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods, other = await put_on_sale(shop, storefront), await put_on_sale(shop, storefront, name="Riot")
    told, silent, buyer = [await person(shop, storefront) for _ in range(3)]
    for customer in (told, silent):
        await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=customer.id, wholesale=True, by="test")
    await shop.write(people.want_price_news, customer_id=silent.id, wanted=False)

    async def change(sku_id: int, **prices: Any) -> None:
        await shop.write(pricing.set_price, storefront_id=storefront.id, sku_id=sku_id, currency="CNY", **prices)

    async def news() -> list[int]:
        while await shop.write(supply.post_price_news):
            pass
        leased = await shop.write(outbox.lease, worker="test", most=50, seconds=60)
        for one in leased:
            await shop.write(outbox.done, message_id=one.id, worker="test")
        return [one.customer_id for one in leased if one.body.get("says") == "prices-changed"]

    clock.passes(minutes=6)
    assert await news() == [], "what there was before is no news"
    await change(goods.sku_id, retail_minor=9500, wholesale_minor=9000)
    await change(goods.sku_id, retail_minor=9500, wholesale_minor=9100)
    assert await news() == [], "it is not quiet yet"
    clock.passes(minutes=6)
    assert await news() == [told.id]
    (changed,) = await shop.read(supply.price_changes, 1)
    assert (changed.sku_id, changed.before.retail_minor, changed.now.retail_minor) == (goods.sku_id, 9500, 9100)

    await change(other.sku_id, retail_minor=9400)
    clock.passes(minutes=6)
    assert await news() == [], "within the hour"
    clock.passes(hours=1)
    assert await news() == [told.id]
    await change(other.sku_id, retail_minor=9300)
    await change(other.sku_id, retail_minor=9400)
    clock.passes(hours=2)
    assert await news() == [], "it is as it was"
    assert buyer.wants_price_news
