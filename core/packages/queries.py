"""Which packages there are, who has one, and what that unlocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from core import people
from core.database import now, read
from core.packages.refusals import Locked
from core.packages.rules import given_back
from core.packages.tables import Ended, Period, Plan, Service, Subscription

BETWEEN = timedelta(hours=1)  # the end of a period and its renewal are one, unless the renewal came later than that


@dataclass(frozen=True, slots=True)
class PlanView:
    """A package for sale; `broadcasts` of each period, 0 for none."""

    id: int
    storefront_id: int
    name: str
    price_minor: int
    currency: str
    days: int
    own_bot: bool
    analytics: bool
    broadcasts: int
    on_sale: bool
    subscribers: int = 0

    @property
    def unlocks(self) -> tuple[Service, ...]:
        """The services in it."""
        has = {Service.OWN_BOT: self.own_bot, Service.ANALYTICS: self.analytics, Service.BROADCASTS: self.broadcasts > 0}
        return tuple(service for service, there in has.items() if there)


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """Somebody's package as it is now; `back_minor` is what came back if it ended at this moment."""

    id: int
    customer_id: int
    plan: PlanView
    began_at: datetime
    until: datetime
    renews: bool
    unpaid_since: datetime | None
    ended_at: datetime | None
    ended_why: Ended | None
    broadcasts_left: int
    back_minor: int

    @property
    def over(self) -> bool:
        return self.ended_at is not None


def plan_view(row: Plan, subscribers: int = 0) -> PlanView:
    return PlanView(
        row.id,
        row.storefront_id,
        row.name,
        row.price_minor,
        row.currency,
        row.days,
        row.own_bot,
        row.analytics,
        row.broadcasts,
        row.withdrawn_at is None,
        subscribers,
    )


def period_now(session: Session, subscription_id: int, at: datetime) -> Period | None:
    """The paid period that this moment is in. A part of commands and questions."""
    return session.scalars(
        select(Period).where(Period.subscription_id == subscription_id, Period.since <= at, Period.until > at)
    ).one_or_none()


def _view(session: Session, row: Subscription, at: datetime) -> SubscriptionView:
    period = period_now(session, row.id, at) if row.ended_at is None else None
    left, back = 0, 0
    if period is not None:
        left = period.broadcasts - period.broadcasts_used
        back = given_back(period.paid_minor, period.since, period.until, at, broadcasts=period.broadcasts, used=period.broadcasts_used)
    return SubscriptionView(
        row.id,
        row.customer_id,
        plan_view(session.get_one(Plan, row.plan_id)),
        row.began_at,
        row.until,
        row.renews,
        row.unpaid_since,
        row.ended_at,
        row.ended_why,
        left,
        back,
    )


@read
def plans(session: Session, *, storefront_id: int, withdrawn_too: bool = False) -> Sequence[PlanView]:
    """The packages of a storefront, the cheapest first, each with how many have it."""
    live = (
        select(Subscription.plan_id, func.count().label("n"))
        .where(Subscription.ended_at.is_(None))
        .group_by(Subscription.plan_id)
        .subquery()
    )
    question = select(Plan, live.c.n).outerjoin(live, live.c.plan_id == Plan.id).where(Plan.storefront_id == storefront_id)
    if not withdrawn_too:
        question = question.where(Plan.withdrawn_at.is_(None))
    rows = session.execute(question.order_by(Plan.withdrawn_at.is_not(None), Plan.price_minor, Plan.id)).all()
    return [plan_view(row, int(n or 0)) for row, n in rows]


@read
def plan(session: Session, plan_id: int, *, storefront_id: int) -> PlanView | None:
    """One package of a storefront."""
    row = session.get(Plan, plan_id)
    if row is None or row.storefront_id != storefront_id:
        return None
    n = session.scalar(
        select(func.count()).select_from(Subscription).where(Subscription.plan_id == plan_id, Subscription.ended_at.is_(None))
    )
    return plan_view(row, int(n or 0))


@read
def subscriptions_of(session: Session, customer_id: int) -> Sequence[SubscriptionView]:
    """The packages that somebody has, oldest first."""
    at = now(session)
    question = select(Subscription).where(Subscription.customer_id == customer_id, Subscription.ended_at.is_(None))
    return [_view(session, row, at) for row in session.scalars(question.order_by(Subscription.id))]


@read
def subscription(session: Session, subscription_id: int) -> SubscriptionView | None:
    """One subscription, also when it is over."""
    row = session.get(Subscription, subscription_id)
    return None if row is None else _view(session, row, now(session))


@read
def subscribers(session: Session, *, plan_id: int, offset: int = 0, limit: int = 10) -> Sequence[SubscriptionView]:
    """Who has a package, the newest first."""
    at = now(session)
    question = select(Subscription).where(Subscription.plan_id == plan_id, Subscription.ended_at.is_(None))
    return [_view(session, row, at) for row in session.scalars(question.order_by(Subscription.id.desc()).offset(offset).limit(limit))]


def _has(service: Service) -> ColumnElement[bool]:
    match service:
        case Service.OWN_BOT:
            return Plan.own_bot.is_(True)
        case Service.ANALYTICS:
            return Plan.analytics.is_(True)
        case Service.BROADCASTS:
            return Plan.broadcasts > 0


@read
def is_sold(session: Session, service: Service, *, storefront_id: int) -> bool:
    """Does this storefront sell the service? Where it does not, everybody has it."""
    question = select(Plan.id).where(Plan.storefront_id == storefront_id, Plan.withdrawn_at.is_(None), _has(service)).limit(1)
    return session.scalar(question) is not None


@read
def unlocked(session: Session, customer_id: int, service: Service) -> bool:
    """May this customer use the service now: it is not sold at all, or is in a package that they have paid for?"""
    at = now(session)
    paid = (
        select(Period.id)
        .join(Subscription, Subscription.id == Period.subscription_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(
            Subscription.customer_id == customer_id,
            Period.since <= at,
            or_(
                Period.until > at,
                # About to be renewed by the job: nothing stands still for the seconds between.
                and_(
                    Period.until > at - BETWEEN, Subscription.ended_at.is_(None), Subscription.unpaid_since.is_(None), Subscription.renews
                ),
            ),
            _has(service),
        )
        .limit(1)
    )
    if session.scalar(paid) is not None:
        return True
    return not is_sold(session, service, storefront_id=people.by_id(session, customer_id).storefront_id)


@read
def need(session: Session, customer_id: int, service: Service) -> None:
    """Raises Locked when the customer may not use the service."""
    if not unlocked(session, customer_id, service):
        raise Locked(service.value)
