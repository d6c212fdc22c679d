"""Resellers themselves: taking in, ending, their level by hand, and what is asked about them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import journal, outbox, people
from core.database import now, read, write
from core.resellers.contracts import end_all
from core.resellers.refusals import NoLevel, NoReseller, OwnTerms, ResellerAlready
from core.resellers.tables import Level, Reseller
from core.resellers.views import ResellerView, level_view, reseller_view


def join(session: Session, *, customer_id: int, name: str, contact: str | None, sells: str | None, level_id: int | None, by: str) -> None:
    """The customer is a reseller from now on, of this level. A part of commands. Raises ResellerAlready."""
    customer, at = people.by_id(session, customer_id), now(session)
    row = session.get(Reseller, customer_id, with_for_update=True, populate_existing=True)
    if customer.wholesale and row is not None and row.ended_at is None:
        raise ResellerAlready
    if row is None:
        row = Reseller(customer_id=customer_id, storefront_id=customer.storefront_id, since=at)
        session.add(row)
    row.name, row.contact, row.sells = name, contact, sells
    row.since, row.level_since, row.pinned, row.turnover_minor, row.looked_at = at, at, False, 0, None
    row.ended_at = row.ended_by = None
    session.flush()
    people.set_wholesale(session, storefront_id=customer.storefront_id, customer_id=customer_id, wholesale=True, by=by, quietly=True)
    people.set_level(session, customer_id=customer_id, level_id=level_id)


@write
def take_in(session: Session, *, storefront_id: int, customer_id: int, by: str) -> None:
    """Make a customer a reseller without an application: the staff know them. They are told.

    Raises NoReseller for another storefront's customer, OwnTerms, ResellerAlready.
    """
    customer = people.one(session, storefront_id=storefront_id, customer_id=customer_id)
    if customer is None:
        raise NoReseller
    if by == f"telegram:{customer.telegram_id}":
        raise OwnTerms
    join(session, customer_id=customer_id, name=customer.name, contact=None, sells=None, level_id=None, by=by)
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer_id, body={"says": "wholesale", "on": True})


@write
def end(session: Session, *, storefront_id: int, customer_id: int, by: str) -> bool:
    """No longer a reseller: level, contract prices and larger quantities end with it; what was bought and paid stays theirs. They are
    told. False when they were none. Raises OwnTerms.
    """
    customer = people.one(session, storefront_id=storefront_id, customer_id=customer_id)
    if customer is None or not customer.wholesale:
        return False
    if by == f"telegram:{customer.telegram_id}":
        raise OwnTerms
    row = session.get(Reseller, customer_id, with_for_update=True, populate_existing=True)
    if row is not None and row.ended_at is None:
        row.ended_at, row.ended_by = now(session), by
        session.flush()
    end_all(session, storefront_id=storefront_id, customer_id=customer_id)
    return people.set_wholesale(session, storefront_id=storefront_id, customer_id=customer_id, wholesale=False, by=by)


@write
def put_at_level(session: Session, *, storefront_id: int, customer_id: int, level_id: int | None, pinned: bool, by: str) -> None:
    """The staff put a reseller at a level, or (None) at none; `pinned`, they stay there whatever they buy. They are told of another level.

    Raises NoReseller, NoLevel, OwnTerms.
    """
    customer, row = _open(session, storefront_id, customer_id)
    if by == f"telegram:{customer.telegram_id}":
        raise OwnTerms
    level = None if level_id is None else session.get(Level, level_id)
    if level_id is not None and (level is None or level.storefront_id != storefront_id or level.closed_at is not None):
        raise NoLevel
    before, after = {"level": customer.level_id or 0, "pinned": row.pinned}, {"level": level_id or 0, "pinned": pinned}
    if before == after:
        return
    if level_id != customer.level_id:
        move(session, row, customer, level, by_hand=True)
    row.pinned = pinned
    session.flush()
    journal.record(session, by=by, did="set-level", about="customer", about_id=customer_id, before=before, after=after)


def move(session: Session, row: Reseller, customer: people.Customer, level: Level | None, *, by_hand: bool) -> None:
    """Another level from now on, and a word to the reseller. A part of commands."""
    was = None if customer.level_id is None else session.get(Level, customer.level_id)
    people.set_level(session, customer_id=customer.id, level_id=None if level is None else level.id)
    row.level_since = now(session)
    session.flush()
    body = {
        "says": "level-changed",
        "level": None if level is None else level.name,
        "up": (0 if level is None else level.rank) > (0 if was is None else was.rank),
        "turnover_minor": row.turnover_minor,
        "by_hand": by_hand,
    }
    outbox.post(session, topic=outbox.Topic.NOTICE, customer_id=customer.id, body=body)


def _open(session: Session, storefront_id: int, customer_id: int) -> tuple[people.Customer, Reseller]:
    customer = people.one(session, storefront_id=storefront_id, customer_id=customer_id)
    row = session.get(Reseller, customer_id, with_for_update=True, populate_existing=True)
    if customer is None or not customer.wholesale or row is None or row.ended_at is not None:
        raise NoReseller
    return customer, row


@write
def adopt(session: Session, *, storefront_id: int, after: int = 0, most: int = 100) -> int:
    """Give who buys at wholesale prices from before there were levels their place here; the last customer's id, 0 at the end."""
    page = people.next_customers(session, storefront_id=storefront_id, after=after, limit=most, resellers_only=True)
    known = set(session.scalars(select(Reseller.customer_id).where(Reseller.customer_id.in_([one.id for one in page]))))
    at = now(session)
    for one in page:
        if one.id not in known:
            session.add(Reseller(customer_id=one.id, storefront_id=storefront_id, name=one.name, since=at, level_since=at))
    session.flush()
    return page[-1].id if len(page) == most else 0


# Questions


@read
def reseller(session: Session, customer_id: int) -> ResellerView | None:
    """This reseller, also one who was; None who never was one, or comes from before there were levels."""
    row = session.get(Reseller, customer_id)
    return None if row is None else _view(session, row)


def _view(session: Session, row: Reseller) -> ResellerView:
    level_id = people.by_id(session, row.customer_id).level_id
    level = None if level_id is None else session.get(Level, level_id)
    return reseller_view(row, None if level is None else level_view(level))


@read
def resellers(session: Session, *, storefront_id: int, page: int = 0, limit: int = 10) -> list[ResellerView]:
    """Those who are resellers, who bought most lately first."""
    rows = session.scalars(
        select(Reseller)
        .where(Reseller.storefront_id == storefront_id, Reseller.ended_at.is_(None))
        .order_by(Reseller.turnover_minor.desc(), Reseller.customer_id)
        .offset(page * limit)
        .limit(limit)
    ).all()
    return [_view(session, row) for row in rows]
