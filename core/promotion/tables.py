"""Broadcasts to the customers of a storefront."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Broadcast(Base):
    """One text to everybody who has not opted out; posted to the outbox in chunks, resumable by `upto_customer_id`."""

    __tablename__ = "broadcasts"

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    by: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    upto_customer_id: Mapped[int]
    posted: Mapped[int]
    posted_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
