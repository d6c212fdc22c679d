"""A shop that supplies others by the signed API of docs/upstreams.md, written from that document."""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from aiohttp import web

from sandbox.gateways.courier import Letter, Notice
from sandbox.gateways.upstream import DONE, PARTLY, WORKING, Bought, No, Upstream, Ware

# Bands: 1 who asks and how, 2 items, 3 stock, 4 money, 5 orders, 9 the server. (status, retryable, final)
ERRORS = {
    "bad_request": (1000, 400, False, True),
    "unknown_key": (1001, 401, False, False),
    "bad_signature": (1002, 401, True, False),
    "old_timestamp": (1003, 401, True, False),
    "nonce_seen": (1004, 401, True, False),
    "unknown_item": (2001, 404, False, True),
    "price_too_high": (2002, 409, False, True),
    "bad_fields": (2003, 400, False, True),
    "out_of_stock": (3001, 409, True, True),
    "insufficient_balance": (4001, 402, True, True),
    "unknown_order": (5001, 404, True, False),
    "other_order": (5002, 409, False, True),
    "too_late": (5003, 409, False, True),
}
SECONDS = 60


class OwnShopUpstream(Upstream):
    """The serving side of our own protocol."""

    brand: ClassVar[str] = "own-shop"

    def __init__(self, key: str, secret: str, **more: Any) -> None:
        super().__init__(**more)
        self.key, self.secret = key, secret
        self.item_callback_url = ""  # where changes of items are told, when anywhere
        self._nonces: set[str] = set()
        self._log: list[str] = []  # the keys of items in the order in which they changed
        self._events = 0
        self._hashes: dict[str, bytes] = {}

    def _routes(self) -> Iterable[web.RouteDef]:
        def door(handler: Any) -> Any:
            return self._api(handler, refused=self._refused)

        return [
            web.get("/api/v1/me", door(self._me)),
            web.get("/api/v1/items", door(self._items)),
            web.get("/api/v1/items/{key}", door(self._one)),
            web.post("/api/v1/items/{key}/check", door(self._check)),
            web.get("/api/v1/changes", door(self._changes)),
            web.post("/api/v1/orders", door(self._order)),
            web.get("/api/v1/orders", door(self._find)),
            web.post("/api/v1/orders/cancel", door(self._cancel)),
            web.get("/api/v1/orders/{ref}/codes", door(self._codes)),
        ]

    def _refused(self, request: web.Request, body: bytes) -> web.StreamResponse | None:
        headers = request.headers
        stamp, nonce = headers.get("Shop-Timestamp", ""), headers.get("Shop-Nonce", "")
        if headers.get("Shop-Key") != self.key:
            return _error("unknown_key")
        if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(time.time() - int(stamp)) > SECONDS:
            return _error("old_timestamp")
        given = headers.get("Shop-Signature", "")
        expected = self._signature(stamp, nonce, request.method, request.raw_path, body)
        if not hmac.compare_digest(given.encode(), expected.encode()) or not 16 <= len(nonce) <= 64:
            return _error("bad_signature")
        if nonce in self._nonces:
            return _error("nonce_seen")
        self._nonces.add(nonce)
        return None

    def _signature(self, stamp: str, nonce: str, verb: str, path: str, body: bytes, secret: str = "") -> str:
        text = f"{stamp}\n{nonce}\n{verb}\n{path}\n{hashlib.sha256(body).hexdigest()}"
        return hmac.new((secret or self.secret).encode(), text.encode(), hashlib.sha256).hexdigest()

    async def _me(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"name": self.title, "currency": self.currency, "balance": f"{self.balance:.2f}"})

    async def _items(self, request: web.Request) -> web.StreamResponse:
        after, limit = request.query.get("after", ""), int(request.query.get("limit", "100"))
        keys = sorted(key for key in self.wares if key > after)
        part = keys[:limit]
        return web.json_response({"items": [self._shown(self.wares[key]) for key in part], "next": part[-1] if len(keys) > limit else None})

    async def _one(self, request: web.Request) -> web.StreamResponse:
        ware = self.wares.get(request.match_info["key"])
        return _error("unknown_item") if ware is None else web.json_response(self._shown(ware))

    async def _check(self, request: web.Request) -> web.StreamResponse:
        fields = (await request.json()).get("fields", {})
        account = str(next(iter(fields.values()), ""))
        good = bool(account) and not account.startswith("0")
        return web.json_response({"good": good, "shown": f"{account[:1]}***" if good else "", "why": "" if good else "no such account"})

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        after = request.query.get("after", "")
        start = int(after) if after.isdigit() else len(self._log)
        part = self._log[start : start + 100]
        told = [self._change(self.wares.get(key), key) for key in part]
        return web.json_response({"changes": told, "next": str(start + len(part)), "more": start + len(part) < len(self._log)})

    async def _order(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            asked = json.loads(body)
            number, most = str(asked["number"]), Decimal(asked["max_cost"])
            fingerprint = hashlib.sha256(body).digest()
            if number in self._hashes:
                if self._hashes[number] != fingerprint:
                    return _error("other_order")
                return web.json_response(self._said(self.order(number), repeated=True))
            bought = self._buy(
                number,
                str(asked["item"]),
                int(asked["quantity"]),
                most=most,
                fields=asked.get("fields"),
                callback_url=str(asked.get("callback_url", "")),
                partial=asked.get("partial") is True,
            )
        except (ValueError, KeyError, TypeError, InvalidOperation):
            return _error("bad_request")
        except No as no:
            return _error(no.why)
        self._hashes[number] = fingerprint
        return web.json_response(self._said(bought, repeated=bool(self.faults.take("says_repeated"))), status=201)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        try:
            if self.faults.take("forgets"):
                raise LookupError
            return web.json_response(self._said(self.order(request.query.get("number", ""))))
        except LookupError:
            return _error("unknown_order")

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        try:
            bought = self.order(str((await request.json()).get("number")))
        except LookupError:
            return _error("unknown_order")
        if bought.state != WORKING:
            return _error("too_late")
        self.fail(bought.number)
        return web.json_response(self._said(bought))

    async def _codes(self, request: web.Request) -> web.StreamResponse:
        try:
            bought = self.order(request.match_info["ref"])
        except LookupError:
            return _error("unknown_order")
        start, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "100"))
        part = bought.codes[start : start + limit]
        more = start + len(part) < len(bought.codes)
        return web.json_response(
            {"codes": [{"number": None, "secret": code} for code in part], "next": str(start + len(part)) if more else None}
        )

    def _said(self, bought: Bought, *, repeated: bool = False) -> dict[str, object]:
        return {
            "id": bought.ref,
            "number": bought.number,
            "state": bought.state,
            "amount": f"{bought.amount:.2f}",
            "currency": self.currency,
            "got": bought.got,
            "codes": bool(bought.codes) and bought.state in (DONE, PARTLY),
            "note": bought.note,
            "repeated": repeated,
        }

    def _shown(self, ware: Ware) -> dict[str, object]:
        return {
            "key": ware.key,
            "title": ware.title,
            "category": ware.category,
            "price": f"{ware.price:.2f}",
            "currency": self.currency,
            "stock": ware.stock,
            "active": ware.active,
            "kind": ware.kind,
            "fields": list(ware.fields),
            "least": 1,
            "most": None,
            "description": "",
            "version": ware.version,
        }

    def _change(self, ware: Ware | None, key: str) -> dict[str, object]:
        if ware is None:
            return {"key": key, "version": 10**9, "active": False, "stock": 0}
        stock: object = "unlimited" if ware.stock is None else ware.stock
        return {
            "key": key,
            "version": ware.version,
            "price": f"{ware.price:.2f}",
            "currency": self.currency,
            "stock": stock,
            "active": ware.active,
        }

    def _changed(self, ware: Ware) -> None:
        super()._changed(ware)
        self._log.append(ware.key)
        if self.item_callback_url:
            item = self._change(ware, ware.key)
            self._courier.post(
                Notice(
                    ware.key,
                    "item",
                    lambda: self._letter(self.item_callback_url, {"type": "item", "item": item}),
                    lambda status, _: status == web.HTTPOk.status_code,
                )
            )

    def _callback(self, bought: Bought) -> Letter | None:
        return self._letter(
            bought.callback_url, {"type": "order", "order": {"id": bought.ref, "number": bought.number, "state": bought.state}}
        )

    def _letter(self, address: str, facts: Mapping[str, object]) -> Letter:
        self._events += 1
        body = json.dumps({"event": f"ev_{self._events}", "sequence": self._events, **facts}).encode()
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        secret = "another" if self.faults.take("wrong_sign") else self.secret
        headers = {
            "Content-Type": "application/json",
            "Shop-Key": self.key,
            "Shop-Timestamp": stamp,
            "Shop-Nonce": nonce,
            "Shop-Signature": self._signature(stamp, nonce, "POST", "", body, secret),
        }
        return Letter("POST", address, headers, body)


def _error(name: str) -> web.StreamResponse:
    code, status, retryable, final = ERRORS[name]
    error = {"code": code, "name": name, "message": f"{name.replace('_', ' ')}.", "retryable": retryable, "final": final}
    return web.json_response({"error": error}, status=status)
