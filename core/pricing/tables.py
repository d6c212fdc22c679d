"""Prices: versioned rows, one current for each storefront and denomination – and for each level of resellers and each reseller with
a price of their own –, and the lower unit prices of larger quantities."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id

_OWN = text("until IS NULL AND level_id IS NULL AND customer_id IS NULL")
_LEVEL = text("until IS NULL AND level_id IS NOT NULL")
_CUSTOMER = text("until IS NULL AND customer_id IS NOT NULL")
_ENDING = text("until IS NULL AND ends_at IS NOT NULL")


class Price(Base):
    """Never changed, only followed by the next; its id is the version that a quote carries.

    With a level or a customer it is theirs alone, and goes before the storefront's own, which has neither.
    """

    __tablename__ = "prices"
    __table_args__ = (
        # One current price for each denomination in each storefront.
        Index(
            "uq_price_current",
            "storefront_id",
            "sku_id",
            unique=True,
            postgresql_where=_OWN,
            sqlite_where=_OWN,
        ),
        # One for each level, and one for each reseller. The sale looks here whether somebody has a better row than the one they name.
        Index("uq_price_of_level", "storefront_id", "sku_id", "level_id", unique=True, postgresql_where=_LEVEL, sqlite_where=_LEVEL),
        Index("uq_price_of_customer", "customer_id", "sku_id", unique=True, postgresql_where=_CUSTOMER, sqlite_where=_CUSTOMER),
        # What ends by itself is looked for by its day.
        Index("ix_prices_ending", "ends_at", postgresql_where=_ENDING, sqlite_where=_ENDING),
        # What a denomination costs a reseller, and what it cost lately, is asked for each screen of it.
        Index("ix_prices_in_time", "storefront_id", "sku_id", "until"),
        CheckConstraint("retail_minor > 0", name="retail_positive"),
        # In a reseller's storefront nothing is sold for less than the shop is to get of it.
        CheckConstraint("house_minor IS NULL OR house_minor BETWEEN 1 AND retail_minor", name="house_within_retail"),
        CheckConstraint("level_id IS NULL OR customer_id IS NULL", name="of_one_party"),
        # What one party pays is one price: it has no other for resellers beside it.
        CheckConstraint("(level_id IS NULL AND customer_id IS NULL) OR wholesale_minor IS NULL", name="one_price_of_a_party"),
        CheckConstraint("ends_at IS NULL OR customer_id IS NOT NULL", name="only_a_contract_ends"),
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
    level_id: Mapped[int | None]  # of resellers, by core/resellers
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    ends_at: Mapped[datetime | None]  # a contract price holds until then, also before anybody has closed its row
    dearer: Mapped[bool] = mapped_column(server_default=false(), default=False)  # it may be above what everybody pays: that was meant
    house_minor: Mapped[int | None]  # in a reseller's storefront: what the shop gets of one; the rest is the reseller's margin


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
