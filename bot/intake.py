"""Taking updates in: each once, in its lane, so many at a time, and none forgotten when the process stops."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.methods import TelegramMethod
from aiogram.types import Update

from bot.logs import where
from web import metrics

log = structlog.get_logger()

AT_ONCE = 64  # handlers at work; others wait in their lanes
MOST_IN_HAND = 1000  # more are not taken in: they wait at Telegram, which keeps them
_REMEMBERED = 4096


class Intake:
    """Gives updates to the dispatcher. Of one lane one at a time, in the order they came; lanes run beside each other.

    Messages have one lane for each chat; presses, payments and inline queries have lanes of their own for each person, so
    that a pre-checkout, which must be answered within ten seconds, waits for nothing else.
    """

    def __init__(
        self, dispatcher: Dispatcher, bot: Bot, after: Callable[[], None] = lambda: None, *, given: Mapping[str, Any] | None = None
    ) -> None:
        """`given` is handed to every handler by name, in place of what the dispatcher has of these."""
        self._dispatcher, self._bot, self._after, self._given = dispatcher, bot, after, given or {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._handled: OrderedDict[int, None] = OrderedDict()

    @property
    def in_hand(self) -> dict[int, asyncio.Task[None]]:
        """Updates that are not handled yet, by id."""
        return self._in_hand

    @property
    def full(self) -> bool:
        """Whether nothing more should be taken in now."""
        return len(self._in_hand) >= MOST_IN_HAND

    def take(self, update: Update) -> asyncio.Task[None]:
        """Begin with an update, or find the one of the same number that is in hand."""
        known = self._in_hand.get(update.update_id)
        if known is not None:
            return known
        lane = lane_of(update)
        task = asyncio.create_task(self._handle(update, self._lanes.get(lane)), name=f"update-{update.update_id}")
        self._lanes[lane] = self._in_hand[update.update_id] = task
        metrics.UPDATES_IN_HAND.inc()

        def over(task: asyncio.Task[None]) -> None:
            metrics.UPDATES_IN_HAND.dec()
            del self._in_hand[update.update_id]
            if self._lanes.get(lane) is task:
                del self._lanes[lane]

        task.add_done_callback(over)
        return task

    async def _handle(self, update: Update, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            # Not by awaiting it: when this task is cancelled, that one is not.
            await asyncio.wait([before])
        if update.update_id in self._handled:
            return
        kind, began, outcome = kind_of(update), time.monotonic(), "failed"
        try:
            async with self._room:
                began = time.monotonic()
                answer = await self._dispatcher.feed_update(self._bot, update, **self._given)
                if isinstance(answer, TelegramMethod):
                    await self._bot(answer)
            outcome = "done"
        except Exception as trouble:
            # The dispatcher has its own answer to mistakes; this is a mistake there. It would fail again, so it is not repeated.
            log.error("update-failed", update=update.update_id, kind=kind, error=type(trouble).__name__, where=where(trouble))
        finally:
            metrics.UPDATES.labels(kind, outcome).inc()
            metrics.HANDLER_SECONDS.labels(kind).observe(time.monotonic() - began)
            self._after()
        self._handled[update.update_id] = None
        while len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)

    async def drain(self, seconds: float) -> set[int]:
        """Wait for what is in hand; what takes longer is stopped. Returns the numbers of those, for Telegram to send again."""
        if not self._in_hand:
            return set()
        await asyncio.wait(self._in_hand.values(), timeout=seconds)
        late = dict(self._in_hand)
        for task in late.values():
            task.cancel()
        if late:
            log.warning("updates-not-finished", count=len(late))
            await asyncio.gather(*late.values(), return_exceptions=True)
        return set(late)


def kind_of(update: Update) -> str:
    """The name of the one field that the update has beside its number."""
    return next((name for name in update.model_fields_set if name != "update_id"), "unknown")


def lane_of(update: Update) -> str:
    """The lane as Telegram itself keeps them."""
    if update.callback_query:
        return f"press {update.callback_query.from_user.id}"
    if update.pre_checkout_query:
        return f"checkout {update.pre_checkout_query.from_user.id}"
    if update.inline_query:
        return f"inline {update.inline_query.from_user.id}"
    if update.chosen_inline_result:
        return f"inline {update.chosen_inline_result.from_user.id}"
    of_chat = update.message or update.edited_message or update.my_chat_member or update.chat_member
    return f"chat {of_chat.chat.id}" if of_chat else f"update {update.update_id}"
