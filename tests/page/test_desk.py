"""The page around the chats: several phones, narrow and wide screens, light and dark, faults, a lost connection."""

from pathlib import Path

import pytest
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup
from playwright.async_api import Browser, Page, ViewportSize, expect

from sandbox import BotSpec, Sandbox
from tests.page.conftest import TOKEN, USERNAME, Screen, ScriptedBot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WIDE: ViewportSize = {"width": 1280, "height": 800}

# WCAG 2 contrast of two custom properties of the page, drawn one over the other.
CONTRAST = """([over, under]) => {
    const probe = document.createElement("i");
    document.body.append(probe);
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const light = (name) => {
        probe.style.color = name.startsWith("--") ? `var(${name})` : name;
        canvas.fillStyle = getComputedStyle(probe).color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((x) => x / 255)
            .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const [a, b] = [light(under), light(over)].map((x) => x + 0.05);
    probe.remove();
    return Math.max(a, b) / Math.min(a, b);
}"""

PAIRS = [
    ("--text", "--surface"),
    ("--text", "--bubble"),
    ("--text", "--bubble-own"),
    ("--faint", "--surface"),
    ("--faint", "--surface-2"),
    ("--faint", "--surface-3"),
    ("--faint", "--ground"),
    ("--faint", "--bubble"),
    ("--own-faint", "--bubble-own"),
    ("--own-link", "--bubble-own"),
    ("--accent", "--surface"),
    ("--accent", "--accent-soft"),
    ("--accent", "--bubble"),
    ("--on-accent", "--accent-fill"),
    ("--on-accent", "--accent-fill-over"),
    ("white", "--good-fill"),
    ("white", "--bad-fill"),
    ("--good", "--surface"),
    ("--bad", "--surface"),
    ("--warn", "--warn-soft"),
]


async def test_a_wide_page_opens_buyer_and_admin_side_by_side(page: Page, sandbox: Sandbox) -> None:
    await page.set_viewport_size(WIDE)
    await page.goto(sandbox.url)
    windows = page.locator(".window")
    await expect(windows).to_have_count(2)
    assert [await windows.nth(i).get_attribute("data-phone") for i in range(2)] == ["buyer", "admin"]

    await page.set_viewport_size({**WIDE, "width": 1440})
    await page.get_by_role("button", name="Reseller").click()
    await expect(windows).to_have_count(3)
    await page.get_by_role("button", name="Close Admin").click()
    await expect(windows).to_have_count(2)

    await page.reload()
    await expect(windows).to_have_count(2)
    assert [await windows.nth(i).get_attribute("data-phone") for i in range(2)] == ["buyer", "reseller"]


async def test_an_empty_chat_shows_what_the_bot_is_and_one_big_start(page: Page, sandbox: Sandbox, bot: ScriptedBot) -> None:
    await bot.api.set_my_description("Game cards in a second.")
    await page.goto(sandbox.url)
    buyer = Screen(page, "buyer")
    await expect(buyer.window.locator(".hello")).to_contain_text("Game cards in a second.")

    await buyer.window.get_by_role("button", name="START").click()

    assert (await bot.hears("message")).text == "/start"
    await expect(buyer.field).to_be_focused()


async def test_the_pages_address_starts_the_bot_once(page: Page, sandbox: Sandbox, bot: ScriptedBot) -> None:
    await page.goto(f"{sandbox.url}/?phone=second&bot={USERNAME}&start=sku-7")
    heard = await bot.hears("message")
    assert (heard.text, heard.from_user.id) == ("/start sku-7", sandbox.world.phone("second").user_id)

    await page.reload()

    await expect(Screen(page, "second").window.locator(".own")).to_have_count(1)


async def test_a_closed_phone_counts_what_it_has_not_read(buyer: Screen, bot: ScriptedBot, sandbox: Sandbox) -> None:
    await buyer.page.set_viewport_size(WIDE)
    entry = buyer.page.locator('.phone-entry[data-phone="admin"]')
    admin = Screen(buyer.page, "admin")
    await entry.click()
    await admin.window.get_by_role("button", name="START").click()
    await bot.hears("message")
    await buyer.page.get_by_role("button", name="Close Admin").click()

    for text in ("Low stock", "New order"):
        await bot.api.send_message(sandbox.world.phone("admin").user_id, text)

    await expect(entry.locator(".count")).to_have_text("2", timeout=10_000)
    await entry.click()
    await expect(admin.window.get_by_text("New order")).to_be_visible()
    await expect(entry.locator(".count")).to_have_count(0)


async def test_two_bots_have_a_tab_each(page: Page, sandbox: Sandbox, bot: ScriptedBot) -> None:
    sandbox.add_bot(BotSpec("7000000002:AAtest-second-bot-000000000000000000", "gift_bot", "Gifts"))
    await page.goto(sandbox.url)
    buyer = Screen(page, "buyer")

    await buyer.window.get_by_role("tab", name="Gifts").click()

    await expect(buyer.window).to_have_attribute("data-bot", "gift_bot")
    await expect(buyer.window.locator(".head-bot")).to_have_text("Gifts")


async def long_texts(bot: ScriptedBot, person: int) -> None:
    texts = (
        "Steam 钱包充值卡（全球区，激活后立即到账，支持人民币账户）" * 3,
        "Пополнение кошелька для российских аккаунтов " * 3,
        "W" * 80,
    )
    rows = [
        [InlineKeyboardButton(text=text, callback_data="x") for text in texts],
        [InlineKeyboardButton(text=texts[0], callback_data="x")],
    ]
    rows.append([InlineKeyboardButton(text=str(n), callback_data="x") for n in range(8)])
    await bot.api.send_message(person, "👩‍👩‍👧‍👦" * 30 + "x" * 300, reply_markup=InlineKeyboardMarkup(inline_keyboard=rows))
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text=text) for text in texts]], resize_keyboard=True)
    await bot.api.send_message(person, "<pre>" + "y" * 300 + "</pre>", parse_mode="HTML", reply_markup=keyboard)


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (1024, 768)])
async def test_long_words_never_make_the_page_scroll_sideways(
    page: Page, sandbox: Sandbox, bot: ScriptedBot, buyer_id: int, width: int, height: int
) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await page.goto(f"{sandbox.url}/?phone=buyer&bot={USERNAME}&start=1")
    await bot.hears("message")
    await long_texts(bot, buyer_id)
    buyer = Screen(page, "buyer")
    await expect(buyer.window.locator(".reply-key")).to_have_count(3)

    beyond = await page.evaluate(
        """() => [...document.querySelectorAll("body *")]
            .filter((one) => !one.closest(".phone-list, .toasts, svg") && one.getClientRects().length)
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5 || one.getBoundingClientRect().left < -0.5)
            .map((one) => one.className || one.tagName)"""
    )
    assert beyond == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await buyer.window.get_by_role("log").evaluate("log => log.scrollWidth <= log.clientWidth")
    for text in await buyer.window.locator(".key-text, .reply-key .key-text").all():
        lines = await text.evaluate("text => Math.round(text.clientHeight / parseFloat(getComputedStyle(text).lineHeight))")
        assert lines <= 2
    await expect(page.locator(".window")).to_have_count(1 if width < 720 else 2 if width >= 1100 else 1)


async def test_a_long_name_of_a_bot_pushes_nothing_out_of_its_window(page: Page) -> None:
    names = ("Card Shop", "街角点卡 Corner Cards and everything else at the corner")
    sandbox = Sandbox(bots=[BotSpec(f"{n}:{'a' * 35}", f"bot_{n}_bot", name) for n, name in enumerate(names, 1)])
    await sandbox.start()
    try:
        await page.set_viewport_size({"width": 360, "height": 700})
        await page.goto(f"{sandbox.url}/?phone=buyer&bot=bot_2_bot")
        window = page.locator('.window[data-phone="buyer"]')
        await expect(window.locator(".head-bot")).to_contain_text("Corner Cards")
        assert await window.evaluate("one => one.scrollWidth <= one.clientWidth")
    finally:
        await sandbox.stop()


async def test_a_narrow_page_shows_one_phone_at_a_time(page: Page, sandbox: Sandbox) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(sandbox.url)
    await expect(page.locator(".window")).to_have_attribute("data-phone", "buyer")

    await page.get_by_role("button", name="Admin").click()

    await expect(page.locator(".window")).to_have_count(1)
    await expect(page.locator(".window")).to_have_attribute("data-phone", "admin")


async def test_the_theme_follows_the_system_and_can_be_chosen(page: Page, sandbox: Sandbox) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.goto(sandbox.url)
    head = page.locator(".window-head").first
    dark = await head.evaluate("head => getComputedStyle(head).backgroundColor")

    await page.get_by_role("button", name="Theme: as the system").click()
    await expect(head).not_to_have_css("background-color", dark)
    await page.get_by_role("button", name="Theme: light").click()
    await expect(head).to_have_css("background-color", dark)

    await page.emulate_media(color_scheme="light")
    await page.reload()
    await expect(page.locator(".window-head").first).to_have_css("background-color", dark)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_stand_out_from_what_they_are_written_on(page: Page, sandbox: Sandbox, scheme: str) -> None:
    await page.goto(sandbox.url)
    await page.locator(".window").first.wait_for()
    await page.evaluate("scheme => { document.documentElement.dataset.theme = scheme }", scheme)

    weak = {pair: ratio for pair in PAIRS if (ratio := await page.evaluate(CONTRAST, list(pair))) < 4.5}

    assert weak == {}


async def test_the_page_speaks_chinese_to_a_chinese_browser(chromium: Browser, sandbox: Sandbox) -> None:
    context = await chromium.new_context(locale="zh-CN", viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(sandbox.url)
    await expect(page.get_by_role("button", name="开始").first).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    await page.get_by_role("button", name="页面语言：中文").click()

    await expect(page.get_by_role("button", name="START").first).to_be_visible()
    await context.close()


async def test_faults_are_switched_on_with_a_badge_and_all_off_again(page: Page, sandbox: Sandbox) -> None:
    await page.goto(sandbox.url)
    await page.get_by_role("button", name="Faults").click()
    panel = page.get_by_role("dialog", name="Faults")
    await panel.get_by_role("switch", name="Offline").click()
    await panel.get_by_role("button", name="More: 429 Too Many Requests").click()
    await panel.get_by_label("Slow answers").select_option("300")

    await expect(page.get_by_role("button", name="3 faults on")).to_be_visible()
    faults = sandbox.world.faults
    assert (faults.offline, faults.too_many_requests, faults.slow_ms) == (True, 1, 300)

    await panel.get_by_role("button", name="Crash the bot").click()
    await expect(panel.get_by_role("status")).to_have_text("Nobody here can crash the bot")
    await panel.get_by_role("switch", name="Blocked by Buyer").click()
    await expect(page.get_by_role("button", name="4 faults on")).to_be_visible()
    await panel.get_by_role("button", name="Switch all off").click()
    await expect(page.get_by_role("button", name="Faults", exact=True)).to_be_visible()
    assert (faults.offline, faults.too_many_requests, faults.slow_ms) == (False, 0, 0)
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()


async def test_a_lost_connection_is_told_and_mended(page: Page, tmp_path: Path, line: AiohttpSession) -> None:
    first = Sandbox(tmp_path / "state", bots=[BotSpec(TOKEN, USERNAME, "Card Shop")])
    await first.start()
    port = int(first.url.rsplit(":", 1)[1])
    await page.goto(f"{first.url}/?phone=buyer&bot={USERNAME}&start=1")
    buyer = Screen(page, "buyer")
    await expect(buyer.window.locator(".own")).to_have_count(1)
    person = first.world.phone("buyer").user_id
    await first.stop()
    bar = buyer.window.locator(".line-bar")
    await expect(bar).to_have_text("Connecting…")

    again = Sandbox(tmp_path / "state", bots=[BotSpec(TOKEN, USERNAME, "Card Shop")])
    await again.start(port)
    bot = ScriptedBot(again.url, line)
    await bot.api.send_message(person, "While you were away")

    await expect(buyer.window.get_by_text("While you were away")).to_be_visible(timeout=15_000)
    await expect(bar).to_have_text("")
    await bot.api.send_message(person, "And now")
    await expect(buyer.window.get_by_text("And now")).to_be_visible()
    await bot.stop()
    await again.stop()


async def test_words_that_could_not_be_sent_come_back(page: Page, sandbox: Sandbox) -> None:
    await page.goto(f"{sandbox.url}/?phone=buyer&bot={USERNAME}&start=1")
    buyer = Screen(page, "buyer")
    await expect(buyer.window.locator(".own")).to_have_count(1)
    await page.route("**/text", lambda route: route.abort())

    await buyer.field.fill("do not lose me")
    await page.keyboard.press("Enter")

    await expect(buyer.toast).to_contain_text("cannot be reached")
    await expect(buyer.field).to_have_value("do not lose me")
