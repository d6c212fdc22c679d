"""Asking for purchase orders: what was ordered, what has come, and what each batch cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import inventory, supply
from core.database import read
from core.purchasing.rules import CostTier
from core.purchasing.tables import Purchase, PurchaseReceipt, PurchaseState


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """A purchase order as the staff see it; amounts in minor units of `currency`."""

    id: int
    supplier_id: int
    supplier: str
    sku_id: int
    offer_id: int
    state: PurchaseState
    quantity: int
    received: int
    tiers: tuple[CostTier, ...]
    unit_cost_minor: int
    currency: str
    expected_on: date | None
    note: str

    @property
    def total_minor(self) -> int:
        """What all of it costs."""
        return self.unit_cost_minor * self.quantity

    @property
    def outstanding(self) -> int:
        """How many have not come yet."""
        return self.quantity - self.received


@dataclass(frozen=True, slots=True)
class BatchCost:
    """What a batch of bought goods cost, and what became of it; amounts in minor units of `currency`."""

    batch_id: int
    purchase_id: int | None
    quantity: int
    unit_cost_minor: int
    currency: str
    sold: int


@read
def purchase(session: Session, purchase_id: int) -> PurchaseView | None:
    """This purchase order, None when there is none."""
    row = session.get(Purchase, purchase_id)
    return None if row is None else viewed(session, row)


@read
def purchases(session: Session, *, sku_id: int | None = None, open_only: bool = False, limit: int = 50) -> Sequence[PurchaseView]:
    """Purchase orders, the newest first."""
    question = select(Purchase).order_by(Purchase.id.desc()).limit(limit)
    if sku_id is not None:
        question = question.where(Purchase.sku_id == sku_id)
    if open_only:
        question = question.where(Purchase.state.in_((PurchaseState.DRAFT, PurchaseState.ORDERED)))
    return [viewed(session, row) for row in session.scalars(question)]


@read
def batch_costs(session: Session, purchase_id: int) -> Sequence[BatchCost]:
    """What came for a purchase order, batch by batch, with how many codes of each batch are sold."""
    rows = session.scalars(select(PurchaseReceipt).where(PurchaseReceipt.purchase_id == purchase_id).order_by(PurchaseReceipt.id)).all()
    sold = inventory.sold_of_batches(session, [row.batch_id for row in rows])
    return [
        BatchCost(row.batch_id, row.purchase_id, row.quantity, row.unit_cost_minor, row.currency, sold.get(row.batch_id, 0)) for row in rows
    ]


@read
def ordered_ahead(session: Session, *, supplier_id: int) -> dict[str, int]:
    """What is ordered from a supplier and has not come, in minor units by currency."""
    rows = session.execute(
        select(Purchase.currency, func.sum((Purchase.quantity - Purchase.received) * Purchase.unit_cost_minor))
        .where(Purchase.supplier_id == supplier_id, Purchase.state == PurchaseState.ORDERED)
        .group_by(Purchase.currency)
    )
    return {currency: int(amount) for currency, amount in rows}


def viewed(session: Session, row: Purchase) -> PurchaseView:
    """A row as everybody may see it. A part of commands."""
    seller = supply.supplier(session, row.supplier_id)
    assert seller is not None, "a purchase order names its supplier"
    tiers = tuple(CostTier(tier["from_quantity"], tier["unit_minor"]) for tier in row.tiers)
    return PurchaseView(
        row.id,
        row.supplier_id,
        seller.name,
        row.sku_id,
        row.offer_id,
        row.state,
        row.quantity,
        row.received,
        tiers,
        row.unit_cost_minor,
        row.currency,
        row.expected_on,
        row.note,
    )
