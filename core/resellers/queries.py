"""What is asked about applications."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import read
from core.onboarding import ApplicationState
from core.resellers.tables import ResellerApplication
from core.resellers.views import ApplicationView, application_view


@read
def application(session: Session, application_id: int) -> ApplicationView | None:
    """This application, None when there is none."""
    row = session.get(ResellerApplication, application_id)
    return None if row is None else application_view(row)


@read
def application_of(session: Session, customer_id: int) -> ApplicationView | None:
    """A person's newest application, whatever became of it; None when there never was one."""
    question = select(ResellerApplication).where(ResellerApplication.customer_id == customer_id)
    row = session.scalars(question.order_by(ResellerApplication.id.desc()).limit(1)).one_or_none()
    return None if row is None else application_view(row)


@read
def applications(session: Session, *, storefront_id: int, page: int = 0, limit: int = 10) -> list[ApplicationView]:
    """Applications that wait for the shop, the longest first."""
    question = select(ResellerApplication).where(
        ResellerApplication.storefront_id == storefront_id, ResellerApplication.state == ApplicationState.SENT
    )
    rows = session.scalars(question.order_by(ResellerApplication.sent_at, ResellerApplication.id).offset(page * limit).limit(limit))
    return [application_view(row) for row in rows]


@read
def how_many_apply(session: Session, *, storefront_id: int) -> int:
    """How many applications wait for the shop."""
    question = (
        select(func.count())
        .select_from(ResellerApplication)
        .where(ResellerApplication.storefront_id == storefront_id, ResellerApplication.state == ApplicationState.SENT)
    )
    return session.scalar(question) or 0
