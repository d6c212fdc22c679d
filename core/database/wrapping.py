"""Data keys of rows under the newest of the shop's keys: what a changed key file asks of everything that lies sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core.database.keys import KeysMissing
from core.database.tools import keys

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The data key of one row as it is stored: wrapped, by which of the shop's keys, and what it is bound to."""

    key: bytes
    by: str
    about: str


def wrap_anew(
    session: Session,
    table: type[T],
    *,
    key: Callable[[T], Wrapped | None],
    put: Callable[[T, bytes, str], None],
    after: int,
    most: int,
    where: tuple[ColumnElement[bool], ...] = (),
) -> tuple[int, int | None]:
    """A part of commands: wrap the data keys of up to `most` rows above the id `after` with the newest key; nothing sealed is touched.

    `key` reads a row's (None: nothing is sealed in it), `put` writes the wrapped key and the name of the key that wrapped it.
    Returns how many were wrapped anew, and the id to go on after (None at the end). Raises KeysMissing.
    """
    row_id: Any = table.id  # type: ignore[attr-defined]
    ring, done, last = keys(session), 0, None
    rows = session.scalars(select(table).where(row_id > after, *where).order_by(row_id).limit(most).with_for_update()).all()
    for row in rows:
        last = int(row.id)  # type: ignore[attr-defined]
        stored = key(row)
        if stored is None or stored.by == ring.newest_wrapping:
            continue
        if stored.by not in ring.wrapping:
            raise KeysMissing(f"The key file lacks the wrapping key {stored.by}: restore the backup of the key file.")
        put(row, *ring.rewrap(stored.key, stored.by, stored.about))
        done += 1
    session.flush()
    return done, last if len(rows) == most else None
