"""The codes of an order as messages: within Telegram's limits, complete, and never shown where they should not be."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalog import ProductKind, ProductView, SkuView
from core.inventory import Secret
from core.orders import Parcel, ParcelLine
from handlers import callbacks
from handlers.parcel import Outgoing, outgoing
from locales import Speech, languages
from sandbox import limits
from tests.handlers.telegram_rules import checked, visible

EN = Speech("en")


def parcel(*secrets: Sequence[Secret], redeem: str = "store.example/redeem", protect: bool = False, name: str = "Steam") -> Parcel:
    """An order with a line for each group of secrets."""
    product = ProductView(
        7, 1, "steam", ProductKind.CODE, name, "🎮", "", redeem, {"zh-hans": {"redeem": "打开商店"}}, "", protect, 10, False
    )
    lines = [
        ParcelLine(
            product,
            SkuView(number, 7, f"s{number}", f"{name} {number}", {}, 5000, "CNY", "CN", 1, 500, None, 1, 0, False, 10, False),
            list(group),
        )
        for number, group in enumerate(secrets, 1)
    ]
    return Parcel(callbacks.LARGEST_ID % 2**34, "7KQ2M9XC", 9, lines)


def copied(message: Outgoing) -> list[str]:
    rows = message.keyboard.inline_keyboard if message.keyboard else []
    return [button.copy_text.text for row in rows for button in row if button.copy_text]


def test_one_code_is_hidden_and_has_a_button_that_copies_it() -> None:
    [message] = outgoing(parcel([Secret(None, "AB<C>&1")]), EN, "card_shop_bot")

    assert "<tg-spoiler>AB&lt;C&gt;&amp;1</tg-spoiler>" in message.text
    seen = visible(message.text)
    for said in ("Steam 1", "7KQ2M9XC", "store.example/redeem", "🇨🇳 China", "1 code"):
        assert said in seen
    assert copied(message) == ["AB<C>&1"]
    assert checked(message.keyboard) == ["📋 Copy", "🔁 Buy again", "🧾 My orders", "Tell a friend"]
    assert message.effect is not None and not message.protect_content and message.document is None


def test_number_and_password_are_copied_apart() -> None:
    [message] = outgoing(parcel([Secret("NO1", "PW1"), Secret("NO2", "PW2")]), EN, "b")
    assert copied(message) == ["NO1", "PW1", "NO2", "PW2"]
    assert "1. Card number: NO1" in visible(message.text) and "Password: PW2" in visible(message.text)
    assert checked(message.keyboard)[:2] == ["📋 Copy number 1", "📋 Copy password 1"]


def test_ten_codes_are_a_text_and_eleven_a_file() -> None:
    codes = [f"CODE-{n}" for n in range(11)]
    [ten] = outgoing(parcel([Secret(None, code) for code in codes[:10]]), EN, "b")
    assert copied(ten) == codes[:10]

    [eleven] = outgoing(parcel([Secret(None, code) for code in codes]), EN, "b")
    assert eleven.name == "codes-7KQ2M9XC.txt" and eleven.document is not None
    assert eleven.document.decode("utf-8").splitlines() == codes
    assert "CODE-" not in eleven.text
    assert "🔁 Buy again" in checked(eleven.keyboard)


def test_codes_with_number_and_password_come_as_a_table_too() -> None:
    secrets = [Secret(f"N{n}", f"P{n}") for n in range(12)]
    txt, table = outgoing(parcel(secrets), EN, "b")
    assert txt.document is not None and txt.document.decode().splitlines()[0] == "N0----P0"
    assert table.name == "codes-7KQ2M9XC.csv" and table.document is not None
    rows = list(csv.reader(io.StringIO(table.document.decode("utf-8-sig"))))
    assert rows[1:] == [[f"N{n}", f"P{n}"] for n in range(12)]
    assert txt.keyboard is None and "🔁 Buy again" in checked(table.keyboard)


def test_a_code_too_long_for_a_message_is_a_file() -> None:
    licence = "LICENCE " + "x" * 5000
    [message] = outgoing(parcel([Secret(None, licence)]), EN, "b")
    assert message.document is not None and licence in message.document.decode()


def test_protection_and_confetti_are_as_the_product_and_the_moment_want() -> None:
    many = parcel([Secret(f"N{n}", "P" * 400) for n in range(10)], protect=True)
    messages = outgoing(many, EN, "b")
    assert len(messages) > 1
    assert all(message.protect_content for message in messages)
    assert [bool(message.effect) for message in messages] == [True] + [False] * (len(messages) - 1)
    assert all(message.effect is None for message in outgoing(many, EN, "b", celebrate=False))


def test_how_to_redeem_is_said_in_the_buyers_language() -> None:
    [message] = outgoing(parcel([Secret(None, "A1")]), Speech("zh-hans"), "b")
    assert "打开商店" in message.text


def test_a_message_shows_no_code_in_its_repr() -> None:
    assert "SECRET" not in repr(outgoing(parcel([Secret("SECRET-1", "SECRET-2")] * 3), EN, "b"))
    assert "SECRET" not in repr(outgoing(parcel([Secret(None, f"SECRET-{n}") for n in range(30)]), EN, "b"))


CODES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("<&>\"'\n😀"), min_size=1, max_size=400).filter(
    lambda code: bool(code.strip())
)
SECRETS = st.builds(Secret, st.none(), CODES) | st.builds(Secret, CODES, st.none()) | st.builds(Secret, CODES, CODES)


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.lists(SECRETS, min_size=1, max_size=14), min_size=1, max_size=2),
    redeem=st.text(max_size=300) | st.text("word. ", min_size=3000, max_size=9000),
    name=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=150),
    language=st.sampled_from(languages()),
)
def test_whatever_the_codes_every_message_is_one_telegram_takes_and_no_code_is_missing(
    groups: list[list[Secret]], redeem: str, name: str, language: str
) -> None:
    messages = outgoing(parcel(*groups, redeem=redeem, name=name), Speech(language), "card_shop_bot")

    seen = ""
    for message in messages:
        seen += visible(message.text, limits.TEXT if message.document is None else limits.CAPTION)
        checked(message.keyboard)
        if message.document is not None:
            assert message.name
            seen += message.document.decode()
    buttons = [text for message in messages for text in copied(message)]
    for group in groups:
        for secret in group:
            for part in filter(None, (secret.card_no, secret.card_pwd)):
                assert part.strip() in seen
                if all(message.document is None for message in messages):
                    assert part in buttons or len(part.encode("utf-16-le")) // 2 > limits.COPY_TEXT
    assert (
        sum(
            "callback_data" in button.model_fields_set and button.callback_data is not None
            for message in messages[-1:]
            if message.keyboard
            for row in message.keyboard.inline_keyboard
            for button in row
        )
        == 2
    )


@pytest.mark.parametrize("language", languages())
def test_the_shortest_parcel_is_said_in_every_language(language: str) -> None:
    [message] = outgoing(parcel([Secret(None, "A1")], redeem=""), Speech(language), "b")
    assert "A1" in visible(message.text)
