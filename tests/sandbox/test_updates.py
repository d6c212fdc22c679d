"""Every kind of update the sandbox emits, fetched by polling and read by both libraries."""

import asyncio
from typing import Any

import aiogram.types
import pytest
import telegram
from pydantic import BaseModel

from sandbox import Sandbox
from sandbox.phone import Phone
from tests.sandbox.conftest import Call, Json, Refused
from tests.sandbox.pictures import png

# What python-telegram-bot 22.8 (Bot API 10.0) cannot know yet. Whatever else it does not understand is an error of the sandbox.
NEWER_THAN_PTB = {"InlineKeyboardButton.disabled"}

KINDS = {"message", "callback_query", "pre_checkout_query", "inline_query", "chosen_inline_result", "my_chat_member"}
CONTENTS = {"text", "document", "photo", "successful_payment", "refunded_payment", "via_bot", "reply_to_message", "entities"}

KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Buy", "callback_data": "buy", "style": "primary"}, {"text": "Sold out", "disabled": {}}],
        [{"text": "Copy", "copy_text": {"text": "A"}}, {"text": "Share", "switch_inline_query": "card"}],
        [
            {"text": "Open", "url": "https://t.me/card_shop_bot?start=x"},
            {"text": "App", "web_app": {"url": "https://example.org/"}},
        ],
    ]
}


def unknown_to_aiogram(value: Any) -> set[str]:
    """The fields, as Type.field, that aiogram's models had no place for."""
    found: set[str] = set()
    if isinstance(value, BaseModel):
        found |= {f"{type(value).__name__}.{name}" for name in value.model_extra or {}}
        for name in value.model_fields_set:
            found |= unknown_to_aiogram(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            found |= unknown_to_aiogram(item)
    return found


def unknown_to_ptb(value: Any) -> set[str]:
    """The same for python-telegram-bot: whatever ended in `api_kwargs`."""
    found: set[str] = set()
    if isinstance(value, telegram.TelegramObject):
        found |= {f"{type(value).__name__}.{name}" for name in value.api_kwargs}
        for kind in type(value).__mro__:
            for name in getattr(kind, "__slots__", ()):
                if name not in ("_bot", "_frozen", "_id_attrs", "api_kwargs"):
                    found |= unknown_to_ptb(getattr(value, name, None))
    elif isinstance(value, list | tuple):
        for item in value:
            found |= unknown_to_ptb(item)
    return found


async def every_act(call: Call, buyer: Phone, second: Phone, met: int) -> list[Json]:
    """Lets two people do all they can, and gives the updates the bot got."""
    updates: list[Json] = []

    async def next_update() -> Json:
        offset = updates[-1]["update_id"] + 1 if updates else 0
        fresh = await call("getUpdates", offset=offset, timeout=5)
        assert fresh, "an update should have come"
        updates.extend(fresh)
        return updates[-1]

    said = await buyer.says("/orders #late https://example.org/x 😀 @card_shop_bot me@example.org")
    await buyer.says("a reply", reply_to=said["message_id"])
    await buyer.sends_file("codes.txt", b"AAAA\n", "/import 7")
    await buyer.sends_file("qr.png", png(), "a picture", kind="photo")
    await next_update()
    await call("sendMessage", chat_id=met, text="<b>Steam</b>", parse_mode="HTML", reply_markup=KEYBOARD)
    await buyer.presses("Buy", wait_seconds=0)
    await next_update()

    price = [{"label": "Card", "amount": 7}]
    invoice = {"title": "T", "description": "D", "payload": "P", "currency": "XTR", "prices": price}
    await call("sendInvoice", chat_id=met, **invoice)
    paying = asyncio.create_task(buyer.pays())
    query = (await next_update())["pre_checkout_query"]
    await call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    charge = (await paying)["charge_id"]
    await call("refundStarPayment", user_id=met, telegram_payment_charge_id=charge)

    asking = asyncio.create_task(buyer.inline("steam"))
    while "inline_query" not in (await next_update()):
        pass
    content = {"message_text": "<b>Steam 50</b>", "parse_mode": "HTML"}
    article = {"type": "article", "id": "1", "title": "Steam", "input_message_content": content, "reply_markup": KEYBOARD}
    await call("answerInlineQuery", inline_query_id=updates[-1]["inline_query"]["id"], results=[article])
    assert [result["id"] for result in await asking] == ["1"]
    await buyer.sends_inline("1", "card_shop_bot")
    shared = await buyer.sends_inline("1", "second")
    await next_update()
    chosen = updates[-1]["chosen_inline_result"]

    # The friend presses in the chat of two people, which no bot is in.
    friend = Phone(second.base_url, "second", "buyer")
    await friend.presses("Buy", wait_seconds=0)
    assert (await next_update())["callback_query"]["inline_message_id"] == chosen["inline_message_id"]
    assert await call("editMessageText", inline_message_id=chosen["inline_message_id"], text="Sold out") is True
    assert (await friend.last())["text"] == "Sold out"
    await friend.close()
    assert shared["via_bot"]["username"] == "card_shop_bot"

    await buyer.blocks()
    await buyer.blocks(False)
    await next_update()
    return updates


async def test_each_update_is_understood_by_both_libraries(call: Call, buyer: Phone, second: Phone, met: int) -> None:
    updates = await every_act(call, buyer, second, met)

    kinds = {kind for update in updates for kind in update if kind != "update_id"}
    assert kinds == KINDS
    assert {name for update in updates for name in update.get("message", {})} >= CONTENTS
    newer: set[str] = set()
    for update in updates:
        read = aiogram.types.Update.model_validate(update)
        assert read.event_type in KINDS
        assert unknown_to_aiogram(read) == set()
        ptb = telegram.Update.de_json(update, None)
        newer |= unknown_to_ptb(ptb)
    assert newer == NEWER_THAN_PTB


async def test_the_messages_a_bot_gets_back_are_understood_by_both_libraries(call: Call, buyer: Phone, second: Phone, met: int) -> None:
    await every_act(call, buyer, second, met)

    shown = await buyer.messages()
    assert len(shown) > 8
    for message in shown:
        assert unknown_to_aiogram(aiogram.types.Message.model_validate(message)) == set()
        assert unknown_to_ptb(telegram.Message.de_json(message, None)) <= NEWER_THAN_PTB


async def test_updates_are_kept_until_they_are_confirmed(call: Call, buyer: Phone) -> None:
    for text in ("one", "two", "three"):
        await buyer.says(text)

    first = await call("getUpdates", limit=2)
    assert [update["message"]["text"] for update in first] == ["one", "two"]
    assert await call("getUpdates", limit=2) == first
    assert (await call("getWebhookInfo"))["pending_update_count"] == 3
    rest = await call("getUpdates", offset=first[-1]["update_id"] + 1)
    assert [update["message"]["text"] for update in rest] == ["three"]
    assert await call("getUpdates", offset=-1) == rest
    assert await call("getUpdates", offset=rest[-1]["update_id"] + 1) == []


async def test_an_edited_message_does_not_change_an_update_on_its_way(call: Call, buyer: Phone, met: int) -> None:
    sent = await call(
        "sendMessage", chat_id=met, text="before", reply_markup={"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    )
    await buyer.presses("Go", wait_seconds=0)
    await call("editMessageText", chat_id=met, message_id=sent["message_id"], text="after")

    assert (await call("getUpdates"))[0]["callback_query"]["message"]["text"] == "before"


async def test_a_waiting_poll_gets_what_comes(call: Call, buyer: Phone) -> None:
    polling = asyncio.create_task(call("getUpdates", timeout=20))
    await buyer.says("hello")

    assert (await asyncio.wait_for(polling, 5))[0]["message"]["text"] == "hello"


async def test_only_the_updates_a_bot_allows_are_kept(call: Call, buyer: Phone) -> None:
    await call("getUpdates", allowed_updates=["callback_query"])
    await buyer.says("nobody reads this")
    assert await call("getUpdates", allowed_updates=[]) == []
    await buyer.says("but this")
    assert [update["message"]["text"] for update in await call("getUpdates")] == ["but this"]


async def test_the_second_poller_ends_the_first_with_409(call: Call, sandbox: Sandbox) -> None:
    first = asyncio.create_task(call("getUpdates", timeout=20))
    await sandbox.world.mailboxes["card_shop_bot"].polled.wait()
    second = asyncio.create_task(call("getUpdates", timeout=0))

    with pytest.raises(Refused, match="409 Conflict: terminated by other getUpdates request"):
        await asyncio.wait_for(first, 5)
    assert await second == []


async def test_a_webhook_and_polling_exclude_each_other(call: Call) -> None:
    await call("setWebhook", url="http://127.0.0.1:9/hook")
    with pytest.raises(Refused, match="409 Conflict: can't use getUpdates method while webhook is active"):
        await call("getUpdates")
    await call("deleteWebhook", drop_pending_updates=True)
    assert await call("getUpdates") == []
