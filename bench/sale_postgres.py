"""Sales per second on PostgreSQL, beside pgbench running the same sale as one statement for each transaction, and its TPC-B."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from bench.figures import Figure, percentile
from bench.scene import BUYERS, SKUS, Scene, postgres_program, postgres_server, run_sql, scene, sell_for
from core.database.postgres import SALE_SETTINGS
from core.orders import sale_postgres

CLIENTS = 64
PGBENCH_CLIENTS = 16


def pgbench_script(s: Scene) -> str:
    """The very statement that the shop uses for one purchase, with pgbench's variables in place of parameters."""
    # Without its comments: all of it becomes one line.
    sql = re.sub(r"--[^\n]*", "", str(sale_postgres.one(1)))
    values = {
        "once": "'pgbench:' || :r",
        "once_hash": "decode(md5(CAST(:r AS text)), 'hex')",
        "storefront": str(s.storefront_id),
        "buyer": ":buyer",
        "sku": f"{s.terms[0]['sku_id']} + :n",
        "price_id": f"{s.terms[0]['price_id']} + :n",
        "rules": "1",
        "hint_offer": "0",
        "hint": "0",
        "hint_rank": "1",
        **dict.fromkeys(("outside", "by_key", "asked", "counted", "callback"), "NULL"),
        "at": "1700000000000000",
    }
    for name, value in values.items():
        sql = re.sub(rf"(?<![:\w]):{name}\b", value.replace("\\", "\\\\"), sql)
    return (
        "\\set r random(1, 9000000000000000000)\n"
        f"\\set buyer {s.buyers[0]} + random(0, {BUYERS - 1}) * {(s.buyers[-1] - s.buyers[0]) // (BUYERS - 1)}\n"
        f"\\set n random(0, {SKUS - 1})\n" + " ".join(sql.split()) + ";\n"
    )


def pgbench(url: str, seconds: int, *more: str) -> float:
    """Transactions per second of a pgbench run; raises when one of them failed."""
    done = subprocess.run(
        [
            postgres_program("pgbench"),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(PGBENCH_CLIENTS),
            "-j",
            "2",
            "-T",
            str(seconds),
            *more,
            make_url(url).render_as_string(hide_password=False),
        ],
        capture_output=True,
        text=True,
        check=False,
        # The settings of the shop's own selling connection, which make the baseline faster too.
        env={**os.environ, "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in SALE_SETTINGS.items())},
    )
    found = re.search(r"tps = ([\d.]+) \(without initial", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if done.returncode or not found or (failed and failed[1] != "0"):
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]} {done.stdout[-500:]}")
    return float(found[1])


async def measure(seconds: int, runs: int, *, codes: int, past: int) -> list[Figure]:
    """Small and grown database side by side in one server; each run measures all of them in turn."""
    same = Figure("sale-postgres", "sales/s", "pgbench, the same sale as one statement, 16 clients", 1.0)
    tpcb = Figure("sale-postgres-vs-tpcb", "sales/s", "pgbench TPC-B, 16 clients", 1.0)
    growth = Figure(f"sale-postgres-{codes // 1_000_000}M-codes-{past // 1_000_000}M-orders", "sales/s", "the small database", 0.85)
    p50 = Figure("sale-postgres-p50", "ms", "64 buyers at once")
    p99 = Figure("sale-postgres-p99", "ms", "64 buyers at once")
    alone = Figure("sale-postgres-alone-p50", "ms", "one buyer")
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        base = make_url(server)
        urls = {name: base.set(database=name).render_as_string(hide_password=False) for name in ("small", "plain", "grown", "tpcb")}
        for name in urls:
            await run_sql(server, f"CREATE DATABASE {name}")
        prepare = [postgres_program("pgbench"), "-i", "-q", "-s", "20", urls["tpcb"]]
        await asyncio.to_thread(subprocess.run, prepare, check=True, capture_output=True)
        stock = 20_000 + 14_000 * seconds * runs
        script = Path(folder) / "sale.sql"
        async with scene(urls["plain"], codes=stock) as plain:
            script.write_text(pgbench_script(plain))
        async with scene(urls["small"], codes=stock) as small, scene(urls["grown"], codes=codes, past=past) as grown:
            for run in range(runs):
                ours, latencies = await sell_for(small, seconds, clients=CLIENTS, mark=f"s{run}")
                theirs = await asyncio.to_thread(pgbench, urls["plain"], seconds, "-f", str(script))
                standard = await asyncio.to_thread(pgbench, urls["tpcb"], seconds)
                large, _ = await sell_for(grown, seconds, clients=CLIENTS, mark=f"g{run}")
                _, lonely = await sell_for(small, 2, clients=1, mark=f"a{run}")
                same.add(ours, theirs)
                tpcb.add(ours, standard)
                growth.add(large, ours)
                p50.add(percentile(latencies, 0.5) * 1000)
                p99.add(percentile(latencies, 0.99) * 1000)
                alone.add(percentile(lonely, 0.5) * 1000)
    return [same, tpcb, growth, p50, p99, alone]
