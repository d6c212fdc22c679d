"""Several purchases of one buyer by wallet in one transaction: all of them, or as many as there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ledger, people
from core.database import read, write
from core.errors import N_, Refusal
from core.orders.outside import once_outside
from core.orders.refusals import OnceReused, SoldOut
from core.orders.sale import _sell
from core.orders.tables import Order, OrderLine
from core.orders.views import Receipt


@dataclass(frozen=True, slots=True)
class Wanted:
    """One purchase of several: what the buyer saw of it, and its own key, as in `buy`."""

    sku_id: int
    quantity: int
    price_id: int
    rules_version: int
    once: str


@dataclass(frozen=True, slots=True)
class Got:
    """What became of one of them: a receipt – of fewer than were wanted, perhaps –, or why not."""

    receipt: Receipt | None
    refusal: Refusal | None = None


@dataclass(eq=False)
class NotAll(Refusal):
    """One of several purchases could not be made, so none was; `line` counts from 1, `why` is its refusal."""

    says: ClassVar[str] = N_("Line {line} could not be bought, so nothing was.")

    line: int
    why: Refusal


@write
def buy_several(session: Session, *, storefront_id: int, buyer_id: int, wanted: Sequence[Wanted], all_or_nothing: bool) -> list[Got]:
    """Buy them one after the other in this one transaction; each is an order of its own, delivered as always.

    With `all_or_nothing` the first that is refused raises NotAll, and nothing was bought. Without, what is refused is told line by
    line and the others are bought; where fewer are left than wanted, those. A line whose key is an order already is that order.
    """
    ledger.lock(session, people.by_id(session, buyer_id).wallet_id)
    got: list[Got] = []
    for line, one in enumerate(wanted, 1):
        try:
            # A savepoint of its own: what is refused in the middle of a sale has written already.
            with session.begin_nested():
                got.append(Got(_one(session, storefront_id, buyer_id, one, one.quantity)))
        except Refusal as refusal:
            if all_or_nothing:
                raise NotAll(line=line, why=refusal) from refusal
            got.append(_fewer(session, storefront_id, buyer_id, one, refusal))
    return got


def _fewer(session: Session, storefront_id: int, buyer_id: int, one: Wanted, refusal: Refusal) -> Got:
    """As many as there are, when it is only that there are too few."""
    if not isinstance(refusal, SoldOut) or not 0 < refusal.left < one.quantity:
        return Got(None, refusal)
    try:
        with session.begin_nested():
            return Got(_one(session, storefront_id, buyer_id, one, refusal.left))
    except Refusal as again:
        return Got(None, again)


def _one(session: Session, storefront_id: int, buyer_id: int, one: Wanted, quantity: int) -> Receipt:
    return _sell(
        session,
        storefront_id=storefront_id,
        buyer_id=buyer_id,
        sku_id=one.sku_id,
        quantity=quantity,
        price_id=one.price_id,
        rules_version=one.rules_version,
        once=one.once,
    )


@dataclass(frozen=True, slots=True)
class Numbered:
    """The order that a buyer's own number is: of what, and how many were asked for at least."""

    order_id: int
    sku_id: int
    quantity: int


@read
def by_number(session: Session, *, buyer_id: int, number: str) -> Numbered | None:
    """The buyer's order of their own number; None when there is none."""
    order = session.scalars(select(Order).where(Order.once == once_outside(buyer_id, number), Order.buyer_id == buyer_id)).one_or_none()
    if order is None:
        return None
    lines = session.execute(select(OrderLine.sku_id, OrderLine.quantity).where(OrderLine.order_id == order.id)).all()
    if not lines:
        raise OnceReused
    return Numbered(order.id, lines[0].sku_id, sum(line.quantity for line in lines))
