"""What the shop's control over supply changes here: suppliers' standing and suspension, and offers that are found by their place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.database import among, now, read, write
from core.supply.members import SupplierView, offers_of, supplier
from core.supply.ranking import leave_ranking
from core.supply.stops import lift, stop
from core.supply.tables import Offer, OfferStop, SourceClass, Standing, Stop, Supplier

# Goods that may be bad, or that nobody may sell: not even what is kept for a payer is sold. The other stops end new sales only.
FORBIDS = (Stop.SUSPENDED, Stop.PAPER, Stop.TAKEDOWN, Stop.SWITCHED_OFF)


@dataclass(frozen=True, slots=True)
class OfferPlace:
    """Whose an offer is, and of what; `sells` when nothing stops it."""

    id: int
    supplier_id: int
    sku_id: int
    source_class: SourceClass
    sells: bool


@write
def suspend_supplier(session: Session, *, supplier_id: int, by: str) -> bool:
    """None of a supplier's offers sells from this transaction on, and nothing is paid out to them; False when it was so already."""
    row = session.get_one(Supplier, supplier_id, with_for_update=True)
    changed = row.suspended_at is None
    if changed:
        row.suspended_at = now(session)
        session.flush()
    # Also when it was: an offer may have been made since.
    stop(session, offer_ids=offers_of(session, supplier_id), why=Stop.SUSPENDED, by=by)
    return changed


@write
def unsuspend_supplier(session: Session, *, supplier_id: int, by: str) -> bool:
    """Their offers sell again for which there is no other reason to stop; False when they were not suspended."""
    row = session.get_one(Supplier, supplier_id, with_for_update=True)
    if row.suspended_at is None:
        return False
    row.suspended_at = None
    session.flush()
    lift(session, offer_ids=stopped_by(session, why=Stop.SUSPENDED, supplier_id=supplier_id), why=Stop.SUSPENDED, by=by)
    return True


@write
def set_standing(session: Session, *, supplier_id: int, standing: Standing) -> Standing:
    """How far a supplier is trusted from now on; returns how far they were."""
    row = session.get_one(Supplier, supplier_id, with_for_update=True)
    before, row.standing = row.standing, standing
    session.flush()
    return before


@write
def set_hold_days(session: Session, *, supplier_id: int, days: int | None) -> int | None:
    """For how many days the money of each sale is held, agreed with this supplier; None: what their standing says. Returns what it was."""
    assert days is None or days >= 0
    row = session.get_one(Supplier, supplier_id, with_for_update=True)
    before, row.hold_days = row.hold_days, days
    session.flush()
    return before


@read
def every_supplier(session: Session, *, text: str = "", offset: int = 0, limit: int = 10) -> list[SupplierView]:
    """Suppliers whose name has this in it, the newest first."""
    question = select(Supplier.id).order_by(Supplier.id.desc()).offset(offset).limit(limit)
    if text:
        question = question.where(Supplier.name.icontains(text.replace("\x00", ""), autoescape=True))
    found = [supplier(session, id_) for id_ in session.scalars(question).all()]
    return [one for one in found if one is not None]


@read
def suspended_suppliers(session: Session) -> Sequence[int]:
    """Who is suspended now."""
    return session.scalars(select(Supplier.id).where(Supplier.suspended_at.is_not(None)).order_by(Supplier.id)).all()


@read
def offers_in(session: Session, sku_ids: Collection[int] | None) -> Sequence[int]:
    """The offers of these denominations that are not withdrawn; of every one with None."""
    question = select(Offer.id).where(Offer.stopped_at.is_(None)).order_by(Offer.id)
    if sku_ids is not None:
        question = question.where(among(session, Offer.sku_id, sku_ids))
    return session.scalars(question).all()


@read
def every_offer_of(session: Session, sku_ids: Collection[int]) -> Sequence[int]:
    """The offers of these denominations, withdrawn ones too."""
    return session.scalars(select(Offer.id).where(among(session, Offer.sku_id, sku_ids)).order_by(Offer.id)).all()


@read
def places_of(session: Session, offer_ids: Collection[int]) -> list[OfferPlace]:
    """Whose these offers are and of what, withdrawn ones too."""
    rows = session.scalars(select(Offer).where(among(session, Offer.id, offer_ids)).order_by(Offer.id))
    return [
        OfferPlace(row.id, row.supplier_id, row.sku_id, row.source_class, row.stopped_at is None and row.closed_at is None) for row in rows
    ]


@read
def stopped_by(session: Session, *, why: Stop, ref: str | None = None, supplier_id: int | None = None) -> Sequence[int]:
    """The offers for which this reason stands."""
    question = select(OfferStop.offer_id).where(OfferStop.why == why, OfferStop.lifted_at.is_(None)).order_by(OfferStop.offer_id).distinct()
    if ref is not None:
        question = question.where(OfferStop.ref == ref)
    if supplier_id is not None:
        question = question.join(Offer, Offer.id == OfferStop.offer_id).where(Offer.supplier_id == supplier_id)
    return session.scalars(question).all()


@read
def forbidden(session: Session, offer_ids: Collection[int]) -> set[int]:
    """Those of these offers whose goods must not be sold, not even those kept for a payer: suspended, taken down, switched off, without
    a valid paper, or withdrawn after a complaint.
    """
    if not offer_ids:
        return set()
    open_stops = select(OfferStop.offer_id).where(
        among(session, OfferStop.offer_id, offer_ids), OfferStop.why.in_(FORBIDS), OfferStop.lifted_at.is_(None)
    )
    return set(session.scalars(open_stops))


@read
def forbidden_skus(session: Session, sku_ids: Collection[int]) -> set[int]:
    """Those of these denominations of which an offer must not be sold, withdrawn ones too."""
    if not sku_ids:
        return set()
    question = (
        select(Offer.sku_id)
        .join(OfferStop, OfferStop.offer_id == Offer.id)
        .where(among(session, Offer.sku_id, sku_ids), OfferStop.why.in_(FORBIDS), OfferStop.lifted_at.is_(None))
    )
    return set(session.scalars(question))


@write
def withdraw_for_good(session: Session, *, offer_ids: Collection[int]) -> int:
    """These offers never sell again; returns for how many that is new. Their reasons to stop stay as they are."""
    gone = session.execute(
        update(Offer)
        .where(among(session, Offer.id, offer_ids), Offer.stopped_at.is_(None))
        .values(stopped_at=now(session))
        .returning(Offer.id, Offer.sku_id),
        execution_options={"synchronize_session": False},
    ).all()
    for offer_id, sku_id in gone:
        leave_ranking(session, sku_id=sku_id, offer_id=offer_id)
    return len(gone)
