"""How much the shop will owe a supplier, and have with them, in one currency."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class ExposureLimit(Base):
    """The limits of one supplier in one currency; a null sets no limit on that side."""

    __tablename__ = "exposure_limits"
    __table_args__ = (
        CheckConstraint("most_owed_minor IS NULL OR most_owed_minor >= 0", name="owed_not_negative"),
        CheckConstraint("most_ahead_minor IS NULL OR most_ahead_minor >= 0", name="ahead_not_negative"),
    )

    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"), primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(String(8), primary_key=True)
    most_owed_minor: Mapped[int | None]  # what the shop owes them: above it their goods sell no more
    most_ahead_minor: Mapped[int | None]  # what they have of the shop's: above it nothing more is ordered from them
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
