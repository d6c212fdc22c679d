"""Screens of products that people opened: noted in memory at no cost to whoever looks, counted by a job a little later.

What a process that is killed had not counted yet is lost: it is a figure about interest, and nobody's money.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core import storefronts
from core.database import insert_new, now, read, write
from core.insight.tables import Screen

MOST = 20_000  # at a time; beyond them nothing new is noted until the job has come round
KEPT_DAYS = 100

# In the order in which they were opened; what is opened again before it is counted is the same.
_OPENED: dict[tuple[int, int, int], None] = {}


@dataclass(frozen=True, slots=True)
class Opened:
    """A customer looked at a product; both by their ids."""

    customer_id: int
    product_id: int


def note_opened(storefront_id: int, customer_id: int, product_id: int) -> None:
    """Somebody of a storefront opened the screen of a product, or of one of its denominations."""
    if len(_OPENED) < MOST:
        _OPENED[storefront_id, customer_id, product_id] = None


def take_opened(most: int = 500) -> dict[int, list[Opened]]:
    """The next ones by storefront, oldest first, no longer kept here."""
    found: dict[int, list[Opened]] = {}
    for key in list(_OPENED)[:most]:
        del _OPENED[key]
        storefront_id, customer_id, product_id = key
        found.setdefault(storefront_id, []).append(Opened(customer_id, product_id))
    return found


@write
def count_opened(session: Session, *, storefront_id: int, opened: Collection[Opened], timezone: str = "UTC") -> int:
    """Keep who opened what today in a time zone (its IANA name), each person once for each product; returns how much of it was new.

    Of a storefront that is not there – what is noted outlives a database that is opened anew – nothing is kept.
    """
    if not storefronts.is_there(session, storefront_id):
        return 0
    day, fresh = now(session).astimezone(ZoneInfo(timezone)).date().isoformat(), 0
    for one in sorted(set(opened), key=lambda one: (one.customer_id, one.product_id)):  # in one order, so that nobody waits in a circle
        row = {"storefront_id": storefront_id, "day": day, "customer_id": one.customer_id, "product_id": one.product_id}
        fresh += session.execute(insert_new(session, Screen).values(**row).returning(Screen.id)).first() is not None
    return fresh


@write
def forget_opened(session: Session, *, most: int = 5000) -> int:
    """Delete what is too old for any picture, so many at a time; returns how many."""
    before = (now(session).date() - timedelta(days=KEPT_DAYS)).isoformat()
    old = select(Screen.id).where(Screen.day < before).limit(most)
    return len(session.execute(delete(Screen).where(Screen.id.in_(old)).returning(Screen.id)).all())


@read
def visitors(session: Session, *, storefront_id: int, first: date, last: date) -> Mapping[date, int]:
    """How many people opened any product on each day (the last included); days without any are left out."""
    rows = session.execute(
        select(Screen.day, func.count(Screen.customer_id.distinct()))
        .where(Screen.storefront_id == storefront_id, Screen.day >= first.isoformat(), Screen.day <= last.isoformat())
        .group_by(Screen.day)
    )
    return {date.fromisoformat(day): int(n) for day, n in rows}
