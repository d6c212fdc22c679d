"""One story for every source of exchange rates that is in the folder, told over real HTTP to a server that misbehaves.

A new file in `connectors/rates/` is found by itself, and fails here until `SOURCES` says how it is set up.
"""

from __future__ import annotations

import pkgutil
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import rates as folder
from connectors.rates import ecb, open_exchange_rates, rate_source
from connectors.rates._figures import figure
from connectors.settings import SetUpWrong
from core.ports import Declined, MarketRates, NotSure, RateSource
from sandbox.gateways import RateServer

KEY = "a-key-of-the-shop-77"
FILES = sorted(module.name for module in pkgutil.iter_modules(folder.__path__) if not module.name.startswith("_"))
NOW = datetime(2026, 11, 18, 17, 20, tzinfo=UTC)  # a Wednesday


@dataclass(frozen=True)
class Source:
    """How a file of the folder is set up, and what it is expected to say."""

    settings: Mapping[str, str]
    base: str
    as_of: datetime
    secret: str | None = None


SOURCES = {
    "ecb": Source({"SHOP_RATES_FROM": "ecb"}, "EUR", datetime(2026, 11, 18, 13, 15, tzinfo=UTC)),
    "open_exchange_rates": Source(
        {"SHOP_RATES_FROM": "Open-Exchange-Rates", "SHOP_RATES_KEY": KEY}, "USD", datetime(2026, 11, 18, 17, tzinfo=UTC), KEY
    ),
}


@pytest.fixture
async def server() -> AsyncIterator[RateServer]:
    made = RateServer(KEY, clock=lambda: NOW)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(params=FILES)
async def file(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def source(file: str, server: RateServer) -> AsyncIterator[RateSource]:
    made = rate_source({**SOURCES[file].settings, "SHOP_RATES_URL": server.url})
    assert made is not None
    line: Any = made.__dict__["_line"]
    line._timeout = aiohttp.ClientTimeout(total=0.5)
    yield made
    await made.close()


async def test_it_says_each_pair_exactly_over_its_base(file: str, source: RateSource, server: RateServer) -> None:
    said = await source.rates()

    assert (said.base, said.as_of) == (SOURCES[file].base, SOURCES[file].as_of)
    assert 1 <= len(source.name) <= 32
    euro = {currency: Fraction(rate) for currency, rate in server.of_the_euro.items()}
    if file == "ecb":
        # Not through a rounded figure: yen to yuan is one fraction.
        assert said.between("JPY", "CNY") == euro["CNY"] / euro["JPY"]
        assert said.between("EUR", "USD") == euro["USD"] and said.between("USD", "EUR") == 1 / euro["USD"]
        assert said.between("KWD", "CNY") is None, "the bank does not tell it"
    else:
        dollar = {
            currency: (rate / server.of_the_euro["USD"]).quantize(Decimal("0.00000001"))
            for currency, rate in {**server.of_the_euro, **server.elsewhere}.items()
        }
        assert said.between("KWD", "JPY") == Fraction(dollar["JPY"]) / Fraction(dollar["KWD"])
        assert said.between("USD", "CNY") == Fraction(dollar["CNY"])
    assert said.between("USD", "QQQ") is None and said.between("USD", "USD") == 1


@pytest.mark.parametrize("fault", ["errors_500", "nonsense", "cut_off", "wrong_base", "stall_seconds"])
async def test_whatever_is_no_answer_is_not_sure_and_the_next_answer_is_taken(fault: str, source: RateSource, server: RateServer) -> None:
    setattr(server.faults, fault, {"errors_500": 1, "stall_seconds": 30}.get(fault, True))
    began = time.monotonic()

    with pytest.raises(NotSure):
        await source.rates()

    assert time.monotonic() - began < 20
    server.faults.clear()
    assert (await source.rates()).between("USD", "CNY") is not None


async def test_a_server_that_is_not_there_is_not_sure(source: RateSource, server: RateServer) -> None:
    await server.stop()

    with pytest.raises(NotSure):
        await source.rates()


async def test_a_currency_that_is_missing_or_worth_nothing_is_not_known(source: RateSource, server: RateServer) -> None:
    server.faults.missing, server.faults.zero = "JPY", "GBP"

    said = await source.rates()

    assert said.between("JPY", "CNY") is None and said.between("GBP", "CNY") is None
    assert said.between("USD", "CNY") is not None


async def test_yesterdays_says_that_it_is_yesterdays(file: str, source: RateSource, server: RateServer) -> None:
    server.faults.days_old = 1

    assert (await source.rates()).as_of == SOURCES[file].as_of - timedelta(days=1)


async def test_a_key_that_is_not_taken_is_declined_and_said_nowhere(file: str, source: RateSource, server: RateServer) -> None:
    if SOURCES[file].secret is None:
        pytest.skip("it has no key")
    server.faults.wrong_key = True

    with pytest.raises(Declined) as refused:
        await source.rates()

    assert KEY not in str(refused.value)
    server.faults.clear()
    server.faults.nonsense = True
    with pytest.raises(NotSure) as unsure:
        await source.rates()
    assert KEY not in str(unsure.value) and unsure.value.__cause__ is None


def test_no_source_is_named_and_one_that_is_not_there_is_one_sentence() -> None:
    assert rate_source({"SHOP_RATES_KEY": "unused"}) is None
    with pytest.raises(SetUpWrong, match=r"SHOP_RATES_FROM names no source.*ecb, open-exchange-rates"):
        rate_source({"SHOP_RATES_FROM": "the-moon"})
    with pytest.raises(SetUpWrong, match="SHOP_RATES_KEY is missing"):
        rate_source({"SHOP_RATES_FROM": "open-exchange-rates"})
    with pytest.raises(SetUpWrong, match="SHOP_RATES_URL is not an address"):
        rate_source({"SHOP_RATES_FROM": "ecb", "SHOP_RATES_URL": "ecb"})
    with pytest.raises(SetUpWrong, match="SHOP_RATES_URL has to begin with https"):
        rate_source({"SHOP_RATES_FROM": "open-exchange-rates", "SHOP_RATES_KEY": KEY, "SHOP_RATES_URL": "http://rates.example"})


def test_every_file_is_told_here() -> None:
    assert set(SOURCES) == set(FILES)


def day(cubes: str, time: str = "2026-11-18") -> bytes:
    space = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref"
    return f'<?xml version="1.0"?><E xmlns="{space}"><Cube><Cube time="{time}">{cubes}</Cube></Cube></E>'.encode()


ONE = "<Cube currency='USD' rate='1.0870'/>"


def test_the_bank_s_file_is_read_to_the_last_digit() -> None:
    assert ecb.read(day(ONE)) == MarketRates("EUR", {"USD": Fraction(1087, 1000)}, datetime(2026, 11, 18, 13, 15, tzinfo=UTC))
    assert ecb.read(day(ONE + "<Cube currency='RUB' rate='N/A'/>")).per_base.keys() == {"USD"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        day(""),
        day(ONE + ONE),
        day(ONE + "<Cube currency='EUR' rate='1'/>"),
        day("<Cube currency='USD' rate='-1'/>"),
        day("<Cube currency='USD' rate='NaN'/>"),
        day(ONE, time="yesterday"),
        day(ONE).replace(b"<Cube><", b"<Cube><Cube time='2026-11-17'/><"),
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
    ],
)
def test_what_is_not_the_bank_s_file_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        ecb.read(body)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"base": "USD", "rates": {}, "timestamp": 1},
        {"base": "USD", "rates": [], "timestamp": 1},
        {"base": "USD", "rates": {"CNY": Decimal("7.2")}, "timestamp": True},
        {"base": "USD", "rates": {"CNY": Decimal("7.2")}, "timestamp": 10**15},
        {"base": "EUR", "rates": {"CNY": Decimal("7.2")}, "timestamp": 1},
        {"base": "USD", "rates": {"CNY": Decimal("7.2"), "USD": 2}, "timestamp": 1},
        {"base": "USD", "rates": {"CNY": "seven", "BTC": False}, "timestamp": 1},
    ],
)
def test_what_is_not_an_answer_of_open_exchange_rates_is_a_value_error(document: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        open_exchange_rates.read(document)


@given(st.decimals(min_value="0.000000000001", max_value=10**9, places=12, allow_nan=False))
def test_a_figure_is_exact_and_positive(value: Decimal) -> None:
    assert figure(f"{value:f}") == Fraction(value)


@pytest.mark.parametrize(
    "value", ["0", "-1", "1e5", "1.", ".5", " 1", "١", "NaN", "Infinity", 1.5, True, None, [], "9" * 40, Decimal("1E+900")]
)
def test_what_only_looks_like_a_figure_is_none(value: object) -> None:
    assert figure(value) is None
