"""The parts of a sentence: its {placeholders} and its HTML tags, as the speech fills them and the check compares them."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

_PIECES = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


class BrokenSentence(ValueError):
    """A brace that opens or closes nothing."""


@lru_cache(maxsize=4096)
def placeholders(sentence: str) -> frozenset[str]:
    """The names in braces; doubled braces are braces. Raises BrokenSentence."""
    names = set()
    for piece in _PIECES.finditer(sentence):
        if piece[1]:
            names.add(piece[1])
        elif piece[0] in ("{", "}"):
            raise BrokenSentence(f"a single {piece[0]} in {sentence!r}")
    return frozenset(names)


def filled(sentence: str, facts: Mapping[str, str]) -> str:
    """The sentence with the facts in their places; raises KeyError for a fact that is not given."""
    return _PIECES.sub(lambda piece: facts[piece[1]] if piece[1] else piece[0][0], sentence)


def tags(sentence: str) -> Counter[str]:
    """The HTML tags and how often each stands there."""
    return Counter(_TAG.findall(sentence))


def tags_close(sentence: str) -> bool:
    """Whether every tag is closed in the right order; Telegram refuses the whole message otherwise."""
    open_tags: list[str] = []
    for tag in _TAG.findall(sentence):
        name = tag.strip("</>").split()[0].lower()
        if not tag.startswith("</"):
            open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            return False
    return not open_tags


def without_tags(html: str) -> str:
    """The text between the tags."""
    return _TAG.sub("", html)
