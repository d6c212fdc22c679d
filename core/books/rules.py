"""Days and spans of days in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from core.errors import N_, Refusal

MOST_DAYS = 366


@dataclass(eq=False)
class SpanWrong(Refusal):
    """The last day lies before the first, the span is too long, or no calendar has it."""

    says: ClassVar[str] = N_("A statement covers one day, or at most {most} days from an earlier to a later one.")

    most: int = MOST_DAYS


def span(first: date, last: date, timezone: str) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last, in UTC, the second instant not included.

    A day begins at midnight of the time zone (its IANA name), and where clocks skip midnight, at the moment they skip it: so a
    day has 23 or 25 hours twice a year, and each instant belongs to one day. Raises SpanWrong.
    """
    if not (date(2000, 1, 1) <= first <= last <= date(2999, 12, 31)) or (last - first).days >= MOST_DAYS:
        raise SpanWrong
    zone = ZoneInfo(timezone)
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    return since, until
