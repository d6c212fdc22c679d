"""What all gateways share: a server on this machine, its faults, the payments it knows, and the page where people pay."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from aiohttp import web

from sandbox.gateways import page, panel
from sandbox.gateways.courier import RECORDED, Courier, Notice, Pace, Sent
from sandbox.gateways.faults import Faults

HOST = "127.0.0.1"
BODY_BYTES = 256 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Clock = Callable[[], datetime]


class State(StrEnum):
    """Where a payment stands in the gateway's own books."""

    OPEN = "open"
    PROCESSING = "processing"  # The payer has done their part, the money is still on its way.
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


class NotPayable(Exception):
    """The payment cannot be paid (any more): it is paid, failed or expired."""


@dataclass(kw_only=True)
class Payment:
    """One payment as the gateway knows it. Amounts are in whole units of the currency, never in cents."""

    reference: str  # the shop's number
    number: str  # the gateway's number
    key: str  # what its page is found by
    title: str
    amount: Decimal
    currency: str
    made_at: datetime
    expires_at: datetime | None = None
    state: State = State.OPEN
    paid: Decimal | None = None
    paid_at: datetime | None = None
    refunds: list[Decimal] = field(default_factory=list)
    return_url: str = ""

    @property
    def refunded(self) -> Decimal:
        """The sum that was given back."""
        return sum(self.refunds, Decimal(0))

    @property
    def sum(self) -> Decimal:
        """What was paid, or what is to be paid."""
        return self.amount if self.paid is None else self.paid


P = TypeVar("P", bound=Payment)


def exact(amount: Decimal | str) -> Decimal:
    """An amount in whole units; raises TypeError for a float, which is never exact, and for an int, which might mean cents."""
    if not isinstance(amount, (Decimal, str)):
        raise TypeError("an amount is a Decimal or a text such as '12.50'")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise ValueError("not an amount") from None
    if not value.is_finite() or value <= 0:
        raise ValueError("an amount is more than nothing")
    return value


def another_amount(amount: Decimal) -> Decimal:
    """The amount that a gateway with that fault states: the smallest there is."""
    return Decimal("0.02") if amount == Decimal("0.01") else Decimal("0.01")


def another_currency(currency: str) -> str:
    """The currency that a gateway with that fault states; in the case of the letters of the right one."""
    other = "EUR" if currency.upper() == "USD" else "USD"
    return other.lower() if currency.islower() else other


class Gateway(ABC, Generic[P]):
    """A payment gateway on 127.0.0.1. Start it, give its `url` to the shop, pay as the payer would, stop it."""

    brand: ClassVar[str]  # how its own pages look
    # Faults that the protocol has no room for: they change nothing.
    without_faults: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *, shop: str = "Card Shop", pace: Pace | None = None, clock: Clock | None = None) -> None:
        self.faults = Faults()
        self.shop = shop
        self.calls: deque[str] = deque(maxlen=RECORDED)  # "GET /api.php", newest last
        self._clock = clock or (lambda: datetime.now(UTC))
        self._all: list[P] = []
        self._courier = Courier(lambda: self.faults, pace or Pace())
        self._runner: web.AppRunner | None = None
        self._port = 0

    # The outside: what a test and the demo use.

    @property
    def url(self) -> str:
        """The address of the gateway, without a slash at the end."""
        assert self._port, "the gateway is not started"
        return f"http://{HOST}:{self._port}"

    @property
    def payments(self) -> Mapping[str, P]:
        """What it knows, by the shop's reference; of several with the same reference, the newest."""
        return {payment.reference: payment for payment in self._all}

    @property
    def history(self) -> list[P]:
        """Every payment ever created, oldest first: two of one reference are seen here."""
        return list(self._all)

    @property
    def sent(self) -> list[Sent]:
        """Every notification that was sent, each repetition by itself, oldest first."""
        return list(self._courier.sent)

    async def start(self, port: int = 0) -> None:
        """Listens on the port (0 takes any free one); raises OSError when it is taken."""
        await self._courier.start()
        app = web.Application(client_max_size=BODY_BYTES)
        app.add_routes(self._routes())
        app.add_routes(
            [
                web.get("/", self._overview),
                web.get("/page/{file}", page.asset),
                web.get("/faults", self._panel),
                web.post("/faults", self._switch),
                web.get("/pay/{key}", self._show),
                web.post("/pay/{key}", self._press),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops listening and gives up notifications; what it knows stays, so that it can be started again."""
        await self._courier.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None
        self._port = 0

    async def pay(self, reference: str, amount: Decimal | str | None = None) -> None:
        """Pays as the payer would, by default the amount that is due; the notification then goes out by itself.

        The amount is in whole units. Raises LookupError for an unknown reference, NotPayable when it is not open.
        """
        payment = self._found(reference)
        self._settle(payment, exact(amount) if amount is not None else None)

    async def fail(self, reference: str) -> None:
        """Does not pay, as a payer would who presses that button. Raises as `pay` does."""
        self._refuse(self._found(reference))

    async def resend(self, reference: str) -> None:
        """Sends the last notification of a payment once more, as the gateways' own consoles can. Raises LookupError when there is none."""
        notice = self._last_notice(self._found(reference))
        if notice is None:
            raise LookupError(f"nothing was ever to be said of {reference}")
        self._courier.post(notice)

    async def settled(self) -> None:
        """Waits until no notification is under way: each was heard, or given up after its last repetition."""
        await self._courier.settled()

    # What each gateway fills in.

    @abstractmethod
    def _routes(self) -> Iterable[web.RouteDef]:
        """The doors of its API."""

    @abstractmethod
    def _settle(self, payment: P, amount: Decimal | None) -> None:
        """The payer has paid. Raises NotPayable."""

    @abstractmethod
    def _refuse(self, payment: P) -> None:
        """The payer does not pay. Raises NotPayable when they have."""

    @abstractmethod
    def _last_notice(self, payment: P) -> Notice | None:
        """What was last to be said of a payment."""

    @abstractmethod
    def _brand(self, payment: P) -> page.Brand:
        """How its page looks."""

    @abstractmethod
    def _broken(self) -> web.StreamResponse:
        """How it says that it is out of order; the status is 500."""

    def _desk(self, payment: P) -> Sequence[tuple[str, str]]:
        """What can be done with a payment in the provider's own console, or by the payer's bank: wishes, and the words of their buttons."""
        return ()

    def _at_the_desk(self, payment: P, wish: str) -> None:
        """Do one of these."""

    def _onward(self, payment: P) -> str:
        """Where the payer is led after paying; empty: nowhere."""
        return payment.return_url

    def _look_at_the_clock(self) -> None:
        """Lets expire what has expired; called before anybody looks."""
        now = self._clock()
        for payment in self._all:
            if payment.state is State.OPEN and payment.expires_at is not None and payment.expires_at <= now:
                payment.state = State.EXPIRED
                self._expired(payment)

    def _expired(self, payment: P) -> None:
        """A payment has just expired."""

    # The inside.

    def _api(self, handler: Handler) -> Handler:
        """A door of the API, with its faults. The work is done before the stalling, whether the caller waits or not."""

        async def answered(request: web.Request) -> web.StreamResponse:
            self.calls.append(f"{request.method} {request.path}")
            if self.faults.take_error():
                return self._broken()
            self._look_at_the_clock()
            response = await handler(request)
            await asyncio.sleep(self.faults.take("stall_after_work_seconds"))
            return response

        return answered

    def _found(self, reference: str) -> P:
        self._look_at_the_clock()
        for payment in reversed(self._all):
            if reference in (payment.reference, payment.number):
                return payment
        raise LookupError(f"no payment has the reference {reference}")

    def _at(self, request: web.Request) -> P:
        self._look_at_the_clock()
        for payment in self._all:
            if payment.key == request.match_info["key"]:
                return payment
        raise web.HTTPNotFound(text="There is no such payment.")

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        self._look_at_the_clock()
        return page.overview(request, page.BRANDS[self.brand], self.shop, self._all[::-1], self.faults)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        payment = self._at(request)
        return page.show(
            request, payment, self._brand(payment), self._shop_of(payment), self._onward(payment), self.faults, self._desk(payment)
        )

    async def _panel(self, request: web.Request) -> web.StreamResponse:
        return panel.show(request, page.BRANDS[self.brand], self.faults, self.without_faults)

    async def _switch(self, request: web.Request) -> web.StreamResponse:
        sent = await request.post()
        if sent.get("wish") == "clear":
            self.faults.clear()
            raise web.HTTPSeeOther("/faults")
        wished = [str(name) for name in sent.getall("fault", [])]
        if sent.get("wish") != "switch" or sent.get("when") not in panel.WHEN or not set(wished) <= set(panel.offered(self.without_faults)):
            raise web.HTTPBadRequest(text="Choose among the faults that are on the page.")
        self.faults.choose(wished, next_call_only=sent.get("when") == panel.NEXT)
        raise web.HTTPSeeOther("/faults")

    def _shop_of(self, payment: P) -> str:
        return self.shop

    async def _press(self, request: web.Request) -> web.StreamResponse:
        payment = self._at(request)
        form = await request.post()
        wish = form.get("wish")
        if wish in dict(self._desk(payment)):
            self._at_the_desk(payment, str(wish))
            raise web.HTTPSeeOther(f"/pay/{payment.key}")
        if wish not in ("pay", "refuse"):
            raise web.HTTPBadRequest(text="Pay, or do not pay.")
        try:
            if wish == "pay":
                self._settle(payment, None)
            else:
                self._refuse(payment)
        except NotPayable:
            raise web.HTTPSeeOther(f"/pay/{payment.key}") from None
        onward = self._onward(payment) if wish == "pay" else ""
        # Telegram cannot be opened from a machine without the network: there the page itself says that one can go back.
        if onward and not page.is_telegram(onward):
            raise web.HTTPSeeOther(onward)
        raise web.HTTPSeeOther(f"/pay/{payment.key}")
