"""Groups of a reseller: bound with /bind or by a link, unbound with /unbind or when the bot is put out, followed when they move."""

from __future__ import annotations

import contextlib

from aiogram import Bot, F, Router
from aiogram.enums import ChatMemberStatus
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import ChatMemberUpdated, InlineKeyboardButton, Message

from core import resellers
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.resellers import GroupView
from core.storefronts import Storefront
from handlers import commands
from handlers.pieces import bold, keyboard, paragraphs
from handlers.reseller.desk import GROUPS
from handlers.screen import refused
from locales import Safe, Speech, match

BIND = "bind-"
_GONE = {ChatMemberStatus.LEFT, ChatMemberStatus.KICKED}


async def bind_asked(
    message: Message, bot: Bot, shop: Shop, storefront: Storefront, customer: Customer | None = None, speech: Speech | None = None
) -> None:
    """In a group: it is the reseller's from now on. In private: a link that adds the bot to a group and binds it at once."""
    if customer is None or speech is None or message.sender_chat is not None:
        await message.answer(_unknown(storefront))
        return
    seats = await shop.read(resellers.seats_of, storefront_id=storefront.id, telegram_id=customer.telegram_id)
    owned = [seat for seat in seats if seat.may.owns]
    if not owned:
        await message.answer(speech.say("This is for resellers. /reseller tells how to become one, and where your application stands."))
        return
    if len(owned) > 1:
        await message.answer(speech.say("You own several resellers here. Please ask the shop to bind this group for you."))
        return
    reseller = owned[0].reseller
    if message.chat.type == "private":
        word = await shop.write(resellers.make_bind_word, reseller_id=reseller.id, by=customer.telegram_id)
        username = (await bot.me()).username
        link = f"https://t.me/{username}?startgroup={BIND}{word}"
        said = paragraphs(
            speech.say(
                "Press the button and choose a group of your people: I come into it, and it is yours. Or type /bind in a group where I am."
            ),
            speech.say(
                "There they can use /balance, /price, /buy and the others; you say who may do what. Codes are never shown in a group."
            ),
        )
        add = InlineKeyboardButton(text=speech.label("➕ Add me to a group"), url=link)
        await message.answer(said, reply_markup=keyboard([[add]]))
        return
    try:
        await shop.write(
            resellers.bind_group,
            reseller_id=reseller.id,
            chat_id=message.chat.id,
            title=message.chat.title or str(message.chat.id),
            by=customer.telegram_id,
        )
    except Refusal as refusal:
        await message.answer(refused(speech, refusal))
        return
    await _bound(message, bot, reseller, speech)


async def word_said(
    message: Message,
    command: CommandObject,
    bot: Bot,
    shop: Shop,
    storefront: Storefront,
    customer: Customer | None = None,
    speech: Speech | None = None,
) -> None:
    """The link of /bind was followed into this group."""
    if customer is None or speech is None or message.sender_chat is not None:
        await message.answer(_unknown(storefront))
        return
    word = (command.args or "").removeprefix(BIND)
    try:
        group: GroupView | None = await shop.write(
            resellers.use_bind_word,
            storefront_id=storefront.id,
            word=word[:64],
            chat_id=message.chat.id,
            title=message.chat.title or str(message.chat.id),
            by=customer.telegram_id,
        )
    except Refusal as refusal:
        await message.answer(refused(speech, refusal))
        return
    if group is None:
        await message.answer(speech.say("This link was used, or is too old. The reseller types /bind here."))
        return
    seats = await shop.read(resellers.seats_of, storefront_id=storefront.id, telegram_id=customer.telegram_id, chat_id=message.chat.id)
    await _bound(message, bot, seats[0].reseller, speech)


async def _bound(message: Message, bot: Bot, reseller: Customer, speech: Speech) -> None:
    said = paragraphs(
        speech.say("🤝 This group works for {name} now.", name=bold(reseller.name[:60])),
        speech.say("Whoever types a command here is told what they may; the owner gives roles with a button, or with /members."),
        speech.say("Codes are never shown here: they go to the private chat of whoever buys."),
    )
    await message.answer(said)
    with contextlib.suppress(TelegramAPIError):  # The menu is a comfort: the commands work without it.
        await commands.set_commands_of_group(bot, message.chat.id, speech)


async def unbind_asked(
    message: Message, shop: Shop, storefront: Storefront, customer: Customer | None = None, speech: Speech | None = None
) -> None:
    """The group is nobody's any more."""
    if customer is None or speech is None or message.sender_chat is not None:
        await message.answer(_unknown(storefront))
        return
    try:
        unbound = await shop.write(resellers.unbind_group, storefront_id=storefront.id, chat_id=message.chat.id, by=customer.telegram_id)
    except Refusal as refusal:
        await message.answer(refused(speech, refusal))
        return
    await message.answer(
        speech.say("This group belongs to no reseller any more.") if unbound else speech.say("This group belongs to no reseller.")
    )


def _unknown(storefront: Storefront) -> Safe:
    speech = Speech(match(storefront.language, storefront.language))
    return speech.say("I cannot see who you are: please write as yourself, not as the group or a channel.")


async def put_out(event: ChatMemberUpdated, shop: Shop, storefront: Storefront) -> None:
    """The bot is no longer in the group: nobody commands from it."""
    await shop.write(resellers.group_was_left, storefront_id=storefront.id, chat_id=event.chat.id)


async def moved(message: Message, shop: Shop, storefront: Storefront) -> None:
    """Telegram has made a supergroup of it, with another id."""
    old, new = message.migrate_from_chat_id, message.migrate_to_chat_id
    if new is not None:
        await shop.write(resellers.migrate_group, storefront_id=storefront.id, chat_id=message.chat.id, new_chat_id=new)
    elif old is not None:
        await shop.write(resellers.migrate_group, storefront_id=storefront.id, chat_id=old, new_chat_id=message.chat.id)


def router() -> Router:
    """Binding, unbinding, and what Telegram tells of groups."""
    made = Router(name="reseller-groups")
    here = F.chat.type.in_(GROUPS)
    made.message.register(moved, here, F.migrate_to_chat_id | F.migrate_from_chat_id)
    made.message.register(word_said, here, CommandStart(deep_link=True, magic=F.args.startswith(BIND)))
    made.message.register(unbind_asked, here, Command("unbind"))
    made.message.register(bind_asked, F.chat.type.in_({"private", *GROUPS}), Command("bind"))
    made.my_chat_member.register(put_out, here, F.new_chat_member.status.in_(_GONE))
    return made
