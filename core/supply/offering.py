"""Suppliers offering denominations that the shop has."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal
from core.database import now, write
from core.supply.members import payable
from core.supply.queries import Offer
from core.supply.tables import Offer as OfferRow
from core.supply.tables import Source, SourceClass


@write
def new_offer(
    session: Session,
    *,
    supplier_id: int,
    sku_id: int,
    cost_minor: int,
    cost_currency: str,
    source_class: SourceClass,
    document_id: int | None,
    declared: int | None = None,
    by: str,
) -> Offer:
    """A supplier offers a denomination: ranked last, consigned."""
    row = OfferRow(
        supplier_id=supplier_id,
        sku_id=sku_id,
        cost_minor=cost_minor,
        cost_currency=cost_currency,
        payable_id=payable(session, supplier_id=supplier_id, currency=cost_currency),
        since=now(session),
        source_class=source_class,
        document_id=document_id,
        declared=declared,
    )
    session.add(row)
    session.flush()
    rank = (session.scalar(select(func.max(Source.rank)).where(Source.sku_id == sku_id)) or 0) + 1
    session.add(Source(sku_id=sku_id, rank=rank, offer_id=row.id, version=1))
    journal.record(
        session,
        by=by,
        did="new-offer",
        about="offer",
        about_id=row.id,
        after={"sku": sku_id, "cost_minor": cost_minor, "currency": cost_currency, "document": document_id},
    )
    return Offer(row.id, sku_id, rank, cost_minor, cost_currency, row.payable_id)
