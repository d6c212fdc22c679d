"""Sealed orders: paid, but the codes are sent only when the buyer opens them, and until then they can be returned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import blacklist, catalog, inventory, outbox, payments
from core.catalog import Gone, ProductView, SkuView
from core.database import now, read, write
from core.errors import N_, Refusal
from core.orders import showing
from core.orders.holding import hold_back
from core.orders.numbers import number_of
from core.orders.refusals import HeldForReview
from core.orders.tables import Order, OrderLine, OrderState, Refund, RefundState, Reveal, RevealCause
from core.orders.views import Parcel
from core.payments import IntentState
from core.ports import DisputeState


@dataclass(eq=False)
class StillSealed(Refusal):
    says: ClassVar[str] = N_("This order is sealed. Its codes are sent when its buyer opens it.")


@dataclass(frozen=True, slots=True)
class Seal:
    """An order that is sealed and not opened; until `until` it can be returned for `amount_minor`, all of its money."""

    order_id: int
    number: str
    product: ProductView
    sku: SkuView
    quantity: int
    amount_minor: int
    currency: str
    until: datetime
    returnable: bool


@read
def seal_of(session: Session, order_id: int) -> Seal | None:
    """The seal of an issued order; None when it has none, was opened, or its codes were shown before the product was sold sealed."""
    order = session.get(Order, order_id)
    return None if order is None else seal(session, order)


def seal(session: Session, order: Order) -> Seal | None:
    """The same of an order at hand. What was delivered sealed stays so, whatever becomes of the product."""
    if order.state is not OrderState.ISSUED or order.opened_at is not None:
        return None
    sku_id = session.scalars(select(OrderLine.sku_id).where(OrderLine.order_id == order.id).limit(1)).one()
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    assert sku is not None and product is not None, "what was sold is never deleted"
    until = order.return_until
    if until is None:
        if not product.sealed or session.scalar(select(Reveal.id).where(Reveal.order_id == order.id).limit(1)) is not None:
            return None
        # While the shop was checking it, the buyer could not decide.
        until = (order.released_at or order.issued_at or order.placed_at) + timedelta(hours=product.return_hours)
    left = sum(code.refunded_at is None for code in inventory.of_order(session, order.id))
    amount = order.total_minor - order.refunded_minor
    return Seal(order.id, number_of(order.id), product, sku, left, amount, order.currency, until, now(session) < until)


def locked(session: Session, order_id: int, buyer_id: int | None = None) -> Order:
    """The order, locked: whoever shows, opens or refunds it takes turns with the others. Raises Gone when it is another's."""
    order = session.get(Order, order_id, with_for_update=True)
    if order is None or (buyer_id is not None and order.buyer_id != buyer_id):
        raise Gone
    return order


@write
def lock(session: Session, order_id: int) -> None:
    """Keep the order as it is until the end of this transaction: who refunds it takes turns with who decides about its codes."""
    locked(session, order_id)


@write
def hand_over(
    session: Session, *, order_id: int, cause: RevealCause, to_telegram_id: int, buyer_id: int | None = None
) -> Parcel | Seal | None:
    """What a delivery brings: the codes, logged as revealed; or of a sealed order the seal, which from now on stays on it.

    None when everything was refunded in the meantime, or the order is held: then nothing is to be sent, and what was to bring it
    has ended. Raises Gone when it is not this buyer's.
    """
    order = locked(session, order_id, buyer_id)
    if order.state is OrderState.REFUNDED or order.held:
        # Ended with this very answer: whoever releases the order sees that nothing is on its way any more, and posts it anew.
        outbox.call_off(session, order_id=order_id, why="stopped", in_hand=True)
        return None
    found = seal(session, order)
    if found is None and _must_not_be_sold(session, order):
        hold_back(session, order_id=order_id, why="blacklist")
        outbox.call_off(session, order_id=order_id, why="stopped", in_hand=True)
        return None
    if found is None:
        return showing.reveal(session, order_id=order_id, cause=cause, to_telegram_id=to_telegram_id, buyer_id=buyer_id)
    order.return_until = found.until  # What the buyer is told now holds, whatever the shop changes later.
    return found


def stop_listed(session: Session, order: Order) -> bool:
    """Is a code of a locked order, which nobody has seen, on the blacklist? Then it is held from now on. A part of commands."""
    if seal(session, order) is not None or not _must_not_be_sold(session, order):
        return False
    hold_back(session, order_id=order.id, why="blacklist")
    return True


def _must_not_be_sold(session: Session, order: Order) -> bool:
    """Has a code of this order, which nobody has seen yet, come onto the blacklist? Noted; what the staff have looked at goes out."""
    if order.state is not OrderState.ISSUED or not blacklist.any_codes(session):
        return False
    if session.scalar(select(Reveal.id).where(Reveal.order_id == order.id).limit(1)) is not None:
        return False
    digests = inventory.digests_of_order(session, order.id)
    known = blacklist.known_codes(session, [digest for _, digest in digests])
    listed = [code_id for code_id, digest in digests if digest in known]
    return bool(blacklist.note_hits(session, code_ids=listed, place="sold", order_id=order.id))


@write
def reveal(session: Session, *, order_id: int, cause: RevealCause, to_telegram_id: int, buyer_id: int | None = None) -> Parcel:
    """The codes of an issued order in clear; logged before anybody sees them, without what was refunded.

    Raises Gone when it is not this buyer's issued order, HeldForReview, and StillSealed when they have not opened it.
    """
    order = locked(session, order_id, buyer_id)
    if seal(session, order) is not None:
        raise HeldForReview if order.held else StillSealed
    return showing.reveal(session, order_id=order_id, cause=cause, to_telegram_id=to_telegram_id, buyer_id=buyer_id)


@dataclass(eq=False)
class TakenBack(Refusal):
    says: ClassVar[str] = N_("The payment of this order was given back to the payer, so nothing more is given for it.")


@read
def taken_back(session: Session, order_id: int) -> bool:
    """Is the payment of this order with its payer again, at the shop's loss? Then nothing more is given for it.

    It is when all of it went back past us or because we asked, and was not put back. Where the wallet bore it, the buyer has paid
    after all, out of the balance.
    """
    found = payments.paid_for(session, order_id=order_id)
    if found is None:
        return False
    intent, event_key = found
    of = {"provider": intent.provider, "event_key": event_key}
    if legacy_return(session, order_id):
        return True
    paid = payments.paid_event(session, provider=intent.provider, key=event_key)
    theirs, _ = payments.returned_of(session, **of)
    assert paid is not None, "it was paid under this key"
    return theirs > 0 and theirs + asked_back(session, **of) >= paid.amount_minor and payments.lost_of(session, **of) > 0


def legacy_return(session: Session, order_id: int) -> bool:
    """Was the payment of this order given back when that was not noted part by part? Then it is not known any more who bore it."""
    found = payments.paid_for(session, order_id=order_id)
    if found is None or found[0].state is not IntentState.REFUNDED:
        return False
    return payments.returned_of(session, provider=found[0].provider, event_key=found[1])[0] == 0


def asked_back(session: Session, *, provider: str, event_key: str) -> int:
    """What of a payment, in its own currency, we have asked to be given back, and were not refused; also what is still to be asked."""
    asked = select(func.coalesce(func.sum(Refund.pay_minor), 0)).where(
        Refund.provider == provider, Refund.event_key == event_key, Refund.state != RefundState.DECLINED
    )
    return int(session.scalar(asked) or 0)


@dataclass(eq=False)
class InQuestion(Refusal):
    says: ClassVar[str] = N_("The payment of this order is disputed, so nothing more is given for it until that is decided.")


@read
def in_question(session: Session, order_id: int) -> bool:
    """Does a bank decide just now about the payment of this order?"""
    return any(one.state is DisputeState.OPEN for one in payments.disputes_of(session, order_id=order_id))


@write
def open_sealed(session: Session, *, order_id: int, buyer_id: int) -> bool:
    """The buyer opens their order: its codes are posted like every delivery, and it cannot be returned any more.

    False when it was open already (then nothing is posted). Raises Gone when it is not their issued order, HeldForReview when it
    is held, and TakenBack.
    """
    order = locked(session, order_id, buyer_id)
    if order.state is not OrderState.ISSUED:
        raise Gone
    if order.held:
        raise HeldForReview
    found = seal(session, order)
    if found is None:
        return False
    if taken_back(session, order_id):
        raise TakenBack
    order.return_until, order.opened_at = found.until, now(session)
    # The message that it is sealed may not have gone out yet: the codes come instead, not twice.
    outbox.call_off(session, order_id=order_id, why="opened")
    outbox.post(session, topic=outbox.Topic.DELIVERY, customer_id=buyer_id, order_id=order_id, once=f"open:{order_id}")
    return True
