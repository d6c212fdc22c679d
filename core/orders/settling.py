"""Money came in: what it was for is issued with it, in one transaction and once for each event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from core import catalog, coupons, fulfilment, inventory, journal, ledger, outbox, payments, people, storefronts, supply
from core.catalog import Gone
from core.database import now, write
from core.errors import Refusal
from core.orders.coming_back import heard_since, lock_for_return, take_back
from core.orders.drawing import Drawn, draw, lock_as_sale, suitable
from core.orders.ending import end, line_of, lock_order_of
from core.orders.fulfilling import begin, tell_on_its_way
from core.orders.holding import hold_back, must_hold
from core.orders.issue import Terms, count_purchase, due_for, move_money, send, write_lines
from core.orders.numbers import number_of
from core.orders.passing import keep_passed
from core.orders.refusals import LimitReached
from core.orders.tables import Order, OrderLine, OrderState
from core.orders.to_source import our_refunds
from core.ports import Event, PaymentState

EARLIEST = timedelta(minutes=10)  # how far a provider's clock may be behind ours; only for numbers without a tag
BY_HAND = "transfer"  # the way to be paid whose money a person finds


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
def settle(
    session: Session, *, provider: str, event_key: str, intent_id: int | None, customer_id: int, amount_minor: int, currency: str
) -> Settled:
    """Money came in: credit it, and issue the order it was for, all in one transaction and once for each event.

    When the order cannot be issued any more (cancelled, sold out, paid twice, paid too little) the money stays in the
    wallet and the buyer is told; when fewer codes are left than were ordered, the buyer gets those and the rest of the money.
    An order that expired is issued all the same while there is stock.
    """
    lock_order_of(session, intent_id)
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
        # Of too little nothing is issued, not even when the wallet holds the rest: the buyer says what the balance is spent on.
        if came.exact:
            why = _issue_paid(session, order_id, reversible=came.intent is not None and came.intent.reversible)
        elif came.worth_minor > 0:
            why = "too-little"
            _give_up(session, order_id, why)
        if why in ("issued", "issued-partly", "on-its-way") and came.intent is not None:
            over = came.worth_minor - came.intent.worth_minor
            if over > 0:
                _tell_credited(session, customer_id, order_id, "too-much", over, came.currency, f"{provider}:{event_key}")
            return Settled(order_id, number, True, came.worth_minor, came.currency, why, repeated=False)
    _tell_credited(session, customer_id, order_id, why, came.worth_minor, came.currency, f"{provider}:{event_key}")
    return Settled(order_id, number, False, came.worth_minor, came.currency, why, repeated=False)


def _issue_paid(session: Session, order_id: int, *, reversible: bool) -> str:
    """Issue an order whose money has just come into the wallet; returns "issued", or why it was only credited.

    What is to be looked at first is issued and held: its codes are the buyer's, and are not sent.
    """
    order = session.get(Order, order_id, with_for_update=True)
    assert order is not None, "an intent names an order that exists"
    if order.state not in (OrderState.PENDING, OrderState.EXPIRED):
        paid = (OrderState.FULFILLING, OrderState.ISSUED, OrderState.REFUNDED)
        return "second-payment" if order.state in paid else "cancelled"
    line = line_of(session, order_id)
    sku = catalog.sku(session, line.sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    assert sku is not None and product is not None, "what was ordered is never deleted"
    if not coupons.take_again(session, order_id):
        # The order had ended, and others have used up its coupon since: at this price it cannot be had any more.
        end(session, order, OrderState.CANCELLED, "its coupon was used up before the money came")
        return "coupon"
    customer = people.by_id(session, order.buyer_id)
    hold = inventory.open_hold(session, order_id)
    held_of = inventory.hold_offers(session, hold.id) if hold is not None else []
    lock_as_sale(session, order_id=order_id, buyer_id=customer.id, sku_id=line.sku_id, offer_ids=held_of)
    # Looked at with all of that locked: what was stopped while this waited is not sold.
    ranked, country = supply.ranked(session, [line.sku_id]), people.country_of(session, customer.id)
    offers = suitable(session, ranked, quantity=line.quantity, country=country, currency=order.currency)
    drawn = _take_held(session, hold) if hold is not None else Drawn()
    known = {offer.id: offer for offer in offers}
    kept = [known.get(offer.id, offer) for offer in supply.offers(session, drawn.taken)] if drawn.taken else []
    # What was kept for who has paid is theirs, also when their supplier may be owed no more since.
    supply.draw_room(session, kept, drawn.taken)
    drawn.add(draw(session, order_id=order_id, product=product, offers=offers, quantity=line.quantity - drawn.count, uncounted=drawn.units))
    quantity, taken = drawn.count, drawn.taken
    if quantity == 0:
        end(session, order, OrderState.CANCELLED, "sold out before the money came")
        return "sold-out"
    storefront = storefronts.by_id(session, order.storefront_id)
    keep_passed(session, order_id=order_id, ranked=ranked, drawn=drawn, quantity=line.quantity, country=country, currency=order.currency)
    terms, ordered, asked_minor = Terms(line.price_id, line.unit_price_minor, order.currency), line.quantity, order.total_minor
    # By id and not by rank: a source may have stopped since its codes were held.
    by_id = {offer.id: offer for offer in supply.offers(session, [*taken, *drawn.to_come])}
    partly = quantity < line.quantity
    due_at = None
    try:
        with session.begin_nested():
            covered = supply.draw_quotas(session, order_id=order_id, units=drawn.units)
            assert covered, "the contracts are locked since it was looked what they cover"
            supply.draw_commitments(session, order_id=order_id, units=drawn.units)
            count_purchase(session, buyer_id=order.buyer_id, sku=sku, quantity=quantity)
            total = due_for(session, order, unit_minor=terms.unit_minor, ordered=line.quantity, given=quantity)
            ledger.lock(session, customer.wallet_id)
            held_back = must_hold(
                session, product=product, total_minor=total, customer=customer, storefront=storefront, reversible=reversible
            )
            if drawn.to_come:
                due_at = begin(
                    session,
                    order,
                    storefront=storefront,
                    customer=customer,
                    product=product,
                    terms=terms,
                    offers=by_id,
                    drawn=drawn,
                    sku_id=line.sku_id,
                    fields=fulfilment.said_for(session, order_id),
                    total_minor=total,
                    held=held_back,
                )
            else:
                move_money(
                    session,
                    order_id=order_id,
                    storefront=storefront,
                    buyer_id=order.buyer_id,
                    wallet_id=customer.wallet_id,
                    terms=terms,
                    offers=by_id,
                    taken=taken,
                    total_minor=total,
                )
    except Refusal as refusal:  # Also: what the buyer answered is not good for it any more.
        inventory.put_back(session, order_id=order_id)
        for offer_id, count in drawn.to_come.items():
            supply.give_back_declared(session, offer_id=offer_id, quantity=count)
        supply.give_back_room(session, {offer.id: offer for offer in [*kept, *offers]}.values(), drawn.units)
        why = "limit" if isinstance(refusal, LimitReached) else "too-little" if isinstance(refusal, ledger.TooLittle) else "answers"
        end(session, order, OrderState.CANCELLED, why)
        return why
    if partly:
        # What could not be had is not charged: it stays in the wallet.
        _tell_partly(session, order, missing=ordered - quantity, amount_minor=asked_minor - total)
        order.short_by, order.total_minor = ordered - quantity, total
    if due_at is None:
        _rewrite_lines(session, order_id, line, terms, by_id, taken)
        order.state, order.issued_at = OrderState.ISSUED, now(session)
    session.flush()
    if held_back:
        hold_back(session, order_id=order_id)
    elif due_at is None:
        send(session, order_id=order_id, buyer_id=order.buyer_id)
    if due_at is not None:
        tell_on_its_way(session, order, due_at)
        return "on-its-way"
    return "issued-partly" if partly else "issued"


def _take_held(session: Session, held: inventory.HoldView) -> Drawn:
    """What was kept for this payer and may still be sold to them; the hold is over in any case."""
    # What must not be sold any more is not: they get what others have of it, or their money on the balance.
    forbidden = supply.forbidden(session, inventory.hold_offers(session, held.id))
    drawn = Drawn()
    if not forbidden:
        drawn.taken = inventory.take_held(session, hold_id=held.id, order_id=held.order_id)
    inventory.end_hold(session, hold_id=held.id, lapsed=False)
    if drawn.taken and not supply.cover(session, drawn.taken):
        # Others have drawn the quota down since these were held: as many as it covers, and the rest from elsewhere.
        inventory.put_back(session, order_id=held.order_id)
        return Drawn()
    return drawn


def _give_up(session: Session, order_id: int, why: str) -> None:
    """What was paid is too little: nothing is kept for it any longer."""
    order = session.get(Order, order_id, with_for_update=True)
    assert order is not None, "an intent names an order that exists"
    if order.state is OrderState.PENDING:
        end(session, order, OrderState.CANCELLED, why)


def _tell_credited(
    session: Session, customer_id: int, order_id: int | None, why: str, amount_minor: int, currency: str, event: str
) -> None:
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=customer_id,
        body={"says": "credited", "why": why, "order": order_id, "amount_minor": amount_minor, "currency": currency},
        once=f"credited:{event}"[:120],
    )


def _tell_partly(session: Session, order: Order, *, missing: int, amount_minor: int) -> None:
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=order.buyer_id,
        body={
            "says": "partly",
            "order": order.id,
            "missing": missing,
            "amount_minor": amount_minor,
            "currency": order.currency,
        },
        once=f"partly:{order.id}",
    )


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of an event; `settled` when it was money. `says` names it for the log and for who asked."""

    says: str
    intent: payments.Intent | None = None
    settled: Settled | None = None


@write
def book(session: Session, *, storefront_id: int, provider: str, event: Event) -> Booked:
    """Act on what a provider says of one of our references, whatever state the intent is in; once for each event.

    Money for a number that is not ours is written down and the staff are told: it is never taken for somebody's. What another
    database has tagged is that one's to book: nothing is done here, and `says` is "foreign".
    """
    if payments.foreign(session, [event.reference]):
        return Booked("foreign")
    intent = payments.by_reference(session, event.reference)
    if intent is not None and intent.provider != provider and intent.provider.split("-")[0] == provider.split("-", maxsplit=1)[0]:
        provider = intent.provider  # The payer chose another of its ways at the cashier: it is the same merchant's money.
    if intent is not None and event.reference == f"{intent.id}" and event.at < intent.made_at - EARLIEST:
        intent = None  # Paid before it was asked for: a number without a tag may be another shop's on the same account.
    if intent is None or intent.provider != provider:
        if event.state is not PaymentState.PAID:
            return Booked("unknown")
        fresh = payments.write_down_stray(session, storefront_id=storefront_id, provider=provider, event=event)
        return Booked("stray" if fresh else "repeated")
    if event.given_back or event.disputes or event.state is PaymentState.REFUNDED:
        lock_for_return(session, intent)
    if event.state is PaymentState.PAID:
        settled = settle(
            session,
            provider=provider,
            event_key=event.key,
            intent_id=intent.id,
            customer_id=intent.customer_id,
            amount_minor=event.amount_minor,
            currency=event.currency,
        )
        since = heard_since(session, provider=provider, intent=intent, event=event)
        return Booked(since or "repeated" if settled.repeated else settled.why, intent, settled)
    listed = event.state is PaymentState.REFUNDED and (event.given_back or event.disputes)
    if listed and payments.paid_event(session, provider=provider, key=event.key) is not None:
        return Booked(heard_since(session, provider=provider, intent=intent, event=event) or "repeated", intent)
    if event.state is PaymentState.REFUNDED:
        taken = given_back(session, provider=provider, event_key=event.key, customer_id=intent.customer_id)
        # Paid and given back before we heard of either: there is nothing left to wait for.
        unpaid(session, intent_id=intent.id, state=PaymentState.FAILED, cause=f"{provider} has given it back")
        return Booked("repeated" if taken is None else "given-back", intent)
    if event.state in (PaymentState.EXPIRED, PaymentState.FAILED):
        ended = unpaid(session, intent_id=intent.id, state=event.state, cause=f"{provider} says so")
        return Booked(event.state.value if ended else "repeated", intent)
    return Booked(event.state.value, intent)


@write
def given_back(session: Session, *, provider: str, event_key: str, customer_id: int) -> int | None:
    """The provider has given a payment back: its worth leaves the wallet again, unless it was given back because we asked.

    When we had asked for a part, the rest is booked as what the provider gave back itself. An order whose codes nobody has seen
    yet ends with it, before anything is taken. Returns what was taken, None when there was nothing to take.
    """
    paid = payments.paid_event(session, provider=provider, key=event_key)
    if paid is None:
        return None
    intent = None if paid.intent_id is None else payments.intent(session, paid.intent_id)
    if intent is None:
        return payments.unasked_given_back(session, provider=provider, event_key=event_key, customer_id=customer_id)
    lock_for_return(session, intent)
    ours = our_refunds(session, provider=provider, event_key=event_key)
    theirs, _ = payments.returned_of(session, provider=provider, event_key=event_key)
    rest = paid.amount_minor - theirs - (ours.asked_minor if ours is not None else 0)
    if ours is not None and ours.aside_minor:
        # It may be our refund, or have been there before it: that is known when the provider has said yes or no to ours.
        payments.hear_whole(session, provider=provider, event_key=event_key, intent_id=intent.id)
    if rest <= 0:
        return None
    key = payments.key_of_return(event_key)
    taken = take_back(session, provider=provider, intent=intent, event_key=event_key, key=key, amount_minor=rest)
    return None if taken is None else taken.taken_minor


@write
def decide_by_hand(session: Session, *, intent_id: int, there: bool, by: str) -> Booked:
    """A member of the staff says whether the money of a transfer is there; the first to say it decides. Raises Gone.

    Money that is found after all is booked also when its order is over, as late money always is.
    """
    intent = payments.intent(session, intent_id)
    if intent is None or intent.provider != BY_HAND:
        raise Gone
    if there:
        event = Event(f"{BY_HAND}:{intent_id}", intent.reference, PaymentState.PAID, intent.amount_minor, intent.currency, now(session))
        customer = people.by_id(session, intent.customer_id)
        booked = book(session, storefront_id=customer.storefront_id, provider=BY_HAND, event=event)
    else:
        refused = unpaid(session, intent_id=intent_id, state=PaymentState.FAILED, cause=f"no money was found, says {by}")
        booked = Booked("failed" if refused else "repeated", intent)
    if booked.says != "repeated":
        did = "confirm-payment" if there else "refuse-payment"
        journal.record(session, by=by, did=did, about="payment", about_id=intent_id, after={"outcome": booked.says})
    return booked


@write
def unpaid(session: Session, *, intent_id: int, state: PaymentState, cause: str, tell: bool = True) -> bool:
    """An intent will never be paid: it ends, its order with it, and the buyer is told. False when it was over already."""
    lock_order_of(session, intent_id)
    over = payments.end(session, intent_id=intent_id, state=payments.IntentState(state.value), cause=cause)
    if over is None:
        return False
    if over.order_id is not None:
        order = session.get(Order, over.order_id, with_for_update=True)
        assert order is not None, "an intent names an order that exists"
        if order.state is OrderState.PENDING:
            end(session, order, OrderState.EXPIRED if state is PaymentState.EXPIRED else OrderState.CANCELLED, cause)
    if tell:
        tell_unpaid(session, intent_id=intent_id)
    return True


@write
def tell_unpaid(session: Session, *, intent_id: int) -> None:
    """Tell the payer, once, that a payment is over and nothing was charged."""
    over = payments.intent(session, intent_id)
    assert over is not None, "what ended was asked"
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=over.customer_id,
        body={
            "says": "unpaid",
            "why": over.state.value,
            "order": over.order_id,
            "amount_minor": over.amount_minor,
            "currency": over.currency,
        },
        once=f"unpaid:{intent_id}",
    )


def _rewrite_lines(
    session: Session, order_id: int, line: OrderLine, terms: Terms, offers: dict[int, supply.Offer], taken: dict[int, int]
) -> None:
    """The line named the first source when the order was placed; now it is known which gave the codes."""
    if taken == {line.offer_id: line.quantity}:
        offer = offers[line.offer_id]
        line.unit_cost_minor, line.cost_currency, line.ranking_version = offer.cost_minor, offer.cost_currency, offer.version
        line.exclusive = offer.exclusive(now(session))
        return
    sku_id = line.sku_id
    session.delete(line)
    session.flush()
    write_lines(session, order_id=order_id, terms=terms, sku_id=sku_id, offers=offers, taken=taken)
