"""Crypto Pay, the API of @CryptoBot: invoices in crypto or priced in a fiat currency, and a signed webhook."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from aiohttp import web

from sandbox.gateways import page
from sandbox.gateways.base import Clock, Gateway, NotPayable, Payment, State, another_amount, another_currency
from sandbox.gateways.courier import Letter, Notice, Pace

ASSETS = ("USDT", "TON", "BTC", "ETH", "LTC", "BNB", "TRX", "USDC")
SWAPS = ("USDT", "TON", "TRX", "ETH", "SOL", "BTC", "LTC")
BUTTONS = ("viewItem", "openChannel", "openBot", "callback")
# How much of each one dollar buys; made up, and the same every time.
FIAT_OF_A_DOLLAR = {
    code: Decimal(rate)
    for code, rate in {
        "USD": "1", "EUR": "0.92", "RUB": "90", "BYN": "3.27", "UAH": "41", "GBP": "0.78", "CNY": "7.2", "KZT": "480", "UZS": "12700",
        "GEL": "2.7", "TRY": "33", "AMD": "387", "THB": "35", "INR": "84", "BRL": "5.6", "IDR": "15800", "AZN": "1.7", "AED": "3.67",
        "PLN": "3.9", "ILS": "3.7",
    }.items()
}  # fmt: skip
DOLLARS_OF_AN_ASSET = {
    code: Decimal(rate)
    for code, rate in {
        "USDT": "1", "USDC": "1", "TON": "5", "BTC": "60000", "ETH": "2500", "LTC": "70", "BNB": "550", "TRX": "0.15",
    }.items()
}  # fmt: skip
DESCRIPTION_CHARACTERS = 1024
HIDDEN_CHARACTERS = 2048
PAYLOAD_BYTES = 4096
LONGEST_SECONDS = 2_678_400
LIST_DEFAULT, LIST_MAXIMUM = 100, 1000
SPEND_CHARACTERS = 64

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?")
_PARAMETERS = {
    "createInvoice": {
        "currency_type", "asset", "fiat", "accepted_assets", "amount", "description", "hidden_message", "paid_btn_name", "paid_btn_url",
        "swap_to", "payload", "allow_comments", "allow_anonymous", "expires_in",
    },
    "getInvoices": {"asset", "fiat", "invoice_ids", "status", "offset", "count"},
    "deleteInvoice": {"invoice_id"},
    "transfer": {"user_id", "asset", "amount", "spend_id", "comment", "disable_send_notification"},
    "getTransfers": {"asset", "transfer_ids", "spend_id", "offset", "count"},
    "getMe": set(),
}  # fmt: skip


class _Refused(Exception):
    def __init__(self, name: str, code: int = 400) -> None:
        super().__init__(name)
        self.name = name
        self.code = code


@dataclass(kw_only=True)
class Invoice(Payment):
    """An invoice of Crypto Pay; `shown` is what the shop gave and gets back as it is."""

    currency_type: str
    accepted: tuple[str, ...] = ASSETS
    shown: dict[str, object] = field(default_factory=dict)
    paid_asset: str = ""
    paid_amount: Decimal = Decimal(0)


class CryptoPayGateway(Gateway[Invoice]):
    """Crypto Pay for one app. The webhook's address is set here, as it is in the bot: `webhook_url` may be set while it runs."""

    brand: ClassVar[str] = "crypto-pay"

    def __init__(
        self, token: str, *, webhook_url: str | None = None, shop: str = "Card Shop", pace: Pace | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(shop=shop, pace=pace, clock=clock)
        self._token = token
        self.webhook_url = webhook_url
        self._deleted: set[str] = set()
        self._updates = 0
        self.transfers: list[dict[str, object]] = []  # what was sent to people, as the API shows it
        self.balance: dict[str, Decimal] = {}  # of a coin that is not here there is as much as one likes

    def _routes(self) -> Iterable[web.RouteDef]:
        answer = self._api(self._answer)
        return [web.get("/api/{method}", answer), web.post("/api/{method}", answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response({"ok": True, "result": await self._call(request)})
        except _Refused as refused:
            return web.json_response({"ok": False, "error": {"code": refused.code, "name": refused.name}}, status=refused.code)

    async def _call(self, request: web.Request) -> object:
        if not hmac.compare_digest(request.headers.get("Crypto-Pay-API-Token", "").encode(), self._token.encode()):
            raise _Refused("UNAUTHORIZED", 401)
        method = request.match_info["method"]
        if method not in _PARAMETERS:
            raise _Refused("METHOD_NOT_FOUND", 405)
        given = await _parameters(request)
        for name in given:
            if name not in _PARAMETERS[method]:
                raise _Refused(f"PARAM_{name.upper()}_UNKNOWN")
        match method:
            case "createInvoice":
                return self._row(self._create(given))
            case "getInvoices":
                return {"items": self._list(given)}
            case "transfer":
                return self._send(given)
            case "getTransfers":
                return {"items": self._sent(given)}
            case "deleteInvoice":
                return self._delete(given)
            case _:
                return {"app_id": 1, "name": self.shop, "payment_processing_bot_username": "CryptoBot"}

    # Creating.

    def _create(self, given: Mapping[str, object]) -> Invoice:
        kind = _text(given, "currency_type", "crypto")
        if kind == "crypto":
            currency = _one_of(_text(given, "asset"), ASSETS, "ASSET")
            if "accepted_assets" in given:
                raise _Refused("ACCEPTED_ASSETS_NOT_ALLOWED")
            accepted: tuple[str, ...] = (currency,)
        elif kind == "fiat":
            currency = _one_of(_text(given, "fiat"), tuple(FIAT_OF_A_DOLLAR), "FIAT")
            listed = _text(given, "accepted_assets", ",".join(ASSETS)).split(",")
            accepted = tuple(_one_of(asset.strip(), ASSETS, "ACCEPTED_ASSETS") for asset in listed)
        else:
            raise _Refused("CURRENCY_TYPE_INVALID")
        if not isinstance(given.get("amount"), str):
            # A number in JSON has been a float somewhere.
            raise _Refused("AMOUNT_INVALID" if "amount" in given else "PARAM_AMOUNT_REQUIRED")
        amount = Decimal(_text(given, "amount")) if _AMOUNT.fullmatch(_text(given, "amount")) else Decimal(0)
        if amount <= 0:
            raise _Refused("AMOUNT_INVALID")
        now = self._clock()
        expires = _number(given, "expires_in", 1, LONGEST_SECONDS) if "expires_in" in given else None
        number = str(len(self._all) + 1_000_001)
        shown = self._checked(given)
        invoice = Invoice(
            reference=str(shown.get("payload") or number),
            number=number,
            key=f"IV{secrets.token_urlsafe(9)}",
            title=str(shown.get("description") or self.shop),
            amount=amount,
            currency=currency,
            made_at=now,
            expires_at=now + timedelta(seconds=expires) if expires else None,
            return_url=str(shown.get("paid_btn_url") or ""),
            currency_type=kind,
            accepted=accepted,
            shown=shown,
        )
        self._all.append(invoice)
        return invoice

    @staticmethod
    def _checked(given: Mapping[str, object]) -> dict[str, object]:
        """The parameters that come back as they are, each within its limits."""
        shown: dict[str, object] = {
            "allow_comments": _truth(given, "allow_comments"),
            "allow_anonymous": _truth(given, "allow_anonymous"),
        }
        for name, limit in (("description", DESCRIPTION_CHARACTERS), ("hidden_message", HIDDEN_CHARACTERS)):
            if name in given:
                shown[name] = text = _text(given, name)
                if len(text) > limit:
                    raise _Refused(f"{name.upper()}_TOO_LONG")
        if "payload" in given:
            shown["payload"] = payload = _text(given, "payload")
            if len(payload.encode()) > PAYLOAD_BYTES:
                raise _Refused("PAYLOAD_TOO_LONG")
        if "swap_to" in given:
            shown["swap_to"] = _one_of(_text(given, "swap_to"), SWAPS, "SWAP_TO")
        if "paid_btn_name" in given:
            shown["paid_btn_name"] = _one_of(_text(given, "paid_btn_name"), BUTTONS, "PAID_BTN_NAME")
            shown["paid_btn_url"] = address = _text(given, "paid_btn_url")
            if not address.startswith(("https://", "http://")):
                raise _Refused("PAID_BTN_URL_INVALID" if address else "PARAM_PAID_BTN_URL_REQUIRED")
        return shown

    # Asking.

    def _list(self, given: Mapping[str, object]) -> list[dict[str, object]]:
        offset = _number(given, "offset", 0, 10**9) if "offset" in given else 0
        count = _number(given, "count", 1, LIST_MAXIMUM) if "count" in given else LIST_DEFAULT
        status = _one_of(_text(given, "status"), ("active", "paid"), "STATUS") if "status" in given else None
        wanted = {part.strip() for part in _text(given, "invoice_ids").split(",")} if "invoice_ids" in given else None
        if wanted is not None and not all(part.isascii() and part.isdigit() for part in wanted):
            raise _Refused("INVOICE_IDS_INVALID")
        currencies = [_text(given, name) for name in ("asset", "fiat") if name in given]
        found = [
            row
            for invoice in reversed(self._all)
            if invoice.number not in self._deleted
            and (wanted is None or invoice.number in wanted)
            and (not currencies or invoice.currency in currencies)
            and (status is None or status == _status(invoice))
            for row in (self._row(invoice),)
        ]
        return found[offset : offset + count]

    # Sending.

    def _send(self, given: Mapping[str, object]) -> dict[str, object]:
        """A transfer to a person, once for each `spend_id`."""
        user = _number(given, "user_id", 1, 10**15)
        asset = _one_of(_text(given, "asset"), ASSETS, "ASSET")
        spend = _text(given, "spend_id")
        if not 1 <= len(spend) <= SPEND_CHARACTERS:
            raise _Refused("PARAM_SPEND_ID_REQUIRED" if not spend else "SPEND_ID_INVALID")
        amount = Decimal(_text(given, "amount")) if _AMOUNT.fullmatch(_text(given, "amount")) else Decimal(0)
        if amount <= 0:
            raise _Refused("AMOUNT_INVALID")
        if any(made["spend_id"] == spend for made in self.transfers):
            raise _Refused("SPEND_ID_ALREADY_USED")
        if asset in self.balance:
            if self.balance[asset] < amount:
                raise _Refused("NOT_ENOUGH_COINS")
            self.balance[asset] -= amount
        made: dict[str, object] = {
            "transfer_id": len(self.transfers) + 1,
            "spend_id": spend,
            "user_id": user,
            "asset": asset,
            "amount": _plain(amount),
            "status": "completed",
            "completed_at": _iso(self._clock()),
            **({"comment": _text(given, "comment")} if "comment" in given else {}),
        }
        self.transfers.append(made)
        return made

    def _sent(self, given: Mapping[str, object]) -> list[dict[str, object]]:
        offset = _number(given, "offset", 0, 10**9) if "offset" in given else 0
        count = _number(given, "count", 1, LIST_MAXIMUM) if "count" in given else LIST_DEFAULT
        wanted = {part.strip() for part in _text(given, "transfer_ids").split(",")} if "transfer_ids" in given else None
        found = [
            made
            for made in reversed(self.transfers)
            if (wanted is None or str(made["transfer_id"]) in wanted)
            and ("spend_id" not in given or made["spend_id"] == given["spend_id"])
            and ("asset" not in given or made["asset"] == given["asset"])
        ]
        return found[offset : offset + count]

    def _delete(self, given: Mapping[str, object]) -> bool:
        number = str(_number(given, "invoice_id", 1, 10**15))
        for invoice in self._all:
            if invoice.number == number and number not in self._deleted:
                if invoice.state is State.PAID:
                    raise _Refused("INVOICE_ALREADY_PAID")
                self._deleted.add(number)
                invoice.state = State.EXPIRED
                return True
        raise _Refused("INVOICE_NOT_FOUND")

    def _row(self, invoice: Invoice, in_webhook: bool = False) -> dict[str, object]:
        faults = self.faults
        if in_webhook:
            lies = (faults.take("wrong_amount"), faults.take("wrong_currency"))
        else:
            lies = (faults.wrong_amount and faults.lies_in_answers, faults.wrong_currency and faults.lies_in_answers)
        fiat = invoice.currency_type == "fiat"
        row: dict[str, object] = {
            "invoice_id": int(invoice.number),
            "hash": invoice.key,
            "currency_type": invoice.currency_type,
            "fiat" if fiat else "asset": self._currency(invoice, bool(lies[1])),
            "amount": _plain(another_amount(invoice.sum) if lies[0] else invoice.sum),
            "bot_invoice_url": f"{self.url}/pay/{invoice.key}",
            "mini_app_invoice_url": f"{self.url}/pay/{invoice.key}?mode=compact",
            "web_app_invoice_url": f"{self.url}/pay/{invoice.key}?mode=web",
            "status": _status(invoice),
            "created_at": _iso(invoice.made_at),
            **invoice.shown,
        }
        if fiat:
            row["accepted_assets"] = list(invoice.accepted)
        if invoice.expires_at is not None:
            row["expiration_date"] = _iso(invoice.expires_at)
        if invoice.state is State.PAID and invoice.paid_at is not None:
            row |= {"paid_at": _iso(invoice.paid_at), "paid_anonymously": True, "fee_asset": invoice.paid_asset, "fee_in_usd": "0"}
            row["paid_usd_rate"] = _plain(DOLLARS_OF_AN_ASSET[invoice.paid_asset])
            if fiat:
                rate = DOLLARS_OF_AN_ASSET[invoice.paid_asset] * FIAT_OF_A_DOLLAR[invoice.currency]
                row |= {"paid_asset": invoice.paid_asset, "paid_amount": _plain(invoice.paid_amount), "paid_fiat_rate": _plain(rate)}
        return row

    @staticmethod
    def _currency(invoice: Invoice, lies: bool) -> str:
        if not lies:
            return invoice.currency
        if invoice.currency_type == "fiat":
            return another_currency(invoice.currency)
        return "TRX" if invoice.currency == "USDT" else "USDT"

    # Paying.

    def _settle(self, payment: Invoice, amount: Decimal | None) -> None:
        """The real bot takes nothing but the whole amount; another amount is how a gateway would show it if it did."""
        if payment.state is not State.OPEN:
            raise NotPayable(payment.state)
        payment.paid = payment.amount if amount is None else amount
        payment.paid_at = self._clock()
        payment.paid_asset = payment.accepted[0]
        payment.paid_amount = payment.paid
        if payment.currency_type == "fiat":
            rate = DOLLARS_OF_AN_ASSET[payment.paid_asset] * FIAT_OF_A_DOLLAR[payment.currency]
            payment.paid_amount = (payment.paid / rate).quantize(Decimal("0.00000001"), ROUND_HALF_UP)
        payment.state = State.PAID
        notice = self._last_notice(payment)
        if notice is not None:
            self._courier.post(notice)

    def _refuse(self, payment: Invoice) -> None:
        """The bot has no word for it: the invoice ends as if its time were over, and nobody is told."""
        if payment.state is not State.OPEN:
            raise NotPayable(payment.state)
        payment.state = State.EXPIRED
        payment.expires_at = self._clock()

    def _last_notice(self, payment: Invoice) -> Notice | None:
        if payment.state is not State.PAID or self.webhook_url is None:
            return None
        address = self.webhook_url
        self._updates += 1
        number = self._updates

        def write() -> Letter:
            update = {"update_id": number, "update_type": "invoice_paid", "request_date": _iso(datetime.now(UTC))}
            body = json.dumps(
                {**update, "payload": self._row(payment, in_webhook=True)}, ensure_ascii=False, separators=(",", ":")
            ).encode()
            token = "another" if self.faults.take("wrong_sign") else self._token
            signature = hmac.new(hashlib.sha256(token.encode()).digest(), body, hashlib.sha256).hexdigest()
            return Letter("POST", address, {"Content-Type": "application/json", "crypto-pay-api-signature": signature}, body)

        return Notice(payment.reference, "invoice_paid", write, lambda status, _: status == web.HTTPOk.status_code)

    def _brand(self, payment: Invoice) -> page.Brand:
        return page.BRANDS["crypto-pay"]

    def _broken(self) -> web.StreamResponse:
        return web.json_response({"ok": False, "error": {"code": 500, "name": "APP_ERROR"}}, status=500)


async def _parameters(request: web.Request) -> dict[str, object]:
    given: dict[str, object] = dict(request.query)
    if request.method == "POST" and request.can_read_body:
        if request.content_type == "application/json":
            try:
                body = json.loads(await request.read(), parse_float=Decimal)
            except ValueError:
                raise _Refused("BODY_INVALID") from None
            if not isinstance(body, dict):
                raise _Refused("BODY_INVALID")
            given |= body
        else:
            given |= dict(await request.post())
    return {name: value for name, value in given.items() if value is not None}


def _text(given: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = given.get(name, default)
    if value is None:
        return ""
    if not isinstance(value, str):
        # A list of assets is a text with commas; the real one breaks on a list.
        raise _Refused(f"{name.upper()}_INVALID")
    return value


def _one_of(value: str, known: tuple[str, ...], name: str) -> str:
    if not value:
        raise _Refused(f"PARAM_{name}_REQUIRED")
    if value not in known:
        raise _Refused(f"{name}_INVALID")
    return value


def _number(given: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = given.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _Refused(f"{name.upper()}_INVALID")
    return value


def _truth(given: Mapping[str, object], name: str) -> bool:
    value = given.get(name, True)
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise _Refused(f"{name.upper()}_INVALID")
    return value


def _status(invoice: Invoice) -> str:
    return {State.OPEN: "active", State.PAID: "paid"}.get(invoice.state, "expired")


def _plain(amount: Decimal) -> str:
    """An amount as the API writes it: no exponent, no zeros at the end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
