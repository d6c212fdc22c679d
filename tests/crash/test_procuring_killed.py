"""The whole process is killed while it buys from another shop; afterwards nothing was bought twice, and everybody has codes or money."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.migrations import migrate
from bot.procuring import LEASE_SECONDS
from core import outbox, storefronts
from core.audit import audit
from core.database import KeyFile, Keyring, Shop, utc_now
from sandbox import PhoneSpec, Sandbox
from sandbox.phone import Phone
from tests.crash.scene import SPEC, Buyer, Life, Line, Nursery, Premises, telegram, within
from tests.crash.test_mixed_payments import free_port
from tests.crash.wholesaler import (
    AFTER,
    ANSWER_SECONDS,
    ANSWERED,
    ASKED,
    BEFORE,
    KEY,
    SECRET,
    Under,
    Wholesaler,
    compare_lists,
    linked,
    resting,
    under_way,
)
from tests.stage import person

# Where the wholesaler is with an order of ours when we die: what one life leaves unknown, the next one asks about.
DEATHS = (BEFORE, ASKED, AFTER, ASKED, ANSWERED, AFTER, BEFORE)
BUYERS = 5
MONEY_MINOR = 1_000_000
FIRST_ID = 750_000_001
# What was leased is free again in the next life; and a few of these are less than the time after which "not there" is believed.
BETWEEN_LIVES = LEASE_SECONDS + 10
LATER = 310.0  # the longest for which an unknown order is left alone
QUIET_SECONDS = 90.0
REACHED_SECONDS, LOOK_SECONDS = 30.0, 2.0
MOST_LIVES = 12


@dataclass
class Town:
    """A shop with people before its door, and the wholesaler behind it."""

    url: str
    keys: Keyring
    premises: Premises
    telegram: Sandbox
    line: Line
    wholesaler: Wholesaler
    slug: str
    buyers: list[Buyer]
    ahead: float = 0.0  # of the shop's clock

    async def opens(self, nursery: Nursery, *, later: float) -> Life:
        """The next life, so many seconds after the last as its clock has it."""
        self.ahead += later
        life = await nursery.bears("run", ahead_seconds=self.ahead)
        await life.runs()
        return life

    async def _stands(self) -> tuple[Under, int]:
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            waiting = await reading.read(outbox.waiting)
            assert waiting.parked == 0, "nobody has blocked the bot"
            return await reading.read(under_way, utc_now() + timedelta(seconds=self.ahead)), waiting.open
        finally:
            await reading.close()

    async def has_done_what_is_due(self) -> bool:
        """Nothing is under way but what is to be asked again later."""
        if self.telegram.world.mailboxes[SPEC.username].waiting:
            return False
        of_upstreams, messages = await self._stands()
        return not of_upstreams.due and not messages

    async def rests(self) -> float:
        """For how many seconds the shop lets the wholesaler rest: nobody can buy, so nothing more happens in this life."""
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            return await reading.read(resting, utc_now() + timedelta(seconds=self.ahead))
        finally:
            await reading.close()

    async def sees(self, reached: asyncio.Event) -> float:
        """Until it is reached, or will not be in this life; after how many seconds the next one should begin then."""
        for _ in range(int(REACHED_SECONDS / LOOK_SECONDS)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await reached.wait()
            if reached.is_set():
                return 0.0
            if (seconds := await self.rests()) and (await self._stands())[0].due == 0:
                return seconds + LATER
        return LATER

    async def is_over(self) -> bool:
        """It is known of every order what became of it."""
        return (await self._stands())[0] == Under(0, 0)


@pytest.fixture
def seed(database: str) -> int:
    chosen = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(2**32))
    print(f"{database}: CRASH_SEED={chosen}")  # Shown when it fails.
    return chosen


@pytest.fixture
async def town(bare_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    key_file, port = tmp_path / "shop.keys", free_port()
    keys = KeyFile(key_file).create()
    await migrate(bare_url)
    wholesaler = Wholesaler()
    await wholesaler.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(wholesaler.stop)
        sandbox, line = await stack.enter_async_context(telegram())
        buyers: list[Buyer] = []
        async with Shop.opened(bare_url, keys, holder="before") as shop:
            front = await shop.write(storefronts.open_storefront, name="Crash", currency="CNY", language="en")
            slug = await linked(shop, front, wholesaler)
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
            "SHOP_LISTEN": f"127.0.0.1:{port}",
            "SHOP_CALLBACK_URL": f"http://127.0.0.1:{port}",
            "SHOP_LANGUAGE": "en",
            "CRASH_ANSWER_SECONDS": str(ANSWER_SECONDS),
        }
        (tmp_path / "folder").mkdir()
        watching = [asyncio.Event() for _ in buyers]
        tasks = [asyncio.create_task(buyer.watches(event)) for buyer, event in zip(buyers, watching, strict=True)]
        for event, buyer in zip(watching, buyers, strict=True):
            await event.wait()
            await buyer.phone.says("/start")
        premises = Premises(tmp_path / "folder", settings, (SPEC.token, KEY, SECRET))
        yield Town(bare_url, keys, premises, sandbox, line, wholesaler, slug, buyers)
        for task in tasks:
            assert not task.done(), task
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_killed_seven_times_at_every_point_of_an_order_the_shop_has_bought_each_unit_once(town: Town, seed: int) -> None:
    """The wholesaler has each of our numbers once; every buyer has the codes that it gave, once, or the money."""
    chance, there = random.Random(seed), town.wholesaler
    town.line.chance, town.line.slowest_seconds = random.Random(seed + 1), 0.03
    closing, calm, late, in_hand = asyncio.Event(), asyncio.Event(), list[asyncio.Event](), 0
    async with town.premises.nursery() as nursery:
        reached, goes_on = there.hold(DEATHS[0])
        life = await town.opens(nursery, later=0)
        shopping = [
            asyncio.create_task(buyer.goes_shopping(town.slug, random.Random(seed + 3 + n), closing)) for n, buyer in enumerate(town.buyers)
        ]
        misbehaving = asyncio.create_task(there.misbehaves(random.Random(seed + 2), calm))
        for death, following in zip(DEATHS, (*DEATHS[1:], ""), strict=True):
            for _ in range(MOST_LIVES):
                later = await town.sees(reached)
                if reached.is_set():
                    break
                # Too much went wrong at once, and the wholesaler is left alone: for minutes, or for the two hours of a source
                # that fails too often. They pass.
                for event in late:
                    event.set()
                await life.is_killed()
                life = await town.opens(nursery, later=later)
            assert reached.is_set(), str(nursery.log)
            if death == ANSWERED:
                await asyncio.sleep(chance.uniform(0, 0.05))  # It takes what came, and hands it over.
            assert not any(task.done() for task in (*shopping, misbehaving)), [*shopping, misbehaving]
            in_hand += there.under_way > 0
            await life.is_killed()
            # What the life before had asked for is done at last: before anybody asks about it, or long after.
            for event in late:
                event.set()
            late = [goes_on]
            if not following:
                # The last was not carried out yet when it is asked about: it is ordered again, and one unit of something does not come.
                calm.set()
                await misbehaving
                there.faults.partial = True
            elif chance.random() < 0.5:
                goes_on.set()
            reached, goes_on = there.hold(following)  # Before it opens: the first thing it does may be to ask.
            life = await town.opens(nursery, later=BETWEEN_LIVES)
        closing.set()
        await asyncio.gather(*shopping)
        # Restarted until it is known of every order what became of it.
        for _ in range(MOST_LIVES):
            await within(QUIET_SECONDS, town.has_done_what_is_due, lambda: nursery.log)
            for event in late:
                event.set()  # The first request comes through long after the second.
            await within(QUIET_SECONDS, there.is_idle, lambda: nursery.log)
            if await town.is_over():
                break
            await life.is_killed()
            life = await town.opens(nursery, later=LATER)
        assert await town.is_over(), str(nursery.log)
        await there.settled()
        await life.closes()
        audited = await nursery.bears("audit", "--json", ahead_seconds=town.ahead)
        assert await audited.ended == 0, str(nursery.log)
        log = nursery.log

    async with Shop.opened(town.url, town.keys, holder="after") as shop:
        report = await shop.read(audit, sample=10)
        assert report.clean, report.violations
        ends = await compare_lists(shop, there, town.telegram, town.buyers, money_minor=MONEY_MINOR)
    print(f"{len(DEATHS)} kills, {in_hand} with an order in hand: {ends}")
    assert not log.mistakes, "".join(log.mistakes)
    assert log.told == 0, "the log holds a code or a secret"
    assert in_hand >= 5, "the kills hit what they were meant for"
    # A busy machine orders less between two kills.
    assert ends.orders > 2 and ends.units > 0 and ends.given_back > 0, "there was a load, and some got their money back"
    assert ends.ordered_again > 0, "some numbers were ordered again, and that was no second purchase"
