"""What a party has on all its accounts of one kind."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import read
from core.ledger.queries import house_balance
from core.ledger.tables import Account, AccountKind


@dataclass(frozen=True, slots=True)
class Pot:
    """One account that keeps no balance: what is on it now, in minor units."""

    account_id: int
    label: str
    currency: str
    minor: int


@read
def pots(session: Session, *, party_id: int, kind: AccountKind) -> list[Pot]:
    """The party's accounts of this kind with what is on them, by currency."""
    rows = session.execute(
        select(Account.id, Account.label, Account.currency)
        .where(Account.party_id == party_id, Account.kind == kind)
        .order_by(Account.currency, Account.label)
    ).all()
    return [Pot(account_id, label, currency, house_balance(session, account_id)) for account_id, label, currency in rows]
