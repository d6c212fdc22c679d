"""One of several processes that sell from the same PostgreSQL database: `python -m tests.core.seller`, asks in, answers out as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import core.schema  # noqa: F401 - all tables
from core import orders
from core.database import Keyring, Shop
from core.errors import Refusal


async def sell(url: str, asks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All asks at once; each answer says what became of it."""
    async with Shop.opened(url, Keyring.generate(), holder="seller") as shop:

        async def one(ask: dict[str, Any]) -> dict[str, Any]:
            try:
                receipt = await shop.write(orders.buy, **ask)
            except Refusal as refusal:
                return {"once": ask["once"], "refused": type(refusal).__name__}
            return {"once": ask["once"], "order": receipt.order_id, "repeated": receipt.repeated}

        # Opened and ready: the processes begin together.
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        return list(await asyncio.gather(*(one(ask) for ask in asks)))


if __name__ == "__main__":
    told = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(sell(told["url"], told["asks"]))), flush=True)
