"""Every screen in every language, within Telegram's limits, with names as long and as wild as the shop allows."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from aiogram.methods import EditMessageText, SendMessage
from aiogram.types import BotCommand, InlineKeyboardMarkup
from telegram.constants import BotCommandLimit, InlineKeyboardMarkupLimit

from bot.dispatcher import make_dispatcher
from bot.telegram_calls import BotCalls
from connectors.payments.stars import Stars
from core import catalog, orders, people, pricing, rates, supply
from core.database import Shop
from core.storefronts import Storefront
from handlers import callbacks
from handlers.commands import COMMANDS, STAFF_COMMANDS, commands_in
from handlers.notes_of_money import CREDITED
from handlers.notices import UnknownNotice, notice
from locales import Speech, languages
from tests.handlers.recorder import Person, breakages, recording_bot
from tests.handlers.telegram_rules import checked, visible
from tests.stage import Goods, give, person, put_on_sale, stock

WILD = "<b>Ünïcode & 游戏 “cards” 😀</b> "


async def a_wild_shop(shop: Shop, storefront: Storefront, denominations: int = 8) -> list[Goods]:
    """Deep categories, long names, many denominations, sold out ones, regions, limits."""
    parent = None
    for depth in range(4):
        parent = await shop.write(catalog.add_category, slug=f"deep-{depth}", name=(WILD * 10)[:200], parent_id=parent, icon="🎮")
    product = await shop.write(
        catalog.add_product,
        category_id=parent or 0,
        slug="wild",
        name=(WILD * 10)[:200],
        search="wild 游戏",
        icon="🎮",
        description=WILD * 100,
        redeem=WILD * 200,
    )
    made = []
    for number in range(denominations):
        sku = await shop.write(
            catalog.add_sku,
            product_id=product,
            slug=f"wild-{number}",
            name=(f"{number} {WILD}" * 10)[:200],
            face_value_minor=10_000 + number,
            face_currency="USD",
            redeem_region=["US", "GLOBAL", "EU", "XX", "ASIA-PACIFIC", None][number % 6],
            min_quantity=1,
            max_quantity=500,
            max_per_buyer=7 if number == 0 else None,
        )
        price = await shop.write(
            pricing.set_price, storefront_id=storefront.id, sku_id=sku, retail_minor=1000 + number, currency=storefront.currency
        )
        offer = await shop.write(supply.own_offer, storefront=storefront, sku_id=sku)
        if number < 3:
            await stock(shop, offer.id, sku, [3, 40, 12][number])
        view = await shop.read(catalog.sku, sku)
        assert view is not None
        made.append(Goods(storefront, parent or 0, product, sku, offer.id, price.id, view.rules_version))
    for number in range(12):
        await put_on_sale(shop, storefront, name=f"Plain {number}", denomination=f"Plain {number}", count=0)
    return made


@pytest.fixture
def database() -> str:
    """What is on a screen does not depend on the database; the journeys run on both."""
    return "sqlite"


def buttons(method: Any) -> Iterator[str]:
    markup = method.reply_markup
    if markup is None:  # Only a part of a parcel has no buttons: they stand under the last part.
        assert isinstance(method, SendMessage)
        return
    assert isinstance(markup, InlineKeyboardMarkup)
    for row in markup.inline_keyboard:
        for button in row:
            if button.callback_data:
                yield button.callback_data


async def test_a_walk_over_every_button_in_every_language_meets_nothing_telegram_refuses(shop: Shop, storefront: Storefront) -> None:
    made = await a_wild_shop(shop, storefront)
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(10), source="test")
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {"stars": Stars(BotCalls(bot))})
    broken = breakages(dispatcher)
    for number, language in enumerate(languages()):
        customer = await person(shop, storefront, 500 + number)
        await shop.write(people.choose_language, customer_id=customer.id, language=language)
        await give(shop, customer, 9000)
        walker = Person(dispatcher, bot, 500 + number, language)
        for quantity in (1, 2, 2, 3, 1, 1):
            terms = made[1].terms()
            await shop.write(orders.buy, buyer_id=customer.id, quantity=1, once=f"{language}{quantity}{len(said.calls)}", **terms)
            await walker.says("/start")
        await shop.write(
            orders.place,
            buyer_id=customer.id,
            quantity=1,
            once=f"pending-{language}",
            provider="stars",
            pay_currency="XTR",
            seconds=900,
            **made[2].terms(),
        )
        for text in ("/orders", "/balance", "/help", "/terms", "/paysupport", "/language", "/cancel", "/nonsense", "wild", "plain", "zzz"):
            await walker.says(text)
        await walker.says(f"/start p-{made[0].product_id}")
        await walker.says(f"/start sku-{made[0].sku_id}")
        await walker.says("/start sku-wild-7")
        await walker.says("/start own-nonsense")
        seen: set[str] = set()
        while True:
            screens = [call for call in said.taken() if isinstance(call, SendMessage | EditMessageText)]
            waiting = sorted({data for method in screens for data in buttons(method)})
            # One button of a kind, and every category and page: the same screen with another name is no other screen.
            fresh = [data for data in waiting if kind_of(data) not in seen]
            if not fresh:
                break
            for data in fresh:
                if kind_of(data) in seen:
                    continue
                seen.add(kind_of(data))
                if not data.startswith("l:"):
                    await walker.presses(data)
        if broken:
            raise broken[0]
        kinds = {data.partition(":")[0] for data in seen}
        assert kinds >= set("hcpsqbxwodkamtyLln?i"), sorted(set("hcpsqbxwodkamtyLln?i") - kinds)


def kind_of(data: str) -> str:
    """Buttons that draw the same kind of screen."""
    kind, _, rest = data.partition(":")
    return data if kind in "cpod" else kind if kind in "bxtka" else f"{kind}:{rest.partition(':')[2]}" if kind == "s" else kind


async def test_every_notice_is_said_in_every_language(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    bodies: list[dict[str, Any]] = [
        *({"says": "credited", "why": why, "order": 5, "amount_minor": 7500, "currency": "CNY"} for why in (*CREDITED, "new")),
        {"says": "credited", "why": "deposit", "order": None, "amount_minor": 7500, "currency": "CNY"},
        {"says": "credited", "why": "second-payment", "order": None, "amount_minor": 7500, "currency": "CNY"},
        {"says": "adjusted", "amount_minor": 100, "balance_minor": 200, "currency": "CNY", "reason": WILD * 20},
        {"says": "adjusted", "amount_minor": -100, "balance_minor": 0, "currency": "CNY", "reason": ""},
        {"says": "restocked", "sku": goods.sku_id},
        {"says": "restocked", "sku": 10**12},
        {"says": "broadcast", "text": WILD * 100},
        {"says": "low-stock", "sku": goods.sku_id, "left": 0},
        {"says": "low-stock", "sku": goods.sku_id, "left": 1},
        {"says": "low-stock", "sku": goods.sku_id, "left": 22},
        {"says": "low-stock", "sku": 10**12, "left": 22},
    ]
    for language in languages():
        for body in bodies:
            text, keyboard = await notice(body, Speech(language), shop=shop, storefront=storefront)
            assert visible(text)
            checked(keyboard)
    with pytest.raises(UnknownNotice, match="never heard of"):
        await notice({"says": "never heard of"}, Speech("en"), shop=shop, storefront=storefront)


@pytest.mark.parametrize("language", languages())
def test_the_menu_of_commands_is_within_the_limits(language: str) -> None:
    shown: list[BotCommand] = commands_in(Speech(language), staff=True)
    assert [one.command for one in shown] == [*STAFF_COMMANDS, *COMMANDS]
    for one in shown:
        assert BotCommandLimit.MIN_DESCRIPTION <= len(one.description) <= 60
        assert len(one.command) <= BotCommandLimit.MAX_COMMAND


async def test_a_product_with_very_many_denominations_says_that_there_are_more(shop: Shop, storefront: Storefront) -> None:
    made = await a_wild_shop(shop, storefront, 45)
    bot, said = recording_bot()
    dispatcher = make_dispatcher(shop, storefront, {})
    await Person(dispatcher, bot, 1).says(f"/start p-{made[0].product_id}")

    sent = said.calls[-1]
    assert isinstance(sent, SendMessage) and "Not everything fits" in str(sent.text)
    assert isinstance(sent.reply_markup, InlineKeyboardMarkup)
    assert len(checked(sent.reply_markup)) <= InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER
    assert len([data for data in buttons(sent) if data.startswith("w:")]) == 37, "a bell beside each sold-out one"
    assert callbacks.Sku(id=made[0].sku_id, direct=False, way=callbacks.Way.CATEGORY).pack() in set(buttons(sent))
