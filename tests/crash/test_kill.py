"""The shop is killed in the middle of everything, again and again; what it had acknowledged is true afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from core import inventory, orders, storefronts
from core.audit import audit
from core.database import Shop, read
from tests.crash.seller import KEYS
from tests.stage import Goods, person, put_on_sale, stock

LIVES = 20


@dataclass
class Memory:
    """What the buyers saw, over all lives of the shop."""

    sold: dict[str, int] = field(default_factory=dict)
    credited: set[str] = field(default_factory=set)
    asked: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: int = 0
    resolved: int = 0

    def hears(self, line: bytes) -> None:
        word, key, *rest = line.decode().split()
        if word == "asks":
            self.asked[key] = int(rest[0]), int(rest[1])
            return
        if word == "credited":
            assert rest == ["False"], "no event was reported twice"
            self.credited.add(key)
            return
        self.asked.pop(key, None)
        if word == "sold":
            order = int(rest[0])
            assert self.sold.setdefault(key, order) == order
        else:
            assert rest == ["SoldOut"]
            self.refused += 1

    def unanswered(self) -> list[tuple[str, int, int]]:
        return [(key, buyer, quantity) for key, (buyer, quantity) in self.asked.items()]


async def live(nursery: asyncio.subprocess.Process, told: dict[str, Any], memory: Memory, seconds: float) -> None:
    """One life: it is born, answers what was left unanswered, sells, and is killed without a warning."""
    assert nursery.stdin is not None and nursery.stdout is not None
    unanswered = memory.unanswered()
    nursery.stdin.write(json.dumps({**told, "unanswered": unanswered}).encode() + b"\n")
    await nursery.stdin.drain()
    killing: asyncio.Task[None] | None = None
    process = 0

    async def kill() -> None:
        await asyncio.sleep(seconds)
        os.kill(process, signal.SIGKILL)

    async for line in nursery.stdout:
        if line.startswith(b"born "):
            process = int(line.split()[1])
        elif line == b"ready\n":
            assert not any(key in memory.asked for key, _, _ in unanswered), "with the same key everything was answered"
            memory.resolved += len(unanswered)
            killing = asyncio.create_task(kill())
        elif line.startswith(b"died "):
            assert killing is not None, "it died before it was killed"
            await killing
            assert int(line.split()[1]) == -signal.SIGKILL
            return
        else:
            memory.hears(line)
    raise AssertionError("the nursery is gone")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_twenty_kills_under_load_lose_nothing_that_was_acknowledged(database: str, database_url: str) -> None:
    """No acknowledged sale or deposit is lost, no code is sold twice, each charged order has its delivery, the books are right."""
    async with Shop.opened(database_url, KEYS, holder="before") as shop:
        front = await shop.write(storefronts.open_storefront, name="Crash", currency="CNY", language="en")
        goods: Goods = await put_on_sale(shop, front, price_minor=5, count=20_000)
        buyers = [(await person(shop, front, money_minor=10**9)).id for _ in range(10)]
    chance = random.Random(database)
    memory = Memory()
    told = {"url": database_url, "terms": goods.terms(), "offer": goods.offer_id, "buyers": buyers}

    nursery = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.seller", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20
    )
    try:
        for life_number in range(LIVES):
            await live(nursery, {**told, "life": life_number}, memory, chance.uniform(0.03, 0.9))
            if life_number % 5 == 4:
                # Before anybody repairs anything: what a crash leaves behind is sound as it is.
                reading = await Shop.open_to_read(database_url, KEYS)
                try:
                    report = await reading.read(audit, sample=3)
                finally:
                    await reading.close()
                assert report.clean, (life_number, report.violations)
    finally:
        assert nursery.stdin is not None
        nursery.stdin.close()
        await nursery.wait()

    async with Shop.opened(database_url, KEYS, holder="after") as shop:
        for batch in await shop.read(inventory.unpublished):
            while await shop.write(inventory.publish, batch_id=batch):
                pass
        assert await found(shop, list(memory.sold)) == memory.sold, "every acknowledged sale is the order it was"
        report = await shop.read(audit, sample=10)
        assert report.clean, report.violations
        assert report.counts["payments"] >= len(memory.credited)
        assert report.counts["orders issued"] >= len(memory.sold)
        await stock(shop, goods.offer_id, goods.sku_id, 500)
        # The last life's unanswered asks: each is an order or is none, and asked again it is one.
        for key, buyer, quantity in memory.unanswered():
            first = await shop.write(orders.buy, buyer_id=buyer, quantity=quantity, once=key, **goods.terms())
            again = await shop.write(orders.buy, buyer_id=buyer, quantity=quantity, once=key, **goods.terms())
            assert (again.order_id, again.repeated) == (first.order_id, True)
        assert (await shop.read(audit)).clean
    assert len(memory.sold) > 10 * LIVES, "there was a load, as far as a busy machine bears one"
    assert memory.resolved > LIVES, "the kills hit asks that were under way"
    print(f"{database}: {LIVES} kills, {len(memory.sold)} acknowledged, 0 lost, {memory.resolved} resolved by their keys")


@read
def by_keys(session: Session, part: list[str]) -> dict[str, int]:
    """The issued orders of these keys, as the tables have them."""
    question = text("SELECT once, id FROM orders WHERE once IN :keys AND state = 'issued'")
    rows = session.execute(question.bindparams(bindparam("keys", expanding=True)), {"keys": part})
    return dict(rows.all())


async def found(shop: Shop, keys: list[str]) -> dict[str, int]:
    """Key → order, a few hundred at a time."""
    orders_of: dict[str, int] = {}
    for start in range(0, len(keys), 500):
        part: dict[str, int] = await shop.read(by_keys, keys[start : start + 500])
        orders_of |= part
    return orders_of
