"""What the staff sends: fetched from Telegram, and deleted there when it held codes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import Document, Message

from core.errors import N_, Refusal
from locales import Safe, Speech

log = structlog.get_logger()

T = TypeVar("T")

DOWNLOAD_BYTES = 20_000_000  # what Telegram lets a bot fetch


@dataclass(eq=False)
class TooBig(Refusal):
    says: ClassVar[str] = N_("Telegram lets a bot fetch files up to 20 MB only. Please send the file as .zip or .gz, or split it.")


@dataclass(eq=False)
class NotFetched(Refusal):
    says: ClassVar[str] = N_("The file could not be fetched from Telegram. Nothing was imported; please send it again.")


def please_delete(speech: Speech) -> Safe:
    return speech.say("⚠️ I may not delete your message with the codes. Please delete it yourself.")


async def deleted(message: Message) -> bool:
    """Delete a message that held codes; False when Telegram does not let us."""
    try:
        return bool(await persistently(message.delete))
    except TelegramBadRequest as trouble:
        return "not found" in trouble.message  # Somebody was faster.
    except TelegramAPIError:
        return False


class _Bounded(io.BytesIO):
    """Memory that takes so many bytes and no more; the file is never on a disk."""

    def write(self, content: bytes, /) -> int:  # type: ignore[override]  # Whoever downloads writes bytes, and no other buffer.
        if self.tell() + len(content) > DOWNLOAD_BYTES:
            raise TooBig
        return super().write(content)


async def fetched(bot: Bot, document: Document) -> io.BytesIO:
    """The document's content in memory; raises TooBig and NotFetched."""
    for last in (False, False, True):
        sink = _Bounded()
        try:
            await bot.download(document, destination=sink, timeout=120)
        except TooBig:
            raise
        except TelegramBadRequest as trouble:
            raise (TooBig() if "too big" in trouble.message else NotFetched()) from None
        except Exception as trouble:
            # The HTTP client has many ways to lose a connection; the kind is enough for the log.
            log.info("file-not-fetched", error=type(trouble).__name__)
            if last:
                raise NotFetched from None
            await asyncio.sleep(1)
        else:
            return sink
    raise AssertionError("unreachable")


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """Call Telegram until it answers, a bounded number of times; raises what it answers when that is a no."""
    for pause in (1, 2, 4, 8, 16, 30, 60):
        try:
            return await call()
        except TelegramEntityTooLarge:
            raise
        except TelegramRetryAfter as busy:
            await asyncio.sleep(min(busy.retry_after, 120))
        except (TelegramNetworkError, TelegramServerError):
            await asyncio.sleep(pause)
    return await call()
