"""What a statement costs does not follow how much was sold: so many questions, and sums instead of lines."""

from __future__ import annotations

import tracemalloc

from core import settlement
from core.database import Shop
from core.settlement import Earnings, SpreadShare
from core.storefronts import Storefront
from tests.core.props import assert_sound, questions
from tests.core.supplies import Supplied, settled, supplied
from tests.core.test_hundred_thousand_cards import COST, PRICE, sell_in_bulk
from tests.stage import Clock, person

FEW, MANY = 20, 600


async def statement(shop: Shop, of: Supplied, clock: Clock) -> tuple[Earnings, list[str], int]:
    """Today's statement, what was asked for it, and how many bytes that took at most."""
    today = clock().date()
    tracemalloc.start()
    try:
        with questions() as asked:
            found = await shop.read(
                settlement.earnings, supplier_id=of.supplier_id, currency="CNY", first=today, last=today, timezone="UTC"
            )
        return found, [question for question, _ in asked], tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_day_of_many_sales_is_asked_for_as_a_day_of_few(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    of = await supplied(shop, storefront, terms=SpreadShare(3000), cost_minor=COST, price_minor=PRICE, count=1)
    buyer = await person(shop, storefront, money_minor=10**9)
    await shop.write(sell_in_bulk, of=of, buyer=buyer, sizes=[1] * FEW)
    await settled(shop)
    await statement(shop, of, clock)  # Whatever is made once is made.
    before, asked, least = await statement(shop, of, clock)
    await shop.write(sell_in_bulk, of=of, buyer=buyer, sizes=[1] * (MANY - FEW))
    await settled(shop)
    after, asked_again, most = await statement(shop, of, clock)

    assert (before.total.units, after.total.units) == (FEW, MANY)
    assert after.total.sales_minor == MANY * COST and after.total.spread_minor == MANY * (PRICE - COST) * 3 // 10
    assert asked and asked_again == asked, "the same questions, whatever was sold"
    # A line that is read costs hundreds of bytes.
    assert most - least < (MANY - FEW) * 100, (least, most)
    await assert_sound(shop)
