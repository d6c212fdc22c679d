"""What every statement of the books must be: without differences, made of its parts, and equal to the accounts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import books
from core.books import Statement
from core.database import Shop, read

_NAMES = {"currency", "method"}


@read
def balances(session: Session) -> dict[tuple[str, str, str], int]:
    """Credits less debits of each kind, label and currency: every posting there is, added up."""
    rows = session.execute(
        text("""
        SELECT a.kind, a.label, a.currency, COALESCE(SUM(s.minor), 0) AS minor FROM accounts a LEFT JOIN (
            SELECT credit_id AS account_id, amount_minor AS minor FROM postings
            UNION ALL SELECT debit_id, -amount_minor FROM postings) AS s ON s.account_id = a.id GROUP BY a.kind, a.label, a.currency""")
    )
    return {(row.kind, row.label, row.currency): int(row.minor) for row in rows}


async def assert_books(shop: Shop, since: datetime, until: datetime, storefront_id: int = 1) -> Statement:
    """Between two instants, everything that was ever posted among them; returns the statement.

    To be called at the end of any story: the statement has no difference, adds up when its span is cut in two, and its accounts are
    the sums of all postings.
    """
    until += timedelta(seconds=1)
    whole = await shop.read(books.statement, storefront_id, since, until)
    assert whole.differences == ()
    accounts = await shop.read(balances)
    assert {(pot.kind, pot.label, pot.currency) for pot in whole.pots} == set(accounts)
    for pot in whole.pots:
        sign = -1 if pot.kind == "gateway" else 1
        assert pot.opening_minor == 0 and pot.closing_minor == sign * accounts[pot.kind, pot.label, pot.currency]
        assert pot.opening_minor + pot.in_minor - pot.out_minor == pot.closing_minor
    middle = since + (until - since) / 2
    one, other = (
        await shop.read(books.statement, storefront_id, since, middle),
        await shop.read(books.statement, storefront_id, middle, until),
    )
    assert one.differences == () and other.differences == ()
    both = figures(one)
    both.update(figures(other))  # Not by a plus, which leaves out what is below zero.
    assert {name: value for name, value in both.items() if value} == figures(whole)
    for pot in whole.pots:
        first, second = (part.pot(pot.kind, pot.currency, pot.label) for part in (one, other))
        assert first is not None and second is not None
        assert (first.opening_minor, second.closing_minor) == (pot.opening_minor, pot.closing_minor)
        assert first.closing_minor == second.opening_minor
    return whole


def figures(made: Statement) -> Counter[tuple[Any, ...]]:
    """Every figure of a span that adds up over spans, by its name."""
    found: Counter[tuple[Any, ...]] = Counter()
    for many in (made.sales, made.costs, made.margins, made.payments):
        for one in many:
            facts = asdict(one)
            name = tuple(facts.pop(part) for part in sorted(_NAMES & facts.keys()))
            for what, value in facts.items():
                found[(type(one).__name__, *name, what)] += value
    for pot in made.pots:
        for side, flows in (("in", pot.into), ("out", pot.out)):
            for flow in flows:
                found[pot.kind, pot.label, pot.currency, side, flow.cause] += flow.minor
    return Counter({name: value for name, value in found.items() if value})
