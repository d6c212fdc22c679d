"""The first screen of the staff, and what brings them there."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters import Command
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, Message

from handlers.admin.desk import QUESTIONS, Asking, Desk, Go, ask, go, typed
from handlers.pieces import bold, paragraphs
from locales import Speech


def router() -> Router:
    made = Router(name="admin-home")
    made.message.register(admin, Command("admin"))
    made.message.register(cancelled, Command("cancel"))
    made.message.register(another_command, F.text.startswith("/"))
    made.message.register(typed, StateFilter(Asking.answer))
    made.callback_query.register(home, Go.filter(F.to == "home"))
    made.callback_query.register(asked, Go.filter(F.to == "ask"))
    return made


async def admin(message: Message, desk: Desk) -> None:
    await desk.state.clear()
    await _home(message, desk)


async def cancelled(message: Message, desk: Desk) -> None:
    await desk.state.clear()
    await _home(message, desk)


async def another_command(message: Message, desk: Desk) -> None:
    """A command is no answer: the question is left, and the command goes to who knows it."""
    await desk.state.clear()
    raise SkipHandler


async def home(press: CallbackQuery, desk: Desk) -> None:
    await _home(press, desk)


async def asked(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """A button that stands for a question."""
    key, _, arg = callback_data.arg.partition("@")
    if key not in QUESTIONS:
        await out_of_date(press, desk.speech)
        return
    await desk.ask(press, key, callback_data.id, arg)


async def _home(event: Message | CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    await desk.show(
        event,
        paragraphs(bold(desk.storefront.name), say.say("What would you like to do?")),
        [
            [go(say.label("🗂 Catalogue and prices"), "cat"), go(say.label("📦 Stock and codes"), "stock")],
            [go(say.label("🏭 Supply"), "supply"), go(say.label("🤝 Resellers"), "resellers")],
            [ask(say.label("🧾 Find an order"), "order.find"), ask(say.label("👤 Find a customer"), "person.find")],
            [go(say.label("📊 Today"), "today"), go(say.label("📒 Books"), "books")],
            [go(say.label("🎟 Coupons"), "coupons"), go(say.label("📣 Broadcasts"), "casts")],
            [go(say.label("🛟 Cases"), "cases"), go(say.label("📖 Action log"), "log"), go(say.label("⚙️ Settings"), "settings")],
        ],
    )


async def out_of_date(press: CallbackQuery, speech: Speech) -> None:
    """A button of ours that means nothing any more, or that somebody made up."""
    await press.answer(speech.label("This button is out of date. Please open /admin again."), show_alert=True)
