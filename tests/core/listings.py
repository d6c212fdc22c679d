"""Props of the tests about what suppliers list themselves."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import onboarding, supply
from core.database import Shop
from core.onboarding import Listed, PaperKind
from core.supply import SourceClass, Standing, SupplierView
from tests.core.traders import trader
from tests.stage import Goods


async def paper(
    shop: Shop,
    goods: Goods,
    supplier_id: int,
    *,
    scope: str = "Steam",
    kind: PaperKind = PaperKind.PURCHASE,
    expires_on: date | None = None,
) -> int:
    """An approved paper of a supplier; its id."""
    about: dict[str, Any] = {"supplier_id": supplier_id, "storefront_id": goods.storefront.id}
    return await shop.write(onboarding.add_document, kind=kind, scope=scope, expires_on=expires_on, by="test", **about)


async def lists(shop: Shop, goods: Goods, supplier_id: int, document_id: int | None, **facts: Any) -> Listed:
    """A supplier lists a denomination on a paper."""
    asked = {"cost_minor": 8500, "cost_currency": "CNY", "source_class": SourceClass.OWN_STOCK, "by": "telegram:8", **facts}
    return await shop.write(
        onboarding.list_offer,
        storefront_id=goods.storefront.id,
        supplier_id=supplier_id,
        sku_id=goods.sku_id,
        document_id=document_id,
        **asked,
    )


async def listed(shop: Shop, goods: Goods, *, standing: Standing = Standing.TRUSTED, **facts: Any) -> tuple[SupplierView, int, int]:
    """Somebody who brings goods, with an offer on a paper of their own: they, the paper's id, the offer's id."""
    made = await trader(shop, standing=standing)
    document_id = await paper(shop, goods, made.id, **facts)
    return made, document_id, (await lists(shop, goods, made.id, document_id)).offer.id


async def alone(shop: Shop, goods: Goods) -> None:
    """The shop's own offer of the denomination is withdrawn: whatever else is offered sells."""
    await shop.write(supply.withdraw_offer, offer_id=goods.offer_id, by="test")
