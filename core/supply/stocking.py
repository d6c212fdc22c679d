"""What a supplier's own people may do with their offers: bring codes in, take them back, pause, say how many more there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory, journal
from core.database import read, write
from core.errors import N_, Refusal
from core.inventory import LinkView, TakeBackView
from core.supply.commitments.drawing import set_aside
from core.supply.declared import declare
from core.supply.stops import lift, stop, stops
from core.supply.tables import Member, Offer, SourceClass, Standing, Stop, Supplier

# The shop itself, and creators for whom the staff answer; whether a creator may list without one is asked above (decision 17).
NEED_NO_PAPER = (Standing.OWN, Standing.CREATOR)
MOST_DECLARED = 10**9


@dataclass(eq=False)
class NotYours(Refusal):
    says: ClassVar[str] = N_("This offer is not yours, or it is gone. Please open /supply again.")


@dataclass(eq=False)
class ObjectedTo(Refusal):
    says: ClassVar[str] = N_("A rights-holder objects to this offer, so its codes stay here until the shop has looked into it.")


@dataclass(eq=False)
class StillPromised(Refusal):
    says: ClassVar[str] = N_(
        "You have promised {promised} more codes of this offer to the shop, so only {free} of those on the shelf can go back. "
        "Nothing was changed."
    )

    promised: int
    free: int


@dataclass(eq=False)
class IsSuspended(Refusal):
    says: ClassVar[str] = N_(
        "Your supply is suspended for now, so nothing can be brought in. What you have sold is still yours; please ask the shop."
    )


@dataclass(eq=False)
class NoPaper(Refusal):
    says: ClassVar[str] = N_(
        "This offer rests on no approved paper yet, so nothing can be brought in. Please send the paper first, under 📄 Papers."
    )


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """An offer as its supplier sees it; `closed` while there is a reason for which it does not sell."""

    id: int
    supplier_id: int
    sku_id: int
    cost_minor: int
    cost_currency: str
    source_class: SourceClass
    document_id: int | None
    declared: int | None
    declared_at: datetime | None
    since: datetime
    closed: bool


def _facts(row: Offer) -> OfferFacts:
    return OfferFacts(
        row.id,
        row.supplier_id,
        row.sku_id,
        row.cost_minor,
        row.cost_currency,
        row.source_class,
        row.document_id,
        row.declared,
        row.declared_at,
        row.since,
        row.closed_at is not None,
    )


@read
def offers_with_facts(session: Session, supplier_id: int) -> list[OfferFacts]:
    """A supplier's offers that are not withdrawn, the oldest first; not those whose goods the shop owns, which it bought of them."""
    rows = session.scalars(
        select(Offer).where(Offer.supplier_id == supplier_id, Offer.stopped_at.is_(None), Offer.payable_id.is_not(None)).order_by(Offer.id)
    )
    return [_facts(row) for row in rows]


@dataclass(frozen=True, slots=True)
class OfferOfSku:
    """Whose offer of a denomination it is."""

    id: int
    supplier_id: int
    supplier_name: str


@read
def offers_of_sku(session: Session, sku_id: int) -> list[OfferOfSku]:
    """Every offer of a denomination with its supplier's name, withdrawn ones too, oldest first."""
    rows = session.execute(
        select(Offer.id, Supplier.id, Supplier.name)
        .join(Supplier, Supplier.id == Offer.supplier_id)
        .where(Offer.sku_id == sku_id)
        .order_by(Offer.id)
    )
    return [OfferOfSku(*row) for row in rows]


@read
def offer_of_member(session: Session, *, offer_id: int, telegram_id: int) -> OfferFacts:
    """An offer of a supplier for whom this person acts; raises NotYours, also of goods that the shop owns."""
    row = session.scalars(
        select(Offer)
        .join(Member, Member.supplier_id == Offer.supplier_id)
        .where(Offer.id == offer_id, Offer.stopped_at.is_(None), Offer.payable_id.is_not(None), Member.telegram_id == telegram_id)
    ).one_or_none()
    if row is None:
        raise NotYours
    return _facts(row)


@read
def to_be_stocked(session: Session, *, offer_id: int, telegram_id: int) -> OfferFacts:
    """An offer that this person may bring codes to now; raises NotYours, IsSuspended, NoPaper."""
    facts = offer_of_member(session, offer_id=offer_id, telegram_id=telegram_id)
    supplier = session.get_one(Supplier, facts.supplier_id)
    if supplier.suspended_at is not None:
        raise IsSuspended
    if facts.document_id is None and supplier.standing not in NEED_NO_PAPER:
        raise NoPaper
    return facts


def _locked(session: Session, offer_id: int, telegram_id: int) -> Offer:
    offer_of_member(session, offer_id=offer_id, telegram_id=telegram_id)
    return session.get_one(Offer, offer_id, with_for_update=True)


@write
def make_upload_link(session: Session, *, offer_id: int, telegram_id: int, customer_id: int, by: str) -> tuple[str, LinkView]:
    """A one-time link for a file to this offer; raises what `to_be_stocked` and `inventory.make_link` raise."""
    facts = to_be_stocked(session, offer_id=offer_id, telegram_id=telegram_id)
    return inventory.make_link(session, supplier_id=facts.supplier_id, offer_id=offer_id, customer_id=customer_id, by=by)


@write
def take_stock_back(session: Session, *, offer_id: int, telegram_id: int, customer_id: int, quantity: int, by: str) -> TakeBackView:
    """Unsold codes of an offer go back to their supplier, also of a suspended one: they are theirs.

    Not while a rights-holder objects: then they are what is argued about; and not what they have promised the shop by a commitment in
    force, unless it has suspended them. Raises NotYours, ObjectedTo, StillPromised, NothingOnShelf.
    """
    _locked(session, offer_id, telegram_id)
    reasons = {one.why for one in stops(session, [offer_id])}
    if Stop.TAKEDOWN in reasons:
        raise ObjectedTo
    aside = None if Stop.SUSPENDED in reasons else set_aside(session, [offer_id]).get(offer_id)
    if aside is not None and aside.by_supplier:
        free = max(0, inventory.on_shelf(session, [offer_id])[offer_id] - aside.left)
        if quantity > free:
            raise StillPromised(promised=aside.left, free=free)
    return inventory.take_off(session, offer_id=offer_id, quantity=quantity, customer_id=customer_id, by=by)


@write
def pause_own(session: Session, *, offer_id: int, telegram_id: int, paused: bool, by: str) -> bool:
    """Their supplier lets an offer sell no more, or sell again; False when it was so already. Other reasons to stop stay."""
    offer_of_member(session, offer_id=offer_id, telegram_id=telegram_id)
    if paused:
        changed = stop(session, offer_ids=[offer_id], why=Stop.PAUSED, ref="supplier", by=by)
    else:
        changed = lift(session, offer_ids=[offer_id], why=Stop.PAUSED, ref="supplier", by=by)
    if changed:
        did = "pause-offer" if paused else "resume-offer"
        journal.record(session, by=by, did=did, about="offer", about_id=offer_id, before={"paused": not paused}, after={"paused": paused})
    return bool(changed)


@write
def declare_own(session: Session, *, offer_id: int, telegram_id: int, quantity: int | None, by: str) -> None:
    """How many units their supplier says they have besides those on the shelf; None: only what is on the shelf."""
    assert quantity is None or 0 <= quantity <= MOST_DECLARED, "checked where it was typed"
    _locked(session, offer_id, telegram_id)
    declare(session, offer_id=offer_id, quantity=quantity, by=by)
