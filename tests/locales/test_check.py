"""The check of the catalogues finds what a translator or a programmer forgot."""

from pathlib import Path

import pytest

from locales.check import main, marked

SOURCE = """
SAYS = N_("That did not work.")


def screen(speech, n):
    # NOTE: on the receipt
    speech.say("<b>Paid</b> {price}", price=speech.price(1, "CNY"))
    speech.label(
        "Two "
        "parts"
    )
    speech.many("{n} card", "{n} cards", n)
    speech.say(SAYS)
    speech.says("not marked")
"""

RULE = "n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2"
PLURALS = f'"Plural-Forms: nplurals=3; plural=({RULE});\\n"'
HEADER = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n{PLURALS}\n\n'
WHOLE = """
msgid "That did not work."
msgstr "Не вышло."

msgid "<b>Paid</b> {price}"
msgstr "<b>Оплачено</b> {price}"

msgid "Two parts"
msgstr "Две части"

msgid "{n} card"
msgid_plural "{n} cards"
msgstr[0] "{n} карта"
msgstr[1] "{n} карты"
msgstr[2] "{n} карт"
"""


class House:
    """A small repository with one source file and one language."""

    def __init__(self, root: Path) -> None:
        self.root, self.locales = root, root / "locales"
        self.code = root / "handlers" / "deep" / "screen.py"
        self.code.parent.mkdir(parents=True)
        self.code.write_text(SOURCE, "utf-8")
        self.write(HEADER + WHOLE)

    def path(self, language: str = "ru") -> Path:
        return self.locales / language / "LC_MESSAGES" / "messages.po"

    def write(self, text: str, language: str = "ru") -> None:
        self.path(language).parent.mkdir(parents=True, exist_ok=True)
        self.path(language).write_text(text, "utf-8")

    def check(self, *arguments: str) -> int:
        return main(list(arguments), root=self.root, folder=self.locales)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_whole_language_passes(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.check() == 0
    assert capsys.readouterr().out == "4 sentences, 0 complaints.\n"


def test_every_way_of_marking_is_found(house: House) -> None:
    found, complaints = marked(house.root)

    assert complaints == []
    assert {one.id for one in found.values()} == {
        "That did not work.",
        "<b>Paid</b> {price}",
        "Two parts",
        ("{n} card", "{n} cards"),
    }
    assert found["<b>Paid</b> {price}"].places == ["handlers/deep/screen.py:7"]
    assert found["<b>Paid</b> {price}"].notes == ["on the receipt"]


def test_what_a_folder_without_a_language_calls_a_label_is_no_sentence(house: House) -> None:
    core = house.root / "core" / "deep.py"
    core.parent.mkdir()
    core.write_text('says = N_("Too late.")\nselect(Sku.id.label("sku_id"), func.sum(n).label("".join(parts)))\n', "utf-8")

    found, complaints = marked(house.root)
    assert complaints == [] and "Too late." in found and "sku_id" not in found


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('msgid "Two parts"\nmsgstr "Две части"\n', "", "ru: misses 'Two parts' (handlers/deep/screen.py:9)"),
        ('"Две части"', '""', "'Two parts' (handlers/deep/screen.py:9) is empty"),
        ('msgid "Two parts"', '#, fuzzy\nmsgid "Two parts"', "is fuzzy"),
        ('msgid "Two parts"', 'msgid "Gone"\nmsgstr "Нет"\n\nmsgid "Two parts"', "'Gone' is no longer said anywhere"),
        ('msgid "Two parts"', '#~ msgid "Old"\n#~ msgstr "Старое"\n\nmsgid "Two parts"', "'Old' is kept as obsolete"),
        ("Оплачено</b> {price}", "Оплачено</b> {цена}", "a single {"),
        ("Оплачено</b> {price}", "Оплачено</b> {cost}", "has {cost} instead of {price}"),
        ("Оплачено</b> {price}", "Оплачено</b>", "has no placeholder instead of {price}"),
        ("<b>Оплачено</b>", "Оплачено", "has no tags instead of </b> <b>"),
        ("<b>Оплачено</b>", "</b>Оплачено<b>", "the HTML tags do not close"),
        ("{n} карты", "", "form 1 is empty"),
        ("{n} карта", "Одна карта", "form 0: has no placeholder instead of {n}"),
        ('msgstr[2] "{n} карт"\n', "", "is empty"),
        ('msgid_plural "{n} cards"', 'msgid_plural "{n} Cards"', "lacks its plural '{n} cards'"),
        ("nplurals=3", "nplurals=2", "the header must say Plural-Forms: nplurals=3"),
        ('msgid "Two parts"', 'msgid Two parts"', "line 13 cannot be read"),
        ('msgid "Two parts"', 'msgfoo "x"', "the file cannot be read"),
    ],
)
def test_what_is_amiss_is_told(house: House, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str) -> None:
    house.write((HEADER + WHOLE).replace(old, new))

    assert house.check() == 1
    assert complaint in capsys.readouterr().err


def test_one_card_may_leave_out_its_number_where_the_form_is_for_one_alone(house: House) -> None:
    house.write(
        HEADER.replace(PLURALS, '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"')
        + 'msgid "{n} card"\nmsgid_plural "{n} cards"\nmsgstr[0] "Eine Karte"\nmsgstr[1] "{n} Karten"\n',
        "en",
    )

    assert house.check() == 0


def test_english_may_leave_sentences_out(house: House) -> None:
    house.write("", "en")
    assert house.check("--update") == 0

    assert house.check() == 0


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ('speech.say(f"Paid {price}")', "screen.py:1: the sentence is put together there"),
        ('speech.label("Paid " + price)', "screen.py:1: the sentence is put together there"),
        ('speech.say("Paid {}".format(price))', "screen.py:1: the sentence is put together there"),
        ('speech.say("Paid {")', "a single {"),
        ('speech.say("<b>Paid")', "do not close"),
        ('speech.many("{n} card", "{n} cards", n)\nspeech.many("{n} card", "{n} card(s)", n)', "has another plural"),
    ],
)
def test_sentences_that_cannot_be_translated_are_told(house: House, capsys: pytest.CaptureFixture[str], code: str, complaint: str) -> None:
    house.code.write_text(code, "utf-8")

    assert house.check() == 1
    assert complaint in capsys.readouterr().err


def test_update_adds_the_new_drops_the_vanished_and_keeps_translations(house: House) -> None:
    house.code.write_text(SOURCE.replace("Two ", "Three "), "utf-8")

    assert house.check("--update") == 0

    text = house.path().read_text("utf-8")
    assert 'msgid "Three parts"\nmsgstr ""' in text
    assert "Two parts" not in text
    assert 'msgstr[2] "{n} карт"' in text
    assert "#. on the receipt" in text
    assert "screen.py" not in text
    assert "POT-Creation-Date" not in text
    assert house.check() == 1


def test_update_changes_nothing_a_second_time(house: House) -> None:
    house.check("--update")
    first = house.path().read_bytes()
    house.code.write_text("\n\n\n" + SOURCE, "utf-8")
    house.check("--update")

    assert house.path().read_bytes() == first


def test_an_empty_file_becomes_a_new_language(house: House) -> None:
    house.write("", "zh_Hans")

    assert house.check() == 1
    assert house.check("--update") == 0
    text = house.path("zh_Hans").read_text("utf-8")
    assert '"Plural-Forms: nplurals=1; plural=0;\\n"' in text
    assert 'msgid_plural "{n} cards"\nmsgstr[0] ""\n' in text


def test_the_sentences_of_this_shop_can_be_translated() -> None:
    _, complaints = marked()

    assert complaints == []
