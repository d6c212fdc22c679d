"""Numbers and percentages as people type them: in half-width, full-width or Chinese digits."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

_CHINESE = {
    character: value
    for value, characters in enumerate(("〇零", "一壹", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖"))
    for character in characters
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIAD = {"万": 10_000, "萬": 10_000}
_AROUND = re.compile(r"^[x×*]\s*|\s*(?:张|張|个|個|件|份|pcs?|шт\.?)$", re.IGNORECASE)
_DIGITS = re.compile(r"-?\d{1,12}")


def whole_number(text: str) -> int | None:
    """The whole number in a text such as "12", "１２", "十二", "12张" or "x12"; None when it is not one. It may be negative or zero."""
    said = unicodedata.normalize("NFKC", text).strip().replace("−", "-").replace(" ", "")
    said = _AROUND.sub("", said)
    if _DIGITS.fullmatch(said):
        return int(said)
    return _chinese(said)


def percent_typed(text: str, *, most: int) -> int | None:
    """Hundredths of a per cent of a percentage such as "2.5" or "15%", up to `most` per cent; None when it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().removesuffix("%").strip()
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?", plain, re.ASCII):
        return None
    basis_points = int(Decimal(plain) * 100)
    return basis_points if basis_points <= most * 100 else None


def _chinese(said: str) -> int | None:
    if not 0 < len(said) <= 16 or any(c not in _CHINESE and c not in _UNITS and c not in _MYRIAD for c in said):
        return None
    if all(c in _CHINESE for c in said):
        return int("".join(str(_CHINESE[c]) for c in said))
    total, section, digit = 0, 0, None
    for c in said:
        if c in _CHINESE:
            digit = _CHINESE[c]
        elif c in _UNITS:
            # 十二 is twelve: a unit without a digit before it is one of it.
            section += (1 if digit is None else digit) * _UNITS[c]
            digit = None
        else:
            total = (total + section + (digit or 0)) * _MYRIAD[c]
            section, digit = 0, None
    return total + section + (digit or 0)
