"""Work by agreement. The rule: one order for each milestone.

A brief costs nothing. The quote makes a product for this buyer alone with one denomination for each milestone. When the buyer
accepts the quote, the first milestone is offered like anything in the shop; its order's money waits in escrow, as that of everything made
on order does. The work is delivered, and accepted by a press, or by silence after the agreed days; then the money is earned and the next
milestone is offered. A dispute ends the waiting as well, and opens an after-sale case about that order. What was not paid can be called
off at any time; what was paid and is late can be called off and is given back. A deposit is a first milestone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.orm import Session

from core import catalog, journal, outbox, people, pricing, storefronts, supply
from core.catalog import Gone, ProductKind
from core.database import among, micros, now, read, write
from core.errors import N_, Refusal
from core.fulfilment import tasks
from core.fulfilment.kind import kind
from core.fulfilment.tables import JobState, Milestone, ServiceJob, Task
from core.supply import Stop

MOST_OPEN = 5  # jobs of one buyer that wait for a quote or an answer to it
MOST_MILESTONES = 12
LONGEST_BRIEF = 2000
_QUOTES = "service-quotes"  # the category of what quotes made; hidden, so that nobody walks into it


@dataclass(eq=False)
class TooManyJobs(Refusal):
    says: ClassVar[str] = N_("You have {most} requests open. Please answer or call off one first.")

    most: int


@dataclass(eq=False)
class BriefTooLong(Refusal):
    says: ClassVar[str] = N_("Please say it in at most {most} characters.")

    most: int


@dataclass(eq=False)
class JobMoved(Refusal):
    says: ClassVar[str] = N_("This request stands elsewhere by now. Please look at it again.")


@dataclass(eq=False)
class QuoteReplaced(Refusal):
    says: ClassVar[str] = N_("There is another quote since then. Nothing was accepted; please read this one.")


@dataclass(eq=False)
class NotYetLate(Refusal):
    says: ClassVar[str] = N_("This step is paid and has time until it is due. It can be called off when that time is over.")


@dataclass(eq=False)
class QuoteWrong(Refusal):
    says: ClassVar[str] = N_("A quote has from 1 to {most} steps, each with a title, a price above zero, and from 1 to 90 days.")

    most: int


@dataclass(eq=False)
class ServiceNotSold(Refusal):
    """Who offers it is suspended, or it was switched off or taken down since the brief was written."""

    says: ClassVar[str] = N_("This service is not sold at the moment. Please ask the shop.")


@dataclass(eq=False)
class OfferForbidden(Refusal):
    says: ClassVar[str] = N_("This must not be sold now. The buyer is taken care of; please do nothing for it.")


@dataclass(eq=False)
class ServiceStopped(Refusal):
    """What the work is about was switched off, taken down, or its supplier suspended, after the quote was accepted."""

    says: ClassVar[str] = N_("This work is stopped at the moment: nothing of it is delivered, accepted or paid out. Your money is safe.")


@dataclass(eq=False)
class DeliveredWaits(Refusal):
    """Switched off by the shop after a step was delivered: whoever did it has done nothing wrong."""

    says: ClassVar[str] = N_("What was delivered waits until the shop goes on with this work. Please ask the shop when that is.")


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it is quoted: what is done, for how much of the shop's currency, in how many hours from paying."""

    title: str
    price_minor: int
    hours: int
    cost_minor: int | None = None  # what a supplier gets of it; None: all of the price, which their contract shares afterwards


@dataclass(frozen=True, slots=True)
class MilestoneView:
    id: int
    job_id: int
    seq: int
    title: str
    price_minor: int
    currency: str
    hours: int
    sku_id: int
    task_id: int | None
    order_id: int | None
    due_at: datetime | None
    result: str | None = field(repr=False)
    delivered_at: datetime | None
    accepted_at: datetime | None
    accepted_by: str | None
    ended_at: datetime | None
    stopped_at: datetime | None = None  # nothing of it is delivered or accepted since then

    @property
    def paid(self) -> bool:
        return self.order_id is not None


@dataclass(frozen=True, slots=True)
class JobView:
    """Work by agreement with its steps; `current` is the one that is to be paid, done or accepted now."""

    id: int
    storefront_id: int
    customer_id: int
    sku_id: int
    lane: str
    state: JobState
    brief: str = field(repr=False)
    accept_days: int
    made_at: datetime
    quoted_by: str | None
    why: str | None
    milestones: Sequence[MilestoneView] = ()
    quote_id: int | None = None  # of the quote that stands: a newer quote is another

    @property
    def current(self) -> MilestoneView | None:
        return next((one for one in self.milestones if one.accepted_at is None and one.ended_at is None), None)


def _milestone(row: Milestone) -> MilestoneView:
    return MilestoneView(
        row.id,
        row.job_id,
        row.seq,
        row.title,
        row.price_minor,
        row.currency,
        row.hours,
        row.sku_id,
        row.task_id,
        row.order_id,
        row.due_at,
        row.result,
        row.delivered_at,
        row.accepted_at,
        row.accepted_by,
        row.ended_at,
        row.stopped_at,
    )


def _steps(session: Session, job: ServiceJob) -> list[Milestone]:
    """The steps of the quote that stands: an earlier quote's are ended."""
    rows = session.scalars(select(Milestone).where(Milestone.job_id == job.id, Milestone.seq > 0).order_by(Milestone.seq)).all()
    return list(rows)


def _view(session: Session, row: ServiceJob) -> JobView:
    return JobView(
        row.id,
        row.storefront_id,
        row.customer_id,
        row.sku_id,
        row.lane,
        row.state,
        row.brief,
        row.accept_days,
        row.made_at,
        row.quoted_by,
        row.why,
        [_milestone(one) for one in _steps(session, row)],
        row.product_id,
    )


def _locked(session: Session, job_id: int, customer_id: int | None = None) -> ServiceJob:
    row = session.get(ServiceJob, job_id, with_for_update=True, populate_existing=True)
    if row is None or (customer_id is not None and row.customer_id != customer_id):
        raise Gone
    return row


@read
def job(session: Session, *, job_id: int, customer_id: int | None = None) -> JobView | None:
    """A job, when it is this buyer's."""
    row = session.get(ServiceJob, job_id)
    return None if row is None or (customer_id is not None and row.customer_id != customer_id) else _view(session, row)


@read
def jobs_of(session: Session, *, customer_id: int, limit: int = 10) -> list[JobView]:
    """A buyer's jobs, newest first."""
    rows = session.scalars(select(ServiceJob).where(ServiceJob.customer_id == customer_id).order_by(ServiceJob.id.desc()).limit(limit))
    return [_view(session, row) for row in rows]


@read
def briefs(session: Session, *, lanes: Sequence[str], limit: int = 20) -> list[JobView]:
    """Jobs that wait for a quote, oldest first."""
    rows = session.scalars(
        select(ServiceJob).where(ServiceJob.state == JobState.ASKED, ServiceJob.lane.in_(lanes)).order_by(ServiceJob.id).limit(limit)
    )
    return [_view(session, row) for row in rows]


@read
def milestone_of_task(session: Session, task_id: int) -> MilestoneView | None:
    """The step that a task is about."""
    row = session.scalars(select(Milestone).where(Milestone.task_id == task_id)).one_or_none()
    return None if row is None else _milestone(row)


@read
def delivered_to(session: Session, *, milestone_id: int, customer_id: int) -> MilestoneView:
    """A step that waits for this buyer's word. Raises Gone, or JobMoved when it does not wait."""
    row = session.get(Milestone, milestone_id)
    if row is None or session.get_one(ServiceJob, row.job_id).customer_id != customer_id:
        raise Gone
    if row.delivered_at is None or row.accepted_at is not None or row.ended_at is not None:
        raise JobMoved
    return _milestone(row)


@read
def milestone_of_sku(session: Session, sku_id: int) -> MilestoneView | None:
    """The step that a denomination sells."""
    row = session.scalars(select(Milestone).where(Milestone.sku_id == sku_id)).one_or_none()
    return None if row is None else _milestone(row)


def _tell(session: Session, row: ServiceJob, says: str, once: str) -> None:
    body = {"says": says, "job": row.id}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=row.customer_id, body=body, once=f"{says}:{row.id}:{once}"[:120])


def _tell_workers(session: Session, row: ServiceJob, says: str, once: str) -> None:
    from core.fulfilment.by_hand import tell  # It tells of tasks, and asks here for the step a task is about.

    tell(session, lane=row.lane, body={"says": says, "job": row.id}, once=f"{says}:{row.id}:{once}")


@write
def ask_service(session: Session, *, customer_id: int, sku_id: int, brief: str) -> JobView:
    """A buyer says what is wanted; whoever offers the service is told. Costs nothing. Raises Gone, BriefTooLong or TooManyJobs."""
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    if sku is None or product is None or product.kind != ProductKind.SERVICE or product.hidden or "job" in product.terms:
        raise Gone
    brief = brief.strip()
    if not 0 < len(brief) <= LONGEST_BRIEF:
        raise BriefTooLong(most=LONGEST_BRIEF)
    waiting = session.scalar(
        select(func.count())
        .select_from(ServiceJob)
        .where(ServiceJob.customer_id == customer_id, ServiceJob.state.in_((JobState.ASKED, JobState.QUOTED)))
    )
    if (waiting or 0) >= MOST_OPEN:
        raise TooManyJobs(most=MOST_OPEN)
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    supplier_id = supply.first_supplier(session, sku_id) or storefront.party_id
    one = kind(product.kind)
    row = ServiceJob(
        storefront_id=storefront.id,
        customer_id=customer_id,
        sku_id=sku_id,
        lane=one.lane(product.terms, supplier_id, supplier_id == storefront.party_id, None),
        state=JobState.ASKED,
        brief=brief,
        accept_days=one.number(product.terms, "accept_days"),
        made_at=now(session),
    )
    session.add(row)
    session.flush()
    _tell_workers(session, row, "service-brief", "1")
    return _view(session, row)


@write
def quote_service(session: Session, *, job_id: int, steps: Sequence[Step], by: str) -> JobView:
    """Quote a brief, or quote it anew while the buyer has not accepted. Raises Gone, JobMoved, ServiceNotSold or QuoteWrong.

    What supply does not know of – banned words, what a switch says of the quote itself – is asked by standing, whose command people use.
    """
    row = _locked(session, job_id)
    if row.state not in (JobState.ASKED, JobState.QUOTED):
        raise JobMoved
    supplier_id = None if row.lane == "staff" else int(row.lane.partition(":")[2])
    _still_sold(session, row, supplier_id)
    if not 0 < len(steps) <= MOST_MILESTONES:
        raise QuoteWrong(most=MOST_MILESTONES)
    if any(not step.title.strip() or step.price_minor <= 0 or not 0 < step.hours <= 24 * 90 for step in steps):
        raise QuoteWrong(most=MOST_MILESTONES)
    at, storefront = now(session), storefronts.by_id(session, row.storefront_id)
    _withdraw_quote(session, row)
    asked_for = catalog.sku(session, row.sku_id)
    assert asked_for is not None, "what was asked for is never deleted"
    service = catalog.product(session, asked_for.product_id)
    assert service is not None
    times = session.scalar(select(func.count()).select_from(Milestone).where(Milestone.job_id == row.id)) or 0
    product_id = catalog.add_product(
        session,
        category_id=_category_of_quotes(session),
        slug=f"quote-{row.id}-{times}",
        name=service.name,
        search="",
        kind=ProductKind.SERVICE,
        icon=service.icon,
        description=service.description,
        texts=service.texts,
    )
    terms = {"for": row.customer_id, "job": row.id, "accept_days": row.accept_days, "promise_hours": max(step.hours for step in steps)}
    catalog.set_kind(session, product_id, kind=ProductKind.SERVICE, terms=terms, asks=True)
    for seq, step in enumerate(steps, 1):
        title = step.title.strip()[:100]
        sku_id = catalog.add_sku(
            session, product_id=product_id, slug=f"quote-{row.id}-{times}-{seq}", name=title, max_quantity=1, max_per_buyer=1
        )
        pricing.set_price(session, storefront_id=storefront.id, sku_id=sku_id, retail_minor=step.price_minor, currency=storefront.currency)
        cost_minor = step.price_minor if step.cost_minor is None else step.cost_minor
        supply.to_be_made(session, storefront=storefront, sku_id=sku_id, declared=1, supplier_id=supplier_id, cost_minor=cost_minor)
        session.add(
            Milestone(
                job_id=row.id,
                seq=seq,
                title=title,
                price_minor=step.price_minor,
                currency=storefront.currency,
                hours=step.hours,
                sku_id=sku_id,
            )
        )
    row.product_id, row.state, row.quoted_at, row.quoted_by = product_id, JobState.QUOTED, at, by
    session.flush()
    journal.record(
        session,
        by=by,
        did="quote-service",
        about="job",
        about_id=row.id,
        after={"steps": [{"title": step.title[:100], "price_minor": step.price_minor, "hours": step.hours} for step in steps]},
    )
    _tell(session, row, "service-quote", str(product_id))
    return _view(session, row)


def _still_sold(session: Session, row: ServiceJob, supplier_id: int | None) -> None:
    """Raises ServiceNotSold while whoever offers the service may not sell it."""
    of = storefronts.by_id(session, row.storefront_id).party_id if supplier_id is None else supplier_id
    theirs = {place.id for place in supply.places_of(session, supply.offers_in(session, [row.sku_id])) if place.supplier_id == of}
    selling = theirs - supply.forbidden(session, theirs)
    # The shop's own people may quote without an offer; a supplier who has withdrawn theirs, or has lost it, may not.
    if ((theirs or supplier_id is not None) and not selling) or supply.suspended(session, [of]):
        raise ServiceNotSold


def _category_of_quotes(session: Session) -> int:
    known = next((one.id for one in catalog.categories_under(session, None, hidden_too=True) if one.slug == _QUOTES), None)
    if known is not None:
        return known
    made = catalog.add_category(session, slug=_QUOTES, name="Quotes")
    catalog.change_category(session, made, hidden=True)
    return made


def _withdraw_quote(session: Session, row: ServiceJob) -> None:
    """Nobody can pay for a step of the quote that stood. Its rows stay: a step is never deleted."""
    if row.product_id is None:
        return
    catalog.change_product(session, row.product_id, hidden=True)
    for step in _steps(session, row):
        assert step.order_id is None, "what was paid is not quoted anew"
        step.seq, step.ended_at = -step.id, now(session)
    session.flush()


@write
def accept_quote(session: Session, *, job_id: int, customer_id: int, quote_id: int) -> JobView:
    """The buyer takes this quote: the first step can be paid. Pressed twice it is the same.

    Raises Gone, JobMoved, QuoteReplaced when another quote stands by now, and ServiceNotSold.
    """
    row = _locked(session, job_id, customer_id)
    if row.state is JobState.QUOTED and row.product_id != quote_id:
        raise QuoteReplaced
    if row.state is JobState.AGREED and row.product_id == quote_id:
        return _view(session, row)
    if row.state is not JobState.QUOTED:
        raise JobMoved
    _still_sold(session, row, None if row.lane == "staff" else int(row.lane.partition(":")[2]))
    row.state, row.agreed_at = JobState.AGREED, now(session)
    session.flush()
    _tell_workers(session, row, "service-agreed", "1")
    return _view(session, row)


def ordered(session: Session, *, task_id: int, order_id: int, sku_id: int) -> None:
    """A step was paid: its task is being handed out. A part of commands; what is no step is passed over."""
    row = session.scalars(select(Milestone).where(Milestone.sku_id == sku_id).with_for_update()).one_or_none()
    if row is not None and row.task_id is None:
        row.task_id, row.order_id, row.due_at = task_id, order_id, now(session) + timedelta(hours=row.hours)
        session.flush()


@write
def deliver_milestone(session: Session, *, task_id: int, result: str, by: str) -> MilestoneView:
    """The step is done, its one who did it says; the buyer has the agreed days to accept it.

    Raises JobMoved when there is no such step, and OfferForbidden while it must not be sold.
    """
    row = session.scalars(select(Milestone).where(Milestone.task_id == task_id).with_for_update()).one_or_none()
    if row is None or row.accepted_at is not None or row.ended_at is not None:
        raise JobMoved
    if _stopped(session, row):
        raise OfferForbidden
    job_row = _locked(session, row.job_id)
    again = row.delivered_at is not None
    # Delivered again, better: the days count from now.
    row.result, row.delivered_at = result.strip()[:LONGEST_BRIEF], now(session)
    session.flush()
    tasks.note(session, task_id=task_id, cause=f"delivered by {by}, waits for the buyer")
    journal.record(session, by=by, did="deliver-step", about="job", about_id=row.job_id, after={"step": row.seq, "again": again})
    _tell(session, job_row, "service-delivered", f"{row.seq}:{int(row.delivered_at.timestamp())}")
    return _milestone(row)


@write
def accept_milestone(session: Session, *, milestone_id: int, customer_id: int, dispute: bool = False) -> MilestoneView:
    """The buyer accepts a delivered step, or (`dispute`) ends the waiting because something is wrong with it.

    A dispute is a part of `aftersale.dispute_step`, which opens the case in the same transaction.

    Raises Gone, JobMoved when there is nothing delivered, and ServiceStopped while it must not be sold: no money leaves the escrow
    for it then. Pressed twice it is the same.
    """
    row = session.get(Milestone, milestone_id)
    if row is None:
        raise Gone
    job_row = _locked(session, row.job_id, customer_id)
    row = session.get_one(Milestone, milestone_id, with_for_update=True, populate_existing=True)
    if row.accepted_at is not None:
        return _milestone(row)
    if row.delivered_at is None or row.ended_at is not None:
        raise JobMoved
    if _stopped(session, row):
        raise ServiceStopped
    _accept(session, job_row, row, "dispute" if dispute else "buyer")
    return _milestone(row)


def _stopped(session: Session, row: Milestone) -> set[Stop]:
    """Why a step that was paid may not be gone on with now; nothing stops it after that before this transaction is over."""
    task = None if row.task_id is None else tasks.task(session, row.task_id)
    if task is None:
        return set()
    supply.lock_offer(session, offer_id=task.offer_id)
    return {one.why for one in supply.stops(session, [task.offer_id])} & set(supply.FORBIDS)


def _accept(session: Session, job_row: ServiceJob, row: Milestone, by: str) -> None:
    row.accepted_at, row.accepted_by = now(session), by
    session.flush()
    left = [one for one in _steps(session, job_row) if one.accepted_at is None and one.ended_at is None]
    if not left:
        job_row.state, job_row.ended_at = JobState.DONE, now(session)
        session.flush()
    _tell_workers(session, job_row, "service-disputed" if by == "dispute" else "service-accepted", str(row.seq))
    if by == "clock" or (left and by == "buyer"):
        _tell(session, job_row, "service-next" if left else "service-done", str(row.seq))


_DAY = 86_400_000_000  # microseconds, as instants are kept


@write
def accept_silent(session: Session, *, most: int = 50) -> int:
    """Delivered steps whose days to look at them are over are accepted; returns how many."""
    over = type_coerce(Milestone.delivered_at, BigInteger) + ServiceJob.accept_days * _DAY <= micros(now(session))
    found = session.execute(
        select(Milestone.id, Milestone.job_id)
        .join(ServiceJob, ServiceJob.id == Milestone.job_id)
        .where(
            Milestone.delivered_at.is_not(None),
            Milestone.accepted_at.is_(None),
            Milestone.ended_at.is_(None),
            Milestone.stopped_at.is_(None),
            over,
        )
        .order_by(Milestone.delivered_at)
        .limit(most)
    ).all()
    accepted = 0
    for job_id, milestone_id in sorted((row.job_id, row.id) for row in found):
        job_row = _locked(session, job_id)
        row = session.get_one(Milestone, milestone_id, with_for_update=True, populate_existing=True)
        if row.accepted_at is None and row.ended_at is None and not _stopped(session, row):
            _accept(session, job_row, row, "clock")
            accepted += 1
    return accepted


@write
def call_off(session: Session, *, job_id: int, customer_id: int | None = None, by: str, why: str = "") -> JobView:
    """No more of it. What was paid and delivered or accepted stays as it is; a paid step that is late is given back.

    Called by the buyer with `customer_id`; the staff and the supplier may call off at any time. While the work is stopped everybody may:
    the buyer does not wait for what cannot come. What was delivered before the shop switched it off waits (DeliveredWaits), unless the
    staff give it back. Raises Gone, JobMoved, and NotYetLate when a paid step still has time.
    """
    row = _locked(session, job_id, customer_id)
    if row.state in (JobState.DONE, JobState.OFF):
        raise JobMoved
    at = now(session)
    for step in _steps(session, row):
        if step.accepted_at is not None or step.ended_at is not None:
            continue
        stopped = _stopped(session, step)
        if step.delivered_at is not None:
            if not stopped:
                raise JobMoved  # It waits for a word about what was delivered.
            if customer_id is not None and stopped == {Stop.SWITCHED_OFF}:
                raise DeliveredWaits
        if not stopped and step.order_id is not None and customer_id is not None and step.due_at is not None and step.due_at > at:
            raise NotYetLate
        step.ended_at = at
    row.state, row.ended_at, row.why = JobState.OFF, at, (why or f"called off by {by}")[:300]
    if row.product_id is not None:
        catalog.change_product(session, row.product_id, hidden=True)
    session.flush()
    if customer_id is None:
        journal.record(session, by=by, did="call-off-service", about="job", about_id=row.id, after={"why": row.why})
        _tell(session, row, "service-off", "1")
    else:
        _tell_workers(session, row, "service-off", "1")
    return _view(session, row)


@read
def steps_sold_for(session: Session, sku_ids: Sequence[int], *, supplier_id: int | None = None) -> Sequence[int]:
    """The denominations of all steps that were ever quoted for these services: what stops the service stops them.

    `supplier_id`: only of the work that this supplier quoted.
    """
    question = (
        select(Milestone.sku_id).join(ServiceJob, ServiceJob.id == Milestone.job_id).where(among(session, ServiceJob.sku_id, sku_ids))
    )
    if supplier_id is not None:
        question = question.where(ServiceJob.lane == f"supplier:{supplier_id}")
    return session.scalars(question.order_by(Milestone.sku_id)).all()


@write
def follow_stops(session: Session, *, most: int = 50) -> int:
    """Agreed work stands still while what it is about must not be sold, and goes on afterwards; both sides are told. Returns how many.

    The time it stood still counts neither for the one who does it nor for the buyer who looks at it. A step whose order came to nothing
    can be paid again.
    """
    rows = session.execute(
        select(Milestone.id, Milestone.job_id, Milestone.sku_id, Milestone.stopped_at, Task.ended_at)
        .join(ServiceJob, ServiceJob.id == Milestone.job_id)
        .outerjoin(Task, Task.id == Milestone.task_id)
        .where(Milestone.accepted_at.is_(None), Milestone.ended_at.is_(None), ServiceJob.state == JobState.AGREED)
    ).all()
    stopped = supply.forbidden_skus(session, {row.sku_id for row in rows})
    found = [row for row in rows if (row.sku_id in stopped) != (row.stopped_at is not None) or row.ended_at is not None]
    moved = 0
    for job_id, milestone_id in sorted((row.job_id, row.id) for row in found[:most]):
        job_row = _locked(session, job_id)
        step = session.get_one(Milestone, milestone_id, with_for_update=True, populate_existing=True)
        moved += step.accepted_at is None and step.ended_at is None and _follow(session, job_row, step, step.sku_id in stopped)
    return moved


def _follow(session: Session, job_row: ServiceJob, step: Milestone, stopped: bool) -> bool:
    at, before = now(session), (step.stopped_at, step.task_id)
    task = None if step.task_id is None else tasks.task(session, step.task_id)
    if task is not None and task.ended_at is not None:
        step.task_id, step.order_id, step.due_at, step.delivered_at, step.result = None, None, None, None, None
    # Told once for the work, not for each of its steps.
    current = next(one.id for one in _steps(session, job_row) if one.accepted_at is None and one.ended_at is None) == step.id
    if stopped and step.stopped_at is None:
        step.stopped_at = at
        if current:
            _tell(session, job_row, "service-stopped", str(micros(at)))
            _tell_workers(session, job_row, "service-halted", str(micros(at)))
    elif not stopped and step.stopped_at is not None:
        stood = at - step.stopped_at
        step.due_at = None if step.due_at is None else step.due_at + stood
        step.delivered_at = None if step.delivered_at is None else step.delivered_at + stood
        step.stopped_at = None
        if current:
            _tell(session, job_row, "service-goes-on", str(micros(at)))
            _tell_workers(session, job_row, "service-resumed", str(micros(at)))
    session.flush()
    return (step.stopped_at, step.task_id) != before


@dataclass(frozen=True, slots=True)
class Settleable:
    """A task whose order has to be told what became of its step: accepted, or called off."""

    task_id: int
    order_id: int
    title: str
    accepted: bool


@read
def steps_to_settle(session: Session, *, job_id: int | None = None, most: int = 50) -> list[Settleable]:
    """Steps that were accepted or called off, and whose task is still open: `orders` takes them from here."""
    only = [] if job_id is None else [Milestone.job_id == job_id]
    rows = session.execute(
        select(Task.id, Milestone.order_id, Milestone.title, Milestone.accepted_at)
        .join(Task, Task.id == Milestone.task_id)
        .where(
            Task.kind == ProductKind.SERVICE,
            Task.ended_at.is_(None),
            Milestone.accepted_at.is_not(None) | Milestone.ended_at.is_not(None),
            *only,
        )
        .order_by(Task.id)
        .limit(most)
    ).all()
    return [Settleable(task_id, order_id or 0, title, accepted_at is not None) for task_id, order_id, title, accepted_at in rows]
