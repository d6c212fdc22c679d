"""From /start to the code, told from the phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import bot.demo
from bot.seed import read_catalogue, seed
from core import ledger, supply
from core.database import Shop
from core.storefronts import Storefront
from sandbox.phone import labels
from tests.handlers.counter import Counter, opened
from tests.stage import Goods, put_on_sale


def _is_delivery(message: dict[str, Any], *, after: int) -> bool:
    return message["message_id"] > after and "spoiler" in str(message.get("entities"))


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


async def test_a_card_of_a_one_level_tree_takes_three_presses_from_start_to_code(counter: Counter, goods: Goods) -> None:
    for number in range(4):
        more = await put_on_sale(counter.shop, counter.storefront, name=f"Other {number}", denomination=f"Other {number} – 10")
        await put_on_sale(counter.shop, counter.storefront, product_id=more.product_id, category_id=more.category_id, denomination="twenty")
    await put_on_sale(
        counter.shop, counter.storefront, product_id=goods.product_id, category_id=goods.category_id, denomination="Steam 100"
    )
    buyer = await counter.buyer(money_minor=20_000)
    await buyer.say("/start")

    await buyer.press("Steam")
    await buyer.press("Steam 50")
    await buyer.press("Pay")

    parcel = await buyer.sees("TEST-")
    assert buyer.presses == 3
    code = next(button["copy_text"]["text"] for row in parcel["reply_markup"]["inline_keyboard"] for button in row if "copy_text" in button)
    assert code.startswith("TEST-") and code in parcel["text"]
    assert "spoiler" in {entity["type"] for entity in parcel["entities"]}
    assert "store.example/redeem" in parcel["text"]
    paid = await buyer.sees("Paid ¥95.00. Your code is the next message.")
    assert paid["message_id"] < parcel["message_id"]
    assert "🔁 Buy again" in labels(paid) and "🔁 Buy again" in labels(parcel)
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 10_500
    assert (await counter.shop.read(supply.left, [goods.sku_id]))[goods.sku_id] == 39


@pytest.mark.parametrize("language", ["en", "zh-hans"])
async def test_in_the_demo_every_first_card_of_a_category_is_three_presses_away(counter: Counter, language: str) -> None:
    given = Path(bot.demo.__file__).parent / "catalogue.yaml"
    await seed(counter.shop, counter.storefront, read_catalogue(given.read_text("utf-8"), given.name), name=given.name)
    buyer = await counter.buyer(money_minor=1_000_000, language=language)
    start = await buyer.say("/start")
    categories = [label for label in labels(start) if label[0] not in "🧾👛🌐❓"]
    assert len(categories) >= 3

    for category in categories:
        presses = buyer.presses
        before = (await buyer.say("/start"))["message_id"]
        await buyer.press(category)
        keyboard = (await buyer.screen())["reply_markup"]["inline_keyboard"]
        await buyer.press(next(row[0]["text"] for row in keyboard if "disabled" not in row[0] and "·" in row[0]["text"]))
        keyboard = (await buyer.screen())["reply_markup"]["inline_keyboard"]
        await buyer.press(next(b["text"] for row in keyboard for b in row if b.get("callback_data", "").startswith("b:")))
        await buyer.phone.waits_for(partial(_is_delivery, after=before))
        assert buyer.presses - presses == 3
