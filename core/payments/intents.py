"""The life of a wish to pay: made, created at its provider, paid or not, and asked after until it is known which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import ColumnElement, and_, case, insert, select, update
from sqlalchemy.orm import Session

from core import outbox, people, pricing, rates, storefronts
from core.database import now, read, write
from core.errors import N_, Refusal
from core.payments.queries import Intent, view
from core.payments.references import reference_of
from core.payments.staff import tell_staff
from core.payments.tables import Change, IntentState
from core.payments.tables import Intent as IntentRow
from core.ports import Created, Fee

OPEN = (IntentState.CREATED, IntentState.PENDING)
# After its time an intent is asked after for so long, since money can be late; then only the provider's own list finds it.
GRACE = timedelta(hours=24)
_SOONEST, _LATEST = timedelta(seconds=5), timedelta(minutes=10)
# Longer than the longest call to a provider: what is taken is not taken again while it is asked.
LEASE = timedelta(seconds=60)
_LET_GO = 200  # rows at once


@dataclass(eq=False)
class NotPayable(Refusal):
    """This payment cannot be taken: it is another's, over, or not what was asked."""

    says: ClassVar[str] = N_("This invoice can no longer be paid. Please order again.")


def change(session: Session, row: IntentRow, state: IntentState, cause: str) -> None:
    """Bring an intent into a state and write down why."""
    at = now(session)
    row.state = state
    row.ended_at = None if state in OPEN else at
    if state not in OPEN and row.screen_message_id is not None:
        row.tidy_at = at  # Whoever ended it, and in which process: the payer's screen must not go on asking for money.
    session.add(Change(intent_id=row.id, state=state, cause=cause[:200], at=at))
    session.flush()


@write
def lock_intent(session: Session, intent_id: int) -> None:
    """Who acts on a payment takes turns; to be called after its order was locked."""
    session.get(IntentRow, intent_id, with_for_update=True)


@dataclass(frozen=True, slots=True)
class Price:
    """What a provider is asked for something worth so much to the shop: `amount_minor` of its currency, `fee_minor` of that the fee."""

    amount_minor: int
    fee_minor: int
    rate_id: int | None
    kept_minor: int = 0  # what the provider is expected to keep of it


@read
def priced(
    session: Session,
    *,
    worth_minor: int,
    currency: str,
    pay_currency: str,
    fee: Fee,
    step_minor: int = 1,
    at: datetime | None = None,
) -> Price | None:
    """What is asked, as `pricing.to_pay` says, at the rate that holds at that instant (now); None when there is none."""
    quoted = None
    if pay_currency != currency:
        quoted = rates.latest(session, base=pay_currency, quote=currency, at=at)
        if quoted is None:
            return None
    rate, rate_id = (None, None) if quoted is None else (quoted.rate, quoted.id)
    asked = pricing.to_pay(worth_minor, currency, fee=fee, pay_currency=pay_currency, rate=rate, step_minor=step_minor)
    return Price(asked.amount_minor, asked.fee_minor, rate_id, asked.kept_minor)


@read
def asked_for(
    session: Session, *, amounts_minor: Sequence[int], currency: str, pay_currency: str, fee: Fee, step_minor: int = 1
) -> list[tuple[int, int]]:
    """What would be asked in a provider's currency for each of these amounts: pairs, in order; empty when there is no rate."""
    found = []
    for worth in amounts_minor:
        price = priced(session, worth_minor=worth, currency=currency, pay_currency=pay_currency, fee=fee, step_minor=step_minor)
        if price is not None:
            found.append((worth, price.amount_minor))
    return found


@write
def ask(
    session: Session,
    *,
    provider: str,
    pay_currency: str,
    customer_id: int,
    worth_minor: int,
    order_id: int | None,
    seconds: float,
    fee: Fee = Fee(),
    step_minor: int = 1,
    by_task: bool = False,
    screen_message_id: int | None = None,
    reversible: bool = False,
) -> Intent | None:
    """An intent worth so much of the shop's currency, converted (rounded up) at the recorded rate; None when there is no rate.

    What the payer bears of the provider's fee comes on top, in the provider's currency, and the sum is a multiple of `step_minor`.
    `by_task`: a background task creates it at the provider, and shows the payer how to pay in the message named.
    """
    customer = people.by_id(session, customer_id)
    storefront = storefronts.by_id(session, customer.storefront_id)
    currency, at = storefront.currency, now(session)
    # One instant for both, so that the rate held when the payment was asked.
    price = priced(session, worth_minor=worth_minor, currency=currency, pay_currency=pay_currency, fee=fee, step_minor=step_minor, at=at)
    if price is None:
        return None
    row = IntentRow(
        provider=provider,
        customer_id=customer_id,
        order_id=order_id,
        amount_minor=price.amount_minor,
        fee_minor=price.fee_minor,
        kept_minor=price.kept_minor,
        currency=pay_currency,
        worth_minor=worth_minor,
        worth_currency=currency,
        rate_id=price.rate_id,
        made_at=at,
        expires_at=at + timedelta(seconds=seconds),
        screen_message_id=screen_message_id,
        due_at=at if by_task else None,
        tries=0,
        reversible=reversible,
        state=IntentState.CREATED if by_task else IntentState.PENDING,
        step_minor=step_minor,
    )
    session.add(row)
    session.flush()
    row.reference = reference_of(storefront.tag, row.id)
    change(session, row, row.state, "asked")
    return view(row)


@write
def give_ref(session: Session, *, intent_id: int, provider_ref: str) -> None:
    """Remember the provider's own number for an intent."""
    session.execute(update(IntentRow).where(IntentRow.id == intent_id).values(provider_ref=provider_ref[:200]))


@write
def created(session: Session, *, intent_id: int, how: Created, poll: bool) -> Intent | None:
    """The provider knows of it now: how it is paid, and when it is asked after first. None when it has ended meanwhile."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    assert row is not None, "what is created was asked"
    row.provider_ref = how.provider_ref[:200] if how.provider_ref else row.provider_ref
    row.url, row.qr, row.words, row.tries = how.url, how.qr, how.words, 0
    # Also when it has ended meanwhile: the payer may have the address already, and pay.
    over = row.state in (IntentState.PAID, IntentState.REFUNDED)
    row.due_at = now(session) + _SOONEST if poll and not over else None
    if row.state is not IntentState.CREATED:
        if row.state in (IntentState.EXPIRED, IntentState.FAILED):
            row.tidy_at = now(session)
        session.flush()
        return None
    change(session, row, IntentState.PENDING, "created at the provider")
    return view(row)


@write
def due(session: Session, *, providers: Collection[str], most: int) -> list[Intent]:
    """Intents whose provider is to be asked now, taken for a minute: another process leaves them alone meanwhile.

    First those that are to be created, since their payers look at an empty screen.
    """
    return _taken(session, IntentRow.provider.in_(providers), most, created_first=True)


@dataclass(frozen=True, slots=True)
class Room:
    """How many more calls to a provider may be begun: to create payments, to ask about them, and to put away what is over."""

    creating: int
    asking: int
    tidying: int


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done at providers now."""

    to_create: list[Intent]
    to_ask: list[Intent]
    to_tidy: list[Intent]


@write
def take_work(session: Session, *, rooms: Mapping[str, Room]) -> Work:
    """What is due at each provider, as far as there is room for it, taken for a minute: no provider takes another's room.

    What was to be put away at a way that is not among them (it is switched off) is let go after a day.
    """
    work = Work([], [], [])
    _let_go(session, rooms)
    for provider, room in rooms.items():
        of_it = IntentRow.provider == provider
        if room.creating > 0:
            work.to_create.extend(_taken(session, and_(of_it, IntentRow.state == IntentState.CREATED), room.creating))
        if room.asking > 0:
            work.to_ask.extend(_taken(session, and_(of_it, IntentRow.state != IntentState.CREATED), room.asking))
        if room.tidying > 0:
            work.to_tidy.extend(_taken_to_tidy(session, provider, room.tidying))
    return work


def _taken(session: Session, which: ColumnElement[bool], most: int, *, created_first: bool = False) -> list[Intent]:
    at = now(session)
    order = [case((IntentRow.state == IntentState.CREATED, 0), else_=1)] if created_first else []
    rows = session.scalars(
        select(IntentRow)
        .where(IntentRow.due_at <= at, which)
        .order_by(*order, IntentRow.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.due_at = at + LEASE
    session.flush()
    return [view(row) for row in rows]


def _taken_to_tidy(session: Session, provider: str, most: int) -> list[Intent]:
    at = now(session)
    rows = session.scalars(
        select(IntentRow)
        .where(IntentRow.tidy_at <= at, IntentRow.provider == provider)
        .order_by(IntentRow.tidy_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        # As long again as it is over: after a minute, two, four; a page that could not be closed in a day has closed by itself.
        since = timedelta() if row.ended_at is None else at - row.ended_at
        row.tidy_at = at + max(LEASE, since) if since < GRACE else None
    session.flush()
    return [view(row) for row in rows]


def _let_go(session: Session, rooms: Collection[str]) -> None:
    """Rows that nobody will ever put away do not stay in the way of those that are."""
    nobodys = (
        select(IntentRow.id)
        .where(IntentRow.tidy_at <= now(session) - GRACE, IntentRow.provider.not_in(rooms))
        .limit(_LET_GO)
        .with_for_update(skip_locked=True)
    )
    if ids := session.scalars(nobodys).all():
        session.execute(
            update(IntentRow).where(IntentRow.id.in_(ids)).values(tidy_at=None), execution_options={"synchronize_session": False}
        )


@write
def tidied(session: Session, *, intent_id: int, withdrawn: bool) -> None:
    """What was left of a payment that we ended is put away; `withdrawn`: at its provider, so that nothing can be paid there any more."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None:
        return
    row.tidy_at = None
    if withdrawn and row.state in (IntentState.EXPIRED, IntentState.FAILED):
        row.url = row.qr = None
        session.add(Change(intent_id=row.id, state=row.state, cause="withdrawn at the provider", at=now(session)))
    session.flush()


@write
def shown_in(session: Session, *, intent_id: int, message_id: int) -> None:
    """This message in the payer's chat shows the payment now, and follows it."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None:
        return
    row.screen_message_id = message_id
    if row.state not in OPEN:
        row.tidy_at = now(session)  # It ended while the message was on its way.
    session.flush()


@write
def leave_screen(session: Session, *, customer_id: int, message_id: int) -> None:
    """This message in the customer's chat shows something else from now on: no payment is drawn over it any more."""
    session.execute(
        update(IntentRow)
        .where(IntentRow.customer_id == customer_id, IntentRow.screen_message_id == message_id)
        .values(screen_message_id=None)
        .execution_options(synchronize_session=False)
    )


@write
def take_screen(session: Session, *, intent_id: int) -> int | None:
    """The message that shows an ended payment, to be drawn for the last time: it is given to one caller, and then is the payer's."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None:
        return None
    message_id, row.screen_message_id = row.screen_message_id, None
    session.flush()
    return message_id


@write
def send_screen(session: Session, *, intent_id: int, instead_of: int | None) -> bool:
    """The payer's screen could not be drawn: it goes out as a new message, once. False when it did before, or there is nothing to pay.

    `instead_of`: the message that could not be drawn, None when none was known. Where another shows the payment by now, that one stays.
    """
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None or row.state is not IntentState.PENDING or row.screen_message_id != instead_of:
        return False
    row.screen_message_id = None
    session.flush()
    return outbox.post(
        session,
        topic=outbox.Topic.NOTICE,
        customer_id=row.customer_id,
        body={"says": "payment", "intent": intent_id},
        once=f"payment:{intent_id}",
    )


@write
def ask_again(session: Session, *, intent_id: int, soon: bool = False) -> None:
    """Nothing is known yet: the provider is asked again, later each time, until the time and the grace after it are over.

    `soon`: something was heard of it, so it is asked at once.
    """
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None:
        return
    if row.state in (IntentState.PAID, IntentState.REFUNDED):
        row.due_at = None
        return
    at = now(session)
    if at >= row.expires_at + GRACE:
        row.due_at = None
        if row.state in OPEN:
            change(session, row, IntentState.EXPIRED, "never paid, asked to the end")
        return
    row.tries = 0 if soon else row.tries + 1
    row.due_at = at if soon else at + min(_LATEST, _SOONEST * 2 ** min(row.tries - 1, 10))
    session.flush()


@write
def end(session: Session, *, intent_id: int, state: IntentState, cause: str) -> Intent | None:
    """The provider says it will never be paid; None when it was over already."""
    assert state in (IntentState.EXPIRED, IntentState.FAILED)
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None:
        return None
    if row.state not in OPEN:
        row.due_at = None
        return None
    row.due_at = None
    change(session, row, state, cause)
    return view(row)


@write
def claim(session: Session, *, intent_id: int, receipt: str, is_photo: bool) -> datetime | None:
    """The payer says the money is sent and shows a receipt: the staff are asked to look. Until when; None when it is over already."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None or row.state not in OPEN:
        return None
    row.receipt, row.receipt_is_photo, at = receipt[:200], is_photo, now(session)
    customer = people.by_id(session, row.customer_id)
    tell_staff(
        session,
        storefront_id=customer.storefront_id,
        body={
            "says": "receipt",
            "intent": row.id,
            "order": row.order_id,
            "customer": customer.id,
            "amount_minor": row.amount_minor,
            "currency": row.currency,
        },
        once=f"receipt:{row.id}:{receipt[-40:]}",
    )
    # A person needs time to find the money, and the payer has done their part.
    row.expires_at = max(row.expires_at, at + GRACE)
    session.flush()
    return row.expires_at


@write
def check(session: Session, *, intent_id: int, customer_id: int, amount_minor: int, currency: str) -> Intent:
    """The open intent, if it is this customer's and of this amount; raises NotPayable."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if (
        row is None
        or row.customer_id != customer_id
        or (row.amount_minor, row.currency) != (amount_minor, currency)
        or row.state not in OPEN
        or row.expires_at <= now(session)
    ):
        raise NotPayable
    return view(row)


@write
def keep_open(session: Session, *, intent_id: int, until: datetime) -> None:
    """An open intent may be paid until then."""
    session.execute(
        update(IntentRow).where(IntentRow.id == intent_id, IntentRow.state.in_(OPEN), IntentRow.expires_at < until).values(expires_at=until)
    )


@read
def open_deposits(session: Session, customer_id: int) -> list[Intent]:
    """Top-ups of a customer that can still be paid, the newest first."""
    rows = session.scalars(
        select(IntentRow)
        .where(
            IntentRow.customer_id == customer_id,
            IntentRow.order_id.is_(None),
            IntentRow.state.in_(OPEN),
            IntentRow.expires_at > now(session),
        )
        .order_by(IntentRow.id.desc())
    )
    return [view(row) for row in rows]


@write
def cancel_deposit(session: Session, *, intent_id: int, customer_id: int) -> None:
    """The customer no longer wants to pay this top-up; raises NotPayable when it is not theirs, or over."""
    row = session.get(IntentRow, intent_id, with_for_update=True)
    if row is None or row.customer_id != customer_id or row.order_id is not None or row.state not in OPEN:
        raise NotPayable
    _expire(session, [row], "cancelled by the buyer")


@write
def close_intents_of(session: Session, *, order_id: int, cause: str) -> None:
    """The order is over: its open intents are expired. Money that still comes is found all the same, and credited."""
    _expire(session, session.scalars(select(IntentRow).where(IntentRow.order_id == order_id, IntentRow.state.in_(OPEN))).all(), cause)


@write
def expire_deposits(session: Session, *, most: int) -> int:
    """Close deposits nobody paid in time; returns how many. Money that still comes is found all the same, and credited."""
    rows = session.scalars(
        select(IntentRow)
        .where(IntentRow.state.in_(OPEN), IntentRow.order_id.is_(None), IntentRow.expires_at <= now(session))
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    _expire(session, rows, "nobody paid in time")
    return len(rows)


def _expire(session: Session, rows: Collection[IntentRow], cause: str) -> None:
    at = now(session)
    for row in rows:
        row.state, row.ended_at = IntentState.EXPIRED, at
        if row.screen_message_id is not None or row.provider_ref is not None:
            row.tidy_at = at
    session.flush()
    if rows:
        noted = [{"intent_id": row.id, "state": IntentState.EXPIRED, "cause": cause, "at": at} for row in rows]
        session.execute(insert(Change), noted)
