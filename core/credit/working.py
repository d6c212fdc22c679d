"""Working a line up to now: what came in is shared out, days are closed at their own end, periods end in invoices.

A day is worked the same whenever that happens: every step looks at the wallet as it was at its own instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, ledger, outbox, payments, people
from core.credit import accounts
from core.credit.accounts import Owes
from core.credit.rules import PER_YEAR, Terms, begin_of, day_of, interest_of_day, rounded
from core.credit.tables import CreditAdvance, CreditInstalment, CreditInvoice, CreditLine, CreditRepayment, LineState
from core.database import now, read, write
from core.ledger import TransferKind

BY = "shop"
SETTLED_AFTER = timedelta(minutes=10)  # a day is closed so long after its end: what was written in it has been committed by then
BROUGHT_BY = (TransferKind.DEPOSIT, TransferKind.ADJUSTMENT)  # what comes in so is a repayment; a refund takes a purchase back
REMINDED = (3, 0, -1, -3, -7)  # days before an invoice's or an instalment's due day on which its reseller is reminded


@read
def due(session: Session) -> list[int]:
    """Whose line has something to be worked: money has moved, or a day has ended."""
    at = now(session)
    rows = session.execute(select(CreditLine.customer_id, CreditLine.seen_transfer_id, CreditLine.day, CreditLine.state)).all()
    newest: dict[int, int] = {}
    ids = [row.customer_id for row in rows]
    for start in range(0, len(ids), 500):
        newest |= ledger.newest_of(session, ids[start : start + 500])
    left = {one.id for one in people.these(session, ids).values() if not one.wholesale}
    return [
        row.customer_id
        for row in rows
        if newest.get(row.customer_id, 0) != row.seen_transfer_id
        or (row.state is not LineState.WRITTEN_OFF and begin_of(row.day + 1) + SETTLED_AFTER <= at)
        or (row.customer_id in left and _may_fall(session, row.customer_id))
    ]


def _may_fall(session: Session, customer_id: int) -> bool:
    """Has somebody who is no reseller any more still credit to spend?"""
    room = ledger.room(session, people.by_id(session, customer_id).wallet_id)
    return room.floor_minor < min(0, room.balance_minor)


@write
def work(session: Session, *, customer_id: int) -> int:
    """Bring one line up to now; returns how many days were closed. The same again changes nothing."""
    line = locked(session, customer_id)
    return 0 if line is None else bring_up(session, line)


def locked(session: Session, customer_id: int) -> CreditLine | None:
    """The line, and its wallet after it. A part of commands."""
    line = session.get(CreditLine, customer_id, with_for_update=True, populate_existing=True)
    if line is not None:
        ledger.lock(session, accounts.wallet_of(session, line))
    return line


def bring_up(session: Session, line: CreditLine, *, at_once: bool = False) -> int:
    """Everything that is due of a locked line; `at_once`, a day is closed as soon as it has ended."""
    at, closed = now(session), 0
    line.seen_transfer_id = ledger.newest_of(session, [line.customer_id]).get(line.customer_id, 0)
    while line.state is not LineState.WRITTEN_OFF:
        _share_out(session, line)
        if begin_of(line.day + 1) + (timedelta() if at_once else SETTLED_AFTER) > at:
            break
        _close_day(session, line)
        closed += 1
    set_floor(session, line)
    session.flush()
    return closed


def open_invoices(session: Session, line: CreditLine) -> Sequence[CreditInvoice]:
    """Those that are not paid, the oldest first."""
    question = select(CreditInvoice).where(CreditInvoice.customer_id == line.customer_id, CreditInvoice.paid_day.is_(None))
    return session.scalars(question.order_by(CreditInvoice.seq)).all()


def open_instalments(session: Session, line: CreditLine) -> Sequence[CreditInstalment]:
    """Those that are not paid, the first due first."""
    question = select(CreditInstalment).where(CreditInstalment.customer_id == line.customer_id, CreditInstalment.paid_day.is_(None))
    return session.scalars(question.order_by(CreditInstalment.due_day, CreditInstalment.advance_id)).all()


def terms_of(line: CreditLine) -> Terms:
    return Terms(line.rate_ppm, line.overdue_ppm, line.late_fee_minor, line.period_days, line.term_days, line.freeze_days)


def principal(session: Session, line: CreditLine) -> int:
    """How far below zero the wallet is now."""
    return max(0, -ledger.balance(session, accounts.wallet_of(session, line)))


def sync(session: Session, line: CreditLine, principal_minor: int) -> None:
    """What was bought since is new; what was refunded is taken off the new first, then off the newest invoice."""
    invoices = open_invoices(session, line)
    change = principal_minor - line.new_minor - sum(one.left_minor for one in invoices)
    if change >= 0:
        line.new_minor += change
        line.used_minor += change
        return
    less = min(-change, line.new_minor)
    line.new_minor -= less
    line.used_minor = max(0, line.used_minor - less)
    rest = -change - less
    for one in reversed(invoices):
        part = min(rest, one.left_minor)
        one.left_minor -= part
        rest -= part
        _paid(one, line.day)
    session.flush()


def _paid(one: CreditInvoice, day: int) -> None:
    if not one.left_minor and not one.interest_left_minor and not one.fee_left_minor:
        one.paid_day = day


def _share_out(session: Session, line: CreditLine) -> None:
    """What came in on the open day serves fees, then interest, then instalments that are due; the rest stays in the wallet."""
    wallet = accounts.wallet_of(session, line)
    came = ledger.inflows(
        session,
        party_id=line.customer_id,
        account_id=wallet,
        kinds=BROUGHT_BY,
        since=begin_of(line.day),
        until=begin_of(line.day + 1),
    )
    if not came:
        return
    keys = [str(one.transfer_id) for one in came]
    question = select(CreditRepayment.key).where(CreditRepayment.customer_id == line.customer_id, CreditRepayment.key.in_(keys))
    known = set(session.scalars(question))
    for one in came:
        key = str(one.transfer_id)
        if key in known or _paid_an_order(session, one):
            continue
        # Of our own transfers all that were made belong before this one, since they are made in order.
        later = ledger.moved_since(session, account_id=wallet, but=TransferKind.CREDIT, from_transfer_id=one.transfer_id)
        before = ledger.balance(session, wallet) - later
        sync(session, line, max(0, -before))
        serve(session, line, key=key, amount_minor=one.amount_minor, before_minor=before, at_day=line.day)


def _paid_an_order(session: Session, one: ledger.Inflow) -> bool:
    """Has it gone into an order in the same moment? Then it was never the wallet's."""
    if one.kind is not TransferKind.DEPOSIT or one.subject_id is None:
        return False
    intent = payments.intent(session, one.subject_id)
    if intent is None or intent.order_id is None:
        return False
    return bool(ledger.sales_of(session, [intent.order_id])) or bool(ledger.legs_of(session, key=f"escrow:{intent.order_id}"))


def serve(session: Session, line: CreditLine, *, key: str, amount_minor: int, before_minor: int, at_day: int, came: bool = True) -> int:
    """Share so much out in the fixed order; what it repaid is returned. `came`: it came in above `before_minor`, else it was there."""
    invoices, due_parts, left = open_invoices(session, line), open_instalments(session, line), amount_minor
    fees = interest = instalments = 0
    for one in invoices:
        part = min(left, one.fee_left_minor)
        one.fee_left_minor -= part
        fees, left = fees + part, left - part
    for one in invoices:
        part = min(left, one.interest_left_minor)
        one.interest_left_minor -= part
        interest, left = interest + part, left - part
    for row in due_parts:
        if row.due_day > at_day:
            break
        part = min(left, row.left_minor)
        row.left_minor -= part
        instalments, left = instalments + part, left - part
        if not row.left_minor:
            row.paid_day = at_day
    # What is left of it has already lessened how far the wallet is below zero.
    repaid = min(left, max(0, -before_minor)) if came else 0
    rest = repaid
    for one in invoices:
        part = min(rest, one.left_minor)
        one.left_minor -= part
        rest -= part
        _paid(one, at_day)
    line.new_minor -= rest
    made = CreditRepayment(
        customer_id=line.customer_id,
        key=key,
        amount_minor=amount_minor,
        fees_minor=fees,
        interest_minor=interest,
        instalments_minor=instalments,
        principal_minor=repaid,
        at=now(session),
    )
    if not fees + interest + instalments + repaid:
        return 0
    session.add(made)
    session.flush()
    wallet = accounts.wallet_of(session, line)
    parts = ((Owes.FEES, fees), (Owes.INTEREST, interest), (Owes.ADVANCE, instalments))
    legs = [(wallet, accounts.of(session, line, owes), minor) for owes, minor in parts if minor]
    accounts.move(session, line, key=f"credit-repaid:{made.id}", legs=legs, subject_id=made.id)
    return fees + interest + instalments + repaid


def _close_day(session: Session, line: CreditLine) -> None:
    """One whole day: its interest, what a positive wallet pays of what is due, the period's invoice, a late fee, the freeze."""
    day, wallet, terms = line.day, accounts.wallet_of(session, line), terms_of(line)
    balance = ledger.balance(session, wallet)
    at_close = balance - ledger.moved_since(session, account_id=wallet, but=TransferKind.CREDIT, since=begin_of(day + 1))
    sync(session, line, max(0, -at_close))
    invoices, instalments = open_invoices(session, line), open_instalments(session, line)
    late = sum(one.left_minor for one in invoices if one.due_day < day) + sum(r.left_minor for r in instalments if r.due_day < day)
    whole = line.new_minor + sum(one.left_minor for one in invoices) + sum(row.left_minor for row in instalments)
    line.carry += interest_of_day(whole - late, late, terms)
    there = max(0, min(at_close, balance))
    if there and (any(one.due_day <= day for one in invoices) or any(row.due_day <= day for row in instalments)):
        serve(session, line, key=f"day:{day}", amount_minor=there, before_minor=at_close, at_day=day, came=False)
    if day - line.period_from + 1 >= terms.period_days:
        make_invoice(session, line, day)
    for one in invoices:
        if one.due_day == day and one.paid_day is None and terms.late_fee_minor and not one.fee_minor:
            one.fee_minor = one.fee_left_minor = terms.late_fee_minor
            session.flush()
            key = f"credit-fee:{one.id}"
            accounts.charge(session, line, key=key, owes=Owes.FEES, amount_minor=terms.late_fee_minor, subject_id=one.id)
    line.day = day + 1
    session.flush()
    since = overdue_since(session, line)
    if since is not None and terms.freeze_days and line.day - since > terms.freeze_days and line.state is LineState.OPEN:
        freeze_line(session, line, BY)
    if line.day == day_of(now(session)):
        _remind(session, line)


def overdue_since(session: Session, line: CreditLine) -> int | None:
    """The due day of the oldest thing that is late; None when nothing is."""
    days = [one.due_day for one in open_invoices(session, line)] + [one.due_day for one in open_instalments(session, line)]
    first = min(days, default=None)
    return first if first is not None and first < line.day else None


def make_invoice(session: Session, line: CreditLine, day: int) -> int | None:
    """What the period has added until this day: what was bought and not paid, and its interest. Nothing of both is no invoice (None)."""
    interest, made = rounded(line.carry), None
    if interest or line.new_minor:
        of_line = CreditInvoice.customer_id == line.customer_id
        seq = (session.scalar(select(func.max(CreditInvoice.seq)).where(of_line)) or 0) + 1
        row = CreditInvoice(
            customer_id=line.customer_id,
            seq=seq,
            from_day=line.period_from,
            to_day=day,
            due_day=day + line.term_days,
            used_minor=line.used_minor,
            principal_minor=line.new_minor,
            interest_minor=interest,
            fee_minor=0,
            left_minor=line.new_minor,
            interest_left_minor=interest,
            fee_left_minor=0,
        )
        session.add(row)
        line.new_minor = 0
        session.flush()
        if interest:
            line.carry -= interest * PER_YEAR
            accounts.charge(session, line, key=f"credit-interest:{row.id}", owes=Owes.INTEREST, amount_minor=interest, subject_id=row.id)
        body = {
            "says": "credit-invoice",
            "invoice": row.id,
            "amount_minor": row.principal_minor + interest,
            "interest_minor": interest,
            "currency": line.currency,
            "due": row.due_day,
        }
        tell(session, line.customer_id, body, f"credit-invoice:{row.id}")
        made = row.id
    line.period_from, line.used_minor = day + 1, 0
    return made


def _remind(session: Session, line: CreditLine) -> None:
    """A word about what is due soon, today, or was."""
    for one in open_invoices(session, line):
        if one.due_day - line.day in REMINDED:
            left = one.left_minor + one.interest_left_minor + one.fee_left_minor
            _reminder(session, line, one.due_day, left, f"{one.id}")
    for row in open_instalments(session, line):
        if row.due_day - line.day in REMINDED:
            _reminder(session, line, row.due_day, row.left_minor, f"{row.advance_id}.{row.seq}")


def _reminder(session: Session, line: CreditLine, due_day: int, left_minor: int, of: str) -> None:
    body = {
        "says": "credit-reminder",
        "amount_minor": left_minor,
        "currency": line.currency,
        "due": due_day,
        "late": line.day - due_day,
    }
    tell(session, line.customer_id, body, f"credit-reminder:{of}:{line.day}")


def tell(session: Session, customer_id: int, body: dict[str, object], once: str | None = None) -> None:
    """A notice to the reseller."""
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer_id, body=body, once=once)


def freeze_line(session: Session, line: CreditLine, by: str) -> None:
    """No more is bought on credit; both sides are told."""
    line.state, line.frozen_by, line.frozen_at = LineState.FROZEN, by, now(session)
    session.flush()
    journal.record(
        session,
        by=by,
        did="freeze-credit",
        about="customer",
        about_id=line.customer_id,
        before={"state": LineState.OPEN.value},
        after={"state": LineState.FROZEN.value},
    )
    body: dict[str, object] = {"says": "credit-frozen", "customer": line.customer_id, "by_hand": by != BY}
    tell(session, line.customer_id, body)
    if by == BY:
        once = f"credit-frozen:{line.customer_id}:{line.day}"
        payments.tell_staff(session, storefront_id=line.storefront_id, body=body | {"says": "credit-froze"}, once=once)


def set_floor(session: Session, line: CreditLine) -> None:
    """How far the wallet may fall now: the limit, less fees and interest that are owed; no further while anything is late."""
    customer = people.by_id(session, line.customer_id)
    session.flush()
    may = line.state is LineState.OPEN and customer.wholesale and overdue_since(session, line) is None
    beside = sum(accounts.owed(session, line.customer_id, line.currency, owes) for owes in (Owes.FEES, Owes.INTEREST))
    floor = -max(0, line.limit_minor - beside) if may else 0
    follows = not may or ledger.balance(session, customer.wallet_id) < floor
    ledger.set_floor(session, account_id=customer.wallet_id, floor_minor=floor, follows=follows)


def advance_row(session: Session, line: CreditLine, *, amounts: Sequence[int], every_days: int, by: str) -> CreditAdvance:
    """The money into the wallet, and the days it is to come back on. A part of commands."""
    row = CreditAdvance(customer_id=line.customer_id, amount_minor=sum(amounts), by=by, at=now(session))
    session.add(row)
    session.flush()
    first = day_of(now(session))
    for seq, amount in enumerate(amounts, 1):
        session.add(
            CreditInstalment(
                advance_id=row.id,
                seq=seq,
                customer_id=line.customer_id,
                due_day=first + seq * every_days,
                amount_minor=amount,
                left_minor=amount,
            )
        )
    session.flush()
    legs = [(accounts.of(session, line, Owes.ADVANCE), accounts.wallet_of(session, line), row.amount_minor)]
    accounts.move(session, line, key=f"credit-advance:{row.id}", legs=legs, subject_id=row.id)
    return row
