"""acg-faka (异次元发卡): its shared API. A number ordered twice is an error there: what is unknown is asked for, and not ordered again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from connectors.line import Line, address
from connectors.settings import SetUpWrong
from connectors.suppliers._reading import codes_in, currency_of, inside, key_of, listed, number, price, said, whole, words
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
    UpstreamHeard,
    UpstreamItem,
    UpstreamOrder,
    UpstreamProtocol,
    UpstreamSetting,
    UpstreamShop,
    UpstreamState,
)

PROTOCOL = UpstreamProtocol(
    "acg-faka",
    "acg-faka (异次元发卡)",
    (
        UpstreamSetting("url", N_("Address of the shop"), "https://shop.example"),
        UpstreamSetting("app_id", N_("Merchant number"), "1001"),
        UpstreamSetting("app_key", N_("Secret"), "A1B2C3…", secret=True),
        UpstreamSetting("currency", N_("Currency of its prices"), "CNY"),
        UpstreamSetting("contact", N_("Contact for its orders (an e-mail address)"), "shop@example.com", optional=True),
        UpstreamSetting("finds", N_("Does it answer questions about an order by our number?"), "yes", optional=True, choices=("yes", "no")),
    ),
)
TRADE_SECONDS = 35.0
DONE = 200
# After these nothing was bought for sure. There are no numbers for them, and the words are the same for years.
_NOTHING_BOUGHT = re.compile(r"商户ID不存在|密钥错误|商品不存在|已停售|库存不足|余额不足|未启用|请填写|格式")
_UNKNOWN_ORDER = re.compile(r"订单.{0,6}(?:不存在|未找到|找不到)|order.{0,12}not (?:found|exist)", re.IGNORECASE)
_GONE = re.compile(r"商品不存在|已停售")
_RACE = re.compile(r"^\s*([^=\[\];#][^=]{0,80}?)\s*=\s*(\S{1,20})\s*$")


def sign(fields: Mapping[str, str], key: str) -> str:
    """MD5 over the fields that say something, by name, as PHP writes a query before it is encoded, and the key."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] != "" and name != "sign")
    return hashlib.md5(f"{text}&key={key}".encode(), usedforsecurity=False).hexdigest()


class AcgFaka:
    """One shop of that software that supplies us."""

    name = PROTOCOL.name

    def __init__(
        self, url: str, app_id: str, app_key: str, currency: str, contact: str, *, finds: bool = True, seconds: float = 15.0
    ) -> None:
        self._app_id, self._app_key, self._currency, self._contact, self._finds = app_id, app_key, currency, contact, finds
        self._line = Line(self.name, url, seconds=seconds, most_bytes=8 << 20)
        # It delivers while we wait, and takes up to half a minute for it.
        self._slow_line = Line(self.name, url, seconds=max(seconds, TRADE_SECONDS) if seconds >= 10 else seconds)

    @property
    def can(self) -> UpstreamCan:
        return UpstreamCan(finds_by_number=self._finds, repeats=False, callback=False, validates=False, most_quantity=100)

    async def prepaid(self) -> Prepaid:
        data = inside(await self._data("authentication/connect"), self.name)
        return Prepaid(self._amount(data.get("balance")), self._currency, words(data.get("shopName")))

    async def catalogue(self, after: str | None = None) -> ItemPage:
        items = []
        for category in listed(await self._data("commodity/items"), self.name):
            for row in listed(category.get("children") or [], self.name):
                items += self._items(row, words(category.get("name")))
        return ItemPage(items, None)

    async def item(self, key: str) -> UpstreamItem | None:
        code, _, race = key.partition(":")
        try:
            row = inside(await self._data("commodity/item", code=code), self.name)
            held = inside(await self._data("commodity/inventory", sharedCode=code, race=race), self.name)
        except Declined as refusal:
            if _GONE.search(str(refusal)):
                return None
            raise NotSure(str(refusal)) from None
        return next((item for item in self._items({**row, "stock": held.get("count")}, "") if item.key == key), None)

    async def check_account(self, key: str, fields: Mapping[str, str]) -> AccountChecked:
        """It cannot be asked: whoever uses it sees in `can` that it validates nothing."""
        return AccountChecked(True)

    async def order(self, ask: UpstreamAsk) -> UpstreamOrder:
        code, _, race = ask.key.partition(":")
        fields = {
            **{name: value for name, value in ask.fields.items() if name not in ("request_no", "num", "shared_code", "app_id", "sign")},
            "shared_code": code,
            "contact": self._contact,
            "num": str(ask.quantity),
            "card_id": "0",
            "device": "0",
            "password": "",
            "race": race,
            "request_no": ask.number,
        }
        return self._order(await self._data("commodity/trade", line=self._slow_line, **fields), ask.quantity)

    async def find(self, number: str, ref: str | None) -> UpstreamOrder | None:
        if not self._finds:
            raise NotSure(f"{self.name}: this shop does not answer questions about orders")
        try:
            return self._order(await self._data("commodity/query", request_no=number), 0)
        except Declined as refusal:
            if _UNKNOWN_ORDER.search(str(refusal)):
                return None
            raise NotSure(str(refusal)) from None

    async def cancel(self, number: str, ref: str | None) -> UpstreamState:
        raise Declined(f"{self.name}: orders cannot be called off")

    async def callback(self, callback: Callback) -> UpstreamHeard:
        raise NotGenuine("this protocol has no callbacks")

    async def close(self) -> None:
        await self._line.close()
        await self._slow_line.close()

    def _items(self, row: Mapping[str, Any], category: str) -> list[UpstreamItem]:
        code = number(row.get("code"), 64)
        if not code or ":" in code:
            raise NotSure(f"{self.name}: goods without code")
        automatic = whole(row.get("delivery_way")) == 0
        held = whole(row.get("stock")) if automatic else None
        # Some have to be picked one by one, or sold by the clock: the plain way of ordering does not fit them.
        plain = not whole(row.get("draft_status")) and not whole(row.get("seckill_status"))
        races = _races(row.get("config"))
        base = row.get("user_price") if row.get("user_price") not in (None, "") else row.get("price")
        return [
            UpstreamItem(
                f"{code}:{race}" if race else code,
                f"{words(row.get('name'))} {words(race)}".strip(),
                category,
                self._amount(amount),
                self._currency,
                held if automatic and held is not None else 0 if automatic else None,
                plain,
                ItemKind.CODE if automatic else ItemKind.MANUAL,
                description=words(row.get("description"), 1000),
            )
            for race, amount in (races.items() if races else (("", base),))
        ]

    def _order(self, data: object, quantity: int) -> UpstreamOrder:
        row = inside(data, self.name)
        ref = number(row.get("tradeNo"), 64)
        if not ref:
            raise NotSure(f"{self.name}: an order without number")
        codes = codes_in(row.get("secret"), quantity or whole(row.get("num")) or 0)
        state = UpstreamState.WORKING
        if codes:
            state = UpstreamState.DONE if len(codes) >= (quantity or whole(row.get("num")) or 0) else UpstreamState.PARTLY
        return UpstreamOrder(
            ref, state, self._amount(row.get("amount")), self._currency, codes, len(codes), words(row.get("leave_message"))
        )

    def _amount(self, value: object) -> int:
        return price(value, self._currency, self.name)

    async def _data(self, path: str, *, line: Line | None = None, **fields: str) -> object:
        """`data` of a good answer. Raises Declined for words after which nothing was done, NotSure for any other no."""
        asked = {**fields, "app_id": self._app_id, "app_key": self._app_key}
        answer = await (line or self._line).post(f"shared/{path}", form={**asked, "sign": sign(asked, self._app_key)})
        code = whole(answer.document.get("code"))
        if code == DONE and answer.status == 200:
            return answer.document.get("data")
        text = said(answer.document, ("msg",), (self._app_key,))
        declined = code is not None and (_NOTHING_BOUGHT.search(text) or _UNKNOWN_ORDER.search(text))
        raise (Declined if declined else NotSure)(f"{self.name}: {code} {text}")


def _races(config: object) -> dict[str, str]:
    """The kinds of one good with their prices, from the section [category] of its configuration."""
    found: dict[str, str] = {}
    section = ""
    for line in str(config or "")[:20_000].splitlines():
        if line.strip().startswith("["):
            section = line.strip().strip("[]").lower()
        elif section == "category" and (pair := _RACE.match(line)):
            found[pair[1]] = pair[2]
    return found


def shop(settings: Mapping[str, str]) -> UpstreamShop:
    """The merchant's number and key at that shop. Raises SetUpWrong."""
    finds = settings.get("finds", "").strip().lower() or "yes"
    if finds not in ("yes", "no"):
        raise SetUpWrong("finds is yes or no.")
    contact = settings.get("contact", "").strip() or "shop@example.com"
    app_id = key_of(settings, "app_id")
    return AcgFaka(
        address(settings, "url"), app_id, key_of(settings, "app_key"), currency_of(settings, "CNY"), contact[:100], finds=finds == "yes"
    )
