"""The HTTP doors, over real HTTP."""

from __future__ import annotations

import asyncio
import gc
import io
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.serving import Serving
from core import orders, outbox
from core.database import Shop
from core.outbox import Topic
from tests.stage import Goods, person
from web.app import BODY_BYTES, NotNow, TelegramDoor, make_app

SECRET = {"X-Telegram-Bot-Api-Secret-Token": "the-secret"}
DOOR = "opaque"


class Hand:
    """What handles updates behind the door."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.busy = False
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, update: dict[str, Any]) -> dict[str, Any] | None:
        if self.busy:
            raise NotNow
        await self.go.wait()
        self.taken.append(update["update_id"])
        return {"method": "sendMessage", "text": "hello"} if update.get("answer") else None


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def parts() -> dict[str, bool]:
    return {"courier": True}


@pytest.fixture
async def doors(shop: Shop, hand: Hand, parts: dict[str, bool]) -> AsyncIterator[Serving]:
    serving = Serving(make_app(shop, telegram={DOOR: TelegramDoor("the-secret", hand)}, alive=lambda: parts), "127.0.0.1", 0)
    await serving.open()
    yield serving
    await serving.close()


@pytest.fixture
async def http(doors: Serving) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{doors.port}") as session:
        yield session


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def post(http: aiohttp.ClientSession, door: str = DOOR, **what: Any) -> tuple[int, str]:
    async with http.post(f"/telegram/{door}", **({"headers": SECRET} | what)) as answer:
        return answer.status, await answer.text()


@on_sqlite
async def test_an_update_is_answered_when_it_is_handled_and_not_before(http: aiohttp.ClientSession, hand: Hand) -> None:
    hand.go.clear()
    posting = asyncio.create_task(post(http, json={"update_id": 1}))
    await asyncio.sleep(0.2)
    assert not posting.done()
    hand.go.set()
    assert await posting == (200, "")
    assert hand.taken == [1]
    assert await post(http, json={"update_id": 2, "answer": True}) == (200, '{"method":"sendMessage","text":"hello"}')


@on_sqlite
async def test_what_is_not_telegram_is_kept_out(http: aiohttp.ClientSession, hand: Hand) -> None:
    assert (await post(http, door="guessed", json={"update_id": 1}))[0] == 404
    for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": ""}, {"X-Telegram-Bot-Api-Secret-Token": "the-secreT"}):
        assert (await post(http, json={"update_id": 1}, headers=headers))[0] == 403
    async with http.get(f"/telegram/{DOOR}") as answer:
        assert answer.status == 405
    assert hand.taken == []


@on_sqlite
@pytest.mark.parametrize(
    "nonsense", [b"", b"hello", b"[1]", b"{}", b'{"update_id": "1"}', b'{"update_id": true}', b"\xff\xfe", b"[" * 100_000]
)
async def test_nonsense_is_called_nonsense_without_a_trace(http: aiohttp.ClientSession, hand: Hand, nonsense: bytes) -> None:
    status, body = await post(http, data=nonsense)
    assert status == 400
    assert body == '{"error":"This is not an update."}'
    assert hand.taken == []


@on_sqlite
async def test_a_body_has_a_bound_whether_it_is_announced_or_not(http: aiohttp.ClientSession, hand: Hand) -> None:
    assert (await post(http, data=io.BytesIO(b" " * (BODY_BYTES + 1))))[0] == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2 * BODY_BYTES // 65536):
            yield b" " * 65536

    try:
        status, _ = await post(http, data=endless())
    except aiohttp.ClientConnectionError:
        status = 413  # It hung up before all was sent.
    assert status == 413
    assert hand.taken == []


@on_sqlite
async def test_a_bot_that_takes_nothing_now_has_the_update_sent_again(http: aiohttp.ClientSession, hand: Hand) -> None:
    hand.busy = True
    assert (await post(http, json={"update_id": 1}))[0] == 503


@on_sqlite
async def test_a_mistake_of_ours_shows_nothing_of_the_house(shop: Shop) -> None:
    async def breaks(update: dict[str, Any]) -> None:
        raise RuntimeError("a secret of the house")

    serving = Serving(make_app(shop, telegram={DOOR: TelegramDoor("the-secret", breaks)}), "127.0.0.1", 0)
    await serving.open()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{serving.port}") as http:
        status, body = await post(http, json={"update_id": 1})
    await serving.close()
    assert status == 500
    assert "secret" not in body and "Traceback" not in body


async def test_ready_means_that_the_database_answers_and_every_part_works(http: aiohttp.ClientSession, parts: dict[str, bool]) -> None:
    async with http.get("/health") as answer:
        assert answer.status == 200
    async with http.get("/ready") as answer:
        assert answer.status == 200
        assert await answer.json() == {"ready": True, "parts": {"database": True, "courier": True}}
    parts["courier"] = False
    async with http.get("/ready") as answer:
        assert answer.status == 503
        assert (await answer.json())["parts"]["courier"] is False


async def test_metrics_tell_the_outbox_and_no_person(http: aiohttp.ClientSession, shop: Shop, goods: Goods) -> None:
    buyer = await person(shop, goods.storefront, telegram_id=777_000_111, money_minor=9500)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="m", **goods.terms())
    await shop.write(outbox.lease, worker="w", most=1, seconds=60)
    await shop.write(outbox.post, topic=Topic.NOTICE, customer_id=buyer.id, body={})
    async with http.get("/metrics") as answer:
        figures = await answer.text()
    assert "\nshop_outbox_open 3.0" in figures
    assert "shop_outbox_parked 0.0" in figures
    assert "shop_deliveries_total" in figures
    assert "777000111" not in figures and "TEST-" not in figures


@on_sqlite
async def test_metrics_are_not_for_the_street(http: aiohttp.ClientSession) -> None:
    async with http.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
        assert answer.status == 404


@on_sqlite
async def test_a_taken_port_is_said_and_ends_nothing(shop: Shop) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await Serving(make_app(shop), "127.0.0.1", taken.getsockname()[1]).open()


@on_sqlite
async def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head(http: aiohttp.ClientSession) -> None:
    """Head and body are two packets; without TCP_NODELAY the second waits 40 ms for the client's delayed acknowledgement."""
    async with http.get("/health") as answer:
        port = answer.url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: shop\r\n\r\n")
    await reader.readline()
    mine = writer.get_extra_info("sockname")
    theirs = [t for t in gc.get_objects() if isinstance(t, asyncio.Transport) and t.get_extra_info("peername") == mine]
    assert [t.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for t in theirs] == [1]
    writer.close()
