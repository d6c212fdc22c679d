"""What is pure about credit: the score TRADE-1 and the limit it offers, a day's interest, and its rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

FORMULA = "TRADE-1"
_FIRST_DAY = date(1970, 1, 1)
PER_YEAR = 365 * 1_000_000
"""Interest is carried in this part of a minor unit: a rate in millionths a year, for one of 365 days."""

WINDOW = timedelta(days=90)  # of turnover and refunds
WEEKS = 12  # of the sales cycle
FULL_TURNOVER_MINOR = 10_000_000  # a month of currencies with hundredths; more counts no more
REFUNDS_BP = 1000  # so many hundredths of a per cent refunded count as nothing
FULL_AGE_DAYS = 365
NO_HISTORY = 50  # of somebody who never had an invoice
LEAST_SCORE = 40  # below it nothing is offered
STEP_MINOR = 10_000  # offers are whole multiples
MOST_MINOR = 50_000_000_000  # no limit or advance is larger: with it, a month's interest fits the databases' integers
MOST_INSTALMENTS = 24


class Part(StrEnum):
    """What the score is made of, each from 0 to 100."""

    CYCLE = "cycle"
    TURNOVER = "turnover"
    REFUNDS = "refunds"
    REPAYMENT = "repayment"
    AGE = "age"


WEIGHTS: Mapping[Part, int] = {Part.CYCLE: 15, Part.TURNOVER: 30, Part.REFUNDS: 20, Part.REPAYMENT: 25, Part.AGE: 10}
"""How much each part counts, where the staff have set nothing else."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a reseller's trade; amounts in minor units."""

    weeks_bought: int  # of the last WEEKS
    paid_minor: int  # in the WINDOW, before refunds
    refunded_minor: int
    invoices: int  # that were due within a year
    in_time: int  # of them
    age_days: int  # since they came to the shop


@dataclass(frozen=True, slots=True)
class Score:
    """From 0 to 100, and what it is made of."""

    total: int
    parts: Mapping[Part, int]
    weights: Mapping[Part, int]
    offered_minor: int


def parts_of(facts: Facts) -> dict[Part, int]:
    """Each part from 0 to 100, rounded down."""
    month = facts.paid_minor // 3
    allowed = facts.paid_minor * REFUNDS_BP
    return {
        Part.CYCLE: min(100, 100 * facts.weeks_bought // WEEKS),
        Part.TURNOVER: min(100, 100 * month // FULL_TURNOVER_MINOR),
        Part.REFUNDS: 0 if not facts.paid_minor else max(0, 100 - -(-100 * facts.refunded_minor * 10_000 // allowed)),
        Part.REPAYMENT: NO_HISTORY if not facts.invoices else 100 * facts.in_time // facts.invoices,
        Part.AGE: min(100, 100 * facts.age_days // FULL_AGE_DAYS),
    }


def score(facts: Facts, weights: Mapping[Part, int]) -> Score:
    """TRADE-1: the parts' mean by their weights, rounded down. It offers that share of a month's turnover, from LEAST_SCORE on."""
    parts = parts_of(facts)
    whole = sum(weights.values())
    total = sum(weights[part] * parts[part] for part in Part) // whole if whole else 0
    month = max(0, facts.paid_minor - facts.refunded_minor) // 3
    offered = month * total // 100 // STEP_MINOR * STEP_MINOR if total >= LEAST_SCORE else 0
    return Score(total, parts, weights, min(offered, MOST_MINOR))


@dataclass(frozen=True, slots=True)
class Terms:
    """What credit costs and when it is due: rates a year in millionths, the fee in minor units."""

    rate_ppm: int = 120_000
    overdue_ppm: int = 180_000
    late_fee_minor: int = 0
    period_days: int = 30
    term_days: int = 10
    freeze_days: int = 15

    @property
    def in_bounds(self) -> bool:
        return (
            0 <= self.rate_ppm <= 1_000_000
            and self.rate_ppm <= self.overdue_ppm <= 2_000_000
            and 1 <= self.period_days <= 31
            and 1 <= self.term_days <= 90
            and 0 <= self.freeze_days <= 365
            and 0 <= self.late_fee_minor <= MOST_MINOR
        )


def interest_of_day(normal_minor: int, overdue_minor: int, terms: Terms) -> int:
    """What one day costs, in parts of PER_YEAR: exact."""
    return normal_minor * terms.rate_ppm + overdue_minor * terms.overdue_ppm


def rounded(carry: int) -> int:
    """Whole minor units of what is carried, a half to the even one; the rest stays carried."""
    whole, rest = divmod(carry, PER_YEAR)
    return whole + (2 * rest > PER_YEAR or (2 * rest == PER_YEAR and whole % 2 == 1))


def schedule(amount_minor: int, instalments: int) -> list[int]:
    """An advance in equal parts; the first ones are a minor unit larger where it does not go evenly."""
    each, more = divmod(amount_minor, instalments)
    return [each + (number < more) for number in range(instalments)]


def day_of(at: datetime) -> int:
    """The number of the UTC day of an instant."""
    return (at.astimezone(UTC).date() - _FIRST_DAY).days


def begin_of(day: int) -> datetime:
    """The first instant of a day."""
    return datetime.combine(date_of(day), time(), UTC)


def date_of(day: int) -> date:
    return _FIRST_DAY + timedelta(days=day)
