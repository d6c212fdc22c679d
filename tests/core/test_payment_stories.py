"""Random stories of asking, paying, reporting, giving back, expiring and refunding: no money appears, none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from core import ledger, orders, payments, storefronts
from core.database import Shop, utc_now
from core.errors import Refusal
from core.orders import HoldRules, OrderState, PendingOrder
from core.payments import IntentState
from core.people import Customer
from core.ports import Created, Event, Fee, PaymentState
from tests.conftest import KEYS, maintain
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound, balance, left
from tests.stage import Clock, Goods, numbers, person, put_on_sale, stock

PROVIDER = "stripe"  # any of those that are asked in the background
STEP = st.one_of(
    st.tuples(st.just("place"), st.integers(0, 2), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("deposit"), st.integers(0, 2), st.integers(1, 20_000)),
    st.tuples(st.just("created"), st.integers(0, 20)),
    st.tuples(st.just("paid"), st.integers(0, 20), st.sampled_from(["exact", "less", "more", "again", "second"])),
    st.tuples(st.just("said"), st.integers(0, 20), st.sampled_from([PaymentState.EXPIRED, PaymentState.FAILED])),
    st.tuples(st.just("given-back"), st.integers(0, 20)),
    st.tuples(st.just("forged"), st.integers(1, 10**6)),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("refund"), st.integers(0, 20)),
    st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("later"), st.sampled_from([30, 600, 4000])),
    st.tuples(st.just("jobs")),
)


@dataclass
class Asked:
    """A payment in the story."""

    intent: payments.Intent
    buyer: Customer
    keys: list[str] = field(default_factory=list)
    returned: set[str] = field(default_factory=set)


@dataclass
class Story:
    """A shop, and what came in and went out past it."""

    shop: Shop
    clock: Clock
    goods: Goods
    buyers: list[Customer]
    fee: Fee
    asked: list[Asked] = field(default_factory=list)
    came_in: int = 0
    went_back: int = 0
    began: datetime = field(default_factory=lambda: utc_now() - timedelta(minutes=1))  # before the first money

    async def do(self, step: tuple[Any, ...]) -> None:
        what, *facts = step
        with contextlib.suppress(Refusal):  # Said to somebody, and nothing was changed: the end of the story shows it.
            await getattr(self, "_" + what.replace("-", "_"))(*facts)

    async def _place(self, buyer: int, quantity: int, by_task: bool) -> None:
        placed: PendingOrder = await self.shop.write(
            orders.place,
            buyer_id=self.buyers[buyer].id,
            quantity=quantity,
            once=f"story:{next(numbers)}",
            provider=PROVIDER,
            pay_currency="CNY",
            seconds=1800,
            fee=self.fee,
            hold=HoldRules(),
            by_task=by_task,
            **self.goods.terms(),
        )
        self.asked.append(Asked(placed.intent, self.buyers[buyer]))

    async def _deposit(self, buyer: int, worth: int) -> None:
        intent = await self.shop.write(
            orders.deposit,
            customer_id=self.buyers[buyer].id,
            worth_minor=worth,
            provider=PROVIDER,
            pay_currency="CNY",
            seconds=1800,
            fee=self.fee,
            by_task=True,
        )
        self.asked.append(Asked(intent, self.buyers[buyer]))

    async def _created(self, which: int) -> None:
        if self.asked:
            asked = self.asked[which % len(self.asked)]
            await self.shop.write(payments.created, intent_id=asked.intent.id, how=Created(f"ref-{asked.intent.id}"), poll=True)

    async def _paid(self, which: int, how: str) -> None:
        if not self.asked:
            return
        asked = self.asked[which % len(self.asked)]
        due = asked.intent.amount_minor
        amount = {"less": max(1, due // 2), "more": due + 77}.get(how, due)
        if how == "again" and asked.keys:
            key = asked.keys[-1]
        elif how == "second" or not asked.keys:
            key = f"pay-{asked.intent.id}-{len(asked.keys)}"
        else:
            key = asked.keys[0]
        booked = await self._book(asked, key, PaymentState.PAID, amount)
        if key not in asked.keys:
            asked.keys.append(key)
            self.came_in += amount
        else:
            assert booked.says == "repeated"

    async def _said(self, which: int, state: PaymentState) -> None:
        if self.asked:
            asked = self.asked[which % len(self.asked)]
            await self._book(asked, f"end-{asked.intent.id}", state, asked.intent.amount_minor)

    async def _given_back(self, which: int) -> None:
        if not self.asked:
            return
        asked = self.asked[which % len(self.asked)]
        if asked.keys:
            key = asked.keys[-1]
            booked = await self._book(asked, key, PaymentState.REFUNDED, asked.intent.amount_minor)
            assert (booked.says == "repeated") == (key in asked.returned)
            asked.returned.add(key)

    async def _forged(self, number: int) -> None:
        before = [await balance(self.shop, buyer) for buyer in self.buyers]
        event = Event(f"stray-{number}", f"{10**12 + number}", PaymentState.PAID, 9500, "CNY", self.clock())
        booked = await self.shop.write(orders.book, storefront_id=self.goods.storefront.id, provider=PROVIDER, event=event)
        assert booked.says in ("stray", "repeated")
        assert [await balance(self.shop, buyer) for buyer in self.buyers] == before

    async def _cancel(self, which: int) -> None:
        if self.asked and (asked := self.asked[which % len(self.asked)]).intent.order_id is not None:
            await self.shop.write(orders.cancel, order_id=asked.intent.order_id, buyer_id=asked.buyer.id)

    async def _refund(self, which: int) -> None:
        if self.asked and (asked := self.asked[which % len(self.asked)]).intent.order_id is not None:
            await self.shop.write(
                orders.refund_codes,
                order_id=asked.intent.order_id,
                code_ids=None,
                reason="story",
                by="test",
                once=f"story-refund:{asked.intent.order_id}",
            )

    async def _buy(self, buyer: int, quantity: int) -> None:
        await self.shop.write(
            orders.buy, buyer_id=self.buyers[buyer].id, quantity=quantity, once=f"story:{next(numbers)}", **self.goods.terms()
        )

    async def _later(self, seconds: int) -> None:
        self.clock.passes(seconds=seconds)

    async def _jobs(self) -> None:
        await self.shop.write(orders.release_lapsed_holds)
        await self.shop.write(orders.expire)
        await self.shop.write(payments.expire_deposits, most=100)

    async def _book(self, asked: Asked, key: str, state: PaymentState, amount: int) -> orders.Booked:
        event = Event(key, f"{asked.intent.id}", state, amount, "CNY", self.clock())
        return await self.shop.write(orders.book, storefront_id=self.goods.storefront.id, provider=PROVIDER, event=event)

    async def ends(self) -> None:
        """What must be true at every end."""
        await self._later(4000)
        await self._jobs()
        await assert_sound(self.shop)
        await assert_books(self.shop, self.began, self.clock())
        held = sold = 0
        for asked in self.asked:
            intent = await self.shop.read(payments.intent, asked.intent.id)
            assert intent is not None
            paid = bool(asked.keys)
            assert (intent.state in (IntentState.PAID, IntentState.REFUNDED)) == paid
            assert intent.state not in (IntentState.CREATED, IntentState.PENDING), "nothing waits for ever"
            if intent.order_id is not None:
                detail = await self.shop.read(orders.detail, order_id=intent.order_id)
                assert detail is not None and detail.card.state is not OrderState.PENDING
        steps = [await self.shop.read(payments.steps, asked.intent.id) for asked in self.asked]
        assert all(step and step[0].cause == "asked" for step in steps), "every change has its cause"
        for buyer in self.buyers:
            held += await balance(self.shop, buyer)
            for card in await self.shop.read(orders.history, buyer_id=buyer.id, limit=500):
                if card.state in (OrderState.ISSUED, OrderState.REFUNDED):
                    sold += card.quantity if card.state is OrderState.ISSUED else 0
        assert await left(self.shop, self.goods) + sold <= 60
        # Every minor unit that came in is in a wallet, in the sales, in the fees, or went back.
        house = 0
        for account in (self.goods.storefront.sales_account_id,):
            house += await self.shop.read(ledger.house_balance, account)
        assert held >= 0
        assert house + held <= self.came_in + 3 * 5_000


async def play(shop: Shop, clock: Clock, fee: Fee, steps: list[tuple[Any, ...]]) -> None:
    storefront = await shop.write(storefronts.open_storefront, name="Story", currency="CNY", language="en")
    goods = await put_on_sale(shop, storefront)
    await stock(shop, goods.offer_id, goods.sku_id, 20)
    buyers = [await person(shop, storefront, money_minor=5_000) for _ in range(3)]
    story = Story(shop, clock, goods, buyers, fee)
    for step in steps:
        await story.do(step)
    await story.ends()


STORIES = st.lists(STEP, min_size=4, max_size=30)
FEES = st.sampled_from([Fee(), Fee(200, 30, True), Fee(290, 30, False)])
SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate, Phase.shrink))


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


@settings(SETTINGS, max_examples=40)
@given(fee=FEES, steps=STORIES)
def test_stories_on_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, fee: Fee, steps: list[tuple[Any, ...]]) -> None:
    file = tmp_path_factory.mktemp("story") / "shop.db"
    shutil.copy(sqlite_template, file)
    clock = Clock()

    async def story() -> None:
        async with Shop.opened(f"sqlite:///{file}", KEYS, clock=clock) as shop:
            await play(shop, clock, fee, steps)

    run(story())


@settings(SETTINGS, max_examples=8)
@given(fee=FEES, steps=STORIES)
def test_stories_on_postgres(postgres_server: str, postgres_template: str, fee: Fee, steps: list[tuple[Any, ...]]) -> None:
    name, clock = f"story_{os.getpid()}_{next(numbers)}", Clock()

    async def story() -> None:
        await maintain(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        try:
            url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
            async with Shop.opened(url, KEYS, clock=clock) as shop:
                await play(shop, clock, fee, steps)
        finally:
            await maintain(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    run(story())
