"""Carries notifications to the shop: again and again until it has heard, and wrongly when the faults say so."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
from yarl import URL

from sandbox.gateways.faults import Faults

# A shop answers a word; whatever it says beyond this is not read.
ANSWER_BYTES = 1024
RECORDED = 1000


@dataclass(frozen=True)
class Pace:
    """How patient a gateway is; seconds."""

    repeat_after_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 4, 8, 15, 30)
    answer_seconds: float = 5.0
    hold_seconds: float = 2.0  # A notification that waits to be overtaken waits no longer than this.


@dataclass(frozen=True)
class Letter:
    """One sending: what goes over the wire."""

    verb: str
    address: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Notice:
    """Something to be told to the shop. It is written anew for each sending, so that a fault or a time stamp is of that sending."""

    reference: str
    kind: str
    write: Callable[[], Letter]
    heard: Callable[[int, str], bool]


@dataclass(frozen=True)
class Sent:
    """One sending as it went; `status` is None when nobody answered in time."""

    reference: str
    kind: str
    status: int | None
    answer: str
    heard: bool
    at: datetime


class Courier:
    """Sends notices in the background, each repeated by the pace until the shop has heard it."""

    def __init__(self, faults: Callable[[], Faults], pace: Pace) -> None:
        self._faults = faults
        self._pace = pace
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._overtaken: asyncio.Event | None = None
        self.sent: deque[Sent] = deque(maxlen=RECORDED)

    async def start(self) -> None:
        """Makes it ready to send."""
        timeout = aiohttp.ClientTimeout(total=self._pace.answer_seconds)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Gives up whatever is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._session = None

    def post(self, notice: Notice) -> None:
        """Takes a notice to be sent; returns at once."""
        faults = self._faults()
        if faults.take("no_callback"):
            return
        late = float(faults.take("late_seconds"))
        copies = 2 if faults.take("callback_twice") else 1
        # Of two, the first is held and the second overtakes it; held would be both, and none would be out of order.
        if self._overtaken is None and faults.take("out_of_order"):
            self._overtaken = asyncio.Event()
            for _ in range(copies):
                self._spawn(self._carry_when_overtaken(notice, self._overtaken, late))
            return
        for _ in range(copies):
            self._spawn(self._carry(notice, late))

    async def settled(self) -> None:
        """Waits until nothing is under way: all was heard, or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_when_overtaken(self, notice: Notice, overtaken: asyncio.Event, late: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.hold_seconds):
                await overtaken.wait()
        if self._overtaken is overtaken:
            self._overtaken = None
        await self._carry(notice, late)

    async def _carry(self, notice: Notice, late: float) -> None:
        await asyncio.sleep(late)
        for pause in (0.0, *self._pace.repeat_after_seconds):
            await asyncio.sleep(pause)
            # Whoever was held when this sending began has been overtaken when it has ended, well or badly.
            held, heard = self._overtaken, await self._send(notice)
            if held is not None and held is self._overtaken:
                self._overtaken = None
                held.set()
            if heard:
                return

    async def _send(self, notice: Notice) -> bool:
        assert self._session is not None, "the gateway is not started"
        letter = notice.write()
        status, answer = None, ""
        try:
            # The address is taken as it was written: quoting it again would break what is signed in it.
            async with self._session.request(
                letter.verb,
                URL(letter.address, encoded=True),
                headers=letter.headers,
                data=letter.body or None,
                allow_redirects=False,
            ) as response:
                answer = (await response.content.read(ANSWER_BYTES)).decode(errors="replace")
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            status = None
        heard = status is not None and notice.heard(status, answer)
        self.sent.append(Sent(notice.reference, notice.kind, status, answer, heard, datetime.now(UTC)))
        return heard
