"""People and parties the shop does not deal with, known by the hash of one thing that tells them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.blacklist.tables import BannedPerson
from core.database import keys, now, read, write

WHATS = ("telegram", "name", "contact", "document")


@dataclass(frozen=True, slots=True)
class PersonView:
    """An entry: `what` of them is known (a Telegram id, a name, a contact, a document's number) and why they are listed."""

    id: int
    what: str
    hint: str
    reason: str
    by: str
    at: datetime


def _folded(value: str) -> str:
    """Written in other capitals, widths or with other separators it is the same."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    return "".join(filter(str.isalnum, folded))


def _mark(session: Session, what: str, value: str) -> bytes:
    return keys(session).fingerprint(f"blacklist {what} {_folded(value)}")


@write
def ban_person(session: Session, *, what: str, value: str, reason: str, by: str) -> int:
    """The shop does not deal with whoever this tells; returns the entry's id, the old one's when it stands already."""
    assert what in WHATS and _folded(value), "an entry tells somebody"
    mark = _mark(session, what, value)
    known = session.scalars(
        select(BannedPerson.id).where(BannedPerson.what == what, BannedPerson.mark == mark, BannedPerson.removed_at.is_(None))
    ).one_or_none()
    if known is not None:
        return known
    shown = _folded(value)
    hint = "…" + shown[-3:] if len(shown) > 5 else "…"
    row = BannedPerson(what=what, mark=mark, hint=hint, reason=reason[:300], by=by, at=now(session))
    session.add(row)
    session.flush()
    journal.record(session, by=by, did="ban-person", about="person", about_id=row.id, after={"what": what, "reason": row.reason})
    return row.id


@write
def pardon_person(session: Session, *, person_id: int, by: str) -> bool:
    """An entry is taken off; False when there was none."""
    row = session.get(BannedPerson, person_id, with_for_update=True)
    if row is None or row.removed_at is not None:
        return False
    row.removed_at, row.removed_by = now(session), by
    journal.record(
        session,
        by=by,
        did="pardon-person",
        about="person",
        about_id=person_id,
        before={"what": row.what, "reason": row.reason},
        after={"what": None},
    )
    return True


@read
def person_known(session: Session, what: str, value: str) -> str | None:
    """Why the shop does not deal with whoever this tells; None when it does. `what` is one of WHATS."""
    assert what in WHATS, "what is known of them"
    if not _folded(value):
        return None
    return session.scalars(
        select(BannedPerson.reason).where(
            BannedPerson.what == what, BannedPerson.mark == _mark(session, what, value), BannedPerson.removed_at.is_(None)
        )
    ).one_or_none()


@read
def person(session: Session, person_id: int) -> PersonView | None:
    """One entry that stands."""
    row = session.get(BannedPerson, person_id)
    return None if row is None or row.removed_at is not None else PersonView(row.id, row.what, row.hint, row.reason, row.by, row.at)


@read
def banned_people(session: Session, *, offset: int = 0, limit: int = 10) -> list[PersonView]:
    """The entries that stand, newest first."""
    rows = session.scalars(
        select(BannedPerson).where(BannedPerson.removed_at.is_(None)).order_by(BannedPerson.id.desc()).offset(offset).limit(limit)
    )
    return [PersonView(row.id, row.what, row.hint, row.reason, row.by, row.at) for row in rows]
