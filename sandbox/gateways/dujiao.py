"""A shop of dujiao-next that supplies others by its upstream API, version 1.0."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from aiohttp import web

from sandbox.gateways.courier import Letter
from sandbox.gateways.upstream import DONE, FAILED, PARTLY, REVERSED, WORKING, Bought, No, Upstream, Ware

API = "/api/v1/upstream"
STATUS = {WORKING: "paid", DONE: "delivered", PARTLY: "partially_refunded", FAILED: "canceled", REVERSED: "refunded"}
NOES = {
    "unknown_item": (400, "sku_unavailable"),
    "bad_request": (400, "bad_request"),
    "out_of_stock": (409, "insufficient_stock"),
    "insufficient_balance": (402, "insufficient_balance"),
}


class DujiaoUpstream(Upstream):
    """Wares have keys such as "7:71": product and SKU."""

    brand: ClassVar[str] = "dujiao-next"
    finds: ClassVar[bool] = False
    shows_what_it_took_back: ClassVar[bool] = True

    def __init__(self, key: str, secret: str, **more: Any) -> None:
        super().__init__(**more)
        self.key, self.secret = key, secret

    def _routes(self) -> Iterable[web.RouteDef]:
        def door(handler: Any) -> Any:
            return self._api(handler, refused=self._refused)

        return [
            web.post(f"{API}/ping", door(self._ping)),
            web.get(f"{API}/categories", door(self._categories)),
            web.get(f"{API}/products", door(self._products)),
            web.get(f"{API}/products/{{id}}", door(self._product)),
            web.post(f"{API}/orders", door(self._order)),
            web.get(f"{API}/orders/{{id}}", door(self._look)),
            web.post(f"{API}/orders/{{id}}/cancel", door(self._cancel)),
        ]

    def _refused(self, request: web.Request, body: bytes) -> web.StreamResponse | None:
        headers = request.headers
        stamp, given = headers.get("Dujiao-Next-Timestamp"), headers.get("Dujiao-Next-Signature")
        if stamp is None or given is None or "Dujiao-Next-Api-Key" not in headers:
            return _no(401, "missing_auth_headers")
        if headers["Dujiao-Next-Api-Key"] != self.key:
            return _no(401, "invalid_api_key")
        if not re.fullmatch(r"[0-9]{1,12}", stamp):
            return _no(401, "invalid_timestamp")
        if abs(time.time() - int(stamp)) > 60:
            return _no(401, "timestamp_expired")
        if not hmac.compare_digest(given.encode(), self._signature(request.method, request.path, stamp, body).encode()):
            return _no(401, "invalid_signature")
        return None

    def _signature(self, verb: str, path: str, stamp: str, body: bytes, secret: str = "") -> str:
        text = f"{verb}\n{path}\n{stamp}\n{hashlib.md5(body, usedforsecurity=False).hexdigest()}"
        return hmac.new((secret or self.secret).encode(), text.encode(), hashlib.sha256).hexdigest()

    async def _ping(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "ok": True,
                "site_name": self.title,
                "protocol_version": "1.0",
                "user_id": 7,
                "balance": f"{self.balance:.2f}",
                "currency": self.currency,
                "member_level": None,
            }
        )

    async def _categories(self, request: web.Request) -> web.StreamResponse:
        names = sorted({ware.category for ware in self.wares.values()})
        return web.json_response(
            {
                "ok": True,
                "categories": [
                    {"id": n, "parent_id": 0, "slug": f"c{n}", "name": {"zh-CN": name, "en-US": name}, "icon": "", "sort_order": n}
                    for n, name in enumerate(names, 1)
                ],
            }
        )

    async def _products(self, request: web.Request) -> web.StreamResponse:
        page, size = int(request.query.get("page", "1")), min(100, int(request.query.get("page_size", "20")))
        ids = sorted({int(key.partition(":")[0]) for key, ware in self.wares.items() if ware.active})
        shown = [self._shown(id) for id in ids[(page - 1) * size : page * size]]
        return web.json_response({"ok": True, "items": shown, "total": len(ids), "page": page, "page_size": size})

    async def _product(self, request: web.Request) -> web.StreamResponse:
        id = int(request.match_info["id"])
        if not any(int(key.partition(":")[0]) == id for key in self.wares):
            return _no(404, "product_not_found")
        return web.json_response({"ok": True, "product": self._shown(id)})

    async def _order(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        number = str(asked.get("downstream_order_no") or "")
        for bought in self.orders:
            if number and bought.number == number:
                return web.json_response(self._paid(bought))
        key = next((key for key in self.wares if key.partition(":")[2] == str(asked.get("sku_id"))), "")
        try:
            bought = self._buy(
                number,
                key,
                int(asked.get("quantity", 0)),
                fields=asked.get("manual_form_data"),
                callback_url=str(asked.get("callback_url", "")),
            )
        except No as no:
            return _no(*NOES[no.why])
        return web.json_response(self._paid(bought))

    async def _look(self, request: web.Request) -> web.StreamResponse:
        try:
            if self.faults.take("forgets"):
                raise LookupError
            bought = self.order(request.match_info["id"])
        except LookupError:
            return _no(404, "order_not_found")
        row: dict[str, object] = {
            "product_id": bought.ware.key.partition(":")[0],
            "sku_id": bought.ware.key.partition(":")[2],
            "title": {"zh-CN": bought.ware.title},
            "quantity": bought.quantity,
            "unit_price": f"{bought.ware.price:.2f}",
            "total_price": f"{bought.amount:.2f}",
            "fulfillment_type": "manual" if bought.ware.kind == "manual" else "auto",
        }
        said = {**self._paid(bought), "status": STATUS[bought.state], "items": [row]}
        if bought.codes:
            said["fulfillment"] = {
                "type": "auto",
                "status": "delivered",
                "payload": "\n".join(bought.codes),
                "delivery_data": {},
                "delivered_at": "2026-04-01T00:00:00Z",
            }
        return web.json_response(said)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        try:
            bought = self.order(request.match_info["id"])
        except LookupError:
            return _no(404, "order_not_found")
        if bought.state != WORKING:
            return _no(409, "cancel_not_allowed")
        self.fail(bought.ref)
        return web.json_response({**self._paid(bought), "status": "canceled"})

    def _paid(self, bought: Bought) -> dict[str, object]:
        status = STATUS[bought.state] if bought.state in (FAILED, REVERSED) else "paid"
        return {
            "ok": True,
            "order_id": bought.ref,
            "order_no": f"DJ{bought.ref}",
            "status": status,
            "amount": f"{bought.amount:.2f}",
            "currency": self.currency,
        }

    def _shown(self, id: int) -> dict[str, object]:
        of = [ware for key, ware in self.wares.items() if int(key.partition(":")[0]) == id]
        names = sorted({ware.category for ware in self.wares.values()})
        return {
            "id": id,
            "slug": f"p{id}",
            "title": {"zh-CN": of[0].title, "en-US": of[0].title},
            "description": {"zh-CN": "<p>自动发货</p>"},
            "price_amount": f"{of[0].price:.2f}",
            "fulfillment_type": "manual" if of[0].kind == "manual" else "auto",
            "manual_form_schema": {"fields": list(of[0].fields)},
            "is_active": True,
            "category_id": names.index(of[0].category) + 1,
            "skus": [_sku(ware) for ware in of],
        }

    def _callback(self, bought: Bought) -> Letter | None:
        facts = {
            "event": "order.status",
            "order_id": bought.ref,
            "downstream_order_no": bought.number,
            "status": STATUS[bought.state],
            "timestamp": int(time.time()),
        }
        body, stamp = json.dumps(facts).encode(), str(int(time.time()))
        secret = "another" if self.faults.take("wrong_sign") else self.secret
        headers = {
            "Content-Type": "application/json",
            "Dujiao-Next-Api-Key": self.key,
            "Dujiao-Next-Timestamp": stamp,
            "Dujiao-Next-Signature": self._signature("POST", f"{API}/callback", stamp, body, secret),
        }
        return Letter("POST", bought.callback_url, headers, body)


def _sku(ware: Ware) -> dict[str, object]:
    count = -1 if ware.stock is None else ware.stock
    status = "unlimited" if count < 0 else "in_stock" if count > 20 else "low_stock" if count else "out_of_stock"
    return {
        "id": int(ware.key.partition(":")[2]),
        "sku_code": ware.key,
        "spec_values": {"面值": ware.title},
        "price_amount": f"{ware.price:.2f}",
        "stock_status": status,
        "stock_quantity": count,
        "is_active": ware.active,
    }


def _no(status: int, code: str) -> web.StreamResponse:
    return web.json_response({"ok": False, "error_code": code, "error_message": f"<b>{code}</b>"}, status=status)
