"""Screens of the shop as data; for a `buyer` with the prices that this person pays, without one with those that anybody does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import catalog, people, pricing, storefronts, supply
from core.catalog import CategoryView, Gone, ProductView, SkuView
from core.database import read
from core.pricing import Price

COUNTED = 100  # Stock is counted up to here on screens: "100" means "100 or more".


@dataclass(frozen=True, slots=True)
class Denomination:
    """A denomination with its current price and how many are left (counted up to COUNTED)."""

    sku: SkuView
    price: Price
    left: int

    @property
    def sold_out(self) -> bool:
        """Too few are left even for the smallest purchase."""
        return self.left < self.sku.min_quantity


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product on a shelf with what can be bought of it."""

    product: ProductView
    denominations: list[Denomination]

    @property
    def sold_out(self) -> bool:
        return all(d.sold_out for d in self.denominations)

    @property
    def from_minor(self) -> int:
        """The lowest price of a unit, of what is in stock if anything is."""
        return min(d.price.retail_minor for d in [d for d in self.denominations if not d.sold_out] or self.denominations)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category (None: the top) with the way to it, what is under it, and its products that have a price."""

    here: CategoryView | None
    trail: list[CategoryView]
    categories: list[CategoryView]
    products: list[ProductCard]


@dataclass(frozen=True, slots=True)
class Front:
    """The first screen: in a small shop all its products, otherwise its categories."""

    categories: list[CategoryView]
    products: list[ProductCard]


@dataclass(frozen=True, slots=True)
class ProductPage:
    card: ProductCard
    trail: list[CategoryView]


def _cards(session: Session, storefront_id: int, products: Sequence[ProductView], buyer: people.Customer | None) -> list[ProductCard]:
    skus = catalog.skus_of(session, [product.id for product in products])
    sku_ids = [sku.id for sku in skus]
    if buyer is None:
        prices = pricing.current(session, storefront_id=storefront_id, sku_ids=sku_ids)
    else:
        assert buyer.storefront_id == storefront_id, "a customer looks round their own storefront"
        prices = pricing.for_buyer(session, buyer=buyer, sku_ids=sku_ids)
    left = supply.left(session, list(prices), most=COUNTED)
    cards = []
    for product in products:
        denominations = [
            Denomination(sku, prices[sku.id], left[sku.id]) for sku in skus if sku.product_id == product.id and sku.id in prices
        ]
        if denominations:
            cards.append(ProductCard(product, denominations))
    return cards


@read
def shelf(session: Session, *, storefront_id: int, category_id: int | None, buyer: people.Customer | None = None) -> Shelf:
    """What stands in a category, or at the top; raises Gone when it is hidden or was never there."""
    way = [] if category_id is None else catalog.trail(session, category_id)
    if category_id is not None and (not way or any(step.hidden for step in way)):
        raise Gone
    products = [] if category_id is None else catalog.products_in(session, category_id)
    under = _with_goods(session, storefront_id, catalog.categories_under(session, category_id))
    return Shelf(way[-1] if way else None, way, under, _cards(session, storefront_id, products, buyer))


def _with_goods(session: Session, storefront_id: int, categories: list[CategoryView]) -> list[CategoryView]:
    """Those in which anything has a price; asked only of a reseller's storefront, which may sell less than the shop does."""
    if not categories or not storefronts.branded(session, [storefront_id]):
        return categories

    def filled(category: CategoryView) -> bool:
        skus = catalog.skus_of(session, [product.id for product in catalog.products_in(session, category.id)])
        if pricing.current(session, storefront_id=storefront_id, sku_ids=[sku.id for sku in skus]):
            return True
        return any(filled(under) for under in catalog.categories_under(session, category.id))

    return [category for category in categories if filled(category)]


@read
def front(session: Session, *, storefront_id: int, few: int, buyer: people.Customer | None = None) -> Front:
    """The top of the shop; when no category has another under it and there are `few` products or less, those at once.

    Categories with nothing in them are left out.
    """
    filled: list[CategoryView] = []
    products: list[ProductView] = []
    deep = False
    for top in _with_goods(session, storefront_id, catalog.categories_under(session, None)):
        here, under = catalog.products_in(session, top.id), catalog.categories_under(session, top.id)
        if here or under:
            filled.append(top)
        products += here
        deep = deep or bool(under)
    if deep or len(products) > few:
        return Front(filled, [])
    return Front([], _cards(session, storefront_id, products, buyer))


@read
def product_page(
    session: Session, *, storefront_id: int, product_id: int, agreed: bool = False, buyer: people.Customer | None = None
) -> ProductPage:
    """A product with its denominations; raises Gone when it cannot be bought any more.

    `agreed`: also one that was made for a single buyer, whom the asker checks; nobody walks to it by its category.
    """
    product = catalog.product(session, product_id)
    if product is None or product.hidden:
        raise Gone
    way = catalog.trail(session, product.category_id)
    cards = _cards(session, storefront_id, [product], buyer)
    for_one = agreed and "for" in product.terms
    if not cards or (any(step.hidden for step in way) and not for_one):
        raise Gone
    return ProductPage(cards[0], way)


@read
def denomination(
    session: Session, *, storefront_id: int, sku_id: int, buyer: people.Customer | None = None
) -> tuple[ProductView, Denomination]:
    """One denomination with its product; raises Gone when it cannot be bought any more."""
    sku = catalog.sku(session, sku_id)
    if sku is None or sku.hidden:
        raise Gone
    page = product_page(session, storefront_id=storefront_id, product_id=sku.product_id, agreed=True, buyer=buyer)
    for found in page.card.denominations:
        if found.sku.id == sku_id:
            return page.card.product, found
    raise Gone


@read
def search(
    session: Session, *, storefront_id: int, folded: str, offset: int = 0, limit: int = 20, buyer: people.Customer | None = None
) -> list[ProductCard]:
    """Products that can be bought whose names, keywords or initials hold all the words, folded as the index is."""
    return _cards(session, storefront_id, catalog.search_products(session, folded, offset=offset, limit=limit), buyer)
