"""Offers: what a supplier says of a denomination, changed, paused and withdrawn, each with its entry in the action log."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import catalog, inventory, journal
from core.catalog import Gone
from core.database import now, read, write
from core.errors import N_, Refusal
from core.supply import rules
from core.supply.costs import CostView, CurrencyIsFixed, add_version, costs_of, take_version
from core.supply.foreign import Booked, in_sale_currency, keep_foreign, sale_currency
from core.supply.members import not_own, not_own_offer, payable
from core.supply.plain import derive_plain
from core.supply.proposals import guard_losses
from core.supply.queries import Offer, offers
from core.supply.quotas import QuotaView, covered, quota
from core.supply.ranking import join_ranking, leave_ranking
from core.supply.stops import StopView, lift, stop, stops
from core.supply.tables import Offer as OfferRow
from core.supply.tables import OfferStop, QuotaContract, Source, SourceClass, Standing, Stop, Supplier

MOST_UNITS = 10**9  # "as many as one likes"
MOST_WARRANTY_HOURS = 24 * 3650
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(eq=False)
class AlreadyOffered(Refusal):
    says: ClassVar[str] = N_("This supplier offers this denomination already. Please change that offer instead. Nothing was changed.")


@dataclass(eq=False)
class WrongOfferLimits(Refusal):
    says: ClassVar[str] = N_("The smallest quantity cannot be above the largest one ({least} and {most}). Nothing was changed.")

    least: int
    most: int


@dataclass(eq=False)
class OfferDatesOver(Refusal):
    says: ClassVar[str] = N_("The last day of an offer must come after its first, and not be over. Nothing was changed.")


@dataclass(eq=False)
class NoSuchCountry(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a country. Please type its two letters, such as TR. Nothing was changed.")

    text: str


@dataclass(eq=False)
class QuotaOfAnother(Refusal):
    says: ClassVar[str] = N_(
        "This quota contract is another supplier's, or has ended. Please choose one of this supplier. Nothing was changed."
    )


@dataclass(eq=False)
class StaysConsigned(Refusal):
    says: ClassVar[str] = N_(
        "These goods are the supplier's until they are sold, and so is what was sold before. "
        "Please offer what you purchased as your own goods. Nothing was changed."
    )


@dataclass(eq=False)
class StaysOwned(Refusal):
    says: ClassVar[str] = N_(
        "The shop has bought such goods of this supplier, and they are its own. "
        "The supplier cannot offer the same denomination on consignment. Nothing was changed."
    )


@dataclass(eq=False)
class NoFaceInQuota(Refusal):
    says: ClassVar[str] = N_(
        "A quota in {currency} is drawn by face value, and this denomination has none in {currency}. "
        "Please set its face value first. Nothing was changed."
    )

    currency: str


@dataclass(frozen=True, slots=True)
class OfferView:
    """All there is to say about an offer; costs in minor units of `cost_currency`.

    `owned`: the shop has bought the goods and owes nobody; else they are consigned, and each sale credits the supplier with the cost.
    """

    id: int
    sku_id: int
    supplier_id: int
    supplier_name: str
    own: bool  # the shop itself offers it
    source_class: SourceClass
    owned: bool
    cost_minor: int
    cost_currency: str
    rank: int | None  # None: not drawn from at all
    plain: bool
    on_shelf: int
    declared: int | None
    declared_at: datetime | None
    min_quantity: int | None
    max_quantity: int | None
    region: str | None
    valid_from: datetime | None
    valid_until: datetime | None
    priority: int
    exclusive_until: datetime | None
    warranty_hours: int | None
    document_id: int | None
    contract_id: int | None
    quota: QuotaView | None
    quota_units: int | None  # how many units the quota still covers
    upstream_id: int | None
    since: datetime
    withdrawn_at: datetime | None
    stops: list[StopView] = field(default_factory=list)
    waiting_costs: list[CostView] = field(default_factory=list)  # versions whose time has not come

    @property
    def sells(self) -> bool:
        """May the sale draw from it, when it has stock?"""
        return self.withdrawn_at is None and not self.stops

    @property
    def available(self) -> int:
        """How many it could give now, on the shelf and declared, as far as its quota reaches."""
        most = self.on_shelf + (self.declared or 0)
        return most if self.quota_units is None else min(most, self.quota_units)


@write
def new_offer(
    session: Session,
    *,
    supplier_id: int,
    sku_id: int,
    cost_minor: int,
    cost_currency: str,
    source_class: SourceClass,
    document_id: int | None = None,
    declared: int | None = None,
    min_quantity: int | None = None,
    max_quantity: int | None = None,
    region: str | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    priority: int = 0,
    exclusive_until: datetime | None = None,
    warranty_hours: int | None = None,
    contract_id: int | None = None,
    quota_id: int | None = None,
    upstream_id: int | None = None,
    by: str,
    listed: bool = False,
) -> Offer:
    """A supplier offers a denomination from now on (from `valid_from` on); it is drawn last until a ranking says otherwise.

    The shop's own goods and what it purchased are owned; everything else is consigned, and each sale credits the supplier with
    the cost. One that was withdrawn is taken up again under its old number. With a quota the cost follows from it, converted
    as any cost that is agreed in another currency. Says nothing
    about what a supplier may list: whoever calls for a supplier asks standing first, and says so by `listed`; otherwise it is the
    staff's decision, which nobody takes who acts for the supplier.

    Raises Gone, OwnSupplier, AlreadyOffered, StaysConsigned, StaysOwned, NoRateForCost, WrongOfferLimits, OfferDatesOver, NoSuchCountry,
    QuotaOfAnother, NoFaceInQuota.
    """
    assert cost_minor >= 0, "nobody is paid for taking goods"
    supplier = session.get(Supplier, supplier_id)
    if supplier is None or catalog.sku(session, sku_id) is None:
        raise Gone
    if not listed:
        not_own(session, supplier_id, by)
    row = session.scalars(
        select(OfferRow).where(OfferRow.supplier_id == supplier_id, OfferRow.sku_id == sku_id).with_for_update()
    ).one_or_none()
    if row is not None and row.stopped_at is None:
        raise AlreadyOffered
    contract = None if quota_id is None else session.get(QuotaContract, quota_id)
    consigned = supplier.standing is not Standing.OWN and source_class not in (SourceClass.PURCHASED, SourceClass.UPSTREAM)
    agreed_minor, agreed_currency, rate_id = cost_minor, cost_currency, None
    if contract is not None:
        # What it costs follows from the face value, below.
        cost_minor, cost_currency = 0, sale_currency(session) if consigned else contract.currency
    elif consigned:
        # What is agreed in another currency is booked and owed in the sale's, at a rate that is kept.
        booked = in_sale_currency(session, cost_minor, cost_currency)
        cost_minor, cost_currency, rate_id = booked.minor, booked.currency, booked.rate_id
    account = payable(session, supplier_id=supplier_id, currency=cost_currency) if consigned else None
    if row is not None:
        _taken_up_again(session, row, account=account)
    else:
        row = OfferRow(supplier_id=supplier_id, sku_id=sku_id, cost_minor=cost_minor, cost_currency=cost_currency, since=now(session))
        session.add(row)
    row.stopped_at, row.payable_id = None, account
    row.cost_minor, row.cost_currency, row.since = cost_minor, cost_currency, now(session)
    facts = {
        "source_class": source_class,
        "document_id": document_id,
        "declared": declared,
        "min_quantity": min_quantity,
        "max_quantity": max_quantity,
        "region": region,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "priority": priority,
        "exclusive_until": exclusive_until,
        "warranty_hours": warranty_hours,
        "contract_id": contract_id,
        "quota_id": quota_id,
        "upstream_id": upstream_id,
    }
    _put(session, row, facts)
    session.flush()
    if contract is not None:
        agreed_minor, agreed_currency = _quota_cost(session, row)
        booked = _booked_quota(session, row, agreed_minor, agreed_currency)
        row.cost_minor, row.cost_currency, rate_id = booked.minor, booked.currency, booked.rate_id
    _cost_from_now(session, row, agreed_minor=agreed_minor, agreed_currency=agreed_currency, rate_id=rate_id, by=by)
    said = {name: _told(value) for name, value in facts.items() if value is not None}
    after = {"supplier": supplier_id, "sku": sku_id, "cost_minor": row.cost_minor, "currency": row.cost_currency, **said}
    journal.record(session, by=by, did="new-offer", about="offer", about_id=row.id, after=after)
    join_ranking(session, sku_id=sku_id, offer_id=row.id)
    _keep_dates(session, row)
    guard_losses(session, offer_id=row.id)
    return offers(session, [row.id])[0]


def _taken_up_again(session: Session, row: OfferRow, *, account: int | None) -> None:
    """May a withdrawn offer be taken up again with this account to credit? Raises CurrencyIsFixed, StaysConsigned, StaysOwned."""
    consigned = account is not None
    if row.payable_id is not None and account != row.payable_id:
        # What was sold before it was withdrawn may still be refunded, out of the account that was credited.
        raise CurrencyIsFixed(currency=row.cost_currency) if consigned else StaysConsigned
    # What lies on its shelf, or is on its way there, is paid for: nobody is credited with it a second time.
    # What an upstream still brings was paid in advance.
    paid_before = row.source_class is SourceClass.PURCHASED or row.upstream_id is not None
    if row.payable_id is None and consigned and (paid_before or inventory.ever_brought(session, row.id)):
        raise StaysOwned


def _cost_from_now(session: Session, row: OfferRow, *, agreed_minor: int, agreed_currency: str, rate_id: int | None, by: str) -> None:
    """Its cost as a version that is in force, with what was agreed in another currency, if it was."""
    version = add_version(session, row, cost_minor=row.cost_minor, currency=row.cost_currency, from_at=now(session), by=by)
    version.taken_at = now(session)
    keep_foreign(session, offer_id=row.id, minor=agreed_minor, currency=agreed_currency, rate_id=rate_id)
    if rate_id is not None:
        version.agreed_minor, version.agreed_currency, version.rate_id = agreed_minor, agreed_currency, rate_id
    session.flush()


@write
def change_offer(
    session: Session,
    *,
    offer_id: int,
    by: str,
    source_class: SourceClass | None = None,
    document_id: int | None = None,
    declared: int | None = None,
    min_quantity: int | None = None,
    max_quantity: int | None = None,
    region: str | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    priority: int | None = None,
    exclusive_until: datetime | None = None,
    warranty_hours: int | None = None,
    contract_id: int | None = None,
    quota_id: int | None = None,
    upstream_id: int | None = None,
    clear: Collection[str] = (),
) -> Offer:
    """Change what is given; what is named in `clear` is taken away. The cost has a command of its own, `set_cost`.

    A quota that is given sets the cost that follows from it; taking it away leaves the cost as it is. Whether the goods are
    owned never changes: purchased goods stay purchased, consigned ones consigned. Raises what `new_offer` raises.
    """
    not_own_offer(session, offer_id, by)
    row = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    if row is None or row.stopped_at is not None:
        raise Gone
    given = {
        "source_class": source_class,
        "document_id": document_id,
        "declared": declared,
        "min_quantity": min_quantity,
        "max_quantity": max_quantity,
        "region": region,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "priority": priority,
        "exclusive_until": exclusive_until,
        "warranty_hours": warranty_hours,
        "contract_id": contract_id,
        "quota_id": quota_id,
        "upstream_id": upstream_id,
    }
    assert set(clear) <= set(given) - {"source_class", "priority"}, "only what may be missing is taken away"
    facts = {name: value for name, value in given.items() if value is not None} | dict.fromkeys(clear)
    before = {name: getattr(row, name) for name in facts}
    if (source_class is SourceClass.PURCHASED) and row.payable_id is not None:
        raise StaysConsigned
    _put(session, row, facts)
    session.flush()
    changed = [name for name in facts if facts[name] != before[name]]
    if not changed:
        return offers(session, [offer_id])[0]
    row.changed_at = now(session)
    journal.record(
        session,
        by=by,
        did="change-offer",
        about="offer",
        about_id=offer_id,
        before={name: _told(before[name]) for name in changed},
        after={name: _told(facts[name]) for name in changed},
    )
    if "quota_id" in changed and row.quota_id is not None:
        minor, currency = _quota_cost(session, row)
        booked = _booked_quota(session, row, minor, currency)
        keep_foreign(session, offer_id=offer_id, minor=minor, currency=currency, rate_id=booked.rate_id)
        if (booked.minor, booked.currency) != (row.cost_minor, row.cost_currency):
            version = add_version(session, row, cost_minor=booked.minor, currency=booked.currency, from_at=now(session), by=by)
            if booked.rate_id is not None:
                version.agreed_minor, version.agreed_currency, version.rate_id = minor, currency, booked.rate_id
            take_version(session, row, version)
    if "quota_id" in changed and row.quota_id is None:
        lift(session, offer_ids=[offer_id], why=Stop.QUOTA, by=by)
    _keep_dates(session, row)
    return offers(session, [offer_id])[0]


def _put(session: Session, row: OfferRow, facts: dict[str, Any]) -> None:
    """Put these facts on an offer's row, checked as they are together."""
    at = now(session)
    new_dates = any(facts.get(name) not in (None, getattr(row, name)) for name in ("valid_from", "valid_until"))
    new_exclusive = facts.get("exclusive_until") not in (None, row.exclusive_until)
    for name, value in facts.items():
        setattr(row, name, value)
    if "declared" in facts:
        row.declared_at = None if row.declared is None else at
    assert row.declared is None or 0 <= row.declared <= MOST_UNITS, "a number of units"
    assert row.warranty_hours is None or 0 < row.warranty_hours <= MOST_WARRANTY_HOURS, "hours"
    assert all(limit is None or limit >= 1 for limit in (row.min_quantity, row.max_quantity)), "a quantity"
    if row.min_quantity is not None and row.max_quantity is not None and row.min_quantity > row.max_quantity:
        raise WrongOfferLimits(least=row.min_quantity, most=row.max_quantity)
    if row.region is not None and not _COUNTRY.fullmatch(row.region):
        raise NoSuchCountry(text=row.region[:20])
    if new_dates and row.valid_until is not None and row.valid_until <= max(at, row.valid_from or at):
        raise OfferDatesOver
    if new_exclusive and row.exclusive_until is not None and row.exclusive_until <= at:
        raise OfferDatesOver
    if facts.get("quota_id") is not None:
        _fits_quota(session, row)
    derive_plain(session, row, new=row in session.new)


def _fits_quota(session: Session, row: OfferRow) -> None:
    contract = session.get(QuotaContract, row.quota_id)
    if contract is None or contract.supplier_id != row.supplier_id or contract.ended_at is not None:
        raise QuotaOfAnother
    sku = catalog.sku(session, row.sku_id)
    if sku is None or sku.face_value_minor is None or sku.face_currency != contract.currency:
        raise NoFaceInQuota(currency=contract.currency)
    if row.payable_id is not None and row.cost_currency not in (contract.currency, sale_currency(session)):
        # What the supplier is owed stays in one currency: that of the sales, or the quota's in offers of earlier times.
        raise NoFaceInQuota(currency=row.cost_currency)


def _quota_cost(session: Session, row: OfferRow) -> tuple[int, str]:
    """What a unit costs by its quota, in the quota's currency: its face value less the discount."""
    contract, sku = session.get_one(QuotaContract, row.quota_id), catalog.sku(session, row.sku_id)
    assert sku is not None and sku.face_value_minor is not None, "a quota fits what it is drawn for"
    return rules.quota_cost(sku.face_value_minor, contract.discount_bp), contract.currency


def _booked_quota(session: Session, row: OfferRow, minor: int, currency: str) -> Booked:
    """The same as the sale books it: what the supplier is owed is in the currency of their account. Raises NoRateForCost."""
    if row.payable_id is None or row.cost_currency == currency:
        return Booked(minor, currency)
    return in_sale_currency(session, minor, currency)


def _told(value: Any) -> Any:
    """A fact as the action log keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value


@write
def withdraw_offer(session: Session, *, offer_id: int, by: str) -> bool:
    """This offer sells no more, for good; what lies on its shelf stays there unsold. False when it was withdrawn before. Raises Gone."""
    row = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Gone
    if row.stopped_at is not None:
        return False
    row.stopped_at = now(session)
    session.flush()
    leave_ranking(session, sku_id=row.sku_id, offer_id=offer_id)
    journal.record(
        session, by=by, did="withdraw-offer", about="offer", about_id=offer_id, before={"withdrawn": False}, after={"withdrawn": True}
    )
    return True


@write
def pause_offer(session: Session, *, offer_id: int, by: str) -> bool:
    """This offer does not sell until it is resumed; False when it was paused already. Raises Gone."""
    return _pause(session, offer_id, by, paused=True)


@write
def resume_offer(session: Session, *, offer_id: int, by: str) -> bool:
    """A paused offer sells again, unless something else stops it; False when it was not paused. Raises Gone, OwnSupplier."""
    not_own_offer(session, offer_id, by)  # Suppliers have a pause of their own; this one may be somebody's decision about them.
    return _pause(session, offer_id, by, paused=False)


def _pause(session: Session, offer_id: int, by: str, *, paused: bool) -> bool:
    row = session.get(OfferRow, offer_id, with_for_update=True, populate_existing=True)
    if row is None or row.stopped_at is not None:
        raise Gone
    change = stop if paused else lift
    changed = change(session, offer_ids=[offer_id], why=Stop.PAUSED, by=by)
    if changed:
        did = "pause-offer" if paused else "resume-offer"
        journal.record(session, by=by, did=did, about="offer", about_id=offer_id, before={"paused": not paused}, after={"paused": paused})
    return bool(changed)


def _keep_dates(session: Session, row: OfferRow) -> int:
    """Stop an offer outside its dates, and lift that inside them; returns whether anything changed."""
    at = now(session)
    outside = (row.valid_from is not None and at < row.valid_from) or (row.valid_until is not None and row.valid_until <= at)
    return (stop if outside else lift)(session, offer_ids=[row.id], why=Stop.DATES, by="clock")


@write
def keep_dates(session: Session, *, most: int = 100) -> int:
    """Offers whose first day has come sell, and those whose last is over do not; returns how many changed."""
    at = now(session)
    stopped = select(OfferStop.offer_id).where(OfferStop.why == Stop.DATES, OfferStop.lifted_at.is_(None))
    begun = or_(OfferRow.valid_from.is_(None), OfferRow.valid_from <= at)
    inside = begun & or_(OfferRow.valid_until.is_(None), OfferRow.valid_until > at)
    dated = OfferRow.valid_from.is_not(None) | OfferRow.valid_until.is_not(None)
    rows = session.scalars(
        select(OfferRow)
        .where(
            OfferRow.stopped_at.is_(None),
            or_(inside & OfferRow.id.in_(stopped), dated & ~inside & OfferRow.id.not_in(stopped)),
        )
        .order_by(OfferRow.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_keep_dates(session, row) for row in rows)


@read
def offer_view(session: Session, offer_id: int) -> OfferView | None:
    """All there is to say about this offer; None when there is none."""
    return next(iter(_views(session, session.scalars(select(OfferRow).where(OfferRow.id == offer_id)).all())), None)


@read
def offer_views(
    session: Session, *, sku_id: int | None = None, supplier_id: int | None = None, withdrawn_too: bool = False
) -> list[OfferView]:
    """The offers of a denomination in the order of the ranking, or of a supplier by denomination; not withdrawn, unless asked for."""
    assert sku_id is not None or supplier_id is not None, "of a denomination or of a supplier"
    question = select(OfferRow).order_by(OfferRow.sku_id, OfferRow.id)
    if sku_id is not None:
        question = question.where(OfferRow.sku_id == sku_id)
    if supplier_id is not None:
        question = question.where(OfferRow.supplier_id == supplier_id)
    if not withdrawn_too:
        question = question.where(OfferRow.stopped_at.is_(None))
    views = _views(session, session.scalars(question).all())
    return sorted(views, key=lambda view: (view.sku_id, view.rank is None, view.rank or 0, view.id))


def _views(session: Session, rows: Sequence[OfferRow]) -> list[OfferView]:
    ids = [row.id for row in rows]
    if not ids:
        return []
    ranks = dict(session.execute(select(Source.offer_id, Source.rank).where(Source.offer_id.in_(ids))).all())
    suppliers = {row.id: row for row in session.scalars(select(Supplier).where(Supplier.id.in_({row.supplier_id for row in rows})))}
    shelves, units = inventory.on_shelf(session, ids), covered(session, ids)
    open_stops: dict[int, list[StopView]] = {}
    for found in stops(session, ids):
        open_stops.setdefault(found.offer_id, []).append(found)
    return [
        OfferView(
            row.id,
            row.sku_id,
            row.supplier_id,
            suppliers[row.supplier_id].name,
            suppliers[row.supplier_id].standing is Standing.OWN,
            row.source_class,
            row.payable_id is None,
            row.cost_minor,
            row.cost_currency,
            ranks.get(row.id),
            row.plain,
            shelves[row.id],
            row.declared,
            row.declared_at,
            row.min_quantity,
            row.max_quantity,
            row.region,
            row.valid_from,
            row.valid_until,
            row.priority,
            row.exclusive_until,
            row.warranty_hours,
            row.document_id,
            row.contract_id,
            None if row.quota_id is None else quota(session, row.quota_id),
            units.get(row.id),
            row.upstream_id,
            row.since,
            row.stopped_at,
            open_stops.get(row.id, []),
            [version for version in costs_of(session, row.id) if version.waits],
        )
        for row in rows
    ]
