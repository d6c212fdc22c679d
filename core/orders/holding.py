"""Held for review: paid with money that its payer can take back, an order is not sent before a person has looked at it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import fulfilment, ledger, outbox, payments, storefronts
from core.catalog import ProductView
from core.database import micros, now, write
from core.orders.tables import Order, OrderState, Refund, RefundState
from core.people import Customer
from core.storefronts import Storefront


def must_hold(
    session: Session, *, product: ProductView, total_minor: int, customer: Customer, storefront: Storefront, reversible: bool
) -> bool:
    """Is an order of this product, about to be taken out of this wallet, to be looked at before it is sent?

    It is when it was paid for reversibly, and when the wallet could not pay it without what came reversibly in the last days (a
    setting), or is in dispute: a top-up by card is no way around. Money is not marked, so all of that counts as if it were still
    there: rather one order too many is looked at. To be asked with the wallet locked, before it pays.
    """
    if not product.held:
        return False
    balance = ledger.room(session, customer.wallet_id).spendable_minor
    return reversible or total_minor > balance - _reversible(session, customer, storefront)


def _reversible(session: Session, customer: Customer, storefront: Storefront) -> int:
    """What came reversibly and went into no order that stands: top-ups, payments that were only credited, and refunds to the wallet."""
    since = now(session) - timedelta(days=storefront.reversible_days)
    came = payments.reversible_money(session, customer_id=customer.id, since=since)
    orders = {one.order_id for one in came if one.order_id is not None}
    issued = {
        order.id: order.total_minor
        for order in session.scalars(select(Order).where(Order.id.in_(orders), Order.state.in_((OrderState.ISSUED, OrderState.REFUNDED))))
    }
    spent = dict(issued)
    found = 0
    for one in came:
        in_order = min(one.worth_minor, spent.get(one.order_id, 0)) if one.order_id is not None else 0
        if in_order and one.order_id is not None:
            spent[one.order_id] -= in_order
        found += one.worth_minor - in_order
    back = session.scalar(
        select(
            func.coalesce(func.sum(Refund.amount_minor), 0)
            - func.coalesce(func.sum(Refund.source_minor).filter(Refund.state != RefundState.DECLINED), 0)
        ).where(Refund.order_id.in_(issued))
    )
    return found + int(back or 0)


@write
def hold_back(session: Session, *, order_id: int, why: str = "review") -> None:
    """Keep an issued order from being sent until the staff release or refund it: they get a card, the buyer is told.

    What a courier has in hand already is stopped when it asks for the codes. `why` is `review`, `returned` or `disputed`.
    """
    order = session.get_one(Order, order_id, with_for_update=True)
    assert order.state in (OrderState.ISSUED, OrderState.FULFILLING), "only what is paid is held"
    if order.state is OrderState.FULFILLING:
        fulfilment.hold(session, order_id=order_id, held=True)  # Money that can be taken back buys nothing yet.
    storefront, at = storefronts.by_id(session, order.storefront_id), now(session)
    if not order.held:
        order.held_until, order.released_at, order.released_by = at + timedelta(hours=storefront.review_hours), None, None
        session.flush()
        body = {"says": "held", "order": order.id, "why": why}
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=order.buyer_id, body=body, once=f"held:{order.id}:{micros(at)}")
    outbox.call_off(session, order_id=order.id, why="held")
    body = {"says": "held-order", "order": order.id, "why": why}
    payments.tell_staff(session, storefront_id=storefront.id, body=body, once=f"held-order:{order.id}:{micros(at)}")


@write
def remind_held(session: Session, *, most: int = 100) -> int:
    """Orders whose review is overdue: the staff get the card again, and as long once more; the buyer is told once. Returns how many.

    Nothing else ever happens by time: no code is sent, and no money moves, without a person.
    """
    at = now(session)
    rows = session.scalars(
        select(Order)
        .where(Order.held_until <= at, Order.released_at.is_(None), Order.state.in_((OrderState.ISSUED, OrderState.FULFILLING)))
        .order_by(Order.held_until)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for order in rows:
        storefront = storefronts.by_id(session, order.storefront_id)
        order.held_until = at + timedelta(hours=storefront.review_hours)
        body = {"says": "held-order", "order": order.id, "why": "overdue"}
        payments.tell_staff(session, storefront_id=storefront.id, body=body, once=f"held-order:{order.id}:{micros(at)}")
        said = {"says": "held", "order": order.id, "why": "overdue"}
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=order.buyer_id, body=said, once=f"held-late:{order.id}")
    session.flush()
    return len(rows)
