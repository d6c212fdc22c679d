"""Ways through the shop: links, search, quantities, refusals and what they offer, languages, sharing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core import catalog, inventory, ledger, orders, people, pricing, supply
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from handlers.commands import set_commands
from locales.searchable import search_text
from sandbox.phone import labels
from tests.handlers.counter import Counter, opened
from tests.stage import Goods, give, put_on_sale, stock


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        yield running


async def test_a_link_to_a_denomination_is_one_press_from_the_code(counter: Counter, goods: Goods) -> None:
    sku = await counter.shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    buyer = await counter.buyer(money_minor=20_000)
    await buyer.say(f"/start sku-{sku.slug}")

    await buyer.press("Pay")

    await buyer.sees("TEST-")
    assert buyer.presses == 1


async def test_links_lead_to_products_categories_and_ids_and_a_dead_one_to_the_shop(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    assert "Pay ¥95.00 · 1 card" in labels(await buyer.say(f"/start sku-{goods.sku_id}"))
    assert any(label.startswith("Steam 50") for label in labels(await buyer.say(f"/start p-{goods.product_id}")))
    assert any(label.startswith("Steam 50") for label in labels(await buyer.say(f"/start c-{goods.category_id}")))
    dead = await buyer.say("/start p-999999")
    assert "no longer in the shop" in dead["text"] and "🧾 My orders" in labels(dead)


async def test_the_first_to_open_the_owners_link_owns_the_shop_and_nobody_after(counter: Counter) -> None:
    word = await counter.shop.write(people.make_owner_link, storefront_id=counter.storefront.id)
    first, second = await counter.buyer("second"), await counter.buyer("buyer")

    assert "is yours now" in (await first.say(f"/start own-{word}"))["text"]
    assert "used already" in (await second.say(f"/start own-{word}"))["text"]
    staff = await counter.shop.read(people.staff, storefront_id=counter.storefront.id)
    assert [member.telegram_id for member in staff] == [first.customer.telegram_id]


async def test_a_double_press_is_one_order(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=50_000)
    screen = await buyer.say(f"/start sku-{goods.sku_id}")

    await asyncio.gather(*(buyer.phone.presses((screen, "Pay")) for _ in range(5)))

    await buyer.sees("TEST-")
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 40_500


async def test_every_update_delivered_twice_is_handled_once(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=50_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.phone.fault(duplicate_updates=True)

    await buyer.press("Pay")

    await buyer.sees("TEST-")
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 40_500


async def test_an_old_button_buys_what_is_written_on_it(counter: Counter, goods: Goods) -> None:
    other = await put_on_sale(counter.shop, counter.storefront, name="Other", denomination="Other 10", price_minor=1000)
    buyer = await counter.buyer(money_minor=50_000)
    old = await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.say(f"/start sku-{other.sku_id}")

    await buyer.phone.presses((old, "Pay"))

    assert "Steam 50" in (await buyer.sees("TEST-"))["text"]
    assert (await counter.shop.read(supply.left, [other.sku_id]))[other.sku_id] == 40


async def test_a_forged_button_is_answered_under_it_and_the_message_stays(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say("/start")
    answer = await counter.press_forged(buyer, "buy_old_version:17")

    assert answer is not None and "out of date" in answer["text"]
    assert "A forged screen" in [message.get("text") for message in await buyer.phone.messages()]
    assert await buyer.buttons() == ["🛍 To the shop"]


async def test_back_buttons_lead_to_the_top_from_everywhere(counter: Counter, goods: Goods) -> None:
    below = await counter.shop.write(catalog.add_category, slug="below", name="Below", parent_id=goods.category_id)
    deep = await put_on_sale(counter.shop, counter.storefront, name="Deep", denomination="ten", category_id=below)
    await put_on_sale(counter.shop, counter.storefront, category_id=below, product_id=deep.product_id, denomination="twenty")
    for number in range(5):
        await put_on_sale(counter.shop, counter.storefront, name=f"P{number}", denomination=f"P{number} 1", category_id=below)
    buyer = await counter.buyer(money_minor=100_000)
    await buyer.say("/start")

    await buyer.press("📁 Game cards")
    await buyer.press("📁 Below")
    await buyer.press("Deep")
    await buyer.press("twenty")
    assert "Pay ¥95.00 · 1 card" in await buyer.buttons()
    for landmark in ("ten · ¥95.00", "P4", "📁 Below", "🌐 Language"):
        await buyer.press("⬅️ Back")
        assert any(label.startswith(landmark) for label in await buyer.buttons()), (landmark, await buyer.buttons())
    assert len([m for m in await buyer.phone.messages() if m["from"]["is_bot"]]) == 1, "one screen, edited in place"


async def test_quantities_are_pressed_or_typed_and_what_cannot_be_is_said(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=1_000_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("5")
    assert "Pay ¥475.00 · 5 cards" in await buyer.buttons()

    await buyer.press("✏️ Other")
    for wrong in ("-3", "0", "41", "999999999999", "many", "1.5"):
        said = await buyer.say(wrong)
        assert "from 1 to 40" in said["text"], wrong
    assert "Pay ¥1,140.00 · 12 cards" in labels(await buyer.say("１２"))
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 1_000_000

    await buyer.press("Pay")
    paid = await buyer.sees("Paid ¥1,140.00. Your 12 codes are the next message.")
    assert paid
    document = await buyer.phone.waits_for(lambda m: "document" in m)
    assert len((await buyer.phone.download(document)).decode().splitlines()) == 12


async def test_typing_ends_with_a_press_or_a_command(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=1_000_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("✏️ Other")
    assert "stopped there" in (await buyer.say("/cancel"))["text"]
    assert "nothing to stop" in (await buyer.say("/cancel"))["text"]

    await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("✏️ Other")
    await buyer.press("⬅️ Back")
    assert "found nothing" in (await buyer.say("7"))["text"]


async def test_too_little_money_offers_fewer_and_the_rest_by_stars(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=20_000)
    screen = await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.press("5")
    refusing = await buyer.screen()
    assert "¥275.00 more is needed" in refusing["text"]
    await buyer.press("Pay ¥475.00")

    refused = await buyer.sees("¥275.00 is missing. Nothing was charged.")
    assert refused["message_id"] == screen["message_id"]
    assert {"Pay ¥475.00 · 5 cards", "Pay with Stars · ⭐ 2,750", "Top up ¥275.00", "Take 2 for ¥190.00"} <= set(labels(refused))

    await buyer.press("Top up ¥275.00")
    await buyer.phone.pays()
    await buyer.sees("¥275.00 has been added to your balance")
    await buyer.press("Pay ¥475.00 · 5 cards")
    await buyer.sees("TEST-")
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 0


async def test_what_sells_out_meanwhile_offers_what_is_left_and_then_to_wait(counter: Counter, goods: Goods) -> None:
    first, second = await counter.buyer("second", 1_000_000), await counter.buyer("buyer", 1_000_000, "en")
    await first.say(f"/start sku-{goods.sku_id}")
    await first.press("10")
    await second.say(f"/start sku-{goods.sku_id}")
    await second.press("✏️ Other")
    await second.say("37")
    await second.press("Pay")
    await second.phone.waits_for(lambda m: "document" in m)

    await first.press("Pay")
    refused = await first.sees("Only 3 left. Nothing was charged.")
    assert "Pay ¥285.00 · 3 cards" in labels(refused)
    await first.press("Pay ¥285.00")
    await first.sees("TEST-")

    await second.say(f"/start sku-{goods.sku_id}")
    assert not [label for label in await second.buttons() if label.startswith("Pay")]
    answer = await second.press("🔔 Tell me when it is back")
    assert answer is not None and "Noted" in answer["text"]
    await second.press("🔕")
    await second.press("🔔 Tell me when it is back")

    await stock(counter.shop, goods.offer_id, goods.sku_id, 1)
    assert await counter.shop.write(supply.tell_who_waits) == 1
    assert await counter.shop.write(supply.tell_who_waits) == 0
    counter.courier.wake()
    back = await second.sees("Steam 50 is back, for ¥95.00")
    await second.phone.presses((back, "🛒 Buy it"))
    await second.phone.waits_for(lambda m: "Pay ¥95.00 · 1 card" in labels(m))
    assert "is back" in str([message.get("text") for message in await second.phone.messages()]), "the news stay to be read"


async def test_the_bell_beside_a_grey_button_puts_on_the_list_once(counter: Counter, goods: Goods) -> None:
    empty = await put_on_sale(
        counter.shop, counter.storefront, category_id=goods.category_id, product_id=goods.product_id, denomination="Steam 100", count=0
    )
    buyer = await counter.buyer()
    shown = await buyer.say("/start")
    row = next(row for row in shown["reply_markup"]["inline_keyboard"] if "Steam 100" in row[0]["text"])
    assert "disabled" in row[0] and "sold out" in row[0]["text"]

    answers = [await buyer.press("🔔 Tell me") for _ in range(2)]
    assert ["on the list already" in (answer or {})["text"] for answer in answers] == [False, True]
    assert await counter.shop.read(inventory.waited_for) == [empty.sku_id]


async def test_a_moved_price_is_said_and_the_new_one_is_on_the_button(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=50_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await counter.shop.write(pricing.set_price, storefront_id=counter.storefront.id, sku_id=goods.sku_id, retail_minor=9900, currency="CNY")
    await buyer.press("Pay ¥95.00")

    assert "Pay ¥99.00 · 1 card" in labels(await buyer.sees("price or the terms have changed"))
    assert await counter.shop.read(ledger.balance, buyer.customer.wallet_id) == 50_000


async def test_the_limit_of_each_buyer_is_said_and_what_may_still_be_bought_is_offered(counter: Counter) -> None:
    limited = await put_on_sale(counter.shop, counter.storefront, denomination="Limited", max_per_buyer=3)
    buyer = await counter.buyer(money_minor=100_000)
    await buyer.say(f"/start sku-{limited.sku_id}")
    old = await buyer.screen()
    await buyer.press("2")
    await buyer.press("Pay")
    await buyer.sees("TEST-")
    stale = callbacks.Buy(
        sku=limited.sku_id, price=limited.price_id, rules=limited.rules_version, quantity=2, screen=callbacks.new_screen()
    )
    await counter.press_forged(buyer, stale.pack())
    refused = await buyer.sees("you can buy 1 more")
    assert "Pay ¥95.00 · 1 card" in labels(refused) and old
    first = await buyer.sees("TEST-")
    await buyer.press("Pay ¥95.00 · 1 card")
    await buyer.phone.waits_for(lambda m: m["message_id"] > first["message_id"] and "TEST-" in m.get("text", ""))
    assert "as many of these as one buyer may have" in (await buyer.say(f"/start sku-{limited.sku_id}"))["text"]


async def test_what_left_the_shop_is_said_with_a_way_back(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=100_000)
    await buyer.say(f"/start sku-{goods.sku_id}")
    await counter.shop.write(catalog.change_product, goods.product_id, hidden=True)
    await buyer.press("Pay")

    assert labels(await buyer.sees("no longer in the shop")) == ["🛍 To the shop"]


async def test_search_finds_by_name_keyword_and_pinyin_initials(counter: Counter) -> None:
    category = await counter.shop.write(catalog.add_category, slug="games", name="Games")
    for slug, name, keywords in (("lol", "英雄联盟点券", "LOL league"), ("wzry", "王者荣耀点券", "honor of kings")):
        product = await counter.shop.write(
            catalog.add_product, category_id=category, slug=slug, name=name, search=search_text(name, keywords), keywords=keywords
        )
        await put_on_sale(counter.shop, counter.storefront, denomination=f"{name} 100", category_id=category, product_id=product)
    buyer = await counter.buyer()

    for typed in ("yxlm", "英雄", "ＬＯＬ", "League", "yingxiong"):
        assert "英雄联盟点券 100" in (await buyer.say(typed))["text"], typed
    both = await buyer.say("点券")
    assert "finds 2 products" in both["text"] and len(labels(both)) == 3
    nothing = await buyer.say("<b>zelda & co</b>")
    assert "found nothing for “<b>zelda & co</b>”" in nothing["text"] and labels(nothing) == ["🛍 To the shop"]
    assert "do not know this command" in (await buyer.say("/zelda"))["text"]


async def test_the_language_is_followed_chosen_and_kept(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(language="en")
    await buyer.say("/language")
    assert "✅ English" in await buyer.buttons() and len(await buyer.buttons()) >= 5
    await buyer.press("русский")

    customer = await counter.shop.read(people.find, storefront_id=counter.storefront.id, telegram_id=buyer.customer.telegram_id)
    assert customer is not None and customer.language == "ru"
    await buyer.say("/language")
    assert "✅ русский" in await buyer.buttons()


async def test_a_product_card_is_shared_inline_and_leads_back(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer()
    await buyer.say("/start")
    for query in ("steam", ""):
        [card] = await buyer.phone.inline(query)
        assert card["title"] == "Steam" and "¥95.00" in card["description"]
    message = await buyer.phone.sends_inline(card["id"], "buyer")
    [[button]] = message["reply_markup"]["inline_keyboard"]
    assert button["url"].endswith(f"?start=p-{goods.product_id}")
    assert await buyer.phone.inline("nothing like it") == []


async def test_who_blocked_the_bot_gets_the_codes_at_the_next_start(counter: Counter, goods: Goods) -> None:
    buyer = await counter.buyer(money_minor=50_000)
    screen = await buyer.say(f"/start sku-{goods.sku_id}")
    await buyer.phone.presses((screen, "Pay"))
    await buyer.sees("TEST-")
    await buyer.phone.blocks()
    await counter.shop.write(pricing.set_price, storefront_id=counter.storefront.id, sku_id=goods.sku_id, retail_minor=9500, currency="CNY")
    await give(counter.shop, buyer.customer, 9500)
    await counter.shop.write(orders.buy, buyer_id=buyer.customer.id, quantity=2, once="while-blocked", **goods.terms())
    counter.courier.wake()
    for _ in range(200):
        known = await counter.shop.read(people.by_id, buyer.customer.id)
        if known.blocked:
            break
        await asyncio.sleep(0.05)
    assert known.blocked

    await buyer.phone.blocks(False)
    await buyer.phone.says("/start")
    assert "2 codes" in (await buyer.sees("2 codes"))["text"]
    for _ in range(500):  # The codes may be in the chat before the /start is handled.
        known = await counter.shop.read(people.by_id, buyer.customer.id)
        if not known.blocked:
            break
        await asyncio.sleep(0.02)
    assert not known.blocked
    counter.sandbox.world.calls.clear()  # The refusal while blocked was meant.


async def test_the_menu_of_commands_is_there_in_the_shops_language_and_the_staffs(counter: Counter) -> None:
    buyer, boss = await counter.buyer("second"), await counter.buyer("buyer")
    await buyer.say("/start")
    await boss.say("/start")
    member = people.StaffMember(boss.customer.telegram_id, people.Role.OWNER, boss.customer)
    stranger = people.StaffMember(123456789, people.Role.ADMIN, None)
    await set_commands(counter.bot, counter.storefront, [member, stranger])

    menu = {entry["command"]: entry["description"] for entry in (await buyer.phone.chat())["commands"]}
    assert menu["paysupport"] == "Help with a payment" and "admin" not in menu
    assert "admin" in {entry["command"] for entry in (await boss.phone.chat())["commands"]}
