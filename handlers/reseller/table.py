"""Tables in a message: preformatted, padded by what characters are wide on a screen, cut into as many messages as it takes."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardMarkup, Message

from handlers.pieces import TEXT, shown_length
from locales import Safe

MOST_MESSAGES = 4
_GAP = " "


def width(text: str) -> int:
    """How many columns of a fixed-width font a text takes: a Chinese character two, a combining mark none."""
    return sum(0 if unicodedata.combining(c) or c == "\ufe0f" else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, most: int) -> str:
    """The text on one line in at most so many columns; cut in its middle, because denominations differ in their ends."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if width(text) <= most:
        return text
    head, tail = text, text
    while width(tail) > most // 2:
        tail = tail[1:]
    while head and width(head) + width(tail) > most - 1:
        head = head[:-1]
    return f"{head.rstrip()}…{tail.lstrip()}"


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled up with blanks to so many columns."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def rows_of(cells: Iterable[Sequence[str]], *, right: Sequence[int] = (), most: Sequence[int] = ()) -> list[str]:
    """Lines of a table whose columns stand under each other; columns in `right` are aligned there, `most` are their largest widths."""
    table = [
        [shortened(cell, most[n]) if n < len(most) and most[n] else shortened(cell, 200) for n, cell in enumerate(row)] for row in cells
    ]
    if not table:
        return []
    widths = [max(width(row[n]) for row in table) for n in range(len(table[0]))]
    return [_GAP.join(padded(cell, widths[n], right=n in right) for n, cell in enumerate(row)).rstrip() for row in table]


def messages(head: Safe, lines: Sequence[str], tail: Safe | None = None) -> list[Safe]:
    """The texts of the messages: the head, the lines preformatted, and the tail under the last, each within Telegram's length."""
    made: list[Safe] = []
    rest, start = list(lines), head
    while True:
        taken: list[str] = []
        while rest and shown_length(_joined(start, [*taken, rest[0]], None)) <= TEXT - 16:
            taken.append(rest.pop(0))
        if rest and not taken:  # A head that fills a message by itself.
            made.append(start)
            start = Safe("")
            continue
        whole = _joined(start, taken, tail if not rest else None)
        if not rest and tail is not None and shown_length(whole) > TEXT:
            made += [_joined(start, taken, None), tail]
            return made
        made.append(whole)
        if not rest:
            return made
        start = Safe("")


def _joined(head: Safe, lines: Sequence[str], tail: Safe | None) -> Safe:
    body = Safe("<pre>" + html.escape("\n".join(lines), quote=False) + "</pre>") if lines else None
    return Safe("\n").join(part for part in (head, body, tail) if part)


async def send(message: Message, texts: Sequence[Safe], keyboard: InlineKeyboardMarkup | None = None) -> None:
    """Answer with these texts, the buttons under the last; where Telegram does not take them as they are, without any form."""
    for number, text in enumerate(texts, 1):
        markup = keyboard if number == len(texts) else None
        try:
            await message.answer(text, reply_markup=markup)
        except TelegramBadRequest as trouble:
            if "parse" not in trouble.message and "entit" not in trouble.message:
                raise
            bare = html.unescape(text.replace("<pre>", "").replace("</pre>", "").replace("<b>", "").replace("</b>", ""))
            await message.answer(bare, reply_markup=markup, parse_mode=None)
