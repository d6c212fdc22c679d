"""What ten sources of each denomination cost the sale: the same sales beside a shop with one source, in the same minutes."""

from __future__ import annotations

import tempfile

from sqlalchemy import make_url

from bench.figures import Figure
from bench.scene import postgres_server, run_sql, scene, sell_for

CLIENTS = 64
SOURCES = 10
TARGET = 0.8  # Ten sources cost the sale at most a fifth of its throughput.


async def _beside(figure: Figure, one_url: str, ten_url: str, seconds: int, runs: int) -> None:
    """Sell from both in turn. Each of the ten shelves holds a tenth, so that the sale goes on from one to the next all the time."""
    stock = 20_000 + 20_000 * seconds * runs
    async with scene(one_url, codes=stock) as one, scene(ten_url, codes=stock, sources=SOURCES) as ten:
        for run in range(runs):
            base, _ = await sell_for(one, seconds, clients=CLIENTS, mark=f"o{run}")
            ours, _ = await sell_for(ten, seconds, clients=CLIENTS, mark=f"t{run}")
            figure.add(ours, base)


async def measure(seconds: int, runs: int) -> list[Figure]:
    """Both databases, each beside itself."""
    postgres = Figure("sale-postgres-10-offers", "sales/s", "the same database with one offer a denomination", TARGET)
    sqlite = Figure("sale-sqlite-10-offers", "sales/s", "the same database with one offer a denomination", TARGET)
    with postgres_server() as server:
        base = make_url(server)
        for name in ("one", "ten"):
            await run_sql(server, f"CREATE DATABASE {name}")
        one, ten = (base.set(database=name).render_as_string(hide_password=False) for name in ("one", "ten"))
        await _beside(postgres, one, ten, seconds, runs)
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        await _beside(sqlite, f"sqlite:///{folder}/one.db", f"sqlite:///{folder}/ten.db", seconds, runs)
    return [postgres, sqlite]
