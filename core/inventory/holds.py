"""Holds: codes kept for a payment that is under way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from core.database import among, now, read, write
from core.inventory.codes import pick, return_to_shelf
from core.inventory.tables import Code, Hold


@dataclass(frozen=True, slots=True)
class HoldView:
    id: int
    order_id: int
    customer_id: int
    sku_id: int
    quantity: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose codes are held next: of each of these offers no more than its number in all, and no more in all than so many by then."""

    offer_ids: Sequence[int]
    most_of: Mapping[int, int]
    quantity: int


def _view(row: Hold) -> HoldView:
    return HoldView(row.id, row.order_id, row.customer_id, row.sku_id, row.quantity, row.expires_at)


@write
def hold(
    session: Session,
    *,
    order_id: int,
    customer_id: int,
    sku_id: int,
    turns: Sequence[Turn],
    seconds: float,
) -> HoldView | None:
    """Hold codes for an order, as many as the last turn says: all or nothing (None). A second call returns the hold the order has."""
    existing = open_hold(session, order_id)
    if existing is not None:
        return existing
    picked: dict[int, list[int]] = {}
    for turn in turns:
        pick(session, offer_ids=turn.offer_ids, quantity=turn.quantity, most_of=turn.most_of, picked=picked)
    quantity = turns[-1].quantity
    ids = [code_id for codes in picked.values() for code_id in codes]
    if len(ids) < quantity:
        return None
    at = now(session)
    row = Hold(
        order_id=order_id,
        customer_id=customer_id,
        sku_id=sku_id,
        quantity=quantity,
        made_at=at,
        expires_at=at + timedelta(seconds=seconds),
        lapsed=False,
    )
    session.add(row)
    session.flush()
    session.execute(
        update(Code).where(among(session, Code.id, ids)).values(available=None, hold_id=row.id),
        execution_options={"synchronize_session": False},
    )
    return _view(row)


def open_hold(session: Session, order_id: int) -> HoldView | None:
    """The order's open hold, locked for this transaction: a part of commands, and no question."""
    row = session.scalars(select(Hold).where(Hold.order_id == order_id, Hold.ended_at.is_(None)).with_for_update()).one_or_none()
    return None if row is None else _view(row)


@read
def open_holds_of(session: Session, customer_id: int) -> int:
    """How many holds a customer has open."""
    return session.scalar(select(func.count()).select_from(Hold).where(Hold.customer_id == customer_id, Hold.ended_at.is_(None))) or 0


@read
def held_of(session: Session, sku_id: int) -> int:
    """How many codes of a denomination are held for payments under way."""
    held = select(func.coalesce(func.sum(Hold.quantity), 0)).where(Hold.sku_id == sku_id, Hold.ended_at.is_(None))
    return int(session.scalar(held) or 0)


@read
def held_by_offer(session: Session, offer_ids: Collection[int]) -> dict[int, int]:
    """How many codes of each of these offers are held for payments under way; offers without any are left out."""
    rows: Sequence[Row[int, int]] = session.execute(
        select(Code.offer_id, func.count())
        .join(Hold, Hold.id == Code.hold_id)
        .where(Hold.ended_at.is_(None), among(session, Code.offer_id, offer_ids))
        .group_by(Code.offer_id)
    ).all()
    return dict(rows)


@read
def lapses(session: Session, customer_id: int, *, days: int = 30) -> int:
    """How many holds of a customer ended unpaid lately."""
    since = now(session) - timedelta(days=days)
    return (
        session.scalar(
            select(func.count()).select_from(Hold).where(Hold.customer_id == customer_id, Hold.lapsed.is_(True), Hold.ended_at > since)
        )
        or 0
    )


def expired_holds(session: Session, *, most: int) -> list[HoldView]:
    """Open holds whose time is over, locked for this transaction (so no question); those another process is ending are left to it."""
    rows = session.scalars(
        select(Hold)
        .where(Hold.ended_at.is_(None), Hold.expires_at <= now(session))
        .order_by(Hold.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_view(row) for row in rows]


@write
def end_hold(session: Session, *, hold_id: int, lapsed: bool) -> int:
    """End a hold; what it still holds goes back to the shelf. Returns how many codes went back."""
    ended = session.execute(
        update(Hold).where(Hold.id == hold_id, Hold.ended_at.is_(None)).values(ended_at=now(session), lapsed=lapsed).returning(Hold.id),
        execution_options={"synchronize_session": False},
    ).first()
    return return_to_shelf(session, hold_id=hold_id) if ended else 0
