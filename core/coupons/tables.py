"""Coupons, how often each was used by whom, and for which order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class CouponRow(Base):
    """A word and what it is worth. Its terms are not changed any more once it is on, so its id is what a buyer saw."""

    __tablename__ = "coupons"
    __table_args__ = (
        # Two words that look alike would be one to who types them; a coupon that is off gives its word back.
        Index(
            "uq_coupon_word",
            "storefront_id",
            "folded",
            unique=True,
            postgresql_where=text("off_at IS NULL"),
            sqlite_where=text("off_at IS NULL"),
        ),
        CheckConstraint("amount_minor >= 0 AND basis_points >= 0 AND basis_points <= 10000", name="cut_not_negative"),
        CheckConstraint("(amount_minor > 0) <> (basis_points > 0)", name="amount_or_percent"),
        CheckConstraint("used >= 0 AND (limit_total IS NULL OR used <= limit_total)", name="used_within_limit"),
        CheckConstraint("product_id IS NULL OR sku_id IS NULL", name="one_scope"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    word: Mapped[str] = mapped_column(String(64))  # as the shopkeeper wrote it
    folded: Mapped[str] = mapped_column(String(64))  # as it is compared
    amount_minor: Mapped[int]
    basis_points: Mapped[int]
    cap_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(8))
    minimum_minor: Mapped[int]
    first_order_only: Mapped[bool]
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("skus.id"))
    limit_total: Mapped[int | None]
    limit_per_buyer: Mapped[int | None]
    back_on_refund: Mapped[bool]
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    used: Mapped[int]  # by orders that are paid or wait for it: the guard of the limit
    by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    on_at: Mapped[datetime | None]  # empty: a draft
    off_at: Mapped[datetime | None]


class CouponCount(Base):
    """How often a buyer uses a coupon: the guard of the limit per buyer."""

    __tablename__ = "coupon_counts"
    __table_args__ = (CheckConstraint("used >= 0", name="used_not_negative"),)

    coupon_id: Mapped[int] = mapped_column(ForeignKey("coupons.id"), primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    used: Mapped[int]


class Redemption(Base):
    """An order made with a coupon: one for each order. Released when the order ended unpaid; it may be taken again by late money."""

    __tablename__ = "coupon_redemptions"
    __table_args__ = (
        CheckConstraint("discount_minor > 0", name="discount_positive"),
        Index("ix_coupon_redemptions_of", "coupon_id", "order_id"),
        Index("ix_coupon_redemptions_by", "customer_id"),
    )

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    coupon_id: Mapped[int] = mapped_column(ForeignKey("coupons.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    discount_minor: Mapped[int]
    at: Mapped[datetime]
    released_at: Mapped[datetime | None]
