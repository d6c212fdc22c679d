"""The catalogue by product, as shops of other software read it: pages with numbers, categories with their way, names in languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import catalog, pricing
from core.api.goods import Item, for_programs, items_of
from core.api.keys import allowed
from core.api.refusals import NoSuchItem
from core.api.tables import Scope
from core.catalog import CategoryView, ProductView, SkuView
from core.database import read
from core.people import Customer

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ProductOf:
    """A product with what can be ordered of it. `public` is what one of an item costs everybody else, in minor units."""

    product: ProductView
    skus: Mapping[int, SkuView]
    items: Sequence[Item]
    public: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ProductPage:
    """One page of the products, in id order, and how many there are altogether."""

    products: Sequence[ProductOf]
    total: int


@dataclass(frozen=True, slots=True)
class CategoryOf:
    """A visible category; `way` are the visible ones above it, the top first."""

    category: CategoryView
    way: Sequence[CategoryView]


@read
def products(session: Session, *, key_id: int, page: int, size: int) -> ProductPage:
    """The products that have something to be ordered, at the owner's prices. Raises NoSuchKey and NotAllowed."""
    _, owner = allowed(session, key_id, Scope.READ)
    by_product = _sellable(session, owner)
    wanted = sorted(by_product)[(page - 1) * size : page * size]
    skus = [sku for product_id in wanted for sku in by_product[product_id]]
    return ProductPage(_products_of(session, owner, skus), len(by_product))


@read
def product(session: Session, *, key_id: int, product_id: int) -> tuple[ProductOf | None, bool]:
    """One product as it can be ordered, None when it cannot; and whether there is one at all. Raises NoSuchKey and NotAllowed."""
    _, owner = allowed(session, key_id, Scope.READ)
    skus = catalog.skus_of(session, [product_id])
    found = _products_of(session, owner, skus)
    known = catalog.product(session, product_id)
    return (found[0] if found else None), known is not None and for_programs(known)


@read
def product_of(session: Session, *, sku_id: int) -> tuple[ProductView, SkuView]:
    """The product of a denomination, hidden or not: what an order of it says it is. Raises NoSuchItem."""
    sku = catalog.sku(session, sku_id)
    found = None if sku is None else catalog.product(session, sku.product_id)
    if sku is None or found is None:
        raise NoSuchItem
    return found, sku


@read
def categories(session: Session, *, key_id: int) -> list[CategoryOf]:
    """The visible categories in the order in which a tree is drawn. Raises NoSuchKey and NotAllowed."""
    allowed(session, key_id, Scope.READ)
    return _categories(session)


def _categories(session: Session) -> list[CategoryOf]:
    found: dict[int, CategoryOf] = {}
    for _, here in catalog.tree(session):
        above = found.get(here.parent_id) if here.parent_id is not None else None
        if here.hidden or (here.parent_id is not None and above is None):
            continue
        found[here.id] = CategoryOf(here, (*above.way, above.category) if above is not None else ())
    return list(found.values())


def _sellable(session: Session, owner: Customer) -> dict[int, list[SkuView]]:
    """The visible denominations with a price, by product; counting no stock, so that a page costs little more than itself."""
    skus = catalog.all_skus(session)
    priced: set[int] = set()
    views: dict[int, ProductView] = {}
    for start in range(0, len(skus), _AT_ONCE):  # a statement has only so many parameters
        some = skus[start : start + _AT_ONCE]
        priced |= pricing.for_buyer(session, buyer=owner, sku_ids=[sku.id for sku in some]).keys()
        views |= catalog.products_of(session, {sku.product_id for sku in some})
    shown = {each.category.id for each in _categories(session)}
    found: dict[int, list[SkuView]] = {}
    for sku in skus:
        view = views[sku.product_id]
        if sku.id in priced and for_programs(view) and view.category_id in shown:
            found.setdefault(view.id, []).append(sku)
    return found


def _products_of(session: Session, owner: Customer, skus: Sequence[SkuView]) -> list[ProductOf]:
    by_product: dict[int, list[Item]] = {}
    for item in items_of(session, owner, skus):
        if item.active:
            by_product.setdefault(item.product_id, []).append(item)
    public = pricing.current(session, storefront_id=owner.storefront_id, sku_ids=[sku.id for sku in skus])
    views = catalog.products_of(session, by_product.keys())
    return [
        ProductOf(
            views[product_id],
            {sku.id: sku for sku in skus if sku.product_id == product_id},
            items,
            {item.sku_id: public[item.sku_id].retail_minor for item in items if item.sku_id in public},
        )
        for product_id, items in sorted(by_product.items())
    ]
