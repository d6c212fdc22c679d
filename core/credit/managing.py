"""What is done with a line that there is: paying from the balance, terms, freezing, writing off by two people, weights of the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import delete
from sqlalchemy.orm import Session

from core import journal, ledger, payments, people
from core.catalog import Gone
from core.credit import accounts
from core.credit.accounts import Owes
from core.credit.asking import not_theirs, plain
from core.credit.queries import owed_of, weights_of
from core.credit.refusals import NoCredit, NothingToPay, SecondPerson, TermsWrong, WeightsWrong, WrittenOff
from core.credit.rules import Part, Terms
from core.credit.tables import CreditLine, CreditWeight, LineState
from core.credit.working import (
    bring_up,
    freeze_line,
    locked,
    make_invoice,
    open_instalments,
    open_invoices,
    principal,
    serve,
    set_floor,
    sync,
    tell,
    terms_of,
)
from core.database import now, write
from core.ledger import AccountKind


def _line(session: Session, customer_id: int, storefront_id: int, by: str) -> CreditLine:
    """A line that can be changed, locked and brought up to now. Raises Gone, WrittenOff, and SecondPerson to whom it is about."""
    line = locked(session, customer_id)
    if line is None or line.storefront_id != storefront_id:
        raise Gone
    not_theirs(session, people.by_id(session, customer_id), by)
    if line.state is LineState.WRITTEN_OFF:
        raise WrittenOff
    bring_up(session, line, at_once=True)
    return line


@write
def pay_from_balance(session: Session, *, customer_id: int, by: str) -> int:
    """What is on the balance pays fees, interest and instalments that are due, in this order; returns how much in minor units.

    A wallet below zero needs no such thing: whatever comes in lessens it. Raises NoCredit and NothingToPay.
    """
    line = locked(session, customer_id)
    if line is None or line.state is LineState.WRITTEN_OFF:
        raise NoCredit
    bring_up(session, line, at_once=True)
    there = ledger.balance(session, accounts.wallet_of(session, line))
    if there <= 0:
        raise NothingToPay
    # No two payments by hand are of the same instant, because the line is locked.
    key = f"pay:{now(session).isoformat(timespec='microseconds')}"
    paid = serve(session, line, key=key, amount_minor=there, before_minor=there, at_day=line.day, came=False)
    if not paid:
        raise NothingToPay
    set_floor(session, line)
    journal.record(
        session,
        by=by,
        did="pay-credit",
        about="customer",
        about_id=customer_id,
        after={"amount_minor": paid, "currency": line.currency},
    )
    return paid


@write
def invoice_now(session: Session, *, customer_id: int, storefront_id: int, by: str) -> int:
    """The period ends today, and its invoice is made at once; returns its id. The next period begins tomorrow.

    Raises Gone, WrittenOff, SecondPerson, and NothingToPay when there is nothing to be invoiced, or it was done today already.
    """
    line = _line(session, customer_id, storefront_id, by)
    sync(session, line, principal(session, line))
    made = None if line.period_from > line.day else make_invoice(session, line, line.day)
    if made is None:
        raise NothingToPay
    session.flush()
    set_floor(session, line)
    journal.record(session, by=by, did="invoice-credit", about="customer", about_id=customer_id, after={"invoice": made})
    return made


@write
def set_terms(session: Session, *, customer_id: int, storefront_id: int, terms: Terms, by: str) -> None:
    """Other terms from today on; what was earned until then stays. The reseller is told.

    Raises Gone, TermsWrong, WrittenOff, SecondPerson.
    """
    line = _line(session, customer_id, storefront_id, by)
    if not terms.in_bounds:
        raise TermsWrong
    before = asdict(terms_of(line))
    if before == asdict(terms):
        return
    line.rate_ppm, line.overdue_ppm, line.late_fee_minor = terms.rate_ppm, terms.overdue_ppm, terms.late_fee_minor
    line.period_days, line.term_days, line.freeze_days = terms.period_days, terms.term_days, terms.freeze_days
    session.flush()
    journal.record(
        session, by=by, did="set-credit-terms", about="customer", about_id=customer_id, before=_told(before), after=_told(asdict(terms))
    )
    tell(session, customer_id, {"says": "credit-terms"})


def _told(terms: dict[str, int]) -> dict[str, object]:
    """Terms as the log keeps them: rates in hundredths of a per cent."""
    rest = {name: value for name, value in terms.items() if not name.endswith("_ppm")}
    return {"rate_bp": terms["rate_ppm"] // 100, "overdue_bp": terms["overdue_ppm"] // 100, **rest}


@write
def freeze(session: Session, *, customer_id: int, storefront_id: int, by: str) -> bool:
    """Nothing more on credit; what is owed goes on. False when it was frozen. Raises Gone, WrittenOff, SecondPerson."""
    line = _line(session, customer_id, storefront_id, by)
    if line.state is LineState.FROZEN:
        return False
    freeze_line(session, line, by)
    set_floor(session, line)
    return True


@write
def unfreeze(session: Session, *, customer_id: int, storefront_id: int, by: str) -> bool:
    """The limit holds again, once nothing is late. False when it was not frozen. Raises Gone, WrittenOff, SecondPerson."""
    line = _line(session, customer_id, storefront_id, by)
    if line.state is not LineState.FROZEN:
        return False
    line.state, line.frozen_by, line.frozen_at = LineState.OPEN, None, None
    line.off_by = line.off_why = None
    session.flush()
    set_floor(session, line)
    before, after = {"state": LineState.FROZEN.value}, {"state": LineState.OPEN.value}
    journal.record(session, by=by, did="unfreeze-credit", about="customer", about_id=customer_id, before=before, after=after)
    tell(session, customer_id, {"says": "credit-unfrozen"})
    return True


@write
def write_off(session: Session, *, customer_id: int, storefront_id: int, by: str, why: str = "") -> int | None:
    """What is owed is lost: said by one person of the staff (None: a second one has to), then by another, who ends the line.

    Returns what was written off, in minor units; it is booked against the shop's bad debts. Raises Gone, WrittenOff, SecondPerson,
    NothingToPay when nothing is owed.
    """
    line = _line(session, customer_id, storefront_id, by)
    owed = owed_of(session, line)
    if not owed.total_minor:
        raise NothingToPay
    if line.off_by is None:
        line.off_by, line.off_why = by, plain(why) or None
        session.flush()
        after = {"amount_minor": owed.total_minor, "currency": line.currency, "reason": line.off_why or ""}
        journal.record(session, by=by, did="want-write-off", about="customer", about_id=customer_id, after=after)
        body = {"says": "credit-off-asked", "customer": customer_id, "amount_minor": owed.total_minor, "currency": line.currency}
        once = f"credit-off:{customer_id}:{now(session).isoformat()}"
        payments.tell_staff(session, storefront_id=storefront_id, body=body, once=once)
        return None
    if line.off_by == by:
        raise SecondPerson
    sync(session, line, principal(session, line))
    bad = accounts.house(session, line, AccountKind.BAD_DEBT)
    legs = [
        (bad, accounts.wallet_of(session, line), owed.principal_minor),
        (bad, accounts.of(session, line, Owes.FEES), owed.fees_minor),
        (bad, accounts.of(session, line, Owes.INTEREST), owed.interest_minor),
        (bad, accounts.of(session, line, Owes.ADVANCE), owed.advance_minor),
    ]
    accounts.move(session, line, key=f"credit-off:{customer_id}", legs=legs, subject_id=customer_id)
    for one in open_invoices(session, line):
        one.left_minor, one.interest_left_minor, one.fee_left_minor, one.paid_day = 0, 0, 0, line.day
    for row in open_instalments(session, line):
        row.left_minor, row.paid_day = 0, line.day
    line.state, line.limit_minor, line.new_minor, line.carry = LineState.WRITTEN_OFF, 0, 0, 0
    session.flush()
    set_floor(session, line)
    after = {"state": line.state.value, "amount_minor": owed.total_minor, "currency": line.currency}
    journal.record(session, by=by, did="write-off-credit", about="customer", about_id=customer_id, after=after)
    tell(session, customer_id, {"says": "credit-written-off", "amount_minor": owed.total_minor, "currency": line.currency})
    return owed.total_minor


@write
def spare(session: Session, *, customer_id: int, storefront_id: int, by: str) -> None:
    """Nothing is written off after all. Raises Gone, WrittenOff, SecondPerson."""
    line = _line(session, customer_id, storefront_id, by)
    if line.off_by is None:
        return
    line.off_by = line.off_why = None
    session.flush()
    journal.record(session, by=by, did="spare-credit", about="customer", about_id=customer_id)


@write
def set_score_weights(session: Session, *, storefront_id: int, weights: Mapping[Part, int], by: str) -> None:
    """How much each part of the score counts from now on. Raises WeightsWrong."""
    if set(weights) != set(Part) or not all(0 <= weight <= 100 for weight in weights.values()) or not any(weights.values()):
        raise WeightsWrong
    before = {part.value: weight for part, weight in weights_of(session, storefront_id).items()}
    after = {part.value: weight for part, weight in weights.items()}
    if before == after:
        return
    session.execute(delete(CreditWeight).where(CreditWeight.storefront_id == storefront_id))
    session.add_all([CreditWeight(storefront_id=storefront_id, part=part.value, weight=weight) for part, weight in weights.items()])
    session.flush()
    journal.record(session, by=by, did="set-score-weights", about="storefront", about_id=storefront_id, before=before, after=after)
