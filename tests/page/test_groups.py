"""A group on the page: each member's phone shows it, presses in it and writes in it."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from playwright.async_api import BrowserContext, expect

from sandbox import Sandbox, rooms
from tests.page.conftest import USERNAME, Screen, ScriptedBot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_group_is_made_on_a_phone_and_another_person_presses_and_writes_there(
    context: BrowserContext, sandbox: Sandbox, bot: ScriptedBot
) -> None:
    page = await context.new_page()
    await page.set_viewport_size({"width": 1180, "height": 760})
    await page.goto(f"{sandbox.url}/?phone=admin&bot={USERNAME}")
    admin, buyer = Screen(page, "admin"), Screen(page, "buyer")
    await admin.window.locator(".head-more").click()
    await admin.window.get_by_role("menuitem", name="New group with Card Shop").click()
    await expect(admin.window.locator(".head-bot")).to_have_text("Group of Admin")
    (room,) = sandbox.world.rooms.values()
    assert (await bot.hears("my_chat_member")).chat.id == room.id
    await admin.window.locator(".head-more").click()
    await admin.window.get_by_role("menuitem", name="Add Buyer").click()
    await expect(buyer.window.get_by_role("tab", name="Group of Admin")).to_be_visible()

    keys = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Approve", callback_data="yes")]])
    sent = await bot.api.send_message(room.id, "A new application", reply_markup=keys)
    await buyer.window.get_by_role("tab", name="Group of Admin").click()
    await buyer.field.fill("I take this one")
    await buyer.field.press("Enter")
    assert (await bot.hears("message")).text == "I take this one"
    await expect(admin.window.locator(".row.theirs .sender").last).to_have_text("小林")

    press = asyncio.create_task(bot.hears("callback_query"))
    await buyer.key("Approve").click()
    query = await press
    assert query.from_user.id == sandbox.world.phone("buyer").user_id
    await bot.api.edit_message_text("Approved by 小林", chat_id=room.id, message_id=sent.message_id)
    await bot.api.answer_callback_query(query.id, text="Done")
    for screen in (admin, buyer):
        await expect(screen.message(sent.message_id)).to_contain_text("Approved by 小林")
    await expect(buyer.toast).to_have_text("Done")
    assert rooms.named(sandbox.world, sandbox.world.phone("buyer"), str(room.id)) is room
    await page.close()
