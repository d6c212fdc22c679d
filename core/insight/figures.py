"""The figures of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core import brands, catalog, ledger, orders, outbox, people, pricing, storefronts, supply
from core.database import now, read


@dataclass(frozen=True, slots=True)
class Day:
    """What happened in a storefront on one day of a time zone; amounts in minor units, sales in `currency`.

    `profit_minor` is sales minus the costs in the same currency and the margins of resellers; costs in others stand in
    `other_costs_minor`. Stock-outs and deliveries are those of this moment.
    """

    day: date
    since: datetime
    currency: str
    orders: int
    units: int
    sales_minor: int
    cost_minor: int
    profit_minor: int
    other_costs_minor: dict[str, int]
    deposits: list[ledger.CameIn]
    new_customers: int
    stock_outs: int
    waiting: outbox.Waiting
    refunded_minor: int = 0
    margins_minor: int = 0  # of the sales in resellers' own bots: theirs, and in no profit of the shop's


def day_of(at: datetime, timezone: str) -> tuple[date, datetime, datetime]:
    """The day that an instant belongs to in a time zone (its IANA name), its beginning, and the beginning of the next."""
    zone = ZoneInfo(timezone)
    day = at.astimezone(zone).date()
    return day, datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


@read
def today(session: Session, storefront_id: int, *, timezone: str) -> Day:
    """The figures since midnight in a time zone (its IANA name)."""
    storefront = storefronts.by_id(session, storefront_id)
    day, since, until = day_of(now(session), timezone)
    sold = orders.sold(session, storefront_id=storefront_id, since=since, until=until)
    skus = [sku.id for sku in catalog.all_skus(session)]
    priced = list(pricing.current(session, storefront_id=storefront_id, sku_ids=skus))
    shelves = supply.left(session, priced, most=1)
    cost = sold.cost_minor.get(storefront.currency, 0)
    margins = brands.margins_of(session, house_id=storefront_id, since=since, until=until)
    return Day(
        day=day,
        since=since,
        currency=storefront.currency,
        orders=sold.orders,
        units=sold.units,
        sales_minor=sold.sales_minor,
        cost_minor=cost,
        profit_minor=sold.sales_minor - cost - margins,
        other_costs_minor={c: minor for c, minor in sold.cost_minor.items() if c != storefront.currency and minor},
        deposits=ledger.came_in(session, party_id=storefront.party_id, since=since, until=until),
        new_customers=people.joined(session, storefront_id=storefront_id, since=since, until=until),
        stock_outs=sum(1 for left in shelves.values() if not left),
        waiting=outbox.waiting(session),
        refunded_minor=sold.refunded_minor,
        margins_minor=margins,
    )
