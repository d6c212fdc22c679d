"""Reading the action log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import read
from core.journal.tables import Action


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    by: str
    did: str
    about: str
    about_id: int
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime


@read
def latest(
    session: Session, *, about: str | None = None, about_id: int | None = None, before: int | None = None, limit: int = 20
) -> list[Entry]:
    """The newest actions first, of everything or about one thing."""
    question = select(Action).order_by(Action.id.desc()).limit(limit)
    if about is not None:
        question = question.where(Action.about == about)
    if about_id is not None:
        question = question.where(Action.about_id == about_id)
    if before is not None:
        question = question.where(Action.id < before)
    return [Entry(a.id, a.by, a.did, a.about, a.about_id, a.before, a.after, a.at) for a in session.scalars(question)]
