"""The updates that wait for a bot, and how it fetches them: in order, kept until confirmed, one poller at a time."""

import asyncio
import time
from collections.abc import Callable

from sandbox.errors import ApiError, ConnectionCut
from sandbox.faults import Faults
from sandbox.state import Bot, Update
from sandbox.store import Json, Store

MESSAGES_KEPT_SECONDS = 24 * 3600
QUERIES_KEPT_SECONDS = 150
QUERIES = {"callback_query", "pre_checkout_query", "inline_query"}
# Telegram sends these only to bots that name them in allowed_updates.
ONLY_WHEN_NAMED = {"chat_member", "message_reaction", "message_reaction_count"}


class Mailbox:
    """The updates of one bot. `on_post` is told of each new one; the webhook's courier listens there."""

    def __init__(self, bot: Bot, store: Store, faults: Faults) -> None:
        self.bot = bot
        self.store = store
        self.faults = faults
        self.waiting: dict[int, Update] = {}
        self.on_post: Callable[[Update], None] | None = None
        self._poller: asyncio.Future[None] | None = None
        self.polled = asyncio.Event()
        """Set while a poll waits."""

    def post(self, kind: str, content: Json, lane: str) -> Update | None:
        """Queues an update, unless the bot has said it does not want this kind."""
        allowed = self.bot.allowed_updates
        if (allowed and kind not in allowed) or (not allowed and kind in ONLY_WHEN_NAMED):
            return None
        keep = QUERIES_KEPT_SECONDS if kind in QUERIES else MESSAGES_KEPT_SECONDS
        update = Update(self.bot.username, self.bot.next_update, kind, lane, time.time() + keep, content)
        self.bot.next_update += 1
        self.waiting[update.update_id] = update
        self.store.put("bot", self.bot.username, self.bot)
        self.store.put("update", self.key(update), update)
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
        if self.on_post is not None:
            self.on_post(update)
        return update

    def key(self, update: Update) -> str:
        return f"{self.bot.username}:{update.update_id:020d}"

    def forget(self, update: Update) -> None:
        """The bot has it, or it is too old."""
        if self.waiting.pop(update.update_id, None) is not None:
            self.store.remove("update", self.key(update))

    def forget_all(self) -> None:
        for update in list(self.waiting.values()):
            self.forget(update)

    def forget_old(self) -> None:
        now = time.time()
        for update in [update for update in self.waiting.values() if update.expires_at < now]:
            self.forget(update)

    def confirm(self, offset: int) -> None:
        """Forgets what lies before the offset; a negative one keeps only so many of the newest."""
        if offset < 0:
            for update in list(self.waiting.values())[:offset]:
                self.forget(update)
            return
        # Ids only grow, so the walk may end at the first that stays.
        for update in list(self.waiting.values()):
            if update.update_id >= offset:
                return
            self.forget(update)

    def batch(self, limit: int) -> list[Json]:
        self.forget_old()
        repeat = 2 if self.faults.duplicate_updates else 1
        batch = []
        for update in self.waiting.values():
            batch.extend([update.body()] * repeat)
            if len(batch) >= limit:
                break
        return batch[:limit]

    async def poll(self, offset: int, limit: int, timeout_seconds: float) -> list[Json]:
        """What `getUpdates` answers; a second poller ends the first with 409, as at Telegram."""
        self.interrupt(ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"))
        self.confirm(offset)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            batch = self.batch(limit)
            left = deadline - loop.time()
            if batch or left <= 0:
                return batch
            self._poller = mine = loop.create_future()
            self.polled.set()
            try:
                await asyncio.wait_for(mine, left)
            except TimeoutError:
                return []
            finally:
                if self._poller is mine:
                    self._poller = None
                    self.polled.clear()

    def interrupt(self, reason: ApiError | ConnectionCut) -> None:
        """Ends the poll that is waiting, if one is."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(reason)
        self._poller = None
        self.polled.clear()
