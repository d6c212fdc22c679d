"""The shop against a model of a dozen lines of arithmetic: whatever is done to it in whatever order, both agree."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from core import inventory, ledger, orders, payments, pricing, rates, storefronts
from core.catalog import Gone
from core.database import Shop, read
from core.errors import Refusal
from core.people import Customer
from tests.conftest import KEYS
from tests.core.props import STAR_RATE, assert_sound, reserve, scalar
from tests.core.props import place as placed
from tests.core.props import settle as settled
from tests.databases import maintain, make_tables
from tests.stage import Goods, numbers, person, put_on_sale, stock

T = TypeVar("T")

MOST = 20
HOLD_SECONDS = 300


class Stopped:
    """A clock that only moves when it is told to, so that the model knows what has run out."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Shelf:
    """A denomination in the model."""

    stock: int
    price: int
    limit: int | None
    bought: dict[int, int] = field(default_factory=dict)
    moved: bool = False  # the price that `goods` names is no longer the current one

    def left_for(self, buyer: int) -> int:
        return 10**9 if self.limit is None else self.limit - self.bought.get(buyer, 0)


@dataclass
class Waiting:
    """An order to be paid, in the model."""

    pending: orders.PendingOrder
    buyer: int
    shelf: int
    quantity: int
    expires: datetime
    state: str = "pending"
    intent: str = "pending"
    held_until: datetime | None = None
    events: int = 0


@read
def what_is_there(session: Session, buyer_ids: list[int], offer_ids: list[int]) -> tuple[list[int], list[int]]:
    """The buyers' money and the codes on the shelves."""
    money = [payments.wallet(session, buyer_id).balance_minor for buyer_id in buyer_ids]
    shelf = inventory.on_shelf(session, offer_ids)
    return money, [shelf[offer_id] for offer_id in offer_ids]


WHO, WHICH = st.integers(0, 1), st.integers(0, 1)
WITH: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "buys": {
        "buyer": WHO,
        "which": WHICH,
        "quantity": st.sampled_from([1, 1, 1, 2, 3, 5, 12, 0, -2, 25]),
        "screen": st.integers(0, 2),
        "twice": st.sampled_from([False, False, True]),
    },
    "places": {"buyer": WHO, "which": WHICH, "quantity": st.sampled_from([1, 1, 2, 3, 6]), "seconds": st.sampled_from([30, 600, 4000])},
    "reserves": {},
    "is_paid": {"share": st.sampled_from([(1, 1), (1, 1), (1, 1), (1, 2), (2, 1)]), "repeat": st.booleans()},
    "cancels": {"by": WHO},
    "time_passes": {"seconds": st.sampled_from([1, 20, 100, 301, 1000])},
    "expires": {},
    "releases_lapsed_holds": {},
    "adjusts": {"buyer": WHO, "amount": st.integers(-3000, 9000).filter(bool)},
    "imports": {"which": WHICH, "count": st.integers(1, 4)},
    "voids": {"which": WHICH},
    "the_price_changes": {"which": WHICH, "retail": st.sampled_from([700, 1000, 1300]), "looked": st.sampled_from([True, True, False])},
    "rolls_up": {},
}
HOW_OFTEN = dict.fromkeys(WITH, 1) | {"buys": 4, "places": 4, "reserves": 3, "is_paid": 4, "expires": 2, "time_passes": 2}
OF_AN_ORDER = {"reserves", "is_paid", "cancels"}

# What the runs must have come to: a model that never pays late proves nothing about it.
OFTEN_SEEN = {*WITH, "bought", "again", "placed", "reserved", "issued", "issued from a hold", "too-little", "SoldOut"}
MUST_BE_SEEN = {
    *WITH,
    *("bought", "again", "OnceReused", "PriceMoved", "WrongQuantity", "LimitReached", "SoldOut", "TooLittleMoney"),
    *("placed", "reserved", "NotPayable", "issued", "issued from a hold", "issued late", "too-little", "second-payment", "cancelled"),
    *("sold-out", "a hold lapsed", "an order expired", "TooLittle"),
}


class Model(RuleBasedStateMachine):
    """Two buyers, two denominations (one with a limit), everything that can be done with them."""

    open_database: Callable[[], str]

    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Stopped()
        self.url = type(self).open_database()
        self.shop: Shop = self.run(Shop.open(self.url, KEYS, holder="model", clock=self.clock))
        self.orders: list[Waiting] = []
        self.lapses: list[tuple[int, datetime]] = []
        self.pressed: dict[str, tuple[int, int, int, int]] = {}
        self.voided = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def refusal(self, work: Coroutine[Any, Any, Any]) -> tuple[str, Any]:
        """The name of the refusal, or an empty one and the result."""
        try:
            return "", self.run(work)
        except Refusal as refusal:
            return type(refusal).__name__, None

    @initialize(stocks=st.tuples(st.integers(0, 25), st.integers(0, 15)), money=st.tuples(st.integers(0, 40_000), st.integers(0, 20_000)))
    def opens(self, stocks: tuple[int, int], money: tuple[int, int]) -> None:
        async def opening() -> None:
            front = await self.shop.write(storefronts.open_storefront, name="Model", currency="CNY", language="en")
            await self.shop.write(rates.set_rate, base="XTR", quote="CNY", rate=STAR_RATE, source="test")
            self.buyers: list[Customer] = [await person(self.shop, front, money_minor=m) for m in money]
            self.goods: list[Goods] = [
                await put_on_sale(self.shop, front, price_minor=price, count=count, max_quantity=MOST, max_per_buyer=limit)
                for price, count, limit in ((700, stocks[0], None), (1000, stocks[1], 3))
            ]

        self.run(opening())
        self.money = list(money)
        self.shelves = [Shelf(stocks[0], 700, None), Shelf(stocks[1], 1000, 3)]

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """One of all that can happen: drawn here, because Hypothesis leaves whole rules out of a run, and so would seldom pay."""
        what = data.draw(st.sampled_from([name for name, often in HOW_OFTEN.items() for _ in range(often)]), label="what")
        arguments = {name: data.draw(strategy, label=name) for name, strategy in WITH[what].items()}
        if what in OF_AN_ORDER:
            if not self.orders:
                return
            arguments["order"] = data.draw(st.sampled_from(self.orders[-6:]), label="order")
        self.seen[what] += 1
        getattr(self, what)(**arguments)

    # What a buyer does.

    def buys(self, buyer: int, which: int, quantity: int, screen: int, twice: bool) -> None:
        shelf, goods, once = self.shelves[which], self.goods[which], f"screen:{buyer}:{screen}"
        inputs = (which, quantity, goods.price_id, goods.rules_version)
        came, receipt = self.refusal(
            self.shop.write(orders.buy, buyer_id=self.buyers[buyer].id, quantity=quantity, once=once, **goods.terms())
        )
        if once in self.pressed:
            assert came == ("" if self.pressed[once] == inputs else "OnceReused")
            assert receipt is None or receipt.repeated
            self.seen[came or "again"] += 1
            return
        cost = quantity * shelf.price
        right = (
            "PriceMoved"
            if shelf.moved
            else "WrongQuantity"
            if not 1 <= quantity <= MOST
            else "LimitReached"
            if quantity > shelf.left_for(buyer)
            else "SoldOut"
            if quantity > shelf.stock
            else "TooLittleMoney"
            if cost > self.money[buyer]
            else ""
        )
        assert came == right
        self.seen[came or "bought"] += 1
        if not right:
            assert receipt.paid_minor == cost and not receipt.repeated
            self.pressed[once] = inputs
            self._sold(buyer, which, quantity)
            shelf.stock -= quantity
            self.money[buyer] -= cost
        if twice:
            self.buys(buyer, which, quantity, screen, twice=False)

    def _sold(self, buyer: int, which: int, quantity: int) -> None:
        shelf = self.shelves[which]
        if shelf.limit is not None:
            shelf.bought[buyer] = shelf.bought.get(buyer, 0) + quantity

    def places(self, buyer: int, which: int, quantity: int, seconds: int) -> None:
        shelf = self.shelves[which]
        once = f"order:{len(self.orders)}:{next(numbers)}"
        came, pending = self.refusal(
            placed(self.shop, self.buyers[buyer], self.goods[which], once=once, quantity=quantity, seconds=seconds)
        )
        open_orders = sum(o.buyer == buyer and o.state == "pending" for o in self.orders)
        right = (
            "PriceMoved"
            if shelf.moved
            else "LimitReached"
            if quantity > shelf.left_for(buyer)
            else "TooManyOpen"
            if open_orders >= 10
            else "SoldOut"
            if quantity > shelf.stock
            else ""
        )
        assert came == right
        self.seen[came or "placed"] += 1
        if not right:
            self.orders.append(Waiting(pending, buyer, which, quantity, self.clock.at + timedelta(seconds=seconds)))

    def reserves(self, order: Waiting) -> None:
        shelf = self.shelves[order.shelf]
        came, _ = self.refusal(reserve(self.shop, self.buyers[order.buyer], order.pending))
        held = [o for o in self.orders if o.buyer == order.buyer and o.held_until is not None]
        right = (
            "NotPayable"
            if order.intent != "pending" or order.state != "pending" or order.expires <= self.clock.at
            else "LimitReached"
            if order.quantity > shelf.left_for(order.buyer)
            else ""
            if order.held_until is not None
            else "TooManyHolds"
            if len(held) >= 3
            else "SoldOut"
            if order.quantity > shelf.stock
            else ""
        )
        assert came == right
        self.seen[came or "reserved"] += 1
        if not right and order.held_until is None:
            shelf.stock -= order.quantity
            recent = sum(b == order.buyer and at > self.clock.at - timedelta(days=30) for b, at in self.lapses)
            order.held_until = self.clock.at + timedelta(seconds=HOLD_SECONDS / (1 + min(3, recent)))
            order.expires = max(order.expires, order.held_until)

    def _drop_hold(self, order: Waiting, *, lapsed: bool) -> None:
        if order.held_until is not None:
            self.shelves[order.shelf].stock += order.quantity
            order.held_until = None
            if lapsed:
                self.seen["a hold lapsed"] += 1
                self.lapses.append((order.buyer, self.clock.at))

    def is_paid(self, order: Waiting, share: tuple[int, int], repeat: bool) -> None:
        """By the provider: as asked, too little, too much; reported again; late; twice."""
        asked = order.pending.intent
        amount = asked.amount_minor * share[0] // share[1]
        key = f"event:{asked.id}:{order.events}"
        result = self.run(settled(self.shop, self.buyers[order.buyer], order.pending, event=key, amount=amount))
        order.events += 1
        worth = asked.worth_minor if amount == asked.amount_minor else amount * asked.worth_minor // asked.amount_minor
        self.money[order.buyer] += worth
        first, order.intent = order.intent != "paid", "paid"
        why = self._comes_of(order) if first and amount >= asked.amount_minor else "too-little" if first else "second-payment"
        if why == "too-little" and worth > 0 and order.state == "pending":
            self._drop_hold(order, lapsed=False)
            order.state = "cancelled"
        self.seen[why] += 1
        issued = why in ("issued", "issued-partly")
        assert (result.why, result.issued, result.credited_minor, result.repeated) == (why, issued, worth, False)
        if repeat:
            again = self.run(settled(self.shop, self.buyers[order.buyer], order.pending, event=key, amount=amount))
            assert (again.issued, again.credited_minor, again.repeated) == (False, 0, True)

    def _comes_of(self, order: Waiting) -> str:
        shelf = self.shelves[order.shelf]
        if order.state == "cancelled":
            return "cancelled"
        given = order.quantity if order.held_until is not None else min(order.quantity, shelf.stock)
        if given == 0:
            order.state = "cancelled"
            return "sold-out"
        if given > shelf.left_for(order.buyer):
            self._drop_hold(order, lapsed=False)
            order.state = "cancelled"
            return "limit"
        if order.held_until is None:
            shelf.stock -= given
        self.seen["issued late"] += order.state == "expired"
        self.seen["issued from a hold"] += order.held_until is not None
        order.held_until, order.state = None, "issued"
        self._sold(order.buyer, order.shelf, given)
        self.money[order.buyer] -= order.pending.intent.worth_minor * given // order.quantity
        return "issued" if given == order.quantity else "issued-partly"

    def cancels(self, order: Waiting, by: int) -> None:
        came, _ = self.refusal(self.shop.write(orders.cancel, order_id=order.pending.order_id, buyer_id=self.buyers[by].id))
        if by != order.buyer or order.state != "pending":
            assert came == Gone.__name__
            return
        assert came == ""
        self._drop_hold(order, lapsed=False)
        self._ends(order, "cancelled")

    def _ends(self, order: Waiting, state: str) -> None:
        order.state = state
        if order.intent == "pending":
            order.intent = "expired"

    # What the shop does.

    def time_passes(self, seconds: int) -> None:
        self.clock.at += timedelta(seconds=seconds)

    def expires(self) -> None:
        due = [o for o in self.orders if o.state == "pending" and o.expires <= self.clock.at]
        assert self.run(self.shop.write(orders.expire)) == len(due)
        for order in due:
            self._drop_hold(order, lapsed=True)
            self._ends(order, "expired")
            self.seen["an order expired"] += 1

    def releases_lapsed_holds(self) -> None:
        due = [o for o in self.orders if o.held_until is not None and o.held_until <= self.clock.at]
        assert self.run(self.shop.write(orders.release_lapsed_holds)) == len(due)
        for order in due:
            self._drop_hold(order, lapsed=True)

    def adjusts(self, buyer: int, amount: int) -> None:
        came, after = self.refusal(
            self.shop.write(
                payments.adjust, customer_id=self.buyers[buyer].id, amount_minor=amount, reason="test", by="test", once=str(next(numbers))
            )
        )
        if self.money[buyer] + amount < 0:
            assert came == "TooLittle"
            self.seen[came] += 1
        else:
            self.money[buyer] += amount
            assert (came, after) == ("", self.money[buyer])

    def imports(self, which: int, count: int) -> None:
        self.run(stock(self.shop, self.goods[which].offer_id, self.goods[which].sku_id, count))
        self.shelves[which].stock += count

    def voids(self, which: int) -> None:
        if not self.shelves[which].stock:
            return
        offer = self.goods[which].offer_id
        code = self.run(scalar(self.url, f"SELECT max(id) FROM codes WHERE available IS NOT NULL AND offer_id = {offer}"))
        assert self.run(self.shop.write(inventory.void, code_id=code)) == offer
        assert self.run(self.shop.write(inventory.void, code_id=code)) is None
        self.shelves[which].stock -= 1

    def the_price_changes(self, which: int, retail: int, looked: bool) -> None:
        goods, shelf = self.goods[which], self.shelves[which]
        price = self.run(
            self.shop.write(pricing.set_price, storefront_id=goods.storefront.id, sku_id=goods.sku_id, retail_minor=retail, currency="CNY")
        )
        shelf.moved = price.id != goods.price_id
        if looked:  # The buyers look again, and see the new one.
            goods.price_id, shelf.price, shelf.moved = price.id, retail, False

    def rolls_up(self) -> None:
        self.clock.at += timedelta(minutes=11)
        self.run(self.shop.write(ledger.roll_up))

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "buyers"):
            return

        there = self.run(self.shop.read(what_is_there, [b.id for b in self.buyers], [g.offer_id for g in self.goods]))
        assert there == (self.money, [shelf.stock for shelf in self.shelves])

    def teardown(self) -> None:
        try:
            self.run(assert_sound(self.shop, sample=2))
            self.run(self._house_agrees())
        finally:
            self.run(self.shop.close())
            self.runner.close()

    async def _house_agrees(self) -> None:
        """What the buyers have and what the shop earned is what came in: nothing appears, nothing is lost."""
        if hasattr(self, "goods"):
            front = self.goods[0].storefront
            earned = await self.shop.read(ledger.house_balance, front.sales_account_id)
            given = await scalar(self.url, "SELECT id FROM accounts WHERE kind = 'adjustment'")
            exchanged = await scalar(self.url, "SELECT id FROM accounts WHERE kind = 'exchange' AND currency = 'CNY'")
            owed = 0
            for account in (given, exchanged):
                owed += await self.shop.read(ledger.house_balance, account) if account else 0
            assert sum(self.money) + earned + owed == 0


def play(open_database: Callable[[], str], examples: int, steps: int, must_be_seen: set[str]) -> None:
    seen: Counter[str] = Counter()
    machine = type("Played", (Model,), {"open_database": staticmethod(open_database), "seen": seen})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    missed = must_be_seen - {what for what, times in seen.items() if times}
    assert not missed


@pytest.mark.timeout(420)  # When it fails, the story is made short before it is told.
def test_the_shop_on_sqlite_does_what_the_model_does(tmp_path: Path) -> None:
    """Every run begins with a copy of an empty shop."""
    empty = tmp_path / "empty.db"
    asyncio.run(make_tables(f"sqlite:///{empty}"))

    def fresh() -> str:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(empty, path)
        return f"sqlite:///{path}"

    play(fresh, examples=18, steps=50, must_be_seen=OFTEN_SEEN)


@pytest.mark.timeout(420)
def test_the_shop_on_postgresql_does_what_the_model_does(postgres_server: str, postgres_template: str) -> None:
    made = []

    def fresh() -> str:
        made.append(f"model_{os.getpid()}_{next(numbers)}")
        asyncio.run(maintain(postgres_server, f"CREATE DATABASE {made[-1]} TEMPLATE {postgres_template}"))
        return make_url(postgres_server).set(database=made[-1]).render_as_string(hide_password=False)

    try:
        play(fresh, examples=4, steps=40, must_be_seen={"bought", "placed", "issued"})
    finally:
        asyncio.run(maintain(postgres_server, *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in made)))


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_the_shop_on_sqlite_does_what_the_model_does_for_longer(tmp_path: Path) -> None:
    """The same with more steps in each run: holds lapse, limits fill up, payments come late."""
    empty = tmp_path / "empty.db"
    asyncio.run(make_tables(f"sqlite:///{empty}"))

    def fresh() -> str:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copy(empty, path)
        return f"sqlite:///{path}"

    play(fresh, examples=24, steps=80, must_be_seen=MUST_BE_SEEN)
