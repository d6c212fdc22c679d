"""Groups are on every member's phone: what is said there, what bots hear of it, and what they may take away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from sandbox import BotSpec, Sandbox

TOKEN, OTHER = "7000000001:AAtest-of-groups-00000000000000000", "7000000002:AAtest-of-groups-00000000000000000"


@pytest.fixture
async def sandbox() -> Any:
    made = Sandbox(bots=[BotSpec(TOKEN, "card_shop_bot", "Card Shop"), BotSpec(OTHER, "other_bot", "Other")])
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def line(sandbox: Sandbox) -> Any:
    async with aiohttp.ClientSession(sandbox.url) as made:
        yield made


async def asks(line: aiohttp.ClientSession, path: str, status: int = 200, **body: Any) -> Any:
    async with line.post(path, json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def calls(line: aiohttp.ClientSession, method: str, token: str = TOKEN, **body: Any) -> Any:
    async with line.post(f"/bot{token}/{method}", json=body) as answer:
        return await answer.json()


async def group(line: aiohttp.ClientSession) -> int:
    """The admin's group with the buyer in it; the shop's bot is an admin there, the other one a plain member."""
    made = await asks(line, "/phones/admin/rooms", title="Staff")
    room = int(made["room"]["id"])
    await asks(line, f"/phones/admin/rooms/{room}/admin", bot="card_shop_bot")
    await asks(line, f"/phones/admin/rooms/{room}/admin", bot="other_bot", member=True)
    await asks(line, f"/phones/admin/rooms/{room}/add", phone="buyer")
    return room


async def heard(line: aiohttp.ClientSession, token: str = TOKEN) -> list[dict[str, Any]]:
    got = (await calls(line, "getUpdates", token))["result"]
    if got:
        await calls(line, "getUpdates", token, offset=got[-1]["update_id"] + 1)
    return [update["message"] for update in got if "message" in update]


async def shown(line: aiohttp.ClientSession, phone: str, room: int, status: int = 200) -> list[str]:
    async with line.get(f"/phones/{phone}/chats/{room}") as answer:
        assert answer.status == status
        return [message.get("text", "") for message in (await answer.json()).get("messages", [])]


async def test_what_is_said_in_a_group_is_on_every_members_phone_and_on_no_other(line: aiohttp.ClientSession) -> None:
    room = await group(line)
    sent = (await calls(line, "sendMessage", chat_id=room, text="A new application"))["result"]
    assert sent["chat"] == {"id": room, "type": "supergroup", "title": "Staff"}
    await asks(line, f"/phones/buyer/chats/{room}/text", text="I look at it")

    for phone in ("admin", "buyer"):
        assert await shown(line, phone, room) == ["A new application", "I look at it"]
    await shown(line, "reseller", room, status=404)
    await asks(line, f"/phones/reseller/chats/{room}/text", status=404, text="me too")
    async with line.get("/phones") as answer:
        phones = {phone["id"]: phone["rooms"] for phone in (await answer.json())["phones"]}
    assert phones["buyer"] == [{"id": str(room), "title": "Staff", "type": "supergroup"}] and phones["reseller"] == []


async def test_an_admin_bot_hears_everything_and_a_plain_member_commands_and_replies(line: aiohttp.ClientSession) -> None:
    room = await group(line)
    theirs = (await calls(line, "sendMessage", OTHER, chat_id=room, text="Hello"))["result"]["message_id"]
    said = f"/phones/buyer/chats/{room}/text"
    for body in ({"text": "good morning"}, {"text": "/balance"}, {"text": "/balance@card_shop_bot"}, {"text": "yes", "reply_to": theirs}):
        await asks(line, said, **body)

    ours = await heard(line)
    assert [one["text"] for one in ours] == ["good morning", "/balance", "/balance@card_shop_bot", "yes"]
    assert {one["chat"]["id"] for one in ours} == {room} and {one["from"]["first_name"] for one in ours} == {"小林"}
    assert [one["text"] for one in await heard(line, OTHER)] == ["/balance", "yes"]


async def test_a_press_in_a_group_is_of_whoever_pressed_and_its_answer_too(line: aiohttp.ClientSession) -> None:
    room = await group(line)
    markup = {"inline_keyboard": [[{"text": "Approve", "callback_data": "yes"}]]}
    card = (await calls(line, "sendMessage", chat_id=room, text="A card", reply_markup=markup))["result"]["message_id"]
    await heard(line)

    press = asyncio.create_task(asks(line, f"/phones/buyer/chats/{room}/press", message_id=card, row=0, column=0))
    query: dict[str, Any] = {}
    while not query:
        for update in (await calls(line, "getUpdates", timeout=5))["result"]:
            query = update.get("callback_query", query)
    assert query["from"]["first_name"] == "小林" and query["message"]["chat"]["id"] == room
    edit = await calls(line, "editMessageText", chat_id=room, message_id=card, text="Approved")
    assert edit["ok"], edit
    await calls(line, "answerCallbackQuery", callback_query_id=query["id"], text="Done")
    assert (await press)["answer"]["text"] == "Done"
    assert await shown(line, "admin", room) == ["Approved"]


async def test_a_bot_takes_away_its_own_words_and_others_only_with_the_right(line: aiohttp.ClientSession) -> None:
    room = await group(line)
    said = (await asks(line, f"/phones/buyer/chats/{room}/text", text="a secret"))["message"]["message_id"]
    own = (await calls(line, "sendMessage", chat_id=room, text="mine"))["result"]["message_id"]
    assert (await calls(line, "deleteMessage", chat_id=room, message_id=own))["ok"]
    refused = await calls(line, "deleteMessage", chat_id=room, message_id=said)
    assert refused["description"] == "Bad Request: message can't be deleted"
    await asks(line, f"/phones/admin/rooms/{room}/admin", bot="card_shop_bot", rights=["can_delete_messages"])
    assert (await calls(line, "deleteMessage", chat_id=room, message_id=said))["ok"]
    assert await shown(line, "buyer", room) == []
    await asks(line, f"/phones/buyer/chats/{room}/clear", status=403)


async def test_who_leaves_sees_it_no_more_and_a_bot_that_is_out_may_not_write(line: aiohttp.ClientSession) -> None:
    room = await group(line)
    await asks(line, f"/phones/buyer/rooms/{room}/leave")
    await shown(line, "buyer", room, status=404)
    await asks(line, f"/phones/admin/rooms/{room}/admin", bot="card_shop_bot", rights=[])
    answer = await calls(line, "sendMessage", chat_id=room, text="still here?")
    assert answer["error_code"] == 403, json.dumps(answer)
