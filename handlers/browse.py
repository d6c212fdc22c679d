"""Walking through the shop: categories of any depth, products, and their denominations with price and stock."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from core import insight, showcase
from core.catalog import CategoryView, Gone
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.showcase import Denomination, ProductCard
from core.storefronts import Storefront
from handlers import callbacks
from handlers.callbacks import Way
from handlers.conversation import conversation
from handlers.pieces import (
    Row,
    bold,
    button,
    category_name,
    clipped,
    denomination_label,
    disabled,
    face_value,
    full_name,
    keyboard,
    lines,
    paragraphs,
    plain,
    product_name,
    region_name,
    show,
    stock_said,
    titled,
)
from handlers.screen import refused
from locales import Safe, Speech

FEW_PRODUCTS = 10  # a shop with no more shows them at once, without its categories
SPREAD_PRODUCTS = 4  # a category with no more, and with few denominations, shows these at once
SPREAD_DENOMINATIONS = 12
SPREAD_AT_THE_TOP = 4  # the first screen stays light
MOST_DENOMINATIONS = 40  # of one product; a row of one that is sold out has two buttons, and Telegram takes 100
MOST_ENTRIES = 45  # categories or products on one screen, for the same reason

Drawn = tuple[Safe, InlineKeyboardMarkup]


async def top(shop: Shop, storefront: Storefront, speech: Speech, greeting: Safe | None = None, *, buyer: Customer | None = None) -> Drawn:
    """The first screen of the shop; here and below, a `buyer` reads what they themselves pay."""
    front = await shop.read(showcase.front, storefront_id=storefront.id, few=FEW_PRODUCTS, buyer=buyer)
    rows: list[Row] = []
    details: Safe | None = None
    if len(front.products) == 1 or 0 < sum(len(card.denominations) for card in front.products) <= SPREAD_AT_THE_TOP:
        details, rows = _spread(front.products, Way.TOP, speech)
    elif front.products:
        rows = [product_row(card, Way.TOP, speech) for card in front.products]
    else:
        rows = _in_pairs([button(category_name(c, speech), callbacks.Category(id=c.id)) for c in front.categories[:MOST_ENTRIES]])
    if front.products or front.categories:
        asks = speech.say("What would you like? Choose below, or type what you are looking for.")
    else:
        asks = speech.say("The shelves are empty at the moment. Please come back soon.")
    rows.append(
        [
            button(speech.label("🧾 My orders"), callbacks.Orders()),
            button(speech.label("👛 My balance"), callbacks.Balance()),
        ]
    )
    rows.append(
        [
            button(speech.label("🌐 Language"), callbacks.Languages()),
            button(speech.label("❓ Help"), callbacks.Help()),
        ]
    )
    return paragraphs(greeting, details, asks), keyboard(rows)


async def category(shop: Shop, storefront: Storefront, speech: Speech, category_id: int, *, buyer: Customer | None = None) -> Drawn:
    """A category: what is under it, its products, or at once their denominations when they are few. Raises Gone."""
    shelf = await shop.read(showcase.shelf, storefront_id=storefront.id, category_id=category_id, buyer=buyer)
    assert shelf.here is not None, "only the top has no category"
    rows = _in_pairs([button(category_name(c, speech), callbacks.Category(id=c.id)) for c in shelf.categories[:MOST_ENTRIES]])
    details: Safe | None = None
    if not shelf.categories and _spreads(shelf.products):
        details, spread = _spread(shelf.products, Way.SPREAD, speech)
        rows += spread
    else:
        room = max(0, MOST_ENTRIES - len(shelf.categories))
        rows += [product_row(card, Way.CATEGORY, speech) for card in shelf.products[:room]]
    if not rows:
        details = speech.say("Nothing here at the moment.")
    elif len(shelf.categories) + len(shelf.products) > MOST_ENTRIES:
        details = _more(speech)
    rows.append(_back_from_category(shelf.here, speech))
    return paragraphs(_trail(shelf.trail, speech), details), keyboard(rows)


async def product(shop: Shop, storefront: Storefront, speech: Speech, product_id: int, way: Way, *, buyer: Customer | None = None) -> Drawn:
    """A product with its denominations. Raises Gone."""
    page = await shop.read(showcase.product_page, storefront_id=storefront.id, product_id=product_id, buyer=buyer)
    card = page.card
    rows = [_denomination_row(card, found, way, speech, direct=False) for found in card.denominations[:MOST_DENOMINATIONS]]
    rows.append(back_from_product(card.product.category_id, way, speech))
    more = len(card.denominations) > MOST_DENOMINATIONS
    return paragraphs(_trail(page.trail, speech), _details(card, speech), _more(speech) if more else None), keyboard(rows)


def back_from_product(category_id: int, way: Way, speech: Speech) -> Row:
    """Where a buyer came from, and the top of the shop."""
    to_top = button(speech.label("🛍 To the shop"), callbacks.Home())
    if way is Way.TOP:
        return [button(speech.label("⬅️ Back"), callbacks.Home())]
    return [button(speech.label("⬅️ Back"), callbacks.Category(id=category_id)), to_top]


def _back_from_category(here: CategoryView, speech: Speech) -> Row:
    if here.parent_id is None:
        return [button(speech.label("⬅️ Back"), callbacks.Home())]
    return [
        button(speech.label("⬅️ Back"), callbacks.Category(id=here.parent_id)),
        button(speech.label("🛍 To the shop"), callbacks.Home()),
    ]


def _trail(trail: Sequence[CategoryView], speech: Speech) -> Safe:
    return bold(" › ".join(clipped(step.name_in(speech.language), 40) for step in trail[-4:]))


def _spreads(cards: Sequence[ProductCard]) -> bool:
    """Whether the denominations of these products stand well on one screen."""
    count = sum(len(card.denominations) for card in cards)
    return len(cards) == 1 or (0 < len(cards) <= SPREAD_PRODUCTS and count <= SPREAD_DENOMINATIONS)


def _spread(cards: Sequence[ProductCard], way: Way, speech: Speech) -> tuple[Safe, list[Row]]:
    alone = len(cards) == 1
    rows = [
        _denomination_row(card, found, way, speech, direct=True, alone=alone)
        for card in cards
        for found in card.denominations[:MOST_DENOMINATIONS]
    ]
    return (_details(cards[0], speech) if alone else paragraphs(*(_in_short(card, speech) for card in cards))), rows


def _in_short(card: ProductCard, speech: Speech) -> Safe:
    """Name, the beginning of the description, and where the codes are redeemed: for a screen that several products share."""
    description = card.product.description_in(speech.language).strip()
    regions = dict.fromkeys(found.sku.redeem_region for found in card.denominations if found.sku.redeem_region)
    return lines(
        bold(clipped(product_name(card.product, speech), 80)),
        plain(description, 150) if description else None,
        speech.say("To redeem in: {region}", region=speech.listing([region_name(region, speech) for region in list(regions)[:5]]))
        if regions
        else None,
    )


def _details(card: ProductCard, speech: Speech) -> Safe:
    """Name, description and a line for each denomination; further ones are on the buttons only."""
    description = card.product.description_in(speech.language).strip()
    return paragraphs(
        lines(bold(clipped(product_name(card.product, speech), 80)), plain(description, 600) if description else None),
        lines(*(_denomination_line(found, speech) for found in card.denominations[:15])),
    )


def _denomination_line(found: Denomination, speech: Speech) -> Safe:
    worth = face_value(found.sku, speech)
    region = found.sku.redeem_region
    return Safe(" · ").join(
        part
        for part in (
            Safe("▫️ ") + clipped(found.sku.name_in(speech.language), 60),
            speech.say("face value {worth}", worth=worth) if worth else None,
            region_name(region, speech) if region else None,
            speech.say("sold out") if found.sold_out else bold(speech.price(found.price.retail_minor, found.price.currency)),
            None if found.sold_out else stock_said(found.left, speech),
        )
        if part
    )


def _more(speech: Speech) -> Safe:
    return speech.say("Not everything fits on this screen. Type a name to find the rest.")


def _denomination_row(card: ProductCard, found: Denomination, way: Way, speech: Speech, *, direct: bool, alone: bool = False) -> Row:
    """One row: the way to buy it, or, sold out, a grey button with a bell beside it."""
    name = found.sku.name_in(speech.language)
    if not direct or alone:
        label = denomination_label(name, found, speech)
    else:
        # Several products share this screen. What tells their denominations apart comes first: a narrow phone cuts the end.
        whole = card.product.name_in(speech.language)
        named = name.casefold().startswith(whole.casefold())
        label = denomination_label(name, found, speech, icon=card.product.icon, product=None if named or found.sold_out else whole)
    if found.sold_out:
        return [disabled(label), button(speech.label("🔔 Tell me"), callbacks.Watch(id=found.sku.id))]
    return [button(label, callbacks.Sku(id=found.sku.id, way=way, direct=direct))]


def product_row(card: ProductCard, way: Way, speech: Speech) -> Row:
    """A product on a list; one with a single denomination leads straight to buying it."""
    name = product_name(card.product, speech)
    first = card.denominations[0]
    if len(card.denominations) == 1:
        label = denomination_label(titled(card.product.icon, full_name(card.product, first.sku, speech)), first, speech)
        if card.sold_out:
            return [disabled(label), button(speech.label("🔔 Tell me"), callbacks.Watch(id=first.sku.id))]
        return [button(label, callbacks.Sku(id=first.sku.id, way=way if way is Way.TOP else Way.SPREAD))]
    if card.sold_out:
        label = speech.label("{name} · sold out", name=name)
    else:
        price = speech.price(card.from_minor, first.price.currency)
        label = speech.label("{name} · from {price}", name=name, price=price)
    return [button(label, callbacks.Product(id=card.product.id, way=way))]


def _in_pairs(buttons: Row) -> list[Row]:
    """Two in a row when their labels are short, so that a long list stays on one screen."""
    if len(buttons) < 5 or any(len(one.text) > 18 for one in buttons):
        return [[one] for one in buttons]
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def lost(speech: Speech, refusal: Refusal) -> Drawn:
    """A screen for what is no longer there."""
    return refused(speech, refusal), keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home())]])


async def home_pressed(
    press: CallbackQuery, callback_data: callbacks.Home, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    await show(press, *await top(shop, storefront, speech, buyer=customer), fresh=callback_data.fresh)


async def category_pressed(
    press: CallbackQuery, callback_data: callbacks.Category, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    try:
        drawn = await category(shop, storefront, speech, callback_data.id, buyer=customer)
    except Gone as gone:
        drawn = lost(speech, gone)
    await show(press, *drawn)


async def product_pressed(
    press: CallbackQuery, callback_data: callbacks.Product, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    try:
        drawn = await product(shop, storefront, speech, callback_data.id, callback_data.way, buyer=customer)
    except Gone as gone:
        drawn = lost(speech, gone)
    else:
        insight.note_opened(storefront.id, customer.id, callback_data.id)
    await show(press, *drawn)


def router() -> Router:
    """The shelves and the products."""
    router = conversation("browse")
    router.callback_query.register(home_pressed, callbacks.Home.filter())
    router.callback_query.register(category_pressed, callbacks.Category.filter())
    router.callback_query.register(product_pressed, callbacks.Product.filter())
    return router
