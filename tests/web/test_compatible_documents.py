"""The compatible doors asked by requests written from the public documents of both protocols: field names, signs and words are theirs."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_plus

import aiohttp
import pytest
from fastapi import Request

from core import api, catalog, ledger, orders, pricing, resellers
from core.database import Shop
from core.storefronts import Storefront
from tests.reselling import add_level
from tests.stage import Clock, Goods
from tests.web.compatible import Doors, doors_of
from web.api import ApiDoor
from web.compatible import Admission, TooMany

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
pytestmark = ON_SQLITE


@pytest.fixture
async def doors(shop: Shop, storefront: Storefront) -> AsyncIterator[Doors]:
    async with doors_of(shop, storefront) as opened:
        yield opened


@pytest.fixture
async def http(doors: Doors) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(doors.url) as session:
        yield session


# dujiao-next: docs/api/integration-open-api, chapters 2 to 4, "Signature Implementation Examples".


async def dujiao(
    http: aiohttp.ClientSession, doors: Doors, method: str, path: str, body: dict[str, Any] | bytes | None = None, **headers: str | None
) -> tuple[int, dict[str, Any]]:
    path = f"/api/v1/upstream{path}"
    raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    timestamp = str(int(time.time()))
    sign_string = f"{method}\n{path.partition('?')[0]}\n{timestamp}\n{hashlib.md5(raw).hexdigest()}"
    sent: dict[str, str | None] = {
        "Dujiao-Next-Api-Key": doors.dujiao.key.name,
        "Dujiao-Next-Timestamp": timestamp,
        "Dujiao-Next-Signature": hmac.new(doors.dujiao.secret.encode(), sign_string.encode(), hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
        **{f"Dujiao-Next-{name.replace('_', '-')}": value for name, value in headers.items()},
    }
    async with http.request(method, path, data=raw, headers={name: value for name, value in sent.items() if value is not None}) as answer:
        said: dict[str, Any] = await answer.json()
        return answer.status, said


async def test_every_documented_call_of_dujiao_next_answers_with_the_documented_fields(
    doors: Doors, goods: Goods, http: aiohttp.ClientSession
) -> None:
    deep = await doors.shop.write(catalog.add_category, slug="deep", name="Deep", names={"zh-hans": "深"}, parent_id=goods.category_id)
    deeper = await doors.shop.write(catalog.add_category, slug="deeper", name="Deeper", parent_id=deep)
    await doors.shop.write(
        pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=9500, currency="CNY", wholesale_minor=9000
    )

    status, ping = await dujiao(http, doors, "POST", "/ping")
    assert status == 200
    assert ping == {
        "ok": True,
        "site_name": doors.storefront.name,
        "protocol_version": "1.0",
        "user_id": doors.reseller.id,
        "balance": "10000.00",
        "currency": "CNY",
        "member_level": None,
    }
    level = await add_level(doors.shop, doors.storefront, rank=2)
    facts: dict[str, Any] = {"storefront_id": doors.storefront.id, "customer_id": doors.reseller.id, "by": "telegram:1"}
    await doors.shop.write(resellers.take_in, **facts)
    await doors.shop.write(resellers.put_at_level, **facts, level_id=level.id, pinned=False)
    member = (await dujiao(http, doors, "POST", "/ping"))[1]["member_level"]
    assert (member["id"], member["slug"], member["name"]["zh-CN"], member["icon"]) == (level.id, "level-2", "Level 2", "")

    _, listed = await dujiao(http, doors, "GET", "/categories")
    by_id = {row["id"]: row for row in listed["categories"]}
    assert set(by_id[deep]) == {"id", "parent_id", "slug", "name", "icon", "sort_order"}
    assert by_id[goods.category_id]["parent_id"] == 0 and by_id[deep]["parent_id"] == goods.category_id
    # Two levels there: the third stands under the first, with its way as its name.
    assert by_id[deeper]["parent_id"] == goods.category_id and by_id[deeper]["name"]["zh-CN"] == "深 / Deeper"
    assert by_id[goods.category_id]["sort_order"] > by_id[deep]["sort_order"]

    _, page = await dujiao(http, doors, "GET", "/products?page=1&page_size=20")
    assert (page["ok"], page["total"], page["page"], page["page_size"]) == (True, 1, 1, 20)
    (product,) = page["items"]
    assert {
        "id", "slug", "title", "description", "content", "seo_meta", "images", "tags", "price_amount", "original_price", "member_price",
        "fulfillment_type", "manual_form_schema", "is_active", "category_id", "skus", "created_at", "updated_at",
    } == set(product)  # fmt: skip
    assert (product["id"], product["price_amount"], product["original_price"], product["member_price"]) == (
        goods.product_id, "90.00", "95.00", "90.00",
    )  # fmt: skip
    assert product["title"]["zh-CN"] == product["title"]["en-US"] == "Steam" and product["fulfillment_type"] == "auto"
    (sku,) = product["skus"]
    assert (sku["id"], sku["price_amount"], sku["stock_status"], sku["stock_quantity"], sku["is_active"]) == (
        goods.sku_id, "90.00", "in_stock", 40, True,
    )  # fmt: skip
    assert (await dujiao(http, doors, "GET", f"/products/{goods.product_id}"))[1] == {"ok": True, "product": product}
    assert (await dujiao(http, doors, "GET", "/products?page=2"))[1]["items"] == []

    bought = {
        "sku_id": goods.sku_id,
        "quantity": 2,
        "downstream_order_no": "A-20260301-001",
        "trace_id": "trace-1",
        "callback_url": "https://a-site.example.com/api/v1/upstream/callback",
    }
    status, order = await dujiao(http, doors, "POST", "/orders", bought)
    assert status == 200
    assert order == {
        "ok": True,
        "order_id": order["order_id"],
        "order_no": orders.number_of(order["order_id"]),
        "status": "paid",
        "amount": "180.00",
        "currency": "CNY",
    }
    assert type(order["order_id"]) is int
    # Another trace, another address: the same order.
    assert (await dujiao(http, doors, "POST", "/orders", {**bought, "trace_id": "trace-2"}))[1] == order

    _, looked = await dujiao(http, doors, "GET", f"/orders/{order['order_id']}")
    assert (looked["ok"], looked["status"], looked["amount"]) == (True, "delivered", "180.00")
    assert looked["items"] == [
        {
            "product_id": goods.product_id,
            "sku_id": goods.sku_id,
            "title": product["title"],
            "quantity": 2,
            "unit_price": "90.00",
            "total_price": "180.00",
            "fulfillment_type": "auto",
        }
    ]
    assert set(looked["fulfillment"]) == {"type", "status", "payload", "delivery_data", "delivered_at"}
    assert len(looked["fulfillment"]["payload"].splitlines()) == 2
    status, no = await dujiao(http, doors, "POST", f"/orders/{order['order_id']}/cancel")
    assert (status, no["ok"], no["error_code"]) == (409, False, "cancel_not_allowed")
    assert await doors.shop.read(ledger.balance, doors.reseller.wallet_id) == 1_000_000 - 18_000


async def test_every_documented_error_of_dujiao_next_has_its_status_and_its_word(
    doors: Doors, goods: Goods, http: aiohttp.ClientSession
) -> None:
    order = {"sku_id": goods.sku_id, "quantity": 1, "downstream_order_no": "E-1"}
    old = str(int(time.time()) - 61)
    for headers, code in (
        ({"Api_Key": None}, "missing_auth_headers"),
        ({"Timestamp": None}, "missing_auth_headers"),
        ({"Signature": None}, "missing_auth_headers"),
        ({"Timestamp": "soon"}, "invalid_timestamp"),
        ({"Timestamp": old}, "timestamp_expired"),
        ({"Signature": "0" * 64}, "invalid_signature"),
        ({"Api_Key": "nobody"}, "invalid_api_key"),
        ({"Api_Key": doors.acg.key.name}, "invalid_api_key"),
    ):
        status, no = await dujiao(http, doors, "POST", "/orders", order, **headers)
        assert (status, no["ok"], no["error_code"]) == (401, False, code) and no["error_message"]
    for change, status, code in (
        ({"quantity": 0}, 400, "bad_request"),
        ({"sku_id": "x"}, 400, "bad_request"),
        ({"callback_url": "http://192.168.1.1/cb"}, 400, "invalid_callback_url"),
        ({"sku_id": 999_999}, 400, "sku_unavailable"),
        ({"quantity": 41}, 409, "insufficient_stock"),
        ({"quantity": 10_001}, 400, "bad_request"),
        ({"manual_form_data": {"account": "1"}}, 400, "bad_request"),
    ):
        assert await refused(http, doors, {**order, **change}) == (status, code), change
    await doors.shop.write(
        pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=2_000_000, currency="CNY"
    )
    assert await refused(http, doors, order) == (402, "insufficient_balance")
    await doors.shop.write(catalog.change_product, goods.product_id, by="test", hidden=True)
    assert await refused(http, doors, order) == (400, "sku_unavailable")
    for path, code in (
        (f"/products/{goods.product_id}", "product_unavailable"),
        ("/products/999999", "product_not_found"),
        ("/products/x", "product_not_found"),
        ("/products/99999999999999999999", "product_not_found"),
        ("/orders/1", "order_not_found"),
        ("/orders/x", "order_not_found"),
    ):
        status, no = await dujiao(http, doors, "GET", path)
        assert (status, no["error_code"]) == (404, code)
    assert await doors.shop.read(ledger.balance, doors.reseller.wallet_id) == 1_000_000


async def refused(http: aiohttp.ClientSession, doors: Doors, body: dict[str, Any]) -> tuple[int, str]:
    status, no = await dujiao(http, doors, "POST", "/orders", body)
    assert no["ok"] is False
    return status, no["error_code"]


async def test_an_order_without_a_number_that_is_played_again_is_one_order(doors: Doors, goods: Goods, http: aiohttp.ClientSession) -> None:
    body = json.dumps({"sku_id": goods.sku_id, "quantity": 1}).encode()
    timestamp = str(int(time.time()))
    text = f"POST\n/api/v1/upstream/orders\n{timestamp}\n{hashlib.md5(body).hexdigest()}"
    recorded = {
        "Dujiao-Next-Api-Key": doors.dujiao.key.name,
        "Dujiao-Next-Timestamp": timestamp,
        "Dujiao-Next-Signature": hmac.new(doors.dujiao.secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
    }
    answers = []
    for _ in range(3):
        async with http.post("/api/v1/upstream/orders", data=body, headers=recorded) as answer:
            answers.append(await answer.json())
    assert answers[0]["ok"] is True and answers[0] == answers[1] == answers[2]
    assert await doors.shop.read(ledger.balance, doors.reseller.wallet_id) == 1_000_000 - 9500


# acg-faka: the sign of its Str::generateSignature, the fields that its client sends.


def php_sign(data: dict[str, Any], key: str) -> str:
    """md5(urldecode(http_build_query($data)) . "&key=" . $key) after ksort, without sign and without empty strings."""
    parts: list[str] = []
    for name in sorted(data):
        value = data[name]
        if name == "sign" or value == "" or value is None:
            continue
        parts += [f"{name}[{inner}]={each}" for inner, each in value.items()] if isinstance(value, dict) else [f"{name}={value}"]
    return hashlib.md5(f"{'&'.join(parts)}&key={key}".encode()).hexdigest()


async def acg(http: aiohttp.ClientSession, doors: Doors, path: str, /, sign: str | None = None, **data: Any) -> tuple[int, Any, str]:
    """Status code of the envelope, its data and its words."""
    sent = {**data, "app_id": data.get("app_id", doors.acg.key.name), "app_key": doors.acg.secret}
    sent["sign"] = php_sign(sent, doors.acg.secret) if sign is None else sign
    pairs: list[str] = []
    for name, value in sent.items():
        for key, each in [(f"{name}[{inner}]", one) for inner, one in value.items()] if isinstance(value, dict) else [(name, value)]:
            pairs.append(f"{quote_plus(key)}={quote_plus(str(each))}")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with http.post(f"/shared/{path}", data="&".join(pairs), headers=headers) as answer:
        said = await answer.json()
        return said["code"], said["data"], said["msg"]


TRADE: dict[str, Any] = {"contact": "buyer@example.com", "card_id": 0, "device": 0, "password": "", "race": ""}


async def test_every_call_of_acg_faka_s_client_answers_with_the_fields_it_reads(
    doors: Doors, goods: Goods, http: aiohttp.ClientSession
) -> None:
    assert await acg(http, doors, "authentication/connect") == (200, {"shopName": doors.storefront.name, "balance": "10000.00"}, "success")
    code, tree, _ = await acg(http, doors, "commodity/items")
    assert code == 200 and [row["name"] for row in tree] == ["Game cards"]
    (good,) = tree[0]["children"]
    assert {"id", "name", "code", "price", "user_price", "factory_price", "delivery_way", "contact_type", "password_status", "draft_status",
            "seckill_status", "cover", "description", "config", "stock", "minimum", "maximum", "widget"} <= set(good)  # fmt: skip
    assert (good["name"], good["user_price"], good["delivery_way"], good["stock"], good["widget"]) == ("Steam 50", "95.00", 0, 40, "[]")
    docking = good["code"]
    assert (await acg(http, doors, "commodity/item", code=docking))[1] == good
    _, held, _ = await acg(http, doors, "commodity/inventory", sharedCode=docking, race="")
    assert (held["count"], held["delivery_way"], held["is_category"], held["user_price"]) == (40, 0, False, "95.00")
    assert (await acg(http, doors, "commodity/stock", code=docking, race="", sku={}))[1] == {"stock": "40"}
    valued = await acg(http, doors, "commodity/valuation", code=docking, num=3, race="", card_id=0)
    assert valued[1] == {"price": "285.00", "currency_code": "CNY"}
    state = {"shared_code": docking, "card_id": 0, "num": 40, "race": ""}
    assert (await acg(http, doors, "commodity/inventoryState", **state))[0] == 200
    assert (await acg(http, doors, "commodity/inventoryState", **{**state, "num": 41}))[2] == "库存不足"
    assert (await acg(http, doors, "commodity/draftCard", code=docking, page=1, limit=10, race=""))[2] == "该商品不支持预选"

    trade = {**TRADE, "shared_code": docking, "num": 2, "request_no": "2603011200001", "备注": "甲 乙&=+"}
    # A field that these goods do not ask for is refused, not lost.
    assert (await acg(http, doors, "commodity/trade", **trade))[0] != 200
    del trade["备注"]
    code, sold, _ = await acg(http, doors, "commodity/trade", **trade)
    assert code == 200 and (sold["amount"], len(sold["secret"].splitlines())) == ("190.00", 2)
    # The same again: the old result. The real software answers an error here; a lost answer is found all the same.
    assert (await acg(http, doors, "commodity/trade", **trade))[1] == sold
    assert (await acg(http, doors, "commodity/trade", **{**trade, "num": 3}))[2] == "请求编号已存在，且内容不同"
    for by in ({"tradeNo": sold["tradeNo"]}, {"request_no": trade["request_no"]}):
        _, asked, _ = await acg(http, doors, "commodity/query", **by)
        assert (asked["secret"], asked["status"], asked["widget"]) == (sold["secret"], 1, None)
    assert await doors.shop.read(ledger.balance, doors.reseller.wallet_id) == 1_000_000 - 2 * 9500


async def test_every_no_of_acg_faka_is_said_in_its_own_words(doors: Doors, goods: Goods, http: aiohttp.ClientSession) -> None:
    trade = {**TRADE, "shared_code": f"S{goods.sku_id}", "num": 1, "request_no": "R-1"}
    for change, words in (
        ({"app_id": "1001"}, "商户ID不存在"),
        ({"app_id": doors.dujiao.key.name}, "商户ID不存在"),
        ({"sign": "0" * 32}, "密钥错误"),
        ({"sign": ""}, "密钥错误"),
        ({"shared_code": "S999999"}, "商品不存在"),
        ({"shared_code": "A1B2"}, "商品不存在"),
        ({"race": "月卡"}, "商品不存在"),
        ({"sku": {"颜色": "红"}}, "商品不存在"),
        ({"num": 41}, "库存不足"),
        ({"num": 0}, "购买数量格式错误"),
        ({"request_no": ""}, "请填写请求编号"),
        ({"card_id": 7}, "该商品不支持预选"),
    ):
        code, _, msg = await acg(http, doors, "commodity/trade", **{**trade, **change})
        assert code != 200 and words in msg, (change, msg)
    await doors.shop.write(
        pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=2_000_000, currency="CNY"
    )
    assert "余额不足" in (await acg(http, doors, "commodity/trade", **trade))[2]
    await doors.shop.write(catalog.change_product, goods.product_id, by="test", hidden=True)
    for path, field in (("trade", "shared_code"), ("item", "code"), ("inventory", "sharedCode"), ("inventoryState", "shared_code")):
        assert "当前商品已停售" in (await acg(http, doors, f"commodity/{path}", **{**trade, field: f"S{goods.sku_id}"}))[2]
    assert "订单不存在" in (await acg(http, doors, "commodity/query", tradeNo="1234567"))[2]
    assert await doors.shop.read(ledger.balance, doors.reseller.wallet_id) == 1_000_000


# Whatever comes from the street.


async def test_broken_requests_are_refused_in_the_protocol_s_form_and_change_nothing(
    doors: Doors, goods: Goods, http: aiohttp.ClientSession, clock: Clock
) -> None:
    chance = random.Random(7)

    def noise() -> bytes:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(60)))

    good = json.dumps({"sku_id": goods.sku_id, "quantity": 1, "downstream_order_no": "F-1"}).encode()
    form = f"shared_code=S{goods.sku_id}&num=1&request_no=F-1&app_id={doors.acg.key.name}&app_key=x".encode()
    for turn in range(25):
        # Signed and broken, or whole and not signed.
        body = good[: chance.randrange(len(good))] + noise()
        status, said = await dujiao(http, doors, "POST", "/orders", body)
        assert (status, said["ok"], said["error_code"]) == (400, False, "bad_request"), turn
        status, said = await dujiao(http, doors, "POST", "/orders", good, Signature=f"{chance.getrandbits(256):064x}")
        assert (status, said["error_code"]) == (401, "invalid_signature")
        for sent in (noise(), form + b"&" + noise(), form + b"&sign=" + noise().hex().encode()):
            async with http.post("/shared/commodity/trade", data=sent) as answer:
                said = await answer.json()
                assert answer.status == 200 and said["code"] != 200 and said["msg"] in ("商户ID不存在", "密钥错误", "请求格式错误")
    async with http.post("/shared/commodity/trade", data=io.BytesIO(b"a=" + b"b" * (1 << 20))) as answer:
        assert answer.status == 413
    assert await doors.shop.read(ledger.balance, doors.reseller.wallet_id) == 1_000_000
    assert await doors.shop.read(api.find_order, key_id=doors.dujiao.key.id, number="F-1") is None


async def test_a_key_is_let_in_so_often_a_minute_and_only_who_can_sign_is_counted(doors: Doors, goods: Goods) -> None:
    admission = Admission(doors.shop, api.Form.DUJIAO, ApiDoor(per_minute=3))
    request = Request({"type": "http", "client": ("127.0.0.1", 1), "headers": []})
    for _ in range(10):
        assert await admission.find(doors.dujiao.key.name) is not None

    async def seven() -> None:
        for _ in range(7):  # a minute may begin in between
            await admission.enter(doors.dujiao.key, request)

    with pytest.raises(TooMany) as many:
        await seven()
    assert 0 < many.value.seconds <= 60
    await admission.enter(doors.acg.key, request)
    used = await doors.shop.read(api.one_key, key_id=doors.dujiao.key.id, customer_id=doors.reseller.id)
    assert used.used_from == "127.0.0.1"
    for name in ("", "nobody", "a" * 65, "甲", "a\x00b", doors.acg.key.name):
        assert await admission.find(name) is None
