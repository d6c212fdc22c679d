"""A statement of the books in a person's words: as a text, as the rows of a spreadsheet, and as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core import books
from core.books import Cost, Line, Margin, Pot, Sales, Section, Statement, lines
from core.database import Shop
from core.money import decimal_text
from core.storefronts import Storefront
from handlers.admin.desk import go
from handlers.means import name_of
from handlers.parcel import Outgoing
from handlers.pieces import bold, keyboard, paragraphs
from handlers.pieces import lines as on_lines
from locales import N_, Safe, Speech
from papers.pictures import MOST_ROWS, Card, Row, Sheet, drawable, sheet_png
from papers.tables import csv_table

WORDS = {
    "list": N_("Sold, at list prices"),
    "tiers": N_("Taken off by quantity prices"),
    "coupons": N_("Taken off by coupons"),
    "sales": N_("Sales"),
    "refunds": N_("Refunds"),
    "refunds-to-wallets": N_("Refunded to balances"),
    "refunds-to-source": N_("Set aside for where it was paid from"),
    "codes-returned": N_("Codes that are on the shelf again"),
    "codes-void": N_("Codes that are void"),
    "cost": N_("Cost of what was sold"),
    "cost-back": N_("Cost that came back with refunds"),
    "cost-back-replaced": N_("Of it, of codes that had been given for bad ones"),
    "replaced": N_("Codes given for bad ones, and their cost"),
    "replaced-back": N_("Borne by the suppliers of the bad codes"),
    "resellers": N_("Margins of resellers in their own bots"),
    "margin": N_("Margin before fees and losses: sales less refunds, what codes cost, replacements too, and resellers' margins"),
    "for-orders": N_("Paid for orders"),
    "top-ups": N_("Paid into balances"),
    "worth": N_("Credited to balances"),
    "fee-borne": N_("Fee borne by payers"),
    "fee-kept": N_("Fee kept by the provider"),
    "given-back": N_("Given back by the provider, top-ups nobody had asked for"),
    "given-back-parts": N_("Given back by the provider"),
    "disputed": N_("Taken by disputes"),
    "put-back": N_("Put back after disputes"),
    "dispute-fees": N_("Fees of disputes"),
    "lost": N_("Lost of what went back"),
    "regained": N_("Of losses, there again"),
    "refunded": N_("Refunded by this way"),
    "not-credited": N_("Came in and was credited to nobody"),
    "under-way": N_("On its way back at this moment"),
    "in-dispute": N_("In dispute at this moment"),
    "difference": N_("Difference"),
}
KINDS = {
    "wallet": N_("Balances of customers"),
    "gateway": N_("Held at the provider"),
    "sales": N_("Earned by sales"),
    "payable": N_("Owed to suppliers"),
    "revenue": N_("Earned by contract"),
    "escrow": N_("Paid for what is on its way"),
    "security": N_("Deposits of suppliers"),
    "fees": N_("Fees of providers"),
    "refunding": N_("Set aside to be paid back"),
    "exchange": N_("Exchange of currencies"),
    "adjustment": N_("By hand, and losses"),
    "credit": N_("Owed by resellers besides their balances"),
    "bad_debt": N_("Credit that was written off"),
    "margin": N_("Margins of resellers, held"),
}
SIDES = {"opening": N_("at the beginning"), "in": N_("came in"), "out": N_("went out"), "closing": N_("at the end")}
LABELS = {
    ("payable", "due"): N_("Owed to suppliers, ready to be paid out"),
    ("payable", "paying"): N_("On its way to suppliers"),
    ("revenue", "spread"): N_("Earned by contract: spread"),
    ("revenue", "commission"): N_("Earned by contract: commission"),
    ("revenue", "service"): N_("Earned by contract: surcharges"),
    ("revenue", "discounts"): N_("Discounts on suppliers' goods"),
    ("revenue", "interest"): N_("Interest"),
    ("revenue", "advertising"): N_("Advertising"),
    ("revenue", "data"): N_("Data"),
    ("revenue", "packages"): N_("Service packages"),
    ("margin", "due"): N_("Margins of resellers, to be taken"),
}
CAUSES = {
    "sale": N_("sales"),
    "deposit": N_("payments"),
    "adjustment": N_("by hand"),
    "refund": N_("refunds"),
    "refund-arrived": N_("refunds that arrived"),
    "refund-declined": N_("refunds that were declined"),
    "given-back": N_("given back by the provider"),
    "returned": N_("parts given back, and disputes"),
    "reinstated": N_("put back after disputes"),
    "regained": N_("kept of refunds, as the payer had it already"),
    "replacement": N_("codes replaced"),
    "deposited": N_("security deposits paid"),
    "deposit-back": N_("security deposits given back"),
    "settle": N_("sales shared by contract"),
    "reverse": N_("shares taken back"),
    "release": N_("released to suppliers"),
    "tiers": N_("commission given back for volume"),
    "payout-ask": N_("payouts asked for"),
    "payout-back": N_("payouts refused"),
    "payout": N_("payouts"),
    "package": N_("paid for packages"),
    "package-back": N_("given back for packages"),
    "margin": N_("margins of resellers' own bots"),
    "margin-back": N_("margins taken back"),
    "margin-lost": N_("margins lost with payments, and back"),
    "margin-due": N_("margins released"),
    "margin-out": N_("margins taken by resellers"),
    "revenue": N_("booked by hand"),
    "revenue-back": N_("taken back by hand"),
    "credit": N_("credit of resellers"),
}
COLUMNS = ("from", "to", "section", "code", "method", "cause", "currency", "count", "amount", "words")


def days_of(made: Statement, speech: Speech) -> tuple[date, date]:
    """The first and the last day of a statement, in the reader's time zone."""
    zone = ZoneInfo(speech.timezone)
    return made.since.astimezone(zone).date(), (made.until - timedelta(microseconds=1)).astimezone(zone).date()


def period(made: Statement, speech: Speech) -> str:
    """The day, or the first and the last one."""
    first, last = days_of(made, speech)
    return speech.day(first) if first == last else f"{speech.day(first)} – {speech.day(last)}"


def file_name(made: Statement, speech: Speech, ending: str) -> str:
    """A name for its file, like statement-2030-01-31.csv."""
    first, last = days_of(made, speech)
    return f"statement-{first.isoformat()}{'' if first == last else '-to-' + last.isoformat()}.{ending}"


def words(line: Line, speech: Speech) -> str:
    """What a line is called."""
    if line.section is not Section.ACCOUNTS:
        said = _word(line.code, speech)
        return f"{said}: {line.about}" if line.about else said
    kind, _, side = line.code.partition(".")
    said = f"{pot_of(kind, line.label, speech)}, {_side(side, speech)}"
    return f"{said}: {cause_of(line.cause, speech)}" if line.cause else said


def _word(code: str, speech: Speech) -> str:
    return speech.label(WORDS[code])


def _side(side: str, speech: Speech) -> str:
    return speech.label(SIDES[side])


def kind_of(kind: str, speech: Speech) -> str:
    """What an account of this kind is called; one that is newer than these words, by its name."""
    return speech.label(KINDS[kind]) if kind in KINDS else kind


def pot_of(kind: str, label: str, speech: Speech) -> str:
    """What an account of this kind and label is called; labels that name a way to pay stand beside it."""
    return speech.label(LABELS[kind, label]) if (kind, label) in LABELS else kind_of(kind, speech)


def cause_of(cause: str, speech: Speech) -> str:
    """What a cause of movements is called; one that is newer than these words, by its name."""
    return speech.label(CAUSES[cause]) if cause in CAUSES else cause


def statement_csv(made: Statement, speech: Speech) -> bytes:
    """Every line of the statement: codes for machines, exact decimals, and words in the reader's language."""
    first, last = days_of(made, speech)
    rows = (
        (
            first,
            last,
            line.section.value,
            line.code,
            line.label,
            line.cause,
            line.currency,
            line.count,
            None if line.minor is None else Decimal(decimal_text(line.minor, line.currency)),
            words(line, speech),
        )
        for line in lines(made)
    )
    return csv_table(COLUMNS, rows, speech.timezone)


# In the chat


def told(made: Statement, speech: Speech) -> Safe:
    """The statement in some lines, short enough to stand under a picture."""
    sales = _of_shop(made)
    money = speech.price
    paid = [
        speech.say("• {method}: {amount} ({n})", method=name_of(way.method, speech), amount=money(way.paid_minor, way.currency), n=way.paid)
        for way in made.payments
        if way.paid
    ]
    wallets = made.pot("wallet", made.currency)
    return paragraphs(
        Safe("📒 ") + bold(period(made, speech)),
        on_lines(
            speech.say("Orders: {n}", n=speech.number(sales.orders)),
            speech.say("Sales: {amount}", amount=bold(money(sales.sales_minor, sales.currency))),
            speech.say("Refunded: {amount}", amount=money(sales.refunded_minor, sales.currency)) if sales.refunds else None,
            *(
                speech.say("Margin before fees: {amount}", amount=money(margin.minor, margin.currency))
                for margin in made.margins
                if margin.currency == made.currency
            ),
        ),
        on_lines(speech.say("Paid in:"), *paid[:8]) if paid else speech.say("Nothing was paid in."),
        speech.say("Balances of customers: {amount}", amount=money(wallets.closing_minor, wallets.currency)) if wallets else None,
        Safe("✅ " if not made.differences else "🔴 ") + seal(made, speech),
    )


def seal(made: Statement, speech: Speech) -> str:
    """Whether the statement equals the ledger."""
    if not made.differences:
        return speech.label("Equal to the ledger, to the last digit")
    return speech.label_many(
        "{n} difference from the ledger: please run the audit",
        "{n} differences from the ledger: please run the audit",
        len(made.differences),
    )


# As a picture


def statement_png(made: Statement, speech: Speech) -> bytes:
    """The statement as a picture; takes some tenths of a second of the processor."""
    return sheet_png(sheet(made, speech))


def sheet(made: Statement, speech: Speech) -> Sheet:
    """What stands in the picture."""
    money, sales, wallets = _drawn(speech), _of_shop(made), made.pot("wallet", made.currency)
    margin = next((one.minor for one in made.margins if one.currency == made.currency), 0)
    owed = [pot for kind in _OWED if (pot := made.pot(kind, made.currency)) and pot.closing_minor]
    cards = [_paid_card(made, speech), *(_sales_card(one, made, speech) for one in made.sales)]
    cards += [_replaced_card(made, speech), _went_back_card(made, speech), *_wallet_cards(made, speech), *_other_cards(made, speech)]
    if made.differences:
        rows = [Row(one.check, "", f"{one.about}: {one.detail}") for one in made.differences]
        cards.insert(0, _card(speech, speech.label("Differences"), rows))
    return Sheet(
        title=made.name,
        subtitle=speech.label("Statement · {period}", period=period(made, speech)),
        headline=(
            Row(speech.label("Sales less refunds"), money(sales.sales_minor - sales.refunded_minor, made.currency)),
            Row(speech.label("Margin before fees"), money(margin, made.currency)),
            Row(speech.label("Orders"), speech.number(sales.orders)),
            Row(speech.label("Codes"), speech.number(sales.codes)),
            *([Row(kind_of("wallet", speech), money(wallets.closing_minor, made.currency))] if wallets else []),
            *(Row(kind_of(pot.kind, speech), money(pot.closing_minor, made.currency)) for pot in owed),
        ),
        cards=[card for card in cards if card.rows],
        seal=seal(made, speech),
        well=not made.differences,
        footer=speech.label("Made {when} · {timezone}", when=speech.when(made.made_at), timezone=speech.timezone),
    )


def _drawn(speech: Speech) -> Callable[[int, str], str]:
    """Amounts as a picture has them: a currency whose sign the fonts lack stands there by its code."""

    def price(minor: int, currency: str) -> str:
        said = speech.price(minor, currency)
        known = drawable(said)
        return said if len(known) == len(said) else f"{known}\u00a0{currency}"

    return price


def _of_shop(made: Statement) -> Sales:
    return next((one for one in made.sales if one.currency == made.currency), Sales(made.currency))


def _card(speech: Speech, title: str, rows: Iterable[Row]) -> Card:
    every = list(rows)
    rest = len(every) - MOST_ROWS
    more = speech.label_many("and {n} more line in the spreadsheet", "and {n} more lines in the spreadsheet", rest) if rest > 0 else ""
    return Card(title, every, more)


def _sales_card(one: Sales, made: Statement, speech: Speech) -> Card:
    money = _drawn(speech)
    cost = next((cost for cost in made.costs if cost.currency == one.currency), None)
    others = [cost for cost in made.costs if cost.currency not in {sold.currency for sold in made.sales}]
    margin = next((margin for margin in made.margins if margin.currency == one.currency), None)
    codes = speech.label_many("{n} code", "{n} codes", one.codes)
    orders = speech.label_many("{n} order", "{n} orders", one.orders)
    rows = []
    if one.list_minor != one.sales_minor:
        rows.append(Row(_word("list", speech), money(one.list_minor, one.currency), codes))
    if one.tiers_minor:
        rows.append(Row(_word("tiers", speech), money(-one.tiers_minor, one.currency)))
    if one.coupons_minor:
        rows.append(Row(_word("coupons", speech), money(-one.coupons_minor, one.currency)))
    if one.orders:
        rows.append(Row(_word("sales", speech), money(one.sales_minor, one.currency), f"{orders} · {codes}", strong=bool(rows)))
    if one.refunded_minor:
        back = speech.label(
            "to balances {wallets}, set aside for where it was paid from {source}",
            wallets=money(one.to_wallet_minor, one.currency),
            source=money(one.to_source_minor, one.currency),
        )
        rows.append(Row(_word("refunds", speech), money(-one.refunded_minor, one.currency), back if one.to_source_minor else ""))
    if cost is not None:
        rows += _cost_rows(cost, speech)
    if margin is not None:
        rows += _resellers_rows(margin, speech)
        rows.append(Row(speech.label("Margin before fees"), money(margin.minor, margin.currency), _in_margin(speech), strong=True))
    if one.currency == made.currency:
        note = speech.label("not in the margin: another currency")
        rows += [
            Row(_word("cost", speech), money(-other.spent_minor, other.currency), note)
            for other in others
            if other.spent_minor and other.currency not in {margin.currency for margin in made.margins}
        ]
    return _card(speech, f"{_word('sales', speech)} · {one.currency}", rows)


def _in_margin(speech: Speech) -> str:
    return speech.label("sales less refunds and what codes cost, replacements too; without fees and losses")


def _cost_rows(cost: Cost, speech: Speech) -> list[Row]:
    """What codes cost, as far as it is not nothing."""
    money = _drawn(speech)
    codes = speech.label_many("{n} code", "{n} codes", cost.replaced)
    found = (
        ("cost", -cost.cost_minor, ""),
        ("cost-back", cost.back_minor, ""),
        ("replaced", -cost.replaced_minor, codes),
        ("replaced-back", cost.replaced_back_minor, ""),
    )
    return [Row(_word(code, speech), money(minor, cost.currency), note) for code, minor, note in found if minor]


def _resellers_rows(margin: Margin, speech: Speech) -> list[Row]:
    """What of the sales in resellers' own bots is theirs, if there were any."""
    if not margin.resellers_minor:
        return []
    return [Row(_word("resellers", speech), _drawn(speech)(-margin.resellers_minor, margin.currency))]


def _replaced_card(made: Statement, speech: Speech) -> Card:
    """What codes cost on days without sales or refunds in that currency."""
    sold, rows = {one.currency for one in made.sales}, []
    for margin in made.margins:
        if margin.currency not in sold and margin.minor:
            rows += [row for cost in made.costs if cost.currency == margin.currency for row in _cost_rows(cost, speech)]
            rows += _resellers_rows(margin, speech)
            value = _drawn(speech)(margin.minor, margin.currency)
            rows.append(Row(speech.label("Margin before fees"), value, _in_margin(speech), strong=True))
    return _card(speech, _word("cost", speech), rows)


def _paid_card(made: Statement, speech: Speech) -> Card:
    """What came in by each way, side by side."""
    money, rows = _drawn(speech), []
    for way in made.payments:
        if way.paid:
            notes = [speech.label_many("{n} payment", "{n} payments", way.paid)]
            if way.deposits:
                notes.append(speech.label("{amount} of it into balances", amount=money(way.deposits_minor, way.currency)))
            if way.borne_minor:
                notes.append(speech.label("fee borne by payers {amount}", amount=money(way.borne_minor, way.currency)))
            if way.kept_minor:
                notes.append(speech.label("fee kept by the provider {amount}", amount=money(way.kept_minor, way.currency)))
            rows.append(Row(name_of(way.method, speech), money(way.paid_minor, way.currency), " · ".join(notes)))
    return replace(_card(speech, speech.label("Paid in"), rows), tiles=True)


def _went_back_card(made: Statement, speech: Speech) -> Card:
    """What waits for a decision, and what providers gave back and took by each way; nothing that is nothing."""
    money, rows = _drawn(speech), []
    for code, amounts in (("in-dispute", made.questioned_minor), ("under-way", made.underway_minor)):
        rows += [Row(_word(code, speech), money(minor, currency)) for currency, minor in sorted(amounts.items()) if minor]
    for way in made.payments:
        facts = (
            ("disputed", -way.disputed_minor, way.currency),
            ("dispute-fees", -way.charged_minor, way.currency),
            ("put-back", way.put_back_minor, way.currency),
            ("given-back", -way.back_minor, way.currency),
            ("given-back-parts", -way.parts_minor, way.currency),
            ("lost", -way.lost_minor, made.currency),
            ("regained", way.regained_minor, made.currency),
            ("refunded", -way.refunded_minor, way.currency),
            ("not-credited", way.odd_minor, way.currency),
        )
        name = name_of(way.method, speech)
        rows += [Row(f"{name}: {_word(code, speech)}", money(minor, currency)) for code, minor, currency in facts if minor]
    return _card(speech, speech.label("What went back"), rows)


def _wallet_cards(made: Statement, speech: Speech) -> list[Card]:
    money, cards = _drawn(speech), []
    for pot in made.pots:
        if pot.kind != "wallet" or not (pot.opening_minor or pot.into or pot.out):
            continue
        rows = [Row(_capital(_side("opening", speech)), money(pot.opening_minor, pot.currency))] if pot.opening_minor else []
        rows += [Row("+ " + cause_of(flow.cause, speech), money(flow.minor, pot.currency)) for flow in pot.into]
        rows += [Row("− " + cause_of(flow.cause, speech), money(-flow.minor, pot.currency)) for flow in pot.out]
        rows.append(Row(_capital(_side("closing", speech)), money(pot.closing_minor, pot.currency), strong=len(rows) > 0))
        cards.append(_card(speech, f"{kind_of(pot.kind, speech)} · {pot.currency}", rows))
    return cards


_OWED = ("payable", "refunding")  # which stand in the headline, in the shop's currency
_NOT_DRAWN = ("gateway", "wallet", "sales", "exchange")


def _other_cards(made: Statement, speech: Speech) -> list[Card]:
    """What lies at the providers, is owed, and was paid in fees and lost, at the end; what is only bookkeeping is in the spreadsheet."""
    pots = [pot for pot in made.pots if pot.closing_minor]
    gateways = [_pot_row(pot, name_of(pot.label, speech), speech) for pot in pots if pot.kind == "gateway"]
    others = [
        _pot_row(pot, pot_of(pot.kind, pot.label, speech), speech)
        for pot in pots
        if pot.kind not in _NOT_DRAWN and (pot.kind not in _OWED or pot.label or pot.currency != made.currency)
    ]
    return [_card(speech, speech.label("Held at providers"), gateways), _card(speech, speech.label("Other accounts"), others)]


def _pot_row(pot: Pot, name: str, speech: Speech) -> Row:
    """What is in it at the end, and what was in it before."""
    money = _drawn(speech)
    before = speech.label("before {amount}", amount=money(pot.opening_minor, pot.currency))
    return Row(
        f"{name} · {pot.currency}", money(pot.closing_minor, pot.currency), before if pot.opening_minor and (pot.into or pot.out) else ""
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


async def in_the_morning(body: Mapping[str, Any], speech: Speech, shop: Shop, storefront: Storefront) -> Outgoing:
    """The statement of a day for an owner: a picture with some lines under it."""
    day = date.fromisoformat(str(body["day"]))
    made = await shop.read(books.statement, storefront.id, *books.span(day, day, speech.timezone))
    content = await asyncio.to_thread(statement_png, made, speech)  # Drawing takes the processor for a moment.
    rows = [[go(speech.label("📒 Books"), "books", arg=f"{day:%Y%m%d}-{day:%Y%m%d}")]]
    return Outgoing(told(made, speech), keyboard(rows), content, file_name(made, speech, "png"), picture=True)
