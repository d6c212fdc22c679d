"""Prices: versioned rows, one current for each storefront and denomination."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
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
    since: Mapped[datetime]
    until: Mapped[datetime | None]
