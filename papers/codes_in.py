"""Reading the codes that a merchant pastes or sends: text, csv or xlsx, bare or inside a zip or gz, in bounded memory and time.

How a line becomes a number and a password is told in `papers/layout.py`. What is read: `.txt`, `.csv`, `.tsv` (also named
`.text`, `.log`, `.dat`, `.lst` or not at all) in UTF-8, GB18030 or UTF-16; the first sheet of `.xlsx`; one of these in a `.gz`;
several of them in a `.zip`, one after the other. An archive inside an archive is refused. The content decides, not the name.
"""

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO
from xml.parsers.expat import ExpatError

from papers.codes import BadLine, CodeLine, Fault, Limits, Meter, Unreadable, Why
from papers.encodings import GZ, Open, encoding_of
from papers.layout import EDGES, HEADER_WITHIN, Columns, Layout, columns_of_header, decide, flaw, more_of, parts_of
from papers.sheet import Cell, first_sheet

__all__ = ["BadLine", "CodeLine", "Fault", "Limits", "Unreadable", "Why", "read_codes", "read_pasted"]

Found = CodeLine | BadLine

_CHUNK = 64 * 1024
_TEXT_NAMES = {"", "txt", "csv", "tsv", "text", "log", "dat", "lst"}
_ENDING = re.compile(r"\.([A-Za-z][A-Za-z0-9]{0,7})$")
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_SYSTEM_LITTER = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
# What zipfile, gzip, zlib and expat raise for input that is not what it claims to be (their bad seeks are ValueError or OSError).
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ExpatError,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    OSError,
    RuntimeError,
)


def read_codes(name: str, stream: BinaryIO, limits: Limits = Limits()) -> Iterator[Found]:
    """The codes and the refused lines of a file in their order, while it is read; blank lines are skipped.

    `name` is the file's name as the merchant gave it; its ending matters only for .csv and for what is not a list. `stream` is
    read from its start and stays open. Raises Unreadable, and nothing else, when the file as a whole cannot be read – perhaps
    after some lines, so what was given must not be used before the end is reached.
    """
    yield from _bounded(_file(name, _seekable(stream, limits), limits), limits)


def read_pasted(text: str, limits: Limits = Limits()) -> Iterator[Found]:
    """The codes of a pasted message, by the rules of a text file; promises and errors of `read_codes`."""
    return read_codes("", io.BytesIO(text.encode("utf-8", "replace")), limits)


def _bounded(found: Iterable[Found], limits: Limits) -> Iterator[Found]:
    count = 0
    for one in found:
        count += 1
        if count > limits.rows:
            raise Unreadable(Fault.too_many_rows, one.member)
        yield one
    if not count:
        raise Unreadable(Fault.empty)


def _seekable(stream: BinaryIO, limits: Limits) -> BinaryIO:
    if stream.seekable():
        if stream.seek(0, io.SEEK_END) > limits.file_bytes:
            raise Unreadable(Fault.too_big)
        return stream
    content = stream.read(limits.file_bytes + 1)
    if len(content) > limits.file_bytes:
        raise Unreadable(Fault.too_big)
    return io.BytesIO(content)


class _Borrowed(io.BufferedIOBase):
    """A stream that may be opened and closed again and again without closing the one that it reads."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self.stream.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self.stream.read(size)


def _file(name: str, stream: BinaryIO, limits: Limits) -> Iterator[Found]:
    packed = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(512)
    try:
        if head.startswith((_ZIP, _EMPTY_ZIP)):
            yield from _zip(stream, packed, limits)
        elif head.startswith(GZ):
            yield from _gz(name, stream, Meter(packed, limits), limits)
        else:
            yield from _text(name, lambda: _Borrowed(stream), None, None, limits)
    except _DAMAGE:
        raise Unreadable(Fault.damaged) from None  # Their messages may quote the content.


def _gz(name: str, stream: BinaryIO, meter: Meter, limits: Limits) -> Iterator[Found]:
    inner = name[:-3] if name.lower().endswith(".gz") else name

    def opened() -> BinaryIO:
        stream.seek(0)
        return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]  # It reads like a BinaryIO, and typeshed does not say so.

    head = opened().read(512)
    if head.startswith(_ZIP):
        yield from _workbook_inside(_in_memory(opened(), meter), None, meter, limits)
    else:
        yield from _text(inner, opened, meter, None, limits)


def _zip(stream: BinaryIO, packed: int, limits: Limits) -> Iterator[Found]:
    _check_directory(stream, limits)
    meter = Meter(packed, limits)
    with zipfile.ZipFile(stream) as archive:
        if _is_workbook(archive):
            yield from _workbook(archive, None, meter, limits)
            return
        members = [info for info in archive.infolist() if not info.is_dir() and not _SYSTEM_LITTER.search(info.filename)]
        if len(members) > limits.members:
            raise Unreadable(Fault.too_many_members)
        for info in members:
            member = _member_name(info)
            try:
                _check_name(info)
                yield from _member(archive, info, member, meter, limits)
            except _DAMAGE:
                raise Unreadable(Fault.damaged, member) from None
            except Unreadable as refused:
                raise Unreadable(refused.why, member) from None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: str, meter: Meter, limits: Limits) -> Iterator[Found]:
    _check_member(info)

    def opened() -> BinaryIO:
        return archive.open(info)  # type: ignore[return-value]  # As above.

    with opened() as file:
        head = file.read(512)
    if head.startswith(_ZIP):
        yield from _workbook_inside(_in_memory(opened(), meter), member, meter, limits)
    else:
        yield from _text(member, opened, meter, member, limits)


def _member_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800:
        # Names without the UTF-8 mark come as code page 437; Chinese programs put their own encoding there.
        try:
            name = name.encode("cp437").decode("gb18030")
        except UnicodeError:
            name = info.filename
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)[-200:]


def _check_name(info: zipfile.ZipInfo) -> None:
    """Nothing is written by these names, but whoever packs `/etc/x` or `../x` did not pack a list of codes."""
    # Not `info.filename`: zipfile has cut that at a zero byte already, and turned the other kind of slash.
    parts = info.orig_filename.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or ":" in parts[0] or "\0" in info.orig_filename:
        raise Unreadable(Fault.outside_name)


def _check_member(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 0x1:
        raise Unreadable(Fault.encrypted_archive)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(Fault.unknown_format)  # Others may ask for gigabytes before they give the first byte.


def _check_directory(stream: BinaryIO, limits: Limits) -> None:
    """Refuse an archive of very many files before its directory is loaded, by counting signatures instead of trusting headers."""
    most = 100 * limits.members
    count = 0
    stream.seek(0)
    tail = b""
    while chunk := stream.read(1024 * 1024):
        piece = tail + chunk
        count += piece.count(_DIRECTORY_ENTRY)
        if count > most:
            raise Unreadable(Fault.too_many_members)
        tail = piece[-3:]
    stream.seek(0)


def _in_memory(file: BinaryIO, meter: Meter) -> bytes:
    kept = bytearray()
    with file:
        while chunk := file.read(_CHUNK):
            meter.add(len(chunk))
            kept += chunk
    return bytes(kept)


# Workbooks


def _workbook_inside(content: bytes, member: str | None, meter: Meter, limits: Limits) -> Iterator[Found]:
    _check_directory(io.BytesIO(content), limits)
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        if not _is_workbook(book):
            raise Unreadable(Fault.nested_archive)
        yield from _workbook(book, member, meter, limits)


def _is_workbook(book: zipfile.ZipFile) -> bool:
    return "[Content_Types].xml" in book.namelist()


def _workbook(book: zipfile.ZipFile, member: str | None, meter: Meter, limits: Limits) -> Iterator[Found]:
    for info in book.infolist():
        _check_member(info)
        meter.add(info.file_size)  # As declared; zipfile never gives more than that and notices when there was more.
    rows = first_sheet(book, limits)
    sample = _taken(rows, limits.sample_lines)
    found = _rows_by_header(sample, rows, member, limits)
    yield from found if found is not None else _rows_by_place(sample, rows, member, limits)


_Row = tuple[int, dict[int, Cell]]


def _taken(rows: Iterator[_Row], most: int) -> list[_Row]:
    taken: list[_Row] = []
    for row in rows:
        if any(isinstance(cell, Why) or cell.strip(EDGES) for cell in row[1].values()):
            taken.append(row)
            if len(taken) == most:
                break
    return taken


def _plain_cells(row: dict[int, Cell]) -> dict[int, str]:
    return {column: cell.strip(EDGES) for column, cell in row.items() if not isinstance(cell, Why) and cell.strip(EDGES)}


def _rows_by_header(sample: list[_Row], rest: Iterable[_Row], member: str | None, limits: Limits) -> Iterator[Found] | None:
    for index, (_, row) in enumerate(sample[:HEADER_WITHIN]):
        texts = _plain_cells(row)
        if len(texts) != len(row) or (len(texts) == 1 and len(sample) > index + 1 and len(sample[index + 1][1]) > 1):
            continue  # A title over a table, or no text at all.
        header = [texts.get(column, "") for column in range(max(texts) + 1)]
        columns = columns_of_header(header)
        if columns is not None:
            above = (BadLine(number, Why.above_header, member) for number, _ in sample[:index])
            return chain(above, _headed_rows(chain(sample[index + 1 :], rest), columns, member, limits))
    return None


def _headed_rows(rows: Iterable[_Row], columns: Columns, member: str | None, limits: Limits) -> Iterator[Found]:
    wanted = [column for column in (columns.number, columns.password) if column is not None]
    for number, row in rows:
        if not any(isinstance(cell, Why) or cell.strip(EDGES) for cell in row.values()):
            continue
        wrong = next((cell for column in wanted if isinstance(cell := row.get(column, ""), Why)), None)
        if wrong is not None:
            yield BadLine(number, wrong, member)
            continue
        texts = _plain_cells(row)
        cells = [texts.get(column, "") for column in range(columns.width)]
        yield _found(number, parts_of(cells, columns), member, limits, columns.more(cells))


def _rows_by_place(sample: list[_Row], rest: Iterable[_Row], member: str | None, limits: Limits) -> Iterator[Found]:
    used = sorted({column for _, row in sample for column, cell in row.items() if isinstance(cell, Why) or cell.strip(EDGES)})
    if len(used) <= 1:
        # One column: its cells are lines, and may hold number and password in one text as a pasted list does.
        yield from _lines_of_column(sample, rest, used[0] if used else 0, member, limits)
        return
    columns = Columns(0, 1)
    for number, row in chain(sample, rest):
        filled = sorted(column for column, cell in row.items() if isinstance(cell, Why) or cell.strip(EDGES))
        if not filled:
            continue
        if any(column not in used[:2] for column in filled):
            yield BadLine(number, Why.too_many_columns, member)
            continue
        wrong = next((cell for column in filled if isinstance(cell := row[column], Why)), None)
        texts = _plain_cells(row)
        yield (
            BadLine(number, wrong, member)
            if wrong is not None
            else _found(number, parts_of([texts.get(column, "") for column in used[:2]], columns), member, limits)
        )


def _lines_of_column(sample: list[_Row], rest: Iterable[_Row], column: int, member: str | None, limits: Limits) -> Iterator[Found]:
    def lines() -> Iterator[tuple[int, str | Why]]:
        for number, row in chain(sample, rest):
            filled = {place: cell for place, cell in row.items() if isinstance(cell, Why) or cell.strip(EDGES)}
            if not filled:
                continue
            if set(filled) != {column}:
                yield number, Why.too_many_columns
            else:
                cell = filled[column]
                yield number, cell if isinstance(cell, Why) else cell.strip(EDGES)

    yield from _lines(lines(), member, limits, is_csv=False)


# Text


def _text(name: str, opened: Open, meter: Meter | None, member: str | None, limits: Limits) -> Iterator[Found]:
    ending = found[1].lower() if (found := _ENDING.search(name)) else ""
    encoding = encoding_of(opened, meter)
    if ending not in _TEXT_NAMES:
        raise Unreadable(Fault.unknown_format)  # A page or a program that happens to be text is no list of codes.
    yield from _lines(_physical_lines(opened, encoding, limits), member, limits, is_csv=ending == "csv")


def _physical_lines(opened: Open, encoding: str, limits: Limits) -> Iterator[tuple[int, str | Why]]:
    """Lines that are not blank, stripped, with their numbers from 1; a line that is too long is passed over, not gathered."""
    most = limits.line_chars
    number = 0
    # Typeshed wants one kind of buffer, and these are two that both will do.
    with opened() as raw, io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline=None) as text:  # type: ignore[type-var]
        while line := text.readline(most + 1):
            number += 1
            if number > limits.lines:
                raise Unreadable(Fault.too_many_rows)
            if len(line) > most and line[-1] != "\n":
                while (more := text.readline(_CHUNK)) and more[-1] != "\n":
                    pass
                yield number, Why.too_long
            elif line := line.strip(EDGES).rstrip("\x1a"):  # The old end-of-file mark of DOS.
                yield number, line


def _lines(lines: Iterator[tuple[int, str | Why]], member: str | None, limits: Limits, *, is_csv: bool) -> Iterator[Found]:
    first: list[tuple[int, str | Why]] = []
    for line in lines:
        first.append(line)
        if len(first) == limits.sample_lines:
            break
    layout = decide([text for _, text in first if not isinstance(text, Why)], is_csv=is_csv)
    header: tuple[int, str | Why] | None = None
    if layout.header_at is not None:
        readable = [line for line in first if not isinstance(line[1], Why)]
        header = readable[layout.header_at]
        at = first.index(header)
        for number, text in first[:at]:
            yield BadLine(number, text if isinstance(text, Why) else Why.above_header, member)
        first = first[at + 1 :]
    every = chain(first, lines)
    yield from _labelled_lines(every, layout, member, limits) if layout.labelled else _plain_lines(every, layout, member, limits)


def _plain_lines(lines: Iterable[tuple[int, str | Why]], layout: Layout, member: str | None, limits: Limits) -> Iterator[Found]:
    parts, code_chars = layout.parts, limits.code_chars
    for number, text in lines:
        found = text if isinstance(text, Why) else parts(text, code_chars)
        if isinstance(found, Why):
            yield BadLine(number, found, member)
        else:
            more = more_of(layout, str(text))
            yield CodeLine(number, found[0], found[1], member, more)


def _labelled_lines(lines: Iterable[tuple[int, str | Why]], layout: Layout, member: str | None, limits: Limits) -> Iterator[Found]:
    """Lines with labels; where passwords are labelled, a number alone waits for the password on the next line."""
    waiting: CodeLine | None = None
    for line, text in lines:
        found = text if isinstance(text, Why) else layout.parts(text, limits.code_chars)
        if not isinstance(found, Why) and found[0] is None and waiting is not None:
            yield CodeLine(waiting.line, waiting.card_no, found[1], member)
            waiting = None
            continue
        if waiting is not None:
            yield BadLine(waiting.line, Why.empty_column, member)
            waiting = None
        if isinstance(found, Why):
            yield BadLine(line, found, member)
        elif found[1] is None and layout.passwords_are_labelled:
            waiting = CodeLine(line, found[0], None)
        else:
            yield CodeLine(line, found[0], found[1], member)
    if waiting is not None:
        yield BadLine(waiting.line, Why.empty_column, member)


def _found(
    line: int,
    parts: tuple[str | None, str | None] | Why,
    member: str | None,
    limits: Limits,
    more: tuple[tuple[str, str], ...] = (),
) -> Found:
    if not isinstance(parts, Why):
        wrong = next((why for part in parts if part is not None and (why := flaw(part, limits.code_chars))), None)
        if wrong is None:
            return CodeLine(line, parts[0], parts[1], member, more)
        parts = wrong
    return BadLine(line, parts, member)
