"""Storefronts: each has its own name, customers and prices. The shop's own, and those that resellers have under their own names."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class StorefrontRow(Base):
    __tablename__ = "storefronts"

    id: Mapped[Id]
    party_id: Mapped[int] = mapped_column(ForeignKey("parties.id"))
    name: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(8))
    language: Mapped[str] = mapped_column(String(16))
    sales_account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    support: Mapped[str | None] = mapped_column(String(200))
    opened_at: Mapped[datetime]
    # Before every number that payment providers are given: another database on the same account has another.
    tag: Mapped[str] = mapped_column(String(8), server_default=text("''"))
    review_hours: Mapped[int] = mapped_column(server_default=text("24"))  # the staff decide about a held order within so many
    reversible_days: Mapped[int] = mapped_column(server_default=text("30"))  # for so long money may be taken back by its payer
    # A reseller's: the storefront of the shop that sells, is paid and answers behind it. Its party and its accounts are this one's.
    house_id: Mapped[int | None] = mapped_column(ForeignKey("storefronts.id"))
