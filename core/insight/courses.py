"""How sales went over the last days: by day, by product, from the screen to the payment, and what was left of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core import brands, catalog, orders, people, storefronts
from core.catalog import ProductView
from core.database import now, read
from core.errors import N_, Refusal
from core.insight.screens import visitors
from core.orders import Buyers, SoldThen

DAYS = (7, 30, 90)


@dataclass(eq=False)
class TooManyOrders(Refusal):
    says: ClassVar[str] = N_("There were too many orders in {days} days to draw them while you wait. Please choose fewer days.")

    days: int


@dataclass(frozen=True, slots=True)
class DayOfCourse:
    """One day; amounts in minor units. `margin_minor` is sales less costs, None where something cost another currency.

    `visitors` opened a product, `ordered` of all people began to buy, `paid` did it; resellers are in none of the three.
    """

    day: date
    orders: int
    units: int
    sales_minor: int
    margin_minor: int | None
    visitors: int = 0
    ordered: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class ProductOfCourse:
    """One product over all the days; amounts in minor units."""

    product: ProductView
    units: int
    sales_minor: int
    margin_minor: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """Some days of a storefront, or of one buyer there; products by sales, the greatest first. Amounts in minor units of `currency`."""

    currency: str
    days: Sequence[DayOfCourse]
    products: Sequence[ProductOfCourse]

    @property
    def sales_minor(self) -> int:
        return sum(day.sales_minor for day in self.days)

    @property
    def orders(self) -> int:
        return sum(day.orders for day in self.days)

    @property
    def units(self) -> int:
        return sum(day.units for day in self.days)

    @property
    def margin_minor(self) -> int | None:
        """Sales less costs of all days; None where some of it cost another currency."""
        return _sum([day.margin_minor for day in self.days])

    @property
    def visitors(self) -> int:
        """People who opened a product, each once a day."""
        return sum(day.visitors for day in self.days)

    @property
    def ordered(self) -> int:
        """People who began to buy, each once a day."""
        return sum(day.ordered for day in self.days)

    @property
    def paid(self) -> int:
        """People who paid, each once a day."""
        return sum(day.paid for day in self.days)


@read
def course_of_storefront(session: Session, storefront_id: int, *, days: int, timezone: str) -> Course:
    """The last days of a storefront, today included, by days of a time zone (its IANA name). Raises TooManyOrders."""
    dates, bounds = _days(now(session), days, timezone)
    if orders.too_many(session, since=bounds[0], until=bounds[-1]):
        raise TooManyOrders(days)
    sold = orders.sold_in_spans(session, bounds=bounds, storefront_id=storefront_id)
    buyers = orders.buyers_in_spans(session, bounds=bounds, storefront_id=storefront_id)
    seen = visitors(session, storefront_id=storefront_id, first=dates[0], last=dates[-1])
    currency = storefronts.by_id(session, storefront_id).currency
    return _course(session, currency, dates, sold, buyers, seen)


@read
def course_of_brand(session: Session, brand_id: int, *, days: int, timezone: str) -> Course:
    """The last days of a reseller's storefront with the reseller's own margin; what goods cost the shop is not theirs to know.

    Raises TooManyOrders.
    """
    brand = brands.brand(session, brand_id)
    assert brand is not None, "whoever asks has looked at it"
    dates, bounds = _days(now(session), days, timezone)
    if orders.too_many(session, since=bounds[0], until=bounds[-1]):
        raise TooManyOrders(days)
    front_id = brand.storefront.id
    margins = brands.margins_since(session, brand_id, bounds[0])
    earned: dict[tuple[int, int], int] = defaultdict(int)
    for order_id, (placed_at, sku_id) in orders.placed_as(session, margins).items():
        earned[bisect_right(bounds, placed_at) - 1, sku_id] += margins[order_id]
    sold = [
        replace(one, cost_minor=one.sales_minor - earned[one.span, one.sku_id])
        for one in orders.sold_in_spans(session, bounds=bounds, storefront_id=front_id)
    ]
    buyers = orders.buyers_in_spans(session, bounds=bounds, storefront_id=front_id)
    seen = visitors(session, storefront_id=front_id, first=dates[0], last=dates[-1])
    return _course(session, brand.storefront.currency, dates, sold, buyers, seen)


@read
def course_of_buyer(session: Session, buyer_id: int, *, days: int, timezone: str) -> Course:
    """What one customer bought in the last days, today included; what it cost the shop is not theirs to know."""
    dates, bounds = _days(now(session), days, timezone)
    sold = orders.sold_in_spans(session, bounds=bounds, buyer_id=buyer_id)
    currency = storefronts.by_id(session, people.by_id(session, buyer_id).storefront_id).currency
    without = [SoldThen(one.span, one.sku_id, one.orders, one.units, one.sales_minor, None) for one in sold]
    return _course(session, currency, dates, without, [], {})


def _days(at: datetime, days: int, timezone: str) -> tuple[list[date], list[datetime]]:
    """The days, and the instants at which they and the day after them begin."""
    zone = ZoneInfo(timezone)
    last = at.astimezone(zone).date()
    dates = [last - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return dates, [datetime.combine(day, time(), zone) for day in (*dates, last + timedelta(days=1))]


def _course(
    session: Session,
    currency: str,
    dates: Sequence[date],
    sold: Sequence[SoldThen],
    buyers: Sequence[Buyers],
    seen: Mapping[date, int],
) -> Course:
    of_span: dict[int, list[SoldThen]] = defaultdict(list)
    of_sku: dict[int, list[SoldThen]] = defaultdict(list)
    for one in sold:
        of_span[one.span].append(one)
        of_sku[one.sku_id].append(one)
    went = {one.span: one for one in buyers}
    days = []
    for number, day in enumerate(dates):
        there, who = of_span[number], went.get(number, Buyers(number, 0, 0))
        days.append(DayOfCourse(day, *_sums(there), visitors=seen.get(day, 0), ordered=who.ordered, paid=who.paid))
    return Course(currency, days, _products(session, of_sku))


def _products(session: Session, of_sku: Mapping[int, Sequence[SoldThen]]) -> list[ProductOfCourse]:
    of_product: dict[int, list[SoldThen]] = defaultdict(list)
    for sku_id, there in of_sku.items():
        sku = catalog.sku(session, sku_id)
        if sku is not None:
            of_product[sku.product_id] += there
    found = []
    for product_id, there in of_product.items():
        product = catalog.product(session, product_id)
        if product is not None:
            _, units, sales, margin = _sums(there)
            found.append(ProductOfCourse(product, units, sales, margin))
    return sorted(found, key=lambda one: (-one.sales_minor, one.product.id))


def _sums(sold: Sequence[SoldThen]) -> tuple[int, int, int, int | None]:
    """Orders, units, sales, and what was left of them."""
    margin = _sum([None if one.cost_minor is None else one.sales_minor - one.cost_minor for one in sold])
    return sum(one.orders for one in sold), sum(one.units for one in sold), sum(one.sales_minor for one in sold), margin


def _sum(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
