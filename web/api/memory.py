"""What the gate has to remember: which nonces were used, and how many requests each key has made this minute."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

WINDOW_SECONDS = 60
NONCE_SECONDS = 130  # longer than a timestamp is good for, on both sides of our clock
MOST_NONCES = 200_000  # of one process: more than it can answer in that time


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of the minute's requests, and after how many seconds there are new ones; `left` below zero: this one is too many."""

    left: int
    reset_seconds: int


class Entry(Enum):
    """What the memory says of a signed request."""

    NEW = "new"
    OLD = "old"  # signed before this memory began: whether it was used already, nobody knows
    SEEN = "seen"
    TOO_MANY = "too many"


class Memory(Protocol):
    """Shared by all processes of the shop, or one process's own."""

    async def enter(self, key: str, nonce: str, stamp: int, limit: int) -> tuple[Entry, Room]:
        """Let one signed request in: new, counted, and its nonce remembered.

        What is repeated or too old is not counted, so that who has recorded a request uses up nobody's minute; what is too many is not
        remembered, so that a flood fills nothing.
        """

    async def room(self, key: str, limit: int) -> Room:
        """Count one request of a key."""


class OwnMemory:
    """The memory of one process. What came before it began it cannot know: requests from before that are refused.

    It holds so many nonces and forgets none before its time: when it is full, what comes is too many.
    """

    def __init__(self, since: float | None = None, *, most: int = MOST_NONCES) -> None:
        self._since, self._most = time.time() if since is None else since, most
        self._nonces: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._counts: dict[str, tuple[int, int]] = {}

    def knows(self, key: str, nonce: str) -> bool:
        """Was it used here, not long ago?"""
        return self._nonces.get((key, nonce), 0.0) > time.monotonic()

    def keep(self, key: str, nonce: str) -> bool:
        """Remember a nonce for its time; False when there is no room for it."""
        now = time.monotonic()
        while self._nonces:
            first, until = next(iter(self._nonces.items()))
            if until > now:
                break
            del self._nonces[first]
        if len(self._nonces) >= self._most:
            return False
        self._nonces[key, nonce] = now + NONCE_SECONDS
        return True

    async def enter(self, key: str, nonce: str, stamp: int, limit: int) -> tuple[Entry, Room]:
        window = Room(limit, WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS)
        if stamp < math.floor(self._since):
            return Entry.OLD, window
        if self.knows(key, nonce):
            return Entry.SEEN, window
        room = await self.room(key, limit)
        if room.left < 0 or not self.keep(key, nonce):
            return Entry.TOO_MANY, room
        return Entry.NEW, room

    async def room(self, key: str, limit: int) -> Room:
        now = time.time()
        window = int(now) // WINDOW_SECONDS
        if len(self._counts) > 10_000:
            self._counts = {name: each for name, each in self._counts.items() if each[0] == window}
        at, count = self._counts.get(key, (window, 0))
        count = count + 1 if at == window else 1
        self._counts[key] = window, count
        return Room(limit - count, WINDOW_SECONDS - int(now) % WINDOW_SECONDS)
