"""Coupons made step by step, switched on and off, and looked at; and the lower prices of larger quantities."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, coupons, pricing
from core.catalog import Gone
from core.coupons import Coupon, Standing, WordTaken
from core.database import utc_now
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from core.pricing import Tier
from handlers.admin.catalogue import show_sku
from handlers.admin.desk import (
    NOTHING,
    PAGE,
    QUESTIONS,
    Asked,
    Desk,
    Do,
    Go,
    NotFound,
    NotPositive,
    Question,
    ask,
    do,
    go,
    number_between,
)
from handlers.pieces import Row, bold, full_name, lines, paragraphs, titled
from locales import Safe, Speech
from locales.initials import folded

_MOST_USES = 1_000_000
_LARGEST_PERCENT = 99
_STANDS = {
    Standing.DRAFT: ("✏️", N_("A draft: nobody can use it before you switch it on.")),
    Standing.WAITS: ("⏳", N_("It waits for its first day.")),
    Standing.ON: ("✅", N_("It is on.")),
    Standing.USED_UP: ("🏁", N_("It is used up.")),
    Standing.EXPIRED: ("⌛", N_("It has expired.")),
    Standing.OFF: ("⏹", N_("It is off.")),
}


@dataclass(eq=False)
class NotAValue(Refusal):
    says: ClassVar[str] = N_("“{text}” is neither an amount nor a percentage up to {most}%. Please type something such as {amount} or 10%.")

    text: str
    amount: str
    most: int


@dataclass(eq=False)
class NotADay(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a day. Please type one such as {day}, or with the time such as {day} 18:00.")

    text: str
    day: str


@dataclass(eq=False)
class NotTiers(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a list of quantities and prices. Please type something such as {example}")

    text: str
    example: str


def router() -> Router:
    made = Router(name="admin-coupons")
    made.callback_query.register(listed, Go.filter(F.to == "coupons"))
    made.callback_query.register(looked_at, Go.filter(F.to == "coupon"))
    made.callback_query.register(scope, Go.filter(F.to == "coupon-for"))
    made.callback_query.register(switch_on, Do.filter(F.act == "coupon-on"))
    made.callback_query.register(switch_off, Do.filter(F.act == "coupon-off"))
    made.callback_query.register(discard, Do.filter(F.act == "coupon-drop"))
    made.callback_query.register(set_term, Do.filter(F.act == "coupon-set"))
    return made


# Looking


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_list(press, desk, callback_data.page)


async def show_list(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    """The coupons, a button for each with what it is worth and how often it was used."""
    say = desk.speech
    found = await desk.shop.read(coupons.coupons, storefront_id=desk.storefront.id, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[ask(say.label("🎟 New coupon"), "coupon.word", style="primary")]]
    for coupon in found[:PAGE]:
        facts = [f"{_STANDS[coupon.standing(utc_now())][0]} {coupon.word}", worth(say, coupon), _uses(say, coupon)]
        rows.append([go(" · ".join(facts), "coupon", coupon.id)])
    rows += [desk.pages("coupons", 0, page, more=len(found) > PAGE), [desk.home()]]
    text = paragraphs(
        bold(say.label("Coupons")),
        say.say("A buyer types the word of a coupon on the buy screen and pays less."),
        None if found else say.say("There are none yet."),
    )
    await desk.show(event, text, rows)


def worth(say: Speech, coupon: Coupon) -> str:
    """What it takes off, for a button or a line."""
    if coupon.amount_minor:
        return f"−{say.price(coupon.amount_minor, coupon.currency)}"
    return f"−{say.percent(Decimal(coupon.basis_points) / 10_000)}"


def _uses(say: Speech, coupon: Coupon) -> str:
    n = say.number(coupon.used)
    return n if coupon.limit_total is None else f"{n} / {say.number(coupon.limit_total)}"


async def _mine(desk: Desk, coupon_id: int) -> Coupon:
    found = await desk.shop.read(coupons.coupon, coupon_id, storefront_id=desk.storefront.id)
    if found is None:
        raise Gone
    return found


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_coupon(press, desk, callback_data.id)


async def show_coupon(event: Message | CallbackQuery, desk: Desk, coupon_id: int) -> None:
    """A draft with all that can be set, or a coupon with the figures of its use."""
    say, coupon = desk.speech, await _mine(desk, coupon_id)
    standing = coupon.standing(utc_now())
    mark, state = _STANDS[standing]
    said = [bold(f"{mark} {coupon.word}"), say.say(state), await _terms(desk, coupon)]
    if standing is Standing.DRAFT:
        rows = _draft_rows(say, coupon)
    else:
        said.append(await _figures(desk, coupon))
        rows = [] if standing is Standing.OFF else [[do(say.label("⏹ Switch it off"), "coupon-off", coupon.id, style="danger")]]
    rows.append([go(say.label("‹ Back"), "coupons"), desk.home()])
    await desk.show(event, paragraphs(*said), rows)


async def _terms(desk: Desk, coupon: Coupon) -> Safe:
    say, currency = desk.speech, coupon.currency
    return lines(
        say.say("Takes off: {worth}", worth=worth(say, coupon)),
        say.say("At most: {amount}", amount=say.price(coupon.cap_minor, currency)) if coupon.cap_minor is not None else None,
        say.say("For: {what}", what=await _for_what(desk, coupon)),
        say.say("From a purchase of: {amount}", amount=say.price(coupon.minimum_minor, currency)) if coupon.minimum_minor else None,
        say.say("For a first order only.") if coupon.first_order_only else None,
        say.say("Uses in all: {n}", n=say.number(coupon.limit_total))
        if coupon.limit_total is not None
        else say.say("Uses in all: no limit"),
        say.say("Uses of each buyer: {n}", n=say.number(coupon.limit_per_buyer))
        if coupon.limit_per_buyer is not None
        else say.say("Uses of each buyer: no limit"),
        say.say("Begins: {when}", when=say.when(coupon.starts_at)) if coupon.starts_at else None,
        say.say("Ends: {when}", when=say.when(coupon.expires_at)) if coupon.expires_at else say.say("Ends: never"),
        say.say("After a whole refund it can be used again.") if coupon.back_on_refund else None,
    )


async def _for_what(desk: Desk, coupon: Coupon) -> str:
    say = desk.speech
    if coupon.sku_id is not None:
        sku = await desk.shop.read(catalog.sku, coupon.sku_id)
        product = None if sku is None else await desk.shop.read(catalog.product, sku.product_id)
        if sku is not None and product is not None:
            return full_name(product, sku, say)
    if coupon.product_id is not None:
        product = await desk.shop.read(catalog.product, coupon.product_id)
        if product is not None:
            return product.name
    return say.label("everything")


async def _figures(desk: Desk, coupon: Coupon) -> Safe:
    say, used = desk.speech, await desk.shop.read(coupons.used, coupon.id)
    return lines(
        say.many("Used by {n} order", "Used by {n} orders", used.orders),
        say.many("Of {n} buyer", "Of {n} buyers", used.buyers),
        say.say("Taken off in all: {amount}", amount=say.price(used.discount_minor, coupon.currency)),
        say.many("Given back by {n} order that was not paid", "Given back by {n} orders that were not paid", used.released)
        if used.released
        else None,
    )


def _draft_rows(say: Speech, coupon: Coupon) -> list[Row]:
    first = say.label("☑️ First order only") if coupon.first_order_only else say.label("⬜ First order only")
    back = say.label("☑️ Again after a refund") if coupon.back_on_refund else say.label("⬜ Again after a refund")
    rows: list[Row] = [
        [ask(say.label("For which goods"), "coupon.for", coupon.id), ask(say.label("Smallest purchase"), "coupon.min", coupon.id)],
        [ask(say.label("Uses in all"), "coupon.total", coupon.id), ask(say.label("Uses of each buyer"), "coupon.each", coupon.id)],
        [ask(say.label("First day"), "coupon.starts", coupon.id), ask(say.label("Last day"), "coupon.ends", coupon.id)],
        [
            do(first, "coupon-set", coupon.id, arg=f"first.{0 if coupon.first_order_only else 1}"),
            do(back, "coupon-set", coupon.id, arg=f"back.{0 if coupon.back_on_refund else 1}"),
        ],
    ]
    if coupon.basis_points:
        rows.append([ask(say.label("At most"), "coupon.cap", coupon.id)])
    rows.append([do(say.label("✅ Switch it on"), "coupon-on", coupon.id, style="success")])
    rows.append([do(say.label("🗑 Throw it away"), "coupon-drop", coupon.id)])
    return rows


async def scope(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """A product that was found: the coupon is for all of it, or for one of its denominations."""
    say, coupon = desk.speech, await _mine(desk, callback_data.id)
    number = callback_data.arg
    product = await desk.shop.read(catalog.product, int(number)) if number.isascii() and number.isdigit() and len(number) <= 18 else None
    if product is None:
        raise Gone
    skus = await desk.shop.read(catalog.skus_of, [product.id], hidden_too=True)
    page = callback_data.page
    rows: list[Row] = [[do(say.label("All of it"), "coupon-set", coupon.id, arg=f"product.{product.id}", style="primary")]]
    rows += [[do(sku.name, "coupon-set", coupon.id, arg=f"sku.{sku.id}")] for sku in skus[page * PAGE : (page + 1) * PAGE]]
    rows.append(desk.pages("coupon-for", coupon.id, page, more=len(skus) > (page + 1) * PAGE, arg=number))
    rows.append(desk.back("coupon", coupon.id))
    await desk.show(press, say.say("Which of “{name}” is the coupon for?", name=product.name), rows)


# Changing


async def switch_on(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(coupons.switch_on, callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_coupon(press, desk, callback_data.id)


async def switch_off(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(coupons.switch_off, callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_coupon(press, desk, callback_data.id)


async def discard(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(coupons.discard, callback_data.id, storefront_id=desk.storefront.id)
    await show_list(press, desk)


async def set_term(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """What is set by a press: switches, and what the coupon is for."""
    what, _, number = callback_data.arg.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise Gone
    n = int(number)
    if what == "first":
        terms: dict[str, Any] = {"first_order_only": n == 1}
    elif what == "back":
        terms = {"back_on_refund": n == 1}
    elif what == "product" and await desk.shop.read(catalog.product, n) is not None:
        terms = {"product_id": n, "sku_id": None}
    elif what == "sku" and await desk.shop.read(catalog.sku, n) is not None:
        terms = {"product_id": None, "sku_id": n}
    else:
        raise Gone
    await desk.shop.write(coupons.change, callback_data.id, storefront_id=desk.storefront.id, terms=terms)
    await show_coupon(press, desk, callback_data.id)


# What is typed


async def _ask_word(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the word that buyers will type, for example: <i>SPRING10</i>. Capitals and letters that look alike make no difference."
    )


async def _take_word(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    taken = await desk.shop.read(coupons.is_free, storefront_id=desk.storefront.id, word=text)
    if taken is not None:
        raise WordTaken(word=text[:24], other=taken.word)
    if not coupons.folded(text):
        raise coupons.NotACouponWord(least=coupons.LEAST, most=coupons.MOST)
    await desk.ask(message, "coupon.value", arg=text)


async def _ask_value(desk: Desk, asked: Asked) -> Safe:
    currency = desk.storefront.currency
    return desk.speech.say(
        "Type what “{word}” takes off: an amount in {currency}, for example <i>{amount}</i>, or a percentage, for example <i>10%</i>.",
        word=asked.arg,
        currency=currency,
        amount=decimal_text(500, currency),
    )


async def _take_value(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    currency = desk.storefront.currency
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").replace(",", ".")
    percent = re.fullmatch(r"(\d{1,2}(?:\.\d{1,2})?)%", plain, re.ASCII)
    amount = points = 0
    if percent is not None:
        points = int(Decimal(percent[1]) * 100)
    elif "%" not in plain:
        amount = parse_minor(text, currency)
    if not amount and not 0 < points <= _LARGEST_PERCENT * 100:
        raise NotAValue(text=text[:20], amount=decimal_text(500, currency), most=_LARGEST_PERCENT)
    made = await desk.shop.write(
        coupons.draft,
        storefront_id=desk.storefront.id,
        word=asked.arg,
        currency=currency,
        by=desk.by,
        amount_minor=amount,
        basis_points=points,
    )
    await show_coupon(message, desk, made.id)


async def _ask_for(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type a part of the name of the product, for example: <i>steam</i>. Send - for everything.")


async def _take_for(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    coupon = await _mine(desk, asked.id)
    if text == NOTHING:
        terms = {"product_id": None, "sku_id": None}
        await desk.shop.write(coupons.change, coupon.id, storefront_id=desk.storefront.id, terms=terms)
        await show_coupon(message, desk, coupon.id)
        return
    found = await desk.shop.read(catalog.search_products, folded(text), limit=PAGE)
    if not found:
        raise NotFound(text=text[:40])
    rows: list[Row] = [[go(titled(product.icon, product.name), "coupon-for", coupon.id, arg=str(product.id))] for product in found]
    rows.append(desk.back("coupon", coupon.id))
    await desk.show(message, desk.speech.say("Which of these is the coupon for?"), rows)


Read = Callable[[Desk, str], dict[str, Any]]


def _term(prompt: str, read: Read, **facts: Callable[[Desk], str]) -> Question:
    """A term of a draft that is typed."""

    async def says(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say(prompt, **{name: fact(desk) for name, fact in facts.items()})

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        await desk.shop.write(coupons.change, asked.id, storefront_id=desk.storefront.id, terms=read(desk, text))
        await show_coupon(message, desk, asked.id)

    return Question(says, take, "coupon")


def _amount(what: str, none: int | None) -> Read:
    def read(desk: Desk, text: str) -> dict[str, Any]:
        if text == NOTHING:
            return {what: none}
        minor = parse_minor(text, desk.storefront.currency)
        if not minor:
            raise NotPositive
        return {what: minor}

    return read


def _count(what: str) -> Read:
    return lambda _, text: {what: None if text == NOTHING else number_between(text, 1, _MOST_USES)}


def _day(what: str, *, ends: bool) -> Read:
    return lambda desk, text: {what: None if text == NOTHING else day_typed(text, desk.speech.timezone, ends=ends)}


def day_typed(text: str, timezone: str, *, ends: bool) -> datetime:
    """An instant typed as a day, or as a day and a time, in a time zone; a last day ends when it is over. Raises NotADay."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?:[ T]+(\d{1,2}):(\d{2}))?", plain, re.ASCII)
    try:
        if found is None:
            raise ValueError(plain)
        year, month, day, hour, minute = (int(part or 0) for part in found.groups())
        if not 2000 <= year < 3000:
            raise ValueError(plain)
        at = datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(timezone))
        # To its last instant, so that it is told as that day and not as the next.
        return at + timedelta(days=1, microseconds=-1) if ends and found[4] is None else at
    except (ValueError, OverflowError):
        example = utc_now().astimezone(ZoneInfo(timezone)) + timedelta(days=30)
        raise NotADay(text=text[:20], day=example.date().isoformat()) from None


def _some(minor: int) -> Callable[[Desk], str]:
    return lambda desk: decimal_text(minor, desk.storefront.currency)


def _in_a_month(desk: Desk) -> str:
    return (utc_now().astimezone(ZoneInfo(desk.speech.timezone)) + timedelta(days=30)).date().isoformat()


QUESTIONS |= {
    "coupon.word": Question(_ask_word, _take_word, "coupons"),
    "coupon.value": Question(_ask_value, _take_value, "coupons"),
    "coupon.for": Question(_ask_for, _take_for, "coupon"),
    "coupon.cap": _term(
        N_("Type what a percentage takes off at most, for example: <i>{amount}</i>. Send - for no such limit."),
        _amount("cap_minor", None),
        amount=_some(2000),
    ),
    "coupon.min": _term(
        N_("Type from which sum on it can be used, for example: <i>{amount}</i>. Send - for any sum."),
        _amount("minimum_minor", 0),
        amount=_some(10000),
    ),
    "coupon.total": _term(N_("Type how often it can be used in all, for example: <i>100</i>. Send - for no limit."), _count("limit_total")),
    "coupon.each": _term(
        N_("Type how often each buyer can use it, for example: <i>1</i>. Send - for no limit."), _count("limit_per_buyer")
    ),
    "coupon.starts": _term(
        N_("Type the first day, for example: <i>{day}</i>, or with the time: <i>{day} 18:00</i>. Send - to begin at once."),
        _day("starts_at", ends=False),
        day=_in_a_month,
    ),
    "coupon.ends": _term(
        N_("Type the last day, for example: <i>{day}</i>, or the time it ends: <i>{day} 18:00</i>. Send - for no end."),
        _day("expires_at", ends=True),
        day=_in_a_month,
    ),
}


# Lower prices of larger quantities

_PAIR = r"(\d{1,6})\s*[:=]\s*(\d{1,16}(?:\.\d{1,8})?)"


def tiers_typed(text: str, currency: str) -> list[Tier]:
    """Quantities and unit prices as "10: 94.00, 50: 92.50", on one line or several. Raises NotTiers, NotAnAmount or NotPositive."""
    plain = unicodedata.normalize("NFKC", text)
    if not re.fullmatch(rf"\s*{_PAIR}(?:[\s,;]+{_PAIR})*[\s,;]*", plain, re.ASCII):
        raise NotTiers(text=text[:40], example=_example(currency))
    tiers = [Tier(int(quantity), parse_minor(unit, currency)) for quantity, unit in re.findall(_PAIR, plain, re.ASCII)]
    if any(tier.from_quantity < 2 for tier in tiers):
        raise NotTiers(text=text[:40], example=_example(currency))
    if any(tier.unit_minor == 0 for tier in tiers):
        raise NotPositive
    return tiers


def _example(currency: str) -> str:
    return f"10: {decimal_text(9400, currency)}, 50: {decimal_text(9250, currency)}"


async def _ask_tiers(desk: Desk, asked: Asked) -> Safe:
    say, price = desk.speech, await _price(desk, asked.id)
    return paragraphs(
        lines(
            say.say("Now: {price}", price=say.price(price.retail_minor, price.currency)),
            *[
                say.say("From {n} on: {price} each", n=say.number(tier.from_quantity), price=say.price(tier.unit_minor, price.currency))
                for tier in price.tiers
            ],
        ),
        say.say(
            "Type from how many on one costs how much, for example: <i>{example}</i>. Send - to have one price for all.",
            example=_example(price.currency),
        ),
    )


async def _price(desk: Desk, sku_id: int) -> pricing.Price:
    price = (await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[sku_id])).get(sku_id)
    if price is None:
        raise Gone
    return price


async def _take_tiers(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    price = await _price(desk, asked.id)
    tiers = [] if text == NOTHING else tiers_typed(text, price.currency)
    await desk.shop.write(
        pricing.set_price,
        storefront_id=desk.storefront.id,
        sku_id=asked.id,
        retail_minor=price.retail_minor,
        wholesale_minor=price.wholesale_minor,
        currency=price.currency,
        tiers=tiers,
        by=desk.by,
    )
    await show_sku(message, desk, asked.id)


QUESTIONS["sku.tiers"] = Question(_ask_tiers, _take_tiers, "sku")
