"""Codes in stock, the batches they came in, holds on them, and who waits for more."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id

_PLACES = ("staged", "available", "hold_id", "order_id", "void_at")
EXACTLY_ONE_PLACE = " + ".join(f"(CASE WHEN {place} IS NULL THEN 0 ELSE 1 END)" for place in _PLACES) + " = 1"


class BatchState(StrEnum):
    STAGED = "staged"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    REJECTED = "rejected"


_PUBLISHED = text("published_at IS NOT NULL")


class Batch(Base):
    """One delivery of codes; they go on sale together, and have one data key."""

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_published", "published_at", postgresql_where=_PUBLISHED, sqlite_where=_PUBLISHED),
        Index("ix_batches_in_state", "state", "id"),
    )

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    state: Mapped[BatchState]
    source_name: Mapped[str] = mapped_column(String(200))
    by: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    wrapping_key_id: Mapped[str] = mapped_column(String(16))
    aad: Mapped[str] = mapped_column(String(64), unique=True)  # what the wrapped key and each code are bound to
    accepted: Mapped[int]
    made_at: Mapped[datetime]
    alive_at: Mapped[datetime]  # when its importer last gave a sign of life
    published_at: Mapped[datetime | None]
    link_id: Mapped[int | None]  # the one-time upload link that it came by
    document_id: Mapped[int | None]  # the approved paper that its offer rested on when it was brought


class Hold(Base):
    """Codes kept for a payment that is under way, until `expires_at`."""

    __tablename__ = "holds"
    __table_args__ = (
        Index("ix_holds_open", "expires_at", postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
        # One open hold for an order.
        Index(
            "uq_hold_of_order",
            "order_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index("ix_holds_of_customer", "customer_id", "id"),
    )

    id: Mapped[Id]
    order_id: Mapped[int]
    customer_id: Mapped[int]
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    quantity: Mapped[int]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    lapsed: Mapped[bool]  # ended because nobody paid


class Code(Base):
    """One secret that can be sold exactly once."""

    __tablename__ = "codes"
    __table_args__ = (
        # The same secret never enters the shop twice, whoever brings it, under whatever product.
        UniqueConstraint("fingerprint", name="uq_code_enters_once"),
        # A code is in exactly one place: staged, on the shelf, held, sold, or void.
        CheckConstraint(EXACTLY_ONE_PLACE, name="code_is_in_one_place"),
        # What was refunded and cannot be sold again stays with its order.
        CheckConstraint("refunded_at IS NULL OR order_id IS NOT NULL", name="refunded_of_an_order"),
        # The only index with this order: the sale finds the next code by it, and nothing sold is in it.
        Index(
            "ix_codes_on_the_shelf",
            "offer_id",
            "available",
            postgresql_where=text("available IS NOT NULL"),
            sqlite_where=text("available IS NOT NULL"),
        ),
        Index(
            "ix_codes_of_order",
            "order_id",
            postgresql_where=text("order_id IS NOT NULL"),
            sqlite_where=text("order_id IS NOT NULL"),
        ),
        Index("ix_codes_of_hold", "hold_id", postgresql_where=text("hold_id IS NOT NULL"), sqlite_where=text("hold_id IS NOT NULL")),
        Index(
            "ix_codes_staged",
            "batch_id",
            "id",
            postgresql_where=text("staged IS NOT NULL"),
            sqlite_where=text("staged IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 90}},
    )

    id: Mapped[Id]
    offer_id: Mapped[int]  # the batch's, repeated here because the shelf is sorted by it
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    row: Mapped[int]  # line in the batch, bound into the encryption
    staged: Mapped[int | None]  # 1 until the whole batch is checked
    available: Mapped[int | None]  # sort number on the shelf: first in, first out
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("holds.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    void_at: Mapped[datetime | None]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    refunded_at: Mapped[datetime | None]  # void, but known as its order's: the buyer may have seen it, and has the money back


class Watch(Base):
    """Somebody who asked to be told when a denomination is back; told once."""

    __tablename__ = "watches"
    __table_args__ = (
        Index(
            "uq_watch_waiting",
            "sku_id",
            "customer_id",
            unique=True,
            postgresql_where=text("told_at IS NULL"),
            sqlite_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    asked_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class UploadLink(Base):
    """A word in an address by which a supplier may send one file for one offer, once and for a while."""

    __tablename__ = "upload_links"
    __table_args__ = (
        UniqueConstraint("word_hash", name="uq_upload_link_word"),
        CheckConstraint("batch_id IS NULL OR ended_at IS NOT NULL", name="batch_ends_it"),
        Index("ix_upload_links_of_supplier", "supplier_id", "made_at"),
    )

    id: Mapped[Id]
    word_hash: Mapped[bytes] = mapped_column(LargeBinary(32))  # the word itself is in the supplier's chat only
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))  # who asked for it, and is told what became of it
    by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int]  # how often a file was begun to be sent by it
    used_at: Mapped[datetime | None]  # a file is on its way; null again when it did not arrive or could not be read
    ended_at: Mapped[datetime | None]  # it has done its work, or another took its place
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))  # what came in by it


class TakeBack(Base):
    """Codes that a supplier took off the shelf again: void here, and handed to them as one file, once."""

    __tablename__ = "take_backs"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"), Index("ix_take_backs_of_offer", "offer_id", "id"))

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))  # who gets the file
    by: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int]
    at: Mapped[datetime]
    opened_at: Mapped[datetime | None]  # when the codes first left the database in clear
    handed_at: Mapped[datetime | None]  # when the file was in the chat: from then on it is not made again


class TakenCode(Base):
    """Which take-back a void code left with."""

    __tablename__ = "taken_codes"
    __table_args__ = (Index("ix_taken_codes_with", "take_back_id", "code_id"),)

    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"), primary_key=True, autoincrement=False)
    take_back_id: Mapped[int] = mapped_column(ForeignKey("take_backs.id"))
