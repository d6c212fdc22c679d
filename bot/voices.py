"""Which bot speaks for which storefront: the shop's own, and those of resellers that are running in this process."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType, RequestMiddlewareType
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InlineKeyboardMarkup

from bot.pace import Pace


@dataclass(frozen=True, slots=True)
class Voice:
    """A bot with what Telegram calls it, and how fast it may speak."""

    bot: Bot
    username: str
    pace: Pace


@dataclass
class Voices:
    """The shop's own bot, and the bots of resellers by their storefronts."""

    house: Voice
    house_id: int
    branded: dict[int, Voice] = field(default_factory=dict)
    styles: dict[int, str] = field(default_factory=dict)  # of the bots whose buttons have one, by their Telegram ids
    # Told when Telegram does not know a bot's token any more: the storefront's id, and the bot that had it.
    refused: Callable[[int, Bot], None] = lambda _storefront_id, _bot: None

    def of(self, storefront_id: int) -> Voice | None:
        """Who speaks to the customers of a storefront; None while its bot is not running here."""
        return self.house if storefront_id == self.house_id else self.branded.get(storefront_id)

    async def fetch(self, storefront_id: int, file_id: str) -> bytes | None:
        """A file that one bot was given, for another: each knows only its own. None when that bot is not running, or it is too large."""
        voice = self.of(storefront_id)
        if voice is None:
            return None
        file = await voice.bot.get_file(file_id)
        if file.file_path is None:
            return None
        sink = io.BytesIO()
        await voice.bot.download_file(file.file_path, destination=sink, timeout=60)
        return sink.getvalue()


def themed(styles: Mapping[int, str]) -> RequestMiddlewareType:
    """A session middleware: the buttons of a reseller's bot that stand alone in their row have its style, unless they have their own."""

    async def dress(make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]) -> Any:
        style = styles.get(bot.id)
        keyboard = getattr(method, "reply_markup", None)
        if style is not None and isinstance(keyboard, InlineKeyboardMarkup):
            rows = [
                [row[0].model_copy(update={"style": style})] if len(row) == 1 and row[0].style is None and row[0].callback_data else row
                for row in keyboard.inline_keyboard
            ]
            method = method.model_copy(update={"reply_markup": InlineKeyboardMarkup(inline_keyboard=rows)})
        return await make_request(bot, method)

    return dress
