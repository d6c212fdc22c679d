"""Words that people read off a poster and type: upper and lower case, and letters that look alike, are the same word."""

from __future__ import annotations

import unicodedata

LEAST, MOST = 3, 24  # characters

# Each letter stands for those that are taken for it on a screen or on paper: O and 0, I and l and 1, S and 5, B and 8, Z and 2;
# and Cyrillic and Greek letters for the Latin ones that they look like.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("OОΟQØ", "0"),
        **dict.fromkeys("ILІΙЈ|!Ӏ", "1"),
        **dict.fromkeys("SЅ", "5"),
        **dict.fromkeys("BВΒẞ", "8"),
        **dict.fromkeys("ZΖ", "2"),
        **dict.fromkeys("АΑ", "A"),
        **dict.fromkeys("СϹ", "C"),
        **dict.fromkeys("ЕΕЁ", "E"),
        **dict.fromkeys("НΗ", "H"),
        **dict.fromkeys("КΚ", "K"),
        **dict.fromkeys("МΜ", "M"),
        **dict.fromkeys("NΝ", "N"),
        **dict.fromkeys("РΡ", "P"),
        **dict.fromkeys("ТΤ", "T"),
        **dict.fromkeys("ХΧ", "X"),
        **dict.fromkeys("УΥY", "Y"),
    }
)


def folded(text: str) -> str:
    """The word as it is compared: full width and accents undone, upper case, no blanks or dashes, look-alikes as one of them.

    Empty when it is no word: other characters than letters and digits in it, or not LEAST to MOST of them.
    """
    # A look-alike is replaced before accents are taken off, too: the Cyrillic Й is no И with something on it.
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    kept = "".join(c for c in plain if c not in " -_–—·.")  # dashes of every keyboard
    kept = unicodedata.normalize("NFKD", kept)
    kept = "".join(c for c in kept if not unicodedata.combining(c)).translate(_ALIKE)
    return kept if LEAST <= len(kept) <= MOST and kept.isalnum() else ""
