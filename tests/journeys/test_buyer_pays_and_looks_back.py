"""Paying with Stars, the wallet, and orders looked at again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiogram.types import LabeledPrice

from core import ledger, orders, supply
from core.database import Shop
from core.orders import OrderState
from core.storefronts import Storefront
from handlers import callbacks
from sandbox.phone import labels
from tests.handlers.counter import Buyer, Counter, opened
from tests.stage import Goods

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


async def left(counter: Counter, goods: Goods) -> int:
    return (await counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id]


async def newest(counter: Counter, buyer: Buyer) -> orders.OrderDetail:
    [card] = await counter.shop.read(orders.history, buyer_id=buyer.customer.id, limit=1)
    detail = await counter.shop.read(orders.detail, order_id=card.order_id)
    assert detail is not None
    return detail


async def test_stars_pay_for_the_card_and_the_code_comes(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    stars = await buyer.phone.stars()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars · ⭐ 950")
    assert await left(counter, goods) == 40, "an invoice holds nothing"

    paid = await buyer.phone.pays()

    assert paid["paid"] is True
    await buyer.sees("Paid ⭐ 950. Your code is the next message.")
    await buyer.sees("TEST-")
    assert await buyer.phone.stars() == stars - 950
    assert (await newest(counter, buyer)).card.state is OrderState.ISSUED
    assert await left(counter, goods) == 39
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 0


async def test_an_invoice_paid_a_second_time_becomes_balance_or_is_refused(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars")
    invoice = await buyer.phone.waits_for(lambda m: "invoice" in m)
    assert (await buyer.phone.pays(invoice))["paid"]
    await buyer.sees("TEST-")

    again = await buyer.phone.pays(invoice)
    assert again == {"paid": False, "error": "This invoice can no longer be paid. Please order again."}
    assert await left(counter, goods) == 39


async def test_sold_out_before_the_money_moves_refuses_the_payment_with_the_reason(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars")
    invoice = await buyer.phone.waits_for(lambda m: "invoice" in m)
    rich = await counter.buyer("buyer", 1_000_000)
    await rich.say("/start")
    await counter.shop.write(orders.buy, buyer_id=rich.customer.id, quantity=40, once="all", **goods.terms())

    answer = await buyer.phone.pays(invoice)

    assert (answer["paid"] is False and "Only 0 left" in answer["error"]) or "sold out" in answer["error"].lower()
    assert (await newest(counter, buyer)).card.state is OrderState.PENDING


async def test_another_persons_invoice_cannot_be_paid(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars")
    intent = (await newest(counter, buyer)).intent
    assert intent is not None
    other = await counter.buyer("buyer")
    await other.say("/start")
    forged = await counter.bot.send_invoice(
        other.customer.telegram_id,
        title="t",
        description="d",
        payload=intent.reference,
        currency="XTR",
        prices=[LabeledPrice(label="x", amount=intent.amount_minor)],
        provider_token="",
    )
    message = await other.phone.waits_for(lambda m: m["message_id"] == forged.message_id)
    assert (await other.phone.pays(message))["paid"] is False


async def test_a_pending_order_is_paid_later_from_the_history_or_cancelled(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars")
    await buyer.press("🧾 My orders")
    await buyer.press("⏳")
    await buyer.press("Pay ⭐ 950")
    await buyer.phone.pays()
    await buyer.sees("TEST-")

    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars")
    invoice = await buyer.phone.waits_for(lambda m: "invoice" in m)
    await buyer.press("✖️ Cancel this order")
    await buyer.sees("The order is cancelled")
    assert (await newest(counter, buyer)).card.state is OrderState.CANCELLED
    assert (await buyer.phone.pays(invoice))["paid"] is False


async def test_a_payment_reported_twice_is_credited_and_told_once(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say("/balance")
    await buyer.phone.fault(duplicate_updates=True)
    await buyer.press("¥50.00")
    await buyer.phone.pays()
    await buyer.sees("¥50.00 has been added to your balance")
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 5000


async def test_an_amount_is_typed_in_any_digits_and_what_cannot_be_is_said(counter: Counter) -> None:
    buyer = await counter.buyer()
    await buyer.say("/balance")
    await buyer.press("✏️ Another amount")
    for wrong in ("much", "-5", "0.001"):
        assert "is not an amount" in (await buyer.say(wrong))["text"], wrong
    for wrong in ("0", "100000"):
        assert "One payment can be from" in (await buyer.say(wrong))["text"], wrong
    await buyer.phone.says("三十")
    invoice = await buyer.phone.waits_for(lambda m: "invoice" in m)
    assert invoice["invoice"]["total_amount"] == 300
    await buyer.phone.pays(invoice)
    await buyer.sees("¥30.00 has been added")
    shown = await buyer.say("/balance")
    assert "¥30.00" in shown["text"] and "top-up" in shown["text"]


async def test_orders_are_paged_found_by_number_shown_again_and_bought_again(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=200_000)
    for number in range(7):
        await counter.shop.write(orders.buy, buyer_id=buyer.customer.id, quantity=1, once=f"old-{number}", **goods.terms())
    await buyer.phone.says("/start")
    counter.courier.wake()
    for card in await counter.shop.read(orders.history, buyer_id=buyer.customer.id, limit=7):
        await buyer.sees(card.number)
    await buyer.say("/orders")
    assert len([label for label in await buyer.buttons() if label.startswith("✅")]) == 5
    await buyer.press("Older ▶️")
    assert len([label for label in await buyer.buttons() if label.startswith("✅")]) == 2
    await buyer.press("⏮ Newest")

    detail = await newest(counter, buyer)
    found = await buyer.say(detail.card.number.lower())
    assert "Steam 50 × 1" in found["text"] and detail.card.number in found["text"]

    before = detail.reveals
    await buyer.press("👁 Show the codes")
    shown = await buyer.phone.waits_for(lambda m: m["message_id"] > found["message_id"] and "TEST-" in m.get("text", ""))
    assert (await newest(counter, buyer)).reveals >= before + 1

    presses = buyer.presses
    await buyer.phone.presses((shown, "🔁 Buy again"))
    await buyer.press("Pay ¥95.00 · 1 card")
    assert buyer.presses == presses + 1, "one press and the confirmation"
    await buyer.sees("Paid ¥95.00")
    assert await left(counter, goods) == 32
    still = [m for m in await buyer.phone.messages() if m["message_id"] == shown["message_id"]]
    assert "TEST-" in still[0]["text"], "the codes stay where they are"


async def test_help_names_the_support_and_every_command_is_answered(counter: Counter) -> None:
    buyer = await counter.buyer()
    for command, said in (
        ("/help", "How it works"),
        ("/terms", "Terms of sale"),
        ("/paysupport", "Help with a payment"),
        ("/orders", "no orders yet"),
    ):
        assert said in (await buyer.say(command))["text"]


async def test_without_stars_nothing_speaks_of_them(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    async with opened(shop, storefront, stars=False) as counter:
        buyer = await counter.buyer()
        said = await buyer.say(f"/start sku-{goods.sku_id}")
        assert not [label for label in labels(said) if "Stars" in label or "Top up" in label]
        await buyer.press("Pay")
        await buyer.sees("is missing. Nothing was charged.")
        assert "Telegram Stars" not in (await buyer.say("/balance"))["text"]


async def test_more_stars_than_one_payment_can_be_is_refused_and_leaves_no_order_open(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    said = await buyer.say(f"/start sku-{goods.sku_id}")
    assert any(label.startswith("Pay with Stars") for label in labels(said))
    forged = callbacks.BuyByStars(
        sku=goods.sku_id, price=goods.price_id, rules=goods.rules_version, quantity=40, screen=callbacks.new_screen()
    )
    await counter.press_forged(buyer, forged.pack())

    refused = await buyer.sees("One payment can be from ⭐ 1 to ⭐ 10,000")
    assert not [label for label in labels(refused) if label.startswith("Pay with Stars")]
    assert await counter.shop.read(orders.history, buyer_id=buyer.customer.id, limit=1) == []
