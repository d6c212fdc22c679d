"""Writing the action log."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from core.database import now, write
from core.journal.tables import Action


@write
def record(
    session: Session,
    *,
    by: str,
    did: str,
    about: str,
    about_id: int,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Note what a member of the staff does, in the transaction that does it. Never pass a code."""
    session.add(Action(by=by, did=did, about=about, about_id=about_id, before=before or {}, after=after or {}, at=now(session)))
