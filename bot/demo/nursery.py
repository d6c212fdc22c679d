"""Where the demo's bots come from: a process with everything loaded, from which each bot is forked – at the start and after a crash.

Loading the bot's libraries takes seconds. The nursery is forked when they are half loaded and nothing runs yet, loads the rest
while the demo makes its database ready, and forks a bot within milliseconds whenever it is asked to.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.loading import loading


@dataclass
class Nursery:
    """The demo's side of it. `word` asks for a bot, `news` says what became of it, `alive` closes when the demo ends."""

    pid: int
    word: int
    news: int
    alive: int

    @classmethod
    def fork(cls, bring_up: Callable[[], Callable[[str], None]], *, log: Path, folder: Path, settings: Mapping[str, str]) -> Nursery:
        """Fork the nursery; call it before any thread or event loop is there.

        In the nursery `bring_up` loads what bots need and returns what a bot does, given the word that asked for it. Bots
        have these settings in their environment, work in the folder, and write to the log.
        """
        asks, word = os.pipe()
        news, tells = os.pipe()
        demo_lives, alive = os.pipe()
        pid = os.fork()
        if pid:
            for end in (asks, tells, demo_lives):
                os.close(end)
            return cls(pid, word, news, alive)
        status = 1
        try:
            for end in (word, news, alive):
                os.close(end)
            # Ctrl-C comes to the demo alone, which ends the bot in order.
            os.setsid()
            _write_to(log)
            os.chdir(folder)
            os.environ.update(settings)
            with loading():
                be_a_bot = bring_up()
            status = _tend(asks, tells, demo_lives, be_a_bot)
        finally:
            _leave(status)
        raise AssertionError("unreachable")

    def ask(self, word: str) -> None:
        """Ask for a bot; the word reaches what it does."""
        os.write(self.word, word.encode())

    async def listen(self) -> asyncio.StreamReader:
        """The news, line by line: `born <pid>`, `ended <pid> <status>`; it ends when the nursery does."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self.news, "rb", buffering=0))
        return reader

    def close(self) -> None:
        """End the nursery; its last bot must have ended."""
        for end in (self.word, self.alive):
            os.close(end)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)  # It may still be loading; it has nothing to lose.
        os.waitpid(self.pid, 0)


def _tend(asks: int, tells: int, demo_lives: int, be_a_bot: Callable[[str], None]) -> int:
    """Fork a bot for each word that is asked, one after the other, until the demo has gone."""
    while word := os.read(asks, 200).decode():
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(asks)
                os.close(tells)
                threading.Thread(target=_end_with_the_demo, args=(demo_lives,), name="end-with-the-demo", daemon=True).start()
                be_a_bot(word)
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                _leave(status)
        _tell(tells, f"born {pid}\n")
        _, ended = os.waitpid(pid, 0)
        _tell(tells, f"ended {pid} {os.waitstatus_to_exitcode(ended)}\n")
    return 0


def _tell(tells: int, line: str) -> None:
    with suppress(BrokenPipeError):  # Nobody listens any more; the next word will not come.
        os.write(tells, line.encode())


def _end_with_the_demo(demo_lives: int) -> None:
    # The demo holds the other end open as long as it lives, however it dies.
    os.read(demo_lives, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _write_to(log: Path) -> None:
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _leave(status: int) -> None:
    """End a forked process here: what the process it was forked from would do at its end is not for this one."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)
