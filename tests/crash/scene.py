"""What the crash stories of the whole shop are told with: the process, a Telegram whose answers take a while, and buyers who press."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from core.people import Customer
from handlers.callbacks import Again, Buy
from sandbox import BotSpec, Sandbox
from sandbox.calls import carry_out
from sandbox.phone import ENDLESS, Phone, PhoneRefused, find_button
from tests.command_line.conftest import environment

T = TypeVar("T")
Json = dict[str, Any]

SPEC = BotSpec("7000000001:AAcrash-stories-of-the-whole-shop", "card_shop_bot", "Card shop")
CODE = re.compile(r"TEST-\d+-[0-9A-F]{8}")
PAY = f"{Buy.__prefix__}:"
START_SECONDS = 240.0  # A slow machine that has to compile everything first is waited for.
SEEN = ("sendmessage", "senddocument", "editmessagetext", "answercallbackquery")
PATIENCE_SECONDS = 1.5  # After so long without an answer a buyer presses again,
MOST_PATIENCE_SECONDS = 12.0  # and waits longer each time: on a slow machine presses would pile up.


# The process


@dataclass
class Log:
    """What a process says, and whether it has said that it runs."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=400))
    running: asyncio.Event = field(default_factory=asyncio.Event)
    mistakes: list[str] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    told: int = 0  # lines that held a code or one of these secrets

    async def reads(self, stream: asyncio.StreamReader | None) -> None:
        """To the end of the stream: a pipe that nobody empties would stop the shop."""
        assert stream is not None
        async for line in stream:
            text = line.decode(errors="replace")
            self.lines.append(text)
            self.told += CODE.search(text) is not None or any(secret in text for secret in self.secrets)
            if '"event": "running"' in text:
                self.running.set()
            if '"level": "error"' in text or '"level": "critical"' in text or text.startswith("Traceback"):
                self.mistakes.append(text)

    def __str__(self) -> str:
        return "".join(self.lines)


@dataclass
class Life:
    """One process of the shop."""

    pid: int
    ended: asyncio.Future[int]
    log: Log

    async def runs(self) -> None:
        """Until it says so."""
        running = asyncio.create_task(self.log.running.wait())
        try:
            either: list[asyncio.Future[Any]] = [running, self.ended]
            await asyncio.wait(either, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            assert running.done() and not self.ended.done(), f"the shop did not open:\n{self.log}"
        finally:
            running.cancel()

    async def is_killed(self) -> None:
        """Without a warning."""
        assert not self.ended.done(), f"it had ended by itself:\n{self.log}"
        os.kill(self.pid, signal.SIGKILL)
        assert await self.ended == -signal.SIGKILL

    async def closes(self) -> None:
        """In order, as it is told to."""
        os.kill(self.pid, signal.SIGTERM)
        async with asyncio.timeout(START_SECONDS):
            assert await self.ended == 0, str(self.log)


@dataclass(frozen=True)
class Premises:
    """Where the shop is: its folder and its settings."""

    folder: Path
    settings: dict[str, str]
    secrets: tuple[str, ...] = ()

    async def _process(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *words,
            cwd=self.folder,
            env=environment(**self.settings),
            limit=1 << 20,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Life]:
        """`python -m bot run`, as a shopkeeper starts it; killed at the end when it is still there."""
        process = await self._process("bot", "run")
        log = Log(secrets=self.secrets)
        reading = asyncio.gather(log.reads(process.stdout), log.reads(process.stderr))
        life = Life(process.pid, asyncio.create_task(process.wait()), log)
        try:
            yield life
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading

    @asynccontextmanager
    async def nursery(self) -> AsyncIterator[Nursery]:
        """The same as often as needed, without loading everything anew."""
        process = await self._process("tests.crash.nursery")
        nursery = Nursery(process, Log(secrets=self.secrets))
        reading = asyncio.create_task(nursery.log.reads(process.stderr))
        try:
            yield nursery
        finally:
            if nursery.life is not None and not nursery.life.ended.done():
                os.kill(nursery.life.pid, signal.SIGKILL)
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading


@dataclass
class Nursery:
    """Bears one process after the other."""

    process: asyncio.subprocess.Process
    log: Log = field(default_factory=Log)
    life: Life | None = None

    async def bears(self, *words: str, ahead_seconds: float = 0) -> Life:
        """A process of `shop` with these words; the one before has ended. Its clock may be ahead."""
        assert self.life is None or self.life.ended.done(), "one at a time"
        assert self.process.stdin is not None
        self.log.running.clear()
        self.process.stdin.write(json.dumps([ahead_seconds, *words]).encode() + b"\n")
        await self.process.stdin.drain()
        async with asyncio.timeout(START_SECONDS):
            pid = await self._hears("born")
        self.life = Life(pid, asyncio.create_task(self._hears("ended")), self.log)
        return self.life

    async def _hears(self, word: str) -> int:
        assert self.process.stdout is not None
        said, _, number = (await self.process.stdout.readline()).decode().partition(" ")
        assert said == word, f"the nursery said {said!r}:\n{self.log}"
        return int(number)


# Telegram


@dataclass
class Line:
    """The line to Telegram: what is asked is done at once, and its answer is under way for a while – or for as long as the shop lives."""

    slowest_seconds: float = 0.0
    keeps: Callable[[Json], bool] = lambda answer: False
    kept: asyncio.Event = field(default_factory=asyncio.Event)
    carried_out: int = 0  # what people see of it: messages, screens, answers to presses
    under_way: int = 0  # answers of what is done already
    pressed: dict[str, set[str]] = field(default_factory=dict)  # by phone: the Pay buttons, each drawing of a screen with its own
    chance: random.Random = field(default_factory=random.Random)

    def listens(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """The sandbox's way of asking a bot, with an ear to which buttons are pressed."""

        def asked(kind: str, bot: Any, phone: Any, content: Json, seconds: float, peer: str = "") -> Any:
            if kind == "callback_query" and content["data"].startswith(PAY):
                self.pressed.setdefault(phone.id, set()).add(content["data"])
            return ask(kind, bot, phone, content, seconds, peer)

        return asked

    async def has_carried_out(self, more: int) -> None:
        """Until so much more was done. On a machine with other things to do this is the measure of a life, not seconds."""
        wanted = self.carried_out + more
        async with asyncio.timeout(START_SECONDS):
            while self.carried_out < wanted:  # noqa: ASYNC110 - often enough, and it costs nothing
                await asyncio.sleep(0.005)

    async def carry_out(self, world: Any, bot: Any, method: str, fields: Mapping[str, Any], uploads: Any) -> object:
        """In place of the sandbox's own."""
        answer = await carry_out(world, bot, method, fields, uploads)
        if method.lower() == "getupdates":
            return answer
        self.carried_out += method.lower() in SEEN
        self.under_way += 1
        try:
            if isinstance(answer, dict) and self.keeps(answer):
                self.kept.set()
                await asyncio.Event().wait()
            await asyncio.sleep(self.chance.uniform(0, self.slowest_seconds))
        finally:
            self.under_way -= 1  # Also when whoever had asked is dead: then the sandbox drops the call.
        return answer


@asynccontextmanager
async def telegram() -> AsyncIterator[tuple[Sandbox, Line]]:
    """A sandbox behind such a line."""
    line, running = Line(), Sandbox(bots=[SPEC], phones=[])
    await running.start()
    try:
        with patch("sandbox.bot_door.carry_out", line.carry_out), patch.object(running.world, "ask", line.listens(running.world.ask)):
            yield running, line
    finally:
        await running.stop()


# Buyers


@dataclass
class Buyer:
    """Somebody with a phone who looks at everything that comes and remembers it."""

    phone: Phone
    customer: Customer
    shown: dict[int, Json] = field(default_factory=dict)  # the chat: each message as it was last seen
    paid: set[int] = field(default_factory=set)  # orders of which a screen ever said "Paid"
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def watches(self, watching: asyncio.Event) -> None:
        """Sees everything from the moment at which `watching` is set."""
        address = f"{self.phone.base_url}/phones/{self.phone.phone_id}/events?bot={self.phone.bot_username}"
        async with self.phone.http.get(address, timeout=ENDLESS) as stream:
            while line := await stream.content.readline():
                watching.set()
                if line.startswith(b"data:"):
                    event = json.loads(line.removeprefix(b"data:"))
                    assert event["kind"] not in ("reload", "delete"), "nothing is missed, nothing is taken away"
                    if event["kind"] in ("message", "edit"):
                        self.sees(event["message"])

    def sees(self, message: Json) -> None:
        self.shown[message["message_id"]] = message
        if message.get("text", "").startswith("✅ Paid") and find_button(message, "🔁 Buy again") is not None:
            self.paid.add(order_of(message))
        self.changed.set()

    async def until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """What is looked for, as soon as it is there; None when it does not come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (found := look()) is None:
                    self.changed.clear()
                    await self.changed.wait()
                return found
        return None

    async def opens(self, slug: str, seconds: float) -> Json | None:
        """Asks for a card and gives the screen on which it is bought; None when it does not come."""
        asked = await self.phone.says(f"/start sku-{slug}")

        def screen() -> Json | None:
            later = (message for number, message in self.shown.items() if number > asked["message_id"])
            return next((message for message in later if find_button(message, "Pay")), None)

        return await self.until(screen, seconds)

    async def sees_another(self, screen: Json, seconds: float) -> None:
        """Until the screen has changed, or this time is over."""

        def changed() -> bool | None:
            return self.shown[screen["message_id"]] != screen or None

        await self.until(changed, seconds)

    async def goes_shopping(self, slug: str, chance: random.Random, closing: asyncio.Event) -> None:
        """Buys one or a few cards after the other until the shop is about to close, and presses again whenever nothing happens."""
        tries = 0
        while not closing.is_set():
            screen = await self.opens(slug, patience(tries))
            if screen is None:
                tries += 1
                continue
            tries = 0
            if chance.random() < 0.3:
                with suppress(PhoneRefused, LookupError):  # So many are not offered.
                    await self.phone.presses((screen, chance.choice(["2", "5"])), wait_seconds=0)
                await self.sees_another(screen, PATIENCE_SECONDS)
            await self.pays(screen["message_id"], chance)
            # About as fast as Telegram lets codes into one chat, so that the courier always has something in hand.
            await asyncio.sleep(chance.uniform(0.4, 1.2))

    async def pays(self, number: int, chance: random.Random) -> None:
        """Presses Pay on that message, sometimes twice, until it says what became of it."""
        for tries in range(40):
            screen = self.shown[number]
            if find_button(screen, "Pay") is None:
                return
            for _ in range(chance.choice([1, 1, 2])):
                await self.presses_pay(screen)
            await self.sees_another(screen, patience(tries))
        raise AssertionError(f"forty presses on Pay brought nothing: {self.shown[number]}")

    async def presses_pay(self, screen: Json) -> None:
        """Once; nothing comes of it when the screen has changed meanwhile."""
        with suppress(PhoneRefused):
            await self.phone.presses((screen, "Pay"), wait_seconds=0)


def patience(tries: int) -> float:
    """How long to wait for an answer after so many tries without one."""
    return min(MOST_PATIENCE_SECONDS, PATIENCE_SECONDS * 1.5**tries)


def order_of(message: Json) -> int:
    """The order whose screen or codes these are: its button "Buy again" names it."""
    place = find_button(message, "🔁 Buy again")
    assert place is not None, message
    return Again.unpack(message["reply_markup"]["inline_keyboard"][place[0]][place[1]]["callback_data"]).id


def codes_in(message: Json) -> list[str]:
    """The codes that a message shows, in order; each stands on a button that copies it, too."""
    codes = CODE.findall(message.get("text", ""))
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    assert codes == [button["copy_text"]["text"] for row in rows for button in row if "copy_text" in button]
    return codes


async def within(seconds: float, true: Callable[[], Awaitable[bool]], says: Callable[[], object]) -> None:
    """Wait until it is so."""
    try:
        async with asyncio.timeout(seconds):
            while not await true():  # noqa: ASYNC110 - what is waited for is in a database
                await asyncio.sleep(0.25)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s:\n{says()}") from None
