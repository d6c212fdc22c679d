"""The books in the chat: the statement of a day or of some, as a text, as a picture and as a spreadsheet."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from core import books
from core.books import MOST_DAYS, SpanWrong, Statement
from core.errors import N_, Refusal
from handlers.admin.desk import QUESTIONS, Asked, Desk, Go, Question, ask, go
from handlers.pieces import Row, paragraphs
from handlers.statement import file_name, period, statement_csv, statement_png, told
from locales import Safe

_DAY = r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?"
_DAYS = re.compile(rf"{_DAY}(?:\s*(?:[-–—~…]|\.{{2,3}}|to|до|по|至|到)?\s*{_DAY})?", re.IGNORECASE)


@dataclass(eq=False)
class NotDays(Refusal):
    says: ClassVar[str] = N_(
        "“{text}” is not a day. Please type one such as {example}, or a first and a last day, at most {most} days in all."
    )

    text: str
    example: str
    most: int = MOST_DAYS


def router() -> Router:
    made = Router(name="admin-books")
    made.callback_query.register(shown, Go.filter(F.to == "books"))
    made.callback_query.register(pictured, Go.filter(F.to == "books-png"))
    made.callback_query.register(written, Go.filter(F.to == "books-csv"))
    return made


async def shown(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Today, or the days that the button names."""
    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    await _show(press, desk, *_named(callback_data.arg, today), today)


async def pictured(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    made = await _made(desk, callback_data)
    # Drawing takes the processor for a moment: the chats of everybody else go on meanwhile.
    content = await asyncio.to_thread(statement_png, made, desk.speech)
    picture = BufferedInputFile(content, file_name(made, desk.speech, "png"))
    await desk.bot.send_photo(desk.customer.telegram_id, picture, caption=f"📒 {period(made, desk.speech)}")


async def written(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    made = await _made(desk, callback_data)
    content = await asyncio.to_thread(statement_csv, made, desk.speech)
    document = BufferedInputFile(content, file_name(made, desk.speech, "csv"))
    await desk.bot.send_document(desk.customer.telegram_id, document, caption=f"📒 {period(made, desk.speech)}")


async def _made(desk: Desk, wanted: Go) -> Statement:
    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    return await _statement(desk, *_named(wanted.arg, today))


async def _statement(desk: Desk, first: date, last: date) -> Statement:
    since, until = books.span(first, last, desk.speech.timezone)
    return await desk.shop.read(books.statement, desk.storefront.id, since, until)


async def _show(event: Message | CallbackQuery, desk: Desk, first: date, last: date, today: date) -> None:
    say, made = desk.speech, await _statement(desk, first, last)
    days = _name(first, last)
    yesterday = today - timedelta(days=1)
    rows: list[Row] = [
        [go(say.label("🖼 Picture"), "books-png", arg=days), go(say.label("📄 Spreadsheet"), "books-csv", arg=days)],
        [
            go(say.label("Today"), "books", arg=_name(today, today)),
            go(say.label("Yesterday"), "books", arg=_name(yesterday, yesterday)),
            go(say.label("This month"), "books", arg=_name(today.replace(day=1), today)),
        ],
        [ask(say.label("🗓 Another day"), "books.days")],
        [go(say.label("💰 Revenue by stream"), "revenue")],
        [desk.home()],
    ]
    await desk.show(event, told(made, say), rows)


def _name(first: date, last: date) -> str:
    """Days as a button carries them."""
    return f"{first:%Y%m%d}-{last:%Y%m%d}"


def _named(arg: str, today: date) -> tuple[date, date]:
    """The days of a button; today, when it names none."""
    if not arg:
        return today, today
    found = re.fullmatch(r"(\d{8})-(\d{8})", arg, re.ASCII)
    if found is None:
        raise SpanWrong
    try:
        return date.fromisoformat(found[1]), date.fromisoformat(found[2])
    except ValueError:
        raise SpanWrong from None


async def _ask_days(desk: Desk, asked: Asked) -> Safe:
    example = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    return paragraphs(
        desk.speech.say("Type a day, for example: <i>{day}</i>", day=example.isoformat()),
        desk.speech.say(
            "Or a first and a last day, at most {most} days in all, for example: <i>{first} {last}</i>",
            most=MOST_DAYS,
            first=example.replace(day=1).isoformat(),
            last=example.isoformat(),
        ),
    )


async def _take_days(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    today = await desk.shop.read(books.today_of, timezone=desk.speech.timezone)
    await _show(message, desk, *days_typed(text, today), today)


def days_typed(text: str, today: date) -> tuple[date, date]:
    """A day, or a first and a last one, as people type them: year, month, day. Raises NotDays or SpanWrong."""
    found = _DAYS.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        raise NotDays(text=text[:40], example=today.isoformat())
    year, month, day, *to = found.groups()
    try:
        first = date(int(year), int(month), int(day))
        last = date(int(to[0]), int(to[1]), int(to[2])) if to[0] else first
    except ValueError:
        raise NotDays(text=text[:40], example=today.isoformat()) from None
    books.span(first, last, "UTC")  # Refused before it is asked for.
    return first, last


QUESTIONS["books.days"] = Question(_ask_days, _take_days, "books")
