"""The application that holds the doors."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send


class Doors(FastAPI):
    """With a way past the framework for what is asked most: its layers, and matching every door's path, cost as much as a sale.

    `straight` maps a method and a path to who answers it; that one answers whatever happens.
    """

    def __init__(self, title: str) -> None:
        super().__init__(title=title, openapi_url=None)
        self.straight: dict[tuple[str, str], ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = self.straight.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if way is not None:
            await way(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
