"""What an upstream calls its questions, and what the shop calls them: a name that no button can carry has a short one of our own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from core import fulfilment
from core.ports import UpstreamField

_PLAIN = re.compile(rf"[A-Za-z][A-Za-z0-9_-]{{0,{fulfilment.LONGEST_NAME - 1}}}", re.ASCII)
_OURS = "q-"


def own_name(theirs: str) -> str:
    """The name of a question here: theirs when it is short and Latin, otherwise always the same short one, made of it."""
    if _PLAIN.fullmatch(theirs) and not theirs.startswith(_OURS):
        return theirs
    return _OURS + hashlib.sha256(theirs.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def as_they_call_it(said: Mapping[str, str], asked: Sequence[UpstreamField]) -> dict[str, str]:
    """What a buyer said, under the names that the upstream knows; what it does not ask (any more) stays as it is."""
    theirs = {own_name(one.name): one.name for one in asked}
    return {theirs.get(name, name): answer for name, answer in said.items()}
