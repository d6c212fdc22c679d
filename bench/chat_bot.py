"""The bot of the chat benchmark, in a process of its own: the shop as it runs, or a bare aiogram bot as the baseline."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, Message, PreCheckoutQuery

import core.schema  # noqa: F401 - all tables
from bot.pace import Rates
from bot.running import RunPlan, run
from core import storefronts
from core.database import KeyFile, Shop

# The sandbox has no limits, so that what is measured is the shop and not Telegram's patience.
UNHURRIED = Rates(everybody=1e6, everybody_burst=10_000, chat=1e6, chat_burst=1000)


async def the_shop(token: str, api: str, database: str, keys: str) -> None:
    """The shop on its database."""
    async with Shop.opened(database, KeyFile(Path(keys)).load(), holder="bench") as shop:
        storefront = await shop.read(storefronts.first)
        assert storefront is not None
        await run(RunPlan(token, api, shop, storefront, None, None, "127.0.0.1", 0, with_web=False, rates=UNHURRIED))


async def bare(token: str, api: str) -> None:
    """The least a bot can do: a keyboard for /start, and a new message for a press."""
    router = Router()
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Pay", callback_data="pay", style="success")]])

    @router.message(F.text)
    async def start(message: Message) -> None:
        await message.answer("Press.", reply_markup=keyboard)

    @router.callback_query()
    async def press(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.answer()
        await query.message.edit_text("Paid.")
        await query.message.answer("<tg-spoiler>code</tg-spoiler>")

    await _poll(token, api, router)


async def bare_till(token: str, api: str) -> None:
    """The least a bot can do for Stars: an invoice for any text, and every checkout is right."""
    router = Router()

    @router.message(F.text)
    async def invoice(message: Message) -> None:
        prices = [LabeledPrice(label="Card", amount=10)]
        await message.answer_invoice(title="Card", description="Card", payload="1", currency="XTR", prices=prices)

    @router.pre_checkout_query()
    async def checkout(query: PreCheckoutQuery) -> None:
        await query.answer(ok=True)

    await _poll(token, api, router)


async def _poll(token: str, api: str, router: Router) -> None:
    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(api)), default=DefaultBotProperties(parse_mode="HTML"))
    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    await dispatcher.start_polling(bot)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    bots: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"shop": the_shop, "bare": bare, "till": bare_till}
    asyncio.run(bots[what](*rest))
