"""The ranking of a denomination's sources: joining it, leaving it, the facts it is made of, and putting it in force.

Every offer that is not withdrawn stands in it once, at ranks from 1 without gaps, all at one version.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, union, update
from sqlalchemy.orm import Session

from core.database import insert_new, now, read, write
from core.supply.commitments.drawing import set_aside
from core.supply.commitments.tables import Commitment
from core.supply.tables import Offer, OfferCost, OfferStop, Source

_TRIES = 20  # as many may join one denomination at the same instant


def join_ranking(session: Session, *, sku_id: int, offer_id: int) -> None:
    """The offer is drawn last, until the next ranking says otherwise; nothing changes when it stands in it already.

    The version stays: nothing was decided, and what is sold before the next decision was drawn in the order of the last.
    """
    for _ in range(_TRIES):
        session.execute(select(Source.rank).where(Source.sku_id == sku_id).order_by(Source.rank).with_for_update())
        if session.scalar(select(Source.rank).where(Source.offer_id == offer_id)) is not None:
            return
        last, version = session.execute(
            select(func.coalesce(func.max(Source.rank), 0), func.coalesce(func.max(Source.version), 1)).where(Source.sku_id == sku_id)
        ).one()
        # Another offer may take the place at the same moment: then the next one is looked for.
        joined = session.execute(
            insert_new(session, Source).values(sku_id=sku_id, rank=last + 1, offer_id=offer_id, version=version).returning(Source.rank)
        ).first()
        if joined is not None:
            return
    raise RuntimeError("the ranking never stood still")


def leave_ranking(session: Session, *, sku_id: int, offer_id: int) -> None:
    """The offer is drawn no more, and those behind it move up; nothing changes when it does not stand in it."""
    rows = session.execute(
        select(Source.rank, Source.offer_id, Source.version).where(Source.sku_id == sku_id).order_by(Source.rank).with_for_update()
    ).all()
    if offer_id not in {row.offer_id for row in rows}:
        return
    session.execute(delete(Source).where(Source.offer_id == offer_id).execution_options(synchronize_session=False))
    # One by one from the front: each rank is free when the next takes it.
    for rank, row in enumerate([row for row in rows if row.offer_id != offer_id], 1):
        if rank != row.rank:
            session.execute(
                update(Source).where(Source.offer_id == row.offer_id).values(rank=rank).execution_options(synchronize_session=False)
            )


@dataclass(frozen=True, slots=True)
class SourceFacts:
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
    committed: bool = False  # units are set aside for a commitment that is in force
    committed_alone: bool = False  # and no other source is drawn while it has stock


@read
def facts_of(session: Session, sku_ids: Collection[int]) -> list[SourceFacts]:
    """Every offer of these denominations that is not withdrawn, by denomination and id."""
    rows = session.execute(
        select(Offer, Source.rank, Source.version)
        .outerjoin(Source, Source.offer_id == Offer.id)
        .where(Offer.sku_id.in_(sku_ids), Offer.stopped_at.is_(None))
        .order_by(Offer.sku_id, Offer.id)
    ).all()
    aside = set_aside(session, [row.id for row, _, _ in rows if not row.plain])
    return [
        SourceFacts(
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
            row.id in aside,
            row.id in aside and aside[row.id].exclusive,
        )
        for row, rank, version in rows
    ]


@read
def contested_skus(session: Session, *, after: int, most: int) -> Sequence[int]:
    """Denominations that have several sources, by id, those above `after`: nothing else can be drawn from in another order."""
    return session.scalars(select(Source.sku_id).where(Source.sku_id > after, Source.rank == 2).order_by(Source.sku_id).limit(most)).all()


@read
def changed_skus(session: Session, *, since: datetime, after_offer: int) -> set[int]:
    """Denominations of which an offer was stopped, let sell again, changed or given another cost since then, is exclusive no more, has a
    commitment that began or ended, or is newer than that offer.
    """
    stopped = select(OfferStop.offer_id).where(OfferStop.at >= since)
    lifted = select(OfferStop.offer_id).where(OfferStop.lifted_at >= since)
    costs = select(OfferCost.offer_id).where(OfferCost.taken_at >= since)
    found = set(session.scalars(select(Offer.sku_id).where(Offer.id > after_offer)))
    found.update(session.scalars(select(Offer.sku_id).where(Offer.changed_at.is_not(None), Offer.changed_at >= since)))
    over = (Offer.exclusive_until.is_not(None), Offer.exclusive_until >= since, Offer.exclusive_until <= now(session))
    found.update(session.scalars(select(Offer.sku_id).where(*over)))
    at = now(session)
    begun = select(Commitment.offer_id).where(Commitment.closed_at.is_(None), Commitment.from_at >= since, Commitment.from_at <= at)
    ended = select(Commitment.offer_id).where(Commitment.closed_at.is_(None), Commitment.until >= since, Commitment.until <= at)
    found.update(session.scalars(select(Offer.sku_id).where(Offer.id.in_(union(begun, ended)))))
    return found.union(session.scalars(select(Offer.sku_id).where(Offer.id.in_(union(stopped, lifted, costs)))))


@read
def skus_costed_in(session: Session, currencies: Collection[str]) -> set[int]:
    """Denominations of which an offer's cost is in one of these currencies: another rate may change which is the cheapest."""
    if not currencies:
        return set()
    question = select(Offer.sku_id).where(Offer.cost_currency.in_(sorted(currencies)), Offer.stopped_at.is_(None)).distinct()
    return set(session.scalars(question))


@read
def newest_offer(session: Session) -> int:
    """The id of the newest offer, 0 when there is none."""
    return session.scalar(select(func.max(Offer.id))) or 0


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
