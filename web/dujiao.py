"""The door for shops of dujiao-next: they buy here by the upstream API 1.0 of their own software. See docs/compatible-doors.md."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from core import api, resellers, storefronts
from core.api import ApiOrder, Form, Item, OpenedKey, ProductOf, Scope
from core.catalog import SkuView
from core.database import Shop
from core.errors import Refusal
from core.money import decimal_text
from web.api import ApiDoor
from web.compatible import Admission, NotFromThere, TooMany, lines_of
from web.dujiao_forms import (
    LANGUAGES,
    MOST_ID,
    PREFIX,
    SIGNATURE,
    VERSION,
    AskedOrder,
    No,
    claimed,
    genuine,
    in_languages,
    page_of,
    read_order,
    stock_words,
)
from web.unmet import ordered

log = structlog.get_logger()

Json = dict[str, object]
Act = Callable[[OpenedKey, bytes], Awaitable[Json]]

# What an order is called there. An order that is asked for again is "paid" whatever has become of it, as it is for the first asking.
STATES = {"working": "paid", "done": "delivered", "partly": "partially_refunded", "failed": "canceled", "reversed": "refunded"}
_OVER = frozenset({"failed", "reversed"})

# Which of its words says what one of our errors says, and the sentence with it.
_NOES = {
    api.BAD_REQUEST: ("bad_request", "The request makes no sense, or the quantity is not one that can be ordered at once."),
    api.UNKNOWN_KEY: ("invalid_api_key", "There is no such key, or it is disabled."),
    api.NOT_ALLOWED: ("user_disabled", "This key may not do that."),
    api.UNKNOWN_ITEM: ("sku_unavailable", "There is no such SKU, or it is not on sale."),
    api.BAD_FIELDS: ("bad_request", "manual_form_data does not answer what this product asks; see manual_form_schema."),
    api.OUT_OF_STOCK: ("insufficient_stock", "There are not as many left. Nothing was charged."),
    api.INSUFFICIENT_BALANCE: ("insufficient_balance", "The balance is too small. Nothing was charged."),
    api.UNKNOWN_ORDER: ("order_not_found", "There is no such order."),
    api.OTHER_ORDER: ("bad_request", "This downstream_order_no is another order already. Nothing was charged."),
    api.TOO_LATE: ("cancel_not_allowed", "It is too late to cancel this order."),
}


def _level(level: resellers.LevelView) -> Json:
    """The level of a reseller, whose name is the same in every language."""
    return {"id": level.id, "name": in_languages(lambda _: level.name), "slug": f"level-{level.rank}", "icon": ""}


def add_dujiao_door(
    app: FastAPI,
    shop: Shop,
    own: ApiDoor,
    body_of: Callable[[Request], Awaitable[bytes | None]],
    *,
    now: Callable[[], float] = time.time,
) -> None:
    """Open the door, with the limits and the memory of our own. `now` is the clock that requests are signed by, in Unix seconds."""
    door = _Door(shop, own, body_of, now)

    @app.post(f"{PREFIX}/ping", include_in_schema=False)
    async def ping(request: Request) -> Response:
        return await door.answers(request, door.ping)

    @app.get(f"{PREFIX}/categories", include_in_schema=False)
    async def categories(request: Request) -> Response:
        return await door.answers(request, door.categories)

    @app.get(f"{PREFIX}/products", include_in_schema=False)
    async def products(request: Request) -> Response:
        page, size = page_of(request.query_params)
        return await door.answers(request, lambda key, _: door.products(key, page, size))

    @app.get(f"{PREFIX}/products/{{product_id}}", include_in_schema=False)
    async def product(product_id: str, request: Request) -> Response:
        return await door.answers(request, lambda key, _: door.product(key, product_id))

    @app.post(f"{PREFIX}/orders", include_in_schema=False)
    async def order(request: Request) -> Response:
        return await door.answers(request, lambda key, body: door.order(key, body, request.headers[SIGNATURE]))

    @app.get(f"{PREFIX}/orders/{{order_id}}", include_in_schema=False)
    async def look(order_id: str, request: Request) -> Response:
        return await door.answers(request, lambda key, _: door.look(key, order_id))

    @app.post(f"{PREFIX}/orders/{{order_id}}/cancel", include_in_schema=False)
    async def cancel(order_id: str, request: Request) -> Response:
        return await door.answers(request, lambda key, _: door.cancel(key, order_id))


class _Door:
    """The answers; each is a document, or a refusal in the protocol's words."""

    def __init__(self, shop: Shop, own: ApiDoor, body_of: Callable[[Request], Awaitable[bytes | None]], now: Callable[[], float]) -> None:
        self._shop, self._body_of, self._now = shop, body_of, now
        self._admission = Admission(shop, Form.DUJIAO, own)

    async def answers(self, request: Request, act: Act) -> Response:
        """Let the caller in and answer; whatever goes wrong is said in the protocol's form, and shows nothing of the house."""
        try:
            body = await self._body_of(request)
            if body is None:
                raise No("bad_request", "The body is too long.", 413)
            key = await self._entered(request, body)
            return JSONResponse(await act(key, body))
        except No as no:
            return _refused(no)
        except Refusal as refusal:
            return _refused(_no_of(refusal))
        except Exception as trouble:
            # What became of an order is not known to the buyer now: its number, asked for again, says it.
            log.error("dujiao-door-failed", error=type(trouble).__name__)
            return _refused(No("internal_error", "Something went wrong here. Please ask again under the same number."))

    async def _entered(self, request: Request, body: bytes) -> OpenedKey:
        try:
            key = await self._admission.find(claimed(request.headers, self._now()))
            if key is None:
                raise No("invalid_api_key", "There is no such key, or it is disabled.")
            # The path as it was sent, without its query: what a proxy or a framework makes of it was not signed.
            path = request.scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "replace")
            if not any(genuine(secret, request.headers, request.method, path, body) for secret in key.secrets):
                raise No("invalid_signature", "The signature is wrong.")
            await self._admission.enter(key.key, request)
        except TooMany as many:
            raise No("too_many_requests", f"Too many requests. Please ask again in {many.seconds} seconds.") from None
        except NotFromThere:
            raise No("user_disabled", "This key may not be used from this address.") from None
        return key

    async def ping(self, key: OpenedKey, _: bytes) -> Json:
        mine = await self._shop.read(api.prepaid, key_id=key.key.id)
        storefront = await self._shop.read(storefronts.by_id, key.key.storefront_id)
        owner = await self._shop.read(resellers.reseller, key.key.customer_id)
        level = None if owner is None else owner.level
        return {
            "ok": True,
            "site_name": storefront.name,
            "protocol_version": VERSION,
            "user_id": key.key.customer_id,
            "balance": decimal_text(mine.spendable_minor, mine.currency),
            "currency": mine.currency,
            "member_level": None if level is None else _level(level),
        }

    async def categories(self, key: OpenedKey, _: bytes) -> Json:
        found = await self._shop.read(api.categories, key_id=key.key.id)
        rows = []
        for place, each in enumerate(found):
            here, way = each.category, [*each.way, each.category]
            rows.append(
                {
                    "id": here.id,
                    # Two levels there, any depth here: what lies deeper stands under the top one, with its way as its name.
                    "parent_id": way[0].id if len(way) > 1 else 0,
                    "slug": here.slug,
                    "name": in_languages(lambda language, way=way: " / ".join(step.name_in(language) for step in way[1:] or way)),  # type: ignore[misc]
                    "icon": "",
                    "sort_order": len(found) - place,  # the highest comes first there
                }
            )
        return {"ok": True, "categories": rows}

    async def products(self, key: OpenedKey, page: int, size: int) -> Json:
        found = await self._shop.read(api.products, key_id=key.key.id, page=page, size=size)
        items = [_shown(each) for each in found.products]
        return {"ok": True, "items": items, "total": found.total, "page": page, "page_size": size}

    async def product(self, key: OpenedKey, product_id: str) -> Json:
        wanted, known = _id(product_id), False
        if wanted is not None:
            found, known = await self._shop.read(api.product, key_id=key.key.id, product_id=wanted)
            if found is not None:
                return {"ok": True, "product": _shown(found)}
        if known:
            raise No("product_unavailable", "This product is not on sale now.", 404)
        raise No("product_not_found", "There is no such product.")

    async def order(self, key: OpenedKey, body: bytes, signature: str) -> Json:
        asked = read_order(body)
        # Without a number of its own a request that is played again would be a second order: then its signature is its number.
        number = asked.number or f"~{signature[:63]}"
        order = await ordered(
            self._shop,
            key.key,
            number=number,
            sku_id=asked.sku_id,
            quantity=asked.quantity,
            most_minor=None,
            partial=False,
            fields=asked.fields or None,
            callback_url=asked.callback_url,
            request_hash=_hash_of(asked),
        )
        if api.unanswered(order) and key.key.sandbox:
            raise No("internal_error", "This is what the end of that number asks for: ask again under the same number.")
        return {**_told(order), "status": state_of(order) if order.state in _OVER else "paid"}

    async def look(self, key: OpenedKey, order_id: str) -> Json:
        order = await self._found(key, order_id)
        product, sku = await self._shop.read(api.product_of, sku_id=order.sku_id)
        kind = "auto" if _automatic(product.kind) else "manual"
        row = {
            "product_id": product.id,
            "sku_id": sku.id,
            "title": in_languages(product.name_in),
            "quantity": order.quantity,
            "unit_price": decimal_text(order.unit_minor, order.currency),
            "total_price": decimal_text(order.unit_minor * order.quantity, order.currency),
            "fulfillment_type": kind,
        }
        said: Json = {**_told(order), "status": state_of(order), "items": [row]}
        lines = await self._delivered(key, order)
        if lines is None:
            return {**said, "status": "paid"}  # It is being looked at, and is not delivered until that is over.
        if lines:
            said["fulfillment"] = {
                "type": kind,
                "status": "delivered",
                "payload": "\n".join(lines),
                "delivery_data": None,
                "delivered_at": _when(order.at),
            }
        return said

    async def cancel(self, key: OpenedKey, order_id: str) -> Json:
        order = await self._found(key, order_id)
        order = await self._shop.write(api.cancel, key_id=key.key.id, order_id=order.order_id)
        if order.state != "failed":
            # Only a part could be called off: to this protocol "canceled" is all of it, and all of its money.
            raise No("cancel_not_allowed", "Only a part could be called off; the rest is still delivered and charged.")
        return {"ok": True, "order_id": order.order_id, "order_no": order.ours, "status": "canceled"}

    async def _found(self, key: OpenedKey, order_id: str) -> ApiOrder:
        wanted = _id(order_id)
        order = None if wanted is None else await self._shop.read(api.find_order, key_id=key.key.id, order_id=wanted)
        if order is None:
            raise No("order_not_found", "There is no such order.")
        return order

    async def _delivered(self, key: OpenedKey, order: ApiOrder) -> list[str] | None:
        """The codes a line each, or a line for each unit that went straight to an account; None while the shop is looking at it."""
        if not order.codes or Scope.CODES not in key.key.scopes:
            return []
        lines = await lines_of(self._shop, key.key.id, order.order_id)
        return [f"{order.ours} {n}" for n in range(1, order.got + 1)] if lines == [] else lines


def state_of(order: ApiOrder) -> str:
    """What an order is called there; what a source took back is refunded only when the money is back."""
    if order.state == "reversed" and order.amount_minor:
        return STATES["done"]
    return STATES[order.state]


def _hash_of(asked: AskedOrder) -> bytes:
    # How it is traced and where it is reported makes no other order.
    return api.request_hash(
        sku_id=asked.sku_id, quantity=asked.quantity, most_minor=None, partial=False, fields=asked.fields, callback_url=None
    )


def _told(order: ApiOrder) -> Json:
    amount = order.amount_minor if order.state != "working" else order.unit_minor * order.quantity
    return {
        "ok": True,
        "order_id": order.order_id,
        "order_no": order.ours,
        "amount": decimal_text(amount, order.currency),
        "currency": order.currency,
    }


def _shown(each: ProductOf) -> Json:
    product, items = each.product, sorted(each.items, key=lambda item: item.sku_id)
    least = min(items, key=_unit)
    return {
        "id": product.id,
        "slug": product.slug,
        "title": in_languages(product.name_in),
        "description": in_languages(product.description_in),
        "content": in_languages(product.redeem_in),
        "seo_meta": {},
        "images": [],
        "tags": [],
        **_prices(least, each.public),
        "fulfillment_type": "auto" if _automatic(product.kind) else "manual",
        "manual_form_schema": _schema(items[0]),
        "is_active": True,
        "category_id": product.category_id,
        "skus": [_sku(item, each.skus[item.sku_id], each.public) for item in items],
        "created_at": _EVER,
        "updated_at": _EVER,
    }


# The catalogue keeps no times of its own; shops of that software compare contents, and show these to nobody.
_EVER = "2026-01-01T00:00:00Z"


def _sku(item: Item, sku: SkuView, public: Mapping[int, int]) -> Json:
    status, count = stock_words(item.stock)
    return {
        "id": item.sku_id,
        "sku_code": item.key,
        "spec_values": {"规格": sku.name_in("zh-hans")},
        **_prices(item, public),
        "stock_status": status,
        "stock_quantity": count,
        "is_active": True,
    }


def _prices(item: Item, public: Mapping[int, int]) -> Json:
    unit, everybody = _unit(item), public.get(item.sku_id)
    said: Json = {"price_amount": decimal_text(unit, item.currency)}
    if everybody is not None and everybody > unit:
        said |= {"original_price": decimal_text(everybody, item.currency), "member_price": decimal_text(unit, item.currency)}
    return said


def _unit(item: Item) -> int:
    assert item.price is not None, "it is active"
    return item.price.unit_for(item.least)


def _schema(item: Item) -> Json | None:
    """The questions of a product, in the words of that software's form."""
    if not item.fields:
        return None
    rows = [
        {
            "key": asked.name,
            "label": in_languages(asked.title_in),
            "type": "select" if asked.choices else "text",
            "required": not asked.optional,
            "options": list(asked.choices),
            "placeholder": dict.fromkeys(LANGUAGES, asked.example),
        }
        for asked in item.fields
    ]
    return {"fields": rows}


def _automatic(kind: str) -> bool:
    return kind in ("code", "licence", "account")


def _id(text: str) -> int | None:
    found = int(text) if re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) else 0
    return found if 1 <= found <= MOST_ID else None


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_of(refusal: Refusal) -> No:
    if isinstance(refusal, api.DayLimitReached):
        return No("insufficient_balance", "The limit of this key for the day is reached. Nothing was charged.")
    if isinstance(refusal, api.NothingToFetch):
        return No("order_not_found", "This order has nothing to be fetched.")
    code, message = _NOES.get(api.band(refusal), ("internal_error", "Something went wrong here. Please ask again under the same number."))
    return No(code, message)


def _refused(no: No) -> Response:
    headers = {"Retry-After": "60"} if no.status == 429 else {}
    document: dict[str, Any] = no.document()
    return JSONResponse(document, status_code=no.status, headers=headers)
