"""The files of an order, each buyer's copy with its licence number: fetched and marked just before it is sent, and never kept."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest

from core.catalog import Gone, ProductKind
from core.inventory import Secret
from core.orders import Parcel, ParcelLine
from handlers.parcel import CAPTION, Outgoing
from handlers.pieces import bold, clipped, full_name, lines, plain, shown_length
from locales import Speech
from papers.watermark import marked, marked_name

log = structlog.get_logger()

FETCHED_BYTES = 20_000_000  # what Telegram lets a bot fetch; a larger file is sent as it is, with the licence in its caption


async def with_files(bot: Bot, parcel: Parcel, messages: list[Outgoing], speech: Speech, *, known: bool = True) -> list[Outgoing]:
    """The messages of a parcel with its files before them; those of other products as they are. Raises what Telegram answers.

    `bot` is the one that was given the files; without `known` another sends them, which has to be given what is in them.
    """
    copies: list[Outgoing] = []
    for line in parcel.lines:
        if line.product.kind == ProductKind.FILE and line.product.terms.get("file_id"):
            for secret in line.secrets:
                copies += await _copy(bot, parcel, line, secret, speech, known=known)
    return [*copies, *(replace(message, effect=None) if copies else message for message in messages)]


async def _copy(bot: Bot, parcel: Parcel, line: ParcelLine, secret: Secret, speech: Speech, *, known: bool) -> list[Outgoing]:
    """One copy with its licence under it; licence terms that are too long for a caption come right after it."""
    terms, licence = line.product.terms, str(secret.bare().card_pwd)
    name = str(terms.get("file_name") or "file")
    told = plain(str(terms["licence"])) if terms.get("licence") else None
    # Twenty dozen signs of a name say which file it is; an emoji is two for Telegram, or more.
    head = lines(bold(clipped(full_name(line.product, line.sku, speech), 240)), speech.say("Licence number: {licence}", licence=licence))
    fits = told is not None and shown_length(lines(head, told)) <= CAPTION
    caption = lines(head, told) if fits else head
    after = [] if told is None or fits else [Outgoing(told, protect_content=parcel.protect_content)]
    content = await _marked(bot, str(terms["file_id"]), name, f"{licence} / {parcel.number}") if terms.get("watermark") else None
    if content is None and not known:
        plain_copy = await _fetched(bot, str(terms["file_id"]))
        if plain_copy is None:
            raise Gone
        return [Outgoing(caption, document=plain_copy, name=name, protect_content=parcel.protect_content), *after]
    if content is None:
        return [Outgoing(caption, name=name, file_id=str(terms["file_id"]), protect_content=parcel.protect_content), *after]
    return [Outgoing(caption, document=content, name=marked_name(name, licence), protect_content=parcel.protect_content), *after]


async def _marked(bot: Bot, file_id: str, name: str, words: str) -> bytes | None:
    """The original with these words in it; None when it cannot be marked: then it is sent as it is, under its licence number."""
    fetched = await _fetched(bot, file_id)
    if fetched is None:
        return None
    made = await asyncio.to_thread(marked, name, fetched, words)
    if made is None:
        log.info("file-not-marked", name=name.rpartition(".")[2][:8])
    return made


async def _fetched(bot: Bot, file_id: str) -> bytes | None:
    """The original; None when it is larger than what Telegram lets a bot fetch."""
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
    return sink.getvalue()
