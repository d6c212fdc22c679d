"""`shop statement`: the table, the files, and the sentences for what is no day."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.command_line.conftest import Said
from tests.command_line.test_commands import CATALOGUE, change

Here = Callable[..., Said]


@pytest.fixture
def stocked(here: Here) -> Here:
    Path("small.yaml").write_text(CATALOGUE, encoding="utf-8")
    assert here("seed", "small.yaml").status == 0
    return here


def test_a_day_is_printed_and_written_into_files(stocked: Here) -> None:
    day = date.today()  # noqa: DTZ011 - any day will do

    said = stocked("statement", "--day", day.isoformat(), "--csv", "day.csv", "--png", "day.png", SHOP_LANGUAGE="ru")

    assert said.status == 0
    assert "Earned by sales, at the end" in said.out and "Equal to the ledger" in said.out
    assert Path("day.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(Path("day.csv").read_text(encoding="utf-8-sig"))))
    assert {(row["code"], Decimal(row["amount"])) for row in rows} == {("sales.opening", Decimal(0)), ("sales.closing", Decimal(0))}
    assert stocked("statement").status == 0
    assert stocked("statement", "--from", (day - timedelta(days=30)).isoformat(), "--to", day.isoformat()).status == 0


def test_books_that_do_not_balance_end_with_one(stocked: Here) -> None:
    change(
        "INSERT INTO accounts (id, party_id, kind, label, currency, balance_minor, floor_minor)"
        " SELECT 99, party_id, 'wallet', '', 'CNY', 7, 0 FROM storefronts"
    )

    said = stocked("statement")

    assert said.status == 1
    assert "the wallets have what all other accounts lack" in said.out and "1 difference from the ledger" in said.out
    assert stocked("audit").status == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--day", "yesterday"), "is not a day"),
        (("--day", "2030-02-30"), "is not a day"),
        (("--day", "2030-01-01", "--from", "2030-01-01", "--to", "2030-01-02"), "Name one day by --day"),
        (("--from", "2030-01-01"), "Name one day by --day"),
        (("--from", "2030-01-02", "--to", "2030-01-01"), "from an earlier to a later one"),
        (("--csv", "no/such/folder.csv"), "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(stocked: Here, options: tuple[str, ...], says: str) -> None:
    said = stocked("statement", *options)

    assert said.status == 2 and says in said.err


def test_before_the_shop_was_opened_there_is_no_statement(here: Here) -> None:
    assert here("migrate").status == 0

    assert "has not been opened yet" in here("statement").err
