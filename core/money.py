"""Money: integers in minor units with their currency; never float."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from core.errors import N_, Refusal

STARS = "XTR"

# ISO 4217: currencies whose minor unit is not a hundredth; a test holds this table against Babel's.
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
            STARS,
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    "CLF": 4,
    "UYW": 4,
}

MOST_MINOR = 10**15  # Ten trillion yuan: whatever is larger was typed wrong, and every sum still fits 64 bits.

_AMOUNT = re.compile(r"\d{1,16}(?:\.\d{1,8})?", re.ASCII)
# A comma or a space only parts groups of three: "95,50" means 95.50 to one reader and 9550 to another, so it is asked again.
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d{1,8})?|\d{1,3}(?: \d{3})+(?:\.\d{1,8})?", re.ASCII)


def exponent(currency: str) -> int:
    """How many digits after the point the currency's minor unit has (ISO 4217; Stars have none)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency."""

    minor: int
    currency: str


@dataclass(eq=False)
class NotAnAmount(Refusal):
    says: ClassVar[str] = N_("“{text}” is not an amount. Please type a number such as {example}.")

    text: str
    example: str


def parse_minor(text: str, currency: str) -> int:
    """Minor units of an amount as people type it: "95", "95.00", "１，２００．５", "¥95".

    Raises NotAnAmount for what is not one, has more digits than the currency, or is above MOST_MINOR.
    """
    plain = unicodedata.normalize("NFKC", text).strip().strip("¥元").strip()
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "").replace(" ", "")
    places = exponent(currency)
    if _AMOUNT.fullmatch(plain):
        minor = Decimal(plain) * 10**places
        if minor == int(minor) and int(minor) <= MOST_MINOR:
            return int(minor)
    raise NotAnAmount(text=text[:40], example="95" if places == 0 else "95." + "0" * places)


def decimal_text(minor: int, currency: str) -> str:
    """The amount as a plain decimal string for machines: 9500 CNY is "95.00"."""
    places = exponent(currency)
    sign, whole = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{whole // 10**places}" + (f".{whole % 10**places:0{places}d}" if places else "")


def fee_on(amount_minor: int, basis_points: int, fixed_minor: int) -> int:
    """A fee of so many hundredths of a per cent, rounded half up to the minor unit, and so much each time."""
    return (amount_minor * basis_points + 5_000) // 10_000 + fixed_minor


def up_to_step(minor: int, step_minor: int) -> int:
    """The next whole multiple of a step, for who takes no smaller coin: 1255 with a step of 10 is 1260."""
    return -(-minor // step_minor) * step_minor


def convert_up(minor: int, rate: Fraction) -> int:
    """Convert and round away from zero to the next whole minor unit, so that the shop never asks for less than the price."""
    exact = minor * rate
    return -((-exact.numerator) // exact.denominator)


def convert_down(minor: int, rate: Fraction) -> int:
    """Convert and round down to a whole minor unit, so that the shop never credits more than came in."""
    exact = minor * rate
    return exact.numerator // exact.denominator
