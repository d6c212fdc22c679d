"""What orders know of single codes: when they were sold, and that they were refunded; for the trail of a batch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import among, read
from core.orders.numbers import number_of
from core.orders.tables import Order, Refund, RefundedCode


@dataclass(frozen=True, slots=True)
class CodeRefund:
    """A code was refunded; `returned`: nobody had seen it, and it went back to the shelf."""

    code_id: int
    number: str  # of the order
    at: datetime
    returned: bool
    reason: str


@read
def issued_at(session: Session, order_ids: Collection[int]) -> dict[int, datetime]:
    """When these orders were issued; those that were not are left out."""
    rows = session.execute(select(Order.id, Order.issued_at).where(among(session, Order.id, order_ids), Order.issued_at.is_not(None)))
    return {order_id: at for order_id, at in rows if at is not None}


@read
def refunds_of_codes(session: Session, code_ids: Collection[int]) -> list[CodeRefund]:
    """Every refund of these codes, the oldest first: one that went back to the shelf may have several."""
    rows = session.execute(
        select(RefundedCode.code_id, RefundedCode.order_id, Refund.made_at, RefundedCode.returned, Refund.reason)
        .join(Refund, Refund.id == RefundedCode.refund_id)
        .where(among(session, RefundedCode.code_id, code_ids))
        .order_by(Refund.id)
    )
    return [CodeRefund(code_id, number_of(order_id), at, returned, reason) for code_id, order_id, at, returned, reason in rows]
