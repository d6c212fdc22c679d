"""Codes on their way to somebody of a reseller: who may have them is asked when they are sent, and each showing is logged."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import orders, outbox, people
from core.catalog import Gone
from core.database import now, write
from core.orders import OrderState, Parcel, RevealCause, Seal
from core.people import Customer
from core.resellers.members.lists import LinkOfCodesOver, new_link
from core.resellers.members.people import NotAllowed, Role, may_of
from core.resellers.members.people import hashed as hash_of
from core.resellers.members.tables import ResellerCodeLink


@dataclass(frozen=True, slots=True)
class Brought:
    """What a delivery brings, as in `orders.hand_over`, and to whom."""

    what: Parcel | Seal | None
    to: Customer


@write
def hand_over(session: Session, *, order_id: int, cause: RevealCause, buyer_id: int, to_customer_id: int) -> Brought:
    """The codes of a reseller's order for somebody of theirs, logged as shown to that person.

    Who has lost the role meanwhile does not get them: then they are the reseller's own. So is what is sold sealed, which only its
    buyer can open or return. Raises Gone when it is not this buyer's order.
    """
    buyer, wanted = people.by_id(session, buyer_id), people.by_id(session, to_customer_id)
    allowed = wanted.storefront_id == buyer.storefront_id and may_of(session, buyer, wanted.telegram_id).role(Role.BUY)
    to = wanted if allowed and orders.seal_of(session, order_id) is None else buyer
    what = orders.hand_over(session, order_id=order_id, cause=cause, to_telegram_id=to.telegram_id, buyer_id=buyer_id)
    return Brought(what, to)


@write
def open_codes(session: Session, *, storefront_id: int, word: str, telegram_id: int) -> list[int]:
    """Open the link: the codes behind it are sent to this person. Returns the orders; none when they have arrived elsewhere already.

    Once, and only for who may buy for that reseller at this moment: raises LinkOfCodesOver, NotAllowed (then it stays good).
    """
    row = session.get(ResellerCodeLink, hash_of(word), with_for_update=True)
    reseller = None if row is None else people.by_id(session, row.reseller_id)
    if row is None or reseller is None or reseller.storefront_id != storefront_id:
        raise LinkOfCodesOver
    if not may_of(session, reseller, telegram_id).role(Role.BUY):
        raise NotAllowed
    if row.opened_at is not None:
        raise LinkOfCodesOver
    presser = people.find(session, storefront_id=storefront_id, telegram_id=telegram_id)
    if presser is None:
        raise NotAllowed
    row.opened_at, row.opened_by = now(session), telegram_id
    return [order_id for order_id in row.orders if outbox.break_seal(session, order_id=order_id, to_customer_id=presser.id)]


@write
def show_codes(session: Session, *, reseller_id: int, order_id: int, by: int) -> str | None:
    """Send the codes of an issued order once more, to whoever asks; the word of a link instead while their chat is not open.

    Raises NotAllowed, Gone, HeldForReview, and StillSealed for what only its buyer opens.
    """
    reseller = people.by_id(session, reseller_id)
    if not may_of(session, reseller, by).role(Role.BUY):
        raise NotAllowed
    presser = people.find(session, storefront_id=reseller.storefront_id, telegram_id=by)
    found = orders.detail(session, order_id=order_id, buyer_id=reseller_id)
    if presser is None or found is None or found.card.state is not OrderState.ISSUED:
        raise Gone
    if found.card.held_until is not None:
        raise orders.HeldForReview
    if found.seal is not None:
        raise orders.StillSealed
    orders.lock(session, order_id)  # Who presses at the same moment sees that it is on its way, and it is sent once.
    is_open = people.has_opened_chat(session, presser.id)
    waiting = [one for one in outbox.of_order(session, order_id=order_id) if one.done_at is None]
    if any(one.parked_at is None for one in waiting):
        return None  # It is on its way already, to whoever asked first.
    if waiting:  # Sealed, or its reader was away: whoever asks now, and may, gets it.
        if not is_open:
            return new_link(session, reseller_id, [order_id])
        outbox.break_seal(session, order_id=order_id, to_customer_id=presser.id)
        return None
    outbox.post(
        session,
        topic=outbox.Topic.DELIVERY,
        customer_id=reseller_id,
        order_id=order_id,
        body={"again": True, "cause": RevealCause.SHOWN.value, "to": presser.id},
    )
    if is_open:
        return None
    outbox.hand_to(session, order_id=order_id, to_customer_id=presser.id, sealed=True, cause=RevealCause.SHOWN.value)
    return new_link(session, reseller_id, [order_id])
