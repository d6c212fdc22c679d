"""The shop that supplies us, over its signed API: what it sells, an order under a number of ours, and the codes of it."""

import hashlib
import hmac
import json
import secrets
import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]


class Refused(Exception):
    """The shop said no, and nothing was bought, for sure. The text is its own sentence."""


class Unknown(Exception):
    """Nobody knows what became of it: no answer, or none that can be read. Ask again under the same number."""


class Supplier:
    """One account at the shop. Every request is signed with the key's secret."""

    def __init__(self, url: str, key: str, secret: str, seconds: float = 15.0) -> None:
        self._url, self._key, self._secret = url.rstrip("/"), key, secret
        # A redirection is never followed: the signature is for this shop alone.
        self._http = httpx.AsyncClient(timeout=seconds, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def items(self) -> list[Json]:
        """Everything on sale that is bought one by one and asks for nothing, page by page."""
        found = await self._pages("items?limit=100", "items")
        return [item for item in found if item["active"] and not item["fields"] and item["least"] == 1]

    async def item(self, key: str) -> Json:
        return await self._ask("GET", f"items/{quote(key, safe='')}")

    async def order(self, number: str, item: str, most: Decimal, currency: str) -> Json:
        """One of this item, for no more than `most`. The same number is the same order for ever, however often it is asked for."""
        body = {"number": number, "item": item, "quantity": 1, "max_cost": f"{most:f}", "currency": currency, "partial": False}
        return await self._ask("POST", "orders", body)

    async def codes(self, order_id: str) -> list[str]:
        """The codes of an order that is done, all pages of them."""
        rows = await self._pages(f"orders/{quote(order_id, safe='')}/codes?limit=100", "codes")
        return [" ".join(filter(None, (row["number"], row["secret"], *row.get("notes", ())))) for row in rows]

    async def _pages(self, path: str, name: str) -> list[Json]:
        page = await self._ask("GET", path)
        found: list[Json] = page[name]
        while page["next"] is not None:
            page = await self._ask("GET", f"{path}&after={quote(page['next'], safe='')}")
            found += page[name]
        return found

    async def _ask(self, verb: str, path: str, document: Json | None = None) -> Json:
        path = f"/api/v1/{path}"
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        stamp, nonce = str(int(time.time())), secrets.token_hex(16)
        canonical = "\n".join((stamp, nonce, verb, path, hashlib.sha256(body).hexdigest()))
        headers = {
            "Shop-Key": self._key,
            "Shop-Timestamp": stamp,
            "Shop-Nonce": nonce,
            "Shop-Signature": hmac.new(self._secret.encode(), canonical.encode(), hashlib.sha256).hexdigest(),
            **({"Content-Type": "application/json"} if body else {}),
        }
        try:
            answer = await self._http.request(verb, self._url + path, content=body, headers=headers)
            said: Json = answer.json(parse_float=Decimal)
            if answer.is_success:
                return said
            error: Json = said["error"]
            why = f"{error['code']} {error['message']}"
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as trouble:
            raise Unknown(type(trouble).__name__) from None
        # `final` is the shop's word for "nothing was bought by this request".
        raise Refused(why) if error.get("final") is True else Unknown(why)
