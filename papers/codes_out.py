"""The documents around codes: the .txt and .csv that a buyer gets, and the list of lines that an import refused.

The .txt holds the codes exactly as they are: it is the one to copy from. The .csv holds them exactly for a program that reads
csv, with one exception, told in `papers/cells.py`: a value that a spreadsheet would run as a formula gets an apostrophe in front,
which `papers.codes_in` takes away again. No trick such as ="0012" is used against spreadsheets that round long numbers: it would
spoil the file for programs, and the .txt is there.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from papers.cells import guarded

BETWEEN = "----"
"""Stands between number and password in a .txt, as the trade writes it and `papers.codes_in` reads it."""

Code = tuple[str | None, str | None]
"""(card_no, card_pwd), one of them at least."""

_BOM = "\ufeff"


def codes_txt(codes: Iterable[Code]) -> bytes:
    """UTF-8 without a byte order mark, one code per line, number and password joined by `----`.

    Where a code has line breaks of its own, such as a licence text, the codes of the document are parted by blank lines instead.
    """
    texts = [BETWEEN.join(part for part in code if part is not None) for code in codes]
    between = "\n\n" if any("\n" in text or "\r" in text for text in texts) else "\n"
    return (between.join(texts) + "\n").encode() if texts else b""


def codes_csv(codes: Iterable[Code]) -> bytes:
    """UTF-8 with a byte order mark (spreadsheets need it) and a header; a column that no code has is left out."""
    every = list(codes)
    columns = [(name, index) for index, name in enumerate(("card_no", "card_pwd")) if any(code[index] is not None for code in every)] or [
        ("card_no", 0),
        ("card_pwd", 1),
    ]
    return _csv([name for name, _ in columns], ([code[index] or "" for _, index in columns] for code in every))


def refused_csv(refused: Iterable[Sequence[str | int | None]], header: Sequence[str] = ("line", "reason")) -> bytes:
    """The refused lines of an import, in the caller's words: (line, reason) by default, never the lines themselves."""
    return _csv(header, (["" if cell is None else str(cell) for cell in row] for row in refused))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(_BOM, newline="")
    text.seek(0, io.SEEK_END)
    write = csv.writer(text)
    write.writerow(header)
    for row in rows:
        write.writerow([guarded(cell) for cell in row])
    return text.getvalue().encode()
