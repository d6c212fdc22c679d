"""Rich messages: paragraphs, headings and tables, checked as Telegram does and kept as they came."""

from collections.abc import Iterator
from typing import Any

from aiogram.types import InputRichMessage

from sandbox import limits
from sandbox.entities import units
from sandbox.errors import bad_request, not_modelled
from sandbox.store import Json
from sandbox.validation import plain

BLOCKS = {"paragraph", "heading", "footer", "divider", "table"}
TEXTS = {"bold", "italic", "underline", "strikethrough", "spoiler", "code"}


def rich_message(asked: InputRichMessage) -> Json:
    """The message as it is shown; raises ApiError."""
    if [asked.html, asked.markdown, asked.blocks].count(None) != 2:
        raise bad_request("exactly one of html, markdown and blocks must be given")
    if asked.blocks is None:
        raise not_modelled("rich messages written in HTML or Markdown")
    if not asked.blocks:
        raise bad_request("rich message is empty")
    blocks = [plain(block) for block in asked.blocks]
    height, length = 0, 0
    for block in blocks:
        if block["type"] not in BLOCKS:
            raise not_modelled(f"{block['type']} in a rich message")
        height += 1 + len(block.get("cells", ()))
        if any(sum(cell.get("colspan") or 1 for cell in row) > limits.RICH_COLUMNS for row in block.get("cells", ())):
            raise bad_request("RICH_MESSAGE_TABLE_TOO_WIDE")
        length += sum(units(text) for text in texts(block))
    if height > limits.RICH_BLOCKS:
        raise bad_request("RICH_MESSAGE_TOO_MANY_BLOCKS")
    if length > limits.RICH_TEXT:
        raise bad_request("message is too long")
    if not length:
        raise bad_request("message text is empty")
    shown: Json = {"blocks": blocks}
    if asked.is_rtl:
        shown["is_rtl"] = True
    return shown


def texts(block: Json) -> Iterator[str]:
    """Every text in a block, in the order in which it is read; raises ApiError for a form that is not modelled."""
    yield from _words(block.get("text"))
    for row in block.get("cells", ()):
        for cell in row:
            yield from _words(cell.get("text"))
    yield from _words(block.get("caption"))


def _words(text: Any) -> Iterator[str]:
    if isinstance(text, str):
        yield text
    elif isinstance(text, list):
        for part in text:
            yield from _words(part)
    elif isinstance(text, dict):
        if text.get("type") not in TEXTS:
            raise not_modelled(f"{text.get('type')} in a rich text")
        yield from _words(text.get("text"))


def told(message: Json) -> str:
    """A rich message as plain lines, the cells of a row with a blank between them: what a reader sees of it."""
    lines = []
    for block in message.get("rich_message", {}).get("blocks", ()):
        if "cells" in block:
            lines += [" ".join("".join(_words(cell.get("text"))) for cell in row) for row in block["cells"]]
        else:
            lines.append("".join(_words(block.get("text"))))
    return "\n".join(lines)
