"""Whether the owners of a storefront get its statement every morning, and which day's they got last."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class DailyStatement(Base):
    """A storefront's morning post; the row is the lock of who posts it. Without a row it is wanted, and none was posted."""

    __tablename__ = "daily_statements"

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    wanted: Mapped[bool] = mapped_column(server_default=text("true"))
    posted: Mapped[str | None] = mapped_column(String(10))  # the last day that was told of, like 2030-01-31
