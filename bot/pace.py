"""The pace at which messages leave: so many a second over all chats and in each chat, shared by all workers when there is a Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, cast

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

WAITED_AT_MOST_SECONDS = 5

# Set where a 429 is somebody's own business: the courier gives the message back and lets nobody send meanwhile.
knows_429: ContextVar[bool] = ContextVar("knows_429", default=False)


async def wait_when_asked(
    make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
) -> Response[TelegramType]:
    """A screen that Telegram puts off for a few seconds is shown after them, instead of an error."""
    for _ in range(2):
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as reason:
            if knows_429.get() or reason.retry_after > WAITED_AT_MOST_SECONDS or isinstance(method, GetUpdates):
                raise
            await asyncio.sleep(reason.retry_after)
    return await make_request(bot, method)


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second, and how many may leave at once after a rest. In any second at most rate + burst leave."""

    everybody: float = 26  # Telegram allows about 30 over all chats,
    everybody_burst: int = 4
    chat: float = 1  # about one in a chat,
    chat_burst: int = 3  # and is patient with a short burst.

    def ahead(self, *, yielding: bool) -> int:
        """How many turns may be taken at once, besides the first."""
        return max(0, self.everybody_burst - (3 if yielding else 1))


class Pace(Protocol):
    """Gives out turns to send."""

    @property
    def rates(self) -> Rates: ...

    async def ask(self, chat_id: int, *, yielding: bool = False) -> tuple[bool, float]:
        """(True, seconds to wait before sending) when a turn is taken, (False, seconds until asking is worth it) when not.

        Who is `yielding` (a broadcast) takes no turn ahead of time and leaves the last ones of a burst to others, so that a
        code never queues behind news.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Nobody gets a turn for so long: Telegram has said so."""
        ...


class LocalPace:
    """The pace of one process alone."""

    def __init__(self, rates: Rates = Rates()) -> None:
        self.rates = rates
        self._paused_until = 0.0
        # Each lane is the moment from which it would be quite unused; turns move it ahead (the "virtual scheduling" of a leaky bucket).
        self._everybody = 0.0
        self._chats: dict[int, float] = {}

    async def ask(self, chat_id: int, *, yielding: bool = False) -> tuple[bool, float]:
        rates, now = self.rates, time.monotonic()
        if self._paused_until > now:
            return False, self._paused_until - now
        chat = max(self._chats.get(chat_id, 0.0), now)
        wait = chat - now - (rates.chat_burst - 1) / rates.chat
        if wait > 0:
            return False, wait
        everybody = max(self._everybody, now)
        wait = max(0.0, everybody - now - rates.ahead(yielding=yielding) / rates.everybody)
        if wait > 0 and yielding:
            return False, wait
        self._everybody = everybody + 1 / rates.everybody
        self._chats[chat_id] = chat + 1 / rates.chat
        if len(self._chats) > 4096:
            self._chats = {chat: until for chat, until in self._chats.items() if until > now}
        return True, wait

    async def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)


# The same in the server, whose clock all workers share. KEYS: pause, everybody, chat. ARGV: microseconds between turns of
# everybody and of the chat, how many microseconds ahead each may run, and 1 for who is yielding. Answers {taken, microseconds to wait}.
_ASK = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local paused = tonumber(redis.call('GET', KEYS[1]) or '0')
if paused > now then return {0, paused - now} end
local chat = math.max(tonumber(redis.call('GET', KEYS[3]) or '0'), now)
local wait = chat - now - tonumber(ARGV[4])
if wait > 0 then return {0, wait} end
local everybody = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
wait = math.max(0, everybody - now - tonumber(ARGV[3]))
if wait > 0 and ARGV[5] == '1' then return {0, wait} end
everybody = everybody + tonumber(ARGV[1])
chat = chat + tonumber(ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', everybody), 'PX', math.ceil((everybody - now) / 1000) + 1000)
redis.call('SET', KEYS[3], string.format('%.0f', chat), 'PX', math.ceil((chat - now) / 1000) + 1000)
return {1, wait}
"""

_PAUSE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local until_ = now + tonumber(ARGV[1])
if until_ > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.0f', until_), 'PX', math.ceil(tonumber(ARGV[1]) / 1000) + 1000)
end
return 1
"""


class SharedPace:
    """The pace of all workers of one bot, kept in Redis or Valkey; while that does not answer, each keeps its own."""

    def __init__(self, redis: Redis, bot_id: int, rates: Rates = Rates()) -> None:
        self.rates = rates
        self._alone = LocalPace(rates)
        self._lost = False
        # One hash tag, so that a cluster keeps the keys of a bot together.
        self._prefix = f"shop:pace:{{{bot_id}}}:"
        self._ask = redis.register_script(_ASK)
        self._pause = redis.register_script(_PAUSE)

    async def ask(self, chat_id: int, *, yielding: bool = False) -> tuple[bool, float]:
        rates = self.rates
        gap, chat_gap = 1e6 / rates.everybody, 1e6 / rates.chat
        keys = [f"{self._prefix}pause", f"{self._prefix}everybody", f"{self._prefix}chat:{chat_id}"]
        arguments = [gap, chat_gap, gap * rates.ahead(yielding=yielding), chat_gap * (rates.chat_burst - 1), yielding]
        try:
            taken, wait = await cast("Awaitable[Any]", self._ask(keys=keys, args=[int(number) for number in arguments]))
        except (RedisError, OSError, TimeoutError) as trouble:
            self._say(trouble)
            return await self._alone.ask(chat_id, yielding=yielding)
        self._say(None)
        return bool(taken), int(wait) / 1e6

    async def pause(self, seconds: float) -> None:
        await self._alone.pause(seconds)
        try:
            await cast("Awaitable[Any]", self._pause(keys=[f"{self._prefix}pause"], args=[int(seconds * 1e6)]))
        except (RedisError, OSError, TimeoutError) as trouble:
            self._say(trouble)

    def _say(self, trouble: Exception | None) -> None:
        if trouble is not None and not self._lost:
            log.warning("pace-not-shared", error=type(trouble).__name__)
        elif trouble is None and self._lost:
            log.info("pace-shared-again")
        self._lost = trouble is not None
