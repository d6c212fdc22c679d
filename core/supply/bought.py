"""Goods that the shop buys from a supplier for itself: offered by that supplier's name, and nobody is credited when they are sold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, ledger
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.ledger import PartyKind
from core.supply.members import SupplierView, supplier
from core.supply.ranking import join_ranking
from core.supply.tables import Offer, SourceClass, Standing, Supplier


@dataclass(eq=False)
class ConsignedGoods(Refusal):
    """One supplier's goods of one denomination are either theirs until they are sold, or bought beforehand."""

    says: ClassVar[str] = N_("{name} brings these on consignment: they stay theirs until they are sold. The shop cannot buy them as well.")

    name: str


@write
def bought_offer(session: Session, *, supplier_id: int, sku_id: int, cost_minor: int, cost_currency: str) -> int:
    """The offer on whose shelf lies what is bought from a supplier; made at the first call. Raises ConsignedGoods."""
    session.execute(
        insert_new(session, Offer).values(
            supplier_id=supplier_id,
            sku_id=sku_id,
            cost_minor=cost_minor,
            cost_currency=cost_currency,
            since=now(session),
            source_class=SourceClass.PURCHASED,
        )
    )
    offer = session.scalars(select(Offer).where(Offer.supplier_id == supplier_id, Offer.sku_id == sku_id).with_for_update()).one()
    if offer.payable_id is not None:
        raise ConsignedGoods(name=session.get_one(Supplier, supplier_id).name)
    offer.stopped_at = None  # What was withdrawn once and is bought again sells again.
    session.flush()
    join_ranking(session, sku_id=sku_id, offer_id=offer.id)
    return offer.id


@read
def bought_offers(session: Session) -> Sequence[int]:
    """The ids of all offers of bought goods."""
    return session.scalars(select(Offer.id).where(Offer.source_class == SourceClass.PURCHASED).order_by(Offer.id)).all()


def locked_cost(session: Session, offer_id: int) -> tuple[int, str]:
    """Lock an offer until the end of this transaction; what a unit costs, and in which currency. A part of commands."""
    cost_minor, currency = session.execute(
        select(Offer.cost_minor, Offer.cost_currency).where(Offer.id == offer_id).with_for_update()
    ).one()
    return cost_minor, currency


@write
def new_vendor(session: Session, *, name: str, by: str) -> SupplierView:
    """Somebody the shop buys from; nobody acts for them in the chat."""
    row = Supplier(id=ledger.new_party(session, PartyKind.SUPPLIER), name=name, joined_at=now(session), standing=Standing.AUTHORISED)
    session.add(row)
    session.flush()
    journal.record(session, by=by, did="new-vendor", about="supplier", about_id=row.id, after={"name": name})
    found = supplier(session, row.id)
    assert found is not None
    return found


@read
def vendors(session: Session) -> Sequence[SupplierView]:
    """Who may be bought from: every supplier but the shop itself, those bought from last first."""
    newest = select(func.max(Offer.id)).where(Offer.supplier_id == Supplier.id, Offer.source_class == SourceClass.PURCHASED)
    ids = session.scalars(
        select(Supplier.id).where(Supplier.standing != Standing.OWN).order_by(newest.scalar_subquery().desc().nulls_last(), Supplier.id)
    ).all()
    return [found for found in (supplier(session, supplier_id) for supplier_id in ids) if found is not None]
