"""A supplier lists goods: every gate asked in the transaction that makes the offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import Session

from core import journal, payments, standing, supply
from core.catalog import Gone
from core.database import read, write
from core.errors import N_, Refusal
from core.onboarding.deposits import ready
from core.onboarding.documents import DocumentView, document, documents_of
from core.onboarding.tables import PaperKind
from core.supply import NoPaper, Offer, SourceClass, Standing, Stop, SupplierView

_ABOUT_PEOPLE = (PaperKind.IDENTITY, PaperKind.REGISTRATION)
# On what else than its own name the work of a creator rests: proof that they made it, or the letter of who did.
_OF_WORKS = (PaperKind.WORKS, PaperKind.AUTHORISATION)


@dataclass(eq=False)
class DepositFirst(Refusal):
    says: ClassVar[str] = N_("Before you list anything, the shop asks for a deposit: /supply shows it.")


@dataclass(eq=False)
class PaperOver(Refusal):
    says: ClassVar[str] = N_(
        "The paper of this offer has run out, so nothing more can be brought in. Please send a newer one: /supply, 📄 Papers, 🔄 Renew."
    )


@dataclass(eq=False)
class PaperUnproven(Refusal):
    says: ClassVar[str] = N_(
        "The certificate of this paper has not been confirmed yet, so nothing can be listed as authorised on it. Please wait until it is."
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """An offer that was made; `waits` when it sells only after the staff have approved it."""

    offer: Offer
    waits: bool


def needs_paper(of: Standing) -> bool:
    """Must offers of suppliers of this standing rest on an approved paper? Everybody's but the shop's own; see decision 17."""
    return of is not Standing.OWN


def carries(kind: PaperKind, of: Standing) -> bool:
    """May goods of suppliers of this standing rest on a paper of this kind? Those that say who somebody is carry nobody's."""
    return kind in _OF_WORKS if of is Standing.CREATOR else kind not in _ABOUT_PEOPLE


@read
def papers_for_listing(session: Session, supplier_id: int) -> Sequence[DocumentView]:
    """The approved papers of a supplier on which goods may rest today."""
    found = supply.supplier(session, supplier_id)
    if found is None:
        return []
    return [paper for paper in documents_of(session, supplier_id) if paper.good and carries(paper.kind, found.standing)]


@read
def may_list(session: Session, *, supplier: SupplierView, sku_id: int) -> None:
    """May they list this denomination at all? Raises DepositFirst, NoPaper, and what `standing.may_list` raises."""
    if not ready(session, supplier.id):
        raise DepositFirst
    papers = papers_for_listing(session, supplier.id)
    standing.may_list(session, supplier_id=supplier.id, sku_id=sku_id, scope=" ".join(paper.scope for paper in papers if paper.proven))
    if needs_paper(supplier.standing) and not papers:
        raise NoPaper


@read
def may_stock(session: Session, *, supplier: SupplierView, sku_id: int, quantity: int) -> None:
    """May they bring so many more codes? `quantity` 0 asks before it is known.

    The paper on which their offer of this denomination rests must be good today, however many others they have: one that has run out
    stops new codes as it stops new listings. Raises DepositFirst, NoPaper, PaperOver, and as `standing.may_stock`.
    """
    if not ready(session, supplier.id):
        raise DepositFirst
    if needs_paper(supplier.standing):
        _good_paper(session, supplier, sku_id)
    standing.may_stock(session, supplier_id=supplier.id, sku_id=sku_id, quantity=quantity)


def _good_paper(session: Session, of: SupplierView, sku_id: int) -> None:
    rests_on = next((one.document_id for one in supply.offers_with_facts(session, of.id) if one.sku_id == sku_id), None)
    paper = None if rests_on is None else document(session, rests_on)
    if paper is None:
        # What the staff offer for a creator, or a creator did before decision 17, is answered for by the staff.
        if of.standing is not Standing.CREATOR:
            raise NoPaper
    elif not paper.good:
        raise PaperOver


def _gates(session: Session, of: SupplierView, *, sku_id: int, source_class: SourceClass, document_id: int | None) -> None:
    """May goods of theirs be listed as this, on this paper? Raises DepositFirst, NoPaper, and what `standing.may_list` raises."""
    if not ready(session, of.id):
        raise DepositFirst
    paper = None if document_id is None else document(session, document_id)
    if needs_paper(of.standing) and paper not in papers_for_listing(session, of.id):
        raise NoPaper
    if source_class is SourceClass.AUTHORISED and paper is not None and not paper.proven:
        raise PaperUnproven
    # A brand is opened by a letter that was found genuine, and by no other.
    scope = paper.scope if paper is not None and paper.proven else ""
    standing.may_list(session, supplier_id=of.id, sku_id=sku_id, source_class=source_class, scope=scope)


def _rests_on_this(session: Session, offer_id: int, by: str) -> None:
    """What an offer's former paper had stopped is over: it rests on a good one."""
    for one in supply.stops(session, [offer_id]):
        if one.why is Stop.PAPER:
            supply.lift(session, offer_ids=[offer_id], why=Stop.PAPER, by=by, ref=one.ref)


def bought_by_us(source_class: SourceClass) -> bool:
    """Are such goods the shop's, whoever brings them? Then no supplier's paper carries them, and no supplier's rights bound them."""
    return source_class in (SourceClass.PURCHASED, SourceClass.UPSTREAM)


@write
def offer_for(
    session: Session,
    *,
    supplier_id: int,
    sku_id: int,
    cost_minor: int,
    cost_currency: str,
    source_class: SourceClass,
    document_id: int | None,
    by: str,
) -> Offer:
    """The staff list goods in a supplier's name: by the gates and on the papers that bind the supplier, and nobody approves it again.

    The shop's own goods, and those it has bought, rest on no supplier's paper. Raises what `list_offer` raises, Gone, and OwnSupplier.
    """
    found = supply.supplier(session, supplier_id)
    if found is None:
        raise Gone
    theirs = found.standing is not Standing.OWN and not bought_by_us(source_class)
    if theirs:
        _gates(session, found, sku_id=sku_id, source_class=source_class, document_id=document_id)
    made = supply.new_offer(
        session,
        supplier_id=supplier_id,
        sku_id=sku_id,
        cost_minor=cost_minor,
        cost_currency=cost_currency,
        source_class=source_class,
        document_id=document_id if theirs else None,
        by=by,
    )
    if theirs:
        _rests_on_this(session, made.id, by)
        standing.hold_to_rules(session, offer_ids=[made.id])
    return made


@write
def rest_on(session: Session, *, offer_id: int, by: str, source_class: SourceClass | None = None, document_id: int | None = None) -> Offer:
    """Say anew what an offer's goods are, or on which paper they rest; without a new one the paper stays as it is.

    Of a supplier's goods the class must be one that their standing allows, and the paper one of theirs that carries goods today. Raises
    Gone, NoPaper, `standing.ClassNotAllowed`, and what `supply.change_offer` raises.
    """
    view = supply.offer_view(session, offer_id)
    found = None if view is None else supply.supplier(session, view.supplier_id)
    if view is None or found is None:
        raise Gone
    wanted = source_class or view.source_class
    if found.standing is not Standing.OWN and not bought_by_us(wanted):
        if wanted not in standing.rights(session, found.standing).classes:
            raise standing.ClassNotAllowed(source_class=wanted.value)
        papers = {paper.id: paper for paper in papers_for_listing(session, found.id)}
        if document_id is not None and document_id not in papers:
            raise NoPaper
        on = document_id or view.document_id
        if wanted is SourceClass.AUTHORISED and on in papers and not papers[on].proven:
            raise PaperUnproven
    else:
        document_id = None
    made = supply.change_offer(session, offer_id=offer_id, source_class=source_class, document_id=document_id, by=by)
    if document_id is not None:
        _rests_on_this(session, offer_id, by)
    return made


@write
def list_offer(
    session: Session,
    *,
    storefront_id: int,
    supplier_id: int,
    sku_id: int,
    cost_minor: int,
    cost_currency: str,
    source_class: SourceClass,
    document_id: int | None,
    by: str,
) -> Listed:
    """A supplier offers a denomination, at a cost, resting on one of their papers.

    Raises DepositFirst, NoPaper when the paper is not theirs or not good any more, what `standing.may_list` raises, and what
    `supply.new_offer` raises.
    """
    found = supply.supplier(session, supplier_id)
    assert found is not None, "who lists is a supplier"
    _gates(session, found, sku_id=sku_id, source_class=source_class, document_id=document_id)
    made = supply.new_offer(
        session,
        supplier_id=supplier_id,
        sku_id=sku_id,
        cost_minor=cost_minor,
        cost_currency=cost_currency,
        source_class=source_class,
        document_id=document_id if needs_paper(found.standing) else None,
        by=by,
        listed=True,
    )
    _rests_on_this(session, made.id, by)
    standing.hold_to_rules(session, offer_ids=[made.id])
    waits = standing.rights(session, found.standing).approve
    if waits:
        supply.stop(session, offer_ids=[made.id], why=Stop.APPROVAL, by="rules")
        body = {"says": "offer-waits", "offer": made.id}
        payments.tell_staff(session, storefront_id=storefront_id, body=body, once=f"offer-waits:{made.id}:{made.version or 0}")
    return Listed(made, waits)


@write
def approve_offer(session: Session, *, offer_id: int, by: str) -> bool:
    """The staff have looked at a new offer: it sells, unless something else stops it. False when it did not wait for them.

    Raises OwnSupplier.
    """
    for place in supply.places_of(session, [offer_id]):
        supply.not_own(session, place.supplier_id, by)
    lifted = supply.lift(session, offer_ids=[offer_id], why=Stop.APPROVAL, by=by) > 0
    if lifted:
        journal.record(session, by=by, did="approve-offer", about="offer", about_id=offer_id, after={"approved": True})
    return lifted
