"""What was paid for and is still on its way: one task for each part of an order and its source, with every step it took."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Id


class TaskState(StrEnum):
    """Where a task stands. UNKNOWN is a state: it is asked about, and never given to another source before it is known."""

    WANTED = "wanted"  # nobody was asked yet
    ASKED = "asked"  # the source has it, or is about to
    UNKNOWN = "unknown"  # the source may have it: it could not say
    DONE = "done"  # all that it brought is the order's
    FAILED = "failed"  # nothing (more) will come of it, known for sure


_PROMISED = text("ended_at IS NULL AND late_told_at IS NULL")
_ENDED = text("ended_at IS NOT NULL")
_OPEN_STEP = text("accepted_at IS NULL AND ended_at IS NULL")
_LOOKED_AT = text("delivered_at IS NOT NULL AND accepted_at IS NULL AND ended_at IS NULL")


class Task(Base):
    """So many units of an order, to come from one source. Its number is what the source knows it by, for ever."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("number", name="uq_task_number"),
        CheckConstraint("quantity > 0 AND got >= 0 AND got <= quantity", name="got_at_most_all"),
        CheckConstraint("(state IN ('done', 'failed')) = (ended_at IS NOT NULL)", name="ended_when_over"),
        CheckConstraint("reversed_units BETWEEN 0 AND got AND (reversed_units > 0) = (reversed_at IS NOT NULL)", name="reversed_of_got"),
        Index("ix_tasks_of_order", "order_id", "id"),
        Index("ix_tasks_due", "lane", "next_at", postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
        Index("ix_tasks_open", "kind", "id", postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL")),
        Index("ix_tasks_promised", "due_at", "id", postgresql_where=_PROMISED, sqlite_where=_PROMISED),
        Index("ix_tasks_ended", "ended_at", postgresql_where=_ENDED, sqlite_where=_ENDED),
        Index("ix_tasks_ended_of_lane", "lane", "ended_at", postgresql_where=_ENDED, sqlite_where=_ENDED),
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
    ordered_at: Mapped[datetime | None]  # when the source was last asked for it: "not there" is no answer before that is long ago
    reversed_units: Mapped[int] = mapped_column(server_default=text("0"))  # how many of what it had delivered its source took back


class TaskStep(Base):
    """Every change of a task with its cause."""

    __tablename__ = "task_steps"
    __table_args__ = (Index("ix_task_steps_of", "task_id", "id"),)

    id: Mapped[Id]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    state: Mapped[TaskState]
    cause: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]


class Answers(Base):
    """What a buyer said before paying (an account's number), encrypted; it is the answer of one order only."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("order_id", name="uq_answers_of_order"),
        CheckConstraint("order_id IS NULL OR said_at IS NOT NULL", name="used_when_said"),
        Index("ix_answers_of_customer", "customer_id", "sku_id", "id"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    aad: Mapped[str] = mapped_column(String(64))  # what the ciphertext is bound to
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    wrapping_key_id: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # null: its owner had it forgotten
    checked: Mapped[str | None] = mapped_column(String(300))  # what the source said of the account; a masked name
    region: Mapped[str | None] = mapped_column(String(32))  # where the buyer confirmed that it can be redeemed
    made_at: Mapped[datetime]
    said_at: Mapped[datetime | None]  # all was said and confirmed; null: a draft
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    forgotten_at: Mapped[datetime | None]


class AccountLook(Base):
    """How many accounts a buyer has had looked up since an instant: whose account has which name is not for anybody to try out."""

    __tablename__ = "account_looks"
    __table_args__ = (CheckConstraint("looked > 0", name="looked_at_least_once"),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    since: Mapped[datetime]
    looked: Mapped[int]


class Hand(Base):
    """A task that a person does: who has taken it, and when it was told of last."""

    __tablename__ = "task_hands"

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True, autoincrement=False)
    told_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    taken_by: Mapped[str | None] = mapped_column(String(64))
    taken_at: Mapped[datetime | None]


class Membership(Base):
    """One bought place in a Telegram chat. Its link is known to Telegram by `mark`, and admits one person."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("task_id", "seq", name="uq_membership_of_task"),
        UniqueConstraint("mark", name="uq_membership_mark"),
        CheckConstraint("(joined_at IS NULL) = (joined_by IS NULL)", name="joined_by_somebody"),
        Index("ix_memberships_over", "ends_at", postgresql_where=text("over_at IS NULL"), sqlite_where=text("over_at IS NULL")),
        Index("ix_memberships_of_customer", "customer_id", "chat_id"),
    )

    id: Mapped[Id]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    seq: Mapped[int]  # which unit of the task
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    chat_id: Mapped[int]
    days: Mapped[int]  # from joining; 0 for ever
    mark: Mapped[str] = mapped_column(String(32))
    link: Mapped[bytes | None] = mapped_column(LargeBinary)  # encrypted, until it has been used or is over
    made_at: Mapped[datetime]
    joined_by: Mapped[int | None]  # Telegram's number of the person
    joined_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]  # when their time is over; before joining: when the link is
    extended_by: Mapped[int | None]  # renewed: the time was added to this later purchase's membership
    over_at: Mapped[datetime | None]  # shown out, or the link ended unused
    why: Mapped[str | None] = mapped_column(String(64))
    next_try_at: Mapped[datetime | None]  # Telegram did not let the bot end it: not looked at before


class JobState(StrEnum):
    """Where work by agreement stands."""

    ASKED = "asked"  # a brief waits for a quote
    QUOTED = "quoted"  # the buyer may accept
    AGREED = "agreed"  # milestones are paid and delivered one after the other
    DONE = "done"
    OFF = "off"  # called off, by whom `why` says


class ServiceJob(Base):
    """Work by agreement, from the brief to the last milestone."""

    __tablename__ = "service_jobs"
    __table_args__ = (
        Index("ix_service_jobs_of_customer", "customer_id", "id"),
        CheckConstraint("(state IN ('done', 'off')) = (ended_at IS NOT NULL)", name="ended_when_over"),
        Index("ix_service_jobs_of_sku", "sku_id"),
    )

    id: Mapped[Id]
    storefront_id: Mapped[int] = mapped_column(ForeignKey("storefronts.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))  # the service that was asked for
    lane: Mapped[str] = mapped_column(String(32))  # who quotes and does it
    state: Mapped[JobState]
    brief: Mapped[str] = mapped_column(Text)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))  # what the quote made, for this buyer alone
    accept_days: Mapped[int]
    made_at: Mapped[datetime]
    quoted_at: Mapped[datetime | None]
    quoted_by: Mapped[str | None] = mapped_column(String(64))
    agreed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(300))


class Milestone(Base):
    """One step of agreed work: a denomination of its own, bought by an order of its own, whose money waits for the acceptance."""

    __tablename__ = "milestones"
    __table_args__ = (
        UniqueConstraint("job_id", "seq", name="uq_milestone_of_job"),
        UniqueConstraint("sku_id", name="uq_milestone_sku"),
        UniqueConstraint("task_id", name="uq_milestone_task"),
        CheckConstraint("price_minor > 0 AND hours > 0", name="price_and_time"),
        CheckConstraint("delivered_at IS NULL OR task_id IS NOT NULL", name="delivered_when_ordered"),
        CheckConstraint("accepted_at IS NULL OR delivered_at IS NOT NULL", name="accepted_when_delivered"),
        Index("ix_milestones_looked_at", "delivered_at", postgresql_where=_LOOKED_AT, sqlite_where=_LOOKED_AT),
        Index("ix_milestones_open", "job_id", postgresql_where=_OPEN_STEP, sqlite_where=_OPEN_STEP),
    )

    id: Mapped[Id]
    job_id: Mapped[int] = mapped_column(ForeignKey("service_jobs.id"))
    seq: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    price_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(8))
    hours: Mapped[int]  # from paying to delivering
    sku_id: Mapped[int] = mapped_column(ForeignKey("skus.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    due_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(Text)  # what the one who did it says, or a link to it
    delivered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(String(16))  # "buyer", "clock", "dispute"
    ended_at: Mapped[datetime | None]  # its money was given back, or the job was called off before it was paid
    stopped_at: Mapped[datetime | None]  # what it is about must not be sold since then: nothing of it is delivered or accepted
