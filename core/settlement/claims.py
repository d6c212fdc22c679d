"""From sold to payable: each sale of consigned goods becomes a claim, is taken back with its refunds, and released after the warranty.

The sale itself has credited the supplier with the cost and the shop's sales with the rest. A run posts what is left to share, in one
transfer for each supplier: sales to revenue by its labels, and between sales and the supplier. No sale waits for any of this.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core import aftersale, journal, ledger, orders, payments, supply
from core.catalog import Gone
from core.database import among, insert_new, now, read, write
from core.ledger import TransferKind
from core.orders import SoldLine
from core.settlement import accounts
from core.settlement.accounts import Amounts
from core.settlement.drafts import Draft, write_claims
from core.settlement.reversing import claims_of, left_of, look_again
from core.settlement.runs import make_run, post_run
from core.settlement.tables import Claim, ClaimState, Mark, RunKind, Skipped

# A transfer whose number lies below another's may be committed later; none takes longer than the databases' time-outs allow.
SETTLED_AFTER = timedelta(minutes=10)
LOOK_BACK = timedelta(minutes=20)  # at refunds and replacements, again
ASK_AGAIN = timedelta(minutes=30)  # about money that is frozen
AGAIN_FIRST, AGAIN_LONGEST = timedelta(minutes=10), timedelta(days=1)  # after which an order that could not be worked out is tried again
MOST = 1000

log = logging.getLogger(__name__)


@write
def settle(session: Session, *, most: int = MOST) -> int:
    """Make claims of the next sales nobody has looked at; returns how many sales were looked at.

    New sales come first. Behind them everything is looked at a second time, when it is so old that nothing can appear among it any
    more: numbers are given out before transactions commit. Safe to run anywhere at once: the mark's row is the lock.
    """
    mark = _mark(session)
    fresh = ledger.booked_after(session, kind=TransferKind.SALE, after=mark.looked_id, most=most)
    if fresh:
        _claim_each(session, {booked.subject_id: booked.transfer_id for booked in fresh})
        mark.looked_id = fresh[-1].transfer_id
        return len(fresh)
    settled_before, old = now(session) - SETTLED_AFTER, []
    for booked in ledger.booked_after(session, kind=TransferKind.SALE, after=mark.swept_id, upto=mark.looked_id, most=most):
        if booked.at >= settled_before:
            break
        old.append(booked)
    if not old:
        return 0
    looked = [booked.subject_id for booked in old]
    known = set(session.scalars(select(Claim.order_id).where(among(session, Claim.order_id, looked)))) | _waiting(session, looked).keys()
    _claim_each(session, {booked.subject_id: booked.transfer_id for booked in old if booked.subject_id not in known})
    mark.swept_id = old[-1].transfer_id
    return len(old)


@write
def take_back(session: Session) -> int:
    """Reverse what was refunded or replaced since the last time; returns how many units."""
    mark, at = _mark(session), now(session)
    since = mark.reversed_at - LOOK_BACK
    touched = {*orders.refunded_since(session, since), *aftersale.replaced_since(session, since)}
    touched -= _waiting(session, touched).keys()
    units, _ = _each(session, touched, lambda order_ids: look_again(session, order_ids))
    mark.reversed_at = at
    return units


def _mark(session: Session) -> Mark:
    """How far it was looked, locked."""
    begun = {"id": 1, "looked_id": 0, "swept_id": 0, "reversed_at": now(session)}
    session.execute(insert_new(session, Mark).values(**begun))
    return session.scalars(select(Mark).where(Mark.id == 1).with_for_update().execution_options(populate_existing=True)).one()


# One order's trouble is nobody else's


def _each(session: Session, order_ids: Collection[int], settled: Callable[[Collection[int]], int]) -> tuple[int, set[int]]:
    """Do this for these orders together; when that cannot be done, for each by itself. Returns how much was done, and which could not be.

    Those are left as they were, kept to be tried again, and the staff are told once: what is wrong with one order may not keep money
    from anybody else.
    """
    if not order_ids:
        return 0, set()
    try:
        with session.begin_nested():
            return settled(order_ids), set()
    except Exception as trouble:  # Of any kind: one order's mistake is found below, and the others are settled all the same.
        if _passes(trouble):
            raise
    done, wrong = 0, set()
    for order_id in sorted(order_ids):
        try:
            with session.begin_nested():
                done += settled([order_id])
        except Exception as trouble:  # Of any kind, for the same reason: it is rolled back, logged and told to the staff.
            if _passes(trouble):
                raise
            log.exception("order %d could not be settled", order_id)
            wrong.add(order_id)
            _skip(session, order_id, trouble)
    return done, wrong


def _passes(trouble: Exception) -> bool:
    """Is it the database that is busy or away? Then the whole command is tried again."""
    return isinstance(trouble, DBAPIError) and not isinstance(trouble, IntegrityError | DataError)


def _skip(session: Session, order_id: int, trouble: Exception) -> None:
    """Keep an order to be tried again, each time after twice as long."""
    at, why = now(session), " ".join(f"{type(trouble).__name__}: {trouble}".replace("\x00", " ").splitlines()[:1])[:300]
    row = session.get(Skipped, order_id, with_for_update=True, populate_existing=True)
    if row is None:
        session.add(Skipped(order_id=order_id, why=why, tries=1, first_at=at, next_at=at + AGAIN_FIRST))
        _tell_unsettled(session, order_id)
    else:
        row.why, row.tries, row.settled_at = why, row.tries + 1, None
        row.next_at = at + min(AGAIN_FIRST * 2 ** min(row.tries - 1, 20), AGAIN_LONGEST)
    session.flush()


def _waiting(session: Session, order_ids: Collection[int]) -> dict[int, datetime]:
    """Those of these orders that could not be worked out and are tried again by themselves, with when."""
    rows = session.execute(
        select(Skipped.order_id, Skipped.next_at).where(among(session, Skipped.order_id, order_ids), Skipped.settled_at.is_(None))
    )
    return {row.order_id: row.next_at for row in rows}


@write
def settle_skipped(session: Session, *, most: int = 20) -> int:
    """Try the orders again that could not be worked out and whose time has come; returns how many were tried."""
    _mark(session)  # Nobody else settles meanwhile.
    rows = session.scalars(
        select(Skipped.order_id)
        .where(Skipped.settled_at.is_(None), Skipped.next_at <= now(session))
        .order_by(Skipped.next_at, Skipped.order_id)
        .limit(most)
    ).all()
    for order_id in rows:
        _try(session, order_id)
    return len(rows)


@write
def settle_order(session: Session, *, order_id: int, by: str) -> bool:
    """The staff have an order tried now that could not be worked out, or was passed over; returns whether it is settled. Raises Gone."""
    if not orders.sold_lines(session, [order_id]):
        raise Gone
    _mark(session)
    settled = _try(session, order_id)
    journal.record(session, by=by, did="settle-order", about="order", about_id=order_id, after={"settled": settled})
    return settled


def _try(session: Session, order_id: int) -> bool:
    try:
        with session.begin_nested():
            _all_of(session, order_id)
    except Exception as trouble:
        if _passes(trouble):
            raise
        log.exception("order %d could still not be settled", order_id)
        _skip(session, order_id, trouble)
        return False
    row = session.get(Skipped, order_id, with_for_update=True, populate_existing=True)
    if row is not None and row.settled_at is None:
        row.settled_at = now(session)
        session.flush()
    return True


def _all_of(session: Session, order_id: int) -> None:
    """Everything that settlement does with an order: its claims, what was taken back of them, and the release of what is due."""
    at = now(session)
    if session.scalars(select(Claim.id).where(Claim.order_id == order_id).limit(1)).first() is None:
        _claim(session, ledger.sales_of(session, [order_id]))
    else:
        look_again(session, [order_id])
    held = [claim for claim in claims_of(session, [order_id])[order_id] if claim.state is ClaimState.HELD]
    for claim in held:
        claim.ask_at = claim.release_at  # It was put off while the order could not be worked out.
    session.flush()
    _release(session, [claim for claim in held if claim.release_at <= at], at)


@dataclass(frozen=True, slots=True)
class SkippedView:
    """An order that could not be worked out; `why` is the program's own word for it."""

    order_id: int
    why: str
    tries: int
    first_at: datetime
    next_at: datetime


def _skipped_view(row: Skipped) -> SkippedView:
    return SkippedView(row.order_id, row.why, row.tries, row.first_at, row.next_at)


@read
def skipped_orders(session: Session, *, offset: int = 0, limit: int = 10) -> list[SkippedView]:
    """The orders that could not be worked out and are not settled yet, the oldest first."""
    question = select(Skipped).where(Skipped.settled_at.is_(None)).order_by(Skipped.first_at, Skipped.order_id)
    return [_skipped_view(row) for row in session.scalars(question.offset(offset).limit(limit))]


@read
def skipped_order(session: Session, order_id: int) -> SkippedView | None:
    """Whether this order could not be worked out so far; None when nothing is wrong with it."""
    row = session.get(Skipped, order_id)
    return None if row is None or row.settled_at is not None else _skipped_view(row)


def _tell_unsettled(session: Session, order_id: int) -> None:
    storefront_id = orders.sold_lines(session, [order_id])[0].storefront_id
    body = {"says": "task", "what": "unsettled", "order": order_id, "count": 1}
    payments.tell_staff(session, storefront_id=storefront_id, body=body, once=f"unsettled:{order_id}")


# Claims


def _claim_each(session: Session, sold: dict[int, int]) -> None:
    """`_claim`, so that an order that cannot be settled is left out."""

    def some(order_ids: Collection[int]) -> int:
        _claim(session, {order_id: sold[order_id] for order_id in order_ids})
        return len(order_ids)

    _each(session, sold, some)


def _claim(session: Session, sold: dict[int, int]) -> None:
    """Claims of these orders, which are given with the transfers that paid them, and at once what was taken back of them since."""
    if not sold:
        return
    lines = orders.sold_lines(session, sold)
    sources = supply.consigned(session, {line.offer_id for line in lines})
    lines_of: dict[int, list[SoldLine]] = defaultdict(list)
    for line in lines:
        lines_of[line.order_id].append(line)
    # Whose goods they were when they were sold is what the sale has booked.
    theirs = {line.order_id for line in lines if line.offer_id in sources}
    credited = ledger.credits_of(session, [sold[order_id] for order_id in theirs])
    drafts = []
    for order_id in sorted(theirs):
        paid_to = credited.get(sold[order_id], {})
        for line, discount in _discounts(lines_of[order_id]):
            source = sources.get(line.offer_id)
            if source is None or (line.unit_cost_minor and source.payable_id not in paid_to):
                continue
            cost = line.unit_cost_minor * line.units
            same = line.cost_currency == line.currency
            drafts.append(
                Draft(
                    order_id,
                    line.seq,
                    0,
                    line.storefront_id,
                    line.cost_currency,
                    source,
                    line.units,
                    # What was bought in one currency and sold in another has no spread in either: its cost is all there is to share.
                    line.unit_price_minor * line.units if same else cost,
                    cost,
                    discount if same else 0,
                    line.issued_at,
                    line.placed_at,
                    line.issued_at,
                    line.exclusive,
                )
            )
    write_claims(session, drafts)
    look_again(session, theirs)


def _discounts(lines: Sequence[SoldLine]) -> Iterable[tuple[SoldLine, int]]:
    """Each line with what of the order's discount it bore: in the order in which the sale booked it."""
    discount = sum(line.unit_price_minor * line.units for line in lines) - lines[0].total_minor
    for line in lines:
        borne = min(discount, line.unit_price_minor * line.units)
        discount -= borne
        yield line, borne


# Release


@write
def release(session: Session, *, most: int = MOST) -> int:
    """Make payable what has been held long enough and nobody questions; returns how many claims were looked at.

    What is frozen – a case about its order, a takedown of its offer, a suspended supplier – stays, and is looked at again later.
    """
    at = now(session)
    rows = session.scalars(
        select(Claim)
        .where(Claim.state == ClaimState.HELD, Claim.ask_at <= at)
        .order_by(Claim.ask_at, Claim.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return 0
    of_order: dict[int, list[Claim]] = defaultdict(list)
    for claim in rows:
        of_order[claim.order_id].append(claim)

    def some(order_ids: Collection[int]) -> int:
        _release(session, [claim for order_id in order_ids for claim in of_order[order_id]], at)
        return len(order_ids)

    _each(session, of_order.keys() - _waiting(session, of_order).keys(), some)
    for order_id, again_at in _waiting(session, of_order).items():
        for claim in of_order[order_id]:
            claim.ask_at = max(again_at, at + ASK_AGAIN)
    session.flush()
    session.expire_all()
    return len(rows)


def _release(session: Session, rows: Sequence[Claim], at: datetime) -> None:
    order_ids = {claim.order_id for claim in rows}
    look_again(session, order_ids)
    questioned = aftersale.complained_about(session, order_ids)
    down = supply.taken_down(session, {claim.offer_id for claim in rows})
    out = supply.suspended(session, {claim.supplier_id for claim in rows})
    together: dict[tuple[int, int, str], list[Claim]] = defaultdict(list)
    for claim in rows:
        if claim.state is not ClaimState.HELD:
            continue
        if claim.order_id in questioned or claim.offer_id in down or claim.supplier_id in out:
            claim.ask_at = at + ASK_AGAIN
        else:
            together[claim.supplier_id, claim.storefront_id, claim.currency].append(claim)
    for (supplier_id, storefront_id, currency), some in sorted(together.items()):
        sums = Amounts(supplier=sum(left_of(claim) for claim in some))
        run = make_run(session, RunKind.RELEASE, supplier_id, storefront_id, currency, sums)
        session.execute(
            update(Claim)
            .where(among(session, Claim.id, [claim.id for claim in some]))
            .values(state=ClaimState.PAYABLE, release_run_id=run.id),
            execution_options={"synchronize_session": False},
        )
        payable, due = accounts.held(session, supplier_id, currency), accounts.due(session, supplier_id, currency)
        post_run(session, run, [(payable, due, sums.supplier)])
    session.flush()


@write
def settle_now(session: Session, *, most: int = MOST) -> int:
    """Everything that settlement has to do and can do in one transaction; returns how much that was."""
    return settle(session, most=most) + take_back(session) + settle_skipped(session) + release(session, most=most)
