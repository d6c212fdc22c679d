"""Numbers as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.typed import whole_number


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("１２", 12),
        ("12张", 12),
        ("x5", 5),
        ("5 pcs", 5),
        ("三", 3),
        ("两", 2),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二十五张", 25),
        ("一百零五", 105),
        ("三千", 3000),
        ("一万二千", 12_000),
        ("二〇", 20),
        ("٣", 3),
        ("0", 0),
        ("-2", -2),
        ("－２", -2),
        ("−2", -2),
        ("999999999999", 999_999_999_999),
    ],
)
def test_a_number_is_understood_as_it_is_meant(typed: str, meant: int) -> None:
    assert whole_number(typed) == meant


@pytest.mark.parametrize("typed", ["", " ", "two", "1.5", "1e3", "0x10", "1_000", "½", "9" * 13, "--1", "3 or 4", "张"])
def test_what_is_not_a_whole_number_is_none(typed: str) -> None:
    assert whole_number(typed) is None


@given(st.text(max_size=30))
def test_any_text_is_answered(typed: str) -> None:
    number = whole_number(typed)
    assert number is None or isinstance(number, int)


@given(st.integers(0, 10**9))
def test_digits_mean_themselves_in_full_width_too(number: int) -> None:
    wide = str(number).translate({ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"})
    assert whole_number(str(number)) == whole_number(wide) == number
