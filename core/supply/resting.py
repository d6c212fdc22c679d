"""Which offers rest on a paper, and everybody who brings goods."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import read
from core.supply.members import SupplierView, supplier
from core.supply.tables import Offer, Supplier


@read
def resting_on(session: Session, document_id: int) -> Sequence[int]:
    """The offers that rest on this paper and are not withdrawn."""
    return session.scalars(select(Offer.id).where(Offer.document_id == document_id, Offer.stopped_at.is_(None)).order_by(Offer.id)).all()


@read
def all_suppliers(session: Session) -> list[SupplierView]:
    """Everybody who brings goods, the first joined first; the shop itself among them."""
    found = [supplier(session, supplier_id) for supplier_id in session.scalars(select(Supplier.id).order_by(Supplier.id))]
    return [one for one in found if one is not None]
