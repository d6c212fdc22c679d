"""From the press to the code in the chat: the whole bot and the sandbox over HTTP, beside a bare aiogram bot that only answers."""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import core.schema  # noqa: F401 - all tables
from bench.figures import Figure, percentile
from bench.scene import make_tables
from core import catalog, inventory, payments, people, pricing, storefronts, supply
from core.database import KeyFile, Shop
from sandbox import BotSpec, PhoneSpec, Sandbox
from sandbox.phone import Phone, find_button

PHONES = 16
FIRST_ID = 700_000_000
TOKEN = "7000000:bench-token-of-the-sandbox-only-000"
BARE = "7000001:bench-token-of-the-sandbox-only-001"


async def prepare(folder: Path, purchases: int) -> tuple[str, Path]:
    """A shop with one card and sixteen people who can afford it; returns its database and key file."""
    url, key_file = f"sqlite:///{folder}/shop.db", folder / "keys.json"
    await make_tables(url)
    async with Shop.opened(url, KeyFile(key_file).create(), holder="bench") as shop:
        front = await shop.write(storefronts.open_storefront, name="Bench", currency="CNY", language="en")
        category = await shop.write(catalog.add_category, slug="cards", name="Cards")
        product = await shop.write(catalog.add_product, category_id=category, slug="steam", name="Steam", search="steam")
        sku = await shop.write(catalog.add_sku, product_id=product, slug="steam-50", name="50")
        await shop.write(pricing.set_price, storefront_id=front.id, sku_id=sku, retail_minor=9500, currency="CNY")
        offer = await shop.write(supply.own_offer, storefront=front, sku_id=sku)
        codes = ((row, inventory.Secret(None, f"BENCH-{row:08d}-{secrets.token_hex(4)}")) for row in range(1, purchases + 1))
        await inventory.bring_in(shop, offer_id=offer.id, sku_id=sku, source_name="bench", by="bench", lines=codes)
        for number in range(PHONES):
            person = await shop.write(
                people.meet,
                storefront_id=front.id,
                telegram_id=FIRST_ID + number,
                name=f"Person {number}",
                username=None,
                telegram_language="en",
                currency="CNY",
            )
            await shop.write(
                payments.adjust, customer_id=person.id, amount_minor=10**10, reason="bench", by="bench", once=f"bench:{person.id}"
            )
    return url, key_file


@asynccontextmanager
async def bot_process(*words: str) -> AsyncIterator[None]:
    """A bot in a process of its own, until it is no longer needed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.chat_bot", *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def buy(phone: Phone) -> float:
    """Open the card, press Pay, and wait for the code; returns the seconds from the press to the code."""
    opened = await phone.says("/start sku-steam-50")
    screen = await phone.waits_for(lambda m: m["message_id"] > opened["message_id"] and find_button(m, "Pay") is not None, timeout=30)
    pressed = time.perf_counter()
    await phone.presses((screen, "Pay"), wait_seconds=0)
    await phone.waits_for(
        lambda m: m["message_id"] > screen["message_id"] and any(e["type"] == "spoiler" for e in m.get("entities", ())), timeout=30
    )
    return time.perf_counter() - pressed


async def walk(url: str, username: str, seconds: float, people_at_once: int) -> tuple[list[float], float]:
    """So many people buying again and again; each purchase's seconds, and purchases per second."""
    taken: list[float] = []
    begin = time.perf_counter()

    async def person(number: int) -> None:
        async with Phone(url, f"bench-{number}", username) as phone:
            while time.perf_counter() < begin + seconds:
                taken.append(await buy(phone))

    await asyncio.gather(*(person(number) for number in range(people_at_once)))
    return taken, len(taken) / (time.perf_counter() - begin)


async def measure(seconds: int, runs: int) -> list[Figure]:
    """One person alone for the time from press to code; sixteen at once for presses per second (each purchase is two: /start and Pay)."""
    p50 = Figure("press-to-code-p50", "ms", "a bare aiogram bot that only answers", higher=False)
    p99 = Figure("press-to-code-p99", "ms", "a bare aiogram bot that only answers", higher=False)
    rate = Figure("presses-per-second", "presses/s", "a bare aiogram bot that only answers")
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        database, keys = await prepare(Path(folder), 4000 * seconds * runs)
        sandbox = Sandbox(
            bots=[BotSpec(TOKEN, "bench_shop_bot", "Bench"), BotSpec(BARE, "bench_bare_bot", "Bare")],
            phones=[PhoneSpec(f"bench-{n}", f"Person {n}", f"Person {n}", user_id=FIRST_ID + n) for n in range(PHONES)],
        )
        await sandbox.start()
        try:
            for _ in range(runs):
                figures: dict[str, tuple[float, float, float]] = {}
                for name, words in (
                    ("bench_shop_bot", ("shop", TOKEN, sandbox.url, database, str(keys))),
                    ("bench_bare_bot", ("bare", BARE, sandbox.url)),
                ):
                    async with bot_process(*words):
                        await walk(sandbox.url, name, 1, 1)  # Until it has started.
                        alone, _ = await walk(sandbox.url, name, seconds, 1)
                        _, busy = await walk(sandbox.url, name, seconds, PHONES)
                    figures[name] = percentile(alone, 0.5) * 1000, percentile(alone, 0.99) * 1000, 2 * busy
                ours, theirs = figures["bench_shop_bot"], figures["bench_bare_bot"]
                p50.add(ours[0], theirs[0])
                p99.add(ours[1], theirs[1])
                rate.add(ours[2], theirs[2])
        finally:
            await sandbox.stop()
    return [p50, p99, rate]
