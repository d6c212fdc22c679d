"""Making coupons, and counting their use where the purchase is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from core import journal
from core.catalog import Gone
from core.coupons.queries import Coupon, by_word, view
from core.coupons.refusals import (
    CouponUsedByYou,
    CouponUsedUp,
    NotACouponWord,
    NotADraft,
    SpanIsEmpty,
    WordTaken,
)
from core.coupons.tables import CouponCount, CouponRow, Redemption
from core.coupons.words import LEAST, MOST, folded
from core.database import insert_new, now, write

_TERMS = (
    "word",
    "amount_minor",
    "basis_points",
    "cap_minor",
    "currency",
    "minimum_minor",
    "first_order_only",
    "product_id",
    "sku_id",
    "limit_total",
    "limit_per_buyer",
    "back_on_refund",
    "starts_at",
    "expires_at",
)
_CHANGEABLE = frozenset(_TERMS) - {"word", "currency", "amount_minor", "basis_points"}

# Making them


@write
def draft(
    session: Session, *, storefront_id: int, word: str, currency: str, by: str, amount_minor: int = 0, basis_points: int = 0
) -> Coupon:
    """A coupon that nobody can use before `switch_on`: an amount off, or so many hundredths of a per cent.

    Until `change` says more it holds for everything, for ever, once for each buyer. Raises NotACouponWord, or WordTaken when
    another that is not off looks like it.
    """
    assert (amount_minor > 0) != (basis_points > 0) and 0 <= basis_points <= 10_000, "an amount or a percentage"
    key = folded(word)
    if not key:
        raise NotACouponWord(least=LEAST, most=MOST)
    taken = by_word(session, storefront_id=storefront_id, word=word)
    if taken is not None and taken.off_at is None:
        raise WordTaken(word=word.strip(), other=taken.word)
    made = session.scalars(
        insert_new(session, CouponRow)
        .values(
            storefront_id=storefront_id,
            word=word.strip(),
            folded=key,
            amount_minor=amount_minor,
            basis_points=basis_points,
            currency=currency,
            minimum_minor=0,
            first_order_only=False,
            limit_per_buyer=1,
            back_on_refund=False,
            used=0,
            by=by,
            made_at=now(session),
        )
        .returning(CouponRow.id)
    ).one_or_none()
    if made is None:  # Somebody made it a moment ago.
        raise WordTaken(word=word.strip(), other=word.strip())
    row = session.get(CouponRow, made)
    assert row is not None
    return view(row)


@write
def change(session: Session, coupon_id: int, *, storefront_id: int, terms: Mapping[str, Any]) -> Coupon:
    """Change these terms of a draft, by the names they have in a Coupon; raises Gone, or NotADraft when it was switched on."""
    assert terms.keys() <= _CHANGEABLE, "these terms a coupon has"
    row = _mine(session, coupon_id, storefront_id)
    if row.on_at is not None or row.off_at is not None:
        raise NotADraft
    for name, value in terms.items():
        setattr(row, name, value)
    session.flush()
    return view(row)


@write
def switch_on(session: Session, coupon_id: int, *, storefront_id: int, by: str) -> bool:
    """Let buyers use it, on these terms from now on; False when it was on already. Raises Gone, NotADraft (off), SpanIsEmpty."""
    row = _mine(session, coupon_id, storefront_id)
    if row.off_at is not None:
        raise NotADraft
    if row.on_at is not None:
        return False
    at = now(session)
    if row.expires_at is not None and row.expires_at <= max(at, row.starts_at or at):
        raise SpanIsEmpty
    row.on_at = at
    session.flush()
    journal.record(session, by=by, did="switch-on-coupon", about="coupon", about_id=coupon_id, after=_recorded(row))
    return True


@write
def switch_off(session: Session, coupon_id: int, *, storefront_id: int, by: str) -> bool:
    """Nobody can use it any more, and its word is free; orders made with it stay. False when it was off already. Raises Gone."""
    row = _mine(session, coupon_id, storefront_id)
    if row.on_at is None:
        raise Gone
    if row.off_at is not None:
        return False
    row.off_at = now(session)
    session.flush()
    recorded = {"word": row.word, "used": row.used}
    journal.record(session, by=by, did="switch-off-coupon", about="coupon", about_id=coupon_id, before={}, after=recorded)
    return True


@write
def discard(session: Session, coupon_id: int, *, storefront_id: int) -> None:
    """Throw a draft away; raises Gone, or NotADraft when it was switched on."""
    row = _mine(session, coupon_id, storefront_id)
    if row.on_at is not None or row.off_at is not None:
        raise NotADraft
    session.execute(delete(CouponRow).where(CouponRow.id == coupon_id), execution_options={"synchronize_session": False})
    session.expunge(row)


def _mine(session: Session, coupon_id: int, storefront_id: int) -> CouponRow:
    row = session.get(CouponRow, coupon_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    return row


def _recorded(row: CouponRow) -> dict[str, Any]:
    """The terms for the action log: those that say something."""
    said: dict[str, Any] = {}
    for name in _TERMS:
        value = getattr(row, name)
        if value not in (None, 0, False):
            said[name] = value.isoformat() if isinstance(value, datetime) else value
    if not any(name.endswith("_minor") for name in said):
        del said["currency"]
    return said


# Using them. A buyer's wallet is locked before, and the coupon's row comes last, so that nobody waits in a circle.


@write
def redeem(session: Session, *, coupon: Coupon, order_id: int, customer_id: int, discount_minor: int) -> None:
    """Count a use for an order in its transaction; raises CouponUsedUp or CouponUsedByYou when that would be one too many."""
    _count(session, coupon, customer_id)
    session.add(
        Redemption(
            order_id=order_id,
            coupon_id=coupon.id,
            customer_id=customer_id,
            discount_minor=discount_minor,
            at=now(session),
        )
    )
    session.flush()


def _count(session: Session, coupon: Coupon, customer_id: int) -> None:
    """One more use, when the counters allow it: the buyer's first, which only they wait for."""
    session.execute(insert_new(session, CouponCount).values(coupon_id=coupon.id, customer_id=customer_id, used=0))
    of_buyer = update(CouponCount).where(CouponCount.coupon_id == coupon.id, CouponCount.customer_id == customer_id)
    if coupon.limit_per_buyer is not None:
        of_buyer = of_buyer.where(CouponCount.used < coupon.limit_per_buyer)
    counted = session.execute(
        of_buyer.values(used=CouponCount.used + 1).returning(CouponCount.used), execution_options={"synchronize_session": False}
    ).first()
    if counted is None:
        assert coupon.limit_per_buyer is not None
        raise CouponUsedByYou(most=coupon.limit_per_buyer)
    counted = session.execute(
        update(CouponRow)
        .where(CouponRow.id == coupon.id, CouponRow.limit_total.is_(None) | (CouponRow.used < CouponRow.limit_total))
        .values(used=CouponRow.used + 1)
        .returning(CouponRow.used),
        execution_options={"synchronize_session": False},
    ).first()
    if counted is None:
        raise CouponUsedUp


@write
def release(session: Session, order_ids: Collection[int]) -> int:
    """These orders ended unpaid: their coupons may be used again. Returns how many there were; safe to repeat."""
    if not order_ids:
        return 0
    rows = session.execute(
        update(Redemption)
        .where(Redemption.order_id.in_(order_ids), Redemption.released_at.is_(None))
        .values(released_at=now(session))
        .returning(Redemption.coupon_id, Redemption.customer_id),
        execution_options={"synchronize_session": False},
    ).all()
    # In one order for everybody, so that two who end many orders at once do not wait for each other.
    for coupon_id, customer_id in sorted(tuple(row) for row in rows):
        session.execute(
            update(CouponCount)
            .where(CouponCount.coupon_id == coupon_id, CouponCount.customer_id == customer_id)
            .values(used=CouponCount.used - 1),
            execution_options={"synchronize_session": False},
        )
        session.execute(
            update(CouponRow).where(CouponRow.id == coupon_id).values(used=CouponRow.used - 1),
            execution_options={"synchronize_session": False},
        )
    return len(rows)


@write
def take_again(session: Session, order_id: int) -> bool:
    """Money came late for an order whose coupon was released: count it once more. False when it is used up meanwhile.

    True also for an order without a coupon, or with one that is counted. Its time and its being switched off do not matter: the
    price was promised when the order was placed.
    """
    row = session.get(Redemption, order_id, with_for_update=True, populate_existing=True)
    if row is None or row.released_at is None:
        return True
    given = session.get(CouponRow, row.coupon_id)
    assert given is not None
    try:
        with session.begin_nested():
            _count(session, view(given), row.customer_id)
    except (CouponUsedUp, CouponUsedByYou):
        return False
    row.released_at = None
    session.flush()
    return True


@write
def give_back(session: Session, order_id: int) -> bool:
    """The whole order was refunded: its coupon may be used again, if the coupon says so. Returns whether it may."""
    row = session.get(Redemption, order_id)
    given = None if row is None else session.get(CouponRow, row.coupon_id)
    return given is not None and given.back_on_refund and release(session, [order_id]) > 0


@write
def reduce(session: Session, *, order_id: int, discount_minor: int) -> None:
    """Less was delivered than ordered, so less was taken off."""
    session.execute(
        update(Redemption).where(Redemption.order_id == order_id).values(discount_minor=discount_minor),
        execution_options={"synchronize_session": False},
    )
