"""The books' statement: what a day or any span of days has brought, equal to the ledger to the minor unit or saying where it is not."""

from core.books.checks import Difference, differences
from core.books.daily import daily_wanted, post_daily, want_daily
from core.books.lines import Line, Section, lines
from core.books.queries import out_of_balance, statement, today_of
from core.books.rules import MOST_DAYS, SpanWrong, span
from core.books.views import Cost, Flow, Margin, Payments, Pot, Sales, Statement

__all__ = [
    "MOST_DAYS",
    "Cost",
    "Difference",
    "Flow",
    "Line",
    "Margin",
    "Payments",
    "Pot",
    "Sales",
    "Section",
    "SpanWrong",
    "Statement",
    "daily_wanted",
    "differences",
    "lines",
    "out_of_balance",
    "post_daily",
    "span",
    "statement",
    "today_of",
    "want_daily",
]
