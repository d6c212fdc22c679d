"""What the gate of the reseller API remembers, kept in Valkey for all processes; while that is away, each process remembers its own."""

from __future__ import annotations

import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from web.api import OwnMemory, Room
from web.api.memory import NONCE_SECONDS, WINDOW_SECONDS

log = structlog.get_logger()


class SharedMemory:
    """Nonces and counts of all processes."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._own = redis, OwnMemory()
        self._lost = False

    def too_old(self, stamp: int) -> bool:
        return self._lost and self._own.too_old(stamp)

    async def fresh(self, key: str, nonce: str) -> bool:
        # Its own too: what comes back while Valkey is away was seen here at least.
        mine = await self._own.fresh(key, nonce)
        try:
            taken = await self._redis.set(f"shop:api:nonce:{key}:{nonce}", 1, nx=True, ex=NONCE_SECONDS)
        except (RedisError, OSError, TimeoutError) as trouble:
            self._say(trouble)
            return mine
        self._say(None)
        return mine and bool(taken)

    async def room(self, key: str, limit: int) -> Room:
        now = int(time.time())
        name = f"shop:api:count:{key}:{now // WINDOW_SECONDS}"
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
