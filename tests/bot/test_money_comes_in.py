"""Money that comes in is booked whatever else goes on: staff in the middle of a question, a database that is busy, a lost report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.reconciling import GRACE, reconcile
from bot.running import RunPlan, make_bot, run
from bot.telegram_calls import BotCalls
from connectors.payments import methods
from core import ledger, orders, people, rates
from core.audit import audit
from core.database import Shop, Write
from core.storefronts import Storefront
from sandbox import Sandbox
from sandbox.phone import Json, Phone
from tests.bot.conftest import TOKEN, owner_of, until
from tests.stage import Clock, Goods


@asynccontextmanager
async def open_shop(sandbox: Sandbox, shop: Shop, storefront: Storefront) -> AsyncIterator[None]:
    plan = RunPlan(TOKEN, sandbox.url, shop, storefront, None, None, "127.0.0.1", 0, with_web=False)
    stop = asyncio.Event()
    task = asyncio.create_task(run(plan, stop))
    try:
        yield
    finally:
        stop.set()
        await task


@pytest.fixture
async def rate(shop: Shop) -> None:
    await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(9), source="test")


async def invoiced(phone: Phone) -> Json:
    """Walk to an invoice in Stars."""
    await phone.says("/start")
    await phone.presses("Steam")
    await phone.presses("⭐")
    return await phone.waits_for(lambda m: "invoice" in m)


async def test_a_member_of_the_staff_who_pays_while_a_question_is_open_gets_the_code(
    sandbox: Sandbox, shop: Shop, goods: Goods, rate: None
) -> None:
    async with Phone(sandbox.url, "admin", "card_shop_bot") as phone:
        admin = int((await phone.person())["user"]["id"])
        await shop.write(people.set_admins_from_settings, storefront_id=goods.storefront.id, telegram_ids=[admin])
        async with open_shop(sandbox, shop, goods.storefront):
            invoice = await invoiced(phone)
            await phone.says("/admin")
            # A question is open that waits for something typed.
            for word in ("客户", "Find a customer", "查找客户", "查找顾客"):
                try:
                    await asyncio.wait_for(phone.presses(word), 2)
                    break
                except (LookupError, TimeoutError):
                    continue
            else:
                buttons = (await phone.screen())["reply_markup"]["inline_keyboard"]
                labels = [button["text"] for row in buttons for button in row]
                await phone.presses(next(label for label in labels if "👤" in label))
            paid = await phone.pays(invoice)

            assert paid["paid"], paid
            await phone.waits_for(lambda m: any(e["type"] == "spoiler" for e in m.get("entities", ())))
    assert (await shop.read(audit)).violations == []


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_payment_is_recorded_although_the_database_fails_at_first(
    sandbox: Sandbox, shop: Shop, goods: Goods, rate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 3
    real = shop.write

    async def sometimes(command: Write[Any, Any], *args: Any, **kwargs: Any) -> Any:
        nonlocal failures
        if command is orders.settle and failures:
            failures -= 1
            raise OperationalError("COMMIT", None, Exception("database is locked"))
        return await real(command, *args, **kwargs)

    async with Phone(sandbox.url, "second", "card_shop_bot") as phone, open_shop(sandbox, shop, goods.storefront):
        invoice = await invoiced(phone)
        monkeypatch.setattr(shop, "write", sometimes)
        await phone.pays(invoice)

        await phone.waits_for(lambda m: any(e["type"] == "spoiler" for e in m.get("entities", ())))
    assert failures == 0


async def test_a_payment_whose_report_was_lost_is_found_in_telegrams_list_and_issued_once(
    sandbox: Sandbox, shop: Shop, goods: Goods, rate: None, clock: Clock
) -> None:
    async with Phone(sandbox.url, "second", "card_shop_bot") as phone, make_bot(TOKEN, sandbox.url) as bot:
        accepted = methods(BotCalls(bot), {})
        async with open_shop(sandbox, shop, goods.storefront):
            invoice = await invoiced(phone)
            paid = await phone.pays(invoice, skip_success=True)
            buyer = await owner_of(phone, shop, goods.storefront)
            assert await reconcile(shop, goods.storefront, accepted) == 0, "the update is left time to come by itself"
            clock.passes(seconds=GRACE.total_seconds() + 5)

            assert await reconcile(shop, goods.storefront, accepted) == 1
            assert await reconcile(shop, goods.storefront, accepted) == 0
            # The report comes after all: it is known, and nothing is issued or credited twice.
            await phone.succeeds(paid["charge_id"])

            async def issued() -> bool:
                found = await shop.read(orders.history, buyer_id=buyer.id)
                return [card.state for card in found] == [orders.OrderState.ISSUED]

            await until(issued)
            await phone.waits_for(lambda m: any(e["type"] == "spoiler" for e in m.get("entities", ())))
    assert await shop.read(ledger.balance, buyer.wallet_id) == 0
    assert (await shop.read(audit)).violations == []


async def test_stars_that_telegram_gives_back_leave_the_wallet_and_the_staff_are_told(
    sandbox: Sandbox, shop: Shop, goods: Goods, rate: None, clock: Clock
) -> None:
    async with Phone(sandbox.url, "second", "card_shop_bot") as phone, make_bot(TOKEN, sandbox.url) as bot:
        accepted = methods(BotCalls(bot), {})
        async with open_shop(sandbox, shop, goods.storefront):
            invoice = await invoiced(phone)
            paid = await phone.pays(invoice)
            await phone.waits_for(lambda m: any(e["type"] == "spoiler" for e in m.get("entities", ())))
            buyer = await owner_of(phone, shop, goods.storefront, money_minor=3000)
            await bot.refund_star_payment(user_id=buyer.telegram_id, telegram_payment_charge_id=paid["charge_id"])
            clock.passes(seconds=GRACE.total_seconds() + 5)

            async def reversed_() -> bool:
                await reconcile(shop, goods.storefront, accepted)
                return await shop.read(ledger.balance, buyer.wallet_id) == 0

            await until(reversed_)
    assert (await shop.read(audit)).violations == []


def test_the_grace_is_shorter_than_the_life_of_an_invoice() -> None:
    assert timedelta(0) < GRACE < timedelta(minutes=15)
