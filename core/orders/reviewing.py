"""What the staff decide about an order that is held: it is sent, or its money goes back; the first press decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, outbox, payments, people
from core.database import now, read, write
from core.orders.fulfilling import call_off, let_go
from core.orders.outside import is_outside, turned
from core.orders.queries import OrderDetail, detail
from core.orders.refunds import NoWayBack, OnlyWhole, Refunded, refund_codes
from core.orders.seals import TakenBack, locked, taken_back
from core.orders.showing import Shown, shown
from core.orders.tables import Order, OrderState, Refund, RefundTo
from core.payments import DisputeView
from core.people import Customer


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of a decision: `decided` is False when the order was not held any more, and nothing was done."""

    order_id: int
    decided: bool
    refund: Refunded | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """The facts by which an order is released or not; the buyer's counts are of their other orders."""

    order: OrderDetail
    buyer: Customer
    since: datetime
    orders: int
    refunds: int
    held_before: int
    disputes: list[DisputeView]
    shown: list[Shown]


@read
def review(session: Session, order_id: int) -> Review | None:
    """An order with what is known of its buyer, for the staff; None when there is none."""
    found = detail(session, order_id=order_id)
    if found is None:
        return None
    buyer = people.by_id(session, found.card.buyer_id)
    others = (Order.buyer_id == buyer.id, Order.id != order_id)
    paid = Order.state.in_((OrderState.FULFILLING, OrderState.ISSUED, OrderState.REFUNDED))
    count, held, first = session.execute(
        select(func.count(), func.count(Order.held_until), func.min(Order.placed_at)).where(*others, paid)
    ).one()
    refunds = session.scalar(select(func.count()).select_from(Refund).join(Order, Order.id == Refund.order_id).where(*others))
    return Review(
        found,
        buyer,
        found.card.placed_at if not count else min(first, found.card.placed_at),
        int(count),
        int(refunds or 0),
        int(held),
        payments.disputes_of(session, customer_id=buyer.id),
        shown(session, order_id),
    )


@write
def release(session: Session, *, order_id: int, by: str) -> Reviewed:
    """A held order is sent; a sealed one is sent sealed. Raises Gone, and TakenBack when its payment was given back meanwhile."""
    order = locked(session, order_id)
    if not order.held:
        return Reviewed(order_id, decided=False)
    if taken_back(session, order_id):
        raise TakenBack
    order.released_at, order.released_by = now(session), by
    session.flush()
    if order.state is OrderState.FULFILLING:
        let_go(session, order)  # Now its sources are asked; it is sent when it is there.
        return _released(session, order_id, by)
    # What waits for a buyer who has blocked the bot would bring the codes once more when they are back.
    outbox.call_off(session, order_id=order_id, why="released")
    # A courier that has a delivery in hand has not asked for the codes yet (asking would have ended it): that one brings them.
    if is_outside(session, order_id):
        turned(session, order_id)  # A program fetches its codes; it is told that it may.
    elif all(sent.done_at is not None for sent in outbox.of_order(session, order_id=order_id)):
        outbox.post(session, topic=outbox.Topic.DELIVERY, customer_id=order.buyer_id, order_id=order_id)
    return _released(session, order_id, by)


def _released(session: Session, order_id: int, by: str) -> Reviewed:
    journal.record(session, by=by, did="release-order", about="order", about_id=order_id, before={"held": True}, after={"held": False})
    return Reviewed(order_id, decided=True)


@write
def refund_held(session: Session, *, order_id: int, by: str, to_source: bool, whole_only: bool, reason: str = "") -> Reviewed:
    """A held order is not sent: all of its money goes back where it was paid from, or else to the balance, and its codes to the shelf.

    `to_source` says whether the way it was paid by can give back, `whole_only` that it can only give back whole. Raises Gone.
    """
    order = locked(session, order_id)
    if not order.held:
        return Reviewed(order_id, decided=False)
    if order.state is OrderState.FULFILLING:
        # What was asked for before it was held is waited for, and is held when it is there.
        called = call_off(session, order_id=order_id, by=by, reason=reason)
        return Reviewed(order_id, decided=called > 0)
    once = f"held:{order_id}"
    if to_source and not payments.in_dispute(session, customer_id=order.buyer_id):
        try:
            made = refund_codes(
                session, order_id=order_id, code_ids=None, reason=reason, by=by, once=once, to=RefundTo.SOURCE, whole_only=whole_only
            )
            return Reviewed(order_id, decided=True, refund=made)
        except (NoWayBack, OnlyWhole):
            pass  # Decided before anything was written; the balance takes it.
    made = refund_codes(session, order_id=order_id, code_ids=None, reason=reason, by=by, once=once)
    return Reviewed(order_id, decided=True, refund=made)
