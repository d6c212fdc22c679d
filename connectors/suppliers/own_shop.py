"""Another shop of this software: the signed API of docs/upstreams.md, which finds an order by our number and never makes two of one."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.line import Answer, Line, address, read_json
from connectors.suppliers._reading import (
    CALLBACK_BYTES,
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
from core.money import decimal_text
from core.ports import (
    AccountChecked,
    Callback,
    Changes,
    Declined,
    ItemKind,
    ItemNotice,
    ItemPage,
    NotGenuine,
    NotSure,
    Prepaid,
    UpstreamAsk,
    UpstreamCan,
    UpstreamCode,
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
    "own-shop",
    N_("A shop of this software"),
    (
        UpstreamSetting("url", N_("Address of the shop"), "https://shop.example"),
        UpstreamSetting("key", N_("Key"), "sk_7Qm2…"),
        UpstreamSetting("secret", N_("Secret"), "c0ffee…", secret=True),
    ),
)
API = "api/v1/"
PAGE = 100
MOST_PAGES = 100  # of one order's codes
STATES = {
    "working": UpstreamState.WORKING,
    "done": UpstreamState.DONE,
    "partly": UpstreamState.PARTLY,
    "failed": UpstreamState.FAILED,
    "reversed": UpstreamState.REVERSED,
}
NO_ITEM, NO_ORDER = 2001, 5001


def signature(secret: str, stamp: str, nonce: str, verb: str, path_and_query: str, body: bytes) -> str:
    """HMAC-SHA256 over time, nonce, method, path with query and the body's hash, one a line."""
    text = "\n".join((stamp, nonce, verb, path_and_query, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class OwnShop:
    """One shop of this software that supplies us."""

    name = PROTOCOL.name

    def __init__(self, url: str, key: str, secret: str, *, seconds: float = 15.0) -> None:
        self._key, self._secret = key, secret
        self._line = Line(self.name, url, seconds=seconds, most_bytes=4 << 20)

    @property
    def can(self) -> UpstreamCan:
        return UpstreamCan(finds_by_number=True, repeats=True, callback=True, validates=True, most_quantity=1000)

    async def prepaid(self) -> Prepaid:
        document = await self._done("GET", "me")
        currency = words(document.get("currency"), 8)
        return Prepaid(price(document.get("balance"), currency, self.name), currency, words(document.get("name")))

    async def catalogue(self, after: str | None = None) -> ItemPage:
        document = await self._done("GET", "items", [("limit", str(PAGE)), *([("after", after)] if after else [])])
        return ItemPage(
            [self._item(row) for row in listed(document.get("items"), self.name)],
            number(document.get("next"), 400) or None,
        )

    async def changes(self, after: str) -> Changes:
        document = await self._done("GET", "changes", [("after", after)])
        place = number(document.get("next"), 400)
        if not place:
            raise NotSure(f"{self.name}: changes without a place to go on from")
        notices = [self._notice(row) for row in listed(document.get("changes"), self.name)]
        return Changes(notices if after else (), place, bool(after) and document.get("more") is True)

    async def item(self, key: str) -> UpstreamItem | None:
        answer = await self._ask("GET", f"items/{quote(key, safe='')}")
        if answer.status == 404 and self._error(answer)[0] == NO_ITEM:
            return None
        found = self._item(self._good(answer))
        if found.key != key:
            raise NotSure(f"{self.name}: an answer about another item")
        return found

    async def check_account(self, key: str, fields: Mapping[str, str]) -> AccountChecked:
        document = await self._done("POST", f"items/{quote(key, safe='')}/check", document={"fields": dict(fields)})
        if type(document.get("good")) is not bool:
            raise NotSure(f"{self.name}: neither yes nor no")
        return AccountChecked(bool(document["good"]), words(document.get("shown")), words(document.get("why")))

    async def order(self, ask: UpstreamAsk) -> UpstreamOrder:
        body = {
            "number": ask.number,
            "item": ask.key,
            "quantity": ask.quantity,
            "max_cost": decimal_text(ask.most_minor * ask.quantity, ask.currency),
            "currency": ask.currency,
            "partial": True,
            **({"fields": dict(ask.fields)} if ask.fields else {}),
            **({"callback_url": ask.callback_url} if ask.callback_url else {}),
        }
        return await self._order(self._good(await self._ask("POST", "orders", document=body)), ask.number)

    async def find(self, number: str, ref: str | None) -> UpstreamOrder | None:
        answer = await self._ask("GET", "orders", [("number", number)])
        if answer.status == 404 and self._error(answer)[0] == NO_ORDER:
            return None
        try:
            return await self._order(self._good(answer), number)
        except Declined as refusal:
            # A no to a question says nothing of the order.
            raise NotSure(str(refusal)) from None

    async def cancel(self, number: str, ref: str | None) -> UpstreamState:
        document = self._good(await self._ask("POST", "orders/cancel", document={"number": number}))
        state = STATES.get(str(document.get("state")))
        if state is None or document.get("number") != number:
            raise NotSure(f"{self.name}: a state that is none")
        return state

    async def callback(self, callback: Callback) -> UpstreamHeard:
        """Signed as our own requests are, over the path at which it came in, which is the opaque word the shop gave out."""
        headers = callback.headers
        stamp, nonce = headers.get("shop-timestamp", ""), headers.get("shop-nonce", "")
        given = headers.get("shop-signature", "")
        if len(callback.body) > CALLBACK_BYTES or callback.query or headers.get("shop-key", "") != self._key:
            raise NotGenuine("not ours, or too long")
        # The address is not signed here: ours is a word nobody else knows, and behind a proxy its path may be another.
        expected = signature(self._secret, stamp, nonce, "POST", "", callback.body)
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            raise NotGenuine("the signature is wrong")
        if not fresh(stamp) or not 16 <= len(nonce) <= 64:
            raise NotGenuine("too old, or without a nonce")
        try:
            document = read_json(callback.body)
            if document.get("type") == "item":
                return UpstreamHeard(notices=[self._notice(inside(document.get("item"), self.name))], reply="ok")
            order = number(inside(document.get("order"), self.name).get("number"), 64)
        except (ValueError, NotSure):
            raise NotGenuine("not what is documented") from None
        return UpstreamHeard(numbers=[order] if order else [], reply="ok")

    async def close(self) -> None:
        await self._line.close()

    async def _order(self, document: Mapping[str, Any], ours: str) -> UpstreamOrder:
        state, ref, currency = STATES.get(str(document.get("state"))), number(document.get("id"), 64), words(document.get("currency"), 8)
        got = whole(document.get("got"))
        if state is None or not ref or document.get("number") != ours or got is None or got < 0 or not currency:
            raise NotSure(f"{self.name}: an answer about another order, or about none")
        codes: list[UpstreamCode] = []
        if state in (UpstreamState.DONE, UpstreamState.PARTLY) and document.get("codes") is True:
            codes = await self._codes(ref, got)
        return UpstreamOrder(
            ref,
            state,
            price(document.get("amount"), currency, self.name),
            currency,
            codes,
            got,
            words(document.get("note")),
            document.get("repeated") is True,
        )

    async def _codes(self, ref: str, count: int) -> list[UpstreamCode]:
        """The codes of an order, page by page; all of them, or NotSure."""
        codes: list[UpstreamCode] = []
        after: list[tuple[str, str]] = []
        for _ in range(MOST_PAGES):
            answer = await self._ask("GET", f"orders/{quote(ref, safe='')}/codes", [("limit", str(PAGE)), *after])
            if answer.status != 200:
                raise NotSure(f"{self.name}: the codes are not given out")
            for row in listed(answer.document.get("codes"), self.name):
                code = UpstreamCode(_secret(row.get("number")), _secret(row.get("secret")))
                if not code.card_no and not code.card_pwd:
                    raise NotSure(f"{self.name}: a code that is none")
                codes.append(code)
            place = number(answer.document.get("next"), 400)
            if not place:
                break
            after = [("after", place)]
        if len(codes) != count:
            raise NotSure(f"{self.name}: {len(codes)} codes of {count}")
        return codes

    def _item(self, row: Mapping[str, Any]) -> UpstreamItem:
        key, currency = number(row.get("key")), words(row.get("currency"), 8)
        stock, version = row.get("stock"), whole(row.get("version"))
        if not key or (stock is not None and whole(stock) is None) or version is None or type(row.get("active")) is not bool:
            raise NotSure(f"{self.name}: an item that is none")
        fields = [
            UpstreamField(
                words(each.get("name"), 64),
                words(each.get("title")),
                each.get("required") is not False,
                each.get("pattern") if isinstance(each.get("pattern"), str) else None,
                [words(choice) for choice in each.get("choices") or ()],
            )
            for each in listed(row.get("fields") or [], self.name)
        ]
        try:
            kind = ItemKind(str(row.get("kind", "code")))
        except ValueError:
            raise NotSure(f"{self.name}: a kind of goods that is none") from None
        return UpstreamItem(
            key,
            words(row.get("title")),
            words(row.get("category")),
            price(row.get("price"), currency, self.name),
            currency,
            None if stock is None else whole(stock),
            bool(row["active"]),
            kind,
            fields,
            max(1, whole(row.get("least")) or 1),
            whole(row.get("most")),
            words(row.get("description"), 1000),
            str(version),
        )

    def _notice(self, row: Mapping[str, Any]) -> ItemNotice:
        key, version, currency = number(row.get("key")), whole(row.get("version")), words(row.get("currency"), 8) or None
        if not key or version is None:
            raise NotSure(f"{self.name}: a change of nothing")
        told = row.get("price") is not None and currency is not None
        stock = whole(row.get("stock"))
        return ItemNotice(
            key,
            str(version),
            price(row.get("price"), str(currency), self.name) if told else None,
            currency if told else None,
            # Without end is written as null in the catalogue; in a change it is its own word, because null says "as it was".
            10**9 if row.get("stock") == "unlimited" else stock,
            row["active"] if type(row.get("active")) is bool else None,
        )

    async def _ask(
        self, verb: str, path: str, query: Sequence[tuple[str, str]] = (), *, document: Mapping[str, Any] | None = None
    ) -> Answer:
        body = b"" if document is None else json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        to = self._line.path_of(API + path, query)
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        headers = {
            "Shop-Key": self._key,
            "Shop-Timestamp": stamp,
            "Shop-Nonce": nonce,
            "Shop-Signature": signature(self._secret, stamp, nonce, verb, to, body),
            **({"Content-Type": "application/json"} if body else {}),
        }
        return await self._line.signed(verb, to, headers, body)

    async def _done(self, verb: str, path: str, query: Sequence[tuple[str, str]] = (), **parts: Any) -> Mapping[str, Any]:
        return self._good(await self._ask(verb, path, query, **parts))

    def _good(self, answer: Answer) -> Mapping[str, Any]:
        """What it answered; raises Declined for an error it calls final, and NotSure for any other."""
        if answer.status in (200, 201, 202):
            return answer.document
        code, final = self._error(answer)
        error = answer.document.get("error")
        why = f"{self.name}: {code} {said(error if isinstance(error, dict) else {}, ('name', 'message'), (self._secret, self._key))}"
        raise (Declined if final else NotSure)(why)

    def _error(self, answer: Answer) -> tuple[int | None, bool]:
        error = answer.document.get("error")
        if not isinstance(error, dict):
            return None, False
        return whole(error.get("code")), error.get("final") is True


def _secret(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 2000 else None


def shop(settings: Mapping[str, str]) -> UpstreamShop:
    """`url`, `key` and `secret`, as the other shop gave them out. Raises SetUpWrong."""
    return OwnShop(address(settings, "url"), key_of(settings, "key"), key_of(settings, "secret"))
