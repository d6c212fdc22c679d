"""Props of the tests about resellers: levels, resellers at them, and the job that works price lists into prices."""

from __future__ import annotations

from core import people, resellers
from core.database import Shop
from core.people import Customer
from core.resellers import LevelView
from core.storefronts import Storefront
from tests.stage import person


async def add_level(shop: Shop, storefront: Storefront, *, rank: int = 1, from_turnover_minor: int | None = None) -> LevelView:
    return await shop.write(
        resellers.add_level,
        storefront_id=storefront.id,
        name=f"Level {rank}",
        rank=rank,
        from_turnover_minor=from_turnover_minor,
        by="telegram:1",
    )


async def a_reseller(shop: Shop, storefront: Storefront, *, level_id: int | None = None, money_minor: int = 1_000_000) -> Customer:
    """A reseller with money, put at a level by the staff."""
    customer = await person(shop, storefront, money_minor=money_minor)
    await shop.write(resellers.take_in, storefront_id=storefront.id, customer_id=customer.id, by="telegram:1")
    if level_id is not None:
        await shop.write(
            resellers.put_at_level,
            storefront_id=storefront.id,
            customer_id=customer.id,
            level_id=level_id,
            pinned=False,
            by="telegram:1",
        )
    return await shop.read(people.by_id, customer.id)


async def work_in(shop: Shop, storefront: Storefront) -> int:
    """What the timed job does: every price list is in the rows afterwards. Returns how many rows are new or ended."""
    due = await shop.read(resellers.due, storefront_id=storefront.id)
    if due is None:
        return 0
    changed = 0
    for start in range(0, len(due.sku_ids), resellers.CHUNK):
        changed += await shop.write(resellers.work_in, storefront_id=storefront.id, sku_ids=due.sku_ids[start : start + resellers.CHUNK])
    await shop.write(resellers.worked_through, storefront_id=storefront.id, revision=due.revision, price_id=due.price_id)
    return changed
