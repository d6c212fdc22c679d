"""The migrations make exactly what the models say, on both databases, whoever runs them and how often."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic import command
from sqlalchemy import Connection, NullPool, inspect, make_url, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.migrations import CannotMigrate, database_revision, migrate, newest_revision
from bot.migrations.check import differences, on_sqlite, shape
from core.schema import metadata
from tests.databases import maintain
from tests.stage import numbers

R = TypeVar("R")


@pytest.fixture
async def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """A database without a table."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/migrated.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    name = f"migrated_{os.getpid()}_{next(numbers)}"
    await maintain(server, f"CREATE DATABASE {name} TEMPLATE template0")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    await maintain(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def on(url: str, work: Callable[[Connection], R], *, commit: bool = False) -> R:
    drivers = {"postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername=drivers[parsed.get_backend_name()]), poolclass=NullPool)
    try:
        connection: AsyncConnection
        async with engine.connect() as connection:
            done = await connection.run_sync(work)
            if commit:
                await connection.commit()
            return done
    finally:
        await engine.dispose()


async def test_migrations_make_exactly_the_tables_of_the_models(empty_url: str, database_url: str) -> None:
    await migrate(empty_url)

    wanted = await on(database_url, shape)
    assert len(wanted) == len(metadata.tables)
    assert await on(empty_url, shape) == wanted


async def test_alembic_finds_nothing_left_to_do(empty_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    await migrate(empty_url)

    def compare(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata)

    assert await on(empty_url, compare) == []


async def test_checks_and_partial_indexes_are_there_and_bite(empty_url: str, database: str) -> None:
    await migrate(empty_url)

    def look(connection: Connection) -> tuple[set[str | None], dict[str | None, str]]:
        inspector = inspect(connection)
        checks = {check["name"] for table in inspector.get_table_names() for check in inspector.get_check_constraints(table)}
        indexes = {
            index["name"]: str(index.get("dialect_options", {}).get(f"{connection.dialect.name}_where", ""))
            for table in inspector.get_table_names()
            for index in inspector.get_indexes(table)
        }
        return checks, indexes

    checks, indexes = await on(empty_url, look)
    assert {"ck_codes_code_is_in_one_place", "ck_accounts_balance_above_floor", "ck_postings_amount_positive"} <= checks
    assert "available IS NOT NULL" in indexes["ix_codes_on_the_shelf"]
    assert "until IS NULL" in indexes["uq_price_current"]

    def break_it(connection: Connection) -> None:
        connection.execute(text("INSERT INTO parties (id, kind) VALUES (1, 'customer')"))
        connection.execute(
            text(
                "INSERT INTO accounts (party_id, kind, label, currency, balance_minor, floor_minor) VALUES (1, 'wallet', '', 'CNY', -1, 0)"
            )
        )

    with pytest.raises(IntegrityError, match="balance_above_floor"):
        await on(empty_url, break_it)


async def test_storage_settings_of_postgres_tables_are_the_same(empty_url: str, database_url: str, database: str) -> None:
    if database != "postgres":
        pytest.skip("SQLite has no storage settings")
    await migrate(empty_url)

    def settings(connection: Connection) -> list[Any]:
        kinds = "SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL AND relname <> 'alembic_version'"
        return sorted(map(tuple, connection.execute(text(kinds))))

    wanted = await on(database_url, settings)
    assert ("codes", ["fillfactor=90"]) in wanted
    assert await on(empty_url, settings) == wanted


async def test_migrating_twice_changes_nothing_the_second_time(empty_url: str) -> None:
    assert await database_revision(empty_url) is None

    assert await migrate(empty_url) == (None, newest_revision())
    assert await migrate(empty_url) == (newest_revision(), newest_revision())
    assert await database_revision(empty_url) == newest_revision()


async def test_the_way_back_leaves_no_table(empty_url: str) -> None:
    await migrate(empty_url)
    await migrate(empty_url, "base")

    assert await on(empty_url, shape) == {}
    assert await database_revision(empty_url) is None
    await migrate(empty_url)
    assert len(await on(empty_url, shape)) == len(metadata.tables)


async def test_several_migrate_postgres_at_once_and_one_does_it(empty_url: str, database: str) -> None:
    if database != "postgres":
        pytest.skip("on SQLite only the holder of the writer's lock migrates")

    # Each with a loop of its own: nothing in this process makes them wait for one another, only the database does.
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(asyncio.run, migrate(empty_url)) for _ in range(4)]
        moves = [await asyncio.wrap_future(future) for future in futures]

    assert sorted(before is None for before, _ in moves) == [False, False, False, True]
    assert {after for _, after in moves} == {newest_revision()}


async def test_a_broken_migration_leaves_the_database_as_it_was(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.migrations import steps

    def half(connection: Connection, to: str) -> tuple[str | None, str | None]:
        command.upgrade(steps.config(connection), to)
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patched:
        patched.setattr(steps, "_move", half)
        with pytest.raises(RuntimeError, match="power"):
            await migrate(empty_url)

    assert await on(empty_url, shape) == {}
    assert await database_revision(empty_url) is None


async def test_a_database_of_a_newer_shop_is_refused_in_one_sentence(empty_url: str) -> None:
    await migrate(empty_url)
    await on(empty_url, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")), commit=True)

    with pytest.raises(CannotMigrate, match="revision 9999, which this version of the shop does not know"):
        await migrate(empty_url)


async def test_tables_that_no_migration_made_are_left_alone(database_url: str) -> None:
    with pytest.raises(CannotMigrate, match="no record of migrations"):
        await migrate(database_url)


async def test_the_check_finds_what_the_migrations_lack(tmp_path: Path) -> None:
    assert await on_sqlite(tmp_path) == []

    def spoil(connection: Connection) -> None:
        connection.execute(text("DROP INDEX ix_codes_on_the_shelf"))
        connection.execute(text("CREATE INDEX ix_codes_on_the_shelf ON codes (offer_id, available)"))
        connection.execute(text("ALTER TABLE rates DROP COLUMN source"))

    await on(f"sqlite:///{tmp_path}/migrated.db", spoil, commit=True)

    def compare(migrated: Connection) -> list[str]:
        from sqlalchemy import create_engine

        modelled = create_engine(f"sqlite:///{tmp_path}/modelled.db", poolclass=NullPool)
        with modelled.connect() as other:
            return list(differences(migrated, other))

    found = "\n".join(await on(f"sqlite:///{tmp_path}/migrated.db", compare))
    assert "codes, index ix_codes_on_the_shelf" in found
    assert "rates" in found and "source" in found


async def test_a_shop_from_before_there_were_tags_gets_one_that_is_its_own(empty_url: str) -> None:
    await migrate(empty_url, "0001")

    def fill(connection: Connection) -> None:
        for number in (1, 2):
            connection.execute(text(f"INSERT INTO parties (id, kind) VALUES ({number}, 'house')"))
            connection.execute(
                text(f"INSERT INTO accounts (id, party_id, kind, label, currency) VALUES ({number}, {number}, 'sales', '', 'CNY')")
            )
            connection.execute(
                text(
                    "INSERT INTO storefronts (id, party_id, name, currency, language, sales_account_id, opened_at) "
                    f"VALUES ({number}, {number}, 'Old', 'CNY', 'en', {number}, 0)"
                )
            )

    await on(empty_url, fill, commit=True)
    await migrate(empty_url)

    tags = await on(empty_url, lambda connection: list(connection.execute(text("SELECT tag FROM storefronts")).scalars()))
    assert len(set(tags)) == 2
    assert all(len(tag) == 6 and set(tag) <= set("bcdfghjklmnpqrstvwxz") for tag in tags)
