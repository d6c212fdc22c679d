"""What was promised of an offer, how much of it was drawn, and how it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id

_OPEN = text("closed_at IS NULL")


class Precedence(StrEnum):
    """How the shop draws from an offer while units of its commitment are left."""

    EXCLUSIVE = "exclusive"  # no other source is drawn while it has stock
    PRIORITY = "priority"  # before all others, whatever the score


class Promise(StrEnum):
    """Who has promised the quantity."""

    SUPPLIER = "supplier"  # to bring it
    SHOP = "shop"  # to draw it
    BOTH = "both"


class Commitment(Base):
    """A quantity of an offer promised from one instant to another; what was drawn of it is a guarded counter."""

    __tablename__ = "commitments"
    __table_args__ = (
        CheckConstraint("drawn >= 0 AND drawn <= quantity", name="drawn_within_quantity"),
        CheckConstraint("from_at < until", name="begins_before_it_ends"),
        CheckConstraint("failed >= 0", name="failed_not_negative"),
        CheckConstraint("(closed_at IS NULL) = (brought IS NULL)", name="closed_with_what_was_brought"),
        # One at a time: the next begins when this one is over.
        Index("uq_commitment_open", "offer_id", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_commitments_of_offer", "offer_id", "id"),
        Index("ix_commitments_beginning", "from_at", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_commitments_ending", "until", postgresql_where=_OPEN, sqlite_where=_OPEN),
    )

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    precedence: Mapped[Precedence]
    promised_by: Mapped[Promise]
    quantity: Mapped[int]
    drawn: Mapped[int] = mapped_column(server_default=text("0"))
    failed: Mapped[int] = mapped_column(server_default=text("0"))  # units that its source was asked for and did not bring
    from_at: Mapped[datetime]
    until: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(64))
    # How it ended. When it was called off nothing is short, whoever promised.
    closed_at: Mapped[datetime | None]
    called_off_by: Mapped[str | None] = mapped_column(String(64))
    brought: Mapped[int | None]  # what was drawn, and what was there to be drawn when it ended; at most the quantity
    supplier_short: Mapped[int | None]  # of what the supplier had promised to bring
    shop_short: Mapped[int | None]  # of what the shop had promised to draw


class CommitmentDraw(Base):
    """What one order drew of a commitment, and how many of these units came back."""

    __tablename__ = "commitment_draws"
    __table_args__ = (CheckConstraint("quantity > 0 AND given_back >= 0 AND given_back <= quantity", name="back_at_most_drawn"),)

    commitment_id: Mapped[int] = mapped_column(ForeignKey("commitments.id"), primary_key=True, autoincrement=False)
    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int]
    given_back: Mapped[int] = mapped_column(server_default=text("0"))
    at: Mapped[datetime]
