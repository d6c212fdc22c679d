"""Sources of exchange rates to try the shop with: the European Central Bank's daily file and the answer of Open Exchange Rates."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aiohttp import web

from sandbox.gateways.base import HOST

# What one euro is worth in each; about right, and the same every time.
OF_THE_EURO: Mapping[str, Decimal] = {
    currency: Decimal(rate)
    for currency, rate in {
        "USD": "1.0870",
        "JPY": "162.35",
        "CNY": "7.8264",
        "GBP": "0.8412",
        "HKD": "8.4571",
        "KRW": "1501.72",
        "SGD": "1.4530",
    }.items()
}
# These the central bank does not tell.
ELSEWHERE: Mapping[str, Decimal] = {"KWD": Decimal("0.3336"), "RUB": Decimal("98.4021"), "BTC": Decimal("0.000016230511")}
_ECB = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
	<gesmes:subject>Reference rates</gesmes:subject>
	<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
	<Cube><Cube time='{day}'>
		{cubes}
	</Cube></Cube>
</gesmes:Envelope>"""


@dataclass
class RateFaults:
    """What the server does wrong while a switch is set."""

    errors_500: int = 0  # so many next calls
    stall_seconds: float = 0.0  # the answer comes that late
    nonsense: bool = False  # a page of a provider of Wi-Fi, with status 200
    cut_off: bool = False  # the answer ends in its middle
    days_old: int = 0  # the answer of so many days ago
    times: Decimal = Decimal(1)  # every rate is so many times what it was
    missing: str = ""  # this currency is not in the answer
    wrong_base: bool = False  # the rates are of another currency than they should be
    zero: str = ""  # the rate of this currency is 0
    wrong_key: bool = False  # the key is not taken any more

    def clear(self) -> None:
        """Everything is as it should be again."""
        for each in fields(self):
            setattr(self, each.name, each.default)


class RateServer:
    """Both sources on 127.0.0.1. Start it, give its `url` to the shop, stop it."""

    def __init__(self, key: str = "sandbox-rates-key", clock: Callable[[], datetime] | None = None) -> None:
        self.key, self.faults = key, RateFaults()
        self.calls: deque[str] = deque(maxlen=1000)  # "GET /api/latest.json", newest last
        self.of_the_euro: dict[str, Decimal] = dict(OF_THE_EURO)
        self.elsewhere: dict[str, Decimal] = dict(ELSEWHERE)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        assert self._port, "the server is not started"
        return f"http://{HOST}:{self._port}"

    async def start(self, port: int = 0) -> None:
        """Listens on the port (0 takes any free one); raises OSError when it is taken."""
        app = web.Application()
        app.add_routes([web.get("/stats/eurofxref/eurofxref-daily.xml", self._ecb), web.get("/api/latest.json", self._latest)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner, self._port = None, 0

    async def _ecb(self, request: web.Request) -> web.StreamResponse:
        rates = self._figures(self.of_the_euro)
        if self.faults.wrong_base:
            dollar = rates.pop("USD")
            rates = {currency: (rate / dollar).quantize(Decimal("0.0001")) for currency, rate in {**rates, "EUR": Decimal(1)}.items()}
        # The file of a day comes out in its afternoon; before that, and on a weekend, it is that of the working day before.
        day = self._now() - timedelta(hours=15)
        while day.weekday() > 4:
            day -= timedelta(days=1)
        cubes = "\n\t\t".join(f"<Cube currency='{currency}' rate='{rate}'/>" for currency, rate in rates.items())
        return await self._answered(request, _ECB.format(day=day.date().isoformat(), cubes=cubes), "text/xml")

    async def _latest(self, request: web.Request) -> web.StreamResponse:
        if self.faults.wrong_key or request.query.get("app_id") != self.key:
            self.calls.append(f"GET {request.path}")
            refused = {"error": True, "status": 401, "message": "invalid_app_id", "description": "Invalid App ID provided."}
            return web.json_response(refused, status=401)
        dollar = self.of_the_euro["USD"]
        all_ = {"EUR": Decimal(1), **self.of_the_euro, **self.elsewhere}
        rates = self._figures({currency: (rate / dollar).quantize(Decimal("0.00000001")) for currency, rate in all_.items()})
        rates["USD"] = Decimal(1)
        stamp = int(self._now().replace(minute=0, second=0, microsecond=0).timestamp())
        base = "EUR" if self.faults.wrong_base else "USD"
        listed = ",".join(f'"{currency}":{rate:f}' for currency, rate in sorted(rates.items()))
        words = f'{{"disclaimer":"Of the sandbox","license":"None","timestamp":{stamp},"base":"{base}","rates":{{{listed}}}}}'
        return await self._answered(request, words, "application/json")

    def _now(self) -> datetime:
        return self._clock() - timedelta(days=self.faults.days_old)

    def _figures(self, rates: Mapping[str, Decimal]) -> dict[str, Decimal]:
        told = {currency: rate * self.faults.times for currency, rate in rates.items() if currency != self.faults.missing}
        if self.faults.zero:
            told[self.faults.zero] = Decimal(0)
        return told

    async def _answered(self, request: web.Request, words: str, kind: str) -> web.StreamResponse:
        self.calls.append(f"GET {request.path}")
        if self.faults.errors_500 > 0:
            self.faults.errors_500 -= 1
            return web.Response(status=500, text="out of order")
        await asyncio.sleep(self.faults.stall_seconds)
        if self.faults.nonsense:
            return web.Response(text="<html><body>Please sign in to the Wi-Fi<br></body>", content_type="text/html")
        return web.Response(text=words[: len(words) // 2] if self.faults.cut_off else words, content_type=kind)
