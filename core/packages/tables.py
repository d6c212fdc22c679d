"""Service packages: what is for sale, who has subscribed, and every period that was paid for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class Service(StrEnum):
    """What a package can unlock."""

    OWN_BOT = "own-bot"
    ANALYTICS = "analytics"
    BROADCASTS = "broadcasts"  # so many a period


class Ended(StrEnum):
    """Why a subscription is over."""

    STOPPED = "stopped"  # by its owner, at the end of a period or in the middle of one
    UNPAID = "unpaid"
    WITHDRAWN = "withdrawn"  # its plan is no longer sold, and the last period is over
    BY_STAFF = "by-staff"


_LIVE = text("ended_at IS NULL")


class Plan(Base):
    """Services for a price and a period. Its terms never change: another price is another plan."""

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint("days BETWEEN 1 AND 366", name="a_year_at_most"),
        CheckConstraint("broadcasts >= 0", name="broadcasts_not_negative"),
        CheckConstraint("own_bot OR analytics OR broadcasts > 0", name="unlocks_something"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    name: Mapped[str] = mapped_column(String(60))
    price_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    days: Mapped[int]
    own_bot: Mapped[bool] = mapped_column(server_default=false())
    analytics: Mapped[bool] = mapped_column(server_default=false())
    broadcasts: Mapped[int] = mapped_column(server_default=text("0"))  # of each period; what is left over lapses with it
    made_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]  # not sold any more, and not renewed


class Subscription(Base):
    """Somebody has a plan; one of each at a time."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("uq_subscription_live", "customer_id", "plan_id", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE),
        Index("ix_subscriptions_due", "until", postgresql_where=_LIVE, sqlite_where=_LIVE),
        CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended_with_a_reason"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    began_at: Mapped[datetime]
    until: Mapped[datetime]  # paid up to here
    renews: Mapped[bool]
    unpaid_since: Mapped[datetime | None]  # the balance did not reach for the next period
    tried_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[Ended | None]


class Period(Base):
    """What was paid for, from when to when; and how many broadcasts of it were used."""

    __tablename__ = "subscription_periods"
    __table_args__ = (
        UniqueConstraint("subscription_id", "seq", name="uq_period_once"),
        CheckConstraint("until > since", name="lasts"),
        CheckConstraint("paid_minor > 0 AND refunded_minor BETWEEN 0 AND paid_minor", name="refunded_at_most_paid"),
        CheckConstraint("broadcasts_used BETWEEN 0 AND broadcasts", name="broadcasts_within"),
    )

    id: Mapped[Id]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    seq: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime]  # as it was paid for, or the moment at which it was given back
    paid_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(server_default=text("0"))
    broadcasts: Mapped[int]
    broadcasts_used: Mapped[int] = mapped_column(server_default=text("0"))
