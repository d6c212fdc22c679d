"""Minimum resale prices, and who asks less than they may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, onboarding, outbox, storefronts
from core.database import insert_new, now, read, write
from core.resellers.refusals import NoMinimum, NoReseller, NotBelow
from core.resellers.tables import MinimumPrice, Reseller, Undercut
from core.resellers.views import MinimumView, UndercutView, minimum_view, undercut_view

LONGEST_WHERE = 200


@dataclass(frozen=True, slots=True)
class Below:
    """A denomination that is asked for less than it may be, in minor units of the storefront's currency."""

    sku_id: int
    asked_minor: int
    minimum_minor: int
    currency: str


@write
def set_minimum(session: Session, *, storefront_id: int, sku_id: int, unit_minor: int | None, by: str) -> None:
    """Below this nobody may sell a denomination on; None: they may ask what they like. The same again changes nothing."""
    currency = storefronts.by_id(session, storefront_id).currency
    row = session.get(MinimumPrice, (storefront_id, sku_id), with_for_update=True, populate_existing=True)
    before = {} if row is None else {"minimum_minor": row.unit_minor, "currency": row.currency}
    after = {} if unit_minor is None else {"minimum_minor": unit_minor, "currency": currency}
    if before == after:
        return
    if unit_minor is None:
        session.delete(row)
    elif row is None:
        session.execute(
            insert_new(session, MinimumPrice).values(
                storefront_id=storefront_id, sku_id=sku_id, unit_minor=unit_minor, currency=currency, by=by, at=now(session)
            )
        )
    else:
        row.unit_minor, row.currency, row.by, row.at = unit_minor, currency, by, now(session)
    session.flush()
    journal.record(session, by=by, did="set-minimum", about="sku", about_id=sku_id, before=before, after=after)


@read
def minimums(session: Session, *, storefront_id: int, sku_ids: Collection[int] | None = None) -> dict[int, MinimumView]:
    """The minimum resale prices of these denominations, or of all that have one."""
    question = select(MinimumPrice).where(MinimumPrice.storefront_id == storefront_id)
    if sku_ids is not None:
        question = question.where(MinimumPrice.sku_id.in_(sku_ids))
    return {row.sku_id: minimum_view(row) for row in session.scalars(question.order_by(MinimumPrice.sku_id))}


@read
def undercuts(session: Session, *, storefront_id: int, asked: Mapping[int, int], currency: str) -> list[Below]:
    """Which of these asking prices (denomination → minor units for one) are below the minimum; of another currency none is."""
    known = minimums(session, storefront_id=storefront_id, sku_ids=list(asked))
    return [
        Below(sku_id, asked[sku_id], one.unit_minor, currency)
        for sku_id, one in sorted(known.items())
        if one.currency == currency and asked[sku_id] < one.unit_minor
    ]


@write
def note_undercut(
    session: Session, *, storefront_id: int, customer_id: int, sku_id: int, asked_minor: int, seen_where: str, by: str
) -> UndercutView:
    """Somebody saw a reseller ask less than the minimum: it is kept, and the reseller is told. Raises NoReseller, NoMinimum, NotBelow.

    `asked_minor` is in the storefront's currency, for one unit; `seen_where` is an address or a name.
    """
    row = session.get(Reseller, customer_id)
    if row is None or row.storefront_id != storefront_id or row.ended_at is not None:
        raise NoReseller
    minimum = session.get(MinimumPrice, (storefront_id, sku_id))
    if minimum is None or minimum.currency != storefronts.by_id(session, storefront_id).currency:
        raise NoMinimum
    if asked_minor >= minimum.unit_minor:
        raise NotBelow(asked_minor=asked_minor, minimum_minor=minimum.unit_minor, currency=minimum.currency)
    assert asked_minor > 0, "a price is positive"
    seen = Undercut(
        storefront_id=storefront_id,
        customer_id=customer_id,
        sku_id=sku_id,
        seen_where=onboarding.plain(seen_where)[:LONGEST_WHERE],
        asked_minor=asked_minor,
        minimum_minor=minimum.unit_minor,
        currency=minimum.currency,
        by=by,
        at=now(session),
    )
    session.add(seen)
    session.flush()
    journal.record(
        session,
        by=by,
        did="note-undercut",
        about="customer",
        about_id=customer_id,
        after={"sku": sku_id, "asked_minor": asked_minor, "minimum_minor": minimum.unit_minor, "currency": minimum.currency},
    )
    body = {"says": "undercut", "undercut": seen.id}
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer_id, body=body, once=f"undercut:{seen.id}")
    return undercut_view(seen)


@write
def close_undercut(session: Session, *, undercut_id: int, storefront_id: int, by: str) -> bool:
    """It is settled with the reseller; False when it was before."""
    row = session.get(Undercut, undercut_id, with_for_update=True, populate_existing=True)
    if row is None or row.storefront_id != storefront_id or row.closed_at is not None:
        return False
    row.closed_at, row.closed_by = now(session), by
    session.flush()
    journal.record(session, by=by, did="close-undercut", about="customer", about_id=row.customer_id, before={"undercut": undercut_id})
    return True


@read
def undercut(session: Session, undercut_id: int) -> UndercutView | None:
    """This note, None when there is none."""
    row = session.get(Undercut, undercut_id)
    return None if row is None else undercut_view(row)


@read
def noted(session: Session, *, storefront_id: int, customer_id: int | None = None, page: int = 0, limit: int = 10) -> list[UndercutView]:
    """What was noted and is not settled, of one reseller or of all, the newest first."""
    question = select(Undercut).where(Undercut.storefront_id == storefront_id, Undercut.closed_at.is_(None))
    if customer_id is not None:
        question = question.where(Undercut.customer_id == customer_id)
    return [undercut_view(row) for row in session.scalars(question.order_by(Undercut.id.desc()).offset(page * limit).limit(limit))]


@read
def how_many_noted(session: Session, *, storefront_id: int) -> int:
    """How many notes are not settled."""
    question = select(func.count()).select_from(Undercut).where(Undercut.storefront_id == storefront_id, Undercut.closed_at.is_(None))
    return session.scalar(question) or 0
