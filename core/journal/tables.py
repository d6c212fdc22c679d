"""The action log: who of the staff did what, and how it was before and after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Action(Base):
    """Insert-only; before and after never hold a code."""

    __tablename__ = "actions"
    __table_args__ = (Index("ix_actions_about", "about", "about_id"),)

    id: Mapped[Id]
    by: Mapped[str] = mapped_column(String(64))  # telegram:123, or command-line
    did: Mapped[str] = mapped_column(String(64))
    about: Mapped[str] = mapped_column(String(32))
    about_id: Mapped[int]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    at: Mapped[datetime]
