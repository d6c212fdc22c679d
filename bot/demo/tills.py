"""Whom the demo's shop talks to: gateways to be paid by, rates, and a shop that supplies it. Real HTTP servers of the sandbox."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.gateways import Gateway, RateServer, Upstream

HOST = "127.0.0.1"
PID, EPAY_KEY = "1001", "sandbox-epay-key-of-32-characters"
CRYPTO_TOKEN = "1001:AAsandbox-crypto-pay-token-000000"  # noqa: S105 - known to nobody but the sandbox
STRIPE_KEY = "sk_test_sandbox0000000000000000"
STRIPE_SECRET = "whsec_sandbox00000000000000000000"  # noqa: S105 - known to nobody but the sandbox
RATES_KEY = "sandbox-rates-key"
SUPPLY_KEY, SUPPLY_SECRET = "sk_sandbox_0001", "sandbox-supply-secret-0001"
WORDS = "演示银行 · 6222 0000 0000 0000 · 卡铺有限公司\\nDemo Bank · name your order number in the note."


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


class Tills:
    """Three gateways, a source of rates and an upstream. What the shop has to know of them is in the `.env` of the demo's folder."""

    def __init__(self, callback_port: int) -> None:
        self._callbacks = f"http://{HOST}:{callback_port}"
        self._open: list[Gateway[Any] | RateServer | Upstream] = []
        self.behind = ""  # where the shop is that supplies ours

    async def open(self, folder: Path) -> None:
        """Start them, and write down where they are."""
        from sandbox.gateways import CryptoPayGateway, EpayGateway, OwnShopUpstream, RateServer, StripeGateway

        epay = EpayGateway(PID, EPAY_KEY, shop="卡铺 Card Shop")
        crypto = CryptoPayGateway(CRYPTO_TOKEN, webhook_url=f"{self._callbacks}/pay/crypto-pay", shop="卡铺 Card Shop")
        stripe = StripeGateway(STRIPE_KEY, STRIPE_SECRET, webhook_url=f"{self._callbacks}/pay/stripe", shop="卡铺 Card Shop")
        for gateway in (epay, crypto, stripe):
            await gateway.start()
            self._open.append(gateway)
        rates = RateServer(RATES_KEY)
        await rates.start()
        self._open.append(rates)
        # Its memory ends with the demo; what it made before must not be made again.
        upstream = OwnShopUpstream(SUPPLY_KEY, SUPPLY_SECRET, title="East Depot", balance="20000.00", first=int(time.time()) % 10**8)
        upstream.sells("roblox-2000", "Roblox 2,000 Robux", "158.00", stock=40)
        upstream.sells("psn-us-100", "PlayStation Store US $100", "702.00", stock=25)
        upstream.sells("itunes-us-50", "Apple US $50", "352.00", stock=60)
        await upstream.start()
        self._open.append(upstream)
        self.behind = upstream.url
        settings = {
            "SHOP_CALLBACK_URL": self._callbacks,
            "SHOP_EPAY_URL": epay.url,
            "SHOP_EPAY_PID": PID,
            "SHOP_EPAY_KEY": EPAY_KEY,
            "SHOP_EPAY_MODE": "api",
            "SHOP_CRYPTO_PAY_URL": crypto.url,
            "SHOP_CRYPTO_PAY_TOKEN": CRYPTO_TOKEN,
            # Card and crypto are asked in dollars, at the rate of the source below.
            "SHOP_CRYPTO_PAY_CURRENCY": "USD",
            "SHOP_STRIPE_URL": stripe.url,
            "SHOP_STRIPE_CURRENCY": "USD",
            "SHOP_STRIPE_KEY": STRIPE_KEY,
            "SHOP_STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
            "SHOP_STRIPE_FEE_PERCENT": "3",
            "SHOP_STRIPE_FEE_PASSED_ON": "yes",
            "SHOP_TRANSFER_WORDS": WORDS,
            "SHOP_TRANSFER_CURRENCY": "CNY",
            "SHOP_RATES_FROM": "open-exchange-rates",
            "SHOP_RATES_URL": rates.url,
            "SHOP_RATES_KEY": RATES_KEY,
        }
        written = "".join(f"{name}='{value}'\n" for name, value in settings.items())
        (folder / ".env").write_text(f"# Written by the demo at each start.\n{written}", encoding="utf-8")

    async def close(self) -> None:
        """Stop them."""
        for gateway in self._open:
            await gateway.stop()
