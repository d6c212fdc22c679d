"""A real sandbox, a small bot that the test itself plays, and one headless Chromium for all tests of the page."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Update
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright

from sandbox import BotSpec, Sandbox

HERE = Path(__file__).parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "7000000001:AAtest-of-the-page-000000000000000"
USERNAME = "card_shop_bot"
WAIT_MS = 5000


NO_CHROMIUM = "NO CHROMIUM: the tests of the web page did not run. Install it (apt-get install chromium) and run them again."


def chromium_path() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def left_out() -> bool:
    """Whether the tests that need a browser cannot run and may be left out; in CI they may not."""
    return chromium_path() is None and not os.environ.get("CI")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Left out here and not skipped one by one, so that the reader gets one line instead of fifty.
    if left_out():
        mine = [item for item in items if item.path.parent == HERE and item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if left_out():
        terminalreporter.write_sep("!", NO_CHROMIUM, red=True, bold=True)


class ScriptedBot:
    """A bot over getUpdates whose every answer is written in the test."""

    def __init__(self, url: str, line: AiohttpSession) -> None:
        line.api = TelegramAPIServer.from_base(url)
        self.api = Bot(TOKEN, session=line)
        self._waiting: dict[str, asyncio.Queue[Any]] = {}
        self._polling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._polling = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling

    async def hears(self, kind: str) -> Any:
        """The next update of that kind (`message`, `callback_query` …), waiting for it."""
        async with asyncio.timeout(WAIT_MS / 1000):
            return await self._of(kind).get()

    def _of(self, kind: str) -> asyncio.Queue[Any]:
        return self._waiting.setdefault(kind, asyncio.Queue())

    async def _poll(self) -> None:
        offset = 0
        while True:
            updates: list[Update] = await self.api.get_updates(offset=offset, timeout=10)
            for update in updates:
                offset = update.update_id + 1
                self._of(update.event_type).put_nowait(update.event)


class Screen:
    """One phone on the page, and what a test looks for on it."""

    def __init__(self, page: Page, phone: str) -> None:
        self.page = page
        self.window: Locator = page.locator(f'.window[data-phone="{phone}"]')
        self.field = self.window.locator("textarea")
        self.toast = self.window.locator(".toast")

    def message(self, message_id: int) -> Locator:
        return self.window.locator(f'[data-message-id="{message_id}"]')

    def key(self, text: str) -> Locator:
        return self.window.locator(".key", has_text=text)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser, started once."""
    path = chromium_path()
    if path is None:
        pytest.fail(NO_CHROMIUM)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox of the test's own, on a free port."""
    started = Sandbox(bots=[BotSpec(TOKEN, USERNAME, "Card Shop")])
    await started.start()
    yield started
    await started.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def line() -> AsyncIterator[AiohttpSession]:
    """One HTTP session for all bots, since aiogram takes a quarter of a second to close one."""
    made = AiohttpSession()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def bot(sandbox: Sandbox, line: AiohttpSession) -> AsyncIterator[ScriptedBot]:
    made = ScriptedBot(sandbox.url, line)
    made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A browser without memory; an English person, on a screen that has room for one phone."""
    made = await chromium.new_context(
        viewport={"width": 760, "height": 680},
        locale="en-US",
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    made.set_default_timeout(WAIT_MS)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page that may not raise an error, nor ask anybody but the sandbox."""
    made = await context.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    made.on("request", lambda request: errors.append(request.url) if not is_local(request.url) else None)
    yield made
    assert errors == []


def is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:", "about:"))


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(page: Page, sandbox: Sandbox, bot: ScriptedBot) -> Screen:
    """The buyer's phone, with /start already pressed and heard by the bot."""
    await page.goto(f"{sandbox.url}/?phone=buyer&bot={USERNAME}")
    screen = Screen(page, "buyer")
    await screen.window.get_by_role("button", name="START").click()
    await bot.hears("message")
    return screen


@pytest.fixture
def buyer_id(sandbox: Sandbox) -> int:
    return sandbox.world.phone("buyer").user_id
