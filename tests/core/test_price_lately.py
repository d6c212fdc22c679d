"""How the price on a product's screen has moved: by the versions that held for this buyer, within thirty days."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import pricing
from core.database import Shop
from core.people import Customer
from core.pricing import PriceLately
from core.storefronts import Storefront
from tests.reselling import a_reseller, add_level
from tests.stage import Clock, Goods, person


async def costs(shop: Shop, goods: Goods, minor: int, **more: Any) -> None:
    facts = {"storefront_id": goods.storefront.id, "sku_id": goods.sku_id, "currency": "CNY", **more}
    await shop.write(pricing.set_price, retail_minor=minor, **facts)


async def told(shop: Shop, buyer: Customer, goods: Goods) -> PriceLately | None:
    return await shop.read(pricing.price_lately, buyer=buyer, sku_id=goods.sku_id)


async def figures(shop: Shop, buyer: Customer, goods: Goods) -> tuple[int, int, int] | None:
    """Lowest, highest and today's."""
    found = await told(shop, buyer, goods)
    return None if found is None else (found.lowest_minor, found.highest_minor, found.current_minor)


async def test_what_never_changed_is_not_told_and_what_changed_is_for_thirty_days(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    assert await told(shop, buyer, goods) is None
    clock.passes(days=40)
    await costs(shop, goods, 9900)
    clock.passes(days=5)
    await costs(shop, goods, 9000)
    since = clock()
    clock.passes(days=5)
    # Another version of the same price: what one costs has held since before it.
    await costs(shop, goods, 9000, wholesale_minor=8800)
    found = await told(shop, buyer, goods)
    assert found is not None and await figures(shop, buyer, goods) == (9000, 9900, 9000), "9500 is older than its end"
    assert abs((found.since - since).total_seconds()) < 60 and found.currency == "CNY"
    clock.passes(days=21)
    assert await figures(shop, buyer, goods) == (9000, 9900, 9000), "99.00 was over 26 days ago"
    clock.passes(days=5)
    assert await told(shop, buyer, goods) is None, "in thirty days it was this price alone"


async def test_what_ended_within_the_time_counts_also_when_it_began_long_before(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    clock.passes(days=100)
    await costs(shop, goods, 9700)
    assert await figures(shop, buyer, goods) == (9500, 9700, 9700)
    clock.passes(days=29)
    assert await figures(shop, buyer, goods) == (9500, 9700, 9700)


async def test_a_price_in_another_currency_is_not_compared(shop: Shop, goods: Goods, clock: Clock) -> None:
    buyer = await person(shop, goods.storefront)
    await costs(shop, goods, 1400, currency="USD")
    clock.passes(days=1)
    assert await told(shop, buyer, goods) is None
    await costs(shop, goods, 1500, currency="USD")
    assert await figures(shop, buyer, goods) == (1400, 1500, 1500)


async def test_everybody_is_told_of_their_own_price(shop: Shop, storefront: Storefront, goods: Goods, clock: Clock) -> None:
    level, other = await add_level(shop, storefront), await add_level(shop, storefront, rank=2)
    buyer, plain = await person(shop, storefront), await a_reseller(shop, storefront)
    levelled, favoured = [await a_reseller(shop, storefront, level_id=level.id) for _ in range(2)]
    of: dict[str, Any] = {"storefront_id": storefront.id, "sku_id": goods.sku_id, "currency": "CNY"}
    await costs(shop, goods, 9500, wholesale_minor=9200)
    await shop.write(pricing.set_level_price, level_id=level.id, unit_minor=9000, **of)
    await shop.write(pricing.set_level_price, level_id=other.id, unit_minor=7000, **of)
    clock.passes(days=40)
    assert [await told(shop, one, goods) for one in (buyer, plain, levelled, favoured)] == [None] * 4

    await costs(shop, goods, 9500, wholesale_minor=9100)
    assert await told(shop, buyer, goods) is None, "retail is what it was, and what resellers pay is not told to others"
    assert await figures(shop, plain, goods) == (9100, 9200, 9100)
    assert await told(shop, levelled, goods) is None

    clock.passes(days=1)
    await shop.write(pricing.set_level_price, level_id=level.id, unit_minor=8900, **of)
    ends = clock()
    clock.passes(days=1)
    await shop.write(pricing.set_customer_price, customer_id=favoured.id, unit_minor=8000, ends_at=clock(), **of)
    clock.passes(days=1)
    assert await figures(shop, levelled, goods) == (8900, 9000, 8900)
    # Their own price is over already, also before the job has closed its row: they pay their level's again.
    assert await figures(shop, favoured, goods) == (8900, 9000, 8900)
    await shop.write(pricing.set_customer_price, customer_id=favoured.id, unit_minor=8500, **of)
    clock.passes(days=1)
    assert await figures(shop, favoured, goods) == (8500, 9000, 8500)
    found = await told(shop, favoured, goods)
    assert found is not None and found.since > ends
    assert await figures(shop, levelled, goods) == (8900, 9000, 8900)


async def test_nobody_is_told_of_what_has_no_price(shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront)
    assert await shop.read(pricing.price_lately, buyer=buyer, sku_id=10**6) is None


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from([100, 200, 300])), min_size=1, max_size=6))
async def test_it_is_what_a_walk_through_the_days_would_find(shop: Shop, storefront: Storefront, changes: list[tuple[int, int]]) -> None:
    from tests.stage import put_on_sale

    goods, buyer, clock = await put_on_sale(shop, storefront, price_minor=150, count=0), await person(shop, storefront), shop.tools.clock
    assert isinstance(clock, Clock)
    steps = [(0, 150)]
    for days, minor in changes:
        clock.passes(days=days)
        steps.append((steps[-1][0] + days, minor))
        await costs(shop, goods, minor)
    clock.passes(hours=12)
    today = steps[-1][0] + 0.5
    paid = [[minor for start, minor in steps if start <= day / 4][-1] for day in range(0, int(today * 4) + 1) if day / 4 >= today - 30]
    expected = None if len(set(paid)) == 1 else (min(paid), max(paid), paid[-1])
    assert await figures(shop, buyer, goods) == expected
