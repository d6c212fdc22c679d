"""The upload page in a browser: a file is chosen or dropped, and the receipt stands on the page; also without scripts."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from playwright.async_api import Browser, FilePayload, expect

from bot.serving import Serving
from bot.uploads import Uploads
from core import storefronts, supply
from core.database import Shop
from handlers.importing import imports_finished
from tests.admin.direct import WrittenDown
from tests.conftest import KEYS
from tests.stage import person
from tests.supplying import supplied
from web.app import make_app

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CODES: FilePayload = {"name": "codes.txt", "mimeType": "text/plain", "buffer": b"PAGE-0001\nPAGE-0002\n"}
PICTURE: FilePayload = {"name": "codes.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 whatever"}


@pytest_asyncio.fixture(loop_scope="session")
async def address(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[str]:
    """Where a supplier may upload one file."""
    shutil.copy(sqlite_template, tmp_path / "shop.db")
    async with Shop.opened(f"sqlite:///{tmp_path}/shop.db", KEYS, holder="tests") as shop:
        storefront = await shop.write(storefronts.open_storefront, name="Night Cards", currency="CNY", language="en")
        made = await supplied(shop, storefront, 5001)
        lin = await person(shop, storefront, 5001)
        word, _ = await shop.write(
            supply.make_upload_link, offer_id=made.offer_id, telegram_id=5001, customer_id=lin.id, by="telegram:5001"
        )
        bot = Bot("42:AAnowhere", session=WrittenDown(), default=DefaultBotProperties(parse_mode="HTML"))
        uploads = Uploads(shop, storefront, bot)
        serving = Serving(make_app(shop, uploads=lambda: uploads), "127.0.0.1", 0)
        await serving.open()
        yield f"http://127.0.0.1:{serving.port}/upload/{word}"
        await imports_finished()
        await serving.close()


async def test_a_file_that_cannot_be_read_is_told_and_the_next_one_is_taken(chromium: Browser, address: str) -> None:
    page = await chromium.new_page(viewport={"width": 360, "height": 740})
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda broke: complaints.append(str(broke)))
    await page.goto(address)
    await expect(page.get_by_role("button", name="Upload")).to_be_disabled()

    await page.set_input_files("#file", PICTURE)
    await page.get_by_role("button", name="Upload").click()
    await expect(page.locator("#said")).to_contain_text("not a list that I can read")

    await page.set_input_files("#file", CODES)
    await page.get_by_role("button", name="Upload").click()
    await expect(page.locator("#said")).to_contain_text("2 codes are on sale")

    assert complaints == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await page.close()


async def test_a_dropped_file_is_picked(chromium: Browser, address: str) -> None:
    page = await chromium.new_page(bypass_csp=True)
    await page.goto(address)
    await page.evaluate(
        """() => { const held = new DataTransfer(); held.items.add(new File(["DROP-0001"], "dropped.txt"));
        document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true})) }"""
    )
    await expect(page.locator("#name")).to_have_text("dropped.txt")
    await page.get_by_role("button", name="Upload").click()
    await expect(page.locator("#said")).to_contain_text("1 code is on sale")
    await page.close()


async def test_the_page_works_without_scripts(chromium: Browser, address: str) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(address)
    await page.set_input_files("#file", CODES)
    await page.get_by_role("button", name="Upload").click()

    await expect(page.locator("main")).to_contain_text("2 codes are on sale")
    await context.close()
