"""From the phone: a card pays for what is held for review; disputes and refunds made in the provider's own console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.reconciling import compared
from core import catalog, orders, payments, people
from core.database import Shop, read
from core.orders import OrderState
from core.payments import Intent, IntentState
from core.ports import DisputeState
from core.storefronts import Storefront
from sandbox.gateways import Pace, StripeGateway
from tests.handlers.counter import Buyer
from tests.journeys.test_paying import Till, till_of
from tests.stage import Clock, Goods

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

KEY, SECRET = "sk_test_51NotARealKeyAtAll", "whsec_notARealSecretAtAll"


@dataclass
class Scene:
    """A shop that takes cards, with one buyer, one of the staff, and Stripe."""

    till: Till
    stripe: StripeGateway
    buyer: Buyer
    clerk: Buyer

    @property
    def shop(self) -> Shop:
        return self.till.counter.shop

    async def pays_by_card(self, goods: Goods) -> str:
        """The buyer pays on Stripe's page; returns our number there."""
        await self.buyer.say(f"/start sku-{goods.sku_id}")
        await self.buyer.press("Card")
        screen = await self.buyer.sees("Please pay")
        [address] = [b["url"] for row in screen["reply_markup"]["inline_keyboard"] for b in row if "url" in b]
        reference = list(self.stripe.payments)[-1]
        async with aiohttp.ClientSession() as browser, browser.post(address, data={"wish": "pay"}, allow_redirects=False) as page:
            assert page.status == 303
        await self.stripe.settled()
        return reference

    async def at_the_desk(self, wish: str) -> None:
        """A button of the page of the newest payment, as Stripe's console or the payer's bank would do it."""
        payment = self.stripe.history[-1]
        async with aiohttp.ClientSession() as browser:
            async with browser.get(f"{self.stripe.url}/pay/{payment.key}") as page:
                assert f'value="{wish}"' in await page.text()
            async with browser.post(f"{self.stripe.url}/pay/{payment.key}", data={"wish": wish}) as page:
                assert page.status == 200
        await self.stripe.settled()

    async def balance(self) -> int:
        return await self.till.balance(self.buyer)

    async def revealed(self) -> int:
        [card] = await self.shop.read(orders.history, buyer_id=self.buyer.customer.id, limit=1)
        found = await self.shop.read(orders.detail, order_id=card.order_id)
        assert found is not None
        return found.reveals


@pytest.fixture
async def scene(shop: Shop, storefront: Storefront) -> AsyncIterator[Scene]:
    stripe = StripeGateway(KEY, SECRET, pace=Pace(repeat_after_seconds=(0.05, 0.1, 0.2, 0.5), answer_seconds=3, hold_seconds=0.3))
    await stripe.start()
    try:
        settings = {
            "SHOP_STRIPE_KEY": KEY,
            "SHOP_STRIPE_WEBHOOK_SECRET": SECRET,
            "SHOP_STRIPE_CURRENCY": "CNY",
            "SHOP_STRIPE_URL": stripe.url,
        }
        async with till_of(shop, storefront, **settings) as till:
            stripe.webhook_url = f"{till.url}/pay/stripe"
            clerk = await till.counter.buyer("admin")
            await clerk.say("/start")
            staff = [clerk.customer.telegram_id]
            await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=staff)
            buyer = await till.counter.buyer("second")
            yield Scene(till, stripe, buyer, clerk)
            await till.all_is_sound()
    finally:
        await stripe.stop()


@pytest.fixture
async def held(shop: Shop, goods: Goods) -> Goods:
    await shop.write(catalog.change_product, goods.product_id, held=True)
    goods.rules_version += 1
    return goods


async def test_a_card_pays_and_the_code_comes_when_the_staff_have_released_it(scene: Scene, held: Goods) -> None:
    await scene.pays_by_card(held)

    await scene.buyer.sees("being checked by the shop")
    card = await scene.clerk.sees("is it to be sent?")
    for fact in ("Paid orders besides: 0", "Disputes: 0", "Card", "¥95.00", "Please decide by"):
        assert fact in card["text"], card["text"]
    assert await scene.revealed() == 0
    await scene.buyer.say("/orders")
    await scene.buyer.press("🔎")
    screen = await scene.buyer.screen()
    assert "being checked by the shop" in screen["text"] and "Show the codes" not in str(screen)

    await scene.clerk.press("Release")
    await scene.buyer.sees("🎁")
    assert await scene.revealed() == 1

    await scene.clerk.sees("is not held any more")
    await scene.clerk.say("/admin")
    await scene.clerk.press("📖")
    assert "released order" in (await scene.clerk.screen())["text"]


async def test_the_staff_refund_it_and_nothing_is_sent(scene: Scene, held: Goods) -> None:
    reference = await scene.pays_by_card(held)
    await scene.buyer.sees("being checked by the shop")
    await scene.clerk.sees("is it to be sent?")

    await scene.clerk.press("Refund it all")
    await scene.buyer.sees("on its way back to you by Card")
    assert await scene.till.asker.give_back() == 1
    await scene.buyer.sees("has given ¥95.00")

    assert scene.stripe.payments[reference].refunded == scene.stripe.payments[reference].sum
    assert await scene.till.order_state(scene.buyer) is OrderState.REFUNDED
    assert (await scene.revealed(), await scene.balance()) == (0, 0)
    await scene.stripe.settled()  # Its report of our own refund is no news.
    await scene.till.all_is_sound()


async def test_an_old_card_of_a_held_order_changes_nothing(scene: Scene, held: Goods) -> None:
    await scene.pays_by_card(held)
    card = await scene.clerk.sees("is it to be sent?")
    [row] = [row for row in card["reply_markup"]["inline_keyboard"] if "Release" in row[0]["text"]]
    await scene.clerk.press("Release")
    await scene.buyer.sees("🎁")

    for button in row:
        await scene.till.counter.press_forged(scene.clerk, button["callback_data"])
    assert await scene.till.order_state(scene.buyer) is OrderState.ISSUED
    await scene.till.counter.press_forged(scene.buyer, row[0]["callback_data"])  # Nor does a buyer release anything.
    assert await scene.revealed() == 1


async def test_a_dispute_is_told_with_its_evidence_and_its_money_is_booked_once(scene: Scene, goods: Goods) -> None:
    await scene.pays_by_card(goods)
    await scene.buyer.sees("🎁")
    scene.stripe.faults.callback_twice = scene.stripe.faults.out_of_order = True

    await scene.at_the_desk("dispute")

    alert = await scene.clerk.sees("asks their bank for")
    for fact in ("¥95.00", "fraudulent", "codes sent to Telegram account", "Your evidence must be with the provider by"):
        assert fact in alert["text"], alert["text"]
    await scene.clerk.sees("is lost")
    await scene.buyer.say(f"/start sku-{goods.sku_id}")
    await scene.buyer.press("Card")
    await scene.buyer.sees("A bank is deciding about an earlier payment")

    await scene.at_the_desk("won")
    await scene.clerk.sees("ended in your favour")
    [dispute] = await scene.shop.read(payments.disputes_of, customer_id=scene.buyer.customer.id)
    assert dispute.state is DisputeState.WON
    assert await scene.balance() == 0


async def test_what_nobody_reported_is_found_in_stripes_list(scene: Scene, goods: Goods, clock: Clock) -> None:
    await scene.pays_by_card(goods)
    await scene.buyer.sees("🎁")
    scene.stripe.faults.no_callback = True
    await scene.at_the_desk("give-half")
    await scene.at_the_desk("dispute")
    clock.passes(minutes=2)
    methods = {name: way for name, way in scene.till.asker._every.items() if name == "stripe"}

    for expected in ([f"{scene.stripe.history[-1].reference}: dispute-withdrawn"], []):
        [done] = await compared(scene.shop, scene.till.counter.storefront, methods)
        assert (done.sure, done.mended, done.differences) == (True, expected, [])

    await scene.clerk.sees("has given back ¥47.50")
    await scene.clerk.sees("for the dispute")


async def test_given_back_in_the_console_while_it_is_held_the_order_is_over(scene: Scene, held: Goods) -> None:
    await scene.pays_by_card(held)
    await scene.clerk.sees("is it to be sent?")

    await scene.at_the_desk("give-back")

    await scene.buyer.sees("the order is over. Nothing was sent.")
    await scene.clerk.sees("not asked by us")
    await scene.clerk.press("Release")
    assert await scene.till.order_state(scene.buyer) is OrderState.REFUNDED
    assert (await scene.revealed(), await scene.balance()) == (0, 0)


async def test_a_refund_in_the_console_counts_when_it_is_made_and_one_that_fails_then_is_told(scene: Scene, goods: Goods) -> None:
    await scene.pays_by_card(goods)
    await scene.buyer.sees("🎁")
    scene.stripe.refunds_wait = True

    await scene.at_the_desk("give-back")  # The charge says "refunded", the refund is only pending.
    [card] = await scene.shop.read(orders.history, buyer_id=scene.buyer.customer.id, limit=1)
    intent = await payment_of(scene, card.order_id)
    assert intent.state is IntentState.PAID
    assert not await returns_of(scene, intent.id)
    scene.stripe.ends_refund(made=False)  # Nothing was booked, so nobody has to do anything.
    await scene.stripe.settled()

    await scene.at_the_desk("give-half")
    key = scene.stripe.ends_refund(made=True)
    await scene.stripe.settled()
    await scene.clerk.sees("has given back ¥47.50")
    assert await returns_of(scene, intent.id) == [key]
    scene.stripe.ends_refund(made=False)  # Stripe says it by two events; the staff hear of it once.
    await scene.stripe.settled()
    alert = await scene.clerk.sees("failed later")
    assert "¥47.50" in alert["text"]
    assert sum("failed later" in (message.get("text") or "") for message in await scene.clerk.phone.messages()) == 1


async def payment_of(scene: Scene, order_id: int) -> Intent:
    found = await scene.shop.read(orders.detail, order_id=order_id)
    assert found is not None and found.intent is not None
    return found.intent


async def returns_of(scene: Scene, intent_id: int) -> list[str]:
    """The parts of a payment that are booked as given back by its provider, by their keys."""

    @read
    def of(session: Session) -> list[str]:
        return list(session.scalars(text("SELECT return_key FROM payment_returns WHERE intent_id = :id ORDER BY id"), {"id": intent_id}))

    return await scene.shop.read(of)
