"""What is looked at by itself when an application is sent; each finding is data for the people who decide, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import blacklist, standing, supply
from core.database import now
from core.onboarding.rules import SOON, folded, missing, suspicious_words
from core.onboarding.tables import (
    Application,
    ApplicationPaper,
    ApplicationState,
    CheckKind,
    CheckResult,
    Document,
    DocumentRenewal,
    Kind,
    Legal,
    PaperKind,
    RenewalState,
)
from core.ports import CertificateFacts, CertificateState
from core.supply import Standing

_MOST = 5  # of what a check names
PAPER = "paper:"  # how the subject of the check of a paper's certificate begins
SENT_PAPER = "sent-paper:"


@dataclass(frozen=True, slots=True)
class Finding:
    what: CheckKind
    result: CheckResult
    facts: dict[str, Any] = field(default_factory=dict)


class Bringer(Protocol):
    """Who brings papers: somebody who applies, or a supplier by somebody of theirs."""

    @property
    def telegram_id(self) -> int: ...

    @property
    def name(self) -> str | None: ...

    @property
    def contact(self) -> str | None: ...


class Brought(Protocol):
    """What is looked at of a paper, wherever it is kept."""

    @property
    def file_unique_id(self) -> str | None: ...

    @property
    def number(self) -> str | None: ...

    @property
    def expires_on(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class _Member:
    """Somebody of a supplier."""

    telegram_id: int
    name: str | None
    contact: str | None = None


def look(session: Session, row: Application, papers: Sequence[ApplicationPaper]) -> list[Finding]:
    """Every check of an application with its papers, in the order in which they are read."""
    return [
        _person(session, row),
        *_alike(session, row),
        _same_paper(session, row, papers),
        _missing(row, papers),
        _expiry(session, papers),
        _words(session, row, papers),
        *ask_register(session, row, papers),
    ]


def look_at_sent(session: Session, row: DocumentRenewal) -> list[Finding]:
    """The same checks of a paper that a supplier sent from the chat, as things are now; a newer one says no words of its own."""
    of = next((one for one in supply.all_suppliers(session) if one.id == row.supplier_id), None)
    member = _Member(int(row.by.partition(":")[2]), None if of is None else of.name)
    banned = banned_person(session, member)
    found = [
        Finding(CheckKind.PERSON, CheckResult.FAIL, {"banned": banned}) if banned else Finding(CheckKind.PERSON, CheckResult.OK),
        _same_paper(session, member, [row]),
        _expiry(session, [row]),
    ]
    if row.scope is not None:
        found.append(_said(session, row.scope, authorised=of is not None and of.standing is Standing.AUTHORISED))
    return [*found, *_registered(session, row)]


def want_registered(session: Session, row: DocumentRenewal, *, number: str | None, holder: str, scope: str) -> None:
    """Have the register asked about the number of a paper that was sent from the chat, when it has one. A part of commands."""
    if number:
        facts = CertificateFacts(number, holder, scope, row.expires_on)
        standing.want_check(session, subject_of_sent(row), facts, brought_by=int(row.by.partition(":")[2]))


def subject_of_sent(row: DocumentRenewal) -> str:
    """The same for a paper that was sent from the chat."""
    return f"{SENT_PAPER}{row.id}"


def _registered(session: Session, row: DocumentRenewal) -> list[Finding]:
    known = standing.checks_of(session, [subject_of_sent(row)]).get(subject_of_sent(row))
    if known is None:
        return []
    if known.state is CertificateState.PENDING:
        return [Finding(CheckKind.CERTIFICATE, CheckResult.PENDING, {"numbers": [known.facts.number]})]
    result = CheckResult.OK if known.state is CertificateState.VALID else CheckResult.FAIL
    return [
        Finding(CheckKind.CERTIFICATE, result, {"register": f"{known.facts.number}: {known.state.value} ({known.register or 'staff'})"})
    ]


def banned_words(session: Session, text: str) -> list[str]:
    """Words and brands in a text that may not be there: those of the house, and those that the staff have banned."""
    return list(dict.fromkeys([*suspicious_words(text), *standing.banned(session, text)]))


def banned_person(session: Session, row: Bringer) -> list[str]:
    """Why a person is not wanted, as words: a supplier of theirs is suspended, or they are on a list."""
    found = ["suspended" for one in supply.suppliers_of(session, row.telegram_id) if one.suspended][:1]
    for what, value in (("telegram", str(row.telegram_id)), ("name", row.name or ""), ("contact", row.contact or "")):
        known = blacklist.person_known(session, what, value)
        if known is not None:
            found.append(known)
    return found


def ask_register(session: Session, row: Application, papers: Sequence[ApplicationPaper]) -> list[Finding]:
    """Certificates with a number wait for their register: pending until it, or somebody who has looked there, answers by `settle_check`."""
    numbered = [paper for paper in papers if paper.number]
    for paper in numbered:
        facts = CertificateFacts(paper.number or "", row.name or "", paper.scope or "", paper.expires_on)
        standing.want_check(session, subject_of(paper.id), facts, brought_by=row.telegram_id)
    numbers = [paper.number for paper in numbered]
    return [Finding(CheckKind.CERTIFICATE, CheckResult.PENDING, {"numbers": numbers[:_MOST]})] if numbers else []


def subject_of(paper_id: int) -> str:
    """By what the check of a paper's certificate is found."""
    return f"{PAPER}{paper_id}"


def _person(session: Session, row: Application) -> Finding:
    banned = banned_person(session, row)
    if banned:
        return Finding(CheckKind.PERSON, CheckResult.FAIL, {"banned": banned})
    earlier = select(Application.id).where(
        Application.telegram_id == row.telegram_id, Application.id != row.id, Application.state == ApplicationState.REFUSED
    )
    refused = session.scalars(earlier.order_by(Application.id.desc()).limit(_MOST)).all()
    if refused:
        return Finding(CheckKind.PERSON, CheckResult.WARN, {"refused": list(refused)})
    return Finding(CheckKind.PERSON, CheckResult.OK)


def _alike(session: Session, row: Application) -> list[Finding]:
    """Others with the same name or contact, whatever blanks and capitals they write it with."""
    others = session.execute(
        select(Application.id, Application.name, Application.contact, Application.state, Application.supplier_id).where(
            Application.storefront_id == row.storefront_id,
            Application.telegram_id != row.telegram_id,
            Application.state.not_in((ApplicationState.DRAFT, ApplicationState.WITHDRAWN)),
        )
    ).all()
    names = [one.id for one in others if one.name and folded(one.name) == folded(row.name or "")]
    known = [one for one in supply.all_suppliers(session) if folded(one.name) == folded(row.name or "")]
    suspended = [one.name for one in known if one.suspended]
    contacts = [one for one in others if one.contact and folded(one.contact) == folded(row.contact or "")]
    out = set(supply.suspended_suppliers(session)) if contacts else set()
    unwanted = any(one.state is ApplicationState.REFUSED or one.supplier_id in out for one in contacts)
    return [
        # Whoever was suspended comes back under the name that their buyers know.
        Finding(
            CheckKind.NAME,
            CheckResult.FAIL if suspended else CheckResult.WARN,
            _told(applications=names[-_MOST:], suppliers=[one.name for one in known if not one.suspended], suspended=suspended),
        )
        if names or known
        else Finding(CheckKind.NAME, CheckResult.OK),
        # The contact of somebody who was refused or suspended, under another account, is how banned parties come back.
        Finding(
            CheckKind.CONTACT, CheckResult.FAIL if unwanted else CheckResult.WARN, {"applications": [one.id for one in contacts][-_MOST:]}
        )
        if contacts
        else Finding(CheckKind.CONTACT, CheckResult.OK),
    ]


@dataclass(slots=True)
class _Holders:
    """Whose a paper is besides: applications of others, and suppliers by their id."""

    applications: dict[int, Application] = field(default_factory=dict)
    suppliers: set[int] = field(default_factory=set)


def _same_paper(session: Session, row: Bringer, papers: Sequence[Brought]) -> Finding:
    """Papers that somebody else has brought too – the same file, or one with the same number –, and numbers on the blacklist."""
    numbers = {folded(paper.number) for paper in papers if paper.number}
    copied, numbered = _of_file(session, row, papers), _of_number(session, row, numbers)
    applications = {**copied.applications, **numbered.applications}
    known = {one.id: one for one in supply.all_suppliers(session)} if copied.suppliers | numbered.suppliers else {}
    suppliers = [known[one] for one in sorted(copied.suppliers | numbered.suppliers)]
    listed = [blacklist.person_known(session, "document", number) for number in sorted(numbers)]
    facts = _told(
        banned=[why for why in [*listed, *_listed(session, applications.values())] if why is not None],
        refused=[one.id for one in applications.values() if one.state is ApplicationState.REFUSED],
        applications=sorted(applications),
        suspended=[one.name for one in suppliers if one.suspended],
        suppliers=[one.name for one in suppliers if not one.suspended],
    )
    if not facts:
        return Finding(CheckKind.SAME_PAPER, CheckResult.OK)
    # One file in two hands is a copy. A number may be the same by chance, unless it is that of somebody who is not wanted.
    fails = copied.applications or copied.suppliers or {"banned", "refused", "suspended"} & set(facts)
    return Finding(CheckKind.SAME_PAPER, CheckResult.FAIL if fails else CheckResult.WARN, facts)


def _of_file(session: Session, row: Bringer, papers: Sequence[Brought]) -> _Holders:
    files = [paper.file_unique_id for paper in papers]
    brought = select(ApplicationPaper.application_id).where(ApplicationPaper.file_unique_id.in_(files))
    approved = select(Document.supplier_id).where(Document.file_unique_id.in_(files))
    sent = select(DocumentRenewal.supplier_id).where(DocumentRenewal.file_unique_id.in_(files), DocumentRenewal.state != RenewalState.DRAFT)
    return _holders(session, row, session.scalars(brought).all(), session.scalars(approved.union(sent)).all())


def _of_number(session: Session, row: Bringer, numbers: set[str]) -> _Holders:
    if not numbers:
        return _Holders()
    brought = session.execute(select(ApplicationPaper.application_id, ApplicationPaper.number).where(ApplicationPaper.number.is_not(None)))
    approved = select(Document.supplier_id, Document.number).where(Document.number.is_not(None))
    sent = select(DocumentRenewal.supplier_id, DocumentRenewal.number).where(
        DocumentRenewal.number.is_not(None), DocumentRenewal.state != RenewalState.DRAFT
    )
    return _holders(
        session,
        row,
        [holder for holder, number in brought if folded(number or "") in numbers],
        [holder for question in (approved, sent) for holder, number in session.execute(question) if folded(number or "") in numbers],
    )


def _holders(session: Session, row: Bringer, applications: Sequence[int], suppliers: Sequence[int]) -> _Holders:
    """Those of them who are somebody else than who brings it, in whatever storefront; with the suppliers that applications made.

    What another person of the same supplier has brought is nobody else's.
    """
    own = {one.id for one in supply.suppliers_of(session, row.telegram_id)}
    others = session.scalars(
        select(Application).where(
            Application.id.in_(applications),
            Application.telegram_id != row.telegram_id,
            or_(Application.supplier_id.is_(None), Application.supplier_id.not_in(own)),
        )
    ).all()
    made = {one.supplier_id for one in others if one.supplier_id is not None}
    return _Holders({one.id: one for one in others}, {*suppliers, *made} - own)


def _listed(session: Session, applications: Iterable[Application]) -> list[str]:
    """Why the people who applied so are not wanted: what the blacklist says of them."""
    found = [
        blacklist.person_known(session, what, value)
        for one in applications
        for what, value in (("telegram", str(one.telegram_id)), ("name", one.name or ""), ("contact", one.contact or ""))
    ]
    return [why for why in found if why is not None]


def _told(**facts: Sequence[Any]) -> dict[str, Any]:
    """What a check has found, without what it has not, and no more of each than is read."""
    return {name: list(dict.fromkeys(found))[-_MOST:] for name, found in facts.items() if found}


def _missing(row: Application, papers: Sequence[ApplicationPaper]) -> Finding:
    lacking = missing(row.kind, row.legal or Legal.PERSON, [paper.kind for paper in papers if paper.kind])
    if not lacking:
        return Finding(CheckKind.MISSING, CheckResult.OK)
    authorised_by_nobody = any(PaperKind.AUTHORISATION in group and len(group) == 1 for group in lacking)
    facts = {"papers": [sorted(kind.value for kind in group) for group in lacking]}
    return Finding(CheckKind.MISSING, CheckResult.FAIL if authorised_by_nobody else CheckResult.WARN, facts)


def _expiry(session: Session, papers: Sequence[Brought]) -> Finding:
    today = now(session).date()
    dated = sorted(paper.expires_on for paper in papers if paper.expires_on is not None)
    if dated and dated[0] < today:
        return Finding(CheckKind.EXPIRY, CheckResult.FAIL, {"day": dated[0].isoformat()})
    if dated and dated[0] <= today + SOON:
        return Finding(CheckKind.EXPIRY, CheckResult.WARN, {"day": dated[0].isoformat()})
    return Finding(CheckKind.EXPIRY, CheckResult.OK)


def _words(session: Session, row: Application, papers: Sequence[ApplicationPaper]) -> Finding:
    said = "\n".join([row.name or "", row.goods or "", row.contact or "", *[paper.scope or "" for paper in papers]])
    return _said(session, said, authorised=row.kind is Kind.AUTHORISED)


def _said(session: Session, said: str, *, authorised: bool) -> Finding:
    found = list(dict.fromkeys(banned_words(session, said)))
    if found:
        return Finding(CheckKind.WORDS, CheckResult.FAIL, {"words": found[:_MOST]})
    # As nothing else than an authorised supplier they could not list it: better said now than after the approval.
    guarded = [] if authorised else standing.brands_in(session, said)
    return Finding(CheckKind.WORDS, CheckResult.WARN, {"brands": guarded[:_MOST]}) if guarded else Finding(CheckKind.WORDS, CheckResult.OK)
