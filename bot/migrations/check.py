"""`python -m bot.migrations.check`: do the migrations make exactly the tables that the models describe?"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect

from bot.migrations.steps import migrate
from core.schema import metadata

Shape = dict[str, str]


def shape(connection: Connection) -> dict[str, Shape]:
    """Every table of the database: its columns in their order, and all that guards it, by name – keys, checks, indexes with WHERE."""
    inspector = inspect(connection)
    tables: dict[str, Shape] = {}
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        parts: list[tuple[str, Any]] = [("primary key", inspector.get_pk_constraint(table))]
        parts += [(f"column {number} {row['name']}", row) for number, row in enumerate(inspector.get_columns(table), 1)]
        parts += [(f"foreign key {row['name']}", row) for row in inspector.get_foreign_keys(table)]
        parts += [(f"unique key {row['name']}", row) for row in inspector.get_unique_constraints(table)]
        parts += [(f"check {row['name']}", row) for row in inspector.get_check_constraints(table)]
        parts += [(f"index {row['name']}", row) for row in inspector.get_indexes(table)]
        tables[table] = {what: _said(row) for what, row in parts}
    return tables


def _said(thing: Any) -> str:
    """What the inspector found, as text that is equal when the things are."""
    if isinstance(thing, dict):
        return "{" + ", ".join(f"{key}: {_said(value)}" for key, value in sorted(thing.items())) + "}"
    return str(thing)


def differences(migrated: Connection, modelled: Connection) -> Iterator[str]:
    """One sentence for each difference between a database made by migrations and one made from the models."""
    context = MigrationContext.configure(migrated, opts={"compare_server_default": True})
    for change in compare_metadata(context, metadata):
        yield f"alembic would still do: {change}"
    ours, theirs = shape(migrated), shape(modelled)
    for table in sorted(ours.keys() | theirs.keys()):
        made, wanted = ours.get(table, {}), theirs.get(table, {})
        for what in sorted(made.keys() | wanted.keys()):
            if made.get(what) != wanted.get(what):
                yield f"{table}, {what}: migrations make {made.get(what, 'nothing')}, models say {wanted.get(what, 'nothing')}"


async def on_sqlite(folder: Path) -> list[str]:
    """The differences on two new SQLite databases in this folder."""
    await migrate(f"sqlite:///{folder}/migrated.db")
    migrated, modelled = (create_engine(f"sqlite:///{folder}/{name}.db") for name in ("migrated", "modelled"))
    try:
        metadata.create_all(modelled)
        with migrated.connect() as left, modelled.connect() as right:
            return list(differences(left, right))
    finally:
        migrated.dispose()
        modelled.dispose()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="shop-migrations-") as folder:
        found = asyncio.run(on_sqlite(Path(folder)))
    if found:
        sys.stderr.write("\n".join(found) + "\n")
        sys.stderr.write("The migrations do not make what the models say: write a new one (see bot/migrations/alembic.ini).\n")
        return 1
    sys.stdout.write(f"Migrations and models agree on {len(metadata.tables)} tables.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
