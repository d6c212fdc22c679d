"""Finding people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core import ledger
from core.database import read
from core.people.tables import CustomerRow, Role, Staff
from core.spans import written_between


@dataclass(frozen=True, slots=True)
class Customer:
    """A person in one storefront. `language` is chosen by hand, else None and Telegram's is matched."""

    id: int
    storefront_id: int
    telegram_id: int
    name: str
    username: str | None
    telegram_language: str | None
    language: str | None
    wallet_id: int
    blocked: bool
    wants_broadcasts: bool
    country: str | None = None  # as they said themselves
    wholesale: bool = False  # a reseller
    wants_price_news: bool = True
    level_id: int | None = None  # of a reseller: whose price list they buy from


@dataclass(frozen=True, slots=True)
class StaffMember:
    """`customer` is None until they have pressed /start: the bot cannot write to them before."""

    telegram_id: int
    role: Role
    customer: Customer | None


def view(row: CustomerRow) -> Customer:
    """The row as others see it."""
    return Customer(
        row.id,
        row.storefront_id,
        row.telegram_id,
        row.name,
        row.username,
        row.telegram_language,
        row.language,
        row.wallet_id,
        row.blocked_at is not None,
        row.no_broadcasts_at is None,
        row.country,
        row.wholesale,
        row.no_price_news_at is None,
        row.level_id,
    )


@read
def find(session: Session, *, storefront_id: int, telegram_id: int) -> Customer | None:
    """The customer with this Telegram id in this storefront."""
    row = session.scalars(
        select(CustomerRow).where(CustomerRow.storefront_id == storefront_id, CustomerRow.telegram_id == telegram_id)
    ).one_or_none()
    return None if row is None else view(row)


@read
def by_id(session: Session, customer_id: int) -> Customer:
    """The customer of this id."""
    return view(session.get_one(CustomerRow, customer_id))


@read
def these(session: Session, customer_ids: Collection[int]) -> dict[int, Customer]:
    """The customers of these ids."""
    if not customer_ids:
        return {}
    return {row.id: view(row) for row in session.scalars(select(CustomerRow).where(CustomerRow.id.in_(customer_ids)))}


def with_customers(question: Select[Any], customer_id: InstrumentedAttribute[int]) -> Select[Any]:
    """The same question, whose answers each bring the customer of this column with them; `view` shows them."""
    return question.add_columns(CustomerRow).join(CustomerRow, CustomerRow.id == customer_id)


@read
def one(session: Session, *, storefront_id: int, customer_id: int) -> Customer | None:
    """The customer of this id, when they are this storefront's."""
    row = session.get(CustomerRow, customer_id)
    return None if row is None or row.storefront_id != storefront_id else view(row)


@read
def find_any(session: Session, *, storefront_id: int, text: str, limit: int = 10) -> list[Customer]:
    """Customers by Telegram id, our id, @username or part of the name."""
    wanted = text.replace("\x00", "").strip().removeprefix("@")
    if not wanted:
        return []
    ways = [func.lower(CustomerRow.username) == wanted.lower(), CustomerRow.name.icontains(wanted, autoescape=True)]
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= 18:
        ways += [CustomerRow.telegram_id == int(wanted), CustomerRow.id == int(wanted)]
    rows = session.scalars(
        select(CustomerRow).where(CustomerRow.storefront_id == storefront_id, or_(*ways)).order_by(CustomerRow.id).limit(limit)
    )
    return [view(row) for row in rows]


@read
def is_staff(session: Session, *, storefront_id: int, telegram_id: int) -> bool:
    """May this person open /admin?"""
    return session.get(Staff, (storefront_id, telegram_id)) is not None


@read
def staff(session: Session, *, storefront_id: int) -> list[StaffMember]:
    """Everybody who runs the storefront."""
    rows: Sequence[Row[Staff, CustomerRow | None]] = session.execute(
        select(Staff, CustomerRow)
        .outerjoin(CustomerRow, (CustomerRow.storefront_id == Staff.storefront_id) & (CustomerRow.telegram_id == Staff.telegram_id))
        .where(Staff.storefront_id == storefront_id)
        .order_by(Staff.since, Staff.telegram_id)
    ).all()
    return [StaffMember(member.telegram_id, member.role, view(row) if row is not None else None) for member, row in rows]


@read
def joined_at(session: Session, customer_id: int) -> datetime:
    """When this customer came for the first time."""
    return session.scalars(select(CustomerRow.joined_at).where(CustomerRow.id == customer_id)).one()


@read
def joined(session: Session, *, storefront_id: int, since: datetime, until: datetime) -> int:
    """How many customers came for the first time between two instants (the second not included)."""
    return (
        session.scalar(
            select(func.count())
            .select_from(CustomerRow)
            .where(
                CustomerRow.storefront_id == storefront_id,
                written_between(session, CustomerRow.id, CustomerRow.joined_at, since, until),
            )
        )
        or 0
    )


@read
def next_customers(session: Session, *, storefront_id: int, after: int, limit: int, resellers_only: bool = False) -> Sequence[Customer]:
    """Customers with an id above `after`, in id order: the pages of a broadcast."""
    question = select(CustomerRow).where(CustomerRow.storefront_id == storefront_id, CustomerRow.id > after)
    if resellers_only:
        question = question.where(CustomerRow.wholesale)
    rows = session.scalars(question.order_by(CustomerRow.id).limit(limit))
    return [view(row) for row in rows]


@read
def how_many(session: Session, *, storefront_id: int) -> int:
    """How many customers a storefront has."""
    return session.scalar(select(func.count()).select_from(CustomerRow).where(CustomerRow.storefront_id == storefront_id)) or 0


@read
def money_of(session: Session, *, storefront_id: int) -> tuple[int, int]:
    """How many customers of a storefront have money in their wallets, and how much in all, in minor units of its currency."""
    return ledger.above_zero(session, select(CustomerRow.wallet_id).where(CustomerRow.storefront_id == storefront_id))


@read
def country_of(session: Session, customer_id: int) -> str | None:
    """Where a customer says they are (ISO 3166); None while they have not been asked."""
    return session.scalar(select(CustomerRow.country).where(CustomerRow.id == customer_id))


@read
def called(session: Session, *, telegram_id: int) -> str | None:
    """The name of a person as Telegram last told it; None for one who never wrote."""
    return session.scalar(select(CustomerRow.name).where(CustomerRow.telegram_id == telegram_id).order_by(CustomerRow.id).limit(1))


@read
def named(session: Session, *, storefront_id: int, word: str) -> list[Customer]:
    """The customers of exactly this @username, or of this Telegram id, in this storefront.

    Telegram gives a name that somebody has given up to somebody else, and we hear of it when they write: there may be several.
    """
    plain = word.strip().removeprefix("@")
    same = func.lower(CustomerRow.username) == plain.lower()
    if plain.isascii() and plain.isdigit() and len(plain) <= 18:
        same = CustomerRow.telegram_id == int(plain)
    question = select(CustomerRow).where(CustomerRow.storefront_id == storefront_id, same).order_by(CustomerRow.id)
    return [view(row) for row in session.scalars(question)]


@read
def has_opened_chat(session: Session, customer_id: int) -> bool:
    """Has this customer ever pressed /start, and not shut the bot out since? Before that the bot cannot write to them."""
    row = session.get_one(CustomerRow, customer_id)
    return row.came_back_at is not None and row.blocked_at is None
