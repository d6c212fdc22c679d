"""Refunds: the money of codes goes back, exact to the minor unit, and so do their cost, their counts and, unseen, the codes themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session

from core import coupons, inventory, journal, ledger, outbox, payments, people, storefronts, supply
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.ledger import AccountKind, Leg, TransferKind
from core.orders.costs import Cost, costs
from core.orders.numbers import number_of
from core.orders.refusals import HeldForReview, OnceReused
from core.orders.seals import TakenBack, asked_back, legacy_return, locked, seal
from core.orders.tables import Order, OrderLine, OrderState, PurchaseCount, Refund, RefundedCode, RefundState, RefundTo, Reveal
from core.payments import IntentState
from core.ports import Refund as RefundAsked

_LONGEST_PAUSE_SECONDS = 3600.0
BUYER = "buyer"  # who returned a sealed order
_UNDER_WAY = (RefundState.WANTED, RefundState.REFUNDING)


@dataclass(eq=False)
class NotRefundable(Refusal):
    says: ClassVar[str] = N_("Only an order whose codes were issued can be refunded. Nothing was changed.")


@dataclass(eq=False)
class AlreadyRefunded(Refusal):
    says: ClassVar[str] = N_("This was refunded before. Nothing was changed.")


@dataclass(eq=False)
class NotOfThisOrder(Refusal):
    says: ClassVar[str] = N_("These codes are not of this order. Nothing was changed.")


@dataclass(eq=False)
class NoWayBack(Refusal):
    """The order was not paid through a provider, or the provider has given all of it back."""

    says: ClassVar[str] = N_("This order cannot be refunded to where it was paid from. You can refund it to the balance.")


@dataclass(eq=False)
class OnlyWhole(Refusal):
    says: ClassVar[str] = N_("This payment can only be given back as a whole. You can refund a part of it to the balance.")


@dataclass(eq=False)
class AlreadyOpened(Refusal):
    says: ClassVar[str] = N_("This order has been opened, so it can no longer be returned.")


@dataclass(eq=False)
class TooLateToReturn(Refusal):
    says: ClassVar[str] = N_("The time in which this order could be returned is over. You can still open it.")


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund did: `source_minor` of the amount is on its way to where it was paid from, the rest is in the wallet.

    `returned` codes are on the shelf again, `void` ones are not. `repeated`: it was done before, and nothing was done again.
    """

    refund_id: int
    order_id: int
    number: str
    amount_minor: int
    source_minor: int
    currency: str
    state: RefundState
    returned: int
    void: int
    repeated: bool


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


@dataclass(frozen=True, slots=True)
class SoldCode:
    """A code as the order had it, without what it says: `ordinal` counts from 1; `returned` when it is for sale again."""

    code_id: int
    ordinal: int
    refunded: bool
    returned: bool
    worth_minor: int  # what refunding it alone would give back now; nothing when it was refunded


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund of an order, for screens."""

    id: int
    amount_minor: int
    source_minor: int
    currency: str
    to: RefundTo
    state: RefundState
    reason: str
    provider: str | None
    made_at: datetime


def share(total_minor: int, part: int, whole: int) -> int:
    """What of a total falls to `part` of `whole`, rounded down: taken cumulatively, the last part gets what rounding has left."""
    assert 0 <= part <= whole and whole > 0, "a part is of something"
    return total_minor * part // whole


@write
def refund_codes(
    session: Session,
    *,
    order_id: int,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    to: RefundTo = RefundTo.WALLET,
    whole_only: bool = False,
) -> Refunded:
    """Give back the money of these codes of an order (None: of all that have not been refunded), and tell the buyer.

    The parts of an order that are refunded one after the other sum up to exactly what was paid. What the sale credited a
    supplier with is taken back, limits and figures no longer count the codes. Codes nobody can have seen return to the
    shelf; the others stay the order's and are void. The same `once` again changes nothing.

    To the source goes what was paid through a provider; the rest, what the wallet paid, goes to the wallet. With
    `whole_only` the provider gives back a payment as a whole or not at all.

    Raises NotRefundable, AlreadyRefunded, NotOfThisOrder, OnceReused; to the source also NoWayBack and OnlyWhole.
    """
    order = locked(session, order_id)
    known = _known(session, order_id, code_ids, once)
    if known is not None:
        return known
    made = _refund(session, order, code_ids=code_ids, reason=reason, by=by, once=once, to=RefundTo(to), whole_only=whole_only)
    journal.record(
        session,
        by=by,
        did="refund",
        about="order",
        about_id=order_id,
        before={"refunded_minor": order.refunded_minor - made.amount_minor},
        after={
            "refunded_minor": order.refunded_minor,
            "refunded_codes": made.returned + made.void,
            "to": to.value,
            "reason": reason[:500],
        },
    )
    return made


@write
def refund_to_source(
    session: Session,
    *,
    order_id: int,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    whole_only: bool = False,
) -> Refunded:
    """`refund_codes` to where it was paid from: the money is set aside, and `refunds_due` hands it to who asks the provider."""
    return refund_codes(
        session,
        order_id=order_id,
        code_ids=code_ids,
        reason=reason,
        by=by,
        once=once,
        to=RefundTo.SOURCE,
        whole_only=whole_only,
    )


@write
def return_sealed(session: Session, *, order_id: int, buyer_id: int) -> Refunded:
    """The buyer returns a sealed order unopened: all of its money goes to the wallet, all of its codes to the shelf.

    Once for each order. Raises Gone when it is not theirs, AlreadyRefunded, AlreadyOpened, TooLateToReturn, NotRefundable, and
    HeldForReview: until the shop has looked at it, its money may not become a balance.
    """
    order = locked(session, order_id, buyer_id)
    once = f"return:{order_id}"
    known = _known(session, order_id, None, once)
    if known is not None:
        return known
    if order.held:
        raise HeldForReview
    if order.state is OrderState.ISSUED:
        found = seal(session, order)
        if found is None:
            raise AlreadyOpened
        if not found.returnable:
            raise TooLateToReturn
    return _refund(session, order, code_ids=None, reason="", by=BUYER, once=once, to=RefundTo.WALLET, whole_only=False)


def refund_unsent(session: Session, order: Order, *, by: str) -> Refunded:
    """The provider takes back what a locked order, which nobody has seen, was paid with: it ends, its money is in the wallet to be taken.

    A part of commands. Its codes are for sale again, unless a courier had begun with them.
    """
    return _refund(
        session, order, code_ids=None, reason="", by=by, once=f"unsent:{order.id}", to=RefundTo.WALLET, whole_only=False, says="unsent"
    )


def payment_of(session: Session, order: Order) -> Source | None:
    """The payment that issued an order, also when nothing of it is left; None when it was paid from the wallet. A part of commands."""
    return _source(session, order)


@read
def source_of(session: Session, order_id: int) -> Source | None:
    """The payment by which an order can be refunded to its source; None when there is none, or nothing of it is left."""
    order = session.get(Order, order_id)
    found = None if order is None else _source(session, order)
    return found if found is not None and found.left_minor > 0 else None


@read
def codes_sold(session: Session, order_id: int) -> list[SoldCode]:
    """The codes of an issued order, in the order they were taken, with what has become of them."""
    order = session.get(Order, order_id)
    if order is None or order.state not in (OrderState.ISSUED, OrderState.REFUNDED):
        return []
    gone = _gone(session, order_id)
    ids = sorted(gone.keys() | {code.id for code in inventory.of_order(session, order_id)})
    alone = 0 if len(gone) == len(ids) else share(order.total_minor, len(gone) + 1, _bought(session, order_id)) - order.refunded_minor
    return [
        SoldCode(code_id, ordinal, code_id in gone, code_id in gone and gone[code_id].returned, 0 if code_id in gone else alone)
        for ordinal, code_id in enumerate(ids, 1)
    ]


@read
def refunds_of(session: Session, order_id: int) -> list[RefundView]:
    """The refunds of an order, oldest first."""
    rows = session.scalars(select(Refund).where(Refund.order_id == order_id).order_by(Refund.id))
    return [RefundView(r.id, r.amount_minor, r.source_minor, r.currency, r.to, r.state, r.reason, r.provider, r.made_at) for r in rows]


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


# On the way to the source


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
    paid = _source(session, order)
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
    _move(session, f"refund-done:{row.id}", house, order.id, legs)
    row.state, row.ended_at, row.due_at = RefundState.REFUNDED, now(session), None
    _tell(session, order, row, "refund-arrived", row.pay_minor, row.pay_currency)
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
    _move(session, f"refund-declined:{row.id}", customer.id, order.id, legs)
    row.state, row.ended_at, row.due_at = RefundState.DECLINED, now(session), None
    session.flush()
    if row.intent_id is not None:
        # It may have said no because it has given the money back already, in its own console.
        payments.regain(session, intent_id=row.intent_id, most_minor=row.source_minor, once=f"declined:{row.id}")
        _take_heard(session, row)
    _tell(session, order, row, "refund-declined", row.source_minor, row.currency)
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


# How it is done


def _known(session: Session, order_id: int, code_ids: Collection[int] | None, once: str) -> Refunded | None:
    """The refund of this key, made before; raises OnceReused when it was of something else."""
    row = session.scalars(select(Refund).where(Refund.once == once)).one_or_none()
    if row is None:
        return None
    codes = session.execute(select(RefundedCode.code_id, RefundedCode.returned).where(RefundedCode.refund_id == row.id)).all()
    if row.order_id != order_id or (code_ids is not None and set(code_ids) != {code_id for code_id, _ in codes}):
        raise OnceReused
    returned = sum(back for _, back in codes)
    return _made(row, returned, len(codes) - returned, repeated=True)


def _made(row: Refund, returned: int, void: int, *, repeated: bool) -> Refunded:
    return Refunded(
        row.id,
        row.order_id,
        number_of(row.order_id),
        row.amount_minor,
        row.source_minor,
        row.currency,
        row.state,
        returned,
        void,
        repeated,
    )


def _refund(
    session: Session,
    order: Order,
    *,
    code_ids: Collection[int] | None,
    reason: str,
    by: str,
    once: str,
    to: RefundTo,
    whole_only: bool,
    says: str | None = None,
) -> Refunded:
    """The refund itself, of an order that is locked; `says` names another notice for the buyer than the usual one."""
    if order.state is OrderState.REFUNDED:
        raise AlreadyRefunded
    if order.state is not OrderState.ISSUED:
        raise NotRefundable
    if says is None and _nothing_was_paid(session, order):
        raise TakenBack
    customer = people.by_id(session, order.buyer_id)
    ledger.lock(session, customer.wallet_id)
    left = {code.id: code.offer_id for code in inventory.of_order(session, order.id) if code.refunded_at is None}
    gone = _gone(session, order.id)
    chosen = left if code_ids is None else {code_id: left[code_id] for code_id in sorted(set(code_ids)) if code_id in left}
    if code_ids is not None and len(chosen) < len(set(code_ids)):
        raise AlreadyRefunded if gone.keys() & set(code_ids) else NotOfThisOrder
    if not chosen:
        raise NotOfThisOrder
    # All codes of an order have one price, so that a discount falls to each alike.
    amount = share(order.total_minor, len(gone) + len(chosen), _bought(session, order.id)) - order.refunded_minor
    assert amount >= 0, "what was refunded before was the share of it"
    row = _write_row(session, order, amount, reason=reason, by=by, once=once, to=to, whole_only=whole_only)
    to_shelf = _unseen(session, order)
    cost = costs(session, order, chosen)
    _give_money(session, order, row, cost)
    paid, kept = payments.paid_for(session, order_id=order.id), 0
    if paid is not None and amount > row.source_minor:
        # What the payer has from the provider already is not given twice.
        kept = payments.regain(session, intent_id=paid[0].id, most_minor=amount - row.source_minor, once=f"refund:{row.id}")
    _note_codes(session, order, row, chosen, cost, to_shelf=to_shelf)
    taken = inventory.take_back(session, order_id=order.id, code_ids=list(chosen), to_shelf=to_shelf)
    assert taken == len(chosen), "the codes of a locked order stay its own"
    order.refunded_minor += amount
    if len(chosen) == len(left):
        assert order.refunded_minor == order.total_minor, "the last share is what is left"
        order.state = OrderState.REFUNDED
        coupons.give_back(session, order.id)
        outbox.call_off(session, order_id=order.id, why="refunded")
    _uncount(session, order, chosen)
    if says is not None:
        _tell(session, order, row, says, amount, row.currency)
    elif row.source_minor:
        _tell(session, order, row, "refunding", row.source_minor, row.currency)
    else:
        _tell(session, order, row, "returned" if by == BUYER else "refunded", amount - kept, row.currency)
    session.flush()
    return _made(row, len(chosen) if to_shelf else 0, 0 if to_shelf else len(chosen), repeated=False)


def _nothing_was_paid(session: Session, order: Order) -> bool:
    """Has the payer all of the payment again, and the shop lost all of it? What the wallet bore of it the buyer has paid after all."""
    if legacy_return(session, order.id):
        return True
    found = payments.paid_for(session, order_id=order.id)
    if found is None or found[0].state is not IntentState.REFUNDED:
        return False
    of = {"provider": found[0].provider, "event_key": found[1]}
    _, worth = payments.returned_of(session, **of)
    return payments.lost_of(session, **of) >= worth


def _gone(session: Session, order_id: int) -> dict[int, RefundedCode]:
    """The codes of an order that were refunded, by their ids."""
    return {row.code_id: row for row in session.scalars(select(RefundedCode).where(RefundedCode.order_id == order_id))}


def _bought(session: Session, order_id: int) -> int:
    """How many codes the order was issued with."""
    return int(session.scalars(select(func.sum(OrderLine.quantity)).where(OrderLine.order_id == order_id)).one() or 0)


def _unseen(session: Session, order: Order) -> bool:
    """Can nobody have seen the codes? Not when a courier has begun to send them, whatever became of it."""
    if session.scalar(select(Reveal.id).where(Reveal.order_id == order.id).limit(1)) is not None:
        return False
    return seal(session, order) is not None or outbox.untried(session, order_id=order.id)


def _write_row(session: Session, order: Order, amount: int, *, reason: str, by: str, once: str, to: RefundTo, whole_only: bool) -> Refund:
    at, paid, part, pay, fee = now(session), None, 0, 0, 0
    if to is RefundTo.SOURCE:
        paid = _source(session, order)
        part = min(amount, paid.left_minor) if paid is not None else 0
        if paid is None or part <= 0:
            raise NoWayBack
        part = whole_coins(paid, part)
        pay, fee = part_to_source(paid, part)
        # Where rounding would ask for more than the provider still has, the shop bears the difference in the fee.
        over = max(0, pay - _left_there(session, paid))
        fee, pay = max(0, fee - over), pay - over
        if paid.currency == order.currency:
            part = pay - fee  # To the minor unit: what is set aside is what leaves by the gateway.
        if whole_only and pay != paid.amount_minor:
            raise OnlyWhole
        if pay == 0:
            raise NoWayBack  # Less than the smallest coin of the payment's currency.
    refund_id = session.scalars(
        insert_new(session, Refund)
        .values(
            order_id=order.id,
            amount_minor=amount,
            currency=order.currency,
            to=to,
            state=RefundState.REFUNDED if paid is None else RefundState.WANTED,
            reason=reason[:500],
            by=by,
            once=once,
            made_at=at,
            ended_at=at if paid is None else None,
            provider=None if paid is None else paid.provider,
            event_key=None if paid is None else paid.event_key,
            intent_id=None if paid is None else paid.intent_id,
            source_minor=part,
            pay_minor=pay,
            fee_minor=fee,
            pay_currency=None if paid is None else paid.currency,
            due_at=None if paid is None else at,
            tries=0,
        )
        .returning(Refund.id)
    ).one_or_none()
    if refund_id is None:  # A refund of another order took this key a moment ago.
        raise OnceReused
    return session.get_one(Refund, refund_id)


def _left_there(session: Session, paid: Source) -> int:
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


def _source(session: Session, order: Order) -> Source | None:
    """The payment that issued an order, read from how it was booked; None when it was not paid through a provider."""
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


def _give_money(session: Session, order: Order, row: Refund, cost: Mapping[int, Cost]) -> None:
    """The sale's money backwards: suppliers give back their cost, the shop the rest; to the wallet, and to what is set aside."""
    storefront, wallet_id = storefronts.by_id(session, order.storefront_id), people.by_id(session, order.buyer_id).wallet_id
    owed: dict[int, int] = {}
    for each in cost.values():
        if each.payable_id is not None:
            owed[each.payable_id] = owed.get(each.payable_id, 0) + each.minor
    givers, takers = list(owed.items()), [(wallet_id, row.amount_minor - row.source_minor)]
    if row.source_minor:
        aside = ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.REFUNDING, currency=row.currency)
        takers.append((aside, row.source_minor))
    # What was sold below its cost came from the shop, and goes back to it.
    over = sum(owed.values()) - row.amount_minor
    if over > 0:
        takers.append((storefront.sales_account_id, over))
    else:
        givers.append((storefront.sales_account_id, -over))
    # Whose wallet it does not touch, does not see it among the movements.
    party = order.buyer_id if row.amount_minor > row.source_minor else storefront.party_id
    _move(session, f"refund:{row.once}", party, order.id, [(*leg, row.currency) for leg in _paired(givers, takers)])


def _paired(givers: Sequence[tuple[int, int]], takers: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Who gives how much to whom, in order, when so much is given and taken: (giver, taker, amount)."""
    legs, waiting = [], [list(taker) for taker in takers]
    for giver, amount in givers:
        while amount:
            taker = waiting[0]
            part = min(amount, taker[1])
            if part:
                legs.append((giver, taker[0], part))
            amount, taker[1] = amount - part, taker[1] - part
            if not taker[1]:
                waiting.pop(0)
    return legs


def _note_codes(session: Session, order: Order, row: Refund, chosen: dict[int, int], cost: Mapping[int, Cost], *, to_shelf: bool) -> None:
    session.execute(
        insert(RefundedCode),
        [
            {
                "order_id": order.id,
                "code_id": code_id,
                "refund_id": row.id,
                "offer_id": offer_id,
                "returned": to_shelf,
                "cost_minor": cost[code_id].minor,
                "cost_currency": cost[code_id].currency,
                "cost_back": to_shelf or cost[code_id].payable_id is not None,
            }
            for code_id, offer_id in chosen.items()
        ],
    )


def _uncount(session: Session, order: Order, chosen: dict[int, int]) -> None:
    """The buyer may have as many more of what is limited."""
    skus = {offer.id: offer.sku_id for offer in supply.offers(session, set(chosen.values()))}
    units: dict[int, int] = {}
    for offer_id in chosen.values():
        units[skus[offer_id]] = units.get(skus[offer_id], 0) + 1
    for sku_id, count in units.items():
        session.execute(
            update(PurchaseCount)
            .where(PurchaseCount.customer_id == order.buyer_id, PurchaseCount.sku_id == sku_id)
            # Some of them may have been bought while there was no limit, and were not counted.
            .values(bought=case((PurchaseCount.bought > count, PurchaseCount.bought - count), else_=0)),
            execution_options={"synchronize_session": False},
        )


def _move(session: Session, key: str, party_id: int, order_id: int, legs: Sequence[tuple[int, int, int, str]]) -> None:
    """Book a refund's money; nothing when there is nothing to move."""
    moved = [Leg(*leg) for leg in legs if leg[2] > 0]
    if moved:
        ledger.transfer(session, key=key, kind=TransferKind.REFUND, party_id=party_id, legs=moved, subject_id=order_id)


def _tell(session: Session, order: Order, row: Refund, says: str, amount_minor: int, currency: str) -> None:
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
