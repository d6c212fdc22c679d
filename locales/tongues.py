"""Which languages there are, and which of them is closest to what a person's Telegram speaks."""

from functools import lru_cache
from pathlib import Path

from babel import Locale

HERE = Path(__file__).parent
CATALOGUE = Path("LC_MESSAGES") / "messages.po"

SOURCE_LANGUAGE = "en"
"""The language of the sentences in the source; it needs no catalogue."""

_WRITTEN_TRADITIONALLY = {"tw", "hk", "mo"}

# Who reads which of our languages when their own is missing, after the language matching data of CLDR.
_UNDERSTANDS = {
    **dict.fromkeys(("az", "be", "hy", "kk", "ky", "tg", "tk", "tt", "uk", "uz"), "ru"),
    **dict.fromkeys(("bo", "ii", "ug", "za"), "zh-hans"),
}


@lru_cache
def languages(folder: Path = HERE) -> tuple[str, ...]:
    """The codes of all languages, sorted: English and every folder with a catalogue (`zh_Hans` is "zh-hans")."""
    found = {path.parent.parent.name.replace("_", "-").lower() for path in folder.glob(f"*/{CATALOGUE}")}
    return tuple(sorted(found | {SOURCE_LANGUAGE}))


@lru_cache
def babel_locale(language: str) -> Locale:
    """The Babel locale of a code such as "zh-hans"; raises ValueError or babel.UnknownLocaleError when there is none."""
    return Locale.parse(language, sep="-")


def own_name(language: str) -> str:
    """The language's name for itself, for the menu of languages: "русский", "中文 (简体)"."""
    locale = babel_locale(language)
    return locale.get_display_name(locale) or language


def match(language_code: str | None, default: str, folder: Path = HERE) -> str:
    """The language for a person whose Telegram reports `language_code`, such as "zh-hk", "en-US" or None.

    The same language wins; Chinese is split by its script, or by where it is written; languages of the former Soviet Union whose
    readers CLDR sends to Russian get Russian; everybody else gets the default, and English when the default is unknown too.
    """
    return _closest(language_code, folder) or _closest(default, folder) or SOURCE_LANGUAGE


def _closest(language_code: str | None, folder: Path) -> str | None:
    there = languages(folder)
    parts = (language_code or "").strip().lower().replace("_", "-").split("-")
    if parts[0] in ("zh", "yue", "cmn"):
        traditional = "hant" in parts or ("hans" not in parts and (parts[0] == "yue" or not _WRITTEN_TRADITIONALLY.isdisjoint(parts)))
        order = ["zh-hant", "zh-hans"] if traditional else ["zh-hans", "zh-hant"]
    else:
        order = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
        order.append(_UNDERSTANDS.get(parts[0], ""))
    return next((language for language in order if language in there), None)
