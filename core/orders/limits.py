"""How much of a denomination one order may have."""

from __future__ import annotations

from core import people
from core.catalog import SkuView

RESELLERS_MOST = 10_000  # units that a reseller may order at once, whatever the limit for others


def most_of(buyer: people.Customer, sku: SkuView) -> int:
    """How many units of a denomination this person may order at once; what each may have in all is another rule."""
    return max(RESELLERS_MOST, sku.max_quantity) if buyer.wholesale else sku.max_quantity
