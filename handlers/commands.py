"""The menu of commands, for everybody and for the staff, in every language."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats, BotCommandScopeChat, BotCommandScopeDefault

from core.people import StaffMember
from core.storefronts import Storefront
from locales import N_, Speech, languages, match

log = structlog.get_logger()

COMMANDS = {
    "start": N_("Open the shop"),
    "orders": N_("My orders and codes"),
    "balance": N_("My balance"),
    "supply": N_("Sell through this shop"),
    "reseller": N_("Buy here to sell again"),
    "language": N_("Choose the language"),
    "help": N_("How it works"),
    "paysupport": N_("Help with a payment"),
    "terms": N_("Terms of sale"),
    "cancel": N_("Stop what I was typing"),
}
STAFF_COMMANDS = {"admin": N_("The back office")}
RESELLER_COMMANDS = {
    "price": N_("My prices and the stock"),
    "buy": N_("Buy by number, or a whole list"),
    "stock": N_("What is in stock"),
    "order": N_("An order by any of its numbers"),
    "statement": N_("Every movement of the balance"),
    "deposit": N_("Add money"),
    "credit": N_("Credit: limit, invoices, asking for it"),
    "cases": N_("Cases of my orders"),
    "best": N_("What sells best"),
    "analytics": N_("How it went lately, as a picture"),
    "packages": N_("Service packages"),
    "mybot": N_("My own bot"),
    "limits": N_("Limits and notices"),
    "members": N_("My people and their roles"),
    "bind": N_("A group for my people"),
    "api": N_("Keys for programs"),
}
GROUP_COMMANDS = (
    "balance",
    "price",
    "buy",
    "stock",
    "orders",
    "order",
    "statement",
    "deposit",
    "credit",
    "cases",
    "best",
    "analytics",
    "limits",
    "members",
    "unbind",
)
UNBIND = N_("This group is no longer mine")


def commands_in(speech: Speech, *, staff: bool, reseller: bool = False) -> list[BotCommand]:
    """The commands described in a language."""
    shown = {**(STAFF_COMMANDS if staff else {}), **COMMANDS, **(RESELLER_COMMANDS if reseller else {})}
    return [BotCommand(command=name, description=speech.label(description)) for name, description in shown.items()]


def branded_commands_in(speech: Speech) -> list[BotCommand]:
    """The commands of a reseller's own bot, described in a language: nobody joins the shop there."""
    shown = {name: description for name, description in COMMANDS.items() if name not in ("supply", "reseller", "paysupport")}
    return [BotCommand(command=name, description=speech.label(description)) for name, description in shown.items()]


async def set_branded_commands(bot: Bot, storefront: Storefront) -> None:
    """Set the menu of a reseller's own bot: its language for everybody, each other language for its speakers."""
    own = match(storefront.language, storefront.language)
    await bot.set_my_commands(branded_commands_in(Speech(own)))
    for two_letters, language in _by_two_letters(own).items():
        await bot.set_my_commands(branded_commands_in(Speech(language)), language_code=two_letters)


def group_commands_in(speech: Speech) -> list[BotCommand]:
    """The commands of a reseller's group, described in a language."""
    known = {**COMMANDS, **RESELLER_COMMANDS, "unbind": UNBIND}
    return [BotCommand(command=name, description=speech.label(known[name])) for name in GROUP_COMMANDS]


async def set_commands(bot: Bot, storefront: Storefront, staff: Iterable[StaffMember]) -> None:
    """Set the menus: the shop's language for everybody, each other language for its speakers, and the staff's own.

    Telegram knows languages by two letters: of two scripts of one language, the shop's own or else the first is set.
    """
    shops = match(storefront.language, storefront.language)
    for scope in (BotCommandScopeDefault(), BotCommandScopeAllPrivateChats()):
        await bot.set_my_commands(commands_in(Speech(shops), staff=False), scope=scope)
        for two_letters, language in _by_two_letters(shops).items():
            await bot.set_my_commands(commands_in(Speech(language), staff=False), scope=scope, language_code=two_letters)
    for member in staff:
        if member.customer is None:
            continue  # The chat does not exist before they have pressed /start.
        chosen = member.customer.language or match(member.customer.telegram_language, storefront.language)
        await set_commands_of_chat(bot, member.telegram_id, Speech(chosen), staff=True, reseller=member.customer.wholesale)


async def set_commands_of_group(bot: Bot, chat_id: int, speech: Speech) -> None:
    """Set the menu of a reseller's group: in this language for everybody, and in each other for its speakers."""
    scope = BotCommandScopeChat(chat_id=chat_id)
    await bot.set_my_commands(group_commands_in(speech), scope=scope)
    for two_letters, language in _by_two_letters(speech.language).items():
        await bot.set_my_commands(group_commands_in(Speech(language)), scope=scope, language_code=two_letters)


async def set_description(bot: Bot, storefront: Storefront) -> None:
    """What an empty chat with the bot says, in the shop's language and for speakers of the others."""
    shops = match(storefront.language, storefront.language)
    for two_letters, language in {"": shops, **_by_two_letters(shops)}.items():
        speech = Speech(language)
        await bot.set_my_description(
            speech.label(
                "{shop} sells game cards, top-ups, memberships and licences. Choose, pay, and the code is the next message. Press START.",
                shop=storefront.name,
            )[:512],
            language_code=two_letters or None,
        )
        await bot.set_my_short_description(
            speech.label("Game cards, top-ups, memberships, licences: the code comes right into the chat.")[:120],
            language_code=two_letters or None,
        )


async def set_commands_of_chat(bot: Bot, telegram_id: int, speech: Speech, *, staff: bool, reseller: bool = False) -> None:
    """Set the menu of one chat in the language spoken there; a chat that cannot be reached keeps what it had."""
    try:
        await bot.set_my_commands(commands_in(speech, staff=staff, reseller=reseller), scope=BotCommandScopeChat(chat_id=telegram_id))
    except (TelegramBadRequest, TelegramForbiddenError) as trouble:
        log.warning("commands-not-set", telegram_id=telegram_id, error=str(trouble))


def _by_two_letters(first: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for language in sorted(languages(), key=lambda language: (language != first, language)):
        found.setdefault(language.partition("-")[0], language)
    return found
