"""The timed jobs' standing questions on PostgreSQL, in a shop with a long past: none of them reads a whole large table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import Boolean, Column, LargeBinary, text
from sqlalchemy.orm import Session

from core.database import Base, Shop, instant, micros, write
from tests.core.test_standing_questions import asked_by_jobs

ROWS = 100_000
LONG_AGO = micros(instant(0) + timedelta(days=20_000))
# What is over in a shop with a past: of each table so many rows, all of them old; what is not named is what its type says.
PAST: dict[str, Mapping[str, str]] = {
    "orders": {"state": "'issued'", "currency": "'CNY'", "paid_by": "'balance'", "issued_at": f"{LONG_AGO}"},
    "order_lines": {"seq": "1", "currency": "'CNY'"},
    "tasks": {"state": "'done'", "ended_at": f"{LONG_AGO}", "got": "1", "quantity": "1", "kind": "'code'", "lane": "'bot'"},
    "offers": {"cost_currency": "'CNY'", "source_class": "'authorised'", "plain": "true", "supplier_id": "g % 500 + 1"},
    "offer_stops": {"why": "'paused'", "lifted_at": f"{LONG_AGO}", "lifted_by": "'x'", "until": f"{LONG_AGO}"},
    "offer_costs": {"version": "1", "taken_at": f"{LONG_AGO}", "currency": "'CNY'"},
    "batches": {"state": "'published'", "published_at": f"{LONG_AGO}"},
    "cases": {"state": "'closed'", "reason": "'used'", "decided_at": f"{LONG_AGO}"},
    "claims": {"state": "'released'", "form": "'spread'", "counted": "true", "currency": "'CNY'", "seq": "1"},
    "service_jobs": {"state": "'agreed'", "lane": "'staff'", "agreed_at": f"{LONG_AGO}"},
    "milestones": {"seq": "1", "currency": "'CNY'", "delivered_at": f"{LONG_AGO}", "accepted_at": f"{LONG_AGO}", "accepted_by": "'buyer'"},
    "codes": {"row": "g", "order_id": "g"},
    "sources": {"rank": "1", "version": "1"},
    "prices": {"storefront_id": "1", "until": f"{LONG_AGO}", "currency": "'CNY'"},
    "unmet_demand": {"storefront_id": "1", "day": "'2020-01-01'"},
}


def _made(column: Column[object]) -> str:
    if isinstance(column.type, Boolean):
        return "false"
    if isinstance(column.type, LargeBinary):
        return "int8send(g)"
    if str(column.type) in ("BIGINT", "INTEGER"):
        return f"{LONG_AGO}" if column.name.endswith("_at") or column.name == "since" else "g"
    return "'x' || g"


@write
def has_a_past(session: Session) -> None:
    """So many rows of everything that grows, and the planner knows of them."""
    session.execute(text("SET LOCAL session_replication_role = replica"))  # What each row belongs to is of no account here.
    for name, said in PAST.items():
        table = Base.metadata.tables[name]
        checks = text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = CAST(:name AS regclass)")
        for check in session.scalars(checks, {"name": name}).all():
            session.execute(text(f'ALTER TABLE {name} DROP CONSTRAINT "{check}"'))  # Nor is what it says.
        given = {c.name: said.get(c.name) or _made(c) for c in table.columns if c.name in said or not (c.nullable or c.server_default)}
        columns = ", ".join(f'"{column}"' for column in given)
        session.execute(
            text(f"INSERT INTO {name} ({columns}) SELECT {', '.join(given.values())} FROM generate_series(1000, {ROWS + 1000}) g")
        )
        session.execute(text(f"ANALYZE {name}"))


@write
def plans(session: Session) -> dict[str, str]:
    """How PostgreSQL would answer each: the plan by the statement."""
    connection, found = session.connection(), {}
    for statement, given in asked_by_jobs(session):
        if not statement.lstrip().upper().startswith(("SAVEPOINT", "RELEASE", "SET")):
            found[statement] = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", given))
    return found


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.usefixtures("storefront")
async def test_no_standing_question_reads_a_whole_large_table_on_postgres(shop: Shop) -> None:
    await shop.write(has_a_past)
    read_whole = {}
    for statement, plan in (await shop.write(plans)).items():
        scanned = set(re.findall(r"Seq Scan on (\w+)", plan)) & set(PAST)
        if scanned:
            read_whole[statement] = plan
    assert not read_whole, "\n\n".join(f"{statement}\n{plan}" for statement, plan in read_whole.items())
