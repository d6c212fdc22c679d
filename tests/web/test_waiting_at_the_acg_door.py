"""How many purchases wait at the door for shops of acg-faka: a few of a key, some of all, and the rest are answered at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core import api
from core.api import ApiOrder, Form, OpenedKey
from core.database import Shop
from core.storefronts import Storefront
from tests.programs import ask, key_for, reseller
from tests.stage import Goods
from web import acg_faka
from web.api import ApiDoor
from web.app import _body

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def bought(shop: Shop, storefront: Storefront, goods: Goods) -> tuple[OpenedKey, ApiOrder]:
    """A key, and an order by it that is over, as it looked before: one look more tells that it is done."""
    made = await key_for(shop, await reseller(shop, storefront), form=Form.ACG)
    key = await shop.read(api.find_key, made.key.name)
    assert key is not None
    order = await ask(shop, made, goods, "A-1")
    assert order.state == "done"
    return key, replace(order, state="working")


def door_of(shop: Shop) -> acg_faka._Door:
    return acg_faka._Door(shop, ApiDoor(), _body, 5.0, 0.01)


async def states(door: acg_faka._Door, *asked: tuple[OpenedKey, ApiOrder]) -> list[str]:
    return [order.state for order in await asyncio.gather(*(door._waited(key, order) for key, order in asked))]


async def test_of_one_key_only_some_wait_and_their_places_are_free_again(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    one, door = await bought(shop, storefront, goods), door_of(shop)
    most = acg_faka.MOST_WAITING_OF_A_KEY
    for _ in range(2):
        assert await states(door, *[one] * (most + 2)) == ["done"] * most + ["working"] * 2


async def test_of_all_keys_only_some_wait(shop: Shop, storefront: Storefront, goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acg_faka, "MOST_WAITING", 1)
    one, other = await bought(shop, storefront, goods), await bought(shop, storefront, goods)
    assert await states(door_of(shop), one, other) == ["done", "working"]


async def test_who_hangs_up_gives_the_place_back(shop: Shop, storefront: Storefront, goods: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acg_faka, "MOST_WAITING", 1)
    one, door = await bought(shop, storefront, goods), door_of(shop)
    gone = asyncio.create_task(door._waited(*one))
    await asyncio.sleep(0)
    assert await states(door, one) == ["working"]
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert await states(door, one) == ["done"]


async def test_a_sandbox_key_never_waits(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    key, order = await bought(shop, storefront, goods)
    assert await states(door_of(shop), (replace(key, key=replace(key.key, sandbox=True)), order)) == ["working"]
