"""Telegram waits ten seconds for the answer to a checkout: how long the shop takes when fifty payers confirm at the same moment."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import make_url

from bench.figures import Figure, percentile
from bench.scene import postgres_server, run_sql
from bot.migrations import migrate
from core import catalog, inventory, people, pricing, rates, storefronts, supply
from core.database import KeyFile, Shop
from sandbox import BotSpec, PhoneSpec, Sandbox
from sandbox.calls import carry_out
from sandbox.gateways import EpayGateway
from sandbox.phone import Json, Phone, find_button

PAYERS = 50
HANGING = 10  # others, whose payments hang at a slow gateway all the while
ROUNDS = 4
FIRST_ID = 760_000_000
SHOP = BotSpec("7000002:bench-token-of-the-sandbox-only-002", "bench_shop_bot", "Bench")
BARE = BotSpec("7000003:bench-token-of-the-sandbox-only-003", "bench_bare_bot", "Bare")
PID, KEY = "1001", "bench-key-of-the-sandbox-only"
MOST_MS = 2000.0
WAIT_SECONDS = 120.0


class Watch:
    """An ear on the line to Telegram: when a checkout was handed out, and when its answer arrived."""

    def __init__(self) -> None:
        self.handed: dict[str, float] = {}
        self.seconds: list[float] = []

    async def carry_out(self, world: Any, bot: Any, method: str, fields: Mapping[str, Any], uploads: Any) -> object:
        """In place of the sandbox's own."""
        came, name = time.perf_counter(), method.lower()
        answer = await carry_out(world, bot, method, fields, uploads)
        if name == "getupdates" and isinstance(answer, list):
            now = time.perf_counter()
            for update in answer:
                if "pre_checkout_query" in update:
                    # One that is handed out again has waited since the first time.
                    self.handed.setdefault(update["pre_checkout_query"]["id"], now)
        elif name == "answerprecheckoutquery":
            self.seconds.append(came - self.handed[str(fields["pre_checkout_query_id"])])
        return answer


async def prepare(url: str, key_file: Path, codes: int) -> None:
    """A shop with one card that can be paid in Stars, and people who have been there before."""
    await migrate(url)
    async with Shop.opened(url, KeyFile(key_file).create(), holder="bench") as shop:
        front = await shop.write(storefronts.open_storefront, name="Bench", currency="CNY", language="en")
        await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="bench")
        category = await shop.write(catalog.add_category, slug="cards", name="Cards")
        product = await shop.write(catalog.add_product, category_id=category, slug="steam", name="Steam", search="steam")
        sku = await shop.write(catalog.add_sku, product_id=product, slug="steam-50", name="50")
        await shop.write(pricing.set_price, storefront_id=front.id, sku_id=sku, retail_minor=9500, currency="CNY")
        offer = await shop.write(supply.own_offer, storefront=front, sku_id=sku)
        lines = ((row, inventory.Secret(None, f"BENCH-{row:08d}-{secrets.token_hex(4)}")) for row in range(1, codes + 1))
        await inventory.bring_in(shop, offer_id=offer.id, sku_id=sku, source_name="bench", by="bench", lines=lines)
        for number in range(PAYERS + HANGING):
            await shop.write(
                people.meet,
                storefront_id=front.id,
                telegram_id=FIRST_ID + number,
                name=f"Person {number}",
                username=None,
                telegram_language="en",
                currency="CNY",
            )


@asynccontextmanager
async def process(*words: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """A bot in a process of its own, in a folder where no `.env` lies."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    root = str(Path(__file__).parents[1])
    path = folder / f"{secrets.token_hex(4)}.log"
    with path.open("wb") as log:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *words, cwd=folder, env={**kept, "PYTHONPATH": root, **settings}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        if running.returncode is None:
            running.terminate()
        else:  # It should have lived: what it said last is why.
            sys.stderr.write(path.read_text(errors="replace")[-2000:])
        await running.wait()


async def invoice_for(phone: Phone, button: str | None) -> Json:
    """Order a card (the bare bot sends an invoice for any word) and wait for its invoice."""
    said = await phone.says("/start sku-steam-50")
    if button is not None:
        await phone.presses((await _screen_with(phone, button, said["message_id"]), button), wait_seconds=0)
    return await phone.waits_for(lambda m: m["message_id"] > said["message_id"] and "invoice" in m, timeout=WAIT_SECONDS)


async def _screen_with(phone: Phone, button: str, after: int) -> Json:
    return await phone.waits_for(lambda m: m["message_id"] > after and find_button(m, button) is not None, timeout=WAIT_SECONDS)


async def rounds(url: str, bot: BotSpec, watch: Watch, button: str | None) -> list[float]:
    """So many times all order, and then all confirm at the same moment; each checkout's milliseconds."""
    watch.seconds.clear()
    phones = [Phone(url, f"payer-{number}", bot.username) for number in range(PAYERS)]
    try:
        for turn in range(ROUNDS + 1):
            invoices = await asyncio.gather(*(invoice_for(phone, button) for phone in phones))
            paid = await asyncio.gather(*(phone.pays(invoice) for phone, invoice in zip(phones, invoices, strict=True)))
            refused = [one for one in paid if not one["paid"]]
            assert not refused, refused[0]
            if turn == 0:
                watch.seconds.clear()  # The first one only warms up, both of them.
    finally:
        for phone in phones:
            await phone.close()
    assert len(watch.seconds) == PAYERS * ROUNDS
    return [seconds * 1000 for seconds in watch.seconds]


async def _hang(url: str, gateway: EpayGateway) -> None:
    """Others choose a gateway that does its work and does not answer."""
    gateway.faults.stall_after_work_seconds = 600
    for number in range(PAYERS, PAYERS + HANGING):
        async with Phone(url, f"payer-{number}", SHOP.username) as phone:
            said = await phone.says("/start sku-steam-50")
            await phone.presses((await _screen_with(phone, "Alipay", said["message_id"]), "Alipay"), wait_seconds=0)
    async with asyncio.timeout(WAIT_SECONDS):
        while not gateway.calls:  # noqa: ASYNC110 - the shop is another process
            await asyncio.sleep(0.05)


async def measure(runs: int) -> list[Figure]:
    """The whole shop on both databases, and on SQLite while a gateway hangs; the bare bot under the same load right after each."""
    bare_is = "a bare aiogram bot that says yes at once"
    figures = {
        (variant, share): Figure(f"checkout-{variant}-{name}", "ms", bare_is, higher=False)
        for variant in ("sqlite", "postgres", "sqlite-while-a-gateway-hangs")
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    }
    watch = Watch()
    sandbox = Sandbox(
        bots=[SHOP, BARE],
        phones=[PhoneSpec(f"payer-{n}", f"Person {n}", f"Person {n}", user_id=FIRST_ID + n, stars=10**9) for n in range(PAYERS + HANGING)],
    )
    gateway = EpayGateway(PID, KEY)
    await sandbox.start()
    await gateway.start()
    try:
        with (
            patch("sandbox.bot_door.carry_out", watch.carry_out),
            tempfile.TemporaryDirectory(prefix="shop-bench-") as name,
            postgres_server() as server,
        ):
            for run in range(runs):
                await _one_run(run, Path(name), server, sandbox, gateway, watch, figures)
    finally:
        await gateway.stop()
        await sandbox.stop()
    for (variant, share), figure in figures.items():
        if share == 0.99:
            worst = max(figure.values)
            sys.stderr.write(f"  {variant}: at most {worst:,.0f} ms of {MOST_MS:,.0f}\n")
    return list(figures.values())


async def _one_run(
    run: int, folder: Path, server: str, sandbox: Sandbox, gateway: EpayGateway, watch: Watch, figures: Mapping[tuple[str, float], Figure]
) -> None:
    for variant in ("sqlite", "postgres", "sqlite-while-a-gateway-hangs"):
        url, keys = f"sqlite:///{folder}/{variant}-{run}.db", folder / f"{variant}-{run}.keys"
        if variant == "postgres":
            await run_sql(server, f"CREATE DATABASE checkout_{run}")
            url = make_url(server).set(database=f"checkout_{run}").render_as_string(hide_password=False)
        await prepare(url, keys, PAYERS * (ROUNDS + 1) + 10 * HANGING)
        settings = {
            "SHOP_BOT_TOKEN": SHOP.token,
            "SHOP_BOT_API": sandbox.url,
            "SHOP_DATABASE": url,
            "SHOP_KEYS": str(keys),
            "SHOP_LISTEN": "127.0.0.1:0",
            "SHOP_LANGUAGE": "en",
            "SHOP_EPAY_URL": gateway.url,
            "SHOP_EPAY_PID": PID,
            "SHOP_EPAY_KEY": KEY,
            "SHOP_EPAY_MODE": "api",
            "SHOP_CALLBACK_URL": "http://127.0.0.1:9",
        }
        gateway.faults.clear()
        gateway.calls.clear()
        async with process("bot", "run", folder=folder, settings=settings):
            if variant.endswith("hangs"):
                await _hang(sandbox.url, gateway)
            ours = await rounds(sandbox.url, SHOP, watch, "Pay with Stars")
        async with process("bench.chat_bot", "till", BARE.token, sandbox.url, folder=folder, settings={}):
            theirs = await rounds(sandbox.url, BARE, watch, None)
        for share in (0.5, 0.99):
            figures[(variant, share)].add(percentile(ours, share), percentile(theirs, share))
