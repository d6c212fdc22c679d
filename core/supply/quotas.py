"""Discount quotas: so much face value of a supplier's goods at a discount, drawn down by each sale and never overdrawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from core import catalog, journal
from core.catalog import Gone
from core.database import now, read, write
from core.errors import N_, Refusal
from core.supply import rules
from core.supply.members import not_own
from core.supply.stops import lift, stop
from core.supply.tables import ForeignCost, OfferStop, QuotaContract, QuotaDraw, Stop, Supplier
from core.supply.tables import Offer as OfferRow


@dataclass(eq=False)
class QuotaBelowDrawn(Refusal):
    says: ClassVar[str] = N_("{drawn} of this quota is drawn already, so it cannot be smaller. Nothing was changed.")

    drawn_minor: int
    currency: str


@dataclass(eq=False)
class DatesTurned(Refusal):
    says: ClassVar[str] = N_("The last day must come after the first. Nothing was changed.")


@dataclass(frozen=True, slots=True)
class QuotaView:
    """A discount quota, in minor units of face value; `left_minor` is what may still be drawn."""

    id: int
    supplier_id: int
    currency: str
    face_total_minor: int
    drawn_minor: int
    discount_bp: int
    valid_from: datetime | None
    valid_until: datetime | None
    document_id: int | None
    ended: bool

    @property
    def left_minor(self) -> int:
        return self.face_total_minor - self.drawn_minor


def _view(row: QuotaContract) -> QuotaView:
    return QuotaView(
        row.id,
        row.supplier_id,
        row.currency,
        row.face_total_minor,
        row.drawn_minor,
        row.discount_bp,
        row.valid_from,
        row.valid_until,
        row.document_id,
        row.ended_at is not None,
    )


@write
def new_quota(
    session: Session,
    *,
    supplier_id: int,
    currency: str,
    face_total_minor: int,
    discount_bp: int,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    document_id: int | None = None,
    by: str,
) -> int:
    """A supplier lets the shop sell so much face value at so many hundredths of a per cent off; returns the contract's id.

    Raises Gone when there is no such supplier, OwnSupplier, and DatesTurned.
    """
    assert face_total_minor > 0 and 0 <= discount_bp < rules.WHOLE, "a quota is of something, and leaves a cost"
    if session.get(Supplier, supplier_id) is None:
        raise Gone
    not_own(session, supplier_id, by)
    if valid_until is not None and valid_until <= (valid_from or now(session)):
        raise DatesTurned
    row = QuotaContract(
        supplier_id=supplier_id,
        currency=currency,
        face_total_minor=face_total_minor,
        discount_bp=discount_bp,
        drawn_minor=0,
        valid_from=valid_from,
        valid_until=valid_until,
        document_id=document_id,
        made_at=now(session),
        made_by=by[:64],
    )
    session.add(row)
    session.flush()
    said = {"currency": currency, "face_total_minor": face_total_minor, "discount_bp": discount_bp, "supplier": supplier_id}
    journal.record(session, by=by, did="new-quota", about="quota", about_id=row.id, after=said)
    return row.id


@write
def change_quota(session: Session, *, quota_id: int, face_total_minor: int | None = None, ended: bool | None = None, by: str) -> QuotaView:
    """Let more or less be drawn, end a quota, or open it again. The discount is agreed once: another discount is another contract.

    Raises Gone, OwnSupplier, and QuotaBelowDrawn when more is drawn already.
    """
    row = session.get(QuotaContract, quota_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise Gone
    not_own(session, row.supplier_id, by)
    before = {"face_total_minor": row.face_total_minor, "ended": row.ended_at is not None, "currency": row.currency}
    if face_total_minor is not None:
        if face_total_minor < max(1, row.drawn_minor):
            raise QuotaBelowDrawn(drawn_minor=row.drawn_minor, currency=row.currency)
        row.face_total_minor = face_total_minor
    if ended is not None:
        row.ended_at = now(session) if ended else None
    after = {"face_total_minor": row.face_total_minor, "ended": row.ended_at is not None, "currency": row.currency}
    session.flush()
    if after != before:
        journal.record(session, by=by, did="change-quota", about="quota", about_id=quota_id, before=before, after=after)
    return _view(row)


@read
def quota(session: Session, quota_id: int) -> QuotaView | None:
    """This quota, None when there is none."""
    row = session.get(QuotaContract, quota_id)
    return None if row is None else _view(row)


@read
def quotas(session: Session, *, supplier_id: int | None = None) -> list[QuotaView]:
    """The quotas of a supplier (of all, without one), the newest first."""
    question = select(QuotaContract).order_by(QuotaContract.id.desc())
    if supplier_id is not None:
        question = question.where(QuotaContract.supplier_id == supplier_id)
    return [_view(row) for row in session.scalars(question)]


def _covers(row: QuotaContract, at: datetime) -> bool:
    return row.ended_at is None and (row.valid_from is None or row.valid_from <= at) and (row.valid_until is None or at < row.valid_until)


def _face(session: Session, row: QuotaContract, sku_id: int) -> int | None:
    """The face value of a unit in the quota's currency; None when the denomination has none in it."""
    sku = catalog.sku(session, sku_id)
    return None if sku is None or sku.face_currency != row.currency else sku.face_value_minor


@read
def covered(session: Session, offer_ids: Collection[int]) -> dict[int, int]:
    """How many units of each of these offers their quotas cover now; offers without a quota are not in the answer."""
    return _covered(session, offer_ids, lock=False)


def lock_quotas(session: Session, offer_ids: Collection[int]) -> dict[int, int]:
    """A part of commands: `covered`, with the contracts locked, so that it stays true until this transaction ends."""
    return _covered(session, offer_ids, lock=True)


def _covered(session: Session, offer_ids: Collection[int], *, lock: bool) -> dict[int, int]:
    if not offer_ids:
        return {}
    rows = session.execute(
        select(OfferRow.id, OfferRow.sku_id, OfferRow.quota_id).where(OfferRow.id.in_(offer_ids), OfferRow.quota_id.is_not(None))
    )
    with_quota = [(offer_id, sku_id, quota_id) for offer_id, sku_id, quota_id in rows if quota_id is not None]
    if not with_quota:
        return {}
    question = select(QuotaContract).where(QuotaContract.id.in_({quota_id for _, _, quota_id in with_quota})).order_by(QuotaContract.id)
    if lock:
        question = question.with_for_update()
    contracts = {row.id: row for row in session.scalars(question.execution_options(populate_existing=True))}
    at, found = now(session), {}
    for offer_id, sku_id, quota_id in with_quota:
        row = contracts[quota_id]
        face = _face(session, row, sku_id) if _covers(row, at) else None
        found[offer_id] = rules.units_left(total_minor=row.face_total_minor, drawn_minor=row.drawn_minor, face_minor=face)
    return found


def lock_contracts(session: Session, quota_ids: Collection[int], *, order_id: int) -> None:
    """A part of commands: lock these contracts and those that an order drew on, in the order in which the sale locks them.

    What an order drew on may be another contract than its offer's of today.
    """
    drawn = select(QuotaDraw.quota_id).where(QuotaDraw.order_id == order_id)
    these = or_(QuotaContract.id.in_(quota_ids), QuotaContract.id.in_(drawn)) if quota_ids else QuotaContract.id.in_(drawn)
    session.execute(select(QuotaContract.id).where(these).order_by(QuotaContract.id).with_for_update())


def cover(session: Session, taken: Mapping[int, int]) -> bool:
    """A part of the sale: do the quotas of these offers, locked from now on, cover so many units of each?"""
    return all(taken[offer_id] <= units for offer_id, units in lock_quotas(session, list(taken)).items())


def draw_quotas(session: Session, *, order_id: int, units: Mapping[int, int]) -> bool:
    """A part of the sale: draw down the quotas of the offers that these units are of, by a guarded update each.

    False, with nothing to be kept of the transaction's draws, when a quota does not cover them.
    """
    rows = session.execute(
        select(OfferRow.id, OfferRow.sku_id, OfferRow.quota_id, ForeignCost.rate_id)
        .outerjoin(ForeignCost, ForeignCost.offer_id == OfferRow.id)
        .where(OfferRow.id.in_(units), OfferRow.quota_id.is_not(None))
        .order_by(OfferRow.quota_id, OfferRow.id)
    ).all()
    for offer_id, sku_id, quota_id, rate_id in rows:
        contract = session.get_one(QuotaContract, quota_id)
        face = _face(session, contract, sku_id)
        if face is None or not _covers(contract, now(session)):
            return False
        worth = face * units[offer_id]
        drawn = session.execute(
            update(QuotaContract)
            .where(QuotaContract.id == quota_id, QuotaContract.drawn_minor + worth <= QuotaContract.face_total_minor)
            .values(drawn_minor=QuotaContract.drawn_minor + worth)
            .returning(QuotaContract.id)
            .execution_options(synchronize_session=False)
        ).first()
        if drawn is None:
            return False
        before = session.get(QuotaDraw, (order_id, offer_id), with_for_update=True, populate_existing=True)
        if before is not None and (before.quota_id, before.face_minor) == (quota_id, face):
            before.quantity += units[offer_id]  # More of it, in the place of what another source did not bring.
            session.flush()
            continue
        session.execute(
            insert(QuotaDraw).values(
                order_id=order_id,
                offer_id=offer_id,
                quota_id=quota_id,
                quantity=units[offer_id],
                face_minor=face,
                at=now(session),
                rate_id=rate_id,
            )
        )
    return True


@write
def give_back_quota(session: Session, *, order_id: int, returned: Mapping[int, int]) -> int:
    """Units of an order are on the shelf again: what they drew may be drawn once more. Returns how much face value that was.

    `returned` counts them by offer. Never gives back more than the order drew; what did not draw is passed over.
    """
    rows = session.scalars(
        select(QuotaDraw)
        .where(QuotaDraw.order_id == order_id, QuotaDraw.offer_id.in_(returned))
        .order_by(QuotaDraw.quota_id, QuotaDraw.offer_id)
    ).all()
    back = 0
    for row in rows:
        # The contract is the lock, as it is in the sale.
        session.execute(select(QuotaContract.id).where(QuotaContract.id == row.quota_id).with_for_update())
        session.refresh(row)
        units = min(returned[row.offer_id], row.quantity - row.given_back)
        row.given_back += units
        back += units * row.face_minor
        session.execute(
            update(QuotaContract)
            .where(QuotaContract.id == row.quota_id)
            .values(drawn_minor=QuotaContract.drawn_minor - units * row.face_minor)
            .execution_options(synchronize_session=False)
        )
    session.flush()
    return back


@write
def keep_quotas(session: Session, *, most: int = 100) -> int:
    """Stop offers whose quota does not cover one more unit, and let those sell again whose does; returns how many changed."""
    offers = session.execute(
        select(OfferRow.id).where(OfferRow.quota_id.is_not(None), OfferRow.stopped_at.is_(None)).order_by(OfferRow.id)
    ).scalars()
    units = covered(session, list(offers))
    open_ = set(session.scalars(select(OfferStop.offer_id).where(OfferStop.why == Stop.QUOTA, OfferStop.lifted_at.is_(None))))
    gone = sorted(offer_id for offer_id, left in units.items() if left == 0 and offer_id not in open_)[:most]
    # An offer that was taken off its quota is in `open_` alone.
    again = sorted(offer_id for offer_id in open_ if units.get(offer_id, 1) > 0)[:most]
    changed = stop(session, offer_ids=gone, why=Stop.QUOTA, by="clock")
    return changed + lift(session, offer_ids=again, why=Stop.QUOTA, by="clock")


@read
def drawn_by(session: Session, quota_id: int) -> tuple[int, int]:
    """How many orders, and how many units that did not come back, a quota was drawn for."""
    orders, units = session.execute(
        select(func.count(), func.coalesce(func.sum(QuotaDraw.quantity - QuotaDraw.given_back), 0)).where(QuotaDraw.quota_id == quota_id)
    ).one()
    return int(orders), int(units)
