"""Which languages there are and who reads which."""

from pathlib import Path

import pytest

from locales import languages, match, own_name


def test_the_languages_are_the_folders_and_english(folder: Path) -> None:
    assert languages(folder) == ("en", "pt-br", "ru", "zh-hant")
    assert {"en", "ru", "zh-hans", "zh-hant"} <= set(languages())


@pytest.mark.parametrize(
    ("reported", "language"),
    [
        ("zh", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("zh-SG", "zh-hans"),
        ("zh-hans", "zh-hans"),
        ("zh-Hans-HK", "zh-hans"),
        ("zh-hans-raw", "zh-hans"),
        ("zh-TW", "zh-hant"),
        ("zh_HK", "zh-hant"),
        ("zh-MO", "zh-hant"),
        ("zh-Hant", "zh-hant"),
        ("zh-hant-cn", "zh-hant"),
        ("yue", "zh-hant"),
        ("en", "en"),
        ("en-US", "en"),
        ("RU", "ru"),
        ("uk", "ru"),
        ("be-BY", "ru"),
        ("kk", "ru"),
        ("ug", "zh-hans"),
        ("fr", "zh-hans"),
        ("", "zh-hans"),
        (None, "zh-hans"),
        ("-", "zh-hans"),
        ("../../etc", "zh-hans"),
    ],
)
def test_everybody_gets_the_closest_language(reported: str | None, language: str) -> None:
    assert match(reported, "zh") == language


def test_a_new_folder_is_matched_by_itself(folder: Path) -> None:
    assert match("pt-BR", "en", folder) == "pt-br"
    assert match("zh-CN", "en", folder) == "zh-hant"
    assert match("fr", "zh-hans", folder) == "zh-hant"


def test_an_unknown_default_is_english() -> None:
    assert match("fr", "xx") == "en"


def test_languages_are_called_by_their_own_names() -> None:
    assert own_name("zh-hans") == "中文 (简体)"
    assert own_name("zh-hant") == "中文 (繁體)"
    assert own_name("en") == "English"
    assert own_name("ru") == "русский"
