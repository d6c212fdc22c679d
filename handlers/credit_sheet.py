"""The statement of credit as a picture: what is owed and left, what is due when, and what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.credit import InvoiceView, LineView, RepaymentView
from handlers.credit_words import percent
from locales import Speech
from papers.pictures import Card, Row, Sheet, drawable


def credit_sheet(
    line: LineView, invoices: Sequence[InvoiceView], paid: Sequence[RepaymentView], speech: Speech, name: str, at: datetime
) -> Sheet:
    """What stands in the picture."""

    def money(minor: int) -> str:
        return drawable(speech.price(minor, line.currency))

    owed, terms, label = line.owed, line.terms, speech.label
    owes = [
        Row(label("Goods"), money(owed.principal_minor)),
        Row(label("Advance"), money(owed.advance_minor)),
        Row(label("Interest"), money(owed.interest_minor)),
        Row(label("Late fees"), money(owed.fees_minor)),
        Row(label("Owed"), money(owed.total_minor), strong=True),
        Row(label("Interest since the last invoice"), money(owed.accrued_minor)),
    ]
    bills = [
        Row(
            label("Invoice {n}", n=speech.number(one.seq)),
            money(one.total_minor),
            label("paid on {day}", day=speech.day(one.paid_on))
            if one.paid_on is not None
            else label("{left} open, due on {day}", left=money(one.open_minor), day=speech.day(one.due_on)),
        )
        for one in invoices
    ]
    bills += [
        Row(label("Instalment {n}", n=speech.number(item.seq)), money(item.open_minor), label("due on {day}", day=speech.day(item.due_on)))
        for item in line.due
        if item.of_advance
    ]
    came = [
        Row(
            speech.when(one.at),
            money(one.total_minor),
            label("fees {fees}, interest {interest}", fees=money(one.fees_minor), interest=money(one.interest_minor)),
        )
        for one in paid
    ]
    cost = [
        Row(label("Interest a year"), percent(terms.rate_ppm, speech), label("when late: {rate}", rate=percent(terms.overdue_ppm, speech))),
        Row(label("Fee for a late invoice"), money(terms.late_fee_minor)),
    ]
    cards = [Card(label("What is owed"), owes), Card(label("Terms"), cost)]
    cards += [Card(title, rows) for title, rows in ((label("Invoices and instalments"), bills), (label("Paid"), came)) if rows]
    well = not line.late_days
    first = [Row(label("Limit"), money(line.limit_minor)), Row(label("Owed"), money(owed.total_minor))]
    return Sheet(
        drawable(name),
        label("Credit"),
        [*first, Row(label("Left"), money(line.left_minor))],
        cards,
        label("Nothing is late") if well else speech.label_many("{n} day late", "{n} days late", line.late_days),
        well,
        speech.when(at),
    )
