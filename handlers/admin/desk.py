"""The desk of the staff: who may press, the buttons, and the questions that are answered by typing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from aiogram import BaseMiddleware, Bot, Dispatcher, Router
from aiogram.enums import ChatType
from aiogram.filters import Filter
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message, TelegramObject
from pydantic import Field

from core import people
from core.database import Shop
from core.errors import N_, Refusal
from core.people import Customer
from core.storefronts import Storefront
from handlers import questions
from handlers.callbacks import Number, Page
from handlers.pieces import Row, button, keyboard, paragraphs, within
from handlers.screen import refused, refused_plain, show
from handlers.typed import whole_number
from locales import Speech

NOTHING = "-"  # typed to take an optional text away
PAGE = 10  # lines of a list on one screen
_COMMAND = re.compile(r"/admin(@\w+)?(\s|$)", re.ASCII)


class Go(CallbackData, prefix="adm"):
    """Look at a screen; pressing it also walks away from an open question."""

    to: Annotated[str, Field(max_length=12)]
    id: Number = 0
    page: Page = 0
    arg: Annotated[str, Field(max_length=32)] = ""


class Do(CallbackData, prefix="adm!"):
    """Change something."""

    act: Annotated[str, Field(max_length=12)]
    id: Number = 0
    arg: Annotated[str, Field(max_length=32)] = ""


class Asking(StatesGroup):
    """What the next message of a member of the staff is: an answer, codes to sell, or codes that must not be sold."""

    answer = State()
    codes = State()
    feed = State()


@dataclass
class Desk:
    """One member of the staff at work: what every screen needs."""

    shop: Shop
    storefront: Storefront
    customer: Customer
    speech: Speech
    state: FSMContext
    bot: Bot
    router: Router

    @property
    def by(self) -> str:
        """Who this is in the action log."""
        return f"telegram:{self.customer.telegram_id}"

    def known_now(self, storefront: Storefront) -> None:
        """The storefront has changed: every conversation of this process sees the new one from the next update on."""
        here = self.router
        while here.parent_router is not None:
            here = here.parent_router
        self.storefront = storefront
        if isinstance(here, Dispatcher):
            here["storefront"] = storefront

    async def show(self, event: Message | CallbackQuery, text: str, rows: Iterable[Row] = ()) -> None:
        """Turn the pressed screen into this one, or send it after a typed message."""
        await show(event, within(text), keyboard(rows))

    async def ask(self, event: Message | CallbackQuery, key: str, id: int = 0, arg: str = "") -> None:
        """Put a question; the next message answers it."""
        question, asked = QUESTIONS[key], Asked(id, arg)
        text = await question.says(self, asked)
        await self.state.set_state(Asking.answer)
        await self.state.set_data({"question": key, "id": id, "arg": arg})
        await self.show(event, text, [[self.cancel(question, asked)]])

    def cancel(self, question: Question, asked: Asked) -> InlineKeyboardButton:
        """The button that takes a question back."""
        return go(self.speech.label("Cancel"), question.back, asked.id)

    def back(self, to: str, id: int = 0) -> Row:
        """The last row of a screen: one step back, and the first screen."""
        return [go(self.speech.label("‹ Back"), to, id), self.home()]

    def home(self) -> InlineKeyboardButton:
        return go(self.speech.label("Admin menu"), "home")

    def pages(self, to: str, id: int, page: int, more: bool, arg: str = "") -> Row:
        """Buttons to the pages before and after."""
        row = []
        if page:
            row.append(go("◀", to, id, page=page - 1, arg=arg))
        if more:
            row.append(go("▶", to, id, page=page + 1, arg=arg))
        return row


Asked = questions.Asked
Question = questions.Question[Desk]
QUESTIONS: dict[str, Question] = {}


def id_in(arg: str) -> int | None:
    """The id in a button's argument; None for anything that cannot be one."""
    return int(arg) if arg.isascii() and arg.isdigit() and len(arg) <= 18 else None


def go(label: str, to: str, id: int = 0, *, page: int = 0, arg: str = "", style: str | None = None) -> InlineKeyboardButton:
    """A button to a screen."""
    return button(label, Go(to=to, id=id, page=page, arg=arg), style)


def ask(label: str, key: str, id: int = 0, *, arg: str = "", style: str | None = None) -> InlineKeyboardButton:
    """A button that puts a question; `arg` is a language."""
    return go(label, "ask", id, arg=f"{key}@{arg}" if arg else key, style=style)


def do(label: str, act: str, id: int = 0, *, arg: str = "", style: str | None = None) -> InlineKeyboardButton:
    """A button that changes something."""
    return button(label, Do(act=act, id=id, arg=arg), style)


class AtTheDesk(Filter):
    """Lets messages and presses of the admin's side through when they come from the staff, in their own chat with the bot.

    What is not of the admin's side is turned away before the database is asked, since most of all updates are a buyer's.
    """

    async def __call__(
        self,
        event: TelegramObject,
        shop: Shop,
        storefront: Storefront,
        bot: Bot,
        state: FSMContext,
        event_router: Router,
        customer: Customer | None = None,
        speech: Speech | None = None,
        raw_state: str | None = None,
    ) -> bool | dict[str, Any]:
        if customer is None or speech is None:
            return False
        if isinstance(event, Message):
            chat = event.chat
            if not (_COMMAND.match(event.text or "") or is_asking(raw_state)):
                return False
        elif isinstance(event, CallbackQuery) and event.message is not None:
            chat = event.message.chat
            if not is_ours(event.data):
                return False
        else:
            return False
        if chat.type != ChatType.PRIVATE:
            return False
        if not await shop.read(people.is_staff, storefront_id=storefront.id, telegram_id=customer.telegram_id):
            return False
        return {"desk": Desk(shop, storefront, customer, speech, state, bot, event_router)}


def is_ours(data: str | None) -> bool:
    """Is it a button of the admin's side?"""
    return data is not None and data.startswith((f"{Go.__prefix__}:", f"{Do.__prefix__}:"))


async def not_staff(press: CallbackQuery, speech: Speech | None = None) -> None:
    """A button of the staff that was forwarded or forged: it does nothing."""
    if speech is not None:
        await press.answer(speech.label("This button is for the staff of the shop."), show_alert=True)


def is_asking(raw_state: str | None) -> bool:
    """Is a question of the admin's side open?"""
    return raw_state is not None and raw_state.startswith(f"{Asking.__full_group_name__}:")


class WalkingAway(BaseMiddleware):
    """Who presses their way to another screen has left the question that was open."""

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> Any:
        if isinstance(data.get("callback_data"), Go) and is_asking(data.get("raw_state")):
            await data["desk"].state.clear()
        return await handler(event, data)


class SaysNo(BaseMiddleware):
    """A refusal is said where the person of the staff looks: over the screen that was pressed, or under what was typed."""

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> Any:
        try:
            return await handler(event, data)
        except Refusal as refusal:
            desk: Desk = data["desk"]
            if isinstance(event, CallbackQuery):
                await event.answer(refused_plain(desk.speech, refusal), show_alert=True)
            elif isinstance(event, Message):
                await desk.show(event, refused(desk.speech, refusal), [[desk.home()]])
        return None


async def typed(message: Message, desk: Desk) -> None:
    """An answer to the open question: taken, or refused in one sentence and asked again."""
    data = await desk.state.get_data()
    # Off the table first: the same message may come twice, and answers once.
    await desk.state.clear()
    key = str(data.get("question"))
    if key not in QUESTIONS:
        await desk.show(message, desk.speech.say("This question is out of date. Please begin again."), [[desk.home()]])
        return
    question, asked = QUESTIONS[key], Asked(int(data["id"]), str(data["arg"]))
    try:
        text = (message.text or "").strip()
        if not text:
            raise NotText
        await question.take(desk, message, asked, text)
    except Refusal as refusal:
        await desk.state.set_state(Asking.answer)
        await desk.state.set_data(data)
        again = paragraphs(refused(desk.speech, refusal), await question.says(desk, asked))
        await desk.show(message, again, [[desk.cancel(question, asked)]])


# What may be typed


@dataclass(eq=False)
class NotText(Refusal):
    says: ClassVar[str] = N_("Please answer with a text message.")


@dataclass(eq=False)
class TooLong(Refusal):
    says: ClassVar[str] = N_("This is too long: at most {most} characters, please.")

    most: int


@dataclass(eq=False)
class NotInRange(Refusal):
    says: ClassVar[str] = N_("Please type a whole number from {least} to {most}.")

    least: int
    most: int


@dataclass(eq=False)
class NotFound(Refusal):
    says: ClassVar[str] = N_("Nothing was found for “{text}”. Please check it and type it again.")

    text: str


@dataclass(eq=False)
class NotPositive(Refusal):
    says: ClassVar[str] = N_("The amount must be above zero.")


def short_enough(text: str, most: int) -> str:
    """The text, when it is; raises TooLong."""
    if len(text) > most:
        raise TooLong(most=most)
    return text


def number_between(text: str, least: int, most: int) -> int:
    """A whole number as people type it; raises NotInRange."""
    number = whole_number(text)
    if number is None or not least <= number <= most:
        raise NotInRange(least=least, most=most)
    return number
