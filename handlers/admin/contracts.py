"""How sales are shared: each supplier's contracts, a new version typed and looked at before it holds, and who earns what of an order."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import books, brands, catalog, orders, resellers, settlement, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import NotAnAmount, parse_minor
from core.settlement import Commission, FixedCost, Parties, SpreadShare, Surcharge, TakeRate, Terms, Tier, Window, checked
from core.supply import OfferView, SupplierView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.means import name_of
from handlers.pieces import Row, bold, lines, paragraphs
from handlers.supply.money_words import LABELS, WINDOWS, example_said, terms_said
from locales import Safe, Speech

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
    made.callback_query.register(offers_of, Go.filter(F.to == "con-offers"))
    made.callback_query.register(of_offer, Go.filter(F.to == "con-offer"))
    made.callback_query.register(unsettled, Go.filter(F.to == "unsettled"))
    made.callback_query.register(settle_again, Do.filter(F.act == "settle-now"))
    made.callback_query.register(shares, Go.filter(F.to == "shares"))
    made.callback_query.register(wanted, Go.filter(F.to == "wanted"))
    made.callback_query.register(option, Do.filter(F.act == "con-opt"))
    made.callback_query.register(agreed, Do.filter(F.act == "con-yes"))
    made.callback_query.register(ending, Go.filter(F.to == "con-ending"))
    made.callback_query.register(ended, Do.filter(F.act == "con-end"))
    return made


async def suppliers(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Whose contracts?"""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(supply.supplier_names, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(one.name, "contract", one.id)] for one in found[:PAGE]]
    said = say.say("Whose contract?") if found else say.say("There are no suppliers yet.")
    rows.append(desk.pages("contracts", 0, page, len(found) > PAGE))
    if await desk.shop.read(settlement.skipped_orders, limit=1):
        rows.append([go(say.label("🔴 Orders that are not settled"), "unsettled")])
    rows.append(desk.back("supply"))
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
            say.say("It ends: the contract of the supplier holds again.") if one.ends else terms_said(one.terms, currency, say),
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
    await desk.show(event, text, [*forms, [go(say.label("For one offer only"), "con-offers", supplier_id)], desk.back("contracts")])


async def offers_of(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """For which of a supplier's offers?"""
    say, page = desk.speech, callback_data.page
    found = await _supplier(desk, callback_data.id)
    every = await desk.shop.read(supply.offers_of, found.id)
    some = every[page * PAGE : (page + 1) * PAGE]
    rows: list[Row] = [[go(await _offer_name(desk, offer_id), "con-offer", offer_id)] for offer_id in some]
    rows += [desk.pages("con-offers", found.id, page, len(every) > (page + 1) * PAGE), desk.back("contract", found.id)]
    said = say.say("For which offer? Its contract goes before that of the supplier.") if every else say.say("There are no offers yet.")
    await desk.show(press, paragraphs(bold(say.say("Contract of {name}", name=found.name)), said), rows)


async def _offer(desk: Desk, offer_id: int) -> OfferView:
    found = await desk.shop.read(supply.offer_view, offer_id)
    if found is None:
        raise Gone
    return found


async def _offer_name(desk: Desk, offer_id: int) -> str:
    view = await _offer(desk, offer_id)
    sku = await desk.shop.read(catalog.sku, view.sku_id)
    return f"{offer_id} · {sku.name if sku is not None else view.sku_id}"


async def of_offer(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_offer_contract(press, desk, callback_data.id)


async def show_offer_contract(event: Message | CallbackQuery, desk: Desk, offer_id: int) -> None:
    """By what the sales of one offer are shared, its own versions, and the forms of a new one."""
    say, currency = desk.speech, desk.storefront.currency
    view = await _offer(desk, offer_id)
    now, terms = await desk.shop.read(settlement.terms_now, supplier_id=view.supplier_id, offer_id=offer_id)
    versions = [one for one in await desk.shop.read(settlement.contracts_of, view.supplier_id) if one.offer_id == offer_id]
    if now is None:
        holds = say.say("There is no contract: the supplier gets the cost.")
    elif now.offer_id is None:
        holds = say.say("This offer has no contract of its own: that of the supplier holds, version {n}.", n=now.version)
    else:
        holds = say.say("Now, version {n}:", n=now.version)
    told = [
        lines(
            say.say("<b>Version {n}</b>, from {when}, by {who}", n=one.version, when=say.when(one.from_at), who=one.by),
            say.say("It ends: the contract of the supplier holds again.") if one.ends else terms_said(one.terms, currency, say),
        )
        for one in versions[:_VERSIONS]
        if now is None or one.id != now.id
    ]
    text = paragraphs(
        bold(say.say("Contract of offer {name} of {supplier}", name=await _offer_name(desk, offer_id), supplier=view.supplier_name)),
        lines(holds, terms_said(terms, currency, say) if now else None),
        example_said(terms, currency, say),
        lines(say.say("Other versions:"), paragraphs(*told)) if told else None,
        say.say("A new version holds for what is sold from then on; nothing sold before changes."),
    )
    forms = [[ask(say.label(label), f"con-of.{form}", offer_id)] for form, label in _FORMS.items()]
    if versions and not versions[0].ends:
        forms.append([go(say.label("✖️ End it"), "con-ending", offer_id)])
    await desk.show(event, text, [*forms, desk.back("con-offers", view.supplier_id)])


async def ending(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What will hold when an offer has no contract of its own any more, and from when on."""
    say, currency = desk.speech, desk.storefront.currency
    view = await _offer(desk, callback_data.id)
    versions = [one for one in await desk.shop.read(settlement.contracts_of, view.supplier_id) if one.offer_id == view.id]
    if not versions or versions[0].ends:
        raise settlement.NothingToEnd
    holds, terms = await desk.shop.read(settlement.terms_now, supplier_id=view.supplier_id)
    name = await _offer_name(desk, view.id)
    text = paragraphs(
        bold(say.say("End the contract of offer {name} of {supplier}", name=name, supplier=view.supplier_name)),
        say.say("What is sold from then on is shared by the contract of the supplier; nothing sold before changes."),
        terms_said(terms, currency, say) if holds else say.say("There is no contract: the supplier gets the cost."),
        example_said(terms, currency, say),
    )
    mark = f"{versions[0].version}"
    rows: list[Row] = [
        [do(say.label("✅ From now on"), "con-end", view.id, arg=f"now-{mark}", style="danger")],
        [
            do(say.label("From tomorrow"), "con-end", view.id, arg=f"day-{mark}"),
            do(say.label("From next month"), "con-end", view.id, arg=f"month-{mark}"),
        ],
        [go(say.label("Cancel"), "con-offer", view.id)],
    ]
    await desk.show(press, text, rows)


async def ended(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The version that stood above the button ends; another one that has come since is not touched."""
    what, _, mark = callback_data.arg.partition("-")
    view = await _offer(desk, callback_data.id)
    versions = [one for one in await desk.shop.read(settlement.contracts_of, view.supplier_id) if one.offer_id == view.id]
    if not versions or mark != f"{versions[0].version}":
        raise DraftIsGone
    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    from_at = _begins(what, today, desk.speech.timezone)
    await desk.shop.write(settlement.end_contract, offer_id=view.id, by=desk.by, from_at=from_at)
    await show_offer_contract(press, desk, view.id)


def _question(form: str) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        await _supplier(desk, asked.id)
        return paragraphs(desk.speech.say(_ASKS[form]), desk.speech.say(_ALSO) if form != "fixed" else None)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        terms = terms_typed(form, text, desk.storefront.currency, desk.speech.timezone)
        await _draft(message, desk, asked.id, terms)

    return Question(says, take, "contract")


def _question_of_offer(form: str) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        await _offer(desk, asked.id)
        return paragraphs(desk.speech.say(_ASKS[form]), desk.speech.say(_ALSO) if form != "fixed" else None)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        terms = terms_typed(form, text, desk.storefront.currency, desk.speech.timezone)
        await _draft(message, desk, (await _offer(desk, asked.id)).supplier_id, terms, asked.id)

    return Question(says, take, "con-offer")


QUESTIONS |= {f"contract.{form}": _question(form) for form in _FORMS}
QUESTIONS |= {f"con-of.{form}": _question_of_offer(form) for form in _FORMS}


# A draft: kept with the conversation until it is agreed to


def _mark(kept: dict[str, Any], offer_id: int | None) -> str:
    """What tells one draft from another, so that a button agrees to what stood above it and to nothing else."""
    return hashlib.sha256(json.dumps([kept, offer_id], sort_keys=True).encode()).hexdigest()[:10]


async def _draft(event: Message | CallbackQuery, desk: Desk, supplier_id: int, terms: Terms, offer_id: int | None = None) -> None:
    say, currency = desk.speech, desk.storefront.currency
    found = await _supplier(desk, supplier_id)
    kept = settlement.to_json(terms)
    await desk.state.set_data({"contract": kept, "supplier": supplier_id, "offer": offer_id})
    mark = _mark(kept, offer_id)
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
        [go(say.label("Cancel"), "contract", supplier_id) if offer_id is None else go(say.label("Cancel"), "con-offer", offer_id)],
    ]
    text = paragraphs(
        bold(say.say("New contract of {name}", name=found.name)),
        say.say("Only of offer {id}", id=offer_id) if offer_id is not None else None,
        terms_said(terms, currency, say),
        example_said(terms, currency, say),
    )
    await desk.show(event, text, rows)


async def _kept(desk: Desk, callback_data: Do) -> tuple[str, Terms, int | None]:
    """What was pressed, the draft it stood under, and of which offer that is, if of one. Raises DraftIsGone."""
    what, _, mark = callback_data.arg.partition("-")
    data = await desk.state.get_data()
    kept, offer_id = data.get("contract"), data.get("offer")
    if not isinstance(kept, dict) or data.get("supplier") != callback_data.id or _mark(kept, offer_id) != mark:
        raise DraftIsGone
    return what, settlement.from_json(kept), offer_id


async def option(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Another window, or the other way to count."""
    what, terms, offer_id = await _kept(desk, callback_data)
    if not isinstance(terms, Commission):
        raise DraftIsGone
    if what == "whole":
        terms = replace(terms, marginal=not terms.marginal)
    elif what in {window.value for window in Window}:
        terms = replace(terms, window=Window(what))
    else:
        raise DraftIsGone
    await _draft(press, desk, callback_data.id, terms, offer_id)


async def agreed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The draft becomes the next version."""
    what, terms, offer_id = await _kept(desk, callback_data)
    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    await desk.shop.write(
        settlement.agree,
        supplier_id=callback_data.id,
        offer_id=offer_id,
        terms=terms,
        by=desk.by,
        from_at=_begins(what, today, desk.speech.timezone),
    )
    await desk.state.clear()
    if offer_id is None:
        await show_contract(press, desk, callback_data.id)
    else:
        await show_offer_contract(press, desk, offer_id)


def _begins(what: str, today: date, timezone: str) -> datetime | None:
    """From when: None is now. Raises DraftIsGone for a word that no button has."""
    if what == "now":
        return None
    if what not in ("day", "month"):
        raise DraftIsGone
    day = today + timedelta(days=1) if what == "day" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


# Orders that settlement could not work out


async def unsettled(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The orders that wait, the oldest first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(settlement.skipped_orders, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [
        [go(say.label("Order {id}, tried {n} times", id=one.order_id, n=one.tries), "shares", one.order_id)] for one in found[:PAGE]
    ]
    rows += [desk.pages("unsettled", 0, page, len(found) > PAGE), desk.back("contracts")]
    said = (
        say.say("What suppliers are owed of these orders could not be worked out. Each is tried again by itself, ever more seldom.")
        if found
        else say.say("Every order is settled.")
    )
    await desk.show(press, paragraphs(bold(say.say("Orders that are not settled")), said), rows)


async def settle_again(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """It is tried now."""
    done = await desk.shop.write(settlement.settle_order, order_id=callback_data.id, by=desk.by)
    said = desk.speech.label("It is settled.") if done else desk.speech.label("It still could not be worked out.")
    await press.answer(said)
    await _show_shares(press, desk, callback_data.id)


# Who earns what of an order


async def shares(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """All parties of an order and what each has of it."""
    await _show_shares(press, desk, callback_data.id)


async def _show_shares(press: CallbackQuery, desk: Desk, order_id: int) -> None:
    found = await desk.shop.read(orders.detail, order_id=order_id)
    buyer = None
    if found is not None:
        buyer = await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=found.card.buyer_id)
    if found is None or buyer is None:
        raise Gone
    say, card = desk.speech, found.card
    parts = await desk.shop.read(settlement.who_earns, order_id)
    everybody = await desk.shop.read(settlement.parties_of, order_id)
    waits = await desk.shop.read(settlement.skipped_order, order_id)
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
    kept = everybody.shop_minor if everybody else card.total_minor - found.refunded_minor
    text = paragraphs(
        bold(say.say("Who earns what of order {number}", number=card.number)),
        lines(
            say.say("The buyer paid {amount}.", amount=bold(money(card.total_minor, card.currency)))
            if found.issued_at
            else say.say("It is not paid yet."),
            await _who_bought(desk, everybody, buyer.name),
        ),
        say.say("Refunded: {amount}", amount=money(found.refunded_minor, card.currency)) if found.refunded_minor else None,
        paragraphs(*told) if told else say.say("No supplier has a part of it: the goods were the shop's own, or it is not settled yet."),
        lines(*_unsettled(everybody, say), *_carried(everybody, say)) or None,
        say.say("The shop has {amount} of it.", amount=bold(money(kept, card.currency))) if found.issued_at else None,
        lines(
            say.say(
                "🔴 It could not be worked out, tried {n} times. It is tried again {when}.", n=waits.tries, when=say.when(waits.next_at)
            ),
            say.say("The program says: <code>{why}</code>", why=waits.why),
        )
        if waits
        else None,
    )
    # One that was passed over before such orders were kept can be tried too.
    again = waits is not None or (found.issued_at is not None and not parts)
    rows: list[Row] = [[do(say.label("🔁 Work it out now"), "settle-now", card.order_id)]] if again else []
    await desk.show(press, text, [*rows, desk.back("order", card.order_id)])


async def _who_bought(desk: Desk, everybody: Parties | None, name: str) -> Safe | None:
    """The buyer, as they were when they bought: whatever they have become since."""
    say = desk.speech
    if everybody is None:
        return None
    if not everybody.reseller:
        return say.say("Buyer: {name}", name=name)
    level = None if everybody.level_id is None else await desk.shop.read(resellers.level, everybody.level_id)
    if level is None:
        return say.say("Buyer: {name}, a reseller", name=name)
    return say.say("Buyer: {name}, a reseller at level {level}", name=name, level=level.name)


def _unsettled(everybody: Parties | None, say: Speech) -> Iterator[Safe]:
    """What is not shared by contract: goods of the shop's own, and suppliers' that are not settled yet."""
    for one in everybody.suppliers if everybody else ():
        facts = {"name": one.name, "units": say.number(one.units), "offer": one.offer_id}
        if not one.consigned:
            yield say.say("<b>{name}</b>, {units} of offer {offer}: the shop's own goods", **facts)
        elif not one.settled:
            amount = bold(say.price(one.minor, one.currency))
            yield say.say("<b>{name}</b>, {units} of offer {offer}: {amount}, not settled yet", amount=amount, **facts)


def _carried(everybody: Parties | None, say: Speech) -> Iterator[Safe]:
    """What whoever carried the payment keeps of it, and what of that the payer bore."""
    if everybody is not None and everybody.provider is not None and (everybody.provider_minor or everybody.borne_minor):
        yield say.say(
            "{provider} keeps {amount} of the payment; the payer paid {borne} of it besides.",
            provider=name_of(everybody.provider, say),
            amount=bold(say.price(everybody.provider_minor, everybody.provider_currency)),
            borne=say.price(everybody.borne_minor, everybody.provider_currency),
        )


async def wanted(press: CallbackQuery, desk: Desk) -> None:
    """What buyers looked for and did not find."""
    from handlers.supply.earnings import wanted_said

    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    await desk.show(press, await wanted_said(desk.shop, desk.storefront, desk.speech, today), [desk.back("supply")])
