"""The offers of a denomination as the staff see them: each source with its cost, stock and reasons, quotas, and proposed prices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core import catalog, onboarding, pricing, rates, supply
from core.catalog import Gone, SkuView
from core.database import Shop
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from core.supply import ForeignView, OfferView, Outcome, Prices, QuotaView, RepricingView, SourceClass, Stop, StopView
from handlers.admin.coupons import day_typed
from handlers.admin.desk import (
    NOTHING,
    PAGE,
    QUESTIONS,
    Asked,
    Desk,
    Do,
    Go,
    NotPositive,
    Question,
    ask,
    do,
    go,
    number_between,
)
from handlers.buy import CLASSES
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, clipped, face_value, full_name, keyboard, lines, paragraphs
from handlers.typed import whole_number
from locales import Safe, Speech

STOPS = {
    Stop.SUSPENDED: N_("its supplier is suspended"),
    Stop.PAPER: N_("the paper it rests on has expired"),
    Stop.TAKEDOWN: N_("a rights-holder objects"),
    Stop.SWITCHED_OFF: N_("it is switched off"),
    Stop.HIDDEN: N_("its source failed too often"),
    Stop.QUOTA: N_("its quota is used up or has ended"),
    Stop.DATES: N_("it is outside its dates"),
    Stop.EXPOSURE: N_("we owe its supplier as much as we want to"),
    Stop.APPROVAL: N_("you have not approved it yet"),
    Stop.PAUSED: N_("it is paused"),
    Stop.RATE: N_("its cost is agreed in a currency that has no rate"),
    Stop.LOSS: N_("it costs more than it sells for"),
}
_BANDS = {
    "cost>wholesale": N_("⚠️ The dearest source costs more than the wholesale price: each sale to a reseller from it is a loss."),
    "cost>retail": N_("⚠️ The dearest source costs more than the price: each sale from it is a loss."),
    "cost>face": N_("⚠️ The dearest source costs more than the face value."),
    "wholesale>retail": N_("⚠️ The wholesale price is above the usual price, so resellers pay the usual one."),
    "wholesale>face": N_("⚠️ The wholesale price is above the face value."),
    "retail>face": N_("⚠️ The price is above the face value: buyers pay more than the card is worth."),
}
_MOST_QUANTITY, _MOST_PRIORITY = 100_000, 1000
_VERSIONS = 10
_CURRENCY = r"[A-Z]{3}"


@dataclass(eq=False)
class NotACost(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a cost. Please type an amount, and a day if it holds from then on, such as {example}.")

    text: str
    example: str


@dataclass(eq=False)
class NotAQuota(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a quota. Please type face value, currency and discount, such as {example}.")

    text: str
    example: str = "100000 CNY 15%"


@dataclass(eq=False)
class NotAMargin(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a margin. Please type a percentage from 0 to 90, such as 2.5")

    text: str


def router() -> Router:
    made = Router(name="admin-offers")
    looks: dict[str, Callable[..., Any]] = {
        "offers": offers,
        "offer": offer,
        "offer-by": choose_supplier,
        "offer-class": choose_class,
        "offer-drop": before_withdrawing,
        "offer-costs": cost_history,
        "offer-quota": choose_quota,
        "offer-what": choose_other_class,
        "quotas": quotas,
        "quota": quota,
        "price-hist": price_history,
        "price-rule": rule,
        "reprices": reprices,
        "reprice": one_reprice,
    }
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts = {
        "of-ok": approve,
        "of-pause": pause,
        "of-resume": resume,
        "of-drop": withdraw,
        "of-class": set_class,
        "of-quota": put_under_quota,
        "of-undo": drop_cost,
        "qu-end": end_quota,
        "qu-open": open_quota,
        "rule-loss": never_below_cost,
        "rp-take": take_price,
        "rp-skip": ignore_price,
    }
    for act, change in acts.items():
        made.callback_query.register(change, Do.filter(F.act == act))
    return made


# What is typed


def percent_typed(text: str, *, most: int) -> int | None:
    """Hundredths of a per cent of a percentage such as "2.5" or "15%", up to `most` per cent; None when it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().removesuffix("%").strip()
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?", plain, re.ASCII):
        return None
    basis_points = int(Decimal(plain) * 100)
    return basis_points if basis_points <= most * 100 else None


def cost_typed(text: str, currency: str, timezone: str) -> tuple[int, str, datetime | None]:
    """A cost as "85.00", "12.5 USD" or "86.00 from 2026-12-01": minor units, their currency, and from when (None: now).

    The word between the amount and the day may be any. Raises NotACost, NotAnAmount, NotADay.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(rf"(\S+)(?:\s+({_CURRENCY}))?(?:\s+(?:[^\W\d]+\s+)?(\d{{4}}[-./]\S+(?:\s+\d{{1,2}}:\d{{2}})?))?", plain)
    if found is None:
        raise NotACost(text=text[:40], example=f"{decimal_text(8500, currency)} from 2027-01-31")
    amount, other, day = found.groups()
    minor = parse_minor(amount, other or currency)
    return minor, other or currency, None if day is None else day_typed(day, timezone, ends=False)


def quota_typed(text: str) -> tuple[int, str, int]:
    """A quota as "100000 CNY 15%": face value in minor units, its currency, the discount in hundredths of a per cent.

    Raises NotAQuota, NotAnAmount.
    """
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    found = re.fullmatch(rf"([\d.,]+)\s*({_CURRENCY})\s+(\S+)", plain, re.ASCII)
    off = None if found is None else percent_typed(found[3], most=99)
    if found is None or off is None:
        raise NotAQuota(text=text[:40])
    minor = parse_minor(found[1], found[2])
    if not minor:
        raise NotAQuota(text=text[:40])
    return minor, found[2], off


# Looking


async def _named(desk: Desk, sku_id: int) -> tuple[SkuView, str]:
    """A denomination and its name with its product's; raises Gone."""
    return await _name_of(desk.shop, desk.speech, sku_id)


async def _name_of(shop: Shop, say: Speech, sku_id: int) -> tuple[SkuView, str]:
    sku = await shop.read(catalog.sku, sku_id)
    product = None if sku is None else await shop.read(catalog.product, sku.product_id)
    if sku is None or product is None:
        raise Gone
    return sku, full_name(product, sku, say)


async def offers(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    if callback_data.id:
        await show_offers(press, desk, callback_data.id, callback_data.page)
    else:
        await _denominations(press, desk, callback_data.page)


async def _denominations(press: CallbackQuery, desk: Desk, page: int) -> None:
    """Every denomination, to look at its offers."""
    say = desk.speech
    skus = await desk.shop.read(catalog.all_skus, hidden_too=True)
    shown = skus[page * PAGE : (page + 1) * PAGE]
    rows: list[Row] = []
    for sku in shown:
        _, name = await _named(desk, sku.id)
        rows.append([go(name, "offers", sku.id)])
    rows.append(desk.pages("offers", 0, page, more=len(skus) > (page + 1) * PAGE))
    rows.append(desk.back("supply"))
    text = say.say("Of which denomination?") if shown else say.say("There is no denomination yet.")
    await desk.show(press, paragraphs(bold(say.label("🏷 Offers")), text), rows)


async def show_offers(event: Message | CallbackQuery, desk: Desk, sku_id: int, page: int = 0) -> None:
    """The offers of a denomination in the order in which the sale draws from them, a page of them."""
    say = desk.speech
    sku, name = await _named(desk, sku_id)
    every = await desk.shop.read(supply.offer_views, sku_id=sku_id)
    views = every[page * PAGE : (page + 1) * PAGE]
    price = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[sku_id])).get(sku_id)
    text = paragraphs(
        bold(name),
        lines(*_prices(say, sku, price), *[say.say(_BANDS[band]) for band in await _bands(desk, sku_id)]),
        *[_in_short(say, view, price) for view in views],
        None if every else say.say("Nobody offers it yet."),
    )
    rows: list[Row] = [[go(f"{view.rank or '–'} · {clipped(view.supplier_name, 40)}", "offer", view.id)] for view in views]
    rows.append(desk.pages("offers", sku_id, page, more=len(every) > (page + 1) * PAGE))
    rows.append([go(say.label("➕ New offer"), "offer-by", sku_id), go(say.label("📈 Price history"), "price-hist", sku_id)])
    rows.append(desk.back("sku", sku_id))
    await desk.show(event, text, rows)


async def _bands(desk: Desk, sku_id: int) -> list[str]:
    return await desk.shop.read(supply.bands, storefront_id=desk.storefront.id, sku_id=sku_id)


def _prices(say: Speech, sku: SkuView, price: pricing.Price | None) -> list[Safe]:
    """Face value, price and wholesale price, each by itself."""
    worth = face_value(sku, say)
    told = [say.say("Face value: {worth}", worth=worth)] if worth else []
    if price is None:
        return [*told, say.say("It has no price, so nobody can buy it yet.")]
    told.append(say.say("Price: {price}", price=say.price(price.retail_minor, price.currency)))
    if price.wholesale_minor is not None:
        told.append(say.say("Wholesale: {price}", price=say.price(price.wholesale_minor, price.currency)))
    return told


def _margin(say: Speech, view: OfferView, price: pricing.Price | None) -> str | None:
    """What is left of the price, when both are in one currency."""
    if price is None or price.currency != view.cost_currency:
        return None
    return say.percent(Decimal(supply.margin_bp(price.retail_minor, view.cost_minor)) / 10_000)


def _in_short(say: Speech, view: OfferView, price: pricing.Price | None) -> Safe:
    margin = _margin(say, view, price)
    facts = {"cost": say.price(view.cost_minor, view.cost_currency), "stock": _stock(say, view)}
    return lines(
        Safe(f"{view.rank or '–'}. ") + bold(view.supplier_name),
        say.say("Cost {cost}, margin {margin} · {stock}", margin=margin, **facts) if margin else say.say("Cost {cost} · {stock}", **facts),
        _why_not(say, view),
    )


def _stock(say: Speech, view: OfferView) -> str:
    on_shelf = say.label("{n} in stock", n=say.number(view.on_shelf))
    if view.declared is None:
        return on_shelf
    if view.declared >= supply.MOST_UNITS:
        return say.label("{stock}, and as many as one likes", stock=on_shelf)
    return say.label("{stock}, {n} declared", stock=on_shelf, n=say.number(view.declared))


def _why_not(say: Speech, view: OfferView) -> Safe | None:
    """Why it does not sell, in words; None when it does."""
    if view.withdrawn_at is not None:
        return say.say("⏹ Withdrawn.")
    if not view.stops:
        return None
    return say.say("⏸ Does not sell: {reasons}.", reasons=say.listing([_reason(say, found) for found in view.stops]))


def _reason(say: Speech, found: StopView) -> str:
    word = say.label(STOPS[found.why])
    return say.label("{reason} (until {when})", reason=word, when=say.when(found.until)) if found.until else word


async def offer(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_offer(press, desk, callback_data.id)


async def _offer(desk: Desk, offer_id: int) -> OfferView:
    """An offer; raises Gone."""
    view = await desk.shop.read(supply.offer_view, offer_id)
    if view is None:
        raise Gone
    return view


async def show_offer(event: Message | CallbackQuery, desk: Desk, offer_id: int) -> None:
    say, view = desk.speech, await _offer(desk, offer_id)
    _, name = await _named(desk, view.sku_id)
    price = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[view.sku_id])).get(view.sku_id)
    steady = await desk.shop.read(supply.stability_of, offer_id)
    text = paragraphs(
        bold(f"{view.supplier_name} › {name}"),
        lines(
            say.say("Class: {word}", word=say.label(CLASSES[view.source_class])),
            say.say("The goods are ours: a sale owes nobody anything.")
            if view.owned
            else say.say("The goods are consigned: each sale credits the supplier with the cost."),
            _why_not(say, view) or say.say("▶️ Sells, at place {rank}.", rank=view.rank or "–"),
        ),
        lines(
            say.say("Cost: {cost}", cost=say.price(view.cost_minor, view.cost_currency)),
            _agreed_abroad(say, await desk.shop.read(supply.foreign_cost, view.id), view.cost_currency),
            *[
                say.say("From {when} on: {cost}", when=say.when(cost.from_at), cost=say.price(cost.cost_minor, cost.currency))
                for cost in view.waiting_costs
            ],
            say.say("Margin: {margin}", margin=margin) if (margin := _margin(say, view, price)) else None,
            say.say("Stock: {stock}", stock=_stock(say, view)),
            _quota_line(say, view.quota) if view.quota else None,
        ),
        lines(*_facts(say, view)),
        say.say("Stability: {score} of 100", score=say.number(steady)) if steady is not None else say.say("Stability: a new source"),
    )
    await desk.show(event, text, _offer_rows(say, view, desk))


def _agreed_abroad(say: Speech, foreign: ForeignView | None, sale: str) -> Safe | None:
    """What was agreed in another currency, and the rate at which it is booked, our buffer in it."""
    if foreign is None:
        return None
    worth = Context(prec=6).divide(*map(Decimal, rates.in_whole(foreign.rate, foreign.currency, sale).as_integer_ratio()))
    return say.say(
        "Agreed: {cost}, booked at {rate}",
        cost=say.price(foreign.minor, foreign.currency),
        rate=f"1 {foreign.currency} = {worth.normalize():f} {sale}",
    )


def _facts(say: Speech, view: OfferView) -> list[Safe]:
    """What is said of an offer besides its cost, as far as it is said."""
    return [
        told
        for told in (
            say.say("From {n} in one order on", n=say.number(view.min_quantity)) if view.min_quantity else None,
            say.say("Up to {n} in one order", n=say.number(view.max_quantity)) if view.max_quantity else None,
            say.say("Only for buyers in: {region}", region=say.region(view.region)) if view.region else None,
            say.say("Valid from: {when}", when=say.when(view.valid_from)) if view.valid_from else None,
            say.say("Valid until: {when}", when=say.when(view.valid_until)) if view.valid_until else None,
            say.say("Drawn before all others until: {when}", when=say.when(view.exclusive_until)) if view.exclusive_until else None,
            say.say("Priority: {n}", n=say.number(view.priority)) if view.priority else None,
            say.many("Warranty: {n} hour", "Warranty: {n} hours", view.warranty_hours) if view.warranty_hours else None,
            say.say("Rests on document {n}", n=view.document_id) if view.document_id else None,
            say.say("Contract {n}", n=view.contract_id) if view.contract_id else None,
        )
        if told
    ]


def _offer_rows(say: Speech, view: OfferView, desk: Desk) -> list[Row]:
    back: Row = [go(say.label("‹ Back"), "offers", view.sku_id), desk.home()]
    if view.withdrawn_at is not None:
        return [[go(say.label("Costs"), "offer-costs", view.id)], back]
    paused = any(found.why is Stop.PAUSED for found in view.stops)
    pausing = do(say.label("▶️ Resume"), "of-resume", view.id, style="success") if paused else do(say.label("⏸ Pause"), "of-pause", view.id)
    quota_row = go(say.label("Quota"), "quota", view.quota.id) if view.quota else go(say.label("Put under a quota"), "offer-quota", view.id)
    waits = any(found.why is Stop.APPROVAL for found in view.stops)
    return [
        [do(say.label("✅ Approve"), "of-ok", view.id, style="success")] if waits else [],
        [ask(say.label("Cost"), "offer.cost", view.id), go(say.label("Costs"), "offer-costs", view.id)],
        [ask(say.label("Declared stock"), "offer.stock", view.id), quota_row],
        [ask(say.label("Smallest order"), "offer.min", view.id), ask(say.label("Largest order"), "offer.max", view.id)],
        [ask(say.label("Country of buyers"), "offer.land", view.id), ask(say.label("Warranty"), "offer.warr", view.id)],
        [ask(say.label("First day"), "offer.from", view.id), ask(say.label("Last day"), "offer.until", view.id)],
        [ask(say.label("Priority"), "offer.prio", view.id), ask(say.label("Exclusive until"), "offer.excl", view.id)],
        [go(say.label("What it rests on"), "offer-what", view.id), go(say.label("📜 Contract"), "con-offer", view.id)],
        [pausing, go(say.label("⏹ Withdraw"), "offer-drop", view.id, style="danger")],
        back,
    ]


# A new offer: the supplier, what it rests on, the cost


async def choose_supplier(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, page = desk.speech, callback_data.page
    _, name = await _named(desk, callback_data.id)
    found = await desk.shop.read(supply.every_supplier, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(one.name, "offer-class", callback_data.id, arg=str(one.id))] for one in found[:PAGE]]
    rows.append(desk.pages("offer-by", callback_data.id, page, more=len(found) > PAGE))
    rows.append([go(say.label("‹ Back"), "offers", callback_data.id), desk.home()])
    await desk.show(press, paragraphs(bold(name), say.say("Who offers it?")), rows)


async def choose_class(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    _, name = await _named(desk, callback_data.id)
    supplier = await desk.shop.read(supply.supplier, whole_number(callback_data.arg) or 0)
    if supplier is None:
        raise Gone
    rows: list[Row] = [
        [ask(say.label(word), "offer.new", callback_data.id, arg=f"{supplier.id}.{one.value}")] for one, word in CLASSES.items()
    ]
    rows.append([go(say.label("‹ Back"), "offer-by", callback_data.id), desk.home()])
    await desk.show(press, paragraphs(bold(f"{supplier.name} › {name}"), say.say("What does the offer rest on?")), rows)


def _of_new(arg: str) -> tuple[int, SourceClass]:
    """The supplier and the class that a button of a new offer names; raises Gone."""
    number, _, word = arg.partition(".")
    supplier_id = whole_number(number) if number.isascii() and len(number) <= 18 else None
    if supplier_id is None or word not in {one.value for one in SourceClass}:
        raise Gone
    return supplier_id, SourceClass(word)


async def _ask_new(desk: Desk, asked: Asked) -> Safe:
    supplier_id, _ = _of_new(asked.arg)
    found = await desk.shop.read(supply.supplier, supplier_id)
    if found is None:
        raise Gone
    _, name = await _named(desk, asked.id)
    example = decimal_text(8500, desk.storefront.currency)
    return paragraphs(
        bold(f"{found.name} › {name}"),
        desk.speech.say(
            "Type what one costs, for example: <i>{example}</i>. Another currency is named behind it: <i>12 USD</i>", example=example
        ),
    )


async def _take_new(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    supplier_id, source_class = _of_new(asked.arg)
    minor, currency, from_at = cost_typed(text, desk.storefront.currency, desk.speech.timezone)
    if from_at is not None:
        raise NotACost(text=text[:40], example=decimal_text(8500, currency))
    made = await desk.shop.write(
        supply.new_offer,
        supplier_id=supplier_id,
        sku_id=asked.id,
        cost_minor=minor,
        cost_currency=currency,
        source_class=source_class,
        by=desk.by,
    )
    await show_offer(message, desk, made.id)


# Its cost


async def _ask_cost(desk: Desk, asked: Asked) -> Safe:
    say, view = desk.speech, await _offer(desk, asked.id)
    return paragraphs(
        say.say("Now: {price}", price=say.price(view.cost_minor, view.cost_currency)),
        say.say(
            "Type what one costs from now on, for example: <i>{example}</i>, or from a day on: <i>{example} from 2027-01-31</i>",
            example=decimal_text(view.cost_minor or 8500, view.cost_currency),
        ),
    )


async def _take_cost(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    view = await _offer(desk, asked.id)
    minor, currency, from_at = cost_typed(text, view.cost_currency, desk.speech.timezone)
    await desk.shop.write(supply.set_cost, offer_id=asked.id, cost_minor=minor, cost_currency=currency, from_at=from_at, by=desk.by)
    await show_offer(message, desk, asked.id)


async def cost_history(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_costs(press, desk, callback_data.id)


async def _show_costs(event: Message | CallbackQuery, desk: Desk, offer_id: int) -> None:
    say, view = desk.speech, await _offer(desk, offer_id)
    versions = await desk.shop.read(supply.costs_of, offer_id, limit=_VERSIONS)
    told = []
    for one in versions:
        facts = {"cost": say.price(one.cost_minor, one.currency), "when": say.when(one.taken_at or one.from_at)}
        if one.dropped_at is not None:
            told.append(say.say("• {cost} – taken back", cost=facts["cost"]))
        else:
            told.append(say.say("• {cost} from {when} on, waits", **facts) if one.waits else say.say("• {cost} since {when}", **facts))
    rows: list[Row] = [
        [do(say.label("Take back {cost}", cost=say.price(one.cost_minor, one.currency)), "of-undo", offer_id, arg=str(one.version))]
        for one in versions
        if one.waits
    ]
    rows.append([go(say.label("‹ Back"), "offer", offer_id), desk.home()])
    none = say.say("Its cost was never changed.")
    await desk.show(event, paragraphs(bold(view.supplier_name), lines(*told) if told else none), rows)


async def drop_cost(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    version = whole_number(callback_data.arg)
    dropped = version is not None and await desk.shop.write(supply.drop_cost, offer_id=callback_data.id, version=version, by=desk.by)
    say = desk.speech
    await press.answer(say.label("Taken back.") if dropped else say.label("It is in force already, or was taken back before."))
    await _show_costs(press, desk, callback_data.id)


# The other facts, one by one

Facts = dict[str, Any]


def _field(prompt: str, what: str, read: Callable[[Desk, str], Any], *, optional: bool = True) -> Question:
    """A question about one fact of an offer, and the change that its answer is."""

    async def says(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say(prompt)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        cleared = optional and text == NOTHING
        facts: Facts = {"clear": (what,)} if cleared else {what: read(desk, text)}
        await desk.shop.write(supply.change_offer, offer_id=asked.id, by=desk.by, **facts)
        await show_offer(message, desk, asked.id)

    return Question(says, take, "offer")


def _number(least: int, most: int) -> Callable[[Desk, str], int]:
    return lambda _desk, text: number_between(text, least, most)


def _day(*, ends: bool) -> Callable[[Desk, str], datetime]:
    return lambda desk, text: day_typed(text, desk.speech.timezone, ends=ends)


QUESTIONS |= {
    "offer.new": Question(_ask_new, _take_new, "offers"),
    "offer.cost": Question(_ask_cost, _take_cost, "offer"),
    "offer.stock": _field(
        N_("Type how many the source has besides what lies on our shelf, for example: <i>500</i>. Send - when it has no others."),
        "declared",
        _number(0, supply.MOST_UNITS),
    ),
    "offer.min": _field(
        N_("Type the smallest quantity of one order from this source, for example: <i>10</i>. Send - for no limit."),
        "min_quantity",
        _number(1, _MOST_QUANTITY),
    ),
    "offer.max": _field(
        N_("Type the largest quantity of one order from this source, for example: <i>100</i>. Send - for no limit."),
        "max_quantity",
        _number(1, _MOST_QUANTITY),
    ),
    "offer.land": _field(
        N_("Type the two letters of the country whose buyers may have it, for example: <i>TR</i>. Send - for all countries."),
        "region",
        lambda _desk, text: unicodedata.normalize("NFKC", text).strip().upper(),
    ),
    "offer.warr": _field(
        N_("Type for how many hours a code of this source may be complained about, for example: <i>72</i>. Send - for the product's."),
        "warranty_hours",
        _number(1, supply.MOST_WARRANTY_HOURS),
    ),
    "offer.from": _field(
        N_("Type the first day on which it sells, for example: <i>2027-01-31</i>. Send - to begin now."), "valid_from", _day(ends=False)
    ),
    "offer.until": _field(
        N_("Type the last day on which it sells, for example: <i>2027-01-31</i>. Send - for no end."), "valid_until", _day(ends=True)
    ),
    "offer.prio": _field(
        N_("Type how much it goes before others: the higher number is drawn first, 0 is usual. For example: <i>10</i>"),
        "priority",
        _number(0, _MOST_PRIORITY),
        optional=False,
    ),
    "offer.excl": _field(
        N_("Type until which day no other source is drawn while this one has stock, for example: <i>2027-01-31</i>. Send - for never."),
        "exclusive_until",
        _day(ends=True),
    ),
}


async def choose_other_class(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, view = desk.speech, await _offer(desk, callback_data.id)
    rows: list[Row] = [[do(say.label(word), "of-class", view.id, arg=one.value)] for one, word in CLASSES.items()]
    rows.append([go(say.label("‹ Back"), "offer", view.id), desk.home()])
    await desk.show(press, paragraphs(bold(view.supplier_name), say.say("What does the offer rest on?")), rows)


async def set_class(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """What it rests on, chosen anew."""
    if callback_data.arg not in {one.value for one in SourceClass}:
        raise Gone
    await desk.shop.write(supply.change_offer, offer_id=callback_data.id, source_class=SourceClass(callback_data.arg), by=desk.by)
    await show_offer(press, desk, callback_data.id)


# Pausing and withdrawing


async def approve(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A new offer of a supplier whose standing asks for a look."""
    if not await desk.shop.write(onboarding.approve_offer, offer_id=callback_data.id, by=desk.by):
        await press.answer(desk.speech.label("It did not wait for you any more."), show_alert=True)
    await show_offer(press, desk, callback_data.id)


async def offer_waits(note: Note) -> Said:
    """To the staff: a supplier has made an offer that sells when they have looked at it."""
    speech, view = note.speech, await note.shop.read(supply.offer_view, int(note.body["offer"]))
    if view is None or view.withdrawn_at is not None:
        return speech.say("An offer that waited for you is gone."), None
    _, name = await _name_of(note.shop, speech, view.sku_id)
    said = speech.say(
        "🏷 {supplier} offers {name} at {cost}. It sells when you have approved it.",
        supplier=bold(view.supplier_name),
        name=bold(name),
        cost=speech.price(view.cost_minor, view.cost_currency),
    )
    rows = [[do(speech.label("✅ Approve"), "of-ok", view.id, style="success"), go(speech.label("Open the offer"), "offer", view.id)]]
    return said, keyboard(rows)


async def pause(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.pause_offer, offer_id=callback_data.id, by=desk.by)
    await show_offer(press, desk, callback_data.id)


async def resume(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.resume_offer, offer_id=callback_data.id, by=desk.by)
    await show_offer(press, desk, callback_data.id)


async def before_withdrawing(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, view = desk.speech, await _offer(desk, callback_data.id)
    text = paragraphs(
        bold(view.supplier_name),
        say.many(
            "Withdraw this offer? {n} code on its shelf will not be sold any more.",
            "Withdraw this offer? {n} codes on its shelf will not be sold any more.",
            view.on_shelf,
        ),
    )
    rows = [[do(say.label("⏹ Withdraw"), "of-drop", view.id, style="danger")], [go(say.label("Cancel"), "offer", view.id)]]
    await desk.show(press, text, rows)


async def withdraw(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.withdraw_offer, offer_id=callback_data.id, by=desk.by)
    await show_offer(press, desk, callback_data.id)


# Quotas


def _quota_line(say: Speech, found: QuotaView) -> Safe:
    return say.say(
        "Quota {id}: {left} of {total} face value left, {off} off",
        id=found.id,
        left=say.price(found.left_minor, found.currency),
        total=say.price(found.face_total_minor, found.currency),
        off=say.percent(Decimal(found.discount_bp) / 10_000),
    )


async def choose_quota(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The supplier's quotas, for an offer to be put under one."""
    say, view = desk.speech, await _offer(desk, callback_data.id)
    found = [one for one in await desk.shop.read(supply.quotas, supplier_id=view.supplier_id) if not one.ended]
    rows: list[Row] = [[do(say.label("Quota {id}", id=one.id), "of-quota", view.id, arg=str(one.id))] for one in found[:PAGE]]
    rows.append([ask(say.label("➕ New quota"), "quota.new", view.supplier_id)])
    rows.append([go(say.label("‹ Back"), "offer", view.id), desk.home()])
    told = [_quota_line(say, one) for one in found[:PAGE]]
    none = say.say("This supplier has no quota contract yet.")
    await desk.show(press, paragraphs(bold(view.supplier_name), lines(*told) if told else none), rows)


async def put_under_quota(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Under the quota that is named; out of its quota when none is."""
    quota_id = whole_number(callback_data.arg) if callback_data.arg else None
    facts: Facts = {"quota_id": quota_id} if quota_id else {"clear": ("quota_id",)}
    await desk.shop.write(supply.change_offer, offer_id=callback_data.id, by=desk.by, **facts)
    await show_offer(press, desk, callback_data.id)


async def quotas(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Every quota, the newest first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(supply.quotas)
    shown = found[page * PAGE : (page + 1) * PAGE]
    rows: list[Row] = [[go(say.label("Quota {id}", id=one.id), "quota", one.id)] for one in shown]
    rows += [desk.pages("quotas", 0, page, more=len(found) > (page + 1) * PAGE), desk.back("supply")]
    told = [_quota_line(say, one) for one in shown]
    none = say.say("There are no quota contracts yet. You find them at the offers of a supplier.")
    await desk.show(press, paragraphs(bold(say.label("Quotas")), lines(*told) if told else none), rows)


async def quota(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_quota(press, desk, callback_data.id)


async def show_quota(event: Message | CallbackQuery, desk: Desk, quota_id: int) -> None:
    say, found = desk.speech, await desk.shop.read(supply.quota, quota_id)
    supplier = None if found is None else await desk.shop.read(supply.supplier, found.supplier_id)
    if found is None or supplier is None:
        raise Gone
    orders, units = await desk.shop.read(supply.drawn_by, quota_id)
    under = [view for view in await desk.shop.read(supply.offer_views, supplier_id=supplier.id) if view.quota and view.quota.id == quota_id]
    text = paragraphs(
        bold(supplier.name),
        lines(
            _quota_line(say, found),
            say.say(
                "Drawn: {drawn}, by {orders} orders with {units} units",
                drawn=say.price(found.drawn_minor, found.currency),
                orders=say.number(orders),
                units=say.number(units),
            ),
            say.say("Valid from: {when}", when=say.when(found.valid_from)) if found.valid_from else None,
            say.say("Valid until: {when}", when=say.when(found.valid_until)) if found.valid_until else None,
            say.say("It has ended: nothing is drawn any more.") if found.ended else None,
        ),
    )
    rows: list[Row] = []
    for view in under[:PAGE]:
        _, name = await _named(desk, view.sku_id)
        rows.append([go(name, "offer", view.id), do(say.label("Take out"), "of-quota", view.id)])
    ending = (
        do(say.label("Open again"), "qu-open", quota_id) if found.ended else do(say.label("End it"), "qu-end", quota_id, style="danger")
    )
    rows += [[ask(say.label("Face value in all"), "quota.total", quota_id), ending], desk.back("quotas")]
    await desk.show(event, text, rows)


async def _ask_quota(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the face value in all, its currency, and the discount, for example: <i>{example}</i>", example=NotAQuota.example
    )


async def _take_quota(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    minor, currency, off = quota_typed(text)
    made = await desk.shop.write(
        supply.new_quota, supplier_id=asked.id, currency=currency, face_total_minor=minor, discount_bp=off, by=desk.by
    )
    await show_quota(message, desk, made)


async def _ask_total(desk: Desk, asked: Asked) -> Safe:
    found = await desk.shop.read(supply.quota, asked.id)
    if found is None:
        raise Gone
    say = desk.speech
    return paragraphs(
        _quota_line(say, found),
        say.say("Type the face value in all, for example: <i>{example}</i>", example=decimal_text(found.face_total_minor, found.currency)),
    )


async def _take_total(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await desk.shop.read(supply.quota, asked.id)
    if found is None:
        raise Gone
    minor = parse_minor(text, found.currency)
    if not minor:
        raise NotPositive
    await desk.shop.write(supply.change_quota, quota_id=asked.id, face_total_minor=minor, by=desk.by)
    await show_quota(message, desk, asked.id)


QUESTIONS["quota.new"] = Question(_ask_quota, _take_quota, "quotas")
QUESTIONS["quota.total"] = Question(_ask_total, _take_total, "quota")


async def end_quota(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.change_quota, quota_id=callback_data.id, ended=True, by=desk.by)
    await show_quota(press, desk, callback_data.id)


async def open_quota(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.change_quota, quota_id=callback_data.id, ended=False, by=desk.by)
    await show_quota(press, desk, callback_data.id)


# Prices: how they were, what they must leave, and what is proposed


async def price_history(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    _, name = await _named(desk, callback_data.id)
    versions = await desk.shop.read(pricing.history, storefront_id=desk.storefront.id, sku_id=callback_data.id, limit=_VERSIONS)
    told = []
    for since, price in versions:
        facts = {"when": say.when(since), "price": say.price(price.retail_minor, price.currency)}
        if price.wholesale_minor is None:
            told.append(say.say("• {price} since {when}", **facts))
        else:
            wholesale = say.price(price.wholesale_minor, price.currency)
            told.append(say.say("• {price}, wholesale {wholesale}, since {when}", wholesale=wholesale, **facts))
    rows: list[Row] = [[go(say.label("‹ Back"), "offers", callback_data.id), desk.home()]]
    none = say.say("It has no price, so nobody can buy it yet.")
    await desk.show(press, paragraphs(bold(name), lines(*told) if told else none), rows)


async def rule(press: CallbackQuery, desk: Desk) -> None:
    await _show_rule(press, desk)


async def _show_rule(event: Message | CallbackQuery, desk: Desk) -> None:
    say, found = desk.speech, await desk.shop.read(supply.rule_of, desk.storefront.id)
    text = paragraphs(
        bold(say.label("Margins")),
        say.say(
            "When a cost leaves less than {margin} of a price, you are told, and another price is proposed.",
            margin=bold(say.percent(Decimal(found.least_margin_bp) / 10_000)),
        ),
        say.say("🛡 Nothing is sold below its cost: such an offer stops until its price or cost has changed.")
        if found.never_below_cost
        else say.say("What costs more than its price is sold all the same, and the shop pays the difference."),
    )
    switch = (
        do(say.label("Sell below cost, too"), "rule-loss", arg="0")
        if found.never_below_cost
        else do(say.label("🛡 Never sell below cost"), "rule-loss", arg="1")
    )
    await desk.show(event, text, [[ask(say.label("Smallest margin"), "rule.margin")], [switch], desk.back("reprices")])


async def never_below_cost(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.set_rule, storefront_id=desk.storefront.id, never_below_cost=callback_data.arg == "1", by=desk.by)
    await _show_rule(press, desk)


async def _ask_margin(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type how much of each price must be left above the cost, in per cent, for example: <i>2.5</i>")


async def _take_margin(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    margin = percent_typed(text, most=90)
    if margin is None:
        raise NotAMargin(text=text[:20])
    await desk.shop.write(supply.set_rule, storefront_id=desk.storefront.id, least_margin_bp=margin, by=desk.by)
    await _show_rule(message, desk)


QUESTIONS["rule.margin"] = Question(_ask_margin, _take_margin, "price-rule")


async def reprices(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_reprices(press, desk, callback_data.page)


async def _show_reprices(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    say = desk.speech
    found = await desk.shop.read(supply.repricings, storefront_id=desk.storefront.id, limit=PAGE, page=page)
    rows: list[Row] = []
    for one in found:
        _, name = await _named(desk, one.sku_id)
        change = f"{say.price(one.before.retail_minor, one.currency)} → {say.price(one.proposed.retail_minor, one.currency)}"
        rows.append([go(f"{clipped(name, 30)} · {change}", "reprice", one.id)])
    rows.append(desk.pages("reprices", 0, page, more=len(found) == PAGE))
    rows += [[go(say.label("What prices must leave"), "price-rule")], desk.back("supply")]
    text = say.say("Costs have left too little of these prices:") if found else say.say("No price needs you: every cost leaves enough.")
    await desk.show(event, paragraphs(bold(say.label("Proposed prices")), text), rows)


async def one_reprice(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_reprice(press, desk, callback_data.id)


async def _reprice(shop: Shop, repricing_id: int) -> RepricingView:
    found = await shop.read(supply.repricing, repricing_id)
    if found is None:
        raise Gone
    return found


async def _show_reprice(event: Message | CallbackQuery, desk: Desk, repricing_id: int) -> None:
    found = await _reprice(desk.shop, repricing_id)
    if found.storefront_id != desk.storefront.id:
        raise Gone
    text, rows = await _drawn(found, desk.speech, desk.shop)
    await desk.show(event, text, [*rows, desk.back("reprices")])


async def alerted(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """The card that the staff are sent: as it stands when it is sent, with what may be decided."""
    text, rows = await _drawn(await _reprice(shop, int(body["repricing"])), speech, shop)
    return text, keyboard(rows)


async def _drawn(found: RepricingView, say: Speech, shop: Shop) -> tuple[Safe, list[Row]]:
    _, name = await _name_of(shop, say, found.sku_id)
    view = await shop.read(supply.offer_view, found.offer_id)
    margin = say.percent(Decimal(found.margin_bp) / 10_000)
    text = paragraphs(
        say.say("📉 {name} costs more now.", name=bold(name)),
        lines(
            say.say("Source: {name}", name=view.supplier_name) if view else None,
            say.say(
                "Cost: {old} → {new}",
                old=say.price(found.old_cost_minor, found.old_cost_currency),
                new=bold(say.price(found.cost_minor, found.cost_currency)),
            ),
            say.say(
                "That leaves {margin} of the lowest price; you want {least}.",
                margin=margin,
                least=say.percent(Decimal(found.least_margin_bp) / 10_000),
            ),
        ),
        lines(*_side_by_side(say, found.before, found.proposed, found.currency)),
        _outcome(say, found.outcome) if found.outcome else None,
    )
    if found.outcome is not None:
        return text, []
    return text, [
        [
            do(
                say.label("✅ Take {price}", price=say.price(found.proposed.retail_minor, found.currency)),
                "rp-take",
                found.id,
                style="success",
            )
        ],
        [ask(say.label("✏️ Other price"), "rp.other", found.id), do(say.label("Leave it"), "rp-skip", found.id)],
    ]


def _side_by_side(say: Speech, before: Prices, after: Prices, currency: str) -> list[Safe]:
    told = [
        say.say("Price: {old} → {new}", old=say.price(before.retail_minor, currency), new=bold(say.price(after.retail_minor, currency)))
    ]
    if before.wholesale_minor is not None and after.wholesale_minor is not None:
        old, new = say.price(before.wholesale_minor, currency), say.price(after.wholesale_minor, currency)
        told.append(say.say("Wholesale: {old} → {new}", old=old, new=new))
    for quantity, unit in sorted(before.tiers.items()):
        facts = {"n": say.number(quantity), "old": say.price(unit, currency)}
        if quantity in after.tiers:
            told.append(say.say("From {n} on: {old} → {new}", new=say.price(after.tiers[quantity], currency), **facts))
        else:
            told.append(say.say("From {n} on: {old} → no price of its own", **facts))
    return told


def _outcome(say: Speech, outcome: Outcome) -> Safe:
    said = {
        Outcome.TAKEN: say.say("✅ The proposed price was taken."),
        Outcome.OTHER: say.say("✅ Another price was set."),
        Outcome.IGNORED: say.say("The price was left as it is."),
        Outcome.FOLLOWED: say.say("The cost has changed again since, so this is out of date."),
        Outcome.MOVED: say.say("The price had been changed already, so nothing was set."),
    }
    return said[outcome]


async def _decide(desk: Desk, repricing_id: int, *, take: bool, other_minor: int | None = None) -> supply.Decided:
    return await desk.shop.write(
        supply.decide_price,
        repricing_id=repricing_id,
        storefront_id=desk.storefront.id,
        by=desk.by,
        take=take,
        other_minor=other_minor,
    )


async def take_price(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _decided(press, desk, callback_data.id, await _decide(desk, callback_data.id, take=True))


async def ignore_price(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _decided(press, desk, callback_data.id, await _decide(desk, callback_data.id, take=False))


async def _decided(press: CallbackQuery, desk: Desk, repricing_id: int, decided: supply.Decided) -> None:
    if not decided.first:
        await press.answer(desk.speech.label("This was decided before. Nothing was changed."), show_alert=True)
    await _show_reprice(press, desk, repricing_id)


async def _ask_other(desk: Desk, asked: Asked) -> Safe:
    say, found = desk.speech, await _reprice(desk.shop, asked.id)
    return say.say(
        "Now {price}, and one costs {cost}. Type the new price, for example: <i>{example}</i>",
        price=say.price(found.before.retail_minor, found.currency),
        cost=say.price(found.worth_minor, found.currency),
        example=decimal_text(found.proposed.retail_minor, found.currency),
    )


async def _take_other(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await _reprice(desk.shop, asked.id)
    minor = parse_minor(text, found.currency)
    if not minor:
        raise NotPositive
    await _decide(desk, asked.id, take=True, other_minor=minor)
    await _show_reprice(message, desk, asked.id)


QUESTIONS["rp.other"] = Question(_ask_other, _take_other, "reprice")
