"""A shop of acg-faka that supplies others by its shared API: forms, a sign of MD5, and a repeated number is an error."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from sandbox.gateways.courier import Letter
from sandbox.gateways.upstream import Bought, No, Upstream, Ware

NOES = {
    "unknown_item": "商品不存在",
    "bad_request": "购买数量格式错误",
    "out_of_stock": "<b>库存不足</b>",
    "insufficient_balance": "余额不足",
}


class AcgFakaUpstream(Upstream):
    """Wares have keys such as "A1B2" or, with a race, "A1B2:月卡"."""

    brand: ClassVar[str] = "acg-faka"
    without_faults: ClassVar[frozenset[str]] = frozenset({"no_callback", "callback_twice", "out_of_order", "wrong_sign"})

    def __init__(self, app_id: str, app_key: str, **more: Any) -> None:
        super().__init__(**more)
        self.app_id, self.app_key = app_id, app_key

    def _routes(self) -> Iterable[web.RouteDef]:
        return [
            web.post("/shared/authentication/connect", self._api(self._connect)),
            web.post("/shared/commodity/items", self._api(self._items)),
            web.post("/shared/commodity/item", self._api(self._item)),
            web.post("/shared/commodity/inventory", self._api(self._inventory)),
            web.post("/shared/commodity/trade", self._api(self._trade)),
            web.post("/shared/commodity/query", self._api(self._query)),
        ]

    async def _form(self, request: web.Request) -> dict[str, str]:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("app_id") != self.app_id:
            raise No("商户ID不存在")
        if not hmac.compare_digest(form.get("sign", "").encode(), self._sign(form).encode()):
            raise No("密钥错误")
        return form

    def _sign(self, form: Mapping[str, str]) -> str:
        text = "&".join(f"{name}={form[name]}" for name in sorted(form) if name != "sign" and form[name] != "")
        return hashlib.md5(f"{text}&key={self.app_key}".encode(), usedforsecurity=False).hexdigest()

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        try:
            await self._form(request)
        except No as no:
            return _no(no.why)
        return _yes({"shopName": self.title, "balance": f"{self.balance:.2f}"})

    async def _items(self, request: web.Request) -> web.StreamResponse:
        try:
            await self._form(request)
        except No as no:
            return _no(no.why)
        names = sorted({ware.category for ware in self.wares.values()})
        return _yes([{"id": n, "name": name, "children": self._goods(name)} for n, name in enumerate(names, 1)])

    async def _item(self, request: web.Request) -> web.StreamResponse:
        try:
            code = (await self._form(request)).get("code", "")
        except No as no:
            return _no(no.why)
        found = [ware for ware in self.wares.values() if ware.key.partition(":")[0] == code]
        return _yes(_good(code, found)) if found else _no(NOES["unknown_item"])

    async def _inventory(self, request: web.Request) -> web.StreamResponse:
        try:
            form = await self._form(request)
        except No as no:
            return _no(no.why)
        ware = self._ware(form.get("sharedCode", ""), form.get("race", ""))
        if ware is None:
            return _no(NOES["unknown_item"])
        return _yes(
            {"count": ware.stock, "delivery_way": 0, "draft_status": 0, "price": f"{ware.price:.2f}", "is_category": ":" in ware.key}
        )

    async def _trade(self, request: web.Request) -> web.StreamResponse:
        try:
            form = await self._form(request)
            number = form.get("request_no", "")
            if any(bought.number == number for bought in self.orders):
                raise No("请求编号已存在")
            ware = self._ware(form.get("shared_code", ""), form.get("race", ""))
            bought = self._buy(number, ware.key if ware else "", int(form.get("num", "0")), fields=form)
        except No as no:
            return _no(NOES.get(no.why, no.why))
        return _no("请求编号已存在") if self.faults.take("says_repeated") else _yes(self._sold(bought))

    async def _query(self, request: web.Request) -> web.StreamResponse:
        try:
            number = (await self._form(request)).get("request_no", "")
            if self.faults.take("forgets"):
                raise LookupError
            return _yes({**self._sold(self.order(number)), "num": self.order(number).quantity})
        except No as no:
            return _no(no.why)
        except LookupError:
            return _no("订单不存在")

    def _ware(self, code: str, race: str) -> Ware | None:
        return self.wares.get(f"{code}:{race}" if race else code)

    def _sold(self, bought: Bought) -> dict[str, object]:
        return {"secret": "\n".join(bought.codes), "amount": f"{bought.amount:.2f}", "tradeNo": bought.ref, "leave_message": "<p>谢谢</p>"}

    def _goods(self, category: str) -> list[dict[str, object]]:
        by_code: dict[str, list[Ware]] = {}
        for ware in self.wares.values():
            if ware.category == category:
                by_code.setdefault(ware.key.partition(":")[0], []).append(ware)
        return [_good(code, wares) for code, wares in by_code.items()]

    def _callback(self, bought: Bought) -> Letter | None:
        return None


def _good(code: str, wares: list[Ware]) -> dict[str, object]:
    races = "".join(f"{ware.key.partition(':')[2]}={ware.price:.2f}\n" for ware in wares if ":" in ware.key)
    return {
        "id": 1,
        "name": f"<b>{wares[0].title}</b>",
        "code": code,
        "price": f"{wares[0].price:.2f}",
        "user_price": f"{wares[0].price:.2f}",
        "factory_price": "0.00",
        "delivery_way": 0 if wares[0].kind == "code" else 1,
        "draft_status": 0,
        "seckill_status": 0,
        "description": "<p>自动发货</p>",
        "config": f"[category]\n{races}" if races else "",
        "stock": wares[0].stock,
    }


def _yes(data: object) -> web.StreamResponse:
    return web.json_response({"code": 200, "msg": "success", "data": data})


def _no(words: str) -> web.StreamResponse:
    return web.json_response({"code": 100, "msg": words, "data": None})
