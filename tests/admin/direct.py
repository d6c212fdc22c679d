"""A chat without a network: updates go straight into the dispatcher, and what the bot calls is written down."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters.callback_data import CallbackData
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage, TelegramMethod
from aiogram.types import CallbackQuery, Chat, Document, InlineKeyboardMarkup, Message, Update, User

from bot.dispatcher import make_dispatcher
from core import people
from core.database import Shop
from core.storefronts import Storefront
from handlers.admin.desk import Go
from tests.handlers.telegram_rules import checked, visible

_numbers = itertools.count(1)


class WrittenDown(BaseSession):
    """Says yes to everything, and keeps it; what Telegram would refuse fails the test."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []
        self.refuses: dict[str, str] = {}

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109
        self.calls.append(method)
        if method.__api_method__ in self.refuses:
            raise TelegramBadRequest(method, self.refuses[method.__api_method__])
        if isinstance(method, SendMessage | EditMessageText):
            visible(str(method.text))
            markup = method.reply_markup if isinstance(method.reply_markup, InlineKeyboardMarkup) else None
            checked(markup)
            chat = Chat(id=int(method.chat_id or 0), type="private")
            return Message(message_id=next(_numbers), date=datetime.now(UTC), chat=chat, text=method.text, reply_markup=markup).as_(bot)
        if isinstance(method, AnswerCallbackQuery):
            assert len(method.text or "") <= 200
        return True

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        raise AssertionError("nothing is downloaded here")
        yield b""

    async def close(self) -> None:
        return None


class Chatter:
    """One person who writes to the shop's bot and presses its buttons."""

    def __init__(self, shop: Shop, storefront: Storefront, telegram_id: int) -> None:
        self.session = WrittenDown()
        self.bot = Bot("42:AAnowhere", session=self.session, default=DefaultBotProperties(parse_mode="HTML"))
        self.dispatcher = make_dispatcher(shop, storefront, {})
        self.user = User(id=telegram_id, is_bot=False, first_name=f"Person {telegram_id}", language_code="en")
        self.chat = Chat(id=telegram_id, type="private")

    async def says(self, text: str) -> str:
        """Type a text; gives all that the bot said to it."""
        message = Message(message_id=next(_numbers), date=datetime.now(UTC), chat=self.chat, from_user=self.user, text=text)
        return await self._feeds(Update(update_id=next(_numbers), message=message))

    async def sends_document(self, name: str, size: int) -> str:
        """Send a file that is only said to be there."""
        document = Document(file_id="file", file_unique_id="unique", file_name=name, file_size=size)
        message = Message(message_id=next(_numbers), date=datetime.now(UTC), chat=self.chat, from_user=self.user, document=document)
        return await self._feeds(Update(update_id=next(_numbers), message=message))

    async def presses(self, data: CallbackData | str) -> str:
        """Press a button with this data; gives all that the bot said to it, also in an alert."""
        under = Message(message_id=next(_numbers), date=datetime.now(UTC), chat=self.chat, text="a screen")
        press = CallbackQuery(
            id=str(next(_numbers)),
            from_user=self.user,
            chat_instance="1",
            message=under,
            data=data if isinstance(data, str) else data.pack(),
        )
        return await self._feeds(Update(update_id=next(_numbers), callback_query=press))

    async def answers(self, key: str, id: int, text: str, arg: str = "") -> str:
        """Press the button of a question, and type the answer."""
        await self.presses(Go(to="ask", id=id, arg=f"{key}@{arg}" if arg else key))
        return await self.says(text)

    def keyboard(self) -> list[str]:
        """The data of every button of the newest screen."""
        for call in reversed(self.session.calls):
            markup = getattr(call, "reply_markup", None)
            if isinstance(markup, InlineKeyboardMarkup):
                return [b.callback_data for row in markup.inline_keyboard for b in row if b.callback_data]
        return []

    async def _feeds(self, update: Update) -> str:
        self.session.calls.clear()
        await self.dispatcher.feed_update(self.bot, update)
        said = "\n".join(str(getattr(call, "text", None) or "") for call in self.session.calls)
        assert "on our side" not in said, said
        return said.strip()


async def at_the_desk(shop: Shop, storefront: Storefront, telegram_id: int = 7001) -> Chatter:
    """A member of the staff who has pressed /start."""
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[telegram_id])
    chatter = Chatter(shop, storefront, telegram_id)
    await chatter.says("/admin")
    return chatter
