"""Prices: versioned rows, one current for each storefront and denomination, and the lower unit prices of larger quantities."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Price(Base):
    """Never changed, only followed by the next; its id is the version that a quote carries."""

    __tablename__ = "prices"
    __table_args__ = (
        # One current price for each denomination in each storefront.
        Index(
            "uq_price_current",
            "storefront_id",
            "sku_id",
            unique=True,
            postgresql_where=text("until IS NULL"),
            sqlite_where=text("until IS NULL"),
        ),
        CheckConstraint("retail_minor > 0", name="retail_positive"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    retail_minor: Mapped[int]
    wholesale_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(8))
    # It has tiers. On the row itself, so that a sale of many prices at once need not look for what hardly any of them has.
    tiered: Mapped[bool] = mapped_column(server_default=false(), default=False)
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class PriceTier(Base):
    """From so many in one order on, each costs so much; part of its price's version, and as unchanging."""

    __tablename__ = "price_tiers"
    __table_args__ = (
        CheckConstraint("from_quantity >= 2", name="more_than_one"),
        CheckConstraint("unit_minor > 0", name="unit_positive"),
    )

    price_id: Mapped[int] = mapped_column(ForeignKey("prices.id"), primary_key=True, autoincrement=False)
    from_quantity: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_minor: Mapped[int]
