"""What a supplier may do at this moment: the one place where the rights of their standing are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core import supply
from core.database import Shop
from core.supply import IsSuspended, SourceClass, Standing, SupplierView

_CLASSES = {
    Standing.NEW: (SourceClass.OWN_STOCK,),
    Standing.TRUSTED: (SourceClass.OWN_STOCK, SourceClass.AUTHORISED),
    Standing.AUTHORISED: (SourceClass.AUTHORISED, SourceClass.OWN_STOCK),
    Standing.CREATOR: (SourceClass.CREATOR,),
    Standing.OWN: (SourceClass.OWN_STOCK, SourceClass.PURCHASED),
}


@dataclass(frozen=True, slots=True)
class Paper:
    """An approved paper on which an offer may rest."""

    id: int
    name: str
    expires_on: date | None


async def allowed(shop: Shop, supplier: SupplierView, sku_id: int, quantity: int | None) -> None:
    """May they list this denomination (`quantity` None), or bring so many codes for it? Raises the refusal that says why not.

    `quantity` 0 asks before it is known how many there are.
    """
    known = await shop.read(supply.supplier, supplier.id)
    if known is None or known.suspended:
        raise IsSuspended


async def papers_of(shop: Shop, supplier: SupplierView) -> Sequence[Paper]:
    """Their approved papers that have not expired."""
    return ()


def classes_of(standing: Standing) -> tuple[SourceClass, ...]:
    """What a supplier of this standing may say that their goods are, the usual first."""
    return _CLASSES[standing]


def needs_paper(standing: Standing) -> bool:
    """Must an offer of theirs rest on a paper?"""
    return standing not in (Standing.CREATOR, Standing.OWN)
