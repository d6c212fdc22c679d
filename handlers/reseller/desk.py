"""The desk of a reseller: for whom somebody gives a command, what they may, and the buttons under the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from aiogram import BaseMiddleware, Bot, F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.dispatcher.flags import get_flag
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, Chat, InlineKeyboardButton, Message, TelegramObject
from pydantic import Field

from core import payments, resellers
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.ports import PaymentMethod
from core.resellers import May, NotAllowed, Role, Seat
from core.storefronts import Storefront
from handlers.callbacks import Number
from handlers.conversation import StopTyping
from handlers.pieces import bold, button, keyboard
from handlers.screen import refused, refused_plain, show
from locales import Safe, Speech, match

PLACES = {"private", "group", "supergroup"}
GROUPS = {"group", "supergroup"}
ALSO_BUYERS = {"also_buyers": True}
"""The flag of a command that somebody who is no reseller has, too: theirs is tried after ours."""


class ListPress(CallbackData, prefix="rkl"):
    """Buy a previewed list: all of it, as many as there are, or not at all."""

    id: Number
    act: Annotated[str, Field(pattern=r"^[amx]$")]


class StatementPress(CallbackData, prefix="rkt"):
    """A statement as a file or a picture; days by their ordinals."""

    first: Number
    last: Number
    form: Annotated[str, Field(pattern=r"^(csv|xlsx|png)$")]


class PackPress(CallbackData, prefix="rkp"):
    """Service packages: the list, one of it, and what is done about it."""

    act: Annotated[str, Field(pattern=r"^(list|look|buy|mine|on|off|end|sure)$")]
    id: Number = 0


class CoursePress(CallbackData, prefix="rka"):
    """What was bought in so many days, as a picture."""

    days: Annotated[int, Field(ge=1, le=90)]


class CodesPress(CallbackData, prefix="rkc"):
    """The codes of an order, into the private chat of whoever presses."""

    order: Number


class RolePress(CallbackData, prefix="rkr"):
    """Somebody's roles: look at them (no act), or turn one on or off."""

    who: Number
    act: Annotated[str, Field(pattern=r"^[obs]?$")] = ""


class MembersPress(CallbackData, prefix="rkm"):
    """Everybody with a role."""


class WishPress(CallbackData, prefix="rkw"):
    """Change a limit or a notice: `amount` is in minor units, and 0 is none."""

    what: Annotated[str, Field(pattern=r"^(confirm|low|restock|maint|prices)$")]
    amount: Number = 0


@dataclass
class Desk:
    """Somebody at work for a reseller: what every command needs."""

    shop: Shop
    storefront: Storefront
    customer: Customer  # who gives the command
    speech: Speech
    seat: Seat
    chat: Chat
    bot: Bot
    methods: Mapping[str, PaymentMethod]
    was_typing: str | None = None

    @property
    def reseller(self) -> Customer:
        """Whose account it is."""
        return self.seat.reseller

    @property
    def may(self) -> May:
        return self.seat.may

    @property
    def in_group(self) -> bool:
        return self.chat.type != "private"

    @property
    def own(self) -> bool:
        """Is it the reseller themself, in private?"""
        return not self.in_group and self.customer.id == self.reseller.id

    @property
    def who(self) -> int:
        return self.customer.telegram_id

    def need(self, role: Role) -> None:
        """Raises NotAllowed when this person has not that role."""
        if not self.may.role(role):
            raise NotAllowed

    async def price(self, minor: int) -> str:
        """An amount of the reseller's wallet."""
        return self.speech.price(minor, (await self.wallet()).currency)

    async def wallet(self) -> payments.Wallet:
        return await self.shop.read(payments.wallet, self.reseller.id)

    async def link(self, parameter: str = "") -> str:
        """The address of the private chat with the bot."""
        username = (await self.bot.me()).username
        return f"https://t.me/{username}" + (f"?start={parameter}" if parameter else "")

    async def to_private(self) -> InlineKeyboardButton:
        """A button to the private chat."""
        return InlineKeyboardButton(text=self.speech.label("💬 Open the private chat"), url=await self.link("desk"))


class AtTheDesk(BaseMiddleware):
    """Gives a handler the desk, or says why there is none; a refusal is said where the person looks."""

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> Any:
        assert isinstance(event, Message | CallbackQuery), "registered for these"
        message = event.message if isinstance(event, CallbackQuery) else event
        if message is None:
            return None
        customer: Customer | None = data.get("customer")
        if customer is None or (isinstance(event, Message) and event.sender_chat is not None):
            await _no_person(event, data["storefront"])
            return None
        speech: Speech = data["speech"]
        chat = message.chat
        in_group = chat.type != "private"
        seats = await data["shop"].read(
            resellers.seats_of,
            storefront_id=data["storefront"].id,
            telegram_id=customer.telegram_id,
            chat_id=chat.id if in_group else None,
        )
        if not seats:
            if not in_group and get_flag(data, "also_buyers"):
                raise SkipHandler
            await _nobodys(event, speech, in_group=in_group)
            return None
        if len(seats) > 1:
            said = speech.say("You work for several resellers. Please give this command in the group of the one you mean.")
            await _say(event, said, speech.label("Please do this in the group of the reseller you mean."))
            return None
        seat = seats[0]
        if not seat.may.anything:
            await _no_role(event, customer, speech)
            return None
        bot: Bot = data["bot"]
        desk = Desk(data["shop"], data["storefront"], customer, speech, seat, chat, bot, data["methods"], data.get("was_typing"))
        data["desk"] = desk
        try:
            return await handler(event, data)
        except Refusal as refusal:
            await _say(event, refused(speech, refusal), refused_plain(speech, refusal))
        return None


async def _say(event: Message | CallbackQuery, text: Safe, plain: str) -> None:
    if isinstance(event, CallbackQuery):
        await event.answer(plain[:200], show_alert=True)
    else:
        await event.answer(text)


async def _no_person(event: Message | CallbackQuery, storefront: Storefront) -> None:
    """An anonymous admin or a channel: whoever that is, nobody knows what they may."""
    speech = Speech(match(storefront.language, storefront.language))
    said = speech.say("I cannot see who you are: please write as yourself, not as the group or a channel.")
    await _say(event, said, str(said))


async def _nobodys(event: Message | CallbackQuery, speech: Speech, *, in_group: bool) -> None:
    if in_group:
        said = speech.say("This group belongs to no reseller. A reseller types /bind here, and their people can work from it.")
    else:
        said = speech.say("This is for resellers. /reseller tells how to become one, and where your application stands.")
    await _say(event, said, str(said))


async def _no_role(event: Message | CallbackQuery, customer: Customer, speech: Speech) -> None:
    name = bold(customer.name[:60])
    said = speech.say("{name}, you have no role here yet. The owner can give you one:", name=name)
    if isinstance(event, CallbackQuery):
        await event.answer(speech.label("You have no role here yet. The owner can give you one with /members."), show_alert=True)
        return
    give = button(speech.label("🔑 Give a role"), RolePress(who=customer.telegram_id))
    await event.answer(said, reply_markup=keyboard([[give]]))


def desk_router(name: str) -> Router:
    """A new router of this name that hears private chats and groups, with a desk for every handler."""
    made = Router(name=name)
    made.message.filter(F.chat.type.in_(PLACES))
    made.message.middleware(StopTyping())
    made.callback_query.middleware(StopTyping())
    made.message.middleware(AtTheDesk())
    made.callback_query.middleware(AtTheDesk())
    return made


async def redraw(press: CallbackQuery, text: str, rows: list[list[InlineKeyboardButton]]) -> None:
    """Turn the pressed message into this one, as far as Telegram lets us."""
    await show(press, text, keyboard(rows))
