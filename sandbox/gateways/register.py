"""A register of certificates to try the shop with: it answers over HTTP what it has written down, and can misbehave."""

import asyncio
from collections import deque
from dataclasses import dataclass, fields
from typing import Any

from aiohttp import web

from sandbox.gateways.base import HOST


@dataclass
class RegisterFaults:
    """What the register does wrong while a switch is set."""

    errors_500: int = 0  # so many next calls
    stall_seconds: float = 0.0  # the answer comes that late
    nonsense: bool = False  # a page of a provider of Wi-Fi, with status 200
    cut_off: bool = False  # the answer ends in its middle
    redirect: str = ""  # sends whoever asks to this address
    another: bool = False  # answers about another certificate
    no_state: bool = False  # says everything but whether it is valid
    pending: bool = False  # does not know yet

    def clear(self) -> None:
        """Everything is as it should be again."""
        for each in fields(self):
            setattr(self, each.name, each.default)


class CertificateServer:
    """The register on 127.0.0.1. Start it, give its `url` to the shop, stop it; `book` is what it has written down, by number."""

    def __init__(self, token: str = "sandbox-register-token") -> None:  # noqa: S107 - of the sandbox
        self.token, self.faults = token, RegisterFaults()
        self.book: dict[str, dict[str, str]] = {
            "AUTH-2026-001": {"state": "valid", "holder": "Acme Games Ltd", "scope": "Steam", "expires_on": "2099-12-31"},
            "AUTH-2019-007": {"state": "valid", "holder": "Acme Games Ltd", "scope": "Steam", "expires_on": "2020-12-31"},
            "AUTH-2026-666": {"state": "revoked", "holder": "Acme Games Ltd", "scope": "Steam", "expires_on": "2099-12-31"},
        }
        self.calls: deque[str] = deque(maxlen=1000)  # "POST AUTH-2026-001", newest last
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The address that is asked."""
        assert self._port, "the register is not started"
        return f"http://{HOST}:{self._port}/api/certificates"

    async def start(self, port: int = 0) -> None:
        """Listens on the port (0 takes any free one); raises OSError when it is taken."""
        app = web.Application()
        app.add_routes([web.post("/api/certificates", self._asked), web.get("/api/certificates", self._asked)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner, self._port = None, 0

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        asked: Any = await request.json() if request.method == "POST" else dict(request.query)
        number = str(asked.get("number", ""))
        self.calls.append(f"{request.method} {number}")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "who are you"}, status=401)
        if self.faults.errors_500 > 0:
            self.faults.errors_500 -= 1
            return web.Response(status=500, text="out of order")
        if self.faults.redirect:
            return web.Response(status=302, headers={"Location": self.faults.redirect})
        await asyncio.sleep(self.faults.stall_seconds)
        if self.faults.nonsense:
            return web.Response(text="<html><body>Please sign in to the Wi-Fi<br></body>", content_type="text/html")
        told = {"number": number, **self.book.get(number, {"state": "invalid"})}
        if self.faults.another:
            told["number"] = "AUTH-0000-000"
        if self.faults.pending:
            told["state"] = "pending"
        if self.faults.no_state:
            del told["state"]
        response = web.json_response(told)
        if self.faults.cut_off:
            body = response.text or ""
            return web.Response(text=body[: len(body) // 2], content_type="application/json")
        return response
