"""What a supplier sees of their own: the shelf and how long it lasts, today's sales, what does not sell and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core import aftersale, catalog, inventory, orders, supply
from core.catalog import ProductView, SkuView
from core.database import now, read
from core.insight.figures import day_of
from core.insight.restock import LOOKED_DAYS, Advice, advise, days_left, lead_days
from core.supply import OfferFacts, StopView

_DELIVERIES = 8  # looked at for the pace of deliveries
_COUNTED = 100_000  # codes of an offer are counted up to here in overviews


@dataclass(frozen=True, slots=True)
class OfferLine:
    """An offer in a list: what is on its shelf, how much of it was sold of late, and whether it sells."""

    facts: OfferFacts
    product: ProductView
    sku: SkuView
    shelf: int
    sold: int  # in the last LOOKED_DAYS days

    @property
    def days_left(self) -> int | None:
        return days_left(self.shelf, self.sold)


@dataclass(frozen=True, slots=True)
class OfferPage:
    """All about one offer. `since` is when the oldest code on the shelf came in."""

    line: OfferLine
    places: dict[str, int]
    stops: list[StopView]
    since: datetime | None
    age_days: int | None
    advice: Advice
    batches: list[inventory.BatchView]
    taken_back: list[inventory.TakeBackView]


@dataclass(frozen=True, slots=True)
class SupplierHome:
    """The first screen of a supplier; costs in minor units by currency."""

    supplier: supply.SupplierView
    lines: list[OfferLine]
    shelf: int
    days_left: int | None
    sold_today: int
    cost_today_minor: dict[str, int]
    open_cases: int


def _lines(session: Session, facts: list[OfferFacts]) -> list[OfferLine]:
    at = now(session)
    sold = orders.sold_of_offers(
        session, [one.id for one in facts], since=at - timedelta(days=LOOKED_DAYS), until=at + timedelta(seconds=1)
    )
    shelves = inventory.on_shelf(session, [one.id for one in facts], most=_COUNTED)
    found = []
    for one in facts:
        sku = catalog.sku(session, one.sku_id)
        assert sku is not None, "an offer has a denomination"
        product = catalog.product(session, sku.product_id)
        assert product is not None, "a denomination has a product"
        found.append(OfferLine(one, product, sku, shelves[one.id], sold[one.id].units if one.id in sold else 0))
    return found


@read
def supplier_home(session: Session, supplier_id: int, *, timezone: str) -> SupplierHome:
    """A supplier's figures of this moment and of today in a time zone (its IANA name)."""
    supplier = supply.supplier(session, supplier_id)
    assert supplier is not None, "asked for a supplier that there is"
    lines = _lines(session, supply.offers_with_facts(session, supplier_id))
    ids = [line.facts.id for line in lines]
    _, since, until = day_of(now(session), timezone)
    today = orders.sold_of_offers(session, ids, since=since, until=until)
    costs: dict[str, int] = {}
    for sold in today.values():
        for currency, minor in sold.cost_minor.items():
            costs[currency] = costs.get(currency, 0) + minor
    shelf = sum(line.shelf for line in lines)
    return SupplierHome(
        supplier,
        lines,
        shelf,
        days_left(shelf, sum(line.sold for line in lines)),
        sum(sold.units for sold in today.values()),
        costs,
        aftersale.count_open_of_offers(session, ids),
    )


@read
def offer_page(session: Session, *, offer_id: int, telegram_id: int) -> OfferPage:
    """All about an offer, for somebody of its supplier; raises supply.NotYours."""
    facts = supply.offer_of_member(session, offer_id=offer_id, telegram_id=telegram_id)
    [line] = _lines(session, [facts])
    batches = inventory.batches_of(session, [offer_id], limit=_DELIVERIES)
    since = inventory.shelved_since(session, [offer_id]).get(offer_id)
    return OfferPage(
        line,
        inventory.places(session, [offer_id]),
        supply.stops(session, [offer_id]),
        since,
        None if since is None else max(0, (now(session) - since).days),
        advise(line.shelf, line.sold, lead_days=lead_days([batch.made_at for batch in batches])),
        batches,
        inventory.take_backs_of(session, offer_id),
    )
