"""How sales are shared: each supplier's contracts, a new version typed and looked at before it holds, and who earns what of an order."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import books, orders, people, settlement, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import NotAnAmount, parse_minor
from core.settlement import Commission, FixedCost, PartyShare, SpreadShare, Surcharge, TakeRate, Terms, Tier, Window, checked
from core.supply import SupplierView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.pieces import Row, bold, lines, paragraphs
from handlers.supply.money_words import LABELS, WINDOWS, example_said, terms_said
from locales import Safe

_VERSIONS = 6


@dataclass(eq=False)
class NotTerms(Refusal):
    says: ClassVar[str] = N_("“{text}” cannot be read as terms. Please type it like the example.")

    text: str


@dataclass(eq=False)
class DraftIsGone(Refusal):
    says: ClassVar[str] = N_("This draft is out of date. Please begin again.")


# What is typed

_EXTRAS = {
    "exclusive_bp": re.compile(r"(?:exclusive|独家|獨家|эксклюзив)\s*[:：]?\s*(\S+)", re.IGNORECASE),
    "custom_bp": re.compile(r"(?:custom|定制|定製|на заказ)\s*[:：]?\s*(\S+)", re.IGNORECASE),
}
_PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*%?", re.ASCII)


def percent_typed(text: str) -> int:
    """Basis points of a percentage as people type it: "30", "2.5 %". Raises NotTerms."""
    found = _PERCENT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        raise NotTerms(text=text[:40])
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def terms_typed(form: str, text: str, currency: str, timezone: str) -> Terms:
    """Terms of one form from what was typed. Raises NotTerms or TermsWrong."""
    said = unicodedata.normalize("NFKC", text)
    extra: dict[str, int] = {}
    pieces: list[str] = []
    for piece in re.split(r"[;\n]", said):
        for name, pattern in _EXTRAS.items():
            found = pattern.fullmatch(piece.strip())
            if found is not None:
                extra[name] = percent_typed(found[1])
                break
        else:
            if piece.strip():
                pieces.append(piece.strip())
    surcharge = Surcharge(**extra)
    match form:
        case "fixed":
            if pieces not in (["-"], []):
                raise NotTerms(text=text[:40])
            return checked(FixedCost(surcharge))
        case "spread":
            return checked(SpreadShare(_one(pieces, text), surcharge))
        case "take":
            return checked(TakeRate(_one(pieces, text), surcharge))
        case _:
            return checked(_commission(pieces, text, currency, timezone, surcharge))


def _one(pieces: list[str], text: str) -> int:
    if len(pieces) != 1:
        raise NotTerms(text=text[:40])
    return percent_typed(pieces[0])


def _commission(pieces: list[str], text: str, currency: str, timezone: str, surcharge: Surcharge) -> Commission:
    """Rates and the volumes from which they hold; a piece that begins with #12 begins the rates of category 12."""
    groups: dict[int, list[Tier]] = {0: []}
    group = 0
    for piece in pieces:
        headed = re.fullmatch(r"#(\d{1,9})\s+(.+)", piece, re.ASCII)
        if headed is not None:
            group, piece = int(headed[1]), headed[2]
            groups.setdefault(group, [])
        volume, _, rate = piece.rpartition(":")
        try:
            from_minor = parse_minor(volume, currency) if volume.strip() else 0
        except NotAnAmount:
            raise NotTerms(text=text[:40]) from None
        groups[group].append(Tier(from_minor, percent_typed(rate)))
    every = tuple(groups.pop(0))
    return Commission(every, {category: tuple(tiers) for category, tiers in groups.items()}, timezone=timezone, surcharge=surcharge)


_FORMS = {
    "fixed": N_("Fixed cost"),
    "spread": N_("Share of the spread"),
    "take": N_("Part of the price"),
    "commission": N_("Commission by volume"),
}
_ASKS = {
    "fixed": N_("The supplier gets the cost. Send - , or a surcharge in per cent, for example: <i>exclusive 2</i>"),
    "spread": N_("Type how many per cent of the spread the supplier gets, for example: <i>30</i>"),
    "take": N_("Type how many per cent of the price the shop takes, for example: <i>5</i>"),
    "commission": N_(
        "Type the rate in per cent, then from which volume on it falls, for example: <i>8; 10000: 5; 50000: 3</i>\n"
        "A category has rates of its own behind its number: <i>#12 6; 10000: 4</i>"
    ),
}
_ALSO = N_("Surcharges go behind it, for example: <i>; exclusive 2; custom 5</i>")


# Screens


def router() -> Router:
    made = Router(name="admin-contracts")
    made.callback_query.register(suppliers, Go.filter(F.to == "contracts"))
    made.callback_query.register(of_supplier, Go.filter(F.to == "contract"))
    made.callback_query.register(shares, Go.filter(F.to == "shares"))
    made.callback_query.register(wanted, Go.filter(F.to == "wanted"))
    made.callback_query.register(option, Do.filter(F.act == "con-opt"))
    made.callback_query.register(agreed, Do.filter(F.act == "con-yes"))
    return made


async def suppliers(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Whose contracts?"""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(supply.supplier_names, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(one.name, "contract", one.id)] for one in found[:PAGE]]
    said = say.say("Whose contract?") if found else say.say("There are no suppliers yet.")
    rows += [desk.pages("contracts", 0, page, len(found) > PAGE), desk.back("supply")]
    await desk.show(press, paragraphs(bold(say.say("Contracts")), said), rows)


async def _supplier(desk: Desk, supplier_id: int) -> SupplierView:
    found = await desk.shop.read(supply.supplier, supplier_id)
    if found is None:
        raise Gone
    return found


async def of_supplier(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_contract(press, desk, callback_data.id)


async def show_contract(event: Message | CallbackQuery, desk: Desk, supplier_id: int) -> None:
    """What holds now, the versions before and to come, and the forms of a new one."""
    say, currency = desk.speech, desk.storefront.currency
    found = await _supplier(desk, supplier_id)
    now, terms = await desk.shop.read(settlement.terms_now, supplier_id=supplier_id)
    versions = await desk.shop.read(settlement.contracts_of, supplier_id)
    told = [
        lines(
            say.say("<b>Version {n}</b>, from {when}, by {who}", n=one.version, when=say.when(one.from_at), who=one.by),
            say.say("Only of offer {id}", id=one.offer_id) if one.offer_id else None,
            terms_said(one.terms, currency, say),
        )
        for one in versions[:_VERSIONS]
        if now is None or one.id != now.id
    ]
    text = paragraphs(
        bold(say.say("Contract of {name}", name=found.name)),
        lines(
            say.say("Now, version {n}:", n=now.version) if now else say.say("There is no contract: the supplier gets the cost."),
            terms_said(terms, currency, say) if now else None,
        ),
        example_said(terms, currency, say),
        lines(say.say("Other versions:"), paragraphs(*told)) if told else None,
        say.say("A new version holds for what is sold from then on; nothing sold before changes."),
    )
    forms = [[ask(say.label(label), f"contract.{form}", supplier_id)] for form, label in _FORMS.items()]
    await desk.show(event, text, [*forms, desk.back("contracts")])


def _question(form: str) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        await _supplier(desk, asked.id)
        return paragraphs(desk.speech.say(_ASKS[form]), desk.speech.say(_ALSO) if form != "fixed" else None)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        terms = terms_typed(form, text, desk.storefront.currency, desk.speech.timezone)
        await _draft(message, desk, asked.id, terms)

    return Question(says, take, "contract")


QUESTIONS |= {f"contract.{form}": _question(form) for form in _FORMS}


# A draft: kept with the conversation until it is agreed to


def _mark(kept: dict[str, Any]) -> str:
    """What tells one draft from another, so that a button agrees to what stood above it and to nothing else."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:10]


async def _draft(event: Message | CallbackQuery, desk: Desk, supplier_id: int, terms: Terms) -> None:
    say, currency = desk.speech, desk.storefront.currency
    found = await _supplier(desk, supplier_id)
    kept = settlement.to_json(terms)
    await desk.state.set_data({"contract": kept, "supplier": supplier_id})
    mark = _mark(kept)
    rows: list[Row] = []
    if isinstance(terms, Commission):
        for window in Window:
            label = ("☑️ " if window is terms.window else "") + say.label(WINDOWS[window])
            rows.append([do(label, "con-opt", supplier_id, arg=f"{window.value}-{mark}")])
        other = say.label("Count by steps") if not terms.marginal else say.label("One rate for all of it")
        rows.append([do(other, "con-opt", supplier_id, arg=f"whole-{mark}")])
    rows += [
        [do(say.label("✅ From now on"), "con-yes", supplier_id, arg=f"now-{mark}", style="success")],
        [
            do(say.label("From tomorrow"), "con-yes", supplier_id, arg=f"day-{mark}"),
            do(say.label("From next month"), "con-yes", supplier_id, arg=f"month-{mark}"),
        ],
        [go(say.label("Cancel"), "contract", supplier_id)],
    ]
    text = paragraphs(
        bold(say.say("New contract of {name}", name=found.name)), terms_said(terms, currency, say), example_said(terms, currency, say)
    )
    await desk.show(event, text, rows)


async def _kept(desk: Desk, callback_data: Do) -> tuple[str, Terms]:
    """What was pressed, and the draft it stood under. Raises DraftIsGone."""
    what, _, mark = callback_data.arg.partition("-")
    data = await desk.state.get_data()
    kept = data.get("contract")
    if not isinstance(kept, dict) or data.get("supplier") != callback_data.id or _mark(kept) != mark:
        raise DraftIsGone
    return what, settlement.from_json(kept)


async def option(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Another window, or the other way to count."""
    what, terms = await _kept(desk, callback_data)
    if not isinstance(terms, Commission):
        raise DraftIsGone
    if what == "whole":
        terms = replace(terms, marginal=not terms.marginal)
    elif what in {window.value for window in Window}:
        terms = replace(terms, window=Window(what))
    else:
        raise DraftIsGone
    await _draft(press, desk, callback_data.id, terms)


async def agreed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The draft becomes the next version."""
    what, terms = await _kept(desk, callback_data)
    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    await desk.shop.write(
        settlement.agree, supplier_id=callback_data.id, terms=terms, by=desk.by, from_at=_begins(what, today, desk.speech.timezone)
    )
    await desk.state.clear()
    await show_contract(press, desk, callback_data.id)


def _begins(what: str, today: date, timezone: str) -> datetime | None:
    """From when: None is now. Raises DraftIsGone for a word that no button has."""
    if what == "now":
        return None
    if what not in ("day", "month"):
        raise DraftIsGone
    day = today + timedelta(days=1) if what == "day" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


# Who earns what of an order


async def shares(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """All parties of an order and what each has of it."""
    found = await desk.shop.read(orders.detail, order_id=callback_data.id)
    buyer = None
    if found is not None:
        buyer = await desk.shop.read(people.one, storefront_id=desk.storefront.id, customer_id=found.card.buyer_id)
    if found is None or buyer is None:
        raise Gone
    say, card = desk.speech, found.card
    parts = await desk.shop.read(settlement.who_earns, callback_data.id)
    money = say.price
    told = [
        lines(
            say.say(
                "<b>{name}</b>, {units} of offer {offer}: {amount}",
                name=one.name,
                units=say.number(one.units - one.reversed_units),
                offer=one.offer_id,
                amount=bold(money(one.supplier_minor, one.currency)),
            ),
            *(
                say.say("• the shop, {label}: {amount}", label=say.label(LABELS[label]), amount=money(minor, one.currency))
                for label, minor in one.shop.items()
                if minor
            ),
            say.say("• taken back: {n}", n=say.number(one.reversed_units)) if one.reversed_units else None,
            say.say("• held until {when}", when=say.when(one.release_at)) if one.state is settlement.ClaimState.HELD else None,
        )
        for one in parts
    ]
    kept = card.total_minor - found.refunded_minor - _theirs(parts, card.currency)
    text = paragraphs(
        bold(say.say("Who earns what of order {number}", number=card.number)),
        say.say("The buyer paid {amount}.", amount=bold(money(card.total_minor, card.currency)))
        if found.issued_at
        else say.say("It is not paid yet."),
        say.say("Refunded: {amount}", amount=money(found.refunded_minor, card.currency)) if found.refunded_minor else None,
        paragraphs(*told) if told else say.say("No supplier has a part of it: the goods were the shop's own, or it is not settled yet."),
        say.say("The shop has {amount} of it.", amount=bold(money(kept, card.currency))) if found.issued_at else None,
    )
    await desk.show(press, text, [desk.back("order", card.order_id)])


def _theirs(parts: Sequence[PartyShare], currency: str) -> int:
    return sum(one.supplier_minor for one in parts if one.currency == currency)


async def wanted(press: CallbackQuery, desk: Desk) -> None:
    """What buyers looked for and did not find."""
    from handlers.supply.earnings import wanted_said

    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    await desk.show(press, await wanted_said(desk.shop, desk.storefront, desk.speech, today), [desk.back("supply")])
