"""Prices of a level and of one reseller: which row is a buyer's, that the sale sells at no other, and what became of each version."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import orders, people, pricing, resellers, supply
from core.database import Shop
from core.orders import sale
from core.people import Customer
from core.pricing import Price, Tier
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.test_wholesale import on_sale, paid
from tests.reselling import a_reseller, add_level
from tests.stage import Clock, Goods, person

pytestmark = pytest.mark.usefixtures("sound_in_the_end")

LEVEL, OTHER_LEVEL = 1, 2  # the ids of the only two levels, made at the first question


async def of_level(shop: Shop, storefront: Storefront, level_id: int = LEVEL) -> Customer:
    if not await shop.read(resellers.levels, storefront_id=storefront.id):
        for rank in (LEVEL, OTHER_LEVEL):
            await add_level(shop, storefront, rank=rank)
    return await a_reseller(shop, storefront, level_id=level_id)


async def level_price(shop: Shop, goods: Goods, unit_minor: int, *, level_id: int = LEVEL, tiers: Any = ()) -> int:
    price = await shop.write(
        pricing.set_level_price,
        storefront_id=goods.storefront.id,
        level_id=level_id,
        sku_id=goods.sku_id,
        unit_minor=unit_minor,
        currency="CNY",
        tiers=tiers,
    )
    return price.id


async def contract(shop: Shop, goods: Goods, customer: Customer, unit_minor: int, **more: Any) -> int:
    agreed: dict[str, Any] = {"customer_id": customer.id, "sku_id": goods.sku_id, "unit_minor": unit_minor, "by": "test"}
    await shop.write(resellers.set_contract, storefront_id=goods.storefront.id, **agreed, **more)
    return (await shop.read(pricing.for_buyer, buyer=customer, sku_ids=[goods.sku_id]))[goods.sku_id].id


async def tried(shop: Shop, goods: Goods, buyer: Customer, price_id: int, *, once: str) -> int | type[orders.PriceMoved]:
    """What a purchase that names this row costs, or that the price has moved."""
    try:
        return (
            await shop.write(orders.buy, **{**goods.terms(), "price_id": price_id}, buyer_id=buyer.id, quantity=1, once=once)
        ).paid_minor
    except orders.PriceMoved:
        return orders.PriceMoved


async def test_a_resellers_own_price_goes_before_their_levels_and_that_before_wholesale(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)
    buyer, plain, anybody = await of_level(shop, storefront), await a_reseller(shop, storefront), await person(shop, storefront)

    async def pays(who: Customer) -> int:
        return (await shop.read(pricing.for_buyer, buyer=who, sku_ids=[goods.sku_id]))[goods.sku_id].retail_minor

    assert await pays(buyer) == 9000, "a level without a price pays wholesale"
    await level_price(shop, goods, 8800)
    await level_price(shop, goods, 8500, level_id=OTHER_LEVEL)
    assert [await pays(who) for who in (buyer, plain, anybody)] == [8800, 9000, 9500]
    await contract(shop, goods, buyer, 8700)
    assert [await pays(who) for who in (buyer, plain, anybody)] == [8700, 9000, 9500]
    await shop.write(resellers.end, storefront_id=storefront.id, customer_id=buyer.id, by="test")
    assert await pays(await shop.read(people.by_id, buyer.id)) == 9500, "who is no reseller pays what all pay"


async def test_forged_outdated_and_worse_rows_are_a_price_that_moved_gathered_or_not(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    since = clock()
    goods = await on_sale(shop, storefront)
    mine, plain, anybody = (
        await of_level(shop, storefront),
        await a_reseller(shop, storefront),
        await person(shop, storefront, None, 50_000),
    )
    elsewhere = await of_level(shop, storefront, OTHER_LEVEL)
    old = await level_price(shop, goods, 8900)
    level, other = await level_price(shop, goods, 8800), await level_price(shop, goods, 8600, level_id=OTHER_LEVEL)
    theirs = await contract(shop, goods, plain, 8400)
    asked: list[tuple[Customer, int, int | None]] = [
        (mine, level, 8800),
        (mine, old, None),
        (mine, other, None),
        (mine, theirs, None),
        (mine, goods.price_id, None),  # wholesale, although their level pays less
        (plain, theirs, 8400),
        (plain, goods.price_id, None),
        (plain, level, None),
        (elsewhere, other, 8600),
        (elsewhere, level, None),
        (anybody, goods.price_id, 9500),
        (anybody, level, None),
        (anybody, theirs, None),
    ]

    async def answers(way: str, one_by_one: bool) -> list[int | type[orders.PriceMoved]]:
        calls = [tried(shop, goods, buyer, price_id, once=f"{way}:{n}") for n, (buyer, price_id, _) in enumerate(asked)]
        return [await call for call in calls] if one_by_one else list(await asyncio.gather(*calls))

    wanted = [orders.PriceMoved if paid_minor is None else paid_minor for _, _, paid_minor in asked]
    assert await answers("together", False) == wanted
    assert await answers("alone", True) == wanted
    await assert_books(shop, since, clock())


async def test_who_buys_from_a_price_list_is_sold_to_together_with_others(
    shop: Shop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    goods = await on_sale(shop, storefront)
    leveled, contracted, plain = [await of_level(shop, storefront) for _ in range(3)]
    level, own = await level_price(shop, goods, 8800), await contract(shop, goods, contracted, 8700)
    await shop.write(people.set_level, customer_id=plain.id, level_id=None)
    alone: list[str] = []
    before = sale._sell

    def noted(*inputs: Any, **terms: Any) -> orders.Receipt:
        alone.append(terms["once"])
        return before(*inputs, **terms)

    monkeypatch.setattr(sale, "_sell", noted)

    ways = [(leveled, level), (contracted, own), (plain, goods.price_id)] * 2
    paid_minor = await asyncio.gather(*(tried(shop, goods, who, row, once=f"row:{n}") for n, (who, row) in enumerate(ways)))

    assert paid_minor == [8800, 8700, 9000] * 2
    assert alone == []


async def test_a_contract_price_ends_at_its_instant_and_not_when_a_job_gets_round_to_it(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    goods = await on_sale(shop, storefront)
    buyer = await of_level(shop, storefront)
    level = await level_price(shop, goods, 8800)
    own = await contract(shop, goods, buyer, 8700, ends_at=clock() + timedelta(days=1))

    assert await tried(shop, goods, buyer, level, once="before") is orders.PriceMoved
    assert await tried(shop, goods, buyer, own, once="own") == 8700
    clock.passes(days=1, seconds=1)
    assert await tried(shop, goods, buyer, own, once="late") is orders.PriceMoved
    assert await tried(shop, goods, buyer, level, once="after") == 8800
    assert await shop.write(resellers.end_due_contracts) == 1
    assert await shop.write(resellers.end_due_contracts) == 0
    assert [one.price.retail_minor for one in await shop.read(pricing.of_parties, storefront_id=storefront.id)] == [8800]


async def test_a_lower_retail_price_lowers_what_levels_and_resellers_pay_at_once(shop: Shop, storefront: Storefront) -> None:
    goods = await on_sale(shop, storefront)
    buyer, dear = await of_level(shop, storefront), await a_reseller(shop, storefront)
    await level_price(shop, goods, 8800, tiers=[Tier(100, 8300)])
    await contract(shop, goods, dear, 9900, dearer=True)

    await shop.write(
        pricing.set_price,
        storefront_id=storefront.id,
        sku_id=goods.sku_id,
        retail_minor=8700,
        currency="CNY",
        tiers=[Tier(10, 8500), Tier(200, 8200)],
    )

    theirs = (await shop.read(pricing.for_buyer, buyer=buyer, sku_ids=[goods.sku_id]))[goods.sku_id]
    assert (theirs.retail_minor, theirs.tiers) == (8700, (Tier(10, 8500), Tier(100, 8300), Tier(200, 8200)))
    assert await paid(shop, await renewed(shop, goods, buyer), buyer, quantity=10) == 85_000
    assert (await shop.read(pricing.for_buyer, buyer=dear, sku_ids=[goods.sku_id]))[goods.sku_id].retail_minor == 9900, "it was meant so"
    versions = await shop.read(pricing.history_of, storefront_id=storefront.id, sku_id=goods.sku_id, level_id=LEVEL)
    assert [one.price.retail_minor for one in versions] == [8700, 8800]


async def renewed(shop: Shop, goods: Goods, buyer: Customer) -> Goods:
    price = (await shop.read(pricing.for_buyer, buyer=buyer, sku_ids=[goods.sku_id]))[goods.sku_id]
    goods.price_id = price.id
    return goods


async def test_each_reseller_is_told_of_their_own_prices_only(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await on_sale(shop, storefront)
    buyer, plain = await of_level(shop, storefront), await a_reseller(shop, storefront)
    await level_price(shop, goods, 8800)
    clock.passes(minutes=6)
    await shop.write(supply.post_price_news)  # prices of before the first look are told to nobody
    await level_price(shop, goods, 8700)
    clock.passes(hours=2)
    while await shop.write(supply.post_price_news):
        pass

    [change] = await shop.read(supply.price_changes, 1, customer_id=buyer.id)
    assert (change.before.retail_minor, change.now.retail_minor) == (8800, 8700)
    assert await shop.read(supply.price_changes, 1, customer_id=plain.id) == []


PRICES = st.builds(
    lambda unit, cuts: Price(1, 1, unit, None, "CNY", tuple(Tier(n, unit * (20 - k) // 20) for k, n in enumerate(sorted(cuts), 1))),
    st.integers(1_000, 20_000),
    st.sets(st.integers(2, 50), max_size=4),
)


@given(PRICES, PRICES, st.integers(1, 60))
def test_a_capped_price_is_the_lower_of_the_two_at_every_quantity(price: Price, base: Price, quantity: int) -> None:
    assert price.capped(base).unit_for(quantity) == min(price.unit_for(quantity), base.unit_for(quantity))
    assert price.capped(base).capped(base) == price.capped(base)
