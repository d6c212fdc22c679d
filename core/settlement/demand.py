"""Unmet demand: what people looked for and did not get, counted by day and shown without anybody's name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.database import insert_new, keys, now, read, write
from core.settlement.tables import Demand

LEAST_PEOPLE = 3  # what fewer have typed may say who they are
KEPT_DAYS = 60
MOST_WORDS = 60  # characters


@dataclass(frozen=True, slots=True)
class Missed:
    """Somebody, by a customer's id, searched for words that found nothing, or wanted a denomination that was sold out."""

    customer_id: int
    words: str = ""
    sku_id: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What so many people looked for; words of a search, or a denomination by its id."""

    words: str
    sku_id: int
    people: int


@write
def count_missed(session: Session, *, storefront_id: int, missed: Collection[Missed]) -> int:
    """Count what was missed today, each person once for each thing; returns how much of it was new."""
    day, fresh = now(session).date(), 0
    for one in missed:
        words = one.words[:MOST_WORDS].strip()
        if not words and not one.sku_id:
            continue
        # A new month's hashes cannot be laid beside an old one's.
        who = keys(session).fingerprint(f"unmet:{storefront_id}:{one.customer_id}:{day:%Y-%m}").hex()[:16]
        made = session.execute(
            insert_new(session, Demand)
            .values(storefront_id=storefront_id, day=day.isoformat(), words=words, sku_id=one.sku_id, who=who)
            .returning(Demand.id)
        ).first()
        fresh += made is not None
    return fresh


@write
def forget_demand(session: Session) -> int:
    """Delete what is too old to say anything; returns how much."""
    before = (now(session).date() - timedelta(days=KEPT_DAYS)).isoformat()
    gone = session.execute(delete(Demand).where(Demand.day < before).returning(Demand.id)).all()
    return len(gone)


@read
def unmet(session: Session, *, storefront_id: int, since: date, limit: int = 20) -> Sequence[Wanted]:
    """What at least LEAST_PEOPLE people missed since a day, what most missed first."""
    people = func.count(func.distinct(Demand.who))
    rows = session.execute(
        select(Demand.words, Demand.sku_id, people)
        .where(Demand.storefront_id == storefront_id, Demand.day >= since.isoformat())
        .group_by(Demand.words, Demand.sku_id)
        .having(people >= LEAST_PEOPLE)
        .order_by(people.desc(), Demand.words, Demand.sku_id)
        .limit(limit)
    ).all()
    return [Wanted(words, sku_id, int(count)) for words, sku_id, count in rows]
