"""Asking about applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import read
from core.onboarding.applying import PaperField, finished, papers_of
from core.onboarding.rules import Field
from core.onboarding.tables import (
    Application,
    ApplicationCheck,
    ApplicationDecision,
    ApplicationPaper,
    ApplicationState,
    CheckKind,
    CheckResult,
    Kind,
    Legal,
    PaperKind,
    Verdict,
)
from core.supply import Standing


@dataclass(frozen=True, slots=True)
class PaperView:
    id: int
    application_id: int
    file_id: str
    file_kind: str
    kind: PaperKind | None
    scope: str | None
    expires_on: date | None
    number: str | None
    next: PaperField | None  # what is still to be said of it


@dataclass(frozen=True, slots=True)
class CheckView:
    what: CheckKind
    result: CheckResult
    facts: dict[str, Any]
    settled_by: str | None


@dataclass(frozen=True, slots=True)
class DecisionView:
    by: str
    verdict: Verdict
    standing: Standing | None
    why: str | None
    why_text: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as it stands; checks and decisions are those of its last sending."""

    id: int
    storefront_id: int
    customer_id: int
    telegram_id: int
    kind: Kind
    legal: Legal | None
    name: str | None
    contact: str | None
    goods: str | None
    country: str | None
    state: ApplicationState
    version: int
    revision: int
    reviewers_needed: int
    began_at: datetime
    changed_at: datetime
    sent_at: datetime | None
    decided_at: datetime | None
    why: str | None
    why_text: str | None
    supplier_id: int | None
    papers: tuple[PaperView, ...]
    checks: tuple[CheckView, ...]
    decisions: tuple[DecisionView, ...]

    @property
    def editable(self) -> bool:
        return self.state in (ApplicationState.DRAFT, ApplicationState.SENT_BACK)

    @property
    def next(self) -> Field | None:
        """The first field that is not answered; None when all are."""
        return next((field for field in Field if getattr(self, field.value) is None), None)

    @property
    def unfinished(self) -> PaperView | None:
        """The first paper of which something is still to be said."""
        return next((paper for paper in self.papers if paper.next is not None), None)


def paper_view(paper: ApplicationPaper) -> PaperView:
    due = None
    if not finished(paper):
        due = PaperField.KIND if paper.kind is None else PaperField.SCOPE if paper.scope is None else PaperField.EXPIRES
    return PaperView(
        paper.id,
        paper.application_id,
        paper.file_id,
        paper.file_kind,
        paper.kind,
        paper.scope,
        paper.expires_on,
        paper.number,
        due,
    )


@read
def application(session: Session, application_id: int) -> ApplicationView | None:
    """This application, None when there is none."""
    row = session.get(Application, application_id)
    if row is None:
        return None
    of_version = row.version
    found = session.scalars(
        select(ApplicationCheck)
        .where(ApplicationCheck.application_id == row.id, ApplicationCheck.version == of_version)
        .order_by(ApplicationCheck.id)
    )
    said = session.scalars(
        select(ApplicationDecision)
        .where(ApplicationDecision.application_id == row.id, ApplicationDecision.version == of_version)
        .order_by(ApplicationDecision.id)
    )
    return ApplicationView(
        row.id,
        row.storefront_id,
        row.customer_id,
        row.telegram_id,
        row.kind,
        row.legal,
        row.name,
        row.contact,
        row.goods,
        row.country,
        row.state,
        row.version,
        row.revision,
        row.reviewers_needed,
        row.began_at,
        row.changed_at,
        row.sent_at,
        row.decided_at,
        row.why,
        row.why_text,
        row.supplier_id,
        tuple(paper_view(paper) for paper in papers_of(session, row.id)),
        tuple(CheckView(one.what, one.result, one.facts, one.settled_by) for one in found),
        tuple(DecisionView(one.by, one.verdict, one.standing, one.why, one.why_text, one.at) for one in said),
    )


@read
def application_of(session: Session, telegram_id: int, *, storefront_id: int | None = None) -> ApplicationView | None:
    """A person's newest application, whatever became of it; None when there never was one."""
    newest = select(Application.id).where(Application.telegram_id == telegram_id).order_by(Application.id.desc()).limit(1)
    if storefront_id is not None:
        newest = newest.where(Application.storefront_id == storefront_id)
    found = session.scalar(newest)
    return None if found is None else application(session, found)


@read
def paper(session: Session, paper_id: int) -> PaperView | None:
    """This paper of an application, None when there is none or it was taken out."""
    row = session.get(ApplicationPaper, paper_id)
    return None if row is None or row.removed_at is not None else paper_view(row)


@read
def applications(session: Session, *, storefront_id: int, waiting: bool, page: int = 0, limit: int = 10) -> Sequence[ApplicationView]:
    """Applications that wait for the shop, the longest first; or else all that were ever sent, newest first."""
    question = select(Application.id).where(Application.storefront_id == storefront_id)
    if waiting:
        question = question.where(Application.state == ApplicationState.SENT).order_by(Application.sent_at, Application.id)
    else:
        question = question.where(Application.version > 0).order_by(Application.id.desc())
    views = [application(session, found) for found in session.scalars(question.offset(page * limit).limit(limit)).all()]
    return [view for view in views if view is not None]


@read
def how_many_wait(session: Session, *, storefront_id: int) -> int:
    """How many applications wait for the shop."""
    waiting = select(func.count()).select_from(Application)
    return session.scalar(waiting.where(Application.storefront_id == storefront_id, Application.state == ApplicationState.SENT)) or 0
