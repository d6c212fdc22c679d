"""The upstream API 1.0 of dujiao-next as text: its signature, its errors, an order as it is sent, goods and orders as they are shown."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

VERSION: Final = "1.0"
PREFIX: Final = "/api/v1/upstream"
KEY, STAMP, SIGNATURE = "dujiao-next-api-key", "dujiao-next-timestamp", "dujiao-next-signature"
CLOCK_SECONDS = 60
MOST_QUANTITY = 10_000
MOST_ID = 2**63 - 1
MOST_FIELDS = 30
LOW_STOCK = 20  # up to here the protocol calls a stock low

# Its language tags, with ours.
LANGUAGES: Final = {"zh-CN": "zh-hans", "zh-TW": "zh-hant", "en-US": "en"}

STATUS: Final = {
    "missing_auth_headers": 401,
    "invalid_timestamp": 401,
    "timestamp_expired": 401,
    "invalid_signature": 401,
    "invalid_api_key": 401,
    "user_disabled": 403,
    "bad_request": 400,
    "invalid_callback_url": 400,
    "sku_unavailable": 400,
    "product_unavailable": 400,
    "product_not_found": 404,
    "order_not_found": 404,
    "insufficient_balance": 402,
    "insufficient_stock": 409,
    "cancel_not_allowed": 409,
    "too_many_requests": 429,  # the protocol has no word for it; its shops read the status
    "internal_error": 500,
}


class No(Exception):
    """A refusal in the protocol's own words."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status or STATUS[code]

    def document(self) -> dict[str, object]:
        return {"ok": False, "error_code": self.code, "error_message": self.message}


def signature(secret: str, verb: str, path: str, stamp: str, body: bytes) -> str:
    """Lower-case hex of HMAC-SHA256 over method, path without query, time and the body's MD5, one a line."""
    text = f"{verb}\n{path}\n{stamp}\n{hashlib.md5(body, usedforsecurity=False).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def claimed(headers: Mapping[str, str], now: float) -> str:
    """The name of the key that a request claims to be signed with, when its time is of this minute. Raises No."""
    name, stamp, given = headers.get(KEY, ""), headers.get(STAMP, ""), headers.get(SIGNATURE, "")
    if not name or not stamp or not given:
        raise No("missing_auth_headers", "Dujiao-Next-Api-Key, Dujiao-Next-Timestamp and Dujiao-Next-Signature are needed.")
    if not re.fullmatch(r"[0-9]{1,12}", stamp, re.ASCII):
        raise No("invalid_timestamp", "Dujiao-Next-Timestamp is the time in Unix seconds.")
    if abs(int(stamp) - now) > CLOCK_SECONDS:
        raise No("timestamp_expired", "The time of the request is more than 60 seconds from ours.")
    if len(name) > 64:
        raise No("invalid_api_key", "There is no such key.")
    return name


def genuine(secret: str, headers: Mapping[str, str], verb: str, path: str, body: bytes) -> bool:
    """Whether these headers sign this request. Compared in constant time."""
    expected = signature(secret, verb, path, headers.get(STAMP, ""), body)
    return hmac.compare_digest(expected.encode(), headers.get(SIGNATURE, "").encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class AskedOrder:
    """An order as it was sent. `number` is the buyer's own, empty when none was given."""

    sku_id: int
    quantity: int
    number: str
    callback_url: str | None
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)

    def hash(self) -> bytes:
        """What makes two requests of one number the same: what is bought, and not how it is traced or reported."""
        return hashlib.sha256(json.dumps([self.sku_id, self.quantity, dict(sorted(self.fields.items()))]).encode()).digest()


def read_order(body: bytes) -> AskedOrder:
    """The order in a body. Raises No: bad_request, sku_unavailable for an id that cannot be one, invalid_callback_url."""
    try:
        asked = json.loads(body.decode("utf-8"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise No("bad_request", "The body is not JSON, or names something twice.") from None
    if not isinstance(asked, dict):
        raise No("bad_request", "The body is not a JSON object.")
    sku_id, quantity = asked.get("sku_id"), asked.get("quantity")
    if type(sku_id) is not int or type(quantity) is not int:
        raise No("bad_request", "sku_id and quantity are whole numbers.")
    if not 1 <= quantity <= MOST_QUANTITY:
        raise No("bad_request", f"quantity is from 1 to {MOST_QUANTITY}.")
    if not 1 <= sku_id <= MOST_ID:
        raise No("sku_unavailable", "There is no such SKU.")
    number = asked.get("downstream_order_no")
    if number is None:
        number = ""
    if not isinstance(number, str) or len(number) > 64 or not (number == "" or (number.isprintable() and number == number.strip())):
        raise No("bad_request", "downstream_order_no is a text of at most 64 characters.")
    return AskedOrder(sku_id, quantity, number, _address(asked.get("callback_url")), _fields(asked.get("manual_form_data")))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _fields(given: object) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > MOST_FIELDS:
        raise No("bad_request", "manual_form_data is an object of texts.")
    found = {}
    for name, value in given.items():
        if type(value) is int:
            value = str(value) if -(10**18) < value < 10**18 else None
        if not isinstance(value, str) or len(name) > 64 or len(value) > 1000 or not _sound(name + value):
            raise No("bad_request", "manual_form_data is an object of texts.")
        found[name] = value
    return found


def _address(given: object) -> str | None:
    """An address that may be told of an order. Raises No for what is not public http or https."""
    if given is None or given == "":
        return None
    if not isinstance(given, str) or len(given) > 500 or not public_address(given):
        raise No("invalid_callback_url", "callback_url is a public http or https address.")
    return given


def public_address(text: str) -> bool:
    """Whether this is an address on the public network, as far as its text says; where its name leads is looked at when it is used."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        url = urlsplit(text)
        host, _port = url.hostname or "", url.port
    except ValueError:
        return False
    if url.scheme not in ("http", "https") or not host or url.username is not None or url.password is not None or url.fragment:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        # A last part of digits is an address in one of its older forms (127.1, 0x7f000001), which some resolvers still read.
        last = host.rstrip(".").rpartition(".")[2]
        plain = "." in host.strip(".") and not re.fullmatch(r"0[xX][0-9a-fA-F]*|[0-9]+", last)
        return plain and not host.rstrip(".").endswith((".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa"))


def _sound(text: str) -> bool:
    """No half of a surrogate pair and no NUL: neither can be kept by both databases."""
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def in_languages(of: Callable[[str], str]) -> dict[str, str]:
    """A text in every language that this protocol's shops show."""
    return {theirs: of(ours) for theirs, ours in LANGUAGES.items()}


def stock_words(left: int | None) -> tuple[str, int]:
    """A stock in the protocol's words and number; None is as many as one likes."""
    if left is None:
        return "unlimited", -1
    return ("in_stock" if left > LOW_STOCK else "low_stock" if left > 0 else "out_of_stock"), max(left, 0)


def page_of(query: Mapping[str, str]) -> tuple[int, int]:
    """`page` and `page_size`; what is not a number, or out of bounds, is taken as near as it goes."""
    return _bounded(query.get("page", ""), 1, 1, 10**9), _bounded(query.get("page_size", ""), 20, 1, 100)


def _bounded(text: str, default: int, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
        return default
    return min(max(int(text), least), most)
