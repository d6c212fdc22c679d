"""Shops that supply us: the connection with its sealed secrets, what it sells, and what the background is to do for the staff."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Place(StrEnum):
    """Where a connection stands."""

    DRAFT = "draft"  # its settings are being asked
    TRYING = "trying"  # new: it has not answered yet
    OPEN = "open"
    PAUSED = "paused"  # by the staff: nothing is ordered, its offers do not sell; what was asked is still asked about
    REMOVED = "removed"  # by the staff, for good; what was asked is still asked about


class Upstream(Base):
    """One account at one shop that supplies us. Its secrets are sealed under a data key of their own."""

    __tablename__ = "upstreams"
    __table_args__ = (
        UniqueConstraint("word", name="uq_upstream_word"),
        UniqueConstraint("supplier_id", name="uq_upstream_supplier"),
        CheckConstraint("failures >= 0", name="failures_not_negative"),
        CheckConstraint("(balance_minor IS NULL) = (balance_at IS NULL)", name="balance_with_its_time"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    name: Mapped[str] = mapped_column(String(100))
    protocol: Mapped[str] = mapped_column(String(16))
    settings: Mapped[bytes] = mapped_column(LargeBinary)  # sealed; bound to the word, so that no row opens another's
    data_key: Mapped[bytes] = mapped_column(LargeBinary)  # wrapped
    wrapping_key_id: Mapped[str] = mapped_column(String(16))
    settings_version: Mapped[int]
    word: Mapped[str] = mapped_column(String(64))  # opaque: the address of its callbacks
    place: Mapped[Place]
    made_at: Mapped[datetime]
    trouble: Mapped[str | None] = mapped_column(String(300))  # what it said when it last said no, or why it could not be asked
    # What we have there, as it last said.
    balance_minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(8))
    balance_at: Mapped[datetime | None]
    balance_next_at: Mapped[datetime]
    low_balance_minor: Mapped[int | None]  # below it the staff are told, once for each fall
    low_told_at: Mapped[datetime | None]
    # The circuit breaker.
    failures: Mapped[int]  # in a row
    open_until: Mapped[datetime | None]  # until then nothing is asked of it; then one question decides
    opened: Mapped[int]  # how often in a row it rested: each time longer
    # The catalogue.
    sync_next_at: Mapped[datetime]
    synced_at: Mapped[datetime | None]  # when the last whole catalogue was read
    changes_after: Mapped[str | None] = mapped_column(String(400))  # its own mark, where it tells what has changed since
    looked_after: Mapped[int]  # the last task that was looked at again after it was done
    # The markup for what is imported: per cent in hundredths, a fixed amount and the step prices are rounded up to.
    markup_points: Mapped[int]
    markup_fixed_minor: Mapped[int]
    round_to_minor: Mapped[int]


class UpstreamItem(Base):
    """One thing an upstream sells, as it last said. Only what it says is written here; what the shop made of it is the catalogue's."""

    __tablename__ = "upstream_items"
    __table_args__ = (
        UniqueConstraint("upstream_id", "key", name="uq_upstream_item"),
        UniqueConstraint("offer_id", name="uq_upstream_item_offer"),
        CheckConstraint("price_minor >= 0 AND (stock IS NULL OR stock >= 0)", name="price_and_stock"),
        Index("ix_upstream_items_browsed", "upstream_id", "category", "title", "id"),
    )

    id: Mapped[Id]
    upstream_id: Mapped[int] = mapped_column(ForeignKey("upstreams.id"))
    key: Mapped[str] = mapped_column(String(128))
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(200))
    price_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    stock: Mapped[int | None]  # null: as many as one likes
    active: Mapped[bool]
    kind: Mapped[str] = mapped_column(String(16))
    fields: Mapped[str] = mapped_column(Text)  # what it asks of the buyer, as JSON
    least: Mapped[int]
    most: Mapped[int | None]
    description: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(64))  # of price and stock; empty where the upstream does not number them
    as_of: Mapped[datetime]  # when it was asked, or told us
    seen_at: Mapped[datetime]  # in the whole catalogue, last
    gone_at: Mapped[datetime | None]  # it was not in the whole catalogue any more
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offers.id"))  # linked: what it sells is this offer of ours
    linked_at: Mapped[datetime | None]


class Errand(StrEnum):
    """What the background does for somebody who waits, or because something was heard."""

    TRY = "try"  # does it answer, and know us?
    SYNC = "sync"
    LOOK = "look"  # ask what became of one order


class UpstreamErrand(Base):
    """Something to be asked of an upstream; `chat_id` and `message_id` are the screen that says what came of it."""

    __tablename__ = "upstream_errands"
    __table_args__ = (
        Index("ix_upstream_errands_due", "next_at", postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
        Index(
            "uq_upstream_errand_open",
            "upstream_id",
            "what",
            "about",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    upstream_id: Mapped[int] = mapped_column(ForeignKey("upstreams.id"))
    what: Mapped[Errand]
    about: Mapped[str] = mapped_column(String(64))  # the number of an order; empty for the others
    made_at: Mapped[datetime]
    next_at: Mapped[datetime]
    tries: Mapped[int]
    ended_at: Mapped[datetime | None]
    chat_id: Mapped[int | None]
    message_id: Mapped[int | None]
    language: Mapped[str | None] = mapped_column(String(16))  # of whoever waits at that screen
