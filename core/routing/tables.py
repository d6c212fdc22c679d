"""The weights that admins set, and every ranking with all that it was made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class RoutingWeights(Base):
    """How much each thing counts in the score, from an instant on; the newest row is in force. Insert-only."""

    __tablename__ = "routing_weights"

    id: Mapped[Id]
    weights: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))


class Ranking(Base):
    """One decision about the order of a denomination's sources: its result can be worked out again from its inputs. Insert-only."""

    __tablename__ = "rankings"

    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"), primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    weights: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))
    inputs: Mapped[list[dict[str, Any]]] = mapped_column(JSON(none_as_null=True))  # one for each offer
    result: Mapped[list[dict[str, Any]]] = mapped_column(JSON(none_as_null=True))  # offer, total and parts, the first is drawn first
