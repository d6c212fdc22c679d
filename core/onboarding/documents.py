"""Approved papers: what offers rest on, reminders before they expire, what stops when they have, and their renewals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import journal, outbox, payments, people, standing, supply
from core.database import now, read, write
from core.onboarding import renewal_cards
from core.onboarding.checks import SENT_PAPER, Finding, look_at_sent, subject_of, subject_of_sent, want_registered
from core.onboarding.refusals import NotLater, NotYours, Outdated, OwnApplication, RenewalWaits
from core.onboarding.rules import GRACE_DAYS, REMIND, clean_scope
from core.onboarding.tables import ApplicationPaper, Document, DocumentRenewal, DocumentState, PaperKind, RenewalState
from core.ports import CertificateState
from core.supply import Stop

_NOT_GENUINE = (CertificateState.INVALID, CertificateState.EXPIRED)
_LOOK_BACK = timedelta(days=1)  # at what was said of certificates; looking again changes nothing


@dataclass(frozen=True, slots=True)
class DocumentView:
    """An approved paper. `good`: something new may rest on it today. `waits`: the id of a renewal that the staff have not decided.

    `proven`: its certificate, if it has one, was found genuine; what only a brand's letter allows needs that.
    """

    id: int
    supplier_id: int
    scope: str
    expires_on: date | None
    good: bool
    kind: PaperKind
    state: DocumentState
    number: str | None
    file_id: str | None
    file_kind: str | None
    waits: int | None = None
    proven: bool = True


@dataclass(frozen=True, slots=True)
class RenewalView:
    """A paper that was sent from the chat. `document`: the one that it is a newer one of, or that another paper has become.

    `another`: it is for no document, and says itself what it is. `findings`: what is noticed about it by itself, while it waits.
    """

    id: int
    supplier_id: int
    storefront_id: int
    document: DocumentView | None
    file_id: str | None
    file_kind: str | None
    expires_on: date | None
    state: RenewalState
    decided_by: str | None
    another: bool
    kind: PaperKind | None
    scope: str | None
    number: str | None
    dated: bool
    findings: tuple[Finding, ...]


def ref_of(document_id: int) -> str:
    """How a stop names the paper that caused it."""
    return f"document:{document_id}"


def file_documents(session: Session, *, supplier_id: int, storefront_id: int, papers: Iterable[ApplicationPaper], by: str) -> None:
    """The papers of an approved application become the supplier's. A part of commands."""
    for paper in papers:
        assert paper.kind is not None and paper.scope is not None, "what is sent is finished"
        _file(
            session,
            supplier_id,
            storefront_id,
            by,
            kind=paper.kind,
            scope=paper.scope,
            expires_on=paper.expires_on,
            number=paper.number,
            file_id=paper.file_id,
            file_kind=paper.file_kind,
            file_unique_id=paper.file_unique_id,
            check_subject=subject_of(paper.id) if paper.number else None,
        )


def _file(session: Session, supplier_id: int, storefront_id: int, by: str, **facts: Any) -> int:
    row = Document(
        supplier_id=supplier_id,
        storefront_id=storefront_id,
        state=DocumentState.GOOD,
        approved_at=now(session),
        approved_by=by,
        **facts,
    )
    session.add(row)
    session.flush()
    return row.id


@write
def add_document(
    session: Session,
    *,
    supplier_id: int,
    storefront_id: int,
    kind: PaperKind,
    scope: str,
    by: str,
    expires_on: date | None = None,
    number: str | None = None,
) -> int:
    """A paper that the staff have seen themselves, such as a contract on paper; returns its id. Raises TextWrong."""
    made = _file(session, supplier_id, storefront_id, by, kind=kind, scope=clean_scope(scope), expires_on=expires_on, number=number)
    after = {"scope": scope, "expires_on": expires_on.isoformat() if expires_on else None}
    journal.record(session, by=by, did="add-document", about="supplier", about_id=supplier_id, after=after)
    return made


@read
def document(session: Session, document_id: int) -> DocumentView | None:
    """This paper, None when there is none."""
    row = session.get(Document, document_id)
    return None if row is None else _views(session, [row])[0]


@read
def documents_of(session: Session, supplier_id: int) -> list[DocumentView]:
    """A supplier's papers, oldest first."""
    return _views(session, session.scalars(select(Document).where(Document.supplier_id == supplier_id).order_by(Document.id)).all())


def _views(session: Session, rows: Sequence[Document]) -> list[DocumentView]:
    today = now(session).date()
    sent = session.scalars(
        select(DocumentRenewal).where(DocumentRenewal.document_id.in_([row.id for row in rows]), DocumentRenewal.state == RenewalState.SENT)
    )
    waiting = {one.document_id: one.id for one in sent}
    subjects = {row.check_subject for row in rows if row.check_subject is not None}
    said = {subject: one.state for subject, one in standing.checks_of(session, subjects).items()} if subjects else {}
    found = []
    for row in rows:
        certificate = said.get(row.check_subject or "")
        over = row.expires_on is not None and row.expires_on < today
        found.append(
            DocumentView(
                row.id,
                row.supplier_id,
                row.scope,
                row.expires_on,
                row.state is DocumentState.GOOD and not over and certificate not in _NOT_GENUINE,
                row.kind,
                row.state,
                row.number,
                row.file_id,
                row.file_kind,
                waiting.get(row.id),
                certificate in (None, CertificateState.VALID),
            )
        )
    return found


@read
def renewal(session: Session, renewal_id: int) -> RenewalView | None:
    """This paper that was sent from the chat, with what is noticed about it; None when there is none."""
    row = session.get(DocumentRenewal, renewal_id)
    return None if row is None else renewal_view(session, row, looked_at=True)


def renewal_view(session: Session, row: DocumentRenewal, *, looked_at: bool = False) -> RenewalView:
    """A part of questions; `looked_at`: with the checks."""
    of = None if row.document_id is None else _views(session, [session.get_one(Document, row.document_id)])[0]
    another = row.document_id is None or row.kind is not None
    return RenewalView(
        row.id,
        row.supplier_id,
        row.storefront_id,
        of,
        row.file_id,
        row.file_kind,
        row.expires_on,
        row.state,
        row.decided_by,
        another,
        row.kind if another or of is None else of.kind,
        row.scope if another or of is None else of.scope,
        row.number if another or of is None else of.number,
        row.dated or not another,
        tuple(look_at_sent(session, row)) if looked_at and row.state is RenewalState.SENT else (),
    )


@write
def renew(
    session: Session,
    *,
    document_id: int,
    telegram_id: int,
    file_id: str,
    file_unique_id: str,
    file_kind: str,
    expires_on: date | None,
    once: str,
    group_id: int | None = None,
) -> int:
    """A member of the supplier sends a newer paper; the staff and their group get a card. Returns its id.

    The same `once` again is the same one.
    Raises NotYours, NotLater, RenewalWaits.
    """
    row = session.get(Document, document_id, with_for_update=True, populate_existing=True)
    if row is None or all(one.id != row.supplier_id for one in supply.suppliers_of(session, telegram_id)):
        raise NotYours
    sent = session.scalars(select(DocumentRenewal).where(DocumentRenewal.document_id == document_id)).all()
    for one in sent:
        if one.once == once:
            return one.id
        if one.state is RenewalState.SENT:
            raise RenewalWaits
    if expires_on is not None and (expires_on < now(session).date() or (row.expires_on is not None and expires_on <= row.expires_on)):
        raise NotLater
    made = DocumentRenewal(
        document_id=document_id,
        file_id=file_id,
        file_unique_id=file_unique_id,
        file_kind=file_kind,
        expires_on=expires_on,
        once=once,
        state=RenewalState.SENT,
        by=f"telegram:{telegram_id}",
        at=now(session),
        supplier_id=row.supplier_id,
        storefront_id=row.storefront_id,
        dated=True,
        revision=0,
    )
    session.add(made)
    session.flush()
    journal.record(
        session,
        by=made.by,
        did="renew-document",
        about="document",
        about_id=document_id,
        before={"expires_on": _said(row.expires_on)},
        after={"expires_on": _said(expires_on)},
    )
    of = supply.supplier(session, row.supplier_id)
    want_registered(session, made, number=row.number, holder="" if of is None else of.name, scope=row.scope)
    renewal_cards.deal(session, made, telegram_id, group_id)
    return made.id


@write
def decide_renewal(session: Session, *, renewal_id: int, storefront_id: int, telegram_id: int, approved: bool) -> RenewalView:
    """The staff take a paper that was sent, or do not: a newer one lifts what the old one stopped, another one becomes a document.

    Raises Outdated, and OwnApplication to its own.
    """
    made = session.get(DocumentRenewal, renewal_id, with_for_update=True, populate_existing=True)
    if made is None or made.storefront_id != storefront_id or made.state is not RenewalState.SENT:
        raise Outdated
    if telegram_id in supply.members_of(session, made.supplier_id):
        raise OwnApplication
    by = f"telegram:{telegram_id}"
    another = made.document_id is None
    if another and approved:
        made.document_id = _file_another(session, made, by)
    made.state = RenewalState.APPROVED if approved else RenewalState.REFUSED
    made.decided_by, made.decided_at = by, now(session)
    if another:
        _decided_another(session, made, by)
    else:
        _decide_newer(session, made, session.get_one(Document, made.document_id, with_for_update=True, populate_existing=True), by)
    renewal_cards.redraw(session, made)
    return renewal_view(session, made)


def _decide_newer(session: Session, made: DocumentRenewal, row: Document, by: str) -> None:
    before = {"state": row.state.value, "expires_on": _said(row.expires_on)}
    if made.state is RenewalState.APPROVED:
        row.file_id, row.file_kind, row.file_unique_id = made.file_id, made.file_kind, made.file_unique_id
        row.expires_on, row.reminded = made.expires_on, None
        row.approved_at, row.approved_by = now(session), by
        row.check_subject = subject_of_sent(made) if row.number else None
        # It waited for so long that it has expired too: then nothing is lifted, and the next look says so.
        if made.expires_on is None or made.expires_on >= now(session).date():
            row.state, row.expired_at, row.stopped_at = DocumentState.GOOD, None, None
            session.flush()
            supply.lift(session, offer_ids=supply.resting_on(session, row.id), why=Stop.PAPER, by=by, ref=ref_of(row.id))
    session.flush()
    journal.record(
        session,
        by=by,
        did="decide-document",
        about="document",
        about_id=row.id,
        before=before,
        after={"state": row.state.value, "expires_on": _said(row.expires_on), "renewal": made.state.value},
    )
    _tell_members(session, row, {"says": "document", "event": f"renewal-{made.state.value}"}, f"renewal-{made.id}")


def _file_another(session: Session, made: DocumentRenewal, by: str) -> int:
    assert made.kind is not None and made.scope is not None, "what is sent is whole"
    return _file(
        session,
        made.supplier_id,
        made.storefront_id,
        by,
        kind=made.kind,
        scope=made.scope,
        expires_on=made.expires_on,
        number=made.number,
        file_id=made.file_id,
        file_kind=made.file_kind,
        file_unique_id=made.file_unique_id,
        check_subject=subject_of_sent(made) if made.number else None,
    )


def _decided_another(session: Session, made: DocumentRenewal, by: str) -> None:
    session.flush()
    after: dict[str, Any] = {"state": made.state.value}
    if made.document_id is not None:
        after["document_id"] = made.document_id
    journal.record(
        session, by=by, did="decide-paper", about="paper", about_id=made.id, before={"state": RenewalState.SENT.value}, after=after
    )
    body = {"says": "paper", "paper": made.id, "event": made.state.value}
    for customer in _customers(session, made.supplier_id, made.storefront_id):
        once = f"paper:{made.id}:{made.state.value}:to:{customer.id}"
        outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer.id, body=body, once=once)


@write
def watch_documents(session: Session, *, most: int = 100) -> int:
    """Remind of papers that expire, note those that have, and stop what rests on them some days later; several processes may do this.

    Suppliers and staff are told of each step once. Days are counted in UTC. Returns how many papers something was done about.
    """
    today = now(session).date()
    due = select(Document).where(
        Document.expires_on.is_not(None),
        or_(
            (Document.state == DocumentState.GOOD) & (Document.expires_on < today),
            (Document.state == DocumentState.EXPIRED)
            & Document.stopped_at.is_(None)
            & (Document.expires_on < today - timedelta(days=GRACE_DAYS)),
            *[
                (Document.state == DocumentState.GOOD)
                & (Document.expires_on <= today + timedelta(days=days))
                & (Document.reminded.is_(None) | (Document.reminded > days))
                for days in REMIND
            ],
        ),
    )
    rows = session.scalars(due.order_by(Document.expires_on, Document.id).limit(most).with_for_update(skip_locked=True)).all()
    for row in rows:
        assert row.expires_on is not None
        days_left = (row.expires_on - today).days
        if row.state is DocumentState.GOOD and days_left < 0:
            row.state, row.expired_at = DocumentState.EXPIRED, now(session)
            _tell(session, row, "expired")
        elif row.state is DocumentState.GOOD:
            row.reminded = min(days for days in REMIND if days >= days_left)
            _tell(session, row, "expires", days=row.reminded)
        if row.state is DocumentState.EXPIRED and row.stopped_at is None and days_left < -GRACE_DAYS:
            row.stopped_at = now(session)
            session.flush()
            stopped = supply.stop(session, offer_ids=supply.resting_on(session, row.id), why=Stop.PAPER, by="clock", ref=ref_of(row.id))
            if stopped:
                _tell(session, row, "stopped")
    session.flush()
    return len(rows)


@write
def follow_certificates(session: Session) -> int:
    """What registers and people have said lately of certificates reaches the papers: what rests on one that is not genuine sells no more.

    When it is found genuine after all, it sells again. The cards of papers that still wait are drawn again. Returns for how many papers
    something changed; several processes may do this.
    """
    states = standing.answered_since(session, now(session) - _LOOK_BACK)
    today, changed = now(session).date(), 0
    rows = session.scalars(
        select(Document)
        .where(Document.check_subject.in_(sorted(states)))
        .order_by(Document.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in rows if states else ():
        state = states[row.check_subject or ""]
        in_time = row.expires_on is None or row.expires_on >= today
        if state in _NOT_GENUINE and row.state is DocumentState.GOOD:
            row.state, row.expired_at, row.stopped_at = DocumentState.EXPIRED, now(session), now(session)
            session.flush()
            supply.stop(session, offer_ids=supply.resting_on(session, row.id), why=Stop.PAPER, by="register", ref=ref_of(row.id))
            _tell(session, row, "not-genuine")
        elif state is CertificateState.VALID and row.state is DocumentState.EXPIRED and in_time:
            row.state, row.expired_at, row.stopped_at = DocumentState.GOOD, None, None
            session.flush()
            supply.lift(session, offer_ids=supply.resting_on(session, row.id), why=Stop.PAPER, by="register", ref=ref_of(row.id))
        else:
            continue
        journal.record(
            session,
            by="register",
            did="follow-certificate",
            about="document",
            about_id=row.id,
            after={"certificate": state.value, "state": row.state.value},
        )
        changed += 1
    session.flush()
    return changed + _redraw_waiting(session, states)


def _redraw_waiting(session: Session, subjects: Collection[str]) -> int:
    """Cards of papers that wait for the staff show what was said of their certificates since they were drawn."""
    waiting = {subject: int(subject.partition(":")[2]) for subject in subjects if subject.startswith(SENT_PAPER)}
    known, drawn = standing.checks_of(session, list(waiting)) if waiting else {}, 0
    rows = session.scalars(
        select(DocumentRenewal)
        .where(DocumentRenewal.id.in_(waiting.values()), DocumentRenewal.state == RenewalState.SENT)
        .order_by(DocumentRenewal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in rows if waiting else ():
        said_at = known[subject_of_sent(row)].checked_at
        if said_at is not None and (row.changed_at is None or row.changed_at < said_at):
            renewal_cards.redraw(session, row)
            drawn += 1
    return drawn


def _tell(session: Session, row: Document, event: str, days: int = 0) -> None:
    """To the supplier's people and to the staff."""
    once = f"{event}-{days}" if days else event
    _tell_members(session, row, {"says": "document", "event": event}, once)
    body = {"says": "document-staff", "document": row.id, "event": event, "expires_on": _said(row.expires_on)}
    payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"document:{row.id}:{_said(row.expires_on)}:{once}")


def _tell_members(session: Session, row: Document, body: dict[str, Any], once: str) -> None:
    for customer in _customers(session, row.supplier_id, row.storefront_id):
        outbox.post(
            session,
            topic=outbox.Topic.NOTICE,
            customer_id=customer.id,
            body={**body, "document": row.id, "expires_on": _said(row.expires_on)},
            once=f"document:{row.id}:{_said(row.expires_on)}:{once}:to:{customer.id}",
        )


def _customers(session: Session, supplier_id: int, storefront_id: int) -> list[people.Customer]:
    """The people of a supplier whom this shop can write to."""
    found = [people.find(session, storefront_id=storefront_id, telegram_id=one) for one in supply.members_of(session, supplier_id)]
    return [customer for customer in found if customer is not None]


def _said(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
