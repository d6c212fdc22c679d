"""A broadcast reaches everybody who wants it, exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally

import pytest

from core import outbox, people, promotion
from core.database import Shop
from core.outbox import Topic
from core.people import Customer
from core.storefronts import Storefront
from handlers.admin.desk import Do, Go
from tests.admin.direct import at_the_desk
from tests.admin.staff import hire, walks
from tests.conftest import KEYS
from tests.handlers.counter import opened
from tests.stage import person


@pytest.fixture
async def crowd(shop: Shop, storefront: Storefront) -> list[Customer]:
    """Thirty people; the first opted out, the second blocked the bot."""
    customers = [await person(shop, storefront) for _ in range(30)]
    await shop.write(people.want_broadcasts, customer_id=customers[0].id, wanted=False)
    await shop.write(people.block, customer_id=customers[1].id)
    return customers


async def begun(shop: Shop, storefront: Storefront) -> int:
    made = await shop.write(promotion.draft, storefront_id=storefront.id, text="News", by="test")
    await shop.write(promotion.begin, broadcast_id=made, storefront_id=storefront.id, by="test")
    return made


async def waiting(shop: Shop) -> list[int]:
    leased = await shop.write(outbox.lease, worker="test", most=1000, seconds=60)
    assert all(message.topic is Topic.BROADCAST and message.body["text"] == "News" for message in leased)
    return [message.customer_id for message in leased]


async def post_all(shop: Shop) -> None:
    while await shop.write(promotion.post_next, most=4):
        pass


async def test_it_is_posted_once_to_everybody_but_those_who_opted_out_or_left(
    shop: Shop, storefront: Storefront, crowd: list[Customer]
) -> None:
    cast = await begun(shop, storefront)

    await post_all(shop)
    await post_all(shop)

    assert Tally(await waiting(shop)) == Tally(customer.id for customer in crowd[2:])
    seen = await shop.read(promotion.broadcast, cast)
    assert seen is not None and (seen.posted, seen.posting_done, seen.left, seen.sent) == (28, True, 28, 0)


async def test_two_processes_post_each_message_once(
    shop: Shop, storefront: Storefront, crowd: list[Customer], database: str, database_url: str
) -> None:
    await begun(shop, storefront)
    if database == "sqlite":
        # One process writes to the file; its jobs may overlap all the same.
        await asyncio.gather(*[post_all(shop) for _ in range(4)])
    else:
        async with Shop.opened(database_url, KEYS, holder="another") as other:
            await asyncio.gather(*[post_all(one) for one in (shop, other, shop, other)])

    assert Tally(await waiting(shop)) == Tally(customer.id for customer in crowd[2:])


async def test_a_broadcast_that_was_interrupted_goes_on_where_it_was(shop: Shop, storefront: Storefront, crowd: list[Customer]) -> None:
    await begun(shop, storefront)
    await shop.write(promotion.post_next, most=10)
    first = await waiting(shop)

    await post_all(shop)

    assert Tally(first + await waiting(shop)) == Tally(customer.id for customer in crowd[2:])


async def test_stopping_takes_back_what_is_not_sent_and_the_figures_say_so(
    shop: Shop, storefront: Storefront, crowd: list[Customer]
) -> None:
    cast = await begun(shop, storefront)
    await shop.write(promotion.post_next, most=12)
    leased = await shop.write(outbox.lease, worker="test", most=3, seconds=60)
    await shop.write(outbox.done, message_id=leased[0].id, worker="test")
    await shop.write(outbox.park, message_id=leased[1].id, worker="test", trouble="blocked")

    assert await shop.write(promotion.stop, broadcast_id=cast, storefront_id=storefront.id, by="test")
    assert not await shop.write(promotion.stop, broadcast_id=cast, storefront_id=storefront.id, by="test")
    await post_all(shop)

    # One is sent, one is in a courier's hands, and the rest was never on its way.
    seen = await shop.read(promotion.broadcast, cast)
    assert seen is not None and (seen.posted, seen.sent, seen.parked, seen.left, seen.stopped) == (2, 1, 0, 1, True)
    assert await waiting(shop) == []


async def test_confirming_twice_begins_once_and_a_draft_reaches_nobody(shop: Shop, storefront: Storefront, crowd: list[Customer]) -> None:
    desk = await at_the_desk(shop, storefront)
    me = await shop.read(people.find, storefront_id=storefront.id, telegram_id=7001)
    assert me is not None
    await shop.write(people.want_broadcasts, customer_id=me.id, wanted=False)
    preview = await desk.answers("cast.text", 0, "News")
    assert "This is what your customers will read" in preview and "News" in preview
    await post_all(shop)
    assert await waiting(shop) == []
    confirm = next(data for data in desk.keyboard() if data.startswith(f"{Do.__prefix__}:cast"))

    await asyncio.gather(*[desk.presses(confirm) for _ in range(2)])
    await post_all(shop)

    assert len(await waiting(shop)) == 28
    (cast,) = await shop.read(promotion.broadcasts, storefront_id=storefront.id)
    assert "Posted: 28" in await desk.presses(Go(to="cast", id=cast.id))


async def test_a_broadcast_is_written_confirmed_watched_and_read_on_the_phones(shop: Shop, storefront: Storefront) -> None:
    async with opened(shop, storefront) as counter:
        admin = await hire(counter)
        buyer = await counter.buyer("second")
        quiet = await counter.buyer("buyer")
        for reader in (buyer, quiet):
            await reader.say("/start")
        await shop.write(people.want_broadcasts, customer_id=quiet.customer.id, wanted=False)

        await walks(admin, "Broadcasts", "New broadcast")
        await admin.say("New: <cards> from Turkey & more")
        await admin.press("Send it to everybody")
        while await shop.write(promotion.post_next):
            counter.courier.wake()

        await buyer.sees("New: <cards> from Turkey & more")
        await admin.sees("New: <cards> from Turkey & more")
        async with asyncio.timeout(10):
            while not any("Sent: 2" in message.get("text", "") for message in await admin.phone.messages()):
                await admin.press("Refresh")
        assert not any("Turkey" in message.get("text", "") for message in await quiet.phone.messages())
