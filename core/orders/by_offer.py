"""What was sold of single offers, for those who bring the goods; it names no buyer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import ledger
from core.database import among, now, read
from core.orders.queries import _PAID_FOR, _PAID_WITHIN
from core.orders.tables import Order, OrderLine


@dataclass(frozen=True, slots=True)
class SoldOfOffer:
    """Units that were sold of an offer, and what they cost, by currency, in minor units."""

    units: int
    cost_minor: dict[str, int]


@read
def sold_of_offers(session: Session, offer_ids: Collection[int], *, since: datetime, until: datetime) -> dict[int, SoldOfOffer]:
    """Units of orders that were issued between two instants (the second not included), by offer; refunds are not taken off."""
    if not offer_ids:
        return {}
    near = {"since": since - _PAID_WITHIN, "until": until + _PAID_WITHIN}
    rows = session.execute(
        select(
            OrderLine.offer_id,
            OrderLine.cost_currency,
            func.sum(OrderLine.quantity),
            func.sum(OrderLine.quantity * OrderLine.unit_cost_minor),
        )
        .join(Order, Order.id == OrderLine.order_id)
        .where(
            among(session, OrderLine.offer_id, offer_ids),
            Order.id.in_(ledger.causes(session, kind=ledger.TransferKind.SALE, **near)),
            Order.state.in_(_PAID_FOR),
            Order.issued_at >= since,
            Order.issued_at < until,
        )
        .group_by(OrderLine.offer_id, OrderLine.cost_currency)
    ).all()
    units: dict[int, int] = {}
    costs: dict[int, dict[str, int]] = {}
    for offer_id, currency, quantity, cost in rows:
        units[offer_id] = units.get(offer_id, 0) + int(quantity)
        costs.setdefault(offer_id, {})[currency] = int(cost)
    return {offer_id: SoldOfOffer(count, costs[offer_id]) for offer_id, count in units.items()}


@read
def units_by_offer(session: Session, *, since: datetime) -> dict[int, int]:
    """Units of orders issued since then, by their offers; what was refunded afterwards was sold all the same."""
    paid = ledger.causes(session, kind=ledger.TransferKind.SALE, since=since, until=now(session))
    rows = session.execute(
        select(OrderLine.offer_id, func.sum(OrderLine.quantity))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.id.in_(paid), Order.state.in_(_PAID_FOR), Order.issued_at >= since)
        .group_by(OrderLine.offer_id)
    )
    return {offer_id: int(units) for offer_id, units in rows}
