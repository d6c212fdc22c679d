"""Asking a source whether an account can be topped up, before anything is paid: in the background, never longer than a buyer waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from aiogram.exceptions import TelegramAPIError

from bot.dispatcher import speech_of
from bot.voices import Voices
from core import fulfilment, people, storefronts
from core.database import Shop
from core.errors import Refusal
from core.ports import AccountChecked
from handlers.answers import Asked, checked

log = structlog.get_logger()

SECONDS = 12.0  # longer nobody looks at "checking…"

Check = Callable[[int, Mapping[str, str]], Awaitable[AccountChecked | None]]
"""Asks the source of a lane about the account of a denomination (its id) with these fields; None: it cannot say."""


@dataclass
class AccountChecks:
    """Who can be asked, by lane: a whole one ("upstream:3"), or its first part ("upstream") for all of them.

    A check of a first part is given the lane too, as the field "lane".
    """

    by_lane: dict[str, Check] = field(default_factory=dict)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def ask(self, lane: str, sku_id: int, fields: Mapping[str, str]) -> AccountChecked | None:
        """What the source says; None when there is none to ask, or it could not say in time. Never raises."""
        check = self.by_lane.get(lane)
        if check is None and (check := self.by_lane.get(lane.partition(":")[0])) is not None:
            fields = {**fields, "lane": lane}
        if check is None:
            return None
        try:
            async with asyncio.timeout(SECONDS):
                return await check(sku_id, fields)
        except Exception as trouble:  # Whatever it is: the buyer may go on, knowing that nobody could look.
            log.info("account-not-checked", lane=lane, error=type(trouble).__name__)
            return None

    def begin(self, asked: Asked, voices: Voices, shop: Shop) -> None:
        """Ask in the background, and put the answer on the buyer's screen."""
        task = asyncio.create_task(self._answer(asked, voices, shop), name=f"check-account-{asked.answers_id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finished(self) -> None:
        """Wait for what is being asked, before the process ends."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _answer(self, asked: Asked, voices: Voices, shop: Shop) -> None:
        # Who asks too often reads that it could not be checked right now, and may go on when they are sure.
        try:
            may = await shop.write(fulfilment.may_look_up, customer_id=asked.customer_id)
            found = await self.ask(asked.lane, asked.sku_id, asked.said) if may else None
            customer = await shop.read(people.by_id, asked.customer_id)
            storefront = await shop.read(storefronts.by_id, customer.storefront_id)
            drawn = await checked(shop, speech_of(customer, storefront), asked, found)
            voice = voices.of(storefront.id)
            if drawn is not None and voice is not None:
                await voice.bot.edit_message_text(drawn[0], chat_id=asked.chat_id, message_id=asked.message_id, reply_markup=drawn[1])
        except (TelegramAPIError, Refusal) as trouble:
            # The screen has a button that looks again.
            log.info("check-not-shown", error=type(trouble).__name__)
