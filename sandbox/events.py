"""The news each phone's page listens to, kept for a while so that a browser can resume."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator

from sandbox.store import Json

KEPT_PER_PHONE = 1000


class Events:
    """News per phone, numbered upwards (also over restarts, because numbers begin at the time of the start)."""

    def __init__(self) -> None:
        self._first = self._last = time.time_ns() // 1000
        self._kept: dict[str, deque[tuple[int, Json]]] = {}
        self._listeners: dict[str, set[asyncio.Queue[tuple[int, Json] | None]]] = {}
        self._closed = False

    def tell(self, phone: str, kind: str, /, **facts: object) -> None:
        """Tells one phone something."""
        self._last += 1
        piece: tuple[int, Json] = (self._last, {"kind": kind, **facts})
        self._kept.setdefault(phone, deque(maxlen=KEPT_PER_PHONE)).append(piece)
        for listener in self._listeners.get(phone, ()):
            listener.put_nowait(piece)

    def close(self) -> None:
        """Ends every listener's stream."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.put_nowait(None)

    async def listen(self, phone: str, after: int | None, heartbeat_seconds: float = 15) -> AsyncIterator[tuple[int, Json] | None]:
        """News from now on, or from just after the given number; None now and then when there is none.

        When what came after that number is no longer kept, the first piece is `reload`: the listener has to look afresh.
        """
        inbox: asyncio.Queue[tuple[int, Json] | None] = asyncio.Queue()
        kept = self._kept.get(phone, deque())
        if after is not None:
            oldest = kept[0][0] if len(kept) == KEPT_PER_PHONE else self._first
            if after + 1 < oldest or after > self._last:
                inbox.put_nowait((self._last, {"kind": "reload"}))
            else:
                for piece in kept:
                    if piece[0] > after:
                        inbox.put_nowait(piece)
        listeners = self._listeners.setdefault(phone, set())
        listeners.add(inbox)
        try:
            # The first sign of life says that nothing is missed from here on.
            yield None
            while not self._closed:
                try:
                    piece_or_end = await asyncio.wait_for(inbox.get(), heartbeat_seconds)
                except TimeoutError:
                    yield None
                    continue
                if piece_or_end is None:
                    return
                yield piece_or_end
        finally:
            listeners.discard(inbox)
