"""A statement of a reseller's balance: what there was, every movement, and what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy.orm import Session

from core import ledger, payments
from core.database import read
from core.errors import N_, Refusal
from core.ledger import Entry

MOST_ENTRIES = 50_000


@dataclass(eq=False)
class TooManyAtOnce(Refusal):
    says: ClassVar[str] = N_("That is more than {most} movements. Please choose fewer days.")

    most: int


@dataclass(frozen=True, slots=True)
class StatementOfReseller:
    """Opening + the entries = closing, to the last digit; amounts in minor units of `currency`, what came in is positive."""

    since: datetime
    until: datetime
    opening_minor: int
    entries: Sequence[Entry]
    closing_minor: int
    currency: str


@read
def statement_of_reseller(session: Session, *, reseller_id: int, since: datetime, until: datetime) -> StatementOfReseller:
    """The movements between two instants (the second not included), oldest first. Raises TooManyAtOnce."""
    wallet = payments.wallet(session, reseller_id)
    entries = ledger.between(session, account_id=wallet.account_id, since=since, until=until, limit=MOST_ENTRIES + 1)
    if len(entries) > MOST_ENTRIES:
        raise TooManyAtOnce(most=MOST_ENTRIES)
    # Backwards from what there is now: the balance is kept with every movement, and nothing has to be added up from the beginning.
    closing = wallet.balance_minor - ledger.moved_after(session, account_id=wallet.account_id, since=until)
    return StatementOfReseller(since, until, closing - sum(entry.amount_minor for entry in entries), entries, closing, wallet.currency)
