"""The shop's side of each protocol, written for these tests: how it asks, what it hears, and whether that is genuine."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import aiohttp
from aiohttp import web
from stripe import SignatureVerificationError, StripeClient
from stripe.checkout import Session

from sandbox.gateways import CryptoPayGateway, EpayGateway, Gateway, StripeGateway

PID = "1001"
EPAY_KEY = "89unJUB8HZ54Hj7x4nUj56HN4nUzUJ8i"
CRYPTO_TOKEN = "13377:AAtest-of-the-gateway"
STRIPE_KEY = "sk_test_of_the_gateway"
STRIPE_SECRET = "whsec_of_the_gateway"
PRICE = Decimal("12.50")


@dataclass(frozen=True)
class Heard:
    """One notification as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Ear:
    """Hears everything below `url`; answers with the next of `answers`, and with the last again and again."""

    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "success")])
    heard: list[Heard] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._hear)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _hear(self, request: web.Request) -> web.Response:
        self.heard.append(Heard(request.method, request.path, dict(request.query), dict(request.headers), await request.read()))
        status, text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, text=text)


class Till(Protocol):
    """What the tests of all gateways need of a shop."""

    @property
    def gateway(self) -> Gateway[Any]: ...

    async def create(self, reference: str) -> str:
        """Asks for 12.50 and returns the address of the page; raises OSError when the gateway is broken."""

    async def ask(self, reference: str) -> tuple[bool, Decimal, str]:
        """Whether it is paid, and what of; raises OSError when the gateway is broken."""

    def genuine(self, heard: Heard) -> bool: ...

    def stated(self, heard: Heard) -> tuple[Decimal, str]: ...

    def told(self, heard: Heard) -> str:
        """Whose payment a notification is about."""


class EpayTill:
    """A merchant of epay."""

    def __init__(self, gateway: EpayGateway, line: aiohttp.ClientSession, ear: Ear, joint: str = "") -> None:
        self.gateway = gateway
        self.line = line
        self.ear = ear
        self.joint = joint

    def sign(self, fields: Mapping[str, str]) -> str:
        kept = [f"{name}={value}" for name, value in sorted(fields.items()) if value and name not in ("sign", "sign_type")]
        return hashlib.md5(("&".join(kept) + self.joint + EPAY_KEY).encode()).hexdigest()

    def form(self, **changes: str) -> dict[str, str]:
        fields = {
            "pid": PID,
            "type": "alipay",
            "out_trade_no": "A1",
            "notify_url": f"{self.ear.url}/pay/epay-alipay",
            "return_url": f"{self.ear.url}/thanks",
            "name": "Steam 50 点卡",
            "money": "12.50",
            "clientip": "127.0.0.1",
            "device": "",
            **changes,
        }
        return {**fields, "sign": self.sign(fields), "sign_type": "MD5"}

    async def mapi(self, **changes: str) -> dict[str, Any]:
        return await self._json("POST", "/mapi.php", data=self.form(**changes))

    async def api(self, act: str, **fields: str) -> dict[str, Any]:
        return await self._json("GET", "/api.php", params={"act": act, "pid": PID, "key": EPAY_KEY, **fields})

    async def refund(self, **fields: str) -> dict[str, Any]:
        return await self._json("POST", "/api.php?act=refund", data={"pid": PID, "key": EPAY_KEY, **fields})

    async def create(self, reference: str) -> str:
        return str((await self.mapi(out_trade_no=reference))["payurl"])

    async def ask(self, reference: str) -> tuple[bool, Decimal, str]:
        row = await self.api("order", out_trade_no=reference)
        return row["status"] == 1, Decimal(row["money"]), "CNY"

    def genuine(self, heard: Heard) -> bool:
        return heard.query["sign"] == self.sign(heard.query)

    def stated(self, heard: Heard) -> tuple[Decimal, str]:
        return Decimal(heard.query["money"]), "CNY"

    def told(self, heard: Heard) -> str:
        return heard.query["out_trade_no"]

    async def _json(self, verb: str, path: str, **sent: Any) -> dict[str, Any]:
        async with self.line.request(verb, f"{self.gateway.url}{path}", **sent) as response:
            if response.status != 200:
                raise OSError(response.status)
            found: dict[str, Any] = await response.json()
            return found


class CryptoTill:
    """An app of Crypto Pay."""

    def __init__(self, gateway: CryptoPayGateway, line: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.line = line

    async def call(self, method: str, token: str = CRYPTO_TOKEN, **fields: Any) -> dict[str, Any]:
        """The whole answer, also when it is an error."""
        address = f"{self.gateway.url}/api/{method}"
        async with self.line.post(address, json=fields, headers={"Crypto-Pay-API-Token": token}) as response:
            if response.status == 500:
                raise OSError(response.status)
            found: dict[str, Any] = await response.json()
            assert found["ok"] is (response.status == 200)
            return found

    async def invoice(self, **changes: Any) -> dict[str, Any]:
        asked = {"currency_type": "fiat", "fiat": "CNY", "amount": "12.50", "payload": "A1", "description": "Steam 50", **changes}
        found: dict[str, Any] = (await self.call("createInvoice", **asked))["result"]
        return found

    async def invoices(self, **fields: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("getInvoices", **fields))["result"]["items"]
        return found

    async def create(self, reference: str) -> str:
        return str((await self.invoice(payload=reference))["bot_invoice_url"])

    async def ask(self, reference: str) -> tuple[bool, Decimal, str]:
        (row,) = [row for row in await self.invoices() if row["payload"] == reference]
        return row["status"] == "paid", Decimal(row["amount"]), row["fiat"]

    def genuine(self, heard: Heard) -> bool:
        secret = hashlib.sha256(CRYPTO_TOKEN.encode()).digest()
        return heard.headers["crypto-pay-api-signature"] == hmac.new(secret, heard.body, "sha256").hexdigest()

    def stated(self, heard: Heard) -> tuple[Decimal, str]:
        invoice = heard.json()["payload"]
        return Decimal(invoice["amount"]), invoice["fiat"]

    def told(self, heard: Heard) -> str:
        return str(heard.json()["payload"]["payload"])


class StripeTill:
    """An account of Stripe, seen through the official library."""

    def __init__(self, gateway: StripeGateway, library: StripeClient) -> None:
        self.gateway = gateway
        self.library = library

    async def session(self, reference: str = "A1", key: str | None = None, **changes: Any) -> Session:
        price: Any = {"currency": "cny", "unit_amount": 1250, "product_data": {"name": "Steam 50"}}
        price |= {name: changes.pop(name) for name in ("currency", "unit_amount") if name in changes}
        asked: Any = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "https://t.me/card_shop_bot?start={CHECKOUT_SESSION_ID}",
            "client_reference_id": reference,
            "metadata": {"reference": reference},
            "payment_intent_data": {"metadata": {"reference": reference}},
            **changes,
        }
        return await self.library.v1.checkout.sessions.create_async(asked, {"idempotency_key": key} if key else {})

    async def create(self, reference: str) -> str:
        try:
            return str((await self.session(reference)).url)
        except Exception as error:
            raise OSError(str(error)) from error

    async def ask(self, reference: str) -> tuple[bool, Decimal, str]:
        try:
            rows = await self.library.v1.checkout.sessions.list_async()
        except Exception as error:
            raise OSError(str(error)) from error
        (row,) = [row for row in rows.data if row.client_reference_id == reference]
        return row.payment_status == "paid", Decimal(row.amount_total or 0).scaleb(-2), (row.currency or "").upper()

    def event(self, heard: Heard) -> Any:
        """The event as the library reads it; raises SignatureVerificationError."""
        return self.library.construct_event(heard.body, heard.headers["Stripe-Signature"], STRIPE_SECRET)

    def genuine(self, heard: Heard) -> bool:
        try:
            self.event(heard)
        except SignatureVerificationError:
            return False
        return True

    def stated(self, heard: Heard) -> tuple[Decimal, str]:
        about = heard.json()["data"]["object"]
        return Decimal(about["amount_total"]).scaleb(-2), about["currency"].upper()

    def told(self, heard: Heard) -> str:
        return str(heard.json()["data"]["object"]["client_reference_id"])
