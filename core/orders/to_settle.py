"""What settlement asks of orders: the lines that were sold, and what has become of their codes since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import payments, people, pricing, storefronts
from core.database import among, read
from core.orders.tables import ExchangedCode, Order, OrderLine, OrderState, Refund, RefundedCode


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an issued order, with what of its order it has to know; amounts in minor units.

    Of what was sold in a reseller's storefront this is the shop's part: the margin on top was never to be shared with a supplier.
    """

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
    parts = pricing.house_parts(session, {line.price_id for line, *_ in rows})
    wholes: dict[int, int] = defaultdict(int)
    for line, *_ in rows:
        wholes[line.order_id] += parts.get(line.price_id, 0) * line.quantity
    return [
        SoldLine(
            line.order_id,
            line.seq,
            storefront_id,
            currency,
            min(total_minor, wholes[line.order_id]) if line.price_id in parts else total_minor,
            issued_at,
            line.sku_id,
            line.offer_id,
            line.quantity,
            parts.get(line.price_id, line.unit_price_minor),
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
    # Asked for each once, SQLite would read all refunds by their orders.
    return sorted(set(session.scalars(select(Refund.order_id).where(Refund.made_at >= since))))


@dataclass(frozen=True, slots=True)
class BrandedSale:
    """An issued order of a reseller's storefront, in minor units: what was paid, and what of it is the shop's."""

    order_id: int
    buyer_id: int
    storefront_id: int
    currency: str
    sold_minor: int
    house_minor: int
    refunded_minor: int
    issued_at: datetime


@read
def branded_sales(session: Session, order_ids: Collection[int]) -> list[BrandedSale]:
    """Those of these orders that were sold in resellers' storefronts, by order."""
    rows_of = session.execute(select(Order.id, Order.storefront_id).where(among(session, Order.id, order_ids)))
    storefront_of = {row.id: row.storefront_id for row in rows_of}
    theirs = storefronts.branded(session, set(storefront_of.values()))
    wanted = [order_id for order_id, storefront_id in storefront_of.items() if storefront_id in theirs]
    if not wanted:
        return []
    rows = session.scalars(
        select(Order)
        .where(among(session, Order.id, wanted), Order.state.in_((OrderState.ISSUED, OrderState.REFUNDED)))
        .order_by(Order.id)
        .execution_options(populate_existing=True)
    ).all()
    lines = session.execute(
        select(OrderLine.order_id, OrderLine.price_id, OrderLine.quantity, OrderLine.unit_price_minor).where(
            among(session, OrderLine.order_id, wanted)
        )
    ).all()
    parts = pricing.house_parts(session, {line.price_id for line in lines})
    house: dict[int, int] = defaultdict(int)
    for line in lines:
        house[line.order_id] += parts.get(line.price_id, line.unit_price_minor) * line.quantity
    return [
        BrandedSale(
            row.id,
            row.buyer_id,
            row.storefront_id,
            row.currency,
            row.total_minor,
            min(house[row.id], row.total_minor),
            row.refunded_minor,
            row.issued_at,
        )
        for row in rows
        if row.issued_at is not None
    ]


@read
def lost_of_branded(session: Session, buyer_ids: Collection[int]) -> dict[int, int]:
    """What the shop has lost of what orders in resellers' storefronts were paid with, by order, in minor units of the shop's currency.

    Of those of these buyers of whose payments something has ever gone back: all their issued orders are in it. What was lost of a
    payment for an order is that order's; what was lost of a top-up, or is more than is left of the order, is that of the orders issued
    after it, the oldest first. No order loses more than was not refunded of it.
    """
    losses = payments.losses_of(session, buyer_ids)
    fronts = {one.customer_id: people.by_id(session, one.customer_id).storefront_id for one in losses}
    theirs = storefronts.branded(session, set(fronts.values()))
    buyers = [buyer_id for buyer_id, storefront_id in fronts.items() if storefront_id in theirs]
    rows = session.execute(
        select(Order.id, Order.buyer_id, Order.issued_at, Order.total_minor - Order.refunded_minor)
        .where(among(session, Order.buyer_id, buyers), Order.state.in_((OrderState.ISSUED, OrderState.REFUNDED)))
        .order_by(Order.issued_at, Order.id)
    ).all()
    room = {order_id: int(minor) for order_id, _, _, minor in rows}
    lost = dict.fromkeys(room, 0)

    def bear(order_id: int, minor: int) -> int:
        part = min(minor, room[order_id] - lost[order_id])
        lost[order_id] += part
        return minor - part

    left = [bear(one.order_id, one.lost_minor) if one.order_id in room else one.lost_minor for one in losses]
    for one, rest in zip(losses, left, strict=True):
        for order_id, buyer_id, issued_at, _ in rows:
            if rest and buyer_id == one.customer_id and issued_at is not None and issued_at >= one.paid_at:
                rest = bear(order_id, rest)
    return lost
