"""What settlement asks of orders: the lines that were sold, and what has become of their codes since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import among, read
from core.orders.tables import ExchangedCode, Order, OrderLine, OrderState, Refund, RefundedCode


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an issued order, with what of its order it has to know; amounts in minor units."""

    order_id: int
    seq: int
    storefront_id: int
    currency: str
    total_minor: int  # of the whole order
    issued_at: datetime
    sku_id: int
    offer_id: int
    units: int
    unit_price_minor: int
    unit_cost_minor: int
    cost_currency: str
    placed_at: datetime
    exclusive: bool  # when it was sold


@dataclass(frozen=True, slots=True)
class CodeFate:
    """A code of an order that was refunded, or came in another's place; `payable_id` is whom the latter credited."""

    order_id: int
    code_id: int
    offer_id: int
    cost_minor: int
    cost_currency: str
    payable_id: int | None = None
    exclusive: bool = False


@read
def sold_lines(session: Session, order_ids: Collection[int]) -> list[SoldLine]:
    """The lines of those of these orders that were issued, by order and line."""
    rows = session.execute(
        select(OrderLine, Order.storefront_id, Order.currency, Order.total_minor, Order.issued_at, Order.placed_at)
        .join(Order, Order.id == OrderLine.order_id)
        .where(among(session, Order.id, order_ids), Order.state.in_((OrderState.ISSUED, OrderState.REFUNDED)))
        .order_by(OrderLine.order_id, OrderLine.seq)
    ).all()
    return [
        SoldLine(
            line.order_id,
            line.seq,
            storefront_id,
            currency,
            total_minor,
            issued_at,
            line.sku_id,
            line.offer_id,
            line.quantity,
            line.unit_price_minor,
            line.unit_cost_minor,
            line.cost_currency,
            placed_at,
            line.exclusive,
        )
        for line, storefront_id, currency, total_minor, issued_at, placed_at in rows
        if issued_at is not None
    ]


@read
def refunded_codes_of(session: Session, order_ids: Collection[int]) -> list[CodeFate]:
    """The codes of these orders that were refunded."""
    rows = session.scalars(select(RefundedCode).where(among(session, RefundedCode.order_id, order_ids)))
    return [CodeFate(row.order_id, row.code_id, row.offer_id, row.cost_minor, row.cost_currency) for row in rows]


@read
def exchanged_codes_of(session: Session, order_ids: Collection[int]) -> list[CodeFate]:
    """The codes of these orders that came in place of others."""
    rows = session.scalars(select(ExchangedCode).where(among(session, ExchangedCode.order_id, order_ids)))
    return [
        CodeFate(row.order_id, row.code_id, row.offer_id, row.cost_minor, row.cost_currency, row.payable_id, row.exclusive) for row in rows
    ]


@read
def refunded_since(session: Session, since: datetime) -> list[int]:
    """The orders of which something was refunded since then."""
    return list(session.scalars(select(Refund.order_id).where(Refund.made_at >= since).distinct()))
