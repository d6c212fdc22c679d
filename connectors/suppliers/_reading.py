"""Reading what upstreams write: texts without tags, numbers that are exact, codes one a line."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.line import minor_of
from connectors.settings import SetUpWrong, needed
from core.ports import NotSure, UpstreamCode

CALLBACK_BYTES = 64 << 10
CLOCK_SECONDS = 60

_TAG = re.compile(r"<[^<>]{0,500}>")
_CURRENCY = re.compile(r"[A-Z]{3,8}", re.ASCII)


def words(value: object, most: int = 200) -> str:
    """Text without tags, entities and line ends, and not longer than that; empty when it is none."""
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        return ""
    plain = html.unescape(_TAG.sub(" ", value[: most * 20]))
    # Once more: what was written as entities may be tags.
    plain = _TAG.sub(" ", plain)
    return " ".join("".join(c if c.isprintable() else " " for c in plain).split())[:most]


def number(value: object, most: int = 128) -> str:
    """A number or name of theirs as text; empty when it is neither."""
    text = str(value) if type(value) is int else value
    return text if isinstance(text, str) and 0 < len(text) <= most and text.isprintable() else ""


def whole(value: object) -> int | None:
    """A whole number as machines write it; None for anything else."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value, re.ASCII) else None


def price(value: object, currency: str, who: str) -> int:
    """Minor units of a price. Raises NotSure for what is not exactly one."""
    minor = minor_of(value, currency) if _CURRENCY.fullmatch(currency) else None
    if minor is None:
        raise NotSure(f"{who}: an amount that is none in {currency}")
    return minor


def listed(value: object, who: str) -> list[Mapping[str, Any]]:
    """A list of objects. Raises NotSure."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise NotSure(f"{who}: a list that is none")
    return value


def inside(value: object, who: str) -> Mapping[str, Any]:
    """An object. Raises NotSure."""
    if not isinstance(value, dict):
        raise NotSure(f"{who}: an answer without what was asked for")
    return value


def codes_in(text: object, quantity: int) -> list[UpstreamCode]:
    """Codes of a text, one a line. What was ordered once is one, however many lines its words have."""
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()] if isinstance(text, str) else []
    if quantity == 1 and len(lines) > 1:
        lines = [" / ".join(lines)]
    return [UpstreamCode(None, line) for line in lines]


def currency_of(settings: Mapping[str, str], default: str = "") -> str:
    """The setting `currency`. Raises SetUpWrong."""
    currency = (settings.get("currency", "").strip() or default or needed(settings, "currency")).upper()
    if not _CURRENCY.fullmatch(currency):
        raise SetUpWrong("currency is written in capital letters, such as CNY.")
    return currency


def key_of(settings: Mapping[str, str], name: str) -> str:
    """A key or a secret: printable, without blanks. Raises SetUpWrong, never with the value."""
    text = needed(settings, name)
    if len(text) > 200 or not text.isascii() or not text.isprintable() or " " in text:
        raise SetUpWrong(f"{name} is not a key: copy it once more from the upstream, without blanks.")
    return text


def fresh(stamp: str) -> bool:
    """Is it a Unix time of this minute?"""
    return bool(re.fullmatch(r"[0-9]{1,12}", stamp, re.ASCII)) and abs(int(stamp) - int(time.time())) <= CLOCK_SECONDS


def said(document: Mapping[str, Any], names: Sequence[str], secrets: Sequence[str]) -> str:
    """What a refusal says, for the log and the staff: short, without tags, and without our keys should it repeat them."""
    text = " ".join(filter(None, (words(document.get(name), 150) for name in names))) or "no reason given"
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
