"""From sold to taken: each sale of a reseller's storefront leaves them a margin, which is held, taken back with refunds, released, and
moved into their wallet when they ask for it. No sale waits for any of this.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import aftersale, ledger, orders, payments, people, storefronts
from core.brands.queries import DUE
from core.brands.refusals import NothingToTake
from core.brands.rules import HELD, taken_back
from core.brands.tables import Brand, Margin, MarginMark, MarginState
from core.database import among, insert_new, now, write
from core.ledger import AccountKind, Leg, TransferKind
from core.orders import BrandedSale

SETTLED_AFTER = timedelta(minutes=10)  # numbers are given out before transactions commit; none takes longer than the time-outs allow
LOOK_BACK = timedelta(minutes=20)  # at refunds, again
ASK_AGAIN = timedelta(minutes=30)  # about an order with a complaint
LOOK_AT_MONEY_AGAIN = timedelta(hours=6)  # of a buyer who paid by a way that can be undone
MOST = 1000


def _mark(session: Session) -> MarginMark:
    """How far it was looked, locked."""
    begun = {"id": 1, "looked_id": 0, "swept_id": 0, "reversed_at": now(session)}
    session.execute(insert_new(session, MarginMark).values(**begun))
    return session.scalars(select(MarginMark).where(MarginMark.id == 1).with_for_update().execution_options(populate_existing=True)).one()


@write
def earn(session: Session, *, most: int = MOST) -> int:
    """Write down the margins of the next sales that nobody has looked at; returns how many sales were looked at.

    New sales come first; behind them all are looked at a second time, when nothing can appear among them any more.
    """
    mark = _mark(session)
    fresh = ledger.booked_after(session, kind=TransferKind.SALE, after=mark.looked_id, most=most)
    if fresh:
        _earn(session, [booked.subject_id for booked in fresh])
        mark.looked_id = fresh[-1].transfer_id
        return len(fresh)
    settled_before, old = now(session) - SETTLED_AFTER, []
    for booked in ledger.booked_after(session, kind=TransferKind.SALE, after=mark.swept_id, upto=mark.looked_id, most=most):
        if booked.at >= settled_before:
            break
        old.append(booked)
    if not old:
        return 0
    _earn(session, [booked.subject_id for booked in old])
    mark.swept_id = old[-1].transfer_id
    return len(old)


def _earn(session: Session, order_ids: Collection[int]) -> None:
    sold = orders.branded_sales(session, order_ids)
    known = set(session.scalars(select(Margin.order_id).where(among(session, Margin.order_id, [sale.order_id for sale in sold]))))
    fronts = {sale.storefront_id for sale in sold}
    brand_of = {row.storefront_id: row for row in session.scalars(select(Brand).where(Brand.storefront_id.in_(fronts)))}
    for sale in sold:
        if sale.order_id in known:
            continue
        brand = brand_of[sale.storefront_id]
        margin = Margin(
            order_id=sale.order_id,
            brand_id=brand.id,
            sold_minor=sale.sold_minor,
            house_minor=sale.house_minor,
            margin_minor=sale.sold_minor - sale.house_minor,
            taken_minor=0,
            lost_minor=0,
            currency=sale.currency,
            state=MarginState.HELD,
            sold_at=sale.issued_at,
            release_at=sale.issued_at + HELD,
        )
        session.add(margin)
        _move(session, brand, margin, f"margin:{sale.order_id}", _sales(session, brand), _held(session, brand, margin), margin.margin_minor)
    session.flush()
    _take_back(session, sold, orders.lost_of_branded(session, {sale.buyer_id for sale in sold}))


@write
def take_back(session: Session) -> int:
    """Reverse the margins of what was refunded, or lost with its payment, since the last time, and give back those of what came again.

    Returns of how many orders.
    """
    mark, at = _mark(session), now(session)
    since = mark.reversed_at - LOOK_BACK
    sold = orders.branded_sales(session, orders.refunded_since(session, since))
    lost = orders.lost_of_branded(session, {sale.buyer_id for sale in sold} | payments.gone_back_since(session, since))
    known = {sale.order_id for sale in sold}
    sold += orders.branded_sales(session, lost.keys() - known)
    count = _take_back(session, sold, lost)
    mark.reversed_at = at
    return count


def _take_back(session: Session, sold: Collection[BrandedSale], lost: Mapping[int, int]) -> int:
    """What of each margin goes with what was refunded, and is lost, of its order in all; of a released one out of what may be taken."""
    sale_of = {sale.order_id: sale for sale in sold}
    rows = session.scalars(
        select(Margin)
        .where(among(session, Margin.order_id, sale_of))
        .order_by(Margin.order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    count = 0
    for row in rows:
        refunded = sale_of[row.order_id].refunded_minor
        gone = taken_back(row.margin_minor, refunded_minor=refunded, sold_minor=row.sold_minor)
        # Asked for one after the other: what was lost may have been refunded in between.
        without = refunded + min(lost.get(row.order_id, 0), row.sold_minor - refunded)
        away = taken_back(row.margin_minor, refunded_minor=without, sold_minor=row.sold_minor) - gone
        if (gone, away) == (row.taken_minor, row.lost_minor):
            continue
        brand = session.get_one(Brand, row.brand_id)
        theirs = _held(session, brand, row) if row.state is MarginState.HELD else _due(session, brand, row)
        ours = _sales(session, brand)
        _move(session, brand, row, f"margin-back:{row.order_id}:{gone}", theirs, ours, gone - row.taken_minor)
        if away != row.lost_minor:
            # Money may be lost, come again and be lost once more: each time is another transfer.
            party_id = storefronts.by_id(session, brand.storefront_id).party_id
            times = len(ledger.keys_of(session, party_id=party_id, kind=TransferKind.MARGIN, subject_id=row.order_id))
            key = f"margin-lost:{row.order_id}:{times + 1}"
            _move(session, brand, row, key, theirs, ours, away - row.lost_minor)
            _move(session, brand, row, key, ours, theirs, row.lost_minor - away)
        row.taken_minor, row.lost_minor = gone, away
        count += 1
    session.flush()
    return count


@write
def release(session: Session, *, most: int = MOST) -> int:
    """Margins that were held long enough may be taken. Returns how many were looked at.

    One whose order is complained about waits; so does that of a buyer whose money may still be taken back by who paid it, or is, and
    that of an order whose payment was.
    """
    at = now(session)
    rows = session.scalars(
        select(Margin)
        .where(Margin.state == MarginState.HELD, Margin.release_at <= at)
        .order_by(Margin.release_at, Margin.order_id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    questioned = aftersale.complained_about(session, [row.order_id for row in rows])
    for row in rows:
        if row.order_id in questioned:
            row.release_at = at + ASK_AGAIN
            continue
        brand = session.get_one(Brand, row.brand_id)
        if _not_safe(session, brand, row.order_id):
            row.release_at = at + LOOK_AT_MONEY_AGAIN
            continue
        left = row.margin_minor - row.taken_minor - row.lost_minor
        _move(session, brand, row, f"margin-due:{row.order_id}", _held(session, brand, row), _due(session, brand, row), left)
        row.state = MarginState.RELEASED
    session.flush()
    return len(rows)


def _not_safe(session: Session, brand: Brand, order_id: int) -> bool:
    """May what the buyer paid still go back to them, by their bank or the shop's provider, or has it gone?"""
    bought = orders.bought_as(session, order_id)
    assert bought is not None, "a margin is an order's"
    since = now(session) - timedelta(days=storefronts.by_id(session, brand.storefront_id).reversible_days)
    return bool(payments.reversible_money(session, customer_id=bought.buyer_id, since=since)) or orders.taken_back(session, order_id)


@write
def take_out(session: Session, *, owner_id: int) -> int:
    """Everything that may be taken goes into the reseller's wallet; returns how much, in minor units. Raises NothingToTake."""
    owner = people.by_id(session, owner_id)
    ledger.lock(session, owner.wallet_id)  # Two presses take turns: the second finds nothing.
    currency = storefronts.by_id(session, owner.storefront_id).currency
    due = ledger.account_balance(session, party_id=owner_id, kind=AccountKind.MARGIN, currency=currency, label=DUE)
    if due <= 0:
        raise NothingToTake(days=HELD.days)
    account = ledger.open_account(session, party_id=owner_id, kind=AccountKind.MARGIN, label=DUE, currency=currency)
    before = ledger.keys_of(session, party_id=owner_id, kind=TransferKind.MARGIN, subject_id=owner_id)
    ledger.transfer(
        session,
        key=f"margin-out:{owner_id}:{len(before) + 1}",
        kind=TransferKind.MARGIN,
        party_id=owner_id,
        legs=[Leg(account, owner.wallet_id, due, currency)],
        subject_id=owner_id,
    )
    return due


def _sales(session: Session, brand: Brand) -> int:
    return storefronts.by_id(session, brand.storefront_id).sales_account_id


def _held(session: Session, brand: Brand, row: Margin) -> int:
    return ledger.open_account(session, party_id=brand.owner_id, kind=AccountKind.MARGIN, currency=row.currency)


def _due(session: Session, brand: Brand, row: Margin) -> int:
    return ledger.open_account(session, party_id=brand.owner_id, kind=AccountKind.MARGIN, label=DUE, currency=row.currency)


def _move(session: Session, brand: Brand, row: Margin, key: str, debit_id: int, credit_id: int, minor: int) -> None:
    """Book it once under its key, as the shop's; what moves nothing is no transfer."""
    if minor > 0:
        party_id = storefronts.by_id(session, brand.storefront_id).party_id
        leg = Leg(debit_id, credit_id, minor, row.currency)
        ledger.transfer(session, key=key, kind=TransferKind.MARGIN, party_id=party_id, legs=[leg], subject_id=row.order_id)
