"""A supplier's day of 100,000 cards as message, spreadsheet and picture together, beside one plain read of the same lines."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # It comes without types.
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from bench.figures import Figure
from bench.scene import PRICE_MINOR, postgres_server, run_sql, scene
from core import settlement, supply
from core.database import Shop, micros, now, write
from core.supply import Standing
from handlers.supply.money_words import earnings_csv, earnings_png, earnings_said
from locales import Speech

CARDS = 100_000
COST_MINOR, THEIRS_MINOR = 8500, 8800
BASELINE_IS = "one SELECT of the same 100,000 lines by the bare driver, added up in Python"
TARGET = 4.0  # At most so many plain reads of the lines, the drawing of a picture included.
LINES = "SELECT order_id, units, price_minor, cost_minor, supplier_minor, sold_at FROM claims WHERE supplier_id = {supplier}"


@write
def earn(session: Session, *, supplier_id: int, storefront_id: int) -> None:
    """Each past order of the scene is a card of this supplier that was sold and settled today, row for row what settlement writes."""
    at = micros(now(session))
    payable = supply.payable(session, supplier_id=supplier_id, currency="CNY")
    sums = f"{CARDS * THEIRS_MINOR}, {CARDS * COST_MINOR}, {CARDS * (PRICE_MINOR - THEIRS_MINOR)}, 0, 0, 0"
    run = session.execute(
        text(
            "INSERT INTO settlement_runs (kind, supplier_id, storefront_id, currency, supplier_minor, cost_minor, spread_minor,"
            f" commission_minor, service_minor, discounts_minor, at) VALUES ('settle', :supplier, :front, 'CNY', {sums}, :at) RETURNING id"
        ),
        {"supplier": supplier_id, "front": storefront_id, "at": at},
    ).scalar_one()
    session.execute(
        text(
            "INSERT INTO claims (order_id, seq, code_id, offer_id, supplier_id, storefront_id, form, units, currency, price_minor,"
            " cost_minor, supplier_minor, spread_minor, commission_minor, service_minor, discounts_minor, reversed_units, state, sold_at,"
            " release_at, ask_at, run_id, counted)"
            f" SELECT order_id, seq, 0, offer_id, :supplier, :front, 'spread', quantity, 'CNY', {PRICE_MINOR}, {COST_MINOR},"
            f" {THEIRS_MINOR}, {PRICE_MINOR - THEIRS_MINOR}, 0, 0, 0, 0, 'held', :at, :at, :at, :run, false FROM order_lines"
        ),
        {"supplier": supplier_id, "front": storefront_id, "at": at, "run": run},
    )
    # In the books it is one transfer here: what is read of them is the sum of an account.
    wallet = session.execute(text("SELECT MIN(wallet_id) FROM customers")).scalar_one()
    transfer = session.execute(
        text("INSERT INTO transfers (key, kind, at) VALUES ('settle-bench', 'settlement', :at) RETURNING id"), {"at": at}
    ).scalar_one()
    session.execute(
        text(
            "INSERT INTO postings (transfer_id, seq, debit_id, credit_id, amount_minor, currency)"
            " VALUES (:transfer, 1, :wallet, :payable, :theirs, 'CNY')"
        ),
        {"transfer": transfer, "wallet": wallet, "payable": payable, "theirs": CARDS * THEIRS_MINOR},
    )


async def whole(shop: Shop, supplier_id: int) -> float:
    """The statement in its three forms, from the question to the last byte; seconds."""
    today, speech = datetime.now(UTC).date(), Speech("en")
    begin = time.perf_counter()
    made = await shop.read(settlement.earnings, supplier_id=supplier_id, currency="CNY", first=today, last=today, timezone="UTC")
    said, table, picture = earnings_said(made, speech), earnings_csv(made, speech), earnings_png(made, speech)
    took = time.perf_counter() - begin
    assert made.total.units == CARDS and made.balances.held_minor == made.total.earned_minor == CARDS * THEIRS_MINOR, made.total
    assert "100,000 units" in said and b"8800000.00" in table and picture
    return took


def added_up(rows: list[tuple[int, ...]]) -> int:
    assert len(rows) == CARDS
    return sum(row[4] for row in rows)


def plain_sqlite(path: Path, supplier_id: int) -> float:
    """By sqlite3; seconds."""
    connection = sqlite3.connect(path)
    begin = time.perf_counter()
    assert added_up(connection.execute(LINES.format(supplier=supplier_id)).fetchall()) == CARDS * THEIRS_MINOR
    took = time.perf_counter() - begin
    connection.close()
    return took


async def plain_postgres(url: str, supplier_id: int) -> float:
    """By asyncpg; seconds."""
    connection = await asyncpg.connect(url)
    begin = time.perf_counter()
    assert added_up(await connection.fetch(LINES.format(supplier=supplier_id))) == CARDS * THEIRS_MINOR
    took = time.perf_counter() - begin
    await connection.close()
    return took


async def measure(runs: int) -> list[Figure]:
    """Both databases, each beside its baseline."""
    figures = []
    with postgres_server() as server, tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        await run_sql(server, "CREATE DATABASE statement")
        urls = {
            "sqlite": f"sqlite:///{folder}/shop.db",
            "postgres": make_url(server).set(database="statement").render_as_string(hide_password=False),
        }
        for name, url in urls.items():
            figure = Figure(f"statement-{name}", "seconds", BASELINE_IS, target=TARGET, higher=False)
            async with scene(url, codes=0, past=CARDS) as shown:
                made = await shown.shop.write(supply.new_supplier, name="Lin", standing=Standing.AUTHORISED, telegram_id=1)
                await shown.shop.write(earn, supplier_id=made.id, storefront_id=shown.storefront_id)
                await whole(shown.shop, made.id)  # Fonts and statements are made ready once.
                for _ in range(runs):
                    ours = await whole(shown.shop, made.id)
                    if name == "sqlite":
                        theirs = await asyncio.to_thread(plain_sqlite, Path(folder) / "shop.db", made.id)
                    else:
                        theirs = await plain_postgres(url, made.id)
                    figure.add(ours, theirs)
            figures.append(figure)
    return figures
