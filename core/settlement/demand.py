"""Unmet demand: what people looked for and did not get, counted by day and shown without anybody's name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from core import catalog
from core.catalog import ProductView, SkuView
from core.database import insert_new, keys, now, read, write
from core.settlement.tables import Demand

LEAST_PEOPLE = 3  # what fewer have typed may say who they are
KEPT_DAYS = 60
MOST_WORDS = 60  # characters


@dataclass(frozen=True, slots=True)
class Missed:
    """Somebody, by a customer's id, searched for words that found nothing, or asked for `units` more of a denomination than there were."""

    customer_id: int
    words: str = ""
    sku_id: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What so many people looked for: words of a search, or a denomination.

    `times` counts each person once a day, `units` what each of them lacked most; `days` is on how many days, from `first` to `last`.
    """

    words: str
    sku: SkuView | None
    product: ProductView | None
    people: int
    times: int
    units: int
    days: int
    first: date
    last: date


@write
def count_missed(session: Session, *, storefront_id: int, missed: Collection[Missed], timezone: str = "UTC") -> int:
    """Count what was missed today in a time zone (its IANA name), each person once for each thing, with the most that they lacked;
    returns how much of it was new.
    """
    day, fresh = now(session).astimezone(ZoneInfo(timezone)).date(), 0
    for one in missed:
        words = one.words[:MOST_WORDS].strip()
        if not words and not one.sku_id:
            continue
        # A new month's hashes cannot be laid beside an old one's.
        who = keys(session).fingerprint(f"unmet:{storefront_id}:{one.customer_id}:{day:%Y-%m}").hex()[:16]
        thing = {"storefront_id": storefront_id, "day": day.isoformat(), "words": words, "sku_id": one.sku_id, "who": who}
        made = session.execute(insert_new(session, Demand).values(**thing, units=one.units).returning(Demand.id)).first()
        fresh += made is not None
        if made is None and one.units:
            known = [getattr(Demand, name) == value for name, value in thing.items()]
            session.execute(
                update(Demand).where(*known, Demand.units < one.units).values(units=one.units),
                execution_options={"synchronize_session": False},
            )
    return fresh


@write
def forget_demand(session: Session) -> int:
    """Delete what is too old to say anything; returns how much."""
    before = (now(session).date() - timedelta(days=KEPT_DAYS)).isoformat()
    gone = session.execute(delete(Demand).where(Demand.day < before).returning(Demand.id)).all()
    return len(gone)


@read
def unmet(session: Session, *, storefront_id: int, since: date, limit: int = 20) -> Sequence[Wanted]:
    """What people missed since a day, what most missed first; words that fewer than LEAST_PEOPLE have typed stay unsaid.

    A denomination says nothing of whoever asked for it, so one person is enough; one that was made for a single buyer, or that is
    not shown any more, is left out.
    """
    people = func.count(func.distinct(Demand.who))
    rows = session.execute(
        select(
            Demand.words,
            Demand.sku_id,
            people,
            func.count(),
            func.count(func.distinct(Demand.day)),
            func.min(Demand.day),
            func.max(Demand.day),
        )
        .where(Demand.storefront_id == storefront_id, Demand.day >= since.isoformat())
        .group_by(Demand.words, Demand.sku_id)
        .having(or_(Demand.sku_id > 0, people >= LEAST_PEOPLE))
        .order_by(people.desc(), func.sum(Demand.units).desc(), Demand.words, Demand.sku_id)
        .limit(2 * limit)
    ).all()
    units = _units(session, storefront_id, since, {row[1] for row in rows if row[1]})
    found: list[Wanted] = []
    for words, sku_id, count, times, days, first, last in rows:
        sku = catalog.sku(session, sku_id) if sku_id else None
        product = catalog.product(session, sku.product_id) if sku is not None else None
        if sku_id and (sku is None or product is None or sku.hidden or product.hidden or "for" in product.terms):
            continue
        of_days = (int(days), date.fromisoformat(first), date.fromisoformat(last))
        found.append(Wanted(words, sku, product, int(count), int(times), units.get(sku_id, 0), *of_days))
    return found[:limit]


def _units(session: Session, storefront_id: int, since: date, sku_ids: Collection[int]) -> dict[int, int]:
    """How many were lacking of each of these: what each person lacked most, added up. Who asks again every day wants no more of it."""
    if not sku_ids:
        return {}
    of_one = (
        select(Demand.sku_id, Demand.who, func.max(Demand.units).label("most"))
        .where(Demand.storefront_id == storefront_id, Demand.day >= since.isoformat(), Demand.sku_id.in_(sku_ids))
        .group_by(Demand.sku_id, Demand.who)
        .subquery()
    )
    rows = session.execute(select(of_one.c.sku_id, func.sum(of_one.c.most)).group_by(of_one.c.sku_id))
    return {sku_id: int(most) for sku_id, most in rows}
