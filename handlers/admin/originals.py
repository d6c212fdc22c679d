"""The original of a file product: a PDF whose copies are to carry a number is tried before it is sold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aiogram import Bot
from aiogram.types import Document

from core.errors import N_, Refusal
from handlers.admin.sent import DOWNLOAD_BYTES, fetched
from papers.watermark import PdfBroken, PdfLocked, PdfTooLong, is_pdf, try_pdf


@dataclass(eq=False)
class FileLocked(Refusal):
    says: ClassVar[str] = N_(
        "This PDF is locked with a password, so no number can be written into its copies. Please save it without one and send it again, "
        "or switch “Write the order's number into each copy” off."
    )


@dataclass(eq=False)
class FileBroken(Refusal):
    says: ClassVar[str] = N_("This PDF cannot be read; it may have been cut off. Please save or export it once more and send it again.")


@dataclass(eq=False)
class FileTooLong(Refusal):
    says: ClassVar[str] = N_(
        "This PDF has too many pages to write a number on each while a buyer waits. Please send it in parts, or switch "
        "“Write the order's number into each copy” off."
    )


async def check(bot: Bot, terms: Mapping[str, Any]) -> None:
    """Try the file that these terms name, where its copies are to be marked. Raises FileLocked, FileBroken, FileTooLong and NotFetched.

    What is larger than a bot may fetch is not tried: it is sent as it is, with the licence in its caption.
    """
    name, size = str(terms.get("file_name") or ""), int(terms.get("size") or 0)
    if not terms.get("watermark") or not terms.get("file_id") or not name.lower().endswith(".pdf") or size > DOWNLOAD_BYTES:
        return
    sink = await fetched(bot, Document(file_id=str(terms["file_id"]), file_unique_id="original"))
    content = sink.getvalue()
    if not is_pdf(content):
        raise FileBroken
    try:
        await asyncio.to_thread(try_pdf, content)
    except PdfLocked:
        raise FileLocked from None
    except PdfTooLong:
        raise FileTooLong from None
    except PdfBroken:
        raise FileBroken from None
