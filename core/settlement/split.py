"""How a sale is shared: contract terms as data, and the parts they make of a sale; plain arithmetic, no database.

One rounding rule for all of it: what the shop takes of a line is worked out exactly, once for the whole line, and rounded half up to
the minor unit; the supplier has what is left. So the parts of a line are always the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import N_, Refusal
from core.money import MOST_MINOR

WHOLE_BP = 10_000  # basis points: hundredths of a per cent
MOST_TIERS = 20
MOST_CATEGORIES = 50


class Label(StrEnum):
    """What the shop earns a part for; each is a revenue account of its own."""

    SPREAD = "spread"  # price less cost
    COMMISSION = "commission"  # of the price
    SERVICE = "service"  # surcharges for exclusive and custom goods
    DISCOUNTS = "discounts"  # what the shop gave away of the price: below zero


class Stream(StrEnum):
    """What the shop earns by besides sales; each is a revenue account of its own, beside those of `Label`."""

    INTEREST = "interest"
    ADVERTISING = "advertising"
    DATA = "data"


class Form(StrEnum):
    FIXED = "fixed"
    SPREAD = "spread"
    TAKE = "take"
    COMMISSION = "commission"


class Window(StrEnum):
    """Over how long volume is counted."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(eq=False)
class TermsWrong(Refusal):
    says: ClassVar[str] = N_("These terms cannot be: {why} Nothing was changed.")

    why: str


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What the shop takes besides, in basis points of the price, of goods that are exclusive to it or made to order."""

    exclusive_bp: int = 0
    custom_bp: int = 0


@dataclass(frozen=True, slots=True)
class FixedCost:
    """The supplier gets the cost, the shop the rest, also when it is less than nothing."""

    surcharge: Surcharge = Surcharge()


@dataclass(frozen=True, slots=True)
class SpreadShare:
    """The supplier gets the cost and this part of the spread; below cost the shop bears all of the loss."""

    supplier_bp: int
    surcharge: Surcharge = Surcharge()


@dataclass(frozen=True, slots=True)
class TakeRate:
    """The shop takes this part of the price, whatever the cost; the supplier gets the rest."""

    bp: int
    surcharge: Surcharge = Surcharge()


@dataclass(frozen=True, slots=True)
class Tier:
    """From a volume of so many minor units on, the commission is so many basis points."""

    from_minor: int
    bp: int


@dataclass(frozen=True, slots=True)
class Commission:
    """The shop takes a part of the price by category and volume. A sale is charged the first tier's rate; the rest is settled later.

    `marginal`: each rate holds for the volume above its step; otherwise the rate reached holds for the whole volume. `by_category`
    has rates of single categories, `tiers` those of all others. A window begins on `resets_on` and every day, week, month or
    quarter from it, at midnight in `timezone`.
    """

    tiers: tuple[Tier, ...]
    by_category: Mapping[int, tuple[Tier, ...]] = field(default_factory=dict)
    marginal: bool = True
    window: Window = Window.MONTH
    resets_on: date = date(2024, 1, 1)
    timezone: str = "UTC"
    surcharge: Surcharge = Surcharge()

    def rates(self, category_id: int | None) -> tuple[Tier, ...]:
        """The tiers of a category."""
        return self.by_category.get(category_id or 0, self.tiers)

    def bucket(self, category_id: int | None) -> int:
        """Under which number its volume is counted: the category's own, 0 for all that have no rates of their own."""
        return category_id if category_id and category_id in self.by_category else 0


Terms = FixedCost | SpreadShare | TakeRate | Commission


@dataclass(frozen=True, slots=True)
class Sale:
    """A sold line: the price that was agreed for all of its units, what of it the shop gave away, and what the units cost."""

    units: int
    price_minor: int
    cost_minor: int
    discount_minor: int = 0
    category_id: int | None = None
    exclusive: bool = False
    custom: bool = False

    @property
    def paid_minor(self) -> int:
        return self.price_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class Parts:
    """Who gets what of a sale, in minor units. The shop's parts may be below zero, the supplier's may not."""

    supplier_minor: int
    shop: Mapping[Label, int]

    @property
    def total_minor(self) -> int:
        return self.supplier_minor + sum(self.shop.values())


def form_of(terms: Terms) -> Form:
    match terms:
        case FixedCost():
            return Form.FIXED
        case SpreadShare():
            return Form.SPREAD
        case TakeRate():
            return Form.TAKE
        case Commission():
            return Form.COMMISSION


def half_up(minor: int, bp: int) -> int:
    """So many basis points of an amount that is not below zero, rounded half up to the minor unit."""
    return (minor * bp * 2 + WHOLE_BP) // (WHOLE_BP * 2)


def parts(sale: Sale, terms: Terms) -> Parts:
    """Share a sale. The parts always sum to what was paid; discounts are the shop's, the supplier is paid as if there were none."""
    shop = dict.fromkeys(Label, 0)
    spread = sale.price_minor - sale.cost_minor
    match terms:
        case FixedCost():
            supplier, shop[Label.SPREAD] = sale.cost_minor, spread
        case SpreadShare(supplier_bp=bp):
            shop[Label.SPREAD] = half_up(spread, WHOLE_BP - bp) if spread > 0 else spread
            supplier = sale.price_minor - shop[Label.SPREAD]
        case TakeRate(bp=bp):
            shop[Label.COMMISSION] = half_up(sale.price_minor, bp)
            supplier = sale.price_minor - shop[Label.COMMISSION]
        case Commission():
            shop[Label.COMMISSION] = half_up(sale.price_minor, terms.rates(sale.category_id)[0].bp)
            supplier = sale.price_minor - shop[Label.COMMISSION]
    extra = terms.surcharge.exclusive_bp * sale.exclusive + terms.surcharge.custom_bp * sale.custom
    # Two roundings half up may be a minor unit more than there is.
    shop[Label.SERVICE] = min(half_up(sale.price_minor, extra), supplier)
    shop[Label.DISCOUNTS] = -sale.discount_minor
    return Parts(supplier - shop[Label.SERVICE], shop)


def upto(amount_minor: int, units: int, first: int) -> int:
    """What of an amount falls to the first so many of its units: nothing to none, all of it to all, whatever lies between."""
    return amount_minor * first // units


def of_units(whole: Parts, units: int, *, before: int, count: int) -> Parts:
    """The parts of `count` units of a line, when `before` of its units were accounted for already. All units together are the line.

    They sum to those units' share of the price, too: what is left by rounding the other parts is the shop's main one.
    """
    assert 0 <= before <= before + count <= units

    def portion(minor: int) -> int:
        return upto(minor, units, before + count) - upto(minor, units, before)

    supplier, shop = portion(whole.supplier_minor), {label: portion(minor) for label, minor in whole.shop.items()}
    main = Label.COMMISSION if whole.shop[Label.COMMISSION] else Label.SPREAD
    price = portion(whole.total_minor - whole.shop[Label.DISCOUNTS])
    shop[main] = price - supplier - shop[Label.SERVICE] - shop[Label.SPREAD if main is Label.COMMISSION else Label.COMMISSION]
    return Parts(supplier, shop)


def commission_due(volume_minor: int, tiers: tuple[Tier, ...], *, marginal: bool) -> int:
    """The commission of a whole window's volume, rounded half up once."""
    reached = [tier for tier in tiers if tier.from_minor <= volume_minor]
    if not marginal:
        return half_up(volume_minor, reached[-1].bp)
    ends = [tier.from_minor for tier in tiers[1 : len(reached)]] + [volume_minor]
    exact = sum((end - tier.from_minor) * tier.bp for tier, end in zip(reached, ends, strict=True))
    return (exact * 2 + WHOLE_BP) // (WHOLE_BP * 2)


def window_of(terms: Commission, at: datetime) -> tuple[datetime, datetime]:
    """From when to when (not included) the window lasts in which an instant lies."""
    zone = ZoneInfo(terms.timezone)
    day = at.astimezone(zone).date()
    anchor = terms.resets_on
    if terms.window in (Window.DAY, Window.WEEK):
        days = 1 if terms.window is Window.DAY else 7
        start = day - timedelta(days=(day - anchor).days % days)
        end = start + timedelta(days=days)
    else:
        months = 1 if terms.window is Window.MONTH else 3
        number = day.year * 12 + day.month - 1 - (day.day < anchor.day)
        number -= (number - (anchor.year * 12 + anchor.month - 1)) % months
        start = date(number // 12, number % 12 + 1, anchor.day)
        end = date((number + months) // 12, (number + months) % 12 + 1, anchor.day)
    return _midnight(start, zone), _midnight(end, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


# As JSON


def to_json(terms: Terms) -> dict[str, Any]:
    """The terms as they are kept."""
    made: dict[str, Any] = {"form": form_of(terms).value}
    extra = terms.surcharge
    if extra.exclusive_bp or extra.custom_bp:
        made["surcharge"] = {"exclusive_bp": extra.exclusive_bp, "custom_bp": extra.custom_bp}
    match terms:
        case SpreadShare(supplier_bp=bp):
            made["supplier_bp"] = bp
        case TakeRate(bp=bp):
            made["bp"] = bp
        case Commission():
            made |= {
                "tiers": _tiers_out(terms.tiers),
                "by_category": {str(category): _tiers_out(tiers) for category, tiers in sorted(terms.by_category.items())},
                "marginal": terms.marginal,
                "window": terms.window.value,
                "resets_on": terms.resets_on.isoformat(),
                "timezone": terms.timezone,
            }
        case _:
            pass
    return made


def from_json(kept: Mapping[str, Any]) -> Terms:
    """The terms that `to_json` kept. Raises TermsWrong for what is none."""
    try:
        extra = Surcharge(**kept.get("surcharge", {}))
        match Form(kept["form"]):
            case Form.FIXED:
                made: Terms = FixedCost(extra)
            case Form.SPREAD:
                made = SpreadShare(kept["supplier_bp"], extra)
            case Form.TAKE:
                made = TakeRate(kept["bp"], extra)
            case Form.COMMISSION:
                made = Commission(
                    _tiers_in(kept["tiers"]),
                    {int(category): _tiers_in(tiers) for category, tiers in kept["by_category"].items()},
                    kept["marginal"],
                    Window(kept["window"]),
                    date.fromisoformat(kept["resets_on"]),
                    kept["timezone"],
                    extra,
                )
    except (KeyError, TypeError, ValueError, AttributeError) as trouble:
        raise TermsWrong(why=f"{type(trouble).__name__}.") from None
    return checked(made)


def checked(terms: Terms) -> Terms:
    """The same terms, when they can be. Raises TermsWrong."""
    extra = terms.surcharge
    surcharge = extra.exclusive_bp + extra.custom_bp
    _between(0, extra.exclusive_bp)
    _between(0, extra.custom_bp)
    match terms:
        case FixedCost():
            highest = 0
        case SpreadShare(supplier_bp=bp):
            _between(0, bp)
            highest = 0
        case TakeRate(bp=bp):
            _between(0, bp)
            highest = bp
        case Commission():
            highest = 0
            if len(terms.by_category) > MOST_CATEGORIES:
                raise TermsWrong(why="too many categories.")
            for tiers in (terms.tiers, *terms.by_category.values()):
                _check_tiers(tiers)
                highest = max(highest, tiers[0].bp)
            if not 1 <= terms.resets_on.day <= 28:
                raise TermsWrong(why="the day on which the counting begins anew has to be from 1 to 28.")
            try:
                ZoneInfo(terms.timezone)
            except (ZoneInfoNotFoundError, ValueError):
                raise TermsWrong(why="there is no such time zone.") from None
    if highest + surcharge > WHOLE_BP:
        raise TermsWrong(why="the shop would take more than the whole price.")
    return terms


def _between(least: int, bp: object) -> None:
    if type(bp) is not int or not least <= bp <= WHOLE_BP:
        raise TermsWrong(why="a share has to be from 0 to 100 per cent.")


def _check_tiers(tiers: tuple[Tier, ...]) -> None:
    if not 1 <= len(tiers) <= MOST_TIERS or tiers[0].from_minor != 0:
        raise TermsWrong(why="the steps have to begin at 0.")
    for tier in tiers:
        _between(0, tier.bp)
        if type(tier.from_minor) is not int or tier.from_minor > MOST_MINOR:
            raise TermsWrong(why="a step is too high.")
    for one, other in pairwise(tiers):
        if other.from_minor <= one.from_minor or other.bp > one.bp:
            raise TermsWrong(why="from step to step the volume has to rise and the rate to fall.")


def _tiers_out(tiers: tuple[Tier, ...]) -> list[list[int]]:
    return [[tier.from_minor, tier.bp] for tier in tiers]


def _tiers_in(kept: Any) -> tuple[Tier, ...]:
    return tuple(Tier(from_minor, bp) for from_minor, bp in kept)
