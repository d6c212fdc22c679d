"""Orders that are paid by a provider, their end when nobody pays, and the showing of codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import catalog, inventory, journal, ledger, outbox, payments, people, storefronts, supply
from core.catalog import Gone
from core.database import insert_new, now, write
from core.errors import N_, Refusal
from core.orders.issue import Terms, count_purchase, move_money, send, take_codes, within_limit, write_lines
from core.orders.numbers import number_of
from core.orders.refusals import LimitReached, NotForSale, OnceReused, SoldOut
from core.orders.sale import agreed, once_hash
from core.orders.tables import Order, OrderLine, OrderState, Reveal, RevealCause
from core.orders.views import Parcel, ParcelLine

MOST_OPEN = 10  # orders of one buyer that wait for a payment
MOST_HOLDS = 3  # holds of one buyer at a time


@dataclass(eq=False)
class TooManyOpen(Refusal):
    says: ClassVar[str] = N_("You have {most} orders waiting for payment. Please pay or cancel one first.")

    most: int


@dataclass(eq=False)
class TooManyHolds(Refusal):
    says: ClassVar[str] = N_("You have {most} payments under way. Please finish one first.")

    most: int


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """An order that waits for its payment."""

    order_id: int
    number: str
    intent: payments.Intent


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of money that came in: codes issued for an order, or only credited (then `why` says why)."""

    order_id: int | None
    number: str | None
    issued: bool
    credited_minor: int
    currency: str
    why: str
    repeated: bool


@write
def place(
    session: Session,
    *,
    storefront_id: int,
    buyer_id: int,
    sku_id: int,
    quantity: int,
    price_id: int,
    rules_version: int,
    once: str,
    provider: str,
    pay_currency: str,
    seconds: float,
) -> PendingOrder:
    """An order to be paid by a provider within `seconds`, at the price seen; the same `once` again is the same order.

    No code is held yet. Raises what `buy` raises for price, limits and stock, TooManyOpen, and NotForSale when the
    provider's currency has no rate.
    """
    wanted = once_hash(storefront_id, buyer_id, sku_id, quantity, price_id, rules_version, provider)
    customer = people.by_id(session, buyer_id)
    ledger.lock(session, customer.wallet_id)  # Two presses of one buyer take turns.
    known = session.scalars(select(Order).where(Order.once == once)).one_or_none()
    if known is not None:
        intent = payments.find_intent(session, order_id=known.id)
        if known.once_hash != wanted or known.state is not OrderState.PENDING or intent is None:
            raise OnceReused
        return PendingOrder(known.id, number_of(known.id), intent)
    deal = agreed(session, storefront_id=storefront_id, sku_id=sku_id, quantity=quantity, price_id=price_id, rules_version=rules_version)
    if not deal.offers:
        raise NotForSale
    within_limit(session, buyer_id=buyer_id, sku=deal.sku, quantity=quantity)
    open_orders = session.scalar(
        select(func.count()).select_from(Order).where(Order.buyer_id == buyer_id, Order.state == OrderState.PENDING)
    )
    if (open_orders or 0) >= MOST_OPEN:
        raise TooManyOpen(most=MOST_OPEN)
    left = supply.left(session, [sku_id], most=quantity)[sku_id]
    if left < quantity:
        raise SoldOut(left=left, sku_id=sku_id)
    at = now(session)
    total = deal.terms.unit_minor * quantity
    order_id = session.scalars(
        insert_new(session, Order)
        .values(
            storefront_id=storefront_id,
            buyer_id=buyer_id,
            once=once,
            once_hash=wanted,
            state=OrderState.PENDING,
            total_minor=total,
            currency=deal.terms.currency,
            paid_by=provider,
            placed_at=at,
            expires_at=at + timedelta(seconds=seconds),
        )
        .returning(Order.id)
    ).one_or_none()
    if order_id is None:  # Another buyer's press had this key at the same moment.
        raise OnceReused
    first = deal.offers[0]
    session.add(
        OrderLine(
            order_id=order_id,
            seq=1,
            sku_id=sku_id,
            offer_id=first.id,
            price_id=price_id,
            quantity=quantity,
            unit_price_minor=deal.terms.unit_minor,
            unit_cost_minor=first.cost_minor,
            cost_currency=first.cost_currency,
        )
    )
    asked = payments.ask(
        session,
        provider=provider,
        pay_currency=pay_currency,
        customer_id=buyer_id,
        worth_minor=total,
        order_id=order_id,
        seconds=seconds,
    )
    if asked is None:
        raise NotForSale
    return PendingOrder(order_id, number_of(order_id), asked)


@write
def deposit(session: Session, *, customer_id: int, worth_minor: int, provider: str, pay_currency: str, seconds: float) -> payments.Intent:
    """A payment into the wallet worth so much of the shop's currency; raises NotForSale when there is no rate."""
    asked = payments.ask(
        session,
        provider=provider,
        pay_currency=pay_currency,
        customer_id=customer_id,
        worth_minor=worth_minor,
        order_id=None,
        seconds=seconds,
    )
    if asked is None:
        raise NotForSale
    return asked


@write
def reserve(
    session: Session, *, intent_id: int, customer_id: int, amount_minor: int, currency: str, hold_seconds: float
) -> payments.Intent:
    """Just before money moves: check whose it is and how much, and hold the codes. Safe to repeat.

    Raises NotPayable, LimitReached, SoldOut or TooManyHolds: then the payment must be refused.
    """
    _lock_order_of(session, intent_id)
    intent = payments.check(session, intent_id=intent_id, customer_id=customer_id, amount_minor=amount_minor, currency=currency)
    if intent.order_id is None:
        return intent
    order = session.get(Order, intent.order_id, with_for_update=True)
    if order is None or order.state is not OrderState.PENDING or (order.expires_at and order.expires_at <= now(session)):
        raise payments.NotPayable
    line = _line(session, order.id)
    offers = supply.ranked(session, [line.sku_id])
    sku = catalog.sku(session, line.sku_id)
    assert sku is not None, "what was ordered is never deleted"
    within_limit(session, buyer_id=customer_id, sku=sku, quantity=line.quantity)
    has = inventory.open_hold(session, order.id)
    if has is None and inventory.open_holds_of(session, customer_id) >= MOST_HOLDS:
        raise TooManyHolds(most=MOST_HOLDS)
    held = inventory.hold(
        session,
        order_id=order.id,
        customer_id=customer_id,
        sku_id=line.sku_id,
        offer_ids=[offer.id for offer in offers],
        quantity=line.quantity,
        # Who often lets holds lapse gets shorter ones.
        seconds=hold_seconds / (1 + min(3, inventory.lapses(session, customer_id))),
    )
    if held is None:
        raise SoldOut(left=supply.left(session, [line.sku_id], most=line.quantity)[line.sku_id], sku_id=line.sku_id)
    if order.expires_at is not None and held.expires_at > order.expires_at:
        # The payer has confirmed: the order must not end, and give the codes away, before the hold does.
        order.expires_at = held.expires_at
        payments.keep_open(session, intent_id=intent_id, until=held.expires_at)
    return intent


@write
def settle(
    session: Session, *, provider: str, event_key: str, intent_id: int | None, customer_id: int, amount_minor: int, currency: str
) -> Settled:
    """Money came in: credit it, and issue the order it was for, all in one transaction and once for each event.

    When the order cannot be issued any more (cancelled, sold out, paid twice, paid too little) the money stays in the
    wallet and the buyer is told. An order that expired is issued all the same while there is stock.
    """
    _lock_order_of(session, intent_id)
    came = payments.judge(
        session,
        provider=provider,
        event_key=event_key,
        intent_id=intent_id,
        customer_id=customer_id,
        amount_minor=amount_minor,
        currency=currency,
    )
    order_id = came.intent.order_id if came.intent else None
    number = number_of(order_id) if order_id else None
    if came.repeated:
        return Settled(order_id, number, False, 0, came.currency, "repeated", repeated=True)
    why = "deposit" if order_id is None else "second-payment"
    if order_id is not None and came.first_payment:
        if not came.exact:
            why = "too-little"
        else:
            why = _issue_paid(session, order_id)
            if why == "issued":
                return Settled(order_id, number, True, came.worth_minor, came.currency, "issued", repeated=False)
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=customer_id,
        body={"says": "credited", "why": why, "order": order_id, "amount_minor": came.worth_minor, "currency": came.currency},
        once=f"credited:{provider}:{event_key}"[:120],
    )
    return Settled(order_id, number, False, came.worth_minor, came.currency, why, repeated=False)


def _lock_order_of(session: Session, intent_id: int | None) -> None:
    """Order first, then intent, as those do who end an order: two who lock in different orders would wait for each other."""
    intent = None if intent_id is None else payments.intent(session, intent_id)
    if intent is not None and intent.order_id is not None:
        session.execute(select(Order.id).where(Order.id == intent.order_id).with_for_update())


def _issue_paid(session: Session, order_id: int) -> str:
    """Issue an order whose money has just come into the wallet; returns "issued", or why it was only credited."""
    order = session.get(Order, order_id, with_for_update=True)
    assert order is not None, "an intent names an order that exists"
    if order.state not in (OrderState.PENDING, OrderState.EXPIRED):
        return "second-payment" if order.state is OrderState.ISSUED else "cancelled"
    line = _line(session, order_id)
    sku = catalog.sku(session, line.sku_id)
    assert sku is not None
    offers = supply.ranked(session, [line.sku_id])
    held = inventory.open_hold(session, order_id)
    if held is not None:
        taken = inventory.take_held(session, hold_id=held.id, order_id=order_id)
        inventory.end_hold(session, hold_id=held.id, lapsed=False)
    else:
        taken = take_codes(session, order_id=order_id, offers=offers, quantity=line.quantity)
    if sum(taken.values()) < line.quantity:
        _end(session, order, OrderState.CANCELLED)
        return "sold-out"
    customer = people.by_id(session, order.buyer_id)
    storefront = storefronts.by_id(session, order.storefront_id)
    terms = Terms(line.price_id, line.unit_price_minor, order.currency)
    # By id and not by rank: a source may have stopped since its codes were held.
    by_id = {offer.id: offer for offer in supply.offers(session, list(taken))}
    try:
        with session.begin_nested():
            count_purchase(session, buyer_id=order.buyer_id, sku=sku, quantity=line.quantity)
            move_money(
                session,
                order_id=order_id,
                storefront=storefront,
                buyer_id=order.buyer_id,
                wallet_id=customer.wallet_id,
                terms=terms,
                offers=by_id,
                taken=taken,
            )
    except (LimitReached, ledger.TooLittle):
        inventory.put_back(session, order_id=order_id)
        _end(session, order, OrderState.CANCELLED)
        return "limit"
    _rewrite_lines(session, order_id, line, terms, by_id, taken)
    order.state, order.issued_at = OrderState.ISSUED, now(session)
    send(session, order_id=order_id, buyer_id=order.buyer_id)
    return "issued"


def _rewrite_lines(
    session: Session, order_id: int, line: OrderLine, terms: Terms, offers: dict[int, supply.Offer], taken: dict[int, int]
) -> None:
    """The line named the first source when the order was placed; now it is known which gave the codes."""
    if taken == {line.offer_id: line.quantity}:
        line.unit_cost_minor, line.cost_currency = offers[line.offer_id].cost_minor, offers[line.offer_id].cost_currency
        return
    sku_id = line.sku_id
    session.delete(line)
    session.flush()
    write_lines(session, order_id=order_id, terms=terms, sku_id=sku_id, offers=offers, taken=taken)


def _line(session: Session, order_id: int) -> OrderLine:
    return session.scalars(select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.seq).limit(1)).one()


def _end(session: Session, order: Order, state: OrderState) -> None:
    """Close an order nobody will be given codes for."""
    held = inventory.open_hold(session, order.id)
    if held is not None:
        inventory.end_hold(session, hold_id=held.id, lapsed=state is OrderState.EXPIRED)
    order.state = state
    payments.close_intents_of(session, order_id=order.id)
    session.flush()


@write
def cancel(session: Session, *, order_id: int, buyer_id: int) -> None:
    """The buyer no longer wants to pay; raises Gone when it is not their pending order."""
    order = session.get(Order, order_id, with_for_update=True)
    if order is None or order.buyer_id != buyer_id or order.state is not OrderState.PENDING:
        raise Gone
    _end(session, order, OrderState.CANCELLED)


@write
def expire(session: Session, *, most: int = 100) -> int:
    """Close orders nobody paid in time and put what they held back; several processes may do this at once. Returns how many."""
    rows = session.scalars(
        select(Order)
        .where(Order.state == OrderState.PENDING, Order.expires_at <= now(session))
        .order_by(Order.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for order in rows:
        _end(session, order, OrderState.EXPIRED)
    return len(rows)


@write
def release_lapsed_holds(session: Session, *, most: int = 100) -> int:
    """End holds whose time is over; the order may still be paid while there is stock. Returns how many."""
    lapsed = inventory.expired_holds(session, most=most)
    for held in lapsed:
        inventory.end_hold(session, hold_id=held.id, lapsed=True)
    return len(lapsed)


@write
def reveal(session: Session, *, order_id: int, cause: RevealCause, to_telegram_id: int, buyer_id: int | None = None) -> Parcel:
    """The codes of an issued order in clear; logged before anybody sees them. Raises Gone when it is not this buyer's."""
    order = session.get(Order, order_id)
    if order is None or order.state is not OrderState.ISSUED or (buyer_id is not None and order.buyer_id != buyer_id):
        raise Gone
    session.add(Reveal(order_id=order_id, cause=cause, to_telegram_id=to_telegram_id, at=now(session)))
    sku_of_offer: dict[int, int] = dict(
        session.execute(select(OrderLine.offer_id, OrderLine.sku_id).where(OrderLine.order_id == order_id)).all()
    )
    secrets: dict[int, list[inventory.Secret]] = {}
    for offer_id, secret in inventory.opened(session, order_id):
        secrets.setdefault(sku_of_offer[offer_id], []).append(secret)
    lines = []
    for sku_id, codes in secrets.items():
        sku = catalog.sku(session, sku_id)
        assert sku is not None
        product = catalog.product(session, sku.product_id)
        assert product is not None
        lines.append(ParcelLine(product, sku, codes))
    return Parcel(order_id, number_of(order_id), order.buyer_id, lines)


@write
def show_again(session: Session, *, order_id: int, buyer_id: int) -> bool:
    """The buyer wants to see the codes of their order again: posted like every delivery, and logged as shown when it is sent.

    False when a delivery is under way anyway. Raises Gone when it is not their issued order.
    """
    order = session.get(Order, order_id)
    if order is None or order.buyer_id != buyer_id or order.state is not OrderState.ISSUED:
        raise Gone
    return outbox.resend(session, order_id=order_id, customer_id=buyer_id, cause=RevealCause.SHOWN)


@write
def resend(session: Session, *, order_id: int, by: str) -> bool:
    """An admin sends an issued order's codes again, to its buyer and nobody else; False when a delivery is under way anyway."""
    order = session.get(Order, order_id)
    if order is None or order.state is not OrderState.ISSUED:
        raise Gone
    posted = outbox.resend(session, order_id=order_id, customer_id=order.buyer_id, cause=RevealCause.RESENT)
    journal.record(session, by=by, did="resend", about="order", about_id=order_id, after={"posted": posted})
    return posted
