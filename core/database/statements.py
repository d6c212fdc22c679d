"""Statements that both databases know but spell differently."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, String, Table, TableValuedAlias, any_, bindparam, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session


def insert_new(session: Session, table: type[Any]) -> Any:
    """INSERT … ON CONFLICT DO NOTHING: rows that break a unique key are left out instead of failing the transaction."""
    target: Table = table.__table__
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(target).on_conflict_do_nothing()
    return sqlite.insert(target).on_conflict_do_nothing()


def among(session: Session, column: InstrumentedAttribute[int], ids: Collection[int]) -> ColumnElement[bool]:
    """Is the column one of these ids? One parameter however many they are, where IN has one for each (and at most 32,767)."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(bindparam(None, list(ids), type_=ARRAY(BigInteger)))
    listed = func.json_each(bindparam(None, json.dumps(list(ids)), type_=String)).table_valued("value")
    return column.in_(select(listed.c.value))


def listed(session: Session, ids: Collection[int]) -> TableValuedAlias:
    """These ids as a table to join with, its column `value`: in one parameter however many they are."""
    if session.get_bind().dialect.name == "postgresql":
        ids_given = bindparam(None, list(ids), type_=ARRAY(BigInteger))
        return func.unnest(ids_given).table_valued(column("value", BigInteger)).render_derived()
    return func.json_each(bindparam(None, json.dumps(list(ids)), type_=String)).table_valued(column("value", BigInteger))
