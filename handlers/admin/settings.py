"""What the shop is called, whom buyers turn to, and what a Star is worth."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import books, rates, storefronts
from core.errors import N_, Refusal
from core.money import STARS
from handlers.admin.desk import NOTHING, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, number_between, short_enough
from handlers.pieces import bold, lines, paragraphs
from locales import Safe

_NAME, _SUPPORT = 64, 100
_MOST_HOURS, _MOST_DAYS = 24 * 30, 365


@dataclass(eq=False)
class NotARate(Refusal):
    says: ClassVar[str] = N_("“{text}” is not what a Star can be worth. Please type a number above zero, such as 0.09.")

    text: str


@dataclass(eq=False)
class NotAContact(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a contact. Please type a @username, an e-mail address or a link.")

    text: str


def router() -> Router:
    made = Router(name="admin-settings")
    made.callback_query.register(settings, Go.filter(F.to == "settings"))
    made.callback_query.register(switch_statement, Do.filter(F.act == "statement"))
    return made


async def settings(press: CallbackQuery, desk: Desk) -> None:
    await _show(press, desk)


async def _show(event: Message | CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    storefront = await desk.shop.read(storefronts.by_id, desk.storefront.id)
    daily = await desk.shop.read(books.daily_wanted, storefront_id=storefront.id)
    rate = await desk.shop.read(rates.latest, base=STARS, quote=storefront.currency)
    text = paragraphs(
        bold(say.label("Settings")),
        lines(
            say.say("Name of the shop: {name}", name=storefront.name),
            say.say("Support contact: {contact}", contact=storefront.support) if storefront.support else say.say("Support contact: none"),
            say.say("One Star is worth {worth} {currency}.", worth=_whole(rate.rate, storefront.currency), currency=storefront.currency)
            if rate
            else say.say("Stars have no rate, so nobody can pay by them yet."),
            say.many(
                "Orders held for review are decided within {n} hour.",
                "Orders held for review are decided within {n} hours.",
                storefront.review_hours,
            ),
            say.many(
                "Money by card or Stars can be taken back for {n} day.",
                "Money by card or Stars can be taken back for {n} days.",
                storefront.reversible_days,
            ),
            say.say("Each morning the owners get the statement of the day before.")
            if daily
            else say.say("No statement is sent in the morning; you find it in the books."),
            say.say("The shop's currency is {currency} and stays so.", currency=storefront.currency),
        ),
    )
    rows = [
        [ask(say.label("Name"), "shop.name"), ask(say.label("Support contact"), "shop.support")],
        [ask(say.label("Rate of Stars"), "shop.stars"), go(say.label("💱 Rates"), "rates")],
        [ask(say.label("Hours to review"), "shop.review"), ask(say.label("Days of reversible money"), "shop.reversible")],
        [
            do(say.label("📒 No statement in the morning"), "statement", arg="off")
            if daily
            else do(say.label("📒 Statement every morning"), "statement", arg="on")
        ],
        [desk.home()],
    ]
    await desk.show(event, text, rows)


async def switch_statement(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The owners' statement in the morning, on or off; a second press changes nothing."""
    await desk.shop.write(books.want_daily, storefront_id=desk.storefront.id, wanted=callback_data.arg == "on", by=desk.by)
    await _show(press, desk)


def _whole(rate: Fraction, currency: str) -> str:
    """Minor units per Star as whole units of the currency, in a plain decimal."""
    whole = rates.in_whole(rate, STARS, currency)
    return f"{Decimal(whole.numerator) / Decimal(whole.denominator):f}"


async def _ask_name(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the name of the shop, for example: <i>Night Cards</i>")


async def _set_name(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _rename(desk, message, name=short_enough(text, _NAME))


async def _ask_support(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type whom buyers turn to, for example: <i>@night_support</i>. Send - to have nobody.")


async def _set_support(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    if text == NOTHING:
        await _rename(desk, message, support="")
        return
    contact = short_enough(text, _SUPPORT)
    if not re.fullmatch(r"@\w{4,32}|[^@\s]+@[^@\s]+\.\w+|https?://\S+", contact, re.ASCII):
        raise NotAContact(text=contact[:40])
    await _rename(desk, message, support=contact)


async def _rename(desk: Desk, message: Message, *, name: str | None = None, support: str | None = None) -> None:
    renamed = await desk.shop.write(storefronts.rename, storefront_id=desk.storefront.id, name=name, support=support, by=desk.by)
    desk.known_now(renamed)
    await _show(message, desk)


async def _ask_stars(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type what one Star is worth in {currency}, for example: <i>0.09</i>. Prices in Stars are rounded up.",
        currency=desk.storefront.currency,
    )


async def _set_stars(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", plain, re.ASCII) or not Decimal(plain):
        raise NotARate(text=text[:40])
    currency = desk.storefront.currency
    await desk.shop.write(
        rates.set_rate,
        base=STARS,
        quote=currency,
        rate=rates.in_minor(Fraction(plain), STARS, currency),
        source=rates.STAFF,
        by=desk.by,
    )
    await _show(message, desk)


async def _ask_review(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type within how many hours you decide about an order that is held for review, for example: <i>24</i>")


async def _set_review(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    hours = number_between(text, 1, _MOST_HOURS)
    changed = await desk.shop.write(storefronts.set_review, storefront_id=desk.storefront.id, by=desk.by, review_hours=hours)
    desk.known_now(changed)
    await _show(message, desk)


async def _ask_reversible(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type for how many days money that came by card or Stars counts as money that can be taken back, for example: <i>30</i>"
    )


async def _set_reversible(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    days = number_between(text, 1, _MOST_DAYS)
    changed = await desk.shop.write(storefronts.set_review, storefront_id=desk.storefront.id, by=desk.by, reversible_days=days)
    desk.known_now(changed)
    await _show(message, desk)


QUESTIONS["shop.review"] = Question(_ask_review, _set_review, "settings")
QUESTIONS["shop.reversible"] = Question(_ask_reversible, _set_reversible, "settings")
QUESTIONS["shop.name"] = Question(_ask_name, _set_name, "settings")
QUESTIONS["shop.support"] = Question(_ask_support, _set_support, "settings")
QUESTIONS["shop.stars"] = Question(_ask_stars, _set_stars, "settings")
