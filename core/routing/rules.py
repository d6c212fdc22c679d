"""The score of a source: pure and in whole numbers, so that a ranking can be worked out again from what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

MOST_WEIGHT = 100
_STEEP = 8


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each thing counts, from 0 to 100."""

    cost: int = 40
    success: int = 20
    aftersale: int = 15
    latency: int = 10
    stock: int = 10
    region: int = 5

    @classmethod
    def of(cls, data: Mapping[str, int]) -> Weights:
        """As they were kept."""
        return cls(**{one.name: int(data[one.name]) for one in fields(cls)})

    def data(self) -> dict[str, int]:
        """To be kept."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known of an offer when it is ranked. Costs are in one currency, the shop's; None when there is no rate for it."""

    offer_id: int
    sells: bool
    exclusive: bool
    priority: int
    cost_minor: int | None
    delivered: int  # orders it was asked for and delivered in full, lately
    failed: int  # and declined, or did not deliver
    sold: int  # units of it that were sold lately
    complaints: int  # of which turned out bad
    seconds: int  # that it takes to deliver; nothing from the shelf
    stock: int  # in orders of magnitude: 0 none, 1 up to nine, 2 up to ninety-nine, 3 more
    everywhere: bool  # it may be sold to buyers of every region
    committed: bool = False  # units are set aside for a commitment; rankings of before there were any do not say

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Inputs:
        """As they were kept."""
        return cls(**{one.name: data[one.name] for one in fields(cls) if one.name in data})

    def data(self) -> dict[str, object]:
        """To be kept."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scored:
    """An offer's place: each part is from 0 to 1000 before it is weighed, `total` from 0 to 1000 after."""

    offer_id: int
    total: int
    parts: Mapping[str, int]

    def data(self) -> dict[str, object]:
        """To be kept."""
        return {"offer_id": self.offer_id, "total": self.total, "parts": dict(self.parts)}


def magnitude(stock: int) -> int:
    """So much stock in orders of magnitude: a ranking changes when a shelf runs low, and not with each sale."""
    return 0 if stock <= 0 else min(3, len(str(stock)))


def cost_part(cost_minor: int | None, others: Sequence[int]) -> int:
    """From 0 to 1000: the cheapest has all, a source 1 % dearer 923, 10 % dearer 466, twice as dear 3; nothing without a rate.

    Margins of codes are a few per cent, so a few per cent of cost have to weigh as much as the rest. It is the eighth power of the
    ratio: it never stops falling, and so tells every two costs apart that matter.

    Goods whose cost is nothing stand a tenth before the cheapest of the others: to divide by nothing would make these all alike.
    """
    if cost_minor is None or not others:
        return 0
    if cost_minor <= min(others):
        return 1000
    dear = min(other for other in (*others, cost_minor) if other > 0)
    most = 900 if min(others) == 0 else 1000
    return int(most * min(dear, cost_minor) ** _STEEP // cost_minor**_STEEP)


def parts(one: Inputs, costs: Sequence[int]) -> dict[str, int]:
    """What speaks for an offer, each from 0 to 1000: the cheapest, the surest, the quickest has most."""
    return {
        "cost": cost_part(one.cost_minor, costs),
        # Who was not asked yet is believed to deliver nine times of ten, and one failure does not condemn.
        "success": 1000 * (one.delivered + 9) // (one.delivered + one.failed + 10),
        # A complaint weighs as much as ten units that were good.
        "aftersale": 1000 * (one.sold + 10) // (one.sold + 10 + 10 * one.complaints),
        "latency": 1000 * 60 // (60 + max(0, one.seconds)),
        "stock": (0, 400, 700, 1000)[one.stock],
        "region": 1000 if one.everywhere else 500,
    }


def ranked(offers: Sequence[Inputs], weights: Weights) -> list[Scored]:
    """The offers in the order in which the sale draws from them.

    First what sells and has stock; among those an exclusive one, then one of a commitment with units left, then by its
    priority, then the score; and the one that came first when all are equal.
    """
    costs = [one.cost_minor for one in offers if one.sells and one.stock and one.cost_minor is not None]
    weighed = weights.data()
    whole = max(1, sum(weighed.values()))
    found = []
    for one in offers:
        part = parts(one, costs)
        total = sum(weighed[name] * value for name, value in part.items()) // whole
        first = (not (one.sells and one.stock), not one.sells, not one.exclusive, not one.committed, -one.priority, -total, one.offer_id)
        found.append((first, total, part))
    return [Scored(first[-1], total, part) for first, total, part in sorted(found, key=lambda row: row[0])]


def why(inputs: Mapping[int, Inputs], result: Sequence[Scored]) -> list[str]:
    """Why the first stands before the second, as names of reasons, the weightiest first; empty when there is nobody to compare with."""
    if len(result) < 2:
        return []
    first, second = result[0], result[1]
    one, other = inputs[first.offer_id], inputs[second.offer_id]
    if not other.sells:
        return ["other-stopped"]
    if not other.stock:
        return ["other-empty"]
    if one.exclusive and not other.exclusive:
        return ["exclusive"]
    if (one.committed, one.priority) > (other.committed, other.priority):
        return ["commitment"]
    if first.total == second.total:
        return ["older"]
    better = {name: value - second.parts[name] for name, value in first.parts.items() if value > second.parts[name]}
    return sorted(better, key=lambda name: (-better[name], name))
