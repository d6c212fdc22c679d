"""Help, terms, help with payments, and the way out of typing."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core import storefronts
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.pieces import bold, button, keyboard, paragraphs, plain, show
from locales import Safe, Speech


def how_it_works(storefront: Storefront, speech: Speech) -> Drawn:
    """The whole shop in a few sentences."""
    said = paragraphs(
        speech.say("<b>How it works</b>"),
        speech.say("Choose a card, press Pay, and the code comes as the next message. Touch it to see it, press Copy to take it with you."),
        speech.say("Looking for something? Just type its name, or the first letters of its pinyin."),
        speech.say("Your orders and their codes stay under /orders. Typing an order number finds it, too."),
        speech.say("Your balance is under /balance, the language under /language."),
        None
        if storefront.house_id is not None
        else speech.say("Would you like to sell here? /supply begins it, and shows where your application stands."),
        _support(storefront, speech),
    )
    rows = [
        [button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("👛 My balance"), callbacks.Balance())],
        [button(speech.label("🛍 To the shop"), callbacks.Home())],
    ]
    return said, keyboard(rows)


def _support(storefront: Storefront, speech: Speech) -> Safe:
    if storefront.support:
        return speech.say("Questions? Write to {support}.", support=plain(storefront.support, 200))
    return speech.say("The shop has not named a contact for questions yet.")


def _to_shop(speech: Speech) -> InlineKeyboardMarkup:
    return keyboard([[button(speech.label("🛍 To the shop"), callbacks.Home())]])


async def help_asked(message: Message, shop: Shop, storefront: Storefront, speech: Speech) -> None:
    storefront = await shop.read(storefronts.by_id, storefront.id)  # The name and the contact may have been changed since.
    await show(message, *how_it_works(storefront, speech))


async def help_pressed(press: CallbackQuery, shop: Shop, storefront: Storefront, speech: Speech) -> None:
    storefront = await shop.read(storefronts.by_id, storefront.id)  # The name and the contact may have been changed since.
    await show(press, *how_it_works(storefront, speech))


# Telegram asks every bot that takes Stars to answer this.
async def paysupport_asked(message: Message, shop: Shop, storefront: Storefront, speech: Speech) -> None:
    storefront = await shop.read(storefronts.by_id, storefront.id)  # The name and the contact may have been changed since.
    said = paragraphs(
        speech.say("<b>Help with a payment</b>"),
        speech.say("A payment that comes too late, or for something that has just sold out, is never lost: it is added to your balance."),
        speech.say(
            "If money left your account and you see neither a code nor a balance, tell us the order number or the number of the "
            "payment, and we will find it. Telegram's own support cannot help with purchases made here."
        ),
        _support(storefront, speech),
    )
    await show(message, said, _to_shop(speech))


async def terms_asked(message: Message, shop: Shop, storefront: Storefront, speech: Speech) -> None:
    storefront = await shop.read(storefronts.by_id, storefront.id)  # The name and the contact may have been changed since.
    said = paragraphs(
        speech.say("<b>Terms of sale</b>"),
        speech.say("{shop} sells digital codes. You get them in this chat as soon as they are paid.", shop=bold(storefront.name)),
        speech.say("Before you pay, please check the region and the denomination: a code that was shown cannot be taken back."),
        speech.say("If a code does not work, write to us soon and name the order number: we check it and put it right."),
        speech.say("By paying you agree to these terms."),
        _support(storefront, speech),
    )
    await show(message, said, _to_shop(speech))


async def cancel_asked(message: Message, speech: Speech, was_typing: str | None = None) -> None:
    """The typing was ended on the way here; say whether there was any."""
    if was_typing:
        said = speech.say("All right, we have stopped there. Nothing was changed.")
    else:
        said = speech.say("There is nothing to stop. The shop is open:")
    await show(message, said, _to_shop(speech))


def router() -> Router:
    """/help, /paysupport, /terms and /cancel."""
    router = conversation("help")
    router.message.register(help_asked, Command("help"))
    router.callback_query.register(help_pressed, callbacks.Help.filter())
    router.message.register(paysupport_asked, Command("paysupport"))
    router.message.register(terms_asked, Command("terms"))
    router.message.register(cancel_asked, Command("cancel"))
    return router
