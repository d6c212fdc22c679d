"""Orders that programs of their buyers make: known by their own numbers, their codes fetched and never sent to the chat."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from core import fulfilment, inventory
from core.catalog import Gone
from core.database import among, now, read, write
from core.inventory import Secret
from core.orders import seals
from core.orders.numbers import number_of
from core.orders.refusals import HeldForReview
from core.orders.tables import Order, OrderLine, OrderState, OutsideOrder, OutsideTurn, Refund, Reveal, RevealCause
from core.orders.views import Outside


@dataclass(frozen=True, slots=True)
class OutsideView:
    """Where such an order stands: `units` are those it was sold with and still waits for, `refunded` how many of them were given back.

    `fetched`: its codes have left the shop. `total_minor` is what it costs now, without what was given back.
    """

    order_id: int
    ours: str
    number: str
    key_id: int | None  # None: ordered in the chat
    customer_id: int
    sku_id: int
    asked: int
    units: int
    refunded: int
    state: OrderState
    held: bool
    total_minor: int
    currency: str
    unit_minor: int
    fetched: bool
    taken_back: int  # units that a source took back later, after it had delivered them
    placed_at: datetime
    callback_url: str | None
    counted: bool


@dataclass(frozen=True, slots=True)
class FetchedCode:
    """A code on its way to the program that bought it; `id` names it in a complaint."""

    id: int
    secret: Secret


def once_outside(customer_id: int, number: str) -> str:
    """The key of the order that this buyer's number is: the same whatever it asks for, so that a number is one order for ever."""
    return f"api:{customer_id}:{number}"


def keep_outside(session: Session, *, order_id: int, buyer_id: int, outside: Outside, total_minor: int) -> None:
    """A part of the sale: from now on the order is that number."""
    session.execute(
        insert(OutsideOrder).values(
            order_id=order_id,
            customer_id=buyer_id,
            number=outside.number,
            key_id=outside.key_id,
            asked=outside.asked,
            charged_minor=total_minor,
            counted=outside.counted,
            callback_url=outside.callback_url,
            at=now(session),
        )
    )


def is_outside(session: Session, order_id: int) -> bool:
    """Was it made by a program? Then no delivery of it is posted."""
    return session.get(OutsideOrder, order_id) is not None


def turned(session: Session, order_id: int) -> None:
    """A part of commands: something has changed about this order, which the program that made it may want to hear."""
    if is_outside(session, order_id):
        session.execute(insert(OutsideTurn).values(order_id=order_id, at=now(session)))


@write
def take_turns(session: Session, *, most: int = 100) -> list[int]:
    """The orders about which something has changed, each once; they are this transaction's. Several processes may do this."""
    rows = session.execute(
        select(OutsideTurn.id, OutsideTurn.order_id).order_by(OutsideTurn.id).limit(most).with_for_update(skip_locked=True)
    ).all()
    if rows:
        session.execute(delete(OutsideTurn).where(among(session, OutsideTurn.id, [turn_id for turn_id, _ in rows])))
    return list(dict.fromkeys(order_id for _, order_id in rows))


@read
def find_outside(
    session: Session, *, customer_id: int, number: str | None = None, order_id: int | None = None
) -> tuple[OutsideView, bytes] | None:
    """The order of this buyer's number, or by our id, and the hash of what was asked for; None when there is none of theirs."""
    assert (number is None) != (order_id is None), "by the one or the other"
    question = select(OutsideOrder, Order).join(Order, Order.id == OutsideOrder.order_id).where(OutsideOrder.customer_id == customer_id)
    question = question.where(OutsideOrder.number == number if number is not None else OutsideOrder.order_id == order_id)
    row = session.execute(question).one_or_none()
    return None if row is None else (_view(session, row[1], row[0]), row[1].once_hash)


@read
def find_in_chat(session: Session, *, customer_id: int, number: str) -> OutsideView | None:
    """The order that this buyer made in the chat by a number of their own, as far as a program may know it; None when there is none."""
    question = select(Order).where(Order.once == once_outside(customer_id, number), Order.buyer_id == customer_id)
    order = session.scalars(question).one_or_none()
    if order is None or is_outside(session, order.id):
        return None
    return replace(_view(session, order, None), number=number)


@read
def outside_of(session: Session, order_id: int) -> OutsideView | None:
    """The same for whoever reports it; None when no program made it."""
    row = session.get(OutsideOrder, order_id)
    return None if row is None else _view(session, session.get_one(Order, order_id), row)


def _view(session: Session, order: Order, row: OutsideOrder | None) -> OutsideView:
    sku_id, unit_minor, units = session.execute(
        select(func.min(OrderLine.sku_id), func.min(OrderLine.unit_price_minor), func.sum(OrderLine.quantity)).where(
            OrderLine.order_id == order.id
        )
    ).one()
    refunded = 0
    if order.refunded_minor or order.state is OrderState.REFUNDED or _ever_refunded(session, order.id):
        refunded = int(units) - sum(code.refunded_at is None for code in inventory.of_order(session, order.id))
    return OutsideView(
        order.id,
        number_of(order.id),
        "" if row is None else row.number,
        None if row is None else row.key_id,
        order.buyer_id,
        int(sku_id),
        int(units) if row is None else row.asked,
        int(units),
        refunded,
        order.state,
        order.held,
        order.total_minor - order.refunded_minor,
        order.currency,
        int(unit_minor),
        session.scalar(select(Reveal.id).where(Reveal.order_id == order.id).limit(1)) is not None,
        sum(task.reversed_units for task in fulfilment.tasks_of(session, order.id)),
        order.placed_at,
        None if row is None else row.callback_url,
        row is not None and row.counted,
    )


def _ever_refunded(session: Session, order_id: int) -> bool:
    """A code that cost less than a minor unit may have been refunded for nothing."""
    return session.scalar(select(Refund.id).where(Refund.order_id == order_id).limit(1)) is not None


@read
def outside_among(session: Session, order_ids: Collection[int]) -> dict[int, str]:
    """Those of these orders that programs made, with their numbers."""
    rows = session.execute(select(OutsideOrder.order_id, OutsideOrder.number).where(among(session, OutsideOrder.order_id, order_ids)))
    return {one: other for one, other in rows}  # noqa: C416 - rows are no pairs to mypy


@write
def fetch(
    session: Session, *, order_id: int, buyer_id: int, to_telegram_id: int, after: int, limit: int
) -> tuple[list[FetchedCode], bool, int] | None:
    """A page of the codes of such an order, of those with ids above `after`: logged as revealed before anybody sees them.

    Fetching opens what is sold sealed. Returns the codes, whether there are more, and the id of the entry in the log; None when a code of
    it came onto the blacklist, and the order is held from now on. Raises Gone when it is not this buyer's, or not issued; HeldForReview.
    """
    order = seals.locked(session, order_id, buyer_id)
    if not is_outside(session, order_id) or order.state is not OrderState.ISSUED:
        raise Gone
    if order.held:
        raise HeldForReview
    if seals.stop_listed(session, order):
        return None
    found = seals.seal(session, order)
    if found is not None:
        order.return_until, order.opened_at = found.until, now(session)
    reveal = Reveal(order_id=order_id, cause=RevealCause.FETCHED, to_telegram_id=to_telegram_id, at=now(session))
    session.add(reveal)
    session.flush()
    codes = inventory.opened_page(session, order_id, after=after, limit=limit + 1)
    return [FetchedCode(code_id, secret) for code_id, secret in codes[:limit]], len(codes) > limit, reveal.id
