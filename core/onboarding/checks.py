"""What is looked at by itself when an application is sent; each finding is data for the people who decide, and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import blacklist, standing, supply
from core.database import now
from core.onboarding.rules import SOON, folded, missing, suspicious_words
from core.onboarding.tables import Application, ApplicationPaper, ApplicationState, CheckKind, CheckResult, Legal, PaperKind
from core.ports import CertificateFacts

_MOST = 5  # of what a check names
PAPER = "paper:"  # how the subject of the check of a paper's certificate begins


@dataclass(frozen=True, slots=True)
class Finding:
    what: CheckKind
    result: CheckResult
    facts: dict[str, Any] = field(default_factory=dict)


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


def banned_words(session: Session, text: str) -> list[str]:
    """Words and brands in a text that may not be there: those of the house, and those that the staff have banned."""
    return list(dict.fromkeys([*suspicious_words(text), *standing.banned(session, text)]))


def banned_person(session: Session, row: Application) -> list[str]:
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
        select(Application.id, Application.name, Application.contact, Application.state).where(
            Application.storefront_id == row.storefront_id,
            Application.telegram_id != row.telegram_id,
            Application.state.not_in((ApplicationState.DRAFT, ApplicationState.WITHDRAWN)),
        )
    ).all()
    names = [one.id for one in others if one.name and folded(one.name) == folded(row.name or "")]
    names_known = [one.name for one in supply.all_suppliers(session) if folded(one.name) == folded(row.name or "")]
    contacts = [one for one in others if one.contact and folded(one.contact) == folded(row.contact or "")]
    refused = any(one.state is ApplicationState.REFUSED for one in contacts)
    return [
        Finding(CheckKind.NAME, CheckResult.WARN, {"applications": names[-_MOST:], "suppliers": names_known[:_MOST]})
        if names or names_known
        else Finding(CheckKind.NAME, CheckResult.OK),
        # The contact of somebody who was refused, under another account, is how banned parties come back.
        Finding(
            CheckKind.CONTACT, CheckResult.FAIL if refused else CheckResult.WARN, {"applications": [one.id for one in contacts][-_MOST:]}
        )
        if contacts
        else Finding(CheckKind.CONTACT, CheckResult.OK),
    ]


def _same_paper(session: Session, row: Application, papers: Sequence[ApplicationPaper]) -> Finding:
    files = [paper.file_unique_id for paper in papers]
    found = session.scalars(
        select(ApplicationPaper.application_id)
        .join(Application, Application.id == ApplicationPaper.application_id)
        .where(ApplicationPaper.file_unique_id.in_(files), Application.telegram_id != row.telegram_id)
        .distinct()
        .order_by(ApplicationPaper.application_id)
        .limit(_MOST)
    ).all()
    return Finding(CheckKind.SAME_PAPER, CheckResult.FAIL if found else CheckResult.OK, {"applications": list(found)} if found else {})


def _missing(row: Application, papers: Sequence[ApplicationPaper]) -> Finding:
    lacking = missing(row.kind, row.legal or Legal.PERSON, [paper.kind for paper in papers if paper.kind])
    if not lacking:
        return Finding(CheckKind.MISSING, CheckResult.OK)
    authorised_by_nobody = any(PaperKind.AUTHORISATION in group and len(group) == 1 for group in lacking)
    facts = {"papers": [sorted(kind.value for kind in group) for group in lacking]}
    return Finding(CheckKind.MISSING, CheckResult.FAIL if authorised_by_nobody else CheckResult.WARN, facts)


def _expiry(session: Session, papers: Sequence[ApplicationPaper]) -> Finding:
    today = now(session).date()
    dated = sorted(paper.expires_on for paper in papers if paper.expires_on is not None)
    if dated and dated[0] < today:
        return Finding(CheckKind.EXPIRY, CheckResult.FAIL, {"day": dated[0].isoformat()})
    if dated and dated[0] <= today + SOON:
        return Finding(CheckKind.EXPIRY, CheckResult.WARN, {"day": dated[0].isoformat()})
    return Finding(CheckKind.EXPIRY, CheckResult.OK)


def _words(session: Session, row: Application, papers: Sequence[ApplicationPaper]) -> Finding:
    said = "\n".join([row.name or "", row.goods or "", row.contact or "", *[paper.scope or "" for paper in papers]])
    found = list(dict.fromkeys(banned_words(session, said)))
    return Finding(CheckKind.WORDS, CheckResult.FAIL if found else CheckResult.OK, {"words": found[:_MOST]} if found else {})
