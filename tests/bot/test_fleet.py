"""Resellers' own bots in the running shop: opened in the chat within seconds, each by itself, and none reaches into another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramConflictError
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from sqlalchemy import text

import bot.fleet
import bot.polling
from bot.fleet import Fleet
from bot.pace import LocalPace
from bot.running import webhook_of
from core import aftersale, brands, insight, ledger, orders, packages, payments, people, pricing, resellers
from core.brands import BrandView, Style
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from handlers.admin.desk import Go
from sandbox import BotSpec, Sandbox
from sandbox.phone import Phone, labels
from tests.bot.conftest import SHOP, TOKEN, on_sqlite, owner_of, until
from tests.bot.test_courier import is_code
from tests.bot.test_running import free_port, running, way
from tests.core.props import aside, assert_sound
from tests.reselling import a_reseller
from tests.speaking import speaking
from tests.stage import Goods, give, person

__all__ = ["free_port", "way"]  # fixtures

STAR = BotSpec("7000000002:AAstar-cards-of-the-tests-000", "star_cards_bot", "Star Cards")
MOON = BotSpec("7000000003:AAmoon-cards-of-the-tests-000", "moon_cards_bot", "Moon Cards")


@pytest.fixture
async def there(sandbox: Sandbox) -> Sandbox:
    for spec in (STAR, MOON):
        sandbox.add_bot(spec)
    return sandbox


@pytest.fixture
async def ann(there: Sandbox, shop: Shop, storefront: Storefront) -> AsyncIterator[tuple[Phone, Customer]]:
    """A reseller with a phone in the shop's own bot."""
    async with Phone(there.url, "second", SHOP.username) as phone:
        await phone.changes(language_code="en")
        customer = await owner_of(phone, shop, storefront, 100_000)
        await shop.write(resellers.take_in, storefront_id=storefront.id, customer_id=customer.id, by="telegram:1")
        yield phone, await shop.read(people.by_id, customer.id)


async def opened(shop: Shop, owner: Customer, spec: BotSpec) -> BrandView:
    brand = await shop.write(
        brands.open_brand,
        owner_id=owner.id,
        token=spec.token,
        bot_id=int(spec.token.split(":")[0]),
        username=spec.username,
        name=spec.name,
    )
    await shop.write(brands.price_brand, brand_id=brand.id)
    return brand


async def rich(phone: Phone, shop: Shop, brand: BrandView, money_minor: int = 100_000) -> Customer:
    """Whoever holds this phone is a customer of the brand, with money in its wallet."""
    await phone.changes(language_code="en")
    user = (await phone.person())["user"]
    customer = await person(shop, brand.storefront, int(user["id"]))
    await give(shop, customer, money_minor)
    return customer


def says(text: str) -> Any:
    return lambda m: m["from"]["is_bot"] and text in (m.get("text") or m.get("caption") or "")


async def test_a_token_in_the_chat_is_a_shop_within_seconds_and_its_buyer_gets_the_code_there(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer], way: dict[str, Any]
) -> None:
    phone, owner = ann
    async with running(shop, goods.storefront, there, **way), Phone(there.url, "buyer", STAR.username) as buyer:
        await phone.says(STAR.token)
        await phone.waits_for(says("so I have deleted your message"))
        assert not [m for m in await phone.messages() if STAR.token in (m.get("text") or "")], "nobody has asked for it, and it is a secret"
        await phone.says("/mybot")
        await phone.waits_for(says("Your own bot"))
        await phone.presses("🔑 Send a token")
        await phone.waits_for(says("Please send me the token"))
        await phone.says("not a token")
        await phone.waits_for(says("This is no bot's token"))
        await phone.says("7000000009:AAthat-nobody-has-given-out-0000000")
        await phone.waits_for(says("Telegram does not know this token"))
        await phone.says(f"Use this token to access the HTTP API:\n{TOKEN}")
        await phone.waits_for(says("@card_shop_bot is a shop's bot already"))
        await phone.says(f"Use this token to access the HTTP API:\n{STAR.token}\nKeep it secure")
        await phone.waits_for(says("Star Cards is open: @star_cards_bot"))
        assert not [m for m in await phone.messages() if STAR.token in (m.get("text") or "")], "a token does not stay in a chat"
        [brand] = await shop.read(brands.brands_of, owner.id)

        customer = await rich(buyer, shop, brand)
        await buyer.says("/start")
        await buyer.waits_for(says("welcome to Star Cards"))
        await buyer.says(f"/start sku-{goods.sku_id}")
        screen = await buyer.waits_for(lambda m: any("Pay" in label for label in labels(m)))
        assert "104.50" in screen["text"]
        await buyer.presses("Pay")
        await buyer.waits_for(is_code)
        assert await shop.read(ledger.balance, customer.wallet_id) == 100_000 - 10_450
        assert [m for m in await buyer.messages() if is_code(m)]

        await phone.says("/mybot")
        await phone.waits_for(lambda m: "Your own bots" in m.get("text", ""))

        async def earned() -> bool:
            await shop.write(brands.earn)
            return (await shop.read(brands.earned, owner.id)).held_minor == 950

        await until(earned)
        # Stars that are paid in a bot are its owner's.
        assert not [label for m in await buyer.messages() for label in labels(m) if "⭐" in label]
    await assert_sound(shop)


@on_sqlite
async def test_no_button_link_or_command_of_the_shop_reaches_into_a_resellers_bot(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    _, owner = ann
    bob = await a_reseller(shop, goods.storefront)
    star, moon = await opened(shop, owner, STAR), await opened(shop, bob, MOON)
    await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[owner.telegram_id])
    async with (
        running(shop, goods.storefront, there),
        Phone(there.url, "buyer", STAR.username) as buyer,
        Phone(there.url, "buyer", MOON.username) as elsewhere,
        Phone(there.url, "second", STAR.username) as admin_there,
    ):
        await admin_there.changes(language_code="en")
        customer = await rich(buyer, shop, star)
        await buyer.says(f"/start sku-{goods.sku_id}")
        pay = await buyer.waits_for(lambda m: any("Pay" in label for label in labels(m)))
        await buyer.presses("Pay")
        await buyer.waits_for(is_code)
        [order] = await shop.read(orders.history, buyer_id=customer.id)

        # The same person in another bot: their order is not there, by number or by its button.
        await elsewhere.says("/start")
        await elsewhere.waits_for(says("welcome to Moon Cards"))
        await elsewhere.says(order.number)
        await elsewhere.waits_for(lambda m: m["from"]["is_bot"] and "welcome" not in m.get("text", ""))
        answers = await elsewhere.inline("Steam")
        assert answers and "moon_cards_bot" in str(answers)
        assert "star_cards_bot" not in str(answers) and "card_shop_bot" not in str(answers)
        await elsewhere.says("/orders")
        await elsewhere.waits_for(says("no orders"))
        data: list[str] = []
        for message in await buyer.messages():
            for row in (message.get("reply_markup") or {}).get("inline_keyboard", []):
                data += [each["callback_data"] for each in row if "callback_data" in each]
        assert data
        async with Bot(MOON.token, session=_session(there)) as moon_bot:
            for one in dict.fromkeys(data):
                keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="forged", callback_data=one)]])
                sent = await moon_bot.send_message(customer.telegram_id, "forged", reply_markup=keyboard)
                shown = await elsewhere.waits_for(_is(sent.message_id))
                await elsewhere.presses((shown, "forged"))
        await asyncio.sleep(0.5)
        seen = [m.get("text", "") + m.get("caption", "") for m in await elsewhere.messages()]
        assert not [text for text in seen if order.number in text and text != order.number and "🔎" not in text and "found" not in text]
        assert not [m for m in await elsewhere.messages() if is_code(m)]
        there_again = await shop.read(people.find, storefront_id=moon.storefront.id, telegram_id=customer.telegram_id)
        assert there_again is not None and await shop.read(ledger.balance, there_again.wallet_id) == 0
        assert await shop.read(orders.history, buyer_id=there_again.id) == []

        # Nothing of the shop's own desks is there, also for its own staff and for the bot's owner.
        for command in ("/admin", "/reseller", "/supply", "/api", "/mybot", "/credit", "/packages", "/buy 1 1", "/statement"):
            sent_now = await admin_there.says(command)
            answer = await admin_there.waits_for(_after(sent_now))
            assert not [label for label in labels(answer) if "Resellers" in label or "token" in label], command
            assert "back office" not in answer["text"].lower(), command
        await admin_there.says("/manage")
        await admin_there.waits_for(says("🛠 Star Cards"))
        await buyer.says("/manage")
        await buyer.waits_for(says("I do not know this command"))
        help_ = await buyer.says("/help")
        answer = await buyer.waits_for(lambda m: m["message_id"] > help_["message_id"] and m["from"]["is_bot"])
        assert "/supply" not in answer["text"]
        assert pay
    await assert_sound(shop)


@on_sqlite
async def test_a_revoked_token_harms_nobody_and_what_waited_goes_out_with_the_new_one(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    phone, owner = ann
    star, moon = await opened(shop, owner, STAR), await opened(shop, owner, MOON)
    async with (
        running(shop, goods.storefront, there),
        Phone(there.url, "buyer", STAR.username) as buyer,
        Phone(there.url, "buyer", MOON.username) as other,
    ):
        await phone.says("/start")
        await other.changes(language_code="en")
        customer = await rich(buyer, shop, star)
        await buyer.says("/start")
        await buyer.waits_for(says("welcome to Star Cards"))
        newer = BotSpec("7000000002:AAstar-cards-have-another-token-now", STAR.username, STAR.name)
        there.add_bot(newer)
        price = (await shop.read(pricing.branded, storefront_id=star.storefront.id))[goods.sku_id]
        await shop.write(
            orders.buy,
            storefront_id=star.storefront.id,
            buyer_id=customer.id,
            sku_id=goods.sku_id,
            quantity=1,
            price_id=price.id,
            rules_version=goods.rules_version,
            once="while-away",
        )
        await phone.waits_for(says("Telegram does not know the token of @star_cards_bot"), timeout=20)
        await other.says("/start")
        await other.waits_for(says("welcome to Moon Cards"))
        assert star.id not in await shop.read(brands.running) and moon.id in await shop.read(brands.running)

        await phone.says("/mybot")
        await phone.waits_for(says("does not know its token"))
        await phone.presses("🤖 Star Cards")
        await phone.presses("🔑 New token")
        await phone.says(MOON.token)
        await phone.waits_for(says("That is the token of @moon_cards_bot"))
        await phone.says(newer.token)
        await phone.waits_for(says("answers again"))
        await buyer.waits_for(is_code, timeout=20)
        await buyer.says("/start")
    await assert_sound(shop)


@on_sqlite
async def test_a_webhook_of_a_resellers_bot_cannot_be_guessed_from_its_token(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer], free_port: int
) -> None:
    star = await opened(shop, ann[1], STAR)
    url = f"http://127.0.0.1:{free_port}"
    async with (
        running(shop, goods.storefront, there, public_url=url, listen_port=free_port),
        Phone(there.url, "buyer", STAR.username) as buyer,
        aiohttp.ClientSession() as http,
    ):
        await buyer.changes(language_code="en")
        await buyer.says("/start")
        await buyer.waits_for(says("welcome to Star Cards"))
        address, secret = webhook_of(STAR.token)
        update = {"update_id": 10**6}
        for path, said, status in ((address, secret, 404), (star.word, secret, 403), (star.word, "", 403)):
            async with http.post(f"{url}/telegram/{path}", json=update, headers={"X-Telegram-Bot-Api-Secret-Token": said}) as answer:
                assert answer.status == status
    assert STAR.token.partition(":")[2] not in star.word


@on_sqlite
async def test_a_webhook_that_was_replaced_is_set_again_and_a_token_that_was_revoked_is_noticed_without_a_word_from_it(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.fleet, "WATCH_SECONDS", 0.3)
    star = await opened(shop, ann[1], STAR)
    way = {"public_url": f"http://127.0.0.1:{free_port}", "listen_port": free_port}
    async with running(shop, goods.storefront, there, **way), Phone(there.url, "buyer", STAR.username) as buyer:
        await buyer.changes(language_code="en")
        await buyer.says("/start")
        await buyer.waits_for(says("welcome to Star Cards"))
        async with Bot(STAR.token, session=AiohttpSession(api=TelegramAPIServer.from_base(there.url))) as its_owner:
            await its_owner.set_webhook("http://127.0.0.1:9/elsewhere")

            async def ours_again() -> bool:
                return (await its_owner.get_webhook_info()).url.endswith(f"/telegram/{star.word}")

            await until(ours_again)
        there.add_bot(BotSpec("7000000002:AAstar-cards-have-another-token-now", STAR.username, STAR.name))
        await ann[0].says("/start")
        await ann[0].waits_for(says("Telegram does not know the token of @star_cards_bot"), timeout=20)


@on_sqlite
async def test_the_rules_of_a_bot_are_changed_in_the_chat_and_hold_at_once(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    phone, owner = ann
    star = await opened(shop, owner, STAR)

    async def price() -> list[int]:
        return [one.retail_minor for one in (await shop.read(pricing.branded, storefront_id=star.storefront.id)).values()]

    async with running(shop, goods.storefront, there), Phone(there.url, "buyer", STAR.username) as buyer:
        await buyer.changes(language_code="en")
        await phone.says("/mybot")
        await phone.presses("🤖 Star Cards")
        await phone.waits_for(says("for sale"))
        await phone.presses("📈 Prices")
        await phone.waits_for(says("Prices of Star Cards"))
        await phone.presses("20%")
        await phone.waits_for(says("+ 20%"))
        assert await price() == [11_400]
        await phone.presses("✏️ Type another one")
        await phone.says("lots")
        await phone.waits_for(says("I do not understand this"))
        await phone.says("12.5% + 0.30")
        await phone.waits_for(says("+ 12.5% + ¥0.30"))
        assert await price() == [10_718]
        await phone.presses("to ¥0.50")
        await phone.waits_for(says("rounded up to ¥0.50"))
        assert await price() == [10_750]
        await phone.presses("‹ Back")
        await phone.presses("✏️ Name")
        await phone.says("Nova & Sons <b>")
        await phone.waits_for(says("Nova & Sons <b>"))
        await phone.presses("👋 Welcome")
        await phone.says("Codes in a second, day and night.")
        await phone.waits_for(says("Codes in a second"))
        await phone.presses("💬 Contact")
        await phone.says("@nova_help")
        await phone.waits_for(says("@nova_help"))
        await buyer.says("/start")
        await buyer.waits_for(lambda m: says("welcome to Nova & Sons <b>")(m) and "Codes in a second" in m["text"])
        await buyer.says("/help")
        await buyer.waits_for(says("@nova_help"))

        await phone.presses("📦 Products")
        await phone.waits_for(says("What Nova & Sons <b> sells"))
        await phone.presses("✅ Steam")
        await phone.waits_for(lambda m: "▫️ Steam" in labels(m))
        assert await price() == []
        await phone.presses("▫️ Steam")
        await phone.waits_for(lambda m: "✅ Steam" in labels(m))
        await phone.presses("‹ Back")
        await phone.presses("🎨 Buttons")
        await phone.presses("green")
        await phone.waits_for(lambda m: "✅ green" in labels(m))
        await phone.presses("‹ Back")
        await phone.presses("🌐 Language")
        await phone.presses("русский")
        await phone.waits_for(lambda m: "✅ русский" in labels(m))
        await phone.presses("‹ Back")
        await phone.presses("👥 People")
        await phone.presses("➕ Add somebody")
        await phone.says("@nobody_here")
        await phone.waits_for(says("I do not know them yet"))
        await phone.presses("✖️ Never mind")
        await phone.presses("⏸ Pause")
        await phone.waits_for(says("paused by you"))
        assert await price() == []
        await phone.presses("▶️ Open again")
        await phone.waits_for(says("🟢 open"))
        assert await price() == [10_750]
        await phone.presses("🏁 Close for good")
        await phone.waits_for(says("Close @star_cards_bot for good?"))
        await phone.presses("🏁 Yes, close it")
        await phone.waits_for(says("@star_cards_bot is closed"))
        assert await shop.read(brands.running) == {}
    after = await shop.read(brands.brand, star.id)
    assert after is not None and after.closed
    assert (await shop.read(payments.wallet, owner.id)).balance_minor == 100_000
    await assert_sound(shop)


def _is(message_id: int) -> Any:
    return lambda m: m["message_id"] == message_id


def _after(mine: dict[str, Any]) -> Any:
    return lambda m: m["message_id"] > mine["message_id"] and m["from"]["is_bot"]


def _session(sandbox: Sandbox) -> Any:
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    return AiohttpSession(api=TelegramAPIServer.from_base(sandbox.url))


@on_sqlite
async def test_whoever_runs_a_bot_writes_to_its_customers_and_to_nobody_elses(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    _, owner = ann
    star = await opened(shop, owner, STAR)
    await shop.write(packages.add_plan, storefront_id=goods.storefront.id, name="Loud", price_minor=100, days=30, broadcasts=1, by="test")
    async with (
        running(shop, goods.storefront, there),
        Phone(there.url, "buyer", STAR.username) as buyer,
        Phone(there.url, "buyer", SHOP.username) as elsewhere,
        Phone(there.url, "second", STAR.username) as owners,
    ):
        for phone in (buyer, owners):
            await phone.changes(language_code="en")
            await phone.says("/start")
            await phone.waits_for(says("welcome to Star Cards"))
        await elsewhere.says("/start")
        await elsewhere.waits_for(says("welcome to"))
        await owners.says("/manage")
        await owners.presses("📣 Write to all customers")
        await owners.waits_for(says("What shall all customers"))
        await owners.says("Twice as many codes today <3")
        await owners.waits_for(says("This is what your customers will read"))
        await owners.presses("📣 Send it to everybody")
        await owners.waits_for(says("This belongs to a package that you do not have"))
        assert not [m for m in await buyer.messages() if "Twice as many" in m.get("text", "")], "it was not paid for"
        [plan] = await shop.read(packages.plans, storefront_id=goods.storefront.id)
        await shop.write(packages.subscribe, customer_id=owner.id, plan_id=plan.id)
        await owners.says("/manage")
        await owners.presses("📣 Write to all customers")
        await owners.waits_for(says("What shall all customers"))
        await owners.says("Twice as many codes today <3")
        await owners.waits_for(says("This is what your customers will read"))
        await owners.presses("📣 Send it to everybody")
        await owners.waits_for(says("0 broadcasts are left"))
        await buyer.waits_for(says("Twice as many codes today <3"))
        assert not [m for m in await elsewhere.messages() if "Twice as many" in m.get("text", "")]
        # A button of /manage in the hands of a customer.
        async with Bot(STAR.token, session=_session(there)) as star_bot:
            user = (await buyer.person())["user"]
            keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="forged", callback_data="mgr:write:0")]])
            sent = await star_bot.send_message(int(user["id"]), "forged", reply_markup=keyboard)
            await buyer.presses((await buyer.waits_for(_is(sent.message_id)), "forged"))
            await buyer.says("Everything is free")
            await asyncio.sleep(0.5)
        assert not [m for m in await owners.messages() if "Everything is free" in m.get("text", "")]
    assert star.id


@on_sqlite
async def test_buttons_have_the_style_of_their_bot_and_no_other_bots_do(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    _, owner = ann
    star = await opened(shop, owner, STAR)
    await shop.write(brands.set_look, brand_id=star.id, owner_id=owner.id, style=Style.GREEN)

    def styles(message: dict[str, Any]) -> list[str | None]:
        return [row[0].get("style") for row in message["reply_markup"]["inline_keyboard"] if len(row) == 1]

    async with (
        running(shop, goods.storefront, there),
        Phone(there.url, "buyer", STAR.username) as buyer,
        Phone(there.url, "buyer", SHOP.username) as elsewhere,
    ):
        await buyer.says("/start")
        shown = await buyer.waits_for(lambda m: m["from"]["is_bot"] and "reply_markup" in m)
        assert set(styles(shown)) == {"success"}
        await elsewhere.says("/start")
        shown = await elsewhere.waits_for(lambda m: m["from"]["is_bot"] and "reply_markup" in m)
        assert "success" not in styles(shown)
        await shop.write(brands.set_look, brand_id=star.id, owner_id=owner.id, style=Style.PLAIN)
        await asyncio.sleep(1.5)
        asked = await buyer.says("/start")
        shown = await buyer.waits_for(_after(asked))
        assert "success" not in styles(shown)


@on_sqlite
async def test_pictures_and_files_cross_from_one_bot_to_the_other(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    """Each bot knows its own files only: what a buyer sends to the reseller's is seen by the staff in the shop's."""
    _, owner = ann
    star = await opened(shop, owner, STAR)
    async with (
        running(shop, goods.storefront, there),
        Phone(there.url, "buyer", STAR.username) as buyer,
        Phone(there.url, "admin", SHOP.username) as staff,
    ):
        await staff.changes(language_code="en")
        admin = int((await staff.person())["user"]["id"])
        await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[admin])
        await staff.says("/start")
        customer = await rich(buyer, shop, star)
        await buyer.says(f"/start sku-{goods.sku_id}")
        await buyer.waits_for(lambda m: any("Pay" in label for label in labels(m)))
        await buyer.presses("Pay")
        await buyer.waits_for(is_code)
        [order] = await shop.read(orders.history, buyer_id=customer.id)
        [sold] = await shop.read(orders.codes_sold, order.order_id)
        made = await shop.write(
            aftersale.open_case, order_id=order.order_id, code_id=sold.code_id, buyer_id=customer.id, reason=aftersale.Reason.USED
        )
        kept = there.world.files.keep(STAR.username, "proof.png", PIXEL, "photo")
        await shop.write(
            aftersale.buyer_says, case_id=made.case_id, buyer_id=customer.id, text="", picture=kept.file_id, picture_kind="photo", once="p"
        )
        async with Bot(TOKEN, session=_session(there)) as house:
            found = await shop.read(aftersale.pictures, case_id=made.case_id, storefront_id=goods.storefront.id)
            assert [one.front_id for one in found] == [star.storefront.id]
            press = Go(to="case-pics", id=made.case_id).pack()
            shown = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="all", callback_data=press)]])
            sent = await house.send_message(admin, "forged", reply_markup=shown)
        await staff.presses((await staff.waits_for(_is(sent.message_id)), "all"))
        await staff.waits_for(lambda m: "photo" in m)


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


async def test_a_database_that_is_away_for_a_moment_ends_no_bot_and_what_an_older_token_got_is_no_news(
    shop: Shop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await a_reseller(shop, storefront)
    star = await opened(shop, owner, STAR)
    async with Bot(TOKEN) as house, Bot(MOON.token) as older:
        voices = speaking(house)
        fleet = Fleet(shop, voices, lambda _: LocalPace())
        ask, fails = shop.read, [False]

        async def read(*args: Any, **kwargs: Any) -> Any:
            if fails[0]:
                raise ConnectionError
            return await ask(*args, **kwargs)

        monkeypatch.setattr(shop, "read", read)
        stop = asyncio.Event()
        running = asyncio.create_task(fleet.run(stop))

        async def open_again() -> bool:
            return star.id in fleet.members

        async def let_go() -> bool:
            return not fleet.members

        await until(open_again)
        member, fails[0] = fleet.members[star.id], True
        fleet.wake()
        await asyncio.sleep(0.1)
        assert not running.done() and fleet.members == {star.id: member} and not member.stop.is_set()
        fails[0] = False

        fleet.refused(star.storefront.id, older)
        await fleet.look()
        found = await shop.read(brands.brand, star.id)
        assert found is not None and found.refused_at is None
        fleet.refused(star.storefront.id, member.voice.bot)
        await until(let_go)

        stop.set()
        await running
        assert fleet.members == {}


@on_sqlite
async def test_a_bot_that_cannot_be_opened_keeps_no_other_from_it(shop: Shop, storefront: Storefront, database_url: str) -> None:
    owner = await a_reseller(shop, storefront)
    star, moon = await opened(shop, owner, STAR), await opened(shop, owner, MOON)
    async with aside(database_url) as connection:
        await connection.execute(text("UPDATE brands SET data_key = token WHERE id = :id"), {"id": star.id})
        await connection.commit()
    async with Bot(TOKEN) as house:
        voices = speaking(house)
        fleet = Fleet(shop, voices, lambda _: LocalPace())
        for _ in range(2):
            await fleet.look()
            assert set(fleet.members) == {moon.id} and set(voices.branded) == {moon.storefront.id}
        await shop.write(brands.close, brand_id=moon.id, owner_id=owner.id)
        await fleet.look()
        assert fleet.members == {} and voices.branded == {} and voices.of(storefront.id) is voices.house


@on_sqlite
async def test_a_banner_goes_before_the_welcome_and_the_last_days_come_as_a_picture(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer]
) -> None:
    phone, owner = ann
    star = await opened(shop, owner, STAR)
    async with running(shop, goods.storefront, there), Phone(there.url, "buyer", STAR.username) as buyer:
        customer = await rich(buyer, shop, star)
        await phone.says("/mybot")
        await phone.presses("🤖 Star Cards")
        await phone.presses("🖼 Banner")
        await phone.waits_for(says("Please send me a picture"))
        await phone.says("a picture")
        await phone.waits_for(says("This is no picture"))
        await phone.sends_file("sign.png", PIXEL, kind="photo")

        async def has_banner() -> bool:
            found = await shop.read(brands.brand, star.id)
            return found is not None and found.has_banner

        await until(has_banner)
        for _ in range(2):  # Sent as bytes the first time, by its id from then on.
            asked = await buyer.says("/start")
            await buyer.waits_for(_picture_after(asked))
            await buyer.waits_for(_welcome_after(asked))
        kept = await shop.read(brands.banner, star.id)
        assert kept is not None and kept[1]
        await phone.presses("🖼 Banner")
        await phone.says("-")
        await until(_not(has_banner))

        price = (await shop.read(pricing.branded, storefront_id=star.storefront.id))[goods.sku_id]
        await shop.write(
            orders.buy,
            storefront_id=star.storefront.id,
            buyer_id=customer.id,
            sku_id=goods.sku_id,
            quantity=2,
            price_id=price.id,
            rules_version=goods.rules_version,
            once="two",
        )
        await shop.write(brands.earn)
        course = await shop.read(insight.course_of_brand, star.id, days=7, timezone="Asia/Shanghai")
        assert (course.sales_minor, course.margin_minor, course.units) == (20_900, 1900, 2)
        assert [one.margin_minor for one in course.products] == [1900], "never what goods cost the shop"
        await phone.presses("📊 Pictures")
        await phone.waits_for(lambda m: "photo" in m and "¥209.00" in m["caption"] and "¥19.00" in m["caption"], timeout=30)


def _picture_after(mine: dict[str, Any]) -> Any:
    return lambda m: m["message_id"] > mine["message_id"] and "photo" in m


def _welcome_after(mine: dict[str, Any]) -> Any:
    return lambda m: m["message_id"] > mine["message_id"] and says("welcome to Star Cards")(m)


def _not(true: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    async def false() -> bool:
        return not await true()

    return false


@on_sqlite
async def test_a_new_name_is_in_the_menu_of_a_running_bot_and_whoever_else_uses_its_token_is_told_of(
    shop: Shop, goods: Goods, there: Sandbox, ann: tuple[Phone, Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.polling, "CONFLICT_SECONDS", (0.05, 0.1))
    star = await opened(shop, ann[1], STAR)
    async with running(shop, goods.storefront, there), Bot(STAR.token, session=_session(there)) as its_owner:

        async def described(word: str) -> bool:
            return word in (await its_owner.get_my_description(language_code="en")).description

        await until(lambda: described("Star Cards"))
        await shop.write(brands.rename, brand_id=star.id, owner_id=ann[1].id, name="Nova Cards")
        await until(lambda: described("Nova Cards"))

        async def takes() -> None:
            while True:
                with contextlib.suppress(TelegramConflictError):
                    await its_owner.get_updates(timeout=5)

        other = asyncio.create_task(takes())
        try:
            await ann[0].says("/start")
            await ann[0].waits_for(says("Another program uses @star_cards_bot, too"), timeout=20)
        finally:
            other.cancel()
        await its_owner.set_webhook("http://127.0.0.1:9/elsewhere")
        async with Phone(there.url, "buyer", STAR.username) as buyer:
            await buyer.changes(language_code="en")
            await buyer.says("/start")
            await buyer.waits_for(says("welcome to Nova Cards"), timeout=20)
