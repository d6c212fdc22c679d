"""Recording and reading rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal
from core.database import now, read, write
from core.rates.tables import Rate


@dataclass(frozen=True, slots=True)
class Quoted:
    """One minor unit of `base` is worth `rate` minor units of `quote`, as recorded under `id`."""

    id: int
    base: str
    quote: str
    rate: Fraction
    at: datetime


@write
def set_rate(session: Session, *, base: str, quote: str, rate: Fraction, source: str, by: str | None = None) -> Quoted:
    """Record a rate; it is used from now on, earlier ones stay for what used them."""
    assert rate > 0 and base != quote, "a rate is positive and between two currencies"
    before = latest(session, base=base, quote=quote)
    row = Rate(base=base, quote=quote, numerator=rate.numerator, denominator=rate.denominator, source=source, at=now(session))
    session.add(row)
    session.flush()
    if by is not None:
        journal.record(
            session,
            by=by,
            did="set-rate",
            about="rate",
            about_id=row.id,
            before={} if before is None else {"rate": str(before.rate), "base": base, "quote": quote},
            after={"rate": str(rate), "base": base, "quote": quote},
        )
    return Quoted(row.id, base, quote, rate, row.at)


@read
def latest(session: Session, *, base: str, quote: str) -> Quoted | None:
    """The newest rate, or None: then nothing may be converted."""
    row = session.scalars(select(Rate).where(Rate.base == base, Rate.quote == quote).order_by(Rate.id.desc()).limit(1)).one_or_none()
    return None if row is None else Quoted(row.id, base, quote, Fraction(row.numerator, row.denominator), row.at)
