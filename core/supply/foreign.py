"""Costs that are agreed in another currency than the sale's: booked in the sale's, at a recorded rate with a buffer.

The supplier is owed the sale's currency, at the rate of the version that the sale booked, so that claims, refunds and payouts stay exact.
A moved rate makes the next version of the cost; without a rate that holds nothing is sold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import ClassVar

from sqlalchemy.orm import Session

from core import rates, storefronts
from core.database import now, read
from core.errors import N_, Refusal
from core.money import convert_up
from core.rates import Quoted
from core.supply.tables import ForeignCost


@dataclass(eq=False)
class NoRateForCost(Refusal):
    says: ClassVar[str] = N_(
        "There is no exchange rate for {cost_currency}, so goods that are paid for in it cannot be sold. "
        "Please set a rate first, or take another currency. Nothing was changed."
    )

    cost_currency: str


@dataclass(frozen=True, slots=True)
class ForeignView:
    """What was agreed for a unit, and at which worth of one minor unit it is booked: the recorded rate with the buffer against us."""

    minor: int
    currency: str
    rate: Fraction
    as_of: datetime
    rate_id: int = 0
    market: Fraction = Fraction(1)  # before the buffer
    source: str = ""  # who said it


@dataclass(frozen=True, slots=True)
class Booked:
    """A cost as the sale books it, and where it comes from; `rate_id` is None when nothing was converted."""

    minor: int
    currency: str
    rate_id: int | None = None


def against_us(quoted: Quoted) -> Fraction:
    """What one minor unit costs the shop: the market's rate, and on top of it the buffer that payers bear in the other direction."""
    return quoted.market * quoted.market / quoted.rate


def sale_currency(session: Session) -> str:
    """The currency of the shop's sales."""
    return storefronts.all_open(session)[0].currency


def in_sale_currency(session: Session, minor: int, currency: str) -> Booked:
    """A cost in the currency of the shop's sales, rounded up to its minor unit; raises NoRateForCost."""
    sale = sale_currency(session)
    if currency == sale:
        return Booked(minor, currency)
    quoted = rates.latest(session, base=currency, quote=sale)
    if quoted is None:
        raise NoRateForCost(cost_currency=currency)
    return Booked(convert_up(minor, against_us(quoted)), sale, quoted.id)


def worth_in_cost(session: Session, minor: int, *, currency: str, cost_currency: str) -> int | None:
    """So many minor units of the sale's currency in a cost's, rounded down, at the rate at which such a cost is booked; None: no rate."""
    quoted = rates.latest(session, base=cost_currency, quote=currency)
    return None if quoted is None else int(minor / against_us(quoted))


def keep_foreign(session: Session, *, offer_id: int, minor: int, currency: str, rate_id: int | None) -> None:
    """A part of commands: note what was agreed, or that it is in the sale's own currency now."""
    row = session.get(ForeignCost, offer_id)
    if rate_id is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(ForeignCost(offer_id=offer_id, minor=minor, currency=currency, rate_id=rate_id, at=now(session)))
    else:
        row.minor, row.currency, row.rate_id, row.at = minor, currency, rate_id, now(session)
    session.flush()


@read
def foreign_cost(session: Session, offer_id: int) -> ForeignView | None:
    """What was agreed for an offer in another currency; None when its cost is in the sale's."""
    row = session.get(ForeignCost, offer_id)
    quoted = None if row is None else rates.by_id(session, row.rate_id)
    if row is None or quoted is None:
        return None
    return ForeignView(row.minor, row.currency, against_us(quoted), quoted.as_of, quoted.id, quoted.market, quoted.source)
