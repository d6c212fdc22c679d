"""Why an order is refused, with what is needed to offer the way on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class PriceMoved(Refusal):
    says: ClassVar[str] = N_("The price or the terms have changed since you looked. Please look again; nothing was charged.")


@dataclass(eq=False)
class NotForSale(Refusal):
    says: ClassVar[str] = N_("This is not for sale at the moment. Nothing was charged.")


@dataclass(eq=False)
class SoldOut(Refusal):
    """Fewer than asked are left; `left` may be zero."""

    says: ClassVar[str] = N_("Only {left} left. Nothing was charged.")

    left: int
    sku_id: int


@dataclass(eq=False)
class TooLittleMoney(Refusal):
    says: ClassVar[str] = N_("Your balance is {balance}: {short} is missing. Nothing was charged.")

    balance_minor: int
    short_minor: int
    currency: str


@dataclass(eq=False)
class LimitReached(Refusal):
    """A limit per buyer; `still` more may be bought."""

    says: ClassVar[str] = N_("Each buyer may have {most} of this; you can buy {still} more. Nothing was charged.")

    most: int
    still: int


@dataclass(eq=False)
class HeldForReview(Refusal):
    says: ClassVar[str] = N_("This order is paid and being checked by the shop. Its codes are sent as soon as that is done.")


@dataclass(eq=False)
class PaymentDisputed(Refusal):
    says: ClassVar[str] = N_(
        "A bank is deciding about an earlier payment of yours, so this way to pay is closed for now. Please choose another way."
    )


@dataclass(eq=False)
class WrongQuantity(Refusal):
    says: ClassVar[str] = N_("Between {least} and {most} can be bought at once. Please choose another quantity.")

    least: int
    most: int


@dataclass(eq=False)
class OnceReused(Refusal):
    says: ClassVar[str] = N_("This screen is out of date. Please look again; nothing was charged.")
