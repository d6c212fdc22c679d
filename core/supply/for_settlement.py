"""What settlement asks of supply: whose goods an offer's are, and which of them must not be paid for now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.database import among, read, write
from core.supply.tables import Offer, OfferStop, Standing, Stop, Supplier


@dataclass(frozen=True, slots=True)
class Consigned:
    """An offer of goods that are its supplier's until they are sold."""

    offer_id: int
    sku_id: int
    supplier_id: int
    payable_id: int
    warranty_hours: int | None


@read
def consigned(session: Session, offer_ids: Collection[int]) -> dict[int, Consigned]:
    """Those of these offers whose goods are consigned, by id."""
    rows = session.scalars(select(Offer).where(among(session, Offer.id, offer_ids), Offer.payable_id.is_not(None)))
    return {
        row.id: Consigned(row.id, row.sku_id, row.supplier_id, row.payable_id, row.warranty_hours)
        for row in rows
        if row.payable_id is not None
    }


@read
def payable_offers(session: Session, supplier_id: int) -> list[int]:
    """All of a supplier's consigned offers, withdrawn ones too."""
    return list(session.scalars(select(Offer.id).where(Offer.supplier_id == supplier_id, Offer.payable_id.is_not(None)).order_by(Offer.id)))


@read
def taken_down(session: Session, offer_ids: Collection[int]) -> set[int]:
    """Those of these offers to which a rights-holder objects."""
    return set(
        session.scalars(
            select(OfferStop.offer_id).where(
                among(session, OfferStop.offer_id, offer_ids), OfferStop.why == Stop.TAKEDOWN, OfferStop.lifted_at.is_(None)
            )
        )
    )


@read
def suspended(session: Session, supplier_ids: Collection[int]) -> set[int]:
    """Those of these suppliers that are suspended."""
    return set(session.scalars(select(Supplier.id).where(among(session, Supplier.id, supplier_ids), Supplier.suspended_at.is_not(None))))


@dataclass(frozen=True, slots=True)
class SupplierName:
    """A supplier in a list."""

    id: int
    name: str
    standing: Standing


@read
def supplier_names(session: Session, *, offset: int = 0, limit: int = 10) -> list[SupplierName]:
    """Everybody who brings goods but the shop itself, the newest first."""
    rows = session.scalars(
        select(Supplier).where(Supplier.standing != Standing.OWN).order_by(Supplier.id.desc()).offset(offset).limit(limit)
    )
    return [SupplierName(row.id, row.name, row.standing) for row in rows]


@write
def lock_supplier(session: Session, supplier_id: int) -> None:
    """Decisions about one supplier's money take turns, until the end of this transaction."""
    # Not its key: rows that refer to it are written meanwhile.
    session.execute(select(Supplier.id).where(Supplier.id == supplier_id).with_for_update(key_share=True))


@write
def follow_contract(session: Session, *, offer_id: int, contract_id: int | None) -> None:
    """Show with an offer which contract's terms its sales are shared by from now on; settlement itself goes by its own rows."""
    session.execute(update(Offer).where(Offer.id == offer_id).values(contract_id=contract_id))
