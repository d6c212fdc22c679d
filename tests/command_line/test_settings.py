"""A missing or wrong setting is one sentence that names it, and never shows a secret."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from bot.settings import TELEGRAM, Settings, SettingsWrong, read_settings

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith("SHOP_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def wrong() -> str:
    with pytest.raises(SettingsWrong) as refused:
        read_settings()
    return str(refused.value)


def test_nothing_needs_to_be_set_but_the_token() -> None:
    found = read_settings()

    assert (found.bot_api, found.database_url, found.redis_url) == (TELEGRAM, "sqlite:///data/shop.db", None)
    assert (found.admins, found.currency, found.listen_at) == ((), "CNY", ("127.0.0.1", 8080))
    assert (found.public_url, found.language, found.keys) == (None, "zh-hans", Path("data/shop.keys"))
    assert found.timezone == "Asia/Shanghai"
    with pytest.raises(SettingsWrong, match=r"^SHOP_BOT_TOKEN is missing: .+\.$"):
        _ = found.token


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SHOP_BOT_TOKEN", "12345", "does not look like a bot's token"),
        ("SHOP_BOT_TOKEN", f"{TOKEN} x", "does not look like a bot's token"),
        ("SHOP_BOT_API", "api.telegram.org", "must be an address such as https://api.telegram.org"),
        ("SHOP_BOT_API", "https://api.telegram.org:port", "must be an address"),
        ("SHOP_DATABASE", "shop.db", "must be a SQLAlchemy URL"),
        ("SHOP_DATABASE", "mysql://shop:hunter2@localhost/shop", "must be a SQLAlchemy URL"),
        ("SHOP_DATABASE", "sqlite://", "names no database"),
        ("SHOP_DATABASE", "sqlite:///:memory:", "must name a plain SQLite file"),
        ("SHOP_DATABASE", "postgresql://shop:hunter2@localhost", "names no database"),
        ("SHOP_REDIS", "localhost:6379", "must be an address such as redis://127.0.0.1:6379/0"),
        ("SHOP_API_PER_MINUTE", "0", "greater than or equal to 1"),
        ("SHOP_REPORTS_NEAR", "perhaps", "valid boolean"),
        ("SHOP_ADMINS", "12345, boss", "“boss” is not one"),
        ("SHOP_ADMINS", "-100123", "“-100123” is not one"),
        ("SHOP_ADMINS", "١٢٣", "is not one"),
        ("SHOP_ADMINS", "99999999999999999999", "is not one"),
        ("SHOP_KEYS", "/", "must name a file, and / is a folder"),
        ("SHOP_CURRENCY", "RMB", "“RMB” is not one"),
        ("SHOP_CURRENCY", "XTR", "“XTR” is not one"),
        ("SHOP_LISTEN", "8080", "must be a host and a port"),
        ("SHOP_LISTEN", "127.0.0.1:80800", "must be a host and a port"),
        ("SHOP_LISTEN", "http://localhost:80", "must be a host and a port"),
        ("SHOP_PUBLIC_URL", "shop.example", "must be the address under which"),
        ("SHOP_PUBLIC_URL", "http://shop.example", "must begin with https://"),
        ("SHOP_LANGUAGE", "tlh", "the shop speaks en, ru, zh-hans, zh-hant"),
        ("SHOP_ADMIN_GROUP", "@staff", "must be the id of a group"),
        ("SHOP_ADMIN_GROUP", "1234", "must be the id of a group"),
        ("SHOP_HOLDS_PER_BUYER", "0", "is wrong: input should be greater than or equal to 1"),
        ("SHOP_HOLD_SHARE_PERCENT", "101", "is wrong: input should be less than or equal to 100"),
        ("SHOP_RATES", "USD", "and “USD” is not one"),
        ("SHOP_RATES", "USD=7,20", "and “20” is not one"),
        ("SHOP_RATES", "USD=0", "and “USD=0” is not one"),
        ("SHOP_RATES", "USD=-7", "and “USD=-7” is not one"),
        ("SHOP_RATES", "USD=7.2e1", "and “USD=7.2e1” is not one"),
        ("SHOP_RATES", "QQQ=7.20", "no currency is called so"),
        ("SHOP_RATES", "USD=7.20,usd=7.30", "names USD twice"),
        ("SHOP_RATES", "XTR=0.09", "is set in the chat"),
        ("SHOP_RATES", "CNY=1", "which is the shop's own currency"),
        ("SHOP_RATES_MAX_AGE_HOURS", "0", "is wrong: input should be greater than or equal to 1"),
        ("SHOP_RATES_BUFFER_PERCENT", "-1", "is wrong: input should be greater than or equal to 0"),
        ("SHOP_RATES_JUMP_PERCENT", "0", "is wrong: input should be greater than 0"),
        ("SHOP_RATES_REFRESH_MINUTES", "1", "is wrong: input should be greater than or equal to 5"),
        ("SHOP_REVERSIBLE_A_DAY", "much", "is wrong: input should be a valid integer"),
        ("SHOP_TIMEZONE", "Peking", "“Peking” is not one"),
        ("SHOP_TIMEZONE", "UTC+8", "must be the name of a time zone, such as Asia/Shanghai or Europe/Moscow"),
        ("SHOP_TIMEZONE", "../../etc/passwd", "is not one"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    said = wrong()

    assert said.startswith(f"{name} ")
    assert says in said
    assert said.endswith(".")
    assert "\n" not in said
    assert "hunter2" not in said
    assert TOKEN not in said


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_CURRENCY", "gold")
    monkeypatch.setenv("SHOP_LISTEN", "here")

    assert [line.split()[0] for line in wrong().splitlines()] == ["SHOP_CURRENCY", "SHOP_LISTEN"]


def test_neither_the_token_nor_a_password_is_in_what_is_printed_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://shop:hunter2@localhost/shop")
    monkeypatch.setenv("SHOP_REDIS", "redis://:hunter3@localhost/0")

    found = read_settings()

    for secret in (TOKEN, "hunter2", "hunter3"):
        assert secret not in repr(found) + str(found) + found.database_shown
    assert (found.token, found.redis_url) == (TOKEN, "redis://:hunter3@localhost/0")
    assert "hunter2" in found.database_url


@pytest.mark.parametrize(
    ("written", "admins"),
    [("1,2", (1, 2)), ("1 2\t3", (1, 2, 3)), (" 1 , 2;2，3、4 ", (1, 2, 3, 4)), ("5100000005", (5100000005,)), ("", ())],
)
def test_admins_are_ids_with_anything_usual_between(written: str, admins: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_ADMINS", written)

    assert read_settings().admins == admins


@pytest.mark.parametrize(
    ("written", "language"), [("zh", "zh-hans"), ("zh-TW", "zh-hant"), ("en-GB", "en"), ("ru_RU", "ru"), ("uk", "ru"), ("", "zh-hans")]
)
def test_the_language_is_the_closest_the_shop_speaks(written: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_LANGUAGE", written)

    assert read_settings().language == language


@pytest.mark.parametrize(
    ("written", "timezone"),
    [("Europe/Moscow", "Europe/Moscow"), (" asia/tashkent ", "Asia/Tashkent"), ("utc", "UTC"), ("", "Asia/Shanghai")],
)
def test_the_time_zone_is_called_as_everybody_calls_it(written: str, timezone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TIMEZONE", written)

    assert read_settings().timezone == timezone


def test_a_database_url_as_hosters_write_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", "postgres://shop:p%40ss@db.example:5433/shop")

    assert read_settings().database_url == "postgresql://shop:p%40ss@db.example:5433/shop"


def test_an_address_of_this_machine_may_be_plain_when_the_bot_api_is_local_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_BOT_API", "http://127.0.0.1:8081/")
    monkeypatch.setenv("SHOP_PUBLIC_URL", "http://127.0.0.1:8080/")

    assert (read_settings().bot_api, read_settings().public_url) == ("http://127.0.0.1:8081", "http://127.0.0.1:8080")


def test_the_doors_may_listen_on_version_six(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_LISTEN", "[::1]:9000")

    assert read_settings().listen_at == ("::1", 9000)


def test_settings_come_from_the_env_file_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"SHOP_BOT_TOKEN={TOKEN}\nSHOP_CURRENCY=usd\nSHOP_LANGUAGE=ru\nSHOP_EPAY_KEY=kept-for-others\n")
    monkeypatch.setenv("SHOP_LANGUAGE", "en")
    monkeypatch.setenv("SHOP_CURRENCY", "")

    found = read_settings()

    assert (found.token, found.currency, found.language) == (TOKEN, "USD", "en")


def test_rates_are_exact_and_may_be_written_with_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_RATES", " USD=7.20, eur=7.85;JPY=0.0485  KWD=23.400000000001 ")

    found = dict(read_settings().rates)

    assert found == {"USD": Decimal("7.20"), "EUR": Decimal("7.85"), "JPY": Decimal("0.0485"), "KWD": Decimal("23.400000000001")}


def test_an_env_file_that_is_no_text_is_said_to_be_so() -> None:
    Path(".env").write_bytes(b"SHOP_CURRENCY=\xff\xfe\n")

    assert wrong() == "The file .env is not text in UTF-8: please save it as UTF-8."


def test_every_setting_has_its_wrong_value_in_these_tests() -> None:
    tried = {mark.args[1][index][0] for mark in _marks() for index in range(len(mark.args[1]))}

    assert {f"SHOP_{name.upper()}" for name in Settings.model_fields} == tried


def _marks() -> list[pytest.Mark]:
    marks: list[pytest.Mark] = vars(test_a_wrong_setting_is_one_sentence_that_names_it)["pytestmark"]
    return marks
