"""The books: accounts, transfers and postings that balance by construction."""

from core.ledger.commands import KeyReused, TooLittle, Transferred, new_party, open_account, roll_up, transfer
from core.ledger.for_settlement import Booked, account_balance, booked_after, credits_of, sales_of
from core.ledger.pots import Pot, pots
from core.ledger.queries import (
    CameIn,
    Entry,
    Leg,
    balance,
    between,
    came_in,
    causes,
    house_balance,
    keys_of,
    legs_of,
    lock,
    moved_after,
    party_of,
    statement,
)
from core.ledger.tables import AccountKind, PartyKind, TransferKind

__all__ = [
    "AccountKind",
    "Booked",
    "CameIn",
    "Entry",
    "KeyReused",
    "Leg",
    "PartyKind",
    "Pot",
    "TooLittle",
    "TransferKind",
    "Transferred",
    "account_balance",
    "balance",
    "between",
    "booked_after",
    "came_in",
    "causes",
    "credits_of",
    "house_balance",
    "keys_of",
    "legs_of",
    "lock",
    "moved_after",
    "new_party",
    "open_account",
    "party_of",
    "pots",
    "roll_up",
    "sales_of",
    "statement",
    "transfer",
]
