"""What the reviewers do: approve with a standing, send back, refuse; and answer what no register has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, standing, storefronts, supply
from core.database import now, write
from core.onboarding import cards, deposits
from core.onboarding.applying import locked, papers_of, tell
from core.onboarding.checks import subject_of
from core.onboarding.documents import file_documents
from core.onboarding.listing import carries
from core.onboarding.refusals import (
    AlreadyApproved,
    CertificatePending,
    NoApplication,
    OtherStanding,
    Outdated,
    OwnApplication,
    ReasonMissing,
    StandingWrong,
    SupplierAlready,
    WorksMissing,
)
from core.onboarding.rules import LONGEST_REASON, STANDINGS, plain, reviewers_needed
from core.onboarding.tables import (
    Application,
    ApplicationCheck,
    ApplicationDecision,
    ApplicationState,
    CheckKind,
    CheckResult,
    Verdict,
)
from core.ports import CertificateState
from core.supply import Standing


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision: the application's state, the supplier when one was made, and how many more have to approve."""

    state: ApplicationState
    supplier_id: int | None
    more_needed: int


@write
def decide(
    session: Session,
    *,
    application_id: int,
    storefront_id: int,
    version: int,
    telegram_id: int,
    verdict: Verdict,
    standing: Standing | None = None,
    why: str | None = None,
    why_text: str | None = None,
) -> Decided:
    """One reviewer's word about the version that they saw. The last approval that is needed makes the supplier, with accounts and papers.

    Raises NoApplication, Outdated when the application has moved on, OwnApplication, AlreadyApproved when a second person has to,
    OtherStanding, StandingWrong, CertificatePending, WorksMissing, ReasonMissing.
    """
    row = locked(session, application_id)
    if row is None or row.storefront_id != storefront_id:
        raise NoApplication
    if row.telegram_id == telegram_id:
        raise OwnApplication
    if row.version != version or row.state is not ApplicationState.SENT:
        raise Outdated
    by = f"telegram:{telegram_id}"
    why_text = plain(why_text) if why_text else None
    said = _said(session, row)
    if any(one.by == by for one in said):
        raise AlreadyApproved  # Whatever ends a version is no longer SENT: an earlier word of theirs was an approval.
    if verdict is Verdict.APPROVE:
        _may_approve(session, row, said, standing)
        why = why_text = None
    else:
        standing = None
        if not (why or why_text) or len(why_text or "") > LONGEST_REASON:
            raise ReasonMissing(most=LONGEST_REASON)
    session.add(
        ApplicationDecision(
            application_id=row.id,
            version=version,
            by=by,
            verdict=verdict,
            standing=standing,
            why=why,
            why_text=why_text,
            at=now(session),
        )
    )
    more = 0
    if verdict is Verdict.APPROVE:
        assert standing is not None
        more = row.reviewers_needed - len(said) - 1
        if more <= 0:
            _make_supplier(session, row, standing, by)
    elif verdict is Verdict.SEND_BACK:
        row.state, row.why, row.why_text = ApplicationState.SENT_BACK, why, why_text
    else:
        row.state, row.why, row.why_text, row.decided_at = ApplicationState.REFUSED, why, why_text, now(session)
    cards.redraw(session, row)
    tell(session, row, "half-approved" if row.state is ApplicationState.SENT else row.state.value)
    after: dict[str, Any] = {"state": row.state.value, "version": version}
    if standing is not None:
        after["standing"] = standing.value
    if why or why_text:
        after["reason"] = why_text or why
    journal.record(
        session,
        by=by,
        did="decide-application",
        about="application",
        about_id=row.id,
        before={"state": ApplicationState.SENT.value},
        after=after,
    )
    return Decided(row.state, row.supplier_id, max(more, 0))


@write
def settle_check(
    session: Session, *, application_id: int, version: int, what: CheckKind, result: CheckResult, facts: dict[str, Any], by: str
) -> bool:
    """Answer a check that is pending; False when it is not, or the application was sent again. What fails may call for a second one.

    Raises OwnApplication.
    """
    assert result is not CheckResult.PENDING, "an answer says something"
    row = locked(session, application_id)
    if row is None or row.version != version:
        return False
    if by == f"telegram:{row.telegram_id}":
        raise OwnApplication
    found = session.scalars(
        select(ApplicationCheck).where(
            ApplicationCheck.application_id == application_id,
            ApplicationCheck.version == version,
            ApplicationCheck.what == what,
            ApplicationCheck.result == CheckResult.PENDING,
        )
    ).one_or_none()
    if found is None:
        return False
    found.result, found.facts, found.settled_by, found.at = result, {**found.facts, **facts}, by, now(session)
    session.flush()
    if row.state is ApplicationState.SENT:
        all_of = session.execute(
            select(ApplicationCheck.what, ApplicationCheck.result).where(
                ApplicationCheck.application_id == application_id, ApplicationCheck.version == version
            )
        ).all()
        # More eyes when it got worse; never fewer, since somebody may have approved in the belief that another looks too.
        needed = reviewers_needed(row.kind, row.legal, [(one.what, one.result) for one in all_of])
        row.reviewers_needed = max(row.reviewers_needed, needed)
    journal.record(
        session,
        by=by,
        did="settle-check",
        about="application",
        about_id=row.id,
        before={"result": CheckResult.PENDING.value},
        after={"check": what.value, "result": result.value},
    )
    cards.redraw(session, row)
    if what is CheckKind.CERTIFICATE and by.startswith("telegram:"):
        _note_certificates(session, application_id, good=result is CheckResult.OK, by=by)
    return True


def _note_certificates(session: Session, application_id: int, *, good: bool, by: str) -> None:
    """What a person has said on the card is said of each certificate that no register has answered for yet, and kept with it."""
    subjects = [subject_of(paper.id) for paper in papers_of(session, application_id) if paper.number is not None]
    for one in standing.checks_of(session, subjects).values():
        if one.state is CertificateState.PENDING:
            state = CertificateState.VALID if good else CertificateState.INVALID
            standing.decide_check(session, check_id=one.id, state=state, reason=f"application {application_id}", by=by)


def _said(session: Session, row: Application) -> list[ApplicationDecision]:
    return list(
        session.scalars(
            select(ApplicationDecision)
            .where(ApplicationDecision.application_id == row.id, ApplicationDecision.version == row.version)
            .order_by(ApplicationDecision.id)
        )
    )


def _may_approve(session: Session, row: Application, said: list[ApplicationDecision], standing: Standing | None) -> None:
    if standing not in STANDINGS[row.kind]:
        raise StandingWrong
    if any(one.standing is not standing for one in said):
        raise OtherStanding
    if standing is Standing.AUTHORISED:
        certificate = select(ApplicationCheck.id).where(
            ApplicationCheck.application_id == row.id,
            ApplicationCheck.version == row.version,
            ApplicationCheck.what == CheckKind.CERTIFICATE,
            ApplicationCheck.result.in_((CheckResult.PENDING, CheckResult.FAIL)),
        )
        if session.scalar(certificate) is not None:
            raise CertificatePending
    if standing is Standing.CREATOR and not any(one.kind and carries(one.kind, standing) for one in papers_of(session, row.id)):
        raise WorksMissing  # Nothing that they make could be listed.
    if supply.suppliers_of(session, row.telegram_id):
        raise SupplierAlready


def _make_supplier(session: Session, row: Application, standing: Standing, by: str) -> None:
    """The supplier with its accounts, its papers, and the deposit that their standing asks for."""
    assert row.name is not None, "what is sent has a name"
    made = supply.new_supplier(session, name=row.name, standing=standing, telegram_id=row.telegram_id, country=row.country)
    currency = storefronts.by_id(session, row.storefront_id).currency
    supply.payable(session, supplier_id=made.id, currency=currency)
    file_documents(session, supplier_id=made.id, storefront_id=row.storefront_id, papers=papers_of(session, row.id), by=by)
    deposits.ask(session, supplier_id=made.id, storefront_id=row.storefront_id, standing=standing, currency=currency)
    row.state, row.supplier_id, row.decided_at, row.why, row.why_text = ApplicationState.APPROVED, made.id, now(session), None, None
    session.flush()
