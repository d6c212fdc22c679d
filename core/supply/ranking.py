"""Keeping the ranking whole: every offer that is not withdrawn stands in it once, at ranks from 1 without gaps, at one version."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.database import insert_new
from core.supply.tables import Source

_TRIES = 20  # as many may join one denomination at the same instant


def join_ranking(session: Session, *, sku_id: int, offer_id: int) -> None:
    """The offer is drawn last, until a ranking says otherwise; nothing changes when it stands in it already."""
    for _ in range(_TRIES):
        session.execute(select(Source.rank).where(Source.sku_id == sku_id).order_by(Source.rank).with_for_update())
        if session.scalar(select(Source.rank).where(Source.offer_id == offer_id)) is not None:
            return
        last, version = session.execute(
            select(func.coalesce(func.max(Source.rank), 0), func.coalesce(func.max(Source.version), 0)).where(Source.sku_id == sku_id)
        ).one()
        # Another offer may take the place at the same moment: then the next one is looked for.
        joined = session.execute(
            insert_new(session, Source).values(sku_id=sku_id, rank=last + 1, offer_id=offer_id, version=version + 1).returning(Source.rank)
        ).first()
        if joined is not None:
            _bump(session, sku_id, version + 1)
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
    _bump(session, sku_id, max(row.version for row in rows) + 1)


def _bump(session: Session, sku_id: int, version: int) -> None:
    session.execute(update(Source).where(Source.sku_id == sku_id).values(version=version).execution_options(synchronize_session=False))
