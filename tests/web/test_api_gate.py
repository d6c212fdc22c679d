"""What the gate of the reseller API remembers: each request once, a flood not at all, and nothing that was forgotten comes in again."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bot.serving import Serving
from core import api, orders
from core.aftersale import cases_of
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import balance
from tests.programs import key_for, reseller
from tests.stage import Goods
from tests.web.test_reseller_api import Json, Program, code
from web.api import ApiDoor, Entry, OwnMemory
from web.app import make_app

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def nonce() -> str:
    return secrets.token_hex(16)


async def test_what_is_too_many_is_not_remembered_and_what_is_repeated_is_not_counted() -> None:
    memory, now = OwnMemory(since=0), int(time.time())
    first = nonce()
    assert (await memory.enter("k", first, now, 2))[0] is Entry.NEW
    for _ in range(5):
        assert (await memory.enter("k", first, now, 2))[0] is Entry.SEEN
    second = nonce()
    found = [(await memory.enter("k", second, now, 2))[0]]
    flood = [nonce() for _ in range(20)]
    found += [(await memory.enter("k", each, now, 2))[0] for each in flood]
    # A minute may turn over in between, once: then two more come in.
    assert found[0] is Entry.NEW and set(found[1:]) <= {Entry.NEW, Entry.TOO_MANY} and found.count(Entry.TOO_MANY) >= 18
    assert sum(memory.knows("k", each) for each in flood) == found[1:].count(Entry.NEW)


async def test_a_full_memory_forgets_nothing_before_its_time() -> None:
    memory, now = OwnMemory(since=0, most=3), int(time.time())
    kept = [nonce() for _ in range(3)]
    for each in kept:
        assert (await memory.enter("k", each, now, 100))[0] is Entry.NEW
    assert (await memory.enter("other", nonce(), now, 100))[0] is Entry.TOO_MANY
    assert [(await memory.enter("k", each, now, 100))[0] for each in kept] == [Entry.SEEN] * 3


async def test_what_was_signed_before_a_memory_began_is_too_old() -> None:
    memory = OwnMemory()
    assert (await memory.enter("k", nonce(), int(time.time()) - 2, 100))[0] is Entry.OLD
    assert (await memory.enter("k", nonce(), int(time.time()), 100))[0] is Entry.NEW


# A request that comes in twice: at two processes that do not know of each other, say.


@dataclass
class Two:
    """A program, and two processes of the shop with memories of their own."""

    program: Program
    other: aiohttp.ClientSession

    async def twice(self, verb: str, path: str, document: Any = None) -> tuple[tuple[int, Json], tuple[int, Json]]:
        """The very same signed request, at both."""
        body, to = b"" if document is None else json.dumps(document).encode(), f"/api/v1{path}"
        headers = self.program.headers(verb, to, body)
        found = []
        for http in (self.program.http, self.other):
            async with http.request(verb, to, data=body or None, headers=headers) as answer:
                found.append((answer.status, json.loads(await answer.read())))
        return found[0], found[1]


@pytest.fixture
async def owner(shop: Shop, storefront: Storefront) -> Customer:
    return await reseller(shop, storefront)


@pytest.fixture
async def two(shop: Shop, owner: Customer, goods: Goods) -> AsyncIterator[Two]:
    servings = [Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0), key_seconds=0)), "127.0.0.1", 0) for _ in range(2)]
    for each in servings:
        await each.open()
    a, b = (f"http://127.0.0.1:{each.port}" for each in servings)
    async with aiohttp.ClientSession(a) as one, aiohttp.ClientSession(b) as other:
        yield Two(Program(one, await key_for(shop, owner)), other)
    for each in servings:
        await each.close()


@on_sqlite
async def test_a_request_that_comes_in_twice_changes_nothing_a_second_time(shop: Shop, two: Two, owner: Customer, goods: Goods) -> None:
    item = (await shop.read(api.item, key_id=two.program.made.key.id, sku_id=goods.sku_id)).key
    made, again = await two.twice("POST", "/orders", {"number": "A-1", "item": item, "quantity": 2})
    assert (made[0], again[0], again[1]["repeated"], again[1]["id"]) == (201, 200, True, made[1]["id"])
    assert await balance(shop, owner) == 1_000_000 - 2 * 9500

    late = await two.twice("POST", "/orders/cancel", {"number": "A-1"})
    assert [code(each) for each in late] == [(409, 5003)] * 2
    [one, _] = (await two.program.ask("GET", f"/orders/{made[1]['id']}/codes"))[1]["codes"]
    opened, refused = await two.twice("POST", "/cases", {"order": "A-1", "code": one["id"], "reason": "used"})
    assert opened[0] == 201 and code(refused) == (409, 6001)
    cases = await shop.read(cases_of, storefront_id=owner.storefront_id, buyer_id=owner.id, before=None, limit=9)
    assert len(cases) == 1
    # Its codes may be read again by whoever has the request; each reading is in the log.
    read, read_again = await two.twice("GET", f"/orders/{made[1]['id']}/codes")
    assert read == read_again
    shown = await shop.read(orders.shown, orders.order_id_of(made[1]["id"]) or 0)
    assert [each.cause for each in shown] == [orders.RevealCause.FETCHED] * 3


@on_sqlite
async def test_a_recorded_request_uses_up_nobodys_minute(shop: Shop, owner: Customer) -> None:
    serving = Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0), per_minute=5)), "127.0.0.1", 0)
    await serving.open()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as http:
            program = Program(http, await key_for(shop, owner))
            used = nonce()
            assert (await program.ask("GET", "/ping", nonce=used))[0] == 200
            for _ in range(20):
                assert code(await program.ask("GET", "/ping", nonce=used)) == (401, 1004)
            assert (await program.ask("GET", "/ping"))[0] == 200
    finally:
        await serving.close()


@on_sqlite
async def test_trouble_at_the_gate_is_answered_in_the_words_of_the_api_and_a_note_keeps_nobody_out(
    shop: Shop, two: Two, goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = (await shop.read(api.item, key_id=two.program.made.key.id, sku_id=goods.sku_id)).key
    ask, note = shop.read, shop.write

    async def away(question: Any, *args: Any, **kwargs: Any) -> Any:
        if question is api.find_key:
            raise ConnectionError
        return await ask(question, *args, **kwargs)

    async def unwritten(command: Any, *args: Any, **kwargs: Any) -> Any:
        if command is api.note_use:
            raise ConnectionError
        return await note(command, *args, **kwargs)

    monkeypatch.setattr(shop, "read", away)
    order = {"number": "A-1", "item": item, "quantity": 1}
    for verb, path, sent in (("POST", "/orders", order), ("GET", "/balance", None)):
        answered = await two.program.ask(verb, path, sent)
        assert code(answered) == (500, 9000), answered
    monkeypatch.setattr(shop, "read", ask)
    monkeypatch.setattr(shop, "write", unwritten)
    assert (await two.program.ask("POST", "/orders", order))[0] == 201
