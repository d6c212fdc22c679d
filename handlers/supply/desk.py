"""The desk of a supplier: who may press, the buttons, and the questions that are answered by typing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from aiogram import BaseMiddleware, Bot, Router
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message, TelegramObject
from pydantic import Field

from core import supply
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.storefronts import Storefront
from core.supply import NotYours, SupplierView
from handlers import questions
from handlers.admin.desk import NotText
from handlers.callbacks import Number, Page
from handlers.conversation import conversation
from handlers.pieces import Row, button, keyboard, paragraphs, show
from handlers.screen import refused, refused_plain
from locales import Speech

PAGE = 8  # lines of a list on one screen


class See(CallbackData, prefix="spg"):
    """Look at a screen; pressing it also walks away from an open question."""

    to: Annotated[str, Field(max_length=12)]
    id: Number = 0
    page: Page = 0
    arg: Annotated[str, Field(max_length=32)] = ""


class Make(CallbackData, prefix="spd"):
    """Change something."""

    act: Annotated[str, Field(max_length=12)]
    id: Number = 0
    arg: Annotated[str, Field(max_length=32)] = ""


class Supplying(StatesGroup):
    """What the next message of somebody of a supplier is: an answer, or codes."""

    answer = State()
    codes = State()


@dataclass
class Seat:
    """Somebody who may act for suppliers, and where they look."""

    shop: Shop
    storefront: Storefront
    customer: Customer
    speech: Speech

    @property
    def by(self) -> str:
        """Who this is in the action log."""
        return f"telegram:{self.customer.telegram_id}"

    @property
    def who(self) -> int:
        return self.customer.telegram_id

    async def suppliers(self) -> list[SupplierView]:
        """For whom this person acts."""
        found = await self.shop.read(supply.suppliers_of, self.who)
        return list(found)

    async def supplier(self, supplier_id: int) -> SupplierView:
        """This supplier, when the person acts for it; raises NotYours."""
        found = next((one for one in await self.suppliers() if one.id == supplier_id), None)
        if found is None:
            raise NotYours
        return found

    async def show(self, event: Message | CallbackQuery, text: str, rows: Iterable[Row] = (), *, fresh: bool = False) -> None:
        """Turn the pressed screen into this one, or send it: after a typed message, and when it is to be `fresh`."""
        await show(event, text, keyboard(rows), fresh=fresh)

    def home(self, supplier_id: int) -> InlineKeyboardButton:
        return see(self.speech.label("🏭 My supply"), "home", supplier_id)

    def pages(self, to: str, id: int, page: int, more: bool, arg: str = "") -> Row:
        """Buttons to the pages before and after."""
        row = []
        if page:
            row.append(see("◀", to, id, page=page - 1, arg=arg))
        if more:
            row.append(see("▶", to, id, page=page + 1, arg=arg))
        return row


@dataclass
class SupplierDesk(Seat):
    """Somebody of a supplier at work: what every screen needs."""

    state: FSMContext
    bot: Bot
    upload_address: str | None = None  # where the HTTP doors are seen from outside; None: there are none

    async def ask(self, event: Message | CallbackQuery, key: str, id: int, arg: str = "") -> None:
        """Put a question; the next message answers it."""
        question, asked = QUESTIONS[key], Asked(id, arg)
        text = await question.says(self, asked)
        await self.state.set_state(Supplying.answer)
        await self.state.set_data({"question": key, "id": id, "arg": arg})
        await self.show(event, text, [[self.cancel(question, asked)]])

    def cancel(self, question: Question, asked: Asked) -> InlineKeyboardButton:
        """The button that takes a question back."""
        return see(self.speech.label("Cancel"), question.back, asked.id)


Asked = questions.Asked
Question = questions.Question[SupplierDesk]
QUESTIONS: dict[str, Question] = {}


def see(label: str, to: str, id: int = 0, *, page: int = 0, arg: str = "", style: str | None = None) -> InlineKeyboardButton:
    """A button to a screen."""
    return button(label, See(to=to, id=id, page=page, arg=arg), style)


def make(label: str, act: str, id: int = 0, *, arg: str = "", style: str | None = None) -> InlineKeyboardButton:
    """A button that changes something."""
    return button(label, Make(act=act, id=id, arg=arg), style)


class AtTheSuppliersDesk(BaseMiddleware):
    """Gives every handler the desk, and says a refusal where the person looks."""

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> Any:
        desk = SupplierDesk(
            data["shop"],
            data["storefront"],
            data["customer"],
            data["speech"],
            data["state"],
            data["bot"],
            data.get("upload_address"),
        )
        data["supplier_desk"] = desk
        try:
            return await handler(event, data)
        except Refusal as refusal:
            if isinstance(event, CallbackQuery):
                await event.answer(refused_plain(desk.speech, refusal), show_alert=True)
            elif isinstance(event, Message):
                await desk.show(event, refused(desk.speech, refusal), [[see(desk.speech.label("🏭 My supply"), "home")]])
        return None


def supply_conversation(name: str) -> Router:
    """A new router of this name for screens of a supplier, in private chats only."""
    made = conversation(name)
    made.message.middleware(AtTheSuppliersDesk())
    made.callback_query.middleware(AtTheSuppliersDesk())
    return made


async def typed(message: Message, supplier_desk: SupplierDesk) -> None:
    """An answer to the open question: taken, or refused in one sentence and asked again."""
    desk = supplier_desk
    data = await desk.state.get_data()
    # Off the table first: the same message may come twice, and answers once.
    await desk.state.clear()
    key = str(data.get("question"))
    if key not in QUESTIONS:
        await desk.show(message, desk.speech.say("This question is out of date. Please open /supply again."), [])
        return
    question, asked = QUESTIONS[key], Asked(int(data["id"]), str(data["arg"]))
    try:
        text = (message.text or "").strip()
        if not text:
            raise NotText
        await question.take(desk, message, asked, text)
    except NotYours:
        raise
    except Refusal as refusal:
        await desk.state.set_state(Supplying.answer)
        await desk.state.set_data(data)
        again = paragraphs(refused(desk.speech, refusal), await question.says(desk, asked))
        await desk.show(message, again, [[desk.cancel(question, asked)]])
