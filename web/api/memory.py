"""What the gate has to remember: which nonces were used, and how many requests each key has made this minute."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

WINDOW_SECONDS = 60
NONCE_SECONDS = 130  # longer than a timestamp is good for, on both sides of our clock
_MOST = 200_000  # nonces of one process


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of the minute's requests, and after how many seconds there are new ones; `left` below zero: this one is too many."""

    left: int
    reset_seconds: int


class Memory(Protocol):
    """Shared by all processes of the shop, or one process's own."""

    def too_old(self, stamp: int) -> bool:
        """Could a nonce of that second have been used without this memory knowing?"""

    async def fresh(self, key: str, nonce: str) -> bool:
        """Remember a nonce; False when it was used before."""

    async def room(self, key: str, limit: int) -> Room:
        """Count one request of a key."""


class OwnMemory:
    """The memory of one process. What came before it began it cannot know: requests from before that are refused."""

    def __init__(self, since: float | None = None) -> None:
        self._since = time.time() if since is None else since
        self._nonces: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._counts: dict[str, tuple[int, int]] = {}

    def too_old(self, stamp: int) -> bool:
        return stamp < math.floor(self._since)

    async def fresh(self, key: str, nonce: str) -> bool:
        now = time.monotonic()
        while self._nonces:
            first, until = next(iter(self._nonces.items()))
            if until > now and len(self._nonces) < _MOST:
                break
            del self._nonces[first]
        if (key, nonce) in self._nonces:
            return False
        self._nonces[key, nonce] = now + NONCE_SECONDS
        return True

    async def room(self, key: str, limit: int) -> Room:
        now = time.time()
        window = int(now) // WINDOW_SECONDS
        if len(self._counts) > 10_000:
            self._counts = {name: each for name, each in self._counts.items() if each[0] == window}
        at, count = self._counts.get(key, (window, 0))
        count = count + 1 if at == window else 1
        self._counts[key] = window, count
        return Room(limit - count, WINDOW_SECONDS - int(now) % WINDOW_SECONDS)
