"""How much is on the shelf, and who waits for more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.database import among, insert_new, listed, now, read, write
from core.inventory.tables import Batch, Code, Watch


@read
def on_shelf(session: Session, offer_ids: Collection[int], *, most: int | None = None) -> dict[int, int]:
    """How many codes of each offer can be sold now; counted up to `most` when given, so that a screen stays fast."""
    wanted = listed(session, offer_ids)
    shelf = select(Code.id).where(Code.offer_id == wanted.c.value, Code.available.is_not(None)).correlate(wanted)
    if most is not None:
        shelf = shelf.limit(most)
    counted = select(func.count()).select_from(shelf.subquery()).correlate(wanted).scalar_subquery()
    return {row[0]: int(row[1]) for row in session.execute(select(wanted.c.value, counted))}


@read
def stocked_skus(session: Session, *, since: datetime) -> set[int]:
    """The denominations of which codes went on sale since then."""
    return set(session.scalars(select(Batch.sku_id).where(Batch.published_at >= since)))


@read
def places(session: Session, offer_ids: Collection[int]) -> dict[str, int]:
    """How many codes of these offers are staged, on the shelf, held, sold and void."""
    row = session.execute(
        select(
            func.count(Code.staged),
            func.count(Code.available),
            func.count(Code.hold_id),
            func.count(Code.order_id),
            func.count(Code.void_at),
        ).where(among(session, Code.offer_id, offer_ids))
    ).one()
    return dict(zip(("staged", "available", "held", "sold", "void"), row, strict=True))


@write
def watch(session: Session, *, customer_id: int, sku_id: int) -> bool:
    """Ask to be told when a denomination is back; False when already asked."""
    made = session.execute(
        insert_new(session, Watch).values(sku_id=sku_id, customer_id=customer_id, asked_at=now(session)).returning(Watch.id)
    ).first()
    return made is not None


@write
def unwatch(session: Session, *, customer_id: int, sku_id: int) -> None:
    """No longer wait."""
    session.execute(
        update(Watch).where(Watch.customer_id == customer_id, Watch.sku_id == sku_id, Watch.told_at.is_(None)).values(told_at=now(session))
    )


@read
def watching(session: Session, *, customer_id: int, sku_id: int) -> bool:
    """Does this customer wait for this denomination?"""
    return (
        session.scalar(select(Watch.id).where(Watch.customer_id == customer_id, Watch.sku_id == sku_id, Watch.told_at.is_(None)))
        is not None
    )


@read
def waited_for(session: Session) -> Sequence[int]:
    """The denominations somebody waits for."""
    return session.scalars(select(Watch.sku_id).where(Watch.told_at.is_(None)).distinct().order_by(Watch.sku_id)).all()


@write
def answer_watches(session: Session, *, sku_id: int, most: int) -> list[tuple[int, int]]:
    """Mark up to `most` askers as told and return (watch id, customer id); those another process is telling are left to it."""
    waiting = session.execute(
        select(Watch.id, Watch.customer_id)
        .where(Watch.sku_id == sku_id, Watch.told_at.is_(None))
        .order_by(Watch.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(update(Watch).where(among(session, Watch.id, [w for w, _ in waiting])).values(told_at=now(session)))
    return [(watch_id, customer_id) for watch_id, customer_id in waiting]
