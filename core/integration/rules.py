"""What is newer, and what something bought from an upstream costs its buyer; without the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.money import fee_on, up_to_step

REST_SECONDS, MOST_REST_SECONDS = 60, 1800
FAILURES_BEFORE_REST = 5


@dataclass(frozen=True, slots=True)
class Markup:
    """How a retail price is made of what a unit costs: hundredths of a per cent on top, a fixed amount, rounded up to a step."""

    points: int = 1000
    fixed_minor: int = 0
    step_minor: int = 1

    def retail(self, cost_minor: int) -> int:
        """The price in minor units of the shop's currency; never below what it costs, and never nothing."""
        return max(1, up_to_step(cost_minor + fee_on(cost_minor, self.points, self.fixed_minor), max(1, self.step_minor)))


def newer(version: str, as_of: datetime, *, than: str, of: datetime) -> bool:
    """Is this the later word on a price? Where the upstream numbers its words the number decides, else when it was asked."""
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return as_of > of


def rest_for(opened: int) -> timedelta:
    """How long an upstream rests that has failed again: a minute, then twice as long each time, half an hour at most."""
    return timedelta(seconds=min(MOST_REST_SECONDS, REST_SECONDS * 2 ** min(opened, 8)))
