"""Stopping offers from selling, each for its own reason, and letting them sell again when no reason is left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, literal, select, update
from sqlalchemy.orm import Session

from core.database import among, insert_new, now, read, write
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
    ids, at = _locked(session, offer_ids), now(session)
    if not ids:
        return 0
    reason = {"why": why, "ref": ref, "by": by, "at": at, "until": until}
    columns = [literal(value, type_=OfferStop.__table__.c[name].type) for name, value in reason.items()]
    made = session.scalars(
        insert_new(session, OfferStop)
        .from_select(["offer_id", *reason], select(Offer.id, *columns).where(among(session, Offer.id, ids)))
        .returning(OfferStop.id)
    ).all()
    session.execute(update(Offer).where(among(session, Offer.id, ids), Offer.closed_at.is_(None)).values(closed_at=at))
    return len(made)


@write
def lift(session: Session, *, offer_ids: Collection[int], why: Stop, by: str, ref: str = "") -> int:
    """This reason is gone; offers for which no other is left sell again. Returns for how many it was lifted."""
    ids = _locked(session, offer_ids)
    if not ids:
        return 0
    lifted = session.scalars(
        update(OfferStop)
        .where(among(session, OfferStop.offer_id, ids), OfferStop.why == why, OfferStop.ref == ref, OfferStop.lifted_at.is_(None))
        .values(lifted_at=now(session), lifted_by=by)
        .returning(OfferStop.id)
    ).all()
    others = exists().where(OfferStop.offer_id == Offer.id, OfferStop.lifted_at.is_(None))
    session.execute(update(Offer).where(among(session, Offer.id, ids), Offer.closed_at.is_not(None), ~others).values(closed_at=None))
    return len(lifted)


def _locked(session: Session, offer_ids: Collection[int]) -> list[int]:
    """Lock those of these offers that there are, in the order of their ids, so that who stops and who lifts take turns.

    A sale that locks an offer is waited for. On PostgreSQL the gathered sale locks none: it sees every stop that was committed before
    it looked, and one of the same moment stands before the stop.
    """
    wanted = sorted(set(offer_ids))
    if not wanted:
        return []
    return list(session.scalars(select(Offer.id).where(among(session, Offer.id, wanted)).order_by(Offer.id).with_for_update()))


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
