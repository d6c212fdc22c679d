"""Pure rules: the house's own rights by standing, when a supplier earns a strike, and how words are compared."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from core.supply import SourceClass, Standing

STRIKE_DAYS = 90  # then a strike is over
STRIKES_TO_SUSPEND = 3
LOOK_BACK_DAYS = 30  # sales and cases that count, and how long after one strike of the job no other comes


@dataclass(frozen=True, slots=True)
class Rights:
    """What suppliers of a standing may. `cases_basis_points` and `least_sales` say when the job gives a strike."""

    hold_days: int
    most_on_shelf: int
    most_offers: int
    classes: frozenset[SourceClass]
    approve: bool
    cases_basis_points: int
    least_sales: int


_ALL = frozenset(SourceClass)
HOUSE: dict[Standing, Rights] = {
    Standing.NEW: Rights(14, 20_000, 20, frozenset({SourceClass.OWN_STOCK}), True, 300, 50),
    Standing.TRUSTED: Rights(7, 200_000, 200, frozenset({SourceClass.OWN_STOCK, SourceClass.UPSTREAM}), False, 500, 100),
    Standing.AUTHORISED: Rights(
        3, 2_000_000, 1000, frozenset({SourceClass.OWN_STOCK, SourceClass.AUTHORISED, SourceClass.UPSTREAM}), False, 500, 100
    ),
    Standing.CREATOR: Rights(14, 50_000, 100, frozenset({SourceClass.CREATOR}), False, 500, 50),
    Standing.OWN: Rights(0, 10**9, 10**9, _ALL, False, 10_000, 10**9),
}

# Letters of other scripts, digits and signs that are drawn like Latin letters: who writes around a rule writes with these.
_DRAWN_ALIKE = {
    "a": "а4@α", "b": "вб8β", "c": "с", "d": "дԁ", "e": "е3ε", "h": "нһ", "i": "іι1!|lӏ", "j": "ј", "k": "кκ", "m": "м", "n": "п",
    "o": "о0ο", "p": "рρ", "r": "г", "s": "ѕ5$", "t": "тτ7", "u": "υ", "v": "ν", "w": "ω", "x": "хχ", "y": "у",
}  # fmt: skip
_LOOKALIKES = str.maketrans({odd: letter for letter, odds in _DRAWN_ALIKE.items() for odd in odds})
_SHORT = 5  # a Latin word shorter than this is looked for as a word, not within others


def _bare(text: str) -> str:
    wide = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in unicodedata.normalize("NFD", wide) if not unicodedata.combining(letter)).translate(_LOOKALIKES)


def folded(text: str) -> str:
    """A text as rules look at it: NFKC, no capitals, no accents, no separators, and lookalikes as the letters they are drawn as."""
    return "".join(filter(str.isalnum, _bare(text)))


def holds(text: str, word: str) -> bool:
    """Does a text have this (folded) word in it, however it is written? Short Latin words count only by themselves or spaced out."""
    if not word:
        return False
    if not word.isascii() or len(word) >= _SHORT:
        return word in folded(text)
    tokens = "".join(letter if letter.isalnum() else " " for letter in _bare(text)).split()
    spaced = "".join(token if len(token) == 1 else " " for token in tokens)
    return word in tokens or word in spaced


def deserves_strike(rights: Rights, *, units: int, cases: int) -> bool:
    """Were so many of the units sold lost to buyers' complaints that it is a strike?"""
    return units >= rights.least_sales and cases > 0 and cases * 10_000 >= rights.cases_basis_points * units
