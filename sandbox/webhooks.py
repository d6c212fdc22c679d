"""Updates carried to a bot's webhook: lanes beside each other, the next of a lane only after a 2xx, backoff between tries."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp

from sandbox.calls import carry_out
from sandbox.errors import ApiError
from sandbox.state import Bot, Update
from sandbox.store import Json
from sandbox.updates import Mailbox
from sandbox.validation import Upload
from sandbox.world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # The header's name, not a secret.
ANSWER_WITHIN_SECONDS = 60

Answered = Callable[[Bot, Json], Awaitable[object]]


class Courier:
    """Carries the updates of one bot while it has a webhook. `answered` carries out a method call that came as the answer."""

    def __init__(
        self,
        mailbox: Mailbox,
        http: aiohttp.ClientSession,
        answered: Answered,
        backoff_seconds: float,
        backoff_cap_seconds: float,
    ) -> None:
        self.mailbox = mailbox
        self.http = http
        self.answered = answered
        self.backoff_seconds = backoff_seconds
        self.backoff_cap_seconds = backoff_cap_seconds
        webhook = mailbox.bot.webhook
        assert webhook is not None, "a courier needs an address"
        self.webhook = webhook
        self._connections = asyncio.Semaphore(webhook["max_connections"])
        self._lanes: dict[str, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for update in mailbox.waiting.values():
            self.take(update)
        mailbox.on_post = self.take

    def take(self, update: Update) -> None:
        """Puts the update at the end of its lane, and sets the lane going when it rests."""
        lane = self._lanes.get(update.lane)
        if lane is not None:
            lane.append(update)
            return
        self._lanes[update.lane] = deque([update])
        task = asyncio.create_task(self._run(update.lane), name=f"webhook lane {update.lane}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: str) -> None:
        lane = self._lanes[name]
        try:
            while lane:
                await self._deliver(lane[0])
                lane.popleft()
        finally:
            del self._lanes[name]

    async def _deliver(self, update: Update) -> None:
        tries = 0
        while update.update_id in self.mailbox.waiting:
            if update.expires_at < time.time():
                self.mailbox.forget(update)
                return
            async with self._connections:
                # A duplicate comes while the first is still being worked on, which is how it comes at Telegram after a timeout.
                copies = 2 if self.mailbox.faults.duplicate_updates else 1
                arrived = await asyncio.gather(*(self._send(update) for _ in range(copies)))
            if any(arrived):
                self.mailbox.forget(update)
                return
            tries += 1
            # The first repetition follows at once, the others after 2, 4, 8 … seconds.
            if tries > 1:
                await asyncio.sleep(min(self.backoff_seconds * 2 ** (tries - 2), self.backoff_cap_seconds))

    async def _send(self, update: Update) -> bool:
        """Tries once; True when the bot has taken it."""
        headers = {SECRET_HEADER: self.webhook["secret_token"]} if self.webhook.get("secret_token") else {}
        try:
            if self.mailbox.faults.offline:
                raise aiohttp.ClientConnectionError("the sandbox is switched offline")
            limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS)
            async with self.http.post(
                self.webhook["url"], json=update.body(), headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                if answer.status // 100 != 2:
                    self._failed(f"Wrong response from the webhook: {answer.status} {answer.reason}")
                    return False
                call = await call_in(answer)
        except TimeoutError:
            self._failed("Read timeout expired")
            return False
        except (aiohttp.ClientError, OSError) as error:
            self._failed(f"Connection failed: {error}")
            return False
        if call is not None:
            # Telegram throws the result away, also when it is an error.
            with suppress(ApiError):
                await self.answered(self.mailbox.bot, call)
        return True

    def _failed(self, message: str) -> None:
        self.webhook["last_error_date"] = int(time.time())
        self.webhook["last_error_message"] = message
        self.mailbox.store.put("bot", self.mailbox.bot.username, self.mailbox.bot)

    async def stop(self) -> None:
        """Stops carrying; what has not arrived stays in the mailbox."""
        if self.mailbox.on_post == self.take:
            self.mailbox.on_post = None
        # A lane may stop its own courier, when the webhook's answer is itself deleteWebhook; it must not wait for itself.
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Couriers:
    """The couriers of all bots that have a webhook."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._http: aiohttp.ClientSession | None = None
        self._couriers: dict[str, Courier] = {}

    async def follow(self, bot: Bot) -> None:
        """Sets the bot's courier going at its present address, or stops it when there is none."""
        courier = self._couriers.pop(bot.username, None)
        if courier is not None:
            await courier.stop()
        if bot.webhook is not None:
            if self._http is None:
                self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            patience = self.world.patience
            backoff = (patience.webhook_backoff, patience.webhook_backoff_cap)
            self._couriers[bot.username] = Courier(self.world.mailboxes[bot.username], self._http, self.answered, *backoff)

    async def answered(self, bot: Bot, call: Json) -> object:
        """Carries out the method call with which a webhook answered."""
        fields = {name: value for name, value in call.items() if name != "method" and not isinstance(value, tuple)}
        uploads = {name: Upload(value[0], value[1], None) for name, value in call.items() if isinstance(value, tuple)}
        return await carry_out(self.world, bot, call["method"], fields, uploads)

    async def stop(self) -> None:
        for courier in self._couriers.values():
            await courier.stop()
        self._couriers.clear()
        if self._http is not None:
            await self._http.close()
            self._http = None


async def call_in(answer: aiohttp.ClientResponse) -> Json | None:
    """The method call in a webhook's answer (JSON, form or multipart), or None when there is none."""
    if answer.content_type == "application/json":
        with suppress(json.JSONDecodeError, UnicodeDecodeError):
            call = await answer.json()
            return call if isinstance(call, dict) and isinstance(call.get("method"), str) else None
        return None
    if answer.content_type == "multipart/form-data":
        call = {}
        with suppress(ValueError):
            async for part in aiohttp.MultipartReader.from_response(answer):
                if not isinstance(part, aiohttp.BodyPartReader) or part.name is None:
                    continue
                body = await part.read(decode=True)
                call[part.name] = (part.filename, bytes(body)) if part.filename is not None else bytes(body).decode()
        return call if isinstance(call.get("method"), str) else None
    return None
