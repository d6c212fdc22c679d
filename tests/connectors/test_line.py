"""The line to a provider, against servers that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest
from aiohttp import web

from connectors.line import Line, address, minor_of, read_json
from connectors.settings import SetUpWrong
from core.ports import NotSure

SECRET = "KEY-nobody-may-see"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def served() -> AsyncIterator[Callable[[Handler], Awaitable[Line]]]:
    runners: list[web.AppRunner] = []
    lines: list[Line] = []

    async def serve(handler: Handler) -> Line:
        app = web.Application()
        app.router.add_route("*", "/base/{path}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        line = Line("somebody", f"http://127.0.0.1:{runner.addresses[0][1]}/base/", headers={"x-key": SECRET}, seconds=0.4, most_bytes=1000)
        runners.append(runner)
        lines.append(line)
        return line

    yield serve
    for line in lines:
        await line.close()
    for runner in runners:
        await runner.cleanup()


async def _500(request: web.Request) -> web.StreamResponse:
    return web.json_response({"ok": True}, status=500)


async def _429(request: web.Request) -> web.StreamResponse:
    return web.json_response({"ok": True}, status=429)


async def _away(request: web.Request) -> web.StreamResponse:
    if request.path == "/base/other":
        return web.json_response({"ok": True})  # Whoever follows is given an answer, and has given the key away.
    raise web.HTTPFound("/base/other")


async def _page(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<h1>Maintenance</h1>")


async def _list(request: web.Request) -> web.StreamResponse:
    return web.Response(text="[1, 2]")


async def _nan(request: web.Request) -> web.StreamResponse:
    return web.Response(text='{"money": NaN}')


async def _latin(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"a": "\xff"}')


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(100):
        await response.write(b" " * 1000)
    return response


async def _bomb(request: web.Request) -> web.StreamResponse:
    return web.Response(body=gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"})


async def _broken_gzip(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"not gzip", headers={"Content-Encoding": "gzip"})


async def _slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.json_response({})


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(50):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def _hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    "handler",
    [_500, _429, _away, _page, _list, _nan, _latin, _endless, _bomb, _broken_gzip, _slow, _drip, _hang_up],
    ids=lambda h: h.__name__,
)
async def test_what_is_no_answer_is_not_sure_and_shows_no_secret(served: Callable[[Handler], Awaitable[Line]], handler: Handler) -> None:
    line = await served(handler)

    with pytest.raises(NotSure) as caught:
        await line.get("x.php", {"key": SECRET})

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert SECRET not in shown
    # Whoever prints the error behind this one would print the address, and the key with it.
    assert caught.value.__context__ is None and caught.value.__cause__ is None
    assert str(caught.value).startswith("somebody: ")


async def test_a_provider_that_is_not_there_is_not_sure() -> None:
    line = Line("somebody", "http://127.0.0.1:9", seconds=1)
    with pytest.raises(NotSure):
        await line.post("x", form={"key": SECRET})
    await line.close()


async def test_a_no_with_reasons_is_an_answer(served: Callable[[Handler], Awaitable[Line]]) -> None:
    async def no(request: web.Request) -> web.StreamResponse:
        return web.Response(status=403, text='\ufeff{"ok": false, "fee": 0.10, "count": 3}')

    answer = await (await served(no)).post("x", document={"a": 1})

    assert answer.status == 403
    assert answer.document == {"ok": False, "fee": Decimal("0.10"), "count": 3}
    assert isinstance(answer.document["fee"], Decimal)


async def test_what_is_sent_arrives_as_it_was_given(served: Callable[[Handler], Awaitable[Line]]) -> None:
    came: dict[str, object] = {}

    async def take(request: web.Request) -> web.StreamResponse:
        came.update(path=request.path, query=dict(request.query), form=dict(await request.post()), key=request.headers["x-key"])
        return web.json_response({})

    await (await served(take)).post("api.php", query={"act": "refund"}, form={"name": "充值 50 & more", "sign": "+/="})

    assert came == {
        "path": "/base/api.php",
        "query": {"act": "refund"},
        "form": {"name": "充值 50 & more", "sign": "+/="},
        "key": SECRET,
    }


async def test_a_closed_line_opens_no_connection(served: Callable[[Handler], Awaitable[Line]]) -> None:
    line = await served(_500)
    await line.close()
    await line.close()
    with pytest.raises(NotSure):
        await line.get("x")


@pytest.mark.parametrize(
    ("value", "minor"),
    [
        ("12.50", 1250),
        ("12.5", 1250),
        ("12", 1200),
        (12, 1200),
        (Decimal("12.50"), 1250),
        ("0.01", 1),
        ("12.5000", 1250),
        ("0", 0),
        ("12.505", None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        (Decimal("1e999999999"), None),
        ("１２", None),
        ("١٢", None),
        (" 12", None),
        ("12\n", None),
        ("012", None),
        ("1,000.00", None),
        ("", None),
        ("9" * 16, None),
        ("9" * 5000, None),
        (True, None),
        (None, None),
        (12.5, None),
        (["12"], None),
        (Decimal("NaN"), None),
    ],
)
def test_amounts_are_exact_or_none(value: object, minor: int | None) -> None:
    assert minor_of(value, "CNY") == minor


def test_amounts_know_their_currency() -> None:
    assert minor_of("12", "JPY") == 12
    assert minor_of("12.5", "JPY") is None
    assert minor_of("12.505", "KWD") == 12505


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "a": 2}', b"", b"null", b'"text"', b"{", b"\xff\xfe", b'{"a": Infinity}', b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000],
)
def test_what_is_not_one_clear_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(body)


@pytest.mark.parametrize(
    "text",
    [
        "pay.example.com",
        "ftp://pay.example.com",
        "https://",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://me:pw@a.example",
        "http://pay.example.com",
        "http://8.8.8.8",
        "https://[::1",
    ],
)
def test_an_address_that_would_give_the_key_away_is_refused(text: str) -> None:
    with pytest.raises(SetUpWrong, match="SHOP_X_URL"):
        address({"SHOP_X_URL": text}, "SHOP_X_URL")


@pytest.mark.parametrize(
    "text", ["https://pay.example.com/epay/", "http://127.0.0.1:8000", "http://gateways:8000", "http://192.168.1.5", "http://[::1]:80"]
)
def test_an_address_is_https_or_near(text: str) -> None:
    assert address({"SHOP_X_URL": text}, "SHOP_X_URL") == text.rstrip("/")
