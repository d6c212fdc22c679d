"""Cases about single codes, what was said in them, and the shop's deadlines."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Reason(StrEnum):
    """What is wrong, in the trade's words; a button carries a reason's place, so a new one comes last."""

    FACE_VALUE = "face-value"  # another face value than bought
    WRONG_CODE = "wrong-code"  # the number or the secret is not accepted
    NOT_ACTIVATED = "not-activated"
    USED = "used"  # already used, or expired
    OTHER = "other"
    RECLAIMED = "reclaimed"  # the account was taken back by its former owner; only where its kind promises that it is not


class CaseState(StrEnum):
    """Whose turn it is; a case ends once and is never opened again."""

    OPEN = "open"  # the shop has not answered yet
    WAITING_BUYER = "waiting-buyer"  # the shop has answered
    WAITING_SHOP = "waiting-shop"  # the buyer has answered
    DECIDED = "decided"


class Outcome(StrEnum):
    REPLACED = "replaced"
    REFUNDED = "refunded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the buyer, or because they were silent for too long


class Side(StrEnum):
    BUYER = "buyer"
    SHOP = "shop"


_UNDECIDED = text("state <> 'decided'")
_REPLACED = text("outcome = 'replaced'")


class Case(Base):
    """A complaint about one code. While it is undecided, what a supplier earned by the code is frozen."""

    __tablename__ = "cases"
    __table_args__ = (
        # One open case for a code, whoever presses how often.
        Index("uq_case_open_of_code", "code_id", unique=True, postgresql_where=_UNDECIDED, sqlite_where=_UNDECIDED),
        # A code replaces one other and no more.
        Index(
            "uq_case_replacement",
            "replacement_code_id",
            unique=True,
            postgresql_where=text("replacement_code_id IS NOT NULL"),
            sqlite_where=text("replacement_code_id IS NOT NULL"),
        ),
        CheckConstraint("(state = 'decided') = (outcome IS NOT NULL)", name="decided_with_outcome"),
        CheckConstraint(
            "(outcome IS NULL) = (decided_at IS NULL) AND (outcome IS NULL) = (decided_by IS NULL)", name="decided_by_somebody"
        ),
        CheckConstraint("(replacement_code_id IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'replaced')", name="replaced_by_a_code"),
        CheckConstraint("frozen_minor >= 0 AND (frozen_minor = 0 OR frozen_party_id IS NOT NULL)", name="frozen_is_somebodys"),
        Index("ix_cases_undecided", "storefront_id", "due_at", postgresql_where=_UNDECIDED, sqlite_where=_UNDECIDED),
        Index("ix_cases_of_buyer", "buyer_id", "id"),
        Index("ix_cases_of_order", "order_id"),
        Index("ix_cases_of_sku", "sku_id", "order_id"),
        Index("ix_cases_replaced", "decided_at", postgresql_where=_REPLACED, sqlite_where=_REPLACED),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    code_id: Mapped[int] = mapped_column(ForeignKey("codes.id"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))  # where the code came from
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    reason: Mapped[Reason]
    state: Mapped[CaseState]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]  # until when the side whose turn it is should answer
    overdue_told_at: Mapped[datetime | None]  # the staff were reminded of this deadline
    frozen_minor: Mapped[int]  # what a supplier was credited with for the code; not to be paid out while undecided
    frozen_currency: Mapped[str] = mapped_column(String(8))
    frozen_party_id: Mapped[int | None] = mapped_column(ForeignKey("parties.id"))
    outcome: Mapped[Outcome | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))  # telegram:123, buyer, or time
    why: Mapped[str | None] = mapped_column(String(32))  # a usual reason, said in the reader's language
    why_text: Mapped[str | None] = mapped_column(Text)  # or a typed one
    replacement_code_id: Mapped[int | None] = mapped_column(ForeignKey("codes.id"))
    replacement_offer_id: Mapped[int | None] = mapped_column(ForeignKey("offers.id"))
    replacement_cost_minor: Mapped[int | None]
    replacement_cost_currency: Mapped[str | None] = mapped_column(String(8))


class CaseEntry(Base):
    """Something one side said in a case, as text, as a picture (Telegram's file id), or as a usual sentence; insert-only."""

    __tablename__ = "case_entries"
    __table_args__ = (
        Index("ix_case_entries_of", "case_id", "id"),
        # The same message, delivered twice, is said once.
        Index(
            "uq_case_entry_once",
            "case_id",
            "once",
            unique=True,
            postgresql_where=text("once IS NOT NULL"),
            sqlite_where=text("once IS NOT NULL"),
        ),
        CheckConstraint("says IS NOT NULL OR picture IS NOT NULL OR text <> ''", name="says_something"),
        CheckConstraint("(picture IS NULL) = (picture_kind IS NULL)", name="picture_has_a_kind"),
    )

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    side: Mapped[Side]
    by: Mapped[str] = mapped_column(String(64))  # telegram:123
    says: Mapped[str | None] = mapped_column(String(32))  # a usual sentence, said in the reader's language
    text: Mapped[str] = mapped_column(Text)
    picture: Mapped[str | None] = mapped_column(String(200))
    picture_kind: Mapped[str | None] = mapped_column(String(16))  # photo or document: Telegram sends each by its own call
    once: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]


class AftersaleTerms(Base):
    """A storefront's deadlines, where they differ from the house's."""

    __tablename__ = "aftersale_terms"
    __table_args__ = (CheckConstraint("answer_hours >= 1 AND buyer_days >= 1 AND warranty_hours >= 1", name="above_zero"),)

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    answer_hours: Mapped[int]  # within which the shop answers
    buyer_days: Mapped[int]  # for which a case waits for its buyer
    warranty_hours: Mapped[int]  # of products that say nothing else
