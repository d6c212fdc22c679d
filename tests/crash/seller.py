"""A shop that sells as fast as it can until it is killed: `python -m tests.crash.seller`, one life for each line it is told.

Each life is a process of its own, forked from one that has everything imported, so that twenty lives do not take a minute to
be born. A life writes one line to its output for everything it has acknowledged – after the commit, as a buyer would be told –
and one before everything it is about to ask, so that whoever killed it can ask again with the same keys.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import count
from typing import Any

import core.schema  # noqa: F401 - all tables
from core import inventory, orders
from core.database import Keyring, Shop
from core.errors import Refusal
from core.inventory import Secret

KEYS = Keyring({"w1": b"w" * 32}, {"f1": b"f" * 32}, "w1", "f1")
BUYERS_AT_ONCE = 24


def say(*words: object) -> None:
    """One line in one write: it is whole, or it is not there."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def sell(told: dict[str, Any]) -> None:
    terms, buyers, life = told["terms"], told["buyers"], told["life"]
    async with Shop.opened(told["url"], KEYS, holder="crash story") as shop:
        for batch in await shop.read(inventory.unpublished):
            while await shop.write(inventory.publish, batch_id=batch):
                pass

        async def buy(key: str, buyer: int, quantity: int) -> None:
            say("asks", key, buyer, quantity)
            try:
                receipt = await shop.write(orders.buy, buyer_id=buyer, quantity=quantity, once=key, **terms)
            except Refusal as refusal:
                say("refused", key, type(refusal).__name__)
            else:
                say("sold", key, receipt.order_id)

        async def deposit(key: str, buyer: int) -> None:
            settled = await shop.write(
                orders.settle,
                provider="bank",
                event_key=key,
                intent_id=None,
                customer_id=buyer,
                amount_minor=123,
                currency="CNY",
            )
            say("credited", key, settled.repeated)

        # First what was asked before the last crash and never answered: with the same key it is the same order.
        await asyncio.gather(*(buy(key, buyer, quantity) for key, buyer, quantity in told["unanswered"]))
        say("ready")

        async def presses(worker: int) -> None:
            for turn in count():
                buyer = buyers[(worker * 7 + turn) % len(buyers)]
                await buy(f"{life}:{worker}:{turn}", buyer, 12 if turn % 40 == 39 else 1 + turn % 2)
                if turn % 5 == worker % 5:
                    await deposit(f"{life}:{worker}:{turn}", buyer)

        async def stocks() -> None:
            for turn in count():
                lines = ((row, Secret(f"LIFE-{life}-{turn}-{row}")) for row in range(1, 3001))
                await inventory.bring_in(
                    shop, offer_id=told["offer"], sku_id=terms["sku_id"], source_name=f"life {life}", by="test", lines=lines
                )

        await asyncio.gather(stocks(), *(presses(worker) for worker in range(BUYERS_AT_ONCE)))


def give_birth(told: dict[str, Any]) -> None:
    """One life, until it is killed."""
    life = os.fork()
    if life == 0:
        say("born", os.getpid())
        asyncio.run(sell(told))
        os._exit(1)  # Nobody killed it: it must not look as if somebody had.
    _, status = os.waitpid(life, 0)
    say("died", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    for line in sys.stdin:
        give_birth(json.loads(line))
