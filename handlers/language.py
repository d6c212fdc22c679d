"""Choosing the language by hand."""

from __future__ import annotations

from aiogram import Bot, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from core import people
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from handlers import browse, callbacks
from handlers.browse import Drawn
from handlers.commands import set_commands_of_chat
from handlers.conversation import conversation
from handlers.pieces import button, keyboard, show
from locales import Speech, languages, own_name


def menu(speech: Speech) -> Drawn:
    """Every language by its own name."""
    rows = [
        [
            button(
                f"✅ {own_name(code)}" if code == speech.language else own_name(code),
                callbacks.Language(code=code),
                "primary" if code == speech.language else None,
            )
        ]
        for code in languages()
    ]
    rows.append([button(speech.label("🌍 My country and what I told you"), callbacks.Kept())])
    rows.append([button(speech.label("🛍 To the shop"), callbacks.Home())])
    return speech.say("Which language shall we speak?"), keyboard(rows)


async def language_asked(message: Message, speech: Speech) -> None:
    await show(message, *menu(speech))


async def languages_pressed(press: CallbackQuery, speech: Speech) -> None:
    await show(press, *menu(speech))


async def language_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Language,
    bot: Bot,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
) -> None:
    """Speak it from now on, and show the shop in it."""
    if callback_data.code not in languages():
        await show(press, *menu(speech))
        return
    await shop.write(people.choose_language, customer_id=customer.id, language=callback_data.code)
    chosen = Speech(callback_data.code, speech.timezone)
    said = chosen.say("From now on we speak {language}.", language=own_name(callback_data.code))
    await show(press, *await browse.top(shop, storefront, chosen, said, buyer=customer))
    is_staff = await shop.read(people.is_staff, storefront_id=storefront.id, telegram_id=customer.telegram_id)
    await set_commands_of_chat(bot, customer.telegram_id, chosen, staff=is_staff, reseller=customer.wholesale)


def router() -> Router:
    """/language."""
    router = conversation("language")
    router.message.register(language_asked, Command("language"))
    router.callback_query.register(languages_pressed, callbacks.Languages.filter())
    router.callback_query.register(language_pressed, callbacks.Language.filter())
    return router
