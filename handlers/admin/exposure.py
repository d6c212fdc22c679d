"""How much the shop owes a supplier and has with them, and the limits of both."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import exposure, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.exposure import Exposure
from core.money import decimal_text, parse_minor
from handlers.admin.desk import NOTHING, QUESTIONS, Asked, Desk, Go, Question, ask
from handlers.pieces import Row, bold, lines, paragraphs
from locales import Safe, Speech

_CURRENCY = re.compile(r"[A-Z]{3,8}", re.ASCII)


@dataclass(eq=False)
class NotLimits(Refusal):
    says: ClassVar[str] = N_(
        "Please type two amounts, or a hyphen for no limit: what we may owe them, then what they may have of ours, "
        "for example: <code>{example}</code>"
    )

    example: str


def router() -> Router:
    made = Router(name="admin-exposure")
    made.callback_query.register(limits, Go.filter(F.to == "exposure"))
    return made


def read_limits(text: str, currency: str) -> tuple[int | None, int | None, str]:
    """What may be owed, what may be ahead, and the currency; raises a Refusal that says how to write it."""
    words = unicodedata.normalize("NFKC", text).replace("–", NOTHING).upper().split()
    if len(words) == 3 and _CURRENCY.fullmatch(words[2]):
        currency = words.pop()
    if len(words) != 2:
        raise NotLimits(example=f"{decimal_text(5_000_000, currency)} {NOTHING}")
    owed, ahead = (None if word == NOTHING else parse_minor(word, currency) for word in words)
    return owed, ahead, currency


async def limits(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show(press, desk, callback_data.id)


async def _show(event: Message | CallbackQuery, desk: Desk, supplier_id: int) -> None:
    say, found = desk.speech, await desk.shop.read(supply.supplier, supplier_id)
    if found is None:
        raise Gone
    known = await desk.shop.read(exposure.exposure_of, supplier_id)
    text = paragraphs(
        bold(found.name),
        say.say("What we owe them, and what they have of ours: ordered and not here, prepaid, or paid out and refunded since."),
        *[_told(say, one) for one in known],
        None if known else say.say("Nothing either way, and no limits."),
    )
    rows: list[Row] = [[ask(say.label("✏️ Limits in {currency}", currency=c), "exposure.set", supplier_id, arg=c)] for c in _of(known, desk)]
    await desk.show(event, text, [*rows, desk.back("supplier", supplier_id)])


def _of(known: object, desk: Desk) -> list[str]:
    assert isinstance(known, list)
    return sorted({desk.storefront.currency, *(one.currency for one in known)})


def _told(say: Speech, one: Exposure) -> Safe:
    def within(minor: int, most: int | None) -> Safe:
        now = say.price(minor, one.currency)
        if most is None:
            return say.say("{amount}, no limit", amount=now)
        return say.say("{amount} of at most {most}", amount=now, most=say.price(most, one.currency))

    return lines(
        bold(one.currency),
        say.say("We owe them {amount}", amount=within(one.owed_minor, one.most_owed_minor)),
        say.say("They have of ours {amount}", amount=within(one.ahead_minor, one.most_ahead_minor)),
        say.say("Orders on their way will owe them {amount}", amount=say.price(one.coming_minor, one.currency))
        if one.coming_minor
        else None,
        say.say("⏸ Their goods do not sell until less is owed.")
        if one.over
        else say.say("Their goods sell for {amount} more.", amount=say.price(one.left_minor, one.currency))
        if one.left_minor is not None
        else None,
    )


async def _ask(desk: Desk, asked: Asked) -> Safe:
    currency = asked.arg if _CURRENCY.fullmatch(asked.arg) else desk.storefront.currency
    return desk.speech.say(
        "Type what we may owe them at most, and what they may have of ours, in {currency}; a hyphen is no limit. "
        "For example: <code>{example}</code>",
        currency=currency,
        example=f"{decimal_text(5_000_000, currency)} {NOTHING}",
    )


async def _take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    currency = asked.arg if _CURRENCY.fullmatch(asked.arg) else desk.storefront.currency
    owed, ahead, currency = read_limits(text, currency)
    await desk.shop.write(
        exposure.set_limit, supplier_id=asked.id, currency=currency, most_owed_minor=owed, most_ahead_minor=ahead, by=desk.by
    )
    await _show(message, desk, asked.id)


QUESTIONS["exposure.set"] = Question(_ask, _take, "supplier")
