"""Why the reseller API says no; each has a place in the table of errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import N_, Refusal


@dataclass(eq=False)
class NotAllowed(Refusal):
    """A key may not do this: its scope, its address, or its owner is no reseller any more."""

    says: ClassVar[str] = N_("This key may not do that.")


@dataclass(eq=False)
class DayLimitReached(Refusal):
    says: ClassVar[str] = N_("This key may spend {limit} a day, and {left} is left of that. Nothing was charged.")

    limit_minor: int
    left_minor: int
    currency: str


@dataclass(eq=False)
class NoSuchItem(Refusal):
    says: ClassVar[str] = N_("There is no such item. Nothing was charged.")


@dataclass(eq=False)
class NoSuchOrder(Refusal):
    says: ClassVar[str] = N_("There is no such order.")


@dataclass(eq=False)
class OtherOrder(Refusal):
    says: ClassVar[str] = N_("This number is another order already. Please take a new number.")


@dataclass(eq=False)
class CostsMore(Refusal):
    says: ClassVar[str] = N_("This costs {total}, which is more than you allow. Nothing was charged.")

    total_minor: int
    currency: str


@dataclass(eq=False)
class AsksWrong(Refusal):
    """The request makes no sense; `what` says what is wrong with it, in English, for programmers."""

    says: ClassVar[str] = N_("This request makes no sense: {what}")

    what: str


@dataclass(eq=False)
class TooLateToCancel(Refusal):
    says: ClassVar[str] = N_("It is too late to cancel this order.")


@dataclass(eq=False)
class NothingToFetch(Refusal):
    says: ClassVar[str] = N_("This order has no codes to be fetched, or none yet.")


@dataclass(eq=False)
class NotAhead(Refusal):
    """Until when a key shall work is a moment that is over, or too far away to be meant."""

    says: ClassVar[str] = N_("Please type a day from tomorrow on, at most five years from now.")


@dataclass(eq=False)
class NoSuchKey(Refusal):
    says: ClassVar[str] = N_("There is no such key.")


@dataclass(eq=False)
class TooManyKeys(Refusal):
    says: ClassVar[str] = N_("You have {most} keys. Please disable one first.")

    most: int


@dataclass(eq=False)
class NoReseller(Refusal):
    says: ClassVar[str] = N_("Keys are for resellers. You can apply with /reseller.")


@dataclass(eq=False)
class AddressWrong(Refusal):
    says: ClassVar[str] = N_("Please type addresses such as 203.0.113.7 or 203.0.113.0/24, at most {most} of them.")

    most: int


@dataclass(eq=False)
class UrlWrong(Refusal):
    says: ClassVar[str] = N_("Please type an address that begins with https://, such as https://shop.example/reports")
