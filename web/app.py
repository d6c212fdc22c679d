"""The application behind the HTTP doors: Telegram's webhook, and what watches over the shop asks for."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core import outbox
from core.database import Shop
from core.ports import Callback, NotGenuine, NotSure
from web import metrics
from web.acg_faka import add_acg_door
from web.api import ApiDoor, add_api_door
from web.doors import Doors
from web.dujiao import add_dujiao_door
from web.uploads import UploadDoor, add_upload_door
from web.upstreams import SupplyDoor, add_supply_door

log = structlog.get_logger()

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
BODY_BYTES = 1 << 20  # An update is a few kilobytes; files are fetched, not sent.
DATABASE_SECONDS = 2.0

Update = dict[str, Any]


class NotNow(Exception):
    """The bot takes no updates at the moment (it is stopping, or has too many in hand): Telegram sends this one again."""


@dataclass(frozen=True, slots=True)
class TelegramDoor:
    """Where one bot takes its updates. `handle` returns when the update is handled; raises NotNow when it was not begun.

    What `handle` returns, when not None, is a method call that Telegram carries out (`{"method": …}`).
    """

    secret: str
    handle: Callable[[Update], Awaitable[dict[str, Any] | None]]


class ForeignReply(str):
    """The answer to a callback about payments of another shop on the same account: it is as to ours, and counted apart."""

    __slots__ = ()


PaymentDoor = Callable[[Callback], Awaitable[str]]
"""Takes a provider's callback and returns what is answered when it is booked. Raises NotGenuine, NotSure or NotNow."""


def make_app(
    shop: Shop,
    *,
    telegram: Mapping[str, TelegramDoor] | None = None,
    payments: Mapping[str, PaymentDoor] | None = None,
    uploads: Callable[[], UploadDoor | None] = lambda: None,
    supply: SupplyDoor | None = None,
    api: ApiDoor | None = None,
    alive: Callable[[], Mapping[str, bool]] = dict,
) -> Doors:
    """The doors. `telegram` maps the opaque id in a webhook's address to its bot; `alive` says which parts of the process work."""
    doors = telegram if telegram is not None else {}
    tills = payments if payments is not None else {}
    app = Doors(title="shop")

    @app.post("/telegram/{door_id}")
    async def telegram_update(door_id: str, request: Request) -> Response:
        """One update; answered only when it is handled, so that Telegram repeats what was lost."""
        door = doors.get(door_id)
        if door is None:
            return _says(404, "There is nothing here.")
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), door.secret.encode()):
            log.warning("webhook-secret-wrong")
            return _says(403, "This is not Telegram.")
        body = await _body(request)
        if body is None:
            return _says(413, f"A body has at most {BODY_BYTES} bytes.")
        update = _update_in(body)
        if update is None:
            return _says(400, "This is not an update.")
        try:
            reply = await door.handle(update)
        except NotNow:
            return Response(status_code=503, headers={"Retry-After": "1"})
        return Response(status_code=200) if reply is None else JSONResponse(reply)

    @app.api_route("/pay/{method}", methods=["GET", "POST"])
    async def payment(method: str, request: Request) -> Response:
        """What a provider reports; answered only when it is booked, so that the provider repeats what was lost."""
        till = tills.get(method)
        if till is None:
            return _says(404, "There is nothing here.")
        body = await _body(request)
        if body is None:
            return _says(413, f"A body has at most {BODY_BYTES} bytes.")
        try:
            reply = await till(Callback(request.query_params.multi_items(), dict(request.headers), body))
        except NotGenuine:
            metrics.CALLBACKS.labels(method, "not-genuine").inc()
            log.warning("callback-not-genuine", method=method)
            return PlainTextResponse("fail", status_code=400)
        except (NotSure, NotNow):
            metrics.CALLBACKS.labels(method, "not-sure").inc()
            return PlainTextResponse("fail", status_code=503, headers={"Retry-After": "5"})
        except Exception as trouble:
            # It is not booked, so the provider has to repeat it; and it is found in the provider's own list.
            metrics.CALLBACKS.labels(method, "failed").inc()
            log.error("callback-failed", method=method, error=type(trouble).__name__)
            return PlainTextResponse("fail", status_code=503, headers={"Retry-After": "5"})
        metrics.CALLBACKS.labels(method, "foreign" if isinstance(reply, ForeignReply) else "booked").inc()
        return PlainTextResponse(reply)

    add_upload_door(app, uploads)
    add_supply_door(app, supply or SupplyDoor(), _body)
    own = api or ApiDoor()
    add_dujiao_door(app, shop, own, _body)
    add_acg_door(app, shop, own, _body)

    @app.get("/health")
    async def health() -> Response:
        """The process lives and its loop turns."""
        return PlainTextResponse("ok\n")

    @app.get("/ready")
    async def ready() -> Response:
        """Whether it can serve: the database answers, and every part of this process is at work."""
        parts = {"database": await _database_answers(shop), **alive()}
        return JSONResponse({"ready": all(parts.values()), "parts": parts}, status_code=200 if all(parts.values()) else 503)

    @app.get("/metrics")
    async def figures(request: Request) -> Response:
        """Counters for Prometheus; only for those who ask directly, not from the street through the reverse proxy."""
        if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
            return _says(404, "There is nothing here.")
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                waiting = await shop.read(outbox.waiting)
        except Exception as trouble:
            log.warning("metrics-without-outbox", error=type(trouble).__name__)
        else:
            oldest = waiting.oldest_made_at
            metrics.OUTBOX_OPEN.set(waiting.open)
            metrics.OUTBOX_PARKED.set(waiting.parked)
            metrics.OUTBOX_OLDEST_SECONDS.set((shop.tools.clock() - oldest).total_seconds() if oldest else 0)
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    # The last one: what no other door under its prefix takes, it answers.
    add_api_door(app, shop, own)
    return app


def _says(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)


async def _body(request: Request) -> bytes | None:
    """The whole body, or None when it is too long; what is too long is not read to its end."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            return None
    return bytes(body)


def _update_in(body: bytes) -> Update | None:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(update, dict) or type(update.get("update_id")) is not int:
        return None
    return update


async def _database_answers(shop: Shop) -> bool:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await shop.read(outbox.waiting)
    except Exception as trouble:
        log.warning("database-does-not-answer", error=type(trouble).__name__)
        return False
    return True
