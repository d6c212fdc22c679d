"""Exchange rates: recorded before they are used, never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String
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
