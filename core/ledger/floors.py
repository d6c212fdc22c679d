"""Floors of wallets: how far below zero one may go, what is left until there, and what moved a wallet since."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session

from core.database import read, write
from core.ledger.tables import Account, Posting, Transfer, TransferKind
from core.spans import ids_around


@dataclass(frozen=True, slots=True)
class Room:
    """A guarded account in minor units: what is on it, and below what it may not fall."""

    balance_minor: int
    floor_minor: int

    @property
    def spendable_minor(self) -> int:
        """What can be spent, credit included."""
        return self.balance_minor - self.floor_minor


@read
def room(session: Session, account_id: int) -> Room:
    """The balance of a guarded account and its floor, in minor units."""
    balance, floor = session.execute(select(Account.balance_minor, Account.floor_minor).where(Account.id == account_id)).one()
    assert balance is not None and floor is not None, "a house account has no floor"
    return Room(balance, floor)


@write
def set_floor(session: Session, *, account_id: int, floor_minor: int, follows: bool) -> None:
    """From now on the account may fall so far, or no further than it has fallen already. With `follows`, `raise_floor` keeps what
    comes in.
    """
    lowest = case((Account.balance_minor < floor_minor, Account.balance_minor), else_=floor_minor)
    session.execute(
        update(Account).where(Account.id == account_id).values(floor_minor=lowest, floor_follows=follows),
        execution_options={"synchronize_session": False},
    )


@write
def raise_floor(session: Session, account_id: int) -> None:
    """Money has come in: where the floor follows, it cannot be spent again. A part of commands."""
    raised = case((Account.balance_minor < 0, Account.balance_minor), else_=0)
    session.execute(
        update(Account).where(Account.id == account_id, Account.floor_follows.is_(True)).values(floor_minor=raised),
        execution_options={"synchronize_session": False},
    )


@dataclass(frozen=True, slots=True)
class Inflow:
    """A transfer of a party that brought something into an account."""

    transfer_id: int
    kind: TransferKind
    amount_minor: int
    subject_id: int | None
    at: datetime


@read
def inflows(
    session: Session, *, party_id: int, account_id: int, kinds: Collection[TransferKind], since: datetime, until: datetime
) -> Sequence[Inflow]:
    """What transfers of these kinds that name the party brought into its account between two instants (the second not included)."""
    start, end = ids_around(session, Transfer.id, Transfer.at, since, until)
    amount = func.sum(case((Posting.credit_id == account_id, Posting.amount_minor), else_=-Posting.amount_minor))
    rows = session.execute(
        select(Transfer.id, Transfer.kind, amount, Transfer.subject_id, Transfer.at)
        .join(Posting, Posting.transfer_id == Transfer.id)
        .where(
            Transfer.party_id == party_id,
            Transfer.id >= start,
            Transfer.id < end,
            Transfer.kind.in_(kinds),
            Transfer.at >= since,
            Transfer.at < until,
            or_(Posting.debit_id == account_id, Posting.credit_id == account_id),
        )
        .group_by(Transfer.id, Transfer.kind, Transfer.subject_id, Transfer.at)
        .having(amount > 0)
        .order_by(Transfer.id)
    )
    return [Inflow(id_, kind, int(minor), subject, at) for id_, kind, minor, subject, at in rows]


@read
def moved_since(
    session: Session, *, account_id: int, but: TransferKind, since: datetime | None = None, from_transfer_id: int | None = None
) -> int:
    """What all movements of an account but those of one kind add up to, from an instant or from a transfer on, in minor units."""
    assert (since is None) != (from_transfer_id is None), "from an instant, or from a transfer on"
    first = from_transfer_id if since is None else ids_around(session, Transfer.id, Transfer.at, since, since)[0]
    question = (
        select(func.coalesce(func.sum(case((Posting.credit_id == account_id, Posting.amount_minor), else_=-Posting.amount_minor)), 0))
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(or_(Posting.debit_id == account_id, Posting.credit_id == account_id), Transfer.id >= first, Transfer.kind != but)
    )
    if since is not None:
        question = question.where(Transfer.at >= since)
    return int(session.scalar(question) or 0)


@read
def newest_of(session: Session, party_ids: Collection[int]) -> dict[int, int]:
    """The newest transfer that names each of these parties; sales straight from a wallet name nobody."""
    rows = session.execute(
        select(Transfer.party_id, func.max(Transfer.id)).where(Transfer.party_id.in_(party_ids)).group_by(Transfer.party_id)
    )
    return {party_id: newest for party_id, newest in rows if party_id is not None}
