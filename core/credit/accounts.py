"""The accounts that credit moves money between: beside the wallet, what a customer owes in fees, interest and advances."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from core import ledger, people, storefronts
from core.credit.tables import CreditLine
from core.ledger import AccountKind, Leg, TransferKind


class Owes(StrEnum):
    """What is owed besides a wallet below zero."""

    FEES = "fees"
    INTEREST = "interest"
    ADVANCE = "advance"


REVENUE = "interest"  # the stream of revenue that interest and fees are


@dataclass(frozen=True, slots=True)
class Owed:
    """What a reseller owes now, in minor units; `accrued_minor` is interest that no invoice has yet, rounded."""

    principal_minor: int
    fees_minor: int
    interest_minor: int
    advance_minor: int
    accrued_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.principal_minor + self.fees_minor + self.interest_minor + self.advance_minor


def of(session: Session, line: CreditLine, owes: Owes) -> int:
    """The customer's account of this; a debit raises what they owe."""
    return ledger.open_account(session, party_id=line.customer_id, kind=AccountKind.CREDIT, label=owes.value, currency=line.currency)


def owed(session: Session, customer_id: int, currency: str, owes: Owes) -> int:
    """How much of this is owed, in minor units."""
    return -ledger.account_balance(session, party_id=customer_id, kind=AccountKind.CREDIT, label=owes.value, currency=currency)


def house(session: Session, line: CreditLine, kind: AccountKind, label: str = "") -> int:
    """An account of the shop's own."""
    party_id = storefronts.by_id(session, line.storefront_id).party_id
    return ledger.open_account(session, party_id=party_id, kind=kind, label=label, currency=line.currency)


def wallet_of(session: Session, line: CreditLine) -> int:
    return people.by_id(session, line.customer_id).wallet_id


def charge(session: Session, line: CreditLine, *, key: str, owes: Owes, amount_minor: int, subject_id: int) -> None:
    """They owe so much more interest or fees: earned by the shop. Not in their wallet's statement, since no wallet moved."""
    leg = Leg(of(session, line, owes), house(session, line, AccountKind.REVENUE, REVENUE), amount_minor, line.currency)
    party_id = storefronts.by_id(session, line.storefront_id).party_id
    ledger.transfer(session, key=key, kind=TransferKind.CREDIT, party_id=party_id, legs=[leg], subject_id=subject_id)


def move(session: Session, line: CreditLine, *, key: str, legs: list[tuple[int, int, int]], subject_id: int | None = None) -> None:
    """Each (from, to, amount) that moves something, as one transfer of theirs. The floor makes way: what is owed is owed."""
    moved = [Leg(debit, credit, minor, line.currency) for debit, credit, minor in legs if minor > 0]
    if not moved:
        return
    wallet = wallet_of(session, line)
    change = sum(leg.amount_minor for leg in moved if leg.credit_id == wallet) - sum(
        leg.amount_minor for leg in moved if leg.debit_id == wallet
    )
    room = ledger.room(session, wallet)
    if room.balance_minor + change < room.floor_minor:
        ledger.set_floor(session, account_id=wallet, floor_minor=room.balance_minor + change, follows=True)
    ledger.transfer(session, key=key, kind=TransferKind.CREDIT, party_id=line.customer_id, legs=moved, subject_id=subject_id)
