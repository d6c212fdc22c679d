"""The first word: /start greets, shows the shop, and follows a link to a product, a category or one denomination."""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import IS_MEMBER, IS_NOT_MEMBER, ChatMemberUpdatedFilter, CommandObject, CommandStart
from aiogram.types import BufferedInputFile, ChatMemberUpdated, Message

from core import brands, catalog, outbox, people, showcase
from core.catalog import Gone
from core.database import Shop
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from handlers import browse, buy, commands
from handlers.browse import Drawn
from handlers.callbacks import LARGEST_ID, Way
from handlers.conversation import conversation
from handlers.pieces import bold, paragraphs, plain
from locales import Safe, Speech

log = structlog.get_logger()

_LINK = re.compile(r"(sku|p|c|own)-([A-Za-z0-9_-]{1,64})", re.ASCII)


async def start(
    message: Message,
    command: CommandObject,
    bot: Bot,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """Greet, hand over what could not be delivered while the bot was blocked, and open what the link names."""
    await shop.write(people.come_back, customer_id=customer.id)
    await shop.write(outbox.unpark, customer_id=customer.id)
    link = _LINK.fullmatch(command.args or "")
    greeting = _greeting(storefront, customer, speech)
    if storefront.house_id is not None:
        greeting = paragraphs(greeting, await _own_welcome(message, shop, storefront))
    if link is None or (link[1] == "own" and storefront.house_id is not None):
        drawn = await browse.top(shop, storefront, speech, greeting, buyer=customer)
    elif link[1] == "own":
        drawn = await _own(link[2], bot, shop, storefront, customer, speech)
    else:
        drawn = await _linked(link[1], link[2], shop, storefront, customer, speech, methods)
    text, markup = drawn
    await message.answer(text, reply_markup=markup)


def _greeting(storefront: Storefront, customer: Customer, speech: Speech) -> Safe:
    name = bold(customer.name.split(" ")[0][:60])
    return speech.say("👋 Hello {name}, welcome to {shop}!", name=name, shop=bold(storefront.name))


async def _own_welcome(message: Message, shop: Shop, storefront: Storefront) -> Safe | None:
    """What the owner of a reseller's storefront says to everybody; its banner goes before it."""
    brand = await shop.read(brands.brand_of, storefront.id)
    if brand is None:
        return None
    picture = await shop.read(brands.banner, brand.id) if brand.has_banner else None
    if picture is not None:
        content, known = picture
        try:
            sent = await message.answer_photo(known or BufferedInputFile(content, "banner.jpg"))
        except TelegramAPIError as trouble:  # Nobody is kept from the shop by its sign.
            log.warning("banner-not-sent", brand=brand.id, error=type(trouble).__name__)
        else:
            if known is None and sent.photo:
                await shop.write(brands.banner_sent, brand_id=brand.id, picture=content, banner_id=sent.photo[-1].file_id)
    return None if brand.welcome is None else plain(brand.welcome, 500)


async def _own(word: str, bot: Bot, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> Drawn:
    claimed = await shop.write(people.claim_ownership, storefront_id=storefront.id, word=word, telegram_id=customer.telegram_id)
    if not claimed:
        said = speech.say("This link has been used already, or has been replaced by a newer one.")
        return await browse.top(shop, storefront, speech, said, buyer=customer)
    await commands.set_commands_of_chat(bot, customer.telegram_id, speech, staff=True)
    said = speech.say("🔑 {shop} is yours now. /admin opens the back office.", shop=bold(storefront.name))
    return await browse.top(shop, storefront, speech, said, buyer=customer)


async def _linked(
    kind: str,
    what: str,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> Drawn:
    """The screen a link names; the top of the shop, saying so, when that is gone or never was."""
    number = int(what) if what.isascii() and what.isdigit() and int(what) <= LARGEST_ID else None
    try:
        if kind == "sku":
            named = await shop.read(catalog.sku_by_slug, what)
            sku_id = named.id if named else number
            if sku_id is not None:
                # Gone is raised here, so that a dead link ends at the top of the shop.
                await shop.read(showcase.denomination, storefront_id=storefront.id, sku_id=sku_id)
                return await buy.screen(shop, storefront, customer, speech, methods, buy.Chosen(sku_id, 0))
        elif number is not None:
            if kind == "p":
                return await browse.product(shop, storefront, speech, number, Way.CATEGORY, buyer=customer)
            return await browse.category(shop, storefront, speech, number, buyer=customer)
    except Gone:
        pass
    said = speech.say("What this link leads to is no longer in the shop. Here is what there is:")
    welcome = paragraphs(_greeting(storefront, customer, speech), said)
    return await browse.top(shop, storefront, speech, welcome, buyer=customer)


async def let_in(event: ChatMemberUpdated, shop: Shop, customer: Customer) -> None:
    """The customer may be written to again."""
    await shop.write(people.come_back, customer_id=customer.id)
    await shop.write(outbox.unpark, customer_id=customer.id)


async def shut_out(event: ChatMemberUpdated, shop: Shop, customer: Customer) -> None:
    """The customer has blocked the bot."""
    await shop.write(people.block, customer_id=customer.id)


def router() -> Router:
    """/start, and the news that a person blocked the bot or let it in again."""
    router = conversation("start")
    router.message.register(start, CommandStart())
    router.my_chat_member.register(shut_out, F.chat.type == "private", ChatMemberUpdatedFilter(IS_MEMBER >> IS_NOT_MEMBER))
    router.my_chat_member.register(let_in, F.chat.type == "private", ChatMemberUpdatedFilter(IS_NOT_MEMBER >> IS_MEMBER))
    return router
