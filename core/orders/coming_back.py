"""Money that goes back past us: refunds in a provider's own console, disputes, and what is decided in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from core import ledger, outbox, payments, people
from core.database import write
from core.orders.fulfilling import call_off
from core.orders.holding import hold_back
from core.orders.refunds import refund_unsent
from core.orders.tables import Order, OrderState, Refund, RefundState, Reveal
from core.orders.to_source import our_refunds, payment_of
from core.payments import Intent
from core.ports import Dispute, DisputeState, Event

_OURS = re.compile(r"refund-([0-9]{1,18})", re.ASCII)


@write
def heard_since(session: Session, *, provider: str, intent: Intent, event: Event) -> str | None:
    """Book what a provider lists of a payment that was paid: parts it gave back, disputes and their money; each once by its key.

    The order and the buyer's held ones must be locked. Returns the newest thing that was new, for the log; None when nothing was.
    """
    says = None
    for one in event.given_back:
        if one.once is not None and _is_ours(session, event.key, one.once):
            continue
        if take_back(session, provider=provider, intent=intent, event_key=event.key, key=one.key, amount_minor=one.amount_minor):
            says = "part-given-back"
    for dispute in event.disputes:
        says = _dispute(session, provider, intent, event, dispute) or says
    return says


def _is_ours(session: Session, event_key: str, once: str) -> bool:
    """Did we ask for this refund, and count it as ours? One that we took for declined has gone to the wallet instead."""
    number = _OURS.fullmatch(once)
    row = None if number is None else session.get(Refund, int(number[1]))
    return row is not None and row.event_key == event_key and row.state is not RefundState.DECLINED


@write
def take_back(
    session: Session,
    *,
    provider: str,
    intent: Intent,
    event_key: str,
    key: str,
    amount_minor: int,
    fee_minor: int = 0,
    dispute_id: int | None = None,
) -> payments.Taken | None:
    """A part of a payment went back: what nobody has seen yet is not given for it, and the money leaves the wallet; once for each key.

    An order whose codes were never shown ends, when all of its payment is gone: its codes go back, and its money is there to be
    taken. When a part is gone it is held for the staff. What was shown stays the buyer's. None when it was known before.
    """
    # One that was reported as given back whole has no parts any more.
    whole = payments.returned_whole(session, provider=provider, event_key=event_key)
    if whole or payments.known_events(session, provider=provider, keys=[key[:150]]):
        return None
    undo_unsent(session, provider=provider, intent=intent, event_key=event_key, amount_minor=amount_minor)
    taken = payments.take_back(
        session,
        provider=provider,
        event_key=event_key,
        intent_id=intent.id,
        key=key,
        amount_minor=amount_minor,
        fee_minor=fee_minor,
        dispute_id=dispute_id,
    )
    if taken is None:
        return None
    payments.tell_staff(
        session,
        storefront_id=people.by_id(session, intent.customer_id).storefront_id,
        body={
            "says": "payment-given-back" if key == payments.key_of_return(event_key) else "payment-part-back",
            "key": event_key,
            "order": intent.order_id,
            "customer": intent.customer_id,
            "method": provider,
            "amount_minor": amount_minor,
            "amount_currency": intent.currency,
            "taken_minor": taken.taken_minor,
            "lost_minor": taken.lost_minor,
            "currency": taken.currency,
            "disputed": dispute_id is not None,
        },
        once=f"part-back:{provider}:{key}",
    )
    return taken


@write
def lock_for_return(session: Session, intent: Intent) -> None:
    """Before a payment goes back: its order and the buyer's held ones, then the payment. Whoever hears the same at once takes turns."""
    own = Order.id == (intent.order_id or 0)
    session.execute(select(Order.id).where(or_(own, _is_held(intent.customer_id))).order_by(Order.id).with_for_update())
    payments.lock_intent(session, intent.id)


@write
def undo_unsent(session: Session, *, provider: str, intent: Intent, event_key: str, amount_minor: int) -> None:
    """Before so much of a payment leaves the wallet: end or hold what it paid for, as long as nobody can have seen it.

    A top-up has no order of its own: the buyer's held orders end, the newest first, until the wallet holds what is to be taken.
    """
    of = {"provider": provider, "event_key": event_key}
    worth = payments.going_back(session, intent_id=intent.id, amount_minor=amount_minor, **of)
    if worth is None:
        return  # Nothing of it came into the books, so nothing leaves them.
    ours = our_refunds(session, **of)
    order = None if intent.order_id is None else session.get(Order, intent.order_id, with_for_update=True)
    if order is not None and order.state is OrderState.FULFILLING and (paid := payment_of(session, order)) and paid.event_key == event_key:
        # What no source was asked for is bought no more; what one was asked for is held for the staff when it is there.
        before, _ = payments.returned_of(session, **of)
        if before + amount_minor + (ours.asked_minor if ours else 0) >= paid.amount_minor:
            call_off(session, order_id=order.id, by=provider, reason="its payment was given back")
        if order.state is OrderState.FULFILLING:
            hold_back(session, order_id=order.id, why="returned")
        return
    if order is not None and order.state is OrderState.ISSUED and (paid := payment_of(session, order)) and paid.event_key == event_key:
        if _was_shown(session, order.id):
            return
        before, _ = payments.returned_of(session, **of)
        if before + amount_minor + (ours.asked_minor if ours else 0) >= paid.amount_minor:
            refund_unsent(session, order, by=provider)
        else:
            hold_back(session, order_id=order.id, why="returned")
        return
    # What is set aside for this payment comes into the wallet when the provider declines to give it once more.
    worth -= ours.aside_minor if ours else 0
    wallet_id = people.by_id(session, intent.customer_id).wallet_id
    for held in held_of(session, intent.customer_id):
        if ledger.balance(session, wallet_id) >= worth:
            return
        if held.state is OrderState.FULFILLING:
            call_off(session, order_id=held.id, by=provider, reason="a payment was given back")
        elif not _was_shown(session, held.id):
            refund_unsent(session, held, by=provider)


def held_of(session: Session, customer_id: int) -> Sequence[Order]:
    """The buyer's held orders, locked, the newest first."""
    rows = session.scalars(
        select(Order).where(_is_held(customer_id)).order_by(Order.id).with_for_update().execution_options(populate_existing=True)
    ).all()
    return rows[::-1]


def _is_held(customer_id: int) -> ColumnElement[bool]:
    return and_(
        Order.buyer_id == customer_id,
        Order.held_until.is_not(None),
        Order.released_at.is_(None),
        Order.state.in_((OrderState.ISSUED, OrderState.FULFILLING)),
    )


def _was_shown(session: Session, order_id: int) -> bool:
    return session.scalar(select(Reveal.id).where(Reveal.order_id == order_id).limit(1)) is not None


def _dispute(session: Session, provider: str, intent: Intent, event: Event, dispute: Dispute) -> str | None:
    noted = payments.note_dispute(
        session, provider=provider, event_key=event.key, intent_id=intent.id, currency=event.currency, dispute=dispute
    )
    says = "disputed" if noted.opened else f"dispute-{dispute.state.value}" if noted.closed else None
    for moved in dispute.movements:
        if moved.amount_minor < 0:
            if take_back(
                session,
                provider=provider,
                intent=intent,
                event_key=event.key,
                key=moved.key,
                amount_minor=-moved.amount_minor,
                fee_minor=moved.fee_minor,
                dispute_id=noted.id,
            ):
                says = "dispute-withdrawn"
        elif moved.amount_minor > 0:
            back = payments.reinstate(
                session,
                provider=provider,
                event_key=event.key,
                intent_id=intent.id,
                key=moved.key,
                amount_minor=moved.amount_minor,
                fee_minor=moved.fee_minor,
                dispute_id=noted.id,
            )
            if back is not None:
                says = "dispute-reinstated"
                _tell_reinstated(session, intent, back, moved.key)
    if noted.opened and dispute.state is DisputeState.OPEN:
        _stop_unsent(session, intent)
    storefront_id = people.by_id(session, intent.customer_id).storefront_id
    for new, what in ((noted.opened, "opened"), (noted.closed, dispute.state.value)):
        if new:
            body = {"says": "dispute", "dispute": noted.id, "what": what}
            payments.tell_staff(session, storefront_id=storefront_id, body=body, once=f"dispute:{noted.id}:{what}")
    return says


def _stop_unsent(session: Session, intent: Intent) -> None:
    """What was paid for with it and not shown yet is not sent, nor opened, until the staff have decided."""
    order = None if intent.order_id is None else session.get(Order, intent.order_id, with_for_update=True)
    underway = (OrderState.ISSUED, OrderState.FULFILLING)
    if order is not None and order.state in underway and not order.held and not _was_shown(session, order.id):
        hold_back(session, order_id=order.id, why="disputed")


def _tell_reinstated(session: Session, intent: Intent, back: payments.Taken, key: str) -> None:
    if back.taken_minor:
        outbox.post(
            session,
            topic=outbox.Topic.NOTICE,
            customer_id=intent.customer_id,
            body={
                "says": "credited",
                "why": "reinstated",
                "order": intent.order_id,
                "amount_minor": back.taken_minor,
                "currency": back.currency,
            },
            once=f"reinstated:{intent.provider}:{key}"[:120],
        )
