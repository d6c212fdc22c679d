"""The whole process – bot, courier, jobs, doors – is killed while people buy on their phones; afterwards nobody has lost anything."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.migrations import migrate
from core import catalog, storefronts
from core.audit import audit
from core.database import KeyFile, Shop
from sandbox import PhoneSpec
from sandbox.phone import Phone, find_button
from tests.crash.books import books
from tests.crash.house import Stage
from tests.crash.scene import SPEC, Buyer, Premises, codes_in, order_of, telegram, within
from tests.stage import person, put_on_sale, stock

KILLS = 10
BUYERS = 8
CODES = 900
MONEY_MINOR = 100_000_00
FIRST_ID = 730_000_001
QUIET_SECONDS = 120.0  # A message that died in a courier's hands on PostgreSQL is free again after its lease of half a minute.


@pytest.fixture
async def stage(bare_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    key_file = tmp_path / "shop.keys"
    keys = KeyFile(key_file).create()
    await migrate(bare_url)
    async with AsyncExitStack() as stack:
        sandbox, line = await stack.enter_async_context(telegram())
        buyers: list[Buyer] = []
        async with Shop.opened(bare_url, keys, holder="before") as shop:
            front = await shop.write(storefronts.open_storefront, name="Crash", currency="CNY", language="en")
            goods = await put_on_sale(shop, front, count=0)
            codes = await stock(shop, goods.offer_id, goods.sku_id, CODES)
            sku = await shop.read(catalog.sku, goods.sku_id)
            assert sku is not None
            for number in range(BUYERS):
                name, user_id = f"buyer-{number}", FIRST_ID + number
                sandbox.add_phone(PhoneSpec(name, name, f"Buyer {number}", user_id=user_id))
                phone = await stack.enter_async_context(Phone(sandbox.url, name, SPEC.username))
                buyers.append(Buyer(phone, await person(shop, front, user_id, MONEY_MINOR)))
        settings = {
            "SHOP_BOT_TOKEN": SPEC.token,
            "SHOP_BOT_API": sandbox.url,
            "SHOP_DATABASE": bare_url,
            "SHOP_KEYS": str(key_file),
            "SHOP_LISTEN": "127.0.0.1:0",
            "SHOP_LANGUAGE": "en",
        }
        # A folder of its own, where no .env of a real shop lies.
        (tmp_path / "folder").mkdir()
        watching = [asyncio.Event() for _ in buyers]
        tasks = [asyncio.create_task(buyer.watches(event)) for buyer, event in zip(buyers, watching, strict=True)]
        for event, buyer in zip(watching, buyers, strict=True):
            await event.wait()
            await buyer.phone.says("/start")  # Before the shop opens, which would find the chats closed otherwise.
        yield Stage(bare_url, keys, Premises(tmp_path / "folder", settings), sandbox, line, sku.slug, goods, codes, buyers)
        for task in tasks:
            assert not task.done(), task
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_ten_kills_while_eight_people_buy_lose_nothing_and_give_nothing_away(stage: Stage, database: str) -> None:
    """Every Paid screen is an order, every charge has its codes in its buyer's chat and in no other, the books are right."""
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(2**32))
    print(f"{database}: CRASH_SEED={seed}")  # Shown when it fails.
    chance = random.Random(seed)
    stage.line.chance = random.Random(seed + 1)
    stage.line.slowest_seconds = 0.06
    unheard, closing = 0, asyncio.Event()
    async with stage.premises.nursery() as nursery, stage.premises.opened() as first:
        life = first
        await life.runs()
        shopping = [
            asyncio.create_task(buyer.goes_shopping(stage.slug, random.Random(seed + 2 + number), closing))
            for number, buyer in enumerate(stage.buyers)
        ]
        for kill in range(KILLS):
            await stage.line.has_carried_out(chance.randint(5, 120))
            await asyncio.sleep(chance.uniform(0, 0.1))
            assert not any(task.done() for task in shopping), [task for task in shopping if task.done()]
            unheard += stage.line.under_way
            await life.is_killed()
            if kill % 5 == 4:
                await stage.is_sound()
            life = await nursery.bears("run")
            await life.runs()
        closing.set()
        await asyncio.gather(*shopping)
        await within(QUIET_SECONDS, stage.is_quiet, lambda: life.log)
        await life.closes()
        audited = await nursery.bears("audit", "--json")
        assert await audited.ended == 0, str(nursery.log)
        mistakes = first.log.mistakes + nursery.log.mistakes

    async with Shop.opened(stage.url, stage.keys, holder="after") as shop:
        report = await shop.read(audit, sample=10)
        assert report.clean, report.violations
        found = await stage.comparison(shop, MONEY_MINOR)
    print(f"{KILLS} kills: {found}, {unheard} answers of Telegram never heard")
    assert not mistakes, "".join(mistakes)
    assert found.seen_paid == found.orders, "whoever was charged was told so in the end"
    assert found.orders > KILLS and found.codes < CODES, "there was a load to the end"
    assert unheard > 0, "some of the kills hit between Telegram's deed and its answer"


async def has_bought(buyer: Buyer, slug: str) -> None:
    """One card: the screen says Paid, and the codes are in the chat."""
    screen = await buyer.opens(slug, 30)
    assert screen is not None
    await buyer.presses_pay(screen)
    assert await buyer.until(lambda: buyer.paid or None, 30)
    assert await buyer.until(lambda: any(map(codes_in, buyer.shown.values())) or None, 30)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_killed_between_the_message_and_its_mark_the_courier_repeats_that_message_and_nothing_else(stage: Stage) -> None:
    """Telegram has taken the codes, and the answer is still under way when the process is killed."""
    buyer, other, *_ = stage.buyers
    async with stage.premises.nursery() as nursery:
        life = await nursery.bears("run")
        await life.runs()
        await within(QUIET_SECONDS, stage.is_quiet, lambda: life.log)
        await has_bought(other, stage.slug)  # Codes that nothing may touch.
        await within(QUIET_SECONDS, stage.is_quiet, lambda: life.log)
        stage.line.keeps = lambda answer: bool(codes_in(answer))
        await has_bought(buyer, stage.slug)
        async with asyncio.timeout(30):
            await stage.line.kept.wait()
        # The press is answered and confirmed: only the courier waits.
        await within(30, stage.telegram_is_quiet, lambda: life.log)
        before = stage.chats()
        assert stage.line.under_way == 1
        await life.is_killed()
        (order,) = buyer.paid
        reading = await Shop.open_to_read(stage.url, stage.keys)
        (delivery,) = (await reading.read(books)).deliveries[order]
        await reading.close()
        assert not delivery.is_done and delivery.attempts == 1, "it was killed before the mark"
        assert stage.chats() == before

        stage.line.keeps = lambda answer: False
        life = await nursery.bears("run")
        await life.runs()
        await within(QUIET_SECONDS, stage.is_quiet, lambda: life.log)
        await life.closes()
        assert not life.log.mistakes, "".join(life.log.mistakes)
    after = stage.chats()
    mine = buyer.phone.phone_id
    new = [after[mine].pop(number) for number in sorted(set(after[mine]) - set(before[mine]))]
    assert after == before, "nothing was written or changed but for what is new in the buyer's chat"
    (repeated,) = new
    ignored = ("message_id", "date")
    (sent,) = (message for message in before[mine].values() if codes_in(message))
    assert {k: v for k, v in repeated.items() if k not in ignored} == {k: v for k, v in sent.items() if k not in ignored}
    assert order_of(repeated) == order and find_button(repeated, "📋 Copy") is not None

    async with Shop.opened(stage.url, stage.keys, holder="after") as shop:
        assert (await shop.read(audit, sample=10)).clean
        (delivery,) = (await shop.read(books)).deliveries[order]
        assert delivery.is_done and delivery.attempts == 2 and delivery.sent_message_id == repeated["message_id"]
        found = await stage.comparison(shop, MONEY_MINOR)
    assert (found.orders, found.seen_paid, found.repeated) == (2, 2, 1)
