"""One rule for texts that a spreadsheet would take for a formula, used by everything that writes or reads csv."""

import re

# A spreadsheet evaluates a cell that begins with one of these. Tab and carriage return count too: some programs skip them first.
_ACTIVE = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def guarded(text: str) -> str:
    """The text as it may stand in a csv cell: one that a spreadsheet would evaluate gets one apostrophe in front.

    `restored` takes exactly that apostrophe away again, so nothing is lost on the way out and in. A text such as `'=1` gets a
    second apostrophe, or it could not be told from a guarded `=1`.
    """
    return "'" + text if _ACTIVE.match(text) else text


def restored(text: str) -> str:
    """The text as it was before `guarded`; every other text comes back unchanged."""
    return text[1:] if text.startswith("'") and _ACTIVE.match(text, 1) else text
