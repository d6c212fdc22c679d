"""Hundreds of bots in a process of their own: resellers' as the shop runs them, or as many plain aiogram bots as the baseline.

`python -m bench.fleet_bots seed|shop|plain …` – the parent is `bench.fleet`. Prints a JSON line: seconds and kibibytes.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

import core.schema  # noqa: F401 - all tables
from bench.scene import make_tables
from bot.dispatcher import make_dispatcher
from bot.fleet import SETTING_UP_AT_ONCE, Fleet
from bot.pace import LocalPace
from bot.running import make_bot
from bot.voices import Voice, Voices
from core import brands, people, resellers, storefronts
from core.database import KeyFile, Shop
from handlers import branded_routers, routers

HOUSE = "1000:AAhouse-bot-of-the-benchmark-0000000"


def token_of(number: int) -> str:
    """The token of the bot of this number."""
    return f"{2000 + number}:AAbot-of-the-benchmark-000000000-{number:05d}"


async def seed(database: str, keys: str, count: int) -> None:
    """So many storefronts, five for each reseller."""
    await make_tables(database)
    async with Shop.opened(database, KeyFile(Path(keys)).create(), holder="bench") as shop:
        front = await shop.write(storefronts.open_storefront, name="Bench", currency="CNY", language="en")
        owner_id = 0
        for number in range(count):
            if number % brands.MOST_BRANDS == 0:
                owner = await shop.write(
                    people.meet,
                    storefront_id=front.id,
                    telegram_id=10_000 + number,
                    name=f"Reseller {number}",
                    username=None,
                    telegram_language="en",
                    currency="CNY",
                )
                await shop.write(resellers.take_in, storefront_id=front.id, customer_id=owner.id, by="bench")
                owner_id = owner.id
            made = await shop.write(
                brands.open_brand,
                owner_id=owner_id,
                token=token_of(number),
                bot_id=2000 + number,
                username=f"bot_{number}",
                name=f"Storefront {number}",
            )
            await shop.write(brands.introduced, brand_id=made.id, says=f"{made.storefront.name}|{made.storefront.language}")


async def the_shop(api: str, database: str, keys: str, count: int) -> None:
    """The fleet as it runs in the shop, from its first look until every bot has asked for its updates."""
    async with Shop.opened(database, KeyFile(Path(keys)).load(), holder="bench") as shop, make_bot(HOUSE, api) as house:
        front = await shop.read(storefronts.first)
        assert front is not None
        make_dispatcher(shop, front, {})  # as in the shop's process
        branded = make_dispatcher(shop, front, {}, conversations=branded_routers)
        voices = Voices(Voice(house, "house", LocalPace()), front.id)
        fleet = Fleet(shop, voices, lambda _: LocalPace(), dispatcher=branded)
        await _measured(api, count, lambda: fleet.run(asyncio.Event()))


async def plain(api: str, count: int) -> None:
    """So many bots as one would begin: a dispatcher with the same conversations and a session for each."""

    room = asyncio.Semaphore(SETTING_UP_AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            session = AiohttpSession(api=TelegramAPIServer.from_base(api), timeout=300)
            bot = Bot(token_of(number), session=session, default=DefaultBotProperties(parse_mode="HTML"))
            dispatcher = Dispatcher()
            dispatcher.include_routers(*branded_routers())
            await bot.delete_webhook()
        await dispatcher.start_polling(bot, handle_signals=False)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(count)))

    routers()
    await _measured(api, count, all_of_them)


async def _measured(api: str, count: int, run: Callable[[], Awaitable[None]]) -> None:
    before, began = _kibibytes(), time.perf_counter()
    task = asyncio.ensure_future(run())
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{api}/count") as answer:
                if int(await answer.text()) >= count:
                    break
            if task.done():
                task.result()
            await asyncio.sleep(0.05)
    took = time.perf_counter() - began
    await asyncio.sleep(1)
    sys.stdout.write(json.dumps({"seconds": took, "kib": _kibibytes() - before}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # Nobody asks for an orderly end here.


def _kibibytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "seed":
        asyncio.run(seed(rest[0], rest[1], int(rest[2])))
    elif what == "shop":
        asyncio.run(the_shop(rest[0], rest[1], rest[2], int(rest[3])))
    else:
        asyncio.run(plain(rest[0], int(rest[1])))
