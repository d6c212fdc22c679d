"""Terms of contracts, and a supplier's earnings, in a person's words: as text, as rows of a spreadsheet, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from core.money import decimal_text, exponent
from core.settlement import (
    DECLINED,
    EARLIER_TRY,
    NO_WAY,
    OLDER_DECLINED,
    Commission,
    Earnings,
    FixedCost,
    Label,
    PayoutState,
    PayoutView,
    PayTo,
    Sale,
    SpreadShare,
    Streams,
    TakeRate,
    Terms,
    Tier,
    Window,
    parts,
)
from handlers.pieces import bold, lines, paragraphs, plain
from locales import N_, Safe, Speech
from papers.pictures import MOST_ROWS, Card, Row, Sheet, drawable, sheet_png
from papers.tables import Cell, csv_table

STREAMS = {
    "sales": N_("Sales of your goods"),
    "spread": N_("Your share of the spread"),
    "commission": N_("Commission of the shop"),
    "service": N_("Surcharges of the shop"),
    "tiers": N_("Given back for volume"),
    "reversed": N_("Taken back with refunds"),
    "earned": N_("Earned"),
    "paid": N_("Paid out"),
}
BALANCES = {
    "held": N_("Held until the warranty ends"),
    "due": N_("Ready to be paid out"),
    "paying": N_("On its way to you"),
    "paid": N_("Paid out so far"),
    "settling": N_("Being settled"),
}
LABELS = {
    Label.SPREAD: N_("spread"),
    Label.COMMISSION: N_("commission"),
    Label.SERVICE: N_("surcharge"),
    Label.DISCOUNTS: N_("discounts given by the shop"),
}
WINDOWS = {Window.DAY: N_("each day"), Window.WEEK: N_("each week"), Window.MONTH: N_("each month"), Window.QUARTER: N_("each quarter")}
PAYOUT_STATES = {
    PayoutState.REQUESTED: N_("asked for"),
    PayoutState.APPROVED: N_("approved"),
    PayoutState.SENDING: N_("being sent"),
    PayoutState.UNKNOWN: N_("sent or not: being looked into"),
    PayoutState.SENT: N_("sent"),
    PayoutState.CONFIRMED: N_("arrived"),
    PayoutState.REFUSED: N_("refused"),
}
WHY_NOT = {DECLINED: N_("it could not be sent; please look where your money goes, then ask again")}
_NO_WAY = N_("There is no way to pay it now. It is tried again by itself; set the way up, or refuse it.")
# As the staff read what a payout waits for; the second of each is how earlier versions wrote it.
_WAITS = {NO_WAY: _NO_WAY, "there is no way to pay it now": _NO_WAY}
_QUOTED = {
    OLDER_DECLINED: N_("An older try was declined; the newest is still open. The provider says: “{words}”"),
    "an older try was declined: ": N_("An older try was declined; the newest is still open. The provider says: “{words}”"),
    EARLIER_TRY: N_("An earlier try may still arrive, so it is looked for first. The provider says: “{words}”"),
    "an earlier try may still arrive: ": N_("An earlier try may still arrive, so it is looked for first. The provider says: “{words}”"),
}
TO = {PayTo.WORDS: N_("by hand"), PayTo.CRYPTO_PAY: N_("by Crypto Pay")}
COLUMNS = ("from", "to", "day", "stream", "currency", "count", "amount", "words")


def percent(bp: int, speech: Speech) -> str:
    return speech.percent(Decimal(bp) / 10_000)


def terms_said(terms: Terms, currency: str, speech: Speech) -> Safe:
    """A contract in some lines."""
    match terms:
        case FixedCost():
            first = speech.say("The supplier gets the cost, the shop the rest.")
        case SpreadShare(supplier_bp=bp):
            first = speech.say("The supplier gets the cost and {share} of the spread.", share=percent(bp, speech))
        case TakeRate(bp=bp):
            first = speech.say("The shop takes {share} of the price.", share=percent(bp, speech))
        case Commission():
            how = (
                speech.say("Each rate holds for the volume above its step.")
                if terms.marginal
                else speech.say("The rate that is reached holds for all of the volume.")
            )
            groups = [("", terms.tiers), *((f"#{category} ", tiers) for category, tiers in sorted(terms.by_category.items()))]
            first = lines(
                speech.say("Commission by volume, counted {window}:", window=speech.label(WINDOWS[terms.window])),
                *(
                    Safe("• ") + name + _tier_said(tier, currency, speech)
                    for name, tiers in groups
                    for tier in tiers
                ),
                how if len(terms.tiers) > 1 or terms.by_category else None,
            )  # fmt: skip
    extra = terms.surcharge
    return lines(
        first,
        speech.say("Surcharge for exclusive goods: {share}", share=percent(extra.exclusive_bp, speech)) if extra.exclusive_bp else None,
        speech.say("Surcharge for goods made to order: {share}", share=percent(extra.custom_bp, speech)) if extra.custom_bp else None,
    )


def _tier_said(tier: Tier, currency: str, speech: Speech) -> Safe:
    return speech.say("from {volume}: {share}", volume=speech.price(tier.from_minor, currency), share=percent(tier.bp, speech))


def example_said(terms: Terms, currency: str, speech: Speech) -> Safe:
    """Who gets what of a card of face 100 that costs 85 and is sold at 95."""
    unit = 10 ** exponent(currency)
    made = parts(Sale(1, 95 * unit, 85 * unit, exclusive=False, custom=False), terms)
    money = speech.price
    return lines(
        speech.say(
            "Example: a card of {face}, cost {cost}, sold at {price}:",
            face=money(100 * unit, currency),
            cost=money(85 * unit, currency),
            price=money(95 * unit, currency),
        ),
        speech.say("• the supplier gets {amount}", amount=bold(money(made.supplier_minor, currency))),
        speech.say("• the shop gets {amount}", amount=bold(money(sum(made.shop.values()), currency))),
    )


def period(made: Earnings, speech: Speech) -> str:
    return speech.day(made.first) if made.first == made.last else f"{speech.day(made.first)} – {speech.day(made.last)}"


def _figures(of: Streams) -> Iterator[tuple[str, int | None, int]]:
    yield "sales", of.units, of.sales_minor
    yield "spread", None, of.spread_minor
    yield "commission", None, of.commission_minor
    yield "service", None, of.service_minor
    yield "tiers", None, of.tiers_minor
    yield "reversed", of.reversed_units, of.reversed_minor
    yield "earned", None, of.earned_minor
    yield "paid", None, of.paid_minor


def _pots(made: Earnings) -> Iterator[tuple[str, int]]:
    pots = made.balances
    yield "held", pots.held_minor
    yield "due", pots.due_minor
    yield "paying", pots.paying_minor
    yield "paid", pots.paid_minor
    if pots.settling_minor:
        yield "settling", pots.settling_minor


def earnings_said(made: Earnings, speech: Speech) -> Safe:
    """A supplier's statement in some lines."""
    money = speech.price
    told = [
        speech.say("{name}: {amount}", name=speech.label(STREAMS[name]), amount=bold(money(minor, made.currency)))
        + ("" if not count else Safe(" · ") + speech.label_many("{n} unit", "{n} units", count))
        for name, count, minor in _figures(made.total)
        if minor or name in ("sales", "earned")
    ]
    pots = [
        speech.say("{name}: {amount}", name=speech.label(BALANCES[name]), amount=bold(money(minor, made.currency)))
        for name, minor in _pots(made)
    ]
    return paragraphs(Safe("💰 ") + bold(made.name), lines(bold(period(made, speech)), *told), lines(bold(speech.label("Now")), *pots))


def earnings_csv(made: Earnings, speech: Speech) -> bytes:
    """Every figure, day by day, then all of it, then what there is now: codes for machines and words in the reader's language."""

    def row(day: date | None, code: str, count: int | None, minor: int, words: str) -> tuple[Cell, ...]:
        amount = Decimal(decimal_text(minor, made.currency))
        return made.first, made.last, day, code, made.currency, count, amount, speech.label(words)

    rows = [row(day, name, count, minor, STREAMS[name]) for day, of in made.days for name, count, minor in _figures(of)]
    rows += [row(None, name, count, minor, STREAMS[name]) for name, count, minor in _figures(made.total)]
    rows += [row(None, f"now.{name}", None, minor, BALANCES[name]) for name, minor in _pots(made)]
    return csv_table(COLUMNS, rows, made.timezone)


def earnings_png(made: Earnings, speech: Speech) -> bytes:
    """The statement as a picture; takes some tenths of a second of the processor."""

    def money(minor: int) -> str:
        said = speech.price(minor, made.currency)
        known = drawable(said)
        return said if len(known) == len(said) else f"{known}\u00a0{made.currency}"

    rows = [
        Row(speech.label(STREAMS[name]), money(minor), speech.label_many("{n} unit", "{n} units", count) if count else "", name == "earned")
        for name, count, minor in _figures(made.total)
        if minor or name in ("sales", "earned")
    ]
    days = [Row(speech.day(day), money(of.earned_minor), speech.label_many("{n} unit", "{n} units", of.units)) for day, of in made.days]
    rest = len(days) - MOST_ROWS
    more = speech.label_many("and {n} more line in the spreadsheet", "and {n} more lines in the spreadsheet", rest) if rest > 0 else ""
    pots = [Row(speech.label(BALANCES[name]), money(minor)) for name, minor in _pots(made)]
    cards = [Card(speech.label("Earnings"), rows), Card(speech.label("By day"), days[-MOST_ROWS:], more), Card(speech.label("Now"), pots)]
    well = made.balances.settling_minor == 0
    sheet = Sheet(
        title=made.name,
        subtitle=speech.label("Earnings · {period}", period=period(made, speech)),
        headline=(
            Row(speech.label(STREAMS["earned"]), money(made.total.earned_minor)),
            Row(speech.label(BALANCES["due"]), money(made.balances.due_minor)),
            Row(speech.label(BALANCES["held"]), money(made.balances.held_minor)),
        ),
        cards=[card for card in cards if card.rows],
        seal=speech.label("Equal to the ledger, to the last digit") if well else speech.label("The newest sales are still being settled"),
        well=well,
        footer=speech.label("Made {when} · {timezone}", when=speech.when(made.made_at), timezone=made.timezone),
    )
    return sheet_png(sheet)


def file_name(made: Earnings, ending: str) -> str:
    to = "" if made.first == made.last else f"-to-{made.last.isoformat()}"
    return f"earnings-{made.first.isoformat()}{to}.{ending}"


def why_not(why: str | None, speech: Speech) -> str:
    """Why a payout was not made: what the staff have typed, or a sentence for what is known by a word."""
    return speech.label(WHY_NOT[why]) if why in WHY_NOT else why or "–"


def why_waits(one: PayoutView, speech: Speech) -> Safe | None:
    """To the staff: what is in the way of a payout, as a sentence; what its provider said stands in quotes, in the provider's words."""
    if not one.why:
        return None
    if one.state is PayoutState.REFUSED:
        return speech.say("Why: {why}", why=plain(why_not(one.why, speech), 200))
    if one.why in _WAITS:
        return speech.say(_WAITS[one.why])
    for prefix, sentence in _QUOTED.items():
        if one.why.startswith(prefix):
            return speech.say(sentence, words=plain(one.why.removeprefix(prefix), 200))
    return speech.say("The provider says: “{words}”", words=plain(one.why, 200))
