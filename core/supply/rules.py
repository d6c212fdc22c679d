"""The arithmetic of supply: what is plain, what a quota costs, which price leaves enough, and how steady a source is. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

WHOLE = 10_000  # a hundred per cent, in hundredths of a per cent
ENOUGH_ORDERS = 20  # below, a source is new: a few sales say nothing


def is_plain(
    *,
    min_quantity: int | None,
    max_quantity: int | None,
    region: str | None,
    quota_id: int | None,
    exclusive_until: datetime | None,
    limited: bool = False,
    committed: bool = False,
) -> bool:
    """May the sale gather this offer with others? Not when there is more to check or to count than its shelf."""
    unbound = min_quantity is None and max_quantity is None and region is None and quota_id is None and exclusive_until is None
    return unbound and not limited and not committed


def quota_cost(face_minor: int, discount_bp: int) -> int:
    """What one unit of so much face value costs under a discount: face × (1 − discount), half up to the minor unit, once for each unit."""
    assert face_minor >= 0 and 0 <= discount_bp < WHOLE, "a discount leaves a cost"
    return (face_minor * (WHOLE - discount_bp) + WHOLE // 2) // WHOLE


def units_left(*, total_minor: int, drawn_minor: int, face_minor: int | None) -> int:
    """How many units of this face value a quota still covers; none when the face value is not known."""
    return 0 if not face_minor else max(0, total_minor - drawn_minor) // face_minor


def margin_bp(price_minor: int, cost_minor: int) -> int:
    """What is left of a price above the cost, in hundredths of a per cent of the price, rounded down; below zero for a loss."""
    return (price_minor - cost_minor) * WHOLE // price_minor


def least_price(cost_minor: int, least_margin_bp: int) -> int:
    """The lowest price that leaves at least this margin."""
    return max(1, -(-cost_minor * WHOLE // (WHOLE - least_margin_bp)))


def kindly_up(minor: int) -> int:
    """The next price a shopkeeper would write on a card: up to a step that grows with the amount, by at most a hundredth of it or so."""
    step = 1
    for least, wider in ((1_000, 5), (5_000, 10), (20_000, 50), (50_000, 100), (200_000, 500), (500_000, 1_000), (5_000_000, 10_000)):
        if minor >= least:
            step = wider
    return -(-minor // step) * step


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of a denomination that belong together; tiers are unit prices by the quantity from which they hold."""

    retail_minor: int
    wholesale_minor: int | None
    tiers: Mapping[int, int]


def weakest(prices: Prices) -> int:
    """The lowest unit price anybody pays."""
    return min(unit for unit in (prices.retail_minor, prices.wholesale_minor, *prices.tiers.values()) if unit is not None)


def enough(prices: Prices, cost_minor: int, least_margin_bp: int) -> Prices:
    """The same prices, raised where they leave too little, and nowhere lowered. Tiers that would fall no more are left out."""
    least = least_price(cost_minor, least_margin_bp)

    def raised(unit: int) -> int:
        return unit if unit >= least else kindly_up(least)

    retail = raised(prices.retail_minor)
    wholesale = None if prices.wholesale_minor is None else min(retail, raised(prices.wholesale_minor))
    tiers: dict[int, int] = {}
    below = retail
    for quantity, unit in sorted(prices.tiers.items()):
        if raised(unit) < below:
            tiers[quantity] = below = raised(unit)
    return Prices(retail, wholesale, tiers)


def out_of_band(*, cost_minor: int | None, wholesale_minor: int | None, retail_minor: int | None, face_minor: int | None) -> list[str]:
    """Which neighbours of cost ≤ wholesale ≤ retail ≤ face stand the wrong way round; what is not known is passed over.

    Each as "lower>higher": "cost>wholesale", "wholesale>retail", "retail>face" and so on. All amounts of one currency.
    """
    steps: Sequence[tuple[str, int | None]] = (
        ("cost", cost_minor),
        ("wholesale", wholesale_minor),
        ("retail", retail_minor),
        ("face", face_minor),
    )
    known = [(name, minor) for name, minor in steps if minor is not None]
    return [f"{lower}>{higher}" for (lower, low), (higher, high) in pairwise(known) if low > high]


def stability(*, orders: int, cases: int, undelivered: int, days: int) -> int | None:
    """How steady a source is, from 0 to 100; None for a new one, of fewer than ENOUGH_ORDERS orders.

    70 points for orders without a case: all at none, nothing from one case in ten orders on. 20 for orders that could be handed
    over, in the same way. 10 for its age: all after 90 days. Whole numbers, rounded down, so that only a spotless source has all.
    """
    assert orders >= 0 and cases >= 0 and undelivered >= 0 and days >= 0, "nothing is counted below nothing"
    if orders < ENOUGH_ORDERS:
        return None
    points = sum(worth * max(0, orders - 10 * failed) // orders for worth, failed in ((70, cases), (20, undelivered)))
    return points + 10 * min(days, 90) // 90
