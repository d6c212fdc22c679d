"""Files as merchants send them, made for the tests."""

import gzip
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook

from papers.codes_in import BadLine, CodeLine, Fault, Limits, Unreadable, read_codes

Answer = tuple[int, str | None, str | None] | tuple[int, str]


def answers(name: str, content: bytes | str, limits: Limits = Limits()) -> list[Answer]:
    """(line, number, password) of every code and (line, why) of every refused line."""
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return [
        (one.line, one.card_no, one.card_pwd) if isinstance(one, CodeLine) else (one.line, one.why.value)
        for one in read_codes(name, stream, limits)
    ]


def parts(name: str, content: bytes | str) -> list[tuple[str | None, str | None]]:
    """(number, password) of every code, where every line must be one."""
    found = list(read_codes(name, io.BytesIO(content.encode() if isinstance(content, str) else content)))
    assert not [one for one in found if isinstance(one, BadLine)], found
    return [(one.card_no, one.card_pwd) for one in found if isinstance(one, CodeLine)]


def fault(name: str, content: bytes | str, limits: Limits = Limits()) -> Fault | None:
    """Why the file as a whole is refused."""
    try:
        answers(name, content, limits)
    except Unreadable as refused:
        return refused.why
    return None


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content)


def workbook(rows: Iterable[Sequence[Any]], formats: Mapping[str, str] | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for place, number_format in (formats or {}).items():
        sheet[place].number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
