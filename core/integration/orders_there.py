"""What is heard of orders at an upstream, and what a person decides of one whose outcome nobody can say."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core import fulfilment, journal, orders, payments
from core.database import read, write
from core.fulfilment import TaskState, TaskView
from core.integration.connections import UpstreamView, upstream
from core.integration.errands import errand
from core.integration.refusals import NoSuchUpstream, TaskDecided
from core.integration.tables import Errand, Upstream
from core.inventory import Secret


@write
def heard(session: Session, *, upstream_id: int, numbers: Sequence[str]) -> int:
    """Something was said of these orders: each of ours is asked about now, and nothing of what was said is believed. How many were ours."""
    ours = 0
    for number in sorted(set(numbers))[:100]:
        task = fulfilment.task_of_number(session, number)
        if task is None or task.lane != f"upstream:{upstream_id}":
            continue
        ours += 1
        if task.open:
            fulfilment.look_now(session, task_id=task.id, cause="its source has called")
        else:
            errand(session, upstream_id=upstream_id, what=Errand.LOOK, about=number)
    return ours


@write
def looked_after(session: Session, *, upstream_id: int, task_id: int) -> None:
    """Up to this task, what was delivered was asked about once more; 0: from the beginning again."""
    row = session.get_one(Upstream, upstream_id, with_for_update=True)
    row.looked_after = task_id


@read
def look_from(session: Session, upstream_id: int) -> int:
    """The task after which the slow look at what was delivered goes on."""
    return session.get_one(Upstream, upstream_id).looked_after


@write
def tell_unknown(session: Session, *, upstream_id: int, task_id: int, why: str) -> int:
    """The staff are asked to look at an order whose outcome cannot be found out, once."""
    of = upstream(session, upstream_id)
    body = {"says": "upstream-unknown", "upstream": of.id, "name": of.name, "task": task_id, "why": why[:200]}
    return payments.tell_staff(session, storefront_id=of.storefront_id, body=body, once=f"upstream-unknown:{task_id}")


@write
def tell_overcharged(session: Session, *, upstream_id: int, task_id: int, charged_minor: int, most_minor: int, currency: str) -> int:
    """An upstream took more than it had said: the goods are the buyer's, and the staff are told, once."""
    of = upstream(session, upstream_id)
    body = {
        "says": "upstream-overcharged",
        "upstream": of.id,
        "name": of.name,
        "task": task_id,
        "amount_minor": charged_minor,
        "most_minor": most_minor,
        "currency": currency,
    }
    return payments.tell_staff(session, storefront_id=of.storefront_id, body=body, once=f"upstream-overcharged:{task_id}")


@read
def unknown_task(session: Session, task_id: int, *, storefront_id: int) -> tuple[TaskView, UpstreamView]:
    """An open task of an upstream of this storefront; raises NoSuchUpstream, and TaskDecided when it is over."""
    task = fulfilment.task(session, task_id)
    lane, _, number = ("", "", "") if task is None else task.lane.partition(":")
    of = session.get(Upstream, int(number)) if lane == "upstream" and number.isdecimal() else None
    if task is None or of is None or of.storefront_id != storefront_id:
        raise NoSuchUpstream
    if not task.open or task.state not in (TaskState.UNKNOWN, TaskState.ASKED):
        raise TaskDecided
    return task, upstream(session, of.id)


@write
def was_not_bought(session: Session, *, task_id: int, storefront_id: int, by: str) -> None:
    """A person has looked: nothing was bought, so the next source is asked, or the money goes back. Raises as `unknown_task`."""
    task, of = unknown_task(session, task_id, storefront_id=storefront_id)
    orders.task_failed(session, task_id=task.id, cause=f"not bought, says {by}")
    journal.record(
        session,
        by=by,
        did="decide-unknown",
        about="upstream",
        about_id=of.id,
        before={"task": task.id, "state": task.state.value},
        after={"task": task.id, "bought": False},
    )


@write
def was_bought(session: Session, *, task_id: int, secrets: Sequence[Secret], storefront_id: int, by: str) -> int:
    """A person has looked, and brings what was bought; returns how many of it the order takes. Raises as `unknown_task`."""
    task, of = unknown_task(session, task_id, storefront_id=storefront_id)
    arrival = orders.arrived(session, task_id=task.id, secrets=secrets, done=True, cause=f"brought by {by}")
    journal.record(
        session,
        by=by,
        did="decide-unknown",
        about="upstream",
        about_id=of.id,
        before={"task": task.id, "state": task.state.value},
        after={"task": task.id, "bought": True, "units": arrival.taken},
    )
    return arrival.taken
