"""The courier against a Telegram that behaves as Telegram does: slow, refusing, cut off – and blocked by the buyer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError
from aiogram.methods import SendMessage

from bot import courier as courier_module
from bot.courier import LEASE_SECONDS, Courier
from bot.pace import LocalPace, Rates
from bot.voices import Voice
from core import orders, outbox, people, resellers
from core.database import Shop
from core.outbox import Leased, Topic
from core.people import Customer
from handlers.parcel import Outgoing
from sandbox import Sandbox
from sandbox.phone import Phone
from tests.bot.conftest import SHOP, delivering, on_sqlite, owner_of, until
from tests.core.props import scalar
from tests.speaking import speaking
from tests.stage import Clock, Goods, numbers


def is_code(message: dict[str, Any]) -> bool:
    return "TEST-" in message.get("text", "")


async def buys(shop: Shop, goods: Goods, buyer: Customer, quantity: int = 1) -> int:
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=quantity, once=f"o{next(numbers)}", **goods.terms())
    return receipt.order_id


async def tell(shop: Shop, to: Customer, amount_minor: int) -> None:
    body = {"says": "credited", "why": "deposit", "order": None, "amount_minor": amount_minor, "currency": "CNY"}
    await shop.write(outbox.post, topic=Topic.NOTICE, customer_id=to.id, body=body)


async def all_sent(shop: Shop) -> bool:
    state = await shop.read(outbox.waiting)
    return state.open == 0 and state.parked == 0


async def codes_in(phone: Phone) -> list[dict[str, Any]]:
    return [message for message in await phone.messages() if is_code(message)]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff as it is, in a hundredth of the time."""
    backoff = courier_module._backoff
    monkeypatch.setattr(courier_module, "_backoff", lambda attempt: backoff(attempt) / 100)


async def test_a_sale_is_in_the_chat_at_once_when_the_courier_is_woken(
    shop: Shop, goods: Goods, phone: Phone, telegram: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "POLL_SECONDS", 3600.0)  # It does not look by itself before the test has given up.
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    async with delivering(shop, telegram) as courier:
        await until(lambda: all_sent(shop))
        order_id = await buys(shop, goods, buyer)
        courier.wake()
        message = await phone.waits_for(is_code)
        await until(lambda: all_sent(shop))

    (delivery,) = await shop.read(outbox.of_order, order_id=order_id)
    assert delivery.done_at is not None and delivery.attempts == 1
    detail = await shop.read(orders.detail, order_id=order_id)
    assert detail is not None and detail.reveals == 1
    assert message["from"]["is_bot"]


@on_sqlite
async def test_without_being_woken_it_looks_by_itself(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    async with delivering(shop, telegram):
        order_id = await buys(shop, goods, buyer)
        await phone.waits_for(is_code)
        await until(lambda: all_sent(shop))

    (delivery,) = await shop.read(outbox.of_order, order_id=order_id)
    assert delivery.attempts == 1


@on_sqlite
async def test_too_many_requests_is_obeyed_by_everybody(shop: Shop, goods: Goods, phone: Phone, second_phone: Phone, telegram: Bot) -> None:
    buyer, other = [await owner_of(each, shop, goods.storefront) for each in (phone, second_phone)]
    await phone.fault(too_many_requests=1, retry_after=1)
    async with delivering(shop, telegram) as courier:
        began = asyncio.get_running_loop().time()
        await tell(shop, buyer, 100)
        await until(lambda: _faults_are_over(phone))
        await tell(shop, other, 200)
        courier.wake()
        await phone.waits_for(lambda message: "1.00" in message.get("text", ""))
        await second_phone.waits_for(lambda message: "2.00" in message.get("text", ""))
        assert asyncio.get_running_loop().time() - began >= 1
        await until(lambda: all_sent(shop))


async def _faults_are_over(phone: Phone) -> bool:
    faults = await phone.fault()
    return not (faults["too_many_requests"] or faults["server_errors"] or faults["drop_after_commit"])


@pytest.mark.usefixtures("patient")
async def test_server_errors_are_waited_out(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    await until(lambda: all_sent_after_seeding(shop, telegram))
    await phone.fault(server_errors=4)
    order_id = await buys(shop, goods, buyer)
    async with delivering(shop, telegram):
        await phone.waits_for(is_code)
        await until(lambda: all_sent(shop))

    (delivery,) = await shop.read(outbox.of_order, order_id=order_id)
    assert delivery.attempts == 5
    assert len(await codes_in(phone)) == 1


async def all_sent_after_seeding(shop: Shop, telegram: Bot) -> bool:
    """The notice of the money that a test gave a buyer is out of the way."""
    async with delivering(shop, telegram):
        await until(lambda: all_sent(shop))
    return True


@pytest.mark.usefixtures("patient")
async def test_a_connection_that_breaks_after_the_message_arrived_may_repeat_it_and_loses_nothing(
    shop: Shop, goods: Goods, phone: Phone, second_phone: Phone, telegram: Bot
) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    await all_sent_after_seeding(shop, telegram)
    await buys(shop, goods, buyer)
    await phone.fault(drop_after_commit=1)
    async with delivering(shop, telegram):
        await until(lambda: all_sent(shop))

    first, again = await codes_in(phone)
    assert first["text"] == again["text"]
    assert await codes_in(second_phone) == []


@pytest.mark.usefixtures("patient")
async def test_while_telegram_cannot_be_reached_everything_waits_in_order(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront)
    await phone.fault(offline=True)
    async with delivering(shop, telegram):
        for amount_minor in range(1, 8):
            await tell(shop, buyer, amount_minor)
        await asyncio.sleep(0.3)
        assert (await shop.read(outbox.waiting)).open == 7
        await phone.fault(offline=False)
        await until(lambda: all_sent(shop))

    texts = [message["text"] for message in await phone.messages() if message["from"]["is_bot"]]
    assert [f"0.0{n}" in text for n, text in enumerate(texts, 1)] == [True] * 7


async def test_who_blocked_the_bot_gets_the_code_when_they_are_back(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    await all_sent_after_seeding(shop, telegram)
    await phone.blocks()
    order_id = await buys(shop, goods, buyer)
    async with delivering(shop, telegram) as courier:
        await until(lambda: _is_parked(shop, 1))
        assert (await shop.read(people.by_id, buyer.id)).blocked
        (delivery,) = await shop.read(outbox.of_order, order_id=order_id)
        assert delivery.trouble is not None and "blocked" in delivery.trouble

        await phone.blocks(False)
        # What /start does.
        await shop.write(people.come_back, customer_id=buyer.id)
        assert await shop.write(outbox.unpark, customer_id=buyer.id) == 1
        courier.wake()
        await phone.waits_for(is_code)
        await until(lambda: all_sent(shop))


async def _is_parked(shop: Shop, count: int) -> bool:
    return (await shop.read(outbox.waiting)).parked == count


async def test_a_member_who_blocked_the_bot_shuts_nobody_else_out(
    shop: Shop, goods: Goods, phone: Phone, second_phone: Phone, telegram: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reseller, member = await owner_of(phone, shop, goods.storefront, 9500), await owner_of(second_phone, shop, goods.storefront)
    await shop.write(people.set_wholesale, storefront_id=goods.storefront.id, customer_id=reseller.id, wholesale=True, by="test")
    reseller = await shop.read(people.by_id, reseller.id)
    may = resellers.May(buys=True)
    await shop.write(resellers.set_roles, reseller_id=reseller.id, telegram_id=member.telegram_id, may=may, by=reseller.telegram_id)
    await all_sent_after_seeding(shop, telegram)
    order_id = await buys(shop, goods, reseller)
    assert await shop.write(outbox.hand_to, order_id=order_id, to_customer_id=member.id)
    await second_phone.blocks()
    async with delivering(shop, telegram) as courier:
        await until(lambda: _is_parked(shop, 1))
        assert (await shop.read(people.by_id, member.id)).blocked
        assert not (await shop.read(people.by_id, reseller.id)).blocked
        # Everything else of the reseller's goes on, in the same lane.
        await tell(shop, reseller, 700)
        courier.wake()
        await phone.waits_for(lambda message: "7.00" in message["text"])

        # Refused while they were coming back: it is welcome now, and does not wait for a press.
        bring, refused = courier._bring, asyncio.Event()

        async def came_back_meanwhile(voice: Voice, chat_id: int, part: Outgoing) -> int:
            if not refused.is_set():
                refused.set()
                await shop.write(people.come_back, customer_id=member.id)
                raise TelegramForbiddenError(SendMessage(chat_id=chat_id, text=""), "bot was blocked by the user")
            return await bring(voice, chat_id, part)

        await second_phone.blocks(False)
        monkeypatch.setattr(courier, "_bring", came_back_meanwhile)
        assert await shop.write(outbox.break_seal, order_id=order_id, to_customer_id=member.id)
        courier.wake()
        await second_phone.waits_for(is_code)
        await until(lambda: all_sent(shop))
        assert refused.is_set() and not (await shop.read(people.by_id, member.id)).blocked
    assert await codes_in(phone) == []


@on_sqlite
async def test_a_chat_that_was_never_opened_parks_the_message_with_the_reason(
    shop: Shop, goods: Goods, sandbox: Sandbox, telegram: Bot, database_url: str
) -> None:
    async with Phone(sandbox.url, "second", SHOP.username) as phone:
        stranger = await owner_of(phone, shop, goods.storefront)
        await tell(shop, stranger, 100)
        async with delivering(shop, telegram):
            await until(lambda: _is_parked(shop, 1))

    assert "can't initiate" in await scalar(database_url, "SELECT trouble FROM outbox WHERE parked_at IS NOT NULL")


@on_sqlite
async def test_more_codes_than_fit_a_text_come_as_a_file(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 12 * 9500)
    await buys(shop, goods, buyer, 12)
    async with delivering(shop, telegram):
        message = await phone.waits_for(lambda message: "document" in message)
        await until(lambda: all_sent(shop))

    assert (await phone.download(message)).decode("utf-8-sig").count("TEST-") == 12


async def test_a_courier_killed_between_send_and_mark_repeats_only_the_same_message_to_the_same_buyer(
    shop: Shop, goods: Goods, phone: Phone, second_phone: Phone, telegram: Bot, clock: Clock
) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    other = await owner_of(second_phone, shop, goods.storefront, 9500)
    await all_sent_after_seeding(shop, telegram)

    class Doomed(Courier):
        async def _done(self, message: Leased, sent_message_id: int | None) -> None:
            await asyncio.Event().wait()

    await buys(shop, goods, buyer)
    await buys(shop, goods, other)
    doomed = asyncio.create_task(Doomed(shop, speaking(telegram)).run(asyncio.Event(), drain_seconds=0))
    await phone.waits_for(is_code)
    await second_phone.waits_for(is_code)
    doomed.cancel()
    await asyncio.gather(doomed, return_exceptions=True)
    assert (await shop.read(outbox.waiting)).open == 2

    if not shop.is_sqlite:  # There a new courier knows that the other is dead; here the lease must end.
        clock.passes(seconds=LEASE_SECONDS)
    async with delivering(shop, telegram):
        await until(lambda: all_sent(shop))
    mine, theirs = await codes_in(phone), await codes_in(second_phone)
    assert len(mine) == len(theirs) == 2
    assert mine[0]["text"] == mine[1]["text"] != theirs[0]["text"] == theirs[1]["text"]


async def test_two_couriers_send_each_message_once(shop: Shop, goods: Goods, phone: Phone, second_phone: Phone, telegram: Bot) -> None:
    buyers = [await owner_of(each, shop, goods.storefront, 15 * 9500) for each in (phone, second_phone)]
    await all_sent_after_seeding(shop, telegram)
    async with delivering(shop, telegram) as one, delivering(shop, telegram) as two:
        assert one.worker != two.worker
        for _ in range(15):
            await asyncio.gather(*(buys(shop, goods, buyer) for buyer in buyers))
            one.wake()
            two.wake()
        await until(lambda: all_sent(shop))

    for each in (phone, second_phone):
        texts = [message["text"] for message in await codes_in(each)]
        assert len(texts) == len(set(texts)) == 15


@on_sqlite
async def test_a_hundred_messages_to_one_person_do_not_hold_up_another(
    shop: Shop, goods: Goods, phone: Phone, second_phone: Phone, telegram: Bot
) -> None:
    crowd, one = await owner_of(phone, shop, goods.storefront), await owner_of(second_phone, shop, goods.storefront)
    for amount_minor in range(1, 101):
        await tell(shop, crowd, amount_minor)
    await tell(shop, one, 100)
    async with delivering(shop, telegram, LocalPace(Rates())):
        await second_phone.waits_for(lambda message: "1.00" in message.get("text", ""))
        assert len(await phone.messages()) < 50, "the others are still on their way"


@on_sqlite
async def test_a_message_that_we_cannot_put_into_words_holds_up_no_code(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront, 9500)
    await all_sent_after_seeding(shop, telegram)
    await shop.write(outbox.post, topic=Topic.NOTICE, customer_id=buyer.id, body={"says": "nobody knows this word"})
    await buys(shop, goods, buyer)
    async with delivering(shop, telegram) as courier:
        await phone.waits_for(is_code, timeout=2)

        async def only_that_is_left() -> bool:
            return (await shop.read(outbox.waiting)).open == 1

        await until(only_that_is_left)
        assert courier.alive


async def test_stopping_finishes_what_is_being_sent_and_gives_the_rest_back(shop: Shop, goods: Goods, phone: Phone, telegram: Bot) -> None:
    buyer = await owner_of(phone, shop, goods.storefront)
    for amount_minor in range(1, 4):
        await tell(shop, buyer, amount_minor)
    await phone.fault(slow_ms=300)
    courier, stop = Courier(shop, speaking(telegram)), asyncio.Event()
    running = asyncio.create_task(courier.run(stop))
    await asyncio.sleep(0.2)
    stop.set()
    await running

    assert len([message for message in await phone.messages() if message["from"]["is_bot"]]) == 1
    assert (await shop.read(outbox.waiting)).open == 2
    # Given back: another worker need not wait for the end of a lease.
    again = await shop.write(outbox.lease, worker="next", most=10, seconds=1)
    assert [message.attempt for message in again] == [1, 1]
