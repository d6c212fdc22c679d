"""What people do by hand: tasks are told to the staff or to a supplier's members, taken by the first who presses, and reminded of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, outbox, people, storefronts, supply
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.fulfilment import tasks
from core.fulfilment.kind import kind
from core.fulfilment.service import OfferForbidden, ordered
from core.fulfilment.tables import Hand, Milestone, Task, TaskState
from core.fulfilment.tasks import TaskView
from core.inventory import Secret

STAFF = "staff"
_SUPPLIER = "supplier:"
_LATER = 6 * 3600.0  # seconds: how often a task is looked at when nothing is due


@dataclass(eq=False)
class TakenByAnother(Refusal):
    says: ClassVar[str] = N_("Somebody else has taken this: {who}.")

    who: str


@dataclass(eq=False)
class TaskOver(Refusal):
    says: ClassVar[str] = N_("This is over already; there is nothing more to do.")


@dataclass(eq=False)
class NotYourTask(Refusal):
    says: ClassVar[str] = N_("This is not yours to do.")


@dataclass(eq=False)
class TaskHeld(Refusal):
    says: ClassVar[str] = N_("Its order is held for review. Please do nothing for it until it is released.")


@dataclass(frozen=True, slots=True)
class HandView:
    """A task in the hands of people."""

    task: TaskView
    taken_by: str | None
    taken_at: datetime | None

    @property
    def over(self) -> bool:
        return self.task.ended_at is not None


def by_hand(lane: str) -> bool:
    """Is it worked off by people?"""
    return lane == STAFF or lane.startswith(_SUPPLIER)


def supplier_of(lane: str) -> int | None:
    """Whose members do it; None for the shop's own staff."""
    return int(lane.removeprefix(_SUPPLIER)) if lane.startswith(_SUPPLIER) else None


@read
def workers(session: Session, lane: str) -> list[int]:
    """The customers (ids) to whom the bot writes of this lane: the staff, or a supplier's members, who have opened the chat."""
    supplier_id, found = supplier_of(lane), list[int]()
    for storefront in storefronts.all_open(session):
        if supplier_id is None:
            found += [member.customer.id for member in people.staff(session, storefront_id=storefront.id) if member.customer is not None]
        else:
            for member in supply.members_of(session, supplier_id):
                customer = people.find(session, storefront_id=storefront.id, telegram_id=member)
                found += [] if customer is None else [customer.id]
    return list(dict.fromkeys(found))


@read
def may_do(session: Session, *, lane: str, storefront_id: int, telegram_id: int) -> bool:
    """May this person work in the lane? The staff may help in every one."""
    if people.is_staff(session, storefront_id=storefront_id, telegram_id=telegram_id):
        return True
    supplier_id = supplier_of(lane)
    return supplier_id is not None and telegram_id in supply.members_of(session, supplier_id)


def tell(session: Session, *, lane: str, body: dict[str, Any], once: str) -> int:
    """Post a notice to everybody who works in a lane; the same `once` is told once. Returns to how many. A part of commands."""
    told = workers(session, lane)
    for customer_id in told:
        outbox.post(session, topic=outbox.Topic.ALERT, customer_id=customer_id, body=body, once=f"{once[:100]}:{customer_id}")
    return len(told)


@write
def hand_out(session: Session, *, most: int = 20) -> int:
    """Tell people of the tasks that are new for them, and remind of those whose promise comes near; returns of how many."""
    told = 0
    for lane in tasks.lanes(session):
        if by_hand(lane) and told < most:
            due = tasks.take_due(session, lane=lane, most=most - told)
            forbidden = supply.forbidden(session, {task.offer_id for task in due if task.asked_at is None})
            for task in due:
                # Of goods that must not be sold nobody is told: the orders find another source, or give the money back.
                told += task.offer_id not in forbidden and _hand_out(session, task)
    return told


def _hand_out(session: Session, task: TaskView) -> bool:
    assert task.lease is not None, "what was taken has a lease"
    at, hand = now(session), session.get(Hand, task.id)
    remind_at = task.due_at - (task.due_at - task.made_at) / 4
    body = {"says": "task-card", "task": task.id}
    said = False
    if hand is None:
        session.execute(insert_new(session, Hand).values(task_id=task.id, told_at=at))
        ordered(session, task_id=task.id, order_id=task.order_id, sku_id=task.sku_id)
        tell(session, lane=task.lane, body=body, once=f"task:{task.id}")
        said = True
    elif hand.reminded_at is None and at >= remind_at and not _delivered(session, task.id):
        hand.reminded_at = at
        tell(session, lane=task.lane, body={**body, "late": True}, once=f"task-late:{task.id}")
        said = True
    next_look = remind_at if at < remind_at else task.due_at if at < task.due_at else at + timedelta(seconds=_LATER)
    cause = "told to those who do it" if hand is None else "reminded" if said else "looked at"
    tasks.wait(session, task_id=task.id, lease=task.lease, cause=cause, again_seconds=max(60.0, (next_look - at).total_seconds()))
    return said


def _delivered(session: Session, task_id: int) -> bool:
    """Work that waits for the buyer's word needs no reminder."""
    return session.scalar(select(Milestone.id).where(Milestone.task_id == task_id, Milestone.delivered_at.is_not(None))) is not None


@read
def in_hand(session: Session, task_id: int) -> HandView | None:
    """A task that people do, None when it is none. What the buyer said is in it: show it only by `show_fields`."""
    task = tasks.task(session, task_id)
    if task is None or not by_hand(task.lane):
        return None
    hand = session.get(Hand, task_id)
    return HandView(task, hand.taken_by if hand else None, hand.taken_at if hand else None)


@read
def waiting_for_hands(session: Session, *, lanes: Iterable[str] | None = None, after: int = 0, limit: int = 20) -> list[HandView]:
    """Open tasks that people may do now (in these lanes, or in all), the nearest promise first; without the first `after` of them."""
    wanted = Task.lane.in_(list(lanes)) if lanes is not None else (Task.lane == STAFF) | Task.lane.startswith(_SUPPLIER)
    waiting = select(Task.id).where(wanted, Task.ended_at.is_(None), Task.held.is_(False)).order_by(Task.due_at, Task.id)
    ids = session.scalars(waiting.offset(after).limit(limit)).all()
    return [view for view in (in_hand(session, task_id) for task_id in ids) if view is not None]


def _open(session: Session, task_id: int) -> Task:
    row = session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if row is None or not by_hand(row.lane):
        raise NotYourTask
    if row.ended_at is not None:
        raise TaskOver
    if row.held:
        raise TaskHeld
    return row


@write
def take(session: Session, *, task_id: int, by: str) -> HandView:
    """Somebody begins: from now on the task is not given to another source by itself.

    Raises TakenByAnother, TaskOver, TaskHeld, OfferForbidden or NotYourTask.
    """
    row = _open(session, task_id)
    if row.asked_at is None and supply.forbidden(session, [row.offer_id]):
        raise OfferForbidden
    session.execute(insert_new(session, Hand).values(task_id=task_id, told_at=now(session)))
    hand = session.get_one(Hand, task_id, with_for_update=True)
    if hand.taken_by is not None and hand.taken_by != by:
        raise TakenByAnother(who=hand.taken_by)
    if hand.taken_by is None:
        hand.taken_by, hand.taken_at = by, now(session)
        row.state, row.asked_at = TaskState.ASKED, row.asked_at or now(session)
        tasks.note(session, task_id=task_id, cause=f"taken by {by}")
        journal.record(session, by=by, did="take-task", about="task", about_id=task_id, after={"order": row.order_id, "lane": row.lane})
    session.flush()
    view = in_hand(session, task_id)
    assert view is not None
    return view


@write
def mine(session: Session, *, task_id: int, by: str) -> HandView:
    """The task, for whoever has taken it, or takes it with this; raises what `take` raises."""
    return take(session, task_id=task_id, by=by)


@write
def show_fields(session: Session, *, task_id: int, by: str) -> HandView:
    """What the buyer said, to be shown while it is to be done; every showing is in the action log. Raises NotYourTask and TaskOver."""
    _open(session, task_id)
    view = in_hand(session, task_id)
    assert view is not None
    journal.record(session, by=by, did="show-answers", about="task", about_id=task_id, after={"order": view.task.order_id})
    return view


@write
def note_done(session: Session, *, task_id: int, by: str, did: str) -> None:
    """Whose hands ended it, for the action log; the words of the receipt are not in it."""
    row = session.get_one(Task, task_id)
    journal.record(session, by=by, did=did, about="task", about_id=task_id, after={"order": row.order_id, "state": str(row.state)})


def receipts(order_number: str, task: TaskView, text: str) -> list[Secret]:
    """What the buyer gets for each unit that is still missing: a receipt with a number of its own and these words."""
    words = [line for line in (" ".join(line.split()) for line in text.splitlines()) if line][:5]
    first, count = task.got + 1, task.quantity - task.got
    return [Secret.noted(None, f"{order_number}-{task.id}-{unit}", words) for unit in range(first, first + count)]


def made_on_order(kind_name: str) -> bool:
    """Whether units of this kind are made, so that a receipt stands for each; otherwise codes have to be brought."""
    return not kind(kind_name).from_shelf


def lanes_of(supplier_ids: Sequence[int]) -> list[str]:
    """The lanes of these suppliers."""
    return [f"{_SUPPLIER}{supplier_id}" for supplier_id in supplier_ids]
