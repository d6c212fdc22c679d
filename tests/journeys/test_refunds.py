"""Sealed cards opened and returned by their buyer, and money given back by the staff, told from the phones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import catalog, ledger, orders, supply
from core.database import Shop
from core.orders import OrderState, RefundState
from core.storefronts import Storefront
from handlers.admin.desk import Do
from sandbox.phone import labels
from tests.admin.staff import did, hire, walks
from tests.handlers.counter import Buyer, Counter, opened
from tests.stage import Goods

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


async def seal(counter: Counter, goods: Goods, hours: int = 24) -> None:
    await counter.shop.write(catalog.change_product, goods.product_id, sealed=True, return_hours=hours)


async def left(counter: Counter, goods: Goods) -> int:
    return (await counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id]


async def money(counter: Counter, buyer: Buyer) -> int:
    return await counter.shop.read(ledger.balance, buyer.customer.wallet_id)


async def newest(counter: Counter, buyer: Buyer) -> orders.OrderDetail:
    [card] = await counter.shop.read(orders.history, buyer_id=buyer.customer.id, limit=1)
    detail = await counter.shop.read(orders.detail, order_id=card.order_id)
    assert detail is not None
    return detail


async def texts(buyer: Buyer) -> str:
    return "\n".join(m.get("text") or m.get("caption") or "" for m in await buyer.phone.messages())


async def buys(counter: Counter, goods: Goods, quantity: int = 1) -> Buyer:
    buyer = await counter.buyer(money_minor=95_000)
    await buyer.say("/start")
    sku = await counter.shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    goods.rules_version = sku.rules_version
    await counter.shop.write(orders.buy, buyer_id=buyer.customer.id, quantity=quantity, once="bought", **goods.terms())
    counter.courier.wake()
    return buyer


async def test_a_sealed_card_is_opened_with_one_press_and_then_cannot_be_returned(counter: Counter, goods: Goods) -> None:
    await seal(counter, goods)
    buyer = await buys(counter, goods)
    sealed = await buyer.sees("Your order is sealed")
    assert "TEST-" not in await texts(buyer)
    assert [label for label in labels(sealed) if "Open" in label or "Return for" in label] == ["🔓 Open", "↩️ Return for ¥95.00"]

    await buyer.press("↩️ Return for")
    await buyer.sees("Return order")
    await buyer.press("Keep it")
    await buyer.sees("the codes wait for you to open it")
    await buyer.press("🔓 Open")

    await buyer.sees("Opened. Your codes are the next message.")
    await buyer.sees("TEST-")
    assert (await newest(counter, buyer)).reveals == 1
    # The old message's button is still there.
    await buyer.say("/orders")
    await counter.press_forged(buyer, f"R:{(await newest(counter, buyer)).card.order_id:x}:1")
    await buyer.sees("This order has been opened, so it can no longer be returned.")
    assert await money(counter, buyer) == 85_500


async def test_a_sealed_card_is_returned_and_the_money_is_there_at_once(counter: Counter, goods: Goods) -> None:
    await seal(counter, goods)
    buyer = await buys(counter, goods, quantity=2)
    await buyer.sees("Your order is sealed")
    assert await left(counter, goods) == 38

    await buyer.press("↩️ Return for ¥190.00")
    await buyer.press("↩️ Yes, return it")

    await buyer.sees("Returned. ¥190.00 was added to your balance.")
    await buyer.sees("was returned unopened")
    assert (await money(counter, buyer), await left(counter, goods)) == (95_000, 40)
    assert (await newest(counter, buyer)).card.state is OrderState.REFUNDED
    await counter.press_forged(buyer, f"O:{(await newest(counter, buyer)).card.order_id:x}")
    await buyer.sees("↩️ Refunded")
    assert "TEST-" not in await texts(buyer)
    shown = await buyer.say("/balance")
    assert "+¥190.00 · refund" in shown["text"] and "−¥190.00 · order" in shown["text"]


async def test_the_staff_seal_a_product_and_say_how_long_it_may_be_returned(counter: Counter, goods: Goods) -> None:
    admin = await hire(counter)
    await walks(admin, "Catalogue", "Game cards", "Steam", "✉️ Sold open")
    await admin.sees("Sold sealed: the buyer can return it unopened within 24 hours.")
    await admin.press("Time to return")
    await admin.say("48")
    await admin.sees("within 48 hours")

    product = await counter.shop.read(catalog.product, goods.product_id)
    assert product is not None and (product.sealed, product.return_hours) == (True, 48)


async def test_the_staff_refund_one_code_with_a_reason_that_the_buyer_reads(counter: Counter, goods: Goods) -> None:
    buyer = await buys(counter, goods, quantity=3)
    await buyer.sees("TEST-")
    admin = await hire(counter)
    detail = await newest(counter, buyer)
    await admin.say("/admin")
    await admin.press("Find an order")
    await admin.say(detail.card.number)
    await admin.press("↩️ Refund…")
    await admin.press("Code 2 ·")
    await admin.say("The second code did not work")
    await admin.press("Refund ¥95.00")

    await admin.sees("Refunded: ¥95.00")
    await buyer.sees("¥95.00 of order")
    await buyer.sees("The second code did not work")
    assert await money(counter, buyer) == 95_000 - 2 * 9500
    assert await left(counter, goods) == 37, "the buyer has seen it"
    assert "refund" in await did(counter.shop)
    await buyer.say("/orders")
    await buyer.press("✅")
    await buyer.sees("Given back to the balance: ¥95.00")
    await buyer.press("👁 Show the codes")
    shown = await buyer.phone.waits_for(lambda m: m.get("text", "").count("TEST-") == 2)
    assert "2 codes" in shown["text"]


async def test_a_confirmation_pressed_again_refunds_once(counter: Counter, goods: Goods) -> None:
    buyer = await buys(counter, goods, quantity=2)
    await buyer.sees("TEST-")
    admin = await hire(counter)
    detail = await newest(counter, buyer)
    await admin.say("/admin")
    await admin.press("Find an order")
    await admin.say(detail.card.number)
    await admin.press("↩️ Refund…")
    await admin.press("Everything · ¥190.00")
    confirm = await admin.say("A gift")
    [data] = [
        button["callback_data"]
        for row in confirm["reply_markup"]["inline_keyboard"]
        for button in row
        if button.get("callback_data", "").startswith(f"{Do.__prefix__}:refund")
    ]
    for _ in range(3):
        await counter.press_forged(admin, data)

    await admin.sees("There is nothing left to refund.")
    await buyer.sees("of order")
    assert await money(counter, buyer) == 95_000
    assert (await did(counter.shop)).count("refund") == 1


async def test_what_was_paid_in_stars_can_be_sent_back_as_a_whole(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("Pay with Stars · ⭐ 950")
    await buyer.phone.pays()
    await buyer.sees("TEST-")
    admin = await hire(counter)
    detail = await newest(counter, buyer)
    await admin.say("/admin")
    await admin.press("Find an order")
    await admin.say(detail.card.number)
    await admin.press("↩️ Refund…")
    await admin.press("instead")
    await admin.press("Everything · ¥95.00")
    await admin.say("Bought by mistake")
    await admin.press("Refund ¥95.00")

    await buyer.sees("is on its way back to you")
    assert await money(counter, buyer) == 0
    [wanted] = await counter.shop.read(orders.refunds_of, detail.card.order_id)
    assert (wanted.provider, wanted.source_minor) == ("stars", 9500)
    assert wanted.state in (RefundState.WANTED, RefundState.REFUNDING, RefundState.REFUNDED)
