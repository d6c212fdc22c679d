"""Crypto Pay (@CryptoBot): invoices priced in ordinary money and paid in crypto, inside Telegram."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.line import SECONDS, Answer, Line, address, minor_of, read_json
from connectors.settings import SetUpWrong, amount, fee, needed
from core.money import decimal_text, exponent
from core.ports import (
    Ask,
    Callback,
    Capabilities,
    Created,
    Declined,
    Event,
    Fee,
    Heard,
    NotGenuine,
    NotSure,
    PaymentMethod,
    PaymentState,
    Refund,
    TelegramCalls,
)

MAINNET = "https://pay.crypt.bot"
# The currencies an invoice can be priced in.
CURRENCIES = frozenset(
    (
        "USD",
        "EUR",
        "RUB",
        "BYN",
        "UAH",
        "GBP",
        "CNY",
        "KZT",
        "UZS",
        "GEL",
        "TRY",
        "AMD",
        "THB",
        "INR",
        "BRL",
        "IDR",
        "AZN",
        "AED",
        "PLN",
        "ILS",
    )
)
SIGNATURE_HEADER = "crypto-pay-api-signature"

SECONDS_TO_PAY = 1800
LEAST_SECONDS, MOST_SECONDS = 1, 2_678_400
LEAST_WHOLE, MOST_WHOLE = 1, 10_000
DESCRIPTION_CHARACTERS = 1024
STALE = timedelta(days=1)
CALLBACK_BYTES = 64 << 10

PAGE = 200
MOST_PAGES = 50
# Clocks differ, and an invoice is made after it was decided to ask for it.
CLOCK_SLACK = timedelta(minutes=10)
# A payment is made after its invoice: the list is read this much further back than what is asked for.
LONGEST_OPEN = timedelta(days=1)

_STATES = {"active": PaymentState.PENDING, "paid": PaymentState.PAID, "expired": PaymentState.EXPIRED}
# Of several invoices with one reference the one that was paid counts, then the one that still can be.
_RANK = {PaymentState.PAID: 0, PaymentState.PENDING: 1, PaymentState.EXPIRED: 2}

Invoice = Mapping[str, Any]


class _Refused(NotSure):
    """The provider answers a question with a no, such as for a wrong token: it says nothing about an invoice."""


class CryptoPay:
    """Invoices of one app of @CryptoBot. A report is checked, and then only the invoice as the provider shows it is believed."""

    name = "crypto-pay"

    def __init__(
        self,
        token: str,
        currency: str,
        *,
        url: str = MAINNET,
        assets: Sequence[str] = (),
        callback: bool = False,
        minimum_minor: int = 1,
        maximum_minor: int = MOST_WHOLE * 100,
        charge: Fee = Fee(),
        seconds: float = SECONDS,
    ) -> None:
        self._currency = currency
        self._assets = ",".join(assets)
        self._capabilities = Capabilities(
            currency=currency,
            callback=callback,
            poll=True,
            refund_full=False,
            refund_partial=False,
            reversible=False,
            minimum_minor=minimum_minor,
            maximum_minor=maximum_minor,
            seconds_to_pay=SECONDS_TO_PAY,
            fee=charge,
        )
        self._secret = hashlib.sha256(token.encode()).digest()
        self._line = Line(self.name, url, headers={"Crypto-Pay-API-Token": token}, seconds=seconds, most_bytes=4 << 20)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def create(self, ask: Ask) -> Created:
        """An invoice; the same one again when this reference has one. Raises Declined."""
        assert ask.currency == self._currency and ask.amount_minor > 0, "the screens obey the capabilities"
        left = int((ask.expires_at - datetime.now(UTC)).total_seconds())
        if left < LEAST_SECONDS:
            raise Declined(f"{self.name}: the time to pay is over")
        # The provider makes a second invoice when it is asked twice, so it is looked for first: a call that timed out may have made it.
        made_at = ask.made_at or ask.expires_at - timedelta(seconds=SECONDS_TO_PAY)
        try:
            known = await self._invoice_of(ask.reference, made_at)
        except _Refused as refused:
            raise Declined(str(refused)) from None  # Were there an invoice from an earlier call, nobody was given its address.
        if known is not None and _STATES[known["status"]] is not PaymentState.EXPIRED:
            return self._created(known, ask)
        document = {
            "currency_type": "fiat",
            "fiat": ask.currency,
            "amount": decimal_text(ask.amount_minor, ask.currency),
            "description": (ask.title or ask.description)[:DESCRIPTION_CHARACTERS],
            "payload": ask.reference,
            "expires_in": min(left, MOST_SECONDS),
            "allow_comments": False,
            **({"accepted_assets": self._assets} if self._assets else {}),
        }
        answer = await self._line.post("api/createInvoice", document=document)
        if answer.document.get("ok") is not True:
            raise Declined(f"{self.name}: {_error(answer)}")
        return self._created(self._invoice(answer.document.get("result")), ask)

    async def callback(self, callback: Callback) -> Heard:
        """Raises NotGenuine for what is not signed with this app's token, or is older than a day; NotSure while it is not confirmed."""
        if len(callback.body) > CALLBACK_BYTES:
            raise NotGenuine("too long")
        right = hmac.new(self._secret, callback.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right.encode(), callback.headers.get(SIGNATURE_HEADER, "").encode("utf-8", "replace")):
            raise NotGenuine("the signature is wrong")
        try:
            update = read_json(callback.body)
        except ValueError:
            raise NotGenuine("not JSON") from None
        said_at = _moment(update.get("request_date"))
        if said_at is None or abs(datetime.now(UTC) - said_at) > STALE:
            raise NotGenuine("too old, or without a date")
        invoice = update.get("payload")
        number = _number(invoice.get("invoice_id")) if isinstance(invoice, dict) else None
        if update.get("update_type") != "invoice_paid":
            return Heard(())
        if number is None:
            raise NotGenuine("no invoice")
        found = await self._by_number(number)
        if found is None:
            raise NotGenuine("the provider does not know this invoice")
        if not _ours(found):
            return Heard(())  # Of the same app and genuine, but not made here: the list of payments shows it.
        event = self._event(found)
        if event.state is not PaymentState.PAID:
            # Not acknowledged, so it is reported again.
            raise NotSure(f"{self.name}: reported as paid, and not so when asked")
        return Heard((event,))

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        if provider_ref is None:
            found = await self._invoice_of(reference, since)
        else:
            number = _number(provider_ref)
            found = None if number is None else await self._by_number(number)
            if found is not None and found.get("payload") != reference:
                raise NotSure(f"{self.name}: the invoice is another's")
        return None if found is None else self._event(found)

    async def refund(self, refund: Refund) -> PaymentState:
        """Always Declined: crypto is not given back by the provider. The shop credits the wallet instead."""
        raise Declined(f"{self.name}: the provider gives no money back")

    async def withdraw(self, reference: str, provider_ref: str) -> None:
        """Delete an invoice that is neither paid nor over. Raises Declined for one that was paid, and NotSure."""
        number = _number(provider_ref)
        # Looked at first: what was paid must not leave the list in which it is found.
        found = None if number is None else await self._by_number(number)
        if found is None or number is None or _STATES[found["status"]] is PaymentState.EXPIRED:
            return
        if _STATES[found["status"]] is PaymentState.PAID:
            raise Declined(f"{self.name}: it was paid meanwhile")
        answer = await self._line.post("api/deleteInvoice", document={"invoice_id": number})
        if answer.document.get("ok") is True:
            return
        again = await self._by_number(number)
        if again is not None and _STATES[again["status"]] is PaymentState.PAID:
            raise Declined(f"{self.name}: it was paid meanwhile")
        if again is not None and _STATES[again["status"]] is PaymentState.PENDING:
            raise NotSure(f"{self.name}: {_error(answer)}")

    async def received(self, since: datetime) -> Sequence[Event]:
        """Paid invoices of the app since then, those made elsewhere too; invoices priced in crypto itself are not among them."""
        events: dict[str, Event] = {}
        async for invoice in self._invoices({"status": "paid"}, since - LONGEST_OPEN):
            if invoice.get("currency_type") == "fiat":
                event = self._event(invoice)
                if event.at >= since:
                    events[event.key] = event
        return sorted(events.values(), key=lambda event: event.at)

    async def close(self) -> None:
        await self._line.close()

    async def _by_number(self, number: int) -> Invoice | None:
        found = [invoice for invoice in await self._items({"invoice_ids": str(number)}) if invoice["invoice_id"] == number]
        return found[0] if found else None

    async def _invoice_of(self, reference: str, since: datetime) -> Invoice | None:
        """The invoice with this reference that was made since then."""
        found = [
            invoice async for invoice in self._invoices({}, since - CLOCK_SLACK) if invoice.get("payload") == reference and _ours(invoice)
        ]
        return min(found, key=lambda invoice: (_RANK[_STATES[invoice["status"]]], invoice["invoice_id"]), default=None)

    async def _invoices(self, query: Mapping[str, str], since: datetime) -> AsyncIterator[Invoice]:
        """Invoices that were made since then, and perhaps some older ones; each once."""
        seen: set[int] = set()
        for page in range(MOST_PAGES):
            items = await self._items({**query, "offset": str(page * PAGE), "count": str(PAGE)})
            for invoice in items:
                if invoice["invoice_id"] not in seen:
                    seen.add(invoice["invoice_id"])
                    yield invoice
            if len(items) < PAGE:
                return
            # The list is newest first. Should that ever change, it is read to its end.
            newest_first = items[0]["invoice_id"] > items[-1]["invoice_id"]
            made = [_moment(invoice.get("created_at")) for invoice in items]
            if newest_first and all(at is not None and at < since for at in made):
                return
        raise NotSure(f"{self.name}: more than {MOST_PAGES * PAGE} invoices; ask for a shorter time")

    async def _items(self, query: Mapping[str, str]) -> list[Invoice]:
        answer = await self._line.get("api/getInvoices", query)
        if answer.document.get("ok") is not True:
            raise _Refused(f"{self.name}: {_error(answer)}")
        result = answer.document.get("result")
        items = result.get("items") if isinstance(result, dict) else result
        if not isinstance(items, list):
            raise NotSure(f"{self.name}: a list that is none")
        return [self._invoice(item) for item in items]

    def _invoice(self, item: object) -> Invoice:
        """An invoice with a number and a status that can be relied on. Raises NotSure."""
        if not isinstance(item, dict) or type(item.get("invoice_id")) is not int or item.get("status") not in _STATES:
            raise NotSure(f"{self.name}: an invoice without number or status")
        return item

    def _event(self, invoice: Invoice) -> Event:
        currency, reference = invoice.get("fiat"), invoice.get("payload")
        state = _STATES[invoice["status"]]
        at = _moment(invoice.get("paid_at") if state is PaymentState.PAID else invoice.get("created_at"))
        if invoice.get("currency_type") != "fiat" or not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3,5}", currency, re.ASCII):
            raise NotSure(f"{self.name}: an invoice without an ordinary currency")
        minor = minor_of(invoice.get("amount"), currency)
        if not minor or at is None:
            raise NotSure(f"{self.name}: an invoice without amount or date")
        number = str(invoice["invoice_id"])
        return Event(number, reference if isinstance(reference, str) else "", state, minor, currency, at, provider_ref=number)

    def _created(self, invoice: Invoice, ask: Ask) -> Created:
        """Raises NotSure for an invoice that is not what was asked for."""
        event, url = self._event(invoice), invoice.get("bot_invoice_url")
        asked = (ask.reference, ask.amount_minor, ask.currency)
        if event.state is not PaymentState.PAID and (event.reference, event.amount_minor, event.currency) != asked:
            raise NotSure(f"{self.name}: an invoice other than what was asked for")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise NotSure(f"{self.name}: an invoice without an address")
        return Created(provider_ref=event.key, url=url)


def _ours(invoice: Invoice) -> bool:
    return invoice.get("currency_type") == "fiat" and isinstance(invoice.get("payload"), str)


def _number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,18}", value, re.ASCII):
        value = int(value)
    return value if type(value) is int and 0 < value < 1 << 63 else None


def _moment(value: object) -> datetime | None:
    """A time in ISO 8601 with its zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _error(answer: Answer) -> str:
    """The provider's own name of an error, for the log."""
    error = answer.document.get("error")
    name = error.get("name") if isinstance(error, dict) else None
    return f"status {answer.status}, {''.join(c for c in str(name) if c.isalnum() or c == '_')[:60]}"


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> Sequence[PaymentMethod]:
    """One, when `SHOP_CRYPTO_PAY_TOKEN` is set."""
    token = settings.get("SHOP_CRYPTO_PAY_TOKEN", "").strip()
    if not token:
        return []
    if not re.fullmatch(r"[!-~]{8,200}", token, re.ASCII):
        raise SetUpWrong("SHOP_CRYPTO_PAY_TOKEN is not a token: copy it from @CryptoBot, Crypto Pay, My Apps.")
    currency = needed(settings, "SHOP_CRYPTO_PAY_CURRENCY").upper()
    if currency not in CURRENCIES:
        raise SetUpWrong(f"SHOP_CRYPTO_PAY_CURRENCY has to be one of: {', '.join(sorted(CURRENCIES))}.")
    assets = [asset.strip().upper() for asset in settings.get("SHOP_CRYPTO_PAY_ASSETS", "").split(",") if asset.strip()]
    if not all(re.fullmatch(r"[A-Z0-9]{2,12}", asset, re.ASCII) for asset in assets):
        raise SetUpWrong("SHOP_CRYPTO_PAY_ASSETS lists coins: write it like USDT,TON.")
    least = amount(settings, "SHOP_CRYPTO_PAY_MINIMUM", currency, LEAST_WHOLE * 10 ** exponent(currency))
    most = amount(settings, "SHOP_CRYPTO_PAY_MAXIMUM", currency, MOST_WHOLE * 10 ** exponent(currency))
    if not 1 <= least <= most:
        raise SetUpWrong("SHOP_CRYPTO_PAY_MINIMUM has to be more than nothing, and not more than SHOP_CRYPTO_PAY_MAXIMUM.")
    return [
        CryptoPay(
            token,
            currency,
            url=address(settings, "SHOP_CRYPTO_PAY_URL", MAINNET),
            assets=assets,
            callback=bool(settings.get("SHOP_PUBLIC_URL", "").strip()),
            minimum_minor=least,
            maximum_minor=most,
            charge=fee(settings, "SHOP_CRYPTO_PAY", currency),
        )
    ]
