"""One screen is edited in place as a person walks; where it cannot be, a new one is sent."""

from __future__ import annotations

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InaccessibleMessage, InlineKeyboardMarkup, Message

from core.errors import Refusal
from locales import Safe, Speech


async def show(event: Message | CallbackQuery, text: str, keyboard: InlineKeyboardMarkup | None = None) -> Message | None:
    """Turn the screen that was pressed into this one; after a typed message, send it as a new one.

    The press itself is answered by the middleware when the handler has not. Returns the message that shows the screen.
    """
    if isinstance(event, Message):
        return await event.answer(text, reply_markup=keyboard)
    message = event.message
    if message is None:
        return None
    if not isinstance(message, InaccessibleMessage) and message.text is not None:
        try:
            edited = await message.edit_text(text, reply_markup=keyboard)
        except TelegramBadRequest as trouble:
            if "not modified" in trouble.message:
                return message
            if "edit" not in trouble.message:
                raise
        else:
            return edited if isinstance(edited, Message) else message
    return await message.answer(text, reply_markup=keyboard)


def refused(speech: Speech, refusal: Refusal) -> Safe:
    """A refusal as a sentence of a message."""
    return speech.say(refusal.says, **speech.spoken(refusal.facts()))


def refused_plain(speech: Speech, refusal: Refusal) -> str:
    """A refusal as plain text, for an alert (at most 200 characters)."""
    return speech.label(refusal.says, **speech.spoken(refusal.facts()))[:200]
