"""Where a denomination comes from, and how much of it there is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import inventory
from core.database import read
from core.supply.quotas import covered
from core.supply.tables import Offer as OfferRow
from core.supply.tables import Source


@dataclass(frozen=True, slots=True)
class Offer:
    """A source of one denomination: cost of a unit, and who is credited with it (None: the shop owns the goods)."""

    id: int
    sku_id: int
    rank: int
    cost_minor: int
    cost_currency: str
    payable_id: int | None
    supplier_id: int = 0
    version: int | None = None  # of the ranking
    declared: int | None = None  # how many its source has besides the shelf
    upstream_id: int | None = None
    min_quantity: int | None = None
    max_quantity: int | None = None
    region: str | None = None
    exclusive_until: datetime | None = None
    quota_id: int | None = None  # the discount quota that its sales draw down
    warranty_hours: int | None = None  # its own; None: the product's
    plain: bool = True  # the shelf is all there is to check
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def exclusive(self, at: datetime) -> bool:
        """Is nothing drawn from other offers at this moment while it has any?"""
        return self.exclusive_until is not None and self.exclusive_until > at


def _offer(row: OfferRow, rank: int | None, version: int | None) -> Offer:
    return Offer(
        row.id,
        row.sku_id,
        rank or 0,
        row.cost_minor,
        row.cost_currency,
        row.payable_id,
        row.supplier_id,
        version,
        row.declared,
        row.upstream_id,
        row.min_quantity,
        row.max_quantity,
        row.region,
        row.exclusive_until,
        row.quota_id,
        row.warranty_hours,
        row.plain,
        row.valid_from,
        row.valid_until,
    )


@read
def ranked(session: Session, sku_ids: Collection[int]) -> list[Offer]:
    """The offers of these denominations in the order in which the sale draws from them."""
    if not sku_ids:
        return []
    rows = session.execute(
        select(OfferRow, Source.rank, Source.version)
        .join(Source, Source.offer_id == OfferRow.id)
        .where(Source.sku_id.in_(sku_ids), OfferRow.stopped_at.is_(None), OfferRow.closed_at.is_(None))
        .order_by(Source.sku_id, Source.rank)
    ).all()
    return [_offer(row, rank, version) for row, rank, version in rows]


@read
def selling(session: Session, offer_ids: Collection[int]) -> set[int]:
    """Those of these offers that sell now: neither stopped nor closed."""
    these = (OfferRow.id.in_(offer_ids), OfferRow.stopped_at.is_(None), OfferRow.closed_at.is_(None))
    return set(session.scalars(select(OfferRow.id).where(*these)))


@read
def offers(session: Session, offer_ids: Collection[int]) -> list[Offer]:
    """These offers, whether they still sell or not."""
    rows = session.execute(
        select(OfferRow, Source.rank, Source.version)
        .outerjoin(Source, Source.offer_id == OfferRow.id)
        .where(OfferRow.id.in_(offer_ids))
        .order_by(OfferRow.id)
    ).all()
    return [_offer(row, rank, version) for row, rank, version in rows]


@read
def left(session: Session, sku_ids: Collection[int], *, most: int | None = None) -> dict[int, int]:
    """How many of each denomination there are: on the shelf, and declared by sources that sell, of an offer with a quota as many as that
    covers; counted up to `most` of each when given.
    """
    offers = ranked(session, sku_ids)
    shelves = inventory.on_shelf(session, [offer.id for offer in offers], most=most)
    quotas = covered(session, [offer.id for offer in offers if offer.quota_id is not None])
    counted = dict.fromkeys(sku_ids, 0)
    for offer in offers:
        there = shelves[offer.id] + (offer.declared or 0)
        counted[offer.sku_id] += min(there, quotas.get(offer.id, there))
    return counted if most is None else {sku_id: min(n, most) for sku_id, n in counted.items()}


@read
def sold_by_country(session: Session, sku_id: int) -> bool:
    """Does every source of a denomination sell to buyers of one country only? Then whoever buys has to say where they are."""
    found = ranked(session, [sku_id])
    return bool(found) and all(offer.region is not None for offer in found)


@read
def cost_of(session: Session, sku_id: int) -> Offer | None:
    """The offer the sale draws from first."""
    return next(iter(ranked(session, [sku_id])), None)
