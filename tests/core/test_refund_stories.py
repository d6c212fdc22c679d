"""Random stories of buying, delivering, opening, refunding and returning, beside a model of some lines of arithmetic."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from core import catalog, insight, ledger, orders, outbox, storefronts
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.orders import AlreadyRefunded
from core.orders.to_source import share
from tests.conftest import KEYS
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, balance, consign, left
from tests.core.test_refunds import codes_of, refund
from tests.databases import maintain
from tests.stage import Clock, chat_of, numbers, person, put_on_sale

T = TypeVar("T")


@given(total=st.integers(1, 10**12), parts=st.lists(st.integers(1, 7), min_size=1, max_size=12))
def test_the_shares_of_a_total_sum_up_to_it_and_differ_by_no_more_than_rounding(total: int, parts: list[int]) -> None:
    whole, before, given_back = sum(parts), 0, 0
    for part in parts:
        amount = share(total, before + part, whole) - share(total, before, whole)
        assert amount >= 0 and abs(amount * whole - total * part) < whole
        before, given_back = before + part, given_back + amount

    assert given_back == total


@dataclass
class Kept:
    """An order in the model."""

    order_id: int
    which: int
    codes: list[int]
    total: int
    until: datetime
    gone: int = 0
    tried: bool = False
    shown: bool = False
    opened: bool = False


class Played:
    """One buyer and three denominations – of a supplier's, sold sealed, limited – beside a model of some lines of arithmetic."""

    PRICES, LIMIT, COST, HOURS = (333, 1000, 7), 5, 200, 2

    def __init__(self, runner: asyncio.Runner, shop: Shop, clock: Clock, seen: Counter[str]) -> None:
        self.runner, self.shop, self.clock, self.seen = runner, shop, clock, seen
        self.stock, self.counted, self.money, self.orders = [12, 12, 12], 0, 20_000, list[Kept]()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def refusal(self, work: Coroutine[Any, Any, Any]) -> tuple[type[Refusal] | None, Any]:
        try:
            return None, self.run(work)
        except Refusal as refusal:
            return type(refusal), None

    async def opens(self) -> None:
        self.front = await self.shop.write(storefronts.open_storefront, name="Played", currency="CNY", language="en")
        self.buyer = await person(self.shop, self.front, money_minor=self.money)
        self.goods = [
            await put_on_sale(self.shop, self.front, price_minor=price, count=12, max_per_buyer=self.LIMIT if price == 7 else None)
            for price in self.PRICES
        ]
        self.payable = await self.shop.write(consign, offer_id=self.goods[0].offer_id, cost_minor=self.COST)
        await self.shop.write(catalog.change_product, self.goods[1].product_id, sealed=True, return_hours=self.HOURS)
        self.goods[1].rules_version += 1

    def unopened(self, order: Kept) -> bool:
        return order.which == 1 and not order.opened

    def buys(self, which: int, quantity: int) -> None:
        came, receipt = self.refusal(
            self.shop.write(
                orders.buy,
                buyer_id=self.buyer.id,
                quantity=quantity,
                once=f"{len(self.orders)}:{next(numbers)}",
                **self.goods[which].terms(),
            )
        )
        cost = self.PRICES[which] * quantity
        if which == 2 and self.counted + quantity > self.LIMIT:
            right: type[Refusal] | None = orders.LimitReached
        else:
            right = orders.SoldOut if quantity > self.stock[which] else orders.TooLittleMoney if cost > self.money else None
        assert came == right
        self.seen["bought" if came is None else came.__name__] += 1
        if came is None:
            self.money -= cost
            self.stock[which] -= quantity
            self.counted += quantity if which == 2 else 0
            codes = self.run(codes_of(self.shop, receipt.order_id))
            self.orders.append(Kept(receipt.order_id, which, codes, cost, self.clock() + timedelta(hours=self.HOURS)))

    def refunds(self, order: Kept, count: int) -> None:
        """So many codes of it; none: what is left."""
        left = order.codes[order.gone :]
        chosen = left[:count] if count else left
        codes = list(reversed(chosen)) if count else None
        came, made = self.refusal(refund(self.shop, order.order_id, codes, once=f"r:{next(numbers)}"))
        if not left:
            assert came is (AlreadyRefunded)
            self.seen["AlreadyRefunded"] += 1
            return
        assert came is None
        self._gone(order, len(chosen), made)

    def _gone(self, order: Kept, count: int, made: orders.Refunded) -> None:
        n = len(order.codes)
        amount = order.total * (order.gone + count) // n - order.total * order.gone // n
        order.gone += count
        unseen = not order.shown and (self.unopened(order) or not order.tried)
        assert (made.amount_minor, made.returned, made.void) == (amount, count if unseen else 0, 0 if unseen else count)
        self.money += amount
        self.stock[order.which] += made.returned
        self.counted -= count if order.which == 2 else 0
        self.seen["returned to the shelf" if unseen else "void"] += 1
        self.seen["a part" if order.gone < n else "the rest"] += 1

    def returns(self, order: Kept) -> None:
        was_returned = order.gone == len(order.codes)
        came, made = self.refusal(self.shop.write(orders.return_sealed, order_id=order.order_id, buyer_id=self.buyer.id))
        if was_returned:
            assert came is AlreadyRefunded or made.repeated
            return
        right = orders.AlreadyOpened if not self.unopened(order) else orders.TooLateToReturn if self.clock() >= order.until else None
        assert came is right
        self.seen["returned" if came is None else came.__name__] += 1
        if came is None:
            self._gone(order, len(order.codes) - order.gone, made)

    def breaks_the_seal(self, order: Kept) -> None:
        came, opened = self.refusal(self.shop.write(orders.open_sealed, order_id=order.order_id, buyer_id=self.buyer.id))
        if order.gone == len(order.codes):
            assert came is Gone
            return
        assert (came, opened) == (None, self.unopened(order))
        self.seen["opened"] += self.unopened(order)
        order.opened = order.opened or order.which == 1

    def a_courier_comes(self, dies: bool) -> None:
        """It takes what is due; when it does not die, it brings and marks it."""

        async def comes() -> list[tuple[int, Any]]:
            things = []
            for message in await self.shop.write(outbox.lease, worker="w", most=99, seconds=60):
                if message.topic is outbox.Topic.DELIVERY and message.order_id is not None:
                    thing = None
                    if not dies:
                        thing = await self.shop.write(
                            orders.hand_over,
                            order_id=message.order_id,
                            cause=orders.RevealCause.SENT,
                            to_telegram_id=await chat_of(self.shop, message.order_id),
                        )
                        await self.shop.write(outbox.done, message_id=message.id, worker="w", sent_message_id=1)
                    things.append((message.order_id, thing))
            return things

        for order_id, thing in self.run(comes()):
            [order] = [one for one in self.orders if one.order_id == order_id]
            order.tried = True
            if dies:
                continue
            left = len(order.codes) - order.gone
            if left == 0:
                assert thing is None
            elif self.unopened(order):
                assert isinstance(thing, orders.Seal) and thing.quantity == left
            else:
                assert isinstance(thing, orders.Parcel) and sum(len(line.secrets) for line in thing.lines) == left
                order.shown = True
                self.seen["shown"] += 1

    def agrees(self) -> None:
        assert self.run(balance(self.shop, self.buyer)) == self.money
        assert [self.run(left(self.shop, goods)) for goods in self.goods] == self.stock

    def ends(self) -> None:
        """The books: what the buyer has, what the shop and the supplier earned, and nothing else; and the audit."""
        kept = [order.total - order.total * order.gone // len(order.codes) for order in self.orders]
        units = sum(len(order.codes) - order.gone for order in self.orders if order.which == 0)
        owed, earned = (self.run(self.shop.read(ledger.house_balance, a)) for a in (self.payable, self.front.sales_account_id))
        assert owed == self.COST * units
        assert owed + earned == sum(kept) == 20_000 - self.money
        day = self.run(self.shop.read(insight.today, self.front.id, timezone="UTC"))
        assert day.sales_minor == sum(kept)
        assert day.units == sum(len(order.codes) - order.gone for order in self.orders)
        assert day.orders == sum(order.gone < len(order.codes) for order in self.orders)
        self.run(assert_sound(self.shop, sample=2))
        books = self.run(assert_books(self.shop, Noon()(), self.clock()))
        assert sum(one.sales_minor - one.refunded_minor for one in books.sales) == sum(kept)


ACTS = st.one_of(
    st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 4)),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(0, 3)),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(0, 3)),
    st.tuples(st.just("buy"), st.just(1), st.integers(1, 3)),
    st.tuples(st.just("return"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("return"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("open"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("courier"), st.just(0), st.integers(0, 3)),
    st.tuples(st.just("time"), st.just(0), st.sampled_from([61, 3700, 7300])),
)
MUST_BE_SEEN = {
    *("bought", "LimitReached", "AlreadyRefunded", "returned to the shelf", "void", "a part", "the rest", "returned", "opened", "shown"),
    *("AlreadyOpened", "TooLateToReturn"),
}


class Noon(Clock):
    """A clock that only moves when it is told to, and begins early in a day."""

    def __call__(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + self.ahead


def play(fresh: Callable[[], str], examples: int) -> Counter[str]:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(acts=st.lists(ACTS, min_size=15, max_size=30))
    def tells(acts: list[tuple[str, int, int]]) -> None:
        with asyncio.Runner() as runner:
            clock = Noon()
            shop = runner.run(Shop.open(fresh(), KEYS, holder="played", clock=clock))
            played = Played(runner, shop, clock, seen)
            try:
                runner.run(played.opens())
                for act, which, how in acts:
                    if act == "buy":
                        played.buys(which, how)
                    elif act == "courier":
                        played.a_courier_comes(dies=how == 0)
                    elif act == "time":
                        clock.passes(seconds=how)
                    elif played.orders:
                        order = played.orders[-1 - which % len(played.orders)]
                        if act == "refund":
                            played.refunds(order, how)
                        else:
                            (played.returns if act == "return" else played.breaks_the_seal)(order)
                    played.agrees()
                played.ends()
            finally:
                runner.run(shop.close())

    tells()
    return seen


@pytest.mark.timeout(300)
def test_on_sqlite_every_story_of_buying_refunding_opening_and_returning_ends_as_the_model_says(
    sqlite_template: Path, tmp_path: Path
) -> None:
    def fresh() -> str:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    seen = play(fresh, examples=30)

    assert {what for what, times in seen.items() if times} >= MUST_BE_SEEN, seen


@pytest.mark.timeout(300)
def test_on_postgresql_every_story_of_buying_refunding_opening_and_returning_ends_as_the_model_says(
    postgres_server: str, postgres_template: str
) -> None:
    made = []

    def fresh() -> str:
        made.append(f"refunds_{os.getpid()}_{next(numbers)}")
        asyncio.run(maintain(postgres_server, f"CREATE DATABASE {made[-1]} TEMPLATE {postgres_template}"))
        return make_url(postgres_server).set(database=made[-1]).render_as_string(hide_password=False)

    try:
        seen = play(fresh, examples=5)
    finally:
        asyncio.run(maintain(postgres_server, *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in made)))

    assert seen["bought"] and seen["a part"]
