"""Who opened the screen of which product on which day."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Screen(Base):
    """Somebody looked at a product on a day, once or often: the first step of the way to a sale."""

    __tablename__ = "screens"
    __table_args__ = (
        UniqueConstraint("storefront_id", "day", "customer_id", "product_id", name="uq_screen_of_day"),
        Index("ix_screens_of_day", "day"),  # what is too old is deleted by it
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    day: Mapped[str] = mapped_column(String(10))  # ISO, of the shop's time zone
    customer_id: Mapped[int]
    product_id: Mapped[int]
