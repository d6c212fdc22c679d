"""Setting and reading prices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from core import journal, people
from core.database import now, read, write
from core.errors import N_, Refusal
from core.pricing.quote import Price, Tier
from core.pricing.tables import Price as PriceRow
from core.pricing.tables import PriceTier

MOST_TIERS = 10


@dataclass(eq=False)
class TiersDoNotFall(Refusal):
    """Quantity prices must rise in quantity and fall in price."""

    says: ClassVar[str] = N_(
        "From {from_quantity} on, one would cost {unit}: that is not less than {before} for fewer. Nothing was changed."
    )

    from_quantity: int
    unit_minor: int
    before_minor: int
    currency: str


@dataclass(eq=False)
class TooManyTiers(Refusal):
    says: ClassVar[str] = N_("There can be at most {most} quantity prices. Nothing was changed.")

    most: int


def _view(row: PriceRow, tiers: Sequence[Tier]) -> Price:
    return Price(row.id, row.sku_id, row.retail_minor, row.wholesale_minor, row.currency, tuple(tiers))


def _views(session: Session, rows: Collection[PriceRow]) -> list[Price]:
    """The rows with their tiers, which most have none of."""
    tiers: dict[int, list[Tier]] = {row.id: [] for row in rows if row.tiered}
    if tiers:
        found = select(PriceTier).where(PriceTier.price_id.in_(tiers)).order_by(PriceTier.price_id, PriceTier.from_quantity)
        for tier in session.scalars(found):
            tiers[tier.price_id].append(Tier(tier.from_quantity, tier.unit_minor))
    return [_view(row, tiers.get(row.id, ())) for row in rows]


@read
def current(session: Session, *, storefront_id: int, sku_ids: Collection[int], wholesale: bool = False) -> dict[int, Price]:
    """The current price of each of these denominations that has one; as a reseller pays it, when `wholesale`."""
    if not sku_ids:
        return {}
    rows = session.scalars(
        select(PriceRow).where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id.in_(sku_ids), PriceRow.until.is_(None))
    ).all()
    return {price.sku_id: price.wholesale() if wholesale else price for price in _views(session, rows)}


@read
def for_buyer(session: Session, *, buyer: people.Customer, sku_ids: Collection[int]) -> dict[int, Price]:
    """What one of each of these denominations costs this buyer, of those that have a price."""
    return current(session, storefront_id=buyer.storefront_id, sku_ids=sku_ids, wholesale=buyer.wholesale)


@read
def version(session: Session, price_id: int) -> Price | None:
    """A version of a price, also one that is over."""
    row = session.get(PriceRow, price_id)
    return None if row is None else _views(session, [row])[0]


@read
def changes(session: Session, *, storefront_id: int, after: int, upto: int, most: int = 500) -> list[tuple[Price | None, Price | None]]:
    """The prices that changed between two versions (the second included): each denomination's before and now, by denomination.

    None before: it had no price; None now: it has none any more. At most so many.
    """
    moved = (
        select(PriceRow.sku_id)
        .where(PriceRow.storefront_id == storefront_id, PriceRow.id > after, PriceRow.id <= upto)
        .group_by(PriceRow.sku_id)
        .order_by(PriceRow.sku_id)
        .limit(most)
    )
    sku_ids = session.scalars(moved).all()
    if not sku_ids:
        return []
    newest = (
        select(func.max(PriceRow.id))
        .where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id.in_(sku_ids), PriceRow.id <= after)
        .group_by(PriceRow.sku_id)
    )
    before = {price.sku_id: price for price in _views(session, session.scalars(select(PriceRow).where(PriceRow.id.in_(newest))).all())}
    now_ = current(session, storefront_id=storefront_id, sku_ids=sku_ids)
    return [(before.get(sku_id), now_.get(sku_id)) for sku_id in sku_ids]


@read
def newest(session: Session, *, storefront_id: int, before: datetime | None = None) -> int:
    """The id of the newest version of a price in this storefront (of those set before an instant); 0 when there is none."""
    question = select(func.max(PriceRow.id)).where(PriceRow.storefront_id == storefront_id)
    if before is not None:
        question = question.where(PriceRow.since < before)
    return session.scalar(question) or 0


@read
def history(session: Session, *, storefront_id: int, sku_id: int, limit: int = 10) -> list[tuple[datetime, Price]]:
    """The versions of a price, the newest first, each with the instant from which it held."""
    rows = session.scalars(
        select(PriceRow).where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id == sku_id).order_by(PriceRow.id.desc()).limit(limit)
    ).all()
    return [(row.since, price) for row, price in zip(rows, _views(session, rows), strict=True)]


@write
def set_price(
    session: Session,
    *,
    storefront_id: int,
    sku_id: int,
    retail_minor: int,
    currency: str,
    wholesale_minor: int | None = None,
    tiers: Collection[Tier] | None = None,
    by: str | None = None,
) -> Price:
    """Set the price from now on; the same price again changes nothing, so that no open quote is spoilt for nothing.

    `tiers` are the unit prices of larger quantities; without them those of the price before are kept (in another currency there
    are none). Raises TiersDoNotFall when a larger quantity would not be cheaper each, and TooManyTiers.
    """
    assert retail_minor > 0, "a price is positive"
    before = session.scalars(
        select(PriceRow)
        .where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id == sku_id, PriceRow.until.is_(None))
        .with_for_update()
    ).one_or_none()
    old = None if before is None else _views(session, [before])[0]
    wanted = tuple(sorted(old.tiers if tiers is None and old is not None and old.currency == currency else tiers or ()))
    _check(wanted, retail_minor, currency)
    if old is not None and (old.retail_minor, old.wholesale_minor, old.currency, old.tiers) == (
        retail_minor,
        wholesale_minor,
        currency,
        wanted,
    ):
        return old
    at = now(session)
    if before is not None:
        session.execute(update(PriceRow).where(PriceRow.id == before.id).values(until=at))
    row = PriceRow(
        storefront_id=storefront_id,
        sku_id=sku_id,
        retail_minor=retail_minor,
        wholesale_minor=wholesale_minor,
        currency=currency,
        tiered=bool(wanted),
        since=at,
    )
    session.add(row)
    session.flush()
    if wanted:
        session.execute(
            insert(PriceTier),
            [{"price_id": row.id, "from_quantity": tier.from_quantity, "unit_minor": tier.unit_minor} for tier in wanted],
        )
    if by is not None:
        journal.record(
            session,
            by=by,
            did="set-price",
            about="sku",
            about_id=sku_id,
            before={} if old is None else _recorded(old),
            after=_recorded(_view(row, wanted), also_none=old is not None and bool(old.tiers)),
        )
    return _view(row, wanted)


def _check(tiers: Sequence[Tier], retail_minor: int, currency: str) -> None:
    assert all(tier.from_quantity >= 2 and tier.unit_minor > 0 for tier in tiers), "a tier begins above one and costs something"
    if len(tiers) > MOST_TIERS:
        raise TooManyTiers(most=MOST_TIERS)
    fewer, below = 1, retail_minor
    for tier in tiers:
        if tier.from_quantity <= fewer or tier.unit_minor >= below:
            raise TiersDoNotFall(from_quantity=tier.from_quantity, unit_minor=tier.unit_minor, before_minor=below, currency=currency)
        fewer, below = tier.from_quantity, tier.unit_minor


def _recorded(price: Price, *, also_none: bool = False) -> dict[str, Any]:
    """A price for the action log, with its tiers when it has any (or had)."""
    said: dict[str, Any] = {"retail_minor": price.retail_minor, "currency": price.currency}
    if price.wholesale_minor is not None:
        said["wholesale_minor"] = price.wholesale_minor
    if price.tiers or also_none:
        said["tiers"] = {str(tier.from_quantity): tier.unit_minor for tier in price.tiers}
    return said
