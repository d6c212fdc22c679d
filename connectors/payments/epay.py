"""epay (易支付): Alipay, WeChat Pay and QQ Wallet through one gateway, as three ways to be paid."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.line import SECONDS, Answer, Line, address, minor_of
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

WAYS = ("alipay", "wxpay", "qqpay")
# What stands between the signed text and the key; gateways differ.
JOINTS = {"plain": "", "ampersand": "&key="}
MODES = ("page", "api")

SECONDS_TO_PAY = 900
LEAST_MINOR, MOST_MINOR = 1, 1_000_000
# Where a payer is led after paying, and where a gateway reports to that insists on an address which the shop has not.
BACK_TO_TELEGRAM = "https://t.me/"

SUCCESS = "success"
# The gateways write the time of China, without saying so.
CHINA = timezone(timedelta(hours=8))
PAGE = 50
MOST_PAGES = 200
# A payment is made after its order: the list is read this much further back than what is asked for.
LONGEST_OPEN = timedelta(days=1)
NAME_BYTES = 120
CALLBACK_BYTES = 16 << 10
CALLBACK_FIELDS = 64

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NUMBER = re.compile(r"[!-~]{1,64}", re.ASCII)
_MONEY = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,2})?", re.ASCII)
# Signed text is joined by & and = without any escaping, and gateways change quotes and brackets before they look at the sign.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f&=+%#?<>\"'\\]+")
# There is no code for these answers that all gateways share; the words are the same for years.
_UNKNOWN_ORDER = re.compile(r"订单.{0,6}(?:不存在|未找到|找不到)|order.{0,12}(?:not found|not exist|does not exist)", re.IGNORECASE)
_REFUNDED_BEFORE = re.compile(r"已(?:经)?(?:全额|全部)?退款|already (?:been )?(?:fully )?refunded", re.IGNORECASE)
_REFUND_DONE = re.compile(r"退款成功|refund(?:ed)? success", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merchant:
    """What all three ways share: the account at the gateway and how the gateway is spoken to."""

    url: str
    pid: str
    key: str = field(repr=False)
    joint: str
    mode: str
    currency: str
    public_url: str  # empty: the shop cannot be called, and asks by itself
    return_url: str
    minimum_minor: int
    maximum_minor: int
    fee: Fee


class _Refused(NotSure):
    """The gateway answers a question with a no that says nothing about the order: the account, the key, its own trouble."""


class Epay:
    """One way of an epay gateway. A report is checked, and then only what the gateway answers to a question is believed."""

    def __init__(self, merchant: Merchant, way: str, *, seconds: float = SECONDS) -> None:
        assert way in WAYS, "a way that epay has"
        self.name = f"epay-{way}"
        self._merchant = merchant
        self._way = way
        self._line = Line(self.name, merchant.url, seconds=seconds)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            currency=self._merchant.currency,
            callback=bool(self._merchant.public_url),
            poll=True,
            refund_full=True,
            # A refund has no number of its own in this protocol: a part repeated after a time-out would be given back twice.
            refund_partial=False,
            reversible=False,
            minimum_minor=self._merchant.minimum_minor,
            maximum_minor=self._merchant.maximum_minor,
            seconds_to_pay=SECONDS_TO_PAY,
            fee=self._merchant.fee,
        )

    async def create(self, ask: Ask) -> Created:
        """The signed address of the gateway's page, without asking anybody; or, in the mode `api`, what the gateway gives out."""
        assert ask.currency == self._merchant.currency and ask.amount_minor > 0, "the screens obey the capabilities"
        assert _REFERENCE.fullmatch(ask.reference), "a reference that comes back unchanged"
        signed = self._signed(
            {
                "pid": self._merchant.pid,
                "type": self._way,
                "out_trade_no": ask.reference,
                "notify_url": self._report_to(),
                "return_url": self._merchant.return_url,
                "name": _plain(ask.title),
                "money": decimal_text(ask.amount_minor, ask.currency),
            }
        )
        page = f"{self._merchant.url}/submit.php?{urlencode(signed)}"
        if self._merchant.mode == "page":
            return Created(provider_ref=None, url=page)
        # The protocol asks for the payer's own address, which a chat does not know.
        answer = await self._line.post(
            "mapi.php", form=self._signed({**{n: v for n, v in signed.items() if n not in ("sign", "sign_type")}, "clientip": "127.0.0.1"})
        )
        document = answer.document
        if _code(answer) == 1:
            return _offered(document)
        if _code(answer) is None:
            raise NotSure(f"{self.name}: an answer that is none")
        # The no may be about a repetition only: an order that the gateway knows can be paid at its page.
        try:
            row = await self._order(ask.reference, None)
        except _Refused:
            row = None  # No and no again. Were there an order from an earlier call, nobody was given its address.
        if row is None:
            raise Declined(f"{self.name}: {self._said(document)}")
        return Created(provider_ref=_text(row.get("trade_no")), url=_web(row.get("payurl")) or page)

    async def callback(self, callback: Callback) -> Heard:
        """Raises NotGenuine for what is not signed by this gateway for this merchant; NotSure while the gateway does not confirm it."""
        fields = _fields(callback)
        if not hmac.compare_digest(self._sign(fields).encode(), fields.get("sign", "").encode("utf-8", "replace")):
            raise NotGenuine("the sign is wrong")
        if fields.get("sign_type") != "MD5" or fields.get("pid") != self._merchant.pid:
            raise NotGenuine("another merchant, or another kind of sign")
        reference, number = fields.get("out_trade_no", ""), fields.get("trade_no", "")
        if not (_REFERENCE.fullmatch(reference) and _NUMBER.fullmatch(number) and _MONEY.fullmatch(fields.get("money", ""))):
            raise NotGenuine("not a number, or not an amount")
        status = fields.get("trade_status", "")
        if not status:
            raise NotGenuine("no status")
        if status != "TRADE_SUCCESS":
            return Heard((), SUCCESS)
        event = await self._look(reference, number)
        if event is None:
            raise NotGenuine("the gateway does not know this order")
        if event.key != number or event.state not in (PaymentState.PAID, PaymentState.REFUNDED):
            # Not acknowledged, so it is reported again.
            raise NotSure(f"{self.name}: reported as paid, and not so when asked")
        return Heard((event,), SUCCESS)

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        """What the gateway's books say; UNKNOWN for an order that the gateway has frozen."""
        return await self._look(reference, provider_ref)

    async def refund(self, refund: Refund) -> PaymentState:
        """Give a payment back whole. It is looked at before, so that a repetition gives nothing twice."""
        if refund.amount_minor != refund.whole_minor:
            raise Declined(f"{self.name}: payments are given back whole")
        before = await self._look(refund.reference, refund.event_key)
        if before is None:
            raise Declined(f"{self.name}: the gateway does not know this order")
        if before.state is PaymentState.REFUNDED:
            return PaymentState.REFUNDED
        answer = await self._line.post(
            "api.php",
            query={"act": "refund"},
            form={
                "pid": self._merchant.pid,
                "key": self._merchant.key,
                "trade_no": refund.event_key,
                "out_trade_no": refund.reference,
                "money": decimal_text(refund.amount_minor, refund.currency),
            },
        )
        code, words = _code(answer), str(answer.document.get("msg", ""))
        if code == 1 or _REFUNDED_BEFORE.search(words):
            return PaymentState.REFUNDED
        # Newer gateways say 0 for a refund that was made, others for a no: what they answer to a question decides.
        after = await self._look(refund.reference, refund.event_key)
        if after is not None and after.state is PaymentState.REFUNDED:
            return PaymentState.REFUNDED
        if _REFUND_DONE.search(words):
            raise NotSure(f"{self.name}: a refund is said to be made, and is not in the books")
        raise Declined(f"{self.name}: {self._said(answer.document)}")

    async def received(self, since: datetime) -> Sequence[Event]:
        """Payments of this way since then. Orders that are frozen are in neither state, and not in the list."""
        events: dict[str, Event] = {}
        seen: set[str] = set()
        for page in range(1, MOST_PAGES + 1):
            # Older gateways count pages, newer ones rows; each leaves the other's word alone.
            rows = await self._orders({"limit": str(PAGE), "page": str(page), "offset": str(len(seen))})
            fresh = [row for row in rows if str(row.get("trade_no")) not in seen]
            seen.update(str(row.get("trade_no")) for row in fresh)
            for row in fresh:
                # All ways of the merchant are in one list.
                if row.get("type") in (self._way, None, ""):
                    event = self._event(row)
                    if event.state in (PaymentState.PAID, PaymentState.REFUNDED) and event.at >= since:
                        events[event.key] = event
            if not fresh or all(_moment(row.get("addtime")) < since - LONGEST_OPEN for row in fresh):
                return sorted(events.values(), key=lambda event: event.at)
        raise NotSure(f"{self.name}: more than {MOST_PAGES} pages of orders; ask for a shorter time")

    async def close(self) -> None:
        await self._line.close()

    async def _look(self, reference: str, number: str | None) -> Event | None:
        row = await self._order(reference, number)
        return None if row is None else self._event(row)

    async def _order(self, reference: str, number: str | None) -> Mapping[str, Any] | None:
        query = {"act": "order", "pid": self._merchant.pid, "key": self._merchant.key, "out_trade_no": reference}
        answer = await self._line.get("api.php", query | ({"trade_no": number} if number else {}))
        row = answer.document
        if _code(answer) == 1:
            # An answer about another order, or another merchant's, is nonsense.
            if str(row.get("pid", self._merchant.pid)) != self._merchant.pid or row.get("out_trade_no") != reference:
                raise NotSure(f"{self.name}: an answer about another order")
            return row
        if _UNKNOWN_ORDER.search(str(row.get("msg", ""))):
            return None
        # A wrong key, a blocked address, a fault: it says nothing about the order.
        raise _Refused(f"{self.name}: {self._said(row)}")

    async def _orders(self, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        answer = await self._line.get("api.php", {"act": "orders", "pid": self._merchant.pid, "key": self._merchant.key, **query})
        rows = answer.document.get("data")
        if _code(answer) != 1:
            raise NotSure(f"{self.name}: {self._said(answer.document)}")
        if rows is None:
            return []  # PHP's list without rows.
        if not isinstance(rows, list) or not all(isinstance(row, dict) and _text(row.get("trade_no")) for row in rows):
            raise NotSure(f"{self.name}: a list that is none")
        return rows

    def _event(self, row: Mapping[str, Any]) -> Event:
        number, reference = _text(row.get("trade_no")), _text(row.get("out_trade_no"))
        minor = minor_of(row.get("money"), self._merchant.currency)
        state = {
            "0": PaymentState.PENDING,
            "1": PaymentState.PAID,
            "2": PaymentState.REFUNDED,
            "3": PaymentState.UNKNOWN,
        }.get(str(row.get("status")))
        if not number or not reference or not minor or state is None:
            raise NotSure(f"{self.name}: an order without number, amount or status")
        paid = state in (PaymentState.PAID, PaymentState.REFUNDED)
        at = _moment(row.get("endtime") or row.get("addtime") if paid else row.get("addtime"))
        return Event(number, reference, state, minor, self._merchant.currency, at, provider_ref=number)

    def _report_to(self) -> str:
        # The protocol insists on an address. Without ours the gateway is given its own: nobody listens there, and nobody else is told.
        return f"{self._merchant.public_url}/pay/{self.name}" if self._merchant.public_url else f"{self._merchant.url}/"

    def _sign(self, fields: Mapping[str, str]) -> str:
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name not in ("sign", "sign_type"))
        return hashlib.md5(
            f"{text}{self._merchant.joint}{self._merchant.key}".encode("utf-8", "replace"), usedforsecurity=False
        ).hexdigest()

    def _signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        return {**fields, "sign": self._sign(fields), "sign_type": "MD5"}

    def _said(self, document: Mapping[str, Any]) -> str:
        """What the gateway said, for the log: short, printable, and without the key should it repeat it."""
        words = str(document.get("msg", "")).replace(self._merchant.key, "***")
        return f"code {str(document.get('code'))[:12]!r}, {''.join(c for c in words if c.isprintable())[:100]!r}"


def _fields(callback: Callback) -> dict[str, str]:
    """The fields of a report by GET or by a posted form, each once. Raises NotGenuine."""
    pairs = list(callback.query)
    if callback.body:
        if callback.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            raise NotGenuine("not a form")
        if len(callback.body) > CALLBACK_BYTES:
            raise NotGenuine("too long")
        try:
            pairs += parse_qsl(callback.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=CALLBACK_FIELDS)
        except ValueError:
            raise NotGenuine("not a form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or len(pairs) > CALLBACK_FIELDS:
        raise NotGenuine("a name is given twice, or there are too many")
    if sum(len(name) + len(value) for name, value in pairs) > CALLBACK_BYTES:
        raise NotGenuine("too long")
    return fields


def _offered(document: Mapping[str, Any]) -> Created:
    """What mapi.php gives out: an address, what a QR code says, or an address that only an app understands. Raises NotSure."""
    qr = _text(document.get("qrcode"), 2000) or _text(document.get("urlscheme"), 2000)
    url = _web(document.get("payurl")) or _web(qr)  # A button in a chat opens web addresses only.
    if not url and not qr:
        raise NotSure("epay: an order without a way to pay it")
    return Created(provider_ref=_text(document.get("trade_no")), url=url, qr=qr if qr != url else None)


def _code(answer: Answer) -> int | None:
    """The code of an answer, which PHP writes as a number or as text."""
    code = answer.document.get("code")
    if isinstance(code, str) and re.fullmatch(r"-?[0-9]{1,6}", code, re.ASCII):
        return int(code)
    return code if type(code) is int else None


def _text(value: object, most: int = 64) -> str | None:
    """A short text, or a number as text."""
    text = str(value) if type(value) is int else value
    return text if isinstance(text, str) and 0 < len(text) <= most and text.isprintable() else None


def _web(value: object) -> str | None:
    text = _text(value, 2000)
    return text if text and text.startswith(("https://", "http://")) else None


def _moment(value: object) -> datetime:
    """A time as the gateways write it; now when there is none, and never later than now."""
    now = datetime.now(UTC)
    try:
        return min(now, datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC))
    except (ValueError, OverflowError):
        return now


def _plain(title: str) -> str:
    """A title that every gateway signs as we do."""
    return " ".join(_UNSAFE.sub(" ", title).split()).encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore").strip() or "Order"


def _one_of(settings: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    word = settings.get(name, "").strip().lower() or choices[0]
    if word not in choices:
        raise SetUpWrong(f"{name} is one of: {', '.join(choices)}.")
    return word


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> Sequence[PaymentMethod]:
    """One for each of `SHOP_EPAY_WAYS`, when the account is in the settings: `SHOP_EPAY_URL`, `SHOP_EPAY_PID` and `SHOP_EPAY_KEY`."""
    if not any(settings.get(name, "").strip() for name in ("SHOP_EPAY_URL", "SHOP_EPAY_PID", "SHOP_EPAY_KEY")):
        return []
    currency = settings.get("SHOP_EPAY_CURRENCY", "").strip().upper() or "CNY"
    if not re.fullmatch(r"[A-Z]{3}", currency) or exponent(currency) != 2:
        raise SetUpWrong("SHOP_EPAY_CURRENCY has to be a currency with hundredths, such as CNY: epay counts with two digits.")
    pid = needed(settings, "SHOP_EPAY_PID")
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", pid, re.ASCII):
        raise SetUpWrong("SHOP_EPAY_PID is not a merchant's number: copy it from the gateway, without spaces.")
    least = amount(settings, "SHOP_EPAY_MINIMUM", currency, LEAST_MINOR)
    most = amount(settings, "SHOP_EPAY_MAXIMUM", currency, MOST_MINOR)
    if not 1 <= least <= most:
        raise SetUpWrong("SHOP_EPAY_MINIMUM has to be more than nothing, and not more than SHOP_EPAY_MAXIMUM.")
    named = [way.strip().lower() for way in (settings.get("SHOP_EPAY_WAYS", "").strip() or ",".join(WAYS)).split(",") if way.strip()]
    if not named or set(named) - set(WAYS):
        raise SetUpWrong(f"SHOP_EPAY_WAYS lists some of: {', '.join(WAYS)}.")
    merchant = Merchant(
        url=address(settings, "SHOP_EPAY_URL"),
        pid=pid,
        key=needed(settings, "SHOP_EPAY_KEY"),
        joint=JOINTS[_one_of(settings, "SHOP_EPAY_SIGN", tuple(JOINTS))],
        mode=_one_of(settings, "SHOP_EPAY_MODE", MODES),
        currency=currency,
        public_url=settings.get("SHOP_PUBLIC_URL", "").strip().rstrip("/"),
        return_url=settings.get("SHOP_EPAY_RETURN_URL", "").strip() or BACK_TO_TELEGRAM,
        minimum_minor=least,
        maximum_minor=most,
        fee=fee(settings, "SHOP_EPAY", currency),
    )
    return [Epay(merchant, way) for way in WAYS if way in named]
