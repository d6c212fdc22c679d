"""Whatever comes to the doors of payments from the street: nothing of it is believed, nothing breaks, nothing is written down."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

import core.schema  # noqa: F401 - all tables
from bot.asking import Asker
from connectors.payments import methods
from core import orders, payments
from core.database import Base, Shop, read
from core.ports import Created, TelegramCalls
from tests.stage import Goods, person
from web.app import BODY_BYTES, make_app

NOBODY = "http://127.0.0.1:9"  # Who is asked there does not answer, and the door would say 503.
SET_UP = {
    "SHOP_PUBLIC_URL": "https://shop.example",
    "SHOP_EPAY_URL": NOBODY,
    "SHOP_EPAY_PID": "1001",
    "SHOP_EPAY_KEY": "the-true-key-of-this-merchant",
    "SHOP_CRYPTO_PAY_URL": NOBODY,
    "SHOP_CRYPTO_PAY_TOKEN": "1001:AAthe-true-token-of-this-app",
    "SHOP_CRYPTO_PAY_CURRENCY": "CNY",
    "SHOP_STRIPE_URL": NOBODY,
    "SHOP_STRIPE_KEY": "sk_test_theTrueKey",
    "SHOP_STRIPE_WEBHOOK_SECRET": "whsec_theTrueSecret",
    "SHOP_TRANSFER_WORDS": "To the bank.",
}
NO_TELEGRAM = cast(TelegramCalls, None)
# Telegram's own come as updates; the ways of one epay merchant differ in their name alone.
WAYS = sorted(name for name in methods(NO_TELEGRAM, SET_UP) if name not in ("stars", "epay-wxpay", "epay-qqpay"))
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@dataclass(frozen=True)
class Knock:
    """A request as it comes over the wire."""

    verb: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    chunks: tuple[bytes, ...]


@read
def everything(session: Session) -> dict[str, list[Any]]:
    """Every row of every table."""
    return {name: sorted(map(repr, session.execute(text(f'SELECT * FROM "{name}"')))) for name in Base.metadata.tables}


@dataclass
class Street:
    """The doors, and a payment for every one of them that is waited for."""

    app: FastAPI
    open_payments: list[int]

    async def knocks(self, way: str, knock: Knock) -> tuple[int, bytes]:
        """One request straight into the application: bytes that no decent client would send get there too."""
        path = f"/pay/{way}"
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": knock.verb,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": knock.query,
            "headers": list(knock.headers),
            "client": ("203.0.113.9", 4711),
            "server": ("127.0.0.1", 80),
        }
        coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in knock.chunks]
        coming.append({"type": "http.request", "body": b"", "more_body": False})
        said: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return coming.pop(0) if coming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        return said[0]["status"], b"".join(part.get("body", b"") for part in said[1:])


@pytest.fixture
async def street(shop: Shop, goods: Goods) -> AsyncIterator[Street]:
    ways = methods(NO_TELEGRAM, SET_UP)
    asker = Asker(shop, goods.storefront, cast(Any, None), ways)
    waiting = []
    for number, name in enumerate(WAYS):
        buyer = await person(shop, goods.storefront)
        placed = await shop.write(
            orders.place,
            buyer_id=buyer.id,
            quantity=1,
            once=f"street:{number}",
            provider=name,
            pay_currency="CNY",
            seconds=1800,
            by_task=True,
            **goods.terms(),
        )
        await shop.write(payments.created, intent_id=placed.intent.id, how=Created(f"ref-{number}"), poll=True)
        waiting.append(placed.intent.id)
    before = await shop.read(everything)
    yield Street(make_app(shop, payments={name: asker.till(ways[name]) for name in WAYS}), waiting)
    assert await shop.read(everything) == before, "something was written down"
    for way in ways.values():
        await way.close()


# What is knocked with.

NAMES = ["pid", "trade_no", "out_trade_no", "type", "name", "money", "trade_status", "sign", "sign_type", "param", "", "a[]", "%00"]
WORDS = st.sampled_from(["1001", "1", "TRADE_SUCCESS", "95.00", "-1", "1e9", "NaN", "٩٥", "MD5", "alipay", "\x00", "é", "'--", "A" * 5000])
JUNK = st.one_of(st.binary(max_size=60), st.sampled_from([b"\xff\xfe", b"%", b"%zz", b"%ff%fe", b"\x00", b"=&=&", b"&" * 500, b"a=" * 400]))


@st.composite
def reports(draw: st.DrawFn) -> dict[str, str]:
    """Fields as epay writes them, signed by somebody who does not know the key."""
    fields = {"pid": "1001", "trade_no": "2026", "out_trade_no": f"{draw(st.integers(0, 9))}", "type": "alipay", "money": "95.00"}
    fields |= {"name": "x", "trade_status": "TRADE_SUCCESS", "sign_type": "MD5"}
    fields |= draw(st.dictionaries(st.sampled_from(NAMES), WORDS, max_size=4))
    line = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name not in ("sign", "sign_type"))
    guess = draw(st.sampled_from(["", "key", "1001"]))
    return {**fields, "sign": hashlib.md5((line + guess).encode(), usedforsecurity=False).hexdigest()}


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Bodies as Crypto Pay and Stripe send them, and what only looks so from afar."""
    number = draw(st.integers(-1, 10**20) | st.none() | st.text(max_size=5))
    said: Any = draw(
        st.sampled_from(
            [
                {
                    "update_type": "invoice_paid",
                    "request_date": "2026-01-01T00:00:00Z",
                    "payload": {"invoice_id": number, "status": "paid"},
                },
                {"update_type": "invoice_paid", "payload": []},
                {"type": "checkout.session.completed", "data": {"object": {"id": number, "client_reference_id": "1"}}},
                {"id": "evt_1", "type": "charge.refunded", "data": {"object": None}},
                [],
                None,
                "paid",
                12,
            ]
        )
    )
    whole = json.dumps(said).encode()
    cut = draw(st.integers(0, len(whole)))
    return draw(
        st.sampled_from(
            [
                whole,
                whole[:cut],
                whole + whole,
                json.dumps(said).encode("utf-16"),
                b"\xef\xbb\xbf" + whole,
                b"[" * 50_000,
                b'{"a":' * 20_000,
            ]
        )
    )


@st.composite
def knocks(draw: st.DrawFn) -> Knock:
    """A forged or malformed request: another verb, forms and documents without a true signature, junk, and far too much."""
    verb = draw(st.sampled_from(["GET", "POST", "GET", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", ""]))
    form = urlencode(draw(reports())).encode()
    query = draw(st.sampled_from([b"", form]) | JUNK)
    body = draw(st.sampled_from([b"", form]) | documents() | JUNK)
    if draw(st.integers(0, 40)) == 0:
        body = b" " * (BODY_BYTES + 1)
    mark = draw(st.sampled_from(["", "0" * 64, "é", "v1=", "\x00"]))
    signatures = [
        (b"stripe-signature", f"t={int(time.time())},v1={mark or 'a' * 64}".encode()),
        (b"stripe-signature", b"t=99999999999999999999,v1=" + b"f" * 64),
        (b"stripe-signature", mark.encode()),
        (b"crypto-pay-api-signature", mark.encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-type", b"application/x-www-form-urlencoded; charset=\xff"),
        (b"content-type", b"multipart/form-data"),
        (b"content-type", b"application/json; charset=utf-7"),
        (b"content-encoding", b"gzip"),
        (b"content-length", b"-1"),
        (b"content-length", b"9" * 30),
        (b"content-length", "٩".encode()),
        (b"x-junk", b"\xff" * 3000),
    ]
    headers = tuple(draw(st.lists(st.sampled_from(signatures), max_size=5)))
    at = draw(st.integers(0, len(body)))
    return Knock(verb, query, headers, (body[:at], body[at:]))


THOUSAND = settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@on_sqlite
@THOUSAND
@given(knock=knocks())
async def test_a_thousand_forgeries_at_each_door_are_refused_and_leave_no_trace(street: Street, knock: Knock) -> None:
    for way in WAYS:
        status, said = await street.knocks(way, knock)
        assert status in (400, 405, 413), f"{way} answers {status} to {knock}"
        assert b"Traceback" not in said and b"true" not in said.lower(), "no secret, and nothing of the house"
        assert said != b"success"
    assert (await street.knocks("no-such-way", knock))[0] in (404, 405)


@on_sqlite
async def test_a_true_signature_would_have_been_heard(street: Street) -> None:
    """The knocks above fail for want of a secret and not by their form: signed with the key, the door asks the gateway."""
    fields = {"pid": "1001", "trade_no": "2026", "out_trade_no": f"{street.open_payments[1]}", "type": "alipay", "money": "95.00"}
    fields |= {"name": "x", "trade_status": "TRADE_SUCCESS"}
    line = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    sign = hashlib.md5((line + SET_UP["SHOP_EPAY_KEY"]).encode(), usedforsecurity=False).hexdigest()
    query = urlencode({**fields, "sign": sign, "sign_type": "MD5"}).encode()

    assert await street.knocks("epay-alipay", Knock("GET", query, (), ())) == (503, b"fail")
