"""Setting and reading prices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import journal
from core.database import now, read, write
from core.pricing.tables import Price as PriceRow


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, in minor units; `id` is the version a quote carries."""

    id: int
    sku_id: int
    retail_minor: int
    wholesale_minor: int | None
    currency: str


def _view(row: PriceRow) -> Price:
    return Price(row.id, row.sku_id, row.retail_minor, row.wholesale_minor, row.currency)


@read
def current(session: Session, *, storefront_id: int, sku_ids: Collection[int]) -> dict[int, Price]:
    """The current price of each of these denominations that has one."""
    if not sku_ids:
        return {}
    rows = session.scalars(
        select(PriceRow).where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id.in_(sku_ids), PriceRow.until.is_(None))
    )
    return {row.sku_id: _view(row) for row in rows}


@write
def set_price(
    session: Session,
    *,
    storefront_id: int,
    sku_id: int,
    retail_minor: int,
    currency: str,
    wholesale_minor: int | None = None,
    by: str | None = None,
) -> Price:
    """Set the price from now on; the same price again changes nothing, so that no open quote is spoilt for nothing."""
    assert retail_minor > 0, "a price is positive"
    before = session.scalars(
        select(PriceRow)
        .where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id == sku_id, PriceRow.until.is_(None))
        .with_for_update()
    ).one_or_none()
    if before is not None and (before.retail_minor, before.wholesale_minor, before.currency) == (
        retail_minor,
        wholesale_minor,
        currency,
    ):
        return _view(before)
    at = now(session)
    if before is not None:
        session.execute(update(PriceRow).where(PriceRow.id == before.id).values(until=at))
    row = PriceRow(
        storefront_id=storefront_id,
        sku_id=sku_id,
        retail_minor=retail_minor,
        wholesale_minor=wholesale_minor,
        currency=currency,
        since=at,
    )
    session.add(row)
    session.flush()
    if by is not None:
        journal.record(
            session,
            by=by,
            did="set-price",
            about="sku",
            about_id=sku_id,
            before={} if before is None else {"retail_minor": before.retail_minor, "currency": before.currency},
            after={"retail_minor": retail_minor, "currency": currency},
        )
    return _view(row)
