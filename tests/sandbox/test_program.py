"""The sandbox as a program of its own, killed in the middle and started again."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from sandbox.phone import Phone

ROOT = Path(__file__).parents[2]


async def started(state: Path) -> tuple[Process, str]:
    program = ("-m", "sandbox", "--port", "0", "--token", "42:abc", "--username", "a_bot", "--state", str(state))
    process = await asyncio.create_subprocess_exec(sys.executable, *program, cwd=ROOT, stdout=PIPE)
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    return process, line.decode().split()[-1]


async def test_a_killed_sandbox_goes_on_where_it_stopped(tmp_path: Path) -> None:
    process, url = await started(tmp_path / "state.db")
    async with Phone(url, "admin", "a_bot") as phone:
        for number in range(30):
            await phone.says(f"message {number}")
        # What is older than the twentieth of a second in which writes are gathered must be there again.
        await asyncio.sleep(0.3)
        await phone.says("perhaps lost")
    process.send_signal(signal.SIGKILL)
    await process.wait()

    process, url = await started(tmp_path / "state.db")
    async with Phone(url, "admin", "a_bot") as phone:
        texts = [message["text"] for message in await phone.messages()]
        assert texts[:30] == [f"message {number}" for number in range(30)]
        assert texts[30:] in ([], ["perhaps lost"])
        # Numbers go on; none is given twice.
        assert (await phone.says("again"))["message_id"] == len(texts) + 1
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
