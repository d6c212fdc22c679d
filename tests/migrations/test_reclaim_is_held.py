"""Accounts that were sold with a promise before it counted: the money of those that are still held is held as long as was promised."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Connection, MetaData, String, Table, select

from bot.migrations import versions
from tests.migrations.test_migrations import on

DAY = 86_400_000_000
HELD, LONGER, RELEASED, OTHER, NONE = range(1, 6)


def fill(connection: Connection) -> None:
    """Claims of two products, as they lay in the tables before."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET session_replication_role = replica")  # Only what is looked at is there.

    def put(table: str, **facts: Any) -> None:
        known = Table(table, MetaData(), autoload_with=connection, resolve_fks=False)
        for column in known.columns:
            if not column.nullable and column.server_default is None and column.name not in facts:
                facts[column.name] = "x" if isinstance(column.type, String) else {} if isinstance(column.type, JSON) else 0
        for name, value in facts.items():
            if name in known.columns and isinstance(value, bool | int) and known.columns[name].type.python_type is bool:
                facts[name] = bool(value)
        connection.execute(known.insert().values(**facts))

    for product, kind, terms in ((1, "account", {"reclaim_days": 30}), (2, "code", {"reclaim_days": 30}), (3, "account", None)):
        put("products", id=product, slug=f"p{product}", kind=kind, terms=terms)
        put("skus", id=product, product_id=product, slug=f"s{product}", min_quantity=1, max_quantity=1)
        put("offers", id=product, supplier_id=product, sku_id=product)
    for claim, offer, state, days in (
        (HELD, 1, "held", 3),
        (LONGER, 1, "held", 40),
        (RELEASED, 1, "released", 3),
        (OTHER, 2, "held", 3),
        (NONE, 3, "held", 3),
    ):
        put(
            "claims",
            id=claim,
            order_id=claim,
            seq=1,
            offer_id=offer,
            units=1,
            state=state,
            sold_at=DAY,
            release_at=DAY + days * DAY,
            ask_at=DAY + days * DAY,
        )


def hold(connection: Connection) -> None:
    """What the migration does with claims, by itself."""
    [path] = Path(versions.__path__[0]).glob("*_terms_as_they_were_sold.py")
    step = importlib.import_module(f"{versions.__name__}.{path.stem}")
    with Operations.context(MigrationContext.configure(connection)):
        step._hold_what_was_promised()


async def test_money_that_is_held_is_held_as_long_as_was_promised(database_url: str) -> None:
    await on(database_url, fill, commit=True)
    await on(database_url, hold, commit=True)

    def look(connection: Connection) -> dict[int, tuple[int, int]]:
        claims = Table("claims", MetaData(), autoload_with=connection, resolve_fks=False)
        rows = connection.execute(select(claims.c.id, claims.c.release_at, claims.c.ask_at)).all()
        return {row.id: (row.release_at // DAY, row.ask_at // DAY) for row in rows}

    assert await on(database_url, look) == {HELD: (31, 31), LONGER: (41, 41), RELEASED: (4, 4), OTHER: (4, 4), NONE: (4, 4)}
