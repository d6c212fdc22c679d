"""An offer that is stopped sells no more, whatever the ways to buy; it sells again when no reason is left."""

from __future__ import annotations

from datetime import timedelta

from core import supply
from core.database import Shop
from core.supply import Stop
from tests.stage import Clock, Goods


async def test_a_stopped_offer_leaves_the_ranking_until_every_reason_is_lifted(shop: Shop, goods: Goods) -> None:
    [offer] = await shop.read(supply.ranked, [goods.sku_id])

    assert await shop.write(supply.stop, offer_ids=[offer.id], why=Stop.SUSPENDED, by="test") == 1
    assert await shop.write(supply.stop, offer_ids=[offer.id], why=Stop.TAKEDOWN, ref="takedown:1", by="test") == 1
    assert await shop.write(supply.stop, offer_ids=[offer.id], why=Stop.SUSPENDED, by="test") == 0, "it stands already"
    assert await shop.read(supply.ranked, [goods.sku_id]) == []

    assert await shop.write(supply.lift, offer_ids=[offer.id], why=Stop.SUSPENDED, by="test") == 1
    assert await shop.read(supply.ranked, [goods.sku_id]) == [], "the takedown still stands"
    assert [stop.ref for stop in await shop.read(supply.stops, [offer.id])] == ["takedown:1"]

    assert await shop.write(supply.lift, offer_ids=[offer.id], why=Stop.TAKEDOWN, ref="takedown:1", by="test") == 1
    assert [o.id for o in await shop.read(supply.ranked, [goods.sku_id])] == [offer.id]


async def test_what_ends_by_itself_is_lifted_by_the_clock_and_nothing_else_is(shop: Shop, goods: Goods, clock: Clock) -> None:
    [offer] = await shop.read(supply.ranked, [goods.sku_id])
    await shop.write(supply.stop, offer_ids=[offer.id], why=Stop.HIDDEN, by="test", until=clock() + timedelta(hours=2))

    assert await shop.write(supply.lift_ended) == 0
    clock.passes(hours=3)
    assert await shop.write(supply.lift_ended) == 1
    assert [o.id for o in await shop.read(supply.ranked, [goods.sku_id])] == [offer.id]
