"""A case from its opening to its last word: complaining, answering, withdrawing, and what time does to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core import inventory, journal, ledger, orders, outbox, payments, people, storefronts
from core.aftersale.queries import reasons_for, terms, warranty_ends_of
from core.aftersale.refusals import CaseDecided, CaseOpen, CodeGone, NothingToSay, NotPromised, TooLate, TooManyCases, TooMuchSaid
from core.aftersale.rules import LAST_CALL, LONGEST, MOST_OPEN, MOST_SAID, REMIND_AGAIN, Terms
from core.aftersale.tables import AftersaleTerms, Case, CaseEntry, CaseState, Outcome, Reason, Side
from core.catalog import Gone
from core.database import insert_new, micros, now, write
from core.orders import OrderState

ASK_PICTURE = "ask-picture"  # the usual sentence that asks the buyer for one
BY_TIME, BY_BUYER = "time", "buyer"
_SHOPS_TURN = (CaseState.OPEN, CaseState.WAITING_SHOP)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new case; money of `frozen_minor` is not paid out until it is decided."""

    case_id: int
    frozen_minor: int
    frozen_currency: str


@write
def open_case(
    session: Session,
    *,
    buyer_id: int,
    order_id: int,
    code_id: int,
    reason: Reason,
    text: str = "",
    picture: str | None = None,
    picture_kind: str | None = None,
    once: str | None = None,
) -> Opened:
    """Complain about one code of the buyer's own delivered order; the words and the picture may be left out. The staff are told.

    What the code's supplier was credited with is frozen from now on. Raises Gone when it is not their order, HeldForReview, StillSealed,
    CodeGone when the code is no longer in it, CaseOpen when there is a case, TooLate after the warranty, NotPromised, TooManyCases.
    """
    found = orders.detail(session, order_id=order_id, buyer_id=buyer_id)
    if found is None or found.card.state is not OrderState.ISSUED:
        raise Gone
    if found.card.held_until is not None:
        raise orders.HeldForReview
    if orders.seal_of(session, order_id) is not None:
        raise orders.StillSealed
    customer = people.by_id(session, buyer_id)
    # Order, then wallet, then codes, as a refund does; one buyer's complaints take turns, so that their number is what it says.
    orders.lock(session, order_id)
    ledger.lock(session, customer.wallet_id)
    offer_id = inventory.lock_sold(session, code_id=code_id, order_id=order_id)
    if offer_id is None:
        raise CodeGone
    has = session.scalar(select(Case.id).where(Case.code_id == code_id, Case.state != CaseState.DECIDED))
    if has is not None:
        raise CaseOpen(case_id=has)
    ends = warranty_ends_of(session, found, code_id)
    at = now(session)
    if ends is not None and ends <= at:
        raise TooLate(until=ends)
    if reason not in reasons_for(session, found):
        raise NotPromised
    undecided = select(func.count()).select_from(Case).where(Case.buyer_id == buyer_id, Case.state != CaseState.DECIDED)
    if (session.scalar(undecided) or 0) >= MOST_OPEN:
        raise TooManyCases(most=MOST_OPEN)
    # The shop answers, also behind a reseller's storefront.
    house_id = storefronts.by_id(session, customer.storefront_id).house
    promised = terms(session, storefront_id=house_id)
    frozen_minor, currency, party_id = _to_freeze(session, order_id=order_id, code_id=code_id, offer_id=offer_id)
    case_id = session.scalars(
        insert_new(session, Case)
        .values(
            storefront_id=house_id,
            buyer_id=buyer_id,
            order_id=order_id,
            code_id=code_id,
            offer_id=offer_id,
            sku_id=found.card.sku.id,
            reason=reason,
            state=CaseState.OPEN,
            opened_at=at,
            due_at=at + timedelta(hours=promised.answer_hours),
            frozen_minor=frozen_minor,
            frozen_currency=currency,
            frozen_party_id=party_id,
        )
        .returning(Case.id)
    ).one_or_none()
    if case_id is None:  # The index is the last word.
        raise CaseOpen(case_id=session.scalars(select(Case.id).where(Case.code_id == code_id, Case.state != CaseState.DECIDED)).one())
    if text.strip() or picture:
        _enter(session, case_id, Side.BUYER, f"telegram:{customer.telegram_id}", text, picture, picture_kind, once)
    _tell_staff(session, house_id, {"says": "case-opened", "case": case_id}, f"case-opened:{case_id}")
    return Opened(case_id, frozen_minor, currency)


def _to_freeze(session: Session, *, order_id: int, code_id: int, offer_id: int) -> tuple[int, str, int | None]:
    """What the supplier of a consigned code was credited with, in which currency, and whose it is."""
    cost = orders.cost_of(session, order_id=order_id, code_id=code_id, offer_id=offer_id)
    if cost.payable_id is None or cost.minor == 0:
        return 0, cost.currency, None
    return cost.minor, cost.currency, ledger.party_of(session, cost.payable_id)


@write
def buyer_says(
    session: Session,
    *,
    case_id: int,
    buyer_id: int,
    text: str = "",
    picture: str | None = None,
    picture_kind: str | None = None,
    once: str | None = None,
    quiet: bool = False,
) -> int:
    """The buyer says more in their own case, and the staff are told; it is the shop's turn then. Returns the entry's id.

    A `quiet` entry belongs to one that the staff are told of anyway, such as the next picture of an album. The same
    `once` again says nothing twice. Raises Gone, CaseDecided, NothingToSay or TooMuchSaid.
    """
    row = _locked(session, case_id)
    if row is None or row.buyer_id != buyer_id:
        raise Gone
    customer = people.by_id(session, buyer_id)
    entry_id, fresh = _say(session, row, Side.BUYER, f"telegram:{customer.telegram_id}", text, picture, picture_kind, once)
    if not fresh:
        return entry_id
    if row.state is CaseState.WAITING_BUYER:
        promised = terms(session, storefront_id=row.storefront_id)
        row.state, row.overdue_told_at = CaseState.WAITING_SHOP, None
        row.due_at = now(session) + timedelta(hours=promised.answer_hours)
    if not quiet:
        _tell_staff(session, row.storefront_id, {"says": "case-more", "case": case_id, "entry": entry_id}, f"case-more:{entry_id}")
    return entry_id


@write
def shop_says(
    session: Session,
    *,
    case_id: int,
    storefront_id: int,
    by: str,
    text: str = "",
    picture: str | None = None,
    picture_kind: str | None = None,
    says: str | None = None,
    once: str | None = None,
) -> int:
    """The staff answer, with words of their own or a usual sentence by its name; the buyer is told, and it is their turn.

    The same `once` again says nothing twice. Returns the entry's id. Raises Gone, CaseDecided, NothingToSay or TooMuchSaid.
    """
    row = _locked(session, case_id)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    before = row.state
    entry_id, fresh = _say(session, row, Side.SHOP, by, text, picture, picture_kind, once, says)
    if not fresh:
        return entry_id
    promised = terms(session, storefront_id=row.storefront_id)
    row.state, row.overdue_told_at = CaseState.WAITING_BUYER, None
    row.due_at = now(session) + timedelta(days=promised.buyer_days)
    journal.record(
        session,
        by=by,
        did="answer-case",
        about="case",
        about_id=case_id,
        before={"state": before.value},
        after={"state": row.state.value, "entry": entry_id},
    )
    _tell_buyer(session, row, {"says": "case-answer", "case": case_id, "entry": entry_id}, f"case-answer:{entry_id}")
    return entry_id


@write
def ask_picture(session: Session, *, case_id: int, storefront_id: int, by: str) -> int:
    """Ask the buyer for a picture, by one press; pressed again before they answer, nothing is asked twice."""
    row = _locked(session, case_id)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    last = session.execute(
        select(CaseEntry.id, CaseEntry.says).where(CaseEntry.case_id == case_id).order_by(CaseEntry.id.desc()).limit(1)
    ).one_or_none()
    if row.state is CaseState.WAITING_BUYER and last is not None and last.says == ASK_PICTURE:
        return int(last.id)
    return shop_says(session, case_id=case_id, storefront_id=storefront_id, by=by, says=ASK_PICTURE)


@write
def withdraw(session: Session, *, case_id: int, buyer_id: int) -> None:
    """The buyer no longer complains; what was frozen is free. Raises Gone, and CaseDecided when it is over."""
    row = _locked(session, case_id)
    if row is None or row.buyer_id != buyer_id:
        raise Gone
    close(session, row, Outcome.WITHDRAWN, by=BY_BUYER)
    _tell_staff(session, row.storefront_id, {"says": "case-withdrawn", "case": case_id}, f"case-withdrawn:{case_id}")


@write
def remind_overdue(session: Session, *, most: int = 100) -> int:
    """Tell the staff of cases they have not answered in time, and again each day until they do; several processes may do this.

    Returns how many.
    """
    at = now(session)
    rows = session.scalars(
        select(Case)
        .where(
            Case.state.in_(_SHOPS_TURN),
            Case.due_at <= at,
            or_(Case.overdue_told_at.is_(None), Case.overdue_told_at <= at - REMIND_AGAIN),
        )
        .order_by(Case.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.overdue_told_at = at
        _tell_staff(session, row.storefront_id, {"says": "case-overdue", "case": row.id}, f"case-overdue:{row.id}:{micros(at)}")
    return len(rows)


@write
def remind_silent(session: Session, *, most: int = 100) -> int:
    """Tell buyers who have not answered that their case is closed soon, once for each deadline; several processes may do this.

    Returns how many.
    """
    at = now(session)
    rows = session.scalars(
        select(Case)
        .where(
            Case.state == CaseState.WAITING_BUYER,
            Case.due_at > at,
            Case.due_at <= at + LAST_CALL,
            Case.overdue_told_at.is_(None),
        )
        .order_by(Case.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.overdue_told_at = at
        _tell_buyer(session, row, {"says": "case-waits", "case": row.id}, f"case-waits:{row.id}:{micros(row.due_at)}")
    return len(rows)


@write
def close_silent(session: Session, *, most: int = 100) -> int:
    """Cases whose buyer did not answer in time are withdrawn, and the buyer is told; several processes may do this. Returns how many."""
    rows = session.scalars(
        select(Case)
        .where(Case.state == CaseState.WAITING_BUYER, Case.due_at <= now(session))
        .order_by(Case.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        close(session, row, Outcome.WITHDRAWN, by=BY_TIME)
        tell_decided(session, row)
    return len(rows)


@write
def close_gone(session: Session, *, most: int = 100) -> int:
    """Cases whose code was refunded elsewhere, such as with its whole order, end as refunded; returns how many."""
    ended, after = 0, 0
    while True:
        page = session.execute(
            select(Case.id, Case.code_id).where(Case.state != CaseState.DECIDED, Case.id > after).order_by(Case.id).limit(most)
        ).all()
        sold = inventory.still_sold(session, [code_id for _, code_id in page])
        for case_id in [case_id for case_id, code_id in page if code_id not in sold]:
            row = _locked(session, case_id, skip=True)
            if row is not None and row.state is not CaseState.DECIDED:
                close(session, row, Outcome.REFUNDED, by=BY_TIME, why="elsewhere")
                tell_decided(session, row)
                ended += 1
        if len(page) < most or ended >= most:
            return ended
        after = page[-1].id


@write
def set_terms(
    session: Session,
    *,
    storefront_id: int,
    by: str,
    answer_hours: int | None = None,
    buyer_days: int | None = None,
    warranty_hours: int | None = None,
) -> Terms:
    """Change what is given of a storefront's deadlines; cases under way keep the deadline they have."""
    before = terms(session, storefront_id=storefront_id)
    after = Terms(answer_hours or before.answer_hours, buyer_days or before.buyer_days, warranty_hours or before.warranty_hours)
    facts = {"answer_hours": after.answer_hours, "buyer_days": after.buyer_days, "warranty_hours": after.warranty_hours}
    session.execute(insert_new(session, AftersaleTerms).values(storefront_id=storefront_id, **facts))
    row = session.get_one(AftersaleTerms, storefront_id, with_for_update=True)
    row.answer_hours, row.buyer_days, row.warranty_hours = after.answer_hours, after.buyer_days, after.warranty_hours
    session.flush()
    changed = {name: value for name, value in facts.items() if getattr(before, name) != value}
    if changed:
        journal.record(
            session,
            by=by,
            did="change-aftersale",
            about="storefront",
            about_id=storefront_id,
            before={name: getattr(before, name) for name in changed},
            after=changed,
        )
    return after


# Parts of commands


def _locked(session: Session, case_id: int, *, skip: bool = False) -> Case | None:
    return session.scalars(
        select(Case).where(Case.id == case_id).with_for_update(skip_locked=skip).execution_options(populate_existing=True)
    ).one_or_none()


def undecided(session: Session, case_id: int, storefront_id: int) -> Case:
    """The case, locked, so that of two who decide at once one does; raises Gone or CaseDecided."""
    row = _locked(session, case_id)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    if row.outcome is not None:
        raise CaseDecided(outcome=row.outcome)
    return row


def close(session: Session, row: Case, outcome: Outcome, *, by: str, why: str | None = None, why_text: str | None = None) -> None:
    """Decide a locked case, once; raises CaseDecided."""
    if row.outcome is not None:
        raise CaseDecided(outcome=row.outcome)
    row.state, row.outcome, row.decided_at, row.decided_by = CaseState.DECIDED, outcome, now(session), by
    row.why, row.why_text = why, why_text
    session.flush()


def _say(
    session: Session,
    row: Case,
    side: Side,
    by: str,
    text: str,
    picture: str | None,
    picture_kind: str | None,
    once: str | None,
    says: str | None = None,
) -> tuple[int, bool]:
    if once is not None:
        known = session.scalar(select(CaseEntry.id).where(CaseEntry.case_id == row.id, CaseEntry.once == once))
        if known is not None:
            return known, False
    if row.outcome is not None:
        raise CaseDecided(outcome=row.outcome)
    said = session.scalar(select(func.count()).select_from(CaseEntry).where(CaseEntry.case_id == row.id, CaseEntry.side == side))
    if (said or 0) >= MOST_SAID:
        raise TooMuchSaid(most=MOST_SAID)
    return _enter(session, row.id, side, by, text, picture, picture_kind, once, says), True


def _enter(
    session: Session,
    case_id: int,
    side: Side,
    by: str,
    text: str,
    picture: str | None,
    picture_kind: str | None,
    once: str | None,
    says: str | None = None,
) -> int:
    words = text.replace("\x00", " ").strip()  # PostgreSQL holds no NUL.
    if len(words) > LONGEST or not (words or picture or says):
        raise NothingToSay(most=LONGEST)
    made = CaseEntry(
        case_id=case_id, side=side, by=by, says=says, text=words, picture=picture, picture_kind=picture_kind, once=once, at=now(session)
    )
    session.add(made)
    session.flush()
    return made.id


def _tell_staff(session: Session, storefront_id: int, body: dict[str, Any], once: str) -> None:
    payments.tell_staff(session, storefront_id=storefront_id, body=body, once=once)


def _tell_buyer(session: Session, row: Case, body: dict[str, Any], once: str) -> None:
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.buyer_id, body=body, once=once)


def tell_decided(session: Session, row: Case) -> None:
    """Post how a case ended to its buyer."""
    _tell_buyer(session, row, {"says": "case-decided", "case": row.id}, f"case-decided:{row.id}")
