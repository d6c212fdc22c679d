"""What a supplier asks for a unit, by how many are ordered at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class WrongTiers(Refusal):
    says: ClassVar[str] = N_(
        "Each price needs a larger quantity and a lower price than the one before, beginning at 1, for example: <code>{example}</code>"
    )

    example: str = "1=86.00 1000=85.00 5000=84.50"


@dataclass(frozen=True, slots=True)
class CostTier:
    """From so many in one purchase order on, each unit costs so much."""

    from_quantity: int
    unit_minor: int


def reached(tiers: Sequence[CostTier], quantity: int) -> int:
    """What one unit costs in an order of so many; raises WrongTiers when the tiers do not begin at one, or do not fall."""
    if not tiers or tiers[0].from_quantity != 1 or any(tier.unit_minor < 0 for tier in tiers):
        raise WrongTiers
    for below, above in pairwise(tiers):
        if above.from_quantity <= below.from_quantity or above.unit_minor >= below.unit_minor:
            raise WrongTiers
    return [tier.unit_minor for tier in tiers if tier.from_quantity <= quantity][-1]
