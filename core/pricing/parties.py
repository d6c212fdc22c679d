"""Prices of a level of resellers, and of one reseller (密价): the rows that go before the storefront's own, and which one is a buyer's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core import journal, people
from core.database import now, read, write
from core.errors import N_, Refusal
from core.pricing.commands import check_tiers, current, follow, locked_own, views
from core.pricing.quote import Price, Tier
from core.pricing.tables import Price as PriceRow

MOST_OF_PARTY = 40  # tiers of a row: those of its own, and those of the storefront's price that are lower still


@dataclass(eq=False)
class NoPriceYet(Refusal):
    says: ClassVar[str] = N_("This denomination has no price in the shop yet. Please set one first.")


@dataclass(eq=False)
class DearerThanRetail(Refusal):
    """To be asked of the person who sets it: it may be meant."""

    says: ClassVar[str] = N_("From {from_quantity} on, {unit} is more than the {retail} that everybody pays. Nothing was changed.")

    from_quantity: int
    unit_minor: int
    retail_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class PartyPrice:
    """A current price of a level or of one reseller; `price.retail_minor` is what one costs them."""

    price: Price
    level_id: int | None
    customer_id: int | None
    since: datetime
    ends_at: datetime | None
    dearer: bool


def _open(at: datetime) -> tuple[Any, ...]:
    """A row that holds at this instant."""
    return (PriceRow.until.is_(None), or_(PriceRow.ends_at.is_(None), PriceRow.ends_at > at))


@read
def for_buyer(session: Session, *, buyer: people.Customer, sku_ids: Collection[int]) -> dict[int, Price]:
    """What each of these denominations that has a price costs this person: the one question for what somebody pays.

    A reseller's own price goes before that of their level, and that before the wholesale price; anybody else pays the retail price.
    The sale compares against exactly this row.
    """
    if not sku_ids:
        return {}
    if not buyer.wholesale:
        return current(session, storefront_id=buyer.storefront_id, sku_ids=sku_ids)
    return for_resellers(session, buyers=[buyer], sku_ids=sku_ids)[buyer.id]


@read
def for_resellers(session: Session, *, buyers: Collection[people.Customer], sku_ids: Collection[int]) -> dict[int, dict[int, Price]]:
    """The same for several resellers in one question, by their ids: what each of them pays for each of these denominations."""
    if not sku_ids or not buyers:
        return {buyer.id: {} for buyer in buyers}
    rows = session.scalars(
        select(PriceRow).where(
            PriceRow.storefront_id.in_({buyer.storefront_id for buyer in buyers}),
            PriceRow.sku_id.in_(sku_ids),
            *_open(now(session)),
            or_(
                PriceRow.customer_id.in_({buyer.id for buyer in buyers}),
                (PriceRow.level_id.is_(None)) & (PriceRow.customer_id.is_(None)),
                PriceRow.level_id.in_({buyer.level_id for buyer in buyers if buyer.level_id is not None}),
            ),
        )
    ).all()
    prices = {row.id: price for row, price in zip(rows, views(session, rows), strict=True)}
    best: dict[int, dict[int, PriceRow]] = {buyer.id: {} for buyer in buyers}
    for buyer in buyers:
        mine = best[buyer.id]
        for row in rows:
            others = row.customer_id not in (None, buyer.id) or row.level_id not in (None, buyer.level_id)
            if others or row.storefront_id != buyer.storefront_id:
                continue
            known = mine.get(row.sku_id)
            if known is None or _weight(row) > _weight(known):
                mine[row.sku_id] = row
    return {
        buyer_id: {sku_id: prices[row.id].wholesale() if _weight(row) == 0 else prices[row.id] for sku_id, row in mine.items()}
        for buyer_id, mine in best.items()
    }


def _weight(row: PriceRow) -> int:
    return 2 if row.customer_id is not None else 1 if row.level_id is not None else 0


@write
def set_level_price(
    session: Session,
    *,
    storefront_id: int,
    level_id: int,
    sku_id: int,
    unit_minor: int,
    currency: str,
    tiers: Collection[Tier] = (),
    by: str | None = None,
) -> Price:
    """What the resellers of a level pay from now on; never more than everybody does, whatever is asked for.

    The same price again changes nothing. With `by` it is written down as somebody's doing; a price list's own rows need no word.
    Raises NoPriceYet while the storefront has no price in this currency, and TiersDoNotFall.
    """
    return _set(
        session,
        storefront_id=storefront_id,
        sku_id=sku_id,
        unit_minor=unit_minor,
        currency=currency,
        tiers=tiers,
        by=by,
        level_id=level_id,
        customer_id=None,
        ends_at=None,
        dearer=False,
    )


@write
def set_customer_price(
    session: Session,
    *,
    storefront_id: int,
    customer_id: int,
    sku_id: int,
    unit_minor: int,
    currency: str,
    tiers: Collection[Tier] = (),
    ends_at: datetime | None = None,
    dearer: bool = False,
    by: str | None = None,
) -> Price:
    """What one reseller pays from now on, before every other price; until `ends_at`, when there is one.

    Lowered to what everybody pays where it is above that, unless `dearer` says that it is meant so. The same again changes nothing.
    Raises NoPriceYet while the storefront has no price in this currency, and TiersDoNotFall.
    """
    return _set(
        session,
        storefront_id=storefront_id,
        sku_id=sku_id,
        unit_minor=unit_minor,
        currency=currency,
        tiers=tiers,
        by=by,
        level_id=None,
        customer_id=customer_id,
        ends_at=ends_at,
        dearer=dearer,
    )


def _set(
    session: Session,
    *,
    storefront_id: int,
    sku_id: int,
    unit_minor: int,
    currency: str,
    tiers: Collection[Tier],
    by: str | None,
    level_id: int | None,
    customer_id: int | None,
    ends_at: datetime | None,
    dearer: bool,
) -> Price:
    assert unit_minor > 0, "a price is positive"
    wanted = tuple(sorted(tiers))
    check_tiers(wanted, unit_minor, currency, most=MOST_OF_PARTY)
    own = locked_own(session, storefront_id, sku_id)
    if own is None or own.currency != currency:
        raise NoPriceYet
    [base] = views(session, [own])
    price = Price(0, sku_id, unit_minor, None, currency, wanted)
    if not dearer:
        price = price.capped(base)
    before = session.scalars(
        select(PriceRow)
        .where(
            PriceRow.storefront_id == storefront_id,
            PriceRow.sku_id == sku_id,
            PriceRow.until.is_(None),
            PriceRow.level_id == level_id if level_id is not None else PriceRow.customer_id == customer_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    old = None if before is None else views(session, [before])[0]
    if before is not None and old is not None:
        same = (old.retail_minor, old.currency, old.tiers) == (price.retail_minor, currency, price.tiers)
        if same and (before.ends_at, before.dearer) == (ends_at, dearer):
            return old
    row = PriceRow(
        storefront_id=storefront_id,
        sku_id=sku_id,
        retail_minor=price.retail_minor,
        wholesale_minor=None,
        currency=currency,
        level_id=level_id,
        customer_id=customer_id,
        ends_at=ends_at,
        dearer=dearer,
    )
    follow(session, before, row, price.tiers)
    if by is not None:
        party = {"level": level_id} if level_id is not None else {"customer": customer_id}
        journal.record(
            session,
            by=by,
            did="set-level-price" if level_id is not None else "set-contract-price",
            about="sku",
            about_id=sku_id,
            before={} if before is None or old is None else _said(old, before.ends_at),
            after=_said(price, ends_at) | party | ({"dearer": True} if dearer else {}),
        )
    return views(session, [row])[0]


def _said(price: Price, ends_at: datetime | None) -> dict[str, Any]:
    """A party's price for the action log."""
    said: dict[str, Any] = {"unit_minor": price.retail_minor, "currency": price.currency}
    if price.tiers:
        said["tiers"] = {str(tier.from_quantity): tier.unit_minor for tier in price.tiers}
    return said | ({} if ends_at is None else {"until": ends_at.isoformat()})


def refuse_dearer(price: Price, base: Price) -> None:
    """Raises DearerThanRetail at the first quantity from which somebody would pay more than everybody does."""
    for quantity in sorted({1, *(tier.from_quantity for tier in (*price.tiers, *base.tiers))}):
        if price.unit_for(quantity) > base.unit_for(quantity):
            raise DearerThanRetail(
                from_quantity=quantity, unit_minor=price.unit_for(quantity), retail_minor=base.unit_for(quantity), currency=base.currency
            )


@write
def end_party_prices(
    session: Session,
    *,
    storefront_id: int,
    level_id: int | None = None,
    customer_id: int | None = None,
    sku_ids: Collection[int] | None = None,
) -> int:
    """A level, or a reseller, has no price of its own from now on, of these denominations or (without) of any. Returns how many ended."""
    assert (level_id is None) != (customer_id is None), "one party's prices end"
    question = update(PriceRow).where(
        PriceRow.storefront_id == storefront_id,
        PriceRow.until.is_(None),
        PriceRow.level_id == level_id if level_id is not None else PriceRow.customer_id == customer_id,
    )
    if sku_ids is not None:
        question = question.where(PriceRow.sku_id.in_(sku_ids))
    ended = session.execute(question.values(until=now(session)).returning(PriceRow.id).execution_options(synchronize_session=False))
    return len(ended.all())


@write
def end_due(session: Session, *, most: int = 100) -> list[tuple[int, int]]:
    """Close contract prices whose last instant has passed; they count for nobody since then. Returns whose, and of what."""
    at = now(session)
    due = (
        select(PriceRow.id)
        .where(PriceRow.until.is_(None), PriceRow.ends_at.is_not(None), PriceRow.ends_at <= at)
        .order_by(PriceRow.ends_at)
        .limit(most)
    )
    ids = session.scalars(due.with_for_update(skip_locked=True)).all()
    if not ids:
        return []
    rows = session.execute(
        update(PriceRow)
        .where(PriceRow.id.in_(ids), PriceRow.until.is_(None))
        .values(until=PriceRow.ends_at)
        .returning(PriceRow.customer_id, PriceRow.sku_id)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted((customer_id, sku_id) for customer_id, sku_id in rows if customer_id is not None)


@read
def of_parties(
    session: Session,
    *,
    storefront_id: int,
    sku_ids: Collection[int] | None = None,
    level_id: int | None = None,
    customer_id: int | None = None,
    limit: int | None = None,
) -> list[PartyPrice]:
    """The current prices of levels and resellers – of one of them, of some denominations, or all –, by denomination."""
    question = select(PriceRow).where(PriceRow.storefront_id == storefront_id, *_open(now(session)))
    if sku_ids is not None:
        question = question.where(PriceRow.sku_id.in_(sku_ids))
    if level_id is not None:
        question = question.where(PriceRow.level_id == level_id)
    elif customer_id is not None:
        question = question.where(PriceRow.customer_id == customer_id)
    else:
        question = question.where(or_(PriceRow.level_id.is_not(None), PriceRow.customer_id.is_not(None)))
    rows: Sequence[PriceRow] = session.scalars(
        question.order_by(PriceRow.sku_id, PriceRow.level_id, PriceRow.customer_id).limit(limit)
    ).all()
    return [
        PartyPrice(price, row.level_id, row.customer_id, row.since, row.ends_at, row.dearer)
        for row, price in zip(rows, views(session, rows), strict=True)
    ]


@read
def history_of(
    session: Session, *, storefront_id: int, sku_id: int, level_id: int | None = None, customer_id: int | None = None, limit: int = 10
) -> list[PartyPrice]:
    """The versions of what a level or a reseller paid, the newest first."""
    assert (level_id is None) != (customer_id is None), "one party's prices are told"
    rows = session.scalars(
        select(PriceRow)
        .where(
            PriceRow.storefront_id == storefront_id,
            PriceRow.sku_id == sku_id,
            PriceRow.level_id == level_id if level_id is not None else PriceRow.customer_id == customer_id,
        )
        .order_by(PriceRow.id.desc())
        .limit(limit)
    ).all()
    return [
        PartyPrice(price, row.level_id, row.customer_id, row.since, row.ends_at, row.dearer)
        for row, price in zip(rows, views(session, rows), strict=True)
    ]


@read
def parties_moved(session: Session, *, storefront_id: int, after: int, upto: int) -> bool:
    """Has any level or reseller another price of their own between two versions (the second included)?"""
    moved = select(PriceRow.id).where(
        PriceRow.storefront_id == storefront_id,
        PriceRow.id > after,
        PriceRow.id <= upto,
        or_(PriceRow.level_id.is_not(None), PriceRow.customer_id.is_not(None)),
    )
    return session.scalar(moved.limit(1)) is not None


@read
def changes_for(
    session: Session, *, buyer: people.Customer, after: int, upto: int, most: int = 500
) -> list[tuple[Price | None, Price | None]]:
    """What this reseller pays, before and now, of the denominations whose price for them changed between two versions (the second
    included). None before: it had no price; None now: it has none any more. At most so many.
    """
    theirs = or_(
        PriceRow.customer_id == buyer.id,
        (PriceRow.level_id.is_(None)) & (PriceRow.customer_id.is_(None)),
        *([PriceRow.level_id == buyer.level_id] if buyer.level_id is not None else []),
    )
    since = session.scalar(
        select(PriceRow.since).where(PriceRow.storefront_id == buyer.storefront_id, PriceRow.id > after).order_by(PriceRow.id).limit(1)
    )
    if since is None:
        return []
    begun = (
        select(PriceRow.sku_id)
        .where(PriceRow.storefront_id == buyer.storefront_id, PriceRow.id > after, PriceRow.id <= upto, theirs)
        .group_by(PriceRow.sku_id)
        .order_by(PriceRow.sku_id)
        .limit(most)
    )
    # A row of theirs that only ended has no version after it.
    ended = (
        select(PriceRow.sku_id)
        .where(PriceRow.storefront_id == buyer.storefront_id, PriceRow.id <= after, PriceRow.until >= since, theirs)
        .group_by(PriceRow.sku_id)
        .order_by(PriceRow.sku_id)
        .limit(most)
    )
    sku_ids = sorted({*session.scalars(begun), *session.scalars(ended)})[:most]
    if not sku_ids:
        return []
    rows = session.scalars(
        select(PriceRow).where(
            PriceRow.storefront_id == buyer.storefront_id,
            PriceRow.sku_id.in_(sku_ids),
            PriceRow.id <= after,
            or_(PriceRow.until.is_(None), PriceRow.until >= since),
            theirs,
        )
    ).all()
    best: dict[int, PriceRow] = {}
    for row in sorted(rows, key=lambda row: (_weight(row), row.id)):
        best[row.sku_id] = row
    kept = list(best.values())
    before = {row.sku_id: price.wholesale() if _weight(row) == 0 else price for row, price in zip(kept, views(session, kept), strict=True)}
    now_ = for_buyer(session, buyer=buyer, sku_ids=sku_ids)
    return [(before.get(sku_id), now_.get(sku_id)) for sku_id in sku_ids]
