"""What every conversation with a buyer has in common: it is private, and whoever walks on is no longer typing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, TelegramObject


class StopTyping(BaseMiddleware):
    """A press or a command ends the typing of a quantity or an amount; `was_typing` tells the handler what it ended."""

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> Any:
        state: FSMContext | None = data.get("state")
        data["was_typing"] = None
        if state is not None and (isinstance(event, CallbackQuery) or _is_command(event)):
            data["was_typing"] = await state.get_state()
            if data["was_typing"] is not None:
                await state.clear()
        return await handler(event, data)


def _is_command(event: TelegramObject) -> bool:
    return isinstance(event, Message) and (event.text or "").startswith("/")


def conversation(name: str) -> Router:
    """A new router of this name that hears private chats only."""
    router = Router(name=name)
    router.message.filter(F.chat.type == "private")
    router.message.middleware(StopTyping())
    router.callback_query.middleware(StopTyping())
    return router
