"""The ranking of a denomination's sources: the facts it is made of, and putting it in force."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from core.database import read, write
from core.supply.tables import Offer, Source


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What a ranking asks of an offer; `rank` and `version` are those in force, None while it has none."""

    id: int
    sku_id: int
    supplier_id: int
    cost_minor: int
    cost_currency: str
    sells: bool
    declared: int
    region: str | None
    priority: int
    exclusive_until: datetime | None
    rank: int | None
    version: int | None


@read
def facts_of(session: Session, sku_ids: Collection[int]) -> list[OfferFacts]:
    """Every offer of these denominations that is not withdrawn, by denomination and id."""
    rows = session.execute(
        select(Offer, Source.rank, Source.version)
        .outerjoin(Source, Source.offer_id == Offer.id)
        .where(Offer.sku_id.in_(sku_ids), Offer.stopped_at.is_(None))
        .order_by(Offer.sku_id, Offer.id)
    ).all()
    return [
        OfferFacts(
            row.id,
            row.sku_id,
            row.supplier_id,
            row.cost_minor,
            row.cost_currency,
            row.closed_at is None,
            row.declared or 0,
            row.region,
            row.priority,
            row.exclusive_until,
            rank,
            version,
        )
        for row, rank, version in rows
    ]


@read
def offered_skus(session: Session, *, after: int, most: int) -> Sequence[int]:
    """Denominations that have an offer, by id, those above `after`."""
    return session.scalars(select(Offer.sku_id).where(Offer.sku_id > after).distinct().order_by(Offer.sku_id).limit(most)).all()


@write
def lock_offers(session: Session, *, sku_id: int) -> None:
    """Keep a denomination's offers as they are until the end of this transaction: who ranks them takes turns."""
    session.execute(select(Offer.id).where(Offer.sku_id == sku_id).order_by(Offer.id).with_for_update())


@write
def rank(session: Session, *, sku_id: int, offer_ids: Sequence[int], version: int) -> bool:
    """The sale draws from these offers in this order from now on, and keeps the version; False when it is the order in force.

    Offers that are not named are drawn from no more.
    """
    in_force = session.scalars(select(Source.offer_id).where(Source.sku_id == sku_id).order_by(Source.rank)).all()
    if list(in_force) == list(offer_ids):
        return False
    session.execute(delete(Source).where(Source.sku_id == sku_id), execution_options={"synchronize_session": "fetch"})
    if offer_ids:
        rows = [{"sku_id": sku_id, "rank": n, "offer_id": offer_id, "version": version} for n, offer_id in enumerate(offer_ids, 1)]
        session.execute(insert(Source), rows)
    return True
