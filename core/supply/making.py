"""Offers of what is made when it is ordered: nothing lies on the shelf, the source says how much it can make."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import insert_new, now, read, write
from core.storefronts import Storefront
from core.supply.commands import own_offer
from core.supply.declared import declare
from core.supply.for_settlement import suspended
from core.supply.members import payable
from core.supply.ranking import join_ranking
from core.supply.stocking import IsSuspended
from core.supply.tables import Offer, Source, SourceClass


@write
def to_be_made(
    session: Session, *, storefront: Storefront, sku_id: int, declared: int, supplier_id: int | None = None, cost_minor: int = 0
) -> int:
    """An offer that makes so many on order, by the shop itself or by a supplier for this cost in the shop's currency; returns its id.

    Safe to repeat: the offer that is there already declares so many from now on. Raises IsSuspended for a suspended supplier.
    """
    if supplier_id is not None and suspended(session, [supplier_id]):
        raise IsSuspended
    if supplier_id is None or supplier_id == storefront.party_id:
        offer_id = own_offer(session, storefront=storefront, sku_id=sku_id).id
    else:
        account = payable(session, supplier_id=supplier_id, currency=storefront.currency)
        session.execute(
            insert_new(session, Offer).values(
                supplier_id=supplier_id,
                sku_id=sku_id,
                cost_minor=cost_minor,
                cost_currency=storefront.currency,
                payable_id=account,
                since=now(session),
                source_class=SourceClass.CREATOR,
            )
        )
        offer_id = session.scalars(select(Offer.id).where(Offer.supplier_id == supplier_id, Offer.sku_id == sku_id)).one()
        join_ranking(session, sku_id=sku_id, offer_id=offer_id)
    declare(session, offer_id=offer_id, quantity=declared)
    return offer_id


@read
def first_supplier(session: Session, sku_id: int) -> int | None:
    """Whose offer of a denomination is drawn first among those that sell; None when nobody's does."""
    return session.scalar(
        select(Offer.supplier_id)
        .join(Source, Source.offer_id == Offer.id)
        .where(Source.sku_id == sku_id, Offer.stopped_at.is_(None), Offer.closed_at.is_(None))
        .order_by(Source.rank)
        .limit(1)
    )
