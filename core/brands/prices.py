"""Prices of resellers' storefronts: they follow what the reseller pays, by a timed job and never inside a sale."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import catalog, people, pricing, resellers
from core.brands.queries import hidden_products, sells, view
from core.brands.tables import Brand
from core.catalog import ProductKind
from core.database import now, read, write

# Besides prices, a level, a minimum, a package or what is shown may have changed.
LOOK_AGAIN = timedelta(minutes=5)
_NEVER = {ProductKind.SERVICE}  # work by agreement is offered by the shop itself, to one buyer


@read
def to_price(session: Session, *, most: int) -> list[int]:
    """The brands whose prices may not be what they should, the longest unlooked first."""
    at, found = now(session), []
    rows = session.execute(
        select(Brand.id, Brand.priced_upto, Brand.priced_at, Brand.house_id)
        .where(or_(Brand.closed_at.is_(None), Brand.priced_at.is_(None)))
        .order_by(Brand.priced_at.is_not(None), Brand.priced_at, Brand.id)
    ).all()
    newest: dict[int, int] = {}
    for brand_id, upto, priced_at, house_id in rows:
        if house_id not in newest:
            newest[house_id] = pricing.newest(session, storefront_id=house_id)
        if priced_at is None or upto != newest[house_id] or priced_at <= at - LOOK_AGAIN:
            found.append(brand_id)
            if len(found) >= most:
                break
    return found


@write
def price_brand(session: Session, *, brand_id: int) -> int:
    """Make the prices of one storefront what its rules say now; returns how many changed.

    The shop's part is what the reseller pays for one. A sale is at the row that its customer saw, so both parts of it are of one moment.
    """
    row = session.get_one(Brand, brand_id, with_for_update=True)
    owner, brand, at = people.by_id(session, row.owner_id), view(session, row), now(session)
    # What comes after is looked at the next time.
    upto = pricing.newest(session, storefront_id=owner.storefront_id)
    have = pricing.branded(session, storefront_id=row.storefront_id)
    wanted: dict[int, tuple[int, int]] = {}
    if sells(session, row):
        skus = [sku for sku in catalog.all_skus(session) if not sku.hidden]
        products = catalog.products_of(session, {sku.product_id for sku in skus})
        hidden = hidden_products(session, brand_id)
        shown = {
            sku.id
            for sku in skus
            if sku.product_id not in hidden
            and (product := products.get(sku.product_id)) is not None
            and not product.hidden
            and product.kind not in _NEVER
            and "for" not in product.terms
        }
        least = resellers.minimums(session, storefront_id=owner.storefront_id, sku_ids=list(shown))
        currency = brand.storefront.currency
        for sku_id, price in pricing.for_buyer(session, buyer=owner, sku_ids=shown).items():
            if price.currency == currency:
                floor = least[sku_id].unit_minor if sku_id in least and least[sku_id].currency == currency else None
                house = price.unit_for(1)
                wanted[sku_id] = brand.markup.asked(house, floor), house
    changed = 0
    for sku_id, (retail, house) in sorted(wanted.items()):
        known = have.get(sku_id)
        if known is None or (known.retail_minor, known.house_minor) != (retail, house):
            changed += pricing.set_branded(
                session,
                storefront_id=row.storefront_id,
                sku_id=sku_id,
                retail_minor=retail,
                house_minor=house,
                currency=brand.storefront.currency,
            )
    over = have.keys() - wanted.keys()
    if over:
        changed += pricing.end_branded(session, storefront_id=row.storefront_id, sku_ids=over)
    row.priced_upto, row.priced_at = upto, at
    session.flush()
    return changed
