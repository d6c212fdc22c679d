"""Resellers with their applications, the levels with their price lists, contract prices, and minimum resale prices with who asked less."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id
from core.onboarding import ApplicationState, Legal, Verdict


class Scope(StrEnum):
    """What a rule of a price list is about; the later one here is the more specific, and wins."""

    ALL = "all"
    CATEGORY = "category"  # and all under it; the nearer one wins
    PRODUCT = "product"
    SKU = "sku"


class How(StrEnum):
    """How a rule says a unit price."""

    FIXED = "fixed"  # so many minor units
    OFF_RETAIL = "off_retail"  # the retail price less so many hundredths of a per cent
    OVER_COST = "over_cost"  # the dearest source's cost and so many hundredths of a per cent
    OVER_WHOLESALE = "over_wholesale"  # the wholesale price and so many hundredths of a per cent


_WAITS = text("state IN ('draft', 'sent', 'sent_back')")
_OPEN = text("ended_at IS NULL")
_STANDING = text("closed_at IS NULL")


class Level(Base):
    """A step of resellers with a price list of its own; a higher rank is a better one."""

    __tablename__ = "levels"
    __table_args__ = (
        Index("uq_level_rank", "storefront_id", "rank", unique=True, postgresql_where=_STANDING, sqlite_where=_STANDING),
        CheckConstraint("rank >= 1", name="rank_above_zero"),
        CheckConstraint("from_turnover_minor IS NULL OR from_turnover_minor >= 0", name="turnover_not_negative"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    rank: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    # Who has bought for so much within the storefront's window belongs here; null: only the staff put somebody here.
    from_turnover_minor: Mapped[int | None]
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class LevelRule(Base):
    """One line of a level's price list."""

    __tablename__ = "level_rules"
    __table_args__ = (
        UniqueConstraint("level_id", "scope", "scope_id", "from_quantity", name="uq_level_rule"),
        CheckConstraint("from_quantity >= 1", name="from_one_on"),
        CheckConstraint("(scope = 'all') = (scope_id = 0)", name="about_something"),
        CheckConstraint("value >= 0 AND (how <> 'fixed' OR value > 0) AND (how <> 'off_retail' OR value < 10000)", name="leaves_a_price"),
    )

    id: Mapped[Id]
    level_id: Mapped[int] = mapped_column(ForeignKey("levels.id"))
    scope: Mapped[Scope]
    scope_id: Mapped[int]  # of the category, product or denomination; 0 for everything
    from_quantity: Mapped[int]
    how: Mapped[How]
    value: Mapped[int]  # minor units of the storefront's currency, or hundredths of a per cent
    below_cost_by: Mapped[str | None] = mapped_column(String(64))  # who of the staff has confirmed that it may be under cost
    made_at: Mapped[datetime]


class PriceList(Base):
    """How far a storefront's rules have been worked into the prices of its levels and resellers."""

    __tablename__ = "price_lists"

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    revision: Mapped[int]  # moves with every rule, contract and level
    done_revision: Mapped[int]
    done_price_id: Mapped[int]  # the newest price when it was looked through the last time
    looked_at: Mapped[datetime | None]
    window_days: Mapped[int] = mapped_column(server_default=text("30"))  # over which the turnover of resellers is counted


class ContractPrice(Base):
    """What was agreed with one reseller about one denomination (密价); the row of `prices` is made from it."""

    __tablename__ = "contract_prices"
    __table_args__ = (
        Index("uq_contract_price_open", "customer_id", "sku_id", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
        CheckConstraint("unit_minor > 0", name="unit_positive"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    unit_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    tiers: Mapped[dict[str, Any]]  # quantity → unit price
    ends_at: Mapped[datetime | None]
    dearer: Mapped[bool] = mapped_column(server_default=false(), default=False)  # it may be above what everybody pays: that was meant
    below_cost_by: Mapped[str | None] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Reseller(Base):
    """A customer who buys to sell again. Their level is `customers.level_id`, beside the flag that the sale reads."""

    __tablename__ = "resellers"
    __table_args__ = (Index("ix_resellers_looked_at", "looked_at", postgresql_where=_OPEN, sqlite_where=_OPEN),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    name: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str | None] = mapped_column(String(200))
    sells: Mapped[str | None] = mapped_column(Text)
    since: Mapped[datetime]
    level_since: Mapped[datetime]
    pinned: Mapped[bool] = mapped_column(server_default=false(), default=False)  # the staff keep them at their level, whatever they buy
    turnover_minor: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # when it was counted the last time
    looked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))


class ResellerApplication(Base):
    """Somebody wants to buy for selling again. Each sending moves the version, which every button and decision names."""

    __tablename__ = "reseller_applications"
    __table_args__ = (
        # A person has one at a time, whatever they press on how many phones.
        Index("uq_reseller_application_open", "customer_id", unique=True, postgresql_where=_WAITS, sqlite_where=_WAITS),
        Index("ix_reseller_applications_of", "customer_id", "id"),
        Index("ix_reseller_applications_sent", "storefront_id", "state", "id"),
        CheckConstraint("(state IN ('draft', 'sent', 'sent_back')) = (decided_at IS NULL)", name="over_when_decided"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    telegram_id: Mapped[int]
    legal: Mapped[Legal | None]
    name: Mapped[str | None] = mapped_column(String(200))
    contact: Mapped[str | None] = mapped_column(String(200))
    sells: Mapped[str | None] = mapped_column(Text)  # what they sell, and where
    volume: Mapped[str | None] = mapped_column(String(200))  # what they expect to buy
    state: Mapped[ApplicationState]
    version: Mapped[int]  # how often it was sent
    revision: Mapped[int]  # moves with everything that its cards show
    findings: Mapped[dict[str, Any]]  # what was noticed when it was sent, for the people who decide
    began_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    verdict: Mapped[Verdict | None]  # of the last decision, with who and when
    verdict_by: Mapped[str | None] = mapped_column(String(64))
    verdict_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(32))
    why_text: Mapped[str | None] = mapped_column(Text)
    level_id: Mapped[int | None] = mapped_column(ForeignKey("levels.id"))  # with which it was approved


class ResellerCard(Base):
    """A message that shows a version of an application to one of the staff, or to the group of all."""

    __tablename__ = "reseller_cards"
    __table_args__ = (UniqueConstraint("application_id", "version", "chat_id", name="uq_reseller_card"),)

    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("reseller_applications.id"))
    version: Mapped[int]
    chat_id: Mapped[int]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))  # in whose lane it travels
    message_id: Mapped[int | None]
    made_at: Mapped[datetime]


class MinimumPrice(Base):
    """Below this nobody may sell a denomination on; its history is the action log's."""

    __tablename__ = "minimum_prices"
    __table_args__ = (CheckConstraint("unit_minor > 0", name="unit_positive"),)

    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"), primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"), primary_key=True, autoincrement=False)
    unit_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class Undercut(Base):
    """Somewhere a reseller was seen to ask less than the minimum; the amounts are those of that moment."""

    __tablename__ = "undercuts"
    __table_args__ = (
        Index("ix_undercuts_open", "storefront_id", "id", postgresql_where=_STANDING, sqlite_where=_STANDING),
        CheckConstraint("asked_minor > 0 AND asked_minor < minimum_minor", name="below_the_minimum"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    seen_where: Mapped[str] = mapped_column(String(200))
    asked_minor: Mapped[int]
    minimum_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(64))
