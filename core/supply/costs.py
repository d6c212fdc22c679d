"""What an offer costs, version by version: set now or for a later day, never changed, only followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal, rates
from core.catalog import Gone
from core.database import now, read, write
from core.errors import N_, Refusal
from core.money import convert_up
from core.supply.foreign import against_us, in_sale_currency, keep_foreign, sale_currency
from core.supply.members import not_own_offer
from core.supply.proposals import look_at_prices
from core.supply.stops import lift, stop
from core.supply.tables import ForeignCost, OfferCost, Stop
from core.supply.tables import Offer as OfferRow

SHOP = "shop"  # who set a cost when nobody in particular did


@dataclass(eq=False)
class CurrencyIsFixed(Refusal):
    says: ClassVar[str] = N_("What this supplier is owed is counted in {currency}, so the cost must be in it too. Nothing was changed.")

    currency: str


@dataclass(eq=False)
class CostFromQuota(Refusal):
    says: ClassVar[str] = N_("The cost of this offer follows from its quota contract. Take it off the contract first. Nothing was changed.")


@dataclass(eq=False)
class InThePast(Refusal):
    says: ClassVar[str] = N_("This day is over. Please choose now or a later day. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class CostView:
    """One version of a cost: `taken_at` since when it is booked, `dropped_at` when it was taken back before; neither: it waits.

    Of a cost in another currency also what was agreed, and the recorded rate by which it became this one.
    """

    offer_id: int
    version: int
    cost_minor: int
    currency: str
    from_at: datetime
    by: str
    taken_at: datetime | None
    dropped_at: datetime | None
    agreed_minor: int | None = None
    agreed_currency: str | None = None
    rate_id: int | None = None

    @property
    def waits(self) -> bool:
        return self.taken_at is None and self.dropped_at is None


def _view(row: OfferCost) -> CostView:
    of = (row.offer_id, row.version, row.cost_minor, row.currency, row.from_at, row.by, row.taken_at, row.dropped_at)
    return CostView(*of, row.agreed_minor, row.agreed_currency, row.rate_id)


@write
def set_cost(
    session: Session,
    *,
    offer_id: int,
    cost_minor: int,
    cost_currency: str,
    by: str | None = None,
    from_at: datetime | None = None,
) -> None:
    """What one unit costs from now on, or from a later instant on: a new version, which a job brings into force.

    A version that waits for its time stays, also when another is set before. Sales keep what was booked for them. A cost that
    leaves too little of a price is told to the staff with a price proposed.

    Raises InThePast, CurrencyIsFixed, CostFromQuota, Gone, and OwnSupplier to whoever acts for the supplier.
    """
    if by is not None:
        not_own_offer(session, offer_id, by)
    put_cost(session, offer_id=offer_id, cost_minor=cost_minor, cost_currency=cost_currency, by=by, from_at=from_at)


def put_cost(
    session: Session,
    *,
    offer_id: int,
    cost_minor: int,
    cost_currency: str,
    by: str | None = None,
    from_at: datetime | None = None,
) -> None:
    """A part of commands: `set_cost`, whoever says so."""
    assert cost_minor >= 0, "nobody is paid for taking goods"
    offer = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    if offer is None or offer.stopped_at is not None:
        raise Gone
    if offer.quota_id is not None:
        raise CostFromQuota
    at = now(session)
    if from_at is not None and from_at < at:
        raise InThePast
    later = from_at is not None and from_at > at
    agreed_minor, agreed_currency, rate_id = cost_minor, cost_currency, None
    if offer.payable_id is not None and cost_currency != offer.cost_currency:
        if later or offer.cost_currency != sale_currency(session):
            # What will be worth what on a later day nobody knows.
            raise CurrencyIsFixed(currency=offer.cost_currency)
        booked = in_sale_currency(session, cost_minor, cost_currency)
        cost_minor, cost_currency, rate_id = booked.minor, booked.currency, booked.rate_id
    if offer.payable_id is not None and not later:
        keep_foreign(session, offer_id=offer_id, minor=agreed_minor, currency=agreed_currency, rate_id=rate_id)
    if by is not None and (later or (offer.cost_minor, offer.cost_currency) != (cost_minor, cost_currency)):
        when = {"from": from_at.isoformat()} if later and from_at is not None else {}
        journal.record(
            session,
            by=by,
            did="set-cost",
            about="sku",
            about_id=offer.sku_id,
            before={"cost_minor": offer.cost_minor, "currency": offer.cost_currency},
            after={"cost_minor": cost_minor, "currency": cost_currency, **when},
        )
    if not later and (offer.cost_minor, offer.cost_currency) == (cost_minor, cost_currency):
        return
    row = add_version(session, offer, cost_minor=cost_minor, currency=cost_currency, from_at=from_at or at, by=by or SHOP)
    if rate_id is not None:
        row.agreed_minor, row.agreed_currency, row.rate_id = agreed_minor, agreed_currency, rate_id
    if not later:
        take_version(session, offer, row)


def add_version(session: Session, offer: OfferRow, *, cost_minor: int, currency: str, from_at: datetime, by: str) -> OfferCost:
    """A part of commands: the next version of a locked offer's cost, not yet in force."""
    last = session.scalar(select(func.max(OfferCost.version)).where(OfferCost.offer_id == offer.id)) or 0
    row = OfferCost(
        offer_id=offer.id,
        version=last + 1,
        cost_minor=cost_minor,
        currency=currency,
        from_at=from_at,
        by=by[:64],
        made_at=now(session),
    )
    session.add(row)
    session.flush()
    return row


def take_version(session: Session, offer: OfferRow, row: OfferCost) -> None:
    """A part of commands: from now on the sale books this version, and the prices are looked at again."""
    old = (offer.cost_minor, offer.cost_currency)
    row.taken_at = now(session)
    offer.cost_minor, offer.cost_currency = row.cost_minor, row.currency
    session.flush()
    look_at_prices(session, offer, old_minor=old[0], old_currency=old[1])


@write
def take_costs(session: Session, *, most: int = 100) -> int:
    """Bring into force what has waited until now, the earliest first; several processes may do this at once. Returns how many."""
    due = session.execute(
        select(OfferCost.offer_id, OfferCost.version)
        .where(OfferCost.taken_at.is_(None), OfferCost.dropped_at.is_(None), OfferCost.from_at <= now(session))
        .order_by(OfferCost.from_at, OfferCost.offer_id, OfferCost.version)
        .limit(most)
    ).all()
    taken = 0
    # The offers' rows in one order, so that two processes never wait for each other.
    for offer_id in sorted({row.offer_id for row in due}):
        offer = session.get_one(OfferRow, offer_id, with_for_update=True, populate_existing=True)
        for version in [row.version for row in due if row.offer_id == offer_id]:
            row = session.get_one(OfferCost, (offer_id, version), populate_existing=True)
            if row.taken_at is not None or row.dropped_at is not None:
                continue
            taken += 1
            if offer.stopped_at is not None or offer.quota_id is not None:
                row.dropped_at = now(session)
                session.flush()
            else:
                take_version(session, offer, row)
    return taken


@write
def drop_cost(session: Session, *, offer_id: int, version: int, by: str) -> bool:
    """Take back a version that waits for its time; False when it is in force, or was taken back before. Raises Gone, OwnSupplier."""
    not_own_offer(session, offer_id, by)
    session.execute(select(OfferRow.id).where(OfferRow.id == offer_id).with_for_update())
    row = session.get(OfferCost, (offer_id, version))
    if row is None:
        raise Gone
    dropped = session.execute(
        update(OfferCost)
        .where(OfferCost.offer_id == offer_id, OfferCost.version == version, OfferCost.taken_at.is_(None), OfferCost.dropped_at.is_(None))
        .values(dropped_at=now(session))
        .returning(OfferCost.version)
    ).first()
    if dropped is not None:
        journal.record(
            session,
            by=by,
            did="drop-cost",
            about="offer",
            about_id=offer_id,
            before={"cost_minor": row.cost_minor, "currency": row.currency, "from": row.from_at.isoformat()},
        )
    return dropped is not None


@read
def costs_of(session: Session, offer_id: int, *, limit: int = 20) -> list[CostView]:
    """The versions of an offer's cost, the newest first."""
    rows = session.scalars(select(OfferCost).where(OfferCost.offer_id == offer_id).order_by(OfferCost.version.desc()).limit(limit))
    return [_view(row) for row in rows]


@write
def follow_rates(session: Session, *, most: int = 100) -> int:
    """Bring costs agreed in other currencies to the newest rates, and stop offers whose currency has none; returns how many changed."""
    changed = 0
    rows = session.execute(
        select(ForeignCost.offer_id, ForeignCost.currency, ForeignCost.rate_id)
        .join(OfferRow, OfferRow.id == ForeignCost.offer_id)
        .where(OfferRow.stopped_at.is_(None))
        .order_by(ForeignCost.offer_id)
    ).all()
    sale = sale_currency(session) if rows else ""
    for offer_id, currency, rate_id in rows:
        if changed >= most:
            break
        quoted = rates.latest(session, base=currency, quote=sale)
        if quoted is None:
            changed += stop(session, offer_ids=[offer_id], why=Stop.RATE, by="clock")
            continue
        changed += lift(session, offer_ids=[offer_id], why=Stop.RATE, by="clock")
        if quoted.id == rate_id:
            continue
        offer = session.get_one(OfferRow, offer_id, with_for_update=True, populate_existing=True)
        row = session.get_one(ForeignCost, offer_id, populate_existing=True)
        minor = convert_up(row.minor, against_us(quoted))
        row.rate_id, row.at = quoted.id, now(session)
        session.flush()
        if minor == offer.cost_minor:
            continue
        version = add_version(session, offer, cost_minor=minor, currency=sale, from_at=now(session), by="rate")
        version.agreed_minor, version.agreed_currency, version.rate_id = row.minor, row.currency, quoted.id
        take_version(session, offer, version)
        changed += 1
    return changed
