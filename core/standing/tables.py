"""What suppliers may by their standing, strikes and suspensions, takedowns, kill switches, words and brands, and checked certificates."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id
from core.ports import CertificateState
from core.supply import Standing

_IN_FORCE, _STANDS = text("lifted_at IS NULL"), text("removed_at IS NULL")


class StandingRule(Base):
    """What suppliers of one standing may; a standing without a row has the house's own."""

    __tablename__ = "standing_rules"
    __table_args__ = (
        CheckConstraint("hold_days >= 0 AND most_on_shelf >= 0 AND most_offers >= 0", name="not_negative"),
        CheckConstraint("cases_basis_points BETWEEN 0 AND 10000 AND least_sales >= 1", name="strikes"),
    )

    standing: Mapped[Standing] = mapped_column(primary_key=True)
    hold_days: Mapped[int]  # for which the money of a sale is held
    most_on_shelf: Mapped[int]  # codes of all their offers together
    most_offers: Mapped[int]
    classes: Mapped[list[str]]  # which classes of source they may list
    approve: Mapped[bool]  # each new offer waits for the staff
    cases_basis_points: Mapped[int]  # of the units sold in 30 days: from so many lost cases on there is a strike
    least_sales: Mapped[int]  # below so many units nobody gets one
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class StrikeWhy(StrEnum):
    """Who gave a strike, and for what."""

    STAFF = "staff"
    CASES = "cases"  # too many lost cases, found by a job


class Strike(Base):
    """A mark against a supplier, which ends by itself; three open ones suspend."""

    __tablename__ = "strikes"
    __table_args__ = (Index("ix_strikes_of", "supplier_id", "expires_at"),)

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    why: Mapped[StrikeWhy]
    reason: Mapped[str] = mapped_column(String(300))
    facts: Mapped[dict[str, Any]]  # of CASES: units, cases
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    expires_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(64))


class Suspension(Base):
    """From when to when a supplier was suspended, why, and who lifted it."""

    __tablename__ = "suspensions"
    __table_args__ = (Index("uq_suspension_open", "supplier_id", unique=True, postgresql_where=_IN_FORCE, sqlite_where=_IN_FORCE),)

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("suppliers.id"))
    reason: Mapped[str] = mapped_column(String(300))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(64))


class BannedWord(Base):
    """A word that no offer, name or text of a supplier may have in it."""

    __tablename__ = "banned_words"
    __table_args__ = (Index("uq_banned_word", "folded", unique=True, postgresql_where=_STANDS, sqlite_where=_STANDS),)

    id: Mapped[Id]
    word: Mapped[str] = mapped_column(String(100))  # as it was typed
    folded: Mapped[str] = mapped_column(String(200))  # as it is looked for
    reason: Mapped[str] = mapped_column(String(300))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(String(64))


class BrandRule(Base):
    """A brand that only authorised suppliers may list, on a paper whose scope names it."""

    __tablename__ = "brand_rules"
    __table_args__ = (Index("uq_brand_rule", "folded", unique=True, postgresql_where=_STANDS, sqlite_where=_STANDS),)

    id: Mapped[Id]
    brand: Mapped[str] = mapped_column(String(100))
    folded: Mapped[str] = mapped_column(String(200))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(String(64))


class TakedownState(StrEnum):
    """A complaint is open until the staff have decided."""

    OPEN = "open"
    UPHELD = "upheld"  # the offers are withdrawn, their unsold codes void
    REJECTED = "rejected"  # everything is as before


class TakedownOf(StrEnum):
    """What a complaint is about."""

    BRAND = "brand"
    PRODUCT = "product"
    SKU = "sku"
    OFFER = "offer"
    SUPPLIER = "supplier"


class Takedown(Base):
    """A rights-holder's complaint."""

    __tablename__ = "takedowns"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_when_over"),
        Index("ix_takedowns_open", "id", postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'")),
    )

    id: Mapped[Id]
    state: Mapped[TakedownState]
    of: Mapped[TakedownOf]
    of_id: Mapped[int]  # 0 for a brand
    brand: Mapped[str] = mapped_column(String(100))
    who: Mapped[str] = mapped_column(String(200))
    reference: Mapped[str] = mapped_column(String(200))
    evidence: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    voided: Mapped[int]  # codes that were taken out for ever
    voided_at: Mapped[datetime | None]  # of an upheld one: no unsold code is left


class TakedownStep(Base):
    """Something that was done or said about a complaint; insert-only."""

    __tablename__ = "takedown_steps"
    __table_args__ = (Index("ix_takedown_steps_of", "takedown_id", "id"),)

    id: Mapped[Id]
    takedown_id: Mapped[int] = mapped_column(ForeignKey("takedowns.id"))
    did: Mapped[str] = mapped_column(String(32))
    said: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class SwitchOf(StrEnum):
    """What a kill switch stops, and all below it."""

    PLATFORM = "platform"
    CATEGORY = "category"
    PRODUCT = "product"
    SUPPLIER = "supplier"


class Switch(Base):
    """A kill switch that was pressed: nothing under it sells until it is lifted."""

    __tablename__ = "switches"
    __table_args__ = (Index("uq_switch_open", "of", "of_id", unique=True, postgresql_where=_IN_FORCE, sqlite_where=_IN_FORCE),)

    id: Mapped[Id]
    of: Mapped[SwitchOf]
    of_id: Mapped[int]  # 0 for the platform
    reason: Mapped[str] = mapped_column(String(300))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(64))


class CertificateCheck(Base):
    """A certificate whose genuineness somebody wants to know, with what is known of it so far."""

    __tablename__ = "certificate_checks"
    __table_args__ = (
        Index("ix_certificate_checks_of", "subject", "id"),
        Index("ix_certificate_checks_answered", "checked_at"),
        Index(
            "ix_certificate_checks_due",
            "next_at",
            postgresql_where=text("next_at IS NOT NULL"),
            sqlite_where=text("next_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    subject: Mapped[str] = mapped_column(String(64))  # "paper:12"
    number: Mapped[str] = mapped_column(String(200))
    holder: Mapped[str] = mapped_column(String(200))
    scope: Mapped[str] = mapped_column(Text)
    expires_on: Mapped[str | None] = mapped_column(String(10))  # 2026-12-31
    state: Mapped[CertificateState]
    register: Mapped[str | None] = mapped_column(String(16))  # whose answer it is; null: nobody's yet
    made_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]  # when the registers are asked (again); null: they are not
    tries: Mapped[int]
    brought_by: Mapped[int | None]  # Telegram's number of whose paper it is: neither they nor whoever acts for their supplier decides


class CertificateAnswerRow(Base):
    """One answer of a register, or of a person, or that it could not be reached; insert-only."""

    __tablename__ = "certificate_answers"
    __table_args__ = (Index("ix_certificate_answers_of", "check_id", "id"),)

    id: Mapped[Id]
    check_id: Mapped[int] = mapped_column(ForeignKey("certificate_checks.id"))
    register: Mapped[str] = mapped_column(String(16))
    state: Mapped[CertificateState]
    facts: Mapped[dict[str, str]] = mapped_column(JSON(none_as_null=True))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
