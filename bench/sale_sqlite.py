"""Sales per second on SQLite, beside the same statements by plain sqlite3 with one sale in each transaction."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure, percentile
from bench.scene import Scene, scene, sell_for

CLIENTS = 64


def plain_sqlite(path: Path, s: Scene, seconds: float) -> float:
    """One thread, one connection, one sale in each transaction, with the pragmas of the shop."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536", "mmap_size=268435456"):
        connection.execute(f"PRAGMA {pragma}")
    run = connection.execute
    sales_account = run("SELECT sales_account_id FROM storefronts").fetchone()[0]
    mark, done = secrets.token_hex(4), 0
    begin = time.perf_counter()
    while time.perf_counter() < begin + seconds:
        done += 1
        buyer = s.buyers[done * 104_729 % len(s.buyers)]
        terms: dict[str, Any] = s.terms[done % len(s.terms)]
        once = f"plain:{mark}:{done}"
        run("BEGIN IMMEDIATE")
        assert run("SELECT 1 FROM orders WHERE once = ?", (once,)).fetchone() is None
        price, offer, cost = run(
            "SELECT p.retail_minor, o.id, o.cost_minor FROM prices p JOIN skus s ON s.id = p.sku_id"
            " JOIN sources r ON r.sku_id = p.sku_id AND r.rank = 1 JOIN offers o ON o.id = r.offer_id"
            " WHERE p.id = ? AND p.storefront_id = ? AND p.sku_id = ? AND p.until IS NULL AND s.rules_version = ? AND s.hidden_at IS NULL",
            (terms["price_id"], terms["storefront_id"], terms["sku_id"], terms["rules_version"]),
        ).fetchone()
        (wallet,) = run(
            "UPDATE accounts SET balance_minor = balance_minor - ?1 WHERE id = (SELECT wallet_id FROM customers WHERE id = ?2)"
            " AND balance_minor - ?1 >= floor_minor RETURNING id",
            (price, buyer),
        ).fetchone()
        (order,) = run(
            "INSERT INTO orders (storefront_id, buyer_id, once, once_hash, state, total_minor, currency, paid_by, placed_at, issued_at)"
            " VALUES (?, ?, ?, x'00112233445566778899aabbccddeeff', 'issued', ?, 'CNY', 'wallet', 1, 1) RETURNING id",
            (terms["storefront_id"], buyer, once, price),
        ).fetchone()
        run(
            "INSERT INTO order_lines (order_id, seq, sku_id, offer_id, price_id, quantity, unit_price_minor, unit_cost_minor, cost_currency)"
            " VALUES (?, 1, ?, ?, ?, 1, ?, ?, 'CNY')",
            (order, terms["sku_id"], offer, terms["price_id"], price, cost),
        )
        taken = run(
            "UPDATE codes SET available = NULL, order_id = ? WHERE id = (SELECT id FROM codes WHERE offer_id = ? AND available IS NOT NULL"
            " ORDER BY available LIMIT 1) RETURNING id",
            (order, offer),
        ).fetchall()
        assert len(taken) == 1
        (transfer,) = run(
            "INSERT INTO transfers (key, kind, subject_id, at) VALUES (?, 'sale', ?, 1) RETURNING id",
            (f"sale:{order}", order),
        ).fetchone()
        run("INSERT INTO postings VALUES (?, 1, ?, ?, ?, 'CNY')", (transfer, wallet, sales_account, price))
        run(
            "INSERT INTO outbox (topic, customer_id, order_id, made_at, due_at, attempts) VALUES ('delivery', ?, ?, 1, 1, 0)",
            (buyer, order),
        )
        run("COMMIT")
    took = time.perf_counter() - begin
    connection.close()
    return done / took


async def measure(seconds: int, runs: int, *, codes: int, past: int) -> list[Figure]:
    """Three files: the shop's, the baseline's, and the grown one; each run measures all of them in turn."""
    same = Figure("sale-sqlite", "sales/s", "plain sqlite3, one sale in each transaction", 2.0)
    growth = Figure(f"sale-sqlite-{codes // 1_000_000}M-codes-{past // 1_000_000}M-orders", "sales/s", "the small database", 0.85)
    p50 = Figure("sale-sqlite-p50", "ms", "64 buyers at once")
    p99 = Figure("sale-sqlite-p99", "ms", "64 buyers at once")
    alone = Figure("sale-sqlite-alone-p50", "ms", "one buyer")
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        small_url, plain_url, grown_url = (f"sqlite:///{folder}/{name}.db" for name in ("small", "plain", "grown"))
        stock = 20_000 + 20_000 * seconds * runs
        async with scene(plain_url, codes=stock) as plain_scene:
            plain = plain_scene
        async with scene(small_url, codes=stock) as small, scene(grown_url, codes=codes, past=past) as grown:
            for run in range(runs):
                ours, latencies = await sell_for(small, seconds, clients=CLIENTS, mark=f"s{run}")
                theirs = await asyncio.to_thread(plain_sqlite, Path(folder) / "plain.db", plain, seconds)
                large, _ = await sell_for(grown, seconds, clients=CLIENTS, mark=f"g{run}")
                _, lonely = await sell_for(small, 2, clients=1, mark=f"a{run}")
                same.add(ours, theirs)
                growth.add(large, ours)
                p50.add(percentile(latencies, 0.5) * 1000)
                p99.add(percentile(latencies, 0.99) * 1000)
                alone.add(percentile(lonely, 0.5) * 1000)
    return [same, growth, p50, p99, alone]
