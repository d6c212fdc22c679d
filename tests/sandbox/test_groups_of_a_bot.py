"""Groups of the sandbox: who reads what, what a bot hears, and how a group becomes a supergroup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox import Sandbox
from sandbox.phone import Phone, PhoneRefused
from tests.sandbox.conftest import TOKEN

Json = dict[str, Any]


@pytest.fixture
async def owner(sandbox: Sandbox) -> AsyncIterator[Phone]:
    async with Phone(sandbox.url, "reseller") as phone:
        yield phone


async def bot_call(sandbox: Sandbox, method: str, **fields: Any) -> Json:
    async with aiohttp.ClientSession() as http, http.post(f"{sandbox.url}/bot{TOKEN}/{method}", json=fields) as answer:
        body: Json = await answer.json()
        return body


async def heard(sandbox: Sandbox, offset: int = 0) -> list[Json]:
    updates: list[Json] = (await bot_call(sandbox, "getUpdates", timeout=0, offset=offset))["result"]
    return updates


async def test_a_plain_member_hears_commands_and_replies_only(sandbox: Sandbox, owner: Phone) -> None:
    room = await owner.opens_room("Desk")
    await owner.adds_bot(room, "card_shop_bot")
    (added,) = await heard(sandbox)
    assert added["my_chat_member"]["new_chat_member"]["status"] == "member"
    async with Phone(sandbox.url, "reseller", str(room)) as here:
        for text in ("hello", "/balance", "/balance@card_shop_bot", "/balance@another_bot", "see /balance"):
            await here.says(text)
        said = await bot_call(sandbox, "sendMessage", chat_id=room, text="At your service")
        await here.says("thanks", reply_to=said["result"]["message_id"])
        texts = [update["message"]["text"] for update in await heard(sandbox, added["update_id"] + 1)]
        assert texts == ["/balance", "/balance@card_shop_bot", "thanks"]
        edited = await here.says("/price")
        await here.edits(edited["message_id"], "/price steam")
        hidden = await here.says("/stock", behind="anonymous")
        assert hidden["from"]["username"] == "GroupAnonymousBot" and hidden["sender_chat"]["id"] == room


async def test_everybody_in_it_reads_the_same_and_nobody_else(sandbox: Sandbox, owner: Phone) -> None:
    room = await owner.opens_room("Desk")
    await owner.adds_bot(room, "card_shop_bot")
    await owner.brings(room, "second")
    keyboard = {"inline_keyboard": [[{"text": "Press", "callback_data": "x"}]]}
    await bot_call(sandbox, "sendMessage", chat_id=room, text="Look", reply_markup=keyboard)
    async with Phone(sandbox.url, "second", str(room)) as second, Phone(sandbox.url, "buyer", str(room)) as stranger:
        assert [m["text"] for m in await second.messages()] == ["Look"]
        await second.presses("Press", wait_seconds=0)
        press = next(update for update in await heard(sandbox) if "callback_query" in update)["callback_query"]
        assert press["message"]["chat"]["id"] == room and press["from"]["id"] == (await second.person())["user"]["id"]
        with pytest.raises(PhoneRefused):
            await stranger.messages()
        with pytest.raises(PhoneRefused):
            await stranger.says("/balance")


async def test_a_group_becomes_a_supergroup_under_another_id(sandbox: Sandbox, owner: Phone) -> None:
    room = await owner.opens_room("Desk", "group")
    await owner.adds_bot(room, "card_shop_bot")
    new = await owner.migrates(room)
    told = [update["message"] for update in await heard(sandbox) if "message" in update]
    assert [(m["chat"]["id"], m.get("migrate_to_chat_id"), m.get("migrate_from_chat_id")) for m in told] == [
        (room, new, None),
        (new, None, room),
    ]
    refused = await bot_call(sandbox, "sendMessage", chat_id=room, text="Anybody?")
    assert refused["error_code"] == 400 and refused["parameters"] == {"migrate_to_chat_id": new}
    assert (await bot_call(sandbox, "sendMessage", chat_id=new, text="Here"))["ok"]
    await owner.makes_admin(new, [])
    assert (await bot_call(sandbox, "sendMessage", chat_id=new, text="Gone"))["error_code"] == 403
