"""Judging what a provider reports, and moving money into wallets and out of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal, ledger, outbox, people, rates, storefronts
from core.database import insert_new, now, write
from core.ledger import AccountKind, Leg, TransferKind
from core.money import convert_down
from core.payments.intents import change
from core.payments.queries import Intent, key_of_return, returned_whole, view, wallet
from core.payments.staff import tell_staff
from core.payments.tables import Intent as IntentRow
from core.payments.tables import IntentState, PaymentEvent
from core.ports import Event


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
    first = row is not None and row.state not in (IntentState.PAID, IntentState.REFUNDED)
    if row is not None and first:
        row.due_at = None
        change(session, row, IntentState.PAID, f"paid: {event_key}")
    if amount_minor > 0:  # Also what is worth less than the smallest coin: it is somebody's, and the gateway has it.
        credit(
            session,
            customer_id=customer_id,
            provider=provider,
            key=f"payment:{provider}:{event_key}",
            amount_minor=amount_minor,
            currency=currency,
            worth_minor=worth,
            subject_id=row.id if row else None,
            fee_minor=_share(amount_minor, row.fee_minor, row.amount_minor) if row else 0,
            kept_minor=_share(amount_minor, row.kept_minor, row.amount_minor) if row else 0,
        )
    exact = row is not None and amount_minor >= row.amount_minor
    return Credited(known, worth, storefront.currency, first_payment=first, exact=exact, repeated=False)


def _share(amount_minor: int, part_minor: int, whole_minor: int) -> int:
    """The part that falls to so much of the whole, rounded down."""
    return part_minor if amount_minor == whole_minor else min(part_minor, amount_minor * part_minor // whole_minor)


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
    fee_minor: int = 0,
    kept_minor: int = 0,
) -> None:
    """Book money from a gateway into a wallet, over the exchange accounts when the currencies differ; once for each key.

    Of `amount_minor`, `fee_minor` is what the payer bears of the provider's fee, and `kept_minor` what the provider keeps.
    """
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    house = storefront.party_id
    gateway = ledger.open_account(session, party_id=house, kind=AccountKind.GATEWAY, label=provider, currency=currency)
    if currency == storefront.currency:
        legs = [Leg(gateway, customer.wallet_id, worth_minor, currency)]
        fee_minor = amount_minor - worth_minor  # All that came in is somebody's: what rounding leaves is the shop's.
    else:
        theirs = ledger.open_account(session, party_id=house, kind=AccountKind.EXCHANGE, currency=currency)
        ours = ledger.open_account(session, party_id=house, kind=AccountKind.EXCHANGE, currency=storefront.currency)
        legs = [
            Leg(gateway, theirs, amount_minor - fee_minor, currency),
            Leg(ours, customer.wallet_id, worth_minor, storefront.currency),
        ]
    if fee_minor > 0 or kept_minor > 0:
        fees = ledger.open_account(session, party_id=house, kind=AccountKind.FEES, currency=currency)
        legs += [Leg(gateway, fees, fee_minor, currency)] if fee_minor > 0 else []
        legs += [Leg(fees, gateway, kept_minor, currency)] if kept_minor > 0 else []
    moved = [leg for leg in legs if leg.amount_minor > 0]
    ledger.transfer(session, key=key, kind=TransferKind.DEPOSIT, party_id=customer_id, legs=moved, subject_id=subject_id)
    intent = None if subject_id is None else session.get(IntentRow, subject_id)
    if intent is None or intent.order_id is None:
        # Who is late with what they owe pays it first; what was paid for an order buys it.
        ledger.raise_floor(session, customer.wallet_id)


@write
def unasked_given_back(session: Session, *, provider: str, event_key: str, customer_id: int) -> int | None:
    """The provider gave back money that nobody had been asked for, so that no order hangs on it: its worth leaves the wallet, once.

    What the wallet no longer holds is the shop's loss, booked as one; the staff are told either way. Returns what was taken from the
    wallet; None when there was no such money, or it was taken back before. What had been asked for goes back by `take_back`.
    """
    paid = session.scalars(
        select(PaymentEvent).where(
            PaymentEvent.provider == provider,
            PaymentEvent.event_key == event_key,
            PaymentEvent.kind == "paid",
            PaymentEvent.intent_id.is_(None),
        )
    ).one_or_none()
    if paid is None or returned_whole(session, provider=provider, event_key=event_key):
        return None
    fresh = session.execute(
        insert_new(session, PaymentEvent)
        .values(
            provider=provider,
            event_key=key_of_return(event_key),
            intent_id=None,
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
        )
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
def write_down_stray(session: Session, *, storefront_id: int, provider: str, event: Event) -> bool:
    """Money came in for a number that is not ours: it is recorded once, and a person decides. False when it was recorded before."""
    fresh = session.execute(
        insert_new(session, PaymentEvent)
        .values(
            provider=provider,
            event_key=event.key[:200],
            intent_id=None,
            kind="paid",
            amount_minor=event.amount_minor,
            currency=event.currency,
            verdict="stray",
            at=now(session),
        )
        .returning(PaymentEvent.id)
    ).first()
    if fresh is not None:
        body = {
            "says": "payment-stray",
            "provider": provider,
            "key": event.key,
            "amount_minor": event.amount_minor,
            "currency": event.currency,
        }
        tell_staff(session, storefront_id=storefront_id, body=body, once=f"stray:{provider}:{event.key}")
    return fresh is not None
