"""Props of the compatible doors: a shop that serves them over HTTP, a reseller with keys, a line that may fall silent after the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from bot.serving import Serving
from connectors.suppliers.acg_faka import AcgFaka
from connectors.suppliers.dujiao_next import DujiaoNext
from core import pricing
from core.api import Form, NewKey
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from tests.programs import key_for, reseller
from tests.stage import Goods
from web.acg_faka import add_acg_door
from web.api import ApiDoor
from web.app import _body
from web.dujiao import add_dujiao_door

SHORT = 0.4


class Line:
    """Between the street and the doors: while it is silent the work is done, and nobody hears of it."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.silent = False
        self.worked = asyncio.Event()  # some work was done in silence
        self._let_go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.silent:
            await self._app(scope, receive, send)
            return
        kept: list[Any] = []

        async def keep(message: Any) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        self.worked.set()
        await self._let_go.wait()

    def close(self) -> None:
        self._let_go.set()


@dataclass
class Doors:
    """The doors of a shop, open, with one reseller's keys for both."""

    shop: Shop
    storefront: Storefront
    reseller: Customer
    dujiao: NewKey
    acg: NewKey
    url: str
    line: Line

    def dujiao_connector(self, seconds: float = 15.0) -> DujiaoNext:
        return DujiaoNext(self.url, self.dujiao.key.name, self.dujiao.secret, seconds=seconds)

    def acg_connector(self, seconds: float = 15.0) -> AcgFaka:
        return AcgFaka(self.url, self.acg.key.name, self.acg.secret, self.storefront.currency, "a@b.example", seconds=seconds)

    async def unit(self, goods: Goods) -> int:
        """What one costs this reseller."""
        prices = await self.shop.read(pricing.for_buyer, buyer=self.reseller, sku_ids=[goods.sku_id])
        return prices[goods.sku_id].retail_minor


@asynccontextmanager
async def doors_of(shop: Shop, storefront: Storefront, *, wait_seconds: float = 5.0) -> AsyncIterator[Doors]:
    """Both doors over real HTTP."""
    buyer = await reseller(shop, storefront)
    app = FastAPI(openapi_url=None)
    add_dujiao_door(app, shop, ApiDoor(), _body)
    add_acg_door(app, shop, ApiDoor(), _body, wait_seconds=wait_seconds, look_every_seconds=0.02)
    line = Line(app)
    serving = Serving(line, "127.0.0.1", 0)  # type: ignore[arg-type]
    await serving.open()
    try:
        yield Doors(
            shop,
            storefront,
            buyer,
            await key_for(shop, buyer, form=Form.DUJIAO),
            await key_for(shop, buyer, form=Form.ACG),
            f"http://127.0.0.1:{serving.port}",
            line,
        )
    finally:
        line.close()
        await serving.close()
