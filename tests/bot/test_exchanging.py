"""The background that keeps rates: it asks a real server, waits after a failure, and tells the staff once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.exchanging import Exchange, Exchanging, record_fixed
from connectors.payments.transfer import Transfer
from connectors.rates.ecb import EuropeanCentralBank
from core import people, rates
from core.database import Shop, read
from core.ports import Capabilities, PaymentMethod
from core.rates import Quoted, Rules
from core.storefronts import Storefront
from sandbox.gateways import RateServer
from tests.stage import Clock, person


@dataclass
class Seconds:
    """What the background takes for the time that passes."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """The background beside its server."""

    shop: Shop
    storefront: Storefront
    server: RateServer
    exchange: Exchange
    ways: Mapping[str, PaymentMethod]
    passed: Seconds
    exchanging: Exchanging

    async def latest(self, base: str = "USD") -> Quoted | None:
        return await self.shop.read(rates.latest, base=base, quote="CNY")


def way(currency: str) -> PaymentMethod:
    return Transfer("By hand.", Capabilities(currency, False, False, False, False, False, 1, 10**9, 600, by_hand=True))


@read
def told(session: Session) -> list[tuple[str, str]]:
    """What the staff were told of rates, oldest first."""
    bodies = session.execute(text("SELECT body FROM outbox WHERE topic = 'alert' ORDER BY id")).scalars()
    found = [json.loads(body) if isinstance(body, str) else body for body in bodies]
    return [(str(body["says"]), str(body.get("base", ""))) for body in found]


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront, clock: Clock) -> AsyncIterator[Desk]:
    """Ways in dollars and yen beside one in yuan, and the central bank."""
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[7001])
    await person(shop, storefront, 7001)
    server = RateServer(clock=clock)
    await server.start()
    source = EuropeanCentralBank(server.url)
    exchange = Exchange(source=source, rules=Rules(timedelta(hours=132), Fraction(1)))
    ways, passed = {"stripe": way("USD"), "transfer": way("JPY"), "epay-alipay": way("CNY")}, Seconds()
    yield Desk(shop, storefront, server, exchange, ways, passed, Exchanging(shop, storefront, exchange, ways, passed))
    await source.close()
    await server.stop()


async def test_it_asks_at_once_for_what_ways_to_pay_need_and_then_not_before_the_hour_is_nearly_over(desk: Desk) -> None:
    assert await desk.exchanging.run() == 2

    dollar, yen = await desk.latest(), await desk.latest("JPY")
    assert dollar is not None and dollar.market == Fraction("7.8264") / Fraction("1.0870")
    assert yen is not None and yen.market == Fraction("7.8264") / Fraction("162.35") * 100, "a yen in fen"
    assert yen.rate == yen.market / Fraction("1.01")
    assert await desk.latest("GBP") is None
    for seconds in (15, 60, 3000):
        desk.passed.now = seconds
        assert await desk.exchanging.run() == 0
    assert len(desk.server.calls) == 1
    desk.passed.now = 3600 * 1.2
    await desk.exchanging.run()
    assert len(desk.server.calls) == 2
    assert await desk.shop.read(told) == []


async def test_a_source_that_fails_is_asked_again_later_each_time_and_the_staff_hear_once_when_it_matters(desk: Desk, clock: Clock) -> None:
    await desk.exchanging.run()
    desk.server.faults.nonsense = True
    clock.passes(days=2)
    desk.passed.now = 100_000
    asked, waits = len(desk.server.calls), []
    for _ in range(4):
        before = desk.passed.now
        while len(desk.server.calls) == asked:
            assert await desk.exchanging.run() == 0
            desk.passed.now += 5
        asked = len(desk.server.calls)
        waits.append(desk.passed.now - before)

    assert waits[1] < waits[2] < waits[3] < 200
    assert await desk.latest() is not None and await desk.shop.read(told) == []
    clock.passes(days=8)
    for _ in range(3):
        desk.passed.now += 7200
        await desk.exchanging.run()
    assert await desk.latest() is None
    assert await desk.shop.read(told) == [("rate-too-old", "JPY"), ("rate-too-old", "USD")]
    desk.server.faults.clear()
    desk.passed.now += 7200
    assert await desk.exchanging.run() == 2


async def test_a_jump_is_told_and_not_taken_and_a_currency_that_goes_missing_takes_nothing_with_it(desk: Desk) -> None:
    await desk.exchanging.run()
    before = await desk.latest()
    desk.server.of_the_euro["CNY"] *= 10
    desk.server.faults.missing = "JPY"
    desk.passed.now += 7200

    assert await desk.exchanging.run() == 0

    assert await desk.latest() == before and await desk.latest("JPY") is not None
    assert await desk.shop.read(told) == [("rate-jump", "")]


async def test_yesterdays_and_the_day_before_are_taken_while_they_hold_and_never_after_todays(desk: Desk) -> None:
    desk.server.faults.days_old = 9
    assert await desk.exchanging.run() == 0
    assert await desk.shop.read(told) == [("rate-missing", "JPY"), ("rate-missing", "USD")]
    desk.server.faults.days_old = 1
    desk.passed.now += 7200
    assert await desk.exchanging.run() == 2
    desk.server.faults.days_old = 0
    desk.passed.now += 7200
    await desk.exchanging.run()
    newest = await desk.latest()
    desk.server.faults.days_old = 3
    desk.passed.now += 7200
    assert await desk.exchanging.run() == 0
    assert await desk.latest() == newest


async def test_what_the_staff_give_back_is_asked_for_within_the_minute(desk: Desk, clock: Clock) -> None:
    await desk.exchanging.run()
    await desk.shop.write(rates.set_rate, base="USD", quote="CNY", rate=Fraction(8), source=rates.STAFF, by="test")
    clock.passes(days=7)
    desk.passed.now += 7200
    await desk.exchanging.run()
    await desk.shop.write(rates.hand_back, base="USD", quote="CNY", by="test")
    assert await desk.latest() is None

    desk.passed.now += 61
    assert await desk.exchanging.run() == 1
    assert await desk.latest() is not None and await desk.shop.read(told) == []


async def test_a_fixed_rate_is_recorded_at_the_start_and_its_currency_is_not_asked_for(desk: Desk) -> None:
    exchange = replace(desk.exchange, fixed={"USD": Decimal("7.20")})

    await record_fixed(desk.shop, desk.storefront, exchange)
    await record_fixed(desk.shop, desk.storefront, exchange)
    assert await Exchanging(desk.shop, desk.storefront, exchange, desk.ways, desk.passed).run() == 1

    dollar = await desk.latest()
    assert dollar is not None and dollar.rate == dollar.market == Fraction("7.2") and dollar.source == rates.SETTINGS
    pairs = await desk.shop.read(rates.pairs, quote="CNY")
    assert [pair.base for pair in pairs] == ["JPY", "USD"]


async def test_without_a_source_the_staff_hear_once_which_ways_need_a_rate(desk: Desk) -> None:
    for _ in range(2):
        assert await Exchanging(desk.shop, desk.storefront, Exchange(), desk.ways, desk.passed).run() == 0

    assert await desk.shop.read(told) == [("rate-missing", "JPY"), ("rate-missing", "USD")]
    assert not desk.server.calls


async def test_two_processes_that_ask_at_once_leave_one_state(desk: Desk) -> None:
    other = Exchanging(desk.shop, desk.storefront, desk.exchange, desk.ways, desk.passed)

    await desk.exchanging.run()
    await other.run()

    dollar = await desk.latest()
    assert dollar is not None and dollar.holds(desk.shop.tools.clock())
