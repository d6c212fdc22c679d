"""How much of a period comes back. Pure: knows no database."""

from __future__ import annotations

from datetime import datetime, timedelta

DAY = timedelta(days=1)


def given_back(paid_minor: int, since: datetime, until: datetime, at: datetime, *, broadcasts: int = 0, used: int = 0) -> int:
    """What comes back of a period that ends early, in minor units, rounded down: its whole days that have not begun, by the price of a day.

    Broadcasts that were used are worth their part of the price: whoever used three quarters of them gets back a quarter at most.
    """
    days = (until - since) // DAY
    if days <= 0 or at >= until:
        return 0
    left = min(days, max(0, (until - max(at, since)) // DAY))
    by_days = paid_minor * left // days
    by_use = paid_minor * (broadcasts - used) // broadcasts if broadcasts else paid_minor
    return min(by_days, by_use)
