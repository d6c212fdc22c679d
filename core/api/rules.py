"""Plain facts of the reseller API: what a number may be, which addresses a key is used from, how a request is hashed and signed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from core.api.refusals import AddressWrong, AsksWrong, UrlWrong

MOST_QUANTITY = 10_000
MOST_KEYS = 10  # of one reseller that are not disabled
MOST_ADDRESSES = 20
PAGE = 100
OVERLAP = timedelta(hours=24)  # after a rotation the old secret is good for so long
LADDER = (15, 30, 180, 600, 1200, 1800, 3600, 10_800, 21_600)  # seconds after a report was not heard
SKEW = 60  # seconds by which the clocks may differ

_NUMBER = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_URL = re.compile(r"https?://[\x21-\x7e]{1,490}", re.ASCII)
_BANDS = (101, 51, 26, 11)


def number_checked(number: str) -> str:
    """An order number of another program: 1 to 64 visible ASCII characters. Raises AsksWrong."""
    if not _NUMBER.fullmatch(number):
        raise AsksWrong("number must have 1 to 64 visible ASCII characters, without blanks")
    return number


def request_hash(
    *, sku_id: int, quantity: int, most_minor: int | None, partial: bool, fields: Mapping[str, str] | None, callback_url: str | None
) -> bytes:
    """Sixteen bytes over what an order asks for: for doors that hash no body."""
    said = [sku_id, quantity, most_minor, partial, sorted((fields or {}).items()), callback_url]
    return short_hash(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())


def short_hash(body: bytes) -> bytes:
    """Sixteen bytes over anything."""
    return hashlib.blake2b(body, digest_size=16).digest()


def canonical(stamp: str, nonce: str, verb: str, path: str, body: bytes) -> bytes:
    """What is signed: five lines."""
    return "\n".join((stamp, nonce, verb, path, hashlib.sha256(body).hexdigest())).encode("utf-8", "surrogateescape")


def sign(secret: str, stamp: str, nonce: str, verb: str, path: str, body: bytes) -> str:
    """Lower-case hex of HMAC-SHA256 over the canonical text."""
    # Not in one call: that lets go of the interpreter, and under load waits longer to get it back than it computes.
    return hmac.new(secret.encode(), canonical(stamp, nonce, verb, path, body), "sha256").hexdigest()


def sign_md5(secret: str, stamp: str, nonce: str, verb: str, path: str, body: bytes) -> str:
    """The older form: lower-case hex of MD5 over the same five lines (the body's hash MD5 too) and the secret as a sixth."""
    lines = (stamp, nonce, verb, path, hashlib.md5(body, usedforsecurity=False).hexdigest(), secret)
    return hashlib.md5("\n".join(lines).encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def networks(typed: Sequence[str]) -> list[str]:
    """Addresses and networks as they are kept. Raises AddressWrong."""
    if len(typed) > MOST_ADDRESSES:
        raise AddressWrong(most=MOST_ADDRESSES)
    try:
        found = [ipaddress.ip_network(each.strip(), strict=False) for each in typed]
    except ValueError:
        raise AddressWrong(most=MOST_ADDRESSES) from None
    return list(dict.fromkeys(map(str, found)))


def comes_from(allowed: Collection[str], address: str) -> bool:
    """May a key with these networks be used from this address? With none, from anywhere."""
    if not allowed:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(here, ipaddress.IPv6Address) and here.ipv4_mapped is not None:
        here = here.ipv4_mapped
    return any(here in ipaddress.ip_network(each) for each in allowed)


def url_checked(url: str) -> str:
    """An address that reports may be sent to, as far as its look goes; where it leads is checked when it is sent to. Raises UrlWrong."""
    try:
        parts = urlsplit(url)
        good = bool(_URL.fullmatch(url)) and parts.hostname is not None and parts.username is None and not parts.fragment
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise UrlWrong
    return url


def band_of(stock: int) -> int:
    """The band that a stock is in: each number up to ten is its own, above that only orders of magnitude are changes."""
    return next((least for least in _BANDS if stock >= least), stock)


def day_of(at: datetime) -> int:
    """The day (UTC), counted from 1970."""
    return int(at.timestamp()) // 86_400
