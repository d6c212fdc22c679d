"""Polling: fetches updates from Telegram and confirms them only when they are handled."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.methods import GetUpdates

from bot.courier import trouble_of
from bot.intake import Intake
from bot.logs import where

log = structlog.get_logger()

LONG_POLL_SECONDS = 25
AT_ONCE = 100  # the most that Telegram gives
# Fetching and confirming are one call: while an update is worked on, the next fetch brings it again. So that new ones do not wait
# for a slow one, Telegram is asked again after so long;
GLANCE_SECONDS = 0.15
# and what takes longer than this is confirmed while still worked on (an import of a large file), for it would block all others.
PATIENCE_SECONDS = 30.0
# Another program fetches, too. The process before this one ends within seconds; so many conflicts in such a time are no farewell.
CONFLICT_SECONDS = (2.0, 5.0)
MANY_CONFLICTS, CONFLICTS_WITHIN_SECONDS = 10, 120.0


class Polling:
    """One bot's poller."""

    def __init__(
        self,
        bot: Bot,
        intake: Intake,
        allowed_updates: list[str],
        *,
        refused: Callable[[], None] = lambda: None,
        shared: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`refused` is called when Telegram does not know the token any more, `shared` when another program keeps taking the updates."""
        self._bot, self._intake, self._allowed, self._refused, self._shared = bot, intake, allowed_updates, refused, shared
        self._conflicts: deque[float] = deque(maxlen=MANY_CONFLICTS)
        self._next = 0  # one above the highest number seen
        self._since: dict[int, float] = {}
        self._troubles = 0
        self._answered_at = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether Telegram has answered lately."""
        return time.monotonic() - self._answered_at < 3 * LONG_POLL_SECONDS

    async def run(self, stop: asyncio.Event, drain_seconds: float = 8.0) -> None:
        """Fetch until `stop` is set; then finish what is in hand and confirm it."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                fetching = asyncio.create_task(self._fetch())
                await asyncio.wait([fetching, stopped], return_when=asyncio.FIRST_COMPLETED)
                if not fetching.done():
                    # Nothing is lost: what was not confirmed comes again.
                    fetching.cancel()
                    await asyncio.gather(fetching, return_exceptions=True)
                    break
                after = fetching.result()
                if self._intake.in_hand and after <= GLANCE_SECONDS:
                    await asyncio.wait(self._intake.in_hand.values(), timeout=after)
                else:
                    await asyncio.wait([stopped], timeout=after)
        finally:
            stopped.cancel()
            late = await self._intake.drain(drain_seconds)
            await self._confirm(late)

    def _offset(self) -> int:
        """The lowest number that is not handled: everything below is confirmed by it."""
        now = time.monotonic()
        waiting = [number for number in self._intake.in_hand if now - self._since.get(number, now) < PATIENCE_SECONDS]
        return min([*waiting, self._next])

    async def _fetch(self) -> float:
        """Fetch once and take in what is new; returns how many seconds to wait before the next time."""
        if self._intake.full:
            return 0.1
        offset = self._offset()
        idle = offset == self._next
        ask = GetUpdates(offset=offset or None, limit=AT_ONCE, timeout=LONG_POLL_SECONDS if idle else 0, allowed_updates=self._allowed)
        try:
            updates = await self._bot(ask, request_timeout=LONG_POLL_SECONDS + 10)
        except TelegramConflictError:
            if self._troubles == 0:
                log.warning("another-poller", advice="another copy of this bot fetches updates; waiting until it stops")
            self._troubles += 1
            self._conflicts.append(time.monotonic())
            if self._shared is not None and len(self._conflicts) == MANY_CONFLICTS:
                if self._conflicts[-1] - self._conflicts[0] < CONFLICTS_WITHIN_SECONDS:
                    await self._shared()
                self._conflicts.clear()
            return random.uniform(*CONFLICT_SECONDS)
        except TelegramRetryAfter as reason:
            return float(reason.retry_after)
        except Exception as trouble:
            if isinstance(trouble, TelegramUnauthorizedError):
                self._refused()
            self._troubles += 1
            after = min(30.0, 0.25 * 2.0 ** min(self._troubles, 8)) * random.uniform(0.5, 1)
            log.warning(
                "updates-not-fetched",
                error=trouble_of(trouble),
                where=where(trouble),
                times=self._troubles,
                again_after_seconds=round(after, 1),
            )
            return after
        if self._troubles:
            log.info("updates-fetched-again", after_times=self._troubles)
        self._troubles, self._answered_at = 0, time.monotonic()
        self._since = {number: since for number, since in self._since.items() if number in self._intake.in_hand}
        for update in updates:
            # Telegram begins with new numbers, perhaps lower ones, when a bot has rested for a week.
            if update.update_id >= self._next or idle:
                self._next = update.update_id + 1
                self._since[update.update_id] = time.monotonic()
                self._intake.take(update)
        return GLANCE_SECONDS if self._intake.in_hand else 0.0

    async def _confirm(self, late: set[int]) -> None:
        """Tell Telegram what is handled; when that fails it comes again, and every handler stands that."""
        if not self._next:
            return
        try:
            async with asyncio.timeout(2):
                await self._bot(GetUpdates(offset=min([*late, self._next]), limit=1, timeout=0, allowed_updates=self._allowed))
        except Exception as trouble:
            log.warning("last-updates-not-confirmed", error=type(trouble).__name__)
