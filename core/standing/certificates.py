"""Checked certificates: what registers and people say of a number, and when the registers are asked again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, supply
from core.catalog import Gone
from core.database import now, read, write
from core.ports import CertificateAnswer, CertificateFacts, CertificateState
from core.standing.suppliers import tell_all_staff
from core.standing.tables import CertificateAnswerRow, CertificateCheck

MANUAL = "manual"  # the register whose answers a person gives
_FIRST, _LONGEST = timedelta(seconds=30), timedelta(hours=6)  # between two times of asking
_TELL_AFTER = 5  # times without an answer: then the staff are told that a person has to decide


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What one register said when; PENDING: it could not be reached, or does not know yet."""

    register: str
    state: CertificateState
    facts: Mapping[str, str]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckView:
    """A certificate and what is known of it: `state` is PENDING until a register or a person has said more."""

    id: int
    subject: str
    facts: CertificateFacts
    state: CertificateState
    register: str | None
    made_at: datetime
    checked_at: datetime | None
    tries: int
    answers: list[AnswerView]


def _facts(row: CertificateCheck) -> CertificateFacts:
    expires = None if row.expires_on is None else date.fromisoformat(row.expires_on)
    return CertificateFacts(row.number, row.holder, row.scope, expires)


@write
def want_check(session: Session, subject: str, facts: CertificateFacts, *, by: str = "shop", brought_by: int | None = None) -> int:
    """Somebody wants to know whether a certificate is genuine; returns the check's id. The same facts again are the same check.

    `brought_by`: Telegram's number of whose paper it is.
    """
    expires = None if facts.expires_on is None else facts.expires_on.isoformat()
    newest = session.scalars(
        select(CertificateCheck).where(CertificateCheck.subject == subject).order_by(CertificateCheck.id.desc()).limit(1).with_for_update()
    ).one_or_none()
    given = (facts.number[:200], facts.holder[:200], facts.scope, expires)
    if newest is not None and (newest.number, newest.holder, newest.scope, newest.expires_on) == given:
        newest.brought_by = newest.brought_by or brought_by
        return newest.id
    if newest is not None:
        newest.next_at = None  # What it was about has changed.
    at = now(session)
    row = CertificateCheck(
        subject=subject[:64],
        number=given[0],
        holder=given[1],
        scope=given[2],
        expires_on=expires,
        state=CertificateState.PENDING,
        made_at=at,
        next_at=at,
        tries=0,
        brought_by=brought_by,
    )
    session.add(row)
    session.flush()
    return row.id


@write
def take_due_checks(session: Session, *, most: int = 20) -> list[CheckView]:
    """Checks for which the registers are to be asked now; each is due again later, whatever becomes of this time of asking."""
    at = now(session)
    rows = session.scalars(
        select(CertificateCheck)
        .where(CertificateCheck.next_at <= at)
        .order_by(CertificateCheck.next_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.tries += 1
        row.next_at = at + min(_LONGEST, _FIRST * 2 ** min(row.tries - 1, 20))
    session.flush()
    return [_view(session, row) for row in rows]


@write
def note_check(session: Session, *, check_id: int, register: str, answer: CertificateAnswer | None) -> CertificateState:
    """What a register said; None: it could not be reached, which leaves the check pending. Returns the state it has now.

    The first answer that is more than "not yet" decides; a person's stands whatever a register says later. Raises Gone.
    """
    row = session.get(CertificateCheck, check_id, with_for_update=True)
    if row is None:
        raise Gone
    said = CertificateAnswer(CertificateState.PENDING, {"reached": "no"}) if answer is None else answer
    _write_down(session, row, register, said, by="register")
    if row.state is CertificateState.PENDING and said.state is not CertificateState.PENDING:
        row.state, row.register, row.checked_at, row.next_at = said.state, register, now(session), None
        _tell(session, row)
    elif row.state is CertificateState.PENDING and row.tries == _TELL_AFTER:
        _tell(session, row)
    session.flush()
    return row.state


@write
def ask_no_more(session: Session, *, check_id: int) -> None:
    """There is no register that answers by itself: the check waits for a person, and the staff are told."""
    row = session.get(CertificateCheck, check_id, with_for_update=True)
    if row is None or row.state is not CertificateState.PENDING or row.next_at is None:
        return
    row.next_at = None
    _tell(session, row)


@write
def decide_check(session: Session, *, check_id: int, state: CertificateState, reason: str, by: str) -> bool:
    """A person has looked the certificate up and decides; False when that is how it stands already. Raises Gone, OwnSupplier."""
    row = session.get(CertificateCheck, check_id, with_for_update=True)
    if row is None:
        raise Gone
    if row.brought_by is not None:
        if by == f"telegram:{row.brought_by}":
            raise supply.OwnSupplier
        for theirs in supply.suppliers_of(session, row.brought_by):
            supply.not_own(session, theirs.id, by)
    if row.state is state and row.register == MANUAL:
        return False
    before = row.state
    _write_down(session, row, MANUAL, CertificateAnswer(state, {"reason": reason[:300]} if reason else {}), by=by)
    row.state, row.register, row.checked_at, row.next_at = state, MANUAL, now(session), None
    if state is CertificateState.PENDING:
        row.checked_at, row.next_at, row.tries = None, now(session), 0
    journal.record(
        session,
        by=by,
        did="decide-certificate",
        about="certificate",
        about_id=check_id,
        before={"state": before.value},
        after={"state": state.value, "reason": reason[:300]},
    )
    session.flush()
    return True


@read
def checks_of(session: Session, subjects: Collection[str]) -> dict[str, CheckView]:
    """The newest check of each of these subjects that has one."""
    rows = session.scalars(select(CertificateCheck).where(CertificateCheck.subject.in_(subjects)).order_by(CertificateCheck.id))
    return {row.subject: _view(session, row) for row in rows}


@read
def answered_since(session: Session, since: datetime) -> dict[str, CertificateState]:
    """By subject, what is known now of the certificates that a register or a person has spoken of since then."""
    subjects = set(session.scalars(select(CertificateCheck.subject).where(CertificateCheck.checked_at >= since)))
    return {subject: view.state for subject, view in checks_of(session, subjects).items()}


@read
def check(session: Session, check_id: int) -> CheckView | None:
    """One check with everything that was said."""
    row = session.get(CertificateCheck, check_id)
    return None if row is None else _view(session, row)


@read
def checks(session: Session, *, offset: int = 0, limit: int = 10) -> list[CheckView]:
    """Checks, those that wait first, then the newest."""
    rows = session.scalars(
        select(CertificateCheck)
        .order_by(CertificateCheck.state != CertificateState.PENDING, CertificateCheck.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [_view(session, row) for row in rows]


def _view(session: Session, row: CertificateCheck) -> CheckView:
    answers = session.scalars(select(CertificateAnswerRow).where(CertificateAnswerRow.check_id == row.id).order_by(CertificateAnswerRow.id))
    return CheckView(
        row.id,
        row.subject,
        _facts(row),
        row.state,
        row.register,
        row.made_at,
        row.checked_at,
        row.tries,
        [AnswerView(one.register, one.state, one.facts, one.by, one.at) for one in answers],
    )


def _write_down(session: Session, row: CertificateCheck, register: str, said: CertificateAnswer, *, by: str) -> None:
    facts = {str(name)[:60]: str(value)[:300] for name, value in list(said.facts.items())[:20]}
    session.add(CertificateAnswerRow(check_id=row.id, register=register[:16], state=said.state, facts=facts, by=by, at=now(session)))


def _tell(session: Session, row: CertificateCheck) -> None:
    body: dict[str, Any] = {"says": "certificate", "check": row.id, "state": row.state.value, "number": row.number, "holder": row.holder}
    tell_all_staff(session, body=body, once=f"certificate:{row.id}:{row.state.value}")
