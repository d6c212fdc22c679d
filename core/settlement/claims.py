"""From sold to payable: each sale of consigned goods becomes a claim, is taken back with its refunds, and released after the warranty.

The sale itself has credited the supplier with the cost and the shop's sales with the rest. A run posts what is left to share, in one
transfer for each supplier: sales to revenue by its labels, and between sales and the supplier. No sale waits for any of this.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core import aftersale, catalog, fulfilment, journal, ledger, orders, payments, standing, supply
from core.aftersale import Replaced
from core.catalog import Gone, ProductKind, ProductView, TermsUntil
from core.database import among, insert_new, now, read, write
from core.ledger import TransferKind
from core.orders import CodeFate, SoldLine
from core.settlement import accounts
from core.settlement.accounts import Amounts
from core.settlement.contracts import Agreed
from core.settlement.split import Commission, FixedCost, Label, Parts, Sale, Terms, form_of, of_units, parts, window_of
from core.settlement.tables import Claim, ClaimState, Mark, Reversal, Run, RunKind, Skipped
from core.supply import Consigned, SupplierView

# A transfer whose number lies below another's may be committed later; none takes longer than the databases' time-outs allow.
SETTLED_AFTER = timedelta(minutes=10)
LOOK_BACK = timedelta(minutes=20)  # at refunds and replacements, again
ASK_AGAIN = timedelta(minutes=30)  # about money that is frozen
AGAIN_FIRST, AGAIN_LONGEST = timedelta(minutes=10), timedelta(days=1)  # after which an order that could not be worked out is tried again
MOST = 1000
_TOGETHER = timedelta(hours=1)

log = logging.getLogger(__name__)


@read
def hold_days(session: Session, supplier: SupplierView) -> int:
    """For how many days after the sale a supplier's money is held at least: their own number, else their standing's."""
    return supplier.hold_days if supplier.hold_days is not None else standing.rights(session, supplier.standing).hold_days


@dataclass(slots=True)
class _Draft:
    """A claim to be: of a line, or of a code that came in another's place."""

    order_id: int
    seq: int
    code_id: int
    storefront_id: int
    currency: str
    source: Consigned
    units: int
    price_minor: int
    cost_minor: int
    discount_minor: int
    sold_at: datetime
    placed_at: datetime  # of its order,
    issued_at: datetime  # and its issue: what stood between them was promised


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
    units, _ = _each(session, touched, lambda order_ids: _look_again(session, order_ids))
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
        _look_again(session, [order_id])
    held = [claim for claim in _claims_of(session, [order_id])[order_id] if claim.state is ClaimState.HELD]
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
                _Draft(
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
                )
            )
    _write(session, drafts)
    _look_again(session, theirs)


def _discounts(lines: Sequence[SoldLine]) -> Iterable[tuple[SoldLine, int]]:
    """Each line with what of the order's discount it bore: in the order in which the sale booked it."""
    discount = sum(line.unit_price_minor * line.units for line in lines) - lines[0].total_minor
    for line in lines:
        borne = min(discount, line.unit_price_minor * line.units)
        discount -= borne
        yield line, borne


@dataclass(slots=True)
class _Setting:
    """What has to be known about products and suppliers to write claims, asked once each."""

    session: Session
    agreed: Agreed
    suppliers: dict[int, SupplierView] = field(default_factory=dict)
    goods: dict[int, ProductView] = field(default_factory=dict)
    hours: dict[tuple[int, int], int] = field(default_factory=dict)
    earlier: dict[int, tuple[datetime, list[TermsUntil]]] = field(default_factory=dict)

    def hold(self, draft: _Draft) -> timedelta:
        supplier_id = draft.source.supplier_id
        if supplier_id not in self.suppliers:
            found = supply.supplier(self.session, supplier_id)
            assert found is not None, "an offer has its supplier"
            self.suppliers[supplier_id] = found
        product_id = self.good(draft.source.sku_id).id
        hours = draft.source.warranty_hours
        if hours is None:
            key = draft.storefront_id, product_id
            if key not in self.hours:
                self.hours[key] = aftersale.usual_warranty(self.session, storefront_id=draft.storefront_id, product_id=product_id)
            hours = self.hours[key]
        hours = max(hours, self.promised(draft))
        return max(timedelta(hours=hours), timedelta(days=hold_days(self.session, self.suppliers[supplier_id])))

    def promised(self, draft: _Draft) -> int:
        """For how many hours its kind promises that it stays good, by the terms on which it was sold."""
        product = self.good(draft.source.sku_id)
        since = fulfilment.first_looked_at(draft.placed_at)
        known = self.earlier.get(product.id)
        if known is None or since < known[0]:
            # Most products have kept their terms, and what is settled together was sold at about the same time.
            since -= _TOGETHER
            known = self.earlier[product.id] = since, catalog.earlier_terms(self.session, product.id, since=since)
        return fulfilment.promised_for(product, known[1], placed_at=draft.placed_at, issued_at=draft.issued_at)

    def good(self, sku_id: int) -> ProductView:
        """The product that this denomination is of."""
        if sku_id not in self.goods:
            sku = catalog.sku(self.session, sku_id)
            product = None if sku is None else catalog.product(self.session, sku.product_id)
            assert product is not None, "what was sold is never deleted"
            self.goods[sku_id] = product
        return self.goods[sku_id]


def _write(session: Session, drafts: Sequence[_Draft]) -> None:
    """Claims of these, one run for each supplier, storefront and currency, and its transfer."""
    setting = _Setting(session, Agreed(session, {draft.source.supplier_id for draft in drafts})) if drafts else None
    together: dict[tuple[int, int, str], list[_Draft]] = defaultdict(list)
    for draft in drafts:
        together[draft.source.supplier_id, draft.storefront_id, draft.currency].append(draft)
    for (supplier_id, storefront_id, currency), some in sorted(together.items()):
        assert setting is not None
        shared = [(draft, *_shared(setting, draft)) for draft in some]
        sums = Amounts()
        for draft, _, _, made in shared:
            _add(sums, made, draft.cost_minor)
        run = _run(session, RunKind.SETTLE, supplier_id, storefront_id, currency, sums)
        session.execute(
            insert(Claim), [_row(setting, draft, contract_id, terms, made, run.id) for draft, contract_id, terms, made in shared]
        )
        till = accounts.sales(session, storefront_id, currency)
        payable = accounts.held(session, supplier_id, currency)
        moves = [(till, accounts.revenue(session, storefront_id, label, currency), sums.shop[label]) for label in Label if sums.shop[label]]
        moves.append((till, payable, sums.supplier - sums.cost))
        _post(session, run, moves)


def _shared(setting: _Setting, draft: _Draft) -> tuple[int | None, Terms, Parts]:
    contract = setting.agreed.of(draft.source.supplier_id, draft.source.offer_id, draft.sold_at)
    terms: Terms = FixedCost() if contract is None else contract.terms
    product = setting.good(draft.source.sku_id)
    until = draft.source.exclusive_until
    sale = Sale(
        units=draft.units,
        price_minor=draft.price_minor,
        cost_minor=draft.cost_minor,
        discount_minor=draft.discount_minor,
        category_id=product.category_id,
        exclusive=until is not None and draft.sold_at < until,
        custom=product.kind == ProductKind.SERVICE,
    )
    return None if contract is None else contract.id, terms, parts(sale, terms)


def _row(setting: _Setting, draft: _Draft, contract_id: int | None, terms: Terms, made: Parts, run_id: int) -> dict[str, object]:
    release_at = draft.sold_at + setting.hold(draft)
    starts, ends, bucket = None, None, None
    if isinstance(terms, Commission):
        (starts, ends), bucket = window_of(terms, draft.sold_at), terms.bucket(setting.good(draft.source.sku_id).category_id)
    return {
        "order_id": draft.order_id,
        "seq": draft.seq,
        "code_id": draft.code_id,
        "offer_id": draft.source.offer_id,
        "supplier_id": draft.source.supplier_id,
        "storefront_id": draft.storefront_id,
        "contract_id": contract_id,
        "form": form_of(terms),
        "units": draft.units,
        "currency": draft.currency,
        "price_minor": draft.price_minor,
        "cost_minor": draft.cost_minor,
        "supplier_minor": made.supplier_minor,
        **{f"{label}_minor": made.shop[label] for label in Label},
        "reversed_units": 0,
        "state": ClaimState.HELD,
        "sold_at": draft.sold_at,
        "release_at": release_at,
        "ask_at": release_at,
        "run_id": run_id,
        "release_run_id": None,
        "bucket": bucket,
        "window_starts_at": starts,
        "window_ends_at": ends,
        "counted": False,
    }


def _add(sums: Amounts, made: Parts, cost_minor: int) -> None:
    sums.supplier += made.supplier_minor
    sums.cost += cost_minor
    for label in Label:
        sums.shop[label] += made.shop[label]


def _run(session: Session, kind: RunKind, supplier_id: int, storefront_id: int, currency: str, sums: Amounts) -> Run:
    run = Run(
        kind=kind,
        supplier_id=supplier_id,
        storefront_id=storefront_id,
        currency=currency,
        supplier_minor=sums.supplier,
        cost_minor=sums.cost,
        spread_minor=sums.shop[Label.SPREAD],
        commission_minor=sums.shop[Label.COMMISSION],
        service_minor=sums.shop[Label.SERVICE],
        discounts_minor=sums.shop[Label.DISCOUNTS],
        at=now(session),
    )
    session.add(run)
    session.flush()
    return run


def _post(session: Session, run: Run, moves: list[tuple[int, int, int]]) -> None:
    accounts.post(
        session,
        key=f"{run.kind.value}:{run.id}",
        storefront_id=run.storefront_id,
        subject_id=run.id,
        moved=accounts.legs(moves, run.currency),
    )


# Refunds, and codes that another supplier's replaced


def whole_of(claim: Claim) -> Parts:
    """The parts of all of a claim's units."""
    shop = {
        Label.SPREAD: claim.spread_minor,
        Label.COMMISSION: claim.commission_minor,
        Label.SERVICE: claim.service_minor,
        Label.DISCOUNTS: claim.discounts_minor,
    }
    return Parts(claim.supplier_minor, shop)


class _Roots:
    """To which claim each code of an order belongs: its line's, or one of its own when another supplier's code came in its place."""

    def __init__(
        self,
        claims: Sequence[Claim],
        came: Sequence[CodeFate],
        replaced: Sequence[Replaced],
        sources: dict[int, Consigned],
    ) -> None:
        # Several lines may be of one offer: which of them a code is of is known by its cost, where it is known at all.
        self.of_line: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            if not claim.code_id:
                self.of_line[claim.offer_id].append(claim)
        self.of_code = {claim.code_id: claim for claim in claims if claim.code_id}
        self.came = {code.code_id: code for code in came}
        self.old_of = {one.new_code_id: one for one in replaced}
        self.sources = sources

    def payable(self, code_id: int, offer_id: int | None) -> int | None:
        """Whose account was credited with this code."""
        if code_id in self.came:
            return self.came[code_id].payable_id
        known = offer_id is not None and offer_id in self.of_line and offer_id in self.sources
        return self.sources[offer_id].payable_id if known and offer_id is not None else None

    def before(self, code_id: int, offers: dict[int, int]) -> int | None:
        """Whose account had been credited with the code that this one replaced."""
        old = self.old_of[code_id].old_code_id
        return self.payable(old, offers.get(old))

    def moved(self, code_id: int, offers: dict[int, int]) -> bool:
        """Did money move from one supplier to another, or to or from the shop, when this code came?"""
        return self.came[code_id].payable_id is None or self.came[code_id].payable_id != self.before(code_id, offers)

    def claims(self, code_id: int, offer_id: int | None, offers: dict[int, int]) -> list[Claim]:
        """The claim of a code, or those it may be of; who brings a good code for a bad one of their own is paid by the same claim."""
        while code_id in self.came and code_id in self.old_of:
            if self.moved(code_id, offers):
                return [self.of_code[code_id]] if code_id in self.of_code else []
            code_id = self.old_of[code_id].old_code_id
            offer_id = offers.get(code_id)
        return [] if offer_id is None else self.of_line.get(offer_id, [])


def _look_again(session: Session, order_ids: Collection[int]) -> int:
    """Reverse, of the claims of these orders, the units that are gone and were not reversed; returns how many.

    It goes by what is so, not by what has happened: looking twice changes nothing.
    """
    gone = _by_order(orders.refunded_codes_of(session, order_ids))
    came = _by_order(orders.exchanged_codes_of(session, order_ids))
    touched = sorted(gone.keys() | came.keys())
    if not touched:
        return 0
    lines: dict[int, list[SoldLine]] = defaultdict(list)
    for line in orders.sold_lines(session, touched):
        lines[line.order_id].append(line)
    replaced: dict[int, list[Replaced]] = defaultdict(list)
    for one in aftersale.replaced_codes(session, touched):
        replaced[one.order_id].append(one)
    offers = {code.offer_id for order in (gone, came) for codes in order.values() for code in codes}
    sources = supply.consigned(session, offers | {line.offer_id for some in lines.values() for line in some})
    claims = _claims_of(session, touched)
    drafts = []
    for order_id in touched:
        drafts += _standing_in(_Roots(claims[order_id], came[order_id], replaced[order_id], sources), lines[order_id], gone[order_id])
    if drafts:
        _write(session, drafts)
        claims = _claims_of(session, touched)
    back: dict[int, int] = {}
    by_id = {claim.id: claim for some in claims.values() for claim in some}
    for order_id in touched:
        roots = _Roots(claims[order_id], came[order_id], replaced[order_id], sources)
        back.update(_gone_of(roots, lines[order_id], gone[order_id]))
    return _reverse(session, [(by_id[claim_id], units - by_id[claim_id].reversed_units) for claim_id, units in sorted(back.items())])


def _by_order(codes: Iterable[CodeFate]) -> dict[int, list[CodeFate]]:
    found: dict[int, list[CodeFate]] = defaultdict(list)
    for code in codes:
        found[code.order_id].append(code)
    return found


def _claims_of(session: Session, order_ids: Collection[int]) -> dict[int, list[Claim]]:
    found: dict[int, list[Claim]] = defaultdict(list)
    rows = session.scalars(
        select(Claim)
        .where(among(session, Claim.order_id, order_ids))
        .order_by(Claim.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for claim in rows:
        found[claim.order_id].append(claim)
    return found


def _offers(roots: _Roots, lines: Sequence[SoldLine], gone: Sequence[CodeFate]) -> dict[int, int]:
    """Which offer each code is of that was refunded, replaced, or came in another's place."""
    known = {code.code_id: code.offer_id for code in (*gone, *roots.came.values())}
    for one in roots.old_of.values():
        known.setdefault(one.old_code_id, one.old_offer_id)
    return known


def _standing_in(roots: _Roots, lines: Sequence[SoldLine], gone: Sequence[CodeFate]) -> list[_Draft]:
    """Claims, not made yet, of codes that came from another supplier than the bad one's."""
    offers, drafts = _offers(roots, lines, gone), []
    units = sum(line.units for line in lines)
    for code_id, code in sorted(roots.came.items()):
        source = roots.sources.get(code.offer_id)
        if source is None or code.payable_id is None or code_id in roots.of_code or code_id not in roots.old_of:
            continue
        if not roots.moved(code_id, offers):
            continue
        one = lines[0]
        same = code.cost_currency == one.currency
        discount = (sum(line.unit_price_minor * line.units for line in lines) - one.total_minor) // units if same else 0
        price = one.unit_price_minor if same else code.cost_minor
        drafts.append(
            _Draft(
                code.order_id,
                0,
                code_id,
                one.storefront_id,
                code.cost_currency,
                source,
                1,
                price,
                code.cost_minor,
                discount,
                roots.old_of[code_id].at,
                one.placed_at,
                one.issued_at,
            )
        )
    return drafts


def _gone_of(roots: _Roots, lines: Sequence[SoldLine], gone: Sequence[CodeFate]) -> dict[int, int]:
    """How many units of each claim were refunded, or are another supplier's money now."""
    offers = _offers(roots, lines, gone)
    units = [(roots.claims(code.code_id, code.offer_id, offers), code.cost_minor) for code in gone]
    for code_id in roots.came:
        if code_id in roots.old_of and roots.moved(code_id, offers):
            old = roots.old_of[code_id].old_code_id
            units.append((roots.claims(old, offers.get(old), offers), -1))
    found: dict[int, int] = defaultdict(int)
    left = []
    for claims, cost_minor in units:
        own = [claim for claim in claims if claim.cost_minor == cost_minor * claim.units and found[claim.id] < claim.units]
        if own:
            found[own[0].id] += 1
        elif claims:
            left.append(claims)
    for claims in left:
        room = [claim for claim in claims if found[claim.id] < claim.units]
        assert room, "no more units are gone than were claimed"
        found[room[0].id] += 1
    return found


def _reverse(session: Session, back: Iterable[tuple[Claim, int]]) -> int:
    """Take so many more units of each of these claims back."""
    at, done = now(session), 0
    together: dict[tuple[int, int, str, bool], list[tuple[Claim, int]]] = defaultdict(list)
    for claim, units in back:
        if units > 0:
            together[claim.supplier_id, claim.storefront_id, claim.currency, claim.release_run_id is not None].append((claim, units))
    for (supplier_id, storefront_id, currency, released), some in sorted(together.items()):
        sums, rows = Amounts(), []
        for claim, units in some:
            gone = of_units(whole_of(claim), claim.units, before=claim.reversed_units, count=units)
            cost = claim.cost_minor // claim.units * units
            _add(sums, gone, cost)
            rows.append(
                {
                    "claim_id": claim.id,
                    "supplier_id": supplier_id,
                    "currency": currency,
                    "before": claim.reversed_units,
                    "units": units,
                    "released": released,
                    "cost_minor": cost,
                    "supplier_minor": gone.supplier_minor,
                    **{f"{label}_minor": gone.shop[label] for label in Label},
                    "at": at,
                }
            )
            claim.reversed_units += units
            claim.counted = False
            if claim.reversed_units == claim.units:
                claim.state = ClaimState.REVERSED
            done += units
        run = _run(session, RunKind.REVERSE, supplier_id, storefront_id, currency, sums)
        session.execute(insert(Reversal), [{**row, "run_id": run.id} for row in rows])
        till = accounts.sales(session, storefront_id, currency)
        payable = accounts.held(session, supplier_id, currency)
        moves = [(accounts.revenue(session, storefront_id, label, currency), till, sums.shop[label]) for label in Label if sums.shop[label]]
        if released:
            # The refund took the cost from what is held, where it is no more: it is made good from what is due.
            moves.append((accounts.due(session, supplier_id, currency), payable, sums.supplier))
        moves.append((payable, till, sums.supplier - sums.cost))
        _post(session, run, moves)
    session.flush()
    return done


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
    _look_again(session, order_ids)
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
        run = _run(session, RunKind.RELEASE, supplier_id, storefront_id, currency, sums)
        session.execute(
            update(Claim)
            .where(among(session, Claim.id, [claim.id for claim in some]))
            .values(state=ClaimState.PAYABLE, release_run_id=run.id),
            execution_options={"synchronize_session": False},
        )
        payable, due = accounts.held(session, supplier_id, currency), accounts.due(session, supplier_id, currency)
        _post(session, run, [(payable, due, sums.supplier)])
    session.flush()


def left_of(claim: Claim) -> int:
    """What of a claim the supplier still has."""
    whole = whole_of(claim)
    return claim.supplier_minor - of_units(whole, claim.units, before=0, count=claim.reversed_units).supplier_minor


@write
def settle_now(session: Session, *, most: int = MOST) -> int:
    """Everything that settlement has to do and can do in one transaction; returns how much that was."""
    return settle(session, most=most) + take_back(session) + settle_skipped(session) + release(session, most=most)
