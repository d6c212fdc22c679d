"""Inline mode: `@shop steam` in any chat shares a product card that leads back here."""

from __future__ import annotations

from aiogram import Bot, Router
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
)

from core import showcase
from core.database import Shop
from core.showcase import ProductCard
from core.storefronts import Storefront
from handlers.browse import FEW_PRODUCTS
from handlers.pieces import LABEL, bold, clipped, paragraphs, plain, product_name
from locales import Speech
from locales.initials import folded

PAGE = 20
CACHE_SECONDS = 10  # prices and stock move


async def asked(query: InlineQuery, bot: Bot, shop: Shop, storefront: Storefront, speech: Speech) -> None:
    """A page of products that match; without words, those of a small shop."""
    offset = int(query.offset) if query.offset.isascii() and query.offset.isdigit() and len(query.offset) < 7 else 0
    words = folded(query.query[:100])
    # What is found may be sent to anybody, so it names what everybody pays, also when a reseller asks.
    if words:
        found = await shop.read(showcase.search, storefront_id=storefront.id, folded=words, offset=offset, limit=PAGE + 1)
    else:
        found = (await shop.read(showcase.front, storefront_id=storefront.id, few=FEW_PRODUCTS)).products[: PAGE + 1]
    me = await bot.me()
    await query.answer(
        results=[card_of(card, speech, me.username or "") for card in found[:PAGE]],
        next_offset=str(offset + PAGE) if len(found) > PAGE else "",
        cache_time=CACHE_SECONDS,
        is_personal=True,  # Names and prices are in the asker's language.
        button=InlineQueryResultsButton(text=clipped(speech.label("🛍 To the shop"), LABEL), start_parameter="shop"),
    )


def card_of(card: ProductCard, speech: Speech, bot_username: str) -> InlineQueryResultArticle:
    """A product as a message that anybody can send; its button opens the product here."""
    name = product_name(card.product, speech)
    if card.sold_out:
        price = speech.label("sold out")
    else:
        price = speech.label("from {price}", price=speech.price(card.from_minor, card.denominations[0].price.currency))
    description = card.product.description_in(speech.language).strip()
    link = f"https://t.me/{bot_username}?start=p-{card.product.id}"
    return InlineQueryResultArticle(
        id=f"p{card.product.id}",
        title=clipped(name, 100),
        description=clipped(" · ".join(part for part in (price, description) if part), 150),
        input_message_content=InputTextMessageContent(
            message_text=paragraphs(bold(clipped(name, 200)), plain(description, 600) if description else None, price),
            parse_mode="HTML",
        ),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=speech.label("🛒 Open in the shop"), url=link)]]),
    )


def router() -> Router:
    """Inline queries; they come from any chat."""
    router = Router(name="inline")
    router.inline_query.register(asked)
    return router
