"""Looking at coupons, and asking whether one holds for a purchase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.coupons.refusals import (
    CouponExpired,
    CouponForFirstOrder,
    CouponNotForThis,
    CouponNotYet,
    CouponOff,
    CouponUsedByYou,
    CouponUsedUp,
    NeedsMore,
    NoSuchCoupon,
)
from core.coupons.tables import CouponCount, CouponRow, Redemption
from core.coupons.words import folded
from core.database import now, read
from core.pricing import Cut, Fact


class Standing(StrEnum):
    """Where a coupon stands now."""

    DRAFT = "draft"
    WAITS = "waits"  # for the day on which it begins
    ON = "on"
    USED_UP = "used-up"
    EXPIRED = "expired"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Coupon:
    """A word and its terms; amounts in minor units of `currency`, percentages in hundredths of a per cent."""

    id: int
    storefront_id: int
    word: str
    amount_minor: int
    basis_points: int
    cap_minor: int | None
    currency: str
    minimum_minor: int
    first_order_only: bool
    product_id: int | None
    sku_id: int | None
    limit_total: int | None
    limit_per_buyer: int | None
    back_on_refund: bool
    starts_at: datetime | None
    expires_at: datetime | None
    used: int
    on: bool
    off: bool

    @property
    def cut(self) -> Cut:
        """What it does to a price."""
        facts: dict[str, Fact] = {"coupon": self.id, "word": self.word, "basis_points": self.basis_points}
        return Cut("coupon", self.amount_minor, self.basis_points, self.cap_minor, facts)

    def standing(self, at: datetime) -> Standing:
        """Where it stands at an instant."""
        if self.off:
            return Standing.OFF
        if not self.on:
            return Standing.DRAFT
        if self.expires_at is not None and self.expires_at <= at:
            return Standing.EXPIRED
        if self.starts_at is not None and at < self.starts_at:
            return Standing.WAITS
        return Standing.USED_UP if self.limit_total is not None and self.used >= self.limit_total else Standing.ON


def view(row: CouponRow) -> Coupon:
    """The row as others see it."""
    return Coupon(
        row.id,
        row.storefront_id,
        row.word,
        row.amount_minor,
        row.basis_points,
        row.cap_minor,
        row.currency,
        row.minimum_minor,
        row.first_order_only,
        row.product_id,
        row.sku_id,
        row.limit_total,
        row.limit_per_buyer,
        row.back_on_refund,
        row.starts_at,
        row.expires_at,
        row.used,
        row.on_at is not None,
        row.off_at is not None,
    )


@read
def coupon(session: Session, coupon_id: int, *, storefront_id: int) -> Coupon | None:
    """One coupon of this storefront; another's is not there."""
    row = session.get(CouponRow, coupon_id)
    return None if row is None or row.storefront_id != storefront_id else view(row)


@read
def coupons(session: Session, *, storefront_id: int, offset: int = 0, limit: int = 10) -> list[Coupon]:
    """The storefront's coupons: those that are not off first, the newest before the older."""
    rows = session.scalars(
        select(CouponRow)
        .where(CouponRow.storefront_id == storefront_id)
        .order_by(CouponRow.off_at.is_not(None), CouponRow.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [view(row) for row in rows]


def by_word(session: Session, *, storefront_id: int, word: str) -> CouponRow | None:
    """The coupon that this word means: the one that is not off, else the last that was."""
    key = folded(word)
    if not key:
        return None
    return session.scalars(
        select(CouponRow)
        .where(CouponRow.storefront_id == storefront_id, CouponRow.folded == key)
        .order_by(CouponRow.off_at.is_not(None), CouponRow.id.desc())
        .limit(1)
    ).one_or_none()


@read
def is_free(session: Session, *, storefront_id: int, word: str) -> Coupon | None:
    """The coupon that has this word, or one that looks like it, already; None when the word is free."""
    row = by_word(session, storefront_id=storefront_id, word=word)
    return None if row is None or row.off_at is not None else view(row)


@read
def find(session: Session, *, storefront_id: int, word: str) -> Coupon:
    """The coupon of a word as a buyer types it; a draft is not there. Raises NoSuchCoupon or CouponOff."""
    row = by_word(session, storefront_id=storefront_id, word=word)
    if row is None or row.on_at is None:
        raise NoSuchCoupon(word=word.strip()[:24])
    if row.off_at is not None:
        raise CouponOff
    return view(row)


@read
def check(
    session: Session,
    *,
    coupon_id: int,
    storefront_id: int,
    customer_id: int,
    product_id: int,
    sku_id: int,
    goods_minor: int,
    currency: str,
    first_order: bool,
) -> Coupon:
    """The coupon, when it holds for a purchase of so much of this denomination; raises the CouponRefused that says why not.

    `first_order`: this buyer has bought nothing yet. Counts nothing: `redeem` does, and may still refuse.
    """
    found = coupon(session, coupon_id, storefront_id=storefront_id)
    if found is None or not found.on:
        raise CouponOff
    match found.standing(now(session)):
        case Standing.OFF:
            raise CouponOff
        case Standing.EXPIRED:
            raise CouponExpired
        case Standing.WAITS:
            raise CouponNotYet
        case Standing.USED_UP:
            raise CouponUsedUp
        case Standing.ON | Standing.DRAFT:
            pass
    if found.currency != currency or found.product_id not in (None, product_id) or found.sku_id not in (None, sku_id):
        raise CouponNotForThis
    if found.first_order_only and (not first_order or _has_first_order_coupon(session, customer_id)):
        raise CouponForFirstOrder
    if found.limit_per_buyer is not None:
        times = session.scalar(select(CouponCount.used).where(CouponCount.coupon_id == coupon_id, CouponCount.customer_id == customer_id))
        if (times or 0) >= found.limit_per_buyer:
            raise CouponUsedByYou(most=found.limit_per_buyer)
    if goods_minor < found.minimum_minor:
        raise NeedsMore(minimum_minor=found.minimum_minor, goods_minor=goods_minor, currency=currency)
    return found


def _has_first_order_coupon(session: Session, customer_id: int) -> bool:
    """An order of theirs waits with such a coupon: of two first orders one would be the second."""
    return (
        session.scalars(
            select(Redemption.order_id)
            .join(CouponRow, CouponRow.id == Redemption.coupon_id)
            .where(Redemption.customer_id == customer_id, Redemption.released_at.is_(None), CouponRow.first_order_only)
            .limit(1)
        ).first()
        is not None
    )


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The coupon of one order."""

    coupon: Coupon
    discount_minor: int
    released: bool


@read
def redeemed(session: Session, order_id: int) -> Redeemed | None:
    """The coupon that an order was made with."""
    row = session.get(Redemption, order_id)
    if row is None:
        return None
    given = session.get(CouponRow, row.coupon_id)
    assert given is not None, "a coupon that was used is never deleted"
    return Redeemed(view(given), row.discount_minor, row.released_at is not None)


@dataclass(frozen=True, slots=True)
class Used:
    """How a coupon was used: by so many orders of so many buyers, with so much taken off; released ones ended unpaid or refunded."""

    orders: int
    buyers: int
    discount_minor: int
    released: int


@read
def used(session: Session, coupon_id: int) -> Used:
    """The figures of a coupon."""
    live = Redemption.released_at.is_(None)
    these = Redemption.coupon_id == coupon_id
    orders, buyers, discount = session.execute(
        select(func.count(), func.count(Redemption.customer_id.distinct()), func.coalesce(func.sum(Redemption.discount_minor), 0)).where(
            these, live
        )
    ).one()
    released = session.scalar(select(func.count()).where(these, Redemption.released_at.is_not(None)))
    return Used(orders, buyers, int(discount), released or 0)
