"""The end of orders nobody pays, and what placing and settling share about an order that waits."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import coupons, inventory, payments
from core.catalog import Gone
from core.database import now, write
from core.orders.outside import turned
from core.orders.tables import Order, OrderLine, OrderState


def lock_order_of(session: Session, intent_id: int | None) -> None:
    """Order first, then intent, as those do who end an order: two who lock in different orders would wait for each other."""
    intent = None if intent_id is None else payments.intent(session, intent_id)
    if intent is not None and intent.order_id is not None:
        session.execute(select(Order.id).where(Order.id == intent.order_id).with_for_update())


def line_of(session: Session, order_id: int) -> OrderLine:
    """The line of an order that waits: it has one until it is known which sources give the codes."""
    return session.scalars(select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.seq).limit(1)).one()


def end(session: Session, order: Order, state: OrderState, cause: str) -> None:
    """Close an order nobody will be given codes for; its coupon may be used again."""
    _close(session, order, state, cause)
    coupons.release(session, [order.id])


def _close(session: Session, order: Order, state: OrderState, cause: str) -> None:
    held = inventory.open_hold(session, order.id)
    if held is not None:
        inventory.end_hold(session, hold_id=held.id, lapsed=state is OrderState.EXPIRED)
    order.state = state
    payments.close_intents_of(session, order_id=order.id, cause=cause)
    session.flush()
    turned(session, order.id)


@write
def cancel(session: Session, *, order_id: int, buyer_id: int) -> None:
    """The buyer no longer wants to pay; raises Gone when it is not their pending order."""
    order = session.get(Order, order_id, with_for_update=True)
    if order is None or order.buyer_id != buyer_id or order.state is not OrderState.PENDING:
        raise Gone
    end(session, order, OrderState.CANCELLED, "cancelled by the buyer")


@write
def claim(session: Session, *, intent_id: int, receipt: str, is_photo: bool) -> bool:
    """The payer of a transfer says the money is sent: the order and its payment wait until a person has looked. False when over."""
    lock_order_of(session, intent_id)
    until = payments.claim(session, intent_id=intent_id, receipt=receipt, is_photo=is_photo)
    intent = payments.intent(session, intent_id)
    if until is None or intent is None:
        return False
    order = None if intent.order_id is None else session.get(Order, intent.order_id, with_for_update=True)
    if order is not None and order.expires_at is not None and order.expires_at < until:
        order.expires_at = until
    return True


@write
def expire(session: Session, *, most: int = 100) -> int:
    """Close orders nobody paid in time and put what they held back; several processes may do this at once. Returns how many."""
    rows = session.scalars(
        select(Order)
        .where(Order.state == OrderState.PENDING, Order.expires_at <= now(session))
        .order_by(Order.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for order in rows:
        _close(session, order, OrderState.EXPIRED, "nobody paid in time")
    # All at once: each coupon's row is locked in the same order by everybody.
    coupons.release(session, [order.id for order in rows])
    return len(rows)


@write
def release_lapsed_holds(session: Session, *, most: int = 100) -> int:
    """End holds whose time is over; the order may still be paid while there is stock. Returns how many."""
    lapsed = inventory.expired_holds(session, most=most)
    for held in lapsed:
        inventory.end_hold(session, hold_id=held.id, lapsed=True)
    return len(lapsed)
