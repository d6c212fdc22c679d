"""A bot without a network: what it would send is checked as Telegram would and kept; updates are made by hand."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, cast

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.base import BaseSession
from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageReplyMarkup,
    EditMessageText,
    GetMe,
    SendDocument,
    SendInvoice,
    SendMessage,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import CallbackQuery, Chat, ErrorEvent, Message, TelegramObject, Update, User

from core.errors import Refusal
from tests.handlers.telegram_rules import checked, visible

numbers = itertools.count(1)
ME = User(id=7000000001, is_bot=True, first_name="Card Shop", username="card_shop_bot")


class Recorder(BaseSession):
    """Takes every call as if Telegram had; fails on what Telegram would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TelegramMethod[Any]] = []

    async def make_request(self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None) -> TelegramType:  # noqa: ASYNC109 - its signature
        self.calls.append(method)
        answer: Any = True
        if isinstance(method, SendMessage | EditMessageText):
            assert method.text is not None
            visible(method.text)
            checked(cast(Any, method.reply_markup))
        if isinstance(method, AnswerCallbackQuery):
            assert len(method.text or "") <= 200
        if isinstance(method, SendMessage | EditMessageText | SendDocument | SendInvoice | EditMessageReplyMarkup):
            answer = Message(message_id=next(numbers), date=datetime.now(UTC), chat=Chat(id=1, type="private"), text="sent")
        if isinstance(method, GetMe):
            answer = ME
        return cast(TelegramType, answer)

    async def close(self) -> None:
        """There is nothing to close."""

    async def stream_content(self, url: str, *rest: Any, **more: Any) -> AsyncGenerator[bytes, None]:
        raise AssertionError("nothing is downloaded here")
        yield b""

    def taken(self) -> list[TelegramMethod[Any]]:
        """The calls since the last time."""
        taken, self.calls = self.calls, []
        return taken


def breakages(dispatcher: Dispatcher) -> list[Exception]:
    """The mistakes of ours that reach the dispatcher from now on; a refusal is none."""
    broken: list[Exception] = []

    async def watch(handler: Any, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, ErrorEvent)
        if not isinstance(event.exception, Refusal):
            broken.append(event.exception)
        return await handler(event, data)

    dispatcher.errors.outer_middleware(watch)
    return broken


def recording_bot() -> tuple[Bot, Recorder]:
    session = Recorder()
    return Bot("7000000001:AAtests", session=session, default=DefaultBotProperties(parse_mode="HTML")), session


class Person:
    """Somebody who sends updates straight to the dispatcher."""

    def __init__(self, dispatcher: Dispatcher, bot: Bot, telegram_id: int, language: str = "en") -> None:
        self.dispatcher, self.bot = dispatcher, bot
        self.user = User(id=telegram_id, is_bot=False, first_name="Ann <b>", language_code=language)
        self.chat = Chat(id=telegram_id, type="private", first_name="Ann")

    async def says(self, text: str) -> None:
        message = Message(message_id=next(numbers), date=datetime.now(UTC), chat=self.chat, from_user=self.user, text=text)
        await self.dispatcher.feed_update(self.bot, Update(update_id=next(numbers), message=message))

    async def presses(self, data: str) -> None:
        under = Message(message_id=next(numbers), date=datetime.now(UTC), chat=self.chat, from_user=ME, text="a screen")
        press = CallbackQuery(id=str(next(numbers)), from_user=self.user, chat_instance="1", message=under, data=data)
        await self.dispatcher.feed_update(self.bot, Update(update_id=next(numbers), callback_query=press))
