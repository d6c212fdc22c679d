"""Unmet demand: what is asked for and not there is counted once a day for each person, with how much was lacking and on which days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from core import catalog, settlement
from core.database import Shop
from core.settlement import Missed, Wanted, noted
from core.storefronts import Storefront
from tests.stage import Clock, Goods, person, put_on_sale


async def count(shop: Shop, storefront: Storefront, *missed: Missed) -> int:
    return await shop.write(settlement.count_missed, storefront_id=storefront.id, missed=missed)


async def seen(shop: Shop, storefront: Storefront, clock: Clock, days: int = 30) -> Sequence[Wanted]:
    return await shop.read(settlement.unmet, storefront_id=storefront.id, since=(clock() - timedelta(days=days)).date())


async def test_whoever_hammers_counts_once_a_day_with_the_most_they_lacked(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann, ben = await person(shop, storefront), await person(shop, storefront)
    # Within a month: in the next one the same person has another hash, and would look like somebody else.
    clock.passes(days=32 - clock().day)
    first = clock().date()
    asked = [Missed(ann.id, sku_id=goods.sku_id, units=units) for units in (3, 12, 5)]
    assert await count(shop, storefront, *asked) == 1
    assert await count(shop, storefront, *asked, Missed(ben.id, sku_id=goods.sku_id, units=4)) == 1
    clock.passes(days=3)
    assert await count(shop, storefront, Missed(ann.id, sku_id=goods.sku_id, units=2)) == 1

    [one] = await seen(shop, storefront, clock)
    assert one.sku is not None and one.product is not None and (one.sku.id, one.words) == (goods.sku_id, "")
    assert (one.people, one.times, one.units, one.days) == (2, 3, 16, 2)
    assert (one.first, one.last) == (first, first + timedelta(days=3))


async def test_a_denomination_is_shown_from_one_person_on_and_words_from_three(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    people = [await person(shop, storefront) for _ in range(3)]
    for customer in people[:2]:
        await count(shop, storefront, Missed(customer.id, "rare voucher"))
    await count(shop, storefront, Missed(people[0].id, sku_id=goods.sku_id, units=500))
    assert [(one.words, one.units) for one in await seen(shop, storefront, clock)] == [("", 500)]
    await count(shop, storefront, Missed(people[2].id, "rare voucher"))
    assert [(one.words, one.people, one.units) for one in await seen(shop, storefront, clock)] == [("rare voucher", 3, 0), ("", 1, 500)]


async def test_what_is_hidden_or_of_another_storefront_or_long_ago_is_not_shown(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    ann = await person(shop, storefront)
    hidden = await put_on_sale(shop, storefront, name="Gone", count=0)
    await count(shop, storefront, *(Missed(ann.id, sku_id=sku_id, units=1) for sku_id in (goods.sku_id, hidden.sku_id, 10**6)))
    await shop.write(catalog.change_product, hidden.product_id, by="test", hidden=True)
    assert [one.sku.id for one in await seen(shop, storefront, clock) if one.sku] == [goods.sku_id]
    assert len(await seen(shop, storefront, clock)) == 1
    assert await shop.read(settlement.unmet, storefront_id=storefront.id + 1, since=clock().date()) == []
    clock.passes(days=31)
    assert await seen(shop, storefront, clock) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_notes_hold_each_thing_once_and_nobody_takes_the_place_of_others(shop: Shop) -> None:
    settlement.take_missed(10**6)
    for units in (1, 7, 3):
        settlement.note_missed(1, 5, sku_id=9, units=units)
    assert settlement.take_missed() == {1: [Missed(5, "", 9, 7)]} and settlement.take_missed() == {}

    for n in range(noted.MOST_OF_ONE + 30):
        settlement.note_missed(1, 5, words=f"word {n}")
    settlement.note_missed(1, 6, sku_id=9, units=1)
    settlement.note_missed(2, 5, sku_id=9, units=1)
    taken = settlement.take_missed(noted.MOST_OF_ONE)
    assert [one.customer_id for one in taken[1]] == [5] * noted.MOST_OF_ONE, "the oldest first"
    assert settlement.take_missed() == {1: [Missed(6, "", 9, 1)], 2: [Missed(5, "", 9, 1)]}
    for n in range(noted.MOST + 5):
        settlement.note_missed(1, n, sku_id=9, units=1)
    settlement.note_missed(1, 5, sku_id=9, units=70)
    everything = settlement.take_missed(10**6)[1]
    assert len(everything) == noted.MOST and Missed(5, "", 9, 70) in everything
    settlement.note_missed(1, 5, words="again")
    assert settlement.take_missed() == {1: [Missed(5, "again")]}
