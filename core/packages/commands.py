"""Selling packages: plans, subscribing, renewing, ending with what is left given back, and using up broadcasts."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core import journal, ledger, outbox, people, storefronts
from core.catalog import Gone
from core.database import insert_new, micros, now, write
from core.ledger import AccountKind, Leg, TooLittle, TransferKind
from core.packages.queries import BETWEEN, PlanView, SubscriptionView, is_sold, period_now, plan_view, subscription
from core.packages.refusals import HasIt, Locked, NoneLeft, NotAPlan, NotForSale, Over
from core.packages.rules import given_back
from core.packages.tables import Ended, Period, Plan, Service, Subscription

LABEL = "packages"  # of the revenue account
AHEAD = timedelta(days=3)  # a period's end is told so long before
GRACE = timedelta(days=3)  # for so long a period that could not be paid is tried again; meanwhile the services are locked
AGAIN = timedelta(hours=1)


@write
def add_plan(
    session: Session,
    *,
    storefront_id: int,
    name: str,
    price_minor: int,
    days: int,
    own_bot: bool = False,
    analytics: bool = False,
    broadcasts: int = 0,
    by: str,
) -> PlanView:
    """Sell services at a price (minor units of the storefront's currency) for so many days. Raises NotAPlan.

    From then on only who has a package with a service may use it.
    """
    name = " ".join(name.replace("\x00", " ").split())[:60]
    if not name or price_minor <= 0 or not 1 <= days <= 366 or broadcasts < 0 or not (own_bot or analytics or broadcasts):
        raise NotAPlan
    row = Plan(
        storefront_id=storefront_id,
        name=name,
        price_minor=price_minor,
        currency=storefronts.by_id(session, storefront_id).currency,
        days=days,
        own_bot=own_bot,
        analytics=analytics,
        broadcasts=broadcasts,
        made_at=now(session),
    )
    session.add(row)
    session.flush()
    facts = {"name": name, "price_minor": price_minor, "currency": row.currency, "days": days, "broadcasts": broadcasts}
    journal.record(session, by=by, did="add-plan", about="plan", about_id=row.id, after=facts)
    return plan_view(row)


@write
def withdraw_plan(session: Session, *, plan_id: int, storefront_id: int, by: str) -> bool:
    """Sell it no more: who has it keeps it to the end of what is paid. False when it was withdrawn before. Raises Gone."""
    row = session.get(Plan, plan_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    if row.withdrawn_at is not None:
        return False
    row.withdrawn_at = now(session)
    journal.record(session, by=by, did="withdraw-plan", about="plan", about_id=plan_id, after={"name": row.name})
    return True


@write
def subscribe(session: Session, *, customer_id: int, plan_id: int) -> SubscriptionView:
    """Have a package from now on: the first period is paid from the wallet at once, and the next ones when it ends.

    Raises NotForSale, HasIt, TooLittle.
    """
    customer, at = people.by_id(session, customer_id), now(session)
    plan = session.get(Plan, plan_id, with_for_update={"read": True}, populate_existing=True)
    if plan is None or plan.withdrawn_at is not None or plan.storefront_id != customer.storefront_id:
        raise NotForSale
    made = session.scalar(
        insert_new(session, Subscription)
        .values(customer_id=customer_id, plan_id=plan_id, began_at=at, until=at + timedelta(days=plan.days), renews=True)
        .returning(Subscription.id)
    )
    if made is None:
        raise HasIt
    row = session.get_one(Subscription, made)
    _pay(session, row, plan, customer, since=at)
    found = subscription(session, made)
    assert found is not None
    return found


def _pay(session: Session, row: Subscription, plan: Plan, customer: people.Customer, *, since: datetime) -> None:
    """The next period, from the wallet to the revenue of packages. Raises TooLittle."""
    seq = 1 + len(session.scalars(select(Period.id).where(Period.subscription_id == row.id)).all())
    until = since + timedelta(days=plan.days)
    ledger.transfer(
        session,
        key=f"package:{row.id}:{seq}",
        kind=TransferKind.PACKAGE,
        party_id=customer.id,
        legs=[Leg(customer.wallet_id, _earned(session, plan), plan.price_minor, plan.currency)],
        subject_id=row.id,
        note=plan.name,
    )
    session.add(Period(subscription_id=row.id, seq=seq, since=since, until=until, paid_minor=plan.price_minor, broadcasts=plan.broadcasts))
    row.until, row.unpaid_since = until, None
    session.flush()


def _earned(session: Session, plan: Plan) -> int:
    party_id = storefronts.by_id(session, plan.storefront_id).party_id
    return ledger.open_account(session, party_id=party_id, kind=AccountKind.REVENUE, label=LABEL, currency=plan.currency)


def _theirs(session: Session, subscription_id: int, customer_id: int | None) -> Subscription:
    """The live subscription, locked. Raises Gone for somebody else's, Over."""
    row = session.get(Subscription, subscription_id, with_for_update=True, populate_existing=True)
    if row is None or (customer_id is not None and row.customer_id != customer_id):
        raise Gone
    if row.ended_at is not None:
        raise Over
    return row


@write
def set_renewal(session: Session, *, subscription_id: int, customer_id: int, renews: bool) -> SubscriptionView:
    """Renew it by itself, or let it end with what is paid. Raises Gone or Over."""
    row = _theirs(session, subscription_id, customer_id)
    row.renews = renews
    session.flush()
    found = subscription(session, subscription_id)
    assert found is not None
    return found


@write
def end(
    session: Session, *, subscription_id: int, customer_id: int | None = None, storefront_id: int | None = None, by: str | None = None
) -> int:
    """End it at once and give back the days that have not begun; returns how much, in minor units. Raises Gone or Over.

    By its owner (`customer_id`), or by the staff of its storefront (`storefront_id` and `by`).
    """
    assert (customer_id is None) == (storefront_id is not None and by is not None), "its owner, or the staff"
    row = _theirs(session, subscription_id, customer_id)
    plan, at = session.get_one(Plan, row.plan_id), now(session)
    if storefront_id is not None and plan.storefront_id != storefront_id:
        raise Gone
    back = _give_back(session, row, plan, at)
    _end(session, row, plan, at, Ended.STOPPED if by is None else Ended.BY_STAFF, told=by is not None, back_minor=back)
    if by is not None:
        after = {"name": plan.name, "refunded_minor": back, "currency": plan.currency}
        journal.record(session, by=by, did="end-subscription", about="customer", about_id=row.customer_id, after=after)
    return back


def _give_back(session: Session, row: Subscription, plan: Plan, at: datetime) -> int:
    period = period_now(session, row.id, at)
    if period is None:
        return 0
    period = session.get_one(Period, period.id, with_for_update=True, populate_existing=True)
    back = given_back(period.paid_minor, period.since, period.until, at, broadcasts=period.broadcasts, used=period.broadcasts_used)
    if back:
        customer = people.by_id(session, row.customer_id)
        ledger.transfer(
            session,
            key=f"package-back:{row.id}:{period.seq}",
            kind=TransferKind.PACKAGE,
            party_id=customer.id,
            legs=[Leg(_earned(session, plan), customer.wallet_id, back, plan.currency)],
            subject_id=row.id,
            note=plan.name,
        )
    period.refunded_minor = back
    period.until = max(at, period.since + timedelta(microseconds=1))
    return back


def _end(session: Session, row: Subscription, plan: Plan, at: datetime, why: Ended, *, told: bool, back_minor: int = 0) -> None:
    row.ended_at, row.ended_why = at, why
    session.flush()
    if told:
        body = {"says": "package-ended", "plan": plan.name, "why": why.value, "back_minor": back_minor, "currency": plan.currency}
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.customer_id, body=body, once=f"package-ended:{row.id}")


@write
def renew_due(session: Session, *, most: int = 50) -> int:
    """Periods that are over: the next one is paid, or the subscription ends. Returns how many were looked at.

    What the balance does not reach for is told, tried again each hour for three days, and then ended; meanwhile the services are locked.
    The next period begins where the last one ended – or when it is paid, if the services were locked in between.
    """
    at = now(session)
    due = (
        select(Subscription)
        .where(
            Subscription.ended_at.is_(None),
            Subscription.until <= at,
            or_(Subscription.tried_at.is_(None), Subscription.tried_at < Subscription.until, Subscription.tried_at <= at - AGAIN),
        )
        .order_by(Subscription.until, Subscription.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(due).all()
    for row in rows:
        plan, customer = session.get_one(Plan, row.plan_id), people.by_id(session, row.customer_id)
        row.tried_at = at
        if not row.renews:
            _end(session, row, plan, at, Ended.STOPPED, told=True)
        elif plan.withdrawn_at is not None:
            _end(session, row, plan, at, Ended.WITHDRAWN, told=True)
        else:
            _renew(session, row, plan, customer, at)
    return len(rows)


def _renew(session: Session, row: Subscription, plan: Plan, customer: people.Customer, at: datetime) -> None:
    locked = row.unpaid_since is not None or at - row.until > BETWEEN
    try:
        with session.begin_nested():
            _pay(session, row, plan, customer, since=at if locked else row.until)
    except TooLittle as lacking:
        session.refresh(row)
        if row.until + GRACE <= at:
            _end(session, row, plan, at, Ended.UNPAID, told=True)
            return
        row.tried_at, row.unpaid_since = at, row.unpaid_since or at
        body = {
            "says": "package-unpaid",
            "plan": plan.name,
            "amount_minor": plan.price_minor,
            "short_minor": lacking.short_minor,
            "currency": plan.currency,
            "until": micros(row.until + GRACE),
        }
        outbox.post(
            session,
            topic=outbox.Topic.NOTICE,
            customer_id=customer.id,
            body=body,
            once=f"package-unpaid:{row.id}:{micros(row.until)}",
        )


@write
def tell_ending(session: Session) -> int:
    """Owners hear three days before a period ends whether it is renewed, and for how much; each once. Returns how many notices."""
    at = now(session)
    rows = session.execute(
        select(Subscription, Plan)
        .join(Plan, Plan.id == Subscription.plan_id)
        # Of a period of a few days nothing is told: it was paid only just now.
        .where(Subscription.ended_at.is_(None), Subscription.until > at, Subscription.until <= at + AHEAD, Plan.days > 2 * AHEAD.days)
        .order_by(Subscription.id)
    ).all()
    told = 0
    for row, plan in rows:
        balance = ledger.balance(session, people.by_id(session, row.customer_id).wallet_id)
        body = {
            "says": "package-ends",
            "subscription": row.id,
            "plan": plan.name,
            "until": micros(row.until),
            "renews": row.renews and plan.withdrawn_at is None,
            "amount_minor": plan.price_minor,
            "short_minor": max(0, plan.price_minor - balance),
            "currency": plan.currency,
        }
        once = f"package-ends:{row.id}:{micros(row.until)}"
        told += outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.customer_id, body=body, once=once)
    return told


@write
def use_broadcast(session: Session, *, customer_id: int) -> int | None:
    """Use one broadcast of a package up; returns how many are left, None where broadcasts are not sold. Raises Locked or NoneLeft."""
    at = now(session)
    if not is_sold(session, Service.BROADCASTS, storefront_id=people.by_id(session, customer_id).storefront_id):
        return None
    theirs = (
        select(Period.id)
        .join(Subscription, Subscription.id == Period.subscription_id)
        .where(Subscription.customer_id == customer_id, Period.since <= at, Period.until > at, Period.broadcasts > 0)
        .order_by(Period.until, Period.id)
    )
    ids = session.scalars(theirs).all()
    for period_id in ids:
        used = session.execute(
            update(Period)
            .where(Period.id == period_id, Period.broadcasts_used < Period.broadcasts)
            .values(broadcasts_used=Period.broadcasts_used + 1)
            .returning(Period.broadcasts - Period.broadcasts_used)
            .execution_options(synchronize_session=False)
        ).first()
        if used is not None:
            others = session.scalars(select(Period).where(Period.id.in_(ids), Period.id != period_id))
            return int(used[0]) + sum(one.broadcasts - one.broadcasts_used for one in others)
    raise NoneLeft if ids else Locked(Service.BROADCASTS.value)
