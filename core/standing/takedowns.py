"""Takedowns: a rights-holder's complaint freezes listing, unsold codes and payouts until the staff have decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, fulfilment, inventory, journal, supply
from core.catalog import Gone
from core.database import now, read, write
from core.errors import N_, Refusal
from core.standing.rules import folded, holds
from core.standing.suppliers import tell_all_staff, tell_members
from core.standing.switches import with_steps
from core.standing.tables import Takedown, TakedownOf, TakedownState, TakedownStep
from core.supply import Stop

VOIDED_AT_ONCE = 2000  # codes in one transaction


@dataclass(eq=False)
class IncompleteComplaint(Refusal):
    says: ClassVar[str] = N_("A complaint needs three lines at least: who complains, their reference, and what they say.")


@dataclass(frozen=True, slots=True)
class StepView:
    """Something that was done or said about a complaint."""

    did: str
    said: str
    facts: dict[str, Any]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TakedownView:
    """A complaint with its whole trail; `offer_ids` are the offers it stops, or has stopped when it was upheld."""

    id: int
    state: TakedownState
    of: TakedownOf
    of_id: int
    brand: str
    who: str
    reference: str
    evidence: str
    by: str
    at: datetime
    decided_at: datetime | None
    decided_by: str | None
    voided: int
    offer_ids: Sequence[int]
    steps: Sequence[StepView]


def ref_of(takedown_id: int) -> str:
    """What the stops of a complaint are told apart by: settlement finds the frozen money of its offers with it."""
    return f"takedown:{takedown_id}"


def offers_about(session: Session, of: TakedownOf, of_id: int, brand: str = "") -> Sequence[int]:
    """The offers that a complaint is about now; raises Gone when there is nothing of this id."""
    if of is TakedownOf.SUPPLIER:
        if supply.supplier(session, of_id) is None:
            raise Gone
        return supply.offers_of(session, of_id)
    if of is TakedownOf.OFFER:
        places = supply.places_of(session, [of_id])
        if not places:
            raise Gone
        steps = [step for place in places for step in fulfilment.steps_sold_for(session, [place.sku_id], supplier_id=place.supplier_id)]
        return [of_id, *(supply.offers_in(session, steps) if steps else ())]
    if of is TakedownOf.SKU:
        if catalog.sku(session, of_id) is None:
            raise Gone
        return with_steps(session, [of_id])
    if of is TakedownOf.PRODUCT:
        if catalog.product(session, of_id) is None:
            raise Gone
        return with_steps(session, [sku.id for sku in catalog.skus_of(session, [of_id], hidden_too=True)])
    key = folded(brand)
    skus = catalog.all_skus(session, hidden_too=True)
    products = catalog.products_of(session, {sku.product_id for sku in skus})
    named = [sku.id for sku in skus if _names(key, products[sku.product_id], sku)]
    return with_steps(session, named) if named else []


def _names(key: str, product: catalog.ProductView, sku: catalog.SkuView) -> bool:
    return holds(f"{product.name} {product.keywords}", key) or holds(sku.name, key)


@read
def about_how_many(session: Session, *, of: TakedownOf, of_id: int, brand: str = "") -> int:
    """How many offers a complaint would stop; raises Gone when there is nothing of this id."""
    return len(offers_about(session, of, of_id, brand))


@write
def register_takedown(
    session: Session, *, of: TakedownOf, of_id: int, brand: str = "", who: str, reference: str, evidence: str, by: str
) -> int:
    """Write a complaint down, and stop every offer it is about in this transaction; returns its id. Raises Gone.

    From now on none of them sells, what is kept for payers is not given to them, nothing more of it is listed or stocked, and the
    money of these offers is not paid out.
    """
    of_id = 0 if of is TakedownOf.BRAND else of_id
    offer_ids = offers_about(session, of, of_id, brand)
    row = Takedown(
        state=TakedownState.OPEN,
        of=of,
        of_id=of_id,
        brand=brand[:100] if of is TakedownOf.BRAND else "",
        who=who[:200],
        reference=reference[:200],
        evidence=evidence,
        by=by,
        at=now(session),
        voided=0,
    )
    session.add(row)
    session.flush()
    supply.stop(session, offer_ids=offer_ids, why=Stop.TAKEDOWN, ref=ref_of(row.id), by=by)
    _step(session, row.id, what="registered", said=evidence, facts={"offers": list(offer_ids)}, by=by)
    journal.record(
        session,
        by=by,
        did="register-takedown",
        about="takedown",
        about_id=row.id,
        after={"who": row.who, "reference": row.reference, "offers": len(offer_ids)},
    )
    body = {"says": "takedown", "takedown": row.id, "what": "registered", "who": row.who, "reference": row.reference}
    tell_all_staff(session, body=body, once=f"takedown:{row.id}")
    for supplier_id in {place.supplier_id for place in supply.places_of(session, offer_ids)}:
        tell_members(session, supplier_id=supplier_id, body=body, once=f"takedown:{row.id}:{supplier_id}")
    return row.id


@write
def add_to_takedown(session: Session, *, takedown_id: int, said: str, by: str) -> None:
    """Keep something more about a complaint: an answer of the supplier, a letter. Raises Gone."""
    row = session.get(Takedown, takedown_id, with_for_update=True)
    if row is None:
        raise Gone
    _step(session, takedown_id, what="added", said=said, facts={}, by=by)
    journal.record(session, by=by, did="add-to-takedown", about="takedown", about_id=takedown_id, after={"text": said[:300]})


@write
def decide_takedown(session: Session, *, takedown_id: int, upheld: bool, reason: str, by: str) -> bool:
    """The staff decide; the first to press does, and False is the answer to everybody after. Raises Gone, OwnSupplier.

    Upheld: the offers are withdrawn for good, their unsold codes become void chunk by chunk, and their money stays frozen for a
    person to decide about. Rejected: whatever nothing else stops sells again.
    """
    row = session.get(Takedown, takedown_id, with_for_update=True)
    if row is None:
        raise Gone
    if row.state is not TakedownState.OPEN:
        return False
    ref = ref_of(takedown_id)
    stopped = supply.places_of(session, supply.stopped_by(session, why=Stop.TAKEDOWN, ref=ref))
    for supplier_id in sorted({place.supplier_id for place in stopped} | ({row.of_id} if row.of is TakedownOf.SUPPLIER else set())):
        supply.not_own(session, supplier_id, by)
    if upheld:
        # What came under it since, too.
        supply.stop(session, offer_ids=offers_about(session, row.of, row.of_id, row.brand), why=Stop.TAKEDOWN, ref=ref, by=by)
    offer_ids = supply.stopped_by(session, why=Stop.TAKEDOWN, ref=ref)
    row.state = TakedownState.UPHELD if upheld else TakedownState.REJECTED
    row.decided_at, row.decided_by = now(session), by
    session.flush()
    if upheld:
        supply.withdraw_for_good(session, offer_ids=offer_ids)
    else:
        supply.lift(session, offer_ids=offer_ids, why=Stop.TAKEDOWN, ref=ref, by=by)
    _step(session, takedown_id, what=row.state.value, said=reason, facts={"offers": list(offer_ids)}, by=by)
    journal.record(
        session,
        by=by,
        did="decide-takedown",
        about="takedown",
        about_id=takedown_id,
        before={"state": TakedownState.OPEN.value},
        after={"state": row.state.value, "reason": reason[:300]},
    )
    body = {"says": "takedown", "takedown": takedown_id, "what": row.state.value, "who": row.who, "reference": row.reference}
    for supplier_id in {place.supplier_id for place in supply.places_of(session, offer_ids)}:
        tell_members(session, supplier_id=supplier_id, body=body, once=f"takedown-over:{takedown_id}:{supplier_id}")
    if upheld:
        void_unsold(session, takedown_id=takedown_id)
    return True


@write
def void_unsold(session: Session, *, takedown_id: int) -> int:
    """Take the next unsold codes of an upheld complaint's offers out for ever; returns how many. At 0 it is over."""
    row = session.get_one(Takedown, takedown_id, with_for_update=True)
    assert row.state is TakedownState.UPHELD, "only what was upheld is void"
    offer_ids = supply.stopped_by(session, why=Stop.TAKEDOWN, ref=ref_of(takedown_id))
    gone = sum(inventory.void_offers(session, offer_ids=offer_ids, most=VOIDED_AT_ONCE).values())
    row.voided += gone
    if not gone and row.voided_at is None:
        row.voided_at = now(session)
        _step(session, takedown_id, what="voided", said="", facts={"codes": row.voided}, by="clock")
    return gone


@write
def void_upheld(session: Session) -> int:
    """The job of it: one chunk of the oldest upheld complaint that still has unsold codes. Returns how many became void."""
    takedown_id = session.scalars(
        select(Takedown.id).where(Takedown.state == TakedownState.UPHELD, Takedown.voided_at.is_(None)).order_by(Takedown.id).limit(1)
    ).one_or_none()
    return 0 if takedown_id is None else void_unsold(session, takedown_id=takedown_id)


@read
def takedowns(session: Session, *, offset: int = 0, limit: int = 10) -> list[TakedownView]:
    """Complaints, open ones first, then the newest; without their trails."""
    rows = session.scalars(select(Takedown).order_by(Takedown.decided_at.is_not(None), Takedown.id.desc()).offset(offset).limit(limit))
    return [_view(session, row, steps=[]) for row in rows]


@read
def takedown(session: Session, takedown_id: int) -> TakedownView | None:
    """A complaint with everything that was done and said about it; None when there is none."""
    row = session.get(Takedown, takedown_id)
    if row is None:
        return None
    steps = session.scalars(select(TakedownStep).where(TakedownStep.takedown_id == takedown_id).order_by(TakedownStep.id))
    return _view(session, row, [StepView(step.did, step.said, step.facts, step.by, step.at) for step in steps])


@read
def open_takedowns(session: Session) -> list[TakedownView]:
    """The complaints nobody has decided about yet."""
    rows = session.scalars(select(Takedown).where(Takedown.state == TakedownState.OPEN).order_by(Takedown.id))
    return [_view(session, row, []) for row in rows]


@read
def frozen_by(session: Session, *, supplier_id: int, sku_id: int) -> list[int]:
    """The complaints, open or upheld, because of which this supplier may not list or stock this denomination now."""
    rows = session.scalars(select(Takedown).where(Takedown.state != TakedownState.REJECTED).order_by(Takedown.id)).all()
    if not rows:
        return []
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if sku is None or product is None:
        return []
    found = []
    for row in rows:
        about = {
            TakedownOf.SUPPLIER: row.of_id == supplier_id and row.state is TakedownState.OPEN,
            TakedownOf.PRODUCT: row.of_id == product.id,
            TakedownOf.SKU: row.of_id == sku_id,
            TakedownOf.OFFER: any(
                place.id == row.of_id and place.sku_id == sku_id and place.supplier_id == supplier_id
                for place in supply.places_of(session, [row.of_id])
            ),
            TakedownOf.BRAND: bool(row.brand) and _names(folded(row.brand), product, sku),
        }
        if about[row.of]:
            found.append(row.id)
    return found


def _view(session: Session, row: Takedown, steps: Sequence[StepView]) -> TakedownView:
    return TakedownView(
        row.id,
        row.state,
        row.of,
        row.of_id,
        row.brand,
        row.who,
        row.reference,
        row.evidence,
        row.by,
        row.at,
        row.decided_at,
        row.decided_by,
        row.voided,
        supply.stopped_by(session, why=Stop.TAKEDOWN, ref=ref_of(row.id)),
        steps,
    )


def _step(session: Session, takedown_id: int, *, what: str, said: str, facts: dict[str, Any], by: str) -> None:
    session.add(TakedownStep(takedown_id=takedown_id, did=what, said=said, facts=facts, by=by, at=now(session)))
