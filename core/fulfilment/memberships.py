"""Places in Telegram chats: who has which link, who joined by it, and whose time is over. The bot does what is said here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import outbox, people
from core.database import keys, now, read, write
from core.fulfilment.tables import Membership

LINK_DAYS = 14  # for which an unused link is good


@dataclass(frozen=True, slots=True)
class MembershipView:
    """One place. `link` is there while somebody may still need it; its repr does not show it."""

    id: int
    task_id: int
    order_id: int
    seq: int
    customer_id: int
    chat_id: int
    days: int
    mark: str
    link: str | None = field(repr=False)
    joined_by: int | None
    joined_at: datetime | None
    ends_at: datetime | None
    over_at: datetime | None


def _about(mark: str) -> str:
    return f"membership-{mark}"


def _view(session: Session, row: Membership) -> MembershipView:
    return MembershipView(
        row.id,
        row.task_id,
        row.order_id,
        row.seq,
        row.customer_id,
        row.chat_id,
        row.days,
        row.mark,
        _opened(session, row),
        row.joined_by,
        row.joined_at,
        row.ends_at,
        row.over_at,
    )


def _opened(session: Session, row: Membership) -> str | None:
    if row.link is None:
        return None
    key_id, wrapped, told = row.link.split(b"\n", 2)
    return keys(session).open_data_key(bytes.fromhex(wrapped.decode()), key_id.decode(), _about(row.mark)).open(told, _about(row.mark))


@write
def place_for(
    session: Session, *, task_id: int, order_id: int, seq: int, customer_id: int, chat_id: int, days: int
) -> tuple[MembershipView, MembershipView | None]:
    """The place of one unit of a task, made at the first call; and the place it prolongs, when the buyer is in the chat already.

    Committed before Telegram is asked for a link: the link carries the place's `mark`, so whoever joins is known by it.
    """
    row = session.scalars(select(Membership).where(Membership.task_id == task_id, Membership.seq == seq).with_for_update()).one_or_none()
    if row is not None:
        return _view(session, row), None
    at = now(session)
    row = Membership(
        task_id=task_id,
        order_id=order_id,
        seq=seq,
        customer_id=customer_id,
        chat_id=chat_id,
        days=days,
        mark=f"m{secrets.token_hex(8)}",
        made_at=at,
        ends_at=at + timedelta(days=LINK_DAYS),
    )
    session.add(row)
    telegram_id = people.by_id(session, customer_id).telegram_id
    before = session.scalars(
        select(Membership)
        .where(
            Membership.customer_id == customer_id,
            Membership.chat_id == chat_id,
            Membership.joined_by == telegram_id,
            Membership.over_at.is_(None),
        )
        .order_by(Membership.id.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    session.flush()
    if before is None:
        return _view(session, row), None
    # The buyer is inside: the new place goes on where the old one would have ended.
    row.joined_by, row.joined_at = before.joined_by, at
    row.ends_at = None if before.ends_at is None or not days else max(before.ends_at, at) + timedelta(days=days)
    before.over_at, before.why, before.extended_by, before.link = at, "renewed", row.id, None
    session.flush()
    return _view(session, row), _view(session, before)


@write
def link_made(session: Session, *, membership_id: int, link: str) -> None:
    """Telegram has made the link of a place; the first that is told stays."""
    row = session.get_one(Membership, membership_id, with_for_update=True)
    if row.link is None and row.over_at is None:
        data_key, wrapped, key_id = keys(session).new_data_key(_about(row.mark))
        row.link = b"\n".join((key_id.encode(), wrapped.hex().encode(), data_key.seal(link, _about(row.mark))))


@write
def joined(session: Session, *, chat_id: int, mark: str, telegram_id: int) -> bool:
    """Somebody joined by the link of this mark; False when it is none of ours or was known. The buyer is told, and when it was another."""
    row = session.scalars(select(Membership).where(Membership.mark == mark, Membership.chat_id == chat_id).with_for_update()).one_or_none()
    if row is None or row.joined_by is not None or row.over_at is not None:
        return False
    at = now(session)
    row.joined_by, row.joined_at = telegram_id, at
    row.ends_at = at + timedelta(days=row.days) if row.days else None
    other = people.by_id(session, row.customer_id).telegram_id != telegram_id
    body = {"says": "membership-joined", "membership": row.id, "other": other}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.customer_id, body=body, once=f"membership-joined:{row.id}")
    return True


@read
def membership(session: Session, membership_id: int) -> MembershipView | None:
    """One place."""
    row = session.get(Membership, membership_id)
    return None if row is None else _view(session, row)


@read
def memberships_of(session: Session, order_id: int) -> list[MembershipView]:
    """The places that an order bought."""
    return [
        _view(session, row) for row in session.scalars(select(Membership).where(Membership.order_id == order_id).order_by(Membership.id))
    ]


@read
def memberships_over(session: Session, *, most: int = 50) -> list[MembershipView]:
    """Places whose time is over, or whose link nobody used in time: the bot shows out who is inside, and revokes the link."""
    rows = session.scalars(
        select(Membership)
        .where(
            Membership.over_at.is_(None),
            Membership.ends_at <= now(session),
            Membership.next_try_at.is_(None) | (Membership.next_try_at <= now(session)),
        )
        .order_by(Membership.ends_at)
        .limit(most)
    )
    return [_view(session, row) for row in rows]


@write
def not_ended(session: Session, *, membership_id: int, again_seconds: float) -> bool:
    """Telegram did not let the bot end a place: it is tried later, after others. True when its chat had no such place."""
    row = session.get_one(Membership, membership_id, with_for_update=True)
    told = select(Membership.id).where(Membership.chat_id == row.chat_id, Membership.over_at.is_(None), Membership.next_try_at.is_not(None))
    new = session.scalar(told.limit(1)) is None
    row.next_try_at = now(session) + timedelta(seconds=again_seconds)
    return new


@read
def still_inside(session: Session, *, chat_id: int, telegram_id: int, but: int) -> bool:
    """Has this person another place in the chat that is not over? Then they stay."""
    found = session.scalar(
        select(Membership.id)
        .where(
            Membership.chat_id == chat_id,
            Membership.joined_by == telegram_id,
            Membership.over_at.is_(None),
            Membership.id != but,
            Membership.ends_at.is_(None) | (Membership.ends_at > now(session)),
        )
        .limit(1)
    )
    return found is not None


@read
def open_memberships(session: Session, *, after: int = 0, most: int = 100) -> list[MembershipView]:
    """Places that are not over, in the order they were made: the pages of a job."""
    rows = session.scalars(
        select(Membership).where(Membership.over_at.is_(None), Membership.id > after).order_by(Membership.id).limit(most)
    )
    return [_view(session, row) for row in rows]


@write
def end_now(session: Session, *, membership_id: int, why: str) -> None:
    """The place's time is over at once, because its money went back; the bot does the rest."""
    row = session.get_one(Membership, membership_id, with_for_update=True)
    if row.over_at is None:
        row.ends_at, row.why = min(row.ends_at or now(session), now(session)), why[:64]


@write
def ended(session: Session, *, membership_id: int, why: str) -> bool:
    """The bot has shown them out or revoked the link; False when that was known. Who was inside is told, with the way back."""
    row = session.get_one(Membership, membership_id, with_for_update=True)
    if row.over_at is not None:
        return False
    row.over_at, row.why, row.link = now(session), row.why or why[:64], None
    body = {"says": "membership-over", "membership": row.id, "unused": row.joined_by is None}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.customer_id, body=body, once=f"membership-over:{row.id}")
    return True
