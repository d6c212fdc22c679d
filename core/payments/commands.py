"""Asking for money, judging what a provider reports, and moving it into wallets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal, ledger, outbox, people, rates, storefronts
from core.database import insert_new, now, write
from core.errors import N_, Refusal
from core.ledger import AccountKind, Leg, TransferKind
from core.money import convert_down, convert_up
from core.payments.queries import Intent, view, wallet
from core.payments.tables import Intent as IntentRow
from core.payments.tables import IntentState, PaymentEvent

_OPEN = (IntentState.CREATED, IntentState.PENDING)


@dataclass(eq=False)
class NotPayable(Refusal):
    """This payment cannot be taken: it is another's, over, or not what was asked."""

    says: ClassVar[str] = N_("This invoice can no longer be paid. Please order again.")


@dataclass(frozen=True, slots=True)
class Credited:
    """What became of a provider's event; `worth_minor` came into the wallet. `repeated`: it was recorded before."""

    intent: Intent | None
    worth_minor: int
    currency: str
    first_payment: bool
    exact: bool
    repeated: bool


@write
def ask(
    session: Session,
    *,
    provider: str,
    pay_currency: str,
    customer_id: int,
    worth_minor: int,
    order_id: int | None,
    seconds: float,
) -> Intent | None:
    """An intent worth so much of the shop's currency, converted (rounded up) at the recorded rate; None when there is no rate."""
    customer = people.by_id(session, customer_id)
    currency = storefronts.by_id(session, customer.storefront_id).currency
    amount, rate_id = worth_minor, None
    if pay_currency != currency:
        quoted = rates.latest(session, base=pay_currency, quote=currency)
        if quoted is None:
            return None
        amount, rate_id = convert_up(worth_minor, 1 / quoted.rate), quoted.id
    at = now(session)
    row = IntentRow(
        provider=provider,
        customer_id=customer_id,
        order_id=order_id,
        amount_minor=amount,
        currency=pay_currency,
        worth_minor=worth_minor,
        worth_currency=currency,
        rate_id=rate_id,
        state=IntentState.PENDING,
        made_at=at,
        expires_at=at + timedelta(seconds=seconds),
    )
    session.add(row)
    session.flush()
    return view(row)


@write
def give_ref(session: Session, *, intent_id: int, provider_ref: str) -> None:
    """Remember the provider's own number for an intent."""
    session.execute(update(IntentRow).where(IntentRow.id == intent_id).values(provider_ref=provider_ref[:200]))


@write
def check(session: Session, *, intent_id: int, customer_id: int, amount_minor: int, currency: str) -> Intent:
    """The open intent, if it is this customer's and of this amount; raises NotPayable."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if (
        row is None
        or row.customer_id != customer_id
        or (row.amount_minor, row.currency) != (amount_minor, currency)
        or row.state not in _OPEN
        or row.expires_at <= now(session)
    ):
        raise NotPayable
    return view(row)


@write
def keep_open(session: Session, *, intent_id: int, until: datetime) -> None:
    """An open intent may be paid until then."""
    session.execute(
        update(IntentRow)
        .where(IntentRow.id == intent_id, IntentRow.state.in_(_OPEN), IntentRow.expires_at < until)
        .values(expires_at=until)
    )


@write
def judge(
    session: Session, *, provider: str, event_key: str, intent_id: int | None, customer_id: int, amount_minor: int, currency: str
) -> Credited:
    """Record that money came in, once for each (provider, event key), and credit the wallet with its worth.

    Whatever the state of the intent, the money is never lost: a second, late, or unknown payment is credited too. An
    amount other than asked is worth its share of what was asked.
    """
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    row = None if intent_id is None else session.get(IntentRow, intent_id, with_for_update=True)
    if row is not None and (row.provider, row.customer_id, row.currency) != (provider, customer_id, currency):
        row = None  # Somebody else's number on real money: the money belongs to who paid it.
    fresh = session.execute(
        insert_new(session, PaymentEvent)
        .values(
            provider=provider,
            event_key=event_key,
            intent_id=row.id if row else None,
            kind="paid",
            amount_minor=amount_minor,
            currency=currency,
            verdict="credited",
            at=now(session),
        )
        .returning(PaymentEvent.id)
    ).first()
    known = None if row is None else view(row)
    if fresh is None:
        return Credited(known, 0, storefront.currency, first_payment=False, exact=False, repeated=True)
    worth = _worth(session, row, amount_minor, currency, storefront.currency)
    if worth is None:
        # Real money that cannot be valued is kept on record, and a person decides.
        session.execute(update(PaymentEvent).where(PaymentEvent.id == fresh[0]).values(verdict="unvalued"))
        tell_staff(
            session,
            storefront_id=storefront.id,
            body={
                "says": "payment-unvalued",
                "key": event_key,
                "customer": customer_id,
                "amount_minor": amount_minor,
                "currency": currency,
            },
            once=f"unvalued:{provider}:{event_key}",
        )
        return Credited(known, 0, storefront.currency, first_payment=False, exact=False, repeated=False)
    first = row is not None and row.state not in (IntentState.PAID, IntentState.REFUNDING, IntentState.REFUNDED)
    if row is not None and first:
        row.state, row.ended_at = IntentState.PAID, now(session)
        session.flush()
    if worth > 0:
        credit(
            session,
            customer_id=customer_id,
            provider=provider,
            key=f"payment:{provider}:{event_key}",
            amount_minor=amount_minor,
            currency=currency,
            worth_minor=worth,
            subject_id=row.id if row else None,
        )
    exact = row is not None and amount_minor >= row.amount_minor
    return Credited(known, worth, storefront.currency, first_payment=first, exact=exact, repeated=False)


def _worth(session: Session, row: IntentRow | None, amount_minor: int, currency: str, shop_currency: str) -> int | None:
    """What came in, in the shop's currency; None when there is no rate for it."""
    if row is not None:
        if amount_minor == row.amount_minor:
            return row.worth_minor
        return convert_down(amount_minor, Fraction(row.worth_minor, row.amount_minor))
    if currency == shop_currency:
        return amount_minor
    quoted = rates.latest(session, base=currency, quote=shop_currency)
    return None if quoted is None else convert_down(amount_minor, quoted.rate)


@write
def credit(
    session: Session,
    *,
    customer_id: int,
    provider: str,
    key: str,
    amount_minor: int,
    currency: str,
    worth_minor: int,
    subject_id: int | None = None,
) -> None:
    """Book money from a gateway into a wallet, over the exchange accounts when the currencies differ; once for each key."""
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    house = storefront.party_id
    gateway = ledger.open_account(session, party_id=house, kind=AccountKind.GATEWAY, label=provider, currency=currency)
    if currency == storefront.currency:
        legs = [Leg(gateway, customer.wallet_id, worth_minor, currency)]
    else:
        theirs = ledger.open_account(session, party_id=house, kind=AccountKind.EXCHANGE, currency=currency)
        ours = ledger.open_account(session, party_id=house, kind=AccountKind.EXCHANGE, currency=storefront.currency)
        legs = [
            Leg(gateway, theirs, amount_minor, currency),
            Leg(ours, customer.wallet_id, worth_minor, storefront.currency),
        ]
    ledger.transfer(session, key=key, kind=TransferKind.DEPOSIT, party_id=customer_id, legs=legs, subject_id=subject_id)


@write
def given_back(session: Session, *, provider: str, event_key: str, customer_id: int) -> int | None:
    """The provider gave a payment back to the payer: take its worth out of the wallet again, once.

    What the wallet no longer holds (the codes are spent) is the shop's loss, booked as one; the staff are told either way.
    Returns what was taken from the wallet, or None when the payment is unknown or was taken back before.
    """
    paid = session.scalars(
        select(PaymentEvent).where(PaymentEvent.provider == provider, PaymentEvent.event_key == event_key, PaymentEvent.kind == "paid")
    ).one_or_none()
    if paid is None:
        return None
    fresh = session.execute(
        insert_new(session, PaymentEvent)
        .values(
            provider=provider,
            event_key=f"{event_key[:180]}:given-back",
            intent_id=paid.intent_id,
            kind="given-back",
            amount_minor=paid.amount_minor,
            currency=paid.currency,
            verdict="reversed",
            at=now(session),
        )
        .returning(PaymentEvent.id)
    ).first()
    if fresh is None:
        return None
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    legs = ledger.legs_of(session, key=f"payment:{provider}:{event_key}")
    worth = sum(leg.amount_minor for leg in legs if leg.credit_id == customer.wallet_id)
    ledger.lock(session, customer.wallet_id)
    taken = max(0, min(worth, wallet(session, customer_id).balance_minor))
    loss = ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.ADJUSTMENT, currency=storefront.currency)
    back: list[Leg] = []
    for leg in legs:
        if leg.credit_id != customer.wallet_id:
            back.append(Leg(leg.credit_id, leg.debit_id, leg.amount_minor, leg.currency))
            continue
        parts = ((customer.wallet_id, taken), (loss, leg.amount_minor - taken))
        back += [Leg(debit, leg.debit_id, part, leg.currency) for debit, part in parts if part > 0]
    if back:
        ledger.transfer(
            session,
            key=f"given-back:{provider}:{event_key}",
            kind=TransferKind.REFUND,
            party_id=customer_id,
            legs=back,
            subject_id=paid.intent_id,
        )
    if paid.intent_id is not None:
        session.execute(update(IntentRow).where(IntentRow.id == paid.intent_id).values(state=IntentState.REFUNDED, ended_at=now(session)))
    tell_staff(
        session,
        storefront_id=storefront.id,
        body={
            "says": "payment-given-back",
            "key": event_key,
            "customer": customer_id,
            "taken_minor": taken,
            "lost_minor": worth - taken,
            "currency": storefront.currency,
        },
        once=f"given-back:{provider}:{event_key}",
    )
    return taken


@write
def tell_staff(session: Session, *, storefront_id: int, body: dict[str, Any], once: str) -> int:
    """Post an alert to each member of the staff who can be written to; the same `once` is told once. Returns to how many."""
    reached = [member.customer.id for member in people.staff(session, storefront_id=storefront_id) if member.customer is not None]
    for customer_id in reached:
        outbox.post(session, topic=outbox.Topic.ALERT, customer_id=customer_id, body=body, once=f"{once[:100]}:{customer_id}")
    return len(reached)


@write
def adjust(session: Session, *, customer_id: int, amount_minor: int, reason: str, by: str, once: str, tell: bool = True) -> int:
    """An admin credits (positive) or debits (negative) a wallet with a reason; returns the balance after it.

    The customer is told of it, unless `tell` is False. The same `once` again changes nothing. Raises TooLittle when a debit is
    more than there is.
    """
    assert amount_minor != 0, "an adjustment changes something"
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    house = ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.ADJUSTMENT, currency=storefront.currency)
    ledger.lock(session, customer.wallet_id)  # So that what is written down as before and after is what it was.
    before = wallet(session, customer_id).balance_minor
    debit, credited = (house, customer.wallet_id) if amount_minor > 0 else (customer.wallet_id, house)
    moved = ledger.transfer(
        session,
        key=f"adjust:{once}",
        kind=TransferKind.ADJUSTMENT,
        party_id=customer_id,
        legs=[Leg(debit, credited, abs(amount_minor), storefront.currency)],
        note=reason[:500],
    )
    if moved.repeated:
        return before
    after = before + amount_minor
    journal.record(
        session,
        by=by,
        did="adjust-balance",
        about="customer",
        about_id=customer_id,
        before={"balance_minor": before},
        after={"balance_minor": after, "reason": reason[:500]},
    )
    if tell:
        outbox.post(
            session,
            topic=outbox.Topic.NOTICE,
            customer_id=customer_id,
            body={
                "says": "adjusted",
                "amount_minor": amount_minor,
                "balance_minor": after,
                "currency": storefront.currency,
                "reason": reason[:500],
            },
        )
    return after


@write
def close_intents_of(session: Session, *, order_id: int) -> None:
    """The order is over: its open intents are expired. Money that still comes is credited."""
    session.execute(
        update(IntentRow)
        .where(IntentRow.order_id == order_id, IntentRow.state.in_(_OPEN))
        .values(state=IntentState.EXPIRED, ended_at=now(session))
    )


@write
def expire_deposits(session: Session, *, most: int) -> int:
    """Close deposits nobody paid in time; returns how many. Money that still comes is credited."""
    ids = session.scalars(
        select(IntentRow.id)
        .where(IntentRow.state.in_(_OPEN), IntentRow.order_id.is_(None), IntentRow.expires_at <= now(session))
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(update(IntentRow).where(IntentRow.id.in_(ids)).values(state=IntentState.EXPIRED, ended_at=now(session)))
    return len(ids)
