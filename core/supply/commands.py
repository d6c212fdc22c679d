"""Arranging supply, and telling those who wait that it has come."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory, outbox
from core.database import insert_new, now, write
from core.storefronts import Storefront
from core.supply.costs import SHOP, add_version
from core.supply.queries import Offer, left, offers
from core.supply.ranking import join_ranking
from core.supply.tables import Offer as OfferRow
from core.supply.tables import Supplier

__all__ = ["Offer", "own_offer", "tell_who_waits"]


@write
def own_offer(session: Session, *, storefront: Storefront, sku_id: int) -> Offer:
    """The shop's own offer of a denomination, made at the first call, and drawn after those that were there before."""
    session.execute(insert_new(session, Supplier).values(id=storefront.party_id, name=storefront.name, joined_at=now(session)))
    made = session.execute(
        insert_new(session, OfferRow)
        .values(supplier_id=storefront.party_id, sku_id=sku_id, cost_minor=0, cost_currency=storefront.currency, since=now(session))
        .returning(OfferRow.id)
    ).scalar_one_or_none()
    if made is not None:
        row = session.get_one(OfferRow, made)
        add_version(session, row, cost_minor=0, currency=storefront.currency, from_at=row.since, by=SHOP).taken_at = row.since
        session.flush()
        join_ranking(session, sku_id=sku_id, offer_id=made)
        return offers(session, [made])[0]
    row = session.scalars(select(OfferRow).where(OfferRow.supplier_id == storefront.party_id, OfferRow.sku_id == sku_id)).one()
    if row.stopped_at is not None:
        # It was withdrawn; whoever brings in the shop's own goods means to offer them.
        row.stopped_at = None
        session.flush()
        join_ranking(session, sku_id=sku_id, offer_id=row.id)
    return offers(session, [row.id])[0]


@write
def tell_who_waits(session: Session, *, most: int = 200) -> int:
    """Post a notice to people who asked to be told, for denominations that are back; each asker is told once. Returns how many."""
    told = 0
    waited_for = inventory.waited_for(session)
    stock = left(session, waited_for, most=1)
    for sku_id in waited_for:
        if not stock[sku_id] or told >= most:
            continue
        for watch_id, customer_id in inventory.answer_watches(session, sku_id=sku_id, most=most - told):
            outbox.post(
                session,
                topic=outbox.Topic.NOTICE,
                customer_id=customer_id,
                # Named, so that they are told what they themselves pay.
                body={"says": "restocked", "sku": sku_id, "customer": customer_id},
                once=f"watch:{watch_id}",
            )
            told += 1
    return told
