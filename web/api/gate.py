"""Who may come in: every request is signed by a key, fresh, new, from an allowed address, and not one too many."""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import api
from core.api import Band, Form, Key, OpenedKey
from core.database import Shop
from web.api.memory import Entry, Memory, Room

log = structlog.get_logger()

BODY_BYTES = 64 * 1024
PUBLIC = ("/openapi.json", "/docs")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
# A key that was disabled is good for so long for questions; orders look for themselves whether it may. Another list of addresses and
# another secret hold within the same time.
_KEY_SECONDS = 1.0
_KEY_SECONDS_AT_MOST = 3.0  # while the database is slow to say; then everybody waits for it
_MOST_KEYS = 5000
Lane = Callable[[Key, bytes], Awaitable[Response]]
_SIGNS = {Form.OWN: api.sign, Form.MD5: api.sign_md5}


def error(band: Band, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error as every door of the API says it."""
    said = {"code": band.code, "name": band.name, "message": message, "retryable": band.retryable, "final": band.final}
    body = json.dumps({"error": said}, ensure_ascii=False).encode()
    return Response(body, band.status, headers, media_type="application/json")


def broke(path: str, trouble: Exception) -> Response:
    """What nobody expected; the log has its kind and no word of what was asked."""
    log.error("api-failed", path=path, error=type(trouble).__name__)
    return error(api.INTERNAL, "something went wrong here; ask by the number what became of it")


@dataclass(slots=True)
class _Known:
    """A key as it was a moment ago, and since when somebody asks for it again."""

    key: OpenedKey | None
    at: float
    asked_at: float


@dataclass(slots=True)
class Refused(Exception):
    """Who is not let in, and why; the sentence is for programmers."""

    band: Band
    message: str
    headers: dict[str, str] = field(default_factory=dict)


class Gate:
    """In front of the application: reads the body, checks the signature, and hands the key on as `scope["key"]`.

    With `per_minute` requests of one key in a minute, of which every answer tells how many are left. What is asked on one of the
    `lanes`, by method and path, is answered there.
    """

    def __init__(
        self,
        app: ASGIApp,
        shop: Shop,
        memory: Callable[[], Memory],
        *,
        lanes: Mapping[tuple[str, str], Lane] | None = None,
        per_minute: int = 3000,
        key_seconds: float = _KEY_SECONDS,
    ) -> None:
        self._app, self._shop, self._memory, self._lanes = app, shop, memory, lanes or {}
        self._per_minute, self._key_seconds = per_minute, key_seconds
        self._keys: dict[str, _Known] = {}
        self._used: dict[tuple[int, str], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in PUBLIC and scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers: dict[str, str] = {}
        try:
            given = _given(scope)
            body = await _body(given, receive)
            key, address, stamp, nonce = await self._signed_by(scope, given, body)
            room = await self._new(key, stamp, nonce)
            headers = _headers(room, self._per_minute)
            await self._note(key, address)
            _checked(scope)
        except Refused as no:
            await error(no.band, no.message, {**headers, **no.headers})(scope, receive, send)
            return
        except ClientDisconnect:
            return
        except Exception as trouble:
            await broke(path, trouble)(scope, receive, send)
            return
        if (lane := self._lanes.get((scope["method"], path))) is not None:
            answered = await lane(key, body)
            answered.raw_headers += [(name.encode(), value.encode()) for name, value in headers.items()]
            await answered(scope, receive, send)
            return
        scope["key"], scope["body"] = key, body

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        try:
            await self._app(scope, replay, answer)
        except Exception:
            # It was answered and logged; what is said besides would hold the request.
            log.debug("api-answered-as-internal")

    async def _signed_by(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> tuple[Key, str, int, str]:
        """The key, the address it is used from, and the stamp and nonce of the request."""
        name, stamp = headers.get("shop-key", ""), headers.get("shop-timestamp", "")
        nonce, given = headers.get("shop-nonce", ""), headers.get("shop-signature", "")
        found = await self._key(name)
        if found is None or found.key.form not in _SIGNS:
            raise Refused(api.UNKNOWN_KEY, "there is no such key, or it is disabled or expired")
        address = scope["client"][0] if scope.get("client") else ""
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("latin-1")
        sign = _SIGNS[found.key.form]
        expected = [sign(secret, stamp, nonce, scope["method"], path, body) for secret in found.secrets]
        if not any(hmac.compare_digest(each.encode(), given.encode("utf-8", "replace")) for each in expected):
            raise Refused(api.BAD_SIGNATURE, "the signature does not fit; see docs/reseller-api.md, Signing")
        if not api.comes_from(found.key.addresses, address):
            raise Refused(api.NOT_ALLOWED, "this key is not allowed from this address")
        if not _STAMP.fullmatch(stamp) or abs(time.time() - int(stamp)) > api.SKEW:
            raise _old()
        if not _NONCE.fullmatch(nonce):
            raise Refused(api.BAD_REQUEST, "Shop-Nonce must have 16 to 64 characters of A-Z a-z 0-9 _ -")
        return found.key, address, int(stamp), nonce

    async def _new(self, key: Key, stamp: int, nonce: str) -> Room:
        entry, room = await self._memory().enter(key.name, nonce, stamp, self._per_minute)
        if entry is Entry.OLD:
            raise _old()
        if entry is Entry.SEEN:
            raise Refused(api.NONCE_SEEN, "this nonce was used before")
        if entry is Entry.TOO_MANY:
            headers = {**_headers(room, self._per_minute), "Retry-After": str(room.reset_seconds)}
            raise Refused(api.TOO_MANY_REQUESTS, f"at most {self._per_minute} requests a minute", headers)
        return room

    async def _key(self, name: str) -> OpenedKey | None:
        if not name or len(name) > 64 or not name.isascii() or not name.isprintable():
            return None
        now = time.monotonic()
        known = self._keys.get(name)
        if known is not None:
            age = now - known.at
            if age < self._key_seconds or (now - known.asked_at < self._key_seconds and age < _KEY_SECONDS_AT_MOST):
                return known.key
            known.asked_at = now  # One asks for all who come meanwhile.
        found = await self._shop.read(api.find_key, name)
        if len(self._keys) >= _MOST_KEYS:
            self._keys.clear()
        self._keys[name] = _Known(found, now, now)
        return found

    async def _note(self, key: Key, address: str) -> None:
        now = time.monotonic()
        if now - self._used.get((key.id, address), -1e9) < 60:
            return
        if len(self._used) >= _MOST_KEYS:
            self._used.clear()
        self._used[key.id, address] = now
        try:
            await self._shop.write(api.note_use, key_id=key.id, address=address)
        except Exception as trouble:  # Nobody is kept from an order by what is only looked at.
            log.warning("api-use-not-noted", error=type(trouble).__name__)


def _old() -> Refused:
    return Refused(api.OLD_TIMESTAMP, f"Shop-Timestamp must be within {api.SKEW} seconds of the server's clock: {int(time.time())}")


def _checked(scope: Scope) -> None:
    """No database keeps a NUL, and PostgreSQL cannot even look for one; no item and no number has one. Raises Refused."""
    if "\x00" in scope["path"] or "\x00" in unquote_to_bytes(scope["query_string"]).decode("latin-1"):
        raise Refused(api.BAD_REQUEST, "no text of a request may hold the character NUL")


def _headers(room: Room, limit: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(max(0, room.left)),
        "x-ratelimit-reset": str(room.reset_seconds),
    }


def _given(scope: Scope) -> dict[str, str]:
    """The headers by name in lower case; of one that is there twice the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


async def _body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The whole body; what is too long is not read to its end. Raises Refused, and ClientDisconnect."""
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > BODY_BYTES:
        raise Refused(api.BAD_REQUEST, f"a body has at most {BODY_BYTES} bytes")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            raise Refused(api.BAD_REQUEST, f"a body has at most {BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return bytes(body)
