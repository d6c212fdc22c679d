"""Tasks: who of the workers has which, what they found out, and what is known of each; money and codes are the orders' business."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import supply
from core.database import keys, now, read, write
from core.fulfilment.tables import Task, TaskState, TaskStep

_CALL_SECONDS = 120.0  # for which a worker that asks its source keeps the task, at least


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as its workers and the screens see it; `fields` is what the buyer said, and its repr shows nothing."""

    id: int
    order_id: int
    sku_id: int
    offer_id: int
    quantity: int
    got: int
    kind: str
    lane: str
    number: str
    state: TaskState
    fields: Mapping[str, str] = field(repr=False)
    most_cost_minor: int | None
    cost_currency: str
    source_ref: str | None
    asked_at: datetime | None
    made_at: datetime
    due_at: datetime
    tries: int
    lease: str | None
    cost_minor: int | None = None
    ended_at: datetime | None = None
    why: str | None = None
    held: bool = False
    ranking_version: int | None = None
    reversed_at: datetime | None = None
    next_at: datetime | None = None
    ordered_at: datetime | None = None
    reversed_units: int = 0

    @property
    def missing(self) -> int:
        return self.quantity - self.got

    @property
    def open(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a task."""

    task_id: int
    state: TaskState
    cause: str
    at: datetime


def _about(number: str) -> str:
    return f"task-{number}"


def _sealed(session: Session, number: str, fields: Mapping[str, str]) -> bytes | None:
    """What the buyer said, under a data key of its own that is bound to the task's number."""
    if not fields:
        return None
    data_key, wrapped, key_id = keys(session).new_data_key(_about(number))
    told = data_key.seal(json.dumps(dict(fields), ensure_ascii=False), _about(number))
    return b"\n".join((key_id.encode(), wrapped.hex().encode(), told))


def _opened(session: Session, row: Task) -> Mapping[str, str]:
    if row.fields is None:
        return {}
    key_id, wrapped, told = row.fields.split(b"\n", 2)
    data_key = keys(session).open_data_key(bytes.fromhex(wrapped.decode()), key_id.decode(), _about(row.number))
    found: dict[str, str] = json.loads(data_key.open(told, _about(row.number)))
    return found


def _view(session: Session, row: Task, *, with_fields: bool = False) -> TaskView:
    return TaskView(
        row.id,
        row.order_id,
        row.sku_id,
        row.offer_id,
        row.quantity,
        row.got,
        row.kind,
        row.lane,
        row.number,
        row.state,
        _opened(session, row) if with_fields else {},
        row.most_cost_minor,
        row.cost_currency,
        row.source_ref,
        row.asked_at,
        row.made_at,
        row.due_at,
        row.tries,
        row.lease,
        row.cost_minor,
        row.ended_at,
        row.why,
        row.held,
        row.ranking_version,
        row.reversed_at,
        row.next_at,
        row.ordered_at,
        row.reversed_units,
    )


def _step(session: Session, row: Task, cause: str) -> None:
    session.add(TaskStep(task_id=row.id, state=row.state, cause=cause[:300], at=now(session)))
    session.flush()


# For those who work tasks off: bot/procuring, bot/doing, and people in their chats


@read
def lanes(session: Session) -> list[str]:
    """The lanes in which a task is due now."""
    due = select(Task.lane).where(Task.ended_at.is_(None), Task.held.is_(False), Task.next_at <= now(session)).distinct()
    return sorted(session.scalars(due))


@write
def take_due(session: Session, *, lane: str, most: int, lease_seconds: float = 120) -> list[TaskView]:
    """Up to `most` due tasks of a lane, the longest due first, the caller's alone until the lease ends; with what the buyer said.

    The source of one with `asked_at` may have it already: it is asked what became of it before it is asked for anything.
    """
    at, lease = now(session), secrets.token_hex(16)
    rows = session.scalars(
        select(Task)
        .where(Task.lane == lane, Task.ended_at.is_(None), Task.held.is_(False), Task.next_at <= at)
        .order_by(Task.next_at, Task.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.lease, row.next_at, row.tries = lease, at + timedelta(seconds=lease_seconds), row.tries + 1
    session.flush()
    return [_view(session, row, with_fields=True) for row in rows]


def _leased(session: Session, task_id: int, lease: str) -> Task | None:
    """The task, locked, when this lease still holds it and it is not over."""
    row = session.get(Task, task_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.ended_at is None and row.lease == lease and not row.held else None


@write
def asking(session: Session, *, task_id: int, lease: str) -> bool:
    """The caller is about to ask the source for it: from now on the source may have it, whatever becomes of the caller.

    To be committed before the call. False: somebody else has the task, it is over, or its offer's goods must not be sold (what was asked
    for already may be asked for again); then nothing may be asked.
    """
    row = _leased(session, task_id, lease)
    if row is None or (row.asked_at is None and supply.forbidden(session, [row.offer_id])):
        return False
    at = now(session)
    row.state, row.asked_at, row.ordered_at = TaskState.ASKED, row.asked_at or at, at
    row.next_at = max(row.next_at, at + timedelta(seconds=_CALL_SECONDS))
    _step(session, row, "its source is asked")
    return True


@write
def not_sure(session: Session, *, task_id: int, lease: str, cause: str, again_seconds: float) -> bool:
    """The source may have it, and could not say: it is asked what became of it after so many seconds. False when it is another's."""
    row = _leased(session, task_id, lease)
    if row is None:
        return False
    row.state, row.asked_at, row.lease = TaskState.UNKNOWN, row.asked_at or now(session), None
    row.next_at = now(session) + timedelta(seconds=again_seconds)
    _step(session, row, cause)
    return True


@write
def wait(session: Session, *, task_id: int, lease: str, cause: str, again_seconds: float, source_ref: str | None = None) -> bool:
    """It is looked at again after so many seconds: its source works on it, or was never asked yet. False when it is another's."""
    row = _leased(session, task_id, lease)
    if row is None:
        return False
    if row.asked_at is not None:
        row.state = TaskState.ASKED
    row.lease, row.next_at = None, now(session) + timedelta(seconds=again_seconds)
    row.source_ref = source_ref[:200] if source_ref is not None else row.source_ref
    _step(session, row, cause)
    return True


@write
def look_now(session: Session, *, task_id: int, cause: str) -> bool:
    """A worker looks at it as soon as one can; False when it is over. What somebody has in hand stays theirs."""
    row = session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if row is None or row.ended_at is not None:
        return False
    if row.lease is None or row.next_at <= now(session):
        row.lease, row.next_at = None, now(session)
    _step(session, row, cause)
    return True


# For screens


@read
def task(session: Session, task_id: int) -> TaskView | None:
    """One task with what the buyer said, None when there is none."""
    row = session.get(Task, task_id)
    return None if row is None else _view(session, row, with_fields=True)


@read
def task_of_number(session: Session, number: str) -> TaskView | None:
    """The task that its source knows by this number."""
    row = session.scalars(select(Task).where(Task.number == number)).one_or_none()
    return None if row is None else _view(session, row, with_fields=True)


@read
def orders_with_open_tasks(session: Session) -> set[int]:
    """The orders that wait for a source."""
    return set(session.scalars(select(Task.order_id).where(Task.ended_at.is_(None))))


@read
def tasks_of(session: Session, order_id: int) -> list[TaskView]:
    """The tasks of an order in the order they were made, without what the buyer said."""
    return [_view(session, row) for row in session.scalars(select(Task).where(Task.order_id == order_id).order_by(Task.id))]


@read
def steps_of(session: Session, task_ids: Collection[int]) -> Sequence[StepView]:
    """Every step of these tasks, oldest first."""
    rows = session.scalars(select(TaskStep).where(TaskStep.task_id.in_(task_ids)).order_by(TaskStep.id))
    return [StepView(row.task_id, row.state, row.cause, row.at) for row in rows]


# For orders alone: parts of its commands, which keep an order, its money and its tasks in step. The order is locked first.


@write
def make(
    session: Session,
    *,
    order_id: int,
    order_number: str,
    sku_id: int,
    offer_id: int,
    quantity: int,
    kind: str,
    lane: str,
    fields: Mapping[str, str],
    most_cost_minor: int | None,
    cost_minor: int | None,
    cost_currency: str,
    due_at: datetime,
    held: bool,
    ranking_version: int | None,
    cause: str,
) -> TaskView:
    """So many units of an order are to come from this offer. The number a source knows it by says nothing and is nobody else's."""
    at, number = now(session), f"{order_number}-{secrets.token_hex(6)}"
    row = Task(
        order_id=order_id,
        sku_id=sku_id,
        offer_id=offer_id,
        quantity=quantity,
        got=0,
        kind=kind,
        lane=lane,
        number=number,
        state=TaskState.WANTED,
        fields=_sealed(session, number, fields),
        most_cost_minor=most_cost_minor,
        cost_minor=cost_minor,
        cost_currency=cost_currency,
        made_at=at,
        due_at=due_at,
        next_at=at,
        tries=0,
        held=held,
        ranking_version=ranking_version,
    )
    session.add(row)
    session.flush()
    _step(session, row, cause)
    return _view(session, row)


def locked(session: Session, task_id: int) -> TaskView | None:
    """The task, locked until the end of this transaction; its order must be locked already. A part of commands, and no question."""
    row = session.get(Task, task_id, with_for_update=True, populate_existing=True)
    return None if row is None else _view(session, row, with_fields=True)


@write
def came(
    session: Session, *, task_id: int, count: int, over: bool, cause: str, source_ref: str | None = None, cost_minor: int | None = None
) -> TaskView:
    """So many more units of a locked, open task have come; `over` says that no more will. Done when anything came of it at all."""
    row = session.get_one(Task, task_id)
    assert row.ended_at is None, "what is over brings nothing more"
    row.got += count
    row.asked_at = row.asked_at or now(session)
    row.source_ref = source_ref[:200] if source_ref is not None else row.source_ref
    row.cost_minor = cost_minor if cost_minor is not None else row.cost_minor
    if over or row.got == row.quantity:
        row.state, row.ended_at, row.lease = TaskState.DONE if row.got else TaskState.FAILED, now(session), None
        row.why = None if row.got == row.quantity else cause[:300]
    elif row.state is not TaskState.ASKED:
        row.state = TaskState.ASKED
    if over or count:
        _step(session, row, cause)
    session.flush()
    return _view(session, row, with_fields=True)


@write
def fail(session: Session, *, task_id: int, cause: str) -> TaskView:
    """Nothing more will come of a locked, open task, known for sure."""
    row = session.get_one(Task, task_id)
    assert row.ended_at is None, "what is over cannot fail"
    row.state, row.ended_at, row.lease, row.why = TaskState.FAILED, now(session), None, cause[:300]
    _step(session, row, cause)
    return _view(session, row, with_fields=True)


@write
def hold(session: Session, *, order_id: int, held: bool, due: Mapping[int, datetime] = MappingProxyType({})) -> int:
    """Nobody is asked for what an order still wants before the staff have looked at it; or they have. Returns how many tasks it changed.

    `due` says, by task, until when it is promised from then on: what was late because it was held is late no more.
    """
    rows = session.scalars(
        select(Task)
        .where(Task.order_id == order_id, Task.ended_at.is_(None), Task.asked_at.is_(None), Task.held.is_(not held))
        .order_by(Task.id)
        .with_for_update()
    ).all()
    for row in rows:
        row.held, row.lease, row.next_at = held, None, now(session)
        if row.id in due:
            row.due_at, row.late_told_at = due[row.id], None
    session.flush()
    return len(rows)


@write
def note(session: Session, *, task_id: int, cause: str) -> None:
    """A step that changes nothing else: something was heard of a task that is over."""
    _step(session, session.get_one(Task, task_id), cause)


@write
def reversed_later(session: Session, *, task_id: int, units: int, cause: str) -> bool:
    """So many units in all of what a task had brought were taken back by its source; False when that was known."""
    row = session.get_one(Task, task_id)
    units = min(units, row.got)
    if units <= row.reversed_units:
        return False
    row.reversed_at, row.reversed_units = now(session), units
    _step(session, row, cause)
    return True


@read
def late(session: Session, *, most: int) -> Sequence[tuple[int, int]]:
    """Open tasks whose promise is over and of which nothing was said or done yet: (order id, task id), the oldest first."""
    rows = session.execute(
        select(Task.order_id, Task.id)
        .where(Task.ended_at.is_(None), Task.due_at <= now(session), Task.late_told_at.is_(None))
        .order_by(Task.due_at, Task.id)
        .limit(most)
    ).all()
    return [(order_id, task_id) for order_id, task_id in rows]


@write
def told_late(session: Session, *, task_id: int) -> bool:
    """Buyer and staff hear now that it is late; False when they were told."""
    row = session.get_one(Task, task_id, with_for_update=True)
    if row.late_told_at is not None:
        return False
    row.late_told_at = now(session)
    _step(session, row, "the promise is over, and what became of it is not known")
    return True
