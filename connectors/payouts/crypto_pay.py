"""Payouts by Crypto Pay (@CryptoBot): a transfer in one coin from the app's balance to a Telegram user, at most once for each number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.line import SECONDS, Answer, Line, address
from connectors.settings import SetUpWrong
from core.money import decimal_text, exponent
from core.ports import Declined, NotSure, PaidOut, PayoutAsk, PayoutMethod, PayoutSent

MAINNET = "https://pay.crypt.bot"
COMMENT_CHARACTERS = 1024
PAGE = 100

# What the provider says when it has this number already: then it was sent, and is asked about.
KNOWN = "SPEND_ID_ALREADY_USED"
# Errors after which nothing was sent for sure. Anything else is not believed to be a no.
SURE = frozenset(
    (
        "AMOUNT_TOO_SMALL",
        "AMOUNT_TOO_BIG",
        "NOT_ENOUGH_COINS",
        "USER_NOT_FOUND",
        "USER_ID_INVALID",
        "PARAM_USER_ID_REQUIRED",
        "CANNOT_ATTACH_COMMENT",
        "TRANSFER_DISABLED",
        "METHOD_DISABLED",
        "UNAUTHORIZED",
        "ASSET_INVALID",
        "AMOUNT_INVALID",
    )
)
_TRANSFER = re.compile(r"[A-Za-z0-9_:-]{1,64}", re.ASCII)


class CryptoPayouts:
    """Transfers of one app of @CryptoBot."""

    name = "crypto-pay"

    def __init__(self, token: str, currency: str, *, url: str = MAINNET, seconds: float = SECONDS) -> None:
        self.currency = currency
        self._line = Line("crypto-payout", url, headers={"Crypto-Pay-API-Token": token}, seconds=seconds, most_bytes=4 << 20)

    async def send(self, ask: PayoutAsk) -> PaidOut:
        """A transfer under our number; asked again with the same one, the provider sends nothing more."""
        assert ask.currency == self.currency and ask.amount_minor > 0 and _TRANSFER.fullmatch(ask.number)
        if not (ask.to.isascii() and ask.to.isdigit()):
            raise Declined(f"{self.name}: not a Telegram user's number")
        document = {
            "user_id": int(ask.to),
            "asset": ask.currency,
            "amount": decimal_text(ask.amount_minor, ask.currency),
            "spend_id": ask.number,
            **({"comment": ask.says[:COMMENT_CHARACTERS]} if ask.says else {}),
        }
        answer = await self._line.post("api/transfer", document=document)
        if answer.document.get("ok") is True:
            return self._same(self._transfer(answer.document.get("result"), ask.number), ask)
        why = _error(answer)
        if why == KNOWN:
            known = await self.find(ask.number)
            if known is None:
                raise NotSure(f"{self.name}: it knows this number, and does not show it")
            return self._same(known, ask)
        if why in SURE:
            raise Declined(f"{self.name}: {why}")
        raise NotSure(f"{self.name}: status {answer.status}, {why}")

    async def find(self, number: str) -> PaidOut | None:
        answer = await self._line.get("api/getTransfers", {"spend_id": number, "count": str(PAGE)})
        if answer.document.get("ok") is not True:
            raise NotSure(f"{self.name}: status {answer.status}, {_error(answer)}")
        result = answer.document.get("result")
        items = result.get("items") if isinstance(result, dict) else result
        if not isinstance(items, list):
            raise NotSure(f"{self.name}: a list that is none")
        # A provider that does not know the filter lists everything: only what names our number is ours.
        mine = [self._transfer(item, number) for item in items if isinstance(item, dict) and item.get("spend_id") == number]
        if not mine and items:
            raise NotSure(f"{self.name}: it lists other transfers than asked for")
        return mine[0] if mine else None

    def _same(self, made: PaidOut, ask: PayoutAsk) -> PaidOut:
        if (made.to, made.amount_minor, made.currency) != (ask.to, ask.amount_minor, ask.currency):
            raise NotSure(f"{self.name}: a transfer other than what was asked for")
        return made

    def _transfer(self, item: Any, number: str) -> PaidOut:
        """A transfer that can be relied on. Raises NotSure."""
        if not isinstance(item, dict) or type(item.get("transfer_id")) is not int or item.get("spend_id", number) != number:
            raise NotSure(f"{self.name}: a transfer without its numbers")
        currency = item.get("asset")
        try:
            minor = Decimal(str(item.get("amount"))) * 10 ** exponent(self.currency)
            whole = int(minor)
        except (InvalidOperation, ValueError, OverflowError):
            raise NotSure(f"{self.name}: a transfer without an amount") from None
        if minor != whole or whole <= 0 or not isinstance(currency, str):
            raise NotSure(f"{self.name}: a transfer without an amount")
        if item.get("status") != "completed":
            raise NotSure(f"{self.name}: a transfer that is not complete")
        return PaidOut(str(item["transfer_id"]), number, PayoutSent.DONE, str(item.get("user_id")), whole, currency)

    async def close(self) -> None:
        await self._line.close()


def _error(answer: Answer) -> str:
    """The provider's own name of an error."""
    error = answer.document.get("error")
    name = error.get("name") if isinstance(error, dict) else None
    return "".join(c for c in str(name) if c.isalnum() or c == "_")[:60]


def methods(settings: Mapping[str, str]) -> Sequence[PayoutMethod]:
    """One, when SHOP_CRYPTO_PAY_TOKEN is set and SHOP_CRYPTO_PAY_PAYOUTS names the coin that suppliers are paid in."""
    token, coin = settings.get("SHOP_CRYPTO_PAY_TOKEN", "").strip(), settings.get("SHOP_CRYPTO_PAY_PAYOUTS", "").strip().upper()
    if not token or not coin:
        return []
    if not re.fullmatch(r"[A-Z0-9]{2,8}", coin, re.ASCII):
        raise SetUpWrong("SHOP_CRYPTO_PAY_PAYOUTS names one coin: write it like USDT.")
    return [CryptoPayouts(token, coin, url=address(settings, "SHOP_CRYPTO_PAY_URL", MAINNET))]
