"""A chat that the bot has lost holds up no other chat."""

from __future__ import annotations

from core import fulfilment
from core.database import Shop
from core.storefronts import Storefront
from tests.core.test_service import delivered, designer
from tests.stage import Clock, person


async def test_a_place_that_could_not_be_ended_is_tried_later_and_told_once_for_its_chat(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, await designer(shop, storefront), buyer)
    assert step.task_id is not None and step.order_id is not None
    places = []
    for seq, chat_id in enumerate((-100, -100, -200), 1):
        facts = {"task_id": step.task_id, "order_id": step.order_id, "seq": seq, "customer_id": buyer.id}
        place, _ = await shop.write(fulfilment.place_for, **facts, chat_id=chat_id, days=1)
        places.append(place.id)
    clock.passes(days=30)
    assert [place.id for place in await shop.read(fulfilment.memberships_over)] == places

    told = [await shop.write(fulfilment.not_ended, membership_id=place, again_seconds=900) for place in places[:2]]

    assert told == [True, False]
    assert [place.id for place in await shop.read(fulfilment.memberships_over, most=1)] == places[2:]
    clock.passes(seconds=901)
    assert [place.id for place in await shop.read(fulfilment.memberships_over)] == places
