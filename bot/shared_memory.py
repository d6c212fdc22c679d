"""What the gate of the reseller API remembers, kept in Valkey for all processes; while that is away, each process remembers its own."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from web.api import Entry, OwnMemory, Room
from web.api.memory import NONCE_SECONDS, WINDOW_SECONDS

log = structlog.get_logger()

_PREFIX = "shop:{api}:"  # One hash tag, so that a cluster keeps them together.

# In one go, so that of two processes with the same request one is told that it was seen. KEYS: since, nonce, count. ARGV: the second
# it is now, the request's stamp, the limit, and for how many seconds a nonce and a count are kept. Answers {entry, count}.
#
# `since` says when this memory began. Where it is gone the nonces are gone too – the server was emptied, or began anew –, and what was
# signed before may have been used: it is refused, as by a process without a shared memory that has just begun.
_ENTER = """
local since = redis.call('GET', KEYS[1])
if not since then
  since = ARGV[1]
  redis.call('SET', KEYS[1], since)
end
if tonumber(ARGV[2]) < tonumber(since) then return {'old', 0} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'seen', 0} end
local count = redis.call('INCR', KEYS[3])
if count == 1 then redis.call('EXPIRE', KEYS[3], ARGV[5]) end
if count > tonumber(ARGV[3]) then return {'too many', count} end
redis.call('SET', KEYS[2], 1, 'EX', ARGV[4])
return {'new', count}
"""


class SharedMemory:
    """Nonces and counts of all processes."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._own = redis, OwnMemory()
        self._enter = redis.register_script(_ENTER)
        self._lost = False

    async def begin(self) -> None:
        """Before the first request: else one that was signed a moment before it would be older than this memory."""
        try:
            await self._redis.set(f"{_PREFIX}since", int(time.time()), nx=True)
        except (RedisError, OSError, TimeoutError) as trouble:
            self._say(trouble)

    async def enter(self, key: str, nonce: str, stamp: int, limit: int) -> tuple[Entry, Room]:
        now = int(time.time())
        left = Room(limit, WINDOW_SECONDS - now % WINDOW_SECONDS)
        if self._own.knows(key, nonce):
            return Entry.SEEN, left
        keys = [f"{_PREFIX}since", f"{_PREFIX}nonce:{key}:{nonce}", _count(key, now)]
        arguments = [now, stamp, limit, NONCE_SECONDS, 2 * WINDOW_SECONDS]
        try:
            said, count = await cast("Awaitable[Any]", self._enter(keys=keys, args=arguments))
        except (RedisError, OSError, TimeoutError) as trouble:
            self._say(trouble)
            return await self._own.enter(key, nonce, stamp, limit)
        self._say(None)
        entry = Entry(said.decode() if isinstance(said, bytes) else said)
        if entry is Entry.NEW:
            # Here too: what comes back while Valkey is away was seen here at least.
            self._own.keep(key, nonce)
        return entry, Room(limit - int(count), left.reset_seconds)

    async def room(self, key: str, limit: int) -> Room:
        now = int(time.time())
        name = _count(key, now)
        try:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.incr(name)
            pipeline.expire(name, 2 * WINDOW_SECONDS)
            count, _ = await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as trouble:
            self._say(trouble)
            return await self._own.room(key, limit)
        self._say(None)
        return Room(limit - int(count), WINDOW_SECONDS - now % WINDOW_SECONDS)

    def _say(self, trouble: Exception | None) -> None:
        if trouble is not None and not self._lost:
            log.warning("api-memory-not-shared", error=type(trouble).__name__)
        elif trouble is None and self._lost:
            log.info("api-memory-shared-again")
        self._lost = trouble is not None


def _count(key: str, now: int) -> str:
    return f"{_PREFIX}count:{key}:{now // WINDOW_SECONDS}"
