"""What several processes remember together of the requests of programs, in a real Valkey that may be emptied or go away."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.shared_memory import SharedMemory
from web.api import Entry
from web.api.memory import NONCE_SECONDS, WINDOW_SECONDS

MANY = 1000


@pytest.fixture
async def redis(valkey: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey) as redis:
        await redis.flushall()
        yield redis
        await redis.flushall()


def nonce() -> str:
    return secrets.token_hex(16)


async def said(memory: SharedMemory, word: str, *, stamp: int | None = None, limit: int = MANY, key: str = "k") -> Entry:
    return (await memory.enter(key, word, int(time.time()) if stamp is None else stamp, limit))[0]


async def test_a_request_is_new_once_for_all_processes(redis: Redis) -> None:
    processes = [SharedMemory(redis) for _ in range(5)]
    for each in processes:
        await each.begin()
    word = nonce()
    found = await asyncio.gather(*(said(each, word) for each in processes))
    assert sorted(each.value for each in found) == ["new", "seen", "seen", "seen", "seen"]
    assert await said(processes[0], nonce()) is Entry.NEW
    assert await said(processes[1], word, key="another") is Entry.NEW, "a nonce is its key's own"


async def test_all_processes_count_one_minute_and_a_flood_leaves_nothing_behind(redis: Redis) -> None:
    processes = [SharedMemory(redis) for _ in range(2)]
    for each in processes:
        await each.begin()
    words = [nonce() for _ in range(30)]
    found = [await said(processes[n % 2], word, limit=4) for n, word in enumerate(words)]
    new = found.count(Entry.NEW)
    # A minute may turn over in between, once.
    assert found[:4] == [Entry.NEW] * 4 and new in (4, 8) and found.count(Entry.TOO_MANY) == 30 - new
    assert len(await redis.keys("shop:*nonce:*")) == new
    for name in await redis.keys("shop:*nonce:*"):
        assert 0 < await redis.ttl(name) <= NONCE_SECONDS
    for name in await redis.keys("shop:*count:*"):
        assert 0 < await redis.ttl(name) <= 2 * WINDOW_SECONDS
    repeated = [await said(processes[1], words[0], limit=4) for _ in range(5)]
    assert repeated == [Entry.SEEN] * 5


async def test_the_doors_without_nonces_share_the_same_count(redis: Redis) -> None:
    one, other = SharedMemory(redis), SharedMemory(redis)
    await one.begin()
    left = []
    for _ in range(3):
        left += [(await one.room("k", 10)).left, (await other.enter("k", nonce(), int(time.time()), 10))[1].left]
    # From nine down; a minute may turn over in between, once.
    assert left[0] == 9 and all(after in (before - 1, 9) for before, after in itertools.pairwise(left)) and left.count(9) <= 2


async def test_what_was_used_before_the_valkey_was_emptied_stays_outside(redis: Redis) -> None:
    one, other = SharedMemory(redis), SharedMemory(redis)
    await one.begin()
    word, stamp = nonce(), int(time.time())
    await redis.set("shop:{api}:since", stamp - 10)
    assert await said(one, word, stamp=stamp - 1) is Entry.NEW
    await redis.flushall()

    # The process that saw it knows it; the other knows that what was signed before may have been used.
    assert await said(one, word, stamp=stamp - 1) is Entry.SEEN
    assert await said(other, word, stamp=stamp - 1) is Entry.OLD
    assert await said(other, nonce(), stamp=stamp - 1) is Entry.OLD
    assert await said(other, nonce()) is Entry.NEW, "what is signed from now on comes in"


async def test_while_the_valkey_is_away_each_process_remembers_its_own(unused_tcp_port_url: str) -> None:
    async with Redis.from_url(unused_tcp_port_url) as away:
        memory = SharedMemory(away)
        await memory.begin()
        word = nonce()
        assert await said(memory, word) is Entry.NEW
        assert await said(memory, word) is Entry.SEEN
        assert await said(memory, nonce(), stamp=int(time.time()) - 30) is Entry.OLD, "from before this process"
        assert (await memory.room("k", 10)).left == 8


async def test_what_was_seen_together_is_known_here_when_the_valkey_goes_away(redis: Redis, unused_tcp_port_url: str) -> None:
    memory = SharedMemory(redis)
    await memory.begin()
    word = nonce()
    assert await said(memory, word) is Entry.NEW
    async with Redis.from_url(unused_tcp_port_url) as away:
        memory._enter.registered_client = away  # It is gone from one moment to the next.
        assert await said(memory, word) is Entry.SEEN
        assert await said(memory, nonce()) is Entry.NEW


@pytest.fixture
def unused_tcp_port_url() -> str:
    """An address on which nobody answers."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{free.getsockname()[1]}/0"
