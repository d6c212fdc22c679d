"""What is typed behind a command: a purchase, a list of purchases, a span of days. Any text is either understood or refused in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from core.errors import N_, Refusal
from core.resellers import MOST_LINES, MOST_UNITS
from handlers.typed import whole_number

MOST_OF_LINE = 10_000  # codes in one order
LONGEST_TEXT = 40_000  # characters of a pasted list or a file
MOST_DAYS = 366
_NUMBER = re.compile(r"[A-Za-z0-9._:#/-]{1,64}", re.ASCII)
_SEPARATORS = re.compile(r"[,;\t，；、]")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_DATE_BACKWARDS = re.compile(r"(\d{1,2})[.](\d{1,2})[.](\d{4})")
_HEADER = {"sku", "item", "quantity", "qty", "number", "商品", "数量", "數量", "编号", "編號", "товар", "количество", "номер"}


@dataclass(eq=False)
class NotAPurchase(Refusal):
    says: ClassVar[str] = N_(
        "Type what and how many: <code>/buy 12 5</code>, or with a number of your own: <code>/buy 12 5 A-1007</code>. "
        "/price shows the numbers."
    )


@dataclass(eq=False)
class NotAQuantity(Refusal):
    says: ClassVar[str] = N_("“{text}” is no quantity from 1 to {most}. For example: <code>/buy 12 5</code>")

    text: str
    most: int


@dataclass(eq=False)
class NotANumberOfYours(Refusal):
    says: ClassVar[str] = N_(
        "A number of your own has at most 64 letters, digits and <code>. _ : # / -</code>. For example: <code>/buy 12 5 A-1007</code>"
    )


@dataclass(eq=False)
class BadLines(Refusal):
    says: ClassVar[str] = N_(
        "These lines are not clear: {lines}. Each is SKU,quantity or SKU,quantity,number, for example <code>12,5,A-1007</code>. "
        "Nothing was bought."
    )

    lines: str


@dataclass(eq=False)
class TooManyLines(Refusal):
    says: ClassVar[str] = N_("A list has at most {lines} lines and {units} codes. Please send it in parts; nothing was bought.")

    lines: int
    units: int


@dataclass(eq=False)
class NotDays(Refusal):
    says: ClassVar[str] = N_(
        "Type the first and the last day: <code>/statement {first} {last}</code>, or a number of days: <code>/statement 30</code>. "
        "At most a year."
    )

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """A line as it was typed: which denomination, in the typist's word, how many, and their number."""

    word: str
    quantity: int
    number: str | None


def purchase(text: str) -> Ordered:
    """A purchase on one line. Raises NotAPurchase, NotAQuantity or NotANumberOfYours."""
    parts = _cells(text)
    if not 2 <= len(parts) <= 3:
        raise NotAPurchase
    quantity = _quantity(parts[1])
    if quantity is None:
        raise NotAQuantity(text=parts[1][:40], most=MOST_OF_LINE)
    number = parts[2] if len(parts) == 3 else None
    if number is not None and not _NUMBER.fullmatch(number):
        raise NotANumberOfYours
    return Ordered(parts[0], quantity, number)


def _quantity(text: str) -> int | None:
    found = whole_number(text)
    return found if found is not None and 1 <= found <= MOST_OF_LINE else None


def _cells(line: str) -> list[str]:
    """The cells of a line: by commas, tabs or semicolons, or else by blanks; a word in quotes is one."""
    if _SEPARATORS.search(line):
        cells = [cell.strip().strip("\"'“”").strip() for cell in _SEPARATORS.split(line)]
        while cells and not cells[-1]:
            cells.pop()
        return cells if all(cells) else []
    return [(quoted or curly or bare) for quoted, curly, bare in re.findall(r'"([^"]+)"|“([^”]+)”|(\S+)', line)]


def purchases(text: str) -> list[Ordered]:
    """A list, a line each; a heading and empty lines are passed over. Raises BadLines or TooManyLines."""
    if len(text) > LONGEST_TEXT:
        raise TooManyLines(lines=MOST_LINES, units=MOST_UNITS)
    found: list[Ordered] = []
    bad: list[str] = []
    first = True
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        cells = _cells(line)
        is_header = first and len(cells) >= 2 and any(cell.strip().lower() in _HEADER for cell in cells)
        first = False
        if is_header:
            continue
        try:
            found.append(purchase(line))
        except Refusal:
            bad.append(str(number))
        if len(found) + len(bad) > MOST_LINES:
            raise TooManyLines(lines=MOST_LINES, units=MOST_UNITS)
    if bad:
        raise BadLines(lines=", ".join(bad[:10]) + (" …" if len(bad) > 10 else ""))
    if not found:
        raise NotAPurchase
    if sum(one.quantity for one in found) > MOST_UNITS:
        raise TooManyLines(lines=MOST_LINES, units=MOST_UNITS)
    return found


def _lines(text: str) -> Iterable[str]:
    return text.replace("\ufeff", "").replace("\x00", " ").splitlines()


def days(text: str, today: date) -> tuple[date, date]:
    """The first and the last day that are meant; nothing typed is the last seven. Raises NotDays."""
    refusal = NotDays(first=(today - timedelta(days=6)).isoformat(), last=today.isoformat())
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return today - timedelta(days=6), today
    count = whole_number(plain)
    if count is not None:
        if not 1 <= count <= MOST_DAYS:
            raise refusal
        return today - timedelta(days=count - 1), today
    found = [_day(part) for part in re.split(r"\s*[~–—]\s*|\s+", plain) if part]
    if not 1 <= len(found) <= 2 or any(day is None for day in found):
        raise refusal
    first, last = found[0], found[-1]
    assert first is not None and last is not None, "looked at above"
    if first > last:
        first, last = last, first
    if (last - first).days >= MOST_DAYS or first.year < 2000 or last.year > 2200:
        raise refusal
    return first, last


def _day(text: str) -> date | None:
    match, backwards = _DATE.fullmatch(text), _DATE_BACKWARDS.fullmatch(text)
    try:
        if match is not None:
            return date(int(match[1]), int(match[2]), int(match[3]))
        if backwards is not None:
            return date(int(backwards[3]), int(backwards[2]), int(backwards[1]))
    except ValueError:
        return None
    return None
