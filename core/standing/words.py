"""Words and brands: what nobody may write in an offer, and which brands need a paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.database import now, read, write
from core.errors import N_, Refusal
from core.standing.rules import folded, holds
from core.standing.tables import BannedWord, BrandRule

_FOLDED = 200


@dataclass(eq=False)
class NoWord(Refusal):
    says: ClassVar[str] = N_("“{text}” has no letters or digits to look for. Please type a word.")

    text: str


@dataclass(frozen=True, slots=True)
class WordView:
    """A banned word and why, or a brand that needs a paper (then `reason` is empty)."""

    id: int
    word: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A banned word that a text has in it, and why it is banned."""

    word: str
    reason: str

    def __str__(self) -> str:
        return f"{self.word} ({self.reason})" if self.reason else self.word


@read
def found_in(session: Session, text: str) -> list[Found]:
    """The banned words in a text, however they are written, in the order in which they were banned."""
    rows = session.scalars(select(BannedWord).where(BannedWord.removed_at.is_(None)).order_by(BannedWord.id))
    return [Found(row.word, row.reason) for row in rows if holds(text, row.folded)]


@read
def banned(session: Session, text: str) -> list[str]:
    """The banned words in a text, each with its reason in brackets when there is one; empty when the text is fine."""
    return [str(one) for one in found_in(session, text)]


@read
def brands_in(session: Session, text: str) -> list[str]:
    """The brands in a text that only authorised suppliers may list, on a paper whose scope names them."""
    rows = session.scalars(select(BrandRule).where(BrandRule.removed_at.is_(None)).order_by(BrandRule.id))
    return [row.brand for row in rows if holds(text, row.folded)]


@write
def ban_word(session: Session, *, word: str, reason: str, by: str) -> int:
    """No supplier may write this from now on; what is listed stays. The same word again is the same ban. Raises NoWord."""
    key = _key(word)
    known = session.scalars(select(BannedWord.id).where(BannedWord.folded == key, BannedWord.removed_at.is_(None))).one_or_none()
    if known is not None:
        return known
    row = BannedWord(word=word.strip()[:100], folded=key, reason=reason[:300], by=by, at=now(session))
    session.add(row)
    session.flush()
    journal.record(session, by=by, did="ban-word", about="word", about_id=row.id, after={"word": row.word, "reason": row.reason})
    return row.id


@write
def allow_word(session: Session, *, word_id: int, by: str) -> bool:
    """A word may be written again; False when it was not banned."""
    row = session.get(BannedWord, word_id, with_for_update=True)
    if row is None or row.removed_at is not None:
        return False
    row.removed_at, row.removed_by = now(session), by
    journal.record(session, by=by, did="allow-word", about="word", about_id=word_id, before={"word": row.word}, after={"word": None})
    return True


@write
def guard_brand(session: Session, *, brand: str, by: str) -> int:
    """From now on this brand is listed by authorised suppliers only, on a paper whose scope names it. Raises NoWord."""
    key = _key(brand)
    known = session.scalars(select(BrandRule.id).where(BrandRule.folded == key, BrandRule.removed_at.is_(None))).one_or_none()
    if known is not None:
        return known
    row = BrandRule(brand=brand.strip()[:100], folded=key, by=by, at=now(session))
    session.add(row)
    session.flush()
    journal.record(session, by=by, did="guard-brand", about="brand", about_id=row.id, after={"word": row.brand})
    return row.id


@write
def free_brand(session: Session, *, brand_id: int, by: str) -> bool:
    """A brand may be listed by everybody again; False when there was no rule."""
    row = session.get(BrandRule, brand_id, with_for_update=True)
    if row is None or row.removed_at is not None:
        return False
    row.removed_at, row.removed_by = now(session), by
    journal.record(session, by=by, did="free-brand", about="brand", about_id=brand_id, before={"word": row.brand}, after={"word": None})
    return True


@read
def banned_words(session: Session, *, offset: int = 0, limit: int = 10) -> list[WordView]:
    """The banned words, newest first."""
    rows = session.scalars(
        select(BannedWord).where(BannedWord.removed_at.is_(None)).order_by(BannedWord.id.desc()).offset(offset).limit(limit)
    )
    return [WordView(row.id, row.word, row.reason, row.by, row.at) for row in rows]


@read
def guarded_brands(session: Session, *, offset: int = 0, limit: int = 10) -> list[WordView]:
    """The brands that need a paper, newest first."""
    rows = session.scalars(
        select(BrandRule).where(BrandRule.removed_at.is_(None)).order_by(BrandRule.id.desc()).offset(offset).limit(limit)
    )
    return [WordView(row.id, row.brand, "", row.by, row.at) for row in rows]


def _key(word: str) -> str:
    key = folded(word.strip()[:100])[:_FOLDED]
    if not key:
        raise NoWord(text=word.strip()[:40])
    return key
