"""Sheets of figures as pictures: everything that is said is drawn, and what the fonts lack leaves no box."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from PIL import Image

from papers.pictures import MOST_ROWS, WIDTH, Card, Row, Sheet, drawable, sheet_png

ROOT = Path(__file__).parents[2]


def sheet(title: str = "Night Cards", rows: int = 3, value: str = "¥95.00") -> Sheet:
    card = Card("Sales", [Row(f"Row {n}", value, "a note", strong=n == 1) for n in range(rows)], "more" if rows > MOST_ROWS else "")
    return Sheet(title, "Statement", [Row("Sales", value), Row("Orders", "3")], [card], "Equal to the ledger", well=True)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_a_sheet_is_a_png_as_wide_as_a_phone_and_as_high_as_its_rows() -> None:
    small, large = opened(sheet_png(sheet(rows=2))), opened(sheet_png(sheet(rows=9)))

    assert small.format == large.format == "PNG"
    assert small.width == large.width == WIDTH
    assert 700 < small.height < large.height < 2600


def test_more_rows_than_a_card_has_make_it_no_higher() -> None:
    most = opened(sheet_png(sheet(rows=MOST_ROWS + 1))).height

    assert opened(sheet_png(sheet(rows=MOST_ROWS + 50))).height == most


@pytest.mark.parametrize("value", ["¥1", "−987 654 321 987 654 321,00 ¥", "KWD 999,999,999,999,999.999"])
def test_the_margins_stay_empty_however_long_names_and_amounts_are(value: str) -> None:
    picture = opened(sheet_png(sheet(title="Very long name of a shop " * 9, value=value))).convert("RGB")

    for box in ((0, 0, 30, picture.height), (WIDTH - 30, 0, WIDTH, picture.height)):
        assert picture.crop(box).getcolors(2) == [(30 * picture.height, (0xF3, 0xF5, 0xF8))]


def test_what_the_fonts_lack_is_left_out_without_a_gap() -> None:
    assert drawable("🌙 Night 🎮 Cards ✨\u200d") == "Night Cards"
    assert drawable("月光卡铺·月光卡鋪 Магазин «Ёж» ½ → € ¥ ₩") == "月光卡铺·月光卡鋪 Магазин «Ёж» ½ → € ¥ ₩"
    assert drawable("⭐ 1\u00a0234") == "★ 1\u00a0234"
    assert drawable("🎮") == "" and sheet_png(sheet(title="🎮"))


@pytest.mark.parametrize("language", ["ru", "zh_Hans", "zh_Hant"])
def test_every_letter_that_is_ever_said_can_be_drawn(language: str) -> None:
    with (ROOT / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        said = read_po(file)
    forms = [form for message in said for form in ([message.string] if isinstance(message.string, str) else message.string or ())]
    letters = {letter for form in forms for letter in form}

    assert len(letters) > 60
    assert {letter for letter in letters if letter.isalnum() and not drawable(letter)} <= {"ℹ"}, "but for what is an emoji"
