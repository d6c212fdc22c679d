"""A second opinion: the same purchase by the shop (aiogram) and by a thirty-line bot of another library, on the same sandbox."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from fractions import Fraction

import pytest

from bot.running import RunPlan, run
from core import rates
from core.database import Shop
from examples.thirty_lines import CODES, make
from sandbox import BotSpec, Sandbox
from sandbox.phone import Json, Phone
from tests.stage import Goods

SHOP = BotSpec("7000000021:AAtwo-libraries-the-shop", "card_shop_bot", "Card Shop")
OTHER = BotSpec("7000000022:AAtwo-libraries-the-other", "thirty_lines_bot", "Thirty Lines")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    running = Sandbox(bots=[SHOP, OTHER])
    await running.start()
    yield running
    await running.stop()


async def buys_for_stars(phone: Phone, *presses: str) -> str:
    """/start, these buttons, pay the invoice: returns the code under the spoiler."""
    stars = await phone.stars()
    await phone.says("/start")
    for label in presses:
        await phone.presses(label)
    invoice = await phone.waits_for(lambda m: "invoice" in m)
    paid = await phone.pays(invoice)
    assert paid["paid"], paid
    delivered: Json = await phone.waits_for(
        lambda m: m["message_id"] > invoice["message_id"] and any(e["type"] == "spoiler" for e in m.get("entities", ()))
    )
    assert await phone.stars() == stars - invoice["invoice"]["total_amount"]
    spoiler = next(e for e in delivered["entities"] if e["type"] == "spoiler")
    units = delivered["text"].encode("utf-16-le")
    return html.unescape(units[2 * spoiler["offset"] : 2 * (spoiler["offset"] + spoiler["length"])].decode("utf-16-le"))


@asynccontextmanager
async def the_shop(sandbox: Sandbox, shop: Shop, goods: Goods) -> AsyncIterator[None]:
    plan = RunPlan(SHOP.token, sandbox.url, shop, goods.storefront, None, None, "127.0.0.1", 0, with_web=False)
    stop = asyncio.Event()
    task = asyncio.create_task(run(plan, stop))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def the_other(sandbox: Sandbox) -> AsyncIterator[None]:
    app = make(OTHER.token, sandbox.url)
    async with app:
        assert app.updater is not None
        await app.updater.start_polling()
        await app.start()
        try:
            yield
        finally:
            await app.updater.stop()
            await app.stop()


async def test_the_shop_and_a_bot_of_another_library_sell_the_same_way(sandbox: Sandbox, shop: Shop, goods: Goods) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    ways: list[tuple[BotSpec, Callable[[], AbstractAsyncContextManager[None]], tuple[str, ...]]] = [
        (SHOP, lambda: the_shop(sandbox, shop, goods), ("Steam", "⭐")),
        (OTHER, lambda: the_other(sandbox), ("Steam 50",)),
    ]
    codes = []
    for spec, running, presses in ways:
        async with running(), Phone(sandbox.url, "second", spec.username) as phone:
            codes.append(await buys_for_stars(phone, *presses))

    assert codes[0].startswith("TEST-")
    assert codes[1].startswith("PTB-") and codes[1] not in CODES
