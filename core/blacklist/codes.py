"""Codes that must not be sold: lists as they come in, and whether a code is on one."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core import journal
from core.blacklist.tables import Feed, Hit, ListedCode
from core.database import Keyring, Shop, insert_new, keys, normalised, now, read, write

CHUNK = 1000  # lines in one transaction
MOST_LINE = 500  # characters: a longer line is no code
_HASH = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeedView:
    """A list of codes that must not be sold, and what became of it."""

    id: int
    name: str
    by: str
    made_at: datetime
    loaded_at: datetime | None
    fresh: int
    known: int
    unread: int
    swept_to: int
    swept_at: datetime | None
    voided: int
    withdrawn_at: datetime | None


def _view(row: Feed) -> FeedView:
    return FeedView(
        row.id,
        row.name,
        row.by,
        row.made_at,
        row.loaded_at,
        row.fresh,
        row.known,
        row.unread,
        row.swept_to,
        row.swept_at,
        row.voided,
        row.withdrawn_at,
    )


def digest_of(secret: str) -> bytes:
    """SHA-256 of the normalised code: what others send lists of, and what is compared."""
    return hashlib.sha256(normalised(secret).encode("utf-8", "surrogatepass")).digest()


def digest_of_line(line: str) -> bytes | None:
    """The digest that a line of a list stands for: 64 hexadecimal digits are one already, anything else is a code in clear.

    None for a line that is neither: nothing but separators, or far too long.
    """
    text = line.strip().lstrip("\ufeff").strip()
    if _HASH.fullmatch(text):
        return bytes.fromhex(text)
    if not text or len(text) > MOST_LINE or not any(map(str.isalnum, text)):
        return None
    return digest_of(text)


def _mark(keyring: Keyring, digest: bytes) -> bytes:
    return keyring.fingerprint(digest.hex())


@write
def open_feed(session: Session, *, name: str, by: str) -> int:
    """A new list begins to come in; returns its id."""
    row = Feed(name=name[:200] or "-", by=by, made_at=now(session), fresh=0, known=0, unread=0, swept_to=0, voided=0)
    session.add(row)
    session.flush()
    return row.id


@write
def add_codes(session: Session, *, feed_id: int, digests: Collection[bytes]) -> int:
    """Up to CHUNK more codes of a list, in force from this transaction on; returns how many were new."""
    assert len(digests) <= CHUNK, "one transaction takes a chunk"
    keyring = keys(session)
    marks = {_mark(keyring, digest) for digest in digests}
    fresh = 0
    if marks:
        rows = [{"mark": mark, "feed_id": feed_id} for mark in sorted(marks)]
        fresh = len(session.execute(insert_new(session, ListedCode).values(rows).returning(ListedCode.feed_id)).all())
    session.execute(
        update(Feed).where(Feed.id == feed_id).values(fresh=Feed.fresh + fresh, known=Feed.known + len(digests) - fresh),
        execution_options={"synchronize_session": False},
    )
    return fresh


@write
def close_feed(session: Session, *, feed_id: int, unread: int) -> FeedView:
    """All lines of a list were read; from now on the shelf is compared with it."""
    row = session.get_one(Feed, feed_id, with_for_update=True)
    row.loaded_at, row.unread = now(session), unread
    after = {"file": row.name, "fresh": row.fresh, "known": row.known, "unread": unread}
    journal.record(session, by=row.by, did="add-blacklist", about="blacklist", about_id=row.id, after=after)
    session.flush()
    return _view(row)


@write
def withdraw_feed(session: Session, *, feed_id: int, by: str) -> bool:
    """A wrong list is taken back: its codes may be brought in from now on. What it made void stays void. False when it was."""
    row = session.get(Feed, feed_id, with_for_update=True)
    if row is None or row.withdrawn_at is not None:
        return False
    row.withdrawn_at = now(session)
    gone = session.execute(
        delete(ListedCode).where(ListedCode.feed_id == feed_id).returning(ListedCode.feed_id),
        execution_options={"synchronize_session": False},
    ).all()
    journal.record(session, by=by, did="withdraw-blacklist", about="blacklist", about_id=feed_id, after={"codes": len(gone)})
    return True


async def take_feed(shop: Shop, *, name: str, by: str, lines: Iterable[str]) -> FeedView:
    """Take a list in, chunk by chunk; hashing runs in a thread. What was read before an error stays in force, and is told as such."""
    feed_id = await shop.write(open_feed, name=name, by=by)
    reading, unread = _digests(lines), 0
    try:
        while chunk := await asyncio.to_thread(lambda: list(islice(reading, CHUNK))):
            good = [digest for digest in chunk if digest is not None]
            unread += len(chunk) - len(good)
            await shop.write(add_codes, feed_id=feed_id, digests=good)
    finally:
        view = await shop.write(close_feed, feed_id=feed_id, unread=unread)
    return view


def _digests(lines: Iterable[str]) -> Iterator[bytes | None]:
    return (digest_of_line(line) for line in lines if line.strip())


@read
def any_codes(session: Session) -> bool:
    """Is there a code on the blacklist at all?"""
    return session.scalars(select(ListedCode.feed_id).limit(1)).first() is not None


@read
def known_codes(session: Session, digests: Sequence[bytes]) -> set[bytes]:
    """Those of these digests that are on the blacklist: one question for each CHUNK of them, and hardly any work while it is empty."""
    if not digests or not any_codes(session):
        return set()
    keyring = keys(session)
    by_mark = {_mark(keyring, digest): digest for digest in digests}
    marks, found = list(by_mark), set()
    for begin in range(0, len(marks), CHUNK):  # One parameter each, and there may not be too many.
        listed = session.scalars(select(ListedCode.mark).where(ListedCode.mark.in_(marks[begin : begin + CHUNK])))
        found |= {by_mark[mark] for mark in listed}
    return found


@read
def feeds(session: Session, *, offset: int = 0, limit: int = 10) -> list[FeedView]:
    """The lists, newest first."""
    return [_view(row) for row in session.scalars(select(Feed).order_by(Feed.id.desc()).offset(offset).limit(limit))]


@read
def feed(session: Session, feed_id: int) -> FeedView | None:
    """One list."""
    row = session.get(Feed, feed_id)
    return None if row is None else _view(row)


@read
def to_sweep(session: Session) -> FeedView | None:
    """The oldest list with which the shelf is still to be compared."""
    row = session.scalars(
        select(Feed).where(Feed.loaded_at.is_not(None), Feed.swept_at.is_(None), Feed.withdrawn_at.is_(None)).order_by(Feed.id).limit(1)
    ).one_or_none()
    return None if row is None else _view(row)


@write
def swept(session: Session, *, feed_id: int, to: int, voided: int, done: bool) -> FeedView | None:
    """The shelf was compared up to this code id; None when the list was taken back meanwhile, or somebody else was faster."""
    row = session.get_one(Feed, feed_id, with_for_update=True)
    if row.swept_at is not None or row.withdrawn_at is not None:
        return None
    row.swept_to, row.voided = to, row.voided + voided
    row.swept_at = now(session) if done else None
    session.flush()
    return _view(row)


@write
def note_hits(session: Session, *, code_ids: Collection[int], place: str, order_id: int | None = None) -> set[int]:
    """Note that these codes of ours are on the blacklist; returns those that were not known to be."""
    fresh: set[int] = set()
    for code_id in sorted(code_ids):
        made = session.execute(
            insert_new(session, Hit).values(code_id=code_id, place=place, order_id=order_id, at=now(session)).returning(Hit.code_id)
        ).first()
        if made is not None:
            fresh.add(code_id)
    return fresh


@read
def hits_of(session: Session) -> dict[str, int]:
    """How many codes of ours were ever found on the blacklist, by where they were."""
    return {str(place): int(n) for place, n in session.execute(select(Hit.place, func.count()).group_by(Hit.place))}
