"""The example bot sells through the API of a shop: each story from the phone of its buyer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.serving import Serving
from core import ledger, payments
from core.database import Shop as RealShop
from examples.reseller_bot.bot import Shop, Terms, make, running
from examples.reseller_bot.supplier import Supplier
from sandbox import BotSpec, Sandbox
from sandbox.gateways import OwnShopUpstream
from sandbox.phone import Json, Phone
from tests.core.ledgers import assert_books
from tests.core.props import left
from tests.programs import key_for, reseller
from tests.stage import Clock, Goods
from web.api import ApiDoor
from web.app import make_app

BOT = BotSpec("7000000031:AAthe-reseller-of-the-example", "reseller_bot", "Card Corner")
KEY, SECRET = "sk_test_0001", "secret-of-the-tests-0001"
TERMS = Terms(Decimal(20), Decimal("0.10"))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    telegram = Sandbox(bots=[BOT])
    await telegram.start()
    yield telegram
    await telegram.stop()


@pytest.fixture
async def upstream() -> AsyncIterator[OwnShopUpstream]:
    fake = OwnShopUpstream(KEY, SECRET)
    fake.sells("steam-50", "Steam 50 CNY", "8.50", stock=3)
    await fake.start()
    yield fake
    await fake.stop()


@asynccontextmanager
async def open_bot(
    sandbox: Sandbox, url: str, book: Path, key: tuple[str, str] = (KEY, SECRET), seconds: float = 5.0
) -> AsyncIterator[Phone]:
    """The example at work, and a phone in its chat."""
    bot = Shop(Supplier(url, *key, seconds), TERMS, str(book), again_seconds=0.05)
    async with running(make(BOT.token, bot, sandbox.url), bot), Phone(sandbox.url, "buyer", BOT.username) as phone:
        yield phone


async def invoice(phone: Phone) -> Json:
    await phone.says("/start")
    await phone.presses("Steam 50")
    found: Json = await phone.waits_for(lambda m: "invoice" in m)
    return found


async def code(phone: Phone) -> str:
    said: Json = await phone.waits_for(lambda m: any(e["type"] == "spoiler" for e in m.get("entities", ())))
    return str(said["text"].splitlines()[1])


async def test_a_press_and_a_payment_bring_the_code_at_the_reseller_s_own_price(
    sandbox: Sandbox, upstream: OwnShopUpstream, tmp_path: Path
) -> None:
    waiting = upstream.wares["steam-50"].codes[0]
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        bill = await invoice(phone)
        # 8.50 and a fifth is 10.20, and a Star is worth 0.10.
        assert bill["invoice"]["total_amount"] == 102
        assert (await phone.pays(bill))["paid"]
        assert await code(phone) == waiting
    (order,) = upstream.orders
    assert (order.quantity, order.amount, upstream.handed_out[order.number]) == (1, Decimal("8.50"), 1)


async def test_it_sells_what_the_real_shop_has_and_the_shop_s_books_agree(
    sandbox: Sandbox, shop: RealShop, goods: Goods, clock: Clock, tmp_path: Path
) -> None:
    owner = await reseller(shop, goods.storefront)
    key = await key_for(shop, owner)
    serving = Serving(make_app(shop, api=ApiDoor(key_seconds=0.0)), "127.0.0.1", 0)
    await serving.open()
    try:
        async with open_bot(sandbox, f"http://127.0.0.1:{serving.port}", tmp_path / "book.db", (key.key.name, key.secret)) as phone:
            bill = await invoice(phone)
            assert bill["invoice"]["total_amount"] == 1140  # 95.00 and a fifth
            assert (await phone.pays(bill))["paid"]
            assert (await code(phone)).startswith("TEST-")
            # The reseller's own balance runs dry after the invoice was sent: its buyer has the Stars back, and nothing was bought.
            stars, bill = await phone.stars(), await invoice(phone)
            await shop.write(payments.adjust, customer_id=owner.id, amount_minor=-990_500, reason="test", by="test", once="dry")
            assert (await phone.pays(bill))["paid"]
            await phone.waits_for(lambda m: "You have your Stars back" in m.get("text", ""))
            assert await phone.stars() == stars
    finally:
        await serving.close()
    assert await shop.read(ledger.balance, owner.wallet_id) == 0
    assert await left(shop, goods) == 39
    await assert_books(shop, clock() - timedelta(days=1), clock(), goods.storefront.id)


async def test_an_answer_that_never_comes_is_asked_for_again_under_the_same_number(
    sandbox: Sandbox, upstream: OwnShopUpstream, tmp_path: Path
) -> None:
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        bill = await invoice(phone)
        held = await phone.pays(bill, skip_success=True)
        upstream.faults.nonsense = True
        await phone.succeeds(held["charge_id"])
        await upstream.working.wait()
        upstream.faults.nonsense = False
        said = await code(phone)
    (order,) = upstream.orders
    assert order.codes == [said] and upstream.handed_out[order.number] == 1


async def test_what_a_crash_left_open_is_delivered_by_the_next_start(sandbox: Sandbox, upstream: OwnShopUpstream, tmp_path: Path) -> None:
    upstream.by_hand = True
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        assert (await phone.pays(await invoice(phone)))["paid"]
        await upstream.working.wait()
    (order,) = upstream.orders
    upstream.finish(order.number)
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        assert await code(phone) == order.codes[0]
    assert len(upstream.orders) == 1


async def test_a_final_no_gives_the_stars_back(sandbox: Sandbox, upstream: OwnShopUpstream, tmp_path: Path) -> None:
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        stars = await phone.stars()
        bill = await invoice(phone)
        held = await phone.pays(bill, skip_success=True)
        # Between the last look and the payment's message, somebody else was quicker.
        upstream.reprice("steam-50", "9.00")
        await phone.succeeds(held["charge_id"])
        await phone.waits_for(lambda m: "You have your Stars back" in m.get("text", ""))
        assert await phone.stars() == stars
    assert upstream.orders == []


async def test_a_price_that_moved_before_the_payment_is_said_and_nothing_is_paid(
    sandbox: Sandbox, upstream: OwnShopUpstream, tmp_path: Path
) -> None:
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        bill = await invoice(phone)
        upstream.reprice("steam-50", "9.00")
        paid = await phone.pays(bill)
        assert not paid["paid"] and "price or the stock has changed" in paid["error"]
        upstream.drop("steam-50")
        await phone.says("/start")
        await phone.waits_for(lambda m: "Everything is sold out" in m.get("text", ""))
    assert upstream.orders == []


async def test_a_shop_that_does_not_answer_is_said_in_a_sentence(sandbox: Sandbox, upstream: OwnShopUpstream, tmp_path: Path) -> None:
    upstream.faults.errors_500 = True
    async with open_bot(sandbox, upstream.url, tmp_path / "book.db") as phone:
        await phone.says("/start")
        await phone.waits_for(lambda m: "cannot be seen right now" in m.get("text", ""))
