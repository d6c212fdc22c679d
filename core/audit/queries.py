"""Examining a shop: one snapshot, every check, a bounded list of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import books, inventory, ledger
from core.audit.checks import BUFFERED, CHECKS, CONVERTED, COUNTS, HOUSE, ODD_PAYMENTS, RATES_BEFORE, SAMPLE
from core.audit.explained import EXPLAINED, unexplained
from core.audit.promises import HELD_AS_PROMISED, shortly_held
from core.database import read
from core.money import convert_down, convert_up, up_to_step

WORTH = "a payment of another amount is credited with its share"
ASKED = "a payment in another currency asks for its worth at its rate, and the fee"
MARKET = "a rate with a buffer is not above the market's"
BALANCE = "a house account's balance is the sum of its postings"
KEYS_FIT = "the key file opens the codes"

SMALL = 100_000  # things of all sorts; see _broken
TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be: which check found it, what it is about, and what is wrong. Never holds a code."""

    check: str
    about: str
    detail: str


@dataclass(slots=True)
class Report:
    """What there is, and what is wrong. `violations` lists the first few of each check, `violated` counts all of them."""

    counts: dict[str, int] = field(default_factory=dict)
    violated: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.violated

    def add(self, check: str, found: list[tuple[str, str]], total: int) -> None:
        """Record what a check found."""
        if total:
            self.violated[check] = total
            self.violations += [Violation(check, about, detail) for about, detail in found]


@read
def audit(session: Session, *, most: int = 20, sample: int = 0) -> Report:
    """Check every promise in one snapshot, safe beside a running shop; changes nothing and never raises for what it finds.

    `most` violations of each check are listed, all are counted. With `sample`, the first and last code of so many of the
    newest batches are opened, to prove that the key file fits; what they say is never shown.
    """
    _begin_snapshot(session)
    return examine(session, most=most, sample=sample)


def examine(session: Session, *, most: int = 20, sample: int = 0) -> Report:
    """The checks themselves, in whatever transaction the session is in."""
    report = Report()
    for question in COUNTS:
        report.counts |= {name: int(number) for name, number in session.execute(text(question)).mappings().one().items()}
    for name in _broken(session, together=sum(report.counts.values()) <= SMALL):
        rows = session.execute(
            # The check is written once; its rows are few, so counting them all beside the first costs nothing.
            text(f"SELECT about, detail, COUNT(*) OVER () AS total FROM ({CHECKS[name]}) AS found ORDER BY about LIMIT :most"),
            {"most": most},
        ).all()
        report.add(name, [(row.about, row.detail) for row in rows], int(rows[0].total) if rows else 0)
    odd = list(_wrongly_credited(session))
    report.add(WORTH, odd[:most], len(odd))
    asked = list(_wrongly_asked(session))
    report.add(ASKED, asked[:most], len(asked))
    dear = list(_above_the_market(session))
    report.add(MARKET, dear[:most], len(dear))
    short = list(shortly_held(session))
    report.add(HELD_AS_PROMISED, short[:most], len(short))
    silent = list(unexplained(session))
    report.add(EXPLAINED, silent[:most], len(silent))
    against: dict[str, list[tuple[str, str]]] = {}
    for one in [*books.differences(session), *books.out_of_balance(session)]:
        against.setdefault(one.check, []).append((one.about, one.detail))
    for check, broken in against.items():
        report.add(check, broken[:most], len(broken))
    wrong = list(_wrongly_summed(session))
    report.add(BALANCE, wrong[:most], len(wrong))
    if sample:
        picked = sorted({id_ for pair in session.execute(text(SAMPLE), {"most": sample}) for id_ in pair})
        shut = inventory.unopenable(session, picked)
        report.counts["codes opened"] = len(picked) - len(shut)
        report.add(KEYS_FIT, [(f"code {code_id}", "does not open with these keys") for code_id in shut[:most]], len(shut))
    return report


def _broken(session: Session, *, together: bool) -> Iterator[str]:
    """The names of the checks that find something, in their order.

    `together`: many checks in one question, which is a small shop's audit in a tenth of the time. A large shop asks one by one: the
    tables that a question has sorted in memory are given back at its end only.
    """
    names = list(CHECKS)
    for many in (names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)) if together else ([name] for name in names):
        union = " UNION ALL ".join(f"SELECT {at} AS at, COUNT(*) AS found FROM ({CHECKS[name]}) AS of_{at}" for at, name in enumerate(many))
        found = {row.at for row in session.execute(text(union)) if row.found}
        yield from (name for at, name in enumerate(many) if at in found)


def _begin_snapshot(session: Session) -> None:
    """All statements see one state: PostgreSQL would else take a snapshot for each, and SQLite's driver begin no transaction."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Sums over whole tables: sorting in memory instead of in files, and only for this transaction.
        connection.exec_driver_sql("SET LOCAL work_mem = '128MB'")
        # Whole tables are joined: without statistics (a shop that has just filled up) a nested loop would take for ever.
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    # The type of a driver's connection is None while the pool holds it; a session's is open.
    elif not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN")


def _wrongly_summed(session: Session) -> Iterator[tuple[str, str]]:
    """House accounts whose balance, as the shop itself reads it from roll-ups, is not what was ever posted to them."""
    for row in session.execute(text(HOUSE)).all():
        said = ledger.house_balance(session, row.id)
        if said != row.total:
            yield f"account {row.id}", f"is said to have {said}, its postings sum to {row.total}"


def _wrongly_asked(session: Session) -> Iterator[tuple[str, str]]:
    """Payments in another currency whose amount cannot be worked out again from their worth, their rate and their fee."""
    for row in session.execute(text(CONVERTED), execution_options={"yield_per": 5000}):
        step = max(1, row.step_minor)
        right = up_to_step(convert_up(row.worth_minor, Fraction(row.denominator, row.numerator)) + row.fee_minor, step)
        if row.amount_minor != right:
            yield f"intent {row.id}", f"asks {row.amount_minor} {row.currency}, by its rate {right}"


def _above_the_market(session: Session) -> Iterator[tuple[str, str]]:
    """Rates at which the buyer is asked less than the market asks."""
    for row in session.execute(text(BUFFERED), execution_options={"yield_per": 5000}):
        if row.numerator * row.market_denominator > row.market_numerator * row.denominator:
            yield f"rate {row.id}", f"of {row.base} in {row.quote} is above its market rate"


def _wrongly_credited(session: Session) -> Iterator[tuple[str, str]]:
    """Payments that were not as asked and whose credit is not what they are worth."""
    for row in session.execute(text(ODD_PAYMENTS)).all():
        credited = int(row.credited_minor or 0)
        if row.asked_minor is not None:
            right = {max(0, convert_down(row.amount_minor, Fraction(row.worth_minor, row.asked_minor)))}
        elif row.verdict in ("unvalued", "stray"):
            right = {0}  # There was no rate for it: a person decides.
        elif row.currency == row.wallet_currency:
            right = {max(0, row.amount_minor)}
        else:
            # Nothing says which of the rates recorded until then was the newest one it saw, but it was one of them.
            of_pair = {"base": row.currency, "quote": row.shop_currency, "at": row.at}
            rates = session.execute(text(RATES_BEFORE), of_pair).all()
            right = {max(0, convert_down(row.amount_minor, Fraction(r.numerator, r.denominator))) for r in rates}
        if credited not in right:
            yield f"event {row.id}", f"{row.amount_minor} {row.currency} came in, credited {credited}"
