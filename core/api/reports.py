"""What is told to programs of resellers: numbered by key, tried again up a ladder, and kept when nobody listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal, orders, outbox, payments, people
from core.api import rules
from core.api.keys import OpenedKey, opened, works
from core.api.refusals import NoSuchKey
from core.api.shown import ApiOrder, shown
from core.api.tables import ApiKey, ApiReport, ReportKind
from core.database import now, read, write

_LEASE = timedelta(seconds=60)
_MOST_DEAD = 500  # that one press sends again


@dataclass(frozen=True, slots=True)
class Due:
    """A report to be sent now, and the key to sign it with; `order` is its order as it is now."""

    id: int
    sequence: int
    kind: ReportKind
    url: str = field(repr=False)
    key: OpenedKey
    tries: int
    body: Mapping[str, Any]
    order: ApiOrder | None


@dataclass(frozen=True, slots=True)
class Dead:
    """A report that nobody heard: parked until its owner has it sent again."""

    id: int
    sequence: int
    kind: ReportKind
    order_number: str | None
    made_at: datetime
    dead_at: datetime
    trouble: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many reports of a key are on their way, and how many nobody heard."""

    waiting: int
    dead: int


def add_report(
    session: Session,
    key: ApiKey,
    *,
    kind: ReportKind,
    url: str,
    body: dict[str, Any],
    order_id: int | None = None,
    sku_id: int | None = None,
) -> None:
    """One more report of a key, with the next number; a part of commands."""
    sequence = session.scalars(
        update(ApiKey)
        .where(ApiKey.id == key.id)
        .values(sequence=ApiKey.sequence + 1)
        .returning(ApiKey.sequence)
        .execution_options(synchronize_session=False)
    ).one()
    at = now(session)
    session.add(
        ApiReport(
            key_id=key.id,
            sequence=sequence,
            kind=kind,
            order_id=order_id,
            sku_id=sku_id,
            url=url,
            body=body,
            made_at=at,
            due_at=at,
            tries=0,
        )
    )
    session.flush()


@write
def report_orders(session: Session, *, most: int = 100) -> int:
    """What has changed about programs' orders becomes reports, where they named an address; returns how many orders it looked at."""
    turned = orders.take_turns(session, most=most)
    for order_id in sorted(turned):
        found = orders.outside_of(session, order_id)
        key = None if found is None else session.get(ApiKey, found.key_id)
        if found is None or key is None:
            continue
        url = found.callback_url or key.callback_url
        if url is not None and works(session, key):
            state = shown(found, repeated=False).state
            last = session.scalars(
                select(ApiReport).where(ApiReport.order_id == order_id).order_by(ApiReport.id.desc()).limit(1)
            ).one_or_none()
            if last is None or last.body.get("state") != state:
                add_report(session, key, kind=ReportKind.ORDER, url=url, body={"state": state}, order_id=order_id)
    return len(turned)


@write
def take_reports(session: Session, *, most: int = 20) -> list[Due]:
    """Reports that are due, this process's for a minute. Those of a key that is disabled meanwhile are dropped."""
    at = now(session)
    rows = session.scalars(
        select(ApiReport)
        .where(ApiReport.heard_at.is_(None), ApiReport.dead_at.is_(None), ApiReport.due_at <= at)
        .order_by(ApiReport.due_at, ApiReport.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    found = []
    for row in rows:
        key = session.get_one(ApiKey, row.key_id)
        if not works(session, key):
            row.dead_at, row.trouble = at, "its key is disabled"
            continue
        row.due_at = at + _LEASE
        outside = None if row.order_id is None else orders.outside_of(session, row.order_id)
        order = None if outside is None else shown(outside, repeated=False)
        found.append(Due(row.id, row.sequence, row.kind, row.url, opened(session, key), row.tries, row.body, order))
    session.flush()
    return found


@write
def heard(session: Session, *, report_id: int) -> None:
    """Its program said that it heard it."""
    session.execute(
        update(ApiReport)
        .where(ApiReport.id == report_id, ApiReport.heard_at.is_(None))
        .values(heard_at=now(session), dead_at=None, trouble=None, tries=ApiReport.tries + 1)
    )


@write
def not_heard(session: Session, *, report_id: int, trouble: str) -> bool:
    """It was not heard: again later, or parked at the end of the ladder; then its owner and the staff are told, once. True when parked."""
    row = session.get(ApiReport, report_id, with_for_update=True)
    if row is None or row.heard_at is not None or row.dead_at is not None:
        return False
    at, row.trouble = now(session), trouble[:200]
    row.tries += 1
    if row.tries <= len(rules.LADDER):
        row.due_at = at + timedelta(seconds=rules.LADDER[row.tries - 1])
        session.flush()
        return False
    row.dead_at = at
    session.flush()
    key = session.get_one(ApiKey, row.key_id)
    # Once for each time that its address stops listening, not for each report.
    since = session.scalar(select(func.max(ApiReport.id)).where(ApiReport.key_id == key.id, ApiReport.heard_at.is_not(None))) or 0
    body = {"says": "reports-unheard-staff", "key": key.label or key.name, "customer": key.customer_id, "trouble": row.trouble}
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=key.customer_id,
        body={"says": "reports-unheard", "key": key.label or key.name, "trouble": row.trouble},
        once=f"reports-unheard:{key.id}:{since}",
    )
    payments.tell_staff(session, storefront_id=key.storefront_id, body=body, once=f"reports-unheard-staff:{key.id}:{since}")
    return True


@read
def reports_of(session: Session, key_id: int) -> Waiting:
    """How a key's reports stand."""
    mine = (ApiReport.key_id == key_id, ApiReport.heard_at.is_(None))
    waiting = session.scalar(select(func.count()).select_from(ApiReport).where(*mine, ApiReport.dead_at.is_(None))) or 0
    dead = session.scalar(select(func.count()).select_from(ApiReport).where(*mine, ApiReport.dead_at.is_not(None))) or 0
    return Waiting(waiting, dead)


@read
def dead_letters(session: Session, *, key_id: int, limit: int = 10) -> list[Dead]:
    """A key's reports that nobody heard, the newest first."""
    rows = session.scalars(
        select(ApiReport)
        .where(ApiReport.key_id == key_id, ApiReport.dead_at.is_not(None), ApiReport.heard_at.is_(None))
        .order_by(ApiReport.id.desc())
        .limit(limit)
    ).all()
    numbers = orders.outside_among(session, [row.order_id for row in rows if row.order_id is not None])
    return [
        Dead(
            row.id,
            row.sequence,
            row.kind,
            None if row.order_id is None else numbers.get(row.order_id),
            row.made_at,
            row.dead_at or row.made_at,
            row.trouble or "",
        )
        for row in rows
    ]


@write
def send_again(session: Session, *, key_id: int, customer_id: int, by: str) -> int:
    """The reports that nobody heard go up the ladder once more, to the address set now; returns how many. Raises NoSuchKey."""
    key = session.get(ApiKey, key_id)
    if key is None or key.customer_id != customer_id or key.disabled_at is not None:
        raise NoSuchKey
    rows = session.scalars(
        select(ApiReport)
        .where(ApiReport.key_id == key_id, ApiReport.dead_at.is_not(None), ApiReport.heard_at.is_(None))
        .order_by(ApiReport.id)
        .limit(_MOST_DEAD)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.dead_at, row.tries, row.due_at = None, 0, now(session)
        named = None if row.order_id is None else orders.outside_of(session, row.order_id)
        if (named is None or named.callback_url is None) and key.callback_url is not None:
            row.url = key.callback_url
    session.flush()
    if rows:
        journal.record(session, by=by, did="resend-reports", about="api-key", about_id=key_id, after={"reports": len(rows)})
    return len(rows)


@read
def owner_of(session: Session, key_id: int) -> people.Customer:
    """Whose key it is. Raises NoSuchKey."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NoSuchKey
    return people.by_id(session, key.customer_id)
