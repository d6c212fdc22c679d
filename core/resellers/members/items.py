"""What a reseller can buy: denominations with their own price and stock, found by number, short name or word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import catalog, orders, people, pricing, supply
from core.catalog import ProductView, SkuView
from core.database import read
from core.pricing import Price
from core.resellers.minimums import minimums

COUNTED = 1000  # stock is counted up to here in lists: "1000" means "1000 or more"
COUNTED_OF_ALL = 100  # when everything is listed at once
MOST_ITEMS = 3000  # of one list; a word finds the others
MOST_FOUND = 20  # products of one word
BEST_DAYS = 30


@dataclass(frozen=True, slots=True)
class ItemOfReseller:
    """A denomination as one reseller sees it: what it costs them, and how many are left (counted up to COUNTED)."""

    product: ProductView
    sku: SkuView
    price: Price
    left: int
    minimum_minor: int | None = None  # the least they may ask for one, in the price's currency


@dataclass(frozen=True, slots=True)
class BestSeller:
    """What sells in the shop, and how many of it this reseller bought in the same time."""

    item: ItemOfReseller
    units: int
    own_units: int


def of_skus(session: Session, buyer_id: int, skus: Sequence[SkuView], *, most: int = COUNTED) -> list[ItemOfReseller]:
    """Those of these denominations that this reseller can buy, in the given order."""
    buyer = people.by_id(session, buyer_id)
    shown = [sku for sku in skus if not sku.hidden]
    products = catalog.products_of(session, {sku.product_id for sku in shown})
    hidden = {category_id: _hidden(session, category_id) for category_id in {product.category_id for product in products.values()}}
    prices = pricing.for_buyer(session, buyer=buyer, sku_ids=[sku.id for sku in shown])
    left = supply.left(session, list(prices), most=most)
    least = minimums(session, storefront_id=buyer.storefront_id, sku_ids=list(prices))
    found = []
    for sku in shown:
        product = products.get(sku.product_id)
        # What was agreed with another buyer is not there for this one; what was agreed with this one is, wherever it stands.
        if product is None or product.hidden or sku.id not in prices or product.terms.get("for", buyer_id) != buyer_id:
            continue
        if hidden[product.category_id] and "for" not in product.terms:
            continue
        price, minimum = prices[sku.id], least.get(sku.id)
        told = minimum.unit_minor if minimum is not None and minimum.currency == price.currency else None
        found.append(ItemOfReseller(product, sku, price, left[sku.id], told))
    return found


def _hidden(session: Session, category_id: int) -> bool:
    return any(step.hidden for step in catalog.trail(session, category_id))


@read
def items(session: Session, *, buyer_id: int) -> list[ItemOfReseller]:
    """Everything that this reseller can buy, product by product, at most MOST_ITEMS; stock is counted up to COUNTED_OF_ALL."""
    found = of_skus(session, buyer_id, catalog.all_skus(session)[:MOST_ITEMS], most=COUNTED_OF_ALL)
    return sorted(found, key=lambda item: (item.product.position, item.product.id, item.sku.position, item.sku.id))


@read
def find_items(session: Session, *, buyer_id: int, word: str, folded: str) -> list[ItemOfReseller]:
    """What the word means: the denomination of this number or short name and nothing else, or else all of the products it is in.

    `folded` is the word as the index of the search is folded.
    """
    plain = word.strip().removeprefix("#")
    exact = catalog.sku(session, int(plain)) if plain.isascii() and plain.isdigit() and len(plain) <= 9 else None
    if exact is None and plain:
        exact = catalog.sku_by_slug(session, plain.lower().replace("\x00", ""))
    if exact is not None:
        found = of_skus(session, buyer_id, [exact])
        if found:
            return found
    products = catalog.search_products(session, folded, limit=MOST_FOUND)
    skus = catalog.skus_of(session, [product.id for product in products])
    place = {product.id: index for index, product in enumerate(products)}
    return of_skus(session, buyer_id, sorted(skus, key=lambda sku: place[sku.product_id]))


@read
def items_by_word(session: Session, *, buyer_id: int, words: Sequence[tuple[str, str]]) -> list[list[ItemOfReseller]]:
    """`find_items` for each of several (word, folded), in order; a word that comes again is looked up once."""
    known = {word: find_items(session, buyer_id=buyer_id, word=word[0], folded=word[1]) for word in dict.fromkeys(words)}
    return [known[word] for word in words]


@read
def best_sellers(session: Session, *, buyer_id: int, limit: int = 10) -> tuple[list[BestSeller], list[BestSeller]]:
    """What sells best in the shop lately, and what of it this reseller has not bought, though they could; most sold first.

    How many others bought is the shop's own business: whoever shows this tells places, and no figures.
    """
    storefront_id = people.by_id(session, buyer_id).storefront_id
    sold = orders.selling(session, storefront_id=storefront_id, buyer_id=buyer_id, days=BEST_DAYS)[: limit * 10]
    skus = [sku for one in sold if (sku := catalog.sku(session, one.sku_id)) is not None]
    there = {item.sku.id: item for item in of_skus(session, buyer_id, skus, most=100)}
    best = [BestSeller(there[one.sku_id], one.units, one.own_units) for one in sold if one.sku_id in there]
    return best[:limit], [one for one in best if not one.own_units][:limit]
