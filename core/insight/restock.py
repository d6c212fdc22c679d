"""How long a shelf lasts and what to bring when: arithmetic over a few numbers, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

LOOKED_DAYS = 14  # of sales
COVER_DAYS = 14  # for so long a delivery should last
USUAL_LEAD_DAYS = 3  # where nothing is known of a supplier's deliveries
MOST_LEAD_DAYS = 30
SLOW_DAYS = 90  # a shelf that lasts longer than this is more than enough
_DAY = 86_400


class Restock(StrEnum):
    """What to tell a supplier about one offer."""

    EMPTY = "empty"  # nothing is left, and it was asked for
    NOW = "now"  # it runs out before a delivery could come
    SOON = "soon"  # it runs out soon after
    ENOUGH = "enough"
    SLOW = "slow"  # it lasts for so long that no more should be brought
    UNASKED = "unasked"  # nothing was sold for so long as we look back


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a shelf: whole `days_left` at the pace of late (None: nothing was sold), and how many units to bring (0: none)."""

    what: Restock
    days_left: int | None
    bring: int
    lead_days: int


def days_left(left: int, sold: int, days: int = LOOKED_DAYS) -> int | None:
    """For how many whole days `left` units last when `sold` went in `days`; None when nothing went."""
    assert left >= 0 and sold >= 0 and days > 0
    return None if sold == 0 else left * days // sold


def advise(left: int, sold: int, *, lead_days: int = USUAL_LEAD_DAYS, days: int = LOOKED_DAYS, cover_days: int = COVER_DAYS) -> Advice:
    """What to bring so that the shelf lasts until the next delivery and `cover_days` more, at the pace of the last `days`."""
    lasts = days_left(left, sold, days)
    if lasts is None:
        return Advice(Restock.UNASKED, None, 0, lead_days)
    # Rounded up: a unit too many is cheaper than a day without goods.
    wanted = -(-sold * (lead_days + cover_days) // days)
    bring = max(0, wanted - left)
    if left == 0:
        return Advice(Restock.EMPTY, 0, bring, lead_days)
    if lasts <= lead_days:
        return Advice(Restock.NOW, lasts, bring, lead_days)
    if bring and lasts <= lead_days + cover_days // 2:
        return Advice(Restock.SOON, lasts, bring, lead_days)
    return Advice(Restock.SLOW if lasts > SLOW_DAYS else Restock.ENOUGH, lasts, 0, lead_days)


def lead_days(arrivals: Sequence[datetime]) -> int:
    """How many days pass between a supplier's deliveries, as a rule (the middle one of the gaps), from 1 to MOST_LEAD_DAYS.

    With fewer than three deliveries nothing is known: USUAL_LEAD_DAYS.
    """
    if len(arrivals) < 3:
        return USUAL_LEAD_DAYS
    ordered = sorted(arrivals)
    gaps = sorted((later - earlier).total_seconds() for earlier, later in pairwise(ordered))
    return min(MOST_LEAD_DAYS, max(1, round(gaps[len(gaps) // 2] / _DAY)))
