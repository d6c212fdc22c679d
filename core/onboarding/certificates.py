"""What the registers have said of the certificates of an application, brought to its card."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import standing, supply
from core.database import write
from core.onboarding.checks import PAPER, subject_of
from core.onboarding.deciding import settle_check
from core.onboarding.refusals import OwnApplication
from core.onboarding.tables import Application, ApplicationCheck, ApplicationPaper, ApplicationState, CheckKind, CheckResult
from core.ports import CertificateState


@write
def decide_certificate(session: Session, *, check_id: int, state: CertificateState, reason: str, by: str) -> bool:
    """A person says what a certificate is, as `standing.decide_check`; nobody does about a paper of their own or of their supplier's.

    Raises Gone, OwnApplication, OwnSupplier.
    """
    found = standing.check(session, check_id)
    number = "" if found is None else found.subject.removeprefix(PAPER)
    paper = session.get(ApplicationPaper, int(number)) if number.isdecimal() else None
    if paper is not None:
        of = session.get_one(Application, paper.application_id)
        if by == f"telegram:{of.telegram_id}":
            raise OwnApplication
        if of.supplier_id is not None:
            supply.not_own(session, of.supplier_id, by)
    return standing.decide_check(session, check_id=check_id, state=state, reason=reason, by=by)


@write
def take_certificates(session: Session, *, most: int = 50) -> int:
    """Answer the pending certificate checks of applications whose registers have answered for every numbered paper; returns how many.

    One that is invalid or expired fails the check. While one cannot be reached the check stays pending: nothing is ever approved by that.
    """
    waiting = session.execute(
        select(Application.id, Application.version)
        .join(ApplicationCheck, (ApplicationCheck.application_id == Application.id) & (ApplicationCheck.version == Application.version))
        .where(
            Application.state == ApplicationState.SENT,
            ApplicationCheck.what == CheckKind.CERTIFICATE,
            ApplicationCheck.result == CheckResult.PENDING,
        )
        .order_by(Application.id)
        .limit(most)
    ).all()
    settled = 0
    for application_id, version in waiting:
        papers = session.scalars(
            select(ApplicationPaper.id).where(
                ApplicationPaper.application_id == application_id,
                ApplicationPaper.number.is_not(None),
                ApplicationPaper.removed_at.is_(None),
            )
        ).all()
        known = standing.checks_of(session, [subject_of(paper_id) for paper_id in papers])
        states = {one.state for one in known.values()}
        if len(known) < len(papers) or not states or CertificateState.PENDING in states:
            continue
        result = CheckResult.OK if states == {CertificateState.VALID} else CheckResult.FAIL
        said = {one.facts.number: f"{one.state.value} ({one.register or 'staff'})" for one in known.values()}
        facts = {"register": "; ".join(f"{number}: {answer}" for number, answer in sorted(said.items()))}
        settled += settle_check(
            session, application_id=application_id, version=version, what=CheckKind.CERTIFICATE, result=result, facts=facts, by="register"
        )
    return settled
