"""PostgreSQL databases that are used again: warm connections, and tables emptied as the template has them.

A database made for one test costs a checkpoint to make and one to drop, and every connection to it reads the catalogue of a hundred and
thirty tables anew, which takes longer than most tests. So an orderly end of a test leaves its database to the next one: its rows are
deleted and its sequences start again. After a test that changed anything but rows, or left someone connected, the database is dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import core.database.postgres
from core.database import Base
from tests.stage import numbers

_USES = 60  # A deleted row leaves its place behind; nobody vacuums here.

# Anything but rows that is changed, by whomever and in whatever role, is noted; a change that is rolled back takes its note along.
_WATCH = (
    "CREATE SCHEMA watch",
    "CREATE TABLE watch.changes (command text)",
    """CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO watch.changes VALUES (tg_tag); END $$""",
    "CREATE EVENT TRIGGER watch_changes ON ddl_command_end EXECUTE FUNCTION watch.note()",
    "ALTER EVENT TRIGGER watch_changes ENABLE ALWAYS",
    "DELETE FROM watch.changes",
)
_CHANGED = text("SELECT EXISTS (SELECT FROM watch.changes)")
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND NOT pid = ANY(:ours)"
)
_FILLED = text(
    "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
)
_START_AGAIN = text("SELECT count(setval(seqrelid, 1, false)) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL")


async def make_tables(url: str) -> None:
    """The schema as the models say; that migrations make the same is a test of its own."""
    drivers = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername=drivers[parsed.get_backend_name()]), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        if parsed.get_backend_name() == "postgresql":
            for statement in _WATCH:
                await connection.execute(text(statement))
    await engine.dispose()


async def maintain(server: str, *statements: str) -> None:
    """Statements that take no transaction, as making and dropping a database."""
    engine = create_async_engine(make_url(server).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


class Kept(AsyncEngine):
    """An engine that is not closed but laid aside, with its connections, for who asks for the same next."""

    __slots__ = ("aside", "of")

    def __init__(self, engine: AsyncEngine, of: _Database) -> None:
        super().__init__(engine.sync_engine)
        self.of = of
        self.aside = False

    async def dispose(self, close: bool = True) -> None:
        self.aside = True

    async def end(self) -> None:
        """Close every connection."""
        await super().dispose()


class _Database:
    """One that a test has now, or had."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.uses = 0
        self.loop = asyncio.get_running_loop()
        self.engines: list[tuple[object, Kept]] = []
        self.pids: set[int] = set()
        self.cleaner = create_async_engine(url.set(drivername="postgresql+asyncpg"), pool_size=1)

    def engine(self, settings: dict[str, str], size: int, more: dict[str, Any]) -> AsyncEngine:
        """One laid aside that was made just so, or a new one."""
        made_so = (settings, size, more)
        for so, kept in self.engines:
            if kept.aside and so == made_so:
                kept.aside = False
                return kept
        kept = Kept(_make(self.url, settings, size, **more), self)
        event.listen(kept.sync_engine, "connect", self._connected)
        self.engines.append((made_so, kept))
        return kept

    def _connected(self, connection: Any, _record: Any) -> None:
        self.pids.add(connection.driver_connection.get_server_pid())

    async def as_new(self) -> bool:
        """Delete all rows; False if more was changed than rows, or somebody is still connected."""
        if any(not kept.aside or kept.sync_engine.pool.checkedout() for _, kept in self.engines):  # type: ignore[attr-defined]
            return False
        async with self.cleaner.begin() as connection:
            if await connection.scalar(_CHANGED) or await connection.scalar(_OTHERS, {"ours": list(self.pids)}):
                return False
            filled = (await connection.scalars(_FILLED)).all()
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # No trigger, no key: all of it goes.
            if filled:
                await connection.exec_driver_sql(
                    "WITH " + ", ".join(f"d{n} AS (DELETE FROM {table})" for n, table in enumerate(filled)) + " SELECT 1"
                )
            await connection.execute(_START_AGAIN)
        return True

    async def end(self) -> None:
        """Close every connection."""
        for _, kept in self.engines:
            await kept.end()
        await self.cleaner.dispose()


_make = core.database.postgres.engine
_lent: dict[str, _Database] = {}


def _engine(url: URL, settings: dict[str, str], size: int, **more: Any) -> AsyncEngine:
    database = _lent.get(url.database or "")
    if database is None or database.loop is not asyncio.get_running_loop():
        return _make(url, settings, size, **more)
    return database.engine(settings, size, more)


def keep_connections() -> None:
    """From now on a shop in a lent database finds the connections of the shop before it."""
    core.database.postgres.engine = _engine


class Databases:
    """The databases of one process of tests."""

    def __init__(self) -> None:
        self._free: list[_Database] = []

    @asynccontextmanager
    async def lent(self, server: str, template: str) -> AsyncIterator[str]:
        """The URL of a database with the template's tables, for as long as this lasts."""
        database = self._free.pop() if self._free else await self._new(server, template)
        name = database.url.database
        assert name is not None
        _lent[name] = database
        before = asyncio.all_tasks()
        try:
            yield database.url.render_as_string(hide_password=False)
        finally:
            del _lent[name]
            left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            database.uses += 1
            if database.uses < _USES and await database.as_new():
                self._free.append(database)
            else:
                await database.end()
                await maintain(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _new(self, server: str, template: str) -> _Database:
        name = f"shop_{os.getpid()}_{next(numbers)}"
        # Copied as files: half the work of going through the log, and nothing here outlives a crash.
        await maintain(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return _Database(make_url(server).set(database=name))

    async def end(self) -> None:
        """Close every connection; the server goes, and they with it."""
        for database in self._free:
            await database.end()
