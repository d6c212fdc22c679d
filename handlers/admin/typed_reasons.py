"""A reason that a reviewer types: why an application is sent back or refused, in the same words for suppliers and resellers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram.types import Message

from core.database import Write
from core.errors import Refusal
from core.onboarding import LONGEST_REASON, Verdict
from handlers.admin.desk import QUESTIONS, Asked, Desk, Question, go, short_enough
from handlers.pieces import plain
from handlers.screen import refused_plain
from locales import Safe

Told = Callable[[Message, Desk, int, Verdict], Awaitable[None]]
"""Shows, of an application by its id, what came of the verdict."""


def ask_for_reasons(word: str, decide: Write[..., Any], over: tuple[type[Refusal], ...], told: Told, *, screen: str) -> None:
    """The questions `{word}.back` and `{word}.no`. After one of the refusals in `over` typing it again would end the same: the question
    is over then, and the way on is the list on `screen`.
    """

    async def ask_back(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say("Type what the applicant should change in application {id}. They read it word for word.", id=asked.id)

    async def ask_no(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say("Type why application {id} is refused. The applicant reads it word for word.", id=asked.id)

    async def take(desk: Desk, message: Message, asked: Asked, text: str, verdict: Verdict) -> None:
        version = int(asked.arg) if asked.arg.isascii() and asked.arg.isdigit() and len(asked.arg) < 10 else -1
        try:
            await desk.shop.write(
                decide,
                application_id=asked.id,
                storefront_id=desk.storefront.id,
                version=version,
                telegram_id=desk.customer.telegram_id,
                verdict=verdict,
                why_text=short_enough(text, LONGEST_REASON),
            )
        except over as refusal:
            rows = [[go(desk.speech.label("📋 Applications"), screen), desk.home()]]
            await desk.show(message, Safe(plain(refused_plain(desk.speech, refusal))), rows)
            return
        await told(message, desk, asked.id, verdict)

    async def take_back(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        await take(desk, message, asked, text, Verdict.SEND_BACK)

    async def take_no(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        await take(desk, message, asked, text, Verdict.REFUSE)

    QUESTIONS[f"{word}.back"] = Question(ask_back, take_back, screen)
    QUESTIONS[f"{word}.no"] = Question(ask_no, take_no, screen)
