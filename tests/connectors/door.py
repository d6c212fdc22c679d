"""The shop's door for reports of payments, without the shop: what a method heard, refused, or was not sure of."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Never

from aiohttp import web

from core.ports import Callback, Event, Heard, NotGenuine, NotSure, PaymentMethod


class Door:
    """Answers as the web door does: 200 and the reply, 400 for what is not genuine, 503 for what is not sure."""

    def __init__(self) -> None:
        self.methods: dict[str, PaymentMethod] = {}
        self.heard: list[Event] = []
        self.came: list[Callback] = []
        self.refused = 0
        self.unsure = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        assert self._runner is not None, "the door is open"
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> Door:
        app = web.Application()
        app.add_routes([web.route("*", "/pay/{name}", self._take)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._runner is not None
        await asyncio.gather(*(method.close() for method in self.methods.values()))
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        callback = Callback(list(request.query.items()), headers, await request.read())
        self.came.append(callback)
        try:
            heard = await self.methods[request.match_info["name"]].callback(callback)
        except NotGenuine:
            self.refused += 1
            return web.Response(status=400)
        except NotSure:
            self.unsure += 1
            return web.Response(status=503)
        self.heard += heard.events
        return web.Response(text=heard.reply)


class NobodyAnswers:
    """Instead of the line to a provider, where it must not be asked."""

    async def get(self, path: str, *anything: object, **more: object) -> Never:
        raise AssertionError("the provider was asked")

    post = get

    async def close(self) -> None:
        """There is nothing to close."""


def at_once(method: PaymentMethod, callback: Callback) -> Heard:
    """What a method makes of a callback by itself, without waiting for anybody."""
    judging = method.callback(callback)
    try:
        judging.send(None)
    except StopIteration as over:
        heard: Heard = over.value
        return heard
    finally:
        judging.close()
    raise AssertionError("somebody was waited for")
