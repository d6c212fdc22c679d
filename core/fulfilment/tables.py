"""What was paid for and is still on its way: one task for each part of an order and its source, with every step it took."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class TaskState(StrEnum):
    """Where a task stands. UNKNOWN is a state: it is asked about, and never given to another source before it is known."""

    WANTED = "wanted"  # nobody was asked yet
    ASKED = "asked"  # the source has it, or is about to
    UNKNOWN = "unknown"  # the source may have it: it could not say
    DONE = "done"  # all that it brought is the order's
    FAILED = "failed"  # nothing (more) will come of it, known for sure


class Task(Base):
    """So many units of an order, to come from one source. Its number is what the source knows it by, for ever."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("number", name="uq_task_number"),
        CheckConstraint("quantity > 0 AND got >= 0 AND got <= quantity", name="got_at_most_all"),
        CheckConstraint("(state IN ('done', 'failed')) = (ended_at IS NOT NULL)", name="ended_when_over"),
        Index("ix_tasks_of_order", "order_id", "id"),
        Index("ix_tasks_due", "lane", "next_at", postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    quantity: Mapped[int]
    got: Mapped[int] = mapped_column(server_default=text("0"))
    kind: Mapped[str] = mapped_column(String(16))  # of the product
    lane: Mapped[str] = mapped_column(
        String(32)
    )  # who works it off: "upstream:3", "bot", "staff", "supplier:7"; one that hangs holds up no other
    number: Mapped[str] = mapped_column(String(64))
    state: Mapped[TaskState]
    fields: Mapped[bytes | None] = mapped_column(LargeBinary)  # what the buyer said (an account's number), encrypted
    most_cost_minor: Mapped[int | None]  # for one unit: above it nothing is ordered
    cost_minor: Mapped[int | None]  # what one unit really cost
    cost_currency: Mapped[str] = mapped_column(String(8))
    source_ref: Mapped[str | None] = mapped_column(String(200))  # the source's own number
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]  # the promise: what has not come by then is given back
    next_at: Mapped[datetime]  # when it is looked at again; also the end of a lease
    lease: Mapped[str | None] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    asked_at: Mapped[datetime | None]  # when the source was first asked: from then on it may have it
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(300))
    held: Mapped[bool] = mapped_column(server_default=false())  # its order is looked at by the staff first: nobody is asked before
    ranking_version: Mapped[int | None]  # of the sources, by which this one was chosen
    late_told_at: Mapped[datetime | None]  # the promise is over and it is not known what comes of it: said once to buyer and staff
    reversed_at: Mapped[datetime | None]  # its source took back what it had delivered, when the buyer had it already


class TaskStep(Base):
    """Every change of a task with its cause."""

    __tablename__ = "task_steps"
    __table_args__ = (Index("ix_task_steps_of", "task_id", "id"),)

    id: Mapped[Id]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    state: Mapped[TaskState]
    cause: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]
