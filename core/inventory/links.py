"""One-time links by which a supplier sends a large file: made, looked at, taken once, given back when nothing came in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal
from core.database import now, read, write
from core.errors import N_, Refusal
from core.inventory.tables import UploadLink

LINK_LASTS = timedelta(hours=1)
MOST_LINKS_AN_HOUR = 12  # for one supplier
MOST_TRIES = 20  # a file begun to be sent by one link
_CLAIM_LASTS = timedelta(hours=2)  # whoever took it and died may not keep it for ever: then the link is over anyway


@dataclass(eq=False)
class TooManyLinks(Refusal):
    says: ClassVar[str] = N_("You have made many upload links within the hour. Please use the newest one, or wait a while.")


@dataclass(eq=False)
class LinkOver(Refusal):
    """Used, expired, replaced by a newer one, or never made: who holds a word learns no more than that."""

    says: ClassVar[str] = N_("This upload link is used up or too old. Please make a new one in the chat, under your offer.")


@dataclass(eq=False)
class LinkBusy(Refusal):
    says: ClassVar[str] = N_("A file is on its way by this link already. Please wait for it; its receipt comes into the chat.")


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link that is still good: for which offer, whose, and until when."""

    id: int
    supplier_id: int
    offer_id: int
    customer_id: int
    by: str
    expires_at: datetime


def _hash(word: str) -> bytes:
    return hashlib.sha256(word.encode("utf-8", "replace")).digest()


def _view(row: UploadLink) -> LinkView:
    return LinkView(row.id, row.supplier_id, row.offer_id, row.customer_id, row.by, row.expires_at)


@write
def make_link(session: Session, *, supplier_id: int, offer_id: int, customer_id: int, by: str) -> tuple[str, LinkView]:
    """A new link for one file to this offer: the word in its address, which is kept nowhere, and the link.

    An unused older link of the same offer is over with it. Raises TooManyLinks.
    """
    at = now(session)
    lately = (
        select(func.count())
        .select_from(UploadLink)
        .where(UploadLink.supplier_id == supplier_id, UploadLink.made_at > at - timedelta(hours=1))
    )
    if (session.scalar(lately) or 0) >= MOST_LINKS_AN_HOUR:
        raise TooManyLinks
    session.execute(
        update(UploadLink)
        .where(UploadLink.offer_id == offer_id, UploadLink.ended_at.is_(None), UploadLink.used_at.is_(None))
        .values(ended_at=at)
    )
    word = secrets.token_urlsafe(24)
    row = UploadLink(
        word_hash=_hash(word),
        supplier_id=supplier_id,
        offer_id=offer_id,
        customer_id=customer_id,
        by=by,
        made_at=at,
        expires_at=at + LINK_LASTS,
        tries=0,
    )
    session.add(row)
    session.flush()
    journal.record(session, by=by, did="make-upload-link", about="offer", about_id=offer_id, after={"link": row.id})
    return word, _view(row)


@read
def link(session: Session, word: str) -> LinkView:
    """The link of this word; raises LinkOver when it is not good any more, LinkBusy while a file is on its way by it."""
    row = session.scalars(select(UploadLink).where(UploadLink.word_hash == _hash(word))).one_or_none()
    return _good(row, now(session))


def _good(row: UploadLink | None, at: datetime) -> LinkView:
    if row is None or row.ended_at is not None or row.tries >= MOST_TRIES:
        raise LinkOver
    if row.used_at is not None:
        raise LinkBusy if at < row.used_at + _CLAIM_LASTS else LinkOver
    if at >= row.expires_at:
        raise LinkOver
    return _view(row)


@write
def take_link(session: Session, word: str) -> LinkView:
    """A file begins to come by this link: nobody else sends one by it from now on. Raises LinkOver and LinkBusy."""
    row = session.scalars(select(UploadLink).where(UploadLink.word_hash == _hash(word)).with_for_update()).one_or_none()
    found = _good(row, now(session))
    assert row is not None, "a good link is there"
    row.used_at = now(session)
    row.tries += 1
    return found


@write
def give_link_back(session: Session, *, link_id: int) -> None:
    """Nothing came in by it: it may be used again, as long as it lasts."""
    session.execute(update(UploadLink).where(UploadLink.id == link_id, UploadLink.ended_at.is_(None)).values(used_at=None))


@write
def end_link(session: Session, *, link_id: int, batch_id: int | None) -> None:
    """It has done its work: `batch_id` came in by it (None: nobody can know whether it did)."""
    session.execute(
        update(UploadLink).where(UploadLink.id == link_id, UploadLink.ended_at.is_(None)).values(ended_at=now(session), batch_id=batch_id)
    )
