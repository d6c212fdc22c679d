"""dujiao-next (独角数卡): its upstream API. An order is made once for our number, and found again only by ordering it again."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.line import Answer, Line, address, read_json
from connectors.suppliers._reading import (
    CALLBACK_BYTES,
    codes_in,
    fresh,
    inside,
    key_of,
    listed,
    number,
    price,
    said,
    whole,
    words,
)
from core.errors import N_
from core.ports import (
    AccountChecked,
    Callback,
    Declined,
    ItemKind,
    ItemPage,
    NotGenuine,
    NotSure,
    Prepaid,
    UpstreamAsk,
    UpstreamCan,
    UpstreamField,
    UpstreamHeard,
    UpstreamItem,
    UpstreamOrder,
    UpstreamProtocol,
    UpstreamSetting,
    UpstreamShop,
    UpstreamState,
)

PROTOCOL = UpstreamProtocol(
    "dujiao-next",
    "dujiao-next (独角数卡)",
    (
        UpstreamSetting("url", N_("Address of the shop"), "https://shop.example"),
        UpstreamSetting("key", N_("Key"), "dj_7Qm2…"),
        UpstreamSetting("secret", N_("Secret"), "c0ffee…", secret=True),
    ),
)
API = "api/v1/upstream/"
PAGE = 100
LANGUAGES = ("zh-CN", "zh", "zh-TW", "en-US", "en")
RECEIVED = '{"ok": true, "message": "received"}'
STATES = {
    "pending_payment": UpstreamState.WORKING,
    "paid": UpstreamState.WORKING,
    "fulfilling": UpstreamState.WORKING,
    "partially_delivered": UpstreamState.WORKING,
    "delivered": UpstreamState.DONE,
    "completed": UpstreamState.DONE,
    "canceled": UpstreamState.FAILED,
    "partially_refunded": UpstreamState.PARTLY,
    "refunded": UpstreamState.REVERSED,
}
# These say that nothing was bought; whatever else it answers may have been said after the work.
NOTHING_BOUGHT = frozenset(
    {
        "bad_request",
        "invalid_callback_url",
        "sku_unavailable",
        "product_unavailable",
        "product_not_found",
        "sku_not_found",
        "insufficient_balance",
        "insufficient_stock",
        "payment_failed",
        "user_disabled",
        "invalid_api_key",
        "cancel_not_allowed",
        "order_not_found",
    }
)


def signature(secret: str, verb: str, path: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over method, path without query, time and the body's MD5, one a line."""
    text = f"{verb}\n{path}\n{stamp}\n{hashlib.md5(body, usedforsecurity=False).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class DujiaoNext:
    """One shop of that software that supplies us."""

    name = PROTOCOL.name

    def __init__(self, url: str, key: str, secret: str, *, seconds: float = 15.0) -> None:
        self._key, self._secret = key, secret
        self._line = Line(self.name, url, seconds=seconds, most_bytes=8 << 20)
        self._currency = ""
        self._categories: dict[int, str] = {}

    @property
    def can(self) -> UpstreamCan:
        # By our number it finds nothing; but the same number ordered again is the same order.
        return UpstreamCan(finds_by_number=False, repeats=True, callback=True, validates=False, most_quantity=100)

    async def prepaid(self) -> Prepaid:
        document = self._good(await self._ask("POST", "ping"))
        currency = words(document.get("currency"), 8).upper()
        if not currency:
            raise NotSure(f"{self.name}: no currency")
        self._currency = currency
        return Prepaid(price(document.get("balance"), currency, self.name), currency, words(document.get("site_name")))

    async def catalogue(self, after: str | None = None) -> ItemPage:
        if after is None:
            await self._read_categories()
        currency, page = await self._known_currency(), int(after or 1)
        document = self._good(await self._ask("GET", "products", [("page", str(page)), ("page_size", str(PAGE))]))
        rows, total = listed(document.get("items"), self.name), whole(document.get("total"))
        items = [item for row in rows for item in self._items(row, currency)]
        more = bool(rows) and total is not None and page * PAGE < total
        return ItemPage(items, str(page + 1) if more else None)

    async def item(self, key: str) -> UpstreamItem | None:
        product, _, _ = key.partition(":")
        currency = await self._known_currency()
        answer = await self._ask("GET", f"products/{quote(product, safe='')}")
        if answer.document.get("ok") is False and answer.document.get("error_code") in ("product_not_found", "product_unavailable"):
            return None
        document = self._good(answer)
        row = document.get("product")
        found = self._items(row if isinstance(row, dict) else document, currency)
        return next((item for item in found if item.key == key), None)

    async def check_account(self, key: str, fields: Mapping[str, str]) -> AccountChecked:
        """It cannot be asked: whoever uses it sees in `can` that it validates nothing."""
        return AccountChecked(True)

    async def order(self, ask: UpstreamAsk) -> UpstreamOrder:
        body = {
            "sku_id": whole(ask.key.partition(":")[2]),
            "quantity": ask.quantity,
            "downstream_order_no": ask.number,
            "trace_id": ask.number,
            **({"manual_form_data": dict(ask.fields)} if ask.fields else {}),
            **({"callback_url": ask.callback_url} if ask.callback_url else {}),
        }
        document = self._good(await self._ask("POST", "orders", document=body))
        order = self._order(document, ask.quantity)
        # What delivers at once is done by now; the codes are in the order itself.
        return await self._look(order.ref) or order if order.state is UpstreamState.WORKING else order

    async def find(self, number: str, ref: str | None) -> UpstreamOrder | None:
        """Only by its own number. Raises NotSure without one: that says nothing of the order."""
        if ref is None:
            raise NotSure(f"{self.name}: an order is not found by our number")
        return await self._look(ref)

    async def cancel(self, number: str, ref: str | None) -> UpstreamState:
        if ref is None:
            raise NotSure(f"{self.name}: an order is not found by our number")
        await self._known_currency()  # The answer does not name it.
        return self._order(self._good(await self._ask("POST", f"orders/{quote(ref, safe='')}/cancel")), 0, ref).state

    async def callback(self, callback: Callback) -> UpstreamHeard:
        headers = callback.headers
        stamp, given = headers.get("dujiao-next-timestamp", ""), headers.get("dujiao-next-signature", "")
        if len(callback.body) > CALLBACK_BYTES or callback.query or headers.get("dujiao-next-api-key", "") != self._key:
            raise NotGenuine("not ours, or too long")
        # Signed over the path that the protocol fixes, or over that of the address it was given: shops of both kinds are about.
        paths = ("/api/v1/upstream/callback", callback.path)
        genuine = [
            hmac.compare_digest(signature(self._secret, "POST", path, stamp, callback.body).encode(), given.encode("utf-8", "replace"))
            for path in paths
        ]
        if not any(genuine) or not fresh(stamp):
            raise NotGenuine("the signature is wrong, or too old")
        try:
            ours = number(read_json(callback.body).get("downstream_order_no"), 64)
        except ValueError:
            raise NotGenuine("not what is documented") from None
        # A callback of a split order carries the first part only, so nothing of it is read: the order is asked for.
        return UpstreamHeard(numbers=[ours] if ours else [], reply=RECEIVED)

    async def close(self) -> None:
        await self._line.close()

    async def _look(self, ref: str) -> UpstreamOrder | None:
        answer = await self._ask("GET", f"orders/{quote(ref, safe='')}")
        if answer.document.get("ok") is False and answer.document.get("error_code") == "order_not_found":
            return None
        try:
            return self._order(self._good(answer), 0, ref)
        except Declined as refusal:
            raise NotSure(str(refusal)) from None

    async def _known_currency(self) -> str:
        if not self._currency:
            await self.prepaid()
        return self._currency

    async def _read_categories(self) -> None:
        rows = listed(self._good(await self._ask("GET", "categories")).get("categories"), self.name)
        names = {whole(row.get("id")) or 0: (_worded(row.get("name")), whole(row.get("parent_id")) or 0) for row in rows}
        self._categories = {
            id: f"{names[parent][0]} / {name}" if parent in names and parent != id else name for id, (name, parent) in names.items()
        }

    def _items(self, product: Mapping[str, Any], currency: str) -> list[UpstreamItem]:
        product_id, title = whole(product.get("id")), _worded(product.get("title"))
        if product_id is None:
            raise NotSure(f"{self.name}: a product without number")
        skus = sorted(listed(product.get("skus") or [], self.name), key=lambda sku: whole(sku.get("id")) or 0)
        by_hand = product.get("fulfillment_type") == "manual"
        fields = _fields(product.get("manual_form_schema")) if by_hand else []
        items = []
        for sku in skus:
            sku_id = whole(sku.get("id"))
            if sku_id is None:
                raise NotSure(f"{self.name}: an item without number")
            amount = sku.get("member_price") or sku.get("price_amount") or product.get("member_price") or product.get("price_amount")
            count = whole(sku.get("stock_quantity"))
            stock = None if count == -1 or sku.get("stock_status") == "unlimited" else count or 0
            variant = " ".join(words(value, 60) for value in _values(sku.get("spec_values"))) if len(skus) > 1 else ""
            items.append(
                UpstreamItem(
                    f"{product_id}:{sku_id}",
                    f"{title} {variant}".strip(),
                    self._categories.get(whole(product.get("category_id")) or 0, ""),
                    price(amount, currency, self.name),
                    currency,
                    0 if sku.get("stock_status") == "out_of_stock" else stock,
                    product.get("is_active") is not False and sku.get("is_active") is not False,
                    ItemKind.MANUAL if by_hand else ItemKind.CODE,
                    fields,
                    description=_worded(product.get("description"), 1000),
                )
            )
        return items

    def _order(self, document: Mapping[str, Any], quantity: int, ref: str | None = None) -> UpstreamOrder:
        found, state = number(document.get("order_id"), 64), STATES.get(str(document.get("status")))
        currency = words(document.get("currency"), 8).upper() or self._currency
        if not found or state is None or (ref is not None and found != ref) or not currency:
            raise NotSure(f"{self.name}: an answer about another order, or about none")
        ordered = sum(whole(row.get("quantity")) or 0 for row in listed(document.get("items") or [], self.name)) or quantity
        brought = document.get("fulfillment")
        codes = codes_in(inside(brought, self.name).get("payload"), ordered) if brought else []
        if state is UpstreamState.REVERSED and not codes:
            state = UpstreamState.FAILED
        if state is UpstreamState.DONE and not codes:
            # Delivered and without what was delivered: it is asked again.
            raise NotSure(f"{self.name}: delivered, and nothing is there")
        if state is UpstreamState.DONE and ordered and len(codes) < ordered:
            state = UpstreamState.PARTLY
        amount = price(document.get("amount", "0"), currency, self.name)
        return UpstreamOrder(found, state, amount, currency, codes, len(codes))

    async def _ask(
        self, verb: str, path: str, query: Sequence[tuple[str, str]] = (), *, document: Mapping[str, Any] | None = None
    ) -> Answer:
        body = b"" if document is None else json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        to, stamp = self._line.path_of(API + path, query), str(int(time.time()))
        headers = {
            "Dujiao-Next-Api-Key": self._key,
            "Dujiao-Next-Timestamp": stamp,
            "Dujiao-Next-Signature": signature(self._secret, verb, to.partition("?")[0], stamp, body),
            **({"Content-Type": "application/json"} if body else {}),
        }
        return await self._line.signed(verb, to, headers, body)

    def _good(self, answer: Answer) -> Mapping[str, Any]:
        """What it answered; raises Declined for errors after which nothing was bought for sure, NotSure for all others."""
        document = answer.document
        if document.get("ok") is True and answer.status < 300:
            return document
        code = str(document.get("error_code", ""))
        why = f"{self.name}: {said(document, ('error_code', 'error_message'), (self._secret, self._key))}"
        raise (Declined if code in NOTHING_BOUGHT else NotSure)(why)


def _worded(value: object, most: int = 200) -> str:
    """A text that may be in several languages."""
    if isinstance(value, dict):
        value = next((value[language] for language in LANGUAGES if value.get(language)), next(iter(value.values()), ""))
    return words(value, most)


def _values(value: object) -> list[object]:
    found: list[object] = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [next(iter(each.values()), "") if isinstance(each, dict) else each for each in found]


def _fields(schema: object) -> list[UpstreamField]:
    given = schema.get("fields") if isinstance(schema, dict) else schema
    rows: list[object] = given if isinstance(given, list) else []
    return [
        UpstreamField(
            words(row.get("key") or row.get("name"), 64), _worded(row.get("label") or row.get("title")), row.get("required") is not False
        )
        for row in rows
        if isinstance(row, dict) and words(row.get("key") or row.get("name"), 64)
    ]


def shop(settings: Mapping[str, str]) -> UpstreamShop:
    """`url`, `key` and `secret`, from the account there. Raises SetUpWrong."""
    return DujiaoNext(address(settings, "url"), key_of(settings, "key"), key_of(settings, "secret"))
