"""Serving the HTTP doors inside the bot's own loop, so that one process is enough for a shop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn
from fastapi import FastAPI


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process: the whole of it drains, not only its doors."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Serving:
    """Listens from `open` until `close`. Port 0 takes any free one; `port` says which."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._app, self._host, self._wanted = app, host, port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._task: asyncio.Task[Any] | None = None

    @property
    def port(self) -> int:
        assert self._socket is not None, "not listening"
        return int(self._socket.getsockname()[1])

    async def open(self) -> None:
        """Listen; raises OSError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # Bound here, because uvicorn ends the process when it cannot.
        # By name of its protocol: asyncio sets TCP_NODELAY only then, and without it every answer waits 40 ms for an acknowledgement.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((self._host, self._wanted))
        except OSError:
            self._socket.close()
            raise
        self._server = _Server(
            uvicorn.Config(
                self._app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=2,
                limit_concurrency=1000,
            )
        )
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="http-doors")
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn only says so in a field
            await asyncio.sleep(0.01)
        if self._task.done():
            await self._task

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def close(self) -> None:
        """Answer what is being answered, for at most two seconds, then stop listening."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        if self._socket is not None:
            self._socket.close()
