"""Damage done to a sound shop past its guards, one at a time, and what the audit says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from core import audit
from core.database import Shop
from tests.core.props import aside


@dataclass(frozen=True)
class Damage:
    """What an intruder does: first the tables lose their guards, then the rows are changed."""

    check: str
    tables: str
    sql: str


def do(connection: Connection, harm: Damage, named: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Do the damage; what its SQL names in braces is in `named`."""
    for table in harm.tables.split():
        # A copy has the rows and none of the guards.
        connection.execute(text(f"CREATE TABLE bare AS SELECT * FROM {table}"))
        cascade = "CASCADE" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TABLE {table} {cascade}"))
        connection.execute(text(f"ALTER TABLE bare RENAME TO {table}"))
    changed = connection.execute(text(harm.sql.format(**named) if named else harm.sql))
    assert changed.rowcount > 0, f"the damage for “{harm.check}” hit nothing"


async def not_found(
    shop: Shop, url: str, harms: Iterable[Damage], *, named: Mapping[str, Any] = MappingProxyType({}), sample: int = 0
) -> list[tuple[str, str, object]]:
    """Each damage alone, examined in its own transaction that nothing is kept of; those that the audit did not find by their check."""

    def examined(connection: Connection, harm: Damage) -> audit.Report:
        do(connection, harm, named)
        with Session(connection, info={"tools": shop.tools}) as session:
            return audit.examine(session, sample=sample)

    missed: list[tuple[str, str, object]] = []
    for harm in harms:
        async with aside(url) as connection:
            report = await connection.run_sync(examined, harm)
            await connection.rollback()
        if harm.check not in report.violated or harm.check not in {one.check for one in report.violations}:
            missed.append((harm.check, harm.sql, report.violated))
    return missed
