"""`shop run` as a process: who it calls in at the start, and what it says when it cannot open."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest
from aiohttp import ClientSession

from bot.commands import running as commands
from bot.demo.supervisor import ADMIN_TELEGRAM_ID, TOKEN, USERNAME
from bot.running import RunPlan
from locales import Speech
from sandbox import BotSpec, Sandbox
from sandbox.phone import Phone
from tests.command_line.conftest import Shell, environment

SECONDS = 90.0
BOSS = ADMIN_TELEGRAM_ID


@pytest.fixture
async def telegram() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(bots=[BotSpec(TOKEN, USERNAME, "Card shop")])
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@asynccontextmanager
async def running(shell: Shell, telegram: Sandbox, *command: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The shop as a process, ended in order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *(command or ("run",)),
        cwd=shell.folder,
        env=environment(**{"SHOP_BOT_TOKEN": TOKEN, "SHOP_BOT_API": telegram.url, "SHOP_LISTEN": "127.0.0.1:0", **settings}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
        # A test may have ended it already, and the process's own `send_signal` would then take its end away from who waits for it.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def line_with(stream: asyncio.StreamReader | None, wanted: str) -> str:
    assert stream is not None
    seen = ""
    async with asyncio.timeout(SECONDS):
        while line := (await stream.readline()).decode():
            if wanted in line:
                return line
            seen += line
    raise AssertionError(f"no line with {wanted!r} in {seen!r}")


def staff(shell: Shell) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(shell.folder / "data" / "shop.db")) as database:
        return database.execute("SELECT telegram_id, role FROM staff ORDER BY telegram_id").fetchall()


@pytest.mark.slow
async def test_the_first_to_open_the_printed_link_owns_the_shop_and_no_link_is_printed_again(shell: Shell, telegram: Sandbox) -> None:
    async with running(shell, telegram) as process, Phone(telegram.url, "buyer") as phone:
        line = await line_with(process.stdout, "https://t.me/")
        found = re.search(rf"https://t\.me/{USERNAME}\?start=(own-\S+)", line)
        assert found is not None
        assert staff(shell) == []
        await phone.says(f"/start {found[1]}")
        await phone.waits_for(lambda message: message["from"]["is_bot"], SECONDS)
        buyer = (await phone.person())["user"]["id"]
        assert staff(shell) == [(buyer, "owner")]

    # Now there is an owner; an admin who has never pressed /start is named, because the bot cannot write to them.
    async with running(shell, telegram, SHOP_ADMINS=f"{BOSS}") as process:
        line = await line_with(process.stderr, "admin-out-of-reach")
        assert str(BOSS) in line
        assert "/start" in line
        assert str(buyer) not in line
        await line_with(process.stderr, '"running"')
        os.kill(process.pid, signal.SIGTERM)
        assert process.stdout is not None
        assert "t.me" not in (await process.stdout.read()).decode()
    assert staff(shell) == sorted([(buyer, "owner"), (BOSS, "admin")])


@pytest.mark.slow
async def test_what_keeps_the_shop_from_opening_is_one_sentence(shell: Shell, telegram: Sandbox) -> None:
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    try:
        said = await shell("run", SHOP_BOT_TOKEN=TOKEN, SHOP_BOT_API=telegram.url, SHOP_LISTEN=f"127.0.0.1:{port}")
    finally:
        taken.close()
        await taken.wait_closed()
    assert said.status == 2
    assert said.err.endswith(f"SHOP_LISTEN is 127.0.0.1:{port}, and nothing can be served there: address already in use.\n")

    unknown = "7000000009:AAnobody-knows-this-token-0000000000"
    said = await shell("run", SHOP_BOT_TOKEN=unknown, SHOP_BOT_API=telegram.url, SHOP_LISTEN="127.0.0.1:0")
    assert said.status == 2
    assert "Telegram does not know this bot's token" in said.err
    assert unknown not in said.out + said.err
    assert unknown.partition(":")[2] not in said.out + said.err


@pytest.mark.slow
async def test_a_worker_is_watched_over_at_its_own_address(shell: Shell, telegram: Sandbox) -> None:
    async with running(shell, telegram, "worker") as process, ClientSession() as http:
        port = json.loads(await line_with(process.stderr, '"running"'))["port"]
        said = {}
        for door in ("health", "ready", "metrics"):
            async with http.get(f"http://127.0.0.1:{port}/{door}") as answer:
                said[door] = (answer.status, await answer.text())

    assert {status for status, _ in said.values()} == {200}
    assert "courier" in said["ready"][1]
    assert "shop_" in said["metrics"][1]


@pytest.mark.parametrize(("command", "listen", "serves"), [("run", "", True), ("worker", "", False), ("worker", "127.0.0.1:8099", True)])
async def test_what_a_process_is_told_to_run(
    command: str, listen: str, serves: bool, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[bool, bool, int, str]] = []

    async def run(plan: RunPlan) -> None:
        told.append((plan.with_bot, plan.with_web, plan.listen_port, Speech("en").timezone))

    monkeypatch.chdir(shell.folder)
    monkeypatch.setattr(commands, "run", run)
    for name, value in {"BOT_TOKEN": TOKEN, "LISTEN": listen, "TIMEZONE": "Europe/Moscow", "DATABASE": shell.url()}.items():
        monkeypatch.setenv(f"SHOP_{name}", value)

    # In a task of its own, as a process has it: what it sets does not reach the other tests.
    await asyncio.create_task(commands.open_for_business(worker=command == "worker"))

    assert told == [(command == "run", serves, 8099 if listen else 8080, "Europe/Moscow")]
