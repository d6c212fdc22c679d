"""Many buyers at once: what is sold is what was there, and what is charged is what was sold."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from core import orders, payments
from core.database import Shop
from core.orders import Receipt, SoldOut, TooLittleMoney
from core.storefronts import Storefront
from tests.core.props import assert_sound, at_once, balance, left, scalar
from tests.stage import Goods, person, put_on_sale


async def assert_no_deadlock(database: str, url: str) -> None:
    """Wallets are locked in one order: nobody waited in a circle."""
    if database == "postgres":
        assert await scalar(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


async def test_two_hundred_buyers_on_forty_codes(shop: Shop, goods: Goods, database: str, database_url: str) -> None:
    """Defects 2 and 8: exactly forty are sold and charged, and nobody is charged who got nothing."""
    buyers = await asyncio.gather(*(person(shop, goods.storefront, money_minor=9500) for _ in range(200)))

    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"buy:{buyer.id}", **goods.terms()) for buyer in buyers
    )

    assert len(sold) == 40
    assert len({receipt.order_id for receipt in sold}) == 40
    assert [(type(r), r.left) for r in refused if isinstance(r, SoldOut)] == [(SoldOut, 0)] * 160
    assert await left(shop, goods) == 0
    kept = [await balance(shop, buyer) for buyer in buyers]
    assert sorted(kept) == [0] * 40 + [9500] * 160
    report = await assert_sound(shop, sample=3)
    assert report.counts["codes sold"] == 40
    await assert_no_deadlock(database, database_url)


async def test_two_hundred_buyers_of_several_cards_each(shop: Shop, storefront: Storefront, database: str, database_url: str) -> None:
    """Quantities do not divide the stock: what is left in the end is less than anybody who was refused had asked for."""
    goods = await put_on_sale(shop, storefront, count=97)
    buyers = await asyncio.gather(*(person(shop, storefront, money_minor=9500 * 20) for _ in range(100)))
    asked = {buyer.id: (1, 2, 3, 7, 12)[n % 5] for n, buyer in enumerate(buyers)}

    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=asked[buyer.id], once=f"buy:{buyer.id}", **goods.terms()) for buyer in buyers
    )

    remaining = await left(shop, goods)
    assert sum(receipt.quantity for receipt in sold) + remaining == 97
    assert remaining == 0, "with buyers of a single card about, nothing is left over"
    assert all(isinstance(refusal, SoldOut) for refusal in refused)
    assert len(sold) + len(refused) == 100
    await assert_sound(shop)
    await assert_no_deadlock(database, database_url)


async def test_money_for_one_card_pressed_fifty_times_from_different_screens(shop: Shop, goods: Goods) -> None:
    """Each screen is another wish to buy; the money decides, once."""
    buyer = await person(shop, goods.storefront, money_minor=9500)

    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"screen:{n}", **goods.terms()) for n in range(50)
    )

    assert len(sold) == 1
    assert {(type(r), r.balance_minor, r.short_minor) for r in refused if isinstance(r, TooLittleMoney)} == {(TooLittleMoney, 0, 9500)}
    assert len(refused) == 49
    assert await balance(shop, buyer) == 0
    assert await left(shop, goods) == 39
    await assert_sound(shop)


async def test_one_screen_pressed_fifty_times_is_one_order(shop: Shop, goods: Goods) -> None:
    """A double press, however often, is one order: all get the same receipt."""
    buyer = await person(shop, goods.storefront, money_minor=95_000)

    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="the screen", **goods.terms()) for _ in range(50)
    )

    assert refused == []
    assert len({(r.order_id, r.number, r.quantity, r.paid_minor, r.currency) for r in sold}) == 1
    assert [r.repeated for r in sold].count(False) == 1
    assert await balance(shop, buyer) == 85_500
    assert await left(shop, goods) == 39
    await assert_sound(shop)


async def test_two_hundred_deposits_overlap_purchases_of_the_same_buyer(shop: Shop, storefront: Storefront, database_url: str) -> None:
    """Defect 1: elsewhere a purchase writes the whole customer back and the deposit is gone. Here not a minor unit is."""
    goods = await put_on_sale(shop, storefront, price_minor=100, count=200)
    buyer = await person(shop, storefront, money_minor=100)

    async def deposit(n: int) -> None:
        await shop.write(
            orders.settle,
            provider="bank",
            event_key=f"deposit:{n}",
            intent_id=None,
            customer_id=buyer.id,
            amount_minor=137,
            currency=storefront.currency,
        )

    async def buy(n: int) -> Receipt:
        return await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"buy:{n}", **goods.terms())

    async def adjust(n: int) -> int:
        return await shop.write(payments.adjust, customer_id=buyer.id, amount_minor=1, reason="a gift", by="test", once=f"gift:{n}")

    bought: list[Receipt] = []
    for start in range(0, 200, 20):
        part = range(start, start + 20)
        async with asyncio.TaskGroup() as group:
            buying = group.create_task(at_once(buy(n) for n in part))
            group.create_task(at_once(deposit(n) for n in part))
            group.create_task(at_once(adjust(n) for n in part))
        granted, refused = buying.result()
        bought += granted
        assert all(isinstance(refusal, TooLittleMoney) for refusal in refused)

    assert await balance(shop, buyer) == 100 + 200 * 137 + 200 - 100 * len(bought)
    assert len(bought) > 100
    await assert_sound(shop)
    # What the action log says about each gift is what happened: a chain without gaps, whatever came in between.
    befores = await scalar(database_url, "SELECT count(*) FROM actions WHERE did = 'adjust-balance'")
    assert befores == 201


async def test_the_action_log_of_overlapping_adjustments_tells_what_happened(shop: Shop, storefront: Storefront) -> None:
    """Fifty admins at once: each balance "before" is the "after" of another, none is told twice."""
    buyer = await person(shop, storefront)

    afters, _ = await at_once(
        shop.write(payments.adjust, customer_id=buyer.id, amount_minor=10, reason="test", by=f"admin {n}", once=f"adjust:{n}")
        for n in range(50)
    )

    assert sorted(afters) == [10 * n for n in range(1, 51)]
    await assert_sound(shop)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_four_processes_sell_the_same_forty_codes(shop: Shop, goods: Goods, database: str, database_url: str) -> None:
    """Several processes on one PostgreSQL: no memory is shared, the rows decide. Every ask is sent to two of the processes."""
    buyers = await asyncio.gather(*(person(shop, goods.storefront, money_minor=9500) for _ in range(60)))
    asks = [{"buyer_id": b.id, "quantity": 1, "once": f"buy:{b.id}", **goods.terms()} for b in buyers]

    async def start(part: list[dict[str, Any]]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.core.seller", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"url": database_url, "asks": part}).encode() + b"\n")
        await process.stdin.drain()
        assert (await process.stdout.readline()).strip() == b"ready"
        return process

    # Each process has half of the asks: the first two share them out, and so do the last two, cut elsewhere.
    halves = asks[:30], asks[30:], asks[15:45], asks[45:] + asks[:15]
    processes = await asyncio.gather(*map(start, halves))
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    answers = [answer for out, _ in outputs for answer in json.loads(out)]
    orders_by_ask: dict[str, set[int]] = {}
    for answer in answers:
        if "order" in answer:
            orders_by_ask.setdefault(answer["once"], set()).add(answer["order"])
    assert all(len(ids) == 1 for ids in orders_by_ask.values()), "the same press in two processes is one order"
    assert len(orders_by_ask) == 40
    assert {answer["refused"] for answer in answers if "refused" in answer} == {"SoldOut"}
    assert await left(shop, goods) == 0
    report = await assert_sound(shop, sample=3)
    assert report.counts["orders issued"] == 40
    await assert_no_deadlock(database, database_url)
