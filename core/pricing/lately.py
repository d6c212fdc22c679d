"""How what somebody pays for a denomination has moved of late: from the versions of its price, as they held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core import people
from core.database import now, read
from core.pricing.commands import views
from core.pricing.tables import Price as PriceRow

LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PriceLately:
    """The least and the most that one cost within LATELY, today's price among them, and since when today's holds; in minor units."""

    lowest_minor: int
    highest_minor: int
    current_minor: int
    currency: str
    since: datetime


@read
def price_lately(session: Session, *, buyer: people.Customer, sku_id: int) -> PriceLately | None:
    """What one of this denomination cost this person within LATELY; None when it has no price, or never had another.

    At each instant it is the row that `for_buyer` finds for them: a reseller's own, that of the level they are at now, or the
    storefront's. A price in another currency is not compared: what was before it is not told.
    """
    at = now(session)
    begin = at - LATELY
    parties: list[ColumnElement[bool]] = [(PriceRow.level_id.is_(None)) & (PriceRow.customer_id.is_(None))]
    if buyer.wholesale:
        parties += [PriceRow.customer_id == buyer.id, PriceRow.level_id == (buyer.level_id or 0)]
    theirs = (PriceRow.storefront_id == buyer.storefront_id, PriceRow.sku_id == sku_id, or_(*parties))
    # Two questions, each a range of the index: what holds, and what was over within the time.
    rows = [
        *session.scalars(select(PriceRow).where(*theirs, PriceRow.until.is_(None))),
        *session.scalars(select(PriceRow).where(*theirs, PriceRow.until > begin)),
    ]
    units = {
        row.id: price.wholesale().retail_minor if buyer.wholesale and _weight(row) == 0 else price.retail_minor
        for row, price in zip(rows, views(session, rows), strict=True)
    }

    def held(instant: datetime) -> PriceRow | None:
        """The row that was theirs then."""
        open_ = [row for row in rows if row.since <= instant and all(end is None or instant < end for end in (row.until, row.ends_at))]
        return max(open_, key=lambda row: (_weight(row), row.id), default=None)

    today = held(at)
    if today is None:
        return None
    turns = {begin} | {turn for row in rows for turn in (row.since, row.until, row.ends_at) if turn is not None and begin < turn <= at}
    lowest = highest = current = units[today.id]
    since, moved = at, False
    # Backwards from now: today's price holds since the turn before which it was another.
    for turn in sorted(turns, reverse=True):
        row = held(turn)
        if row is None:
            continue  # It was not for sale.
        if row.currency != today.currency:
            break
        unit = units[row.id]
        moved = moved or unit != current
        since = since if moved else turn
        lowest, highest = min(lowest, unit), max(highest, unit)
    return PriceLately(lowest, highest, current, today.currency, since) if moved else None


def _weight(row: PriceRow) -> int:
    """A reseller's own price goes before that of their level, and that before everybody's."""
    return 2 if row.customer_id is not None else 1 if row.level_id is not None else 0
