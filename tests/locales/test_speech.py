"""What a person reads, in the person's language."""

import logging
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import given
from hypothesis import strategies as st

from core.money import decimal_text, exponent
from locales import Safe, Speech, shop_timezone
from locales.speech import _EXPONENTS

NBSP = "\u00a0"


@pytest.fixture
def russian(folder: Path) -> Speech:
    return Speech("ru", folder=folder)


ENGLISH, CHINESE, TRADITIONAL, RUSSIAN = Speech("en"), Speech("zh-hans"), Speech("zh-hant"), Speech("ru")


# Sentences


def test_a_sentence_is_said_in_the_language(russian: Speech) -> None:
    assert russian.say("Hello, {name}!", name="Ян") == "Привет, Ян!"
    assert ENGLISH.say("Hello, {name}!", name="Ян") == "Hello, Ян!"


def test_plural_forms_follow_the_language(russian: Speech) -> None:
    said = [russian.many("{n} card", "{n} cards", n) for n in (1, 2, 5, 11, 21, 1000)]

    assert said == ["1 карта", "2 карты", "5 карт", "11 карт", "21 карта", f"1{NBSP}000 карт"]
    assert [ENGLISH.many("{n} card", "{n} cards", n) for n in (1, 2, 1000)] == ["1 card", "2 cards", "1,000 cards"]


def test_facts_are_escaped_in_a_message_and_plain_on_a_button(russian: Speech) -> None:
    name = '<b>A&B</b> "q"'

    assert russian.say("Hello, {name}!", name=name) == 'Привет, &lt;b&gt;A&amp;B&lt;/b&gt; "q"!'
    assert russian.label("Hello, {name}!", name=name) == f"Привет, {name}!"
    assert ENGLISH.many("{n} {what}", "{n} {what}s", 2, what="<i>") == "2 &lt;i&gt;s"
    assert ENGLISH.label_many("{n} {what}", "{n} {what}s", 2, what="<i>") == "2 <i>s"


def test_what_is_said_can_be_a_fact_of_another_sentence() -> None:
    inner = ENGLISH.say("<b>{name}</b>", name="A&B")

    assert ENGLISH.say("See {it}.", it=inner) == "See <b>A&amp;B</b>."
    assert ENGLISH.say("See {it}.", it="x" + inner + "<") == "See x<b>A&amp;B</b>&lt;."
    assert Safe("<br>").join(["<", inner]) == "&lt;<br><b>A&amp;B</b>"
    assert ENGLISH.label("See {it}.", it=inner) == "See A&B."


@given(st.text())
def test_no_fact_can_open_a_tag_or_fill_a_placeholder(text: str) -> None:
    said = ENGLISH.say("[{a}] {{a}} [{b}]", a=text, b="{a}")

    assert said == f"[{text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}] {{a}} [{{a}}]"


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [("Left: {left}", {"left": 3}), ("Order {order}", {"order": 7}), ("Braces {x}", {"x": 1})],
)
def test_a_translation_that_does_not_fit_gives_way_to_the_source_and_is_logged_once(
    russian: Speech, caplog: pytest.LogCaptureFixture, sentence: str, facts: dict[str, object]
) -> None:
    from locales.speech import _fits

    _fits.cache_clear()
    with caplog.at_level(logging.ERROR, "locales"):
        said = [russian.say(sentence, **facts) for _ in range(3)]

    assert said == [sentence.format(**facts)] * 3
    assert len(caplog.records) == 1


def test_a_plural_form_that_leaves_out_a_fact_gives_way_to_the_source(russian: Speech) -> None:
    sentence = ("{n} coin for {price}", "{n} coins for {price}")

    assert russian.many(*sentence, 1, price="₽9") == "1 coin for ₽9"
    assert russian.many(*sentence, 21, price="₽9") == "21 coins for ₽9"
    assert russian.many(*sentence, 2, price="₽9") == "2 монеты за ₽9"


def test_empty_fuzzy_and_half_translations_are_said_in_the_source_language(russian: Speech) -> None:
    assert russian.say("Not yet") == "Not yet"
    assert russian.say("Perhaps") == "Perhaps"
    assert [russian.many("{n} half", "{n} halves", n) for n in (1, 2)] == ["1 half", "2 halves"]
    assert russian.say("") == ""


def test_a_catalogue_that_cannot_be_read_leaves_the_source_language(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "locales"):
        assert Speech("zh-hant", folder=folder).say("Hello, {name}!", name="A") == "Hello, A!"

    assert "zh-hant" in caplog.text


def test_a_fact_that_is_not_given_is_our_mistake(russian: Speech) -> None:
    with pytest.raises(KeyError):
        russian.say("Hello, {name}!")


def test_facts_of_a_refusal_become_prices() -> None:
    facts = CHINESE.spoken({"balance_minor": 950, "currency": "CNY", "left": 3})

    assert facts == {"balance": "¥9.50", "currency": "CNY", "left": 3}


# Prices


@pytest.mark.parametrize(
    ("speech", "minor", "currency", "said"),
    [
        (CHINESE, 123456, "CNY", "¥1,234.56"),
        (CHINESE, -5, "CNY", "-¥0.05"),
        (CHINESE, 1234, "JPY", "JP¥1,234"),
        (TRADITIONAL, 9500, "CNY", "¥95.00"),
        (TRADITIONAL, 1234, "JPY", "JP¥1,234"),
        (ENGLISH, 9500, "CNY", "¥95.00"),
        (ENGLISH, 1234, "JPY", "JP¥1,234"),
        (RUSSIAN, 9500, "CNY", f"95,00{NBSP}¥"),
        (RUSSIAN, 1234, "JPY", f"1{NBSP}234{NBSP}JP¥"),
        (ENGLISH, 123456, "USD", "$1,234.56"),
        (ENGLISH, 1234567, "KWD", f"KWD{NBSP}1,234.567"),
        (ENGLISH, 150, "USDT", f"USDT{NBSP}1.50"),
        (ENGLISH, 150, "RSD", f"RSD{NBSP}1.50"),
        (RUSSIAN, 123456, "RUB", f"1{NBSP}234,56{NBSP}₽"),
        (RUSSIAN, 1234567, "KWD", f"1{NBSP}234,567{NBSP}KWD"),
        (ENGLISH, 1234, "XTR", "⭐ 1,234"),
        (RUSSIAN, 1234, "XTR", f"⭐ 1{NBSP}234"),
        (ENGLISH, 10**17 + 1, "USD", "$1,000,000,000,000,000.01"),
    ],
)
def test_prices_have_the_precision_of_their_currency(speech: Speech, minor: int, currency: str, said: str) -> None:
    assert speech.price(minor, currency) == said


def test_prices_agree_with_the_money_of_the_core() -> None:
    currencies = {*list_currencies(), *_EXPONENTS, "XTR", "USDT"}

    for currency in currencies:
        digits = re.search(r"\d[\d,.]*", ENGLISH.price(1234567, currency))
        assert digits is not None
        assert digits[0].replace(",", "") == decimal_text(1234567, currency), currency


def test_the_table_of_minor_units_is_not_below_the_one_of_cldr() -> None:
    # CLDR tells what people use, ISO 4217 what an amount counts in: CLDR may show fewer digits, never more.
    too_few = {currency for currency in list_currencies() if exponent(currency) < get_currency_precision(currency)}

    assert too_few == set()


# Numbers, dates, lists


def test_numbers_and_percentages() -> None:
    assert ENGLISH.number(1234567) == "1,234,567"
    assert RUSSIAN.number(Decimal("1234.5678")) == f"1{NBSP}234,5678"
    assert ENGLISH.percent(Decimal("0.0725")) == "7.25%"
    assert RUSSIAN.percent(Decimal("0.5")) == f"50{NBSP}%"
    assert ENGLISH.percent(1) == "100%"


def test_moments_are_told_in_the_zone_of_the_person() -> None:
    moment = datetime(2026, 10, 1, 20, 5, 59, tzinfo=UTC)

    assert CHINESE.when(moment) == "2026年10月2日 04:05"
    assert Speech("zh-hant").when(moment) == "2026年10月2日 04:05"
    assert CHINESE.within("UTC").when(moment) == "2026年10月1日 20:05"
    assert Speech("en", "Europe/Moscow").when(moment) == "Oct 1, 2026, 23:05"
    assert Speech("ru", "Europe/Moscow").when(moment).split() == ["1", "окт.", "2026", "г.,", "23:05"]
    assert ENGLISH.day(moment) == "Oct 2, 2026"
    assert ENGLISH.day(moment.astimezone(timezone(timedelta(hours=-11)))) == "Oct 2, 2026"


def test_who_names_no_zone_is_told_the_time_of_the_shop() -> None:
    moment = datetime(2026, 10, 1, 20, 5, 59, tzinfo=UTC)

    set_back = shop_timezone.set("America/New_York")
    try:
        assert Speech("en").when(moment) == "Oct 1, 2026, 16:05"
        assert Speech("en").timezone == "America/New_York"
        assert Speech("en", "Europe/Moscow").when(moment) == "Oct 1, 2026, 23:05"
    finally:
        shop_timezone.reset(set_back)
    assert Speech("en").timezone == "Asia/Shanghai"
    assert CHINESE.day(date(2026, 10, 1)) == "2026年10月1日"


def test_a_moment_without_a_zone_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="time zone"):
        ENGLISH.when(datetime.fromisoformat("2026-10-01T12:00:00"))


def test_lists_are_joined_as_the_language_does() -> None:
    assert CHINESE.listing(["一", "二", "三"]) == "一、二、三"
    assert CHINESE.say("{them}", them=CHINESE.listing(["<", Safe("<b>b</b>")])) == "&lt;、<b>b</b>"
    assert ENGLISH.listing(["a", "b", "c"]) == "a, b, and c"
    assert RUSSIAN.listing(["a", "b"]) == "a и b"
    assert ENGLISH.listing([]) == ""
    assert ENGLISH.say("{them}", them=ENGLISH.listing(["<", Safe("<b>b</b>")])) == "&lt; and <b>b</b>"
    assert ENGLISH.say("{them}", them=ENGLISH.listing(["<", "{0}"])) == "&lt; and {0}"
