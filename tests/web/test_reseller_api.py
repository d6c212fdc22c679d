"""The reseller API over real HTTP: who may come in, what is said, and that nothing that is sent breaks it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from bot.serving import Serving
from core import api, orders
from core.api import Form, NewKey, Scope
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import balance
from tests.programs import key_for, reseller
from tests.stage import Clock, Goods
from web.api import ApiDoor, OwnMemory
from web.app import make_app

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Json = dict[str, Any]


def signature(secret: str, stamp: str, nonce: str, verb: str, path: str, body: bytes) -> str:
    """Written from docs/reseller-api.md, and not from the shop's own code."""
    text = f"{stamp}\n{nonce}\n{verb}\n{path}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def signature_md5(secret: str, stamp: str, nonce: str, verb: str, path: str, body: bytes) -> str:
    text = f"{stamp}\n{nonce}\n{verb}\n{path}\n{hashlib.md5(body).hexdigest()}\n{secret}"
    return hashlib.md5(text.encode()).hexdigest()


@dataclass
class Program:
    """A reseller's program: it signs what it sends."""

    http: aiohttp.ClientSession
    made: NewKey
    last: Any = None

    def headers(self, verb: str, path: str, body: bytes = b"", **changed: str) -> dict[str, str]:
        stamp, nonce = changed.pop("stamp", str(int(time.time()))), changed.pop("nonce", secrets.token_hex(16))
        sign = signature_md5 if self.made.key.form is Form.MD5 else signature
        return {
            "Shop-Key": self.made.key.name,
            "Shop-Timestamp": stamp,
            "Shop-Nonce": nonce,
            "Shop-Signature": sign(self.made.secret, stamp, nonce, verb, path, body),
            **changed,
        }

    async def ask(self, verb: str, path: str, document: Any = None, *, body: Any = None, **changed: Any) -> tuple[int, Json]:
        sent = body if body is not None else b"" if document is None else json.dumps(document).encode()
        to = f"/api/v1{path}"
        async with self.http.request(verb, _as_sent(to), data=sent or None, headers=self.headers(verb, to, sent, **changed)) as answer:
            self.last = answer.headers
            return answer.status, json.loads(await answer.read())


def _as_sent(path: str) -> Any:
    return URL(path, encoded=True)


def order(number: str, quantity: int = 1, **more: Any) -> Json:
    return {"number": number, "item": ITEM["key"], "quantity": quantity, **more}


ITEM: dict[str, str] = {}


@pytest.fixture
def door() -> ApiDoor:
    return ApiDoor(OwnMemory(since=0), key_seconds=0)


@pytest.fixture
async def http(shop: Shop, door: ApiDoor) -> AsyncIterator[aiohttp.ClientSession]:
    serving = Serving(make_app(shop, api=door), "127.0.0.1", 0)
    await serving.open()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as session:
        yield session
    await serving.close()


@pytest.fixture
async def owner(shop: Shop, storefront: Storefront) -> Customer:
    return await reseller(shop, storefront)


@pytest.fixture
async def program(shop: Shop, owner: Customer, goods: Goods, http: aiohttp.ClientSession) -> Program:
    made = await key_for(shop, owner)
    ITEM["key"] = (await shop.read(api.item, key_id=made.key.id, sku_id=goods.sku_id)).key
    return Program(http, made)


def code(answer: tuple[int, Json]) -> tuple[int, int]:
    assert set(answer[1]["error"]) == {"code", "name", "message", "retryable", "final"}
    return answer[0], answer[1]["error"]["code"]


# Who may come in


@on_sqlite
async def test_the_worked_example_of_the_documents(shop: Shop) -> None:
    body = b'{"number":"T00000001","item":"steam-50","quantity":2,"max_cost":"18.00","currency":"CNY","partial":true}'
    facts = ("c0ffee", "1700000000", "0123456789abcdef0123456789abcdef", "POST", "/api/v1/orders", body)

    assert api.sign(*facts) == signature(*facts) == "43a2980f6d5bb869afcadfb566a1e9e9ec7c0648d16077bb430733f3c1a56d93"
    assert api.sign_md5(*facts) == signature_md5(*facts)


@on_sqlite
async def test_only_what_is_signed_fresh_and_new_comes_in(program: Program) -> None:
    assert (await program.ask("GET", "/ping"))[0] == 200
    assert code(await program.ask("GET", "/ping", **{"Shop-Key": "sk_nobody"})) == (401, 1001)
    assert code(await program.ask("GET", "/ping", **{"Shop-Signature": "0" * 64})) == (401, 1002)
    assert code(await program.ask("GET", "/ping", **{"Shop-Signature": "ü"})) == (401, 1002)
    for stamp in (str(int(time.time()) - 61), str(int(time.time()) + 90), "0", "now", "", "9" * 40):
        assert code(await program.ask("GET", "/ping", stamp=stamp)) == (401, 1003)
    for nonce in ("short", "x" * 65, "with a blank in it all"):
        assert code(await program.ask("GET", "/ping", nonce=nonce)) == (400, 1000)
    assert (await program.ask("GET", "/ping", nonce="a" * 32))[0] == 200
    assert code(await program.ask("GET", "/ping", nonce="a" * 32)) == (401, 1004)
    # What is signed is exactly what is sent.
    to, body = "/api/v1/orders", json.dumps(order("A-1")).encode()
    async with program.http.post(to, data=body + b" ", headers=program.headers("POST", to, body)) as answer:
        assert answer.status == 401
    async with program.http.get("/api/v1/items?limit=2", headers=program.headers("GET", "/api/v1/items?limit=1")) as answer:
        assert answer.status == 401


@on_sqlite
async def test_requests_from_before_a_process_without_shared_memory_began_are_refused(shop: Shop, program: Program, door: ApiDoor) -> None:
    door.memory = OwnMemory(since=time.time() + 30)

    assert code(await program.ask("GET", "/ping")) == (401, 1003)


@on_sqlite
async def test_an_address_that_is_not_allowed_stays_outside(shop: Shop, owner: Customer, program: Program) -> None:
    mine: dict[str, Any] = {"key_id": program.made.key.id, "customer_id": owner.id, "by": "test"}
    await shop.write(api.allow_addresses, **mine, addresses=["203.0.113.0/24"])
    assert code(await program.ask("GET", "/ping")) == (403, 1005)
    await shop.write(api.allow_addresses, **mine, addresses=["127.0.0.0/8"])
    assert (await program.ask("GET", "/ping"))[0] == 200
    assert (await shop.read(api.one_key, key_id=program.made.key.id, customer_id=owner.id)).used_from == "127.0.0.1"


@on_sqlite
async def test_who_asks_too_often_is_told_when_to_come_again(shop: Shop, program: Program, owner: Customer) -> None:
    serving = Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0), per_minute=3)), "127.0.0.1", 0)
    await serving.open()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as session:
            one = Program(session, program.made)
            found = []
            # A minute may turn over in between, once.
            for _ in range(8):
                answer = await one.ask("GET", "/ping")
                found.append((answer[0], one.last["X-RateLimit-Limit"], "Retry-After" in one.last))
            assert (429, "3", True) in found and (200, "3", False) in found
            assert 0 < int(one.last["X-RateLimit-Reset"]) <= 60
            other = Program(session, await key_for(shop, owner))
            assert (await other.ask("GET", "/ping"))[0] == 200
    finally:
        await serving.close()


@on_sqlite
async def test_the_older_form_is_for_keys_that_were_made_so_alone(shop: Shop, owner: Customer, program: Program) -> None:
    older = Program(program.http, await key_for(shop, owner, form=Form.MD5))
    assert (await older.ask("POST", "/orders", order("A-1")))[0] == 201

    stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    weak = signature_md5(program.made.secret, stamp, nonce, "GET", "/api/v1/me", b"")
    assert code(await program.ask("GET", "/me", stamp=stamp, nonce=nonce, **{"Shop-Signature": weak})) == (401, 1002)
    foreign = Program(program.http, await key_for(shop, owner, form=Form.DUJIAO))
    assert code(await foreign.ask("GET", "/me")) == (401, 1001)


# What is said


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
async def test_a_whole_purchase(shop: Shop, owner: Customer, program: Program) -> None:
    assert (await program.ask("GET", "/me"))[1] == {
        "name": owner.name,
        "currency": "CNY",
        "balance": "10000.00",
        "available": "10000.00",
    }
    status, items = await program.ask("GET", "/items?limit=1")
    [item] = items["items"]
    assert (status, item["price"], item["stock"], item["key"]) == (200, "95.00", 40, ITEM["key"])
    status, quoted = await program.ask("GET", f"/quote?item={ITEM['key']}&quantity=2")
    assert (status, quoted["total"], quoted["available"]) == (200, "190.00", 2)

    asked = order("A-1", 2, max_cost="190.00", currency="CNY", partial=False)
    status, made = await program.ask("POST", "/orders", asked)
    assert (status, made["state"], made["amount"], made["got"], made["repeated"]) == (201, "done", "190.00", 2, False)
    status, again = await program.ask("POST", "/orders", asked)
    assert (status, again["repeated"], again["id"]) == (200, True, made["id"])
    assert code(await program.ask("POST", "/orders", {**asked, "quantity": 3})) == (409, 5002)
    for number in ("A-1", made["id"], made["id"].lower()):
        assert (await program.ask("GET", f"/orders?number={number}"))[1]["id"] == made["id"]
    assert code(await program.ask("GET", "/orders?number=A-2")) == (404, 5001)
    assert code(await program.ask("POST", "/orders/cancel", {"number": "A-1"})) == (409, 5003)

    status, page = await program.ask("GET", f"/orders/{made['id']}/codes?limit=1")
    assert program.last["Cache-Control"] == "no-store" and len(page["codes"]) == 1 and page["next"]
    status, rest = await program.ask("GET", f"/orders/{made['id']}/codes?limit=1&after={page['next']}")
    assert rest["next"] is None and rest["codes"][0]["secret"] != page["codes"][0]["secret"]
    assert [one.cause for one in await shop.read(orders.shown, orders.order_id_of(made["id"]) or 0)] == [orders.RevealCause.FETCHED] * 2

    status, case = await program.ask(
        "POST", "/cases", {"order": "A-1", "code": page["codes"][0]["id"], "reason": "used", "text": "used before"}
    )
    assert (status, case["state"], case["order_id"]) == (201, "open", made["id"])
    assert (await program.ask("GET", f"/cases/{case['id']}"))[1] == case
    assert (await program.ask("GET", "/cases"))[1] == {"cases": [case], "next": None}
    day = time.strftime("%Y-%m-%d", time.gmtime())
    status, statement = await program.ask("GET", f"/statement?day={day}")
    assert (statement["lines"][-1]["amount"], statement["closing"]) == ("-190.00", "9810.00")
    to = f"/api/v1/statement?day={day}&format=csv"
    async with program.http.get(to, headers=program.headers("GET", to)) as answer:
        rows = (await answer.text()).splitlines()
        assert rows[0] == "at,kind,amount,balance,number,id" and rows[-1].endswith(f"-190.00,9810.00,A-1,{made['id']}")


@on_sqlite
async def test_what_makes_no_sense_is_1000_with_a_sentence_that_says_where(program: Program) -> None:
    good = order("A-1")
    for wrong in (
        b"",
        b"[]",
        b"{",
        b'{"number": "A-1"}',
        json.dumps({**good, "quantity": "1"}).encode(),
        json.dumps({**good, "quantity": 0}).encode(),
        json.dumps({**good, "quantity": True}).encode(),
        json.dumps({**good, "more": 1}).encode(),
        json.dumps({**good, "max_cost": "1.00"}).encode(),
        json.dumps({**good, "max_cost": "1.00", "currency": "USD"}).encode(),
        json.dumps({**good, "max_cost": "1.001", "currency": "CNY"}).encode(),
        json.dumps({**good, "max_cost": 1.5, "currency": "CNY"}).encode(),
        json.dumps({**good, "number": "a b"}).encode(),
        json.dumps({**good, "callback_url": "javascript:alert(1)"}).encode(),
        b"\xff\xfe",
        b'{"number": "A-1", "number": "A-2"',
        b"[" * 60_000,
        b"x" * 70_000,
    ):
        status, said = await program.ask("POST", "/orders", body=wrong)
        assert (status, said["error"]["code"], said["error"]["final"]) == (400, 1000, True), wrong[:60]
        assert len(said["error"]["message"]) > 10
    for path in ("/items?limit=0", "/items?limit=x", "/items?after=nonsense", "/statement?day=2026-02-30", "/orders", "/changes?after=!"):
        assert code(await program.ask("GET", path)) == (400, 1000), path
    assert code(await program.ask("GET", "/nowhere")) == (404, 1007)
    assert code(await program.ask("DELETE", "/me")) == (405, 1007)
    assert code(await program.ask("GET", "/items/nothing")) == (404, 2001)
    assert code(await program.ask("POST", "/orders", {**good, "item": "nothing"})) == (404, 2001)


@on_sqlite
async def test_no_secret_and_no_code_is_in_a_log(program: Program, capfd: pytest.CaptureFixture[str], shop: Shop) -> None:
    made = (await program.ask("POST", "/orders", order("A-1")))[1]
    [found] = (await program.ask("GET", f"/orders/{made['id']}/codes"))[1]["codes"]
    await program.ask("POST", "/orders", body=b'{"fields": {"account": "13812345678"}}')
    await program.ask("GET", "/me", **{"Shop-Signature": "0" * 64})

    said = "".join(capfd.readouterr())
    assert program.made.secret not in said and found["secret"] not in said and "13812345678" not in said


@on_sqlite
async def test_a_sandbox_key_is_answered_like_a_real_one(shop: Shop, owner: Customer, program: Program) -> None:
    trial = Program(program.http, await key_for(shop, owner, sandbox=True))
    assert code(await trial.ask("POST", "/orders", order("T-out-of-stock"))) == (409, 3001)
    assert code(await trial.ask("POST", "/orders", order("T-error"))) == (500, 9000)
    status, again = await trial.ask("POST", "/orders", order("T-error"))
    assert (status, again["state"], again["repeated"]) == (200, "done", True)
    codes = (await trial.ask("GET", f"/orders/{again['id']}/codes"))[1]["codes"]
    assert codes[0]["secret"].startswith("SANDBOX-") and await balance(shop, owner) == 1_000_000


@on_sqlite
async def test_what_a_scope_does_not_allow_is_refused_on_every_path(shop: Shop, owner: Customer, program: Program, clock: Clock) -> None:
    none = Program(program.http, await key_for(shop, owner, scopes=set()))
    for verb, path, document in (
        ("GET", "/me", None),
        ("GET", "/items", None),
        ("GET", f"/items/{ITEM['key']}", None),
        ("POST", f"/items/{ITEM['key']}/check", {"fields": {}}),
        ("GET", f"/quote?item={ITEM['key']}", None),
        ("GET", "/changes", None),
        ("POST", "/orders", order("A-1")),
        ("GET", "/orders?number=A-1", None),
        ("POST", "/orders/cancel", {"number": "A-1"}),
        ("GET", "/orders/A-1/codes", None),
        ("POST", "/cases", {"order": "A-1", "code": "1", "reason": "used"}),
        ("GET", "/cases", None),
        ("GET", "/cases/1", None),
        ("GET", "/statement?day=2026-01-31", None),
    ):
        assert code(await none.ask(verb, path, document)) == (403, 1005), path
    assert Scope.READ


# The schema and the page


@on_sqlite
async def test_the_schema_is_openapi_3_1_and_the_page_loads_nothing(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/openapi.json") as answer:
        document = await answer.json()
    assert document["openapi"].startswith("3.1") and document["servers"] == [{"url": "/api/v1"}]
    assert set(document["security"][0]) == {"ShopKey", "ShopTimestamp", "ShopNonce", "ShopSignature"}
    async with http.get("/api/v1/docs") as answer:
        page = await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in page and not re.search(r'(src|href)="(?!#|openapi\.json)', page)
    for path in document["paths"]:
        assert path in page
    for band in api.BANDS:
        assert band.name in page


def _values(schema: Json, document: Json) -> st.SearchStrategy[Any]:
    """What the schema allows, and now and then something it does not."""
    if "$ref" in schema:
        return _values(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return st.one_of([_values(each, document) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        known = schema.get("properties", {})
        if not known:
            return st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
        needed = {name: _values(each, document) for name, each in known.items() if name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional={name: _values(each, document) for name, each in known.items() if name not in needed})
    made: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(schema.get("minimum", -3), min(schema.get("maximum", 30), 30)),
        "boolean": st.booleans(),
        "null": st.none(),
        "string": st.from_regex(schema["pattern"], fullmatch=True).map(lambda s: s[:64]) if "pattern" in schema else st.text(max_size=12),
    }
    wrong = st.one_of(st.none(), st.integers(), st.text(max_size=4), st.lists(st.integers(), max_size=2), st.booleans())
    return st.one_of(made[kind], made[kind], made[kind], wrong) if kind in made else wrong


@on_sqlite
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_whatever_the_schema_allows_or_not_is_answered_as_it_says(program: Program, data: st.DataObject) -> None:
    """Every path with drawn parameters and bodies: never a 500, and each answer has the shape that the schema promises for its status."""
    async with program.http.get("/api/v1/openapi.json") as answer:
        document = await answer.json()
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            to, query = path, []
            for one in operation.get("parameters", ()):
                value = data.draw(_values(one["schema"], document), label=f"{path} {one['name']}")
                text = "" if value is None else str(value).encode("utf-8", "replace").decode()
                if one["in"] == "path":
                    to = to.replace("{" + one["name"] + "}", quote(ITEM["key"] if data.draw(st.booleans()) else text or "x", safe=""))
                elif one.get("required") or data.draw(st.booleans()):
                    query.append(f"{one['name']}={quote(text, safe='')}")
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            document_sent = None if body is None else data.draw(_values({"$defs": {}, **body}, document), label=path)
            if isinstance(document_sent, dict) and data.draw(st.booleans()):
                document_sent = {**document_sent, **({"item": ITEM["key"]} if "item" in document_sent else {})}
            sent = b"" if body is None else json.dumps(document_sent).encode()
            full = f"/api/v1{to}{'?' + '&'.join(query) if query else ''}"
            headers = program.headers(verb.upper(), full, sent)
            async with program.http.request(verb.upper(), _as_sent(full), data=sent or None, headers=headers) as answer:
                got = await answer.read()
                assert answer.status < 500 and answer.status != 422, (full, sent, got)
                if answer.status >= 400:
                    assert answer.status in {band.status for band in api.BANDS} | {405}
                    assert json.loads(got)["error"]["code"] in {band.code for band in api.BANDS}
                else:
                    said = operation["responses"][str(answer.status)]["content"]
                    kind = answer.content_type
                    assert kind in said, (full, kind)
                    if kind == "application/json":
                        _fits(json.loads(got), said[kind]["schema"], document)


def _fits(value: Any, schema: Json, document: Json) -> None:
    """The answer has what the schema promises, and nothing that it does not know."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        assert any(_does_fit(value, each, document) for each in schema["anyOf"]), (value, schema)
        return
    kinds: dict[str, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "null": type(None),
    }
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
    if "enum" in schema:
        assert value in schema["enum"]
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), (value, schema)
    for name, each in schema.get("properties", {}).items():
        assert name in value or name not in schema.get("required", ())
        if name in value:
            _fits(value[name], each, document)
    if isinstance(value, list) and "items" in schema:
        for each in value:
            _fits(each, schema["items"], document)


def _does_fit(value: Any, schema: Json, document: Json) -> bool:
    try:
        _fits(value, schema, document)
    except AssertionError:
        return False
    return True
