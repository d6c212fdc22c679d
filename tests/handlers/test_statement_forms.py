"""A supplier's statement in its three forms says the same: the message, the rows of the spreadsheet, and what is drawn."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from core.settlement import Balances, Earnings, Streams
from handlers.supply import money_words
from handlers.supply.money_words import earnings_csv, earnings_png, earnings_said
from locales import Speech
from papers.pictures import MOST_ROWS, Sheet
from tests.handlers.telegram_rules import visible

ENGLISH = Speech("en")
# B28: 100,000 cards of one supplier in a day, cost 85.00, sold at 90.00; 30 % of the spread are theirs, fourteen came back.
DAY = Streams(
    units=100_000, sales_minor=850_000_000, spread_minor=15_000_000, reversed_units=14, reversed_minor=-14 * 8650, paid_minor=12_345_678
)


def made(*days: tuple[date, Streams], held: int = 0, due: int = 0, settling: int = 0) -> Earnings:
    days = days or ((date(2026, 3, 1), DAY),)
    total = Streams(**{name: sum(getattr(of, name) for _, of in days) for name in Streams.__dataclass_fields__})
    balances = Balances(held or total.earned_minor, due, 0, 0, settling)
    at = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    return Earnings(7, "Chan's Cards", "CNY", days[0][0], days[-1][0], "UTC", at, days, total, balances, ("CNY",))


def drawn(of: Earnings, monkeypatch: pytest.MonkeyPatch, speech: Speech = ENGLISH) -> Sheet:
    """What is given to be drawn."""
    sheets: list[Sheet] = []

    def keep(sheet: Sheet) -> bytes:
        sheets.append(sheet)
        return b""

    with monkeypatch.context() as patch:
        patch.setattr(money_words, "sheet_png", keep)
        earnings_png(of, speech)
    [sheet] = sheets
    return sheet


def picture(of: Earnings) -> Image.Image:
    return Image.open(io.BytesIO(earnings_png(of, ENGLISH))).convert("RGB")


def test_the_message_has_each_figure_of_the_day() -> None:
    said = visible(earnings_said(made(due=123_45, settling=99), ENGLISH)).splitlines()

    assert "Sales of your goods: ¥8,500,000.00 · 100,000 units" in said
    assert "Your share of the spread: ¥150,000.00" in said
    assert "Taken back with refunds: -¥1,211.00 · 14 units" in said
    assert "Earned: ¥8,648,789.00" in said and "Paid out: ¥123,456.78" in said
    assert "Held until the warranty ends: ¥8,648,789.00" in said and "Ready to be paid out: ¥123.45" in said
    assert "Being settled: ¥0.99" in said


def test_the_spreadsheet_has_each_figure_to_the_last_digit() -> None:
    rows = list(csv.DictReader(io.StringIO(earnings_csv(made(due=123_45), ENGLISH).decode("utf-8-sig"))))
    amounts = {(row["day"], row["stream"]): Decimal(row["amount"]) for row in rows}
    counts = {(row["day"], row["stream"]): row["count"] for row in rows}

    for day in ("2026-03-01", ""):
        assert amounts[day, "sales"] == Decimal("8500000.00") and counts[day, "sales"] == "100000"
        assert amounts[day, "spread"] == Decimal("150000.00")
        assert amounts[day, "reversed"] == Decimal("-1211.00") and counts[day, "reversed"] == "14"
        assert amounts[day, "earned"] == Decimal("8648789.00")
    assert amounts["", "now.held"] == Decimal("8648789.00") and amounts["", "now.due"] == Decimal("123.45")
    assert {row["currency"] for row in rows} == {"CNY"}


def test_the_picture_is_drawn_from_each_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = drawn(made(due=123_45), monkeypatch)

    assert (sheet.title, sheet.well) == ("Chan's Cards", True)
    assert [(row.label, row.value) for row in sheet.headline] == [
        ("Earned", "¥8,648,789.00"),
        ("Ready to be paid out", "¥123.45"),
        ("Held until the warranty ends", "¥8,648,789.00"),
    ]
    earnings, by_day, now = sheet.cards
    assert [(row.label, row.value, row.note) for row in earnings.rows] == [
        ("Sales of your goods", "¥8,500,000.00", "100,000 units"),
        ("Your share of the spread", "¥150,000.00", ""),
        ("Taken back with refunds", "-¥1,211.00", "14 units"),
        ("Earned", "¥8,648,789.00", ""),
        ("Paid out", "¥123,456.78", ""),
    ]
    assert [(row.value, row.note) for row in by_day.rows] == [("¥8,648,789.00", "100,000 units")]
    assert [row.value for row in now.rows] == ["¥8,648,789.00", "¥123.45", "¥0.00", "¥0.00"]
    assert not drawn(made(settling=1), monkeypatch).well, "what is still being settled is not called equal to the ledger"


@given(
    st.lists(
        st.builds(Streams, *[st.integers(0, 10**6)] * 3, *[st.integers(-(10**6), 0)] * 2, *[st.integers(0, 10**6)] * 2, st.integers(-9, 0)),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=25)
def test_the_three_forms_say_the_same_earnings(days: list[Streams]) -> None:
    of = made(*[(date(2026, 3, 1) + timedelta(days=n), day) for n, day in enumerate(days)])
    with pytest.MonkeyPatch.context() as patch:
        sheet = drawn(of, patch)
    rows = csv.DictReader(io.StringIO(earnings_csv(of, ENGLISH).decode("utf-8-sig")))
    summed = {row["stream"]: Decimal(row["amount"]) for row in rows if not row["day"]}
    told = ENGLISH.price(of.total.earned_minor, "CNY")

    assert f"Earned: {told}" in visible(earnings_said(of, ENGLISH))
    assert sheet.headline[0].value == told and summed["earned"] * 100 == of.total.earned_minor
    parts = [amount for stream, amount in summed.items() if stream in ("sales", "spread", "commission", "service", "tiers", "reversed")]
    assert sum(parts) == summed["earned"]


def test_what_is_given_is_what_stands_in_the_picture() -> None:
    """Drawn twice it is the same to the pixel, and one fen more is seen where the amounts stand, and nowhere else."""
    of = made(due=123_45)
    first, again = picture(of), picture(of)
    more = picture(replace(of, balances=replace(of.balances, due_minor=123_46)))

    assert ImageChops.difference(first, again).getbbox() is None
    changed = ImageChops.difference(first, more).convert("L").point(lambda light: 255 if light else 0).histogram()[255]
    assert first.size == more.size and 0 < changed < first.width * first.height // 500, "the last digit of two amounts"
    assert picture(replace(of, name="Lin Digital")).tobytes() != first.tobytes()


def test_a_statement_is_no_longer_than_its_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three months of a hundred thousand cards a day: the same figures for each day, and a picture that ends."""
    of = made(*[(date(2026, 3, 1) + timedelta(days=n), DAY) for n in range(92)])
    rows = list(csv.reader(io.StringIO(earnings_csv(of, ENGLISH).decode("utf-8-sig"))))
    sheet = drawn(of, monkeypatch)

    assert len(rows) == 1 + 92 * 8 + 8 + 4
    assert [len(card.rows) for card in sheet.cards] == [5, MOST_ROWS, 4]
    assert sheet.cards[1].more == f"and {92 - MOST_ROWS} more lines in the spreadsheet"
    assert len(visible(earnings_said(of, ENGLISH)).splitlines()) < 20
