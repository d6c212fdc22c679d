"""Asking several providers at once: one that hangs keeps nobody waiting but its own payers, and not even all of those."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import aiohttp
import pytest
from aiogram import Bot
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot import asking
from bot.asking import AT_ONCE, Asker
from bot.reconciling import GRACE, compared
from bot.serving import Serving
from core import orders, payments
from core.audit import audit
from core.database import Shop, read
from core.orders import RefundState, RefundTo
from core.payments import Intent, IntentState
from core.people import Customer
from core.ports import Ask, Callback, Capabilities, Created, Declined, Event, Heard, NotGenuine, PaymentMethod, PaymentState, Refund
from core.storefronts import Storefront
from tests.bot.conftest import TOKEN, until
from tests.handlers.recorder import Recorder
from tests.speaking import speaking
from tests.stage import Clock, Goods, numbers, person
from web import metrics
from web.app import make_app

CAN = Capabilities(
    currency="CNY",
    callback=False,
    poll=True,
    refund_full=True,
    refund_partial=True,
    reversible=False,
    minimum_minor=1,
    maximum_minor=10**9,
    seconds_to_pay=900,
)


class Provider:
    """A provider in this process, whose calls answer at once or only when it is let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers = asyncio.Event()
        self.answers.set()
        self.waiting = 0
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.paid: list[Event] = []
        self.open: set[str] = set()

    @property
    def capabilities(self) -> Capabilities:
        return CAN

    async def _call(self, what: str) -> None:
        self.asked.put_nowait(what)
        self.waiting += 1
        try:
            await self.answers.wait()
        finally:
            self.waiting -= 1

    async def begun(self, calls: int) -> None:
        """Wait until so many calls have come in."""
        async with asyncio.timeout(10):
            for _ in range(calls):
                await self.asked.get()

    async def create(self, ask: Ask) -> Created:
        await self._call("create")
        self.open.add(ask.reference)
        return Created(f"theirs-{ask.reference}", url=f"https://pay.example/{ask.reference}")

    async def callback(self, callback: Callback) -> Heard:
        raise NotGenuine

    async def find(self, reference: str, provider_ref: str | None, since: datetime) -> Event | None:
        await self._call("find")
        return next((event for event in self.paid if event.reference == reference), None)

    async def refund(self, refund: Refund) -> PaymentState:
        await self._call("refund")
        return PaymentState.REFUNDED

    async def received(self, since: datetime) -> Sequence[Event]:
        await self._call("received")
        return self.paid

    async def withdraw(self, reference: str, provider_ref: str) -> None:
        await self._call("withdraw")
        assert provider_ref == f"theirs-{reference}"
        if any(event.reference == reference for event in self.paid):
            raise Declined("paid meanwhile")
        self.open.discard(reference)

    async def close(self) -> None:
        """It has no connection."""

    def pays(self, intent: Intent, at: datetime) -> None:
        self.paid.append(Event(f"pay-{intent.id}", intent.reference, PaymentState.PAID, intent.amount_minor, intent.currency, at))


@pytest.fixture
async def slow() -> Provider:
    return Provider("slow")


@pytest.fixture
async def quick() -> Provider:
    return Provider("quick")


@pytest.fixture
async def asker(shop: Shop, storefront: Storefront, slow: Provider, quick: Provider) -> AsyncIterator[Asker]:
    async with Bot(TOKEN, session=Recorder()) as bot:
        yield Asker(shop, storefront, speaking(bot), {"slow": slow, "quick": quick})


@asynccontextmanager
async def at_work(asker: Asker) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(asker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def asked_of(shop: Shop, buyer: Customer, provider: str) -> Intent:
    """One more top-up by a provider, past the limit of the command for buyers."""
    made = await shop.write(
        payments.ask,
        provider=provider,
        pay_currency="CNY",
        customer_id=buyer.id,
        worth_minor=500,
        order_id=None,
        seconds=900,
        by_task=True,
        screen_message_id=next(numbers),
    )
    assert made is not None
    return made


async def state_of(shop: Shop, intent: Intent) -> IntentState:
    found = await shop.read(payments.intent, intent.id)
    assert found is not None
    return found.state


async def test_a_provider_that_hangs_holds_up_no_other(
    shop: Shop, storefront: Storefront, asker: Asker, slow: Provider, quick: Provider
) -> None:
    buyer = await person(shop, storefront)
    slow.answers.clear()
    for _ in range(3 * AT_ONCE):
        await asked_of(shop, buyer, "slow")
    async with at_work(asker):
        await slow.begun(AT_ONCE)
        other = await asked_of(shop, buyer, "quick")
        asker.wake()
        await quick.begun(1)

        async def pending() -> bool:
            return await state_of(shop, other) is IntentState.PENDING

        await until(pending)
        assert slow.waiting == AT_ONCE, "so many at once and no more, all of them still waited for"
        slow.answers.set()
        await slow.begun(2 * AT_ONCE)


async def test_a_payment_is_made_while_questions_to_its_own_provider_hang(
    shop: Shop, storefront: Storefront, asker: Asker, slow: Provider, clock: Clock
) -> None:
    buyer = await person(shop, storefront)
    asked = [await asked_of(shop, buyer, "slow") for _ in range(AT_ONCE + 1)]
    for intent in asked:
        await shop.write(payments.created, intent_id=intent.id, how=Created(f"theirs-{intent.reference}"), poll=True)
    clock.passes(seconds=10)
    slow.answers.clear()
    async with at_work(asker):
        await slow.begun(AT_ONCE)
        assert slow.waiting == AT_ONCE
        await asked_of(shop, buyer, "slow")
        asker.wake()
        await slow.begun(1)
        assert slow.waiting == AT_ONCE + 1
        slow.answers.set()


async def test_stopping_waits_for_no_provider_and_what_it_left_is_asked_again_soon(
    shop: Shop, storefront: Storefront, asker: Asker, slow: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "STOP_SECONDS", 0.05)
    intent = await asked_of(shop, await person(shop, storefront), "slow")
    slow.answers.clear()
    async with at_work(asker) as stop:
        await slow.begun(1)
        stop.set()
    assert slow.waiting == 0
    assert await state_of(shop, intent) is IntentState.CREATED, "unknown is not failed"
    clock.passes(seconds=6)
    work = await shop.write(payments.take_work, rooms={"slow": payments.Room(1, 1, 1)})
    assert [taken.id for taken in work.to_create] == [intent.id], "long before the minute of the lease is over"


async def refund_wanted(shop: Shop, goods: Goods, provider: str) -> int:
    """An order that was paid by a provider and is to go back there; returns the refund's id."""
    buyer = await person(shop, goods.storefront)
    placed = await shop.write(
        orders.place,
        buyer_id=buyer.id,
        quantity=1,
        once=f"asking:{next(numbers)}",
        provider=provider,
        pay_currency="CNY",
        seconds=900,
        **goods.terms(),
    )
    await shop.write(
        orders.settle,
        provider=provider,
        event_key=f"pay-{placed.intent.id}",
        intent_id=placed.intent.id,
        customer_id=buyer.id,
        amount_minor=placed.intent.amount_minor,
        currency="CNY",
    )
    made = await shop.write(
        orders.refund_codes,
        order_id=placed.order_id,
        code_ids=None,
        reason="did not work",
        by="telegram:1",
        once=f"back:{placed.order_id}",
        to=RefundTo.SOURCE,
        whole_only=False,
    )
    return made.refund_id


async def test_refunds_at_one_provider_do_not_wait_for_another(
    shop: Shop, goods: Goods, asker: Asker, slow: Provider, quick: Provider
) -> None:
    for _ in range(5):
        await refund_wanted(shop, goods, "slow")
    await refund_wanted(shop, goods, "quick")
    gone = await refund_wanted(shop, goods, "closed")
    slow.answers.clear()
    giving = asyncio.create_task(asker.give_back())

    async def others_are_over() -> bool:
        states = {one.id: one.state for order in range(1, 8) for one in await shop.read(orders.refunds_of, order)}
        return RefundState.REFUNDED in states.values() and states[gone] is RefundState.DECLINED

    await until(others_are_over)
    assert slow.waiting == asking.REFUNDS_AT_ONCE
    slow.answers.set()
    assert await giving == asking.REFUNDS_AT_ONCE + 2
    assert await asker.give_back() == 1
    assert (await shop.read(audit)).violations == []


async def test_comparing_with_one_provider_does_not_wait_for_another(
    shop: Shop, storefront: Storefront, slow: Provider, quick: Provider, clock: Clock
) -> None:
    intent = await asked_of(shop, await person(shop, storefront), "quick")
    quick.pays(intent, clock())
    clock.passes(seconds=GRACE.total_seconds() + 1)
    slow.answers.clear()
    comparing = asyncio.create_task(compared(shop, storefront, {"slow": slow, "quick": quick}))

    async def booked() -> bool:
        return await state_of(shop, intent) is IntentState.PAID

    await until(booked)
    assert not comparing.done()
    slow.answers.set()
    assert [done.mended for done in await comparing] == [[], [f"{intent.reference}: deposit"]]


async def test_what_is_booked_while_a_list_is_on_its_way_does_not_differ_from_it(
    shop: Shop, storefront: Storefront, slow: Provider, clock: Clock
) -> None:
    """A list that takes minutes cannot have what was paid after it was asked for; the staff are not told that it is missing."""
    before, during = [await asked_of(shop, await person(shop, storefront), "slow") for _ in range(2)]
    slow.pays(before, clock())
    clock.passes(seconds=GRACE.total_seconds() + 1)
    slow.answers.clear()
    comparing = asyncio.create_task(compared(shop, storefront, {"slow": slow}))
    await slow.begun(1)
    event = Event("during", during.reference, PaymentState.PAID, during.amount_minor, during.currency, clock())
    await shop.write(orders.book, storefront_id=storefront.id, provider="slow", event=event)
    clock.passes(seconds=GRACE.total_seconds() + 1)
    slow.answers.set()

    [done] = await comparing
    assert (done.mended, done.differences) == ([f"{before.reference}: deposit"], [])
    [done] = await compared(shop, storefront, {"slow": slow})
    assert [one.key for one in done.differences] == ["during"], "what a later list does not have either is told"


async def test_payments_of_another_shop_in_the_list_are_counted_and_nothing_else(
    shop: Shop, storefront: Storefront, quick: Provider, clock: Clock
) -> None:
    intent = await asked_of(shop, await person(shop, storefront), "quick")
    quick.paid.append(Event("theirs", f"bbbbbb{intent.id}", PaymentState.PAID, intent.amount_minor, "CNY", clock()))
    quick.pays(intent, clock())
    clock.passes(seconds=GRACE.total_seconds() + 1)

    for mended in ([f"{intent.reference}: deposit"], []):
        [done] = await compared(shop, storefront, {"quick": quick})
        assert (done.foreign, done.mended, done.differences) == (1, mended, [])
    assert await shop.read(payments.known_events, provider="quick", keys=["theirs"]) == set()


async def test_a_payment_that_we_end_is_withdrawn_at_its_provider_once(
    shop: Shop, storefront: Storefront, asker: Asker, quick: Provider
) -> None:
    buyer = await person(shop, storefront)
    intent = await asked_of(shop, buyer, "quick")
    async with at_work(asker):

        async def pending() -> bool:
            return await state_of(shop, intent) is IntentState.PENDING

        await until(pending)
        await shop.write(payments.cancel_deposit, intent_id=intent.id, customer_id=buyer.id)
        asker.wake()

        async def withdrawn() -> bool:
            return [step.cause for step in await shop.read(payments.steps, intent.id)][-1] == "withdrawn at the provider"

        await until(withdrawn)
    assert quick.open == set()
    found = await shop.read(payments.intent, intent.id)
    assert found is not None and (found.state, found.url) == (IntentState.EXPIRED, None)
    work = await shop.write(payments.take_work, rooms={"quick": payments.Room(9, 0, 9)})
    assert work.to_tidy == []


async def test_a_payment_that_slips_through_before_it_is_withdrawn_is_late_money(
    shop: Shop, storefront: Storefront, asker: Asker, quick: Provider, clock: Clock
) -> None:
    buyer = await person(shop, storefront)
    intent = await asked_of(shop, buyer, "quick")
    async with at_work(asker):

        async def pending() -> bool:
            return await state_of(shop, intent) is IntentState.PENDING

        await until(pending)
        quick.pays(intent, clock())
        await shop.write(payments.cancel_deposit, intent_id=intent.id, customer_id=buyer.id)
        asker.wake()

        async def paid() -> bool:
            return await state_of(shop, intent) is IntentState.PAID

        await until(paid)
    assert (await shop.read(payments.wallet, buyer.id)).balance_minor == 500
    assert (await shop.read(audit)).violations == []


async def test_a_withdrawal_that_is_not_answered_is_tried_again_later_and_not_for_ever(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    buyer = await person(shop, storefront)
    intent = await asked_of(shop, buyer, "quick")
    await shop.write(payments.created, intent_id=intent.id, how=Created("theirs", "https://pay.example"), poll=True)
    await shop.write(payments.cancel_deposit, intent_id=intent.id, customer_id=buyer.id)
    rooms = {"quick": payments.Room(0, 0, 1)}
    minutes: list[tuple[int, bool]] = []
    for minute in (0, 2, 3, 5, 8, 12, 18, 30, 40, 70, 90, 170, 200, 300, 430, 800, 900, 1700, 1900, 3000, 4000):
        clock.passes(minutes=minute - (minutes[-1][0] if minutes else 0))
        minutes.append((minute, bool((await shop.write(payments.take_work, rooms=rooms)).to_tidy)))

    assert [minute for minute, taken in minutes if taken] == [0, 2, 5, 12, 30, 70, 170, 430, 900, 1900], "each time after as long again"


async def test_what_was_to_be_put_away_at_a_way_that_is_switched_off_is_let_go_after_a_day(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    buyer, left = await person(shop, storefront), []
    for way in ("gone", "quick"):
        intent = await asked_of(shop, buyer, way)
        await shop.write(payments.created, intent_id=intent.id, how=Created("theirs", "https://pay.example"), poll=True)
        await shop.write(payments.cancel_deposit, intent_id=intent.id, customer_id=buyer.id)
        left.append(intent.id)
    here, everywhere = {"quick": payments.Room(0, 0, 0)}, {"quick": payments.Room(0, 0, 9), "gone": payments.Room(0, 0, 9)}

    clock.passes(hours=23)
    await shop.write(payments.take_work, rooms=here)
    assert await to_be_put_away(shop) == left, "it may be switched on again"
    clock.passes(hours=2)
    await shop.write(payments.take_work, rooms=here)
    assert [intent.provider for intent in (await shop.write(payments.take_work, rooms=everywhere)).to_tidy] == ["quick"]


async def to_be_put_away(shop: Shop) -> list[int]:
    """The payments of which something is left."""

    @read
    def of(session: Session) -> list[int]:
        return list(session.scalars(text("SELECT id FROM payment_intents WHERE tidy_at IS NOT NULL ORDER BY id")))

    return await shop.read(of)


async def test_callbacks_for_another_shop_are_answered_like_ours_and_counted_apart(
    shop: Shop, asker: Asker, storefront: Storefront, quick: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = await asked_of(shop, await person(shop, storefront), "quick")
    theirs = Event("theirs", f"bbbbbb{ours.id}", PaymentState.PAID, ours.amount_minor, "CNY", clock())
    heard = {
        "theirs": [theirs],
        "both": [theirs, Event("ours", ours.reference, PaymentState.PAID, ours.amount_minor, "CNY", clock())],
        "none": [],
    }

    async def callback(come: Callback) -> Heard:
        return Heard(heard[come.body.decode()], "OK")

    monkeypatch.setattr(quick, "callback", callback)
    serving = Serving(make_app(shop, payments={"quick": asker.till(cast(PaymentMethod, quick))}), "127.0.0.1", 0)
    await serving.open()

    def counted() -> dict[str, float]:
        return {outcome: metrics.CALLBACKS.labels("quick", outcome)._value.get() for outcome in ("booked", "foreign")}

    try:
        async with aiohttp.ClientSession() as provider:
            for what, outcome in (("theirs", "foreign"), ("both", "booked"), ("none", "booked")):
                before = counted()
                async with provider.post(f"http://127.0.0.1:{serving.port}/pay/quick", data=what) as answer:
                    assert (answer.status, await answer.text()) == (200, "OK")
                assert {name for name, value in counted().items() if value > before[name]} == {outcome}
    finally:
        await serving.close()


def test_the_lease_outlasts_the_longest_call() -> None:
    assert payments.LEASE.total_seconds() > 2 * asking.CALL_SECONDS
