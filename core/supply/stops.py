"""Stopping offers from selling, each for its own reason, and letting them sell again when no reason is left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from core.database import insert_new, now, read, write
from core.supply.tables import Offer, OfferStop, Stop


@dataclass(frozen=True, slots=True)
class StopView:
    """Why an offer does not sell, since when and by whom; `until` when it ends by itself."""

    offer_id: int
    why: Stop
    ref: str
    by: str
    at: datetime
    until: datetime | None


@write
def stop(session: Session, *, offer_ids: Collection[int], why: Stop, by: str, ref: str = "", until: datetime | None = None) -> int:
    """These offers sell no more, from this transaction on, until this reason is lifted; returns how many it was new for.

    `ref` tells reasons of one kind apart ("takedown:7"); a reason that stands already is left as it is.
    """
    at, stopped = now(session), 0
    for offer_id in sorted(set(offer_ids)):
        # The row is the lock: a sale that has read it before is finished first, on both databases.
        session.execute(select(Offer.id).where(Offer.id == offer_id).with_for_update())
        made = session.execute(
            insert_new(session, OfferStop).values(offer_id=offer_id, why=why, ref=ref, by=by, at=at, until=until).returning(OfferStop.id)
        ).first()
        stopped += made is not None
        session.execute(update(Offer).where(Offer.id == offer_id, Offer.closed_at.is_(None)).values(closed_at=at))
    return stopped


@write
def lift(session: Session, *, offer_ids: Collection[int], why: Stop, by: str, ref: str = "") -> int:
    """This reason is gone; offers for which no other is left sell again. Returns for how many it was lifted."""
    lifted = 0
    for offer_id in sorted(set(offer_ids)):
        session.execute(select(Offer.id).where(Offer.id == offer_id).with_for_update())
        changed = session.execute(
            update(OfferStop)
            .where(OfferStop.offer_id == offer_id, OfferStop.why == why, OfferStop.ref == ref, OfferStop.lifted_at.is_(None))
            .values(lifted_at=now(session), lifted_by=by)
            .returning(OfferStop.id)
        ).first()
        lifted += changed is not None
        others = exists().where(OfferStop.offer_id == offer_id, OfferStop.lifted_at.is_(None))
        session.execute(update(Offer).where(Offer.id == offer_id, ~others).values(closed_at=None))
    return lifted


@write
def lift_ended(session: Session, *, most: int = 100) -> int:
    """Lift what ends by itself and is over; returns how many."""
    over = session.execute(
        select(OfferStop.offer_id, OfferStop.why, OfferStop.ref)
        .where(OfferStop.lifted_at.is_(None), OfferStop.until <= now(session))
        .order_by(OfferStop.until, OfferStop.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(lift(session, offer_ids=[offer_id], why=why, ref=ref, by="clock") for offer_id, why, ref in over)


@read
def stops(session: Session, offer_ids: Collection[int]) -> list[StopView]:
    """The open reasons for which these offers do not sell, oldest first."""
    rows = session.scalars(select(OfferStop).where(OfferStop.offer_id.in_(offer_ids), OfferStop.lifted_at.is_(None)).order_by(OfferStop.id))
    return [StopView(row.offer_id, row.why, row.ref, row.by, row.at, row.until) for row in rows]
