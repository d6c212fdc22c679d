"""A supplier changes what a code of theirs costs: less at once, more when the staff agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal, outbox
from core.database import now, read, write
from core.supply.costs import put_cost
from core.supply.foreign import foreign_cost
from core.supply.members import not_own
from core.supply.stocking import offer_of_member
from core.supply.tables import CostWish
from core.supply.tables import Offer as OfferRow


@dataclass(frozen=True, slots=True)
class WishView:
    """A wish for a higher cost of an offer; amounts in minor units of `currency`. `granted` is None while it is open or was replaced."""

    id: int
    offer_id: int
    sku_id: int
    supplier_id: int
    before_minor: int
    wanted_minor: int
    currency: str
    at: datetime
    decided_at: datetime | None
    granted: bool | None


def _view(row: CostWish, offer: OfferRow) -> WishView:
    return WishView(
        row.id,
        row.offer_id,
        offer.sku_id,
        offer.supplier_id,
        row.before_minor,
        row.wanted_minor,
        row.currency,
        row.at,
        row.decided_at,
        row.granted,
    )


def _agreed(session: Session, offer: OfferRow) -> tuple[int, str]:
    """What a unit costs as it was agreed with the supplier."""
    foreign = foreign_cost(session, offer.id)
    return (offer.cost_minor, offer.cost_currency) if foreign is None else (foreign.minor, foreign.currency)


@write
def wish_cost(session: Session, *, offer_id: int, telegram_id: int, customer_id: int, cost_minor: int, by: str) -> WishView | None:
    """What a code is to cost from now on, in the currency it was agreed in: a lower cost holds at once, and None is returned.

    A higher one is a wish that the staff decide on, in place of an older open one. Raises NotYours, and what `set_cost` raises.
    """
    offer_of_member(session, offer_id=offer_id, telegram_id=telegram_id)
    offer = session.get_one(OfferRow, offer_id, with_for_update=True)
    session.execute(
        update(CostWish).where(CostWish.offer_id == offer_id, CostWish.decided_at.is_(None)).values(decided_at=now(session), decided_by=by)
    )
    before_minor, currency = _agreed(session, offer)
    if cost_minor <= before_minor:
        put_cost(session, offer_id=offer_id, cost_minor=cost_minor, cost_currency=currency, by=by)
        return None
    row = CostWish(
        offer_id=offer_id,
        before_minor=before_minor,
        wanted_minor=cost_minor,
        currency=currency,
        customer_id=customer_id,
        by=by,
        at=now(session),
    )
    session.add(row)
    session.flush()
    journal.record(
        session,
        by=by,
        did="wish-cost",
        about="offer",
        about_id=offer_id,
        before={"cost_minor": before_minor, "currency": currency},
        after={"cost_minor": cost_minor, "currency": currency},
    )
    return _view(row, offer)


@write
def decide_wish(session: Session, *, wish_id: int, granted: bool, by: str) -> bool:
    """The staff say yes or no to a higher cost; False when it is no longer open, or the cost is another by now: nothing is changed.

    Whoever asked is told. Raises OwnSupplier, and what `set_cost` raises.
    """
    found = session.get(CostWish, wish_id)
    if found is None:
        return False
    not_own(session, session.get_one(OfferRow, found.offer_id).supplier_id, by)
    # The offer first, as in `wish_cost`, so that the two never wait for each other.
    offer = session.get_one(OfferRow, found.offer_id, with_for_update=True)
    row = session.get_one(CostWish, wish_id, with_for_update=True, populate_existing=True)
    if row.decided_at is not None:
        return False
    if granted and _agreed(session, offer) != (row.before_minor, row.currency):
        return False
    row.decided_at, row.decided_by, row.granted = now(session), by, granted
    journal.record(session, by=by, did="decide-cost-wish", about="offer", about_id=row.offer_id, after={"wish": row.id, "granted": granted})
    if granted:
        put_cost(session, offer_id=row.offer_id, cost_minor=row.wanted_minor, cost_currency=row.currency, by=by)
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=row.customer_id,
        body={"says": "cost-wish-decided", "wish": row.id},
        once=f"cost-wish:{row.id}",
    )
    return True


@read
def wish(session: Session, wish_id: int) -> WishView | None:
    """One wish."""
    row = session.get(CostWish, wish_id)
    return None if row is None else _view(row, session.get_one(OfferRow, row.offer_id))


@read
def open_wishes(session: Session, *, offer_id: int | None = None, limit: int = 20) -> list[WishView]:
    """The wishes nobody has decided on, oldest first; of one offer when it is given."""
    question = select(CostWish, OfferRow).join(OfferRow, OfferRow.id == CostWish.offer_id).where(CostWish.decided_at.is_(None))
    if offer_id is not None:
        question = question.where(CostWish.offer_id == offer_id)
    return [_view(row, offer) for row, offer in session.execute(question.order_by(CostWish.id).limit(limit))]
