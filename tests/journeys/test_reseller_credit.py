"""A reseller asks for credit on the phone, the staff decide inline, and cards are bought now and paid later."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import credit, orders
from core.database import Shop
from core.storefronts import Storefront
from tests.core.joining import staff
from tests.core.props import assert_sound
from tests.handlers.counter import Buyer, Counter, opened
from tests.journeys.test_reseller_commands import reseller_of
from tests.lending import work_credit
from tests.stage import give, put_on_sale

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    await assert_sound(shop)


async def admin_of(counter: Counter) -> Buyer:
    admin = await counter.buyer("admin")
    await staff(counter.shop, counter.storefront, admin.customer.telegram_id)
    await admin.say("/start")
    return admin


async def test_a_limit_is_asked_for_granted_inline_used_and_paid_back(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, count=40)
    reseller, admin = await reseller_of(counter, money_minor=0), await admin_of(counter)
    none = await reseller.say("/credit")
    assert "There is no credit yet" in none["text"] and "/credit line 5000.00" in none["text"]
    assert "For a limit, type" in (await reseller.say("/credit lots"))["text"]
    await reseller.press("⭐️ My score")
    await reseller.sees("TRADE-1")
    asked = await reseller.say("/credit line 1000")
    assert "The shop decides" in asked["text"] and "A limit of ¥1,000.00" in asked["text"]
    assert "waits for the shop" in (await reseller.say("/credit line 2000"))["text"]
    counter.courier.wake()
    await admin.sees("asks for credit: A limit of ¥1,000.00")
    await admin.press("✅ Grant ¥1,000.00")
    await admin.sees("They are told.")
    counter.courier.wake()
    await reseller.sees("Your limit of credit is now ¥1,000.00.")

    assert "¥1,000.00 left" in (await reseller.say("/balance"))["text"]
    await reseller.say(f"/buy {goods.sku_id} 5")
    await reseller.press("✅ Buy for ¥475.00")
    await reseller.sees("✅ 5 codes for ¥475.00.")
    await reseller.sees("TEST-")
    shown = await reseller.say("/credit")
    assert "Owed: ¥475.00" in shown["text"] and "Can still be bought on credit: ¥525.00" in shown["text"]
    assert "¥475.00 used, ¥525.00 left" in (await reseller.say("/limits"))["text"]
    assert "is missing" in (await reseller.say(f"/buy {goods.sku_id} 6"))["text"]

    await give(counter.shop, reseller.customer, 20_000)
    await work_credit(counter.shop)
    assert "Owed: ¥275.00" in (await reseller.say("/credit"))["text"]
    await reseller.press("🧾 Invoices and terms")
    await reseller.sees("Interest: 12% a year, 18% on what is late")
    await reseller.press("🖼 Picture")
    drawn = await reseller.phone.waits_for(lambda m: "photo" in m)
    assert "Credit of" in drawn["caption"]
    line = await counter.shop.read(credit.line_of, reseller.customer.id)
    assert line is not None and line.left_minor == 72_500
    assert await counter.shop.read(orders.history, buyer_id=reseller.customer.id)


async def test_an_advance_is_refused_in_words_and_asked_for_again(counter: Counter) -> None:
    reseller, admin = await reseller_of(counter, money_minor=0), await admin_of(counter)
    await reseller.say("/credit advance 300 3 30")
    counter.courier.wake()
    await admin.sees("An advance of ¥300.00, paid back in 3 parts")
    await admin.press("🔎 Look at it")
    await admin.sees("Waits for a decision")
    await admin.press("🚫 Refuse")
    await admin.sees("word for word")
    await admin.say("Please sell a month more first.")
    counter.courier.wake()
    await reseller.sees("The advance you asked for was refused: Please sell a month more first.")
    await reseller.say("/credit advance 300 3 30")
    await reseller.press("↩️ Withdraw")
    await reseller.sees("↩️ Withdrawn.")
