"""What settlement asks the books: which sales were booked since, and whom each credited."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import among, read
from core.ledger.queries import house_balance
from core.ledger.tables import Account, AccountKind, Posting, Transfer, TransferKind


@dataclass(frozen=True, slots=True)
class Booked:
    """A transfer by its id, what it belongs to, and when it was made."""

    transfer_id: int
    subject_id: int
    at: datetime


@read
def booked_after(session: Session, *, kind: TransferKind, after: int, upto: int | None = None, most: int) -> list[Booked]:
    """The transfers of a kind with ids above `after` (and not above `upto`), in order."""
    question = select(Transfer.id, Transfer.subject_id, Transfer.at).where(Transfer.id > after, Transfer.kind == kind)
    if upto is not None:
        question = question.where(Transfer.id <= upto)
    rows = session.execute(question.order_by(Transfer.id).limit(most)).all()
    return [Booked(id_, subject, at) for id_, subject, at in rows if subject is not None]


@read
def sales_of(session: Session, order_ids: Collection[int]) -> dict[int, int]:
    """The transfers that paid these orders, by order; those that were not paid yet are left out."""
    keys = [f"sale:{order_id}" for order_id in order_ids]
    rows = session.execute(select(Transfer.subject_id, Transfer.id).where(Transfer.key.in_(keys), Transfer.kind == TransferKind.SALE))
    return {order_id: transfer_id for order_id, transfer_id in rows if order_id is not None}


@read
def credits_of(session: Session, transfer_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """What each of these transfers credited to which account, in minor units."""
    found: dict[int, dict[int, int]] = {}
    for transfer_id, account_id, minor in session.execute(
        select(Posting.transfer_id, Posting.credit_id, func.sum(Posting.amount_minor))
        .where(among(session, Posting.transfer_id, transfer_ids))
        .group_by(Posting.transfer_id, Posting.credit_id)
    ):
        found.setdefault(transfer_id, {})[account_id] = int(minor)
    return found


@read
def account_balance(session: Session, *, party_id: int, kind: AccountKind, currency: str, label: str = "") -> int:
    """Credits minus debits of a party's account that keeps no balance; nothing when it was never opened."""
    found = session.scalar(
        select(Account.id).where(Account.party_id == party_id, Account.kind == kind, Account.label == label, Account.currency == currency)
    )
    return 0 if found is None else house_balance(session, found)
