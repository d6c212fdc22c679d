"""What programs ask for in vain is noted by every door: our own API, and the two that speak as other shops do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.serving import Serving
from core import api, settlement
from core.api import NewKey
from core.database import Shop
from core.people import Customer
from core.ports import Declined
from core.settlement import Missed
from core.storefronts import Storefront
from tests.core.way import another_offer
from tests.programs import key_for, reseller
from tests.stage import Goods
from tests.web.compatible import doors_of
from tests.web.test_compatible_documents import acg
from tests.web.test_compatible_doors import PROTOCOLS, ask, connector
from tests.web.test_reseller_api import Program
from web.api import ApiDoor, OwnMemory
from web.app import make_app

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def nothing_noted() -> None:
    settlement.take_missed(10**6)


def noted() -> list[Missed]:
    """What was noted since the last time."""
    return [one for some in settlement.take_missed(10**6).values() for one in some]


@pytest.fixture
async def http(shop: Shop) -> AsyncIterator[aiohttp.ClientSession]:
    serving = Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0), key_seconds=0)), "127.0.0.1", 0)
    await serving.open()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as session:
        yield session
    await serving.close()


async def test_an_order_at_our_own_door_notes_what_it_lacks(
    shop: Shop, storefront: Storefront, goods: Goods, http: aiohttp.ClientSession
) -> None:
    owner: Customer = await reseller(shop, storefront)
    made: NewKey = await key_for(shop, owner)
    program, item = Program(http, made), (await shop.read(api.item, key_id=made.key.id, sku_id=goods.sku_id)).key

    async def orders(number: str, quantity: int, status: int, **more: object) -> None:
        answer = await program.ask("POST", "/orders", {"number": number, "item": item, "quantity": quantity, **more})
        assert answer[0] == status, answer

    await orders("A-1", 45, 409)
    assert noted() == [Missed(owner.id, "", goods.sku_id, 5)]
    await orders("A-2", 42, 201, partial=True)
    assert noted() == [Missed(owner.id, "", goods.sku_id, 2)]
    await orders("A-2", 42, 200, partial=True)
    assert noted() == [], "the same order again asks for nothing"
    for number in ("A-3", "A-4", "A-3"):
        await orders(number, 3, 409)
    assert noted() == [Missed(owner.id, "", goods.sku_id, 3)], "once, however often"
    await orders("A-5", 20_000, 400)
    assert noted() == []

    # What comes later is on its way, and only what no source has is lacking.
    await shop.write(another_offer, sku_id=goods.sku_id, cost_minor=8000, rank=2, declared=5, upstream_id=7)
    await orders("A-6", 7, 201, partial=True)
    assert noted() == [Missed(owner.id, "", goods.sku_id, 2)]

    trial = Program(http, await key_for(shop, owner, sandbox=True))
    answer = await trial.ask("POST", "/orders", {"number": "T-out-of-stock", "item": item, "quantity": 3})
    assert answer[0] == 409 and noted() == [], "a sandbox key wants nothing"


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_order_at_a_compatible_door_notes_what_it_lacks(shop: Shop, storefront: Storefront, goods: Goods, protocol: str) -> None:
    async with doors_of(shop, storefront) as doors:
        upstream = connector(doors, protocol)
        await upstream.order(ask(protocol, goods, 38))
        assert noted() == []
        with pytest.raises(Declined):
            await upstream.order(ask(protocol, goods, 12))
        assert noted() == [Missed(doors.reseller.id, "", goods.sku_id, 10)]
        await upstream.close()


async def test_a_shop_that_asks_whether_there_is_enough_notes_what_it_lacks(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    async with doors_of(shop, storefront) as doors, aiohttp.ClientSession(doors.url) as http:
        asked: dict[str, Any] = {"shared_code": f"S{goods.sku_id}", "card_id": 0, "race": ""}
        assert (await acg(http, doors, "commodity/inventoryState", **asked, num=40))[0] == 200
        assert noted() == []
        assert (await acg(http, doors, "commodity/inventoryState", **asked, num=52))[2] == "库存不足"
        assert noted() == [Missed(doors.reseller.id, "", goods.sku_id, 12)]
