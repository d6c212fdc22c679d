"""Asking the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, String, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from core.database import read
from core.ledger.tables import Account, AccountKind, Posting, Rollup, Transfer, TransferKind
from core.spans import ids_around, written_between


@dataclass(frozen=True, slots=True)
class Leg:
    """An amount in minor units from the debited to the credited account, both of this currency."""

    debit_id: int
    credit_id: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a wallet's statement; the amount is signed: what came in is positive."""

    transfer_id: int
    kind: TransferKind
    amount_minor: int
    currency: str
    subject_id: int | None
    note: str | None
    at: datetime


@read
def balance(session: Session, account_id: int) -> int:
    """The kept balance of a guarded account, in minor units."""
    found = session.scalars(select(Account.balance_minor).where(Account.id == account_id)).one()
    assert found is not None, "a house account has no kept balance: ask house_balance"
    return found


def lock(session: Session, account_id: int) -> None:
    """Lock an account until the end of this transaction: commands about one wallet take turns. A part of commands, and no question."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


@read
def party_of(session: Session, account_id: int) -> int:
    """Whose account it is."""
    return session.scalars(select(Account.party_id).where(Account.id == account_id)).one()


@read
def legs_of(session: Session, *, key: str) -> list[Leg]:
    """What the transfer of this key moved, in order; empty when there is none."""
    rows = session.execute(
        select(Posting.debit_id, Posting.credit_id, Posting.amount_minor, Posting.currency)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Transfer.key == key)
        .order_by(Posting.seq)
    ).all()
    return [Leg(debit, credit, amount, currency) for debit, credit, amount, currency in rows]


@read
def keys_of(session: Session, *, party_id: int, kind: TransferKind, subject_id: int) -> Sequence[str]:
    """The keys of a party's transfers of this kind about this subject, oldest first."""
    return session.scalars(
        select(Transfer.key)
        .where(Transfer.party_id == party_id, Transfer.kind == kind, Transfer.subject_id == subject_id)
        .order_by(Transfer.id)
    ).all()


@read
def above_zero(session: Session, account_ids: Select[int]) -> tuple[int, int]:
    """Of these accounts, which keep a balance: how many have something on it, and how much in all, in minor units."""
    question = select(func.count(), func.coalesce(func.sum(Account.balance_minor), 0))
    count, minor = session.execute(question.where(Account.id.in_(account_ids), Account.balance_minor > 0)).one()
    return int(count or 0), int(minor or 0)


@read
def house_balance(session: Session, account_id: int) -> int:
    """Credits minus debits of an account that keeps no balance: its roll-up and the postings since."""
    rolled = session.get(Rollup, account_id)
    since = rolled.upto_transfer_id if rolled else 0
    start = rolled.credits_minor - rolled.debits_minor if rolled else 0
    fresh = session.scalar(
        select(
            func.coalesce(func.sum(case((Posting.credit_id == account_id, Posting.amount_minor), else_=-Posting.amount_minor)), 0)
        ).where(Posting.transfer_id > since, or_(Posting.debit_id == account_id, Posting.credit_id == account_id))
    )
    return start + int(fresh or 0)


@dataclass(frozen=True, slots=True)
class CameIn:
    """Money that came in by one gateway, in its currency."""

    label: str
    currency: str
    count: int
    amount_minor: int


@read
def came_in(session: Session, *, party_id: int, since: datetime, until: datetime) -> list[CameIn]:
    """Deposits through each gateway of a party between two instants (the second not included)."""
    rows = session.execute(
        select(Account.label, Account.currency, func.count(), func.sum(Posting.amount_minor))
        .join(Posting, Posting.debit_id == Account.id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Account.party_id == party_id,
            Account.kind == AccountKind.GATEWAY,
            Transfer.kind == TransferKind.DEPOSIT,
            written_between(session, Transfer.id, Transfer.at, since, until),
        )
        .group_by(Account.label, Account.currency)
        .order_by(Account.label, Account.currency)
    )
    return [CameIn(label, currency, count, int(amount)) for label, currency, count, amount in rows]


def causes(session: Session, *, kind: TransferKind, since: datetime, until: datetime) -> Select[int | None]:
    """Selects what the transfers of a kind between two instants belong to. A part of questions, and none itself."""
    return select(Transfer.subject_id).where(Transfer.kind == kind, written_between(session, Transfer.id, Transfer.at, since, until))


@read
def between(session: Session, *, account_id: int, since: datetime, until: datetime, limit: int = 50_000) -> Sequence[Entry]:
    """The movements of one account between two instants (the second not included), oldest first, at most so many."""
    question = _entries(account_id).where(written_between(session, Transfer.id, Transfer.at, since, until))
    return _read(session, question.order_by(None).order_by(Transfer.id).limit(limit))


@read
def moved_after(session: Session, *, account_id: int, since: datetime) -> int:
    """What the movements of one account from an instant on add up to, however many they are, in minor units; what came in is positive."""
    start, _ = ids_around(session, Transfer.id, Transfer.at, since, since)
    moved = session.scalar(
        select(func.coalesce(func.sum(case((Posting.credit_id == account_id, Posting.amount_minor), else_=-Posting.amount_minor)), 0))
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(or_(Posting.debit_id == account_id, Posting.credit_id == account_id), Transfer.id >= start, Transfer.at >= since)
    )
    return int(moved or 0)


@read
def statement(
    session: Session,
    *,
    party_id: int,
    account_id: int,
    bought: Select[int],
    before: int | None = None,
    limit: int = 10,
) -> Sequence[Entry]:
    """The newest movements of one account of a party, newest first; `before` is the transfer id of the last line seen.

    `bought` selects the ids of the party's issued orders: sales straight from a wallet name no party. Of one buyer, orders and
    transfers are numbered in the same order, because each sale holds the wallet's row while it is numbered.
    """
    order = bought.subquery()
    [order_id] = order.columns
    sales = (
        select(Transfer.id)
        .join(order, Transfer.key == literal("sale:") + cast(order_id, String))
        .where(Transfer.party_id.is_(None))
        .order_by(order_id.desc())
        .limit(limit)
    )
    listed = select(Transfer.id).where(Transfer.party_id == party_id).order_by(Transfer.id.desc()).limit(limit)
    if before is not None:
        sales, listed = sales.where(Transfer.id < before), listed.where(Transfer.id < before)
    newest = [*session.scalars(sales), *session.scalars(listed)]
    if not newest:
        return []
    return _read(session, _entries(account_id).where(Transfer.id.in_(newest)).limit(limit))


def _entries(account_id: int) -> Select[int, TransferKind, int, str, int | None, str | None, datetime]:
    return (
        select(
            Transfer.id,
            Transfer.kind,
            func.sum(case((Posting.credit_id == account_id, Posting.amount_minor), else_=-Posting.amount_minor)),
            func.min(Posting.currency),
            Transfer.subject_id,
            Transfer.note,
            Transfer.at,
        )
        .join(Posting, Posting.transfer_id == Transfer.id)
        .where(or_(Posting.debit_id == account_id, Posting.credit_id == account_id))
        .group_by(Transfer.id, Transfer.kind, Transfer.subject_id, Transfer.note, Transfer.at)
        .order_by(Transfer.id.desc())
    )


def _read(session: Session, question: Select[int, TransferKind, int, str, int | None, str | None, datetime]) -> Sequence[Entry]:
    rows = session.execute(question).all()
    return [Entry(id_, kind, int(amount), currency, subject, note, at) for id_, kind, amount, currency, subject, note, at in rows]
