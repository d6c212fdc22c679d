"""Storefronts under resellers' own names: their bots, their look and markup, and what of each sale is the reseller's."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id

_LIVE = text("closed_at IS NULL")
_HELD = text("state = 'held'")


class Style(StrEnum):
    """How the buttons of a storefront look, where they have no meaning of their own."""

    PLAIN = "plain"
    BLUE = "primary"
    GREEN = "success"


class MarginState(StrEnum):
    HELD = "held"
    RELEASED = "released"


class Brand(Base):
    """One bot of a reseller with its storefront. Its token lies sealed, as codes do."""

    __tablename__ = "brands"
    __table_args__ = (
        UniqueConstraint("storefront_id", name="uq_brand_of_storefront"),
        UniqueConstraint("word", name="uq_brand_word"),
        # A bot answers for one storefront at a time.
        Index("uq_brand_bot", "bot_id", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE),
        Index("ix_brands_of", "owner_id", "id"),
        CheckConstraint("markup_points BETWEEN 0 AND 100000 AND markup_minor >= 0 AND step_minor >= 1", name="markup_in_bounds"),
        CheckConstraint("(stopped_at IS NULL) = (stopped_by IS NULL)", name="stopped_by_somebody"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    house_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))  # the shop's own, behind it
    owner_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))  # a reseller there
    bot_id: Mapped[int]  # as Telegram knows it
    username: Mapped[str] = mapped_column(String(64))
    # Opaque, and nothing that the token tells: its owner knows the token, and must not know where Telegram delivers.
    word: Mapped[str] = mapped_column(String(64))
    token: Mapped[bytes] = mapped_column(LargeBinary)
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    wrapping_key_id: Mapped[str] = mapped_column(String(16))
    token_version: Mapped[int] = mapped_column(server_default=text("1"))
    welcome: Mapped[str | None] = mapped_column(String(500))
    banner: Mapped[bytes | None] = mapped_column(LargeBinary)  # a picture that everybody sees at the first word
    banner_id: Mapped[str | None] = mapped_column(String(200))  # as the bot knows it in Telegram, once it was sent
    style: Mapped[Style] = mapped_column(server_default=text("'plain'"))
    markup_points: Mapped[int]  # hundredths of a per cent on what the reseller pays
    markup_minor: Mapped[int]  # and so much more
    step_minor: Mapped[int]  # rounded up to whole steps
    introduced: Mapped[str | None] = mapped_column(String(300))  # the name and the language that its menu in Telegram was made for
    priced_upto: Mapped[int] = mapped_column(server_default=text("0"))  # the newest price of the shop that was looked at
    priced_at: Mapped[datetime | None]  # null: its own rules have changed since
    opened_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]  # by its owner: nothing is for sale, and who has bought is served
    stopped_at: Mapped[datetime | None]  # by the staff of the shop
    stopped_by: Mapped[str | None] = mapped_column(String(64))
    stopped_why: Mapped[str | None] = mapped_column(String(300))
    refused_at: Mapped[datetime | None]  # Telegram does not know the token any more
    closed_at: Mapped[datetime | None]  # for good


class BrandHidden(Base):
    """A product that a storefront does not sell."""

    __tablename__ = "brand_hidden"

    brand_id: Mapped[int] = mapped_column(ForeignKey("brands.id"), primary_key=True, autoincrement=False)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True, autoincrement=False)


class BrandAdmin(Base):
    """Whom the owner lets into /manage of the storefront's bot, beside themself."""

    __tablename__ = "brand_admins"

    brand_id: Mapped[int] = mapped_column(ForeignKey("brands.id"), primary_key=True, autoincrement=False)
    telegram_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[datetime]


class Margin(Base):
    """What of one order is the reseller's, in minor units: what was sold less the shop's part.

    Taken back with refunds, for ever, and with what the shop has lost of what it was paid with, until that comes again.
    """

    __tablename__ = "margins"
    __table_args__ = (
        CheckConstraint("margin_minor = sold_minor - house_minor AND margin_minor >= 0", name="margin_is_the_rest"),
        CheckConstraint("taken_minor >= 0 AND lost_minor >= 0 AND taken_minor + lost_minor <= margin_minor", name="taken_at_most_all"),
        Index("ix_margins_of", "brand_id", "order_id"),
        Index("ix_margins_held", "release_at", postgresql_where=_HELD, sqlite_where=_HELD),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    brand_id: Mapped[int] = mapped_column(ForeignKey("brands.id"))
    sold_minor: Mapped[int]
    house_minor: Mapped[int]
    margin_minor: Mapped[int]
    taken_minor: Mapped[int] = mapped_column(server_default=text("0"))
    currency: Mapped[str] = mapped_column(String(8))
    state: Mapped[MarginState]
    sold_at: Mapped[datetime]
    release_at: Mapped[datetime]
    lost_minor: Mapped[int] = mapped_column(server_default=text("0"))  # with the money it was paid with, as long as that is lost


class MarginMark(Base):
    """How far the sales were looked through; its one row is the lock of who looks."""

    __tablename__ = "margin_marks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_id: Mapped[int]
    swept_id: Mapped[int]
    reversed_at: Mapped[datetime]
