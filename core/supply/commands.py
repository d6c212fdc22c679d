"""Arranging supply, and telling those who wait that it has come."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import inventory, journal, outbox
from core.database import insert_new, now, write
from core.storefronts import Storefront
from core.supply.queries import Offer, left, ranked
from core.supply.tables import Offer as OfferRow
from core.supply.tables import Source, Supplier

__all__ = ["Offer", "own_offer", "set_cost", "tell_who_waits"]


@write
def own_offer(session: Session, *, storefront: Storefront, sku_id: int) -> Offer:
    """The shop's own offer of a denomination, ranked first until others come; made at the first call."""
    session.execute(insert_new(session, Supplier).values(id=storefront.party_id, name=storefront.name, joined_at=now(session)))
    session.execute(
        insert_new(session, OfferRow).values(
            supplier_id=storefront.party_id, sku_id=sku_id, cost_minor=0, cost_currency=storefront.currency, since=now(session)
        )
    )
    offer_id = session.scalars(select(OfferRow.id).where(OfferRow.supplier_id == storefront.party_id, OfferRow.sku_id == sku_id)).one()
    last, version = session.execute(
        select(func.coalesce(func.max(Source.rank), 0), func.coalesce(func.max(Source.version), 1)).where(Source.sku_id == sku_id)
    ).one()
    # Behind the sources that there are: the next ranking finds its place.
    session.execute(insert_new(session, Source).values(sku_id=sku_id, rank=last + 1, offer_id=offer_id, version=version))
    return next(offer for offer in ranked(session, [sku_id]) if offer.id == offer_id)


@write
def set_cost(session: Session, *, offer_id: int, cost_minor: int, cost_currency: str, by: str | None = None) -> None:
    """What one unit costs from now on."""
    offer = session.get_one(OfferRow, offer_id, with_for_update=True)
    if by is not None and (offer.cost_minor, offer.cost_currency) != (cost_minor, cost_currency):
        journal.record(
            session,
            by=by,
            did="set-cost",
            about="sku",
            about_id=offer.sku_id,
            before={"cost_minor": offer.cost_minor, "currency": offer.cost_currency},
            after={"cost_minor": cost_minor, "currency": cost_currency},
        )
    session.execute(update(OfferRow).where(OfferRow.id == offer_id).values(cost_minor=cost_minor, cost_currency=cost_currency))


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
                body={"says": "restocked", "sku": sku_id},
                once=f"watch:{watch_id}",
            )
            told += 1
    return told
