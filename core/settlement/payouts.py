"""Payouts: asked for by the supplier, approved by the staff, sent by hand or by a provider, and never sent twice.

The money leaves what is due when it is asked for and stays in the house as "paying" until it is known to be sent; refused, it is due
again. What a provider did not answer is unknown: it is asked about under the same number, and never sent under another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from core import aftersale, fulfilment, journal, ledger, outbox, payments, people, rates, storefronts, supply
from core.catalog import Gone
from core.database import among, now, read, write
from core.ledger import AccountKind, Leg, TransferKind
from core.money import convert_down
from core.settlement import accounts
from core.settlement.refusals import (
    AddressIsFresh,
    NoAddress,
    NoRate,
    NoSuchSupplier,
    NotAnAddress,
    NotThatMuch,
    NotYours,
    PayoutIsOver,
    PayoutsStopped,
    TheyAreSuspended,
    TooSmall,
    WasTakenSince,
)
from core.settlement.sealing import opened, seal
from core.settlement.tables import Claim, ClaimState, Payout, PayoutAddress, PayoutRule, PayoutState, PayTo

FRESH = timedelta(hours=24)  # after a change of where the money goes, nothing is paid out
LEAST_MINOR, TWO_ABOVE_MINOR = 10_000, 1_000_000  # of currencies with hundredths, where the staff have set nothing else
FIRST_AGAIN, LONGEST_AGAIN = timedelta(seconds=20), timedelta(hours=1)
NO_WAY_AGAIN = timedelta(minutes=1)
LOOK_AGAIN = timedelta(minutes=10)  # at a payout that waits for frozen money
CANDIDATES = 20
NO_WAY = "no-way-to-pay"  # why a payout waits, in the program's words; what a provider said is kept in its own
OLDER_DECLINED, EARLIER_TRY = "older-try-declined: ", "earlier-try-may-arrive: "  # before a provider's own words
DECLINED = "provider-declined"  # why a payout was not made, as its supplier and the log read it; the provider's words are the staff's
BY_HAND = "bank"  # the label of the account that payouts by hand leave by
OPEN = (PayoutState.REQUESTED, PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN)
EXAMPLES = {PayTo.WORDS: "Bank of China, 6217 0000 0000 0000, Li Ming", PayTo.CRYPTO_PAY: "123456789"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Of payouts in a currency: how small one may be, and above which sum two of the staff approve it."""

    currency: str
    least_minor: int
    two_above_minor: int


def masked(words: str) -> str:
    """An account that its owner recognises and nobody can use: as it stands in chats, notices and the action log."""
    return fulfilment.masked(words)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a supplier's money goes; from `from_at` on it may be used."""

    to: PayTo
    words: str = field(repr=False)
    by: str
    at: datetime
    from_at: datetime

    @property
    def masked(self) -> str:
        return masked(self.words)


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout as everybody's screens show it; its number at a provider is `number`."""

    id: int
    supplier_id: int
    storefront_id: int
    amount_minor: int
    currency: str
    state: PayoutState
    to: PayTo
    words: str = field(repr=False)
    asked_by: str
    asked_at: datetime
    approved_by: str | None
    second_by: str | None
    pay_minor: int | None
    pay_currency: str | None
    reference: str | None
    sent_at: datetime | None
    ended_at: datetime | None
    tries: int
    why: str | None
    two_above_minor: int  # above which sum two of the staff approve it

    @property
    def number(self) -> str:
        return number_of(self.id)


def number_of(payout_id: int) -> str:
    """What a payout is called at its provider, for ever."""
    return f"payout-{payout_id}"


def _view(session: Session, row: Payout) -> PayoutView:
    return PayoutView(
        row.id,
        row.supplier_id,
        row.storefront_id,
        row.amount_minor,
        row.currency,
        row.state,
        row.to,
        opened(session, row),
        row.asked_by,
        row.asked_at,
        row.approved_by,
        row.second_by,
        row.pay_minor,
        row.pay_currency,
        row.reference,
        row.sent_at,
        row.ended_at,
        row.tries,
        row.why,
        _two_above(session, row),
    )


# Rules and addresses


@read
def rule(session: Session, currency: str) -> Rule:
    """What is asked of payouts in this currency."""
    row = session.get(PayoutRule, currency)
    return Rule(currency, LEAST_MINOR, TWO_ABOVE_MINOR) if row is None else Rule(currency, row.least_minor, row.two_above_minor)


@write
def set_rule(session: Session, *, currency: str, by: str, least_minor: int | None = None, two_above_minor: int | None = None) -> Rule:
    """Change what is asked of payouts in a currency, of those that are asked for from now on.

    What was asked for before is approved by the stricter of both, so that nobody makes way for a payout that is waiting. Raises
    OwnSupplier to whoever acts for a supplier.
    """
    supply.not_of_suppliers(session, by)
    before = rule(session, currency)
    row = session.get(PayoutRule, currency, with_for_update=True)
    if row is None:
        row = PayoutRule(currency=currency, least_minor=before.least_minor, two_above_minor=before.two_above_minor)
        session.add(row)
    if least_minor is not None:
        row.least_minor = max(1, least_minor)
    if two_above_minor is not None:
        row.two_above_minor = max(0, two_above_minor)
    session.flush()
    after = rule(session, currency)
    journal.record(session, by=by, did="payout-rule", about="payout", about_id=0, before=_facts(before), after=_facts(after))
    return after


def _facts(of: Rule) -> dict[str, object]:
    return {"currency": of.currency, "least_minor": of.least_minor, "two_above_minor": of.two_above_minor}


@read
def address(session: Session, supplier_id: int) -> Address | None:
    """Where a supplier's money goes now."""
    row = session.scalars(
        select(PayoutAddress).where(PayoutAddress.supplier_id == supplier_id).order_by(PayoutAddress.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else Address(row.to, opened(session, row), row.by, row.at, row.at if row.first else row.at + FRESH)


@write
def set_address(session: Session, *, supplier_id: int, storefront_id: int, to: PayTo, words: str, by: str) -> Address:
    """Say where a supplier's money goes. Unless it is the first time, payouts wait a day, and every member is told. Raises NotAnAddress."""
    supply.lock_supplier(session, supplier_id)
    words = " ".join(words.replace("\x00", " ").split())
    number = words.isascii() and words.isdigit() and 4 <= len(words) <= 15
    if not 4 <= len(words) <= 500 or (to is PayTo.CRYPTO_PAY and not number):
        raise NotAnAddress(text=words[:40], example=EXAMPLES[to])
    before = address(session, supplier_id)
    if before is not None and (before.to, before.words) == (to, words):
        return before
    row = PayoutAddress(supplier_id=supplier_id, to=to, words="", by=by, at=now(session), first=before is None)
    session.add(row)
    seal(session, row, words)
    journal.record(
        session,
        by=by,
        did="payout-address",
        about="supplier",
        about_id=supplier_id,
        before={} if before is None else {"to": before.to.value, "masked": before.masked},
        after={"to": to.value, "masked": masked(words), "address": row.id},
    )
    made = address(session, supplier_id)
    assert made is not None, "it was written a moment ago"
    if before is not None:
        body = {"says": "payout-address", "address": row.id, "masked": made.masked, "until": made.from_at.isoformat()}
        _tell(session, supplier_id, storefront_id, body, None)
    return made


def _tell(session: Session, supplier_id: int, storefront_id: int, body: dict[str, object], once: str | None) -> None:
    """A sentence to every member of a supplier who has ever written to the bot."""
    for telegram_id in supply.members_of(session, supplier_id):
        member = people.find(session, storefront_id=storefront_id, telegram_id=telegram_id)
        if member is not None:
            mark = None if once is None else f"{once}:{member.id}"
            outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=member.id, body=body, once=mark)


# What there is


@dataclass(frozen=True, slots=True)
class Available:
    """What a supplier may ask for now, and what of the due money is frozen by cases and takedowns."""

    due_minor: int
    frozen_minor: int
    currency: str

    @property
    def minor(self) -> int:
        return max(0, self.due_minor - self.frozen_minor)


@read
def available(session: Session, *, supplier_id: int, currency: str) -> Available:
    """What may be paid out. Frozen is what undecided cases are about, and what taken-down offers have released and was not paid out."""
    return _available(session, supplier_id, currency, None)


def _available(session: Session, supplier_id: int, currency: str, before_id: int | None) -> Available:
    """What may be paid out; with `before_id`, as if neither that payout nor a later one had been asked for, which still holds its money."""
    due = ledger.account_balance(session, party_id=supplier_id, kind=AccountKind.PAYABLE, label=accounts.DUE, currency=currency)
    of = (Claim.supplier_id == supplier_id, Claim.currency == currency, Claim.release_run_id.is_not(None))
    frozen = {
        order_id: minor
        for (order_id, of_currency), minor in aftersale.frozen_by_order(session, supplier_id).items()
        if of_currency == currency
    }
    released = set(session.scalars(select(Claim.order_id).where(*of, among(session, Claim.order_id, sorted(frozen)))))
    questioned = sum(minor for order_id, minor in frozen.items() if order_id in released)
    down = supply.taken_down(session, supply.payable_offers(session, supplier_id))
    objected = _objected(session, supplier_id, currency, down, due + _asked_for(session, supplier_id, currency, before_id)) if down else 0
    return Available(due, questioned + objected, currency)


def _asked_for(session: Session, supplier_id: int, currency: str, from_id: int | None) -> int:
    """What the payout of that number and later ones hold, which has not left the house."""
    if from_id is None:
        return 0
    held = select(func.coalesce(func.sum(Payout.amount_minor), 0)).where(
        Payout.supplier_id == supplier_id,
        Payout.currency == currency,
        Payout.id >= from_id,
        Payout.state.in_((PayoutState.REQUESTED, PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN)),
    )
    return int(session.scalar(held) or 0)


def _objected(session: Session, supplier_id: int, currency: str, down: Collection[int], due_minor: int) -> int:
    """How much of what is due was released of taken-down offers. What was released first was paid out first, whenever it was asked for."""
    left = Claim.supplier_minor - Claim.supplier_minor * Claim.reversed_units // Claim.units
    theirs = case((among(session, Claim.offer_id, sorted(down)), left), else_=0)
    by_run = session.execute(
        select(func.sum(left), func.sum(theirs))
        .where(
            Claim.supplier_id == supplier_id,
            Claim.currency == currency,
            Claim.release_run_id.is_not(None),
            Claim.state == ClaimState.PAYABLE,
        )
        .group_by(Claim.release_run_id)
        .order_by(Claim.release_run_id.desc())
    )
    unpaid, objected = max(0, due_minor), 0
    for released, of_them in by_run:
        # Of what was released at once nobody can say which part was paid: rather too much is frozen.
        objected += min(int(of_them), unpaid)
        unpaid -= min(int(released), unpaid)
    return objected


# From asked to sent


@write
def ask_payout(
    session: Session, *, supplier_id: int, storefront_id: int, currency: str, by: str, amount_minor: int | None = None
) -> PayoutView:
    """A supplier asks for so much of what is due, or for all of it; the staff are told.

    Raises PayoutsStopped, NoAddress, AddressIsFresh, TooSmall or NotThatMuch.
    """
    supply.lock_supplier(session, supplier_id)
    found = supply.supplier(session, supplier_id)
    if found is None:
        raise NoSuchSupplier
    if found.suspended:
        raise PayoutsStopped
    where = address(session, supplier_id)
    if where is None:
        raise NoAddress
    if where.from_at > now(session):
        raise AddressIsFresh(until=where.from_at)
    there, asked = available(session, supplier_id=supplier_id, currency=currency), rule(session, currency)
    amount = there.minor if amount_minor is None else amount_minor
    if amount > there.minor:
        raise NotThatMuch(available_minor=there.minor, currency=currency)
    if amount < asked.least_minor or amount <= 0:
        raise TooSmall(least_minor=asked.least_minor, currency=currency)
    row = Payout(
        supplier_id=supplier_id,
        storefront_id=storefront_id,
        amount_minor=amount,
        currency=currency,
        state=PayoutState.REQUESTED,
        to=where.to,
        words="",
        asked_by=by,
        asked_at=now(session),
        tries=0,
        two_above_minor=asked.two_above_minor,
    )
    session.add(row)
    seal(session, row, where.words)
    aside = Leg(accounts.due(session, supplier_id, currency), accounts.paying(session, supplier_id, currency), amount, currency)
    _post(session, row, "payout-ask", [aside])
    _record(session, row, by, "ask-payout", None)
    payments.tell_staff(session, storefront_id=storefront_id, body={"says": "payout-asked", "payout": row.id}, once=f"payout:{row.id}")
    return _view(session, row)


def _post(session: Session, row: Payout, what: str, legs: list[Leg]) -> None:
    ledger.transfer(
        session,
        key=f"{what}:{row.id}",
        kind=TransferKind.PAYOUT,
        party_id=row.supplier_id,
        legs=legs,
        subject_id=row.id,
        note=number_of(row.id),
    )


def _record(session: Session, row: Payout, by: str, did: str, before: PayoutState | None) -> None:
    after = {"state": row.state.value, "amount_minor": row.amount_minor, "currency": row.currency}
    if row.why:
        after["why"] = row.why
    if row.reference:
        after["reference"] = row.reference
    journal.record(
        session,
        by=by,
        did=did,
        about="payout",
        about_id=row.id,
        before={} if before is None else {"state": before.value},
        after=after,
    )


def _locked(session: Session, payout_id: int) -> Payout:
    """The payout, after its supplier's row: decisions about one supplier's money take turns. Raises Gone."""
    known = session.get(Payout, payout_id)
    if known is None:
        raise Gone
    supply.lock_supplier(session, known.supplier_id)
    row = session.get(Payout, payout_id, with_for_update=True, populate_existing=True)
    assert row is not None
    return row


def _check(session: Session, row: Payout) -> None:
    """May it go on, as things are now: the supplier's row is locked. Raises TheyAreSuspended or WasTakenSince."""
    found = supply.supplier(session, row.supplier_id)
    if found is None or found.suspended:
        raise TheyAreSuspended
    there = _available(session, row.supplier_id, row.currency, row.id)
    # Its own sum has left what is due already: what is frozen or owed has to be covered by the rest.
    if there.due_minor < there.frozen_minor:
        raise WasTakenSince(missing_minor=there.frozen_minor - there.due_minor, currency=row.currency)


@read
def may_pay(session: Session, payout_id: int) -> None:
    """Ask before money is sent by hand. Raises Gone, TheyAreSuspended, or WasTakenSince when it is no longer all theirs."""
    row = session.get(Payout, payout_id)
    if row is None:
        raise Gone
    _check(session, row)


@write
def approve_payout(session: Session, *, payout_id: int, by: str, pay_currency: str | None = None) -> PayoutView:
    """A member of the staff says yes; above the rule's sum a second one has to. Approved, it is to be sent.

    With `pay_currency` it is paid in that currency, at the market's rate of this moment. Raises Gone, PayoutIsOver, NotYours,
    TheyAreSuspended, WasTakenSince and NoRate.
    """
    row = _locked(session, payout_id)
    if row.state is not PayoutState.REQUESTED:
        raise PayoutIsOver
    theirs = {f"telegram:{telegram_id}" for telegram_id in supply.members_of(session, row.supplier_id)}
    if by in theirs or by == row.approved_by:
        raise NotYours
    _check(session, row)
    before = row.state
    if row.approved_by is None:
        row.approved_by = by
    else:
        row.second_by = by
    if row.second_by is not None or row.amount_minor <= _two_above(session, row):
        if row.to is PayTo.CRYPTO_PAY:
            _price(session, row, pay_currency or row.currency)
        row.state, row.approved_at, row.due_at = PayoutState.APPROVED, now(session), now(session)
    session.flush()
    _record(session, row, by, "approve-payout", before)
    return _view(session, row)


def _two_above(session: Session, row: Payout) -> int:
    """Above which sum two approve this payout: the rule of now, or that of when it was asked for, whichever is stricter."""
    two_above_minor = rule(session, row.currency).two_above_minor
    return two_above_minor if row.two_above_minor is None else min(two_above_minor, row.two_above_minor)


def _price(session: Session, row: Payout, pay_currency: str) -> None:
    """How much is sent in the currency that the provider pays in; rounded down, so that the shop never pays more than it owes."""
    if pay_currency == row.currency:
        row.pay_minor, row.pay_currency = row.amount_minor, row.currency
        return
    quoted = rates.latest(session, base=pay_currency, quote=row.currency)
    if quoted is None:
        raise NoRate(currency=row.currency, pay_currency=pay_currency)
    # At the market's rate: the buffer is for payers.
    row.pay_minor, row.pay_currency, row.rate_id = convert_down(row.amount_minor, 1 / quoted.market), pay_currency, quoted.id
    if row.pay_minor <= 0:
        raise NotThatMuch(available_minor=row.amount_minor, currency=row.currency)


@write
def refuse_payout(session: Session, *, payout_id: int, by: str, why: str = "") -> PayoutView:
    """No: the money is due again, and the supplier is told. Only before anything was sent. Raises Gone, OwnSupplier or PayoutIsOver."""
    row = _locked(session, payout_id)
    supply.not_own(session, row.supplier_id, by)
    if row.state is not PayoutState.REQUESTED and not (row.state is PayoutState.APPROVED and row.tries == 0):
        raise PayoutIsOver
    return _give_up(session, row, by, why)


def _give_up(session: Session, row: Payout, by: str, why: str) -> PayoutView:
    before = row.state
    row.state, row.ended_at, row.due_at, row.why = PayoutState.REFUSED, now(session), None, why.replace("\x00", " ").strip()[:300] or None
    back = Leg(
        accounts.paying(session, row.supplier_id, row.currency),
        accounts.due(session, row.supplier_id, row.currency),
        row.amount_minor,
        row.currency,
    )
    _post(session, row, "payout-back", [back])
    _record(session, row, by, "refuse-payout", before)
    _tell(session, row.supplier_id, row.storefront_id, _body(row, "payout-refused"), f"payout-refused:{row.id}")
    return _view(session, row)


def _body(row: Payout, says: str) -> dict[str, object]:
    return {"says": says, "payout": row.id, "amount_minor": row.amount_minor, "currency": row.currency, "why": row.why or ""}


@write
def sent_by_hand(session: Session, *, payout_id: int, by: str, reference: str) -> PayoutView:
    """A member of the staff has sent it and gives the bank's reference; the supplier is told.

    Raises Gone, PayoutIsOver, OwnSupplier, TheyAreSuspended or WasTakenSince.
    """
    row = _locked(session, payout_id)
    if row.state is not PayoutState.APPROVED or row.to is not PayTo.WORDS:
        raise PayoutIsOver
    supply.not_own(session, row.supplier_id, by)
    _check(session, row)
    return _sent(session, row, by, reference.replace("\x00", " ").strip()[:200], PayoutState.SENT)


@write
def confirm_payout(session: Session, *, payout_id: int, supplier_id: int, by: str) -> PayoutView:
    """The supplier says that it came. Raises Gone or PayoutIsOver."""
    row = _locked(session, payout_id)
    if row.supplier_id != supplier_id:
        raise Gone
    if row.state is not PayoutState.SENT:
        raise PayoutIsOver
    row.state, row.ended_at = PayoutState.CONFIRMED, now(session)
    session.flush()
    _record(session, row, by, "confirm-payout", PayoutState.SENT)
    return _view(session, row)


def _sent(session: Session, row: Payout, by: str, reference: str, state: PayoutState) -> PayoutView:
    """Out of the house: from "paying" by the way it left."""
    before, at = row.state, now(session)
    row.state, row.reference, row.sent_at, row.sent_by, row.due_at = state, reference or None, at, by, None
    row.ended_at = at if state is PayoutState.CONFIRMED else None
    party_id = storefronts.by_id(session, row.storefront_id).party_id
    paying = accounts.paying(session, row.supplier_id, row.currency)
    label = row.to.value if row.to is PayTo.CRYPTO_PAY else BY_HAND
    pay_minor, pay_currency = row.pay_minor or row.amount_minor, row.pay_currency or row.currency
    gateway = ledger.open_account(session, party_id=party_id, kind=AccountKind.GATEWAY, label=label, currency=pay_currency)
    if pay_currency == row.currency:
        legs = [Leg(paying, gateway, row.amount_minor, row.currency)]
    else:
        ours, theirs = (
            ledger.open_account(session, party_id=party_id, kind=AccountKind.EXCHANGE, currency=currency)
            for currency in (row.currency, pay_currency)
        )
        legs = [Leg(paying, ours, row.amount_minor, row.currency), Leg(theirs, gateway, pay_minor, pay_currency)]
    _post(session, row, "payout", legs)
    _record(session, row, by, "send-payout", before)
    _tell(session, row.supplier_id, row.storefront_id, _body(row, "payout-sent"), f"payout-sent:{row.id}")
    return _view(session, row)


# By a provider


@write
def take_payout(session: Session) -> PayoutView | None:
    """The next payout that a provider is to be asked about; taken for a while, committed before the network is touched.

    `state` is what it was: APPROVED has never been asked for; of SENDING and UNKNOWN nobody knows, so it is looked for first. What was
    never tried waits while its supplier is suspended, or while what was frozen since is more than the rest of their money.
    """
    at = now(session)
    question = (
        select(Payout.id)
        .where(
            Payout.to == PayTo.CRYPTO_PAY,
            Payout.state.in_((PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN)),
            Payout.due_at <= at,
            or_(Payout.tries > 0, Payout.supplier_id.not_in(supply.suspended_suppliers(session))),
        )
        .order_by(case((Payout.state == PayoutState.APPROVED, 1), else_=0), Payout.due_at)
        .limit(CANDIDATES)
    )
    for payout_id in session.scalars(question).all():
        row = _locked(session, payout_id)
        if row.state not in (PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN) or row.due_at is None or row.due_at > at:
            continue  # Somebody else has just taken it.
        if row.tries == 0:
            try:
                _check(session, row)
            except TheyAreSuspended:
                continue
            except WasTakenSince:
                row.due_at = at + LOOK_AGAIN
                continue
        return _taken(session, row, at)
    return None


def _taken(session: Session, row: Payout, at: datetime) -> PayoutView:
    was = _view(session, row)
    row.tries += 1
    row.state = PayoutState.SENDING
    row.due_at = at + min(FIRST_AGAIN * 2 ** min(row.tries, 10), LONGEST_AGAIN)
    session.flush()
    return was


# What a provider said counts for the try it was asked at: `tries` is that of the view that `take_payout` gave.


def _stale(row: Payout, tries: int) -> bool:
    """Has it been taken again since? Then this answer is an older question's, and says nothing about what was asked after it."""
    return row.tries != tries + 1


@write
def payout_done(session: Session, *, payout_id: int, reference: str) -> PayoutView:
    """The provider says that it was sent; saying it again changes nothing.

    It counts whichever try it answers, because all have one number. When the money was due again meanwhile it is taken from there,
    below zero if need be, and the staff are told: it is gone.
    """
    row = _locked(session, payout_id)
    if row.state is PayoutState.REFUSED:
        due, paying = (of(session, row.supplier_id, row.currency) for of in (accounts.due, accounts.paying))
        _post(session, row, "payout-gone", [Leg(due, paying, row.amount_minor, row.currency)])
        body = _body(row, "payout-gone") | {"reference": reference[:200]}
        payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"payout-gone:{row.id}")
        row.why = None
    elif row.state not in (PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN):
        return _view(session, row)
    return _sent(session, row, row.to.value, reference[:200], PayoutState.CONFIRMED)


@write
def payout_declined(session: Session, *, payout_id: int, tries: int, why: str) -> PayoutView:
    """The provider says for sure that nothing was sent, and why: the money is due again. Said of an older try it is only
    noted. Their words are for the staff only.
    """
    row = _locked(session, payout_id)
    if row.state not in (PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN):
        return _view(session, row)
    if _stale(row, tries):
        row.why = f"{OLDER_DECLINED}{why}"[:300]
        session.flush()
        return _view(session, row)
    payments.tell_staff(
        session,
        storefront_id=row.storefront_id,
        body=_body(row, "payout-declined") | {"why": why[:200]},
        once=f"payout-declined:{row.id}",
    )
    return _give_up(session, row, row.to.value, DECLINED)


@write
def payout_unknown(session: Session, *, payout_id: int, tries: int, why: str) -> PayoutView:
    """The provider did not answer: it may have been sent. It is asked about again; after some tries the staff are told."""
    row = _locked(session, payout_id)
    if row.state is PayoutState.SENDING and not _stale(row, tries):
        row.state, row.why = PayoutState.UNKNOWN, why[:300]
        if row.tries >= 5:
            _tell_stuck(session, row)
        session.flush()
    return _view(session, row)


@write
def payout_not_asked(session: Session, *, payout_id: int, tries: int, why: str) -> PayoutView:
    """There is no way to pay it now, and of one that was never asked for nobody was asked: it can be refused as before.

    One that was asked for stays unknown. It is tried again after a while; the staff are told once.
    """
    row = _locked(session, payout_id)
    if tries:
        return payout_unknown(session, payout_id=payout_id, tries=tries, why=why)
    if row.state is PayoutState.SENDING and not _stale(row, tries):
        row.state, row.tries, row.why = PayoutState.APPROVED, 0, why[:300]
        row.due_at = now(session) + NO_WAY_AGAIN
        _tell_stuck(session, row)
        session.flush()
    return _view(session, row)


def _tell_stuck(session: Session, row: Payout) -> None:
    payments.tell_staff(session, storefront_id=row.storefront_id, body=_body(row, "payout-stuck"), once=f"payout-stuck:{row.id}")


# Looking


@read
def payout(session: Session, payout_id: int) -> PayoutView | None:
    row = session.get(Payout, payout_id)
    return None if row is None else _view(session, row)


@read
def payouts_of(session: Session, supplier_id: int, *, offset: int = 0, limit: int = 10) -> Sequence[PayoutView]:
    """A supplier's payouts, the newest first."""
    rows = session.scalars(select(Payout).where(Payout.supplier_id == supplier_id).order_by(Payout.id.desc()).offset(offset).limit(limit))
    return [_view(session, row) for row in rows]


@read
def open_payouts(session: Session, *, offset: int = 0, limit: int = 10) -> Sequence[PayoutView]:
    """What waits for somebody: asked for, to be sent, or unknown; the oldest first."""
    rows = session.scalars(select(Payout).where(Payout.state.in_(OPEN)).order_by(Payout.id).offset(offset).limit(limit))
    return [_view(session, row) for row in rows]
