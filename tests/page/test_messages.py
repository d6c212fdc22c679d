"""What the bot writes is drawn as Telegram would, and never becomes HTML."""

import json

import pytest
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputRichBlockParagraph,
    InputRichBlockTable,
    InputRichBlockUnion,
    InputRichMessage,
    RichBlockTableCell,
    RichTextBold,
    RichTextCode,
)
from playwright.async_api import Locator, expect

from tests.page.conftest import Screen, ScriptedBot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_formatting_is_drawn_from_entities_counted_in_utf_16(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    sent = await bot.api.send_message(
        buyer_id,
        "🎮👍🏽 <b>Жирный <i>курсив</i></b> <u>下划线</u> <s>old</s> <code>AB-12</code> "
        '<a href="https://example.com/terms">terms</a>\n<blockquote>quote</blockquote>\n'
        '<pre><code class="language-python">print(1)</code></pre>',
        parse_mode="HTML",
    )

    text = buyer.message(sent.message_id).locator(".text")
    await expect(text.locator("strong")).to_have_text("Жирный курсив")
    await expect(text.locator("strong em")).to_have_text("курсив")
    await expect(text.locator("u")).to_have_text("下划线")
    await expect(text.locator("s")).to_have_text("old")
    await expect(text.locator("code")).to_have_text("AB-12")
    await expect(text.locator("a.link")).to_have_attribute("title", "https://example.com/terms")
    await expect(text.locator("blockquote")).to_have_text("quote")
    await expect(text.locator(".pre pre")).to_have_text("print(1)")
    await expect(text.locator(".pre-bar")).to_contain_text("python")


async def test_markup_in_a_text_stays_text(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    evil = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>'
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=evil, callback_data="x")]])
    text = await bot.api.send_message(buyer_id, evil, reply_markup=keyboard)
    file = await bot.api.send_document(buyer_id, BufferedInputFile(evil.encode(), f"{evil}.csv"), caption=evil)
    bill = await bot.api.send_invoice(
        buyer_id,
        title=evil[:32],
        description=evil,
        payload="1",
        currency="XTR",
        prices=json.loads('[{"label": "1", "amount": 1}]'),
    )
    link = await bot.api.send_message(
        buyer_id,
        "press",
        entities=json.loads('[{"type": "text_link", "offset": 0, "length": 5, "url": "javascript:window.caught=1"}]'),
    )

    await expect(buyer.message(text.message_id).locator(".text")).to_have_text(evil)
    await expect(buyer.message(text.message_id).locator(".key")).to_have_text(evil)
    await buyer.message(file.message_id).locator(".file-open").click()
    await expect(buyer.window.locator(".viewer-place")).to_contain_text("window.caught=1")
    await buyer.page.keyboard.press("Escape")
    await buyer.message(bill.message_id).locator(".key").click()
    await expect(buyer.window.locator(".pay-about")).to_have_text(evil)
    await buyer.page.keyboard.press("Escape")
    await buyer.message(link.message_id).locator("a.link").click()

    await expect(buyer.toast).to_have_text("This link cannot be opened here")
    assert await buyer.page.evaluate("window.caught") is None
    assert await buyer.window.locator("img[src=x], script").count() == 0


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_a_spoiler_opens_by_mouse_and_by_enter(buyer: Screen, bot: ScriptedBot, buyer_id: int, by: str) -> None:
    sent = await bot.api.send_message(buyer_id, "Code: <tg-spoiler><code>4F7A-99KQ</code></tg-spoiler>", parse_mode="HTML")
    spoiler = buyer.message(sent.message_id).locator(".spoiler")
    await expect(spoiler.locator(".spoiler-inside")).to_have_css("opacity", "0")
    assert await spoiler.get_by_role("button", name="4F7A-99KQ").count() == 0, "a screen reader would read the code aloud"

    if by == "mouse":
        await spoiler.click()
    else:
        await spoiler.focus()
        await buyer.page.keyboard.press("Enter")

    await expect(spoiler.locator(".spoiler-inside")).to_have_css("opacity", "1")
    await spoiler.locator("code").click()
    assert await buyer.page.evaluate("navigator.clipboard.readText()") == "4F7A-99KQ"


async def test_an_edit_changes_the_message_in_place_and_moves_nothing(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    first = await bot.api.send_message(buyer_id, "Screen one", reply_markup=keys("a", "b"))
    for number in range(25):
        await bot.api.send_message(buyer_id, f"Line {number}")
    await expect(buyer.window.get_by_text("Line 24")).to_be_visible()
    row = buyer.message(first.message_id)
    await row.evaluate("row => { row.marked = true; row.scrollIntoView({block: 'center'}) }")
    log = buyer.window.get_by_role("log")
    before = await log.evaluate("log => log.scrollTop")
    await row.locator(".key").first.focus()

    await bot.api.edit_message_text("Screen two", chat_id=buyer_id, message_id=first.message_id, reply_markup=keys("c", "d"))

    await expect(row.locator(".text")).to_have_text("Screen two")
    assert await row.evaluate("row => row.marked") is True
    assert await log.evaluate("log => log.scrollTop") == before
    await expect(row.locator(".key", has_text="c")).to_be_focused()


async def test_at_the_end_the_log_follows_and_above_it_a_counter_waits(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    for number in range(30):
        await bot.api.send_message(buyer_id, f"Line {number}")
    await expect(buyer.window.get_by_text("Line 29")).to_be_in_viewport()

    await buyer.window.get_by_role("log").evaluate("log => log.scrollTo(0, 0)")
    newer = buyer.window.get_by_role("button", name="Jump to the newest message")
    await expect(newer).to_be_visible()
    await bot.api.send_message(buyer_id, "One more")
    await expect(newer).to_have_text("1")

    await newer.click()
    await expect(buyer.window.get_by_text("One more")).to_be_in_viewport()
    await expect(newer).to_be_hidden()


async def test_a_deleted_message_disappears(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    sent = await bot.api.send_message(buyer_id, "codes, soon gone")
    await expect(buyer.message(sent.message_id)).to_be_visible()

    await bot.api.delete_message(buyer_id, sent.message_id)

    await expect(buyer.message(sent.message_id)).to_have_count(0)


async def test_a_csv_of_the_bot_opens_as_a_table(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    body = '\ufeffnumber,password\r\n4F7A,"a, ""quoted"" one"\r\n卡号,密码\r\n'.encode()
    sent = await bot.api.send_document(buyer_id, BufferedInputFile(body, "codes.csv"))
    opener = buyer.message(sent.message_id).locator(".file-open")

    await opener.click()

    cells = buyer.window.get_by_role("dialog").locator("td, th")
    await expect(cells).to_have_text(["number", "password", "4F7A", 'a, "quoted" one', "卡号", "密码"])
    await buyer.page.keyboard.press("Escape")
    await expect(buyer.window.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()
    async with buyer.page.expect_download() as download:
        await buyer.message(sent.message_id).get_by_role("link", name="Download codes.csv").click()
    assert (await download.value).suggested_filename == "codes.csv"


async def test_protected_content_offers_no_copy_and_no_download(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    text = await bot.api.send_message(buyer_id, "Code: <code>AB-12</code>", parse_mode="HTML", protect_content=True)
    file = await bot.api.send_document(buyer_id, BufferedInputFile(b"AB-12", "code.txt"), protect_content=True)

    await expect(buyer.message(file.message_id)).to_be_visible()
    assert await buyer.message(file.message_id).get_by_role("link").count() == 0
    assert await buyer.message(text.message_id).locator("code[role=button]").count() == 0
    await menu_of(buyer.message(text.message_id))
    await expect(buyer.window.get_by_role("menuitem")).to_have_text(["Reply"])


async def test_a_reply_quotes_what_it_answers(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    sent = await bot.api.send_message(buyer_id, "Which card?")
    await menu_of(buyer.message(sent.message_id))
    await buyer.window.get_by_role("menuitem", name="Reply").click()

    await buyer.page.keyboard.type("Steam 50")
    await buyer.page.keyboard.press("Enter")

    heard = await bot.hears("message")
    assert (heard.text, heard.reply_to_message.message_id) == ("Steam 50", sent.message_id)
    await expect(buyer.message(heard.message_id).locator(".quoted")).to_contain_text("Which card?")


async def menu_of(row: Locator) -> None:
    await row.focus()
    await row.press("Enter")


def keys(*texts: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=text) for text in texts]])


async def test_a_rich_table_is_drawn_as_one_and_never_becomes_html(buyer: Screen, bot: ScriptedBot, buyer_id: int) -> None:
    evil = '<img src=x onerror="window.caught=1">'
    cells = [
        [RichBlockTableCell(text=name, align=side, valign="top", is_header=True) for name, side in (("Item", "left"), ("Price", "right"))],
        [RichBlockTableCell(text=evil, align="left", valign="top"), RichBlockTableCell(text="¥95.00", align="right", valign="top")],
        [RichBlockTableCell(text="please ask at least ¥99.00", align="right", valign="top", colspan=2)],
    ]
    head = InputRichBlockParagraph(text=["🏷 ", RichTextBold(text="Your prices")])
    tail = InputRichBlockParagraph(text=["To buy: ", RichTextCode(text="/buy 1 5")])
    blocks: list[InputRichBlockUnion] = [head, InputRichBlockTable(cells=cells, is_striped=True, is_compact=True), tail]
    sent = await bot.api.send_rich_message(buyer_id, InputRichMessage(blocks=blocks))

    drawn = buyer.message(sent.message_id).locator(".rich")
    await expect(drawn.locator("th")).to_have_text(["Item", "Price"])
    await expect(drawn.locator("td")).to_have_text([evil, "¥95.00", "please ask at least ¥99.00"])
    await expect(drawn.locator("td").nth(2)).to_have_attribute("colspan", "2")
    await expect(drawn.locator("b")).to_have_text("Your prices")
    await expect(drawn.locator("code")).to_have_text("/buy 1 5")
    assert await buyer.page.evaluate("window.caught") is None and await drawn.locator("img").count() == 0
    # It stays within the bubble, however narrow the phone.
    wide, room = [await drawn.locator(at).evaluate("one => one.getBoundingClientRect().width") for at in (".rich-wide", "xpath=..")]
    assert wide <= room
