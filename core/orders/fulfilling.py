"""Orders whose goods are on their way: their money in escrow, their tasks at sources, and how each of them ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from core import catalog, fulfilment, inventory, journal, ledger, outbox, payments, people, storefronts, supply
from core.catalog import Gone, ProductView
from core.database import micros, now, read, write
from core.fulfilment import TaskView
from core.inventory import Secret
from core.ledger import AccountKind, Leg, TransferKind
from core.orders.drawing import Drawn, draw, lock_as_sale, suitable, way_of
from core.orders.ending import end
from core.orders.holding import hold_back
from core.orders.issue import Terms, due_for, move_money, send, uncount_purchase
from core.orders.numbers import number_of
from core.orders.outside import is_outside, turned
from core.orders.passing import keep_passed
from core.orders.seals import in_question, taken_back
from core.orders.tables import ArrivedCode, Order, OrderLine, OrderState
from core.people import Customer
from core.storefronts import Storefront
from core.supply import Offer

SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of what a source brought: how many codes are the order's now, and how many were refused because they had been in
    the shop before. `late` of them came when nothing was waited for any more, and are kept void.
    """

    taken: int = 0
    refused: int = 0
    late: int = 0


# How it begins


def escrow_of(session: Session, storefront: Storefront, currency: str) -> int:
    """The account that keeps what was paid for what is still on its way."""
    return ledger.open_account(session, party_id=storefront.party_id, kind=AccountKind.ESCROW, currency=currency)


def begin(
    session: Session,
    order: Order,
    *,
    storefront: Storefront,
    customer: Customer,
    product: ProductView,
    terms: Terms,
    offers: Mapping[int, Offer],
    drawn: Drawn,
    sku_id: int,
    fields: Mapping[str, str],
    total_minor: int,
    held: bool,
) -> datetime:
    """The order is paid, and what was not on the shelf is asked for: money into escrow, a task for each source. A part of commands.

    Returns until when all of it is promised. Raises ledger's TooLittle.
    """
    assert drawn.to_come, "what is all there is issued"
    ledger.transfer(
        session,
        key=f"escrow:{order.id}",
        kind=TransferKind.ESCROW,
        party_id=order.buyer_id,
        legs=[Leg(customer.wallet_id, escrow_of(session, storefront, terms.currency), total_minor, terms.currency)],
        subject_id=order.id,
    )
    order.state, order.issued_at, order.total_minor = OrderState.FULFILLING, None, total_minor
    session.flush()
    at = now(session)
    made = [
        _ask(session, order, product, offer, n, terms, fields, at + way_of(product, offer).promise, held, "bought", offer.cost_minor)
        for offer, n in ((offers[offer_id], n) for offer_id, n in drawn.to_come.items())
    ]
    lines = [
        _Group(offer_id, offers[offer_id].cost_minor, offers[offer_id].cost_currency, offers[offer_id].version, n)
        for many in (drawn.taken, drawn.to_come)
        for offer_id, n in many.items()
    ]
    _write_lines(session, order, terms, sku_id, lines, sold_now=True)
    return max(task.due_at for task in made)


def tell_on_its_way(session: Session, order: Order, due_at: datetime) -> None:
    """The buyer hears that what they paid for is on its way, and until when it is promised."""
    body = {"says": "on-its-way", "order": order.id, "due": micros(due_at)}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=order.buyer_id, body=body, once=f"on-its-way:{order.id}")


def _promise_anew(session: Session, order: Order, due_at: datetime) -> None:
    """The date the buyer was told when they paid is none any more."""
    body = {"says": "on-its-way", "order": order.id, "due": micros(due_at)}
    once = f"on-its-way:{order.id}:{micros(due_at)}"
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=order.buyer_id, body=body, once=once)


def _ask(
    session: Session,
    order: Order,
    product: ProductView,
    offer: Offer,
    quantity: int,
    terms: Terms,
    fields: Mapping[str, str],
    due_at: datetime,
    held: bool,
    cause: str,
    cost_minor: int,
) -> TaskView:
    return fulfilment.make(
        session,
        order_id=order.id,
        order_number=number_of(order.id),
        sku_id=offer.sku_id,
        offer_id=offer.id,
        quantity=quantity,
        kind=product.kind,
        lane=way_of(product, offer).lane,
        fields=fields,
        most_cost_minor=_most_cost(session, offer, terms),
        cost_minor=cost_minor,
        cost_currency=offer.cost_currency,
        due_at=due_at,
        held=held,
        ranking_version=offer.version,
        cause=cause,
    )


def _most_cost(session: Session, offer: Offer, terms: Terms) -> int:
    """Above it a unit is not ordered: nobody sells at a loss that was not agreed. Without a rate between the currencies, a tenth more."""
    worth: int | None = terms.unit_minor
    if offer.cost_currency != terms.currency:
        worth = supply.worth_in_cost(session, terms.unit_minor, currency=terms.currency, cost_currency=offer.cost_currency)
    return offer.cost_minor + offer.cost_minor // 10 if worth is None else max(worth, offer.cost_minor)


def _agreed_cost(session: Session, order_id: int, offer: Offer) -> int:
    """Of one supplier's goods all units of an order have the cost at which the first of them were bought, whatever the offer says since."""
    if offer.payable_id is not None:
        line = session.scalars(
            select(OrderLine).where(OrderLine.order_id == order_id, OrderLine.offer_id == offer.id).order_by(OrderLine.seq).limit(1)
        ).one_or_none()
        if line is not None:
            return line.unit_cost_minor
    return offer.cost_minor


# What sources say


@write
def arrived(
    session: Session,
    *,
    task_id: int,
    secrets: Sequence[Secret],
    done: bool,
    cause: str,
    source_ref: str | None = None,
    unit_cost_minor: int | None = None,
) -> Arrival:
    """A source has brought units of a task; `done` says that no more will come of it. Safe to repeat: codes it had brought change nothing.

    A code that entered the shop before is refused and counts as not delivered; the staff are told. What comes when the task is over is
    kept void, and the staff are told. What is still missing when it is done is sought elsewhere, or its money goes back. When all
    tasks are over the sale is booked and the codes are sent. Raises Gone when there is no such task.
    """
    order, task = _locked(session, task_id)
    waits = task.open and order.state is OrderState.FULFILLING
    had = _count_arrived(session, task_id)
    lock_as_sale(session, order_id=order.id, buyer_id=order.buyer_id, sku_id=task.sku_id, offer_ids=[task.offer_id])
    # Before the codes that refer to it: of two that arrive for one offer at once, none then waits for the other.
    supply.lock_offer(session, offer_id=task.offer_id)
    direct = inventory.issue_directly(
        session,
        offer_id=task.offer_id,
        sku_id=task.sku_id,
        order_id=order.id,
        secrets=secrets,
        by=f"task:{task.id}",
        most=task.missing if waits else 0,
    )
    if direct.refused:
        _tell_staff(session, order, task, "codes-refused", direct.refused, once=f"codes-refused:{task.id}:{direct.refused}:{had}")
    if direct.kept:
        fulfilment.note(session, task_id=task.id, cause=f"{len(direct.kept)} more came than were waited for: kept void")
        _tell_staff(session, order, task, "codes-late", len(direct.kept), once=f"codes-late:{task.id}:{direct.kept[0]}")
    if not waits:
        return Arrival(0, direct.refused, len(direct.kept))
    offer = supply.offers(session, [task.offer_id])[0]
    cost = task.cost_minor if offer.payable_id is not None or unit_cost_minor is None else unit_cost_minor
    assert cost is not None, "a task knows what its units cost"
    if direct.taken:
        _note_arrived(session, order, direct.taken, task, task.offer_id, cost, task.cost_currency, task.ranking_version, from_shelf=False)
    if not direct.taken and not done:
        if source_ref is not None and source_ref != task.source_ref:
            fulfilment.came(session, task_id=task.id, count=0, over=False, cause=cause, source_ref=source_ref)
        return Arrival(0, direct.refused, len(direct.kept))
    after = fulfilment.came(
        session, task_id=task.id, count=len(direct.taken), over=done, cause=cause, source_ref=source_ref, cost_minor=cost
    )
    if not after.open:
        _outcome(session, after)
        if after.missing:
            _not_brought(session, after, failed=_its_own_doing(after))
            _elsewhere(session, order, after, cause)
    _go_on(session, order)
    return Arrival(len(direct.taken), direct.refused, len(direct.kept))


@write
def task_failed(session: Session, *, task_id: int, cause: str) -> bool:
    """Nothing (more) will come of a task, known for sure: the next source is asked within the promise, else its money goes back.

    Never while it is unknown. False when it was over already, and nothing was done. Raises Gone when there is no such task.
    """
    order, task = _locked(session, task_id)
    if not task.open:
        return False
    lock_as_sale(session, order_id=order.id, buyer_id=order.buyer_id, sku_id=task.sku_id, offer_ids=[task.offer_id])
    after = fulfilment.fail(session, task_id=task.id, cause=cause)
    _outcome(session, after)
    _not_brought(session, after, failed=_its_own_doing(after))
    _elsewhere(session, order, after, cause)
    _go_on(session, order)
    return True


@write
def fail_forbidden(session: Session, *, most: int = 20) -> int:
    """Of goods that must not be sold any more nothing is asked for that nobody was asked for yet: the next source, or the money back.

    It says nothing about how well a source delivers. Returns how many tasks it ended.
    """
    ended = 0
    for task_id in fulfilment.unasked_forbidden(session, most=most):
        order, task = _locked(session, task_id)
        if not task.open or task.asked_at is not None or task.held or not supply.forbidden(session, [task.offer_id]):
            continue
        lock_as_sale(session, order_id=order.id, buyer_id=order.buyer_id, sku_id=task.sku_id, offer_ids=[task.offer_id])
        after = fulfilment.fail(session, task_id=task.id, cause="its offer must not be sold")
        _not_brought(session, after)
        _elsewhere(session, order, after, "its offer must not be sold")
        _go_on(session, order)
        ended += 1
    return ended


@write
def reversed_later(session: Session, *, task_id: int, units: int, cause: str) -> bool:
    """A source took back so many units in all of what it had delivered: the staff are told, and decide with the buyer.

    False when that was known. The codes stay the buyer's: whether they still work, only the buyer can say. Raises Gone when there is
    no such task.
    """
    order, task = _locked(session, task_id)
    if not fulfilment.reversed_later(session, task_id=task.id, units=units, cause=cause):
        return False
    units = min(units, task.got)
    _tell_staff(session, order, task, "source-reversed", units, once=f"source-reversed:{task.id}:{units}")
    turned(session, order.id)
    return True


def _locked(session: Session, task_id: int) -> tuple[Order, TaskView]:
    """The order first, then its task, as everybody locks them."""
    known = fulfilment.task(session, task_id)
    order = None if known is None else session.get(Order, known.order_id, with_for_update=True, populate_existing=True)
    task = fulfilment.locked(session, task_id)
    if order is None or task is None:
        raise Gone
    return order, task


# How it goes on, and ends


@dataclass(frozen=True, slots=True)
class _Group:
    """So many units of one offer, at one cost, chosen by one ranking: a line of the order."""

    offer_id: int
    cost_minor: int
    cost_currency: str
    version: int | None
    quantity: int


def _note_arrived(
    session: Session,
    order: Order,
    code_ids: Collection[int],
    task: TaskView,
    offer_id: int,
    cost_minor: int,
    cost_currency: str,
    version: int | None,
    *,
    from_shelf: bool,
) -> None:
    session.execute(
        insert(ArrivedCode),
        [
            {
                "order_id": order.id,
                "code_id": code_id,
                "task_id": task.id,
                "from_shelf": from_shelf,
                "offer_id": offer_id,
                "cost_minor": cost_minor,
                "cost_currency": cost_currency,
                "ranking_version": version,
            }
            for code_id in sorted(code_ids)
        ],
    )


def _count_arrived(session: Session, task_id: int) -> int:
    return session.scalar(select(func.count()).select_from(ArrivedCode).where(ArrivedCode.task_id == task_id)) or 0


def _outcome(session: Session, task: TaskView) -> None:
    """What a source made of a task that is over is kept with its offer; one it was never asked for says nothing about it."""
    if not _its_own_doing(task):
        return
    accepted = task.got > 0 or task.source_ref is not None
    delivered = task.got == task.quantity
    assert task.ended_at is not None, "it is over"
    supply.note_outcome(
        session,
        offer_id=task.offer_id,
        reserved=accepted,
        provided=delivered if accepted else None,
        seconds=int((task.ended_at - (task.asked_at or task.made_at)).total_seconds()) if delivered else None,
    )


def _elsewhere(session: Session, order: Order, task: TaskView, cause: str) -> None:
    """What a task did not bring is drawn from other sources while the promise can be kept; what cannot be had is given back."""
    missing = task.missing
    if order.state is not OrderState.FULFILLING or not missing:
        return
    if now(session) < task.due_at:
        missing -= _again(session, order, task)
    if missing:
        _give_back(session, order, task, missing, cause)


def _again(session: Session, order: Order, task: TaskView) -> int:
    """Draw a task's missing units from other sources; returns how many."""
    product, terms = _product(session, task.sku_id), _terms(session, order)
    customer = people.by_id(session, order.buyer_id)
    ranked, country = supply.ranked(session, [task.sku_id]), people.country_of(session, customer.id)
    offers = [
        offer
        for offer in suitable(session, ranked, quantity=task.missing, country=country, currency=terms.currency)
        # A dearer source is asked as long as nothing is lost by it.
        if offer.cost_currency != terms.currency or offer.cost_minor <= max(terms.unit_minor, task.most_cost_minor or 0)
    ]
    asked = {one.offer_id for one in fulfilment.tasks_of(session, order.id)}
    before = {code.id for code in inventory.of_order(session, order.id)}
    drawn = draw(session, order_id=order.id, product=product, offers=offers, quantity=task.missing, not_declared=asked)
    covered = supply.draw_quotas(session, order_id=order.id, units=drawn.units)
    assert covered, "the contracts are locked since it was looked what they cover"
    supply.draw_commitments(session, order_id=order.id, units=drawn.units)
    suited = {offer.id for offer in offers}
    keep_passed(
        session,
        order_id=order.id,
        # One that is too dear for the price this was sold at is no candidate.
        ranked=[offer for offer in ranked if offer.id in suited or offer.id in asked],
        drawn=drawn,
        quantity=task.missing,
        country=country,
        currency=terms.currency,
        asked=asked,
    )
    by_id = {offer.id: offer for offer in offers}
    fresh = [code for code in inventory.of_order(session, order.id) if code.id not in before]
    for offer_id in drawn.taken:
        offer, ids = by_id[offer_id], [code.id for code in fresh if code.offer_id == offer_id]
        cost = _agreed_cost(session, order.id, offer)
        _note_arrived(session, order, ids, task, offer_id, cost, offer.cost_currency, offer.version, from_shelf=True)
    for offer_id, count in drawn.to_come.items():
        cause = f"offer {task.offer_id} did not bring them"
        cost = _agreed_cost(session, order.id, by_id[offer_id])
        _ask(session, order, product, by_id[offer_id], count, terms, task.fields, task.due_at, order.held, cause, cost)
    return drawn.count


def _its_own_doing(task: TaskView) -> bool:
    """Was a source asked for what it has not brought? People of a supplier are, as soon as there is something to do for them."""
    return task.asked_at is not None or task.lane.startswith("supplier:")


def _not_brought(session: Session, task: TaskView, *, failed: bool = False) -> None:
    """What a source was to bring and has not brought may be promised to others, and counts for no quota and no commitment.

    `failed`: it was the source's own doing, which the report of a commitment says.
    """
    supply.give_back_declared(session, offer_id=task.offer_id, quantity=task.missing)
    supply.give_back_quota(session, order_id=task.order_id, returned={task.offer_id: task.missing})
    supply.give_back_commitments(session, order_id=task.order_id, returned={task.offer_id: task.missing}, failed=failed)


def _give_back(session: Session, order: Order, task: TaskView, missing: int, cause: str) -> None:
    """Money of units that will not come leaves the escrow; when nothing is left of the order, it is over."""
    terms, ordered = _terms(session, order), _units(session, order.id)
    customer, storefront = people.by_id(session, order.buyer_id), storefronts.by_id(session, order.storefront_id)
    given = ordered - missing
    assert given >= 0, "no more is missing than was ordered"
    total = due_for(session, order, unit_minor=terms.unit_minor, ordered=ordered, given=given) if given else 0
    back = order.total_minor - total
    ledger.lock(session, customer.wallet_id)
    if back:
        ledger.transfer(
            session,
            key=f"escrow-back:{task.id}",
            kind=TransferKind.ESCROW,
            party_id=order.buyer_id,
            legs=[Leg(escrow_of(session, storefront, order.currency), customer.wallet_id, back, order.currency)],
            subject_id=order.id,
        )
    paid, kept = payments.paid_for(session, order_id=order.id), 0
    if paid is not None and back:
        # What the payer has from the provider already is not given twice.
        kept = payments.regain(session, intent_id=paid[0].id, most_minor=back, once=f"escrow-back:{task.id}")
    uncount_purchase(session, buyer_id=order.buyer_id, sku_id=task.sku_id, quantity=missing)
    if given:
        order.short_by, order.total_minor = (order.short_by or 0) + missing, total
        session.flush()
    else:
        end(session, order, OrderState.CANCELLED, cause[:200])
    body = {"order": order.id, "missing": missing, "amount_minor": back - kept, "currency": order.currency}
    if kept:
        body["kept_minor"] = kept
    says = "less-came" if given else "not-coming"
    outbox.post(
        session, topic=outbox.Topic.NOTICE, customer_id=order.buyer_id, body={"says": says, **body}, once=f"{says}:{order.id}:{task.id}"
    )


def _go_on(session: Session, order: Order) -> None:
    """Bring the lines in step with what is there and what is still to come; when nothing is, the sale is booked and sent."""
    if order.state is not OrderState.FULFILLING:
        return
    session.flush()
    tasks = fulfilment.tasks_of(session, order.id)
    terms, sku_id = _terms(session, order), tasks[0].sku_id
    groups = _groups(session, order, tasks)
    _write_lines(session, order, terms, sku_id, groups)
    if any(task.open for task in tasks):
        return
    _finish(session, order, terms, groups)


def _finish(session: Session, order: Order, terms: Terms, groups: Sequence[_Group]) -> None:
    storefront = storefronts.by_id(session, order.storefront_id)
    taken: dict[int, int] = {}
    for group in groups:
        taken[group.offer_id] = taken.get(group.offer_id, 0) + group.quantity
    # Of one supplier's goods all units have one cost; of the shop's own it is booked with the line alone.
    cost = {group.offer_id: group.cost_minor for group in reversed(groups)}
    offers = {offer.id: replace(offer, cost_minor=cost[offer.id]) for offer in supply.offers(session, list(taken))}
    move_money(
        session,
        order_id=order.id,
        storefront=storefront,
        buyer_id=order.buyer_id,
        wallet_id=escrow_of(session, storefront, order.currency),
        terms=terms,
        offers=offers,
        taken=taken,
        total_minor=order.total_minor,
    )
    order.state, order.issued_at = OrderState.ISSUED, now(session)
    session.flush()
    turned(session, order.id)
    if order.held:
        return  # The staff have it already.
    if taken_back(session, order.id) or in_question(session, order.id):
        hold_back(session, order_id=order.id, why="returned" if taken_back(session, order.id) else "disputed")
    elif supply.forbidden(session, taken):
        hold_back(session, order_id=order.id)  # It was asked for before its offer was stopped, and may be bad.
    elif not is_outside(session, order.id):
        send(session, order_id=order.id, buyer_id=order.buyer_id)


def _groups(session: Session, order: Order, tasks: Sequence[TaskView]) -> list[_Group]:
    """What the order has and waits for, by offer, cost and ranking; what its first purchase took from shelves stands first.

    A supplier's goods are one line, whatever was ranked anew between its units: a line is what becomes a claim.
    """
    came = {row.code_id: row for row in session.scalars(select(ArrivedCode).where(ArrivedCode.order_id == order.id))}
    first = {line.offer_id: line for line in reversed(_lines(session, order.id))}
    codes = inventory.of_order(session, order.id)
    ids = {code.offer_id for code in codes} | {row.offer_id for row in came.values()} | {task.offer_id for task in tasks}
    theirs = {offer.id for offer in supply.offers(session, sorted(ids)) if offer.payable_id is not None}
    counted: dict[tuple[int, int, str, int | None], int] = {}
    versions: dict[int, int | None] = {}

    def add(offer_id: int, cost: int, currency: str, version: int | None, n: int = 1) -> None:
        if offer_id in theirs:
            version = versions.setdefault(offer_id, version)
        counted[offer_id, cost, currency, version] = counted.get((offer_id, cost, currency, version), 0) + n

    for code in codes:
        if code.id not in came:
            line = first[code.offer_id]
            add(code.offer_id, line.unit_cost_minor, line.cost_currency, line.ranking_version)
    for row in came.values():
        add(row.offer_id, row.cost_minor, row.cost_currency, row.ranking_version)
    for task in tasks:
        if task.open and task.missing:
            add(task.offer_id, task.cost_minor or 0, task.cost_currency, task.ranking_version, task.missing)
    return [_Group(*key, n) for key, n in counted.items()]


def _write_lines(session: Session, order: Order, terms: Terms, sku_id: int, groups: Sequence[_Group], *, sold_now: bool = False) -> None:
    # What was exclusive when the order first drew of it stays so. Before it is sold it may have a line all the same, which waits for money.
    exclusive = {} if sold_now else {line.offer_id: line.exclusive for line in _lines(session, order.id)}
    at, new = now(session), {group.offer_id for group in groups} - exclusive.keys()
    exclusive |= {offer.id: offer.exclusive(at) for offer in supply.offers(session, new)} if new else {}
    session.execute(delete(OrderLine).where(OrderLine.order_id == order.id), execution_options={"synchronize_session": "fetch"})
    session.execute(
        insert(OrderLine),
        [
            {
                "order_id": order.id,
                "seq": seq,
                "sku_id": sku_id,
                "offer_id": group.offer_id,
                "price_id": terms.price_id,
                "quantity": group.quantity,
                "unit_price_minor": terms.unit_minor,
                "unit_cost_minor": group.cost_minor,
                "cost_currency": group.cost_currency,
                "ranking_version": group.version,
                "exclusive": exclusive[group.offer_id],
            }
            for seq, group in enumerate(groups, 1)
        ],
    )


def _lines(session: Session, order_id: int) -> Sequence[OrderLine]:
    return session.scalars(select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.seq)).all()


def _units(session: Session, order_id: int) -> int:
    return int(session.scalar(select(func.sum(OrderLine.quantity)).where(OrderLine.order_id == order_id)) or 0)


def _terms(session: Session, order: Order) -> Terms:
    line = _lines(session, order.id)[0]
    return Terms(line.price_id, line.unit_price_minor, order.currency)


def _product(session: Session, sku_id: int) -> ProductView:
    sku = catalog.sku(session, sku_id)
    product = None if sku is None else catalog.product(session, sku.product_id)
    assert product is not None, "what was sold is never deleted"
    return product


def _tell_staff(session: Session, order: Order, task: TaskView, what: str, count: int, *, once: str) -> None:
    body = {"says": "task", "what": what, "task": task.id, "order": order.id, "count": count}
    payments.tell_staff(session, storefront_id=order.storefront_id, body=body, once=once)


# What people decide


@write
def call_off(session: Session, *, order_id: int, by: str, reason: str) -> int:
    """Nobody is asked any more for what nobody was asked for yet: its money goes back. Returns how many units that was.

    What a source was asked for may have been bought: it is waited for, and can be refunded when it is there. When nothing at all was
    asked for, codes from the shelf go back to it and the order is over. Raises Gone.
    """
    order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None:
        raise Gone
    if order.state is not OrderState.FULFILLING:
        return 0
    called = _call_off(session, order, f"called off by {by}: {reason}"[:300])
    if called:
        journal.record(session, by=by, did="call-off", about="order", about_id=order_id, after={"units": called, "reason": reason[:500]})
    return called


def _call_off(session: Session, order: Order, cause: str) -> int:
    tasks = [fulfilment.locked(session, task.id) for task in fulfilment.tasks_of(session, order.id) if task.open]
    unasked = [task for task in tasks if task is not None and task.open and task.asked_at is None]
    whole = len(unasked) == len(tasks) and not _anything_arrived(session, order.id)
    called = 0
    if unasked:
        touched = {task.offer_id for task in unasked} | {code.offer_id for code in inventory.of_order(session, order.id)}
        lock_as_sale(session, order_id=order.id, buyer_id=order.buyer_id, sku_id=unasked[0].sku_id, offer_ids=touched)
    for task in unasked:
        fulfilment.fail(session, task_id=task.id, cause=cause)
        _not_brought(session, task)
        if not whole:
            called += task.missing
            _give_back(session, order, task, task.missing, cause)
            _go_on(session, order)
    if whole and unasked:
        called = _units(session, order.id)
        # Nobody can have seen what came from the shelf.
        shelved = Counter(code.offer_id for code in inventory.of_order(session, order.id))
        supply.give_back_quota(session, order_id=order.id, returned=shelved)
        supply.give_back_commitments(session, order_id=order.id, returned=shelved)
        inventory.put_back(session, order_id=order.id)
        _give_back(session, order, unasked[-1], called, cause)
    return called


def _anything_arrived(session: Session, order_id: int) -> bool:
    return session.scalar(select(ArrivedCode.code_id).where(ArrivedCode.order_id == order_id).limit(1)) is not None


@write
def keep_promises(session: Session, *, most: int = 50) -> int:
    """Tasks whose promise is over: what nobody was asked for is given back; of the rest buyer and staff are told, once. Returns how many.

    A source that was asked may have it: it goes on being asked, and nothing is given back before it is known.
    """
    found = 0
    for _, task_id in fulfilment.late(session, most=most):
        order, task = _locked(session, task_id)
        if not task.open or task.due_at > now(session):
            continue
        found += 1
        if task.asked_at is None and not task.held:
            lock_as_sale(session, order_id=order.id, buyer_id=order.buyer_id, sku_id=task.sku_id, offer_ids=[task.offer_id])
            fulfilment.fail(session, task_id=task.id, cause="nobody took it on in time")
            _not_brought(session, task, failed=_its_own_doing(task))
            _outcome(session, replace(task, ended_at=now(session)))
            _elsewhere(session, order, task, "it did not come in time")
            _go_on(session, order)
        elif fulfilment.told_late(session, task_id=task.id):
            body = {"says": "still-coming", "order": order.id, "due": None}
            outbox.post(
                session, topic=outbox.Topic.NOTICE, customer_id=order.buyer_id, body=body, once=f"still-coming:{order.id}:{task.id}"
            )
            _tell_staff(session, order, task, "late", task.missing, once=f"task-late:{task.id}")
    return found


@write
def ask_again(session: Session, *, task_id: int, by: str) -> bool:
    """A member of the staff wants its source asked now. False when it is over. Raises Gone."""
    order, task = _locked(session, task_id)
    if not fulfilment.look_now(session, task_id=task.id, cause=f"{by} wants it asked now"):
        return False
    journal.record(session, by=by, did="ask-task", about="order", about_id=order.id, after={"task": task.id})
    return True


@write
def decide_failed(session: Session, *, task_id: int, by: str) -> bool:
    """A member of the staff knows that nothing will come of a task, also of one that is unknown. False when it is over. Raises Gone."""
    order, task = _locked(session, task_id)
    if not task_failed(session, task_id=task_id, cause=f"{by} says that nothing will come"):
        return False
    after = {"task": task.id, "missing": task.missing}
    journal.record(session, by=by, did="fail-task", about="order", about_id=order.id, before={"state": task.state.value}, after=after)
    return True


@write
def decide_arrived(session: Session, *, task_id: int, secrets: Sequence[Secret], by: str) -> Arrival:
    """A member of the staff has the codes that a task was to bring, all or some. Raises Gone."""
    order, task = _locked(session, task_id)
    found = arrived(session, task_id=task_id, secrets=secrets, done=False, cause=f"{by} brought them")
    if found.taken or found.refused or found.late:
        after = {"task": task.id, "taken": found.taken, "refused": found.refused, "late": found.late}
        journal.record(session, by=by, did="bring-task", about="order", about_id=order.id, before={"got": task.got}, after=after)
    return found


@read
def on_its_way(session: Session, order_id: int) -> list[TaskView]:
    """What is and was on its way for an order, in the order it was asked for."""
    return fulfilment.tasks_of(session, order_id)


def let_go(session: Session, order: Order) -> None:
    """The staff have looked at an order: what it still wants is asked for, and promised anew from now on. A part of commands."""
    tasks = [task for task in fulfilment.tasks_of(session, order.id) if task.open]
    offers = {offer.id: offer for offer in supply.offers(session, sorted({task.offer_id for task in tasks}))}
    due = {task.id: now(session) + way_of(_product(session, task.sku_id), offers[task.offer_id]).promise for task in tasks}
    fulfilment.hold(session, order_id=order.id, held=False, due=due)
    if due:
        _promise_anew(session, order, max(due.values()))
