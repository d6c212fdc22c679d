"""A reseller works from the phone: commands in private and in a group of three people, where no code is ever shown."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from PIL import Image

from core import ledger, orders, packages, people, pricing, resellers
from core.database import Shop
from core.resellers import Wishes
from core.storefronts import Storefront
from handlers.reseller.desk import PackPress
from sandbox.phone import Phone, labels
from tests.core.props import assert_sound
from tests.handlers.counter import SPEC, Buyer, Counter, opened
from tests.stage import Clock, put_on_sale

# What is in the chat does not depend on the database; what the core does is tested on both in tests/core.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Json = dict[str, Any]


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running
    await assert_sound(shop)


async def reseller_of(counter: Counter, money_minor: int = 1_000_000) -> Buyer:
    reseller = await counter.buyer("reseller", money_minor=money_minor)
    await reseller.say("/start")
    await counter.shop.write(
        people.set_wholesale, storefront_id=counter.storefront.id, customer_id=reseller.customer.id, wholesale=True, by="test"
    )
    counter.courier.wake()
    await reseller.sees("you buy at wholesale prices")
    return reseller


@dataclass
class InGroup:
    """Somebody's phone with the group open."""

    phone: Phone

    async def say(self, text: str, behind: str = "") -> Json:
        mine = await self.phone.says(text, behind=behind)
        return await self.phone.waits_for(
            lambda m: m["message_id"] > mine["message_id"] and m["from"]["id"] == int(SPEC.token.split(":")[0])
        )

    async def sees(self, text: str) -> Json:
        return await self.phone.waits_for(lambda m: text in (m.get("text") or m.get("caption") or ""))


async def group(counter: Counter, *phone_ids: str, kind: str = "supergroup") -> tuple[int, list[InGroup]]:
    """The reseller's group with the bot as a plain member, and these people's view of it; the reseller's first."""
    owner = await counter.stack.enter_async_context(Phone(counter.sandbox.url, "reseller", SPEC.username))
    room = await owner.opens_room("The desk", kind)
    await owner.adds_bot(room, SPEC.username)
    views = []
    for phone_id in ("reseller", *phone_ids):
        if phone_id != "reseller":
            await owner.brings(room, phone_id)
        views.append(InGroup(await counter.stack.enter_async_context(Phone(counter.sandbox.url, phone_id, str(room)))))
    return room, views


def texts(messages: list[Json]) -> str:
    return "\n".join(str(m.get("text") or m.get("caption") or "") for m in messages)


async def test_a_reseller_asks_and_buys_in_private(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, count=40)
    reseller = await reseller_of(counter)
    assert "¥10,000.00" in (await reseller.say("/balance"))["text"]
    assert "/statement – " in (await reseller.say("/commands"))["text"]
    at_least: dict[str, Any] = {"storefront_id": counter.storefront.id, "sku_id": goods.sku_id, "by": "test"}
    await counter.shop.write(resellers.set_minimum, **at_least, unit_minor=9900)
    prices = await reseller.say("/price")
    assert "please ask at least ¥99.00" in prices["text"]
    assert "Steam 50" in prices["text"] and "¥95.00" in prices["text"] and "20+" in prices["text"]
    assert "Steam 50" in (await reseller.say("/stock steam"))["text"]
    assert "We found nothing" in (await reseller.say("/price nosuchthing"))["text"]
    assert "/buy 12 5" in (await reseller.say("/buy"))["text"]
    assert "no quantity" in (await reseller.say(f"/buy {goods.sku_id} lots"))["text"]

    await reseller.say(f"/buy {goods.sku_id} 3 A-1")
    await counter.shop.write(pricing.set_price, storefront_id=counter.storefront.id, sku_id=goods.sku_id, retail_minor=9000, currency="CNY")
    await reseller.press("✅ Buy for ¥285.00")
    screen = await reseller.sees("Total: ¥270.00")
    assert "price or the terms have changed" in screen["text"]
    await counter.shop.write(pricing.set_price, storefront_id=counter.storefront.id, sku_id=goods.sku_id, retail_minor=9500, currency="CNY")
    screen = await reseller.say(f"/buy {goods.sku_id} 3 A-1")
    assert "¥285.00" in screen["text"] and "A-1" in screen["text"]
    await reseller.press("✅ Buy for ¥285.00")
    done = await reseller.sees("✅ 3 codes for ¥285.00.")
    assert "next message" in done["text"]
    await reseller.sees("TEST-")
    # What was told before it, in the same lane, is done with: the menu is a reseller's.
    assert {"price", "buy", "statement"} <= {one["command"] for one in (await reseller.phone.chat())["commands"]}
    again = await reseller.say(f"/buy {goods.sku_id} 3 A-1")
    assert "already" in again["text"] and not again.get("reply_markup")
    taken = await reseller.say(f"/buy {goods.sku_id} 4 A-1")
    assert "something else" in taken["text"]
    assert await counter.shop.read(ledger.balance, reseller.customer.wallet_id) == 1_000_000 - 28_500

    number = (await counter.shop.read(orders.history, buyer_id=reseller.customer.id))[0].number
    for name in ("A-1", number):
        assert number in (await reseller.say(f"/order {name}"))["text"]
    assert "no such order" in (await reseller.say("/order zzz"))["text"]
    assert number in (await reseller.say("/orders"))["text"]
    assert "There are none" in (await reseller.say("/cases"))["text"]
    assert "Nobody but" in (await reseller.say("/members"))["text"]
    assert "Steam 50" in (await reseller.say("/best"))["text"]
    assert "How much would you like to add?" in (await reseller.say("/deposit"))["text"]


async def test_below_the_limit_that_a_reseller_sets_it_is_bought_at_once(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    reseller = await reseller_of(counter)
    assert "confirmed by a button" in (await reseller.say("/limits"))["text"]
    assert "For example" in (await reseller.say("/limits confirm much"))["text"]
    await reseller.say("/limits confirm 200")
    await reseller.phone.says(f"/buy {goods.sku_id} 2")
    await reseller.sees("✅ 2 codes for ¥190.00.")
    await reseller.sees("TEST-")
    assert "Total: ¥285.00" in (await reseller.say(f"/buy {goods.sku_id} 3"))["text"]
    await reseller.press("✖️ Cancel")
    await reseller.sees("Cancelled.")
    await reseller.say("/limits")
    await reseller.press("🔔 Maintenance")
    wishes = await counter.shop.read(resellers.wishes_of, reseller.customer.id)
    assert wishes == Wishes(confirm_above_minor=20_000, maintenance=False)


async def test_a_list_is_previewed_and_bought_all_or_as_many_as_there_are(counter: Counter) -> None:
    one = await put_on_sale(counter.shop, counter.storefront, name="Steam", denomination="Steam 50")
    two = await put_on_sale(counter.shop, counter.storefront, name="蒸汽钱包充值卡", denomination="蒸汽钱包 100", count=2, price_minor=5000)
    reseller = await reseller_of(counter)
    bad = await reseller.say(f"/buy\nSKU,quantity\n{one.sku_id},3\nwhat,ever\n{two.sku_id},0")
    assert "lines are not clear: 3, 4" in bad["text"]
    screen = await reseller.say(f"/buy\nSKU,quantity,number\n{one.sku_id},3,L-1\n{two.sku_id},5")
    assert "2 lines" in screen["text"] and "only 2 there" in screen["text"]
    assert labels(screen) == ["🧺 As many as there are · ¥385.00", "✖️ Cancel"]
    await reseller.press("🧺")
    made = await reseller.sees("✅ 5 codes for ¥385.00.")
    assert "2 of 5" in made["text"]
    bought = await counter.shop.read(orders.history, buyer_id=reseller.customer.id)
    assert len(bought) == 2

    await reseller.phone.sends_file("list.csv", f"{one.sku_id};2\n".encode(), caption="/buy")
    await reseller.sees("Total: ¥190.00")


async def test_many_codes_come_as_a_file(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, count=300, price_minor=100)
    reseller = await reseller_of(counter)
    await reseller.say(f"/buy {goods.sku_id} 300")
    await reseller.press("✅ Buy for ¥300.00")
    await reseller.sees("✅ 300 codes for ¥300.00.")
    parcel = await reseller.phone.waits_for(lambda m: "document" in m)
    content = (await reseller.phone.download(parcel)).decode()
    assert len(re.findall(r"TEST-\d{6}-", content)) == 300


async def test_a_statement_as_message_tables_and_picture(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    reseller = await reseller_of(counter)
    await reseller.say(f"/buy {goods.sku_id} 2")
    await reseller.press("✅ Buy")
    await reseller.sees("✅ 2 codes")
    await reseller.sees("TEST-")
    made = await reseller.say("/statement")
    assert "At the end: ¥9,810.00" in made["text"] and "−¥190.00" in made["text"]
    assert "/statement 30" in (await reseller.say("/statement soon"))["text"]
    for label, ending in (("📄 CSV", ".csv"), ("📊 XLSX", ".xlsx")):
        await reseller.say("/statement 3")
        await reseller.press(label)
        sent = await reseller.phone.waits_for(partial(_is_file, ending))
        if ending == ".csv":
            table = (await reseller.phone.download(sent)).decode("utf-8-sig")
            assert ",-190.00,9810.00,CNY," in table
    await reseller.press("🖼 Picture")
    await reseller.phone.waits_for(lambda m: "photo" in m)


async def test_who_is_no_reseller_learns_nothing_but_the_way(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    buyer = await counter.buyer("second", money_minor=50_000)
    await buyer.say("/start")
    for command in (
        "/price",
        f"/buy {goods.sku_id} 1",
        "/stock",
        "/statement",
        "/order 1",
        "/cases",
        "/limits",
        "/deposit",
        "/best",
        "/members",
        "/bind",
    ):
        said = (await buyer.say(command))["text"]
        assert "/reseller" in said and "Steam" not in said, command
    assert "Your balance: ¥500.00" in (await buyer.say("/balance"))["text"]
    assert "no orders yet" in (await buyer.say("/orders"))["text"]
    assert "price" not in {one["command"] for one in (await buyer.phone.chat())["commands"]}
    for data in ("rkl:1:a", "rkw:confirm:5", "rkr:1:o", "rkm", "rkc:1", "rkt:1:2:csv", "rkl:1:zz"):
        await counter.press_forged(buyer, data)
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 50_000


async def test_three_people_in_a_group_by_their_roles_and_no_code_is_shown_there(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    reseller = await reseller_of(counter)
    second, buyer = await counter.buyer("second"), await counter.buyer("buyer")
    await second.say("/start")
    _, (owner, clerk, other) = await group(counter, "second", "buyer")

    assert "belongs to no reseller" in (await clerk.say("/balance"))["text"]
    assert "/reseller" in (await clerk.say("/bind"))["text"]
    assert "works for" in (await owner.say(f"/bind@{SPEC.username}"))["text"]
    asks = await clerk.say("/balance")
    assert "no role here yet" in asks["text"]
    # Only the owner gives roles.
    answer = await clerk.phone.presses((asks, "🔑 Give a role"))
    assert answer is not None and "no role" in answer["text"]
    await owner.phone.presses((asks, "🔑 Give a role"))
    await owner.phone.presses("▫️ Buys")
    await owner.sees("buys")
    await owner.phone.presses("▫️ Sees the balance")
    await owner.sees("buys, sees the balance")

    assert "¥10,000.00" in (await clerk.say("/balance"))["text"]
    screen = await clerk.say(f"/buy@{SPEC.username} {goods.sku_id} 2")
    assert "¥190.00" in screen["text"]
    assert (await other.phone.presses((screen, "✅ Buy for ¥190.00")) or {})["text"].startswith("You have no role")
    await clerk.phone.presses((screen, "✅ Buy for ¥190.00"))
    done = await clerk.sees("✅ 2 codes for ¥190.00.")
    assert "private chat of" in done["text"]
    parcel = await second.sees("TEST-")
    assert "🔁 Buy again" not in labels(parcel)
    order = (await counter.shop.read(orders.history, buyer_id=reseller.customer.id))[0]
    shown = await counter.shop.read(orders.shown, order.order_id)
    assert [one.to_telegram_id for one in shown] == [second.customer.telegram_id]
    assert not any("TEST-" in (m.get("text") or "") for m in await reseller.phone.messages())

    # Again, by /order in the group, into the private chat of whoever presses.
    found = await clerk.say(f"/order {order.number}")
    await clerk.phone.presses((found, "👁 Codes"))
    before = len([m for m in await second.phone.messages() if "TEST-" in (m.get("text") or "")])
    await second.phone.waits_for(lambda m: "TEST-" in (m.get("text") or "") and m["message_id"] > parcel["message_id"])
    assert before in (1, 2)

    # Who lost the role gets nothing more.
    await owner.say("/members")
    await owner.phone.presses("🔑 Emma")
    await owner.phone.presses("✅ Buys")
    await owner.sees("sees the balance")
    assert "does not allow" in (await clerk.say(f"/buy {goods.sku_id} 1"))["text"]
    assert "TEST-" not in texts(await owner.phone.messages())
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 0


async def test_codes_stay_sealed_for_who_never_opened_the_chat(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    reseller = await reseller_of(counter)
    _, (owner, clerk, other) = await group(counter, "second", "buyer")
    await owner.say("/bind")
    asks = await clerk.say("/price")
    await owner.phone.presses((asks, "🔑 Give a role"))
    await owner.phone.presses("▫️ Buys")
    await owner.sees("buys")
    screen = await clerk.say(f"/buy {goods.sku_id} 1")
    await clerk.phone.presses((screen, "✅ Buy"))
    done = await clerk.sees("stay sealed")
    link = next(b["url"] for row in done["reply_markup"]["inline_keyboard"] for b in row if "url" in b)
    word = link.partition("?start=")[2]
    stranger = await counter.stack.enter_async_context(Phone(counter.sandbox.url, "buyer", SPEC.username))
    mine = await stranger.says(f"/start {word}")
    refused = await stranger.waits_for(lambda m: m["message_id"] > mine["message_id"] and m["from"]["is_bot"])
    assert "/members" in refused["text"] and "TEST-" not in refused["text"]

    emma = await counter.stack.enter_async_context(Phone(counter.sandbox.url, "second", SPEC.username))
    await emma.says(f"/start {word}")
    await emma.waits_for(lambda m: "TEST-" in (m.get("text") or ""))
    await emma.says(f"/start {word}")
    await emma.waits_for(lambda m: "link was used" in (m.get("text") or ""))
    order = (await counter.shop.read(orders.history, buyer_id=reseller.customer.id))[0]
    shown = await counter.shop.read(orders.shown, order.order_id)
    assert [one.to_telegram_id for one in shown] == [(await emma.person())["user"]["id"]]
    assert "TEST-" not in texts(await other.phone.messages())


async def test_a_group_with_anonymous_admins_edits_a_move_and_an_end(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    reseller = await reseller_of(counter)
    room, (owner,) = await group(counter, kind="group")
    await owner.say("/bind")
    for behind in ("anonymous", "channel"):
        assert "write as yourself" in (await owner.say("/balance", behind=behind))["text"]
    # What is edited is not a command again.
    sent = await owner.phone.says(f"/buy {goods.sku_id} 1")
    await owner.sees("Total: ¥95.00")
    await owner.phone.edits(sent["message_id"], f"/buy {goods.sku_id} 9")
    await owner.say("/stock")
    assert "¥855.00" not in texts(await owner.phone.messages())

    new = await owner.phone.migrates(room)
    moved = InGroup(await counter.stack.enter_async_context(Phone(counter.sandbox.url, "reseller", str(new))))
    assert "¥10,000.00" in (await moved.say("/balance"))["text"]
    found = await counter.shop.read(resellers.groups_of, reseller.customer.id)
    assert [one.chat_id for one in found] == [new]
    # A word to the bot that is no command is not even heard.
    await moved.phone.says("hello everybody")
    assert "belongs to no reseller any more" in (await moved.say("/unbind"))["text"]
    await moved.say("/bind")
    private = await counter.stack.enter_async_context(Phone(counter.sandbox.url, "reseller", SPEC.username))
    await private.makes_admin(new, [])
    await private.says("/limits")
    await private.waits_for(lambda m: "Limits and notices" in (m.get("text") or ""))
    link = next(
        b["url"]
        for row in (await reseller.say("/bind"))["reply_markup"]["inline_keyboard"]
        for b in row
        if "startgroup" in b.get("url", "")
    )
    other, (there,) = await group(counter)
    assert "works for" in (await there.say(f"/start@{SPEC.username} {link.partition('startgroup=')[2]}"))["text"]
    assert [one.chat_id for one in await counter.shop.read(resellers.groups_of, reseller.customer.id)] == [other]


def _is_file(ending: str, message: Json) -> bool:
    return str(message.get("document", {}).get("file_name", "")).endswith(ending)


async def test_a_low_balance_and_maintenance_are_told(counter: Counter, clock: Clock) -> None:
    reseller = await reseller_of(counter, money_minor=5_000)
    await reseller.say("/limits low 100")
    assert await counter.shop.write(resellers.tell_low_balances) == 1
    counter.courier.wake()
    await reseller.sees("below the ¥100.00 you named")
    tell: dict[str, Any] = {"storefront_id": counter.storefront.id, "text": "Tonight at 3.", "by": "telegram:1", "once": "a"}
    assert [await counter.shop.write(resellers.announce_maintenance, **tell) for _ in range(2)] == [1, 0]
    counter.courier.wake()
    await reseller.sees("Tonight at 3.")


async def test_the_last_days_come_as_a_picture_with_what_it_says(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront)
    reseller = await reseller_of(counter)
    empty = await reseller.say("/analytics")
    assert "photo" in empty and "Bought for: ¥0.00" in empty["caption"]
    await counter.shop.write(orders.buy, buyer_id=reseller.customer.id, quantity=3, once="mine", **goods.terms())
    counter.courier.wake()
    await reseller.sees("TEST-")
    assert "/analytics 30" in (await reseller.say("/analytics never"))["text"]
    assert "/analytics 30" in (await reseller.say("/analytics 91"))["text"]

    shown = await reseller.say("/analytics 7")
    assert "Bought for: ¥285.00" in shown["caption"] and "Steam · ¥285.00" in shown["caption"]
    assert labels(shown) == ["• 7 days", "30 days", "90 days"]
    with Image.open(io.BytesIO(await reseller.phone.download(shown))) as picture:
        assert picture.width == 1080
    await reseller.phone.presses((shown, "30 days"))
    other = await reseller.phone.waits_for(lambda m: "• 30 days" in labels(m) and m["message_id"] > shown["message_id"])
    assert "Bought for: ¥285.00" in other["caption"]


async def test_a_package_is_bought_used_and_ended_with_what_is_left_given_back(counter: Counter, clock: Clock) -> None:
    reseller = await reseller_of(counter)
    assert "The shop sells none" in (await reseller.say("/packages"))["text"]
    assert "photo" in await reseller.say("/analytics")
    facts: dict[str, Any] = {"storefront_id": counter.storefront.id, "name": "Gold <1>", "price_minor": 30_000, "days": 30, "by": "test"}
    plan = await counter.shop.write(packages.add_plan, **facts, own_bot=True, analytics=True, broadcasts=4)
    assert "/packages shows them" in (await reseller.say("/analytics"))["text"]

    listed = await reseller.say("/packages")
    assert (
        "Gold <1> · ¥300.00 for 30 days" in listed["text"] and "your own bot, pictures of your figures, and 4 broadcasts" in listed["text"]
    )
    await reseller.press("Gold")
    await reseller.sees("It is paid from your balance now")
    await reseller.press("✅ Pay ¥300.00")
    assert "4 broadcasts are left" in (await reseller.sees("is yours until"))["text"]
    assert "photo" in await reseller.say("/analytics")
    assert "¥9,700.00" in (await reseller.say("/balance"))["text"]
    assert "service package" in (await reseller.say("/statement"))["text"]

    await reseller.say("/packages")
    await reseller.press("✅ Gold")
    await reseller.press("⏹ Do not renew it")
    assert "ends " in (await reseller.screen())["text"]
    clock.passes(days=28)
    await counter.shop.write(packages.tell_ending)
    counter.courier.wake()
    await reseller.sees("and is not renewed.")
    await reseller.press("📦 My packages")
    await reseller.press("✅ Gold")
    await reseller.press("🏁 End it now")
    assert "¥10.00 comes back" in (await reseller.sees("What it unlocks stops at once."))["text"]
    await reseller.press("🏁 Yes, end it")
    await reseller.sees("¥10.00 is back on your balance.")
    await counter.press_forged(reseller, PackPress(act="sure", id=1).pack())
    await reseller.sees("This package is over. Nothing was changed.")
    await counter.press_forged(reseller, PackPress(act="mine", id=10**12).pack())
    await counter.shop.write(packages.withdraw_plan, plan_id=plan.id, storefront_id=counter.storefront.id, by="test")
    await counter.press_forged(reseller, PackPress(act="buy", id=plan.id).pack())
    await reseller.sees("This package is not for sale any more.")
    assert "¥9,710.00" in (await reseller.say("/balance"))["text"]


async def test_a_package_that_cannot_be_paid_is_told_with_what_is_missing(counter: Counter, clock: Clock) -> None:
    reseller = await reseller_of(counter, money_minor=50_000)
    facts: dict[str, Any] = {"storefront_id": counter.storefront.id, "name": "Gold", "price_minor": 30_000, "days": 30, "by": "test"}
    plan = await counter.shop.write(packages.add_plan, **facts, analytics=True)
    await counter.shop.write(packages.subscribe, customer_id=reseller.customer.id, plan_id=plan.id)
    clock.passes(days=28)
    await counter.shop.write(packages.tell_ending)
    counter.courier.wake()
    assert "¥100.00 short of it" in (await reseller.sees("Your package Gold is renewed"))["text"]
    clock.passes(days=2, minutes=1)
    await counter.shop.write(packages.renew_due)
    counter.courier.wake()
    await reseller.sees("could not be renewed: ¥100.00 is missing.")
    assert "🔒 not paid since" in (await reseller.say("/packages"))["text"]
    clock.passes(days=4)
    await counter.shop.write(packages.renew_due)
    counter.courier.wake()
    await reseller.sees("is over: it could not be paid.")
