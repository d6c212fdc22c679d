"""epay (易支付), version 1: Alipay, WeChat Pay and QQ behind one aggregator, signed with MD5."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Literal
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from sandbox.gateways import page
from sandbox.gateways.base import Clock, Gateway, NotPayable, Payment, State, another_amount
from sandbox.gateways.courier import Letter, Notice, Pace

WAYS = ("alipay", "wxpay", "qqpay")
# These gateways write the time of China, without saying so.
CHINA = timezone(timedelta(hours=8))
NAME_BYTES = 127
LIST_DEFAULT, LIST_MAXIMUM = 20, 50

_NUMBER = re.compile(r"[A-Za-z0-9._|-]{1,64}")
_MONEY = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?")


class _Refused(Exception):
    """What the gateway says instead of doing it."""

    def __init__(self, says: str, code: int = -1) -> None:
        super().__init__(says)
        self.says = says
        self.code = code


@dataclass(kw_only=True)
class EpayPayment(Payment):
    """A payment at epay."""

    way: str  # alipay, wxpay, qqpay; empty: the payer chooses
    notify_url: str
    param: str = ""
    sitename: str = ""


def signature(fields: Mapping[str, str], key: str, variant: str) -> str:
    """MD5 over the fields in the order of their names, without empty ones, `sign` and `sign_type`; then the key."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name not in ("sign", "sign_type"))
    joint = "&key=" if variant == "ampersand" else ""
    return hashlib.md5(f"{text}{joint}{key}".encode(), usedforsecurity=False).hexdigest()


class EpayGateway(Gateway[EpayPayment]):
    """An epay gateway for one merchant. `status_of_refunded`: version 1 has no word for it (1), many gateways answer 2."""

    brand: ClassVar[str] = "epay"
    without_faults: ClassVar[frozenset[str]] = frozenset({"wrong_currency"})

    def __init__(
        self,
        pid: str | int,
        key: str,
        sign: Literal["plain", "ampersand"] = "plain",
        *,
        status_of_refunded: int = 1,
        shop: str = "Card Shop",
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(shop=shop, pace=pace, clock=clock)
        self._pid = str(pid)
        self._key = key
        self._variant = sign
        self._status_of_refunded = status_of_refunded

    def _routes(self) -> Iterable[web.RouteDef]:
        return [
            # The payer's browser comes here, not the shop: faults of the API are not for it.
            web.get("/submit.php", self._submit),
            web.post("/submit.php", self._submit),
            web.get("/mapi.php", self._api(self._mapi)),
            web.post("/mapi.php", self._api(self._mapi)),
            web.get("/api.php", self._api(self._ask)),
            web.post("/api.php", self._api(self._ask)),
        ]

    # Creating.

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        self._look_at_the_clock()
        try:
            payment = self._create(await _fields(request), ("return_url",))
        except _Refused as refused:
            return page.notice(request, refused.says)
        raise web.HTTPSeeOther(f"/pay/{payment.key}")

    async def _mapi(self, request: web.Request) -> web.StreamResponse:
        try:
            payment = self._create(await _fields(request), ("type", "clientip"))
        except _Refused as refused:
            return web.json_response({"code": refused.code, "msg": refused.says})
        address = f"{self.url}/pay/{payment.key}"
        return web.json_response({"code": 1, "msg": "success", "trade_no": payment.number, "payurl": address, "qrcode": f"{address}?qr=1"})

    def _create(self, fields: Mapping[str, str], also_needed: tuple[str, ...]) -> EpayPayment:
        if fields.get("pid") != self._pid:
            raise _Refused("商户ID不存在")
        if fields.get("sign_type", "MD5").upper() != "MD5":
            raise _Refused("签名类型(sign_type)不支持")
        right = signature(fields, self._key, self._variant)
        if not hmac.compare_digest(right.encode(), fields.get("sign", "").encode()):
            raise _Refused("签名校验失败，请返回重试！")
        for name in ("out_trade_no", "notify_url", "name", "money", *also_needed):
            if not fields.get(name):
                raise _Refused(f"{name}不能为空")
        if not _NUMBER.fullmatch(fields["out_trade_no"]):
            raise _Refused("订单号(out_trade_no)格式不正确")
        if fields.get("type") and fields["type"] not in WAYS:
            raise _Refused("支付方式(type)不存在")
        for name in ("notify_url", "return_url"):
            if fields.get(name) and urlsplit(fields[name]).scheme not in ("http", "https"):
                raise _Refused(f"{name}格式不正确")
        money = _money(fields["money"])
        known = self.payments.get(fields["out_trade_no"])
        if known is not None:
            if known.amount != money:
                raise _Refused("商户订单号已存在，且金额不一致")
            if known.state is State.OPEN and fields.get("type"):
                known.way = fields["type"]
            return known
        return self._new(fields, money)

    def _new(self, fields: Mapping[str, str], money: Decimal) -> EpayPayment:
        now = self._clock()
        number = f"{now.astimezone(CHINA):%Y%m%d%H%M%S}{len(self._all) + 1:05}"
        payment = EpayPayment(
            reference=fields["out_trade_no"],
            number=number,
            key=number,
            # Longer names are cut by the bytes, as the gateways do.
            title=fields["name"].encode()[:NAME_BYTES].decode(errors="ignore"),
            amount=money,
            currency="CNY",
            made_at=now,
            way=fields.get("type", ""),
            notify_url=fields["notify_url"],
            return_url=fields.get("return_url", ""),
            param=fields.get("param", ""),
            sitename=fields.get("sitename", ""),
        )
        self._all.append(payment)
        return payment

    # Asking.

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        fields = await _fields(request)
        acts: dict[str, Callable[[Mapping[str, str]], dict[str, object]]] = {
            "order": self._order,
            "orders": self._orders,
            "refund": self._refund,
        }
        act = fields.get("act", "")
        try:
            if act not in acts:
                raise _Refused("No Act!", -5)
            if act == "refund":
                # The secret and the money are in the body: an address ends up in logs.
                if request.method != "POST":
                    raise _Refused("请使用POST方式提交", -4)
                fields = await _body(request)
            if fields.get("pid") != self._pid:
                raise _Refused("商户ID不存在", -3)
            if not hmac.compare_digest(fields.get("key", "").encode(), self._key.encode()):
                raise _Refused("商户密钥错误", -3)
            return web.json_response(acts[act](fields))
        except _Refused as refused:
            return web.json_response({"code": refused.code, "msg": refused.says})

    def _order(self, fields: Mapping[str, str]) -> dict[str, object]:
        return {"code": 1, "msg": "succ", **self._row(self._wanted(fields))}

    def _orders(self, fields: Mapping[str, str]) -> dict[str, object]:
        limit = min(_whole(fields.get("limit", ""), LIST_DEFAULT), LIST_MAXIMUM)
        first = (_whole(fields.get("page", ""), 1) - 1) * limit
        rows = [self._row(payment) for payment in reversed(self._all)][first : first + limit]
        return {"code": 1, "msg": "查询订单记录成功！", "count": len(rows), "data": rows}

    def _refund(self, fields: Mapping[str, str]) -> dict[str, object]:
        payment = self._wanted(fields)
        if payment.state is not State.PAID:
            raise _Refused("该订单未支付")
        money = _money(fields.get("money", ""))
        left = payment.sum - payment.refunded
        if not left:
            raise _Refused("该订单已全额退款")
        if money > left:
            raise _Refused("退款金额大于可退金额")
        payment.refunds.append(money)
        return {"code": 1, "msg": f"退款成功！退款金额¥{money:.2f}"}

    def _wanted(self, fields: Mapping[str, str]) -> EpayPayment:
        number, reference = fields.get("trade_no"), fields.get("out_trade_no")
        if not number and not reference:
            raise _Refused("订单号不能为空", -4)
        for payment in self._all:
            if (payment.number == number) if number else (payment.reference == reference):
                return payment
        raise _Refused("订单号不存在")

    def _row(self, payment: EpayPayment) -> dict[str, object]:
        status = 1 if payment.state is State.PAID else 0
        if status and payment.refunded == payment.sum:
            status = self._status_of_refunded
        lies = self.faults.lies_in_answers and self.faults.wrong_amount
        return {
            "trade_no": payment.number,
            "out_trade_no": payment.reference,
            "api_trade_no": f"4200{payment.number}" if status else "",
            "type": payment.way,
            "pid": int(self._pid) if self._pid.isdigit() else self._pid,
            "addtime": _china(payment.made_at),
            "endtime": _china(payment.paid_at) if payment.paid_at else None,
            "name": payment.title,
            "money": f"{another_amount(payment.sum) if lies else payment.sum:.2f}",
            "param": payment.param,
            "buyer": "",
            "status": status,
        }

    # Paying.

    def _settle(self, payment: EpayPayment, amount: Decimal | None) -> None:
        # Money that comes after "do not pay" is money all the same: here nobody closes a payment.
        if payment.state not in (State.OPEN, State.FAILED):
            raise NotPayable(payment.state)
        payment.paid = payment.amount if amount is None else amount
        payment.paid_at = self._clock()
        payment.state = State.PAID
        payment.way = payment.way or WAYS[0]
        self._courier.post(self._notice(payment))

    def _refuse(self, payment: EpayPayment) -> None:
        if payment.state is not State.OPEN:
            raise NotPayable(payment.state)
        # The protocol has no word for it: to the shop the payment stays unpaid.
        payment.state = State.FAILED

    def _last_notice(self, payment: EpayPayment) -> Notice | None:
        return self._notice(payment) if payment.state is State.PAID else None

    def _notice(self, payment: EpayPayment) -> Notice:
        def write() -> Letter:
            key = "another" if self.faults.take("wrong_sign") else self._key
            money = another_amount(payment.sum) if self.faults.take("wrong_amount") else payment.sum
            return Letter("GET", _with_query(payment.notify_url, self._report(payment, money, key)))

        return Notice(payment.reference, "notify", write, lambda status, answer: status == web.HTTPOk.status_code and answer == "success")

    def _report(self, payment: EpayPayment, money: Decimal, key: str) -> dict[str, str]:
        fields = {
            "pid": self._pid,
            "trade_no": payment.number,
            "out_trade_no": payment.reference,
            "type": payment.way,
            "name": payment.title,
            "money": f"{money:.2f}",
            "trade_status": "TRADE_SUCCESS",
        }
        if payment.param:
            fields["param"] = payment.param
        return {**fields, "sign": signature(fields, key, self._variant), "sign_type": "MD5"}

    def _onward(self, payment: EpayPayment) -> str:
        if not payment.return_url or page.is_telegram(payment.return_url):
            return payment.return_url
        return _with_query(payment.return_url, self._report(payment, payment.sum, self._key))

    def _shop_of(self, payment: EpayPayment) -> str:
        return payment.sitename or self.shop

    def _brand(self, payment: EpayPayment) -> page.Brand:
        return page.BRANDS[payment.way or WAYS[0]]

    def _broken(self) -> web.StreamResponse:
        return web.Response(status=500, text="<h1>500 Internal Server Error</h1>", content_type="text/html")


async def _fields(request: web.Request) -> dict[str, str]:
    """Address and form together, as PHP's $_REQUEST has them."""
    return {**request.query, **await _body(request)}


async def _body(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _money(text: str) -> Decimal:
    try:
        money = Decimal(text) if _MONEY.fullmatch(text) else Decimal(0)
    except InvalidOperation:
        money = Decimal(0)
    if money <= 0:
        raise _Refused("金额(money)不合法")
    return money


def _whole(text: str, default: int) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() else default


def _china(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def _with_query(address: str, fields: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(fields)}"
