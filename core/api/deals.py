"""What an order of a program is made of, read in a few questions for however many, and remembered for a moment by whoever gathers them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core import catalog, fulfilment, orders, pricing
from core.api import rules
from core.api.goods import checked_quantity, for_programs
from core.api.refusals import CostsMore, NoSuchItem
from core.catalog import ProductView, SkuView
from core.database import Tools, now, tools
from core.people import Customer
from core.pricing import Price

_BELIEVED = timedelta(seconds=1)
_MOST = 50_000  # remembered by one process

_MEMORY = "deals"

_Key = tuple[int, int | None, int]  # an owner, their level, and a denomination


@dataclass(frozen=True, slots=True)
class Deal:
    """What is ordered, and on which terms, before it is known how many there are."""

    owner: Customer
    sku_id: int
    price: Price
    rules_version: int
    asks: bool

    def within(self, units: int, asked: int, most_minor: int | None) -> int:
        """What so many of those asked for cost; raises CostsMore when that is more than their share of the most that all may cost."""
        total = self.price.unit_for(units) * units
        if most_minor is not None and total * asked > most_minor * units:
            raise CostsMore(total_minor=total, currency=self.price.currency)
        return total


@dataclass(frozen=True, slots=True)
class Goods:
    """A denomination as one owner may order it; what is None is not there for them."""

    sku: SkuView | None
    product: ProductView | None
    price: Price | None
    shown: bool  # with all the categories above it

    def deal(self, owner: Customer, quantity: int) -> Deal:
        """Raises NoSuchItem, and AsksWrong for a quantity that it is not sold in."""
        sku, product, price = self.sku, self.product, self.price
        if sku is None or product is None or price is None or sku.hidden or product.hidden or not self.shown or not for_programs(product):
            raise NoSuchItem
        checked_quantity(sku.min_quantity, min(orders.most_of(owner, sku), rules.MOST_QUANTITY), quantity)
        return Deal(owner, sku.id, price, sku.rules_version, bool(fulfilment.kind(product.kind).fields(product.terms)))


def read_of(session: Session, wanted: Collection[tuple[Customer, int]]) -> dict[tuple[int, int], Goods]:
    """What these owners want, by owner and denomination."""
    skus = catalog.skus_called(session, {sku_id for _, sku_id in wanted})
    products = catalog.products_of(session, {sku.product_id for sku in skus.values()})
    ways = {category_id: catalog.trail(session, category_id) for category_id in {product.category_id for product in products.values()}}
    open_ones = {category_id for category_id, way in ways.items() if way and not any(step.hidden for step in way)}
    owners = {owner.id: owner for owner, _ in wanted}
    prices = pricing.for_resellers(session, buyers=owners.values(), sku_ids=skus.keys())
    found = {}
    for owner, sku_id in wanted:
        sku = skus.get(sku_id)
        product = None if sku is None else products.get(sku.product_id)
        shown = product is not None and product.category_id in open_ones
        found[owner.id, sku_id] = Goods(sku, product, prices[owner.id].get(sku_id), shown)
    return found


def remembered(session: Session, wanted: Collection[tuple[Customer, int]]) -> dict[tuple[int, int], Goods]:
    """The same, as it was within the last second.

    Only for who sells by `orders.buy`, which compares the price, the rules and what is stopped or hidden with what is true in its
    own statement, and for whom nothing dearer or stopped is sold by what was remembered; a hidden category follows a second later.
    """
    memory: dict[_Key, tuple[datetime, Goods]] = tools(session).remembered.setdefault(_MEMORY, {})
    at = now(session)
    found, missing = {}, []
    for owner, sku_id in wanted:
        since, goods = memory.get((owner.id, owner.level_id, sku_id), (None, None))
        if since is None or goods is None or not since <= at < since + _BELIEVED:
            missing.append((owner, sku_id))
        else:
            found[owner.id, sku_id] = goods
    if missing:
        if len(memory) > _MOST:
            memory.clear()
        read = read_of(session, missing)
        for owner, sku_id in missing:
            memory[owner.id, owner.level_id, sku_id] = at, read[owner.id, sku_id]
        found |= read
    return found


def forget(tools: Tools, deal: Deal) -> None:
    """What this deal was made of is read again before the next one."""
    memory: dict[_Key, tuple[datetime, Goods]] = tools.remembered.get(_MEMORY, {})
    memory.pop((deal.owner.id, deal.owner.level_id, deal.sku_id), None)
