"""Customers of a storefront and the people who run it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"


class CustomerRow(Base):
    """A person in one storefront; in another bot the same person is another customer. Its id is its party's id."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("storefront_id", "telegram_id", name="uq_customer_of_storefront"),
        # The target of the order's composite key: a buyer belongs to the storefront of the order.
        UniqueConstraint("id", "storefront_id", name="uq_customer_and_storefront"),
    )

    id: Mapped[int] = mapped_column(ForeignKey("parties.id"), primary_key=True, autoincrement=False)
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    telegram_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    username: Mapped[str | None] = mapped_column(String(64), index=True)
    telegram_language: Mapped[str | None] = mapped_column(String(16))
    language: Mapped[str | None] = mapped_column(String(16))  # chosen by hand; else Telegram's is matched
    wallet_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    joined_at: Mapped[datetime]
    blocked_at: Mapped[datetime | None]  # the bot may not write to them until the next /start
    came_back_at: Mapped[datetime | None]  # the last time they opened the chat: a refusal from before that is old news
    no_broadcasts_at: Mapped[datetime | None]
    wholesale: Mapped[bool] = mapped_column(server_default=false())  # a reseller: buys at the wholesale price where there is one
    country: Mapped[str | None] = mapped_column(String(8))  # ISO 3166, as they said themselves; asked where a rule needs it
    no_price_news_at: Mapped[datetime | None]  # a reseller who does not want to be told of changed prices
    level_id: Mapped[int | None]  # of a reseller, by core/resellers: whose price list they buy from


class Staff(Base):
    """Who may open /admin."""

    __tablename__ = "staff"

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    telegram_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[Role]
    from_settings: Mapped[bool]  # listed in SHOP_ADMINS, and gone with it
    since: Mapped[datetime]


class OwnerLink(Base):
    """A one-time link whose first opener becomes the owner; only the hash of its word is kept."""

    __tablename__ = "owner_links"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    made_at: Mapped[datetime]
    used_by: Mapped[int | None]
