"""The character NUL, which PostgreSQL keeps nowhere: wherever a program puts it, it is told no, on both databases alike."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_plus

import aiohttp
import pytest
from yarl import URL

from bot.serving import Serving
from core import api
from core.database import Shop
from core.storefronts import Storefront
from tests.core.props import balance
from tests.programs import key_for, reseller
from tests.stage import Goods
from tests.web.compatible import Doors, doors_of
from tests.web.test_reseller_api import Program
from web.acg_forms import TROUBLE, read, sign
from web.api import ApiDoor, OwnMemory
from web.app import make_app
from web.dujiao_forms import KEY, SIGNATURE, STAMP, signature

MONEY = 1_000_000


@pytest.fixture
async def program(shop: Shop, storefront: Storefront, goods: Goods) -> AsyncIterator[Program]:
    serving = Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0), key_seconds=0)), "127.0.0.1", 0)
    await serving.open()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as http:
        yield Program(http, await key_for(shop, await reseller(shop, storefront)))
    await serving.close()


async def test_our_own_door_says_what_is_wrong(shop: Shop, program: Program, goods: Goods) -> None:
    item = (await shop.read(api.item, key_id=program.made.key.id, sku_id=goods.sku_id)).key
    good: dict[str, Any] = {"number": "A-1", "item": item, "quantity": 1}
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/items/a%00b", None),
        ("POST", "/items/a%00b/check", {"fields": {}}),
        ("GET", "/quote?item=a%00b", None),
        ("GET", f"/quote?item={item}&what=%00", None),
        ("GET", "/orders?number=A%00", None),
        ("GET", "/orders/A%00/codes", None),
        ("GET", "/cases/%00", None),
        ("GET", "/changes?after=%00", None),
        ("GET", "/statement?day=2026-01-01%00", None),
        ("POST", "/orders", {**good, "item": "a\0b"}),
        ("POST", "/orders", {**good, "number": "A\0"}),
        ("POST", "/orders", {**good, "fields": {"a\0": "b"}}),
        ("POST", "/orders", {**good, "fields": {"a": "b\0"}}),
        ("POST", "/orders", {**good, "callback_url": "https://shop.example/\0"}),
        ("POST", "/orders", {**good, "max_cost": "1\0", "currency": "CNY"}),
        ("POST", "/orders", {**good, "max_cost": "1", "currency": "CNY\0"}),
        ("POST", f"/items/{item}/check", {"fields": {"account": "\0"}}),
        ("POST", "/orders/cancel", {"number": "A\0"}),
        ("POST", "/cases", {"order": "A\0", "code": "1", "reason": "used"}),
        ("POST", "/cases", {"order": "A", "code": "1", "reason": "used", "text": "\0"}),
    ]
    for verb, path, document in asked:
        status, said = await program.ask(verb, path, document)
        assert (status, said["error"]["code"], said["error"]["final"]) == (400, 1000, True), (verb, path, document, said)
    owner = await shop.read(api.prepaid, key_id=program.made.key.id)
    assert owner.balance_minor == MONEY
    assert (await program.ask("POST", "/orders", good))[0] == 201


@pytest.fixture
async def doors(shop: Shop, storefront: Storefront, goods: Goods) -> AsyncIterator[Doors]:
    async with doors_of(shop, storefront) as opened:
        yield opened


async def test_the_door_of_dujiao_next_says_no_in_its_own_words(doors: Doors, goods: Goods) -> None:
    good: dict[str, Any] = {"sku_id": goods.sku_id, "quantity": 1, "downstream_order_no": "A-1"}
    asked: list[tuple[str, str, Any, str]] = [
        ("GET", "/products/1%00", None, "product_not_found"),
        ("GET", "/orders/1%00", None, "order_not_found"),
        ("POST", "/orders/1%00/cancel", None, "order_not_found"),
        ("POST", "/orders", {**good, "downstream_order_no": "A\0"}, "bad_request"),
        ("POST", "/orders", {**good, "manual_form_data": {"a\0": "b"}}, "bad_request"),
        ("POST", "/orders", {**good, "manual_form_data": {"a": "b\0"}}, "bad_request"),
        ("POST", "/orders", {**good, "callback_url": "https://shop.example/\0"}, "invalid_callback_url"),
    ]
    async with aiohttp.ClientSession(doors.url) as http:
        for verb, path, document, word in asked:
            to, body, stamp = f"/api/v1/upstream{path}", b"" if document is None else json.dumps(document).encode(), str(int(time.time()))
            headers = {KEY: doors.dujiao.key.name, STAMP: stamp, SIGNATURE: signature(doors.dujiao.secret, verb, to, stamp, body)}
            async with http.request(verb, _as_sent(to), data=body or None, headers=headers) as answer:
                said = await answer.json()
                assert answer.status < 500 and said["error_code"] == word, (path, document, said)
    assert await balance(doors.shop, doors.reseller) == MONEY


async def test_the_door_of_acg_faka_says_no_in_its_own_words(doors: Doors, goods: Goods) -> None:
    good = {"shared_code": f"S{goods.sku_id}", "num": "1", "request_no": "A-1"}
    asked: list[tuple[str, dict[str, str]]] = [
        ("commodity/item", {"sharedCode": "S1\0", "code": "S1\0"}),
        ("commodity/inventory", {"sharedCode": f"S{goods.sku_id}\0"}),
        ("commodity/query", {"tradeNo": "A\0"}),
        ("commodity/query", {"request_no": "A\0"}),
        ("commodity/trade", {**good, "shared_code": f"S{goods.sku_id}\0"}),
        ("commodity/trade", {**good, "request_no": "A\0"}),
        ("commodity/trade", {**good, "num": "1\0"}),
        ("commodity/trade", {**good, "race": "\0"}),
        ("commodity/trade", {**good, "account": "a\0"}),
        ("commodity/trade", {**good, "acc\0unt": "a"}),
    ]
    async with aiohttp.ClientSession(doors.url) as http:
        for call, fields in asked:
            said = await _shared(http, doors, call, fields | {"app_id": doors.acg.key.name})
            assert said["code"] == 0 and said["msg"] != TROUBLE, (call, fields, said)
        said = await _shared(http, doors, "authentication/connect", {"app_id": doors.acg.key.name + "\0"})
        assert said["code"] == 0 and said["msg"] != TROUBLE
    assert await balance(doors.shop, doors.reseller) == MONEY


async def _shared(http: aiohttp.ClientSession, doors: Doors, call: str, fields: dict[str, str]) -> dict[str, Any]:
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items())
    signed = f"{body}&sign={sign(read(body.encode()), doors.acg.secret)}"
    async with http.post(f"/shared/{call}", data=signed.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"}) as answer:
        assert answer.status < 500
        said: dict[str, Any] = await answer.json()
        return said


def _as_sent(path: str) -> Any:
    return URL(path, encoded=True)
