"""Where charts are drawn: one process of its own, begun with the first chart, ended when nobody has wanted one for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from papers.charts import Chart

PATIENCE_SECONDS = 30.0  # for one chart, and for the start: on a busy machine loading matplotlib takes a while
IDLE_SECONDS = 300.0
MOST_WAITING = 8  # charts that wait for one another; more are refused at once
MOST_BYTES = 8_000_000
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "MPLCONFIGDIR")


class NotDrawn(Exception):
    """The chart could not be drawn, or not in time; there is no picture, and nothing else is wrong."""


class Studio:
    """Draws one chart after another in a process of its own; a chart that takes too long costs that process, and nobody else."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._patience, self._idle = patience_seconds, idle_seconds
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._worker: asyncio.subprocess.Process | None = None
        self._closing: asyncio.TimerHandle | None = None

    async def draw(self, chart: Chart) -> bytes:
        """The chart as a PNG. Raises NotDrawn."""
        if self._waiting >= MOST_WAITING:
            raise NotDrawn
        self._waiting += 1
        try:
            async with self._turn:
                return await self._drawn(chart)
        finally:
            self._waiting -= 1

    async def _drawn(self, chart: Chart) -> bytes:
        if self._closing is not None:
            self._closing.cancel()
        try:
            async with asyncio.timeout(self._patience):
                worker = await self._ready()
                assert worker.stdin is not None and worker.stdout is not None
                worker.stdin.write(chart.written())
                await worker.stdin.drain()
                length = int.from_bytes(await worker.stdout.readexactly(4), "big")
                if length > MOST_BYTES:
                    raise NotDrawn
                drawn = await worker.stdout.readexactly(length)
        except BaseException as broken:
            # Also when whoever asked went away: what the worker says next would be taken for the answer to somebody else.
            await self.close()
            if isinstance(broken, TimeoutError | OSError | asyncio.IncompleteReadError):
                raise NotDrawn from broken
            raise
        self._closing = asyncio.get_running_loop().call_later(self._idle, self._end)
        if not drawn:
            raise NotDrawn
        return drawn

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            self._worker = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "papers.drawing"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[1],
                # What it needs of the environment, and nothing of the shop's settings and secrets.
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
            )
        return self._worker

    def _end(self) -> None:
        """Nobody has wanted a chart for a while: the process ends by itself when its standard input does."""
        worker, self._worker = self._worker, None
        if worker is not None and worker.stdin is not None:
            worker.stdin.close()

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._closing is not None:
            self._closing.cancel()
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()
