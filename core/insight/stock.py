"""How much is in stock, and telling the staff when something runs low."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core import catalog, outbox, people, pricing, storefronts, supply
from core.catalog import ProductView, SkuView
from core.database import read, write

COUNTED = 1000  # Stock is counted up to here in overviews.
_PAGE = 200


@dataclass(frozen=True, slots=True)
class StockLine:
    """A denomination, hidden ones too, with how many are on the shelf (counted up to COUNTED)."""

    product: ProductView
    sku: SkuView
    left: int

    @property
    def low(self) -> bool:
        return self.left <= self.sku.low_stock_at


@read
def stock(session: Session) -> list[StockLine]:
    """Every denomination, the emptiest visible shelves first."""
    skus = catalog.all_skus(session, hidden_too=True)
    products = catalog.products_of(session, {sku.product_id for sku in skus})
    left = supply.left(session, [sku.id for sku in skus], most=COUNTED)
    lines = [StockLine(products[sku.product_id], sku, left[sku.id]) for sku in skus]
    return sorted(lines, key=lambda line: (line.sku.hidden or line.product.hidden, line.left, line.sku.id))


@write
def alert_low_stock(session: Session, *, most: int = 20) -> int:
    """Tell the staff of denominations that have run low, each once until it is restocked; returns how many it told of.

    Low is at or below the denomination's level. Told are the staff of the storefronts that have a price for it and who have
    pressed /start; while there is nobody, it stays untold. Tells of at most `most` in one call, and may run in several
    processes at once.
    """
    told, after = 0, 0
    readers = {
        storefront.id: [member.customer.id for member in people.staff(session, storefront_id=storefront.id) if member.customer]
        for storefront in storefronts.all_open(session)
    }
    while told < most:
        page = catalog.skus_to_watch(session, after=after, limit=_PAGE)
        if not page:
            break
        after = page[-1].id
        ids = [sku.id for sku in page]
        left = supply.left(session, ids, most=max(sku.low_stock_at for sku in page) + 1)
        sellers: dict[int, set[int]] = {sku_id: set() for sku_id in ids}
        for storefront_id in readers:
            for sku_id in pricing.current(session, storefront_id=storefront_id, sku_ids=ids):
                sellers[sku_id].add(storefront_id)
        for sku in page:
            if left[sku.id] > sku.low_stock_at:
                if sku.low_stock_told:
                    catalog.low_stock_told(session, sku.id, told=False)
                continue
            to = sorted({reader for storefront_id in sellers[sku.id] for reader in readers[storefront_id]})
            if sku.low_stock_told or not to or told >= most or not catalog.low_stock_told(session, sku.id, told=True):
                continue
            for customer_id in to:
                outbox.post(
                    session,
                    topic=outbox.Topic.ALERT,
                    customer_id=customer_id,
                    body={"says": "low-stock", "sku": sku.id, "left": left[sku.id]},
                )
            told += 1
    return told
