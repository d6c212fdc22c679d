"""What buyers and resellers ask for and cannot have is seen by suppliers in /supply: what, how often, how much, when, and never who."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.jobs import count_missed
from core import inventory, orders, people
from core.database import Shop
from core.settlement import Missed
from core.storefronts import Storefront
from handlers import callbacks, missed
from locales import Speech, shop_timezone
from tests.handlers.counter import Buyer, Counter, opened
from tests.journeys.test_paying import till_of
from tests.stage import Clock, Goods, numbers, put_on_sale
from tests.supplying import supplied

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    missed.take(10**6)
    async with opened(shop, storefront) as running:
        yield running
    missed.take(10**6)


async def noted(counter: Counter) -> list[tuple[int, int, int]]:
    """Who lacked how many of what; taken away."""
    found: list[Missed] = [one for some in missed.take(10**6).values() for one in some]
    assert all(one.words == "" for one in found)
    return [(one.customer_id, one.sku_id, one.units) for one in found]


async def others_take(counter: Counter, goods: Goods, count: int) -> None:
    other = await counter.buyer("buyer", money_minor=count * 9500)
    await other.say("/start")
    once = f"others:{next(numbers)}"
    await counter.shop.write(orders.buy, buyer_id=other.customer.id, quantity=count, once=once, **goods.terms())


async def a_reseller(counter: Counter, money_minor: int = 1_000_000) -> Buyer:
    reseller = await counter.buyer("reseller", money_minor=money_minor)
    await reseller.say("/start")
    facts: dict[str, Any] = {"storefront_id": counter.storefront.id, "customer_id": reseller.customer.id}
    await counter.shop.write(people.set_wholesale, **facts, wholesale=True, by="test")
    counter.courier.wake()
    await reseller.sees("you buy at wholesale prices")
    return reseller


# Buyers


async def test_a_buyer_who_comes_too_late_lacks_what_they_pressed_for(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=100_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("10")
    assert await noted(counter) == [], "whoever looks at what there is lacks nothing"
    await others_take(counter, goods, 37)
    await buyer.press("Pay ¥950.00")
    await buyer.sees("Only 3 left")
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 7)]

    await buyer.press("Pay ¥285.00")
    await buyer.sees("TEST-")
    assert await noted(counter) == []
    await buyer.say(f"/start sku-{goods.sku_id}")
    assert await noted(counter) == [], "to see that it is sold out is not to ask for it"


async def test_a_buyer_who_asks_for_restock_or_types_more_than_there_is_lacks_it(counter: Counter, goods: Goods) -> None:
    shop, buyer = counter.shop, await counter.buyer(money_minor=100_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("✏️ Other")
    await buyer.say("55")
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 15)]
    await buyer.say("9999")
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 460)], "no order may have more than 500"
    await buyer.say("5")
    assert await noted(counter) == []

    await counter.press_forged(buyer, callbacks.Sku(id=goods.sku_id, quantity=60).pack())
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 20)], "an old button of when there were more"
    await buyer.press("✏️ Other")
    await others_take(counter, goods, 40)
    await buyer.say("6")
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 6)]
    await buyer.press("🔔 Tell me when it is back")
    await buyer.press("🔕")
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 1)]
    back = await put_on_sale(shop, counter.storefront, name="Riot", count=1)
    await counter.press_forged(buyer, callbacks.Watch(id=back.sku_id).pack())
    assert await shop.read(inventory.watching, customer_id=buyer.customer.id, sku_id=back.sku_id)
    assert await noted(counter) == [], "an old button of what is there"


async def test_who_may_have_no_more_lacks_nothing(counter: Counter) -> None:
    limited = await put_on_sale(counter.shop, counter.storefront, name="Few", count=8, max_per_buyer=2)
    buyer = await counter.buyer(money_minor=100_000)
    await buyer.say(f"/start sku-{limited.sku_id}")
    for quantity in (5, 50):
        await counter.press_forged(buyer, callbacks.Sku(id=limited.sku_id, quantity=quantity).pack())
    assert await noted(counter) == []


async def test_a_payer_with_stars_who_comes_too_late_lacks_the_whole_order(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("5")
    await buyer.press("Pay with Stars")
    invoice = await buyer.phone.waits_for(lambda m: "invoice" in m)
    await others_take(counter, goods, 38)
    assert (await buyer.phone.pays(invoice))["paid"] is False
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 3)]


@pytest.mark.parametrize("way", ["Pay ¥", "Pay with Stars"])
async def test_whatever_way_a_buyer_pays_what_was_taken_meanwhile_is_noted(counter: Counter, way: str) -> None:
    await comes_too_late(counter, way)


async def test_the_same_by_a_gateway(shop: Shop, storefront: Storefront) -> None:
    async with till_of(shop, storefront) as till:
        await comes_too_late(till.counter, "Alipay")


async def comes_too_late(counter: Counter, way: str) -> None:
    """A screen counts to a hundred: only the refusal itself knows how many of more than that there are."""
    missed.take(10**6)
    goods = await put_on_sale(counter.shop, counter.storefront, price_minor=100, count=150)
    buyer = await counter.buyer(money_minor=14_000 if way == "Pay ¥" else 0)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("✏️ Other")
    await buyer.say("140")
    await others_take(counter, goods, 20)
    await buyer.press(way)
    await buyer.sees("Only 130 left")
    assert await noted(counter) == [(buyer.customer.id, goods.sku_id, 10)]


# Resellers' commands


async def test_what_a_resellers_commands_ask_for_in_vain_is_noted(counter: Counter, goods: Goods) -> None:
    empty = await put_on_sale(counter.shop, counter.storefront, name="Riot", count=0)
    reseller = await a_reseller(counter)
    me = reseller.customer.id
    await reseller.say("/stock")
    await reseller.say("/price steam")
    assert await noted(counter) == [], "there is some, or nothing was asked for by name"
    for command in ("/stock", "/price"):
        await reseller.say(f"{command} riot")
        assert await noted(counter) == [(me, empty.sku_id, 1)], command

    preview = (await reseller.say(f"/buy {goods.sku_id} 45"))["text"]
    assert "Only 40 of 45" in preview and await noted(counter) == [(me, goods.sku_id, 5)]
    await reseller.say(f"/buy\n{goods.sku_id},30\n{goods.sku_id},20\n{empty.sku_id},200\n{empty.sku_id},100")
    assert await noted(counter) == [(me, goods.sku_id, 10), (me, empty.sku_id, 300)]
    await reseller.say(f"/buy {goods.sku_id} 40")
    assert await noted(counter) == []


async def test_what_others_take_between_a_resellers_preview_and_press_is_noted(counter: Counter, goods: Goods) -> None:
    reseller = await a_reseller(counter)
    me = reseller.customer.id
    await reseller.say(f"/buy {goods.sku_id} 40")
    await others_take(counter, goods, 10)
    await reseller.press("✅ Buy for")
    await reseller.sees("Nothing was bought.")
    assert await noted(counter) == [(me, goods.sku_id, 10)]

    await reseller.say(f"/buy\n{goods.sku_id},20\n{goods.sku_id},10")
    assert await noted(counter) == []
    await others_take(counter, goods, 15)
    await reseller.press("🧺 As many as there are")
    await reseller.sees("✅ 15 codes for")
    assert await noted(counter) == [(me, goods.sku_id, 15)], "five of the first line, and all of the second"


# What suppliers see of it


async def test_a_supplier_sees_what_was_lacking_and_not_who_asked(counter: Counter, goods: Goods, clock: Clock) -> None:
    shop, storefront, lin = counter.shop, counter.storefront, await counter.buyer("supplier")
    # At noon, within one month: in it one person is known again.
    clock.passes(days=32 - clock().day, hours=(4 - clock().hour) % 24)
    mine = await supplied(shop, storefront, lin.customer.telegram_id)
    first, speech = clock(), Speech("en", timezone=shop_timezone.get())
    reseller, buyer = await a_reseller(counter), await counter.buyer(money_minor=9500)

    async def wanted() -> str:
        await count_missed(shop)
        await lin.say("/supply")
        await lin.press("💰 My earnings")
        await lin.press("🔎 What buyers looked for")
        return str((await lin.screen())["text"])

    assert "Nothing was missed." in await wanted()
    await reseller.say(f"/buy {mine.goods.sku_id} 300")
    for _ in range(3):
        await reseller.say(f"/buy {mine.goods.sku_id} 250")
    shown = await wanted()
    assert f"• Steam 50: 1 person · 300 lacking · on {speech.day(first)}" in shown

    clock.passes(days=2)
    await buyer.say(f"/start sku-{mine.goods.sku_id}")
    await buyer.press("🔔 Tell me when it is back")
    await reseller.say(f"/buy {mine.goods.sku_id} 100")
    shown = await wanted()
    assert f"• Steam 50: 2 people · asked 3 times · 301 lacking · on 2 days, {speech.day(first)} to {speech.day(clock())}" in shown
    for one in (reseller, buyer):
        user = (await one.phone.person())["user"]
        assert all(str(fact) not in shown for fact in (user["first_name"], user["id"], user.get("username", "nobody")))
