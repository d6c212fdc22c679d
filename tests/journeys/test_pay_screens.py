"""What a payer sees while paying: the way to pay always reaches them, once, and a payment that is over keeps no link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from core import ledger, orders, payments
from core.database import Shop
from core.orders import OrderState
from core.payments import IntentState
from core.storefronts import Storefront
from sandbox.gateways import CryptoPayGateway
from tests.handlers.counter import Buyer, Counter, opened
from tests.journeys.test_paying import Till, pay_screen, picture, till_of
from tests.stage import Clock, Goods, give

Json = dict[str, Any]

# Screens do not depend on the database.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def till(shop: Shop, storefront: Storefront) -> AsyncIterator[Till]:
    """A shop whose gateway has to be asked before there is a link."""
    async with till_of(shop, storefront, SHOP_EPAY_MODE="api") as running:
        yield running


def buttons(message: Json) -> list[Json]:
    return [one for row in message.get("reply_markup", {}).get("inline_keyboard", []) for one in row]


def links(message: Json) -> list[str]:
    return [one["url"] for one in buttons(message) if "url" in one]


async def message(buyer: Buyer, message_id: int) -> Json:
    return next(one for one in await buyer.phone.messages() if one["message_id"] == message_id)


async def says(buyer: Buyer, message_id: int, text: str) -> Json:
    """This very message, when this stands in it."""
    return await buyer.phone.waits_for(lambda m: m["message_id"] == message_id and text in (m.get("text") or ""))


async def asked_in_vain(till: Till, buyer: Buyer, goods: Goods) -> Json:
    """The waiting screen of a payment that its gateway could not make at once."""
    till.epay.faults.errors_500 = 1
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Alipay")
    waiting = await buyer.sees("Preparing your payment…")
    async with asyncio.timeout(10):
        while (await till.intent(buyer)).tries == 0:  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)
    return waiting


def goes_on(till: Till, clock: Clock) -> None:
    """The gateway is asked once more."""
    clock.passes(seconds=30)
    till.asker.wake()


@on_sqlite
async def test_pressed_under_a_picture_the_link_comes_in_the_message_that_was_sent_instead(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    [data] = [one["callback_data"] for one in buttons(await buyer.screen()) if "Alipay" in one["text"]]
    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Pay it", callback_data=data)]])
    shown = await till.counter.bot.send_photo(buyer.customer.telegram_id, BufferedInputFile(picture(), "card.png"), reply_markup=markup)
    await buyer.phone.waits_for(lambda m: m["message_id"] == shown.message_id)
    await buyer.press("Pay it")

    screen = await buyer.sees("Please pay")
    assert screen["message_id"] > shown.message_id and links(screen)
    assert (await till.intent(buyer)).screen_message_id == screen["message_id"]


@on_sqlite
async def test_who_sees_the_waiting_screen_can_look_again(till: Till, goods: Goods, clock: Clock) -> None:
    buyer = await till.counter.buyer()
    waiting = await asked_in_vain(till, buyer, goods)
    await buyer.press("Look again")
    again = await says(buyer, waiting["message_id"], "Preparing your payment of")
    assert any("Look again" in one["text"] for one in buttons(again))

    goes_on(till, clock)
    assert links(await says(buyer, waiting["message_id"], "Please pay"))


async def test_when_the_screen_is_gone_the_link_comes_as_a_new_message_once_and_follows_the_payment(
    till: Till, goods: Goods, clock: Clock
) -> None:
    buyer = await till.counter.buyer()
    waiting = await asked_in_vain(till, buyer, goods)
    await till.counter.bot.delete_message(buyer.customer.telegram_id, waiting["message_id"])
    goes_on(till, clock)

    screen = await buyer.sees("Please pay")
    assert screen["message_id"] > waiting["message_id"]
    reference = await till.opens(screen)
    await till.asker.show((await till.intent(buyer)).id)
    await till.epay.pay(reference)
    paid = await says(buyer, screen["message_id"], "✅ Paid")
    assert not links(paid)
    await buyer.sees("TEST-")
    sent = [call for call in till.counter.sandbox.world.calls if call["method"] == "sendMessage" and "Please pay" in str(call)]
    assert len(sent) == 1
    await till.all_is_sound()


@on_sqlite
async def test_a_screen_that_is_so_already_is_no_trouble(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer)
    await till.asker.show((await till.intent(buyer)).id)

    assert (await till.intent(buyer)).screen_message_id == screen["message_id"]
    assert [m for m in await buyer.phone.messages() if "Please pay" in (m.get("text") or "")] == [
        await message(buyer, screen["message_id"])
    ]


@on_sqlite
async def test_who_could_not_draw_an_older_message_does_not_forget_the_one_that_was_sent_meanwhile(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer)
    intent = (await till.intent(buyer)).id
    assert not await till.counter.shop.write(payments.send_screen, intent_id=intent, instead_of=None)

    await till.epay.pay(await till.opens(screen))
    assert not links(await says(buyer, screen["message_id"], "✅ Paid"))


@on_sqlite
async def test_an_order_that_nobody_paid_in_time_keeps_no_link(till: Till, goods: Goods, clock: Clock) -> None:
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer)
    clock.passes(hours=1)
    await till.counter.shop.write(orders.expire)
    till.asker.wake()

    assert not links(await says(buyer, screen["message_id"], "is over"))


@on_sqlite
async def test_an_order_that_is_cancelled_elsewhere_keeps_no_link(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer)
    await buyer.say("/orders")
    await buyer.press("⏳")
    cancelled = await buyer.press("Cancel this order")
    assert cancelled is not None
    await buyer.sees("The order is cancelled")
    till.asker.wake()

    assert not links(await says(buyer, screen["message_id"], "is over"))


@on_sqlite
async def test_what_the_payer_walked_on_to_is_not_drawn_over(till: Till, goods: Goods, clock: Clock) -> None:
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer)
    reference = await till.opens(screen)
    await buyer.press("Cancel this order")
    await says(buyer, screen["message_id"], "The order is cancelled")
    await buyer.press("To the shop")
    await till.epay.pay(reference)
    await buyer.sees("had been cancelled")

    shown = await message(buyer, screen["message_id"])
    assert "cancelled" not in shown["text"] and "over" not in shown["text"] and "Paid" not in shown["text"]


@on_sqlite
async def test_a_payment_that_is_opened_in_another_message_is_paid_from_there(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    first = await pay_screen(till, goods, buyer)
    await buyer.say("/orders")
    await buyer.press("⏳")
    await buyer.press("Pay ¥95.00")
    second = await buyer.phone.waits_for(lambda m: m["message_id"] > first["message_id"] and "Please pay" in (m.get("text") or ""))
    await buyer.phone.waits_for(lambda m: m["message_id"] == first["message_id"] and not links(m))
    await till.epay.pay(await till.opens(second))

    assert not links(await says(buyer, second["message_id"], "✅ Paid"))


@on_sqlite
async def test_a_gateway_that_says_no_is_told_when_the_screen_is_gone(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    async with till_of(shop, storefront, SHOP_EPAY_MODE="api", SHOP_EPAY_KEY="another-key-than-the-gateway-has") as till:
        buyer = await till.counter.buyer()
        waiting = await asked_in_vain(till, buyer, goods)
        await till.counter.bot.delete_message(buyer.customer.telegram_id, waiting["message_id"])
        goes_on(till, clock)

        await buyer.sees("failed. Nothing was charged")
        assert await till.order_state(buyer) is OrderState.CANCELLED


async def test_top_ups_that_wait_are_limited_and_each_can_be_paid_or_cancelled(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    for _ in range(10):
        await till.counter.shop.write(
            orders.deposit, customer_id=buyer.customer.id, worth_minor=500, provider="stars", pay_currency="XTR", seconds=900
        )
    await buyer.say("/balance")
    await buyer.press("50.00")
    await buyer.press("Alipay")
    refusal = await buyer.sees("You have 10 top-ups waiting for payment")
    assert len(buttons(refusal)) == 12
    await buyer.press("⭐ Stars")
    await buyer.phone.waits_for(lambda m: "invoice" in m)
    await buyer.press("Cancel this top-up")
    await says(buyer, refusal["message_id"], "is over")

    await buyer.say("/balance")
    await buyer.press("50.00")
    await buyer.press("Alipay")
    screen = await buyer.sees("Please pay")
    waiting = await till.counter.shop.read(payments.open_deposits, buyer.customer.id)
    assert len(waiting) == 10
    await buyer.press("Cancel this top-up")
    assert not links(await says(buyer, screen["message_id"], "is over"))
    left = await till.counter.shop.read(payments.open_deposits, buyer.customer.id)
    assert left == waiting[1:]


TOKEN = "12345:AAnotARealTokenAtAllButLongEnough01"


@pytest.fixture
async def crypto() -> AsyncIterator[CryptoPayGateway]:
    gateway = CryptoPayGateway(TOKEN)
    await gateway.start()
    yield gateway
    await gateway.stop()


async def test_a_cancelled_payment_is_closed_at_its_provider_unless_it_slipped_through(
    shop: Shop, storefront: Storefront, goods: Goods, crypto: CryptoPayGateway
) -> None:
    settings = {"SHOP_CRYPTO_PAY_TOKEN": TOKEN, "SHOP_CRYPTO_PAY_CURRENCY": "CNY", "SHOP_CRYPTO_PAY_URL": crypto.url}
    async with till_of(shop, storefront, **settings) as till:
        buyer = await till.counter.buyer()
        await pay_screen(till, goods, buyer, way="Crypto")
        first = await till.intent(buyer)
        await buyer.press("Cancel this order")

        async def closed() -> bool:
            return [step.cause for step in await shop.read(payments.steps, first.id)][-1] == "withdrawn at the provider"

        async with asyncio.timeout(10):
            while not await closed():
                till.asker.wake()
                await asyncio.sleep(0.02)
        assert crypto.payments[first.reference].state.value == "expired"

        await pay_screen(till, goods, buyer, way="Crypto")
        second = await till.intent(buyer)
        await crypto.pay(second.reference)
        await buyer.press("Cancel this order")
        await buyer.sees("had been cancelled")
        assert await till.balance(buyer) == 9500
        assert [step.state for step in await shop.read(payments.steps, second.id)][-1] is IntentState.PAID
        await till.all_is_sound()


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    """A shop that takes Stars only."""
    async with opened(shop, storefront) as running:
        yield running


async def test_stars_ask_for_the_rest_that_the_balance_does_not_hold(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=2000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars · ⭐ 750")
    await buyer.sees("20.00 of it comes from your balance")
    await buyer.phone.pays()

    await buyer.sees("TEST-")
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 0


@on_sqlite
async def test_a_balance_that_was_spent_meanwhile_is_noticed_before_stars_are_taken(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=2000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars · ⭐ 750")
    invoice = await buyer.phone.waits_for(lambda m: "invoice" in m)
    await counter.shop.write(
        payments.adjust, customer_id=buyer.customer.id, amount_minor=-1, reason="spent", by="test", once="spent", tell=False
    )
    assert (await buyer.phone.pays(invoice))["paid"] is False

    await give(counter.shop, buyer.customer, 1)
    assert (await buyer.phone.pays(invoice))["paid"] is True
    await buyer.sees("TEST-")
