"""Orders per second by the reseller API over HTTP, 32 kept connections, beside the core's own sales by as many buyers in the same run."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import multiprocessing
import resource
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bench.figures import Figure, percentile
from bench.scene import Scene, postgres_server, run_sql, scene, sell_for
from bot.serving import Serving
from core import api, people
from web.api import ApiDoor, OwnMemory
from web.app import make_app

CONNECTIONS = 32
RESELLERS = 4
TARGET = 0.3


@dataclass(frozen=True)
class Load:
    """What the generator is told: where, by which keys, what, and how long."""

    port: int
    keys: list[tuple[str, str]]
    items: list[str]
    seconds: float
    mark: str


@dataclass(frozen=True)
class Run:
    """What came of it: orders a second, each one's seconds, and what of a processor the generator itself took for an order."""

    rate: float
    latencies: list[float]
    own_seconds: float


def _generate(load: Load, back: Any) -> None:
    """In a process of its own: signs, sends and reads, and nothing else."""
    back.send(asyncio.run(_connections(load)))


async def _connections(load: Load) -> Run:
    latencies: list[float] = []
    begin = time.perf_counter()
    end = begin + load.seconds

    async def one(number: int) -> None:
        name, secret = load.keys[number % len(load.keys)]
        reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
        turn = 0
        while time.perf_counter() < end:
            turn += 1
            item = load.items[(number + turn) % len(load.items)]
            order = {"number": f"{load.mark}-{number}-{turn}", "item": item, "quantity": 1, "max_cost": "95.00", "currency": "CNY"}
            started = time.perf_counter()
            writer.write(_signed(name, secret, json.dumps(order).encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 201"):
                raise RuntimeError(f"{head[:20]!r} {body[:200]!r}")
            latencies.append(time.perf_counter() - started)
        writer.close()

    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(len(latencies) / (time.perf_counter() - begin), latencies, used / max(1, len(latencies)))


def _signed(name: str, secret: str, body: bytes) -> bytes:
    stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    text = f"{stamp}\n{nonce}\nPOST\n/api/v1/orders\n{hashlib.sha256(body).hexdigest()}"
    signature = hmac.digest(secret.encode(), text.encode(), "sha256").hex()
    return (
        f"POST /api/v1/orders HTTP/1.1\r\nHost: shop\r\nShop-Key: {name}\r\nShop-Timestamp: {stamp}\r\nShop-Nonce: {nonce}\r\n"
        f"Shop-Signature: {signature}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _loaded(load: Load) -> Run:
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_generate, args=(load, there), daemon=True)
    process.start()
    there.close()
    try:
        found: Run = await asyncio.to_thread(here.recv)
    finally:
        await asyncio.to_thread(process.join)
    return found


@asynccontextmanager
async def served(s: Scene) -> AsyncIterator[tuple[int, list[tuple[str, str]], list[str]]]:
    """The doors of the scene's shop, keys of resellers, and what its denominations are called."""
    keys = []
    for buyer in s.buyers[:RESELLERS]:
        await s.shop.write(people.set_wholesale, storefront_id=s.storefront_id, customer_id=buyer, wholesale=True, by="bench")
        made = await s.shop.write(api.make_key, customer_id=buyer, by="bench")
        keys.append((made.key.name, made.secret))
    items = [await s.shop.read(api.key_of_item, each["sku_id"]) for each in s.terms]
    serving = Serving(make_app(s.shop, api=ApiDoor(OwnMemory(since=0), per_minute=10**9)), "127.0.0.1", 0)
    await serving.open()
    try:
        yield serving.port, keys, items
    finally:
        await serving.close()


async def measure(seconds: int, runs: int) -> list[Figure]:
    """Both databases; in each run the core's own sales first, then the same by HTTP."""
    figures = []
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        await run_sql(server, "CREATE DATABASE api")
        urls = {
            "postgres": make_url(server).set(database="api").render_as_string(hide_password=False),
            "sqlite": f"sqlite:///{Path(folder) / 'shop.db'}",
        }
        for name, url in urls.items():
            rate = Figure(f"api-orders-{name}", "orders/s", f"the core's own sales, {CONNECTIONS} buyers", TARGET)
            p50 = Figure(f"api-orders-{name}-p50", "ms", f"{CONNECTIONS} connections")
            p99 = Figure(f"api-orders-{name}-p99", "ms", f"{CONNECTIONS} connections")
            own = Figure(f"api-load-{name}", "µs of processor an order", "the load generator itself")
            async with scene(url, codes=20_000 + 14_000 * seconds * runs) as s, served(s) as (port, keys, items):
                for run in range(runs):
                    sales, _ = await sell_for(s, seconds, clients=CONNECTIONS, mark=f"c{run}")
                    found = await _loaded(Load(port, keys, items, seconds, f"r{run}"))
                    rate.add(found.rate, sales)
                    p50.add(percentile(found.latencies, 0.5) * 1000)
                    p99.add(percentile(found.latencies, 0.99) * 1000)
                    own.add(found.own_seconds * 1_000_000)
            figures += [rate, p50, p99, own]
    return figures
