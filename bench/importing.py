"""Codes brought in per second – encrypted, checked for duplicates, put on sale together – beside a plain table taking the same rows."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # It comes without types.
from sqlalchemy import make_url

from bench.figures import Figure
from bench.scene import Scene, postgres_server, run_sql, scene
from core import inventory

CODES = 100_000
PLAIN = (
    "CREATE TABLE plain_codes (id {serial} PRIMARY KEY, offer_id bigint NOT NULL, batch_id bigint NOT NULL, row bigint NOT NULL,"
    " available bigint, code text NOT NULL UNIQUE)"
)
BASELINE_IS = "one executemany of the same rows into a table in clear, with a unique code, in one transaction"

Row = tuple[int, int, int, int, str]


def fresh_codes() -> list[str]:
    """As a supplier's list has them: no two alike, in no order."""
    return [f"{secrets.token_hex(8)}-{number:06d}".upper() for number in range(CODES)]


def rows_of(codes: list[str], run: int) -> list[Row]:
    return [(1, run, row, row, code) for row, code in enumerate(codes, 1)]


async def bring_in(shown: Scene, codes: list[str]) -> float:
    """By the shop, as a file of codes comes in; returns the seconds until all are on sale."""
    begin = time.perf_counter()
    receipt = await inventory.bring_in(
        shown.shop,
        offer_id=shown.offers[0],
        sku_id=shown.terms[0]["sku_id"],
        source_name="bench",
        by="bench",
        lines=((row, inventory.Secret(None, code)) for row, code in enumerate(codes, 1)),
    )
    assert (receipt.accepted, receipt.on_sale) == (len(codes), True)
    return time.perf_counter() - begin


def plain_sqlite(path: Path, rows: list[Row]) -> float:
    """By sqlite3, with the pragmas of the shop; returns the seconds."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "mmap_size=268435456"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(PLAIN.format(serial="integer").replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
    begin = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO plain_codes (offer_id, batch_id, row, available, code) VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    took = time.perf_counter() - begin
    connection.close()
    return took


async def plain_postgres(url: str, rows: list[Row]) -> float:
    """By asyncpg, which sends the rows without waiting for each; returns the seconds."""
    connection = await asyncpg.connect(url)
    begin = time.perf_counter()
    async with connection.transaction():
        await connection.executemany("INSERT INTO plain_codes (offer_id, batch_id, row, available, code) VALUES ($1, $2, $3, $4, $5)", rows)
    took = time.perf_counter() - begin
    await connection.close()
    return took


async def measure(runs: int) -> list[Figure]:
    """Both databases, each beside its baseline; every run brings in new codes, on top of those of the runs before."""
    figures = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shop-bench-")))
        server = make_url(stack.enter_context(postgres_server()))
        await run_sql(server.render_as_string(hide_password=False), "CREATE DATABASE shop", "CREATE DATABASE plain")
        shop_url, plain_url = (server.set(database=name).render_as_string(hide_password=False) for name in ("shop", "plain"))
        await run_sql(plain_url, PLAIN.format(serial="bigserial"))

        async def on_sqlite(rows: list[Row]) -> float:
            return await asyncio.to_thread(plain_sqlite, folder / "plain.db", rows)

        async def on_postgres(rows: list[Row]) -> float:
            return await plain_postgres(plain_url, rows)

        either: list[tuple[str, str, Callable[[list[Row]], Awaitable[float]]]] = [
            ("import-sqlite", f"sqlite:///{folder}/shop.db", on_sqlite),
            ("import-postgres", shop_url, on_postgres),
        ]
        for name, url, plain in either:
            figure = Figure(name, "codes/s", BASELINE_IS)
            async with scene(url, codes=0) as shown:
                for run in range(runs):
                    codes = fresh_codes()
                    ours, theirs = await bring_in(shown, codes), await plain(rows_of(codes, run))
                    figure.add(CODES / ours, CODES / theirs)
            figures.append(figure)
    return figures
