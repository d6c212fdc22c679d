"""Asking for credit and deciding about it: one person of the staff approves, above a sum two, and nobody their own."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, payments, people, settlement, storefronts
from core.catalog import Gone
from core.credit import accounts
from core.credit.accounts import Owes
from core.credit.queries import AskView, ask_view, line_of, score_of
from core.credit.refusals import (
    AnotherAmount,
    AskedAlready,
    AskIsOver,
    NotASchedule,
    NotThatMuchCredit,
    OwesStill,
    SecondPerson,
    WrittenOff,
)
from core.credit.rules import FORMULA, MOST_INSTALMENTS, MOST_MINOR, Terms, day_of, schedule
from core.credit.tables import AskState, CreditAsk, CreditLine, LineState, Wanted
from core.credit.working import advance_row, bring_up, locked, overdue_since, set_floor, tell
from core.database import now, write
from core.people import Customer
from core.resellers import NoReseller, members_of_reseller

LONGEST_WHY = 300


def plain(text: str) -> str:
    """A typed reason on one line."""
    return " ".join(text.replace("\x00", " ").split())[:LONGEST_WHY]


def customer_here(session: Session, storefront_id: int, customer_id: int) -> Customer:
    """A reseller of this storefront. Raises NoReseller."""
    customer = people.one(session, storefront_id=storefront_id, customer_id=customer_id)
    if customer is None:
        raise NoReseller
    return customer


def not_theirs(session: Session, customer: Customer, by: str) -> None:
    """Whoever acts for a reseller decides nothing about their credit. Raises SecondPerson."""
    members = members_of_reseller(session, customer.id)
    if by in {f"telegram:{telegram_id}" for telegram_id in (customer.telegram_id, *(one.telegram_id for one in members))}:
        raise SecondPerson


@write
def ask_for(
    session: Session, *, customer_id: int, wanted: Wanted, amount_minor: int, by: str, instalments: int = 0, every_days: int = 0
) -> AskView:
    """A reseller asks for a limit, or for an advance by so many instalments, each so many days after the one before; the staff are told.

    Raises NoReseller, AskedAlready, WrittenOff, OwesStill when something is late, NotThatMuchCredit, NotASchedule.
    """
    customer = people.by_id(session, customer_id)
    if not customer.wholesale:
        raise NoReseller
    line = locked(session, customer_id)
    if line is not None and overdue_since(session, line) is not None:
        raise OwesStill(amount_minor=_late(session, line), currency=line.currency)
    row = _ask(session, customer, wanted, amount_minor, by, instalments, every_days)
    body = {"says": "credit-asked", "ask": row.id}
    payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"credit-asked:{row.id}")
    return ask_view(session, row)


def _ask(session: Session, customer: Customer, wanted: Wanted, amount_minor: int, by: str, instalments: int, every_days: int) -> CreditAsk:
    currency = storefronts.by_id(session, customer.storefront_id).currency
    least = 1 if wanted is Wanted.ADVANCE else 0
    if not least <= amount_minor <= MOST_MINOR:
        raise NotThatMuchCredit(least_minor=least, most_minor=MOST_MINOR, currency=currency)
    if wanted is Wanted.ADVANCE and not (1 <= instalments <= min(MOST_INSTALMENTS, amount_minor) and 1 <= every_days <= 31):
        raise NotASchedule(most=MOST_INSTALMENTS)
    line = locked(session, customer.id)
    if line is not None and line.state is LineState.WRITTEN_OFF:
        raise WrittenOff
    open_ = select(CreditAsk.id).where(CreditAsk.customer_id == customer.id, CreditAsk.state == AskState.SENT)
    if session.scalar(open_.limit(1)) is not None:
        raise AskedAlready
    found = score_of(session, customer.id)
    row = CreditAsk(
        storefront_id=customer.storefront_id,
        customer_id=customer.id,
        wanted=wanted,
        state=AskState.SENT,
        wanted_minor=amount_minor,
        instalments=instalments,
        every_days=every_days,
        score=found.total,
        parts={part.value: value for part, value in found.parts.items()},
        offered_minor=found.offered_minor,
        asked_by=by,
        asked_at=now(session),
    )
    session.add(row)
    session.flush()
    after = {"wanted": wanted.value, "amount_minor": amount_minor, "currency": currency, "score": found.total, "formula": FORMULA}
    journal.record(session, by=by, did="ask-credit", about="customer", about_id=customer.id, after=after)
    return row


def _late(session: Session, line: CreditLine) -> int:
    found = line_of(session, line.customer_id)
    return 0 if found is None else found.late_minor


@write
def withdraw_ask(session: Session, *, ask_id: int, customer_id: int, by: str) -> AskView:
    """The reseller does not want it any more. What the staff want is not theirs to withdraw. Raises Gone or AskIsOver."""
    row = session.get(CreditAsk, ask_id, with_for_update=True, populate_existing=True)
    if row is None or row.customer_id != customer_id:
        raise Gone
    if row.state is not AskState.SENT or row.asked_by == row.approved_by:
        raise AskIsOver
    return _over(session, row, AskState.WITHDRAWN, by, "")


def _over(session: Session, row: CreditAsk, state: AskState, by: str, why: str) -> AskView:
    row.state, row.decided_by, row.decided_at, row.why = state, by, now(session), why or None
    session.flush()
    currency = storefronts.by_id(session, row.storefront_id).currency
    after = {"state": state.value, "wanted": row.wanted.value, "amount_minor": row.granted_minor or row.wanted_minor, "currency": currency}
    if why:
        after["reason"] = why
    before = {"state": AskState.SENT.value}
    journal.record(session, by=by, did="decide-credit", about="customer", about_id=row.customer_id, before=before, after=after)
    return ask_view(session, row)


def _asked(session: Session, ask_id: int, storefront_id: int, by: str) -> tuple[CreditAsk, Customer]:
    """One that waits, after its line and its wallet. Raises Gone, AskIsOver, and SecondPerson to whom it is about."""
    known = session.get(CreditAsk, ask_id)
    if known is None or known.storefront_id != storefront_id:
        raise Gone
    locked(session, known.customer_id)
    row = session.get_one(CreditAsk, ask_id, with_for_update=True, populate_existing=True)
    if row.state is not AskState.SENT:
        raise AskIsOver
    customer = people.by_id(session, row.customer_id)
    not_theirs(session, customer, by)
    return row, customer


@write
def approve_ask(session: Session, *, ask_id: int, storefront_id: int, amount_minor: int, by: str) -> AskView:
    """A member of the staff grants so much; above the sum from which two approve payouts, a second one has to grant the same.

    Granted, the limit holds at once, or the advance is in the wallet; the reseller is told. Raises Gone, AskIsOver, SecondPerson,
    AnotherAmount, NoReseller, WrittenOff, NotThatMuchCredit.
    """
    row, customer = _asked(session, ask_id, storefront_id, by)
    currency = storefronts.by_id(session, storefront_id).currency
    least = 1 if row.wanted is Wanted.ADVANCE else 0
    if not max(least, row.instalments) <= amount_minor <= MOST_MINOR:
        raise NotThatMuchCredit(least_minor=least, most_minor=MOST_MINOR, currency=currency)
    if not customer.wholesale and (amount_minor or row.wanted is Wanted.ADVANCE):
        raise NoReseller
    if row.approved_by is not None:
        if row.approved_by == by:
            raise SecondPerson
        if row.granted_minor != amount_minor:
            assert row.granted_minor is not None, "approved with an amount"
            raise AnotherAmount(amount_minor=row.granted_minor, currency=currency)
    elif _more_than_one_may(session, row, amount_minor, currency):
        row.approved_by, row.granted_minor = by, amount_minor
        session.flush()
        after = {"amount_minor": amount_minor, "currency": currency, "approvals": 1}
        journal.record(session, by=by, did="approve-credit", about="customer", about_id=customer.id, after=after)
        body = {"says": "credit-second", "ask": row.id}
        payments.tell_staff(session, storefront_id=storefront_id, body=body, once=f"credit-second:{row.id}")
        return ask_view(session, row)
    row.granted_minor = amount_minor
    if row.approved_by is None:
        row.approved_by = by
    _grant(session, row, by)
    return _over(session, row, AskState.APPROVED, by, "")


def _more_than_one_may(session: Session, row: CreditAsk, amount_minor: int, currency: str) -> bool:
    """Is it more than one person may grant? A limit that falls never is; advances count together."""
    line = session.get(CreditLine, row.customer_id)
    if row.wanted is Wanted.LINE and line is not None and amount_minor <= line.limit_minor:
        return False
    out = accounts.owed(session, row.customer_id, currency, Owes.ADVANCE) if row.wanted is Wanted.ADVANCE else 0
    return amount_minor + out > settlement.rule(session, currency).two_above_minor


def _grant(session: Session, row: CreditAsk, by: str) -> None:
    assert row.granted_minor is not None, "granted with an amount"
    line = locked(session, row.customer_id)
    if line is None:
        line = _open(session, row)
    if line.state is LineState.WRITTEN_OFF:
        raise WrittenOff
    bring_up(session, line, at_once=True)
    before, body = line.limit_minor, {"currency": line.currency, "amount_minor": row.granted_minor}
    if row.wanted is Wanted.LINE:
        line.limit_minor = row.granted_minor
        tell(session, row.customer_id, body | {"says": "credit-limit", "before_minor": before}, f"credit-granted:{row.id}")
    else:
        made = advance_row(session, line, amounts=schedule(row.granted_minor, row.instalments), every_days=row.every_days, by=by)
        facts = {"says": "credit-advance", "instalments": row.instalments, "due": day_of(made.at) + row.every_days}
        tell(session, row.customer_id, body | facts, f"credit-granted:{row.id}")
    set_floor(session, line)


def _open(session: Session, row: CreditAsk) -> CreditLine:
    """The line itself, with the usual terms and no limit yet."""
    terms, today = Terms(), day_of(now(session))
    line = CreditLine(
        customer_id=row.customer_id,
        storefront_id=row.storefront_id,
        currency=storefronts.by_id(session, row.storefront_id).currency,
        state=LineState.OPEN,
        limit_minor=0,
        rate_ppm=terms.rate_ppm,
        overdue_ppm=terms.overdue_ppm,
        late_fee_minor=terms.late_fee_minor,
        period_days=terms.period_days,
        term_days=terms.term_days,
        freeze_days=terms.freeze_days,
        day=today,
        period_from=today,
        carry=0,
        new_minor=0,
        used_minor=0,
        seen_transfer_id=0,
        opened_at=now(session),
    )
    session.add(line)
    session.flush()
    found = locked(session, row.customer_id)
    assert found is not None, "it was just made"
    return found


@write
def refuse_ask(session: Session, *, ask_id: int, storefront_id: int, why: str, by: str) -> AskView:
    """No, and why: the reseller reads it word for word. Raises Gone, AskIsOver or SecondPerson."""
    row, customer = _asked(session, ask_id, storefront_id, by)
    said = plain(why)
    made = _over(session, row, AskState.REFUSED, by, said)
    body: dict[str, object] = {"says": "credit-refused", "wanted": row.wanted.value, "why": said}
    tell(session, customer.id, body, f"credit-refused:{row.id}")
    return made


@write
def set_limit(session: Session, *, customer_id: int, storefront_id: int, limit_minor: int, by: str) -> AskView:
    """The staff want another limit for a reseller: granted at once, or by a second person above the sum from which two decide.

    What waited of theirs is refused by it. Raises what asking and approving raise.
    """
    customer = customer_here(session, storefront_id, customer_id)
    if not customer.wholesale and limit_minor:
        raise NoReseller
    not_theirs(session, customer, by)
    locked(session, customer_id)
    waits = select(CreditAsk.id).where(CreditAsk.customer_id == customer_id, CreditAsk.state == AskState.SENT)
    if session.scalar(waits.limit(1)) is not None:
        raise AskedAlready
    row = _ask(session, customer, Wanted.LINE, limit_minor, by, 0, 0)
    return approve_ask(session, ask_id=row.id, storefront_id=storefront_id, amount_minor=limit_minor, by=by)
