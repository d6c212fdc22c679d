"""What a connector is set up with: names as in the environment, and one sentence for each mistake."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from core.money import exponent
from core.ports import Fee


class SetUpWrong(ValueError):
    """A way to be paid is set up wrongly; the message names the setting and says what to do, never its value."""


def needed(settings: Mapping[str, str], name: str) -> str:
    """A setting that must not be empty."""
    value = settings.get(name, "").strip()
    if not value:
        raise SetUpWrong(f"{name} is missing: set it, or remove the other settings of this way to be paid.")
    return value


def amount(settings: Mapping[str, str], name: str, currency: str, default_minor: int) -> int:
    """An amount such as 0.50 in minor units of the currency."""
    text = settings.get(name, "").strip()
    if not text:
        return default_minor
    try:
        minor = Decimal(text).scaleb(exponent(currency))
    except InvalidOperation:
        raise SetUpWrong(f"{name} is not an amount: write it like 12.50.") from None
    if not minor.is_finite() or minor < 0 or minor != minor.to_integral_value():
        raise SetUpWrong(f"{name} is not an amount of {currency}: write it like 12.50.")
    return int(minor)


def fee(settings: Mapping[str, str], prefix: str, currency: str) -> Fee:
    """`<prefix>_FEE_PERCENT` (2.5), `<prefix>_FEE_FIXED` (0.30) and `<prefix>_FEE_PASSED_ON` (yes, or no)."""
    text = settings.get(f"{prefix}_FEE_PERCENT", "").strip() or "0"
    try:
        points = Decimal(text) * 100
    except InvalidOperation:
        raise SetUpWrong(f"{prefix}_FEE_PERCENT is not a number of per cent: write it like 2.5.") from None
    if not points.is_finite() or not 0 <= points < 10_000 or points != points.to_integral_value():
        raise SetUpWrong(f"{prefix}_FEE_PERCENT has to be from 0 to 99.99, with two digits at most.")
    passed = settings.get(f"{prefix}_FEE_PASSED_ON", "").strip().lower() or "no"
    if passed not in ("yes", "no"):
        raise SetUpWrong(f"{prefix}_FEE_PASSED_ON is yes or no.")
    return Fee(int(points), amount(settings, f"{prefix}_FEE_FIXED", currency, 0), passed == "yes")
