"""Tables in a message: rich ones where Telegram takes them, else preformatted text, padded by how wide characters are on a screen."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiogram.exceptions import TelegramBadRequest, TelegramNotFound
from aiogram.types import (
    InlineKeyboardMarkup,
    InputRichBlockParagraph,
    InputRichBlockTable,
    InputRichBlockUnion,
    InputRichMessage,
    Message,
    RichBlockTableCell,
    RichTextBold,
    RichTextCode,
    RichTextUnion,
)

from handlers.pieces import TEXT, shown_length
from locales import Safe

MOST_BLOCKS, MOST_CHARACTERS = 480, 30_000  # of a rich message; Telegram takes 500 and 32,768
_GAP = " "
_TAG = re.compile(r"(</?(?:b|code)>)")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading; `notes` of a row stand below it. Columns in `right` are aligned there, `most` are their widths as text."""

    head: Safe
    rows: Sequence[Sequence[str]]
    titles: Sequence[str] = ()
    right: Sequence[int] = ()
    most: Sequence[int] = ()
    notes: Mapping[int, Sequence[str]] = field(default_factory=dict)
    tail: Safe | None = None

    def lines(self) -> list[str]:
        """The table as text in a fixed-width font."""
        drawn = rows_of([self.titles, *self.rows] if self.titles else self.rows, right=self.right, most=self.most)
        first = 1 if self.titles else 0
        told = drawn[:first]
        for number, line in enumerate(drawn[first:]):
            told += [line, *(f"    {note}" for note in self.notes.get(number, ()))]
        return told

    def plain(self) -> list[Safe]:
        """The table as messages without a rich form."""
        return messages(self.head, self.lines(), self.tail)

    def blocks(self) -> list[InputRichBlockUnion]:
        """The table as blocks of a rich message."""
        wide = max((len(row) for row in self.rows), default=0)
        cells = [[self._cell(title, n, header=True) for n, title in enumerate(self.titles)]] if self.titles else []
        for number, row in enumerate(self.rows):
            cells.append([self._cell(text, n) for n, text in enumerate(row)])
            cells += [[RichBlockTableCell(text=note, align="right", valign="top", colspan=wide)] for note in self.notes.get(number, ())]
        made: list[InputRichBlockUnion] = [InputRichBlockParagraph(text=rich(self.head))]
        made.append(InputRichBlockTable(cells=cells, is_striped=True, is_compact=True))
        return made if self.tail is None else [*made, InputRichBlockParagraph(text=rich(self.tail))]

    def _cell(self, text: str, column: int, *, header: bool = False) -> RichBlockTableCell:
        # A header that is none is not written at all: `false` there would be a field more of each cell.
        align = "right" if column in self.right else "left"
        return RichBlockTableCell(text=text, align=align, valign="top", is_header=True if header else None)


def rich(text: Safe) -> RichTextUnion:
    """A text with bold and fixed-width parts in the form of rich messages."""
    parts: list[RichTextUnion] = []
    within: list[str] = []
    for piece in _TAG.split(text):
        if _TAG.fullmatch(piece):
            within = within[:-1] if piece.startswith("</") else [*within, piece]
        elif piece:
            part: RichTextUnion = html.unescape(piece)
            for tag in reversed(within):
                part = RichTextBold(text=part) if tag == "<b>" else RichTextCode(text=part)
            parts.append(part)
    return parts[0] if len(parts) == 1 else parts


async def send_tables(message: Message, tables: Sequence[Table], keyboard: InlineKeyboardMarkup | None = None) -> None:
    """Answer with these tables in one rich message; where Telegram does not take it, or they are too long for one, as text.

    An old server of one's own knows no rich messages; what it says then is a refusal as any other.
    """
    blocks = [block for one in tables for block in one.blocks()]
    height = sum(len(one.rows) + sum(map(len, one.notes.values())) + 3 for one in tables)
    length = sum(len(one.head) + len(one.tail or "") + sum(map(len, one.lines())) for one in tables)
    if height <= MOST_BLOCKS and length <= MOST_CHARACTERS:
        try:
            await message.answer_rich(InputRichMessage(blocks=blocks, skip_entity_detection=True), reply_markup=keyboard)
        except (TelegramBadRequest, TelegramNotFound):
            pass
        else:
            return
    texts = [text for one in tables for text in one.plain()]
    await send(message, [Safe("\n\n").join(texts)] if len(tables) > 1 and sum(map(len, texts)) < TEXT - 600 else texts, keyboard)


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
