"""Reading the first sheet of an .xlsx workbook row by row, in bounded memory and without losing a digit.

openpyxl writes our workbooks; it does not read strangers' ones, because even its read-only mode builds a whole row before it
shows it, pads gaps (one cell in the last column of every row costs gigabytes), turns numbers into floats and quotes cell values
in warnings. Its tables of number formats are used here.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from papers.codes import MIB, Fault, Limits, Unreadable, Why

Cell = str | Why
"""The text of a cell, or why there is none to be had."""

_CHUNK = 64 * 1024
_TOKEN_BYTES = 1 * MIB  # one tag with its attributes; expat reads a longer one again from its start with every chunk
_DEPTH = 100  # of elements in each other; the parser remembers them all
_NAMES = 10_000  # of elements and attributes; the parser never forgets one
_SMALL_PART = 4 * MIB
_LAST_COLUMN = 16_384
_LAST_ROW = 1_048_576
_EXACT_DIGITS = 15
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLACE = re.compile(r"([A-Z]{1,3})\d+", re.ASCII)
_ZEROS = re.compile(r"0{2,40}")

_Start = Callable[[str, dict[str, str]], None]
_End = Callable[[str], None]
_Text = Callable[[str], None]


class Part:
    """One XML part of a workbook, fed to handlers piece by piece. Names come without their namespace."""

    def __init__(self, book: zipfile.ZipFile, path: str, most_bytes: int) -> None:
        try:
            self.info = book.getinfo(path)
        except KeyError:
            raise Unreadable(Fault.damaged) from None
        if self.info.file_size > most_bytes:
            raise Unreadable(Fault.expands_too_far)
        self.book = book

    def read(self, start: _Start, end: _End, text: _Text) -> Iterator[None]:
        """Yield after every piece, so that the caller can hand on what the handlers have gathered."""
        depth = 0

        def opened(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > _DEPTH:
                raise Unreadable(Fault.damaged)
            start(_local(name), attributes)

        def closed(name: str) -> None:
            nonlocal depth
            depth -= 1
            end(_local(name))

        known: dict[str, str] = {}
        parser = expat.ParserCreate(namespace_separator=" ", intern=known)
        parser.buffer_text = True
        parser.StartElementHandler = opened
        parser.EndElementHandler = closed
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        fed = 0
        with self.book.open(self.info) as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
                fed += len(chunk)
                if fed - max(parser.CurrentByteIndex, 0) > _TOKEN_BYTES or len(known) > _NAMES:
                    raise Unreadable(Fault.damaged)
                yield
            parser.Parse(b"", True)
            yield

    def read_whole(self, start: _Start, end: _End | None = None, text: _Text | None = None) -> None:
        """Feed the whole part."""
        for _ in self.read(start, end or _nothing, text or _nothing):
            pass


def _nothing(_: str) -> None:
    """No handler."""


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(*_: object) -> None:
    # No workbook has one; entities are how a small file of XML becomes a very large one.
    raise Unreadable(Fault.damaged)


def first_sheet(book: zipfile.ZipFile, limits: Limits) -> Iterator[tuple[int, dict[int, Cell]]]:
    """The rows of the first worksheet as (row number from 1, {column from 0: cell}), rows without any content left out.

    Raises Unreadable, and whatever zipfile, zlib and expat raise for damaged input.
    """
    path, strings_path, styles_path = _paths(book)
    formats = _formats(book, styles_path) if styles_path else []
    strings = _strings(book, strings_path, limits) if strings_path else []
    sheet = _Sheet(strings, formats, limits)
    for _ in Part(book, path, limits.expanded_bytes).read(sheet.start, sheet.end, sheet.text):
        yield from sheet.rows
        sheet.rows.clear()


def _relations(book: zipfile.ZipFile, path: str, base: str) -> dict[str, tuple[str, str]]:
    """Id → (last word of the type, path in the archive)."""
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            full = target[1:] if target.startswith("/") else base + target
            found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], full)

    Part(book, path, _SMALL_PART).read_whole(start)
    return found


def _paths(book: zipfile.ZipFile) -> tuple[str, str | None, str | None]:
    documents = [path for kind, path in _relations(book, "_rels/.rels", "").values() if kind == "officeDocument"]
    if not documents:
        raise Unreadable(Fault.unknown_format)
    folder, slash, name = documents[0].rpartition("/")
    base = folder + slash
    relations = _relations(book, f"{base}_rels/{name}.rels", base)
    sheets: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            identity = next((value for key, value in attributes.items() if key.endswith("relationships id")), "")
            kind, path = relations.get(identity, ("", ""))
            if kind == "worksheet":
                sheets.append(path)

    Part(book, documents[0], _SMALL_PART).read_whole(start)
    if not sheets:
        raise Unreadable(Fault.unknown_format)  # A word document, a chart, a workbook of another kind.
    by_kind = dict(relations.values())
    return sheets[0], by_kind.get("sharedStrings"), by_kind.get("styles")


def _formats(book: zipfile.ZipFile, path: str) -> list[str]:
    """The number format of every cell style."""
    named: dict[int, str] = {}
    styles: list[int] = []
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag == "numFmt":
            named[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            styles.append(int(attributes.get("numFmtId", "0")))

    def end(tag: str) -> None:
        nonlocal inside
        if tag == "cellXfs":
            inside = False

    Part(book, path, _SMALL_PART).read_whole(start, end)
    return [named.get(number, BUILTIN_FORMATS.get(number, "General")) for number in styles]


class _Words:
    """Gathers the text of the <t> elements of one cell or one shared string, without the phonetic guides, up to a limit."""

    def __init__(self, most_chars: int) -> None:
        self.most_chars = most_chars
        self.begin()

    def begin(self) -> None:
        self.pieces: list[str] = []
        self.chars = 0
        self.open = False
        self.phonetic = False

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self.phonetic = True
        elif tag in ("t", "v"):
            self.open = not self.phonetic

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self.phonetic = False
        elif tag in ("t", "v"):
            self.open = False

    def text(self, data: str) -> None:
        if self.open and self.chars <= self.most_chars:
            self.pieces.append(data)
            self.chars += len(data)

    def cell(self) -> Cell:
        return Why.too_long if self.chars > self.most_chars else "".join(self.pieces)


def _strings(book: zipfile.ZipFile, path: str, limits: Limits) -> list[Cell]:
    found: list[Cell] = []
    words = _Words(limits.line_chars)

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "si":
            if len(found) >= limits.shared_strings:
                raise Unreadable(Fault.too_many_rows)
            words.begin()
        else:
            words.start(tag)

    def end(tag: str) -> None:
        if tag == "si":
            found.append(_unescaped(words.cell()))
        else:
            words.end(tag)

    # Half of the allowance: these texts are held in memory, the rows are not.
    Part(book, path, limits.expanded_bytes // 2).read_whole(start, end, words.text)
    return found


def _unescaped(cell: Cell) -> Cell:
    if isinstance(cell, Why) or "_x" not in cell:
        return cell
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), cell).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Sheet:
    """The handlers that turn the events of a worksheet into rows."""

    def __init__(self, strings: list[Cell], formats: list[str], limits: Limits) -> None:
        self.strings, self.formats, self.limits = strings, formats, limits
        self.rows: list[tuple[int, dict[int, Cell]]] = []
        self.row: dict[int, Cell] = {}
        self.number = 0
        self.column = -1
        self.seen = 0
        self.words = _Words(limits.line_chars)
        self.kind = "n"
        self.style = 0
        self.formula = False
        self.in_cell = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            place = _PLACE.fullmatch(attributes.get("r", ""))
            self.column = _column(place[1]) if place else self.column + 1
            if self.column >= _LAST_COLUMN:
                raise Unreadable(Fault.damaged)
            self.kind = attributes.get("t", "n")
            self.style = int(attributes.get("s", "0"))
            self.formula, self.in_cell = False, True
            self.words.begin()
        elif tag == "row":
            self.number = int(attributes["r"]) if "r" in attributes else self.number + 1
            self.seen += 1
            if self.seen > self.limits.lines:
                raise Unreadable(Fault.too_many_rows)
            if not 0 < self.number <= _LAST_ROW:
                raise Unreadable(Fault.damaged)
            self.column = -1
            self.row = {}
        elif tag == "f":
            self.formula = self.in_cell
        else:
            self.words.start(tag)

    def end(self, tag: str) -> None:
        if tag == "c":
            self.in_cell = False
            cell = self.cell()
            if cell:
                self.row[self.column] = cell
        elif tag == "row":
            if self.row:
                self.rows.append((self.number, self.row))
        else:
            self.words.end(tag)

    def text(self, data: str) -> None:
        if self.in_cell:
            self.words.text(data)

    def cell(self) -> Cell:
        if self.formula:
            return Why.formula
        content = self.words.cell()
        if isinstance(content, Why) or not content:
            return content
        match self.kind:
            case "s":
                return self.shared(content)
            case "str" | "inlineStr":
                return _unescaped(content)
            case "n":
                return _number(content, self.formats[self.style] if 0 <= self.style < len(self.formats) else "General")
            case "d":
                return Why.date
            case _:
                return Why.not_a_code

    def shared(self, content: str) -> Cell:
        index = int(content)
        if not 0 <= index < len(self.strings):
            raise Unreadable(Fault.damaged)
        return self.strings[index]


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _number(content: str, shown_as: str) -> Cell:
    """A number cell as the digits that it shows; sixteen digits and more were rounded when they were typed, and are refused."""
    if is_date_format(shown_as):
        return Why.date
    try:
        value = Decimal(content.strip())
    except InvalidOperation:
        raise Unreadable(Fault.damaged) from None
    if not value.is_finite():
        return Why.not_a_code
    if value and value.adjusted() >= _EXACT_DIGITS:
        return Why.number_lost_digits
    if value.adjusted() < -40 or value != value.to_integral_value() or value < 0:
        return Why.not_a_whole_number
    digits = str(int(value))
    return digits.zfill(len(shown_as)) if _ZEROS.fullmatch(shown_as) else digits
