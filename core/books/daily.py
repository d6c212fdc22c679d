"""The morning post: the statement of the day before, once to each owner, whatever processes there are."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from core import journal, outbox, people
from core.books.rules import span
from core.books.tables import DailyStatement
from core.database import Instant, insert_new, now, read, write
from core.people import Role

# By then every transaction of the day before is over, and so is the night.
MORNING = time(8)


@read
def daily_wanted(session: Session, *, storefront_id: int) -> bool:
    """Do the owners get the statement of each day in the morning after?"""
    row = session.get(DailyStatement, storefront_id)
    return row is None or row.wanted


@write
def want_daily(session: Session, *, storefront_id: int, wanted: bool, by: str) -> None:
    """Switch the morning post on or off; on, it begins with the next morning."""
    row = _row(session, storefront_id)
    if row.wanted != wanted:
        row.wanted = wanted
        journal.record(
            session,
            by=by,
            did="change-storefront",
            about="storefront",
            about_id=storefront_id,
            before={"daily_statement": not wanted},
            after={"daily_statement": wanted},
        )


@write
def post_daily(session: Session, *, storefront_id: int, timezone: str) -> int:
    """From eight in the morning on, post yesterday's statement to every owner – to all of the staff while there is no owner –, once.

    Days that were missed while no process ran are not made up for. Nothing is posted of a day before the first movement of money.
    Returns to how many it was posted.
    """
    local = now(session).astimezone(ZoneInfo(timezone))
    if local.time() < MORNING:
        return 0
    day = local.date() - timedelta(days=1)
    seen = session.get(DailyStatement, storefront_id)
    if seen is not None and seen.posted is not None and seen.posted >= day.isoformat():
        return 0
    row = _row(session, storefront_id)
    if row.posted is not None and row.posted >= day.isoformat():
        return 0  # Another process was quicker.
    if not row.wanted or not _anything_before(session, span(day, day, timezone)[1]):
        row.posted = day.isoformat()
        return 0
    staff = [member for member in people.staff(session, storefront_id=storefront_id) if member.customer is not None]
    readers = [member for member in staff if member.role is Role.OWNER] or staff
    for member in readers:
        assert member.customer is not None
        outbox.post(
            session,
            topic=outbox.Topic.ALERT,
            customer_id=member.customer.id,
            body={"says": "statement", "day": day.isoformat()},
            once=f"statement:{storefront_id}:{day.isoformat()}:{member.customer.id}",
        )
    if readers:
        row.posted = day.isoformat()
    return len(readers)


def _row(session: Session, storefront_id: int) -> DailyStatement:
    """The storefront's row, locked until the end of this transaction."""
    session.execute(insert_new(session, DailyStatement).values(storefront_id=storefront_id))
    return session.get_one(DailyStatement, storefront_id, with_for_update=True, populate_existing=True)


def _anything_before(session: Session, moment: datetime) -> bool:
    transfers = table("transfers", column("id"), column("at", Instant))
    first = session.scalar(select(transfers.c.at).order_by(transfers.c.id).limit(1))
    return first is not None and first < moment
