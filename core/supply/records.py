"""How sources have done lately, as buyers are shown it: one row for each offer, counted off the sale's path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import inventory
from core.database import insert_new, now, read, write
from core.supply import rules
from core.supply.tables import Offer as OfferRow
from core.supply.tables import OfferRecord, Source, SourceClass


@dataclass(frozen=True, slots=True)
class Record:
    """Of an offer's orders of late: how many there were, how many were complained about, how many could not be handed over."""

    orders: int
    cases: int = 0
    undelivered: int = 0


@dataclass(frozen=True, slots=True)
class SourceShown:
    """What a buyer is told of the source that the next unit comes from; `stability` is None for a new one."""

    offer_id: int
    source_class: SourceClass
    warranty_hours: int | None  # None: the product's
    stability: int | None


@write
def note_records(session: Session, records: Mapping[int, Record]) -> int:
    """Keep how the offers have done; those that are not named had no orders. Returns how many rows were written."""
    at = now(session)
    session.execute(delete(OfferRecord).where(OfferRecord.offer_id.not_in(list(records))).execution_options(synchronize_session=False))
    for offer_id, record in sorted(records.items()):
        facts = {"orders": record.orders, "cases": record.cases, "undelivered": record.undelivered, "at": at}
        made = session.execute(insert_new(session, OfferRecord).values(offer_id=offer_id, **facts).returning(OfferRecord.offer_id)).first()
        if made is None:
            session.execute(
                update(OfferRecord).where(OfferRecord.offer_id == offer_id).values(**facts).execution_options(synchronize_session=False)
            )
    return len(records)


@read
def record_of(session: Session, offer_id: int) -> Record:
    """How an offer has done lately."""
    row = session.get(OfferRecord, offer_id)
    return Record(0) if row is None else Record(row.orders, row.cases, row.undelivered)


@read
def stability_of(session: Session, offer_id: int) -> int | None:
    """How steady a source is, from 0 to 100; None for a new one."""
    record, row = record_of(session, offer_id), session.get_one(OfferRow, offer_id)
    days = max(0, (now(session) - row.since).days)
    return rules.stability(orders=record.orders, cases=record.cases, undelivered=record.undelivered, days=days)


@read
def source_shown(session: Session, sku_id: int) -> SourceShown | None:
    """The source that the next unit of a denomination comes from, by the ranking: the first that has one; None when nothing sells."""
    rows = session.scalars(
        select(OfferRow)
        .join(Source, Source.offer_id == OfferRow.id)
        .where(Source.sku_id == sku_id, OfferRow.stopped_at.is_(None), OfferRow.closed_at.is_(None))
        .order_by(Source.rank)
    ).all()
    if not rows:
        return None
    shelves = inventory.on_shelf(session, [row.id for row in rows], most=1)
    row = next((row for row in rows if shelves[row.id] or row.declared), rows[0])
    return SourceShown(row.id, row.source_class, row.warranty_hours, stability_of(session, row.id))
