"""How far each supplier is trusted: their rights, strikes against them, and suspension."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import aftersale, journal, orders, outbox, payments, people, storefronts, supply
from core.catalog import Gone
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.standing.rules import HOUSE, LOOK_BACK_DAYS, STRIKE_DAYS, STRIKES_TO_SUSPEND, Rights, deserves_strike
from core.standing.tables import StandingRule, Strike, StrikeWhy, Suspension
from core.supply import SourceClass, Standing, SupplierView


@dataclass(eq=False)
class OurOwn(Refusal):
    says: ClassVar[str] = N_("This is the shop itself. To stop everything, use the switch of the whole shop.")


@dataclass(frozen=True, slots=True)
class StrikeView:
    """A strike: open until it expires or is lifted."""

    id: int
    supplier_id: int
    why: StrikeWhy
    reason: str
    facts: dict[str, Any]
    by: str
    at: datetime
    expires_at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class SuspensionView:
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Control:
    """Everything the staff weigh about one supplier."""

    supplier: SupplierView
    rights: Rights
    hold_days: int
    strikes: list[StrikeView]
    suspension: SuspensionView | None
    offers: int
    units: int  # sold in the last 30 days
    cases: int  # of these days, lost to the buyer


# Rights


@read
def rights(session: Session, standing: Standing) -> Rights:
    """What suppliers of a standing may, as the admins have set it, or as the house has it."""
    row = session.get(StandingRule, standing)
    if row is None:
        return HOUSE[standing]
    known = {one.value for one in SourceClass}
    return Rights(
        row.hold_days,
        row.most_on_shelf,
        row.most_offers,
        frozenset(SourceClass(name) for name in row.classes if name in known),
        row.approve,
        row.cases_basis_points,
        row.least_sales,
    )


@write
def change_rights(session: Session, *, standing: Standing, by: str, changed: dict[str, Any]) -> Rights:
    """Change some of the rights of a standing, by the names of Rights' fields; in force for the next listing and the next job."""
    before = rights(session, standing)
    facts = {name: getattr(before, name) for name in Rights.__slots__} | changed
    after = Rights(**facts)
    if after == before:
        return before
    values = {**facts, "classes": sorted(after.classes), "by": by, "at": now(session)}
    session.execute(insert_new(session, StandingRule).values(standing=standing, **values))
    row = session.get_one(StandingRule, standing, with_for_update=True)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    written = {name: sorted(getattr(one, name)) if name == "classes" else getattr(one, name) for one in (before,) for name in changed}
    journal.record(
        session,
        by=by,
        did="change-standing-rule",
        about="standing",
        about_id=list(Standing).index(standing),
        before={"standing": standing.value, **written},
        after={"standing": standing.value, **{name: values[name] for name in changed}},
    )
    return after


# Looking


def _strike(row: Strike) -> StrikeView:
    return StrikeView(row.id, row.supplier_id, row.why, row.reason, row.facts, row.by, row.at, row.expires_at, row.lifted_at)


@read
def strikes_of(session: Session, supplier_id: int) -> list[StrikeView]:
    """The open strikes against a supplier, oldest first."""
    rows = session.scalars(
        select(Strike)
        .where(Strike.supplier_id == supplier_id, Strike.lifted_at.is_(None), Strike.expires_at > now(session))
        .order_by(Strike.id)
    )
    return [_strike(row) for row in rows]


@read
def struck(session: Session, strike_id: int) -> int | None:
    """The supplier whom a strike is against."""
    row = session.get(Strike, strike_id)
    return None if row is None else row.supplier_id


@read
def control(session: Session, supplier_id: int) -> Control | None:
    """A supplier as the staff see them; None when there is none."""
    found = supply.supplier(session, supplier_id)
    if found is None:
        return None
    allowed = rights(session, found.standing)
    row = session.scalars(select(Suspension).where(Suspension.supplier_id == supplier_id, Suspension.lifted_at.is_(None))).one_or_none()
    offer_ids = supply.offers_of(session, supplier_id)
    units, cases = _lately(session).get(supplier_id, (0, 0))
    return Control(
        found,
        allowed,
        allowed.hold_days if found.hold_days is None else found.hold_days,
        strikes_of(session, supplier_id),
        None if row is None else SuspensionView(row.reason, row.by, row.at),
        len(offer_ids),
        units,
        cases,
    )


def _lately(session: Session) -> dict[int, tuple[int, int]]:
    """Of each supplier: units sold in the last days, and cases of these days that the buyer won."""
    since = now(session) - timedelta(days=LOOK_BACK_DAYS)
    sold, lost = orders.units_by_offer(session, since=since), aftersale.lost_by_offer(session, since=since)
    found: dict[int, tuple[int, int]] = {}
    for place in supply.places_of(session, {*sold, *lost}):
        units, cases = found.get(place.supplier_id, (0, 0))
        found[place.supplier_id] = units + sold.get(place.id, 0), cases + lost.get(place.id, 0)
    return found


# Strikes


@write
def strike(
    session: Session, *, supplier_id: int, reason: str, by: str, why: StrikeWhy = StrikeWhy.STAFF, facts: dict[str, Any] | None = None
) -> int:
    """A strike against a supplier for 90 days; with the third open one they are suspended. Returns its id. Raises Gone, OurOwn."""
    found = _theirs(session, supplier_id)
    at = now(session)
    row = Strike(
        supplier_id=found.id,
        why=why,
        reason=reason[:300],
        facts=facts or {},
        by=by,
        at=at,
        expires_at=at + timedelta(days=STRIKE_DAYS),
    )
    session.add(row)
    session.flush()
    open_ = len(strikes_of(session, supplier_id))
    journal.record(
        session,
        by=by,
        did="strike",
        about="supplier",
        about_id=supplier_id,
        before={"strikes": open_ - 1},
        after={"strikes": open_, "reason": row.reason},
    )
    body = {"says": "struck", "supplier": supplier_id, "why": why.value, "reason": row.reason, "facts": row.facts, "open": open_}
    tell_members(session, supplier_id=supplier_id, body=body, once=f"strike:{row.id}")
    if why is StrikeWhy.CASES:
        tell_all_staff(session, body=body, once=f"strike:{row.id}")
    if open_ >= STRIKES_TO_SUSPEND:
        suspend(session, supplier_id=supplier_id, reason=row.reason, by=by)
    return row.id


@write
def lift_strike(session: Session, *, strike_id: int, by: str) -> bool:
    """A strike is taken back; who was suspended stays so until that is lifted too. False when it was not open. Raises OwnSupplier."""
    row = session.get(Strike, strike_id, with_for_update=True)
    if row is None or row.lifted_at is not None or row.expires_at <= now(session):
        return False
    supply.not_own(session, row.supplier_id, by)
    before = len(strikes_of(session, row.supplier_id))
    row.lifted_at, row.lifted_by = now(session), by
    session.flush()
    journal.record(
        session,
        by=by,
        did="lift-strike",
        about="supplier",
        about_id=row.supplier_id,
        before={"strikes": before, "reason": row.reason},
        after={"strikes": before - 1},
    )
    return True


@write
def give_strikes(session: Session) -> int:
    """A strike for each supplier who lost too many cases of what they sold lately; once in 30 days. Returns how many were given."""
    given = 0
    since = now(session) - timedelta(days=LOOK_BACK_DAYS)
    for supplier_id, (units, cases) in sorted(_lately(session).items()):
        found = supply.supplier(session, supplier_id)
        if found is None or found.standing is Standing.OWN or found.suspended:
            continue
        if not deserves_strike(rights(session, found.standing), units=units, cases=cases):
            continue
        lately = session.scalar(
            select(func.count())
            .select_from(Strike)
            .where(Strike.supplier_id == supplier_id, Strike.why == StrikeWhy.CASES, Strike.at > since)
        )
        if lately:
            continue
        strike(session, supplier_id=supplier_id, reason="", by="clock", why=StrikeWhy.CASES, facts={"units": units, "cases": cases})
        given += 1
    return given


# Suspension, standing, hold


@write
def suspend(session: Session, *, supplier_id: int, reason: str, by: str) -> bool:
    """All offers of a supplier stop and their payouts are frozen, in this transaction; False when they were suspended already.

    Raises Gone, OurOwn.
    """
    _theirs(session, supplier_id)
    if not supply.suspend_supplier(session, supplier_id=supplier_id, by=by):
        return False
    row = Suspension(supplier_id=supplier_id, reason=reason[:300], by=by, at=now(session))
    session.add(row)
    session.flush()
    journal.record(
        session,
        by=by,
        did="suspend-supplier",
        about="supplier",
        about_id=supplier_id,
        before={"suspended": False},
        after={"suspended": True, "reason": row.reason},
    )
    body = {"says": "suspended", "supplier": supplier_id, "reason": row.reason}
    tell_members(session, supplier_id=supplier_id, body=body, once=f"suspension:{row.id}")
    tell_all_staff(session, body=body, once=f"suspension:{row.id}")
    return True


@write
def unsuspend(session: Session, *, supplier_id: int, by: str) -> bool:
    """Their offers sell again, unless something else stops them, and payouts go on; False when they were not suspended.

    Raises OwnSupplier.
    """
    supply.not_own(session, supplier_id, by)
    if not supply.unsuspend_supplier(session, supplier_id=supplier_id, by=by):
        return False
    row = session.scalars(select(Suspension).where(Suspension.supplier_id == supplier_id, Suspension.lifted_at.is_(None))).one_or_none()
    if row is not None:
        row.lifted_at, row.lifted_by = now(session), by
        session.flush()
        body = {"says": "unsuspended", "supplier": supplier_id}
        tell_members(session, supplier_id=supplier_id, body=body, once=f"unsuspension:{row.id}")
    journal.record(
        session,
        by=by,
        did="unsuspend-supplier",
        about="supplier",
        about_id=supplier_id,
        before={"suspended": True},
        after={"suspended": False},
    )
    return True


@write
def set_standing(session: Session, *, supplier_id: int, standing: Standing, reason: str, by: str) -> bool:
    """How far a supplier is trusted from now on; False when that is how it was. Raises Gone, OurOwn, OwnSupplier."""
    _theirs(session, supplier_id)
    supply.not_own(session, supplier_id, by)
    assert standing is not Standing.OWN, "the shop itself does not join"
    before = supply.set_standing(session, supplier_id=supplier_id, standing=standing)
    if before is standing:
        return False
    journal.record(
        session,
        by=by,
        did="set-standing",
        about="supplier",
        about_id=supplier_id,
        before={"standing": before.value},
        after={"standing": standing.value, "reason": reason},
    )
    return True


@write
def set_hold_days(session: Session, *, supplier_id: int, days: int | None, by: str) -> bool:
    """For how long a supplier's money is held, agreed with them; None: what their standing says. Raises Gone, OurOwn, OwnSupplier."""
    _theirs(session, supplier_id)
    supply.not_own(session, supplier_id, by)
    before = supply.set_hold_days(session, supplier_id=supplier_id, days=days)
    if before == days:
        return False
    journal.record(
        session, by=by, did="set-hold-days", about="supplier", about_id=supplier_id, before={"hold_days": before}, after={"hold_days": days}
    )
    return True


def _theirs(session: Session, supplier_id: int) -> SupplierView:
    """A supplier that is not the shop itself."""
    found = supply.supplier(session, supplier_id)
    if found is None:
        raise Gone
    if found.standing is Standing.OWN:
        raise OurOwn
    return found


# Telling


def tell_members(session: Session, *, supplier_id: int, body: dict[str, Any], once: str) -> int:
    """Post a notice to each person who acts for a supplier and has a chat with the shop. Returns to how many."""
    reached: Collection[int] = {
        customer.id
        for front in storefronts.all_open(session)
        for telegram_id in supply.members_of(session, supplier_id)
        if (customer := people.find(session, storefront_id=front.id, telegram_id=telegram_id)) is not None
    }
    for customer_id in sorted(reached):
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer_id, body=body, once=f"{once[:90]}:{customer_id}")
    return len(reached)


def tell_all_staff(session: Session, *, body: dict[str, Any], once: str) -> None:
    """Post an alert to the staff of every storefront."""
    body = {**body, "for": "staff"}
    for front in storefronts.all_open(session):
        payments.tell_staff(session, storefront_id=front.id, body=body, once=f"{once[:90]}@{front.id}")
