"""Looking accounts up is counted by buyer, for all processes alike."""

from __future__ import annotations

from core import fulfilment
from core.database import Shop
from core.storefronts import Storefront
from tests.core.props import at_once
from tests.stage import Clock, person


async def test_a_buyer_looks_up_so_many_accounts_an_hour_whoever_counts_and_no_other_buyer_less(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    one, other = await person(shop, storefront), await person(shop, storefront)
    answers, refused = await at_once(shop.write(fulfilment.may_look_up, customer_id=one.id) for _ in range(25))
    assert not refused and sum(answers) == fulfilment.MOST_AN_HOUR, "at the same instant too"
    assert await shop.write(fulfilment.may_look_up, customer_id=other.id)
    clock.passes(minutes=59)
    assert not await shop.write(fulfilment.may_look_up, customer_id=one.id)
    clock.passes(minutes=2)
    assert await shop.write(fulfilment.may_look_up, customer_id=one.id)
