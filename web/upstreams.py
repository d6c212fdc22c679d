"""The door of upstream shops: what they report under a word of ours is only ever a reason to ask them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from core.ports import Callback, NotGenuine, NotSure
from web import metrics

log = structlog.get_logger()

Hears = Callable[[str, Callback], Awaitable[str | None]]
"""Takes what came in under a word; returns the answer, None when the word is nobody's. Raises NotGenuine and NotSure."""


@dataclass(slots=True)
class SupplyDoor:
    """Who listens at `/supply/<word>`; nobody until the shop runs."""

    hears: Hears | None = None


def add_supply_door(app: FastAPI, door: SupplyDoor, body_of: Callable[[Request], Awaitable[bytes | None]]) -> None:
    """Open the door: 404 for a word that is nobody's, 400 for what is forged, 503 for what has to come again."""

    @app.post("/supply/{word}")
    async def supply(word: str, request: Request) -> Response:
        """What an upstream reports; answered when it is noted, so that it is repeated until then."""
        body = await body_of(request)
        if body is None:
            return JSONResponse({"error": "This is too long."}, status_code=413)
        if door.hears is None or not word.isascii() or len(word) > 64:
            return _nothing()
        callback = Callback(request.query_params.multi_items(), dict(request.headers), body, request.url.path)
        try:
            reply = await door.hears(word, callback)
        except NotGenuine:
            metrics.CALLBACKS.labels("supply", "not-genuine").inc()
            log.warning("supply-callback-not-genuine")
            return PlainTextResponse("fail", status_code=400)
        except NotSure:
            metrics.CALLBACKS.labels("supply", "not-sure").inc()
            return PlainTextResponse("fail", status_code=503, headers={"Retry-After": "5"})
        except Exception as trouble:
            # It is not noted, so it has to come again; and it is found by asking.
            metrics.CALLBACKS.labels("supply", "failed").inc()
            log.error("supply-callback-failed", error=type(trouble).__name__)
            return PlainTextResponse("fail", status_code=503, headers={"Retry-After": "5"})
        if reply is None:
            return _nothing()
        metrics.CALLBACKS.labels("supply", "booked").inc()
        return Response(reply, media_type="application/json" if reply.startswith("{") else "text/plain")


def _nothing() -> Response:
    return JSONResponse({"error": "There is nothing here."}, status_code=404)
