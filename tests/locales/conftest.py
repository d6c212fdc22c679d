"""A folder of catalogues of our own, so that no test depends on the real translations."""

from pathlib import Path

import pytest

RUSSIAN = """
msgid ""
msgstr ""
"Language: ru\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"

msgid "Hello, {name}!"
msgstr "Привет, {name}!"

msgid "<b>Paid</b> {price}"
msgstr "<b>Оплачено</b> {price}"

msgid "{n} card"
msgid_plural "{n} cards"
msgstr[0] "{n} карта"
msgstr[1] "{n} карты"
msgstr[2] "{n} карт"

msgid "{n} coin for {price}"
msgid_plural "{n} coins for {price}"
msgstr[0] "{n} монета"
msgstr[1] "{n} монеты за {price}"
msgstr[2] "{n} монет за {price}"

msgid "Left: {left}"
msgstr "Осталось: {right}"

msgid "Order {order}"
msgstr "Заказ"

msgid "Braces {x}"
msgstr "Скобки {x} {"

msgid "Not yet"
msgstr ""

#, fuzzy
msgid "Perhaps"
msgstr "Может быть"

msgid "{n} half"
msgid_plural "{n} halves"
msgstr[0] "{n} половина"
msgstr[1] ""
msgstr[2] ""
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A locale folder with Russian as above, Brazilian Portuguese without a sentence, and a broken Traditional Chinese."""
    for language, text in (
        ("ru", RUSSIAN),
        ("pt_BR", 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'),
        ("zh_Hant", 'msgid "Hello"\nmsgfoo "Hallo"\n'),
    ):
        path = tmp_path / "locales" / language / "LC_MESSAGES" / "messages.po"
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    return tmp_path / "locales"
