"""Buttons, payments, files and words: everything a person can press or send."""

import asyncio
from pathlib import Path

import pytest
from aiogram.types import (
    BotCommand,
    CopyTextButton,
    DisabledButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    KeyboardButton,
    LabeledPrice,
    ReplyKeyboardMarkup,
)
from playwright.async_api import expect

from sandbox import Sandbox
from tests.page.conftest import USERNAME, Screen, ScriptedBot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def shows(bot: ScriptedBot, person: int, *rows: list[InlineKeyboardButton]) -> int:
    sent = await bot.api.send_message(person, "Choose", reply_markup=InlineKeyboardMarkup(inline_keyboard=list(rows)))
    return sent.message_id


async def test_a_press_is_busy_until_answered_and_shows_the_toast(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await shows(bot, buyer_id, [InlineKeyboardButton(text="Buy", callback_data="buy")])
    await buyer.key("Buy").click()
    press = await bot.hears("callback_query")
    await expect(buyer.key("Buy")).to_have_attribute("aria-busy", "true")
    await buyer.key("Buy").click()

    await bot.api.answer_callback_query(press.id, text="In your basket")

    await expect(buyer.toast).to_have_text("In your basket")
    await expect(buyer.key("Buy")).not_to_have_attribute("aria-busy", "true")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await bot.hears("callback_query")


async def test_an_alert_covers_its_own_phone_and_gives_the_focus_back(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await buyer.page.set_viewport_size({"width": 1280, "height": 800})
    await buyer.page.locator('.phone-entry[data-phone="admin"]').click()
    await shows(bot, buyer_id, [InlineKeyboardButton(text="Buy", callback_data="buy")])
    await buyer.key("Buy").click()
    await bot.api.answer_callback_query((await bot.hears("callback_query")).id, text="Sold out", show_alert=True)

    alert = buyer.window.get_by_role("alertdialog")
    await expect(alert).to_contain_text("Sold out")
    await expect(alert.get_by_role("button", name="OK")).to_be_focused()
    assert await buyer.page.locator('.window[data-phone="admin"]').get_by_role("alertdialog").count() == 0
    await buyer.page.keyboard.press("Enter")

    await expect(alert).to_have_count(0)
    await expect(buyer.key("Buy")).to_be_focused()


async def test_a_disabled_button_is_reachable_and_does_nothing(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    sold_out = InlineKeyboardButton(text="Steam 50 · sold out", disabled=DisabledButton())
    await shows(bot, buyer_id, [sold_out, InlineKeyboardButton(text="Other", callback_data="other", style="danger")])
    key = buyer.key("sold out")
    await expect(key).to_be_disabled()
    await expect(buyer.key("Other")).to_contain_class("danger")

    await key.click(force=True)
    await buyer.key("Other").click()

    press = await bot.hears("callback_query")
    assert press.data == "other"
    await bot.api.answer_callback_query(press.id)


async def test_the_keyboard_alone_reaches_and_presses_a_button(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await shows(
        bot,
        buyer_id,
        [InlineKeyboardButton(text="One", callback_data="1"), InlineKeyboardButton(text="Two", callback_data="2")],
        [InlineKeyboardButton(text="Three", callback_data="3"), InlineKeyboardButton(text="Four", callback_data="4")],
    )
    await expect(buyer.key("Four")).to_be_visible()
    await buyer.field.focus()
    keyboard = buyer.page.keyboard

    await keyboard.press("ArrowUp")
    await expect(buyer.key("One")).to_be_focused()
    await keyboard.press("ArrowRight")
    await keyboard.press("ArrowDown")
    await expect(buyer.key("Four")).to_be_focused()
    await keyboard.press("Enter")

    press = await bot.hears("callback_query")
    assert press.data == "4"
    await bot.api.answer_callback_query(press.id)
    await keyboard.press("Escape")
    await expect(buyer.field).to_be_focused()


async def test_the_tab_key_stops_once_at_a_keyboard(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await shows(bot, buyer_id, [InlineKeyboardButton(text=str(number), callback_data=str(number)) for number in range(8)])
    await expect(buyer.key("7")).to_be_visible()
    await buyer.key("0").focus()

    await buyer.page.keyboard.press("Tab")

    assert await buyer.window.locator(".key:focus").count() == 0


async def test_a_copy_button_puts_its_text_on_the_clipboard(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await shows(bot, buyer_id, [InlineKeyboardButton(text="Copy code", copy_text=CopyTextButton(text="4F7A-99KQ"))])

    await buyer.key("Copy code").click()

    await expect(buyer.toast).to_have_text("Copied")
    assert await buyer.page.evaluate("navigator.clipboard.readText()") == "4F7A-99KQ"


async def invoice(bot: ScriptedBot, person: int, stars: int) -> None:
    await bot.api.send_invoice(
        person,
        title="Steam 50 USD",
        description="One card",
        payload="order-1",
        currency="XTR",
        prices=[LabeledPrice(label="Card", amount=stars)],
    )


async def test_an_invoice_is_paid_from_the_phones_stars(buyer: Screen, bot: ScriptedBot, buyer_id: int, sandbox: Sandbox) -> None:
    await invoice(bot, buyer_id, 250)
    await buyer.window.locator(".key[data-action=pay]").click()
    sheet = buyer.window.get_by_role("dialog", name="Invoice")
    await expect(sheet).to_contain_text("Steam 50 USD")
    await expect(sheet).to_contain_text("⭐ 5,000")

    await sheet.get_by_role("button", name="Pay ⭐ 250").click()
    asked = await bot.hears("pre_checkout_query")
    await expect(sheet.get_by_role("button", name="Pay ⭐ 250")).to_have_attribute("aria-busy", "true")
    await bot.api.answer_pre_checkout_query(asked.id, ok=True)

    await expect(sheet).to_contain_text("Paid")
    assert (await bot.hears("message")).successful_payment.total_amount == 250
    await expect(buyer.window.locator(".note")).to_have_text("You paid ⭐ 250 for Steam 50 USD")
    await expect(buyer.window.locator(".head-stars")).to_have_text("⭐ 4,750")
    await expect(sheet).to_have_count(0)


async def test_a_payment_the_bot_refuses_says_why_and_costs_nothing(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await invoice(bot, buyer_id, 250)
    await buyer.window.locator(".key[data-action=pay]").click()
    sheet = buyer.window.get_by_role("dialog", name="Invoice")
    await sheet.get_by_role("button", name="Pay ⭐ 250").click()
    asked = await bot.hears("pre_checkout_query")
    await bot.api.answer_pre_checkout_query(asked.id, ok=False, error_message="The last card was just sold.")

    await expect(sheet.get_by_role("status")).to_have_text("The last card was just sold.")
    await expect(sheet).to_contain_text("⭐ 5,000")
    await sheet.get_by_role("button", name="Cancel").click()
    await expect(sheet).to_have_count(0)


async def test_a_file_is_sent_and_opened_again(buyer: Screen, bot: ScriptedBot, tmp_path: Path) -> None:
    codes = tmp_path / "коды 卡密.txt"
    codes.write_text("AAA-1\nBBB-2\n", encoding="utf-8")
    await buyer.window.locator("input[type=file]").set_input_files(codes)
    dialog = buyer.window.get_by_role("dialog", name="Send a file")
    await dialog.get_by_label("Caption").fill("new stock")
    await dialog.get_by_role("button", name="Send").click()

    heard = await bot.hears("message")
    assert (heard.document.file_name, heard.caption) == ("коды 卡密.txt", "new stock")
    body = await bot.api.download(heard.document)
    assert body is not None
    assert body.read() == b"AAA-1\nBBB-2\n"
    await buyer.message(heard.message_id).get_by_role("button", name="Open").click()
    await expect(buyer.window.locator(".viewer-place")).to_contain_text("BBB-2")


async def test_a_picture_dropped_on_the_chat_is_sent_as_a_photo(buyer: Screen, bot: ScriptedBot) -> None:
    await buyer.window.evaluate(
        """async (window_) => {
            const canvas = new OffscreenCanvas(64, 48);
            canvas.getContext("2d").fillRect(0, 0, 64, 48);
            const bag = new DataTransfer();
            bag.items.add(new File([await canvas.convertToBlob()], "proof.png", {type: "image/png"}));
            for (const kind of ["dragenter", "dragover", "drop"])
                window_.dispatchEvent(new DragEvent(kind, {dataTransfer: bag, bubbles: true, cancelable: true}));
        }"""
    )
    dialog = buyer.window.get_by_role("dialog", name="Send a file")
    await expect(dialog.get_by_label("As a photo")).to_be_checked()
    await dialog.get_by_role("button", name="Send").click()

    heard = await bot.hears("message")
    assert heard.photo
    drawn = buyer.message(heard.message_id).locator("img")
    await expect(drawn).to_be_visible()
    assert await drawn.evaluate("async image => (await image.decode(), image.naturalWidth)") > 0


async def test_the_commands_menu_filters_as_one_types(buyer: Screen, bot: ScriptedBot) -> None:
    commands = [("orders", "My orders"), ("balance", "Balance"), ("language", "Language")]
    await bot.api.set_my_commands([BotCommand(command=command, description=words) for command, words in commands])
    await buyer.window.get_by_role("button", name="Commands").click()
    await expect(buyer.window.get_by_role("option")).to_have_count(3)

    await buyer.field.fill("/")
    await buyer.field.press_sequentially("la")
    await expect(buyer.window.get_by_role("option")).to_have_text(["/languageLanguage"])
    await buyer.page.keyboard.press("Enter")

    assert (await bot.hears("message")).text == "/language"
    await expect(buyer.field).to_have_value("")


async def test_enter_sends_and_shift_enter_makes_a_line(buyer: Screen, bot: ScriptedBot) -> None:
    await buyer.field.focus()
    await buyer.page.keyboard.type("first")
    await buyer.page.keyboard.press("Shift+Enter")
    await buyer.page.keyboard.type("second")
    await buyer.page.keyboard.press("Enter")

    assert (await bot.hears("message")).text == "first\nsecond"


async def test_a_reply_keyboard_speaks_for_the_person(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    markup = ReplyKeyboardMarkup(
        keyboard=[[KeyboardButton(text="🛒 Shop"), KeyboardButton(text="Orders")]],
        resize_keyboard=True,
        input_field_placeholder="Search a card",
    )
    await bot.api.send_message(buyer_id, "Welcome", reply_markup=markup)

    await expect(buyer.field).to_have_attribute("placeholder", "Search a card")
    await buyer.window.locator(".reply-key", has_text="Shop").click()

    assert (await bot.hears("message")).text == "🛒 Shop"
    await buyer.window.get_by_role("button", name="Hide keyboard").click()
    await expect(buyer.window.locator(".reply-key").first).to_be_hidden()


async def test_a_link_to_the_bot_starts_it_with_its_payload(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    await shows(bot, buyer_id, [InlineKeyboardButton(text="Steam", url=f"https://t.me/{USERNAME}?start=sku-7")])

    await buyer.key("Steam").click()

    assert (await bot.hears("message")).text == "/start sku-7"


async def test_inline_mode_shows_results_and_sends_the_chosen_one(buyer: Screen, bot: ScriptedBot) -> None:
    await buyer.field.press_sequentially(f"@{USERNAME} steam")
    asked = await bot.hears("inline_query")
    while asked.query != "steam":
        asked = await bot.hears("inline_query")
    results = [
        InlineQueryResultArticle(
            id=str(usd),
            title=f"Steam {usd} USD",
            description="in stock",
            input_message_content=InputTextMessageContent(message_text=f"Card of {usd}"),
        )
        for usd in (10, 20)
    ]
    await bot.api.answer_inline_query(asked.id, results=list(results))

    await expect(buyer.window.get_by_role("option")).to_have_count(2)
    await buyer.page.keyboard.press("ArrowDown")
    await buyer.page.keyboard.press("Enter")

    assert (await bot.hears("chosen_inline_result")).result_id == "20"
    await expect(buyer.window.locator(".own .text", has_text="Card of 20")).to_be_visible()
    await expect(buyer.window.locator(".origin")).to_have_text(f"via @{USERNAME}")
    await expect(buyer.field).to_have_value("")


async def test_a_blocked_bot_can_be_let_in_again(buyer: Screen, bot: ScriptedBot, sandbox: Sandbox) -> None:
    await buyer.window.get_by_role("button", name="More about this chat").click()
    await buyer.window.get_by_role("menuitem", name="Block bot").click()
    assert (await bot.hears("my_chat_member")).new_chat_member.status == "kicked"
    await expect(buyer.field).to_be_hidden()

    await buyer.window.get_by_role("button", name="Unblock").click()

    assert (await bot.hears("my_chat_member")).new_chat_member.status == "member"
    await expect(buyer.field).to_be_visible()


async def test_the_persons_language_is_changed_and_reaches_the_bot(buyer: Screen, bot: ScriptedBot) -> None:
    await buyer.window.get_by_role("button", name="More about this chat").click()
    await buyer.window.get_by_label("Person’s language").select_option("ru")
    await buyer.page.keyboard.press("Escape")
    await expect(buyer.window.get_by_role("menu")).to_have_count(0)

    await buyer.field.fill("привет")
    await buyer.page.keyboard.press("Enter")

    assert (await bot.hears("message")).from_user.language_code == "ru"
