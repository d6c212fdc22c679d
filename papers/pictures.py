"""Sheets of figures as pictures: cards of rows with their amounts at the right, to be read on a phone."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

WIDTH = 1080
MOST_ROWS = 14  # of a card; more would not be read on a phone, and stand in the spreadsheet
_MARGIN, _INSET, _GAP = 40, 40, 28  # around the cards, within them, and between
_ROOM = WIDTH - 2 * (_MARGIN + _INSET)
_BESIDE = 3  # figures of the headline, under its first
_FONTS = Path(__file__).parent / "fonts"

_PAPER, _CARD, _RULE = "#F3F5F8", "#FFFFFF", "#E3E7ED"
_BLANKS = "\u00a0 "  # within an amount, and between words
_INK, _SOFT, _GOOD, _BAD, _ACCENT = "#16202E", "#66738A", "#12805C", "#C0362C", "#2456C8"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure: its name, its value at the right, and a smaller word under the name; a `strong` one is a sum under a rule."""

    label: str
    value: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """Rows under a heading; `more` tells of rows that had no room. As `tiles` two stand beside each other, their values large."""

    title: str
    rows: Sequence[Row]
    more: str = ""
    tiles: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole picture. `headline` are the few figures that are read first, `seal` says whether all is well."""

    title: str
    subtitle: str
    headline: Sequence[Row]
    cards: Sequence[Card]
    seal: str
    well: bool
    footer: str = ""


def sheet_png(sheet: Sheet) -> bytes:
    """The sheet as a PNG of `WIDTH` pixels, as high as it needs. What the fonts cannot draw, such as an emoji, is left out."""
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    height = _Pen(draw, dry=True).sheet(sheet)
    picture = Image.new("RGB", (WIDTH, height), _PAPER)
    _Pen(ImageDraw.Draw(picture), dry=False).sheet(sheet)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


@lru_cache(maxsize=32)
def _font(size: int, bold: bool = False) -> FreeTypeFont:
    # The simple layout: the same on every machine, whatever libraries it has.
    name = f"NotoSansCJKsc-{'Bold' if bold else 'Regular'}.otf"
    return ImageFont.truetype(str(_FONTS / name), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=8192)
def _known(character: str) -> bool:
    if character in _BLANKS:
        return True
    font = _font(32)
    mask, nothing = font.getmask(character), font.getmask("\U0010ffff")
    return (mask.size, bytes(mask)) != (nothing.size, bytes(nothing)) and mask.getbbox() is not None


def drawable(text: str) -> str:
    """The text without the characters that the fonts do not have; what parts its words is one blank, breaking or not."""
    plain = text.replace("⭐", "★").replace(" · ", "·")  # The font's dot brings its own room.
    known = "".join(_BLANKS[character not in "\u00a0\u202f"] if character.isspace() else character for character in plain)
    return re.sub(" {2,}", " ", "".join(character for character in known if _known(character))).strip(_BLANKS)


def _wrapped(text: str, font: FreeTypeFont, room: float, most: int) -> list[str]:
    """The text in at most so many lines; broken at blanks, or anywhere in a text without, and cut with an ellipsis."""
    lines: list[str] = []
    rest = drawable(text)
    while rest and len(lines) < most:
        if font.getlength(rest) <= room:
            return [*lines, rest]
        fits = next(n for n in range(len(rest), 0, -1) if n == 1 or font.getlength(rest[:n]) <= room)
        if len(lines) == most - 1:
            while fits > 1 and font.getlength(rest[:fits].rstrip() + "…") > room:
                fits -= 1
            return [*lines, rest[:fits].rstrip() + "…"]
        blank = rest.rfind(" ", 0, fits + 1)
        cut = blank if blank > fits // 3 else fits
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return lines or [""]


def _fitting(text: str, size: int, room: float, *, bold: bool, least: int = 22) -> tuple[str, FreeTypeFont]:
    """The text and the largest font in which it stands on one line; an amount is never cut."""
    text = drawable(text)
    while size > least and _font(size, bold).getlength(text) > room:
        size -= 2
    return text, _font(size, bold)


def _colour(value: str) -> str:
    return _BAD if value.startswith(("-", "−")) else _INK


class _Pen:
    """Draws from top to bottom; a dry one only finds out how high it gets."""

    def __init__(self, draw: ImageDraw.ImageDraw, *, dry: bool) -> None:
        self.draw, self.dry, self.y = draw, dry, 0.0

    def sheet(self, sheet: Sheet) -> int:
        self.y = 56
        for line in _wrapped(sheet.title, _font(52, True), WIDTH - 2 * _MARGIN, 2):
            self._line(line, _font(52, True), _INK, _MARGIN, 66)
        for line in _wrapped(sheet.subtitle, _font(32), WIDTH - 2 * _MARGIN, 2):
            self._line(line, _font(32), _SOFT, _MARGIN, 46)
        self.y += 26
        self._headline(sheet.headline)
        self._seal(sheet.seal, _GOOD if sheet.well else _BAD)
        for card in sheet.cards:
            (self._tiles if card.tiles else self._card)(card)
        if sheet.footer:
            for line in _wrapped(sheet.footer, _font(24), WIDTH - 2 * _MARGIN, 3):
                self._line(line, _font(24), _SOFT, _MARGIN, 36)
        return int(self.y + 36)

    def _line(self, text: str, font: FreeTypeFont, colour: str, x: float, height: float) -> None:
        self._put(text, font, colour, x, self.y + height / 2, "lm")
        self.y += height

    def _put(self, text: str, font: FreeTypeFont, colour: str, x: float, y: float, anchor: str) -> None:
        if not self.dry and text:
            self.draw.text((x, y), text, font=font, fill=colour, anchor=anchor)

    def _box(self, top: float, bottom: float, colour: str) -> None:
        if not self.dry:
            self.draw.rounded_rectangle((_MARGIN, top, WIDTH - _MARGIN, bottom), radius=26, fill=colour)

    def _headline(self, rows: Sequence[Row]) -> None:
        """The first figure large in a coloured card, the others under it, three beside each other."""
        if not rows:
            return
        first, others = rows[0], rows[1:]
        height = 194 + 112 * -(-len(others) // _BESIDE) + (6 if others else 0)
        top = self.y
        self._box(top, top + height, _ACCENT)
        left = _MARGIN + _INSET
        self._put(_wrapped(first.label, _font(30), _ROOM, 1)[0], _font(30), "#D5E0FA", left, top + 56, "lm")
        text, font = _fitting(first.value, 84, _ROOM, bold=True, least=40)
        self._put(text, font, "#FFFFFF", left, top + 126, "lm")
        for number, row in enumerate(others):
            down, across = divmod(number, _BESIDE)
            room = _ROOM / min(_BESIDE, len(others)) - 16
            x, y = left + across * _ROOM / min(_BESIDE, len(others)), top + 216 + 112 * down
            label, small = _fitting(row.label, 25, room, bold=False, least=17)
            self._put(label, small, "#D5E0FA", x, y, "lm")
            text, font = _fitting(row.value, 40, room, bold=True)
            self._put(text, font, "#FFFFFF", x, y + 46, "lm")
        self.y = top + height + _GAP

    def _seal(self, text: str, colour: str) -> None:
        lines = _wrapped(text, _font(28, True), _ROOM - 50, 3)
        top, height = self.y, 44 + 40 * len(lines)
        self._box(top, top + height, _CARD)
        if not self.dry:
            x, y = _MARGIN + _INSET + 14, top + height / 2
            self.draw.ellipse((x - 14, y - 14, x + 14, y + 14), fill=colour)
        for number, line in enumerate(lines):
            self._put(line, _font(28, True), colour, _MARGIN + _INSET + 48, top + 42 + 40 * number, "lm")
        self.y = top + height + _GAP

    def _card(self, card: Card) -> None:
        top, rows = self.y, list(self._laid_out(card))
        height = 88 + sum(h for *_, h in rows) + (44 if card.more else 0) + 22
        self._box(top, top + height, _CARD)
        left, right = _MARGIN + _INSET, WIDTH - _MARGIN - _INSET
        self._put(_wrapped(card.title, _font(32, True), _ROOM, 1)[0], _font(32, True), _INK, left, top + 50, "lm")
        y = top + 88
        for row, labels, notes, (value, font), h in rows:
            if row.strong and not self.dry:
                self.draw.line((left, y + 4, right, y + 4), fill=_RULE, width=2)
            under = y + (10 if row.strong else 0)
            for number, label in enumerate(labels):
                self._put(label, _font(28, row.strong), _INK, left, under + 22 + 36 * number, "lm")
            self._put(value, font, _colour(value), right, under + 22, "rm")
            for number, note in enumerate(notes):
                self._put(note, _font(23), _SOFT, left, under + 18 + 36 * len(labels) + 29 * number, "lm")
            y += h
        if card.more:
            self._put(_wrapped(card.more, _font(23), _ROOM, 1)[0], _font(23), _SOFT, left, y + 18, "lm")
        self.y = top + height + _GAP

    def _tiles(self, card: Card) -> None:
        rows = card.rows[:MOST_ROWS]
        pairs = [rows[first : first + 2] for first in range(0, len(rows), 2)]
        top, left, room = self.y, _MARGIN + _INSET, (_ROOM - _GAP) / 2
        notes = [[_wrapped(row.note, _font(23), room, 3) if row.note else [] for row in pair] for pair in pairs]
        heights = [106 + 29 * max(len(lines) for lines in pair) for pair in notes]
        height = 92 + sum(heights) + (44 if card.more else 0) + 8
        self._box(top, top + height, _CARD)
        self._put(_wrapped(card.title, _font(32, True), _ROOM, 1)[0], _font(32, True), _INK, left, top + 52, "lm")
        y = top + 92
        for pair, under, h in zip(pairs, notes, heights, strict=True):
            for number, (row, lines) in enumerate(zip(pair, under, strict=True)):
                x = left + number * (room + _GAP)
                self._put(_wrapped(row.label, _font(25), room, 1)[0], _font(25), _SOFT, x, y + 14, "lm")
                text, font = _fitting(row.value, 42, room, bold=True)
                self._put(text, font, _colour(row.value), x, y + 58, "lm")
                for line, note in enumerate(lines):
                    self._put(note, _font(23), _SOFT, x, y + 98 + 29 * line, "lm")
            y += h
        if card.more:
            self._put(_wrapped(card.more, _font(23), _ROOM, 1)[0], _font(23), _SOFT, left, y + 12, "lm")
        self.y = top + height + _GAP

    def _laid_out(self, card: Card) -> Iterator[tuple[Row, list[str], list[str], tuple[str, FreeTypeFont], float]]:
        for row in card.rows[:MOST_ROWS]:
            value = _fitting(row.value, 29, _ROOM * 0.7, bold=row.strong)
            beside = _ROOM - value[1].getlength(value[0]) - 28
            labels = _wrapped(row.label, _font(28, row.strong), beside, 3)
            notes = _wrapped(row.note, _font(23), _ROOM, 3) if row.note else []
            yield row, labels, notes, value, 10 + 36 * len(labels) + 29 * len(notes) + (10 if row.strong else 0)


def font_of(size: int) -> FreeTypeFont:
    """The font in which everything of ours is drawn."""
    return _font(size)
