"""Deadlines, limits and how long a warranty lasts: plain facts, no database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WARRANTY_HOURS = 72
ANSWER_HOURS = 24
BUYER_DAYS = 7

REMIND_AGAIN = timedelta(days=1)  # of a case the shop is late with
LAST_CALL = timedelta(hours=12)  # before a case is closed because its buyer is silent

MOST_OPEN = 20  # undecided cases of one buyer
MOST_SAID = 100  # entries of one side in a case
LONGEST = 2000  # characters of an entry


@dataclass(frozen=True, slots=True)
class Terms:
    """What a storefront promises: an answer within hours, patience with a silent buyer for days, a warranty of hours."""

    answer_hours: int = ANSWER_HOURS
    buyer_days: int = BUYER_DAYS
    warranty_hours: int = WARRANTY_HOURS


def warranty_ends(sent: Iterable[datetime | None], hours: int) -> datetime | None:
    """Until when a complaint is in time: counted from the first sending, so what was never sent has no end yet (None)."""
    first = min((at for at in sent if at is not None), default=None)
    return None if first is None else first + timedelta(hours=hours)
