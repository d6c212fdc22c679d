"""What is typed about categories, products and denominations: new ones, and each of their texts and limits."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from aiogram import Router
from aiogram.types import Message

from core import catalog
from core.catalog import MOST_IN_ORDER, Gone, ProductView, SkuView
from core.errors import N_, Refusal
from core.money import NotAnAmount, parse_minor
from handlers.admin.catalogue import SCREEN, show_category, show_product, show_shelf, show_sku, show_thing
from handlers.admin.desk import NOTHING, QUESTIONS, Asked, Desk, NotPositive, Question, number_between, short_enough
from handlers.pieces import paragraphs
from locales import Safe, languages, own_name
from locales.initials import folded, initials
from locales.searchable import search_text

NAME, LONG, MIDDLE = 100, 1500, 500  # characters: name and texts of a product fit one message together
MOST_QUANTITY = 100_000
MOST_HOURS = 24 * 90  # to return a sealed order
_SLUG = 48  # characters, so that `sku-` and a number still fit a deep link


@dataclass(eq=False)
class NotAnIcon(Refusal):
    says: ClassVar[str] = N_("“{text}” is not an emoji. Please send one, such as 🎮.")

    text: str


@dataclass(eq=False)
class NotAFaceValue(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a face value. Please type an amount and a currency of three letters, such as 50 USD.")

    text: str


@dataclass(eq=False)
class NotARegion(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a region. Please type two letters of a country, such as US or TR, or GLOBAL.")

    text: str


def router() -> Router:
    """Everything here is typed, so there is nothing to press."""
    return Router(name="admin-fields")


# Slugs and the search line


def slug_of(name: str) -> str:
    """A slug of a name: small Latin letters and digits, Chinese as pinyin; a random one where nothing is left of the name."""
    words = re.findall(r"\w+", folded(name))
    spelled = [initials(word).split()[-1] for word in words if initials(word)]
    latin = unicodedata.normalize("NFKD", "-".join(spelled)).encode("ascii", "ignore").decode()
    plain = re.sub(r"-+", "-", re.sub(r"[^a-z0-9-]", "", latin)).strip("-")
    return plain[:_SLUG].rstrip("-") or f"item-{secrets.token_hex(3)}"


def searched(product: ProductView, skus: list[SkuView]) -> str:
    """The product's search line as it must be now."""
    said = [str(text["name"]) for text in product.texts.values() if text.get("name")]
    denominations = [name for sku in skus for name in (sku.name, *sku.names.values())]
    return search_text(product.name, *said, *denominations, product.keywords)


async def index(desk: Desk, product_id: int) -> None:
    """Write the search line anew after a name or keyword has changed; it follows from them, so it is no action of its own."""
    found = await desk.shop.read(catalog.product, product_id)
    if found is not None:
        skus = await desk.shop.read(catalog.skus_of, [product_id], hidden_too=True)
        await desk.shop.write(catalog.change_product, product_id, search=searched(found, skus))


async def _index_of_sku(desk: Desk, sku_id: int) -> None:
    found = await desk.shop.read(catalog.sku, sku_id)
    if found is not None:
        await index(desk, found.product_id)


# New ones


async def _ask_category(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the name of the new category, for example: <i>Game cards</i>")


async def _add_category(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    name = short_enough(text, NAME)
    if asked.id and await desk.shop.read(catalog.category, asked.id) is None:
        raise Gone
    made = await desk.shop.write(
        catalog.add_category, slug=slug_of(name), name=name, parent_id=asked.id or None, number_slug=True, by=desk.by
    )
    await show_shelf(message, desk, made)


async def _ask_product(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the name of the new product, for example: <i>Steam gift card</i>")


async def _add_product(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    name = short_enough(text, NAME)
    if await desk.shop.read(catalog.category, asked.id) is None:
        raise Gone
    made = await desk.shop.write(
        catalog.add_product,
        category_id=asked.id,
        slug=slug_of(name),
        name=name,
        search=search_text(name),
        number_slug=True,
        by=desk.by,
    )
    await show_product(message, desk, made)


async def _ask_sku(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the name of the new denomination, for example: <i>Steam 50 CNY</i>")


async def _add_sku(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    name = short_enough(text, NAME)
    above = await desk.shop.read(catalog.product, asked.id)
    if above is None:
        raise Gone
    slug = slug_of(name if name.casefold().startswith(above.name.casefold()) else f"{above.name} {name}")
    made = await desk.shop.write(catalog.add_sku, product_id=asked.id, slug=slug, name=name, number_slug=True, by=desk.by)
    await index(desk, asked.id)
    # What has no price cannot be bought, so the price is the next question; Cancel leads to the denomination.
    await desk.ask(message, "sku.price", made)


QUESTIONS["category.add"] = Question(_ask_category, _add_category, "cat")
QUESTIONS["product.add"] = Question(_ask_product, _add_product, "cat")
QUESTIONS["sku.add"] = Question(_ask_sku, _add_sku, "prod")


# Texts, limits and the rest, one by one

Facts = dict[str, Any]
Read = Callable[[str], Facts]


def _text(what: str, most: int, *, optional: bool = True) -> Read:
    def read(text: str) -> Facts:
        return {what: "" if optional and text == NOTHING else short_enough(text, most)}

    return read


def _icon(text: str) -> Facts:
    if text == NOTHING:
        return {"icon": ""}
    if len(text) > 8 or any(letter.isalnum() and not letter.isdigit() for letter in text) or not any(ord(c) > 0x2000 for c in text):
        raise NotAnIcon(text=text[:20])
    return {"icon": text}


def _number(what: str, least: int, most: int) -> Read:
    return lambda text: {what: number_between(text, least, most)}


def _limit_per_buyer(text: str) -> Facts:
    return {"max_per_buyer": None if text == NOTHING else number_between(text, 1, MOST_QUANTITY)}


def _warranty(text: str) -> Facts:
    return {"warranty_hours": None if text == NOTHING else number_between(text, 1, MOST_HOURS)}


def _alert_level(text: str) -> Facts:
    return {"low_stock_at": 0 if text == NOTHING else number_between(text, 0, MOST_QUANTITY)}


def _face_value(text: str) -> Facts:
    if text == NOTHING:
        return {"clear": ("face_value",)}
    found = re.fullmatch(r"(?:(\S+)\s*?([A-Z]{3})|([A-Z]{3})\s*(\S+))", unicodedata.normalize("NFKC", text).upper(), re.ASCII)
    if found is None:
        raise NotAFaceValue(text=text[:40])
    currency = found[2] or found[3]
    try:
        minor = parse_minor(found[1] or found[4], currency)
    except NotAnAmount:
        raise NotAFaceValue(text=text[:40]) from None
    if not minor:
        raise NotPositive
    return {"face_value_minor": minor, "face_currency": currency}


def _region(text: str) -> Facts:
    if text == NOTHING:
        return {"clear": ("redeem_region",)}
    region = unicodedata.normalize("NFKC", text).upper()
    if not re.fullmatch(r"[A-Z]{2}|GLOBAL", region, re.ASCII):
        raise NotARegion(text=text[:40])
    return {"redeem_region": region}


def _field(what: Literal["category", "product", "sku"], prompt: str, read: Read, *, indexed: bool = False) -> Question:
    """A question about one fact of one thing, and the change that its answer is."""

    async def says(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say(prompt)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        facts = read(text)
        if what == "category":
            await desk.shop.write(catalog.change_category, asked.id, **facts, by=desk.by)
            await show_category(message, desk, asked.id)
        elif what == "product":
            await desk.shop.write(catalog.change_product, asked.id, **facts, by=desk.by)
            if indexed:
                await index(desk, asked.id)
            await show_product(message, desk, asked.id)
        else:
            await desk.shop.write(catalog.change_sku, asked.id, **facts, by=desk.by)
            if indexed:
                await _index_of_sku(desk, asked.id)
            await show_sku(message, desk, asked.id)

    return Question(says, take, SCREEN[what])


QUESTIONS |= {
    "category.name": _field(
        "category", N_("Type the new name of the category, for example: <i>Game cards</i>"), _text("name", NAME, optional=False)
    ),
    "category.icon": _field("category", N_("Send one emoji, for example 🎮, or - to have none."), _icon),
    "product.name": _field(
        "product",
        N_("Type the new name of the product, for example: <i>Steam gift card</i>"),
        _text("name", NAME, optional=False),
        indexed=True,
    ),
    "product.description": _field(
        "product",
        N_("Type the description that buyers read, for example: <i>Tops up a Steam wallet.</i> Send - to have none."),
        _text("description", LONG),
    ),
    "product.redeem": _field(
        "product",
        N_("Type how the code is redeemed, for example: <i>Open store.example/redeem and type the code.</i> Send - to have nothing."),
        _text("redeem", LONG),
    ),
    "product.icon": _field("product", N_("Send one emoji, for example 🎮, or - to have none."), _icon),
    "product.keywords": _field(
        "product",
        N_("Type words by which buyers may search, with blanks between, for example: <i>valve wallet</i>. Send - to have none."),
        _text("keywords", MIDDLE),
        indexed=True,
    ),
    "product.return": _field(
        "product",
        N_("Type within how many hours a sealed order may be returned unopened, for example: <i>24</i>. Send 0 for never."),
        _number("return_hours", 0, MOST_HOURS),
    ),
    "product.warranty": _field(
        "product",
        N_(
            "Type for how many hours after its delivery a code may be complained about, for example: <i>72</i>. "
            "Send - for as long as the shop's other products."
        ),
        _warranty,
    ),
    "sku.name": _field(
        "sku",
        N_("Type the new name of the denomination, for example: <i>Steam 50 CNY</i>"),
        _text("name", NAME, optional=False),
        indexed=True,
    ),
    "sku.face": _field(
        "sku", N_("Type what the card is worth where it is redeemed, for example: <i>50 USD</i>. Send - to say nothing."), _face_value
    ),
    "sku.region": _field(
        "sku",
        N_("Type where the code can be redeemed, for example: <i>US</i>, <i>TR</i> or <i>GLOBAL</i>. Send - to say nothing."),
        _region,
    ),
    "sku.min": _field(
        "sku", N_("Type the smallest quantity of one order, for example: <i>1</i>"), _number("min_quantity", 1, MOST_IN_ORDER)
    ),
    "sku.max": _field(
        "sku", N_("Type the largest quantity of one order, for example: <i>100</i>"), _number("max_quantity", 1, MOST_IN_ORDER)
    ),
    "sku.buyer": _field(
        "sku", N_("Type how many each buyer may have in all, for example: <i>5</i>. Send - for no limit."), _limit_per_buyer
    ),
    "sku.low": _field(
        "sku", N_("Type how many may be left when you are alerted, for example: <i>10</i>. Send - to switch the alert off."), _alert_level
    ),
}


# The same in other languages


def _translation(what: Literal["category", "product", "sku"], part: Literal["name", "description", "redeem"], prompt: str) -> Question:
    most = NAME if part == "name" else LONG

    async def says(desk: Desk, asked: Asked) -> Safe:
        if asked.arg not in languages():
            raise Gone
        return paragraphs(desk.speech.say(prompt, language=own_name(asked.arg)), desk.speech.say("Send - to show the first text instead."))

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        said = None if text == NOTHING else short_enough(text, most)
        await desk.shop.write(catalog.translate, what=what, id=asked.id, language=asked.arg, part=part, text=said, by=desk.by)
        if what == "product" and part == "name":
            await index(desk, asked.id)
        elif what == "sku":
            await _index_of_sku(desk, asked.id)
        await show_thing(message, desk, what, asked.id)

    return Question(says, take, SCREEN[what])


_NAME = N_("Type the name in this language: {language}")
QUESTIONS |= {
    "say.category.name": _translation("category", "name", _NAME),
    "say.product.name": _translation("product", "name", _NAME),
    "say.sku.name": _translation("sku", "name", _NAME),
    "say.product.description": _translation("product", "description", N_("Type the description in this language: {language}")),
    "say.product.redeem": _translation("product", "redeem", N_("Type how to redeem in this language: {language}")),
}
