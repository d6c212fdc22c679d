"""Exchange rates: recorded before they are used, never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Rate(Base):
    """One minor unit of `base` is worth numerator/denominator minor units of `quote`."""

    __tablename__ = "rates"
    __table_args__ = (
        CheckConstraint("numerator > 0 AND denominator > 0", name="rate_positive"),
        Index("ix_rates_latest", "base", "quote", "id"),
    )

    id: Mapped[Id]
    base: Mapped[str] = mapped_column(String(8))
    quote: Mapped[str] = mapped_column(String(8))
    numerator: Mapped[int]
    denominator: Mapped[int]
    source: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    # What the source said, before the buffer was taken off; empty where there is no buffer.
    market_numerator: Mapped[int | None]
    market_denominator: Mapped[int | None]
    as_of: Mapped[datetime | None]  # the instant it is of, as the source says; empty: of when it was recorded
    valid_until: Mapped[datetime | None]  # from then on it is too old and converts nothing; empty: it holds until another is recorded


class Jump(Base):
    """A rate of a source that is too far from the last one to be believed by itself: the staff say whether it is taken."""

    __tablename__ = "rate_jumps"
    __table_args__ = (
        CheckConstraint("numerator > 0 AND denominator > 0 AND market_numerator > 0 AND market_denominator > 0", name="jump_positive"),
        # One question at a time for each pair, however many processes ask the source.
        Index(
            "uq_rate_jump_open",
            "base",
            "quote",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    base: Mapped[str] = mapped_column(String(8))
    quote: Mapped[str] = mapped_column(String(8))
    numerator: Mapped[int]
    denominator: Mapped[int]
    market_numerator: Mapped[int]
    market_denominator: Mapped[int]
    source: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[datetime]
    valid_until: Mapped[datetime]
    before_id: Mapped[int] = mapped_column(ForeignKey("rates.id"))  # what it was compared with
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("rates.id"))  # what it became, when it was taken
