"""What a way to be paid says of itself is what a payment by it is asked with, on the screens of orders and of top-ups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from core import audit, catalog, orders, payments
from core.database import Shop
from core.orders import OrderState
from core.payments import Intent
from core.ports import Capabilities, Dispute, DisputeState, Event, Fee, PaymentMethod, PaymentState
from core.storefronts import Storefront
from tests.handlers.counter import Buyer
from tests.journeys.test_paying import Till, till_of
from tests.stage import Clock, Goods

# What the screens write down does not depend on the database.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

NOWHERE = "http://127.0.0.1:9"
SETTINGS = {
    "SHOP_EPAY_WAYS": "alipay,wxpay,qqpay",
    "SHOP_STRIPE_KEY": "sk_test_51NotARealKeyAtAll",
    "SHOP_STRIPE_CURRENCY": "CNY",
    "SHOP_STRIPE_URL": NOWHERE,
    "SHOP_CRYPTO_PAY_TOKEN": "12345:AAnotARealTokenAtAllButLongEnough01",
    "SHOP_CRYPTO_PAY_CURRENCY": "CNY",
    "SHOP_CRYPTO_PAY_URL": NOWHERE,
}
LABELS = {
    "stars": "Stars",
    "stripe": "Card",
    "epay-alipay": "Alipay",
    "epay-wxpay": "WeChat Pay",
    "epay-qqpay": "QQ Wallet",
    "crypto-pay": "Crypto",
    "transfer": "Bank transfer",
}


class Odd:
    """A way to be paid with a fee on top and coins of its own, so that nothing is right by being usual."""

    def __init__(self, way: PaymentMethod) -> None:
        self._way = way

    def __getattr__(self, name: str) -> Any:
        return getattr(self._way, name)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._way.capabilities, step_minor=7, fee=Fee(basis_points=100, passed_on=True))


@pytest.fixture
async def till(shop: Shop, storefront: Storefront) -> AsyncIterator[Till]:
    async with till_of(shop, storefront, **SETTINGS) as running:
        ways = running.counter.dispatcher["methods"]
        ways.update({name: cast(PaymentMethod, Odd(way)) for name, way in ways.items()})
        yield running


async def newest(shop: Shop, after: int) -> Intent:
    """The payment that comes after this one."""
    async with asyncio.timeout(10):
        while (found := await shop.read(payments.intent, after + 1)) is None:  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)
    return found


async def test_every_way_in_the_folder_says_who_can_take_money_back_and_in_which_coins(till: Till, goods: Goods) -> None:
    ways: dict[str, PaymentMethod] = till.counter.dispatcher["methods"]
    assert set(ways) == set(LABELS), "each way in the folder is pressed here"
    shop, buyer, last = till.counter.shop, await till.counter.buyer(), 0
    for name, way in ways.items():
        for screens in ([f"/start sku-{goods.sku_id}", LABELS[name]], ["/balance", "50.00", LABELS[name]]):
            await buyer.say(screens[0])
            for label in screens[1:]:
                await buyer.press(label)
            intent, can = await newest(shop, last), way.capabilities
            assert intent.provider == name
            assert intent.reversible == can.reversible, name
            assert intent.step_minor == can.step_minor and intent.amount_minor % can.step_minor == 0, name
            assert intent.fee_minor > 0 and intent.currency == can.currency, name
            last = intent.id
            if intent.order_id is not None:  # What waits for payment is limited.
                await shop.write(orders.cancel, order_id=intent.order_id, buyer_id=buyer.customer.id)


async def disputed(till: Till, buyer: Buyer, clock: Clock) -> None:
    """The buyer's bank asks for the money of an older payment back."""
    shop, front = till.counter.shop, till.counter.storefront
    intent = await shop.write(
        orders.deposit, customer_id=buyer.customer.id, worth_minor=500, provider="stripe", pay_currency="CNY", seconds=900, reversible=True
    )
    assert intent.reference is not None
    event = Event("pi_1", intent.reference, PaymentState.PAID, intent.amount_minor, "CNY", clock())
    await shop.write(orders.book, storefront_id=front.id, provider="stripe", event=event)
    dispute = Dispute("du_1", DisputeState.OPEN, intent.amount_minor, "fraudulent", clock())
    await shop.write(orders.book, storefront_id=front.id, provider="stripe", event=replace(event, disputes=(dispute,)))


async def test_who_is_in_dispute_tops_up_by_no_way_that_can_be_taken_back(till: Till, goods: Goods, clock: Clock) -> None:
    shop, buyer = till.counter.shop, await till.counter.buyer()
    ways = till.counter.dispatcher["methods"]
    await disputed(till, buyer, clock)
    before = await shop.read(payments.open_deposits, buyer.customer.id)
    for _ in range(2):  # With other ways beside it, and alone.
        await buyer.say("/balance")
        await buyer.press("50.00")
        if len(ways) > 1:
            await buyer.press("Stars")
        await buyer.sees("A bank is deciding")
        for name in list(ways):
            if name != "stars":
                del ways[name]
    await buyer.press("Another amount")
    assert "A bank is deciding" in (await buyer.say("12"))["text"]
    assert await shop.read(payments.open_deposits, buyer.customer.id) == before


async def test_what_was_topped_up_by_stars_pays_for_nothing_that_is_held_at_once(till: Till, shop: Shop, goods: Goods) -> None:
    await shop.write(catalog.change_product, goods.product_id, held=True)
    goods.rules_version += 1
    buyer = await till.counter.buyer()
    await buyer.say("/balance")
    await buyer.press("200.00")
    await buyer.press("Stars")
    await buyer.phone.waits_for(lambda m: "invoice" in m)
    assert (await buyer.phone.pays())["paid"] is True
    await buyer.sees("200.00")
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay ¥95.00")
    await buyer.sees("check")
    [card] = await shop.read(orders.history, buyer_id=buyer.customer.id, limit=1)
    assert card.state is OrderState.ISSUED and card.held_until is not None
    assert (await shop.read(audit.audit)).clean
