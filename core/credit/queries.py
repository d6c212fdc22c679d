"""Asking about credit: how a line stands, what is on its invoices, how good a reseller's score is and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import ledger, orders, people, storefronts
from core.credit import accounts
from core.credit.accounts import Owed, Owes
from core.credit.rules import WEEKS, WEIGHTS, WINDOW, Facts, Part, Score, Terms, date_of, day_of, rounded, score
from core.credit.tables import (
    AskState,
    CreditAdvance,
    CreditAsk,
    CreditInstalment,
    CreditInvoice,
    CreditLine,
    CreditRepayment,
    CreditWeight,
    LineState,
    Wanted,
)
from core.credit.working import overdue_since, principal, terms_of
from core.database import now, read

_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class DueItem:
    """An invoice (`seq` is its number) or, with `of_advance`, an instalment: what is open of it, in minor units, and by when."""

    seq: int
    of_advance: bool
    due_on: date
    open_minor: int
    late_days: int


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of credit as it stands; amounts in minor units of `currency`. `left_minor` is what can still be bought on credit."""

    customer_id: int
    storefront_id: int
    currency: str
    state: LineState
    limit_minor: int
    left_minor: int
    balance_minor: int
    owed: Owed
    terms: Terms
    due: Sequence[DueItem]  # what is open, the first due first
    late_minor: int
    late_days: int
    next_invoice_on: date
    off_by: str | None
    off_why: str | None
    opened_at: datetime

    @property
    def next_due(self) -> DueItem | None:
        return self.due[0] if self.due else None


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice: what its period added, and what of it is open; minor units."""

    id: int
    customer_id: int
    seq: int
    first_on: date
    last_on: date
    due_on: date
    used_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    open_minor: int
    paid_on: date | None

    @property
    def total_minor(self) -> int:
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class RepaymentView:
    """What became of money that came in, in minor units."""

    at: datetime
    fees_minor: int
    interest_minor: int
    instalments_minor: int
    principal_minor: int

    @property
    def total_minor(self) -> int:
        return self.fees_minor + self.interest_minor + self.instalments_minor + self.principal_minor


@dataclass(frozen=True, slots=True)
class AskView:
    """What somebody asked for, with the score of that moment; minor units."""

    id: int
    storefront_id: int
    customer_id: int
    wanted: Wanted
    state: AskState
    wanted_minor: int
    instalments: int
    every_days: int
    currency: str
    score: int
    parts: Mapping[str, int]
    offered_minor: int
    asked_by: str
    asked_at: datetime
    granted_minor: int | None
    approved_by: str | None
    decided_by: str | None
    why: str | None


def ask_view(session: Session, row: CreditAsk) -> AskView:
    return AskView(
        row.id,
        row.storefront_id,
        row.customer_id,
        row.wanted,
        row.state,
        row.wanted_minor,
        row.instalments,
        row.every_days,
        storefronts.by_id(session, row.storefront_id).currency,
        row.score,
        row.parts,
        row.offered_minor,
        row.asked_by,
        row.asked_at,
        row.granted_minor,
        row.approved_by,
        row.decided_by,
        row.why,
    )


@read
def weights_of(session: Session, storefront_id: int) -> Mapping[Part, int]:
    """How much each part of the score counts in this storefront."""
    set_ = {row.part: row.weight for row in session.scalars(select(CreditWeight).where(CreditWeight.storefront_id == storefront_id))}
    return {part: set_.get(part.value, WEIGHTS[part]) for part in Part}


@read
def score_of(session: Session, customer_id: int) -> Score:
    """The score of a reseller as it is now, by the formula TRADE-1."""
    at, customer = now(session), people.by_id(session, customer_id)
    trade = orders.trade_of(session, buyer_id=customer_id, since=at - WINDOW)
    lately = orders.trade_of(session, buyer_id=customer_id, since=at - timedelta(weeks=WEEKS))
    today = day_of(at)
    fallen = session.execute(
        select(CreditInvoice.due_day, CreditInvoice.paid_day).where(
            CreditInvoice.customer_id == customer_id, CreditInvoice.due_day < today, CreditInvoice.due_day >= today - _YEAR_DAYS
        )
    ).all()
    facts = Facts(
        weeks_bought=lately.weeks,
        paid_minor=trade.paid_minor,
        refunded_minor=trade.refunded_minor,
        invoices=len(fallen),
        in_time=sum(1 for row in fallen if row.paid_day is not None and row.paid_day <= row.due_day),
        age_days=(at - people.joined_at(session, customer_id)).days,
    )
    return score(facts, weights_of(session, customer.storefront_id))


def owed_of(session: Session, line: CreditLine) -> Owed:
    """What is owed at this moment."""
    beside = {owes: accounts.owed(session, line.customer_id, line.currency, owes) for owes in Owes}
    accrued = max(0, rounded(line.carry))
    return Owed(principal(session, line), beside[Owes.FEES], beside[Owes.INTEREST], beside[Owes.ADVANCE], accrued)


@read
def line_of(session: Session, customer_id: int) -> LineView | None:
    """How a reseller's credit stands; None for who never had any."""
    line = session.get(CreditLine, customer_id)
    return None if line is None else _view(session, line)


def _view(session: Session, line: CreditLine) -> LineView:
    today = day_of(now(session))
    items = [
        DueItem(
            one.seq,
            False,
            date_of(one.due_day),
            one.left_minor + one.interest_left_minor + one.fee_left_minor,
            max(0, today - one.due_day),
        )
        for one in _unpaid(session, line)
    ]
    items += [
        DueItem(row.seq, True, date_of(row.due_day), row.left_minor, max(0, today - row.due_day)) for row in _instalments(session, line)
    ]
    items.sort(key=lambda item: item.due_on)
    since, room = overdue_since(session, line), ledger.room(session, accounts.wallet_of(session, line))
    return LineView(
        line.customer_id,
        line.storefront_id,
        line.currency,
        line.state,
        line.limit_minor,
        max(0, min(room.balance_minor, 0) - room.floor_minor),
        room.balance_minor,
        owed_of(session, line),
        terms_of(line),
        items,
        0 if since is None else sum(item.open_minor for item in items if item.late_days),
        0 if since is None else today - since,
        date_of(line.period_from + line.period_days),
        line.off_by,
        line.off_why,
        line.opened_at,
    )


def _unpaid(session: Session, line: CreditLine) -> Sequence[CreditInvoice]:
    question = select(CreditInvoice).where(CreditInvoice.customer_id == line.customer_id, CreditInvoice.paid_day.is_(None))
    return session.scalars(question.order_by(CreditInvoice.seq)).all()


def _instalments(session: Session, line: CreditLine) -> Sequence[CreditInstalment]:
    question = select(CreditInstalment).where(CreditInstalment.customer_id == line.customer_id, CreditInstalment.paid_day.is_(None))
    return session.scalars(question.order_by(CreditInstalment.due_day, CreditInstalment.advance_id)).all()


@read
def lines_of(session: Session, *, storefront_id: int, late: bool = False, offset: int = 0, limit: int = 10) -> list[LineView]:
    """The lines of a storefront; `late`, only those with something past its day. Who is frozen first, then the largest limit."""
    question = select(CreditLine).where(CreditLine.storefront_id == storefront_id)
    if late:
        unpaid = (
            select(model.customer_id).where(model.paid_day.is_(None), model.due_day < day_of(now(session)))
            for model in (CreditInvoice, CreditInstalment)
        )
        question = question.where(or_(*(CreditLine.customer_id.in_(some) for some in unpaid)), CreditLine.state != LineState.WRITTEN_OFF)
    question = question.order_by(CreditLine.state == LineState.OPEN, CreditLine.limit_minor.desc(), CreditLine.customer_id)
    return [_view(session, line) for line in session.scalars(question.offset(offset).limit(limit))]


@read
def invoices_of(session: Session, *, customer_id: int, limit: int = 10) -> list[InvoiceView]:
    """The newest invoices, the newest first."""
    question = select(CreditInvoice).where(CreditInvoice.customer_id == customer_id).order_by(CreditInvoice.seq.desc()).limit(limit)
    return [
        InvoiceView(
            row.id,
            row.customer_id,
            row.seq,
            date_of(row.from_day),
            date_of(row.to_day),
            date_of(row.due_day),
            row.used_minor,
            row.principal_minor,
            row.interest_minor,
            row.fee_minor,
            row.left_minor + row.interest_left_minor + row.fee_left_minor,
            None if row.paid_day is None else date_of(row.paid_day),
        )
        for row in session.scalars(question)
    ]


@read
def repayments_of(session: Session, *, customer_id: int, limit: int = 10) -> list[RepaymentView]:
    """The newest repayments, the newest first."""
    question = select(CreditRepayment).where(CreditRepayment.customer_id == customer_id).order_by(CreditRepayment.id.desc()).limit(limit)
    return [
        RepaymentView(row.at, row.fees_minor, row.interest_minor, row.instalments_minor, row.principal_minor)
        for row in session.scalars(question)
    ]


@read
def advances_of(session: Session, customer_id: int) -> list[tuple[datetime, int, int]]:
    """Advances, the newest first: when, how much, and what is left to be paid back."""
    rows = session.scalars(select(CreditAdvance).where(CreditAdvance.customer_id == customer_id).order_by(CreditAdvance.id.desc())).all()
    left: dict[int, int] = {}
    for part in session.scalars(select(CreditInstalment).where(CreditInstalment.customer_id == customer_id)):
        left[part.advance_id] = left.get(part.advance_id, 0) + part.left_minor
    return [(row.at, row.amount_minor, left.get(row.id, 0)) for row in rows]


@read
def ask_of(session: Session, customer_id: int) -> AskView | None:
    """What this reseller asked for last, decided or not."""
    row = session.scalars(select(CreditAsk).where(CreditAsk.customer_id == customer_id).order_by(CreditAsk.id.desc()).limit(1)).first()
    return None if row is None else ask_view(session, row)


@read
def ask(session: Session, ask_id: int) -> AskView | None:
    """One that was asked for."""
    row = session.get(CreditAsk, ask_id)
    return None if row is None else ask_view(session, row)


@read
def asks_waiting(session: Session, *, storefront_id: int, offset: int = 0, limit: int = 10) -> list[AskView]:
    """What waits for the staff, the longest first."""
    question = select(CreditAsk).where(CreditAsk.storefront_id == storefront_id, CreditAsk.state == AskState.SENT).order_by(CreditAsk.id)
    return [ask_view(session, row) for row in session.scalars(question.offset(offset).limit(limit))]
