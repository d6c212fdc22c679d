"""The door for shops of acg-faka: they buy here by the shared API that they buy from each other by. See docs/compatible-doors.md."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from core import api, catalog, storefronts
from core.api import ApiOrder, CategoryOf, Form, Item, OpenedKey, Scope
from core.database import Shop
from core.errors import Refusal
from core.money import decimal_text
from web import acg_forms as forms
from web.acg_forms import No, Purchase, code_of, word
from web.api import ApiDoor
from web.compatible import Admission, NotFromThere, TooMany, lines_of
from web.php_forms import Form as Fields
from web.unmet import lacks, ordered

log = structlog.get_logger()

PREFIX = "/shared"
LANGUAGE = "zh-hans"  # the protocol has one language, and its shops speak this one
WAIT_SECONDS = 20.0  # its clients hang up after thirty
LOOK_EVERY_SECONDS = 0.5
# The server takes so many requests at once and no more: those that wait must leave room for all others, first of all for payments.
MOST_WAITING = 64
MOST_WAITING_OF_A_KEY = 4
ITEMS_AT_ONCE = 500

Act = Callable[[OpenedKey, Fields], Awaitable[object]]

_NOES = {
    api.UNKNOWN_KEY: forms.NO_MERCHANT,
    api.NOT_ALLOWED: "商户无权限",
    api.BAD_REQUEST: "购买数量格式错误，或超出限制",
    api.UNKNOWN_ITEM: forms.NOT_SOLD,
    api.BAD_FIELDS: "请填写该商品要求的信息，格式请见 widget",
    api.OUT_OF_STOCK: forms.SOLD_OUT,
    api.INSUFFICIENT_BALANCE: forms.NO_MONEY,
    api.UNKNOWN_ORDER: forms.NO_ORDER,
    api.OTHER_ORDER: forms.OTHER_ORDER,
}


def add_acg_door(
    app: FastAPI,
    shop: Shop,
    own: ApiDoor,
    body_of: Callable[[Request], Awaitable[bytes | None]],
    *,
    wait_seconds: float = WAIT_SECONDS,
    look_every_seconds: float = LOOK_EVERY_SECONDS,
) -> None:
    """Open the door, with the limits and the memory of our own. A purchase of what is not on a shelf waits for it for `wait_seconds`."""
    door = _Door(shop, own, body_of, wait_seconds, look_every_seconds)
    calls: dict[str, Act] = {
        "authentication/connect": door.connect,
        "commodity/items": door.items,
        "commodity/item": door.item,
        "commodity/inventory": door.inventory,
        "commodity/inventoryState": door.inventory_state,
        "commodity/stock": door.stock,
        "commodity/valuation": door.valuation,
        "commodity/trade": door.trade,
        "commodity/query": door.query,
        "commodity/draftCard": door.drafts,
        "commodity/draft": door.drafts,
    }

    @app.post(f"{PREFIX}/{{group}}/{{call}}", include_in_schema=False)
    async def shared(group: str, call: str, request: Request) -> Response:
        act = calls.get(f"{group}/{call}")
        if act is None:
            return JSONResponse(No("接口不存在").document(), status_code=404)
        return await door.answers(request, act)


class _Door:
    """The answers; each is the data of the envelope, or a refusal in the protocol's words."""

    def __init__(
        self,
        shop: Shop,
        own: ApiDoor,
        body_of: Callable[[Request], Awaitable[bytes | None]],
        wait_seconds: float,
        look_every_seconds: float,
    ) -> None:
        self._shop, self._body_of, self._wait, self._every = shop, body_of, wait_seconds, look_every_seconds
        self._admission = Admission(shop, Form.ACG, own)
        self._waiting: Counter[int] = Counter()  # requests by the id of their key

    async def answers(self, request: Request, act: Act) -> Response:
        """Let the caller in and answer; whatever goes wrong is said in the protocol's form, and shows nothing of the house."""
        try:
            body = await self._body_of(request)
            if body is None:
                raise No(forms.WRONG_FORM, 413)
            fields = forms.read(body)
            key = await self._entered(request, fields)
            return JSONResponse(forms.done(await act(key, fields)))
        except No as no:
            return JSONResponse(no.document(), status_code=no.status)
        except Refusal as refusal:
            words = forms.NO_MONEY if isinstance(refusal, api.DayLimitReached) else _NOES.get(api.band(refusal), forms.TROUBLE)
            return JSONResponse(No(words).document())
        except Exception as trouble:
            # What became of a purchase is not known to the buyer now: the same request again says it.
            log.error("acg-door-failed", error=type(trouble).__name__)
            return JSONResponse(No(forms.TROUBLE).document(), status_code=500)

    async def _entered(self, request: Request, fields: Fields) -> OpenedKey:
        try:
            key = await self._admission.find(word(fields, "app_id", most=64))
            if key is None:
                raise No(forms.NO_MERCHANT)
            # What stands in app_key is the secret itself, sent by shops that know no better: it proves nothing here, the sign does.
            if not any(forms.genuine(fields, secret) for secret in key.secrets):
                raise No(forms.WRONG_SIGN)
            await self._admission.enter(key.key, request)
        except TooMany:
            raise No(forms.BUSY, 429) from None
        except NotFromThere:
            raise No("商户无权限") from None
        return key

    async def connect(self, key: OpenedKey, _: Fields) -> object:
        mine = await self._shop.read(api.prepaid, key_id=key.key.id)
        storefront = await self._shop.read(storefronts.by_id, key.key.storefront_id)
        return {"shopName": storefront.name, "balance": decimal_text(mine.spendable_minor, mine.currency)}

    async def items(self, key: OpenedKey, _: Fields) -> object:
        by_category: dict[int, list[Item]] = {}
        after: int | None = 0
        while after is not None:
            page = await self._shop.read(api.items, key_id=key.key.id, after=after, limit=ITEMS_AT_ONCE)
            for item in page.items:
                by_category.setdefault(item.category_id, []).append(item)
            after = page.after
        found = await self._shop.read(api.categories, key_id=key.key.id)
        return [
            _category(each, place, by_category[each.category.id]) for place, each in enumerate(found) if each.category.id in by_category
        ]

    async def item(self, key: OpenedKey, fields: Fields) -> object:
        return _goods(await self._item(key, forms.wanted(fields, "code", "sharedCode")))

    async def inventory(self, key: OpenedKey, fields: Fields) -> object:
        item = await self._item(key, forms.wanted(fields, "sharedCode", "shared_code", "code"))
        shown = _goods(item)
        names = ("delivery_way", "draft_status", "price", "user_price", "config", "factory_price")
        return {"count": item.stock, **{name: shown[name] for name in names}, "is_category": False}

    async def inventory_state(self, key: OpenedKey, fields: Fields) -> object:
        item = await self._item(key, forms.wanted(fields, "shared_code", "sharedCode", "code"))
        if word(fields, "card_id") not in ("", "0"):
            raise No(forms.NO_DRAFTS)
        wanted = max(forms.count(fields), item.least)
        if item.stock < wanted:
            # Shops of this kind ask before they order, and order nothing after a no.
            lacks(key.key, item.sku_id, min(wanted, item.most) - item.stock)
            raise No(forms.SOLD_OUT)
        return None

    async def stock(self, key: OpenedKey, fields: Fields) -> object:
        return {"stock": str((await self._item(key, forms.wanted(fields, "code"))).stock)}

    async def valuation(self, key: OpenedKey, fields: Fields) -> object:
        sku_id, quantity = forms.wanted(fields, "code"), forms.count(fields)
        quote = await self._shop.read(api.quote, key_id=key.key.id, sku_id=sku_id, quantity=quantity)
        return {"price": decimal_text(quote.total_minor, quote.currency), "currency_code": quote.currency}

    async def trade(self, key: OpenedKey, fields: Fields) -> object:
        asked = forms.read_purchase(fields)
        if await self._shop.read(catalog.sku, asked.sku_id) is None:
            raise No(forms.NO_GOODS)
        order = await ordered(
            self._shop,
            key.key,
            number=asked.number,
            sku_id=asked.sku_id,
            quantity=asked.quantity,
            most_minor=None,
            partial=False,
            fields=asked.fields or None,
            callback_url=None,
            request_hash=_hash_of(asked),
        )
        if api.unanswered(order) and key.key.sandbox:
            raise No(forms.TROUBLE, 500)
        return await self._told(key, await self._waited(key, order))

    async def query(self, key: OpenedKey, fields: Fields) -> object:
        number = word(fields, "tradeNo", "request_no", most=64)
        order = await self._shop.read(api.find_order, key_id=key.key.id, number=number) if number else None
        # An order that came to nothing is none: the protocol has no other word for "its money is back, nothing was bought".
        if order is None or order.state == "failed":
            raise No(forms.NO_ORDER)
        if order.in_chat:
            raise No(f"订单 {order.ours} 是在聊天中下单的，卡密已发送到聊天")
        return await self._told(key, order)

    async def drafts(self, key: OpenedKey, fields: Fields) -> object:
        await self._item(key, forms.wanted(fields, "code", "sharedCode"))
        raise No(forms.NO_DRAFTS)

    async def _item(self, key: OpenedKey, sku_id: int) -> Item:
        try:
            return await self._shop.read(api.item, key_id=key.key.id, sku_id=sku_id)
        except api.NoSuchItem:
            there = await self._shop.read(catalog.sku, sku_id)
            raise No(forms.NO_GOODS if there is None else forms.NOT_SOLD) from None

    async def _waited(self, key: OpenedKey, order: ApiOrder) -> ApiOrder:
        """The order when it is over, or as it is when the caller would hang up: what an upstream has comes while it waits.

        As it is at once when too many wait already, and for a sandbox key: nothing is on its way to it.
        """
        key_id = key.key.id
        if order.state != "working" or key.key.sandbox:
            return order
        if self._waiting[key_id] >= MOST_WAITING_OF_A_KEY or self._waiting.total() >= MOST_WAITING:
            return order
        self._waiting[key_id] += 1
        try:
            until = time.monotonic() + self._wait
            while order.state == "working" and time.monotonic() < until:
                await asyncio.sleep(self._every)
                now = await self._shop.read(api.find_order, key_id=key_id, order_id=order.order_id)
                order = order if now is None else now
            return order
        finally:
            self._waiting[key_id] -= 1
            if not self._waiting[key_id]:
                del self._waiting[key_id]

    async def _told(self, key: OpenedKey, order: ApiOrder) -> dict[str, object]:
        if order.state == "reversed" and order.amount_minor:
            # Its money is not back: people have to decide. No word here may be one that is known to mean "nothing was bought".
            raise No(f"订单 {order.ours} 的货源已被收回，请联系店铺处理")
        if order.state in ("failed", "reversed"):
            # The money is back: to be told as a failure, with a word that says that nothing is bought.
            raise No(f"{forms.SOLD_OUT}，订单 {order.ours} 已退款" if order.state == "failed" else f"订单 {order.ours} 已退款")
        lines: list[str] | None = []
        if order.codes and Scope.CODES in key.key.scopes:
            lines = await lines_of(self._shop, key.key.id, order.order_id)
            lines = [f"{order.ours} {n}" for n in range(1, order.got + 1)] if lines == [] else lines
        amount = order.amount_minor if order.state != "working" else order.unit_minor * order.quantity
        return {
            # Empty while it is on its way: a sentence here would be handed out as a code.
            "secret": "\n".join(lines or ()),
            "amount": decimal_text(amount, order.currency),
            "tradeNo": order.ours,
            "leave_message": "" if lines else "正在发货中，请稍后用 query 查询",
            "num": order.quantity,
            "status": 1 if lines else 0,
            "widget": None,
        }


def _hash_of(asked: Purchase) -> bytes:
    return api.request_hash(
        sku_id=asked.sku_id, quantity=asked.quantity, most_minor=None, partial=False, fields=asked.fields, callback_url=None
    )


def _category(each: CategoryOf, place: int, items: list[Item]) -> Mapping[str, object]:
    way = [*each.way, each.category]
    return {
        "id": each.category.id,
        "name": " / ".join(step.name_in(LANGUAGE) for step in way),
        "sort": place,
        "icon": "",
        "children": [_goods(item) for item in items],
    }


def _goods(item: Item) -> dict[str, Any]:
    assert item.price is not None, "it is active"
    unit = decimal_text(item.price.unit_for(item.least), item.currency)
    tiers = {str(tier.from_quantity): decimal_text(tier.unit_minor, item.currency) for tier in item.price.tiers}
    return {
        "id": item.sku_id,
        "name": item.title,
        "code": code_of(item.sku_id),
        "price": unit,
        "user_price": unit,
        "factory_price": unit,
        "delivery_way": 0 if item.kind == "code" else 1,
        "contact_type": 0,
        "password_status": 0,
        "draft_status": 0,
        "draft_premium": 0,
        "seckill_status": 0,
        "seckill_start_time": None,
        "seckill_end_time": None,
        "inventory_hidden": 0,
        "only_user": 0,
        "purchase_count": 0,
        "minimum": item.least,
        "maximum": item.most,
        "sort": 0,
        "status": 1,
        "cover": "",
        "description": item.description,
        "config": forms.ini(wholesale=tiers),
        "widget": json.dumps([_widget(item, n) for n in range(len(item.fields))], ensure_ascii=False),
        "stock": item.stock,
    }


def _widget(item: Item, place: int) -> dict[str, object]:
    """A question of the goods, as their form has it."""
    asked = item.fields[place]
    return {
        "cn": asked.title_in(LANGUAGE),
        "name": asked.name,
        "placeholder": asked.example,
        "type": "select" if asked.choices else "text",
        "regex": "",
        "error": f"例如：{asked.example}",
        "dict": ",".join(f"{choice}={choice}" for choice in asked.choices),
    }
