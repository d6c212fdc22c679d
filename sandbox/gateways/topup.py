"""An operator of direct top-ups, by the generic API of docs/upstreams.md: results come later, and may be taken back."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from aiohttp import web

from sandbox.gateways.courier import Letter
from sandbox.gateways.upstream import DONE, FAILED, PARTLY, REVERSED, WORKING, Bought, No, Upstream, Ware

STATUS = {WORKING: "processing", DONE: "success", PARTLY: "partial", FAILED: "failed", REVERSED: "reversed"}
NOES = {
    "unknown_item": (404, "unknown_product"),
    "bad_request": (400, "bad_request"),
    "price_too_high": (409, "price_too_high"),
    "insufficient_balance": (402, "insufficient_balance"),
    "bad_account": (400, "bad_account"),
}


class TopupUpstream(Upstream):
    """Accounts that begin with 0 do not exist."""

    brand: ClassVar[str] = "topup"

    def __init__(self, key: str, secret: str, **more: Any) -> None:
        super().__init__(**more)
        self.key, self.secret = key, secret

    def _routes(self) -> Iterable[web.RouteDef]:
        def door(handler: Any) -> Any:
            return self._api(handler, refused=self._refused)

        return [
            web.get("/v1/account", door(self._account)),
            web.get("/v1/products", door(self._products)),
            web.get("/v1/products/{key}", door(self._product)),
            web.post("/v1/accounts/validate", door(self._validate)),
            web.post("/v1/orders", door(self._order)),
            web.get("/v1/orders", door(self._find)),
            web.post("/v1/orders/cancel", door(self._cancel)),
        ]

    def _refused(self, request: web.Request, body: bytes) -> web.StreamResponse | None:
        headers = request.headers
        stamp, given = headers.get("X-Topup-Timestamp", ""), headers.get("X-Topup-Signature", "")
        if headers.get("X-Topup-Key") != self.key:
            return _no(401, "unknown_key")
        if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(time.time() - int(stamp)) > 60:
            return _no(401, "old_timestamp")
        if not hmac.compare_digest(given.encode(), self._signature(stamp, request.method, request.raw_path, body).encode()):
            return _no(401, "bad_signature")
        return None

    def _signature(self, stamp: str, verb: str, path: str, body: bytes, secret: str = "") -> str:
        return hmac.new((secret or self.secret).encode(), f"{stamp}\n{verb}\n{path}\n".encode() + body, hashlib.sha256).hexdigest()

    async def _account(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"name": self.title, "balance": f"{self.balance:.2f}", "currency": self.currency})

    async def _products(self, request: web.Request) -> web.StreamResponse:
        keys = sorted(key for key in self.wares if key > request.query.get("after", ""))
        part = keys[:50]
        return web.json_response({"products": [self._shown(self.wares[key]) for key in part], "next": part[-1] if len(keys) > 50 else None})

    async def _product(self, request: web.Request) -> web.StreamResponse:
        ware = self.wares.get(request.match_info["key"])
        return _no(404, "unknown_product") if ware is None else web.json_response(self._shown(ware))

    async def _validate(self, request: web.Request) -> web.StreamResponse:
        account = _account_in((await request.json()).get("fields"))
        valid = _exists(account)
        return web.json_response(
            {"valid": valid, "holder": f"{account[:3]}***" if valid else "", "reason": "" if valid else "no such account"}
        )

    async def _order(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = json.loads(await request.read())
            number, quantity = str(asked["reference"]), int(asked["quantity"])
            for bought in self.orders:
                if bought.number == number:
                    return web.json_response(self._said(bought, repeated=True))
            if not _exists(_account_in(asked.get("fields"))):
                raise No("bad_account")
            bought = self._buy(
                number,
                str(asked["product"]),
                quantity,
                most=Decimal(asked["max_price"]) * quantity,
                fields=asked.get("fields"),
                callback_url=str(asked.get("callback_url", "")),
            )
        except (ValueError, KeyError, TypeError, InvalidOperation):
            return _no(400, "bad_request")
        except No as no:
            return _no(*NOES[no.why])
        return web.json_response(self._said(bought, repeated=bool(self.faults.take("says_repeated"))), status=202)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        try:
            if self.faults.take("forgets"):
                raise LookupError
            return web.json_response(self._said(self.order(request.query.get("reference", ""))))
        except LookupError:
            return _no(404, "order_not_found")

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        try:
            bought = self.order(str((await request.json()).get("reference")))
        except LookupError:
            return _no(404, "order_not_found")
        if bought.state != WORKING:
            return _no(409, "too_late")
        self.fail(bought.number)
        return web.json_response(self._said(bought))

    def _said(self, bought: Bought, *, repeated: bool = False) -> dict[str, object]:
        return {
            "id": bought.ref,
            "reference": bought.number,
            "status": STATUS[bought.state],
            "charged": f"{bought.amount:.2f}",
            "currency": self.currency,
            "done": bought.got,
            "receipt": bought.note,
            "repeated": repeated,
        }

    def _shown(self, ware: Ware) -> dict[str, object]:
        return {
            "product": ware.key,
            "title": ware.title,
            "category": ware.category,
            "price": f"{ware.price:.2f}",
            "currency": self.currency,
            "active": ware.active,
            "most": 10,
            "description": "",
            "fields": list(ware.fields) or [{"name": "account", "title": "Phone number", "required": True, "pattern": "[0-9]{5,15}"}],
        }

    def _callback(self, bought: Bought) -> Letter | None:
        body = json.dumps({"event": "order", "id": bought.ref, "reference": bought.number, "status": STATUS[bought.state]}).encode()
        stamp = str(int(time.time()))
        secret = "another" if self.faults.take("wrong_sign") else self.secret
        headers = {
            "Content-Type": "application/json",
            "X-Topup-Key": self.key,
            "X-Topup-Timestamp": stamp,
            "X-Topup-Signature": self._signature(stamp, "POST", "", body, secret),
        }
        return Letter("POST", bought.callback_url, headers, body)


def _account_in(fields: object) -> str:
    return str(fields.get("account", "")) if isinstance(fields, dict) else ""


def _exists(account: str) -> bool:
    return bool(account) and not account.startswith("0")


def _no(status: int, error: str) -> web.StreamResponse:
    return web.json_response({"error": error, "message": f"{error.replace('_', ' ')}."}, status=status)
