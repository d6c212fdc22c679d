"""Errands: what the background asks of an upstream for somebody who waits at a screen, or because something was heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import insert_new, now, write
from core.integration.tables import Errand, UpstreamErrand


@dataclass(frozen=True, slots=True)
class ErrandView:
    """One thing to be asked; `tries` counts from 1."""

    id: int
    upstream_id: int
    what: Errand
    about: str
    tries: int
    screen: tuple[int, int] | None
    language: str | None


@write
def errand(
    session: Session,
    *,
    upstream_id: int,
    what: Errand,
    about: str = "",
    screen: tuple[int, int] | None = None,
    language: str | None = None,
) -> bool:
    """Have something asked in the background; the same that waits already is asked once, and tells the newest screen. False then."""
    at = now(session)
    chat_id, message_id = screen or (None, None)
    made = session.execute(
        insert_new(session, UpstreamErrand)
        .values(
            upstream_id=upstream_id,
            what=what,
            about=about[:64],
            made_at=at,
            next_at=at,
            tries=0,
            chat_id=chat_id,
            message_id=message_id,
            language=language,
        )
        .returning(UpstreamErrand.id)
    ).first()
    if made is None:
        row = session.scalars(
            select(UpstreamErrand)
            .where(
                UpstreamErrand.upstream_id == upstream_id,
                UpstreamErrand.what == what,
                UpstreamErrand.about == about[:64],
                UpstreamErrand.ended_at.is_(None),
            )
            .with_for_update()
        ).one_or_none()
        if row is not None and screen is not None:
            row.chat_id, row.message_id, row.language = chat_id, message_id, language
    return made is not None


@write
def take_errands(session: Session, *, upstream_ids: Sequence[int], most: int, lease_seconds: float = 120) -> list[ErrandView]:
    """Up to so many due errands at these upstreams; they come again when they were not ended by then."""
    at = now(session)
    rows = session.scalars(
        select(UpstreamErrand)
        .where(UpstreamErrand.upstream_id.in_(upstream_ids), UpstreamErrand.ended_at.is_(None), UpstreamErrand.next_at <= at)
        .order_by(UpstreamErrand.next_at, UpstreamErrand.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.tries, row.next_at = row.tries + 1, at + timedelta(seconds=lease_seconds)
    session.flush()
    return [
        ErrandView(
            row.id,
            row.upstream_id,
            row.what,
            row.about,
            row.tries,
            None if row.chat_id is None or row.message_id is None else (row.chat_id, row.message_id),
            row.language,
        )
        for row in rows
    ]


@write
def errand_done(session: Session, *, errand_id: int) -> None:
    """It was asked, and whoever waited was told."""
    row = session.get_one(UpstreamErrand, errand_id, with_for_update=True)
    row.ended_at = row.ended_at or now(session)


@write
def errand_later(session: Session, *, errand_id: int, after_seconds: float) -> None:
    """It could not be said: asked again after so many seconds."""
    row = session.get_one(UpstreamErrand, errand_id, with_for_update=True)
    row.next_at = now(session) + timedelta(seconds=after_seconds)
