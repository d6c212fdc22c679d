"""Where the money is in the stories of mixed payments: gateways as servers that misbehave, a bank, Stars; and what their books say."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp

from core.money import exponent
from sandbox import Sandbox
from sandbox.gateways import CryptoPayGateway, EpayGateway, Gateway, NotPayable, Pace, Payment, StripeGateway
from sandbox.gateways.epay import EpayPayment, signature
from sandbox.gateways.stripe_checkout import Session

PID, EPAY_KEY = "1001", "epay-key-of-the-crash-stories-0001"
CRYPTO_TOKEN = "1001:AAcrash-stories-crypto-token-0000"
STRIPE_KEY, STRIPE_SECRET = "sk_test_crashStoriesOfMixedPayments", "whsec_crashStoriesOfMixedPayments"
SECRETS = (EPAY_KEY, CRYPTO_TOKEN, STRIPE_KEY, STRIPE_SECRET)
PACE = Pace(repeat_after_seconds=(0.1, 0.3, 0.7, 1.5), answer_seconds=2, hold_seconds=1)
# What goes wrong at a gateway, and how hard.
FAULTS: Sequence[tuple[str, Any]] = (
    ("no_callback", True),
    ("callback_twice", True),
    ("out_of_order", True),
    ("late_seconds", 0.6),
    ("wrong_amount", True),
    ("wrong_currency", True),
    ("wrong_sign", True),
    ("errors_500", 1),
    ("errors_500", 3),
    ("stall_after_work_seconds", 0.3),
    ("stall_after_work_seconds", 2.5),
)


@dataclass(frozen=True)
class Came:
    """A payment as it stands in the books of whoever took it: minor units of its currency; `back` is what they have given back."""

    provider: str
    key: str
    reference: str
    asked_minor: int
    amount_minor: int
    currency: str
    back: tuple[int, ...] = ()


@dataclass
class Tills:
    """Three gateways that live on while the shop dies, and the owner's bank account."""

    epay: EpayGateway
    crypto: CryptoPayGateway
    stripe: StripeGateway
    callbacks: str
    chance: random.Random
    bank: dict[int, int] = field(default_factory=dict)  # by our number: what was sent there
    confirmed: set[int] = field(default_factory=set)  # by our number: what the staff have found there
    late: list[tuple[Gateway[Any], str]] = field(default_factory=list)  # payers who pay when it is too late
    forged: list[int] = field(default_factory=list)  # what was answered to forgers
    second_payments: int = 0

    @property
    def gateways(self) -> tuple[Gateway[Any], ...]:
        return self.epay, self.crypto, self.stripe

    def settings(self) -> dict[str, str]:
        """What the shop is told of them. Stripe counts in dollars, so that money goes over the exchange accounts."""
        return {
            "SHOP_CALLBACK_URL": self.callbacks,
            "SHOP_EPAY_URL": self.epay.url,
            "SHOP_EPAY_PID": PID,
            "SHOP_EPAY_KEY": EPAY_KEY,
            "SHOP_EPAY_MODE": "api",
            "SHOP_EPAY_WAYS": "alipay,wxpay",
            "SHOP_CRYPTO_PAY_URL": self.crypto.url,
            "SHOP_CRYPTO_PAY_TOKEN": CRYPTO_TOKEN,
            "SHOP_CRYPTO_PAY_CURRENCY": "CNY",
            "SHOP_STRIPE_URL": self.stripe.url,
            "SHOP_STRIPE_KEY": STRIPE_KEY,
            "SHOP_STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
            "SHOP_STRIPE_CURRENCY": "USD",
            "SHOP_STRIPE_FEE_PERCENT": "3",
            "SHOP_STRIPE_FEE_FIXED": "0.30",
            "SHOP_STRIPE_FEE_PASSED_ON": "yes",
            "SHOP_TRANSFER_WORDS": "Send it to IBAN DE00 1234.",
            "SHOP_TRANSFER_CURRENCY": "CNY",
        }

    def at(self, url: str) -> tuple[Gateway[Any], Payment]:
        """The payment whose page has this address."""
        gateway = next(one for one in self.gateways if url.startswith(one.url))
        key = url.partition("/pay/")[2].partition("?")[0]
        return gateway, next(payment for payment in gateway.history if payment.key == key)

    async def pays(self, gateway: Gateway[Any], payment: Payment, *, share: Decimal = Decimal(1)) -> None:
        """Pay this much of what is asked; one that cannot be paid any more is not."""
        amount = max((payment.amount * share).quantize(Decimal("0.01")), Decimal("0.01"))
        with suppress(NotPayable):
            await gateway.pay(payment.number, amount)

    async def pays_twice(self, payment: Payment) -> None:
        """A second invoice with the same number of ours, as one whose first call seemed lost can leave it; and both are paid."""
        document = {
            "currency_type": "fiat",
            "fiat": payment.currency,
            "amount": f"{payment.amount}",
            "payload": payment.reference,
        }
        key, address = {"Crypto-Pay-API-Token": CRYPTO_TOKEN}, f"{self.crypto.url}/api/createInvoice"
        async with aiohttp.ClientSession(headers=key) as anybody, anybody.post(address, json=document) as answer:
            if answer.status != 200:
                return
            number = str((await answer.json())["result"]["invoice_id"])
        await self.crypto.pay(number)
        self.second_payments += 1

    async def misbehave(self, closing: asyncio.Event) -> None:
        """Now this, now that goes wrong, at each gateway by itself, until the shop is about to close."""
        while not closing.is_set():
            for gateway in self.gateways:
                gateway.faults.clear()
                if self.chance.random() < 0.6:
                    name, value = self.chance.choice(FAULTS)
                    gateway.faults.next_call_only = True
                    setattr(gateway.faults, name, value)
            await asyncio.sleep(self.chance.uniform(0.05, 0.4))
        for gateway in self.gateways:
            gateway.faults.clear()

    async def forge(self, closing: asyncio.Event) -> None:
        """Somebody who knows the protocols, and none of the secrets, says that open payments are paid."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as forger:
            while not closing.is_set():
                await asyncio.sleep(self.chance.uniform(0.05, 0.3))
                gateway = self.chance.choice(self.gateways)
                if not gateway.history:
                    continue
                payment = self.chance.choice(gateway.history[-20:])
                with suppress(aiohttp.ClientError, TimeoutError):  # The shop is dead at times.
                    async with forger.request(**self._forgery(payment)) as answer:
                        self.forged.append(answer.status)

    def _forgery(self, payment: Payment) -> dict[str, Any]:
        if isinstance(payment, EpayPayment):
            fields = {
                "pid": PID,
                "trade_no": payment.number,
                "out_trade_no": payment.reference,
                "type": payment.way,
                "name": payment.title,
                "money": f"{payment.amount:.2f}",
                "trade_status": "TRADE_SUCCESS",
            }
            query = {**fields, "sign": signature(fields, "guessed", "plain"), "sign_type": "MD5"}
            return {"method": "GET", "url": f"{self.callbacks}/pay/epay-{payment.way}", "params": query}
        if isinstance(payment, Session):
            said: dict[str, Any] = {"type": "checkout.session.completed", "data": {"object": {"id": payment.number}}}
            body, now = json.dumps(said), int(time.time())
            mark = hmac.new(b"whsec_guessed", f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
            headers = {"Stripe-Signature": f"t={now},v1={mark}", "Content-Type": "application/json"}
            return {"method": "POST", "url": f"{self.callbacks}/pay/stripe", "data": body, "headers": headers}
        said = {"update_type": "invoice_paid", "request_date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z"}
        body = json.dumps(said | {"payload": {"invoice_id": int(payment.number)}})
        mark = hmac.new(hashlib.sha256(b"guessed").digest(), body.encode(), hashlib.sha256).hexdigest()
        return {
            "method": "POST",
            "url": f"{self.callbacks}/pay/crypto-pay",
            "data": body,
            "headers": {"crypto-pay-api-signature": mark},
        }

    def books(self, telegram: Sandbox) -> list[Came]:
        """All money that came in anywhere, and what went back, as those write it down who have it."""
        came = [
            Came(
                "stars",
                charge.id,
                charge.payload,
                charge.amount,
                charge.amount,
                "XTR",
                (charge.amount,) if charge.refunded_at is not None else (),
            )
            for charge in telegram.world.charges.values()
        ]
        came += [Came("transfer", f"transfer:{number}", f"{number}", amount, amount, "CNY") for number, amount in self.bank.items()]
        for gateway in self.gateways:
            for payment in gateway.history:
                if payment.paid is None:
                    continue
                provider, key = "crypto-pay", payment.number
                if isinstance(payment, EpayPayment):
                    provider = f"epay-{payment.way}"
                elif isinstance(payment, Session):
                    provider, key = "stripe", payment.intent
                currency = payment.currency.upper()
                back = tuple(_minor(amount, currency) for amount in payment.refunds)
                asked, paid = _minor(payment.amount, currency), _minor(payment.paid, currency)
                came.append(Came(provider, key, payment.reference, asked, paid, currency, back))
        return came


def _minor(amount: Decimal, currency: str) -> int:
    scaled = amount.scaleb(exponent(currency))
    assert scaled == scaled.to_integral_value(), "gateways know no fraction of the smallest coin"
    return int(scaled)


@asynccontextmanager
async def tills(port: int, chance: random.Random) -> AsyncIterator[Tills]:
    """The gateways, open; they report to this port."""
    callbacks = f"http://127.0.0.1:{port}"
    made = Tills(
        EpayGateway(PID, EPAY_KEY, status_of_refunded=2, pace=PACE),
        CryptoPayGateway(CRYPTO_TOKEN, webhook_url=f"{callbacks}/pay/crypto-pay", pace=PACE),
        StripeGateway(STRIPE_KEY, STRIPE_SECRET, webhook_url=f"{callbacks}/pay/stripe", pace=PACE),
        callbacks,
        chance,
    )
    for gateway in made.gateways:
        await gateway.start()
    try:
        yield made
    finally:
        for gateway in made.gateways:
            await gateway.stop()
