"""What the applicant does: begin, answer, send, withdraw."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import blacklist, journal, onboarding, outbox, payments, people
from core.database import insert_new, now, write
from core.onboarding import ApplicationState, Legal, NotFinished, Outdated, Waits
from core.resellers import cards
from core.resellers.refusals import NoApplication, RefusedLately, ResellerAlready
from core.resellers.tables import ResellerApplication
from core.resellers.views import Asked, application_view

AFTER_REFUSAL = timedelta(days=1)  # until somebody who was refused may apply again
OPEN = (ApplicationState.DRAFT, ApplicationState.SENT, ApplicationState.SENT_BACK)
_EDITABLE = (ApplicationState.DRAFT, ApplicationState.SENT_BACK)
_KEPT = {
    Asked.NAME: onboarding.Field.NAME,
    Asked.CONTACT: onboarding.Field.CONTACT,
    Asked.SELLS: onboarding.Field.GOODS,
    Asked.VOLUME: onboarding.Field.NAME,  # as long as a name may be
}


@write
def begin(session: Session, *, customer_id: int) -> int:
    """Begin an application, or go on with the open one; returns its id.

    Raises ResellerAlready, Waits when it is sent, and RefusedLately within a day of a refusal.
    """
    customer = people.by_id(session, customer_id)
    if customer.wholesale:
        raise ResellerAlready
    at = now(session)
    theirs = ResellerApplication.customer_id == customer_id
    open_ = select(ResellerApplication).where(theirs, ResellerApplication.state.in_(OPEN))
    if session.scalars(open_).one_or_none() is None:
        refused_at = session.scalar(
            select(func.max(ResellerApplication.decided_at)).where(theirs, ResellerApplication.state == ApplicationState.REFUSED)
        )
        if refused_at is not None and at < refused_at + AFTER_REFUSAL:
            raise RefusedLately(until=refused_at + AFTER_REFUSAL)
    session.execute(
        insert_new(session, ResellerApplication).values(
            storefront_id=customer.storefront_id,
            customer_id=customer_id,
            telegram_id=customer.telegram_id,
            state=ApplicationState.DRAFT,
            version=0,
            revision=0,
            findings={},
            began_at=at,
            changed_at=at,
        )
    )
    row = session.scalars(open_.with_for_update().execution_options(populate_existing=True)).one()
    if row.state is ApplicationState.SENT:
        raise Waits
    return row.id


@write
def put(session: Session, *, application_id: int, customer_id: int, asked: Asked, text: str) -> None:
    """Answer a question; what is typed is cleaned. Raises NoApplication, Waits, Outdated, or a refusal that says what to type."""
    row = _own(session, application_id, customer_id)
    if row.state is ApplicationState.SENT:
        raise Waits
    if row.state not in _EDITABLE:
        raise Outdated
    if asked is Asked.LEGAL:
        if text not in set(Legal):
            raise Outdated  # A forged button may say anything.
        row.legal = Legal(text)
    else:
        setattr(row, asked.value, onboarding.clean(_KEPT[asked], text))
    row.changed_at = now(session)
    session.flush()


@write
def send(session: Session, *, application_id: int, customer_id: int, version: int, group_id: int | None = None) -> int:
    """Send what is filled in: a card goes to each of the staff and to the group. Returns the new version.

    `version` is what the pressed button showed. Raises NoApplication, ResellerAlready, Outdated when it was sent since, and NotFinished.
    """
    row = _own(session, application_id, customer_id)
    if row.version != version or row.state not in _EDITABLE:
        raise Outdated
    if application_view(row).next is not None:
        raise NotFinished
    if people.by_id(session, customer_id).wholesale:
        raise ResellerAlready
    before = row.state
    row.state, row.version, row.sent_at = ApplicationState.SENT, row.version + 1, now(session)
    row.findings = _look(session, row)
    row.why = row.why_text = None
    session.flush()
    cards.redraw(session, row)  # Those of earlier versions say that there is a newer one.
    cards.deal(session, row, group_id)
    journal.record(
        session,
        by=f"telegram:{row.telegram_id}",
        did="send-reseller",
        about="reseller-application",
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
        did="withdraw-reseller",
        about="reseller-application",
        about_id=row.id,
        before={"state": before.value},
        after={"state": row.state.value},
    )
    if before is ApplicationState.SENT:
        body = {"says": "reseller-withdrawn", "application": row.id}
        payments.tell_staff(session, storefront_id=row.storefront_id, body=body, once=f"reseller-withdrawn:{row.id}")


def _look(session: Session, row: ResellerApplication) -> dict[str, Any]:
    """What is noticed by itself when it is sent; for the people who decide, and decides nothing."""
    found: dict[str, Any] = {}
    for what, value in (("telegram", str(row.telegram_id)), ("name", row.name or ""), ("contact", row.contact or "")):
        known = blacklist.person_known(session, what, value)
        if known is not None:
            found.setdefault("banned", []).append(known)
    words = onboarding.banned_words(session, "\n".join([row.name or "", row.sells or ""]))
    if words:
        found["words"] = words[:5]
    theirs = ResellerApplication.customer_id == row.customer_id
    refused = session.scalars(
        select(ResellerApplication.id).where(theirs, ResellerApplication.state == ApplicationState.REFUSED).order_by(ResellerApplication.id)
    ).all()
    if refused:
        found["refused"] = list(refused)[-5:]
    alike = session.scalars(
        select(ResellerApplication.id)
        .where(
            ResellerApplication.storefront_id == row.storefront_id,
            ResellerApplication.customer_id != row.customer_id,
            ResellerApplication.version > 0,
            func.lower(ResellerApplication.contact) == (row.contact or "").lower(),
        )
        .order_by(ResellerApplication.id)
        .limit(5)
    ).all()
    if alike:
        found["applications"] = list(alike)
    return found


# Parts of commands


def locked(session: Session, application_id: int) -> ResellerApplication | None:
    return session.scalars(
        select(ResellerApplication)
        .where(ResellerApplication.id == application_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def tell(session: Session, row: ResellerApplication, event: str) -> None:
    """A notice to the applicant, once for each version and event."""
    outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=row.customer_id,
        body={"says": "reseller-application", "application": row.id, "event": event},
        once=f"reseller-application:{row.id}:{row.version}:{event}",
    )


def _own(session: Session, application_id: int, customer_id: int) -> ResellerApplication:
    row = locked(session, application_id)
    if row is None or row.customer_id != customer_id:
        raise NoApplication
    return row
