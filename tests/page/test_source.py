"""The page's own source: short modules, nothing from elsewhere, no HTML made of texts."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "sandbox" / "page"
LONGEST_MODULE = 350
WRITES_HTML = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(")


def sources(*endings: str) -> dict[str, str]:
    found = {file.name: file.read_text(encoding="utf-8") for file in sorted(PAGE.rglob("*")) if file.suffix in endings}
    assert found
    return found


def test_every_module_can_be_read_in_one_sitting() -> None:
    assert [name for name, text in sources(".js", ".css", ".html").items() if len(text.splitlines()) >= LONGEST_MODULE] == []


def test_no_module_makes_html_of_texts() -> None:
    assert [(name, word) for name, text in sources(".js").items() for word in WRITES_HTML if word in text] == []


def test_nothing_is_loaded_from_elsewhere() -> None:
    # The one address in the page is the name of the SVG language, which nobody fetches.
    addresses = {address for text in sources(".js", ".css", ".html").values() for address in re.findall(r"https?://[\w.$/{-]+", text)}
    assert {address for address in addresses if not address.startswith(("http://www.w3.org/2000/svg", "https://${"))} == set()


def test_every_sentence_of_the_page_is_said_in_both_languages_and_used() -> None:
    words = sources(".js")
    catalogue = words.pop("i18n.js")
    entries = re.findall(r"^  (\w+): \[(\"(?:[^\"]+)\"), (\"(?:[^\"]+)\")\],$", catalogue, re.MULTILINE)
    assert len(entries) > 80
    fields = re.compile(r"\{(\w+)\}")
    assert [key for key, english, chinese in entries if set(fields.findall(english)) != set(fields.findall(chinese))] == []
    asked = set(re.findall(r"\bt\(\"(\w+)\"", "".join([*words.values(), catalogue])))
    assert asked <= {key for key, _, _ in entries}


def test_every_module_is_named_in_the_page_so_that_they_load_at_once() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    named = {*re.findall(r'rel="modulepreload" href="/page/([\w.]+)"', page), *re.findall(r'src="/page/([\w.]+)"', page)}
    assert named == set(sources(".js"))
    assert set(re.findall(r'href="/page/css/([\w.]+)"', page)) == set(sources(".css"))
