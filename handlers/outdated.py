"""The last word: a button of an older version, or a forged one, is answered and leads back to the shop."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery, InaccessibleMessage, Message

from handlers import callbacks
from handlers.conversation import conversation
from handlers.pieces import button, keyboard
from locales import Speech


async def out_of_date(press: CallbackQuery, speech: Speech) -> None:
    """The pressed message stays as it is: it may hold codes."""
    await press.answer(speech.label("This screen is out of date."))
    if isinstance(press.message, Message | InaccessibleMessage):
        said = speech.say("This screen is out of date. Nothing was charged; the shop of today is one press away:")
        await press.message.answer(said, reply_markup=keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home())]]))


def router() -> Router:
    """Every press that nobody else has taken."""
    router = conversation("outdated")
    router.callback_query.register(out_of_date)
    return router
