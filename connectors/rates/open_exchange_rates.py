"""Open Exchange Rates (openexchangerates.org): every hour, with a key, what one US dollar is worth in some 170 currencies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction

from connectors.line import Line, address
from connectors.rates._figures import CURRENCY, figure
from connectors.settings import SetUpWrong, needed
from core.ports import Declined, MarketRates, NotSure

NAME = "open-exchange-rates"
URL = "https://openexchangerates.org"
PATH = "api/latest.json"
BASE = "USD"  # the only one of the free plan; every other pair is worked out over it
_LATEST = 1 << 37  # in the year 6325: Python's time ends later


class OpenExchangeRates:
    """`latest.json`, read exactly."""

    name = NAME

    def __init__(self, key: str, url: str = URL) -> None:
        self._key, self._line = key, Line("Open Exchange Rates", url)

    async def rates(self) -> MarketRates:
        """What it says now. Raises Declined when the key is not taken or its calls are used up, and NotSure."""
        answer = await self._line.get(PATH, {"app_id": self._key, "prettyprint": "false"})
        if answer.status != 200:
            # 401 invalid_app_id, 403 access_restricted, 404 not_found; 429 is not an answer to the line already.
            raise Declined(f"Open Exchange Rates: status {answer.status}")
        try:
            return read(answer.document)
        except ValueError as wrong:
            raise NotSure(f"Open Exchange Rates: {wrong}") from None

    async def close(self) -> None:
        await self._line.close()


def read(document: Mapping[str, object]) -> MarketRates:
    """The rates in an answer, without currencies whose figure is none; raises ValueError for what is no such answer."""
    listed, stamp = document.get("rates"), document.get("timestamp")
    if document.get("base") != BASE:
        raise ValueError("rates of another base")
    if not isinstance(listed, dict) or not listed or type(stamp) is not int or not 0 < stamp < _LATEST:
        raise ValueError("not an answer with rates")
    figures = {currency: figure(value) for currency, value in listed.items() if CURRENCY.fullmatch(currency)}
    found = {currency: rate for currency, rate in figures.items() if rate is not None}
    if found.pop(BASE, Fraction(1)) != 1:
        raise ValueError("a dollar that is not a dollar")
    if not found:
        raise ValueError("no rates")
    return MarketRates(BASE, found, datetime.fromtimestamp(stamp, UTC))


def source(settings: Mapping[str, str]) -> OpenExchangeRates:
    """SHOP_RATES_KEY is the App ID; SHOP_RATES_URL is for a mirror only. Raises SetUpWrong."""
    if not settings.get("SHOP_RATES_KEY", "").strip():
        raise SetUpWrong("SHOP_RATES_KEY is missing: it is the App ID that openexchangerates.org gave you.")
    return OpenExchangeRates(needed(settings, "SHOP_RATES_KEY"), address(settings, "SHOP_RATES_URL", URL))
