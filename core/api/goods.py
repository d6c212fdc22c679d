"""What a reseller's program sees of the shop: its balance, the catalogue at its own prices, quotes, and what has changed since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import catalog, fulfilment, ledger, orders, pricing, storefronts, supply
from core.api import rules
from core.api.keys import allowed
from core.api.refusals import AsksWrong, NoSuchItem
from core.api.tables import ApiChange, ApiItem, Scope
from core.catalog import ProductView, SkuView
from core.database import read
from core.fulfilment import Field
from core.people import Customer
from core.pricing import Price

COUNTED = 1000  # Stock is counted up to here: more is said to be so many.


@dataclass(frozen=True, slots=True)
class Prepaid:
    """Who the key belongs to, and what they have to spend."""

    name: str
    balance_minor: int
    currency: str
    spendable_minor: int = 0  # with the credit that is left


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be ordered, at this buyer's price; `key` is what programs call it, `version` grows with every change of it.

    `price` is None when it is sold no more, and `stock` is counted up to COUNTED.
    """

    sku_id: int
    product_id: int
    key: str
    title: str
    product: str
    category: str
    category_id: int
    price: Price | None
    currency: str
    stock: int
    active: bool
    kind: str  # code, topup
    fields: Sequence[Field]
    least: int
    most: int
    description: str
    version: int


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Some items, and the id to go on after; None at the end."""

    items: Sequence[Item]
    after: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """How an item is now, that has changed since; of what is sold no more only that."""

    sku_id: int
    key: str
    version: int
    unit_minor: int | None
    currency: str
    stock: int
    active: bool


@dataclass(frozen=True, slots=True)
class ChangePage:
    """What has changed, each item once, oldest first; `after` is the mark to go on from."""

    changes: Sequence[Change]
    after: int
    more: bool


@dataclass(frozen=True, slots=True)
class QuoteOf:
    """What so many would cost now. `price_id` is the version of the price; the same quantity costs the same until that has changed."""

    sku_id: int
    key: str
    quantity: int
    unit_minor: int
    total_minor: int
    currency: str
    price_id: int
    available: int  # of those asked for


@dataclass(frozen=True, slots=True)
class Checked:
    """What can be said of the buyer's fields without asking anybody: `shown` is the first of them, masked."""

    good: bool
    shown: str
    why: str
    said: Mapping[str, str] = field(repr=False, default_factory=dict)


@read
def prepaid(session: Session, *, key_id: int) -> Prepaid:
    """The owner's balance. Raises NoSuchKey and NotAllowed."""
    row, owner = allowed(session, key_id, Scope.READ)
    room = ledger.room(session, owner.wallet_id)
    currency = storefronts.by_id(session, row.storefront_id).currency
    return Prepaid(owner.name, room.balance_minor, currency, room.spendable_minor)


@read
def items(session: Session, *, key_id: int, after: int = 0, limit: int = rules.PAGE) -> ItemPage:
    """A page of the catalogue in a stable order, at the owner's prices. A page may be short, or empty, and have another after it."""
    _, owner = allowed(session, key_id, Scope.READ)
    skus = catalog.skus_page(session, after=after, limit=limit + 1)
    page = skus[:limit]
    found = [item for item in items_of(session, owner, page) if item.active]
    return ItemPage(found, page[-1].id if len(skus) > limit else None)


@read
def item(session: Session, *, key_id: int, sku_id: int) -> Item:
    """One item; raises NoSuchItem when it is sold no more."""
    _, owner = allowed(session, key_id, Scope.READ)
    return one_item(session, owner, sku_id)


@read
def item_called(session: Session, *, key_id: int, key: str) -> Item:
    """The same by what programs call it."""
    _, owner = allowed(session, key_id, Scope.READ)
    sku = catalog.sku_by_slug(session, key[:200])
    if sku is None:
        raise NoSuchItem
    return one_item(session, owner, sku.id)


@read
def sku_called(session: Session, key: str) -> int | None:
    """The denomination that programs call so; None when there is none."""
    sku = catalog.sku_by_slug(session, key[:200])
    return None if sku is None else sku.id


@read
def key_of_item(session: Session, sku_id: int) -> str:
    """What programs call a denomination that was sold, also when it is sold no more."""
    sku = catalog.sku(session, sku_id)
    assert sku is not None, "what was sold is never deleted"
    return sku.slug


@read
def currency_of(session: Session, *, key_id: int) -> str:
    """The currency of a key's prices. Raises NoSuchKey and NotAllowed."""
    row, _ = allowed(session, key_id, Scope.ORDER)
    return storefronts.by_id(session, row.storefront_id).currency


def one_item(session: Session, owner: Customer, sku_id: int) -> Item:
    """A part of questions: the item as this buyer sees it. Raises NoSuchItem."""
    sku = catalog.sku(session, sku_id)
    found = items_of(session, owner, [sku]) if sku is not None else []
    if not found or not found[0].active:
        raise NoSuchItem
    return found[0]


def items_of(session: Session, owner: Customer, skus: Sequence[SkuView]) -> list[Item]:
    """These denominations as this buyer sees them, what is sold no more too; without what is made for somebody or in a chat."""
    ids = [sku.id for sku in skus]
    products = catalog.products_of(session, {sku.product_id for sku in skus})
    prices = pricing.for_buyer(session, buyer=owner, sku_ids=ids)
    left = supply.left(session, ids, most=COUNTED) if ids else {}
    versions = versions_of(session, owner.storefront_id, ids)
    currency = storefronts.by_id(session, owner.storefront_id).currency
    visible: dict[int, str | None] = {}
    found = []
    for sku in skus:
        product = products[sku.product_id]
        called = _called(product)
        if called is None:
            continue
        if product.category_id not in visible:
            way = catalog.trail(session, product.category_id)
            visible[product.category_id] = None if not way or any(step.hidden for step in way) else way[-1].name
        category, price = visible[product.category_id], prices.get(sku.id)
        active = not sku.hidden and not product.hidden and category is not None and price is not None and price.currency == currency
        found.append(
            Item(
                sku.id,
                product.id,
                sku.slug,
                sku.name if product.name.casefold() in sku.name.casefold() else f"{product.name} {sku.name}",
                product.name,
                category or "",
                product.category_id,
                price,
                currency,
                left.get(sku.id, 0),
                active,
                called,
                fulfilment.kind(product.kind).fields(product.terms),
                sku.min_quantity,
                min(orders.most_of(owner, sku), rules.MOST_QUANTITY),
                product.description,
                versions.get(sku.id, 0),
            )
        )
    return found


def for_programs(product: ProductView) -> bool:
    """Can a program order it? Not what is agreed with one buyer, and not what is delivered by Telegram itself."""
    return _called(product) is not None


def _called(product: ProductView) -> str | None:
    """What programs are told that it is; None where they cannot order it."""
    return None if "for" in product.terms else fulfilment.kind(product.kind).for_programs


def versions_of(session: Session, storefront_id: int, sku_ids: Collection[int]) -> dict[int, int]:
    """The version of each of these items that was ever looked at."""
    rows = session.execute(
        select(ApiItem.sku_id, ApiItem.version).where(ApiItem.storefront_id == storefront_id, ApiItem.sku_id.in_(sku_ids))
    )
    return {one: other for one, other in rows}  # noqa: C416 - rows are no pairs to mypy


@read
def changes(session: Session, *, key_id: int, after: int | None, limit: int = rules.PAGE) -> ChangePage:
    """What has changed after this mark, at the owner's prices; without a mark nothing but the mark of now."""
    row, owner = allowed(session, key_id, Scope.READ)
    if after is None:
        newest = session.scalar(select(func.max(ApiChange.id)).where(ApiChange.storefront_id == row.storefront_id))
        return ChangePage([], newest or 0, False)
    rows = session.execute(
        select(ApiChange.id, ApiChange.sku_id)
        .where(ApiChange.storefront_id == row.storefront_id, ApiChange.id > after)
        .order_by(ApiChange.id)
        .limit(limit + 1)
    ).all()
    page = rows[:limit]
    newest_of = {sku_id: version for version, sku_id in page}
    return ChangePage(changes_of(session, owner, newest_of), page[-1][0] if page else after, len(rows) > limit)


def changes_of(session: Session, owner: Customer, versions: Mapping[int, int]) -> list[Change]:
    """These items as they are now, in the order of the versions, which are those of the changes that told of them."""
    skus = [sku for sku_id in versions if (sku := catalog.sku(session, sku_id)) is not None]
    known = {one.sku_id: one for one in items_of(session, owner, skus)}
    found = []
    for sku in sorted(skus, key=lambda sku: versions[sku.id]):
        one = known.get(sku.id)
        if one is None or not one.active or one.price is None:
            currency = storefronts.by_id(session, owner.storefront_id).currency
            found.append(Change(sku.id, sku.slug, versions[sku.id], None, currency, 0, False))
        else:
            found.append(Change(sku.id, sku.slug, versions[sku.id], one.price.retail_minor, one.currency, one.stock, True))
    return found


@read
def quote(session: Session, *, key_id: int, sku_id: int, quantity: int) -> QuoteOf:
    """What so many would cost, without buying. Raises NoSuchItem and AsksWrong."""
    _, owner = allowed(session, key_id, Scope.READ)
    one = one_item(session, owner, sku_id)
    checked_quantity(one.least, one.most, quantity)
    assert one.price is not None, "it is active"
    unit = one.price.unit_for(quantity)
    available = min(quantity, supply.left(session, [sku_id], most=quantity)[sku_id])
    return QuoteOf(one.sku_id, one.key, quantity, unit, unit * quantity, one.currency, one.price.id, available)


def checked_quantity(least: int, most: int, quantity: int) -> None:
    """Raises AsksWrong."""
    if not least <= quantity <= most:
        raise AsksWrong(what=f"quantity of this item must be from {least} to {most}")


@read
def check(session: Session, *, key_id: int, sku_id: int, fields: Mapping[str, str]) -> Checked:
    """Whether what the buyer typed looks right; orders nothing, and asks no source. Raises NoSuchItem."""
    _, owner = allowed(session, key_id, Scope.READ)
    one = one_item(session, owner, sku_id)
    said: dict[str, str] = {}
    if unknown := sorted(fields.keys() - {asked.name for asked in one.fields}):
        return Checked(False, "", f"nobody asks for {', '.join(unknown)[:100]}")
    for asked in one.fields:
        try:
            said[asked.name] = asked.clean(fields.get(asked.name, ""))
        except fulfilment.FieldWrong as wrong:
            return Checked(False, "", f"{wrong.name} does not look right, for example: {wrong.example}")
    first = next((said[asked.name] for asked in one.fields if said.get(asked.name)), "")
    return Checked(True, fulfilment.masked(first), "", said)
