"""The people of a reseller, the groups bound to one, lists that wait to be bought, sealed codes, and what a reseller wishes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id

_BOUND = text("unbound_at IS NULL")


class ResellerMember(Base):
    """Somebody of a reseller's staff and what they may do; never deleted, because the log of what they were shown names them."""

    __tablename__ = "reseller_members"
    __table_args__ = (Index("ix_reseller_members_of", "telegram_id"),)

    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    telegram_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    owns: Mapped[bool]  # may do what the reseller may, and give roles
    buys: Mapped[bool]
    sees: Mapped[bool]  # the balance, statements and orders
    since: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by: Mapped[int]  # Telegram id


class ResellerGroup(Base):
    """A group in which a reseller's people give commands; a group is one reseller's at a time."""

    __tablename__ = "reseller_groups"
    __table_args__ = (
        Index("uq_reseller_group_bound", "storefront_id", "chat_id", unique=True, postgresql_where=_BOUND, sqlite_where=_BOUND),
        Index("ix_reseller_groups_of", "reseller_id"),
        CheckConstraint("(unbound_at IS NULL) = (unbound_why IS NULL)", name="unbound_for_a_reason"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    chat_id: Mapped[int]
    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    title: Mapped[str] = mapped_column(String(200))
    bound_at: Mapped[datetime]
    bound_by: Mapped[int]  # Telegram id
    unbound_at: Mapped[datetime | None]
    unbound_why: Mapped[str | None] = mapped_column(String(40))


class ResellerBindWord(Base):
    """A word that binds the group in which it is said, once; only its hash is kept."""

    __tablename__ = "reseller_bind_words"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    made_by: Mapped[int]
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ResellerList(Base):
    """What somebody is about to buy for a reseller, as it was previewed; bought once, and then what became of each line."""

    __tablename__ = "reseller_lists"
    __table_args__ = (
        UniqueConstraint("once", name="uq_reseller_list_once"),
        CheckConstraint("(results IS NULL) = (done_at IS NULL)", name="done_has_results"),
    )

    id: Mapped[Id]
    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    made_by: Mapped[int]  # Telegram id
    once: Mapped[str] = mapped_column(String(120))  # the message that asked for it: the same update twice is one list
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON(none_as_null=True))  # sku, quantity, price, rules, number
    total_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    made_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None]
    results: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))


class ResellerNumber(Base):
    """A number of a reseller's own by which they ordered: of how many they asked, of which fewer may have been had."""

    __tablename__ = "reseller_numbers"
    __table_args__ = (CheckConstraint("asked > 0", name="asked_positive"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True, autoincrement=False)
    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    asked: Mapped[int]


class ResellerCodeLink(Base):
    """A link behind which the codes of orders wait for somebody who may see them; opened once."""

    __tablename__ = "reseller_code_links"
    __table_args__ = (CheckConstraint("(opened_at IS NULL) = (opened_by IS NULL)", name="opened_by_somebody"),)

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    orders: Mapped[list[int]] = mapped_column(JSON(none_as_null=True))
    made_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    opened_by: Mapped[int | None]  # Telegram id


class ResellerWishes(Base):
    """From which sum on a purchase is confirmed, and of what a reseller wants to be told."""

    __tablename__ = "reseller_wishes"
    __table_args__ = (
        CheckConstraint("confirm_above_minor >= 0", name="confirm_not_negative"),
        CheckConstraint("low_balance_minor > 0", name="low_positive"),
        Index(
            "ix_reseller_wishes_low",
            "reseller_id",
            postgresql_where=text("low_balance_minor IS NOT NULL"),
            sqlite_where=text("low_balance_minor IS NOT NULL"),
        ),
    )

    reseller_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    confirm_above_minor: Mapped[int | None]  # nothing: every purchase is confirmed
    low_balance_minor: Mapped[int | None]  # tell when there is less than this
    low_told_at: Mapped[datetime | None]  # until there is enough again
    no_restock_at: Mapped[datetime | None]
    no_maintenance_at: Mapped[datetime | None]
