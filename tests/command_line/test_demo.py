"""`shop demo`, from the command to the code in a buyer's hand, through a crash, an end and a new beginning."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.stage import WITH_MONEY
from bot.demo.supervisor import ADMIN_TELEGRAM_ID, TOKEN
from core.database import WriterBusy, WriterLock
from sandbox import DEFAULT_PHONES
from sandbox.phone import Json, Phone, labels
from tests.command_line.conftest import environment

SECONDS = 90.0  # for anything, on a machine that is busy with other things


class Demo:
    """A demo in a folder, as a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self, *options: str) -> None:
        """Until its shop is open."""
        self.process = await self._run(*options)
        self.url = re.findall(r"http://\S+", await self.says("The shop is at"))[0]
        await self.says("The shop is open")

    async def _run(self, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "demo",
            "--no-browser",
            *(options or ("--port", "0")),
            cwd=self.folder,
            # What a real shop is set to must not reach the demo.
            env=environment(SHOP_DATABASE="postgresql://nobody@127.0.0.1:9/none", SHOP_CURRENCY="nonsense"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def says(self, wanted: str) -> str:
        """The line of its output that holds these words."""
        assert self.process is not None and self.process.stdout is not None
        seen = ""
        async with asyncio.timeout(SECONDS):
            while line := (await self.process.stdout.readline()).decode():
                if wanted in line:
                    return line
                seen += line
        raise AssertionError(f"the demo ended without {wanted!r}; it said {seen!r}")

    async def fails(self, *options: str) -> tuple[int | None, str]:
        """How another one ends that cannot start."""
        process = await self._run(*options)
        out, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        return process.returncode, out.decode()

    async def ends(self, how: signal.Signals = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        status = await asyncio.wait_for(self.process.wait(), SECONDS)
        return status

    async def database_is_free(self) -> None:
        """Until no process writes to its database any more."""
        lock = WriterLock(self.folder / "data" / "demo" / "shop.db", "tests")
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    lock.take()
                except WriterBusy:
                    await asyncio.sleep(0.05)
                else:
                    lock.release()
                    return


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    made = Demo(tmp_path)
    yield made
    # After a failure it may still run; its bot ends with it.
    if made.process is not None and made.process.returncode is None:
        made.process.kill()
        await made.process.wait()


def is_parcel(message: Json) -> bool:
    return "DEMO-" in message.get("text", "")


async def press(phone: Phone, label: str) -> None:
    """Press the button, however long the answer takes."""
    await phone.presses(label, wait_seconds=SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_the_demo_sells_survives_crashes_and_goes_on_where_it_stopped(demo: Demo) -> None:
    await demo.start()
    async with Phone(demo.url, "second") as phone:
        await phone.says("/start")
        await phone.waits_for(lambda message: "🎮" in "".join(labels(message)), SECONDS)
        await press(phone, "🎮")
        await phone.waits_for(lambda message: any("48.80" in label for label in labels(message)), SECONDS)
        await press(phone, next(label for label in labels(await phone.screen()) if "48.80" in label))
        await phone.waits_for(lambda message: any("Pay" in label for label in labels(message)), SECONDS)
        await press(phone, next(label for label in labels(await phone.screen()) if "Pay" in label and "48.80" in label))
        await phone.waits_for(is_parcel, SECONDS)

        assert await phone.ask("POST", "/faults/crash", json={}) == {"crashed": True}
        await demo.says("The bot was killed and starts again.")
        await phone.says("/balance")
        balance = await phone.waits_for(lambda message: "451.20" in message.get("text", ""), SECONDS)
        assert balance["from"]["is_bot"]

        assert await demo.fails() == (1, "The demo runs already in this folder: use its page, or stop it with Ctrl-C first.\n")
    assert await demo.ends() == 0
    await demo.database_is_free()

    await demo.start()
    async with Phone(demo.url, "second") as phone:
        assert any(is_parcel(message) for message in await phone.messages()), "the chat is as it was left"
        before = len(await phone.messages())
        await phone.says("/balance")
        await phone.waits_for(lambda message: "451.20" in message.get("text", ""), SECONDS)
        assert len([message for message in (await phone.messages())[before:] if is_parcel(message)]) == 0
    # The demo is killed so that it cannot tidy up: its bot notices by itself and ends.
    assert await demo.ends(signal.SIGKILL) == -signal.SIGKILL
    await demo.database_is_free()

    await demo.start("--reset", "--port", "0")
    async with Phone(demo.url, "second") as phone:
        assert await phone.messages() == []
        await phone.says("/balance")
        await phone.waits_for(lambda message: "500.00" in message.get("text", ""), SECONDS)
    assert await demo.ends(signal.SIGTERM) == 0


async def test_a_port_that_is_taken_is_said_in_one_sentence(demo: Demo) -> None:
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    try:
        status, said = await demo.fails("--port", str(port))
    finally:
        taken.close()
        await taken.wait_closed()

    assert status == 1
    assert said == f"Port {port} of 127.0.0.1 cannot be used (address already in use): choose another with --port.\n"


def test_the_demos_people_are_those_of_the_sandbox() -> None:
    phones = {phone.id: phone for phone in DEFAULT_PHONES}

    assert phones["admin"].user_id == ADMIN_TELEGRAM_ID
    assert set(WITH_MONEY) <= set(phones)
    assert "admin" not in WITH_MONEY
    assert re.fullmatch(r"\d+:\S+", TOKEN)
    assert os.path.exists(Path(__file__).parents[2] / "bot" / "demo" / "catalogue.yaml")
