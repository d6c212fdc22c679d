"""What a product is found by: its names and keywords as they are compared, and their pinyin."""

from __future__ import annotations

from locales.initials import folded, initials


def search_text(*names: str) -> str:
    """The text a search looks through, of every name and keyword of a product; blanks between, nothing twice.

    Give all names in all languages, the names of the denominations, and the keywords (each may hold several words).
    """
    said = [name for name in names if name.strip()]
    return " ".join(dict.fromkeys(key for name in said for key in (folded(name), *initials(name).split(" ")) if key))
