"""Why a coupon is refused: each cause by its own name, so that the buyer knows what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


class CouponRefused(Refusal):
    """A coupon does not hold for this purchase; without it, the purchase may be made."""


@dataclass(eq=False)
class NoSuchCoupon(CouponRefused):
    says: ClassVar[str] = N_("There is no coupon “{word}”. Please check the word and type it again.")

    word: str


@dataclass(eq=False)
class CouponOff(CouponRefused):
    says: ClassVar[str] = N_("This coupon is no longer given. Nothing was charged.")


@dataclass(eq=False)
class CouponNotYet(CouponRefused):
    says: ClassVar[str] = N_("This coupon cannot be used yet. Nothing was charged.")


@dataclass(eq=False)
class CouponExpired(CouponRefused):
    says: ClassVar[str] = N_("This coupon has expired. Nothing was charged.")


@dataclass(eq=False)
class CouponUsedUp(CouponRefused):
    says: ClassVar[str] = N_("This coupon is used up: others were faster. Nothing was charged.")


@dataclass(eq=False)
class CouponUsedByYou(CouponRefused):
    says: ClassVar[str] = N_("You have used this coupon as often as one buyer may ({most}). Nothing was charged.")

    most: int


@dataclass(eq=False)
class CouponNotForThis(CouponRefused):
    says: ClassVar[str] = N_("This coupon is for other goods. Nothing was charged.")


@dataclass(eq=False)
class CouponForFirstOrder(CouponRefused):
    says: ClassVar[str] = N_("This coupon is for a first order only. Nothing was charged.")


@dataclass(eq=False)
class NeedsMore(CouponRefused):
    says: ClassVar[str] = N_("This coupon needs a purchase of at least {minimum}; this one is {goods}. Nothing was charged.")

    minimum_minor: int
    goods_minor: int
    currency: str


@dataclass(eq=False)
class NotACouponWord(Refusal):
    says: ClassVar[str] = N_("A coupon is a word of {least} to {most} letters and digits, such as SPRING10. Please type another.")

    least: int
    most: int


@dataclass(eq=False)
class WordTaken(Refusal):
    says: ClassVar[str] = N_("“{word}” looks like the coupon “{other}”, which is there already. Please type another word.")

    word: str
    other: str


@dataclass(eq=False)
class NotADraft(Refusal):
    says: ClassVar[str] = N_("This coupon was switched on: what was promised stays as it is. Please switch it off and make another.")


@dataclass(eq=False)
class SpanIsEmpty(Refusal):
    says: ClassVar[str] = N_("A coupon must end after it begins, and not in the past.")
