"""What the staff type about resellers' prices, read: a line of a price list, an agreement, a minimum, a level. Knows no database."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from core.errors import N_, Refusal
from core.money import MOST_MINOR, NotAnAmount, parse_minor
from core.onboarding import read_date
from core.pricing import Tier
from core.resellers import How
from handlers.typed import whole_number

SURE = "!"  # typed at the end of what would be a loss, or dearer than for everybody: it is meant so
MOST_QUANTITY = 10_000
_PERCENT = re.compile(r"([+-]?)(\d{1,3}(?:\.\d{1,2})?)%", re.ASCII)
_WORDS = {
    "all": ("all", "everything", "全部", "все"),
    "cost": ("cost", "进货价", "進貨價", "себестоимость"),
    "wholesale": ("wholesale", "批发价", "批發價", "опт"),
}


@dataclass(eq=False)
class NotARule(Refusal):
    says: ClassVar[str] = N_(
        "“{text}” is not a line of a price list. Please type something such as all -5%, steam-50 from 10 {amount}, cards cost+3% or "
        "steam wholesale+1%."
    )

    text: str
    amount: str


@dataclass(eq=False)
class NotAnAgreement(Refusal):
    says: ClassVar[str] = N_(
        "“{text}” is not an agreement. Please type something such as steam-50 {amount}, or steam-50 {amount} until 2027-12-31."
    )

    text: str
    amount: str


@dataclass(eq=False)
class NotALevel(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a level. Please type its name, its rank and the turnover, for example: Gold; 3; {amount}")

    text: str
    amount: str


@dataclass(frozen=True, slots=True)
class RuleTyped:
    """`what` is None for everything, else the word of a category, product or denomination; value as a rule keeps it."""

    what: str | None
    from_quantity: int
    how: How
    value: int
    sure: bool


@dataclass(frozen=True, slots=True)
class AgreementTyped:
    """A denomination's word with what one costs, by quantity, and the last day."""

    what: str
    unit_minor: int
    tiers: tuple[Tier, ...]
    last_day: date | None
    sure: bool


def _words(text: str) -> tuple[list[str], bool]:
    said = unicodedata.normalize("NFKC", text).replace("−", "-").strip()
    sure = said.endswith(SURE)
    return said.removesuffix(SURE).split(), sure


def _example(currency: str) -> str:
    return "88" if currency in ("JPY", "KRW", "XTR") else "88.00"


def rule_typed(text: str, currency: str) -> RuleTyped:
    """A line of a price list as people type it: what, from how many on, and the price. Raises NotARule."""
    wrong = NotARule(text=text[:40], amount=_example(currency))
    words, sure = _words(text)
    if len(words) < 2:
        raise wrong
    what: str | None = words[0].lower()
    if what in _WORDS["all"]:
        what = None
    rest, from_quantity = words[1:], 1
    if len(rest) > 2 and rest[0].lower() in ("from", "从", "從", "от"):
        number = whole_number(rest[1])
        if number is None or not 1 <= number <= MOST_QUANTITY:
            raise wrong
        from_quantity, rest = number, rest[2:]
    price = "".join(rest).lower()
    for name, how in (("cost", How.OVER_COST), ("wholesale", How.OVER_WHOLESALE)):
        for word in _WORDS[name]:
            if price.startswith(word):
                points = _points(price.removeprefix(word))
                if points is None or points < 0:
                    raise wrong
                return RuleTyped(what, from_quantity, how, points, sure)
    points = _points(price)
    if points is not None:
        if not -10_000 < points <= 0:
            raise wrong
        return RuleTyped(what, from_quantity, How.OFF_RETAIL, -points, sure)
    try:
        minor = parse_minor(price, currency)
    except NotAnAmount:
        raise wrong from None
    if minor <= 0:
        raise wrong
    return RuleTyped(what, from_quantity, How.FIXED, minor, sure)


def _points(text: str) -> int | None:
    """Hundredths of a per cent with their sign; an empty text is none of them."""
    if not text:
        return 0
    found = _PERCENT.fullmatch(text)
    if found is None:
        return None
    points = int(Decimal(found[2]) * 100)
    return -points if found[1] == "-" else points


def agreement_typed(text: str, currency: str) -> AgreementTyped:
    """An agreement as people type it: the denomination's word, the price, prices by quantity, and the last day. Raises NotAnAgreement,
    and DateWrong for what is not a day.
    """
    wrong = NotAnAgreement(text=text[:40], amount=_example(currency))
    words, sure = _words(text)
    if len(words) < 2:
        raise wrong
    what, rest, last_day = words[0].lower(), words[1:], None
    if len(rest) > 2 and rest[-2].lower() in ("until", "till", "到", "до"):
        last_day, rest = read_date(rest[-1]), rest[:-2]
    tiers: list[Tier] = []
    try:
        unit = parse_minor(rest[0], currency)
        for one in rest[1:]:
            quantity, between, price = one.partition("=")
            number = whole_number(quantity)
            if not between or number is None or not 2 <= number <= MOST_QUANTITY:
                raise wrong
            tiers.append(Tier(number, parse_minor(price, currency)))
    except NotAnAmount:
        raise wrong from None
    if unit <= 0 or any(tier.unit_minor <= 0 for tier in tiers) or len({tier.from_quantity for tier in tiers}) < len(tiers):
        raise wrong
    return AgreementTyped(what, unit, tuple(sorted(tiers)), last_day, sure)


def level_typed(text: str, currency: str) -> tuple[str, int, int | None]:
    """Name, rank and turnover of a level; None for the turnover of one that only the staff give. Raises NotALevel."""
    wrong = NotALevel(text=text[:40], amount=_example(currency))
    pieces = [piece.strip() for piece in re.split(r"[;；]", text)]
    if len(pieces) not in (2, 3) or not 1 <= len(pieces[0]) <= 60 or not pieces[0].isprintable():
        raise wrong
    rank = whole_number(pieces[1])
    if rank is None or not 1 <= rank <= 99:
        raise wrong
    if len(pieces) == 2 or pieces[2] in ("", "-", "–", "—"):
        return pieces[0], rank, None
    try:
        turnover = parse_minor(pieces[2], currency)
    except NotAnAmount:
        raise wrong from None
    if not 0 <= turnover <= MOST_MINOR:
        raise wrong
    return pieces[0], rank, turnover
