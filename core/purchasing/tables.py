"""What the shop buys for itself: purchase orders, and which batch came for which of them at what cost."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class PurchaseState(StrEnum):
    DRAFT = "draft"
    ORDERED = "ordered"
    RECEIVED = "received"  # all of it is here
    CLOSED = "closed"  # ended with less than was ordered
    CANCELLED = "cancelled"


class Purchase(Base):
    """So many units of a denomination ordered from a supplier, to belong to the shop; they may come in parts."""

    __tablename__ = "purchase_orders"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND received >= 0 AND received <= quantity", name="received_at_most_all"),
        CheckConstraint("unit_cost_minor >= 0", name="cost_not_negative"),
        Index(
            "ix_purchase_orders_open", "offer_id", "id", postgresql_where=text("state = 'ordered'"), sqlite_where=text("state = 'ordered'")
        ),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))  # what comes lies on its shelf
    state: Mapped[PurchaseState]
    quantity: Mapped[int]
    received: Mapped[int]
    tiers: Mapped[list[dict[str, Any]]] = mapped_column(JSON(none_as_null=True))  # what the supplier asks: from_quantity, unit_minor
    unit_cost_minor: Mapped[int]  # of one unit, at the tier that the quantity reaches
    currency: Mapped[str] = mapped_column(String(8))
    expected_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    ordered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class PurchaseReceipt(Base):
    """So many codes of a batch came for a purchase order, or for none, and each cost so much."""

    __tablename__ = "purchase_receipts"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="something_came"),
        Index("uq_receipt_of_batch", "batch_id", "seq", unique=True),
        Index("ix_purchase_receipts_of", "purchase_id", "id"),
    )

    id: Mapped[Id]
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    seq: Mapped[int]
    purchase_id: Mapped[int | None] = mapped_column(ForeignKey("purchase_orders.id"))  # null: nobody had ordered it
    quantity: Mapped[int]
    unit_cost_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
