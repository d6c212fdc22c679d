"""Setting and reading prices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from core import journal
from core.database import among, now, read, write
from core.errors import N_, Refusal
from core.pricing.quote import Price, Tier
from core.pricing.tables import Price as PriceRow
from core.pricing.tables import PriceTier

MOST_TIERS = 10
OWN = (PriceRow.level_id.is_(None), PriceRow.customer_id.is_(None))  # the storefront's own price: nobody's in particular


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


def view(row: PriceRow, tiers: Sequence[Tier]) -> Price:
    return Price(row.id, row.sku_id, row.retail_minor, row.wholesale_minor, row.currency, tuple(tiers))


def views(session: Session, rows: Collection[PriceRow]) -> list[Price]:
    """The rows with their tiers, which most have none of."""
    tiers: dict[int, list[Tier]] = {row.id: [] for row in rows if row.tiered}
    if tiers:
        found = select(PriceTier).where(PriceTier.price_id.in_(tiers)).order_by(PriceTier.price_id, PriceTier.from_quantity)
        for tier in session.scalars(found):
            tiers[tier.price_id].append(Tier(tier.from_quantity, tier.unit_minor))
    return [view(row, tiers.get(row.id, ())) for row in rows]


@read
def current(session: Session, *, storefront_id: int, sku_ids: Collection[int], wholesale: bool = False) -> dict[int, Price]:
    """The current price of each of these denominations that has one; as a reseller pays it, when `wholesale`."""
    if not sku_ids:
        return {}
    rows = session.scalars(
        select(PriceRow).where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id.in_(sku_ids), PriceRow.until.is_(None), *OWN)
    ).all()
    return {price.sku_id: price.wholesale() if wholesale else price for price in views(session, rows)}


@read
def marks(session: Session, *, storefront_id: int, sku_ids: Collection[int]) -> dict[int, str]:
    """A word for each denomination that is another whenever any of its prices here – anybody's – has changed."""
    rows = session.execute(
        select(PriceRow.sku_id, func.max(PriceRow.id), func.count())
        .where(PriceRow.storefront_id == storefront_id, among(session, PriceRow.sku_id, sku_ids), PriceRow.until.is_(None))
        .group_by(PriceRow.sku_id)
    )
    return {sku_id: f"{newest}/{n}" for sku_id, newest, n in rows}


@read
def version(session: Session, price_id: int) -> Price | None:
    """A version of a price, also one that is over."""
    row = session.get(PriceRow, price_id)
    return None if row is None else views(session, [row])[0]


@read
def changes(session: Session, *, storefront_id: int, after: int, upto: int, most: int = 500) -> list[tuple[Price | None, Price | None]]:
    """The prices that changed between two versions (the second included): each denomination's before and now, by denomination.

    None before: it had no price; None now: it has none any more. At most so many.
    """
    moved = (
        select(PriceRow.sku_id)
        .where(PriceRow.storefront_id == storefront_id, PriceRow.id > after, PriceRow.id <= upto, *OWN)
        .group_by(PriceRow.sku_id)
        .order_by(PriceRow.sku_id)
        .limit(most)
    )
    sku_ids = session.scalars(moved).all()
    if not sku_ids:
        return []
    newest = (
        select(func.max(PriceRow.id))
        .where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id.in_(sku_ids), PriceRow.id <= after, *OWN)
        .group_by(PriceRow.sku_id)
    )
    before = {price.sku_id: price for price in views(session, session.scalars(select(PriceRow).where(PriceRow.id.in_(newest))).all())}
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
        select(PriceRow)
        .where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id == sku_id, *OWN)
        .order_by(PriceRow.id.desc())
        .limit(limit)
    ).all()
    return [(row.since, price) for row, price in zip(rows, views(session, rows), strict=True)]


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
    before = locked_own(session, storefront_id, sku_id)
    old = None if before is None else views(session, [before])[0]
    wanted = tuple(sorted(old.tiers if tiers is None and old is not None and old.currency == currency else tiers or ()))
    check_tiers(wanted, retail_minor, currency)
    if old is not None and (old.retail_minor, old.wholesale_minor, old.currency, old.tiers) == (
        retail_minor,
        wholesale_minor,
        currency,
        wanted,
    ):
        return old
    row = PriceRow(
        storefront_id=storefront_id,
        sku_id=sku_id,
        retail_minor=retail_minor,
        wholesale_minor=wholesale_minor,
        currency=currency,
    )
    follow(session, before, row, wanted)
    keep_below(session, view(row, wanted), storefront_id=storefront_id)
    if by is not None:
        journal.record(
            session,
            by=by,
            did="set-price",
            about="sku",
            about_id=sku_id,
            before={} if old is None else recorded(old),
            after=recorded(view(row, wanted), also_none=old is not None and bool(old.tiers)),
        )
    return view(row, wanted)


@dataclass(frozen=True, slots=True)
class BrandedPrice:
    """A current price in a reseller's storefront, in minor units: what its customers pay, and what of it is the shop's."""

    id: int
    sku_id: int
    retail_minor: int
    house_minor: int
    currency: str


@read
def branded(session: Session, *, storefront_id: int) -> dict[int, BrandedPrice]:
    """Every current price of a reseller's storefront, by denomination."""
    rows = session.scalars(select(PriceRow).where(PriceRow.storefront_id == storefront_id, PriceRow.until.is_(None), *OWN))
    return {
        row.sku_id: BrandedPrice(row.id, row.sku_id, row.retail_minor, row.house_minor, row.currency)
        for row in rows
        if row.house_minor is not None
    }


@write
def set_branded(session: Session, *, storefront_id: int, sku_id: int, retail_minor: int, house_minor: int, currency: str) -> bool:
    """What customers of a reseller's storefront pay from now on, and what of it the shop gets; False when that is so already.

    Its discounts for larger quantities are nobody's: a row of it has no tiers.
    """
    assert 0 < house_minor <= retail_minor, "nothing is sold for less than the shop is to get"
    before = locked_own(session, storefront_id, sku_id)
    if before is not None and (before.retail_minor, before.house_minor, before.currency) == (retail_minor, house_minor, currency):
        return False
    row = PriceRow(
        storefront_id=storefront_id,
        sku_id=sku_id,
        retail_minor=retail_minor,
        wholesale_minor=None,
        house_minor=house_minor,
        currency=currency,
    )
    follow(session, before, row, ())
    return True


@write
def end_branded(session: Session, *, storefront_id: int, sku_ids: Collection[int]) -> int:
    """These denominations are not for sale any more in a reseller's storefront; returns how many were."""
    ended = session.execute(
        update(PriceRow)
        .where(
            PriceRow.storefront_id == storefront_id,
            among(session, PriceRow.sku_id, sku_ids),
            PriceRow.until.is_(None),
            PriceRow.house_minor.is_not(None),
        )
        .values(until=now(session))
        .returning(PriceRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


@read
def house_parts(session: Session, price_ids: Collection[int]) -> dict[int, int]:
    """What the shop gets of one at these versions of prices, in minor units; of the shop's own, which have no other part, nothing."""
    rows = session.execute(
        select(PriceRow.id, PriceRow.house_minor).where(among(session, PriceRow.id, price_ids), PriceRow.house_minor.is_not(None))
    )
    return {price_id: house_minor for price_id, house_minor in rows if house_minor is not None}


def locked_own(session: Session, storefront_id: int, sku_id: int) -> PriceRow | None:
    """The storefront's own price of a denomination, locked: whoever changes a price of it, or one that rests on it, takes turns here."""
    question = (
        select(PriceRow)
        .where(PriceRow.storefront_id == storefront_id, PriceRow.sku_id == sku_id, PriceRow.until.is_(None), *OWN)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    # Whoever waited for a row that was followed meanwhile finds nothing, and the next one when asked again.
    return session.scalars(question).one_or_none() or session.scalars(question).one_or_none()


def follow(session: Session, before: PriceRow | None, row: PriceRow, tiers: Sequence[Tier]) -> None:
    """The next version of a price, from now on."""
    at = now(session)
    if before is not None:
        session.execute(update(PriceRow).where(PriceRow.id == before.id).values(until=at))
    row.since, row.tiered = at, bool(tiers)
    session.add(row)
    session.flush()
    if tiers:
        session.execute(
            insert(PriceTier),
            [{"price_id": row.id, "from_quantity": tier.from_quantity, "unit_minor": tier.unit_minor} for tier in tiers],
        )


def keep_below(session: Session, base: Price, *, storefront_id: int) -> None:
    """The storefront's own price has changed: what levels and resellers pay is lowered to it where it would be dearer, unless that
    was meant; a price in another currency ends. So nobody pays more than everybody does, not even until a job has looked.
    """
    rows = session.scalars(
        select(PriceRow)
        .where(
            PriceRow.storefront_id == storefront_id,
            PriceRow.sku_id == base.sku_id,
            PriceRow.until.is_(None),
            or_(PriceRow.level_id.is_not(None), PriceRow.customer_id.is_not(None)),
        )
        .order_by(PriceRow.id)
        .with_for_update()
    ).all()
    for row, price in zip(rows, views(session, rows), strict=True):
        if price.currency != base.currency:
            session.execute(update(PriceRow).where(PriceRow.id == row.id).values(until=now(session)))
            continue
        lowered = price if row.dearer else price.capped(base)
        if lowered != price:
            follow(session, row, _of_party(row, lowered.retail_minor), lowered.tiers)


def _of_party(row: PriceRow, unit_minor: int) -> PriceRow:
    """A next version of a level's or a reseller's row."""
    return PriceRow(
        storefront_id=row.storefront_id,
        sku_id=row.sku_id,
        retail_minor=unit_minor,
        wholesale_minor=None,
        currency=row.currency,
        level_id=row.level_id,
        customer_id=row.customer_id,
        ends_at=row.ends_at,
        dearer=row.dearer,
    )


def check_tiers(tiers: Sequence[Tier], retail_minor: int, currency: str, *, most: int = MOST_TIERS) -> None:
    """Raises TooManyTiers or TiersDoNotFall."""
    assert all(tier.from_quantity >= 2 and tier.unit_minor > 0 for tier in tiers), "a tier begins above one and costs something"
    if len(tiers) > most:
        raise TooManyTiers(most=most)
    fewer, below = 1, retail_minor
    for tier in tiers:
        if tier.from_quantity <= fewer or tier.unit_minor >= below:
            raise TiersDoNotFall(from_quantity=tier.from_quantity, unit_minor=tier.unit_minor, before_minor=below, currency=currency)
        fewer, below = tier.from_quantity, tier.unit_minor


def recorded(price: Price, *, also_none: bool = False) -> dict[str, Any]:
    """A price for the action log, with its tiers when it has any (or had)."""
    said: dict[str, Any] = {"retail_minor": price.retail_minor, "currency": price.currency}
    if price.wholesale_minor is not None:
        said["wholesale_minor"] = price.wholesale_minor
    if price.tiers or also_none:
        said["tiers"] = {str(tier.from_quantity): tier.unit_minor for tier in price.tiers}
    return said
