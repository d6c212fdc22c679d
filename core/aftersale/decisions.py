"""What the staff decide: another code, the money back, or no; each once, in one transaction, and in the action log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from dataclasses import replace as replaced

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, inventory, journal, ledger, orders, outbox, people, storefronts, supply
from core.aftersale.commands import close, tell_decided, undecided
from core.aftersale.refusals import MadeForBuyer, NothingToReplace
from core.aftersale.rules import LONGEST
from core.aftersale.tables import Case, CaseState, Outcome
from core.database import now, write
from core.ledger import Leg, TransferKind
from core.orders import Cost
from core.storefronts import Storefront
from core.supply import Offer


@dataclass(frozen=True, slots=True)
class Decided:
    """How a case ended. A code that had been refunded elsewhere meanwhile ends every case as refunded."""

    case_id: int
    outcome: Outcome


@write
def replace(session: Session, *, case_id: int, storefront_id: int, by: str) -> Decided:
    """Give the buyer a new code of the same denomination, from the same source or the next one that has any; the old one is void.

    Only from a source that may sell it to this buyer, and whose quota covers it. The new code is posted as a delivery of the case.
    When it comes from somebody else, the supplier of the old one bears its cost. Raises Gone, CaseDecided, TakenBack and InQuestion
    when its payment is gone or disputed, MadeForBuyer, or NothingToReplace when all are sold out (the case stays open).
    """
    row = undecided(session, case_id, storefront_id)
    orders.lock(session, row.order_id)
    if inventory.lock_sold(session, code_id=row.code_id, order_id=row.order_id) is None:
        return _was_refunded(session, row, by)
    if orders.in_question(session, row.order_id):
        raise orders.InQuestion
    if orders.taken_back(session, row.order_id):
        raise orders.TakenBack
    storefront = storefronts.by_id(session, row.storefront_id)
    old = orders.cost_of(session, order_id=row.order_id, code_id=row.code_id, offer_id=row.offer_id)
    ranked = _sources(session, row, storefront, old)
    new = inventory.exchange(session, order_id=row.order_id, code_id=row.code_id, offer_ids=[offer.id for offer in ranked])
    if new is None:
        raise NothingToReplace(sku_id=row.sku_id)
    source = next(offer for offer in ranked if offer.id == new.offer_id)
    cost = _settle(session, row, storefront, old, source)
    if not _brought_again(old, source):
        drawn = supply.draw_quotas(session, order_id=row.order_id, units={source.id: 1})
        assert drawn, "its quota was locked, and covered it"
        supply.draw_commitments(session, order_id=row.order_id, units={source.id: 1})
        supply.draw_room(session, [source], {source.id: 1})
    orders.exchanged(
        session, order_id=row.order_id, code_id=new.code_id, offer_id=new.offer_id, cost=cost, exclusive=source.exclusive(now(session))
    )
    row.replacement_code_id, row.replacement_offer_id = new.code_id, new.offer_id
    row.replacement_cost_minor, row.replacement_cost_currency = cost.minor, cost.currency
    close(session, row, Outcome.REPLACED, by=by)
    _record(session, row, by)
    tell_decided(session, row)
    if orders.is_outside(session, row.order_id):
        return Decided(case_id, Outcome.REPLACED)  # The program that bought it fetches the new code like the others.
    outbox.post(
        session,
        topic=outbox.Topic.DELIVERY,
        customer_id=row.buyer_id,
        order_id=row.order_id,
        body={"case": row.id, "again": True, "cause": orders.RevealCause.SENT.value},
        once=f"case-parcel:{row.id}",
    )
    return Decided(case_id, Outcome.REPLACED)


def _sources(session: Session, row: Case, storefront: Storefront, old: Cost) -> list[Offer]:
    """The offers that another code may come from: the same source first, the others as they are ranked; their quotas are locked."""
    sku = catalog.sku(session, row.sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    assert product is not None, "what was sold is never deleted"
    if not orders.from_shelf(product):
        raise MadeForBuyer
    offers = [
        # The order it belongs to met the least quantity of its own source.
        replaced(offer, min_quantity=None) if offer.id == row.offer_id else offer
        for offer in supply.ranked(session, [row.sku_id])
    ]
    country = people.country_of(session, row.buyer_id)
    offers = orders.suitable(session, offers, quantity=1, country=country, currency=storefront.currency)
    drawing = [offer.id for offer in offers if offer.quota_id is not None and not _brought_again(old, offer)]
    covered = supply.lock_quotas(session, drawing)
    # Commitments before rooms, as the sale locks them.
    supply.lock_set_aside(session, [offer.id for offer in offers if not offer.plain])
    room = supply.units_in_room(session, [offer for offer in offers if not _brought_again(old, offer)], lock=True)
    covered |= {offer_id: min(units, covered.get(offer_id, units)) for offer_id, units in room.items()}
    # Others may have been waited for, and an offer stopped meanwhile.
    selling = supply.selling(session, [offer.id for offer in offers])
    return sorted(
        (offer for offer in offers if offer.id in selling and covered.get(offer.id, 1) > 0), key=lambda offer: offer.id != row.offer_id
    )


def _brought_again(old: Cost, new: Offer) -> bool:
    """Does the one who is credited with the bad code bring a good one for it? Then what was booked and drawn for it stands."""
    return old.payable_id is not None and old.payable_id == new.payable_id


def _settle(session: Session, row: Case, storefront: Storefront, old: Cost, new: Offer) -> Cost:
    """When another source stands in, the old one's earning goes to it, and the shop pays or keeps the difference.

    Gives what is booked for the new code from now on.
    """
    if _brought_again(old, new):
        return old
    legs: list[Leg] = []
    if old.payable_id is not None and old.minor > 0:
        legs.append(Leg(old.payable_id, storefront.sales_account_id, old.minor, old.currency))
    if new.payable_id is not None and new.cost_minor > 0:
        legs.append(Leg(storefront.sales_account_id, new.payable_id, new.cost_minor, new.cost_currency))
    if legs:
        ledger.transfer(
            session,
            key=f"case:{row.id}:replaced",
            kind=TransferKind.ADJUSTMENT,
            party_id=storefront.party_id,
            legs=legs,
            subject_id=row.id,
            note=f"case {row.id}",
        )
    return Cost(new.cost_minor, new.cost_currency, new.payable_id)


@write
def refund(session: Session, *, case_id: int, storefront_id: int, by: str) -> Decided:
    """Give the buyer the money of the code back. Raises Gone, CaseDecided, and what a refund raises (the case stays open then)."""
    row = undecided(session, case_id, storefront_id)
    orders.lock(session, row.order_id)
    if inventory.lock_sold(session, code_id=row.code_id, order_id=row.order_id) is None:
        return _was_refunded(session, row, by)
    orders.refund_codes(
        session, order_id=row.order_id, code_ids=[row.code_id], reason=f"case {row.id}: {row.reason.value}", by=by, once=f"case:{row.id}"
    )
    close(session, row, Outcome.REFUNDED, by=by)
    _record(session, row, by)
    tell_decided(session, row)
    return Decided(case_id, Outcome.REFUNDED)


@write
def refund_codes(
    session: Session,
    *,
    order_id: int,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    to: orders.RefundTo = orders.RefundTo.WALLET,
    whole_only: bool = False,
) -> orders.Refunded:
    """`orders.refund_codes` by the staff, and the decision of every open case about these codes: no money of a code goes round its case.

    Raises what that raises; then the cases stay open.
    """
    # Case, then order, as every decision.
    rows = session.scalars(
        select(Case)
        .where(Case.order_id == order_id, Case.state != CaseState.DECIDED)
        .order_by(Case.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    made = orders.refund_codes(session, order_id=order_id, code_ids=code_ids, reason=reason, by=by, once=once, to=to, whole_only=whole_only)
    left = inventory.still_sold(session, [row.code_id for row in rows])
    for row in rows:
        if row.code_id not in left:
            close(session, row, Outcome.REFUNDED, by=by)
            _record(session, row, by)
            tell_decided(session, row)
    return made


@write
def refuse(session: Session, *, case_id: int, storefront_id: int, by: str, why: str | None = None, why_text: str | None = None) -> Decided:
    """Say no, with a usual reason by its name or a typed one; the buyer is told it. Raises Gone or CaseDecided."""
    said = None if why_text is None else why_text.replace("\x00", " ").strip()[:LONGEST]
    assert bool(why) != bool(said), "a refusal has one reason"
    row = undecided(session, case_id, storefront_id)
    close(session, row, Outcome.REFUSED, by=by, why=why, why_text=said)
    _record(session, row, by)
    tell_decided(session, row)
    return Decided(case_id, Outcome.REFUSED)


def _was_refunded(session: Session, row: Case, by: str) -> Decided:
    close(session, row, Outcome.REFUNDED, by=by, why="elsewhere")
    _record(session, row, by)
    tell_decided(session, row)
    return Decided(row.id, Outcome.REFUNDED)


def _record(session: Session, row: Case, by: str) -> None:
    assert row.outcome is not None
    reason = row.why_text or row.why
    journal.record(
        session,
        by=by,
        did="decide-case",
        about="case",
        about_id=row.id,
        before={"outcome": None},
        after={"outcome": row.outcome.value, "order": orders.number_of(row.order_id)} | ({"reason": reason[:200]} if reason else {}),
    )
