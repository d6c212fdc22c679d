"""Reading figures of rates: exact, positive, and nothing that only looks like one."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
# Eleven digits before the point and twelve after it: the rial and the bitcoin fit, and nothing is ever worth more.
_FIGURE = re.compile(r"\d{1,11}(?:\.\d{1,12})?", re.ASCII)
_FIGURE_WITH_POWER = re.compile(r"\d(?:\.\d{1,12})?E-\d{1,2}", re.ASCII)  # JSON may write 0.000000012 so


def figure(value: object) -> Fraction | None:
    """A rate as a source writes it ("7.2534", 7, Decimal), exactly; None for zero, for less, and for what is no number."""
    text = value if isinstance(value, str) else str(value) if type(value) in (int, Decimal) else ""
    if not _FIGURE.fullmatch(text) and not _FIGURE_WITH_POWER.fullmatch(text):
        return None
    return Fraction(text) or None
