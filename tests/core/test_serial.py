"""Whatever is asked at once ends as if it had been asked one after the other, in some order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import orders
from core.database import Shop
from core.errors import Refusal
from core.orders import Receipt
from core.storefronts import Storefront
from tests.core.props import balance, left
from tests.stage import numbers, person, put_on_sale

pytestmark = pytest.mark.usefixtures("sound_in_the_end")

PRICE = 1000
MOST = 60


@dataclass(frozen=True)
class Ask:
    buyer: int
    quantity: int
    screen: int
    old_price: bool = False


@dataclass(frozen=True)
class Scene:
    """What is there (codes, each buyer's money in cards, a limit per buyer) and what is asked at once."""

    stock: int
    money: tuple[int, ...]
    limit: int | None
    asks: tuple[Ask, ...]


@dataclass
class Serial:
    """The shop as arithmetic: one ask after the other."""

    stock: int
    money: list[int]
    limit: int | None
    bought: dict[int, int] = field(default_factory=dict)
    screens: dict[tuple[int, int], tuple[int, bool]] = field(default_factory=dict)

    def answer(self, ask: Ask) -> str:
        key = ask.buyer, ask.screen
        if key in self.screens:
            return "repeated" if self.screens[key] == (ask.quantity, ask.old_price) else "OnceReused"
        if ask.old_price:
            return "PriceMoved"
        if not 1 <= ask.quantity <= MOST:
            return "WrongQuantity"
        if self.limit is not None and self.bought.get(ask.buyer, 0) + ask.quantity > self.limit:
            return "LimitReached"
        if ask.quantity > self.stock:
            return "SoldOut"
        if ask.quantity * PRICE > self.money[ask.buyer]:
            return "TooLittleMoney"
        self.stock -= ask.quantity
        self.money[ask.buyer] -= ask.quantity * PRICE
        self.bought[ask.buyer] = self.bought.get(ask.buyer, 0) + ask.quantity
        self.screens[key] = ask.quantity, ask.old_price
        return "sold"


def possible(scene: Scene) -> Iterator[tuple[tuple[str, ...], int, tuple[int, ...]]]:
    """What each order of the asks would have led to: the answers, the stock and the money in the end."""
    for turn in itertools.permutations(range(len(scene.asks))):
        serial = Serial(scene.stock, [cards * PRICE for cards in scene.money], scene.limit)
        answers = [""] * len(turn)
        for n in turn:
            answers[n] = serial.answer(scene.asks[n])
        yield tuple(answers), serial.stock, tuple(serial.money)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    buyers = draw(st.integers(1, 3))
    asks = st.builds(
        Ask,
        buyer=st.integers(0, buyers - 1),
        quantity=st.sampled_from([1, 1, 1, 2, 3, 5, 10, 11, 50, 0, -5, 100]),
        screen=st.integers(1, 3),
        old_price=st.sampled_from([False] * 9 + [True]),
    )
    return Scene(
        stock=draw(st.sampled_from([0, 1, 2, 3, 5, 12, 40])),
        money=tuple(draw(st.lists(st.sampled_from([0, 1, 2, 5, 20, 200]), min_size=buyers, max_size=buyers))),
        limit=draw(st.sampled_from([None, None, None, 1, 3])),
        asks=tuple(draw(st.lists(asks, min_size=2, max_size=5))),
    )


def kind(answer: Receipt | BaseException) -> str:
    if isinstance(answer, Receipt):
        return "repeated" if answer.repeated else "sold"
    if isinstance(answer, Refusal):
        return type(answer).__name__
    raise answer


async def play(shop: Shop, storefront: Storefront, scene: Scene) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=PRICE, count=scene.stock, max_quantity=MOST, max_per_buyer=scene.limit)
    buyers = [await person(shop, storefront, money_minor=cards * PRICE) for cards in scene.money]
    run = next(numbers)

    def ask(of: Ask) -> Any:
        terms = goods.terms()
        if of.old_price:
            terms["rules_version"] += 1
        return shop.write(orders.buy, buyer_id=buyers[of.buyer].id, quantity=of.quantity, once=f"{run}:{of.buyer}:{of.screen}", **terms)

    answers: Sequence[Receipt | BaseException] = await asyncio.gather(*map(ask, scene.asks), return_exceptions=True)

    for of, answer in zip(scene.asks, answers, strict=True):
        if isinstance(answer, orders.SoldOut):
            assert answer.left < of.quantity
        if isinstance(answer, orders.TooLittleMoney):
            assert answer.short_minor > 0
    came = (
        tuple(map(kind, answers)),
        await left(shop, goods),
        tuple([await balance(shop, buyer) for buyer in buyers]),
    )
    assert came in set(possible(scene)), came


THE_ISSUE_NAMES = (
    Scene(40, (200, 200, 200), None, (Ask(0, 100, 1), Ask(1, 1, 1), Ask(2, 1, 1))),
    Scene(40, (200, 200, 200), None, (Ask(0, 50, 1), Ask(1, 1, 1), Ask(2, 1, 1))),
    Scene(3, (200, 200, 200), None, (Ask(0, 10, 1), Ask(1, 1, 1), Ask(2, 1, 1))),
    Scene(40, (1,), None, (Ask(0, 5, 1), Ask(0, 1, 2))),
    Scene(40, (1,), None, (Ask(0, 5, 1), Ask(0, 1, 2), Ask(0, 5, 3), Ask(0, 1, 1), Ask(0, 1, 2))),
    Scene(2, (1, 5), None, (Ask(0, 2, 1), Ask(1, 2, 1), Ask(0, 2, 2), Ask(0, 2, 3), Ask(1, 1, 2))),
    Scene(2, (20, 20, 20), 1, (Ask(0, 1, 1), Ask(0, 1, 2), Ask(1, 1, 1), Ask(2, 1, 1))),
)


def drawn(examples: int) -> settings:
    """The shop is one for all scenes; each scene brings its own goods and buyers."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.mark.parametrize("number", range(len(THE_ISSUE_NAMES)))
async def test_a_neighbours_failure_is_counted_against_nobody(shop: Shop, storefront: Storefront, number: int) -> None:
    """100, 1, 1 on forty codes; 5 then 1 with money for one; and their like: seen to fail in a prototype's batch."""
    await play(shop, storefront, THE_ISSUE_NAMES[number])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@drawn(80)
@given(scene=scenes())
async def test_any_batch_on_sqlite_ends_as_some_serial_order_would(scene: Scene, shop: Shop, storefront: Storefront) -> None:
    await play(shop, storefront, scene)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@drawn(40)
@given(scene=scenes())
async def test_any_batch_on_postgresql_ends_as_some_serial_order_would(scene: Scene, shop: Shop, storefront: Storefront) -> None:
    await play(shop, storefront, scene)
