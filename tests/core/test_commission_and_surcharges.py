"""Surcharges and commission by category and volume, through the sale and its settlement: to the minor unit, at every boundary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import aftersale, fulfilment, orders, rates, settlement, supply
from core.aftersale import Reason
from core.database import Shop
from core.people import Customer
from core.settlement import (
    Commission,
    FixedCost,
    Label,
    Sale,
    SpreadShare,
    Surcharge,
    TakeRate,
    Terms,
    Tier,
    Window,
    commission_due,
    parts,
)
from core.storefronts import Storefront
from core.supply import SourceClass
from tests.core.ledgers import assert_books
from tests.core.offering import offered
from tests.core.props import assert_sound, place, settle
from tests.core.supplies import Supplied, earned, purse, settled, supplied, unshared
from tests.core.test_service import delivered, designer
from tests.core.traders import consigned
from tests.core.way import ask, secrets
from tests.stage import Clock, Goods, person, put_on_sale, stock

BEGAN = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
STEPS = (Tier(0, 1000), Tier(20_000, 500))  # 10 % below 200.00, then 5 %


class StillClock(Clock):
    """A clock that stands still unless a test moves it: what is sold at an instant is sold exactly at it."""

    def __call__(self) -> datetime:
        return BEGAN + self.ahead

    def is_at(self, at: datetime) -> None:
        self.ahead = at - BEGAN


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


async def buy(shop: Shop, buyer: Customer, goods: Goods, quantity: int, once: str) -> int:
    made = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=once, **goods.terms())
    return made.order_id


async def more_goods(shop: Shop, storefront: Storefront, of: Supplied, price_minor: int, count: int = 40) -> Goods:
    """Goods of the same supplier in a category of their own, at a cost of 85.00."""
    goods = await put_on_sale(shop, storefront, price_minor=price_minor, count=0)
    await shop.write(supply.withdraw_offer, offer_id=goods.offer_id, by="test")
    goods.offer_id = await consigned(shop, goods, of.supplier_id, count=count)
    return goods


async def total(shop: Shop, of: Supplied) -> int:
    """What a supplier has altogether."""
    held, due, paying = await shop.read(purse, of.supplier_id)
    return held + due + paying


# Surcharges


async def test_of_goods_that_are_exclusive_when_they_are_sold_the_shop_takes_the_surcharge_besides(
    shop: Shop, storefront: Storefront, clock: StillClock
) -> None:
    """Three of 99.99 at 85.00: of 299.97, 1.5 % are 4.49955, which is 4.50; the shop's 70 % of a spread of 44.97 are 31.479."""
    extra, until = Surcharge(exclusive_bp=150), clock() + timedelta(hours=2)
    cases: list[tuple[Terms, int, str, int]] = [
        (FixedCost(extra), 25_500 - 450, "spread", 4497),
        (SpreadShare(3000, extra), 29_997 - 3148 - 450, "spread", 3148),
        (TakeRate(1000, extra), 29_997 - 3000 - 450, "commission", 3000),
        (Commission((Tier(0, 800),), surcharge=extra), 29_997 - 2400 - 450, "commission", 2400),
    ]
    buyer, sold = await person(shop, storefront, money_minor=1_000_000), []
    for terms, *_ in cases:
        of = await supplied(shop, storefront, terms=terms, price_minor=9999, count=3)
        await shop.write(supply.change_offer, offer_id=of.goods.offer_id, by="test", exclusive_until=until)
        sold.append(of)
    clock.is_at(until - timedelta(seconds=1))
    made = [await buy(shop, buyer, of.goods, 3, f"exclusive-{of.supplier_id}") for of in sold]
    clock.passes(hours=5)  # It is settled when nothing is exclusive any more: what counts is when it was sold.
    await settled(shop)

    for of, order_id, (_, supplier, label, shop_gets) in zip(sold, made, cases, strict=True):
        assert await shop.read(purse, of.supplier_id) == (supplier, 0, 0)
        [share] = await shop.read(settlement.who_earns, order_id)
        assert {name.value: minor for name, minor in share.shop.items() if minor} == {label: shop_gets, "service": 450}
        assert supplier + shop_gets + 450 == 3 * 9999
    assert await shop.read(earned, storefront, "service") == 4 * 450
    assert await shop.read(unshared, storefront) == 0

    # What is taken back takes its part of the surcharge with it, one unit after the other.
    codes = [await shop.read(orders.codes_sold, order_id) for order_id in made]
    for nth in range(3):
        for order_id, some in zip(made, codes, strict=True):
            refund: dict[str, Any] = {"code_ids": [some[nth].code_id], "once": f"back-{order_id}-{nth}", "reason": "test", "by": "test"}
            await shop.write(orders.refund_codes, order_id=order_id, **refund)
        await settled(shop)
        assert await shop.read(earned, storefront, "service") == 4 * (450 - 450 * (nth + 1) // 3)
        assert await shop.read(unshared, storefront) == 0
    assert [await shop.read(purse, of.supplier_id) for of in sold] == [(0, 0, 0)] * 4
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


@pytest.mark.parametrize("way", ["wallet", "payment", "on its way", "replaced"])
@pytest.mark.parametrize("exclusive", [True, False])
async def test_what_an_offer_is_between_its_sale_and_its_settlement_changes_nothing_of_the_surcharge(
    shop: Shop, storefront: Storefront, clock: StillClock, exclusive: bool, way: str
) -> None:
    of = await supplied(shop, storefront, terms=FixedCost(Surcharge(exclusive_bp=1000)), price_minor=10_000, count=1)
    until: list[datetime | None] = [clock() + timedelta(days=9), None]
    before, after = until if exclusive else reversed(until)
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")
    buyer = await person(shop, storefront, money_minor=100_000)
    if way == "replaced":
        # The bad code came from another; its place is taken from the one whose exclusivity is looked at.
        order_id = await buy(shop, buyer, of.goods, 1, "bad")
        other = await offered(shop, of.goods.sku_id, source_class=SourceClass.AUTHORISED)
        await shop.write(settlement.agree, supplier_id=other.supplier_id, terms=FixedCost(Surcharge(exclusive_bp=1000)), by="test")
        await stock(shop, other.id, of.goods.sku_id, 1)
        looked_at = other.id
    else:
        looked_at = of.goods.offer_id
    await shop.write(supply.change_offer, offer_id=looked_at, by="test", exclusive_until=before)
    if way == "replaced":
        await shop.write(orders.reveal, order_id=order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
        [code] = await shop.read(orders.codes_sold, order_id)
        case = await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=order_id, code_id=code.code_id, reason=Reason.USED)
        await shop.write(aftersale.replace, case_id=case.case_id, storefront_id=storefront.id, by="test")
    elif way == "payment":
        placed = await place(shop, buyer, of.goods, once="placed")
        await settle(shop, buyer, placed, event="paid")
        order_id = placed.order_id
    elif way == "on its way":
        await shop.write(supply.declare, offer_id=looked_at, quantity=5)
        order_id = await buy(shop, buyer, of.goods, 2, "two")
    else:
        order_id = await buy(shop, buyer, of.goods, 1, "one")
    await shop.write(supply.change_offer, offer_id=looked_at, by="test", exclusive_until=after)
    if way == "on its way":
        task = await ask(shop, f"supplier:{of.supplier_id}")
        await shop.write(orders.arrived, task_id=task.id, secrets=secrets("A-1"), done=True, cause="brought")
    await settled(shop)

    shares = await shop.read(settlement.who_earns, order_id)
    services = sum(share.shop[Label.SERVICE] for share in shares if share.offer_id == looked_at)
    assert services == ((2000 if way == "on its way" else 1000) if exclusive else 0)
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


async def test_at_the_instant_at_which_exclusivity_ends_nothing_is_taken_for_it(
    shop: Shop, storefront: Storefront, clock: StillClock
) -> None:
    of = await supplied(shop, storefront, terms=FixedCost(Surcharge(exclusive_bp=1000, custom_bp=2000)))
    until = clock() + timedelta(hours=2)
    await shop.write(supply.change_offer, offer_id=of.goods.offer_id, by="test", exclusive_until=until)
    buyer = await person(shop, storefront, money_minor=100_000)
    clock.is_at(until)
    await buy(shop, buyer, of.goods, 1, "over")
    await settled(shop)

    assert await shop.read(earned, storefront, "service") == 0
    assert await shop.read(purse, of.supplier_id) == (8500, 0, 0)


async def test_of_work_that_is_made_to_order_the_shop_takes_the_other_surcharge(
    shop: Shop, storefront: Storefront, clock: StillClock
) -> None:
    of = await designer(shop, storefront, terms=TakeRate(1000, Surcharge(exclusive_bp=3000, custom_bp=525)))
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    await shop.write(fulfilment.accept_milestone, milestone_id=step.id, customer_id=buyer.id)
    for one in await shop.read(fulfilment.steps_to_settle):
        await shop.write(orders.settle_step, one)
    await settled(shop)

    assert (await shop.read(earned, storefront, "commission"), await shop.read(earned, storefront, "service")) == (1000, 525)
    assert await shop.read(purse, of.supplier_id) == (8475, 0, 0)
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


@given(
    st.integers(1, 50),
    st.integers(0, 10**6),
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.booleans(),
    st.booleans(),
    st.integers(0, 4000),
)
def test_a_surcharge_is_its_part_of_the_price_and_comes_off_what_the_supplier_has(
    units: int, unit: int, exclusive_bp: int, custom_bp: int, exclusive: bool, custom: bool, rate: int
) -> None:
    sale = Sale(units, units * unit, 0, exclusive=exclusive, custom=custom)
    with_it = parts(sale, TakeRate(rate, Surcharge(exclusive_bp, custom_bp)))
    without = parts(sale, TakeRate(rate))

    exact = Fraction(sale.price_minor * (exclusive_bp * exclusive + custom_bp * custom), 10_000)
    taken = with_it.shop[Label.SERVICE]
    assert abs(taken - exact) <= Fraction(1, 2)
    assert with_it.supplier_minor == without.supplier_minor - taken
    assert with_it.shop[Label.COMMISSION] == without.shop[Label.COMMISSION]
    assert with_it.total_minor == sale.price_minor


# Commission by volume


@pytest.mark.parametrize("marginal", [True, False])
async def test_a_step_is_reached_by_exactly_its_volume(shop: Shop, storefront: Storefront, clock: StillClock, marginal: bool) -> None:
    """Two sales of each price, of a supplier of its own; the step is at 200.00."""
    cases = {
        9999: 2000,  # 199.98 is below the step: 10 % of all of it are 19.998.
        10_000: 2000 if marginal else 1000,  # Exactly 200.00: nothing lies above it, and the rate for all of it is the lower one.
        10_001: 2000 if marginal else 1000,  # 200.02: 10 % of 200.00 and 5 % of 0.02 are 20.001; 5 % of all of it are 10.001.
        12_000: 2200 if marginal else 1200,
    }
    buyer, terms, sold = await person(shop, storefront, money_minor=1_000_000), Commission(STEPS, marginal=marginal, window=Window.DAY), {}
    for price in cases:
        sold[price] = await supplied(shop, storefront, terms=terms, price_minor=price, count=2)
        for number in range(2):
            await buy(shop, buyer, sold[price].goods, 1, f"order-{price}-{number}")
    charged = {price: 2 * ((price * 1000 + 5000) // 10_000) for price in cases}
    for at in (BEGAN, datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)):
        clock.is_at(at)
        await settled(shop)
        assert await shop.read(earned, storefront, "commission") == sum(charged.values()), "each sale is charged the first rate till then"
    for price, of in sold.items():
        assert await shop.read(purse, of.supplier_id) == (2 * price - charged[price], 0, 0)
    clock.passes(seconds=1)
    await settled(shop)

    for price, of in sold.items():
        assert await total(shop, of) == 2 * price - cases[price]
        [window] = await shop.read(settlement.windows_of, of.supplier_id)
        assert (window.volume_minor, window.charged_minor, window.due_minor) == (2 * price, charged[price], cases[price])
    assert await shop.read(earned, storefront, "commission") == sum(cases.values())
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


RESETS = [
    (Window.DAY, date(2024, 1, 1), "Asia/Shanghai", datetime(2026, 3, 10, 16, tzinfo=UTC)),
    (Window.WEEK, date(2024, 1, 6), "UTC", datetime(2026, 3, 14, tzinfo=UTC)),  # Saturdays
    (Window.MONTH, date(2024, 1, 15), "Europe/Moscow", datetime(2026, 3, 14, 21, tzinfo=UTC)),
    (Window.MONTH, date(2024, 1, 10), "UTC", datetime(2026, 4, 10, tzinfo=UTC)),
    (Window.QUARTER, date(2024, 2, 20), "UTC", datetime(2026, 5, 20, tzinfo=UTC)),
]


async def test_volume_begins_anew_on_the_day_that_was_agreed(shop: Shop, storefront: Storefront, clock: StillClock) -> None:
    """150.00 before and 150.00 after the instant: neither has reached 200.00, and together they would have."""
    buyer, sold = await person(shop, storefront, money_minor=1_000_000), []
    for window, resets_on, timezone, _ in RESETS:
        terms = Commission(STEPS, marginal=False, window=window, resets_on=resets_on, timezone=timezone)
        sold.append(await supplied(shop, storefront, terms=terms, price_minor=15_000, count=4))
    for of, (*_, ends) in zip(sold, RESETS, strict=True):
        clock.is_at(ends - timedelta(seconds=1))
        await buy(shop, buyer, of.goods, 1, f"before-{of.supplier_id}")
        clock.is_at(ends)
        await buy(shop, buyer, of.goods, 1, f"after-{of.supplier_id}")
        await settled(shop)
        [first] = await shop.read(settlement.windows_of, of.supplier_id)
        assert (first.ends_at, first.volume_minor, first.due_minor) == (ends, 15_000, 1500), "it is over at its instant, and counted"
    clock.passes(days=100)
    await settled(shop)
    for of, (*_, ends) in zip(sold, RESETS, strict=True):
        second, first = await shop.read(settlement.windows_of, of.supplier_id)
        assert (second.starts_at, second.volume_minor, second.due_minor, first.due_minor) == (ends, 15_000, 1500, 1500)
        # Both in one window reach the step.
        for number in range(2):
            await buy(shop, buyer, of.goods, 1, f"together-{of.supplier_id}-{number}")
    clock.passes(days=100)
    await settled(shop)
    for of in sold:
        third, *_ = await shop.read(settlement.windows_of, of.supplier_id)
        assert (third.volume_minor, third.due_minor) == (30_000, 1500)
    assert await shop.read(earned, storefront, "commission") == len(RESETS) * (1500 + 1500 + 1500)
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


@pytest.mark.parametrize("marginal", [True, False])
async def test_a_category_has_its_own_rates_and_volume_and_one_without_a_rule_those_of_all_others(
    shop: Shop, storefront: Storefront, clock: StillClock, marginal: bool
) -> None:
    of = await supplied(shop, storefront, price_minor=10_000)
    other, third = [await more_goods(shop, storefront, of, 10_000) for _ in range(2)]
    ruled = {of.goods.category_id: (Tier(0, 600), Tier(30_000, 400))}
    terms = Commission(STEPS, ruled, marginal=marginal, window=Window.DAY)
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=terms, by="test")
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await buy(shop, buyer, of.goods, 3, "ruled")  # 300.00 at 6 %: it has reached its own step
    await buy(shop, buyer, other, 1, "other")  # 100.00 at 10 %
    await settled(shop)
    assert await shop.read(earned, storefront, "commission") == 1800 + 1000
    await buy(shop, buyer, third, 1, "third")  # Two categories without a rule count together: 200.00.
    clock.passes(days=1)
    await settled(shop)

    of_category, of_others = 1800 if marginal else 1200, 2000 if marginal else 1000
    assert await shop.read(earned, storefront, "commission") == of_category + of_others
    counted = {one.bucket: (one.volume_minor, one.due_minor) for one in await shop.read(settlement.windows_of, of.supplier_id)}
    assert counted == {of.goods.category_id: (30_000, of_category), 0: (20_000, of_others)}
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


def _exactly(volume: int, tiers: Sequence[Tier], marginal: bool) -> Fraction:
    """What is due of a volume, minor unit by step, as a spreadsheet would have it."""
    if not marginal:
        return Fraction(volume * max((t.from_minor, t.bp) for t in tiers if t.from_minor <= volume)[1], 10_000)
    ends = [*(tier.from_minor for tier in tiers[1:]), volume]
    return sum((Fraction(max(0, min(end, volume) - t.from_minor) * t.bp, 10_000) for t, end in zip(tiers, ends, strict=True)), Fraction())


@pytest.mark.parametrize(("seed", "marginal"), [(7, True), (8, False)])
async def test_any_sales_and_refunds_over_two_windows_come_to_what_a_spreadsheet_says(
    shop: Shop, storefront: Storefront, clock: StillClock, seed: int, marginal: bool
) -> None:
    draws = Random(seed)
    of = await supplied(shop, storefront, price_minor=9973)
    goods = [of.goods, *[await more_goods(shop, storefront, of, price, count=30) for price in (8651, 12_347)]]
    price = [9973, 8651, 12_347]
    every, ruled = (Tier(0, 977), Tier(50_000, 613), Tier(90_000, 131)), (Tier(0, 739), Tier(40_000, 251))
    terms = Commission(every, {goods[1].category_id: ruled}, marginal=marginal, window=Window.DAY)
    await shop.write(settlement.agree, supplier_id=of.supplier_id, terms=terms, by="test")
    buyer = await person(shop, storefront, money_minor=10_000_000)
    volume: dict[tuple[int, int], int] = {}
    for day in range(2):
        for number in range(6):
            which, quantity = draws.randrange(3), draws.randint(1, 4)
            order_id = await buy(shop, buyer, goods[which], quantity, f"{day}-{number}")
            gone = draws.choice([0, 0, 1])
            if gone:
                [code, *_] = await shop.read(orders.codes_sold, order_id)
                await shop.write(
                    orders.refund_codes, order_id=order_id, code_ids=[code.code_id], reason="test", by="test", once=f"back-{order_id}"
                )
            key = (day, int(which == 1))
            volume[key] = volume.get(key, 0) + (quantity - gone) * price[which]
            await settled(shop)
            assert await shop.read(unshared, storefront) == 0, "also of a line of which a unit is gone"
        clock.passes(days=1)
    await settled(shop)

    due = sum(int(_exactly(minor, ruled if own else every, marginal) + Fraction(1, 2)) for (_, own), minor in volume.items())
    assert len(volume) >= 3, "the draw is of both categories"
    assert await shop.read(earned, storefront, "commission") == due
    assert await total(shop, of) == sum(volume.values()) - due
    assert await shop.read(unshared, storefront) == 0
    await assert_books(shop, BEGAN, clock())
    await assert_sound(shop)


@given(
    st.integers(0, 10**7),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 3000)), max_size=4, unique_by=lambda s: s[0]),
)
def test_what_is_due_of_any_volume_is_what_a_spreadsheet_says(volume: int, marginal: bool, drawn: list[tuple[int, int]]) -> None:
    rates = sorted((bp for _, bp in drawn), reverse=True)
    tiers = (Tier(0, 3000), *(Tier(step, bp) for (step, _), bp in zip(sorted(drawn), rates, strict=True)))

    assert commission_due(volume, tiers, marginal=marginal) == int(_exactly(volume, tiers, marginal) + Fraction(1, 2))
