"""Rows to csv and xlsx files, for statements and exports: exact amounts, no formulas, Chinese that opens in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import Cell as WrittenCell
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from papers.cells import guarded

Cell = str | int | Decimal | date | datetime | None
"""Amounts come as Decimal in whole units of the currency, moments with their time zone."""

MOST_ROWS = 1_048_575  # below the header
MOST_CHARS = 32_767
EXACT_DIGITS = 15

_FORBIDDEN_IN_TITLE = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_FORBIDDEN_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def csv_table(header: Sequence[str], rows: Iterable[Sequence[Cell]], timezone: str = "Asia/Shanghai") -> bytes:
    """UTF-8 with a byte order mark. Numbers are plain digits with a point, moments ISO 8601 with their offset, texts guarded
    against being run as formulas (`papers/cells.py`). Raises ValueError for a moment without a time zone."""
    return "\ufeff".encode() + csv_rows([header], timezone) + csv_rows(rows, timezone)


def csv_rows(rows: Iterable[Sequence[Cell]], timezone: str = "Asia/Shanghai") -> bytes:
    """More rows of a `csv_table`, for one that is written piece by piece."""
    zone = ZoneInfo(timezone)
    text = io.StringIO(newline="")
    write = csv.writer(text)
    for row in rows:
        write.writerow([_csv_cell(cell, zone) for cell in row])
    return text.getvalue().encode("utf-8", "replace")


def _csv_cell(cell: Cell, zone: tzinfo) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return _local(cell, zone).isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return guarded(cell) if isinstance(cell, str) else str(cell)


def _local(moment: datetime, zone: tzinfo) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone cannot be written down.")
    return moment.astimezone(zone)


def xlsx_table(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], timezone: str = "Asia/Shanghai") -> bytes:
    """A workbook of one sheet with a bold, fixed header.

    Moments stand in local time without an offset, since a sheet knows no other; numbers of more than 15 digits and texts that
    look like formulas are written as text. Raises ValueError for a moment without a time zone, for more rows than a sheet has,
    and for a text longer than a cell holds.
    """
    zone = ZoneInfo(timezone)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_FORBIDDEN_IN_TITLE.sub(" ", title).strip(" '")[:31] or "1")
    sheet.freeze_panes = "A2"
    for index, name in enumerate(header, 1):
        sheet.column_dimensions[get_column_letter(index)].width = min(60, max(12, 2 * len(name) + 4))
    content = io.BytesIO()
    try:
        bold = [_xlsx_cell(sheet, name, zone) for name in header]
        for cell in bold:
            cell.font = Font(bold=True)
        sheet.append(bold)
        for number, row in enumerate(rows, 1):
            if number > MOST_ROWS:
                raise ValueError(f"A sheet has room for {MOST_ROWS} rows.")
            sheet.append([_xlsx_cell(sheet, cell, zone) for cell in row])
    finally:
        book.save(content)  # Also after an error: saving is how the temporary file of the rows is given back.
    return content.getvalue()


def _xlsx_cell(sheet: WriteOnlyWorksheet, value: Cell, zone: tzinfo) -> WrittenCell:
    if isinstance(value, datetime):
        return WriteOnlyCell(sheet, _local(value, zone).replace(tzinfo=None))
    if isinstance(value, (int, Decimal)) and len(Decimal(value).as_tuple().digits) > EXACT_DIGITS:
        value = format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, str):
        if len(value) > MOST_CHARS:
            raise ValueError(f"A cell has room for {MOST_CHARS} characters.")
        cell = WriteOnlyCell(sheet, _FORBIDDEN_IN_XML.sub("\ufffd", value))
        cell.data_type = "s"  # Said outright, or a text that begins with = would become a formula and #N/A an error.
        return cell
    cell = WriteOnlyCell(sheet)
    cell.value = value
    return cell
