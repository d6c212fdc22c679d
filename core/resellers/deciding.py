"""What the staff do with an application: approve with a level, send back, refuse."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core import journal, onboarding
from core.database import now, write
from core.onboarding import LONGEST_REASON, ApplicationState, Outdated, OwnApplication, ReasonMissing, Verdict
from core.resellers import cards
from core.resellers.applying import locked, tell
from core.resellers.joined import join
from core.resellers.refusals import NoApplication, NoLevel
from core.resellers.tables import Level


@write
def decide(
    session: Session,
    *,
    application_id: int,
    storefront_id: int,
    version: int,
    telegram_id: int,
    verdict: Verdict,
    level_id: int | None = None,
    why: str | None = None,
    why_text: str | None = None,
) -> ApplicationState:
    """A person's word about the version that they saw. An approval makes the applicant a reseller of that level, or (None) of none.

    Raises NoApplication, Outdated when the application has moved on, OwnApplication, NoLevel, ResellerAlready, ReasonMissing.
    """
    row = locked(session, application_id)
    if row is None or row.storefront_id != storefront_id:
        raise NoApplication
    if row.telegram_id == telegram_id:
        raise OwnApplication
    if row.version != version or row.state is not ApplicationState.SENT:
        raise Outdated
    by, at = f"telegram:{telegram_id}", now(session)
    why_text = onboarding.plain(why_text) if why_text else None
    if verdict is Verdict.APPROVE:
        why = why_text = None
        if level_id is not None:
            level = session.get(Level, level_id)
            if level is None or level.storefront_id != storefront_id or level.closed_at is not None:
                raise NoLevel
        assert row.name is not None, "what is sent has a name"
        join(session, customer_id=row.customer_id, name=row.name, contact=row.contact, sells=row.sells, level_id=level_id, by=by)
        row.state, row.level_id, row.decided_at = ApplicationState.APPROVED, level_id, at
    else:
        if not (why or why_text) or len(why_text or "") > LONGEST_REASON:
            raise ReasonMissing(most=LONGEST_REASON)
        row.state = ApplicationState.SENT_BACK if verdict is Verdict.SEND_BACK else ApplicationState.REFUSED
        row.decided_at = None if verdict is Verdict.SEND_BACK else at
    row.verdict, row.verdict_by, row.verdict_at, row.why, row.why_text = verdict, by, at, why, why_text
    cards.redraw(session, row)
    tell(session, row, row.state.value)
    after: dict[str, Any] = {"state": row.state.value, "version": version}
    if verdict is Verdict.APPROVE and level_id is not None:
        after["level"] = level_id
    if why or why_text:
        after["reason"] = why_text or why
    journal.record(
        session,
        by=by,
        did="decide-reseller",
        about="reseller-application",
        about_id=row.id,
        before={"state": ApplicationState.SENT.value},
        after=after,
    )
    return row.state
