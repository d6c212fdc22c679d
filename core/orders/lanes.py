"""Who makes what is bought, whose it is, and telling the staff when the bot itself cannot make it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, fulfilment, payments, supply
from core.catalog import Gone
from core.database import now, read, write
from core.orders.drawing import way_of
from core.orders.tables import Order


@read
def first_lane(session: Session, *, sku_id: int) -> str | None:
    """The lane of the source that a denomination would be drawn from first; None when nothing of it sells."""
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    offers = supply.ranked(session, [sku_id])
    return None if product is None or not offers else way_of(product, offers[0]).lane


@read
def buyer_of(session: Session, order_id: int) -> int:
    """Whose order it is (a customer's id); raises Gone."""
    buyer = session.scalar(select(Order.buyer_id).where(Order.id == order_id))
    if buyer is None:
        raise Gone
    return buyer


@write
def tell_task_stuck(session: Session, *, task_id: int, why: str) -> None:
    """Telegram does not let the bot make what a task wants (it is no admin of the chat any more): the staff are told, once a day."""
    task = fulfilment.task(session, task_id)
    order = None if task is None else session.get(Order, task.order_id)
    if task is None or order is None:
        raise Gone
    body = {"says": "task-stuck", "task": task_id, "order": order.id, "why": why[:200]}
    payments.tell_staff(session, storefront_id=order.storefront_id, body=body, once=f"task-stuck:{task_id}:{now(session):%Y%m%d}")
