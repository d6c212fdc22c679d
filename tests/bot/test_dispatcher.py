"""What happens when a conversation is refused or breaks: said once, in the person's language, and nothing answered before it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from bot import dispatcher as wiring
from bot.running import RunPlan, make_bot
from core.database import Shop
from core.errors import N_, Refusal
from core.storefronts import Storefront
from sandbox import Sandbox
from sandbox.phone import Json, Phone
from tests.bot.conftest import TOKEN


@dataclass(eq=False)
class NotToday(Refusal):
    says: ClassVar[str] = N_("Something went wrong on our side ({mark}). Nothing was lost; please try again.")

    mark: str


def stubborn() -> Router:
    """A conversation that refuses one button, breaks at another, and answers a third itself."""
    router = Router()

    @router.message()
    async def start(message: Message) -> None:
        keys = [[InlineKeyboardButton(text=word, callback_data=word)] for word in ("refuse", "break", "answer", "silent")]
        await message.answer("Press.", reply_markup=InlineKeyboardMarkup(inline_keyboard=keys))

    @router.callback_query()
    async def press(query: CallbackQuery) -> None:
        if query.data == "refuse":
            raise NotToday(mark="no")
        if query.data == "break":
            raise ZeroDivisionError("a mistake")
        if query.data == "answer":
            await query.answer("mine")

    return router


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_press_is_answered_once_with_the_refusal_the_mark_or_its_own_words(
    sandbox: Sandbox, shop: Shop, storefront: Storefront
) -> None:
    dispatcher = wiring.make_dispatcher(shop, storefront, {}, conversations=lambda: [stubborn()])
    async with make_bot(TOKEN, sandbox.url) as bot, Phone(sandbox.url, "second", "card_shop_bot") as phone:
        offset = 0

        async def handle() -> None:
            """Take the next update, however long a busy machine takes to bring it."""
            nonlocal offset
            async with asyncio.timeout(30):
                while not (updates := await bot.get_updates(offset=offset, timeout=2)):
                    pass
            for update in updates:
                offset = update.update_id + 1
                await dispatcher.feed_update(bot, update)

        await phone.says("/start")
        await handle()
        answers: dict[str, list[Json]] = {}
        for word in ("refuse", "break", "answer", "silent"):
            await phone.presses(word, wait_seconds=0)
            await handle()
            calls = (await phone.ask("GET", "/calls?method=answerCallbackQuery&limit=50"))["calls"]
            answers[word] = [call for call in calls if call["ok"]][len(answers) :]
            assert len(answers[word]) == 1, f"{word} was answered {len(answers[word])} times"
            assert len(calls) == len(answers), "an answer was refused by Telegram"

    assert answers["refuse"][0]["parameters"]["text"].startswith("Something went wrong on our side (no)")
    assert answers["break"][0]["parameters"]["show_alert"] in (True, "true")
    assert answers["answer"][0]["parameters"]["text"] == "mine"
    assert "text" not in answers["silent"][0]["parameters"]


def test_a_plan_never_shows_its_token() -> None:
    plan = RunPlan.__dataclass_fields__

    assert not plan["token"].repr
    assert not plan["redis_url"].repr
