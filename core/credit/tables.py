"""Credit of resellers: lines with their terms, invoices, repayments, advances with instalments, and who asked for what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class LineState(StrEnum):
    OPEN = "open"
    FROZEN = "frozen"  # nothing is bought on credit; interest goes on
    WRITTEN_OFF = "written_off"  # what was owed is the shop's loss; nothing goes on


class Wanted(StrEnum):
    """What is asked for."""

    LINE = "line"
    ADVANCE = "advance"


class AskState(StrEnum):
    SENT = "sent"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_SENT = text("state = 'sent'")
_UNPAID = text("paid_day IS NULL")


class CreditLine(Base):
    """How far below zero a reseller's wallet may go, at which terms. Days are counted from 1970-01-01, in UTC.

    What they have bought and not paid for is `new_minor` and what is left on the invoices, as of when it was worked last.
    """

    __tablename__ = "credit_lines"
    __table_args__ = (
        CheckConstraint("limit_minor >= 0 AND new_minor >= 0 AND used_minor >= 0", name="amounts_not_negative"),
        CheckConstraint("rate_ppm BETWEEN 0 AND 1000000 AND overdue_ppm BETWEEN rate_ppm AND 2000000", name="rates_in_bounds"),
        CheckConstraint("period_days BETWEEN 1 AND 31 AND term_days BETWEEN 1 AND 90", name="days_in_bounds"),
        CheckConstraint("late_fee_minor >= 0 AND freeze_days >= 0", name="fee_and_freeze_not_negative"),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    currency: Mapped[str] = mapped_column(String(8))
    state: Mapped[LineState]
    limit_minor: Mapped[int]
    rate_ppm: Mapped[int]  # a year, in millionths
    overdue_ppm: Mapped[int]  # of what is past its due day
    late_fee_minor: Mapped[int]  # once for each invoice that is late
    period_days: Mapped[int]
    term_days: Mapped[int]  # from the end of a period until its invoice is due
    freeze_days: Mapped[int]  # so late, the line is frozen; 0: never by itself
    day: Mapped[int]  # the first day that is not closed
    period_from: Mapped[int]
    carry: Mapped[int]  # interest not posted yet, in millionths of a minor unit times 365: exact
    new_minor: Mapped[int]  # owed, and on no invoice yet
    used_minor: Mapped[int]  # bought on credit in this period
    seen_transfer_id: Mapped[int]
    opened_at: Mapped[datetime]
    frozen_by: Mapped[str | None] = mapped_column(String(64))
    frozen_at: Mapped[datetime | None]
    off_by: Mapped[str | None] = mapped_column(String(64))  # who wants it written off; a second person has to
    off_why: Mapped[str | None] = mapped_column(String(300))


class CreditInvoice(Base):
    """What a period has added to what is owed, and what of it is still open."""

    __tablename__ = "credit_invoices"
    __table_args__ = (
        UniqueConstraint("customer_id", "seq", name="uq_credit_invoice_of"),
        Index("ix_credit_invoices_unpaid", "due_day", postgresql_where=_UNPAID, sqlite_where=_UNPAID),
        CheckConstraint("left_minor BETWEEN 0 AND principal_minor", name="left_of_principal"),
        CheckConstraint("interest_left_minor BETWEEN 0 AND interest_minor", name="left_of_interest"),
        CheckConstraint("fee_left_minor BETWEEN 0 AND fee_minor", name="left_of_fee"),
        CheckConstraint("(paid_day IS NULL) = (left_minor + interest_left_minor + fee_left_minor > 0)", name="paid_when_nothing_is_left"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("credit_lines.customer_id"))
    seq: Mapped[int]
    from_day: Mapped[int]
    to_day: Mapped[int]
    due_day: Mapped[int]
    used_minor: Mapped[int]
    principal_minor: Mapped[int]
    interest_minor: Mapped[int]
    fee_minor: Mapped[int]
    left_minor: Mapped[int]
    interest_left_minor: Mapped[int]
    fee_left_minor: Mapped[int]
    paid_day: Mapped[int | None]


class CreditAdvance(Base):
    """A sum that was paid into a wallet, to be paid back by instalments."""

    __tablename__ = "credit_advances"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("credit_lines.customer_id"), index=True)
    amount_minor: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class CreditInstalment(Base):
    """One part of an advance, due on its day."""

    __tablename__ = "credit_instalments"
    __table_args__ = (
        CheckConstraint("amount_minor > 0 AND left_minor BETWEEN 0 AND amount_minor", name="left_of_amount"),
        CheckConstraint("(paid_day IS NULL) = (left_minor > 0)", name="paid_when_nothing_is_left"),
    )

    advance_id: Mapped[int] = mapped_column(ForeignKey("credit_advances.id"), primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(ForeignKey("credit_lines.customer_id"), index=True)
    due_day: Mapped[int]
    amount_minor: Mapped[int]
    left_minor: Mapped[int]
    paid_day: Mapped[int | None]


class CreditRepayment(Base):
    """What became of money that came in: fees first, then interest, then principal. Its key is the transfer's that it came by."""

    __tablename__ = "credit_repayments"
    __table_args__ = (
        UniqueConstraint("customer_id", "key", name="uq_credit_repayment_once"),
        CheckConstraint(
            "fees_minor >= 0 AND interest_minor >= 0 AND instalments_minor >= 0 AND principal_minor >= 0", name="parts_not_negative"
        ),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("credit_lines.customer_id"))
    key: Mapped[str] = mapped_column(String(64))
    amount_minor: Mapped[int]
    fees_minor: Mapped[int]
    interest_minor: Mapped[int]
    instalments_minor: Mapped[int]
    principal_minor: Mapped[int]
    at: Mapped[datetime]


class CreditAsk(Base):
    """A reseller asks for a line or an advance, or the staff want to change a limit: decided by one person, or by two."""

    __tablename__ = "credit_asks"
    __table_args__ = (
        Index("uq_credit_ask_open", "customer_id", unique=True, postgresql_where=_SENT, sqlite_where=_SENT),
        CheckConstraint("wanted_minor >= 0 AND instalments >= 0", name="wants_something"),
        CheckConstraint("(state = 'sent') = (decided_at IS NULL)", name="over_when_decided"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    wanted: Mapped[Wanted]
    state: Mapped[AskState]
    wanted_minor: Mapped[int]
    instalments: Mapped[int]
    every_days: Mapped[int]
    score: Mapped[int]  # as it was when it was asked
    parts: Mapped[dict[str, Any]]
    offered_minor: Mapped[int]
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    granted_minor: Mapped[int | None]
    approved_by: Mapped[str | None] = mapped_column(String(64))  # the first of two, or the only one
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(300))


class CreditWeight(Base):
    """How much a part of the score counts, where the staff have changed it."""

    __tablename__ = "credit_weights"
    __table_args__ = (CheckConstraint("weight BETWEEN 0 AND 100", name="weight_in_bounds"),)

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    weight: Mapped[int]
