"""A whole shop for a test: the sandbox, the bot with every conversation, a courier, and people with phones who press and count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties

from bot.asking import Asker
from bot.courier import Courier
from bot.dispatcher import make_dispatcher
from bot.intake import Intake
from bot.pace import Rates
from bot.polling import Polling
from bot.telegram_calls import BotCalls
from connectors.payments.stars import Stars
from core import orders, rates
from core.database import Shop
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from papers.studio import Studio
from sandbox import BotSpec, Patience, Sandbox
from sandbox.phone import Phone, labels
from tests.handlers.recorder import breakages
from tests.line import Line
from tests.speaking import speaking
from tests.stage import give, person

SPEC = BotSpec("7000000001:AAtests-of-the-conversations", "card_shop_bot", "Card Shop")
HASTY = Patience(callback=8, pre_checkout=8, inline=5)
QUICK = Rates(everybody=1000, everybody_burst=100, chat=1000, chat_burst=100)

Json = dict[str, Any]


@dataclass
class Buyer:
    """Somebody with a phone whose presses are counted."""

    phone: Phone
    customer: Customer
    presses: int = 0

    async def press(self, label: str) -> Json | None:
        """Press the button of that label on the newest message that has it."""
        self.presses += 1
        return await self.phone.presses(label)

    async def say(self, text: str) -> Json:
        """Send a text and wait for the next message of the bot; gives that."""
        mine = await self.phone.says(text)
        return await self.answer_after(mine["message_id"])

    async def answer_after(self, message_id: int) -> Json:
        """The first thing the bot says after this message."""
        return await self.phone.waits_for(lambda m: m["message_id"] > message_id and m["from"]["is_bot"])

    async def sees(self, text: str) -> Json:
        """The newest message in which this stands, in the text or the caption."""
        return await self.phone.waits_for(lambda m: text in (m.get("text") or m.get("caption") or ""))

    async def screen(self) -> Json:
        return await self.phone.screen()

    async def buttons(self) -> list[str]:
        return labels(await self.phone.screen())


@dataclass
class Counter:
    """The open shop."""

    shop: Shop
    storefront: Storefront
    sandbox: Sandbox
    bot: Bot
    dispatcher: Dispatcher
    courier: Courier
    stack: AsyncExitStack
    broken: list[Exception]
    asker: Asker
    buyers: list[Buyer] = field(default_factory=list)

    async def buyer(self, phone_id: str = "second", money_minor: int = 0, language: str = "en") -> Buyer:
        """Somebody who opens the chat for the first time, with money in the wallet."""
        phone = await self.stack.enter_async_context(Phone(self.sandbox.url, phone_id, SPEC.username))
        await phone.changes(language_code=language)
        user = (await phone.person())["user"]
        customer = await person(self.shop, self.storefront, int(user["id"]))
        if money_minor:
            await give(self.shop, customer, money_minor)
        made = Buyer(phone, customer)
        self.buyers.append(made)
        return made

    async def press_forged(self, buyer: Buyer, data: str) -> Json | None:
        """Press a button that this shop never drew, under a message that it did."""
        message = await self.bot.send_message(buyer.customer.telegram_id, "A forged screen", reply_markup=_keyboard(data))
        return await buyer.phone.presses(((await buyer.phone.waits_for(lambda m: m["message_id"] == message.message_id)), "forged"))

    def refused_calls(self) -> list[Json]:
        """Every call Telegram refused, but for two that are meant: a press answered twice, and a screen that is so already.

        (An edit that was refused for another reason is a breakage of its handler.)
        """
        return [
            call for call in self.sandbox.world.calls if not call["ok"] and call["method"] not in ("answerCallbackQuery", "editMessageText")
        ]


def _keyboard(data: str) -> Any:
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="forged", callback_data=data)]])


@asynccontextmanager
async def opened(
    shop: Shop,
    storefront: Storefront,
    *,
    stars: bool = True,
    rate: Fraction | None = Fraction(10),
    more: Mapping[str, PaymentMethod] | None = None,
    hold_rules: orders.HoldRules = orders.HoldRules(),
) -> AsyncIterator[Counter]:
    """A shop that is open; one Star is worth `rate` fen. `more` ways to be paid are asked in the background as in the running shop."""
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(bots=[SPEC], patience=HASTY)
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        session = Line(sandbox.url)
        bot = await stack.enter_async_context(Bot(SPEC.token, session=session, default=DefaultBotProperties(parse_mode="HTML")))
        methods: dict[str, PaymentMethod] = {"stars": Stars(BotCalls(bot))} if stars else {}
        if rate is not None:
            await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=rate, source="test")
        methods |= more or {}
        voices = speaking(bot, username=SPEC.username)
        asker = Asker(shop, storefront, voices, methods)
        studio = Studio()
        stack.push_async_callback(studio.close)
        dispatcher = make_dispatcher(
            shop, storefront, methods, hold_rules=hold_rules, wake_asker=asker.wake, ask_now=asker.ask, studio=studio
        )
        broken = breakages(dispatcher)
        stop = asyncio.Event()
        courier = Courier(shop, voices)
        intake = Intake(dispatcher, bot, after=courier.wake)
        polling = Polling(bot, intake, dispatcher.resolve_used_update_types())
        tasks = [asyncio.create_task(courier.run(stop)), asyncio.create_task(polling.run(stop)), asyncio.create_task(asker.run(stop))]

        async def close() -> None:
            stop.set()
            await asyncio.gather(*tasks)

        stack.push_async_callback(close)
        counter = Counter(shop, storefront, sandbox, bot, dispatcher, courier, stack, broken, asker)
        yield counter
        # Every story ends with this: nothing broke, and Telegram took everything.
        if broken:
            raise broken[0]
        refused = counter.refused_calls()
        assert not refused, refused
