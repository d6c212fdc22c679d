"""An empty shop, an admin with a phone, and a buyer who finds what the admin put there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import inventory, supply
from core.database import Shop
from core.inventory import Secret
from core.storefronts import Storefront
from handlers.admin import imports_finished
from tests.admin.staff import did, hire
from tests.handlers.counter import Counter, opened


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
        await imports_finished()


async def test_an_admin_fills_an_empty_shop_from_the_phone_and_a_buyer_gets_a_code(counter: Counter) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    await admin.press("Catalogue and prices")
    await admin.press("Category")
    await admin.say("游戏卡 Game cards")
    await admin.press("Product")
    await admin.say("Steam 充值卡")
    await admin.press("How to redeem")
    await admin.say("store.example/redeem")
    await admin.press("Denomination")
    asked = await admin.say("Steam 50 CNY")
    assert "Type the price of one “Steam 50 CNY” in CNY" in asked["text"]
    again = await admin.say("ninety-five")
    assert "“ninety-five” is not an amount" in again["text"] and "Type the price" in again["text"]
    shown = await admin.say("95")
    assert "Price: ¥95.00" in shown["text"] and "In stock: 0" in shown["text"]

    await admin.press("Import codes")
    pasted = await admin.phone.says("AAAA-1111\nBBBB-2222\nCCCC-3333")
    receipt = await admin.sees("3 codes are on sale")

    assert "AAAA" not in receipt["text"]
    assert pasted["message_id"] not in [message["message_id"] for message in await admin.phone.messages()]

    buyer = await counter.buyer(money_minor=10_000)
    await buyer.say("/start")
    await buyer.press("Steam 50 CNY")
    await buyer.press("Pay")
    parcel = await buyer.sees("AAAA-1111")
    assert "store.example/redeem" in parcel["text"]
    found = await counter.shop.read(inventory.find_code, Secret(None, "bbbb2222"))
    assert found is not None and found.place == "shelf"
    assert (await counter.shop.read(supply.left, [found.sku_id]))[found.sku_id] == 2
    assert await did(counter.shop) == ["add-category", "add-product", "change-product", "add-sku", "set-price", "import-codes"]
