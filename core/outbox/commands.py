"""Posting, leasing and finishing messages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.database import among, insert_new, now, write
from core.outbox.tables import Message, Topic
from core.outbox.views import Leased

SEALED = "sealed"  # the trouble of a delivery that waits for somebody to open it


@write
def post(
    session: Session,
    *,
    topic: Topic,
    customer_id: int,
    order_id: int | None = None,
    body: dict[str, Any] | None = None,
    once: str | None = None,
    delay_seconds: float = 0,
) -> bool:
    """Post a message in this transaction; False when one with the same `once` was posted before."""
    at = now(session)
    posted = session.execute(
        insert_new(session, Message)
        .values(
            topic=topic,
            customer_id=customer_id,
            order_id=order_id,
            body=body,
            once=once,
            made_at=at,
            due_at=at + timedelta(seconds=delay_seconds),
            attempts=0,
        )
        .returning(Message.id)
    ).first()
    return posted is not None


@write
def lease(session: Session, *, worker: str, most: int, seconds: float) -> list[Leased]:
    """Up to `most` due messages, oldest first, this worker's alone until the lease ends by time."""
    at = now(session)
    until = at + timedelta(seconds=seconds)
    due = (
        select(Message.id)
        .where(Message.done_at.is_(None), Message.parked_at.is_(None), Message.due_at <= at)
        .order_by(Message.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(due).all()
    if not ids:
        return []
    rows = session.execute(
        update(Message)
        .where(Message.id.in_(ids))
        .values(lease=worker, due_at=until, attempts=Message.attempts + 1)
        .returning(Message.id, Message.topic, Message.customer_id, Message.order_id, Message.body, Message.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted((Leased(i, t, c, o, b or {}, n, until) for i, t, c, o, b, n in rows), key=lambda leased: leased.id)


@write
def end_leases(session: Session, *, but: str) -> int:
    """End every lease but this worker's; only for a process that knows that no other is alive. Returns how many ended."""
    ended = session.execute(
        update(Message)
        .where(Message.lease.is_not(None), Message.lease != but, Message.done_at.is_(None), Message.parked_at.is_(None))
        .values(lease=None, due_at=now(session))
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


@write
def done(session: Session, *, message_id: int, worker: str, sent_message_id: int | None = None) -> None:
    """The message was sent. Recorded even when the lease has passed to another: it was sent all the same."""
    session.execute(
        update(Message)
        .where(Message.id == message_id, Message.done_at.is_(None))
        .values(done_at=now(session), lease=None, sent_message_id=sent_message_id, trouble=None, parked_at=None)
    )


@write
def retry(session: Session, *, message_id: int, worker: str, after_seconds: float, trouble: str, sent: bool = True) -> None:
    """Try again later; `sent=False` says that no attempt reached the network, so it does not count as one."""
    session.execute(
        update(Message)
        .where(Message.id == message_id, Message.lease == worker, Message.done_at.is_(None))
        .values(
            due_at=now(session) + timedelta(seconds=after_seconds),
            lease=None,
            trouble=trouble[:300],
            attempts=Message.attempts if sent else Message.attempts - 1,
        )
    )


@write
def park(session: Session, *, message_id: int, worker: str, trouble: str) -> None:
    """The person cannot be written to: keep it until they come back."""
    session.execute(
        update(Message)
        .where(Message.id == message_id, Message.lease == worker, Message.done_at.is_(None))
        .values(parked_at=now(session), lease=None, trouble=trouble[:300])
    )


@write
def unpark(session: Session, *, customer_id: int) -> int:
    """The person is back: what was parked for them is due now – but for what waits sealed –; returns how many."""
    rows = session.execute(
        update(Message)
        .where(
            Message.customer_id == customer_id,
            Message.parked_at.is_not(None),
            Message.done_at.is_(None),
            Message.trouble.is_(None) | (Message.trouble != SEALED),
        )
        .values(parked_at=None, due_at=now(session))
        .returning(Message.id)
    ).all()
    return len(rows)


@write
def unpark_all(session: Session, *, customer_ids: Collection[int]) -> int:
    """The same for many at once: not the people were away, but the bot that speaks to them. Returns how many messages are due."""
    rows = session.execute(
        update(Message)
        .where(
            among(session, Message.customer_id, customer_ids),
            Message.parked_at.is_not(None),
            Message.done_at.is_(None),
            Message.trouble.is_(None) | (Message.trouble != SEALED),
        )
        .values(parked_at=None, due_at=now(session))
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(rows)


@write
def withdraw(session: Session, *, topic: Topic, once_prefix: str) -> int:
    """Take back what was posted under keys with this beginning and is neither sent nor being sent; returns how many."""
    at = now(session)
    rows = session.execute(
        update(Message)
        .where(
            Message.topic == topic,
            Message.once.startswith(once_prefix, autoescape=True),
            Message.done_at.is_(None),
            # A lease that has run out is nobody's any more.
            (Message.lease.is_(None)) | (Message.due_at <= at) | (Message.parked_at.is_not(None)),
        )
        .values(done_at=at, lease=None, parked_at=None, trouble="withdrawn")
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(rows)


@write
def resend(session: Session, *, order_id: int, customer_id: int, cause: str) -> bool:
    """Post an order's delivery again, with why; False when one is still under way."""
    open_ = session.scalar(
        select(Message.id)
        .where(Message.order_id == order_id, Message.topic == Topic.DELIVERY, Message.done_at.is_(None), Message.parked_at.is_(None))
        .limit(1)
    )
    if open_ is not None:
        return False
    post(session, topic=Topic.DELIVERY, customer_id=customer_id, order_id=order_id, body={"again": True, "cause": cause})
    return True


@write
def untried(session: Session, *, order_id: int) -> bool:
    """Was no delivery of this order ever tried, nor is one being tried? Until this transaction ends, none is begun."""
    rows = session.scalars(
        select(Message).where(Message.order_id == order_id, Message.topic == Topic.DELIVERY).order_by(Message.id).with_for_update()
    )
    return all(row.attempts == 0 and row.lease is None for row in rows)


@write
def call_off(session: Session, *, order_id: int, why: str, in_hand: bool = False) -> int:
    """Deliveries of this order that no courier has in hand are not sent any more; returns how many there were.

    `in_hand`: those too. Only for who stops the courier itself, in this very transaction.
    """
    at = now(session)
    # A lease that has run out is nobody's any more.
    nobodys = (Message.lease.is_(None)) | (Message.due_at <= at) | (Message.parked_at.is_not(None))
    rows = session.execute(
        update(Message)
        .where(
            Message.order_id == order_id,
            Message.topic == Topic.DELIVERY,
            Message.done_at.is_(None),
            *([] if in_hand else [nobodys]),
        )
        .values(done_at=at, lease=None, parked_at=None, trouble=why[:300])
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(rows)


@write
def hand_to(session: Session, *, order_id: int, to_customer_id: int, sealed: bool = False, cause: str | None = None) -> bool:
    """The delivery of this order, which no courier has begun, goes into another person's chat; `sealed` keeps it until `break_seal`.

    The message stays its buyer's: the courier asks whether that person may have it, and else brings it to the buyer. `cause` when it
    is sent again. To be called in the transaction that posted it; False when there is no such delivery.
    """
    rows = session.scalars(
        select(Message)
        .where(
            Message.order_id == order_id,
            Message.topic == Topic.DELIVERY,
            Message.attempts == 0,
            Message.lease.is_(None),
            Message.done_at.is_(None),
            Message.parked_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        row.body = {"to": to_customer_id} | ({} if cause is None else {"again": True, "cause": cause})
        row.parked_at, row.trouble = (now(session), SEALED) if sealed else (None, None)
    session.flush()
    return bool(rows)


@write
def break_seal(session: Session, *, order_id: int, to_customer_id: int) -> bool:
    """The delivery of this order that waits sealed is due now, in this person's chat; False when none waits."""
    rows = session.scalars(
        select(Message)
        .where(
            Message.order_id == order_id,
            Message.topic == Topic.DELIVERY,
            Message.parked_at.is_not(None),
            Message.done_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        row.body = {**(row.body or {}), "to": to_customer_id}
        row.parked_at, row.trouble, row.due_at = None, None, now(session)
    session.flush()
    return bool(rows)
