"""Paying by a gateway: the whole way from the button to the code, with a real gateway over HTTP that misbehaves on demand."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import segno

from bot.asking import Asker
from bot.serving import Serving
from connectors.payments import methods
from core import audit, journal, ledger, orders, payments, people, supply
from core.database import Shop
from core.orders import OrderState
from core.payments import Intent, IntentState
from core.ports import PaymentMethod
from core.storefronts import Storefront
from sandbox.gateways import EpayGateway, Pace
from tests.handlers.counter import Buyer, Counter, opened
from tests.stage import Clock, Goods
from web.app import PaymentDoor, make_app


def picture() -> bytes:
    """A photo of a receipt, as far as Telegram cares."""
    made = io.BytesIO()
    segno.make_qr("paid").save(made, kind="png", scale=4)
    return made.getvalue()


KEY = "a-key-of-32-characters-for-tests"
PID = "1001"


@dataclass
class Till:
    """The open shop with its gateway."""

    counter: Counter
    epay: EpayGateway
    url: str

    @property
    def asker(self) -> Asker:
        return self.counter.asker

    async def intent(self, buyer: Buyer) -> Intent:
        """The buyer's newest payment."""
        [card] = await self.counter.shop.read(orders.history, buyer_id=buyer.customer.id, limit=1)
        found = await self.counter.shop.read(payments.find_intent, order_id=card.order_id)
        assert found is not None
        return found

    async def opens(self, screen: dict[str, Any]) -> str:
        """Open the address of the pay button, as the payer's browser does; returns our number at the gateway."""
        [address] = [b["url"] for row in screen["reply_markup"]["inline_keyboard"] for b in row if "url" in b]
        async with aiohttp.ClientSession() as browser, browser.get(address) as page:
            assert page.status == 200, await page.text()
        return list(self.epay.payments)[-1]

    async def order_state(self, buyer: Buyer) -> OrderState:
        [card] = await self.counter.shop.read(orders.history, buyer_id=buyer.customer.id, limit=1)
        return card.state

    async def balance(self, buyer: Buyer) -> int:
        return await self.counter.shop.read(ledger.balance, buyer.customer.wallet_id)

    async def all_is_sound(self) -> None:
        report = await self.counter.shop.read(audit.audit)
        assert report.clean, report.violations


@asynccontextmanager
async def till_of(shop: Shop, storefront: Storefront, **settings: str) -> AsyncIterator[Till]:
    """A shop whose epay and bank transfer are switched on."""
    epay = EpayGateway(PID, KEY, pace=Pace(repeat_after_seconds=(0.05, 0.1, 0.2, 0.5), answer_seconds=2))
    await epay.start()
    doors: dict[str, PaymentDoor] = {}
    serving = Serving(make_app(shop, payments=doors), "127.0.0.1", 0)
    await serving.open()
    url = f"http://127.0.0.1:{serving.port}"
    written = {
        "SHOP_PUBLIC_URL": url,
        "SHOP_EPAY_URL": epay.url,
        "SHOP_EPAY_PID": PID,
        "SHOP_EPAY_KEY": KEY,
        "SHOP_EPAY_WAYS": "alipay,wxpay",
        "SHOP_TRANSFER_WORDS": "Send it to IBAN DE00 1234, and name your order.",
        "SHOP_TRANSFER_CURRENCY": "CNY",
        **settings,
    }
    ways: dict[str, PaymentMethod] = {name: way for name, way in methods(_NoTelegram(), written).items() if name != "stars"}
    try:
        async with opened(shop, storefront, more=ways) as counter:
            doors.update({name: counter.asker.till(way) for name, way in ways.items()})
            yield Till(counter, epay, url)
    finally:
        for way in ways.values():
            await way.close()
        await serving.close()
        await epay.stop()


class _NoTelegram:
    """Stars are not part of these stories."""

    async def send_invoice(self, ask: Any) -> int:
        raise NotImplementedError

    async def refund_stars(self, telegram_id: int, charge_id: str) -> bool:
        raise NotImplementedError

    async def star_payments(self, since: Any) -> list[Any]:
        raise NotImplementedError


@pytest.fixture
async def till(shop: Shop, storefront: Storefront) -> AsyncIterator[Till]:
    async with till_of(shop, storefront) as running:
        yield running


async def pay_screen(till: Till, goods: Goods, buyer: Buyer, way: str = "Alipay", quantity: int = 1) -> dict[str, Any]:
    """From the link to the screen that has the address."""
    await buyer.say(f"/start sku-{goods.sku_id}")
    if quantity > 1:
        await buyer.press(f"{quantity}")
    await buyer.press(way)
    return await buyer.sees("Please pay")


async def test_alipay_pays_for_the_card_and_the_code_comes(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer)
    assert "95.00" in screen["text"] and "Alipay" in screen["text"]
    assert (await till.counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 39, "the code is held while it is paid"
    reference = await till.opens(screen)

    await till.epay.pay(reference)

    await buyer.sees("TEST-")
    await buyer.sees("✅ Paid")
    await till.epay.settled()
    assert till.epay.sent[-1].answer == "success"
    assert (await till.intent(buyer)).state is IntentState.PAID
    assert await till.balance(buyer) == 0
    steps = await till.counter.shop.read(payments.steps, (await till.intent(buyer)).id)
    assert [step.state.value for step in steps] == ["created", "pending", "paid"]
    await till.all_is_sound()


async def test_a_lost_callback_is_made_good_by_asking(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    till.epay.faults.no_callback = True
    screen = await pay_screen(till, goods, buyer)
    reference = await till.opens(screen)
    await till.epay.pay(reference)

    await buyer.press("I have paid")

    await buyer.sees("TEST-")
    await till.all_is_sound()


async def test_a_callback_that_comes_twice_issues_once(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    till.epay.faults.callback_twice = True
    reference = await till.opens(await pay_screen(till, goods, buyer))
    await till.epay.pay(reference)
    await buyer.sees("TEST-")
    await till.epay.settled()
    await till.epay.resend(reference)
    await till.epay.settled()

    assert (await till.counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 39
    assert await till.balance(buyer) == 0
    await till.all_is_sound()


async def test_a_forged_callback_changes_nothing(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    reference = await till.opens(await pay_screen(till, goods, buyer))
    query = {
        "pid": PID,
        "trade_no": "2026000000001",
        "out_trade_no": reference,
        "type": "alipay",
        "name": "x",
        "money": "95.00",
        "trade_status": "TRADE_SUCCESS",
        "sign": "0" * 32,
        "sign_type": "MD5",
    }
    async with aiohttp.ClientSession() as attacker:
        async with attacker.get(f"{till.url}/pay/epay-alipay", params=query) as answer:
            assert (answer.status, await answer.text()) == (400, "fail")
        async with attacker.get(f"{till.url}/pay/no-such-way", params=query) as answer:
            assert answer.status == 404
        async with attacker.post(f"{till.url}/pay/transfer", data=b"{}") as answer:
            assert answer.status == 400
    assert (await till.intent(buyer)).state is IntentState.PENDING
    assert await till.balance(buyer) == 0


async def test_the_balance_pays_a_part_and_alipay_the_rest(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer(money_minor=2000)
    screen = await pay_screen(till, goods, buyer)
    assert "75.00" in screen["text"] and "20.00 of it comes from your balance" in screen["text"]
    await till.epay.pay(await till.opens(screen))

    await buyer.sees("TEST-")
    assert await till.balance(buyer) == 0
    await till.all_is_sound()


async def test_a_balance_spent_meanwhile_leaves_the_payment_on_the_balance(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer(money_minor=2000)
    screen = await pay_screen(till, goods, buyer)
    await till.counter.shop.write(
        payments.adjust, customer_id=buyer.customer.id, amount_minor=-1500, reason="spent", by="test", once="spent", tell=False
    )
    await till.epay.pay(await till.opens(screen))

    await buyer.sees("was less than its price")
    assert await till.order_state(buyer) is OrderState.CANCELLED
    assert await till.balance(buyer) == 500 + 7500
    await till.all_is_sound()


async def test_too_much_is_credited_and_the_code_comes(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    reference = await till.opens(await pay_screen(till, goods, buyer))
    await till.epay.pay(reference, "100.00")

    await buyer.sees("TEST-")
    assert await till.balance(buyer) == 500
    await till.all_is_sound()


async def test_too_little_is_credited_and_issues_nothing(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    reference = await till.opens(await pay_screen(till, goods, buyer))
    await till.epay.pay(reference, "0.01")

    await buyer.sees("was less than its price")
    assert await till.balance(buyer) == 1
    await till.all_is_sound()


async def test_money_that_comes_late_buys_while_there_is_stock(till: Till, goods: Goods, clock: Clock) -> None:
    buyer = await till.counter.buyer()
    reference = await till.opens(await pay_screen(till, goods, buyer))
    clock.passes(hours=1)
    await till.counter.shop.write(orders.release_lapsed_holds)
    await till.counter.shop.write(orders.expire)
    assert await till.order_state(buyer) is OrderState.EXPIRED
    await till.epay.pay(reference)

    await buyer.sees("TEST-")
    assert await till.order_state(buyer) is OrderState.ISSUED
    await till.all_is_sound()


async def test_late_money_for_fewer_codes_than_ordered_brings_those_and_the_rest_of_the_money(
    till: Till, goods: Goods, clock: Clock
) -> None:
    buyer, other = await till.counter.buyer(), await till.counter.buyer("reseller", money_minor=1_000_000)
    await other.say("/start")
    reference = await till.opens(await pay_screen(till, goods, buyer, quantity=5))
    clock.passes(hours=1)
    await till.counter.shop.write(orders.release_lapsed_holds)
    await till.counter.shop.write(orders.expire)
    await till.counter.shop.write(orders.buy, buyer_id=other.customer.id, quantity=38, once="first", **goods.terms())
    await till.epay.pay(reference)

    await buyer.sees("3 codes had sold out before your payment came")
    await buyer.sees("TEST-")
    assert await till.balance(buyer) == 3 * 9500
    await till.all_is_sound()


async def test_late_money_for_what_is_sold_out_is_credited_with_a_way_to_choose_anew(till: Till, goods: Goods, clock: Clock) -> None:
    buyer, other = await till.counter.buyer(), await till.counter.buyer("reseller", money_minor=1_000_000)
    await other.say("/start")
    reference = await till.opens(await pay_screen(till, goods, buyer))
    clock.passes(hours=1)
    await till.counter.shop.write(orders.release_lapsed_holds)
    await till.counter.shop.write(orders.expire)
    await till.counter.shop.write(orders.buy, buyer_id=other.customer.id, quantity=40, once="all", **goods.terms())
    await till.epay.pay(reference)

    told = await buyer.sees("sold out before your payment came")
    assert any("Order it again" in b["text"] for row in told["reply_markup"]["inline_keyboard"] for b in row)
    assert await till.balance(buyer) == 9500
    await till.all_is_sound()


async def test_money_for_a_cancelled_order_is_credited(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    reference = await till.opens(await pay_screen(till, goods, buyer))
    await buyer.press("Cancel this order")
    await buyer.sees("The order is cancelled")
    await till.epay.pay(reference)

    await buyer.sees("had been cancelled")
    assert await till.balance(buyer) == 9500
    await till.all_is_sound()


async def test_unpaid_orders_hold_only_a_share_of_what_there_is(till: Till, goods: Goods) -> None:
    first, second = await till.counter.buyer(), await till.counter.buyer("reseller")
    await pay_screen(till, goods, first, quantity=10)
    await pay_screen(till, goods, second, quantity=10)
    third = await till.counter.buyer("buyer")
    await third.say(f"/start sku-{goods.sku_id}")
    await third.press("Alipay")

    await third.sees("Others are paying for these right now")


async def test_a_gateway_that_breaks_while_the_payment_is_made_is_asked_again(
    shop: Shop, storefront: Storefront, goods: Goods, clock: Clock
) -> None:
    async with till_of(shop, storefront, SHOP_EPAY_MODE="api") as till:
        buyer = await till.counter.buyer()
        till.epay.faults.errors_500 = 1
        await buyer.say(f"/start sku-{goods.sku_id}")
        await buyer.press("Alipay")
        for _ in range(200):
            if till.epay.faults.errors_500 == 0:
                break
            await asyncio.sleep(0.02)
        assert (await till.intent(buyer)).state is IntentState.CREATED, "unknown is not failed"
        clock.passes(seconds=30)
        till.asker.wake()
        screen = await buyer.sees("Please pay")
        assert len(till.epay.history) == 1
        await till.epay.pay(await till.opens(screen))
        await buyer.sees("TEST-")
        await till.all_is_sound()


async def test_a_gateway_that_says_no_leaves_the_other_ways(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    async with till_of(shop, storefront, SHOP_EPAY_MODE="api", SHOP_EPAY_KEY="another-key-than-the-gateway-has") as till:
        buyer = await till.counter.buyer()
        await buyer.say(f"/start sku-{goods.sku_id}")
        await buyer.press("Alipay")

        screen = await buyer.sees("This way to pay does not work at the moment")
        buttons = [b["text"] for row in screen["reply_markup"]["inline_keyboard"] for b in row]
        assert any("WeChat" in text for text in buttons) and not any("Alipay" in text for text in buttons)
        assert (await till.counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 40
        assert await till.order_state(buyer) is OrderState.CANCELLED


async def test_a_fee_that_is_passed_on_is_shown_charged_and_in_the_books(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    async with till_of(shop, storefront, SHOP_EPAY_FEE_PERCENT="2", SHOP_EPAY_FEE_PASSED_ON="yes") as till:
        buyer = await till.counter.buyer()
        screen = await pay_screen(till, goods, buyer)
        assert "96.90" in screen["text"] and "With a fee of" in screen["text"]
        await till.epay.pay(await till.opens(screen))
        await buyer.sees("TEST-")
        assert await till.balance(buyer) == 0
        await till.all_is_sound()


async def test_a_qr_code_comes_as_a_picture(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    await pay_screen(till, goods, buyer)
    await buyer.press("QR code")
    picture = await buyer.phone.waits_for(lambda m: "photo" in m)
    assert "Scan it to pay" in picture["caption"]


async def test_the_wallet_is_topped_up_by_alipay(till: Till, goods: Goods) -> None:
    buyer = await till.counter.buyer()
    await buyer.say("/balance")
    await buyer.press("100.00")
    await buyer.sees("How would you like to pay")
    await buyer.press("Alipay")
    screen = await buyer.sees("Please pay")
    await till.epay.pay(await till.opens(screen))

    await buyer.sees("has been added to your balance")
    assert await till.balance(buyer) == 10_000
    await till.all_is_sound()


async def test_a_transfer_is_confirmed_by_one_press_of_the_staff(till: Till, goods: Goods) -> None:
    boss = await till.counter.buyer("admin")
    await boss.say("/start")
    await till.counter.shop.write(
        people.set_admins_from_settings, storefront_id=till.counter.storefront.id, telegram_ids=[boss.customer.telegram_id]
    )
    buyer = await till.counter.buyer()
    screen = await pay_screen(till, goods, buyer, way="Bank transfer")
    assert "IBAN DE00 1234" in screen["text"]
    await buyer.press("I have sent the money")
    await buyer.sees("send a picture of the receipt")
    await buyer.phone.says("there it is")
    await buyer.sees("That is not a picture")
    await buyer.phone.sends_file("receipt.png", picture(), kind="photo")
    await buyer.sees("A person looks at it now")

    await boss.sees("says that")
    await boss.press("Show the receipt")
    await boss.phone.waits_for(lambda m: "photo" in m)
    await boss.press("The money is there")
    await boss.sees("the order is issued")
    await buyer.sees("TEST-")
    [entry] = await till.counter.shop.read(journal.latest, about="payment", about_id=(await till.intent(buyer)).id, limit=5)
    assert (entry.did, entry.by) == ("confirm-payment", f"telegram:{boss.customer.telegram_id}")
    assert await till.balance(buyer) == 0
    await till.all_is_sound()


async def test_a_transfer_that_did_not_come_is_refused_and_said_so(till: Till, goods: Goods) -> None:
    boss = await till.counter.buyer("admin")
    await boss.say("/start")
    await till.counter.shop.write(
        people.set_admins_from_settings, storefront_id=till.counter.storefront.id, telegram_ids=[boss.customer.telegram_id]
    )
    buyer = await till.counter.buyer()
    await pay_screen(till, goods, buyer, way="Bank transfer")
    await buyer.press("I have sent the money")
    await buyer.sees("send a picture of the receipt")
    await buyer.phone.sends_file("receipt.png", picture(), kind="photo")
    await boss.sees("says that")
    await boss.press("There is no money")

    await buyer.sees("failed. Nothing was charged")
    [entry] = await till.counter.shop.read(journal.latest, about="payment", about_id=(await till.intent(buyer)).id, limit=5)
    assert entry.did == "refuse-payment"
    assert (await till.counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 40
    await till.all_is_sound()


async def test_the_staff_ask_the_provider_and_see_what_was_found(till: Till, goods: Goods) -> None:
    boss = await till.counter.buyer("admin")
    await boss.say("/start")
    await till.counter.shop.write(
        people.set_admins_from_settings, storefront_id=till.counter.storefront.id, telegram_ids=[boss.customer.telegram_id]
    )
    buyer = await till.counter.buyer()
    till.epay.faults.no_callback = True
    reference = await till.opens(await pay_screen(till, goods, buyer))
    await till.epay.pay(reference)
    intent = await till.intent(buyer)
    await till.counter.press_forged(boss, f"adm:payment:{intent.id}:0:")
    await boss.sees(f"Payment {intent.reference}")
    await boss.press("Ask the provider now")

    await boss.sees("The payment was found, and the order is issued.")
    await buyer.sees("TEST-")
    await till.all_is_sound()
