"""What each code of an order had cost, as it was booked: by the sale, or by the exchange that brought the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import ledger, supply
from core.database import read, write
from core.orders.tables import ArrivedCode, ExchangedCode, Order, OrderLine


@dataclass(frozen=True, slots=True)
class Cost:
    """What one code had cost, in minor units; `payable_id` is the supplier's account that was credited with it, None when none was."""

    minor: int
    currency: str
    payable_id: int | None


def costs(session: Session, order: Order, codes: Mapping[int, int]) -> dict[int, Cost]:
    """The cost of each of these codes of an order, which are given with their offers: what was booked, whatever an offer says today."""
    brought = {
        row.code_id: Cost(row.cost_minor, row.cost_currency, row.payable_id)
        for row in session.scalars(select(ExchangedCode).where(ExchangedCode.order_id == order.id))
    }
    came = {row.code_id: row for row in session.scalars(select(ArrivedCode).where(ArrivedCode.order_id == order.id))}
    sold = _of_offers(session, order, sorted({offer_id for code_id, offer_id in codes.items() if code_id not in brought}))
    for code_id, row in came.items():
        # Of the shop's own goods, those of one source may have cost this and that.
        if code_id in codes and code_id not in brought:
            brought[code_id] = Cost(row.cost_minor, row.cost_currency, sold[row.offer_id].payable_id)
    return {code_id: brought[code_id] if code_id in brought else sold[offer_id] for code_id, offer_id in codes.items()}


def _of_offers(session: Session, order: Order, offer_ids: list[int]) -> dict[int, Cost]:
    """What a unit of each of these offers cost in the sale."""
    if not offer_ids:
        return {}
    credited = {leg.credit_id for leg in ledger.legs_of(session, key=f"sale:{order.id}")}
    of_order = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.seq.desc())
    lines = {line.offer_id: line for line in session.scalars(of_order)}  # What was on the shelf when it was bought stands first.
    found = {}
    for offer in supply.offers(session, offer_ids):
        line = lines[offer.id]  # A code that the sale did not take came by an exchange.
        owed = offer.payable_id if offer.payable_id in credited and line.cost_currency == order.currency else None
        found[offer.id] = Cost(line.unit_cost_minor, line.cost_currency, owed)
    return found


@read
def cost_of(session: Session, *, order_id: int, code_id: int, offer_id: int) -> Cost:
    """What one code of an issued order had cost, and who was credited with it."""
    return costs(session, session.get_one(Order, order_id), {code_id: offer_id})[code_id]


@write
def exchanged(session: Session, *, order_id: int, code_id: int, offer_id: int, cost: Cost, exclusive: bool) -> None:
    """Keep what was booked for a code that came to an order in another's place, so that a refund takes exactly that back."""
    session.execute(
        insert(ExchangedCode).values(
            order_id=order_id,
            code_id=code_id,
            offer_id=offer_id,
            cost_minor=cost.minor,
            cost_currency=cost.currency,
            payable_id=cost.payable_id,
            exclusive=exclusive,
        )
    )
