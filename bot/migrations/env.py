"""What alembic runs: on the connection that the shop gives, or for developers on the database of the settings."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Enum, Integer, make_url
from sqlalchemy.types import BigInteger

from core.database import Instant
from core.schema import metadata


def in_words(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    """How the shop's own types are written in a new migration: plainly, so that old migrations never change with the models."""
    if kind != "type":
        return False
    if isinstance(thing, Instant):
        return "sa.BigInteger()"
    if isinstance(thing, BigInteger) and isinstance(thing._variant_mapping.get("sqlite"), Integer):
        return "BigInt"
    if isinstance(thing, Enum):
        return f"sa.String({thing.length})"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=in_words,
        render_as_batch=True,
        transactional_ddl=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_on_settings() -> None:
    from bot.migrations.steps import _in_one_transaction
    from bot.settings import read_settings

    asyncio.run(_in_one_transaction(make_url(read_settings().database_url), run))


def print_sql() -> None:
    from bot.settings import read_settings

    context.configure(url=make_url(read_settings().database_url).set(password=None), target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
elif context.is_offline_mode():
    print_sql()
else:
    run_on_settings()
