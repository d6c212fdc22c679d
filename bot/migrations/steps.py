"""Carrying migrations out: one transaction, so that a database is at one revision or at the next, never between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from core.database import read_only_url

# Which driver it found is of no interest; what was done is said by the command.
logging.getLogger("alembic").setLevel(logging.WARNING)

HERE = Path(__file__).parent

# Any number will do, as long as nothing else on the same PostgreSQL database takes an advisory lock by it.
_ADVISORY_LOCK = 0x5348_4F50  # "SHOP"
# Somebody else's migration is waited for this long, and no longer.
_LOCK_TIMEOUT = "300s"

R = TypeVar("R")


class CannotMigrate(Exception):
    """The database cannot be brought to this program's revision; the message says what to do."""


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration of this folder, working on the connection when one is given."""
    made = Config()
    made.set_main_option("script_location", str(HERE).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def newest_revision() -> str:
    """The revision this program works with."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert newest is not None, "there is a first migration"
    return newest


async def migrate(url: str, to: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to the revision (`base` takes everything away); returns the revisions before and after it.

    On PostgreSQL several may call at once: they wait for one another. On SQLite the caller holds the writer's lock.
    """
    return await _in_one_transaction(make_url(url), lambda connection: _move(connection, to))


async def database_revision(url: str) -> str | None:
    """The revision the database is at; None when it has no tables of the shop. Changes nothing, needs no lock."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not await asyncio.to_thread(Path(parsed.database or "").is_file):
        return None
    if parsed.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_sqlite_revision, parsed)
    engine = create_async_engine(parsed.set(drivername="postgresql+asyncpg"), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_revision)
    finally:
        await engine.dispose()


def _sqlite_revision(url: URL) -> str | None:
    engine = create_engine(read_only_url(url), poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _move(connection: Connection, to: str) -> tuple[str | None, str | None]:
    before = _revision(connection)
    if before is None and to != "base" and inspect(connection).has_table("storefronts"):
        raise CannotMigrate(
            "The database has tables of the shop but no record of migrations: it was not made by `shop migrate`. "
            "Name an empty database in SHOP_DATABASE."
        )
    try:
        if to == "base":
            command.downgrade(config(connection), to)
        else:
            command.upgrade(config(connection), to)
    except CommandError:
        raise CannotMigrate(
            f"The database is at revision {before}, which this version of the shop does not know: it was used by a newer one. "
            "Install the newer version, or restore the backup that was made before it."
        ) from None
    return before, _revision(connection)


async def _in_one_transaction(url: URL, work: Callable[[Connection], R]) -> R:
    if url.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_on_sqlite, url, work)
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"server_settings": {"lock_timeout": _LOCK_TIMEOUT, "application_name": "shop migrate"}, "timeout": 15},
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _on_sqlite(url: URL, work: Callable[[Connection], R]) -> R:
    assert url.database
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        # The driver would commit before each CREATE TABLE; transactions are begun by hand below.
        connection.isolation_level = None
        cursor = connection.cursor()
        # A table is changed by making it anew, which would otherwise cascade; what is left is checked before the commit.
        for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            done = work(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            assert broken is None, f"a migration left a row of {broken[0]} without what it refers to" if broken else ""
            return done
    finally:
        engine.dispose()
