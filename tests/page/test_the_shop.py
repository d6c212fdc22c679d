"""The whole shop behind the page: a person with a browser comes, chooses, pays, and takes the code along."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bot.pace import Rates
from bot.running import RunPlan, run
from core import catalog, inventory, orders, payments, storefronts
from core.database import Shop
from core.inventory import Secret
from core.storefronts import Storefront
from sandbox import Sandbox
from tests.conftest import KEYS
from tests.page.conftest import TOKEN, USERNAME, Screen
from tests.stage import Goods, person, put_on_sale

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WITHOUT_LIMITS = Rates(everybody=1000, everybody_burst=100, chat=100, chat_burst=100)


@pytest_asyncio.fixture(loop_scope="session")
async def opened(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[tuple[Shop, Goods]]:
    """A shop so large that its first screen shows categories; Steam 50 for 95.00 is under "Wallet codes"."""
    shutil.copy(sqlite_template, tmp_path / "shop.db")
    async with Shop.opened(f"sqlite:///{tmp_path}/shop.db", KEYS, holder="tests") as shop:
        storefront = await shop.write(storefronts.open_storefront, name="Night Cards", currency="CNY", language="en")
        cards = await shop.write(catalog.add_category, slug="wallet-codes", name="Wallet codes")
        goods = await put_on_sale(shop, storefront, category_id=cards, count=5)
        await put_on_sale(shop, storefront, category_id=goods.category_id, product_id=goods.product_id, denomination="Steam 100", count=5)
        for number in range(5):
            other = await put_on_sale(shop, storefront, name=f"Other {number}", denomination="ten", count=1)
            await put_on_sale(shop, storefront, category_id=other.category_id, name=f"More {number}", denomination="ten", count=1)
        yield shop, goods


@contextlib.asynccontextmanager
async def running(shop: Shop, storefront: Storefront, sandbox: Sandbox) -> AsyncIterator[None]:
    """The shop as `shop run` runs it, with the sandbox for Telegram."""
    stop, started = asyncio.Event(), asyncio.Event()
    plan = RunPlan(
        token=TOKEN,
        api_base=sandbox.url,
        shop=shop,
        storefront=storefront,
        redis_url=None,
        public_url=None,
        listen_host="127.0.0.1",
        listen_port=0,
        rates=WITHOUT_LIMITS,
        payment_settings={},
        when_running=lambda me, port: started.set(),
    )
    task = asyncio.create_task(run(plan, stop))
    begun = asyncio.create_task(started.wait())
    await asyncio.wait([begun, task], return_when=asyncio.FIRST_COMPLETED)
    begun.cancel()
    if task.done():
        await task
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
async def test_from_start_to_the_copied_code(page: Page, sandbox: Sandbox, opened: tuple[Shop, Goods], by: str) -> None:
    shop, goods = opened
    customer = await person(shop, goods.storefront, sandbox.world.phone("second").user_id, 10_000)
    screen = Screen(page, "second")

    async def press(text: str) -> None:
        key = screen.key(text).last
        if by == "mouse":
            await key.click()
            return
        await expect(key).to_be_visible()
        await key.focus()
        await page.keyboard.press("Enter")

    async with running(shop, goods.storefront, sandbox):
        await page.goto(f"{sandbox.url}/?phone=second&bot={USERNAME}")
        start = screen.window.get_by_role("button", name="START")
        if by == "mouse":
            await start.click()
        else:
            await start.press("Enter")
        await expect(screen.window.get_by_text("welcome to Night Cards")).to_be_visible()

        await press("Wallet codes")
        await press("Steam 50")
        await press("Pay")
        await expect(screen.window.locator(".spoiler")).to_be_visible()
        await press("Copy")
        await expect(screen.toast).to_have_text("Copied")

        copied = await page.evaluate("navigator.clipboard.readText()")

    sold = await shop.read(inventory.find_code, Secret(None, copied))
    assert sold is not None and sold.order_id is not None
    order = await shop.read(orders.detail, order_id=sold.order_id, buyer_id=customer.id)
    assert order is not None
    assert (sold.place, sold.sku_id, order.card.total_minor) == ("sold", goods.sku_id, 9500)
    assert (await shop.read(payments.wallet, customer.id)).balance_minor == 500
