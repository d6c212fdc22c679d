"""Words that no supplier may write, and brands that need a paper, edited in the chat."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import standing
from core.standing import WordView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.pieces import Row, bold, lines, paragraphs
from locales import Safe

_WORD, _REASON = 100, 300


def router() -> Router:
    made = Router(name="admin-words")
    made.callback_query.register(words, Go.filter(F.to == "words"))
    made.callback_query.register(brands, Go.filter(F.to == "brands"))
    made.callback_query.register(allow, Do.filter(F.act == "word-off"))
    made.callback_query.register(free, Do.filter(F.act == "brand-off"))
    return made


async def words(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_words(press, desk, callback_data.page)


async def show_words(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    """The banned words; a press on one allows it again."""
    say = desk.speech
    found = await desk.shop.read(standing.banned_words, offset=page * PAGE, limit=PAGE + 1)
    text = paragraphs(
        bold(say.label("Banned words")),
        say.say("No supplier may write these, however they are spelt. What is listed already stays."),
        lines(*(say.say("• {word}: {reason}", word=one.word, reason=one.reason or "–") for one in found[:PAGE])) if found else None,
        None if found else say.say("There are none yet."),
    )
    rows = _rows(desk, found[:PAGE], "word-off")
    rows.append([ask(say.label("➕ Ban a word"), "word.add"), go(say.label("™️ Brands"), "brands")])
    rows += [desk.pages("words", 0, page, more=len(found) > PAGE), desk.back("supply")]
    await desk.show(event, text, rows)


async def brands(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_brands(press, desk, callback_data.page)


async def show_brands(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    """The brands that need a paper; a press on one takes the rule away."""
    say = desk.speech
    found = await desk.shop.read(standing.guarded_brands, offset=page * PAGE, limit=PAGE + 1)
    text = paragraphs(
        bold(say.label("Brands that need a paper")),
        say.say("Only authorised suppliers may list these, on an approved paper that names the brand."),
        lines(*(say.say("• {word}", word=one.word) for one in found[:PAGE])) if found else None,
        None if found else say.say("There are none yet."),
    )
    rows = _rows(desk, found[:PAGE], "brand-off")
    rows.append([ask(say.label("➕ Add a brand"), "brand.add"), go(say.label("🚫 Banned words"), "words")])
    rows += [desk.pages("brands", 0, page, more=len(found) > PAGE), desk.back("supply")]
    await desk.show(event, text, rows)


def _rows(desk: Desk, found: list[WordView], act: str) -> list[Row]:
    return [[do(desk.speech.label("✖️ Take away: {word}", word=one.word), act, one.id)] for one in found]


async def allow(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(standing.allow_word, word_id=callback_data.id, by=desk.by)
    await show_words(press, desk)


async def free(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(standing.free_brand, brand_id=callback_data.id, by=desk.by)
    await show_brands(press, desk)


async def _ask_word(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the word, and in a second line why it is banned. For example:\n<code>{example}</code>",
        example="hacked\nNobody sells stolen accounts here.",
    )


async def _take_word(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    word, _, reason = text.partition("\n")
    reason = short_enough(reason.strip(), _REASON)
    await desk.shop.write(standing.ban_word, word=short_enough(word, _WORD), reason=reason, by=desk.by)
    await show_words(message, desk)


async def _ask_brand(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the brand, for example: <i>Steam</i>.")


async def _take_brand(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(standing.guard_brand, brand=short_enough(text, _WORD), by=desk.by)
    await show_brands(message, desk)


QUESTIONS["word.add"] = Question(_ask_word, _take_word, "words")
QUESTIONS["brand.add"] = Question(_ask_brand, _take_brand, "brands")
