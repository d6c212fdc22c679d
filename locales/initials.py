"""Search keys for names: "yxlmdq" and "yingxionglianmengdianquan" find 英雄联盟点券."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

_WORDS = re.compile(r"\w+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")


def folded(text: str) -> str:
    """The text as it is compared in a search: full-width and half-width are one, as are capitals and small letters; blanks are
    single. Simplified and Traditional characters stay apart. NUL, which no database text holds, is a blank."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("\x00", " ")).casefold().split())


def initials(text: str) -> str:
    """Search keys separated by blanks: pinyin initials and full pinyin of the whole text, then of each word if there are several.

    Letters and digits of other scripts are kept in small letters, punctuation is dropped: "Steam 充值卡" gives
    "steamczk steamchongzhika steam czk chongzhika". The letter ü is v, as it is typed.
    """
    words = _WORDS.findall(folded(text))
    spelled = [_spelled(word) for word in words]
    keys = ["".join(short for short, _ in spelled), "".join(full for _, full in spelled)]
    for pair in spelled:
        keys += pair
    return " ".join(dict.fromkeys(key for key in keys if key))


def _spelled(word: str) -> tuple[str, str]:
    if _ASCII_WORD.fullmatch(word):
        return word, word
    short, full = "", ""
    # What is not Chinese comes back in runs, as it is: "q币" is "q" and "bi".
    for syllable, is_chinese in _syllables(word):
        short += syllable[0] if is_chinese else syllable
        full += syllable
    return short, full


# Readings of the trade that the dictionary gets wrong because the characters have several.
_OURS = {"率土": [["shuài"], ["tǔ"]], "重庆": [["chóng"], ["qìng"]], "重慶": [["chóng"], ["qìng"]]}


@cache
def _dictionary() -> Callable[..., list[str]]:
    """Loaded when a name is to be spelled, and not at each start: it is large."""
    from pypinyin import lazy_pinyin, load_phrases_dict

    load_phrases_dict(_OURS)
    return lazy_pinyin


def _syllables(word: str) -> list[tuple[str, bool]]:
    pieces = _dictionary()(word, errors=lambda run: f"\0{run}")
    return [(piece.removeprefix("\0"), not piece.startswith("\0")) for piece in pieces]
