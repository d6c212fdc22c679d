"""What the applicant does: begin, fill in, add papers, send, withdraw."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal, outbox, payments, people, supply
from core.database import insert_new, now, write
from core.onboarding import cards, checks
from core.onboarding.refusals import (
    NoApplication,
    NotFinished,
    Outdated,
    RefusedLately,
    SupplierAlready,
    TextWrong,
    TooManyPapers,
    Waits,
)
from core.onboarding.rules import MOST_PAPERS, Field, clean, clean_number, clean_scope, read_date, reviewers_needed
from core.onboarding.tables import (
    OPEN,
    Application,
    ApplicationCheck,
    ApplicationPaper,
    ApplicationState,
    Kind,
    Legal,
    PaperKind,
)

W = TypeVar("W", bound=StrEnum)

AFTER_REFUSAL = timedelta(days=1)  # until somebody who was refused may apply again
_EDITABLE = (ApplicationState.DRAFT, ApplicationState.SENT_BACK)


class PaperField(StrEnum):
    """What is said of a paper, in this order."""

    KIND = "kind"
    SCOPE = "scope"
    EXPIRES = "expires"
    NUMBER = "number"


@write
def begin(session: Session, *, customer_id: int, kind: Kind) -> int:
    """Begin an application, or go on with the open one as this kind; returns its id.

    Raises SupplierAlready, Waits when it is sent, and RefusedLately within a day of a refusal.
    """
    customer = people.by_id(session, customer_id)
    if supply.suppliers_of(session, customer.telegram_id):
        raise SupplierAlready
    at = now(session)
    theirs = (Application.storefront_id == customer.storefront_id, Application.telegram_id == customer.telegram_id)
    if session.scalar(select(Application.id).where(*theirs, Application.state.in_(OPEN))) is None:
        refused_at = session.scalar(select(func.max(Application.decided_at)).where(*theirs, Application.state == ApplicationState.REFUSED))
        if refused_at is not None and at < refused_at + AFTER_REFUSAL:
            raise RefusedLately(until=refused_at + AFTER_REFUSAL)
    session.execute(
        insert_new(session, Application).values(
            storefront_id=customer.storefront_id,
            customer_id=customer_id,
            telegram_id=customer.telegram_id,
            kind=kind,
            state=ApplicationState.DRAFT,
            version=0,
            revision=0,
            reviewers_needed=1,
            began_at=at,
            changed_at=at,
        )
    )
    row = session.scalars(select(Application).where(*theirs, Application.state.in_(OPEN)).with_for_update()).one()
    if row.state not in _EDITABLE:
        raise Waits
    row.kind, row.changed_at = kind, at
    return row.id


@write
def put(session: Session, *, application_id: int, customer_id: int, field: Field, text: str) -> None:
    """Answer a field; what is typed is cleaned. Raises NoApplication, Waits, or a refusal that says what to type; nothing is lost then."""
    row = _editable(session, application_id, customer_id)
    if field is Field.KIND:
        row.kind = _one_of(Kind, text)
    elif field is Field.LEGAL:
        row.legal = _one_of(Legal, text)
    else:
        setattr(row, field.value, clean(field, text))
    row.changed_at = now(session)


@write
def add_paper(
    session: Session, *, application_id: int, customer_id: int, file_id: str, file_unique_id: str, file_kind: str, once: str
) -> int:
    """Keep a photo or document by Telegram's ids; what it is, is said next. The same `once` again is the same paper. Returns its id.

    Raises NoApplication, Waits or TooManyPapers.
    """
    row = _editable(session, application_id, customer_id)
    known = session.scalar(
        select(ApplicationPaper.id).where(ApplicationPaper.application_id == application_id, ApplicationPaper.once == once)
    )
    if known is not None:
        return known
    count = select(func.count()).select_from(ApplicationPaper)
    if (session.scalar(count.where(ApplicationPaper.application_id == row.id, ApplicationPaper.removed_at.is_(None))) or 0) >= MOST_PAPERS:
        raise TooManyPapers(most=MOST_PAPERS)
    paper = ApplicationPaper(
        application_id=row.id,
        file_id=file_id,
        file_unique_id=file_unique_id,
        file_kind=file_kind,
        dated=False,
        once=once,
        added_at=now(session),
    )
    session.add(paper)
    row.changed_at = now(session)
    session.flush()
    return paper.id


@write
def describe_paper(session: Session, *, paper_id: int, customer_id: int, field: PaperField, text: str) -> None:
    """Say one thing of a paper; an empty text for the expiry is "never", for the number "none". Raises as `put` does."""
    paper = session.get(ApplicationPaper, paper_id)
    if paper is None or paper.removed_at is not None:
        raise NoApplication
    row = _editable(session, paper.application_id, customer_id)
    if field is PaperField.KIND:
        paper.kind = _one_of(PaperKind, text)
    elif field is PaperField.SCOPE:
        paper.scope = clean_scope(text)
    elif field is PaperField.EXPIRES:
        paper.expires_on, paper.dated = (read_date(text) if text else None), True
    else:
        paper.number = clean_number(text) if text else None
    row.changed_at = now(session)
    session.flush()


@write
def remove_paper(session: Session, *, paper_id: int, customer_id: int) -> int:
    """Take a paper out; a second time changes nothing. Returns the application's id. Raises NoApplication or Waits."""
    paper = session.get(ApplicationPaper, paper_id)
    if paper is None:
        raise NoApplication
    row = _editable(session, paper.application_id, customer_id)
    session.execute(
        update(ApplicationPaper)
        .where(ApplicationPaper.id == paper_id, ApplicationPaper.removed_at.is_(None))
        .values(removed_at=now(session))
    )
    return row.id


@write
def send(session: Session, *, application_id: int, customer_id: int, version: int, group_id: int | None = None) -> int:
    """Send what is filled in: it is checked, and a card goes to each of the staff and to the group. Returns the new version.

    `version` is what the pressed button showed. Raises NoApplication, Outdated when it was sent since, and NotFinished.
    """
    row = _own(session, application_id, customer_id)
    if row.version != version or row.state not in _EDITABLE:
        raise Outdated
    papers = papers_of(session, row.id)
    if None in (row.legal, row.name, row.contact, row.goods, row.country) or any(not finished(paper) for paper in papers):
        raise NotFinished
    if supply.suppliers_of(session, row.telegram_id):
        raise SupplierAlready
    before, at = row.state, now(session)
    row.state, row.version, row.sent_at = ApplicationState.SENT, row.version + 1, at
    found = checks.look(session, row, papers)
    for one in found:
        session.add(ApplicationCheck(application_id=row.id, version=row.version, what=one.what, result=one.result, facts=one.facts, at=at))
    row.reviewers_needed = reviewers_needed(row.kind, row.legal, [(one.what, one.result) for one in found])
    session.flush()
    cards.redraw(session, row)  # Those of earlier versions say that there is a newer one.
    cards.deal(session, row, group_id)
    journal.record(
        session,
        by=f"telegram:{row.telegram_id}",
        did="send-application",
        about="application",
        about_id=row.id,
        before={"state": before.value},
        after={"state": row.state.value, "version": row.version},
    )
    return row.version


@write
def withdraw(session: Session, *, application_id: int, customer_id: int, version: int) -> None:
    """The applicant no longer wants it; they may begin again. Raises NoApplication or Outdated."""
    row = _own(session, application_id, customer_id)
    if row.version != version or row.state not in OPEN:
        raise Outdated
    before = row.state
    row.state, row.decided_at = ApplicationState.WITHDRAWN, now(session)
    cards.redraw(session, row)
    journal.record(
        session,
        by=f"telegram:{row.telegram_id}",
        did="withdraw-application",
        about="application",
        about_id=row.id,
        before={"state": before.value},
        after={"state": row.state.value},
    )
    if before is ApplicationState.SENT:
        body = {"says": "application-withdrawn", "application": row.id}
        payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"application-withdrawn:{row.id}")


# Parts of commands


def locked(session: Session, application_id: int) -> Application | None:
    return session.scalars(
        select(Application).where(Application.id == application_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def papers_of(session: Session, application_id: int) -> list[ApplicationPaper]:
    """The papers that were not taken out, oldest first."""
    return list(
        session.scalars(
            select(ApplicationPaper)
            .where(ApplicationPaper.application_id == application_id, ApplicationPaper.removed_at.is_(None))
            .order_by(ApplicationPaper.id)
        )
    )


def finished(paper: ApplicationPaper) -> bool:
    """Is everything said of it that must be? A certificate's number need not."""
    return paper.kind is not None and paper.scope is not None and paper.dated


def tell(session: Session, row: Application, event: str) -> None:
    """A notice to the applicant, once for each version and event."""
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=row.customer_id,
        body={"says": "application", "application": row.id, "event": event},
        once=f"application:{row.id}:{row.version}:{event}",
    )


def _own(session: Session, application_id: int, customer_id: int) -> Application:
    row = locked(session, application_id)
    if row is None or row.customer_id != customer_id:
        raise NoApplication
    return row


def _editable(session: Session, application_id: int, customer_id: int) -> Application:
    row = _own(session, application_id, customer_id)
    if row.state is ApplicationState.SENT:
        raise Waits
    if row.state not in _EDITABLE:
        raise Outdated
    return row


def _one_of(words: type[W], text: str) -> W:
    """A forged button may say anything."""
    try:
        return words(text)
    except ValueError:
        raise TextWrong(least=1, most=max(len(word) for word in words)) from None
