"""What the shop shows: categories of any depth, products, and their denominations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class ProductKind(StrEnum):
    """The kinds that somebody outside their own file calls by name; which kinds there are is what lies in core/fulfilment/kinds."""

    CODE = "code"
    TOPUP = "topup"  # straight into the buyer's account elsewhere
    LICENCE = "licence"  # a seat of a volume licence
    ACCOUNT = "account"  # an account with its attributes
    MEMBERSHIP = "membership"  # a place in a Telegram group or channel until it expires
    FILE = "file"
    SERVICE = "service"  # work by agreement: brief, quote, milestones


class Category(Base):
    __tablename__ = "categories"
    __table_args__ = (Index("ix_categories_under", "parent_id", "position", "id"),)

    id: Mapped[Id]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    names: Mapped[dict[str, str]]  # language → name, where it differs from `name`
    icon: Mapped[str | None] = mapped_column(String(16))
    position: Mapped[int]
    hidden_at: Mapped[datetime | None]


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_in", "category_id", "position", "id"),
        CheckConstraint("return_hours >= 0", name="return_hours_not_negative"),
        CheckConstraint("warranty_hours IS NULL OR warranty_hours >= 1", name="warranty_above_zero"),
    )

    id: Mapped[Id]
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(32))  # the name of a file in core/fulfilment/kinds
    name: Mapped[str] = mapped_column(String(200))
    icon: Mapped[str | None] = mapped_column(String(16))
    description: Mapped[str] = mapped_column(Text)
    redeem: Mapped[str] = mapped_column(Text)  # how and where to redeem
    texts: Mapped[dict[str, Any]]  # language → {"name", "description", "redeem"}
    keywords: Mapped[str] = mapped_column(Text)
    search: Mapped[str] = mapped_column(Text)  # folded names, keywords and initials in one line
    protect_content: Mapped[bool]
    position: Mapped[int]
    hidden_at: Mapped[datetime | None]
    sealed: Mapped[bool] = mapped_column(server_default=false())  # the codes are sent when the buyer presses "open"
    return_hours: Mapped[int] = mapped_column(server_default=text("24"))  # until then a sealed order may be returned unopened
    warranty_hours: Mapped[int | None]  # for which a complaint about a code is in time; null: the shop's own
    held: Mapped[bool] = mapped_column(server_default=false())  # paid reversibly, it is sent when the staff have released it
    # The sale has something to ask or to check of its buyer (a kind's fields, a country), so it never gathers its orders with others.
    asks: Mapped[bool] = mapped_column(server_default=false())
    terms: Mapped[dict[str, Any] | None]  # what its kind needs: the fields to ask, how long it lasts, which countries; by core/fulfilment


class Sku(Base):
    """A denomination: what is bought. `rules_version` moves with everything a buyer agreed to besides the price."""

    __tablename__ = "skus"
    __table_args__ = (
        Index("ix_skus_of", "product_id", "position", "id"),
        CheckConstraint("min_quantity >= 1 AND max_quantity >= min_quantity", name="quantities"),
        CheckConstraint("max_per_buyer IS NULL OR max_per_buyer >= 1", name="per_buyer"),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    names: Mapped[dict[str, str]]
    face_value_minor: Mapped[int | None]
    face_currency: Mapped[str | None] = mapped_column(String(8))
    redeem_region: Mapped[str | None] = mapped_column(String(32))  # ISO 3166 code, or GLOBAL
    min_quantity: Mapped[int]
    max_quantity: Mapped[int]
    max_per_buyer: Mapped[int | None]
    rules_version: Mapped[int]
    low_stock_at: Mapped[int]
    low_stock_told_at: Mapped[datetime | None]
    position: Mapped[int]
    hidden_at: Mapped[datetime | None]


class EarlierTerms(Base):
    """What a product's kind and terms were until they were changed: who bought before that bought on these. Insert-only."""

    __tablename__ = "earlier_terms"
    __table_args__ = (Index("ix_earlier_terms_of", "product_id", "until", "id"),)

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    kind: Mapped[str] = mapped_column(String(32))
    terms: Mapped[dict[str, Any] | None]
    until: Mapped[datetime]
