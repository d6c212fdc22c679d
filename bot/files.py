"""The files of an order, each buyer's copy with its licence number: fetched and marked just before it is sent, and never kept."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest

from core.catalog import ProductKind
from core.inventory import Secret
from core.orders import Parcel, ParcelLine
from handlers.parcel import Outgoing
from handlers.pieces import bold, full_name, lines, plain
from locales import Speech
from papers.watermark import marked, marked_name

log = structlog.get_logger()

FETCHED_BYTES = 20_000_000  # what Telegram lets a bot fetch; a larger file is sent as it is, with the licence in its caption


async def with_files(bot: Bot, parcel: Parcel, messages: list[Outgoing], speech: Speech) -> list[Outgoing]:
    """The messages of a parcel with its files before them; those of other products as they are. Raises what Telegram answers."""
    copies: list[Outgoing] = []
    for line in parcel.lines:
        if line.product.kind is ProductKind.FILE and line.product.terms.get("file_id"):
            copies += [await _copy(bot, parcel, line, secret, speech) for secret in line.secrets]
    return [*copies, *(replace(message, effect=None) if copies else message for message in messages)]


async def _copy(bot: Bot, parcel: Parcel, line: ParcelLine, secret: Secret, speech: Speech) -> Outgoing:
    terms, licence = line.product.terms, str(secret.bare().card_pwd)
    name = str(terms.get("file_name") or "file")
    caption = lines(
        bold(full_name(line.product, line.sku, speech)),
        speech.say("Licence number: {licence}", licence=licence),
        plain(str(terms["licence"]), 600) if terms.get("licence") else None,
    )
    content = await _marked(bot, str(terms["file_id"]), name, f"{licence} / {parcel.number}") if terms.get("watermark") else None
    if content is None:
        return Outgoing(caption, name=name, file_id=str(terms["file_id"]), protect_content=parcel.protect_content)
    return Outgoing(caption, document=content, name=marked_name(name, licence), protect_content=parcel.protect_content)


async def _marked(bot: Bot, file_id: str, name: str, words: str) -> bytes | None:
    """The original with these words in it; None when it cannot be marked: then it is sent as it is, under its licence number."""
    sink = io.BytesIO()
    try:
        file = await bot.get_file(file_id)
        if file.file_path is None or (file.file_size or 0) > FETCHED_BYTES:
            return None
        await bot.download_file(file.file_path, destination=sink, timeout=60)
    except TelegramBadRequest as trouble:
        if "too big" in trouble.message:
            return None
        raise
    made = await asyncio.to_thread(marked, name, sink.getvalue(), words)
    if made is None:
        log.info("file-not-marked", name=name.rpartition(".")[2][:8])
    return made
