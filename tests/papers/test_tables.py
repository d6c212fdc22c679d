"""Statements as csv and xlsx."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from papers.tables import Cell, csv_table, xlsx_table

MOMENT = datetime(2026, 10, 1, 20, 30, tzinfo=UTC)
ROW: list[Cell] = [MOMENT, date(2026, 10, 2), Decimal("-1234567.50"), -7, "=1+1", None, "卡"]


def test_a_csv_table_is_exact_and_runs_nothing() -> None:
    content = csv_table(["时间", "a", "b", "c", "d", "e", "f"], [ROW])

    assert content.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1] == [
        "2026-10-02 04:30:00+08:00",
        "2026-10-02",
        "-1234567.50",
        "-7",
        "'=1+1",
        "",
        "卡",
    ]


def test_a_workbook_keeps_its_types_and_runs_nothing() -> None:
    content = xlsx_table("对账单: 10/2026", ["a", "b", "c", "d", "e", "f", "g"], [ROW])

    book = load_workbook(io.BytesIO(content))
    sheet = book[book.sheetnames[0]]
    header, row = sheet.iter_rows()
    assert sheet.title == "对账单  10 2026"
    assert sheet.freeze_panes == "A2"
    assert header[0].font.bold
    assert [cell.value for cell in row] == [
        datetime.fromisoformat("2026-10-02T04:30:00"),
        datetime.fromisoformat("2026-10-02T00:00:00"),
        -1234567.5,
        -7,
        "=1+1",
        None,
        "卡",
    ]
    assert row[4].data_type == "s"


@given(st.lists(st.lists(st.text() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=2), max_size=4), max_size=5))
def test_any_rows_make_a_workbook_that_opens_without_formulas(rows: list[list[Cell]]) -> None:
    book = load_workbook(io.BytesIO(xlsx_table("", ["a"], rows)))

    for row, given_row in zip(list(book[book.sheetnames[0]].iter_rows())[1:], rows, strict=False):
        for cell, value in zip(row, given_row, strict=False):
            assert cell.data_type != "f"
            if isinstance(value, int) and len(str(abs(value))) <= 15:
                assert cell.value == value
            if isinstance(value, int) and len(str(abs(value))) > 15:
                assert cell.value == str(value)


def test_what_cannot_be_written_exactly_is_refused() -> None:
    naive = datetime.fromisoformat("2026-10-01T12:00:00")

    with pytest.raises(ValueError, match="time zone"):
        csv_table(["a"], [[naive]])
    with pytest.raises(ValueError, match="time zone"):
        xlsx_table("t", ["a"], [["fine"], [naive]])
    with pytest.raises(ValueError, match="room"):
        xlsx_table("t", ["a"], [["x" * 40_000]])
