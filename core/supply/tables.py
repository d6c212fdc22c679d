"""Where goods come from: suppliers, their offers of a denomination, and the ranking by which the sale draws."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Supplier(Base):
    """Somebody who brings goods; the shop itself is one. Its id is its party's id."""

    __tablename__ = "suppliers"

    id: Mapped[int] = mapped_column(ForeignKey("parties.id"), primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    joined_at: Mapped[datetime]


class Offer(Base):
    """A supplier's offer of a denomination. Owned goods earn the shop the whole price, consigned ones the spread."""

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("supplier_id", "sku_id", name="uq_offer_of_supplier"),
        UniqueConstraint("id", "sku_id", name="uq_offer_and_sku"),
        CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    cost_minor: Mapped[int]  # cost price of one unit
    cost_currency: Mapped[str] = mapped_column(String(8))
    payable_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))  # consigned: who is credited with the cost; null: owned
    since: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class Source(Base):
    """The ranking: which offer the sale draws from first. Worked out off the path, one versioned row per rank."""

    __tablename__ = "sources"
    __table_args__ = (
        ForeignKeyConstraint(["offer_id", "sku_id"], ["offers.id", "offers.sku_id"], name="fk_source_offer"),
        UniqueConstraint("offer_id", name="uq_source_offer"),
    )

    sku_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1 is drawn first
    offer_id: Mapped[int]
    version: Mapped[int]
