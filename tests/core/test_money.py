"""Money: typed, shown and converted without losing or inventing a minor unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import given
from hypothesis import strategies as st

from core.money import MOST_MINOR, STARS, NotAnAmount, convert_down, convert_up, decimal_text, exponent, parse_minor

CURRENCIES = ["CNY", "USD", "EUR", "RUB", "JPY", "KRW", "KWD", "CLF", STARS, "USDT"]
amounts = st.integers(0, MOST_MINOR)
rates = st.builds(Fraction, st.integers(1, 10**9), st.integers(1, 10**9))

# Where CLDR, which Babel quotes, writes what people use (no coins left), and ISO 4217 writes the unit of account.
CASHLESS_IN_CLDR = {
    "AFN", "ALL", "IQD", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SLL", "SOS", "SYP", "YER",
    # These are history.
    "ADP", "BYR", "ESP", "ITL", "LUF", "MGF", "MRO", "STD", "TMM", "TRL", "ZMK", "ZWD",
}  # fmt: skip


@pytest.mark.parametrize("currency", ["CNY", "USD", "EUR", "RUB", "GBP", "HKD", "TWD", "SGD", "BRL", "INR", "TRY", "UAH", "KZT", "THB"])
def test_the_currencies_of_the_shops_customers_have_two_places(currency: str) -> None:
    assert exponent(currency) == get_currency_precision(currency) == 2


def test_minor_units_are_those_of_babel_where_babel_quotes_the_standard() -> None:
    """What differs is named here, one by one: a new difference is a mistake of ours or news from the world."""
    differs = {code for code in list_currencies() if exponent(code) != get_currency_precision(code)}
    assert differs == CASHLESS_IN_CLDR


@pytest.mark.parametrize(
    ("currency", "places"), [("JPY", 0), ("KRW", 0), ("VND", 0), (STARS, 0), ("KWD", 3), ("BHD", 3), ("TND", 3), ("CLF", 4)]
)
def test_currencies_without_cents_or_with_more_digits(currency: str, places: int) -> None:
    """`minor / 100` is wrong for these."""
    assert exponent(currency) == places
    assert decimal_text(10**places, currency) == ("1" if places == 0 else "1." + "0" * places)


@given(amounts, st.sampled_from(CURRENCIES))
def test_an_amount_written_down_is_read_back(minor: int, currency: str) -> None:
    text = decimal_text(minor, currency)
    assert parse_minor(text, currency) == minor
    assert Decimal(text) * 10 ** exponent(currency) == minor
    assert decimal_text(-minor, currency) in (f"-{text}", text)


@given(amounts)
def test_thousands_may_be_parted_by_commas_or_spaces(minor: int) -> None:
    text = decimal_text(minor, "CNY")
    whole, cents = text.split(".")
    grouped = f"{int(whole):,}"
    for separator in (",", " ", "\u00a0", "\u202f", "，"):
        assert parse_minor(f"{grouped.replace(',', separator)}.{cents}", "CNY") == minor


@pytest.mark.parametrize(
    ("text", "minor"), [("95", 9500), (" 95.5 ", 9550), ("¥95", 9500), ("95元", 9500), ("１，２００．５", 120050), ("￥ 1,200", 120000)]
)
def test_amounts_as_people_type_them(text: str, minor: int) -> None:
    assert parse_minor(text, "CNY") == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", "-5", "+5", "1e3", "0x10", "NaN", "inf", "1.2.3", "95.001", "abc", "٣", "9" * 17, "½"),
        *("95,50", "1,2", "12,34,567", "1 2", "95.", ".5", "5-"),
    ],
)
def test_what_is_not_clearly_an_amount_is_refused(text: str) -> None:
    """“95,50” is 95.50 in Moscow: taken for 9550 it would cost somebody a hundred times as much."""
    with pytest.raises(NotAnAmount):
        parse_minor(text, "CNY")


@given(st.text(max_size=30), st.sampled_from(CURRENCIES))
def test_any_text_is_an_amount_or_refused(text: str, currency: str) -> None:
    """Never another error, never negative, never more than the books can hold."""
    try:
        minor = parse_minor(text, currency)
    except NotAnAmount:
        return
    assert 0 <= minor <= MOST_MINOR


@given(amounts, rates)
def test_the_shop_never_asks_for_less_and_never_credits_more_than_the_exact_amount(minor: int, rate: Fraction) -> None:
    """Up when asking, down when crediting, and never by a whole unit."""
    exact = minor * rate
    assert 0 <= convert_up(minor, rate) - exact < 1
    assert 0 <= exact - convert_down(minor, rate) < 1


@given(st.integers(1, 10**9), rates)
def test_what_is_asked_is_worth_the_price_when_it_comes(worth: int, rate: Fraction) -> None:
    """Asked in Stars (rounded up) and valued again (rounded down), a payment covers the price it was asked for."""
    assert convert_down(convert_up(worth, 1 / rate), rate) >= worth


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 10**12))
def test_a_part_payment_is_never_worth_more_than_its_share(asked: int, worth: int, came: int) -> None:
    credited = convert_down(came, Fraction(worth, asked))
    assert credited * asked <= came * worth
    assert (came >= asked) == (credited >= worth) or came < asked
