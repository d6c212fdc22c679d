"""What a supplier has earned, by day and stream, beside what the books say; and who earned what of one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import ledger, supply
from core.database import now, read
from core.settlement import accounts
from core.settlement.contracts import contract
from core.settlement.reversing import left_of, whole_of
from core.settlement.split import Form, Label, Terms, of_units
from core.settlement.tables import Claim, ClaimState, Payout, PayoutState, Reversal, Run, RunKind

MOST_DAYS = 92


@dataclass(frozen=True, slots=True)
class Streams:
    """What a supplier earned in a span, in minor units: of goods at their cost or price, of the spread, less what the shop took.

    `units` and `orders` are of the sales. What was taken back stands by the day on which it was taken back, whenever it was sold.
    """

    units: int = 0
    sales_minor: int = 0
    spread_minor: int = 0
    commission_minor: int = 0  # below zero: the shop's
    service_minor: int = 0  # below zero: the shop's
    tiers_minor: int = 0
    reversed_units: int = 0
    reversed_minor: int = 0  # below zero
    paid_minor: int = 0

    @property
    def earned_minor(self) -> int:
        """All of it together; payouts are no earning."""
        streams = (self.sales_minor, self.spread_minor, self.commission_minor, self.service_minor, self.tiers_minor, self.reversed_minor)
        return sum(streams)


@dataclass(frozen=True, slots=True)
class Balances:
    """What the books say a supplier has, in minor units. `settling_minor` is what the newest sales and refunds have still to bring."""

    held_minor: int
    due_minor: int
    paying_minor: int
    paid_minor: int
    settling_minor: int


@dataclass(frozen=True, slots=True)
class Earnings:
    """A supplier's statement of some days in one currency, each day from midnight to midnight in `timezone`."""

    supplier_id: int
    name: str
    currency: str
    first: date
    last: date
    timezone: str
    made_at: datetime
    days: Sequence[tuple[date, Streams]]
    total: Streams
    balances: Balances
    currencies: Sequence[str] = field(default_factory=tuple)


@read
def currencies_of(session: Session, supplier_id: int) -> list[str]:
    """The currencies in which a supplier has earned anything, the oldest first."""
    rows = session.execute(
        select(Claim.currency).where(Claim.supplier_id == supplier_id).group_by(Claim.currency).order_by(func.min(Claim.id))
    )
    return [currency for (currency,) in rows]


@read
def balances(session: Session, *, supplier_id: int, currency: str) -> Balances:
    """What a supplier has held, due, on its way and paid."""
    held, due, paying = (
        ledger.account_balance(session, party_id=supplier_id, kind=ledger.AccountKind.PAYABLE, label=label, currency=currency)
        for label in ("", accounts.DUE, accounts.PAYING)
    )
    earned = _all_time(session, supplier_id, currency)
    paid = _paid(session, supplier_id, currency)
    return Balances(held, due, paying, paid, held + due + paying + paid - earned)


def _all_time(session: Session, supplier_id: int, currency: str) -> int:
    """What claims, less what was taken back of them, and windows of volume come to."""
    of = (Claim.supplier_id == supplier_id, Claim.currency == currency)
    claimed = session.scalar(select(func.coalesce(func.sum(Claim.supplier_minor), 0)).where(*of)) or 0
    back = session.scalar(
        select(func.coalesce(func.sum(Reversal.supplier_minor), 0)).where(
            Reversal.supplier_id == supplier_id, Reversal.currency == currency
        )
    )
    tiers = session.scalar(
        select(func.coalesce(func.sum(Run.supplier_minor), 0)).where(
            Run.supplier_id == supplier_id, Run.kind == RunKind.TIERS, Run.currency == currency
        )
    )
    return int(claimed) - int(back or 0) + int(tiers or 0)


_OUT = (PayoutState.SENT, PayoutState.CONFIRMED)


def _paid(session: Session, supplier_id: int, currency: str, since: datetime | None = None, until: datetime | None = None) -> int:
    question = select(func.coalesce(func.sum(Payout.amount_minor), 0)).where(
        Payout.supplier_id == supplier_id, Payout.currency == currency, Payout.state.in_(_OUT)
    )
    if since is not None:
        question = question.where(Payout.sent_at >= since, Payout.sent_at < until)
    return int(session.scalar(question) or 0)


def _streams(session: Session, supplier_id: int, currency: str, since: datetime, until: datetime) -> Streams:
    units = sales = spread = commission = service = 0
    for form, n, price, cost, theirs, taken, extra in session.execute(
        select(
            Claim.form,
            func.sum(Claim.units),
            func.sum(Claim.price_minor),
            func.sum(Claim.cost_minor),
            func.sum(Claim.supplier_minor),
            func.sum(Claim.commission_minor),
            func.sum(Claim.service_minor),
        )
        .where(Claim.supplier_id == supplier_id, Claim.currency == currency, Claim.sold_at >= since, Claim.sold_at < until)
        .group_by(Claim.form)
    ):
        units += int(n)
        commission -= int(taken)
        service -= int(extra)
        if form in (Form.TAKE, Form.COMMISSION):
            sales += int(price)
        else:
            sales += int(cost)
            spread += int(theirs) + int(extra) - int(cost)
    gone, back = session.execute(
        select(func.coalesce(func.sum(Reversal.units), 0), func.coalesce(func.sum(Reversal.supplier_minor), 0)).where(
            Reversal.supplier_id == supplier_id, Reversal.currency == currency, Reversal.at >= since, Reversal.at < until
        )
    ).one()
    tiers = session.scalar(
        select(func.coalesce(func.sum(Run.supplier_minor), 0)).where(
            Run.supplier_id == supplier_id, Run.kind == RunKind.TIERS, Run.currency == currency, Run.at >= since, Run.at < until
        )
    )
    paid = _paid(session, supplier_id, currency, since, until)
    return Streams(units, sales, spread, commission, service, int(tiers or 0), int(gone), -int(back), paid)


@read
def earnings(session: Session, *, supplier_id: int, currency: str, first: date, last: date, timezone: str) -> Earnings:
    """A supplier's statement from one day to another, both included; at most MOST_DAYS, of which the last ones count."""
    found = supply.supplier(session, supplier_id)
    assert found is not None, "a statement is of a supplier"
    first = max(first, last - timedelta(days=MOST_DAYS - 1))
    zone, days = ZoneInfo(timezone), []
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        since, until = (datetime.combine(day + timedelta(days=n), time.min, zone) for n in (0, 1))
        made = _streams(session, supplier_id, currency, since, until)
        if made != Streams():
            days.append((day, made))
    names = Streams.__dataclass_fields__
    total = Streams(**{name: sum(getattr(made, name) for _, made in days) for name in names})
    return Earnings(
        supplier_id,
        found.name,
        currency,
        first,
        last,
        timezone,
        now(session),
        days,
        total,
        balances(session, supplier_id=supplier_id, currency=currency),
        currencies_of(session, supplier_id),
    )


# One order


@dataclass(frozen=True, slots=True)
class PartyShare:
    """What one supplier and the shop earned by a part of an order, as it stands after what was taken back."""

    supplier_id: int
    name: str
    offer_id: int
    units: int
    reversed_units: int
    price_minor: int
    supplier_minor: int
    shop: dict[Label, int]
    currency: str
    state: ClaimState
    release_at: datetime
    terms: Terms | None  # None: without a contract, the cost


@read
def who_earns(session: Session, order_id: int) -> list[PartyShare]:
    """Every supplier's part of an order and the shop's, as far as it is settled."""
    found = []
    for claim in session.scalars(select(Claim).where(Claim.order_id == order_id).order_by(Claim.id)):
        whole = whole_of(claim)
        left = of_units(whole, claim.units, before=claim.reversed_units, count=claim.units - claim.reversed_units)
        of = supply.supplier(session, claim.supplier_id)
        agreed = None if claim.contract_id is None else contract(session, claim.contract_id)
        found.append(
            PartyShare(
                claim.supplier_id,
                "" if of is None else of.name,
                claim.offer_id,
                claim.units,
                claim.reversed_units,
                claim.price_minor,
                left_of(claim),
                dict(left.shop),
                claim.currency,
                claim.state,
                claim.release_at,
                None if agreed is None else agreed.terms,
            )
        )
    return found
