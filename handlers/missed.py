"""What people looked for in this chat and did not get: the core keeps it in mind until a job counts it."""

from __future__ import annotations

from core import orders
from core.errors import Refusal
from core.people import Customer
from core.settlement import note_missed as note
from core.settlement import take_missed as take

__all__ = ["note", "refused", "take"]


def refused(customer: Customer, refusal: Refusal, quantity: int) -> None:
    """A purchase of so many was refused: when there were too few, what was lacking is noted."""
    if isinstance(refusal, orders.SoldOut):
        note(customer.storefront_id, customer.id, sku_id=refusal.sku_id, units=max(1, quantity - refusal.left))
