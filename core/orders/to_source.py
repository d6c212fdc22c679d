"""Refunds on their way to where the money came from: what a provider is asked for, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import ledger, outbox, payments, people, storefronts
from core.database import now, read, write
from core.ledger import AccountKind, Leg, TransferKind
from core.orders.seals import asked_back
from core.orders.tables import Order, Refund, RefundState
from core.payments import IntentState
from core.ports import Refund as RefundAsked

_LONGEST_PAUSE_SECONDS = 3600.0
_UNDER_WAY = (RefundState.WANTED, RefundState.REFUNDING)


@dataclass(frozen=True, slots=True)
class Source:
    """The payment that an order was paid by, as far as it can still go back: `left_minor` of `worth_minor`, in the shop's currency.

    `amount_minor` is what was paid, with the fee, in the payment's currency.
    """

    provider: str
    event_key: str
    intent_id: int
    amount_minor: int
    fee_minor: int
    currency: str
    worth_minor: int
    left_minor: int
    step_minor: int = 1  # what goes back in parts goes back in whole multiples of it
    shop_currency: str = ""


@dataclass(frozen=True, slots=True)
class DueRefund:
    """A refund that the provider is to be asked for; `tries` counts the times it was handed out, this one too."""

    refund_id: int
    provider: str
    tries: int
    asked: RefundAsked


def share(total_minor: int, part: int, whole: int) -> int:
    """What of a total falls to `part` of `whole`, rounded down: taken cumulatively, the last part gets what rounding has left."""
    assert 0 <= part <= whole and whole > 0, "a part is of something"
    return total_minor * part // whole


@read
def source_of(session: Session, order_id: int) -> Source | None:
    """The payment by which an order can be refunded to its source; None when there is none, or nothing of it is left."""
    order = session.get(Order, order_id)
    found = None if order is None else payment_of(session, order)
    return found if found is not None and found.left_minor > 0 else None


@read
def is_our_refund(session: Session, *, provider: str, event_key: str) -> bool:
    """Has the shop itself asked the provider to give (some of) this payment back, or is about to? Then its report is no news."""
    asked = select(Refund.id).where(Refund.provider == provider, Refund.event_key == event_key, Refund.state != RefundState.DECLINED)
    return session.scalar(asked.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class OurRefunds:
    """What we asked a provider to give back of a payment, or are about to; minor units of the payment's currency.

    Of it `aside_minor`, in the shop's currency, is set aside until the provider has said yes or no.
    """

    asked_minor: int
    aside_minor: int


@read
def our_refunds(session: Session, *, provider: str, event_key: str) -> OurRefunds | None:
    """What the shop itself asked to be given back of this payment, and was not refused; None when it never asked."""
    if not is_our_refund(session, provider=provider, event_key=event_key):
        return None
    aside = session.scalar(
        select(func.coalesce(func.sum(Refund.source_minor), 0)).where(
            Refund.provider == provider, Refund.event_key == event_key, Refund.state.in_(_UNDER_WAY)
        )
    )
    return OurRefunds(asked_back(session, provider=provider, event_key=event_key), int(aside or 0))


@write
def refunds_due(
    session: Session, *, most: int = 10, seconds: float = 30, of: str | None = None, but: Collection[str] = ()
) -> list[DueRefund]:
    """Up to `most` refunds that a provider is to be asked for now, the longest waiting first; each is this caller's alone.

    With `of` only those of one provider; those of the providers in `but` are left out.

    Who gets an answer calls `refund_done` or `refund_declined`. Who gets none does nothing: it is handed out again after
    `seconds`, then after twice as many, up to an hour, for as long as the provider says neither yes nor no.
    """
    at = now(session)
    rows = session.scalars(
        select(Refund)
        .where(
            Refund.due_at <= at,
            *([Refund.provider == of] if of is not None else []),
            *([Refund.provider.not_in(but)] if but else []),
        )
        .order_by(Refund.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    due = []
    for row in rows:
        row.due_at = at + timedelta(seconds=min(_LONGEST_PAUSE_SECONDS, seconds * 2 ** min(row.tries, 12)))
        row.state, row.tries = RefundState.REFUNDING, row.tries + 1
        due.append(_due(session, row))
    return due


def _due(session: Session, row: Refund) -> DueRefund:
    order = session.get_one(Order, row.order_id)
    intent = payments.intent(session, row.intent_id) if row.intent_id is not None else None
    assert intent is not None and row.provider is not None and row.event_key is not None and row.pay_currency is not None
    paid = payment_of(session, order)
    assert paid is not None, "what was paid once was paid"
    return DueRefund(
        row.id,
        row.provider,
        row.tries,
        RefundAsked(
            once=f"refund-{row.id}",
            event_key=row.event_key,
            reference=intent.reference,
            provider_ref=intent.provider_ref,
            payer_telegram_id=people.by_id(session, order.buyer_id).telegram_id,
            amount_minor=row.pay_minor,
            whole_minor=paid.amount_minor,
            currency=row.pay_currency,
        ),
    )


@write
def refund_done(session: Session, *, refund_id: int) -> bool:
    """The provider has given the money back: it leaves the books by its gateway, and the buyer is told. False when it was over before."""
    row = session.get(Refund, refund_id, with_for_update=True)
    if row is None or row.state not in _UNDER_WAY:
        return False
    order = session.get_one(Order, row.order_id)
    house = storefronts.by_id(session, order.storefront_id).party_id
    assert row.provider is not None and row.pay_currency is not None
    aside = ledger.open_account(session, party_id=house, kind=AccountKind.REFUNDING, currency=row.currency)
    gateway = ledger.open_account(session, party_id=house, kind=AccountKind.GATEWAY, label=row.provider, currency=row.pay_currency)
    principal = row.pay_minor - row.fee_minor
    legs = []
    if row.pay_currency == row.currency:
        legs.append((aside, gateway, principal, row.currency))
    else:
        ours = ledger.open_account(session, party_id=house, kind=AccountKind.EXCHANGE, currency=row.currency)
        theirs = ledger.open_account(session, party_id=house, kind=AccountKind.EXCHANGE, currency=row.pay_currency)
        legs += [(aside, ours, row.source_minor, row.currency), (theirs, gateway, principal, row.pay_currency)]
    if row.fee_minor:
        fees = ledger.open_account(session, party_id=house, kind=AccountKind.FEES, currency=row.pay_currency)
        legs.append((fees, gateway, row.fee_minor, row.pay_currency))
    move(session, f"refund-done:{row.id}", house, order.id, legs)
    row.state, row.ended_at, row.due_at = RefundState.REFUNDED, now(session), None
    tell(session, order, row, "refund-arrived", row.pay_minor, row.pay_currency)
    return True


@write
def refund_declined(session: Session, *, refund_id: int, why: str) -> bool:
    """The provider has said no: the money goes to the wallet instead, the buyer and the staff are told. False when it was over before."""
    row = session.get(Refund, refund_id, with_for_update=True)
    if row is None or row.state not in _UNDER_WAY:
        return False
    order = session.get_one(Order, row.order_id)
    storefront, customer = storefronts.by_id(session, order.storefront_id), people.by_id(session, order.buyer_id)
    aside = ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.REFUNDING, currency=row.currency)
    legs = [(aside, customer.wallet_id, row.source_minor, row.currency)]
    move(session, f"refund-declined:{row.id}", customer.id, order.id, legs)
    row.state, row.ended_at, row.due_at = RefundState.DECLINED, now(session), None
    session.flush()
    if row.intent_id is not None:
        # It may have said no because it has given the money back already, in its own console.
        payments.regain(session, intent_id=row.intent_id, most_minor=row.source_minor, once=f"declined:{row.id}")
        _take_heard(session, row)
    tell(session, order, row, "refund-declined", row.source_minor, row.currency)
    payments.tell_staff(
        session,
        storefront_id=storefront.id,
        body={
            "says": "refund-not-taken",
            "order": order.id,
            "amount_minor": row.source_minor,
            "currency": row.currency,
            "method": row.provider,
            "why": why[:200],
        },
        once=f"refund-declined:{row.id}",
    )
    return True


def _take_heard(session: Session, row: Refund) -> None:
    """The provider had said that all of the payment went back, and it was not by this refund: so it was by its own, and is booked now."""
    assert row.provider is not None and row.event_key is not None and row.intent_id is not None
    provider, event_key = row.provider, row.event_key
    paid = payments.paid_event(session, provider=provider, key=event_key)
    if paid is None or not payments.heard_whole(session, provider=provider, event_key=event_key):
        return
    theirs, _ = payments.returned_of(session, provider=provider, event_key=event_key)
    rest = paid.amount_minor - theirs - asked_back(session, provider=provider, event_key=event_key)
    if rest > 0:
        # What was not ours even then may be booked already.
        known = payments.returned_whole(session, provider=provider, event_key=event_key)
        key = f"refund-{row.id}:given-back" if known else payments.key_of_return(event_key)
        payments.take_back(session, provider=provider, event_key=event_key, intent_id=row.intent_id, key=key, amount_minor=rest)


def left_there(session: Session, paid: Source) -> int:
    """What of a payment, in its own currency, neither we nor the provider have given back."""
    asked = asked_back(session, provider=paid.provider, event_key=paid.event_key)
    theirs, _ = payments.returned_of(session, provider=paid.provider, event_key=paid.event_key)
    return max(0, paid.amount_minor - asked - theirs)


def whole_coins(paid: Source, part_minor: int) -> int:
    """What of the next `part_minor` of a payment's worth goes to the source: no more than buys the coins that can go there.

    Where the provider takes no smaller coin than a step, the rest of it is less than one; it is the payer's, and goes to the wallet.
    """
    done = paid.worth_minor - paid.left_minor
    # In another currency nothing has to fit to the minor unit: what a part lacks, the next one has.
    if paid.step_minor == 1 or paid.currency != paid.shop_currency or done + part_minor >= paid.worth_minor:
        return part_minor
    # The least that gives as much; what is given only grows with the part.
    low, high, most = 0, part_minor, _given(paid, done + part_minor)
    while low < high:
        middle = (low + high) // 2
        if _given(paid, done + middle) >= most:
            high = middle
        else:
            low = middle + 1
    return low


def part_to_source(paid: Source, part_minor: int) -> tuple[int, int]:
    """What goes back for the next `part_minor` of a payment's worth, and how much of that is fee, in the payment's currency.

    Taken cumulatively: the parts of the whole add up to all that was paid, whatever the rounding, and never to more before.
    Paid in the shop's own currency, what goes back without the fee is the part itself, if `whole_coins` has cut it.
    """
    done = paid.worth_minor - paid.left_minor
    pay = _given(paid, done + part_minor) - _given(paid, done)
    if paid.currency == paid.shop_currency:
        return pay, max(0, pay - part_minor)
    return pay, min(pay, _fee_of(paid, done + part_minor) - _fee_of(paid, done))


def _fee_of(paid: Source, worth_minor: int) -> int:
    return share(paid.fee_minor, worth_minor, paid.worth_minor)


def _given(paid: Source, worth_minor: int) -> int:
    """What has gone back when so much of a payment's worth has: whole steps, and at the end all of it."""
    given = share(paid.amount_minor - paid.fee_minor, worth_minor, paid.worth_minor) + _fee_of(paid, worth_minor)
    return given if worth_minor == paid.worth_minor else given - given % paid.step_minor


def payment_of(session: Session, order: Order) -> Source | None:
    """The payment that issued an order, read from how it was booked, also when nothing of it is left.

    None when it was not paid through a provider. A part of commands.
    """
    found = payments.paid_for(session, order_id=order.id)
    if found is None:
        return None
    intent = found[0]
    key = next(
        iter(ledger.keys_of(session, party_id=order.buyer_id, kind=TransferKind.DEPOSIT, subject_id=intent.id)),
        None,
    )
    prefix = f"payment:{intent.provider}:"
    if key is None or not key.startswith(prefix):
        return None
    event_key = key.removeprefix(prefix)
    wallet_id = people.by_id(session, order.buyer_id).wallet_id
    legs = ledger.legs_of(session, key=key)
    worth = sum(leg.amount_minor for leg in legs if leg.credit_id == wallet_id)
    gateway, currency = legs[0].debit_id, legs[0].currency
    paid = sum(leg.amount_minor for leg in legs if leg.debit_id == gateway)
    fee = sum(leg.amount_minor for leg in legs[1:] if leg.debit_id == gateway)
    if intent.state is IntentState.REFUNDED and not is_our_refund(session, provider=intent.provider, event_key=event_key):
        return None  # The provider has given it back of its own accord.
    sent = session.scalar(
        select(func.coalesce(func.sum(Refund.source_minor), 0)).where(
            Refund.provider == intent.provider, Refund.event_key == event_key, Refund.state != RefundState.DECLINED
        )
    )
    _, theirs = payments.returned_of(session, provider=intent.provider, event_key=event_key)
    left = max(0, worth - int(sent or 0) - theirs)
    return Source(intent.provider, event_key, intent.id, paid, fee, currency, worth, left, intent.step_minor, order.currency)


def move(session: Session, key: str, party_id: int, order_id: int, legs: Sequence[tuple[int, int, int, str]]) -> None:
    """Book a refund's money; nothing when there is nothing to move."""
    moved = [Leg(*leg) for leg in legs if leg[2] > 0]
    if moved:
        ledger.transfer(session, key=key, kind=TransferKind.REFUND, party_id=party_id, legs=moved, subject_id=order_id)


def tell(session: Session, order: Order, row: Refund, says: str, amount_minor: int, currency: str) -> None:
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=order.buyer_id,
        body={
            "says": says,
            "order": order.id,
            "amount_minor": amount_minor,
            "currency": currency,
            "rest_minor": row.amount_minor - row.source_minor,  # of a refund to the source: what went to the wallet at once
            "rest_currency": row.currency,
            "method": row.provider,
            "reason": row.reason,
        },
        once=f"{says}:{row.id}",
    )
