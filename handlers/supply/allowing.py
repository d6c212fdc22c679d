"""What a supplier may do at this moment: asked before they type or send anything, and again by the command itself."""

from __future__ import annotations

from collections.abc import Sequence

from core import onboarding, standing
from core.database import Shop
from core.onboarding import DocumentView
from core.supply import SourceClass, SupplierView

# What they may say that their goods are, the usual first.
_CLASSES = (SourceClass.AUTHORISED, SourceClass.CREATOR, SourceClass.OWN_STOCK)


async def allowed(shop: Shop, supplier: SupplierView, sku_id: int, quantity: int | None) -> None:
    """May they list this denomination (`quantity` None), or bring so many codes for it? Raises the refusal that says why not.

    `quantity` 0 asks before it is known how many there are.
    """
    if quantity is None:
        await shop.read(onboarding.may_list, supplier=supplier, sku_id=sku_id)
    else:
        await shop.read(onboarding.may_stock, supplier=supplier, sku_id=sku_id, quantity=quantity)


async def papers_of(shop: Shop, supplier: SupplierView) -> Sequence[DocumentView]:
    """Their approved papers that have not expired."""
    return await shop.read(onboarding.papers_for_listing, supplier.id)


async def classes_of(shop: Shop, supplier: SupplierView) -> list[SourceClass]:
    """What they may say that their goods are: what the rights of their standing allow."""
    rights = await shop.read(standing.rights, supplier.standing)
    return [one for one in _CLASSES if one in rights.classes]
