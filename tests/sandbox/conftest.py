"""A sandbox for each test, with a bot of each library, a plain HTTP bot, and people with phones."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aiogram
import aiohttp
import pytest
import telegram

from sandbox import BotSpec, Patience, Sandbox
from sandbox.phone import Phone
from tests.line import Line

TOKEN = "7000000001:AAtests-of-the-sandbox"
SHOP = BotSpec(TOKEN, "card_shop_bot", "Card Shop")
# Short, so that what must time out does so within a test; long enough for a busy machine.
HASTY = Patience(callback=3, pre_checkout=2, inline=2, webhook_backoff=0.05, webhook_backoff_cap=0.2)

Json = dict[str, Any]
Call = Callable[..., Coroutine[Any, Any, Any]]


class Refused(Exception):
    """What the Bot API said no with."""

    def __init__(self, body: Json) -> None:
        super().__init__(f"{body['error_code']} {body['description']}")
        self.code: int = body["error_code"]
        self.description: str = body["description"]
        self.parameters: Json = body.get("parameters", {})


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = Sandbox(bots=[SHOP], patience=HASTY)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def call(sandbox: Sandbox, http: aiohttp.ClientSession) -> Call:
    """Calls a method as JSON and gives the result; raises Refused."""

    async def ask(method: str, /, *, token: str = TOKEN, **parameters: Any) -> Any:
        async with http.post(f"{sandbox.url}/bot{token}/{method}", json=parameters) as answer:
            body: Json = await answer.json()
        if not body["ok"]:
            assert body["error_code"] == answer.status
            raise Refused(body)
        return body["result"]

    return ask


@pytest.fixture
async def buyer(sandbox: Sandbox) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "buyer", SHOP.username) as phone:
        yield phone


@pytest.fixture
async def second(sandbox: Sandbox) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "second", SHOP.username) as phone:
        yield phone


@pytest.fixture
async def met(buyer: Phone, call: Call) -> int:
    """The chat id of the buyer, who has pressed /start; that update is already taken."""
    message = await buyer.says("/start")
    updates = await call("getUpdates")
    await call("getUpdates", offset=updates[-1]["update_id"] + 1)
    return int(message["chat"]["id"])


@pytest.fixture
async def with_aiogram(sandbox: Sandbox) -> AsyncIterator[aiogram.Bot]:
    session = Line(sandbox.url)
    async with aiogram.Bot(TOKEN, session=session) as bot:
        yield bot


@pytest.fixture
async def with_ptb(sandbox: Sandbox) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(TOKEN, base_url=f"{sandbox.url}/bot", base_file_url=f"{sandbox.url}/file/bot") as bot:
        yield bot
