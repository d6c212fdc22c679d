"""What was written in a span of time, found by its ids: they grow with time, and every table has their index already.

An index of its own on the time would cost each sale a page more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

# An id below another may have been written later, by a long transaction or under a clock that is slow, but not by so much.
_APART = timedelta(hours=1)


def written_between(
    session: Session,
    id: InstrumentedAttribute[int],
    at: InstrumentedAttribute[datetime],
    since: datetime,
    until: datetime,
) -> ColumnElement[bool]:
    """The condition that `at`, which a row got when it got its `id`, lies between two instants (the second not included).

    Looks at some dozens of rows by their ids, however many there are. A part of questions.
    """
    start, end = ids_around(session, id, at, since, until)
    return and_(id >= start, id < end, at >= since, at < until)


def ids_around(
    session: Session,
    id: SQLColumnExpression[Any],
    at: SQLColumnExpression[Any],
    since: datetime,
    until: datetime,
) -> tuple[int, int]:
    """The ids (the second not included) among which everything of this span is, with some of before and after it.

    Everything before them is older than the span, everything from the second on is younger. A part of questions.
    """
    return _first(session, id, at, since - _APART), _first(session, id, at, until + _APART)


def _first(session: Session, id: SQLColumnExpression[Any], at: SQLColumnExpression[Any], moment: datetime) -> int:
    """The first id from which on everything is of this moment or later, but for a few that lie within `_APART` of it."""
    low, high = (session.execute(select(id, at).order_by(order).limit(1)).one_or_none() for order in (id.asc(), id.desc()))
    if low is None or high is None:
        return 0
    if high[1] < moment:
        return int(high[0]) + 1
    start, end = int(low[0]), int(high[0])
    while start < end:
        middle = (start + end) // 2
        found, written_at = session.execute(select(id, at).where(id >= middle).order_by(id).limit(1)).one()
        if written_at < moment:
            start = found + 1
        else:
            end = middle
    return start
