"""Orders, their lines, what each buyer has bought of limited items, and every showing of codes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class OrderState(StrEnum):
    PENDING = "pending"  # waits for a payment
    ISSUED = "issued"  # paid, and its codes are the buyer's
    EXPIRED = "expired"  # not paid in time; money that comes late is credited
    CANCELLED = "cancelled"


class RevealCause(StrEnum):
    SENT = "sent"  # the courier began to send it
    SHOWN = "shown"  # the buyer looked again
    RESENT = "resent"  # an admin sent it again


class Order(Base):
    """One purchase by one customer of one storefront."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("once", name="uq_order_once"),
        ForeignKeyConstraint(["buyer_id", "storefront_id"], ["customers.id", "customers.storefront_id"], name="fk_order_buyer"),
        CheckConstraint("total_minor > 0", name="total_positive"),
        Index("ix_orders_of_buyer", "buyer_id", "id"),
        Index("ix_orders_pending", "expires_at", postgresql_where=text("state = 'pending'"), sqlite_where=text("state = 'pending'")),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int]
    buyer_id: Mapped[int]
    once: Mapped[str] = mapped_column(String(120))
    once_hash: Mapped[bytes] = mapped_column(LargeBinary(16))  # of the inputs: the same key with other inputs is refused
    state: Mapped[OrderState]
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    paid_by: Mapped[str] = mapped_column(String(16))  # wallet, or the provider
    placed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]


class OrderLine(Base):
    """How many of which denomination, from which offer, at which version of the price."""

    __tablename__ = "order_lines"
    __table_args__ = (
        ForeignKeyConstraint(["offer_id", "sku_id"], ["offers.id", "offers.sku_id"], name="fk_line_offer"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_order_lines_of_sku", "sku_id", "order_id"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku_id: Mapped[int]
    offer_id: Mapped[int]
    price_id: Mapped[int] = mapped_column(ForeignKey("prices.id"))
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    unit_cost_minor: Mapped[int]
    cost_currency: Mapped[str] = mapped_column(String(8))


class PurchaseCount(Base):
    """How many units a buyer has of a denomination that is limited per buyer; locked together with the wallet."""

    __tablename__ = "purchase_counts"
    __table_args__ = (CheckConstraint("bought >= 0", name="bought_not_negative"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"), primary_key=True, autoincrement=False)
    bought: Mapped[int]


class Reveal(Base):
    """Each time the codes of an order left the database in clear."""

    __tablename__ = "reveals"
    __table_args__ = (Index("ix_reveals_of_order", "order_id", "id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    cause: Mapped[RevealCause]
    to_telegram_id: Mapped[int]
    at: Mapped[datetime]
