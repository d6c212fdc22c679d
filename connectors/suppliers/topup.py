"""Direct top-up: a generic API with accounts to be checked, results that come later and may be taken back; see docs/upstreams.md."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.line import Answer, Line, address, read_json
from connectors.suppliers._reading import CALLBACK_BYTES, fresh, key_of, listed, number, price, said, whole, words
from core.errors import N_
from core.money import decimal_text
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
    "topup",
    N_("Direct top-up"),
    (
        UpstreamSetting("url", N_("Address of its API"), "https://api.topup.example"),
        UpstreamSetting("key", N_("Key"), "tk_7Qm2…"),
        UpstreamSetting("secret", N_("Secret"), "c0ffee…", secret=True),
    ),
)
API = "v1/"
STATES = {
    "processing": UpstreamState.WORKING,
    "success": UpstreamState.DONE,
    "partial": UpstreamState.PARTLY,
    "failed": UpstreamState.FAILED,
    "reversed": UpstreamState.REVERSED,
}
NOTHING_DONE = frozenset(
    {"bad_request", "unknown_product", "product_off", "bad_account", "price_too_high", "insufficient_balance", "unknown_key", "too_late"}
)


def signature(secret: str, stamp: str, verb: str, path_and_query: str, body: bytes) -> str:
    """HMAC-SHA256 over time, method, path with query and the body itself, one a line."""
    return hmac.new(secret.encode(), f"{stamp}\n{verb}\n{path_and_query}\n".encode() + body, hashlib.sha256).hexdigest()


class Topup:
    """One operator of direct top-ups."""

    name = PROTOCOL.name

    def __init__(self, url: str, key: str, secret: str, *, seconds: float = 15.0) -> None:
        self._key, self._secret = key, secret
        self._line = Line(self.name, url, seconds=seconds, most_bytes=4 << 20)

    @property
    def can(self) -> UpstreamCan:
        return UpstreamCan(finds_by_number=True, repeats=True, callback=True, validates=True, most_quantity=10)

    async def prepaid(self) -> Prepaid:
        document = self._good(await self._ask("GET", "account"))
        currency = words(document.get("currency"), 8)
        return Prepaid(price(document.get("balance"), currency, self.name), currency, words(document.get("name")))

    async def catalogue(self, after: str | None = None) -> ItemPage:
        document = self._good(await self._ask("GET", "products", [("after", after)] if after else []))
        return ItemPage([self._item(row) for row in listed(document.get("products"), self.name)], number(document.get("next"), 200) or None)

    async def item(self, key: str) -> UpstreamItem | None:
        answer = await self._ask("GET", f"products/{quote(key, safe='')}")
        if answer.status == 404 and answer.document.get("error") == "unknown_product":
            return None
        found = self._item(self._good(answer))
        if found.key != key:
            raise NotSure(f"{self.name}: an answer about another product")
        return found

    async def check_account(self, key: str, fields: Mapping[str, str]) -> AccountChecked:
        document = self._good(await self._ask("POST", "accounts/validate", document={"product": key, "fields": dict(fields)}))
        if type(document.get("valid")) is not bool:
            raise NotSure(f"{self.name}: neither yes nor no")
        return AccountChecked(bool(document["valid"]), words(document.get("holder")), words(document.get("reason")))

    async def order(self, ask: UpstreamAsk) -> UpstreamOrder:
        body = {
            "reference": ask.number,
            "product": ask.key,
            "quantity": ask.quantity,
            "fields": dict(ask.fields),
            "max_price": decimal_text(ask.most_minor, ask.currency),
            "currency": ask.currency,
            **({"callback_url": ask.callback_url} if ask.callback_url else {}),
        }
        return self._order(self._good(await self._ask("POST", "orders", document=body)), ask.number)

    async def find(self, number: str, ref: str | None) -> UpstreamOrder | None:
        answer = await self._ask("GET", "orders", [("reference", number)])
        if answer.status == 404 and answer.document.get("error") == "order_not_found":
            return None
        try:
            return self._order(self._good(answer), number)
        except Declined as refusal:
            raise NotSure(str(refusal)) from None

    async def cancel(self, number: str, ref: str | None) -> UpstreamState:
        document = self._good(await self._ask("POST", "orders/cancel", document={"reference": number}))
        return self._order(document, number).state

    async def callback(self, callback: Callback) -> UpstreamHeard:
        headers = callback.headers
        stamp, given = headers.get("x-topup-timestamp", ""), headers.get("x-topup-signature", "")
        if len(callback.body) > CALLBACK_BYTES or callback.query or headers.get("x-topup-key", "") != self._key:
            raise NotGenuine("not ours, or too long")
        # As with the shop's own protocol: the address is a word of ours, so its path is not signed.
        expected = signature(self._secret, stamp, "POST", "", callback.body)
        if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")) or not fresh(stamp):
            raise NotGenuine("the signature is wrong, or too old")
        try:
            ours = number(read_json(callback.body).get("reference"), 64)
        except ValueError:
            raise NotGenuine("not what is documented") from None
        return UpstreamHeard(numbers=[ours] if ours else [], reply="ok")

    async def close(self) -> None:
        await self._line.close()

    def _item(self, row: Mapping[str, Any]) -> UpstreamItem:
        key, currency = number(row.get("product")), words(row.get("currency"), 8)
        if not key or type(row.get("active")) is not bool:
            raise NotSure(f"{self.name}: a product that is none")
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
        return UpstreamItem(
            key,
            words(row.get("title")),
            words(row.get("category")),
            price(row.get("price"), currency, self.name),
            currency,
            None,
            bool(row["active"]),
            ItemKind.TOPUP,
            fields,
            most=whole(row.get("most")),
            description=words(row.get("description"), 1000),
        )

    def _order(self, document: Mapping[str, Any], ours: str) -> UpstreamOrder:
        ref, state = number(document.get("id"), 64), STATES.get(str(document.get("status")))
        currency, got = words(document.get("currency"), 8), whole(document.get("done"))
        if not ref or state is None or document.get("reference") != ours or not currency or got is None or got < 0:
            raise NotSure(f"{self.name}: an answer about another order, or about none")
        return UpstreamOrder(
            ref,
            state,
            price(document.get("charged"), currency, self.name),
            currency,
            (),
            got,
            words(document.get("receipt") or document.get("message")),
            document.get("repeated") is True,
        )

    async def _ask(
        self, verb: str, path: str, query: Sequence[tuple[str, str]] = (), *, document: Mapping[str, Any] | None = None
    ) -> Answer:
        body = b"" if document is None else json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        to, stamp = self._line.path_of(API + path, query), str(int(time.time()))
        headers = {
            "X-Topup-Key": self._key,
            "X-Topup-Timestamp": stamp,
            "X-Topup-Signature": signature(self._secret, stamp, verb, to, body),
            **({"Content-Type": "application/json"} if body else {}),
        }
        return await self._line.signed(verb, to, headers, body)

    def _good(self, answer: Answer) -> Mapping[str, Any]:
        if answer.status in (200, 201, 202):
            return answer.document
        why = f"{self.name}: {said(answer.document, ('error', 'message'), (self._secret, self._key))}"
        raise (Declined if answer.document.get("error") in NOTHING_DONE else NotSure)(why)


def shop(settings: Mapping[str, str]) -> UpstreamShop:
    """`url`, `key` and `secret`, from the operator. Raises SetUpWrong."""
    return Topup(address(settings, "url"), key_of(settings, "key"), key_of(settings, "secret"))
