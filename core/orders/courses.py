"""How sales went over several days: of a storefront, or of one buyer, by day and by denomination."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from core.database import among, read
from core.orders.tables import Order, OrderLine, OrderState, RefundedCode
from core.spans import ids_around, written_between

MOST_ORDERS = 2_000_000  # that one question looks at; a picture of more is not drawn while somebody waits
_PAID = (OrderState.ISSUED, OrderState.FULFILLING, OrderState.REFUNDED)


@dataclass(frozen=True, slots=True)
class SoldThen:
    """What was sold of one denomination in one span; amounts in minor units of the storefront's currency.

    `sales_minor` is what was paid less what was given back since. `cost_minor` is what the units cost that stayed sold, and those that
    came back worthless; None where some of it is of another currency.
    """

    span: int
    sku_id: int
    orders: int
    units: int
    sales_minor: int
    cost_minor: int | None


@dataclass(frozen=True, slots=True)
class Buyers:
    """How many people ordered in one span, and how many of them paid."""

    span: int
    ordered: int
    paid: int


@read
def too_many(session: Session, *, since: datetime, until: datetime) -> bool:
    """Are there more orders between two instants than one question should look at?"""
    start, end = ids_around(session, Order.id, Order.placed_at, since, until)
    return end - start > MOST_ORDERS


@read
def sold_in_spans(
    session: Session, *, bounds: Sequence[datetime], storefront_id: int | None = None, buyer_id: int | None = None
) -> list[SoldThen]:
    """What was paid for of the orders placed in each span, from each bound to the next: of a storefront, or of one buyer.

    An order is of one denomination; what was taken back of it is taken off the day on which it was placed.
    """
    of_order = (
        select(
            OrderLine.order_id,
            func.min(OrderLine.sku_id).label("sku_id"),
            func.sum(OrderLine.quantity).label("units"),
            func.sum(OrderLine.quantity * OrderLine.unit_cost_minor).label("cost"),
            func.min(OrderLine.cost_currency).label("least"),
            func.max(OrderLine.cost_currency).label("most"),
        )
        .join(Order, Order.id == OrderLine.order_id)
        .where(*_these(session, bounds, storefront_id, buyer_id), Order.state.in_(_PAID))
        .group_by(OrderLine.order_id)
        .subquery()
    )
    span = _span(bounds)
    same = (of_order.c.least == Order.currency) & (of_order.c.most == Order.currency)
    kept = Order.state != OrderState.REFUNDED
    rows = session.execute(
        select(
            span,
            of_order.c.sku_id,
            func.sum(case((kept, 1), else_=0)),
            func.sum(case((kept, of_order.c.units), else_=0)),
            func.sum(Order.total_minor - Order.refunded_minor),
            func.sum(case((kept & same, of_order.c.cost), else_=0)),
            func.sum(case((kept & ~same, 1), else_=0)),
        )
        .join(of_order, of_order.c.order_id == Order.id)
        .group_by(span, of_order.c.sku_id)
    ).all()
    back = _came_back(session, bounds, storefront_id, buyer_id)
    found = []
    for number, sku_id, count, units, minor, cost, foreign in rows:
        units_back, cost_less = back.get((number, sku_id), (0, 0))
        cost_minor = None if foreign else int(cost) - cost_less
        found.append(SoldThen(number, sku_id, int(count), int(units) - units_back, int(minor), cost_minor))
    return found


def _came_back(
    session: Session, bounds: Sequence[datetime], storefront_id: int | None, buyer_id: int | None
) -> dict[tuple[int, int], tuple[int, int]]:
    """By span and denomination: how many codes came back of orders that kept others, and by how much less all of it had cost."""
    span = _span(bounds)
    kept = Order.state != OrderState.REFUNDED
    of_sku = select(func.min(OrderLine.sku_id)).where(OrderLine.order_id == Order.id).correlate(Order).scalar_subquery()
    of_code = (
        select(span.label("span"), of_sku.label("sku_id"), kept.label("kept"), RefundedCode.cost_minor, RefundedCode.cost_back)
        .join(Order, Order.id == RefundedCode.order_id)
        .where(*_these(session, bounds, storefront_id, buyer_id), Order.state.in_(_PAID), RefundedCode.cost_currency == Order.currency)
        .subquery()
    )
    there = of_code.c
    less = case((there.kept & there.cost_back, there.cost_minor), (~there.kept & ~there.cost_back, -there.cost_minor), else_=0)
    rows = session.execute(
        select(there.span, there.sku_id, func.sum(case((there.kept, 1), else_=0)), func.sum(less)).group_by(there.span, there.sku_id)
    )
    return {(number, sku_id): (int(units), int(cost)) for number, sku_id, units, cost in rows}


@read
def buyers_in_spans(session: Session, *, bounds: Sequence[datetime], storefront_id: int) -> list[Buyers]:
    """How many people of a storefront ordered, and paid, in each span, from each bound to the next.

    Resellers are left out: their programs buy without having looked at a screen.
    """
    span = _span(bounds)
    paid = case((Order.state.in_(_PAID), Order.buyer_id))
    rows = session.execute(
        select(span, func.count(Order.buyer_id.distinct()), func.count(paid.distinct()))
        .where(*_these(session, bounds, storefront_id, None), or_(Order.as_reseller.is_(None), Order.as_reseller.is_(False)))
        .group_by(span)
    )
    return [Buyers(i, int(ordered), int(bought)) for i, ordered, bought in rows]


def _span(bounds: Sequence[datetime]) -> ColumnElement[int]:
    """The number of the span in which an order was placed; those outside are left out before."""
    return case(*[(Order.placed_at < bound, number) for number, bound in enumerate(bounds[1:])], else_=len(bounds) - 2)


def _these(session: Session, bounds: Sequence[datetime], storefront_id: int | None, buyer_id: int | None) -> list[ColumnElement[Any]]:
    assert (storefront_id is None) != (buyer_id is None) and len(bounds) > 1, "of one of the two, over at least a span"
    if buyer_id is not None:  # found by the buyer's index
        return [Order.buyer_id == buyer_id, Order.placed_at >= bounds[0], Order.placed_at < bounds[-1]]
    return [written_between(session, Order.id, Order.placed_at, bounds[0], bounds[-1]), Order.storefront_id == storefront_id]


@read
def placed_as(session: Session, order_ids: Collection[int]) -> dict[int, tuple[datetime, int]]:
    """When these orders were placed, and of which denomination they are."""
    rows = session.execute(
        select(Order.id, Order.placed_at, func.min(OrderLine.sku_id))
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(among(session, Order.id, order_ids))
        .group_by(Order.id, Order.placed_at)
    )
    return {order_id: (placed_at, sku_id) for order_id, placed_at, sku_id in rows}
