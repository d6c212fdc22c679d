"""The rules of resellers' storefronts: what their customers pay, and for how long a margin is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.money import fee_on, up_to_step

MOST_BRANDS = 5  # of one reseller
MOST_ADMINS = 10
MOST_BANNER_BYTES = 512 * 1024
HELD = timedelta(days=7)  # a margin, after its sale: in this time most complaints come
MOST_POINTS, MOST_ADDED_MINOR, MOST_STEP_MINOR = 100_000, 10**9, 10**6


@dataclass(frozen=True, slots=True)
class Markup:
    """What a reseller adds: hundredths of a per cent of what they pay, then an amount, then rounded up to whole steps (minor units)."""

    points: int = 1000
    added_minor: int = 0
    step_minor: int = 1

    @property
    def in_bounds(self) -> bool:
        return 0 <= self.points <= MOST_POINTS and 0 <= self.added_minor <= MOST_ADDED_MINOR and 1 <= self.step_minor <= MOST_STEP_MINOR

    def asked(self, house_minor: int, least_minor: int | None = None) -> int:
        """The price of one, in minor units: never below what the reseller pays, nor below the minimum resale price.

        The percentage is rounded half up to the minor unit; the floor is applied first and the rounding up after it, so that a price
        at its floor is as round as all others.
        """
        assert house_minor > 0 and self.in_bounds
        wanted = house_minor + fee_on(house_minor, self.points, self.added_minor)
        return up_to_step(max(wanted, house_minor, least_minor or 0), self.step_minor)


def taken_back(margin_minor: int, *, refunded_minor: int, sold_minor: int) -> int:
    """How much of a margin is taken back when so much of the sale was refunded in all: its share, rounded down; all of it at the end."""
    assert 0 <= refunded_minor <= sold_minor and sold_minor > 0
    return margin_minor * refunded_minor // sold_minor
