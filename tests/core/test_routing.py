"""Which source is drawn from first: the score, the rule that hides, the rankings that can be worked out again, and the sale by rank."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import fulfilment, orders, rates, routing, supply
from core.database import Shop
from core.routing import Inputs, Weights, magnitude, ranked
from core.routing.rules import cost_part
from core.storefronts import Storefront
from core.supply import Stop, fails_too_often
from tests.core.props import at_once
from tests.core.way import another_offer, ask
from tests.stage import Clock, Goods, person, put_on_sale, stock

SHARES = {(2, 5): 0.4, (1, 5): 0.2}


def offer(offer_id: int = 1, **known: object) -> Inputs:
    facts: dict[str, object] = {
        "offer_id": offer_id,
        "sells": True,
        "exclusive": False,
        "priority": 0,
        "cost_minor": 8000,
        "delivered": 0,
        "failed": 0,
        "sold": 0,
        "complaints": 0,
        "seconds": 0,
        "stock": 2,
        "everywhere": True,
    }
    return Inputs.of({**facts, **known})


@given(failed=st.integers(0, 200), ok=st.integers(0, 100_000), exponent=st.sampled_from(sorted(SHARES)))
def test_the_rule_in_whole_numbers_says_what_the_logarithms_say(failed: int, ok: int, exponent: tuple[int, int]) -> None:
    says = fails_too_often(failed=failed, ok=ok, exponent=exponent)
    if failed < 2:
        assert not says
    elif ok < 2:
        assert says
    elif abs(log(failed) / log(ok) - SHARES[exponent]) > 1e-9:
        assert says == (log(failed) / log(ok) >= SHARES[exponent])
    else:
        assert says  # Where they are the same, it has been reached.


@pytest.mark.parametrize(
    ("failed", "ok", "hidden"),
    [(0, 0, False), (1, 0, False), (2, 0, True), (1, 1, False), (2, 1, True), (2, 2, True), (2, 5, True), (2, 6, False), (4, 32, True)],
)
def test_the_edges_of_the_rule_for_reserving(failed: int, ok: int, hidden: bool) -> None:
    assert fails_too_often(failed=failed, ok=ok, exponent=(2, 5)) is hidden


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"cost_minor": 8001}),
        ({}, {"cost_minor": None}),
        ({}, {"failed": 3}),
        ({"sold": 100}, {"sold": 100, "complaints": 9}),
        ({}, {"seconds": 600}),
        ({"stock": 3}, {"stock": 1}),
        ({}, {"everywhere": False}),
        ({"cost_minor": 99_999}, {"stock": 0}),
        ({"cost_minor": 99_999}, {"sells": False}),
        ({"cost_minor": 99_999, "exclusive": True}, {"priority": 9}),
        ({"cost_minor": 99_999, "priority": 1}, {}),
        ({"exclusive": True}, {"exclusive": True, "failed": 1}),
    ],
)
def test_the_better_source_stands_first_whichever_is_older(better: dict[str, object], worse: dict[str, object]) -> None:
    for one, other in ((1, 2), (2, 1)):
        result = ranked([offer(one, **better), offer(other, **worse)], Weights())
        assert [scored.offer_id for scored in result] == [one, other]


@given(
    st.lists(
        st.builds(
            Inputs,
            offer_id=st.integers(1, 10**6),
            sells=st.booleans(),
            exclusive=st.booleans(),
            priority=st.integers(0, 3),
            cost_minor=st.none() | st.integers(0, 10**12),
            delivered=st.integers(0, 10**6),
            failed=st.integers(0, 10**6),
            sold=st.integers(0, 10**6),
            complaints=st.integers(0, 10**6),
            seconds=st.integers(0, 10**6),
            stock=st.integers(0, 3),
            everywhere=st.booleans(),
        ),
        max_size=12,
        unique_by=lambda one: one.offer_id,
    ),
    st.builds(Weights, *[st.integers(0, 100)] * 6),
)
def test_a_ranking_is_of_all_offers_in_bounds_and_does_not_depend_on_their_order(offers: list[Inputs], weights: Weights) -> None:
    result = ranked(offers, weights)
    assert sorted(scored.offer_id for scored in result) == sorted(one.offer_id for one in offers)
    assert all(0 <= scored.total <= 1000 and all(0 <= part <= 1000 for part in scored.parts.values()) for scored in result)
    assert ranked(offers[::-1], weights) == result
    assert ranked([Inputs.of(one.data()) for one in offers], Weights.of(weights.data())) == result


def test_stock_counts_in_orders_of_magnitude() -> None:
    assert [magnitude(n) for n in (0, 1, 9, 10, 99, 100, 10**9)] == [0, 1, 1, 2, 2, 3, 3]


async def rank_all(shop: Shop) -> list[int]:
    found, after = await shop.read(routing.stale)
    assert after is None
    for sku_id in found:
        await shop.write(routing.rank, sku_id=sku_id)
    return found


async def in_order(shop: Shop, goods: Goods) -> list[int]:
    return [one.id for one in await shop.read(supply.ranked, [goods.sku_id])]


@pytest.mark.usefixtures("sound_in_the_end")
async def test_every_ranking_is_worked_out_again_from_what_was_kept_of_it(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, count=3)
    cheap = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=7000, rank=2, declared=50, upstream_id=7)
    await shop.write(rates.set_rate, base="USD", quote="CNY", rate=Fraction(7, 1), source="test")
    dear = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=2000, rank=3, declared=500, upstream_id=8, currency="USD")

    assert await rank_all(shop) == [] and await in_order(shop, goods) == [goods.offer_id, cheap, dear]
    assert await rank_all(shop) == []  # Looked at again, nothing has changed.
    await shop.write(supply.stop, offer_ids=[goods.offer_id], why=Stop.PAUSED, by="test")
    await shop.write(supply.set_cost, offer_id=dear, cost_minor=500, cost_currency="USD")
    assert await rank_all(shop) == [goods.sku_id]
    assert await in_order(shop, goods) == [dear, cheap]
    await shop.write(supply.lift, offer_ids=[goods.offer_id], why=Stop.PAUSED, by="test")
    await shop.write(routing.set_weight, name="cost", value=0, by="telegram:1")
    await shop.write(routing.set_weight, name="stock", value=0, by="telegram:1")
    await rank_all(shop)

    kept = await shop.read(routing.rankings, sku_ids=[goods.sku_id])
    assert len(kept) >= 2
    for view in kept:
        assert ranked(list(view.inputs.values()), view.weights) == view.result
        assert view.reasons
    newest = await shop.read(routing.ranking, sku_id=goods.sku_id)
    assert newest is not None and newest.result[0].offer_id == (await in_order(shop, goods))[0]


async def test_a_cost_a_stop_an_emptied_shelf_and_a_weight_are_each_found_without_looking_at_all(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=20)
    other = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2)
    third = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=3)
    await stock(shop, other, goods.sku_id, 20)
    await stock(shop, third, goods.sku_id, 2)
    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=8000, cost_currency="CNY")
    await rank_all(shop)
    looked = routing.Looked()

    async def news(*, in_turn: int = 0) -> list[int]:
        """What changed since the last call, with none looked at in turn; and no more when it has been ranked."""
        nonlocal looked
        found, looked = await shop.read(routing.look, looked, most=in_turn)
        for sku_id in found:
            assert await shop.write(routing.rank, sku_id=sku_id) is not None
        clock.passes(minutes=1)
        for _ in range(2):
            more, looked = await shop.read(routing.look, looked, most=in_turn)
            assert more == []
        clock.passes(minutes=1)
        return found

    assert await news() == []
    await shop.write(supply.set_cost, offer_id=other, cost_minor=2000, cost_currency="CNY")
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[0] == other
    await shop.write(supply.stop, offer_ids=[other], why=Stop.PAUSED, by="test")
    assert await news() == [goods.sku_id] and other not in await in_order(shop, goods)
    await shop.write(supply.lift, offer_ids=[other], why=Stop.PAUSED, by="test")
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[0] == other
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=20, once="all", **goods.terms())
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[-1] == other
    await stock(shop, other, goods.sku_id, 20)
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[0] == other
    await shop.write(supply.change_offer, offer_id=third, priority=5, by="test")
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[0] == third
    until = clock() + timedelta(minutes=10)
    await shop.write(supply.change_offer, offer_id=goods.offer_id, exclusive_until=until, by="test")
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[0] == goods.offer_id
    clock.passes(minutes=9)
    assert await news() == [goods.sku_id] and (await in_order(shop, goods))[0] == third, "it was exclusive until then"
    await shop.write(supply.change_offer, offer_id=third, priority=0, by="test")
    assert await news() == [goods.sku_id]
    for name in ("cost", "stock"):
        await shop.write(routing.set_weight, name=name, value=0, by="test")
    await shop.write(routing.set_weight, name="region", value=100, by="test")
    assert await news(in_turn=1) == [goods.sku_id] and (await in_order(shop, goods))[0] == goods.offer_id


async def test_new_weights_let_the_round_begin_anew_and_hurry_to_its_end(shop: Shop, storefront: Storefront) -> None:
    several = [await put_on_sale(shop, storefront, count=2) for _ in range(3)]
    await put_on_sale(shop, storefront, count=2)  # One source: it is never in the round.
    for goods in several:
        await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    _, looked = await shop.read(routing.look, routing.Looked(), most=2)
    assert looked.after == several[1].sku_id and not looked.hurry
    await shop.write(routing.set_weight, name="region", value=50, by="test")
    _, looked = await shop.read(routing.look, looked, most=2)
    assert looked.after == several[1].sku_id and looked.hurry
    _, looked = await shop.read(routing.look, looked, most=2)
    assert looked.after == 0 and not looked.hurry


@pytest.mark.usefixtures("sound_in_the_end")
async def test_the_gathered_sale_goes_on_to_the_next_shelf_and_keeps_by_which_ranking(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=3)
    second = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2)
    third = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=3)
    await stock(shop, second, goods.sku_id, 4)
    await stock(shop, third, goods.sku_id, 5)
    buyers = [await person(shop, storefront, money_minor=100_000) for _ in range(6)]
    granted, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyers[n % 6].id, quantity=1, once=f"o{n}", **goods.terms()) for n in range(14)
    )
    assert len(granted) == 12 and len(refused) == 2
    drawn: dict[int, int] = {}
    for receipt in granted:
        [line] = await shop.read(orders.lines_of, receipt.order_id)
        assert line.ranking_version == 1
        drawn[line.offer_id] = drawn.get(line.offer_id, 0) + 1
    assert drawn == {goods.offer_id: 3, second: 4, third: 5}


@pytest.mark.usefixtures("sound_in_the_end")
async def test_one_order_is_split_over_the_shelves_by_rank(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=2)
    second = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, consigned=True)
    await stock(shop, second, goods.sku_id, 2)
    buyer = await person(shop, storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="o", **goods.terms())
    lines = await shop.read(orders.lines_of, receipt.order_id)
    assert [(line.offer_id, line.quantity) for line in lines] == [(goods.offer_id, 2), (second, 1)]


@pytest.mark.usefixtures("sound_in_the_end")
async def test_a_source_that_fails_twice_hides_for_two_hours_and_is_not_blamed_twice(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    source = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=50, upstream_id=7)
    buyer = await person(shop, storefront, money_minor=1_000_000)

    async def fails(once: str) -> None:
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=once, **goods.terms())
        task = await ask(shop, "upstream:7")
        await shop.write(orders.task_failed, task_id=task.id, cause="declined")

    await fails("one")
    assert await shop.read(supply.stops, [source]) == []
    await fails("two")
    [stop] = await shop.read(supply.stops, [source])
    assert stop.why is Stop.HIDDEN and stop.until is not None
    with pytest.raises(orders.SoldOut):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="three", **goods.terms())
    clock.passes(hours=2, seconds=1)
    assert await shop.write(supply.lift_ended) == 1
    await fails("four")
    assert await shop.read(supply.stops, [source]) == []
    assert (await shop.read(supply.outcomes, [source]))[source].reserve_failed == 3


async def test_what_is_declared_is_never_promised_twice(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    endless = await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=3, declared=0, upstream_id=8)
    buyers = [await person(shop, storefront, money_minor=100_000) for _ in range(8)]
    granted, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"o{buyer.id}", **goods.terms()) for buyer in buyers
    )
    assert len(granted) == 5 and len(refused) == 3
    assert (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 0
    assert await shop.write(supply.draw_declared, offer_id=endless, most=3) == 0
    assert await shop.read(fulfilment.lanes) == ["upstream:7"]


def test_a_few_per_cent_of_cost_weigh_and_the_cheaper_always_has_more() -> None:
    assert [cost_part(cost, [8400, cost]) for cost in (8400, 8484, 9240, 16_800)] == [1000, 923, 466, 3]
