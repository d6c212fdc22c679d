"""Defects found in other shops, each told again here: this shop must not have them. The numbers are those of the list of rivals.

Number 1 is also in test_oversell (deposits that overlap purchases), 2 and 8 are its first story; 3, 9, 15 and 17 are told
where the network is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

import core.orders.sale_sqlite
from core import catalog, inventory, ledger, orders, outbox, payments, pricing, rates, showcase, supply
from core.catalog import Gone
from core.database import Keyring, Shop, Tools
from core.errors import Refusal
from core.inventory import Secret
from core.orders import LimitReached, OrderState, RevealCause, TooManyHolds, TooManyOpen, WrongQuantity
from core.payments import NotPayable
from core.people import Customer
from core.storefronts import Storefront
from tests.core.props import STAR_RATE, aside, at_once, balance, consign, left, place, reserve, scalar, settle
from tests.stage import Clock, Goods, chat_of, person, put_on_sale, stock

pytestmark = pytest.mark.usefixtures("sound_in_the_end")


@pytest.fixture
async def buyer(shop: Shop, storefront: Storefront) -> Customer:
    """Somebody with money for ten cards, in a shop that takes Stars."""
    await shop.write(rates.set_rate, base="XTR", quote=storefront.currency, rate=STAR_RATE, source="test")
    return await person(shop, storefront, money_minor=95_000)


async def state_of(shop: Shop, order_id: int) -> OrderState:
    found = await shop.read(orders.detail, order_id=order_id)
    assert found is not None
    return found.card.state


# 2. Paid, marked delivered, nothing delivered.


async def test_stock_that_is_gone_when_the_money_comes_leaves_the_money_with_the_buyer(
    shop: Shop, storefront: Storefront, buyer: Customer
) -> None:
    """Defect 2: the last card goes to another while somebody pays: no order without a card, no money without an account."""
    goods = await put_on_sale(shop, storefront, count=1)
    order = await place(shop, buyer, goods, once="stars")
    other = await person(shop, storefront, money_minor=9500)
    await shop.write(orders.buy, buyer_id=other.id, quantity=1, once="last", **goods.terms())

    settled = await settle(shop, buyer, order, event="late")

    assert (settled.issued, settled.why, settled.credited_minor) == (False, "sold-out", 9500)
    assert await balance(shop, buyer) == 95_000 + 9500
    assert await state_of(shop, order.order_id) is OrderState.CANCELLED
    with pytest.raises(Gone):
        await shop.write(
            orders.reveal, order_id=order.order_id, cause=RevealCause.SHOWN, to_telegram_id=await chat_of(shop, order.order_id)
        )


# 3. Callbacks of other amounts.


@pytest.mark.parametrize("amount", [1, 678])
async def test_a_payment_of_less_than_the_order_issues_nothing(shop: Shop, goods: Goods, buyer: Customer, amount: int) -> None:
    """Defect 3: a correctly signed callback of 0.01 for an order of 10.00. The money is credited for what it is worth."""
    order = await place(shop, buyer, goods, once="stars")
    assert order.intent.amount_minor == 679  # 9500 fen at 14 fen a Star, rounded up.

    settled = await settle(shop, buyer, order, event="small", amount=amount)

    assert (settled.issued, settled.why) == (False, "too-little")
    assert await balance(shop, buyer) == 95_000 + amount * 9500 // 679
    assert await left(shop, goods) == 40


@pytest.mark.parametrize("amount", [0, -679])
async def test_a_payment_of_nothing_moves_nothing(shop: Shop, goods: Goods, buyer: Customer, amount: int) -> None:
    """Defect 3, at its edge: a report of nought or of a negative amount neither credits nor debits nor issues."""
    order = await place(shop, buyer, goods, once="stars")
    settled = await settle(shop, buyer, order, event="nothing", amount=amount)
    assert not settled.issued
    assert await balance(shop, buyer) == 95_000


async def test_more_than_the_order_is_issued_and_the_rest_is_the_buyers(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 3, the other way: an over-payment is not kept by the shop."""
    order = await place(shop, buyer, goods, once="stars")
    settled = await settle(shop, buyer, order, event="much", amount=2 * 679)
    assert settled.issued
    assert await balance(shop, buyer) == 95_000 + 9500


async def test_real_money_on_somebody_elses_number_belongs_to_who_paid_it(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 3, with another's invoice: it does not issue their order, and it is not lost."""
    order = await place(shop, buyer, goods, once="stars")
    other = await person(shop, goods.storefront)
    settled = await settle(shop, other, order, event="theirs")
    assert not settled.issued
    assert await balance(shop, other) == 679 * 14
    assert await state_of(shop, order.order_id) is OrderState.PENDING


# 4. Repeated notifications.


async def test_one_event_reported_forty_times_at_once_is_issued_once(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 4: the same webhook credits or issues again. One answer says issued, all others that it was recorded before."""
    order = await place(shop, buyer, goods, once="stars", quantity=2)

    answers, refused = await at_once(settle(shop, buyer, order, event="the event") for _ in range(40))

    assert refused == []
    assert sorted(answer.why for answer in answers) == ["issued"] + ["repeated"] * 39
    assert await balance(shop, buyer) == 95_000
    assert await left(shop, goods) == 38


async def test_two_payments_for_one_order_at_once_issue_once_and_credit_once(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 4: two different events for the same order are two payments: one issues, the other is the buyer's money."""
    for turn in range(8):
        order = await place(shop, buyer, goods, once=f"stars:{turn}")
        answers, _ = await at_once(settle(shop, buyer, order, event=f"{turn}:{n}") for n in range(2))
        assert sorted(answer.why for answer in answers) == ["issued", "second-payment"]
        assert await balance(shop, buyer) == 95_000 + 9500 * (turn + 1)


async def test_a_deposit_reported_twice_is_credited_once(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    """Defect 4, for top-ups: also when the two reports come at the same moment."""
    intent = await shop.write(orders.deposit, customer_id=buyer.id, worth_minor=5000, provider="bank", pay_currency="CNY", seconds=600)
    report: dict[str, Any] = {"provider": "bank", "intent_id": intent.id, "customer_id": buyer.id, "currency": "CNY"}
    await at_once(shop.write(orders.settle, event_key="e", amount_minor=5000, **report) for _ in range(10))
    assert await balance(shop, buyer) == 100_000


# 5. A send that fails once.


async def test_a_delivery_that_failed_is_tried_again_until_it_is_done(shop: Shop, goods: Goods, buyer: Customer, clock: Clock) -> None:
    """Defect 5, at the core: the message stays in the outbox through failures, lost workers and a blocked bot."""
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())

    async def delivery(worker: str) -> outbox.Leased | None:
        leased = await shop.write(outbox.lease, worker=worker, most=50, seconds=30)
        return next((message for message in leased if message.order_id == receipt.order_id), None)

    first = await delivery("one")
    assert first is not None
    assert await delivery("two") is None, "while it is leased it is nobody else's"
    await shop.write(outbox.retry, message_id=first.id, worker="one", after_seconds=60, trouble="502")
    assert await delivery("two") is None
    clock.passes(seconds=61)
    second = await delivery("two")
    assert second is not None
    clock.passes(seconds=31)  # Worker two died.
    third = await delivery("three")
    assert third is not None
    await shop.write(outbox.park, message_id=third.id, worker="three", trouble="403")
    clock.passes(days=3)
    assert await delivery("four") is None
    assert await shop.write(outbox.unpark, customer_id=buyer.id) >= 1
    fourth = await delivery("four")
    assert fourth is not None and fourth.attempt == 4
    await shop.write(outbox.done, message_id=fourth.id, worker="four", sent_message_id=1)
    clock.passes(days=3)
    assert await delivery("five") is None


async def test_a_message_is_leased_to_one_of_many_workers(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 5, the other way: several workers at once never hold the same message."""
    for n in range(10):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms())
    leases, _ = await at_once(shop.write(outbox.lease, worker=f"w{n}", most=4, seconds=60) for n in range(8))
    ids = [message.id for lease in leases for message in lease]
    assert len(ids) == len(set(ids)) == 11  # Ten deliveries and the notice of the first money.


# 6. Money after the order expired.


async def test_money_after_the_order_expired_still_buys_while_there_is_stock(
    shop: Shop, goods: Goods, buyer: Customer, clock: Clock
) -> None:
    """Defect 6: elsewhere late money is kept and nothing is given."""
    order = await place(shop, buyer, goods, once="stars", seconds=60)
    clock.passes(seconds=61)
    assert await shop.write(orders.expire) == 1
    settled = await settle(shop, buyer, order, event="late")
    assert settled.issued
    assert await state_of(shop, order.order_id) is OrderState.ISSUED
    assert await balance(shop, buyer) == 95_000


async def test_money_after_the_order_was_cancelled_is_credited(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 6: the buyer no longer wanted it, so it is not bought for them."""
    order = await place(shop, buyer, goods, once="stars")
    await shop.write(orders.cancel, order_id=order.order_id, buyer_id=buyer.id)
    settled = await settle(shop, buyer, order, event="late")
    assert (settled.issued, settled.why) == (False, "cancelled")
    assert await balance(shop, buyer) == 95_000 + 9500


async def test_expiry_and_payment_at_the_same_moment_end_one_way_or_the_other(
    shop: Shop, goods: Goods, buyer: Customer, clock: Clock, database: str, database_url: str
) -> None:
    """Defect 6, as a race: expire, cancel and settle meet; the money buys or is credited, and nobody waits in a circle."""
    for turn in range(10):
        order = await place(shop, buyer, goods, once=f"stars:{turn}", seconds=60)
        await reserve(shop, buyer, order)
        before = await balance(shop, buyer)
        clock.passes(seconds=301)
        ended = shop.write(orders.expire) if turn % 2 else shop.write(orders.cancel, order_id=order.order_id, buyer_id=buyer.id)
        settled, *_ = await asyncio.gather(settle(shop, buyer, order, event=f"{turn}"), ended, return_exceptions=True)
        assert isinstance(settled, orders.Settled)
        assert await balance(shop, buyer) == before + (0 if settled.issued else 9500)
        assert (await state_of(shop, order.order_id) is OrderState.ISSUED) == settled.issued
    if database == "postgres":
        assert await scalar(database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


# 7. Codes sent before the commit.


async def test_a_refused_purchase_posts_nothing_to_send(shop: Shop, goods: Goods) -> None:
    """Defect 7: codes leave by the outbox only, and it is written in the transaction that sold them."""
    poor = await person(shop, goods.storefront)
    await at_once(shop.write(orders.buy, buyer_id=poor.id, quantity=1, once=f"{n}", **goods.terms()) for n in range(10))
    assert await shop.write(outbox.lease, worker="w", most=10, seconds=1) == []


async def test_the_outbox_holds_the_orders_number_and_no_code(
    shop: Shop, storefront: Storefront, buyer: Customer, database_url: str
) -> None:
    """Defect 7: whoever reads the queue learns nothing that can be redeemed."""
    goods = await put_on_sale(shop, storefront, count=0)
    (code,) = await stock(shop, goods.offer_id, goods.sku_id, 1)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())
    async with aside(database_url) as connection:
        rows = (await connection.execute(text("SELECT * FROM outbox"))).all()
        log = (await connection.execute(text("SELECT * FROM actions"))).all()
    assert rows and code not in repr(rows) + repr(log)


# 10. Uniqueness only per product.


async def test_one_code_never_enters_twice_under_whatever_product_and_spelling(shop: Shop, storefront: Storefront) -> None:
    """Defect 10: the fingerprint is unique over the whole shop, for ever: also when the first was sold, or is void."""
    one, two = await put_on_sale(shop, storefront, count=0), await put_on_sale(shop, storefront, name="Other", count=0)

    async def bring(goods: Goods, *codes: Secret) -> inventory.ImportReceipt:
        return await inventory.bring_in(
            shop, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="t", by="t", lines=iter(enumerate(codes, 1))
        )

    first = await bring(one, Secret("abcd-1234-efgh"), Secret(None, "PIN 77"), Secret("ABCD1234EFGH"))
    assert (first.accepted, first.duplicate_in_file) == (2, [3])
    other = await bring(two, Secret("new-1"), Secret("ＡＢＣＤ 1234 EFGH"), Secret("pin", "77"))
    assert (other.accepted, other.duplicate_in_shop) == (1, [2, 3])

    rich = await person(shop, storefront, money_minor=95_000)
    await shop.write(orders.buy, buyer_id=rich.id, quantity=1, once="a", **one.terms())
    last = await scalar(shop.url.render_as_string(hide_password=False), "SELECT max(id) FROM codes WHERE available IS NOT NULL")
    await shop.write(inventory.void, code_id=last)
    again = await bring(two, Secret("abcd1234efgh"), Secret("pin77"), Secret("new-1"))
    assert (again.accepted, again.duplicate_in_shop) == (0, [1, 2, 3])


async def test_two_imports_of_the_same_codes_at_once_take_each_code_once(shop: Shop, storefront: Storefront) -> None:
    """Defect 10, as a race: two suppliers send the same list at the same moment, one of them upside down."""
    one, two = await put_on_sale(shop, storefront, count=0), await put_on_sale(shop, storefront, name="Other", count=0)
    codes = [f"SAME-{n:05d}" for n in range(3000)]

    async def bring(goods: Goods, these: list[str]) -> inventory.ImportReceipt:
        lines = ((row, Secret(code)) for row, code in enumerate(these, 1))
        return await inventory.bring_in(shop, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="t", by="t", lines=lines)

    a, b = await asyncio.gather(bring(one, codes), bring(two, codes[::-1]))

    assert a.accepted + b.accepted == 3000
    # Which of the two words is said depends on how far the other one was; each line that was not taken is told once.
    assert sum(len(told.duplicate_in_shop) + len(told.staged_elsewhere) for told in (a, b)) == 3000
    assert await left(shop, one) + await left(shop, two) == 3000


# 11. Currencies taken for one another.


async def test_a_price_in_another_currency_is_never_charged_as_the_shops(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 11: 10 USDT charged as 10 CNY. A price the wallet's currency cannot pay is not for sale."""
    price = await shop.write(pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=1000, currency="USDT")
    with pytest.raises(orders.NotForSale):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **{**goods.terms(), "price_id": price.id})
    assert await balance(shop, buyer) == 95_000


async def test_without_a_rate_nothing_is_asked_in_another_currency(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 11: no rate, no conversion – never one to one."""
    with pytest.raises(orders.NotForSale):
        await shop.write(
            orders.place, buyer_id=buyer.id, quantity=1, once="a", provider="x", pay_currency="EUR", seconds=60, **goods.terms()
        )
    assert await scalar(shop.url.render_as_string(hide_password=False), "SELECT count(*) FROM orders") == 0


# 12. Stock held by orders nobody pays.


async def test_orders_nobody_pays_hold_nothing_and_are_few(shop: Shop, goods: Goods, buyer: Customer, clock: Clock) -> None:
    """Defect 12: an order alone holds no stock; who orders and never pays is stopped at ten."""
    for n in range(10):
        await place(shop, buyer, goods, once=f"{n}", quantity=20)
    assert await left(shop, goods) == 40
    with pytest.raises(TooManyOpen):
        await place(shop, buyer, goods, once="one more")
    clock.passes(seconds=901)
    assert await shop.write(orders.expire) == 10
    await place(shop, buyer, goods, once="one more")


async def test_holds_are_few_short_and_come_back(shop: Shop, goods: Goods, buyer: Customer, clock: Clock) -> None:
    """Defect 12: at most three at a time, five minutes at most, shorter for who lets them lapse."""
    placed = [await place(shop, buyer, goods, once=f"{n}", quantity=5, seconds=10**6) for n in range(4)]
    for order in placed[:3]:
        await reserve(shop, buyer, order)
        await reserve(shop, buyer, order)  # Asked twice, held once.
    assert await left(shop, goods) == 25
    with pytest.raises(TooManyHolds):
        await reserve(shop, buyer, placed[3])
    clock.passes(seconds=301)
    assert await shop.write(orders.release_lapsed_holds) == 3
    assert await left(shop, goods) == 40
    await reserve(shop, buyer, placed[3])
    clock.passes(seconds=301 / 4)
    assert await shop.write(orders.release_lapsed_holds) == 1, "after three lapses a hold is four times shorter"
    settled = await settle(shop, buyer, placed[3], event="late")
    assert settled.issued, "a hold that lapsed is no order that is lost"


async def test_expiry_in_several_processes_at_once_puts_each_code_back_once(shop: Shop, goods: Goods, clock: Clock) -> None:
    """Defect 12, as a race: timed jobs may run in several processes."""
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
    for _ in range(6):
        who = await person(shop, goods.storefront)
        await reserve(shop, who, await place(shop, who, goods, once=f"{who.id}", quantity=6, seconds=60))
    assert await left(shop, goods) == 4
    clock.passes(seconds=301)  # Reserved, an order waits as long as its hold.
    ended, _ = await at_once(shop.write(orders.expire, most=2) for _ in range(6))
    while await shop.write(orders.expire):
        pass
    assert sum(ended) <= 6
    assert await left(shop, goods) == 40


# 13. The whole stock read for each sale.


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_a_sale_on_postgresql_reads_a_few_rows_of_a_large_stock(
    shop: Shop, storefront: Storefront, buyer: Customer, database: str, database_url: str
) -> None:
    """Defect 13: 1.8 orders a second with 20,000 codes in stock. The rows that were read are counted by the database."""
    goods = await put_on_sale(shop, storefront, count=8_000, price_minor=1)
    other = await put_on_sale(shop, storefront, name="Other", count=2_000, price_minor=1)
    async with aside(database_url) as connection:
        await connection.execute(text("ANALYZE"))
        await connection.commit()
    for _ in range(3):  # The first prepares the statement and learns the mark.
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"warm:{_}", **goods.terms())

    async def read_so_far() -> tuple[int, int]:
        async with aside(database_url) as connection:
            await connection.execute(text("SELECT pg_stat_force_next_flush()"))
            row = (
                await connection.execute(text("SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'codes'"))
            ).one()
            return row[0], row[1]

    await asyncio.sleep(1.2)  # Sessions report what they read once a second.
    before = await read_so_far()
    for n in range(20):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"one:{n}", **goods.terms())
    await at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"set:{n}", **goods.terms()) for n in range(60))
    await at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once=f"oth:{n}", **other.terms()) for n in range(20))
    await asyncio.sleep(1.2)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="flush", **goods.terms())
    after = await read_so_far()

    assert after[0] == before[0], "no sale scanned the table"
    assert after[1] - before[1] < 20 * (20 + 60 + 60 + 1), "some rows for each code sold, not the stock"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_sale_on_sqlite_finds_the_next_code_by_its_index(shop: Shop, database: str, database_url: str) -> None:
    """Defect 13, on SQLite: the plans of the sale's own statements are searches, never scans of the stock."""
    sale = core.orders.sale_sqlite
    async with aside(database_url) as connection:
        for statement, arguments in (
            (sale._SHELF, {"offer": 1, "low": 1, "most": 1}),
            (sale._TERMS, {"at": 1, "asked": "[[1, 1, 1, 1]]"}),
            (sale._WALLETS, {"asked": "[1]"}),
            (sale._OWN, {"at": 1, "asked": "[[1, 1]]"}),
            (sale._OF_LEVEL, {"asked": "[[1, 1, 1]]"}),
            (sale._KNOWN, ('["x"]',)),
            (sale._of_rows(sale._TAKE, 2, 4), (1,) * 8),
            (sale._of_rows(sale._DEBIT, 2, 64), (1,) * 128),
        ):
            rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", arguments)).mappings().all()
            plan = [row["detail"] for row in rows]
            # What was given, and what a part of the statement does in steps of its own.
            given = (
                "SCAN json_each",
                "SCAN asked VIRTUAL",
                "SCAN given",
                "SCAN (subquery",
                "SCAN 64 CONSTANT ROWS",
                "SCAN 4 CONSTANT ROWS",
            )
            parts = ("CO-ROUTINE", "MATERIALIZE", "CORRELATED SCALAR SUBQUERY", "LIST SUBQUERY")
            steps = [step for step in plan if not step.startswith((*given, *parts))]
            assert steps and all(step.startswith("SEARCH") for step in steps), (statement, plan)
            assert statement != sale._SHELF or any("ix_codes_on_the_shelf" in step for step in steps)


def test_a_negative_quantity_does_not_make_the_batch_read_the_whole_shelf() -> None:
    """Defects 13 and 16: a negative LIMIT is no limit on SQLite, so what a batch wants is never less than nothing."""

    class Cursor:
        """Answers every question with nothing; only the limit is of interest."""

        limits: list[int] = []
        answer: list[tuple[Any]] = []

        def execute(self, sql: str, arguments: Any = ()) -> Cursor:
            if sql == core.orders.sale_sqlite._SHELF:
                self.limits.append(arguments["most"])
            self.answer = [("[]",)] if "json_group_array" in sql else [(0,)] if "max(id)" in sql else []
            return self

        def fetchone(self) -> tuple[Any]:
            return self.answer[0]

        def __iter__(self) -> Iterator[tuple[Any]]:
            return iter(self.answer)

    same = {"sku_id": 1, "buyer_id": 1, "storefront_id": 1, "price_id": 1, "rules_version": 1}
    asks = [{**same, "quantity": q, "once": str(q)} for q in (-100, 1, 2)]
    batch = core.orders.sale_sqlite._Batch(Cursor(), asks, Tools(keys=Keyring.generate()))
    batch._shelf(1, 1)
    assert Cursor.limits == [3]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_codes_come_back_as_fast_from_a_long_shelf_as_from_a_short_one(
    shop: Shop, storefront: Storefront, buyer: Customer, clock: Clock, database: str
) -> None:
    """Defect 13, on the way back: each code that returned once looked through all that lay there."""
    goods = await put_on_sale(shop, storefront, count=0)
    await stock(shop, goods.offer_id, goods.sku_id, 30_000)
    order = await place(shop, buyer, goods, once="many", quantity=500, seconds=10**6)
    await reserve(shop, buyer, order)
    clock.passes(seconds=301)
    began = time.perf_counter()
    assert await shop.write(orders.release_lapsed_holds) == 1
    assert time.perf_counter() - began < 30, "a second or so; a minute when each of the 500 counts the shelf"
    assert await left(shop, goods) == 30_000


# 14. Large imports; invented stock.


@pytest.mark.slow
async def test_a_hundred_thousand_codes_come_in_whole_while_the_shop_sells(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    """Defect 14: elsewhere 1,000 cards fail. The shop goes on selling meanwhile, and never waits long for its turn."""
    goods = await put_on_sale(shop, storefront, price_minor=1, count=2000)
    bulk = await put_on_sale(shop, storefront, name="Bulk", count=0)
    lines = ((row, Secret(f"BULK-{row:08d}", f"{row * 7919 % 10**6:06d}")) for row in range(1, 100_001))
    done = asyncio.Event()
    waits: list[float] = []
    seen: set[int] = set()

    async def sells() -> None:
        while not done.is_set():
            began = time.perf_counter()
            await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{len(waits)}", **goods.terms())
            waits.append(time.perf_counter() - began)
            seen.add(await left(shop, bulk))
            await asyncio.sleep(0.02)

    selling = asyncio.create_task(sells())
    told: list[int] = []

    async def progress(count: int) -> None:
        told.append(count)

    receipt = await inventory.bring_in(
        shop, offer_id=bulk.offer_id, sku_id=bulk.sku_id, source_name="bulk.txt", by="t", lines=lines, progress=progress
    )
    done.set()
    await selling

    assert (receipt.accepted, receipt.duplicate_in_file, receipt.duplicate_in_shop) == (100_000, [], [])
    assert told[-1] == 100_000 and told == sorted(told)
    assert await left(shop, bulk) == 100_000
    assert len(waits) > 20
    assert sorted(waits)[len(waits) // 2] < 0.5, "the shop kept selling"


async def test_nothing_of_an_import_is_on_sale_before_all_of_it_is_checked(shop: Shop, storefront: Storefront) -> None:
    """Defect 14: a file that breaks in its last line leaves nothing behind, and its codes may come again."""
    goods = await put_on_sale(shop, storefront, count=0)
    during: list[int] = []

    async def progress(_: int) -> None:
        during.append(await left(shop, goods))

    def lines(broken: bool) -> Any:
        for row in range(1, 2501):
            yield row, Secret(f"HALF-{row}")
        if broken:
            raise ValueError("the last line")

    with pytest.raises(ValueError, match="last line"):
        await inventory.bring_in(
            shop, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="t", by="t", lines=lines(True), progress=progress
        )
    assert set(during) == {0}
    assert await left(shop, goods) == 0
    receipt = await inventory.bring_in(shop, offer_id=goods.offer_id, sku_id=goods.sku_id, source_name="t", by="t", lines=lines(False))
    assert receipt.accepted == await left(shop, goods) == 2500


async def test_the_stock_on_the_screen_is_the_stock(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    """Defect 14: others ship invented stock numbers as a feature. Ours are counted, up to a hundred."""
    goods = await put_on_sale(shop, storefront, count=3)

    async def shown() -> int:
        return (await shop.read(showcase.denomination, storefront_id=storefront.id, sku_id=goods.sku_id))[1].left

    assert await shown() == 3
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="a", **goods.terms())
    assert await shown() == 1
    await stock(shop, goods.offer_id, goods.sku_id, 150)
    assert await shown() == showcase.COUNTED
    assert (await shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 151


# 16. Typed nonsense.


@pytest.mark.parametrize("quantity", [-1, -100, 0, 501, 10**9])
async def test_a_quantity_that_is_none_credits_nothing_and_gives_nothing(shop: Shop, goods: Goods, buyer: Customer, quantity: int) -> None:
    """Defect 16: minus five cards credited the balance and gave out stock. Alone and among others, by wallet and by payment."""
    with pytest.raises(WrongQuantity):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once="alone", **goods.terms())
    with pytest.raises(WrongQuantity):
        await place(shop, buyer, goods, once="placed", quantity=quantity)
    sold, refused = await at_once(
        shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity if n == 3 else 1, once=f"{n}", **goods.terms()) for n in range(8)
    )
    assert len(sold) == 7
    assert [type(refusal) for refusal in refused] == [WrongQuantity]
    assert await balance(shop, buyer) == 95_000 - 7 * 9500
    assert await left(shop, goods) == 33


async def test_a_debit_below_nothing_is_refused(shop: Shop, buyer: Customer) -> None:
    """Defect 16, for admins: a wallet has a floor, and the database keeps it."""
    with pytest.raises(ledger.TooLittle):
        await shop.write(payments.adjust, customer_id=buyer.id, amount_minor=-95_001, reason="x", by="x", once="x")
    assert await balance(shop, buyer) == 95_000


# 17, at the core: an old button.


async def test_an_old_button_never_buys_at_another_price_or_on_other_terms(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 17: what is on the button is what is bought, or nothing: price and terms are compared, never looked up anew."""
    before = goods.terms()
    await shop.write(pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=1, currency="CNY")
    for n in range(5):
        with pytest.raises(orders.PriceMoved):
            await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **before)
    back = await shop.write(pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=9500, currency="CNY")
    await shop.write(catalog.change_sku, sku_id=goods.sku_id, by="test", max_quantity=7)
    with pytest.raises(orders.PriceMoved):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="terms", **{**before, "price_id": back.id})
    assert await balance(shop, buyer) == 95_000


async def test_a_hidden_denomination_is_not_sold_by_its_old_button(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 17: hidden by the admin, still on somebody's screen."""
    await shop.write(catalog.change_sku, sku_id=goods.sku_id, by="test", hidden=True)
    with pytest.raises(Refusal):
        await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())
    assert await left(shop, goods) == 40


# 18. Whose order it is.


async def test_an_order_is_its_buyers_alone(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 18: order details by a number, without asking whose it is."""
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="a", **goods.terms())
    pending = await place(shop, buyer, goods, once="b")
    thief = await person(shop, goods.storefront, money_minor=95_000)

    assert await shop.read(orders.detail, order_id=receipt.order_id, buyer_id=thief.id) is None
    assert await shop.read(orders.again, order_id=receipt.order_id, buyer_id=thief.id) is None
    for number in (receipt.number, str(receipt.order_id), str(pending.intent.id), f"#{receipt.number.lower()}"):
        assert await shop.read(orders.find, number, buyer_id=thief.id) is None
        assert await shop.read(orders.find, number, buyer_id=buyer.id) is not None
    assert await shop.read(orders.history, buyer_id=thief.id) == []
    with pytest.raises(Gone):
        await shop.write(
            orders.reveal, order_id=receipt.order_id, cause=RevealCause.SHOWN, to_telegram_id=thief.telegram_id, buyer_id=thief.id
        )
    with pytest.raises(Gone):
        await shop.write(orders.cancel, order_id=pending.order_id, buyer_id=thief.id)
    with pytest.raises(NotPayable):
        await reserve(shop, thief, pending)
    with pytest.raises(orders.OnceReused):
        await shop.write(orders.buy, buyer_id=thief.id, quantity=1, once="a", **goods.terms())
    assert await balance(shop, thief) == 95_000


async def test_one_key_of_two_buyers_at_once_is_one_order(shop: Shop, goods: Goods, buyer: Customer) -> None:
    """Defect 18, as a race: whoever comes second with somebody else's key is refused kindly."""
    thief = await person(shop, goods.storefront, money_minor=95_000)
    for turn in range(5):
        sold, refused = await at_once(
            shop.write(orders.buy, buyer_id=who.id, quantity=1, once=f"same:{turn}", **goods.terms()) for who in (buyer, thief)
        )
        assert len(sold) == 1
        assert [type(refusal) for refusal in refused] == [orders.OnceReused]


# Besides the list.


async def test_a_limit_per_buyer_holds_against_fifty_presses_and_says_so_before_money_moves(
    shop: Shop, storefront: Storefront, buyer: Customer
) -> None:
    """Three each: pressed from fifty screens, and asked before a payment instead of after."""
    goods = await put_on_sale(shop, storefront, price_minor=100, count=60, max_per_buyer=3)
    waiting = await place(shop, buyer, goods, once="early", quantity=2)
    sold, refused = await at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms()) for n in range(50))
    assert len(sold) == 3
    assert {type(refusal) for refusal in refused} == {LimitReached}
    with pytest.raises(LimitReached):
        await place(shop, buyer, goods, once="order")
    with pytest.raises(LimitReached):
        await reserve(shop, buyer, waiting)
    settled = await settle(shop, buyer, waiting, event="all the same")
    assert (settled.issued, settled.why, settled.credited_minor) == (False, "limit", 200)
    assert await left(shop, goods) == 57


async def test_consigned_goods_pay_their_owner_the_cost_and_the_shop_the_rest(shop: Shop, storefront: Storefront, buyer: Customer) -> None:
    """Alone and in a batch; and sold below cost, the shop pays the difference."""
    goods = await put_on_sale(shop, storefront, price_minor=1000, count=40)
    owner = await shop.write(consign, offer_id=goods.offer_id, cost_minor=800)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=2, once="alone", **goods.terms())
    await at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"{n}", **goods.terms()) for n in range(10))
    assert await shop.read(ledger.house_balance, owner) == 12 * 800
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 12 * 200

    await shop.write(supply.set_cost, offer_id=goods.offer_id, cost_minor=1300, cost_currency="CNY")
    await at_once(shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once=f"below:{n}", **goods.terms()) for n in range(5))
    assert await shop.read(ledger.house_balance, owner) == 12 * 800 + 5 * 1300
    assert await shop.read(ledger.house_balance, storefront.sales_account_id) == 12 * 200 - 5 * 300
    assert await balance(shop, buyer) == 95_000 - 17 * 1000
