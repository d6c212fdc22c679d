"""The European Central Bank's reference rates: once each working day, without a key, what one euro is worth in some thirty currencies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from fractions import Fraction
from xml.etree import ElementTree

from connectors.line import Line, address
from connectors.rates._figures import CURRENCY, figure
from core.ports import MarketRates, NotSure

NAME = "ecb"
URL = "https://www.ecb.europa.eu"
PATH = "stats/eurofxref/eurofxref-daily.xml"
_CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
# The central banks agree on them at 14:15 of Frankfurt, which is an hour earlier or two by UTC; the file says the day only.
_TIME = time(13, 15, tzinfo=UTC)


class EuropeanCentralBank:
    """The daily file, read exactly."""

    name = NAME

    def __init__(self, url: str = URL) -> None:
        self._line = Line("the European Central Bank", url)

    async def rates(self) -> MarketRates:
        """What the newest file says. Raises NotSure."""
        body = await self._line.get_file(PATH)
        try:
            return read(body)
        except ValueError as wrong:
            raise NotSure(f"the European Central Bank: {wrong}") from None

    async def close(self) -> None:
        await self._line.close()


def read(body: bytes) -> MarketRates:
    """The rates in a daily file, without currencies whose figure is none ("N/A"); raises ValueError for what is no such file."""
    # The bank's file declares nothing; what does could make the reader write out entities without end.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        raise ValueError("a file with declarations")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without declarations there are no entities
    except (ElementTree.ParseError, LookupError):
        raise ValueError("not XML") from None
    days = [cube for cube in root.iter(_CUBE) if "time" in cube.attrib]
    if len(days) != 1:
        raise ValueError(f"{len(days)} days in a daily file")
    found: dict[str, Fraction] = {}
    for cube in days[0].findall(_CUBE):
        currency, rate = cube.get("currency", ""), figure(cube.get("rate"))
        if currency in found:
            raise ValueError("a currency with two rates")
        if CURRENCY.fullmatch(currency) and rate is not None:
            found[currency] = rate
    # The euro is what all others are told in: a file that tells it too is of another base.
    if not found or "EUR" in found:
        raise ValueError("no rates of the euro")
    return MarketRates("EUR", found, datetime.combine(date.fromisoformat(days[0].attrib["time"]), _TIME))


def source(settings: Mapping[str, str]) -> EuropeanCentralBank:
    """SHOP_RATES_URL is for a mirror only."""
    return EuropeanCentralBank(address(settings, "SHOP_RATES_URL", URL))
