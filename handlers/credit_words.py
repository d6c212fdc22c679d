"""How credit is said, to resellers and to the staff alike: what is owed, terms, invoices, and the score part by part."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from core import credit
from core.credit import AskView, InvoiceView, LineState, LineView, Part, RepaymentView, Terms, Wanted
from handlers.pieces import bold, lines
from locales import N_, Safe, Speech

PARTS = {
    Part.CYCLE: N_("Buying regularly: in how many of the last 12 weeks something was bought"),
    Part.TURNOVER: N_("Turnover: what was bought in 90 days"),
    Part.REFUNDS: N_("Few refunds: how little of it was given back"),
    Part.REPAYMENT: N_("Paying in time: invoices of a year that were paid by their day"),
    Part.AGE: N_("Time with the shop: up to one year"),
}


def money(minor: int, of: LineView | AskView, speech: Speech) -> str:
    return speech.price(minor, of.currency)


def percent(ppm: int, speech: Speech) -> str:
    return speech.percent(Decimal(ppm) / 1_000_000)


def score_said(total: int, parts: Mapping[str, int], weights: Mapping[Part, int] | None, speech: Speech) -> Safe:
    """The score with each of its parts; the same words for both sides."""
    told = []
    for part, sentence in PARTS.items():
        value = speech.number(int(parts.get(part, 0)))
        if weights is None:
            told.append(speech.say("• {what}: {value}", what=speech.say(sentence), value=bold(value)))
        else:
            weight = speech.number(weights[part])
            told.append(speech.say("• {what}: {value} (counts {weight})", what=speech.say(sentence), value=bold(value), weight=weight))
    return lines(speech.say("⭐️ Score {formula}: {n} of 100", formula=credit.FORMULA, n=bold(speech.number(total))), *told)


def terms_said(terms: Terms, currency: str, speech: Speech) -> Safe:
    """What credit costs, and when it is due."""
    return lines(
        speech.say(
            "Interest: {rate} a year, {late} on what is late; counted by the day",
            rate=percent(terms.rate_ppm, speech),
            late=percent(terms.overdue_ppm, speech),
        ),
        speech.many("An invoice every {n} day", "An invoice every {n} days", terms.period_days),
        speech.many("{n} day to pay it", "{n} days to pay it", terms.term_days),
        speech.say("Fee for a late invoice: {amount}", amount=speech.price(terms.late_fee_minor, currency))
        if terms.late_fee_minor
        else None,
        speech.many("Frozen when {n} day late", "Frozen when {n} days late", terms.freeze_days) if terms.freeze_days else None,
    )


def standing(line: LineView, speech: Speech) -> Safe:
    """What may be bought and what is owed, in lines."""
    owed = line.owed
    parts = (
        (N_("goods: {amount}"), owed.principal_minor),
        (N_("interest: {amount}"), owed.interest_minor),
        (N_("fees: {amount}"), owed.fees_minor),
        (N_("advance: {amount}"), owed.advance_minor),
    )
    told = [speech.say(sentence, amount=money(minor, line, speech)) for sentence, minor in parts if minor]
    due = line.next_due
    return lines(
        speech.say("Limit: {amount}", amount=bold(money(line.limit_minor, line, speech))),
        speech.say("Can still be bought on credit: {amount}", amount=bold(money(line.left_minor, line, speech))),
        speech.say("Owed: {amount}", amount=bold(money(owed.total_minor, line, speech))),
        *(Safe("• ") + one for one in told),
        speech.say("Interest since the last invoice: {amount}", amount=money(owed.accrued_minor, line, speech))
        if owed.accrued_minor
        else None,
        speech.say("Due next: {amount} by {day}", amount=bold(money(due.open_minor, line, speech)), day=speech.day(due.due_on))
        if due is not None and not due.late_days
        else None,
        late_said(line, speech),
        speech.say("❄️ Frozen: nothing is bought on credit.") if line.state is LineState.FROZEN else None,
        speech.say("✖️ Written off.") if line.state is LineState.WRITTEN_OFF else None,
    )


def late_said(line: LineView, speech: Speech) -> Safe | None:
    """That something is late, and what follows."""
    if not line.late_days:
        return None
    return speech.many(
        "⚠️ {amount} is {n} day late. Until it is paid, nothing is bought on credit.",
        "⚠️ {amount} is {n} days late. Until it is paid, nothing is bought on credit.",
        line.late_days,
        amount=bold(money(line.late_minor, line, speech)),
    )


def invoice_said(one: InvoiceView, currency: str, speech: Speech) -> Safe:
    """An invoice in a line."""
    facts = {
        "n": speech.number(one.seq),
        "amount": bold(speech.price(one.total_minor, currency)),
        "interest": speech.price(one.interest_minor, currency),
    }
    if one.paid_on is not None:
        return speech.say("✅ No. {n}: {amount}, of it interest {interest}; paid on {day}", day=speech.day(one.paid_on), **facts)
    left = speech.price(one.open_minor, currency)
    return speech.say(
        "🧾 No. {n}: {amount}, of it interest {interest}; {left} open, due on {day}", left=left, day=speech.day(one.due_on), **facts
    )


def repayment_said(one: RepaymentView, currency: str, speech: Speech) -> Safe:
    """A repayment in a line: into what it went, in the order in which it did."""
    return speech.say(
        "💵 {when}: {amount} – fees {fees}, interest {interest}, the rest {rest}",
        when=speech.when(one.at),
        amount=bold(speech.price(one.total_minor, currency)),
        fees=speech.price(one.fees_minor, currency),
        interest=speech.price(one.interest_minor, currency),
        rest=speech.price(one.instalments_minor + one.principal_minor, currency),
    )


def wanted_said(asked: AskView, speech: Speech) -> Safe:
    """What somebody asks for."""
    amount = bold(money(asked.wanted_minor, asked, speech))
    if asked.wanted is Wanted.LINE:
        return speech.say("A limit of {amount}", amount=amount)
    return speech.many(
        "An advance of {amount}, paid back in {n} part, every {days} days",
        "An advance of {amount}, paid back in {n} parts, every {days} days",
        asked.instalments,
        amount=amount,
        days=speech.number(asked.every_days),
    )
