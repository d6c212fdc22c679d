"""What all shops that supply share: a server on this machine with goods, a balance, orders, and faults to be switched on."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from typing import ClassVar, Final

from aiohttp import web

from sandbox.gateways import page, panel
from sandbox.gateways.base import BODY_BYTES, HOST, Handler
from sandbox.gateways.courier import RECORDED, Courier, Letter, Notice, Pace, Sent
from sandbox.gateways.faults import Faults
from sandbox.gateways.panel import Texts

WORKING, DONE, PARTLY, FAILED, REVERSED = "working", "done", "partly", "failed", "reversed"

# Each in English and in Chinese: what the upstream does, and what the shop should then do.
FAULTS: Final[Texts] = {
    "stall_after_work_seconds": (
        (
            "It does the work, and answers 30 seconds later",
            "The outcome is unknown, so it is asked for under its number: bought once.",
        ),
        ("已处理，但 30 秒后才应答", "结果存疑，用同一编号查询，绝不重复购买。"),
    ),
    "slow_seconds": (
        ("It thinks for 3 seconds before each answer", "Other upstreams and other orders are not held up."),
        ("每次应答前停 3 秒", "不影响其他货源和订单。"),
    ),
    "errors_500": (
        ("It answers 500 and does nothing", "Unknown is not failed: it is asked again; after several it rests, and its offers are hidden."),
        ("接口返回 500，什么也不做", "“存疑”不等于“失败”：继续查询；多次失败后熔断并隐藏其商品。"),
    ),
    "nonsense": (
        ("It does the work, and answers nonsense", "The outcome is unknown, and is asked for."),
        ("已处理，但应答是乱码", "结果存疑，转为查询。"),
    ),
    "says_repeated": (
        ("It does the work, and says that it had this number before", "The order is asked for, and its codes are taken once."),
        ("已处理，但应答“订单号重复”", "转为查询，卡密只入库一次。"),
    ),
    "partial": (
        ("It delivers one fewer than ordered", "What came is delivered; the rest is bought elsewhere, or paid back."),
        ("少发一张", "已到的先发货，其余改从别处购买或退款。"),
    ),
    "charges_more": (
        ("It charges one whole unit more than listed", "The goods are delivered, and the staff are told."),
        ("实际扣款高于标价", "照常发货，并通知管理员。"),
    ),
    "forgets": (
        ("It says that it does not know the order", "That is believed only when ten minutes have passed."),
        ("查询时说订单不存在", "满 10 分钟后才认定为失败。"),
    ),
    "no_callback": panel.FAULTS["no_callback"],
    "callback_twice": panel.FAULTS["callback_twice"],
    "out_of_order": panel.FAULTS["out_of_order"],
    "wrong_sign": panel.FAULTS["wrong_sign"],
}
DESK: Final = {
    "finish": ("Deliver it", "发货"),
    "fail": ("It failed", "失败"),
    "reverse": ("Take it back", "事后撤回"),
    "reverse-one": ("Take one back", "撤回一件"),
}
_AFTERWARDS: Final = ("reverse-one", "reverse")


@dataclass
class UpstreamFaults(Faults):
    """Switches as those of the payment gateways, and what only a supplier can do wrong."""

    slow_seconds: float = 0.0  # Each answer waits so long, before anything is done.
    nonsense: bool = False  # The work is done, and a page of somebody's Wi-Fi is the answer.
    says_repeated: bool = False  # An order is made, and the answer is that of one that was there before.
    partial: bool = False  # One fewer is delivered than was ordered.
    charges_more: bool = False  # An order costs one whole unit of money more than what is listed.
    forgets: bool = False  # Questions about orders are answered "no such order".

    def choose(self, names: Iterable[str], *, next_call_only: bool) -> None:
        super().choose(list(names), next_call_only=next_call_only)
        if self.slow_seconds:
            self.slow_seconds = 3.0


class No(Exception):
    """The upstream says no, in its own words; nothing was done."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Ware:
    """One thing it sells. The price is in whole units of its currency."""

    key: str
    title: str
    category: str
    price: Decimal
    codes: deque[str] = field(default_factory=deque)
    kind: str = "code"  # or topup, or manual
    fields: Sequence[Mapping[str, object]] = ()
    active: bool = True
    version: int = 1

    @property
    def stock(self) -> int | None:
        """How many there are; None for what never ends."""
        return len(self.codes) if self.kind == "code" else None


@dataclass
class Bought:
    """One order as the upstream knows it."""

    number: str  # of who ordered
    ref: str
    ware: Ware
    quantity: int
    amount: Decimal
    fields: Mapping[str, object]
    callback_url: str
    state: str = WORKING
    codes: list[str] = field(default_factory=list)
    got: int = 0
    note: str = ""


class Upstream(ABC):
    """A shop that supplies, on 127.0.0.1. Start it, give its `url` to the shop, stop it."""

    brand: ClassVar[str]
    without_faults: ClassVar[frozenset[str]] = frozenset()
    finds: ClassVar[bool] = True
    shows_what_it_took_back: ClassVar[bool] = False  # Of an order that was paid back in part, it still shows all codes.

    def __init__(
        self,
        *,
        title: str = "Upstream",
        currency: str = "CNY",
        balance: str = "10000.00",
        pace: Pace | None = None,
        first: int = 100_001,  # Its numbers begin here: one that begins anew must not hand out again what it handed out before.
    ) -> None:
        self.faults = UpstreamFaults()
        self.title, self.currency, self.balance = title, currency, Decimal(balance)
        self.by_hand = False  # Orders wait until somebody finishes them.
        self.wares: dict[str, Ware] = {}
        self.orders: list[Bought] = []
        self.handed_out: Counter[str] = Counter()  # how often goods were given for a number: more than once is a theft
        self.calls: deque[str] = deque(maxlen=RECORDED)
        self.working = asyncio.Event()  # Set whenever an order has been made, so that a test can wait for it.
        self._numbers = itertools.count(first)
        self._courier = Courier(lambda: self.faults, pace or Pace())
        self._runner: web.AppRunner | None = None
        self._port = 0

    # The outside: what a test and the demo use.

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        assert self._port, "the upstream is not started"
        return f"http://{HOST}:{self._port}"

    @property
    def sent(self) -> list[Sent]:
        """Every callback that was sent, each repetition by itself, oldest first."""
        return list(self._courier.sent)

    def sells(
        self,
        key: str,
        title: str,
        price: str,
        *,
        stock: int = 0,
        category: str = "Game cards",
        kind: str = "code",
        fields: Sequence[Mapping[str, object]] = (),
    ) -> Ware:
        """It sells this too, with so many codes of its own making."""
        ware = Ware(key, title, category, Decimal(price), kind=kind, fields=fields)
        self.wares[key] = ware
        self._fill(ware, stock)
        return ware

    def restock(self, key: str, more: int) -> None:
        """So many more codes come in."""
        self._fill(self.wares[key], more)
        self._changed(self.wares[key])

    def reprice(self, key: str, price: str) -> None:
        """It costs this from now on."""
        self.wares[key].price = Decimal(price)
        self._changed(self.wares[key])

    def drop(self, key: str) -> None:
        """It is sold no more."""
        ware = self.wares.pop(key)
        ware.active = False
        self._changed(ware)

    def order(self, number: str) -> Bought:
        """An order by either number; of several with one number, the first. Raises LookupError."""
        for bought in self.orders:
            if number in (bought.number, bought.ref):
                return bought
        raise LookupError(f"no order has the number {number}")

    def finish(self, number: str) -> None:
        """An order that waited is delivered."""
        self._hand_out(self.order(number))

    def fail(self, number: str) -> None:
        """An order that waited comes to nothing, and is paid back."""
        bought = self.order(number)
        bought.state, self.balance = FAILED, self.balance + bought.amount
        self._tell(bought)

    def reverse(self, number: str, units: int | None = None) -> None:
        """What was delivered is taken back, and paid back; with `units` so many of it, the last ones."""
        bought = self.order(number)
        if units is None or units >= bought.got:
            bought.state, back = REVERSED, bought.amount
        else:
            bought.state, back = PARTLY, bought.amount * units / bought.got
            bought.amount, bought.got = bought.amount - back, bought.got - units
            if not self.shows_what_it_took_back:
                bought.codes = bought.codes[:-units]
        self.balance += back
        self._tell(bought)

    async def settled(self) -> None:
        """Waits until no callback is under way."""
        await self._courier.settled()

    async def start(self, port: int = 0) -> None:
        """Listens on the port (0 takes any free one); raises OSError when it is taken."""
        await self._courier.start()
        app = web.Application(client_max_size=BODY_BYTES)
        app.add_routes(self._routes())
        app.add_routes(
            [
                web.get("/", self._overview),
                web.post("/desk/{number}", self._desk),
                web.get("/page/{file}", page.asset),
                web.get("/faults", self._panel),
                web.post("/faults", self._switch),
            ]
        )
        # A caller who hangs up stops no work: that is what makes an outcome unknown.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError:
            await self.stop()
            raise
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops listening and gives up callbacks; what it knows stays."""
        await self._courier.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner, self._port = None, 0

    # What each upstream fills in.

    @abstractmethod
    def _routes(self) -> Iterable[web.RouteDef]:
        """The doors of its API."""

    @abstractmethod
    def _callback(self, bought: Bought) -> Letter | None:
        """What is said of an order; None when this protocol says nothing."""

    def _changed(self, ware: Ware) -> None:
        """Price or stock are others now."""
        ware.version += 1

    # The inside.

    def _buy(
        self,
        number: str,
        key: str,
        quantity: int,
        *,
        most: Decimal | None = None,
        fields: Mapping[str, object] | None = None,
        callback_url: str = "",
        partial: bool = False,
    ) -> Bought:
        """An order, paid from the balance. Raises No."""
        ware = self.wares.get(key)
        if ware is None or not ware.active:
            raise No("unknown_item")
        if quantity < 1:
            raise No("bad_request")
        amount = ware.price * quantity
        if most is not None and amount > most:
            raise No("price_too_high")
        if ware.stock is not None and (ware.stock == 0 if partial else ware.stock < quantity):
            raise No("out_of_stock")
        if amount > self.balance:
            raise No("insufficient_balance")
        if self.faults.take("charges_more"):
            amount += 1
        bought = Bought(number, f"U{next(self._numbers)}", ware, quantity, amount, fields or {}, callback_url)
        self.orders.append(bought)
        self.balance -= amount
        if not self.by_hand and ware.kind != "topup":
            self._hand_out(bought)
        self.working.set()
        return bought

    def _hand_out(self, bought: Bought) -> None:
        self.handed_out[bought.number] += 1
        ware, count = bought.ware, bought.quantity
        if self.faults.take("partial"):
            count -= 1
        if ware.stock is not None:
            count = min(count, ware.stock)
        if ware.kind == "code":
            bought.codes = [ware.codes.popleft() for _ in range(count)]
            self._changed(ware)
        elif ware.kind == "manual":
            bought.codes = [f"{bought.ref} {n}" for n in range(1, count + 1)]
        bought.got = count
        if count < bought.quantity:
            back = bought.amount * (bought.quantity - count) / bought.quantity
            bought.amount, self.balance = bought.amount - back, self.balance + back
        bought.state = DONE if count == bought.quantity else PARTLY if count else FAILED
        bought.note = f"operator receipt {bought.ref}" if ware.kind == "topup" else ""
        self._tell(bought)

    def _tell(self, bought: Bought) -> None:
        if bought.callback_url and self._callback(bought) is not None:

            def write() -> Letter:
                letter = self._callback(bought)
                assert letter is not None, "this protocol has callbacks"
                return letter

            self._courier.post(Notice(bought.number, bought.state, write, lambda status, _: status == web.HTTPOk.status_code))

    def _fill(self, ware: Ware, count: int) -> None:
        ware.codes.extend(f"{ware.key.replace(':', '-').upper()}-{next(self._numbers):08d}" for _ in range(count))

    def _api(self, handler: Handler, *, refused: Callable[[web.Request, bytes], web.StreamResponse | None] = lambda *_: None) -> Handler:
        """A door of the API with its faults; who is not known by their signature is refused before anything is done."""

        async def answered(request: web.Request) -> web.StreamResponse:
            self.calls.append(f"{request.method} {request.path}")
            await asyncio.sleep(self.faults.take("slow_seconds"))
            if self.faults.take_error():
                return web.Response(status=500, text="<h1>500 Internal Server Error</h1>", content_type="text/html")
            refusal = refused(request, await request.read())
            if refusal is not None:
                return refusal
            response = await handler(request)
            if self.faults.take("nonsense"):
                return web.Response(text="<html><body>Please sign in to the Wi-Fi<br></body>", content_type="text/html")
            await asyncio.sleep(self.faults.take("stall_after_work_seconds"))
            return response

        return answered

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        tongue = page.language(request)
        items = "".join(
            f'<li><span class="what">{escape(bought.ware.title)} × {bought.quantity}'
            f"<small>{escape(bought.number)} · {bought.state}</small></span>"
            f'<span class="sum">{escape(page.readable(bought.amount, self.currency))}</span>{_buttons(bought, tongue)}</li>'
            for bought in self.orders[: -page.SHOWN - 1 : -1]
        )
        balance = f'<p class="state">{escape(page.readable(self.balance, self.currency))}</p>' if self.balance else ""
        return page.whole(tongue, page.BRANDS[self.brand], self.title, f"{balance}<ul>{items}</ul>", "list", "", self.faults)

    async def _desk(self, request: web.Request) -> web.StreamResponse:
        wish, number = (await request.post()).get("wish"), request.match_info["number"]
        acts: dict[object, Callable[[str], None]] = {
            "finish": self.finish,
            "fail": self.fail,
            "reverse": self.reverse,
            "reverse-one": lambda which: self.reverse(which, 1),
        }
        try:
            state = self.order(number).state
        except LookupError:
            raise web.HTTPNotFound(text="There is no such order.") from None
        if wish in acts and (state == WORKING) == (wish not in ("reverse", "reverse-one")):
            acts[wish](number)
        raise web.HTTPSeeOther("/")

    async def _panel(self, request: web.Request) -> web.StreamResponse:
        return panel.show(request, page.BRANDS[self.brand], self.faults, self.without_faults, FAULTS)

    async def _switch(self, request: web.Request) -> web.StreamResponse:
        sent = await request.post()
        if sent.get("wish") == "clear":
            self.faults.clear()
            raise web.HTTPSeeOther("/faults")
        wished = [str(name) for name in sent.getall("fault", [])]
        known = set(panel.offered(self.without_faults, FAULTS))
        if sent.get("wish") != "switch" or sent.get("when") not in panel.WHEN or not set(wished) <= known:
            raise web.HTTPBadRequest(text="Choose among the faults that are on the page.")
        self.faults.choose(wished, next_call_only=sent.get("when") == panel.NEXT)
        raise web.HTTPSeeOther("/faults")


def _buttons(bought: Bought, tongue: int) -> str:
    wishes = ("finish", "fail") if bought.state == WORKING else _AFTERWARDS if bought.state in (DONE, PARTLY) else ()
    inside = "".join(f'<button name="wish" value="{wish}">{escape(DESK[wish][tongue])}</button>' for wish in wishes)
    return f'<form method="post" action="/desk/{escape(bought.ref)}">{inside}</form>' if inside else ""


Answered = Awaitable[web.StreamResponse]
