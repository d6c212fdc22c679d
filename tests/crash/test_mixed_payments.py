"""The whole process is killed while people pay by every way there is, and all of them misbehave; not a minor unit is lost or made."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.migrations import migrate
from core import catalog, orders, payments, people, rates, storefronts
from core.audit import audit
from core.database import KeyFile, Shop, read
from sandbox import PhoneSpec
from sandbox.phone import Phone
from tests.crash.accounts import Ends, Terms, compare_money
from tests.crash.house import Stage
from tests.crash.payers import Deeds, Payer, Staff
from tests.crash.scene import SPEC, Buyer, Premises, telegram, within
from tests.crash.tills import SECRETS, Tills, tills
from tests.stage import Clock, person, put_on_sale, stock

KILLS = {"postgres": 20, "sqlite": 10}  # What is killed is the same; SQLite has one writer, and fewer ways to end in the middle.
BUYERS = 8
CODES = 1200
PRICE_MINOR = 9500
SEEDS_MINOR = (0, 3000, 12_345, 200_000)  # what buyers begin with: nothing, a part of a price, and enough
STARS = 100_000
FIRST_ID = 740_000_001
ADMIN_ID = 739_999_999
QUIET_SECONDS = 90.0
AN_HOUR, LATER = 3600.0, 2 * 3600.0


@dataclass
class Mall(Stage):
    """A shop with every way to pay, and the gateways beyond it."""

    tills: Tills
    payers: list[Payer]
    staff: Staff
    seeds: dict[int, int]
    waits_for: str = ""

    async def an_hour_passes(self) -> None:
        """While the shop is dead: what waited for money is over when it opens again. Then those pay who are late."""
        clock = Clock()
        clock.passes(seconds=AN_HOUR)
        async with Shop.opened(self.url, self.keys, holder="an hour later", clock=clock) as shop:
            await shop.write(orders.release_lapsed_holds)
            await shop.write(orders.expire)
            await shop.write(payments.expire_deposits, most=100)
        await self.the_late_pay()

    async def the_late_pay(self) -> None:
        for gateway, number in self.tills.late:
            payment = next(one for one in gateway.history if one.number == number)
            await self.tills.pays(gateway, payment)
        self.tills.late.clear()

    async def has_settled(self) -> bool:
        """Nothing is under way any more, and everything that gateways were paid is known."""
        self.waits_for = "messages that are under way"
        if not await self.is_quiet():
            return False
        self.waits_for = "the staff"
        if await self.staff.decides():
            return False
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            known, under_way = await reading.read(standing)
        finally:
            await reading.close()
        came = {(one.provider, one.key) for one in self.tills.books(self.telegram)}
        self.waits_for = f"{under_way} refunds and the payments {came - known}"
        return not under_way and came <= known

    async def money(self, shop: Shop) -> Ends:
        """What the gateways' books and the chats say against what the shop's do."""
        terms = Terms(PRICE_MINOR, self.seeds, {"stripe": (300, 30)})
        books = self.tills.books(self.telegram)
        return await compare_money(shop, self.keys, self.telegram, self.buyers, books, self.codes, terms)


@read
def standing(session: Session) -> tuple[set[tuple[str, str]], int]:
    """The payments that are booked, and how many refunds are under way."""
    known = session.execute(text("SELECT provider, event_key FROM payment_events")).all()
    under_way = session.scalar(text("SELECT COUNT(*) FROM refunds WHERE state IN ('wanted', 'refunding')"))
    return {(provider, key) for provider, key in known}, int(under_way or 0)


def free_port() -> int:
    """A port that stays the shop's through all its lives."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def seed(database: str) -> int:
    chosen = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(2**32))
    print(f"{database}: CRASH_SEED={chosen}")  # Shown when it fails.
    return chosen


@pytest.fixture
async def mall(bare_url: str, tmp_path: Path, seed: int) -> AsyncIterator[Mall]:
    key_file, port = tmp_path / "shop.keys", free_port()
    keys = KeyFile(key_file).create()
    await migrate(bare_url)
    async with AsyncExitStack() as stack:
        sandbox, line = await stack.enter_async_context(telegram())
        open_tills = await stack.enter_async_context(tills(port, random.Random(seed + 1)))

        async def phone(name: str, user_id: int) -> Phone:
            sandbox.add_phone(PhoneSpec(name, name, name.title(), user_id=user_id, stars=STARS))
            return await stack.enter_async_context(Phone(sandbox.url, name, SPEC.username))

        async with Shop.opened(bare_url, keys, holder="before") as shop:
            front = await shop.write(storefronts.open_storefront, name="Crash", currency="CNY", language="en")
            await shop.write(rates.set_rate, base="XTR", quote="CNY", rate=Fraction(14), source="test")
            await shop.write(rates.set_rate, base="USD", quote="CNY", rate=Fraction(713, 100), source="test")
            goods = await put_on_sale(shop, front, count=0, price_minor=PRICE_MINOR)
            codes = await stock(shop, goods.offer_id, goods.sku_id, CODES)
            sku = await shop.read(catalog.sku, goods.sku_id)
            assert sku is not None
            buyers = [
                Buyer(await phone(f"buyer-{n}", FIRST_ID + n), await person(shop, front, FIRST_ID + n, SEEDS_MINOR[n % len(SEEDS_MINOR)]))
                for n in range(BUYERS)
            ]
            boss = Buyer(await phone("boss", ADMIN_ID), await person(shop, front, ADMIN_ID))
            await shop.write(people.set_admins_from_settings, storefront_id=front.id, telegram_ids=[ADMIN_ID])
        settings = {
            "SHOP_BOT_TOKEN": SPEC.token,
            "SHOP_BOT_API": sandbox.url,
            "SHOP_DATABASE": bare_url,
            "SHOP_KEYS": str(key_file),
            "SHOP_LISTEN": f"127.0.0.1:{port}",
            "SHOP_LANGUAGE": "en",
            "SHOP_ADMINS": f"{ADMIN_ID}",
            "SHOP_HOLDS_PER_BUYER": "100",
            "SHOP_HOLD_SHARE_PERCENT": "90",
            "SHOP_REVERSIBLE_A_DAY": "1000000",
            **open_tills.settings(),
        }
        (tmp_path / "folder").mkdir()
        everybody = [*buyers, boss]
        watching = [asyncio.Event() for _ in everybody]
        tasks = [asyncio.create_task(one.watches(event)) for one, event in zip(everybody, watching, strict=True)]
        for event, one in zip(watching, everybody, strict=True):
            await event.wait()
            await one.phone.says("/start")
        deeds = Deeds()
        payers = [
            Payer(buyer, sandbox, random.Random(seed + 10 + n), deeds, open_tills, sku.slug, bare_url, keys)
            for n, buyer in enumerate(buyers)
        ]
        yield Mall(
            bare_url,
            keys,
            Premises(tmp_path / "folder", settings, (SPEC.token, *SECRETS)),
            sandbox,
            line,
            sku.slug,
            goods,
            codes,
            buyers,
            open_tills,
            payers,
            Staff(boss, sandbox, random.Random(seed + 2), deeds, open_tills, bare_url, keys),
            {buyer.customer.id: SEEDS_MINOR[n % len(SEEDS_MINOR)] for n, buyer in enumerate(buyers)},
        )
        for task in tasks:
            assert not task.done(), task
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_many_kills_during_mixed_payments_and_all_money_is_where_it_belongs(mall: Mall, seed: int, database: str) -> None:
    """Money in is codes out, balances, refunds and fees, to the minor unit; each paid intent is delivered, credited or refunded."""
    chance = random.Random(seed)
    mall.line.chance, mall.line.slowest_seconds = random.Random(seed + 3), 0.04
    closing = asyncio.Event()
    async with mall.premises.nursery() as nursery:
        life = await nursery.bears("run")
        await life.runs()
        people_at_it = [asyncio.create_task(payer.goes_paying(closing)) for payer in mall.payers]
        people_at_it.append(asyncio.create_task(mall.staff.works(closing)))
        nature = [asyncio.create_task(mall.tills.misbehave(closing)), asyncio.create_task(mall.tills.forge(closing))]
        for kill in range(KILLS[database]):
            await mall.line.has_carried_out(chance.randint(5, 60))
            await asyncio.sleep(chance.uniform(0, 0.1))
            assert not any(task.done() for task in (*people_at_it, *nature)), [task for task in people_at_it if task.done()]
            await life.is_killed()
            if kill % 5 == 4:
                await mall.is_sound()
                await mall.an_hour_passes()
            life = await nursery.bears("run")
            await life.runs()
        closing.set()
        await asyncio.gather(*people_at_it, *nature)
        await mall.the_late_pay()
        for gateway in mall.tills.gateways:
            await gateway.settled()
        await life.is_killed()
        # Left alone for two hours, with nobody else at it: what is asked again later is asked now.
        life = await nursery.bears("run", ahead_seconds=LATER)
        await life.runs()
        await within(QUIET_SECONDS, mall.has_settled, lambda: f"it waits for {mall.waits_for}\n{life.log}")
        await life.closes()
        for command in (("reconcile",), ("audit", "--json")):
            checked = await nursery.bears(*command, ahead_seconds=LATER)
            assert await checked.ended == 0, f"{command}:\n{nursery.log}"
        log = nursery.log

    async with Shop.opened(mall.url, mall.keys, holder="after") as shop:
        report = await shop.read(audit, sample=10)
        assert report.clean, report.violations
        ends = await mall.money(shop)
    also = f"{mall.tills.second_payments} paid twice, {len(mall.tills.forged)} forged"
    print(f"{KILLS[database]} kills: {ends}, {also}, {mall.staff.deeds.done}")
    assert not log.mistakes, "".join(log.mistakes)
    assert log.told == 0, "the log holds a secret"
    assert mall.tills.forged and set(mall.tills.forged) <= {400, 404, 503}, "404 and 503 are of a shop that is just opening"
    # A busy machine does less between two kills.
    assert ends.payments > 2 and ends.delivered > 0 and ends.credited + ends.refunded + ends.given_back > 0, "there was a load"
