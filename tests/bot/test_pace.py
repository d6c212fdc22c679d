"""How fast messages may leave: alone, and shared by several workers through a Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.pace import LocalPace, Pace, Rates, SharedPace
from tests.stage import numbers

RATES = Rates(everybody=50, everybody_burst=5, chat=10, chat_burst=3)


@pytest.fixture
async def redis(valkey: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey) as redis:
        yield redis


@pytest.fixture(params=["local", "shared"])
def paces(request: pytest.FixtureRequest) -> list[Pace]:
    """What two workers of one process, or of two processes, go by."""
    if request.param == "local":
        alone = LocalPace(RATES)
        return [alone, alone]
    redis = request.getfixturevalue("redis")
    bot_id = next(numbers)
    return [SharedPace(redis, bot_id, RATES), SharedPace(redis, bot_id, RATES)]


async def turn(pace: Pace, chat_id: int, *, yielding: bool = False) -> float:
    """Wait for a turn as the courier does; the moment of it."""
    while True:
        taken, seconds = await pace.ask(chat_id, yielding=yielding)
        await asyncio.sleep(seconds)
        if taken:
            return asyncio.get_running_loop().time()


def most_within(moments: list[float], seconds: float) -> int:
    return max(sum(1 for other in moments if moment <= other < moment + seconds) for moment in moments)


async def test_all_workers_together_keep_to_the_rate(paces: list[Pace]) -> None:
    moments = await asyncio.gather(*(turn(paces[number % 2], number) for number in range(60)))
    took = max(moments) - min(moments)
    assert took >= (60 - RATES.everybody_burst) / RATES.everybody * 0.95
    # Asked in half a second: half the rate, the burst, and what a busy machine wakes late.
    assert most_within(moments, 0.5) <= RATES.everybody / 2 + RATES.everybody_burst + 6


async def test_a_chat_has_a_short_burst_and_then_its_own_rate(paces: list[Pace]) -> None:
    began = asyncio.get_running_loop().time()
    burst = [await paces[number % 2].ask(7) for number in range(RATES.chat_burst)]
    assert burst == [(True, 0)] * RATES.chat_burst
    moments = [began, *[await turn(paces[number % 2], 7) for number in range(RATES.chat_burst, 8)]]
    assert moments[-1] - moments[0] >= (8 - RATES.chat_burst) / RATES.chat * 0.95


async def test_a_crowded_chat_takes_no_turn_of_others(paces: list[Pace]) -> None:
    for _ in range(RATES.chat_burst):
        await turn(paces[0], 7)
    taken, seconds = await paces[1].ask(7)
    assert not taken and 0 < seconds <= 1 / RATES.chat
    assert (await paces[1].ask(8))[0]


async def test_a_pause_holds_everybody(paces: list[Pace]) -> None:
    await paces[0].pause(0.4)
    began = asyncio.get_running_loop().time()
    assert await turn(paces[1], 1) - began >= 0.38
    await paces[0].pause(0.2)
    await paces[0].pause(0.05)
    taken, seconds = await paces[1].ask(2)
    assert not taken and seconds > 0.1, "a shorter pause does not end a longer one"


async def test_news_leave_room_for_codes(paces: list[Pace]) -> None:
    news = [asyncio.create_task(turn(paces[0], number, yielding=True)) for number in range(100, 160)]
    await asyncio.sleep(0.1)
    for number in range(3):
        taken, seconds = await paces[1].ask(number)
        assert taken or seconds < 0.1
        await asyncio.sleep(0.1)
    await asyncio.gather(*news)


async def test_without_the_valkey_each_worker_keeps_its_own_pace() -> None:
    async with Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2) as nobody:
        pace = SharedPace(nobody, 1, RATES)
        moments = [await turn(pace, 7) for _ in range(5)]
        assert moments[-1] - moments[0] >= (5 - RATES.chat_burst) / RATES.chat * 0.95
        await pace.pause(0.2)
        assert not (await pace.ask(8))[0]
