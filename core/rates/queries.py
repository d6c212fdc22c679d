"""Asking for rates: the one to convert at, and what stands recorded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import now, read
from core.rates.tables import Jump, Rate

STAFF = "staff"  # set by hand: holds until another is set, or it is handed back
SETTINGS = "settings"  # fixed in the settings
HANDED_BACK = "handed-back"  # no rate at all: one by hand or of the settings has ended


@dataclass(frozen=True, slots=True)
class Quoted:
    """One minor unit of `base` is worth `rate` minor units of `quote`, as recorded under `id`; `market` is that before the buffer."""

    id: int
    base: str
    quote: str
    rate: Fraction
    at: datetime
    market: Fraction
    source: str
    as_of: datetime
    valid_until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Is it a rate then, and not too old?"""
        return self.valid_until is None or self.valid_until > at


@dataclass(frozen=True, slots=True)
class JumpSeen:
    """A rate of a source that waits for the staff, beside the market rate that was believed before."""

    id: int
    base: str
    quote: str
    rate: Fraction
    market: Fraction
    source: str
    as_of: datetime
    valid_until: datetime
    before_id: int


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands of one pair: the newest rate, whether it still holds, and a jump that waits."""

    base: str
    newest: Quoted | None
    holds: bool
    jump: JumpSeen | None


def view(row: Rate) -> Quoted:
    rate = Fraction(row.numerator, row.denominator)
    market = (
        rate if row.market_numerator is None or row.market_denominator is None else Fraction(row.market_numerator, row.market_denominator)
    )
    return Quoted(row.id, row.base, row.quote, rate, row.at, market, row.source, row.as_of or row.at, row.valid_until)


def jump_seen(row: Jump) -> JumpSeen:
    rate, market = Fraction(row.numerator, row.denominator), Fraction(row.market_numerator, row.market_denominator)
    return JumpSeen(row.id, row.base, row.quote, rate, market, row.source, row.as_of, row.valid_until, row.before_id)


@read
def latest(session: Session, *, base: str, quote: str, at: datetime | None = None) -> Quoted | None:
    """The newest rate, if it is not too old at that instant (now, when none is given); None: then nothing may be converted."""
    newest = recorded(session, base=base, quote=quote)
    return newest if newest is not None and newest.holds(at or now(session)) else None


@read
def recorded(session: Session, *, base: str, quote: str, source: str | None = None, but: Collection[str] = ()) -> Quoted | None:
    """The newest rate of any age, for looking at it; of one source, or of all but some."""
    question = select(Rate).where(Rate.base == base, Rate.quote == quote).order_by(Rate.id.desc()).limit(1)
    if source is not None:
        question = question.where(Rate.source == source)
    if but:
        question = question.where(Rate.source.not_in(but))
    row = session.scalars(question).one_or_none()
    return None if row is None else view(row)


@read
def pairs(session: Session, *, quote: str, also: Collection[str] = ()) -> list[Pair]:
    """Every currency that has or had a rate in `quote`, and those named besides, by their codes."""
    newest = select(func.max(Rate.id)).where(Rate.quote == quote).group_by(Rate.base)
    known = {row.base: view(row) for row in session.scalars(select(Rate).where(Rate.id.in_(newest)))}
    jumps = {row.base: jump_seen(row) for row in session.scalars(select(Jump).where(Jump.quote == quote, Jump.ended_at.is_(None)))}
    at = now(session)
    return [
        Pair(base, quoted := known.get(base), quoted is not None and quoted.holds(at), jumps.get(base))
        for base in sorted({*known, *also} - {quote})
    ]


@read
def newest(session: Session) -> int:
    """The id of the newest rate, 0 when there is none."""
    return session.scalar(select(func.max(Rate.id))) or 0


@read
def bases_after(session: Session, after: int) -> set[str]:
    """The currencies that have a rate newer than this one."""
    return set(session.scalars(select(Rate.base).where(Rate.id > after).distinct()))


@read
def by_id(session: Session, rate_id: int) -> Quoted | None:
    """The rate that something was converted at."""
    row = session.get(Rate, rate_id)
    return None if row is None else view(row)


@read
def jump(session: Session, jump_id: int) -> tuple[JumpSeen, Quoted]:
    """A jump that was told, decided or not, and the rate it was compared with."""
    row = session.get_one(Jump, jump_id)
    return jump_seen(row), view(session.get_one(Rate, row.before_id))
