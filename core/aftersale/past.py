"""What an order's own records say of its past: its line for a code, and every time its codes left the shop.

Read from the records themselves, because the door of orders tells how often the codes were shown, but not when; nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from core.database import Base, instant
from core.orders import RevealCause


@dataclass(frozen=True, slots=True)
class Shown:
    """One time the codes of an order left the shop in clear: sent first, looked at again, or sent again by the staff."""

    cause: RevealCause
    at: datetime


@dataclass(frozen=True, slots=True)
class SoldAt:
    """What one unit of an order's line was sold for, and what it had cost, in minor units of their currencies."""

    cost_minor: int
    cost_currency: str


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def lock_order(session: Session, order_id: int) -> None:
    """Lock the order until the end of this transaction: who refunds it takes turns with who decides about one of its codes."""
    orders = _table("orders")
    session.execute(select(orders.c.id).where(orders.c.id == order_id).with_for_update())


def shown_of(session: Session, order_id: int) -> list[Shown]:
    """Every reveal of an order, oldest first."""
    reveals = _table("reveals")
    rows = session.execute(select(reveals.c.cause, reveals.c.at).where(reveals.c.order_id == order_id).order_by(reveals.c.id))
    return [Shown(RevealCause(cause), at if isinstance(at, datetime) else instant(at)) for cause, at in rows]


def sold_at(session: Session, *, order_id: int, offer_id: int) -> SoldAt | None:
    """The cost of a unit that an order took from this offer; None when it took none: the code came as a replacement."""
    lines = _table("order_lines")
    row = session.execute(
        select(lines.c.unit_cost_minor, lines.c.cost_currency).where(lines.c.order_id == order_id, lines.c.offer_id == offer_id).limit(1)
    ).one_or_none()
    return None if row is None else SoldAt(row[0], row[1])
