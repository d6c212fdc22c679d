"""Resellers: price lists become prices, contracts, minimum prices, moving up and down, joining and ending."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import journal, onboarding, outbox, people, pricing, resellers, supply
from core.database import Shop
from core.onboarding import ApplicationState, Verdict
from core.people import Customer
from core.pricing import Price, Tier
from core.resellers import Asked, Facts, How, Rule, Scope
from core.storefronts import Storefront
from tests.core.test_wholesale import on_sale, paid
from tests.reselling import a_reseller, add_level, work_in
from tests.stage import Clock, Goods, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


async def rule(shop: Shop, storefront: Storefront, level_id: int, how: How, value: int, **about: Any) -> resellers.RuleView:
    terms: dict[str, Any] = {"scope": Scope.ALL, "scope_id": 0, "from_quantity": 1, "by": "telegram:1", **about}
    return await shop.write(resellers.set_rule, level_id=level_id, storefront_id=storefront.id, how=how, value=value, **terms)


async def price_of(shop: Shop, buyer: Customer, goods: Goods) -> Price:
    buyer = await shop.read(people.by_id, buyer.id)
    return (await shop.read(pricing.for_buyer, buyer=buyer, sku_ids=[goods.sku_id]))[goods.sku_id]


async def told(shop: Shop) -> list[dict[str, Any]]:
    """Everything that waits to be sent."""
    return [one.body for one in await shop.write(outbox.lease, worker="test", most=500, seconds=1)]


async def test_a_price_list_becomes_prices_and_only_what_changed_gets_a_new_version(shop: Shop, storefront: Storefront) -> None:
    goods, other = await on_sale(shop, storefront, wholesale_minor=9200), await put_on_sale(shop, storefront, price_minor=20_000)
    level = await add_level(shop, storefront)
    buyer = await a_reseller(shop, storefront, level_id=level.id)
    await rule(shop, storefront, level.id, How.OFF_RETAIL, 500)  # five per cent off everything
    await rule(shop, storefront, level.id, How.FIXED, 8800, scope=Scope.SKU, scope_id=goods.sku_id, from_quantity=10)

    assert await work_in(shop, storefront) == 2
    assert await work_in(shop, storefront) == 0, "nothing has moved"
    assert (await price_of(shop, buyer, goods)).retail_minor == 9025
    assert (await price_of(shop, buyer, goods)).tiers == (Tier(10, 8800),)
    kept = (await price_of(shop, buyer, other)).id
    assert await paid(shop, await renewed(shop, goods, buyer), buyer, quantity=10) == 88_000

    await shop.write(
        pricing.set_price, storefront_id=storefront.id, sku_id=goods.sku_id, retail_minor=10_000, wholesale_minor=9200, currency="CNY"
    )
    assert await work_in(shop, storefront) == 1
    assert (await price_of(shop, buyer, goods)).retail_minor == 9500
    assert (await price_of(shop, buyer, other)).id == kept


async def renewed(shop: Shop, goods: Goods, buyer: Customer) -> Goods:
    goods.price_id = (await price_of(shop, buyer, goods)).id
    return goods


async def test_the_most_specific_line_wins_and_what_is_taken_out_ends(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)
    level = await add_level(shop, storefront)
    buyer = await a_reseller(shop, storefront, level_id=level.id)
    await rule(shop, storefront, level.id, How.OFF_RETAIL, 1000)
    await rule(shop, storefront, level.id, How.OFF_RETAIL, 600, scope=Scope.CATEGORY, scope_id=goods.category_id)
    last = await rule(shop, storefront, level.id, How.OFF_RETAIL, 700, scope=Scope.PRODUCT, scope_id=goods.product_id)
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).retail_minor == 8835

    await shop.write(resellers.drop_rule, rule_id=last.id, storefront_id=storefront.id, by="telegram:1")
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).retail_minor == 8930
    await shop.write(resellers.close_level, level_id=level.id, storefront_id=storefront.id, by="telegram:1")
    assert (await price_of(shop, buyer, goods)).retail_minor == 9000, "wholesale, as without a level"
    while await shop.write(resellers.review_levels):
        pass
    assert (await shop.read(people.by_id, buyer.id)).level_id is None


async def test_nothing_is_sold_under_cost_before_somebody_has_confirmed_it(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await on_sale(shop, storefront)
    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=8000, cost_currency="CNY", by="telegram:1")
    await shop.write(supply.take_costs)
    level = await add_level(shop, storefront)
    buyer = await a_reseller(shop, storefront, level_id=level.id)
    about = {"scope": Scope.SKU, "scope_id": goods.sku_id}

    with pytest.raises(resellers.BelowCost) as refused:
        await rule(shop, storefront, level.id, How.FIXED, 7900, **about)
    assert (refused.value.unit_minor, refused.value.cost_minor) == (7900, 8000)
    with pytest.raises(resellers.BelowCost):
        await shop.write(
            resellers.set_contract, storefront_id=storefront.id, customer_id=buyer.id, sku_id=goods.sku_id, unit_minor=7900, by="telegram:1"
        )
    await rule(shop, storefront, level.id, How.OVER_COST, 100, **about)
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).retail_minor == 8080
    await rule(shop, storefront, level.id, How.FIXED, 8100, **about)
    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=8500, cost_currency="CNY", by="telegram:1")
    await shop.write(supply.take_costs)
    clock.passes(minutes=11)  # a cost leaves no mark: everything is looked through once in a while
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).retail_minor == 8500, "the cost has risen, and the price with it"
    await rule(shop, storefront, level.id, How.FIXED, 7900, below_cost=True, **about)
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).retail_minor == 7900


async def test_a_contract_price_holds_until_its_day_and_is_told(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await on_sale(shop, storefront)
    level = await add_level(shop, storefront)
    buyer = await a_reseller(shop, storefront, level_id=level.id)
    await rule(shop, storefront, level.id, How.FIXED, 8900, scope=Scope.SKU, scope_id=goods.sku_id)
    await work_in(shop, storefront)
    terms: dict[str, Any] = {"storefront_id": storefront.id, "customer_id": buyer.id, "sku_id": goods.sku_id, "by": "telegram:1"}

    with pytest.raises(pricing.DearerThanRetail):
        await shop.write(resellers.set_contract, unit_minor=9600, **terms)
    with pytest.raises(resellers.EndsInThePast):
        await shop.write(resellers.set_contract, unit_minor=8700, ends_at=clock() - timedelta(seconds=1), **terms)
    with pytest.raises(resellers.OwnTerms):
        await shop.write(resellers.set_contract, unit_minor=8700, **{**terms, "by": f"telegram:{buyer.telegram_id}"})
    await shop.write(resellers.set_contract, unit_minor=8700, tiers=[Tier(100, 8500)], ends_at=clock() + timedelta(days=30), **terms)
    assert (await price_of(shop, buyer, goods)).retail_minor == 8700, "at once, without waiting for the job"
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).tiers == (Tier(100, 8500),)

    clock.passes(days=31)
    assert await shop.write(resellers.end_due_contracts) == 1
    await work_in(shop, storefront)
    assert (await price_of(shop, buyer, goods)).retail_minor == 8900
    events = [body["event"] for body in await told(shop) if body.get("says") == "contract-price"]
    assert events == ["set", "ended"]
    assert "set-contract-price" in [entry.did for entry in await shop.read(journal.latest, limit=20)]


async def test_who_asks_less_than_the_minimum_is_seen_and_told(shop: Shop, storefront: Storefront) -> None:
    goods, other = await on_sale(shop, storefront), await put_on_sale(shop, storefront)
    buyer = await a_reseller(shop, storefront)
    await shop.write(resellers.set_minimum, storefront_id=storefront.id, sku_id=goods.sku_id, unit_minor=9300, by="telegram:1")
    asked = {goods.sku_id: 9200, other.sku_id: 1}

    (below,) = await shop.read(resellers.undercuts, storefront_id=storefront.id, asked=asked, currency="CNY")
    assert (below.sku_id, below.asked_minor, below.minimum_minor) == (goods.sku_id, 9200, 9300)
    assert await shop.read(resellers.undercuts, storefront_id=storefront.id, asked={goods.sku_id: 9300}, currency="CNY") == []
    assert await shop.read(resellers.undercuts, storefront_id=storefront.id, asked=asked, currency="USD") == []

    note: dict[str, Any] = {"storefront_id": storefront.id, "customer_id": buyer.id, "seen_where": "cards.example", "by": "telegram:1"}
    with pytest.raises(resellers.NoMinimum):
        await shop.write(resellers.note_undercut, sku_id=other.sku_id, asked_minor=1, **note)
    with pytest.raises(resellers.NotBelow):
        await shop.write(resellers.note_undercut, sku_id=goods.sku_id, asked_minor=9300, **note)
    seen = await shop.write(resellers.note_undercut, sku_id=goods.sku_id, asked_minor=9200, **note)
    assert [one.id for one in await shop.read(resellers.noted, storefront_id=storefront.id)] == [seen.id]
    assert {"says": "undercut", "undercut": seen.id} in await told(shop)
    assert await shop.write(resellers.close_undercut, undercut_id=seen.id, storefront_id=storefront.id, by="telegram:1")
    assert not await shop.write(resellers.close_undercut, undercut_id=seen.id, storefront_id=storefront.id, by="telegram:1")
    await shop.write(resellers.set_minimum, storefront_id=storefront.id, sku_id=goods.sku_id, unit_minor=None, by="telegram:1")
    assert await shop.read(resellers.minimums, storefront_id=storefront.id) == {}


async def test_volume_moves_a_reseller_up_at_once_and_down_after_a_whole_window(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await on_sale(shop, storefront)
    silver = await add_level(shop, storefront, rank=1, from_turnover_minor=50_000)
    gold = await add_level(shop, storefront, rank=2, from_turnover_minor=150_000)
    buyer, pinned = await a_reseller(shop, storefront, level_id=silver.id), await a_reseller(shop, storefront)
    await shop.write(
        resellers.put_at_level, storefront_id=storefront.id, customer_id=pinned.id, level_id=gold.id, pinned=True, by="telegram:1"
    )

    async def looked(**passes: float) -> list[int | None]:
        clock.passes(**passes)
        while await shop.write(resellers.review_levels):
            pass
        return [(await shop.read(people.by_id, one.id)).level_id for one in (buyer, pinned)]

    assert await looked() == [silver.id, gold.id], "nobody falls on the day they came"
    await paid(shop, goods, buyer, quantity=20)
    assert await looked(hours=2) == [gold.id, gold.id]
    assert (await shop.read(resellers.reseller, buyer.id)).turnover_minor == 180_000  # type: ignore[union-attr]
    assert await looked(days=29) == [gold.id, gold.id]
    assert await looked(days=3) == [None, gold.id], "a window without purchases"
    moves = [body for body in await told(shop) if body.get("says") == "level-changed"]
    assert [(body["level"], body["up"]) for body in moves if not body["by_hand"]] == [("Level 2", True), (None, False)]


async def applied(shop: Shop, customer: Customer) -> int:
    number = await shop.write(resellers.begin, customer_id=customer.id)
    answers = {
        Asked.LEGAL: "company",
        Asked.NAME: "Blue Sky",
        Asked.CONTACT: "@bluesky",
        Asked.SELLS: "Cards",
        Asked.VOLUME: "2,000",
    }
    for asked, text in answers.items():
        await shop.write(resellers.put, application_id=number, customer_id=customer.id, asked=asked, text=text)
    return number


async def test_an_application_is_kept_sent_sent_back_and_approved_with_a_level(shop: Shop, storefront: Storefront) -> None:
    level = await add_level(shop, storefront)
    customer, stranger = await person(shop, storefront), await person(shop, storefront)
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[1, customer.telegram_id])
    await person(shop, storefront, telegram_id=1)
    number = await shop.write(resellers.begin, customer_id=customer.id)
    assert await shop.write(resellers.begin, customer_id=customer.id) == number, "a draft is kept"
    with pytest.raises(onboarding.NotFinished):
        await shop.write(resellers.send, application_id=number, customer_id=customer.id, version=0)
    with pytest.raises(resellers.NoApplication):
        await shop.write(resellers.put, application_id=number, customer_id=stranger.id, asked=Asked.NAME, text="Mine")
    await applied(shop, customer)
    await shop.write(resellers.send, application_id=number, customer_id=customer.id, version=0)
    cards = [body for body in await told(shop) if "card" in body]
    assert [body["of"] for body in cards] == ["reseller"], "a card for each who may decide, and none for the applicant"
    with pytest.raises(onboarding.Waits):
        await shop.write(resellers.put, application_id=number, customer_id=customer.id, asked=Asked.NAME, text="Other")

    word: dict[str, Any] = {"application_id": number, "storefront_id": storefront.id, "telegram_id": 1}
    with pytest.raises(onboarding.OwnApplication):
        await shop.write(resellers.decide, **{**word, "telegram_id": customer.telegram_id}, version=1, verdict=Verdict.APPROVE)
    with pytest.raises(onboarding.ReasonMissing):
        await shop.write(resellers.decide, **word, version=1, verdict=Verdict.REFUSE)
    await shop.write(resellers.decide, **word, version=1, verdict=Verdict.SEND_BACK, why_text="Where do you sell?")
    with pytest.raises(onboarding.Outdated):
        await shop.write(resellers.decide, **word, version=1, verdict=Verdict.APPROVE)
    await shop.write(resellers.put, application_id=number, customer_id=customer.id, asked=Asked.SELLS, text="On blue.example")
    await shop.write(resellers.send, application_id=number, customer_id=customer.id, version=1)
    state = await shop.write(resellers.decide, **word, version=2, verdict=Verdict.APPROVE, level_id=level.id)

    known = await shop.read(people.by_id, customer.id)
    view = await shop.read(resellers.reseller, customer.id)
    assert (state, known.wholesale, known.level_id) == (ApplicationState.APPROVED, True, level.id)
    assert view is not None and view.level is not None and (view.name, view.level.name) == ("Blue Sky", "Level 1")
    with pytest.raises(resellers.ResellerAlready):
        await shop.write(resellers.begin, customer_id=customer.id)


async def test_whoever_ends_has_no_price_of_their_own_any_more_and_may_apply_again(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)
    level = await add_level(shop, storefront)
    buyer = await a_reseller(shop, storefront, level_id=level.id)
    await shop.write(
        resellers.set_contract, storefront_id=storefront.id, customer_id=buyer.id, sku_id=goods.sku_id, unit_minor=8000, by="telegram:1"
    )
    with pytest.raises(resellers.OwnTerms):
        await shop.write(resellers.end, storefront_id=storefront.id, customer_id=buyer.id, by=f"telegram:{buyer.telegram_id}")

    assert await shop.write(resellers.end, storefront_id=storefront.id, customer_id=buyer.id, by="telegram:1")
    assert not await shop.write(resellers.end, storefront_id=storefront.id, customer_id=buyer.id, by="telegram:1")

    assert (await price_of(shop, buyer, goods)).retail_minor == 9500
    assert await shop.read(resellers.contracts_of, customer_id=buyer.id) == []
    assert await shop.write(resellers.begin, customer_id=buyer.id) > 0
    await shop.write(resellers.take_in, storefront_id=storefront.id, customer_id=buyer.id, by="telegram:1")
    assert (await price_of(shop, buyer, goods)).retail_minor == 9000, "what was agreed before does not come back"


async def test_who_bought_at_wholesale_before_there_were_levels_is_taken_in(shop: Shop, storefront: Storefront) -> None:
    customer = await person(shop, storefront)
    await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=customer.id, wholesale=True, by="test")

    assert await shop.write(resellers.adopt, storefront_id=storefront.id) == 0
    assert await shop.write(resellers.adopt, storefront_id=storefront.id) == 0
    assert [one.customer_id for one in await shop.read(resellers.resellers, storefront_id=storefront.id)] == [customer.id]


RULES = st.lists(
    st.builds(
        lambda about, quantity, how, value, below: Rule(about[0], about[1], quantity, how, value, below),
        st.sampled_from([(Scope.ALL, 0), (Scope.CATEGORY, 7), (Scope.CATEGORY, 8), (Scope.PRODUCT, 2), (Scope.SKU, 1), (Scope.SKU, 99)]),
        st.integers(1, 50),
        st.sampled_from(list(How)),
        st.integers(1, 9_999),
        st.booleans(),
    ),
    max_size=8,
)
BASES = st.builds(
    lambda retail, wholesale, cuts: Price(
        1, 1, retail, wholesale, "CNY", tuple(Tier(n, max(1, retail * (20 - k) // 20)) for k, n in enumerate(sorted(cuts), 1))
    ),
    st.integers(1_000, 20_000),
    st.none() | st.integers(500, 20_000),
    st.sets(st.integers(2, 50), max_size=4),
)


@given(RULES, BASES, st.none() | st.integers(0, 25_000), st.integers(1, 60))
def test_an_expanded_price_list_never_breaks_its_promises(rules: list[Rule], base: Price, cost: int | None, quantity: int) -> None:
    facts = Facts(1, 2, (7, 8), base, cost)
    price = resellers.expand(rules, facts)
    about = [one for one in rules if (one.scope, one.scope_id) != (Scope.SKU, 99)]

    assert (price is None) == (not about)
    if price is None:
        return
    unit = price.unit_for(quantity)
    assert 0 < unit <= base.unit_for(quantity), "never above what everybody pays"
    assert unit >= price.unit_for(quantity + 1), "more never costs more each"
    units = [price.retail_minor, *(tier.unit_minor for tier in price.tiers)]
    assert units == sorted(set(units), reverse=True), "each tier is cheaper than the one before"
    if cost is not None and not any(one.below_cost for one in about):
        assert unit >= min(cost, base.wholesale().unit_for(quantity), base.unit_for(quantity)), (
            "under cost only where the shop sells so itself"
        )
    # Lines about other quantities and less specific things change nothing for one who has the most specific one.
    own = [one for one in about if one.scope is Scope.SKU and one.from_quantity == 1]
    if len(own) == 1 and all(one.from_quantity == 1 or one.scope is not Scope.SKU for one in about):
        assert resellers.expand(own, facts) == price
