"""Asking a source whether an account can be topped up, before anything is paid: in the background, never longer than a buyer waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from core.ports import AccountChecked

log = structlog.get_logger()

SECONDS = 12.0  # longer nobody looks at "checking…"

Check = Callable[[int, Mapping[str, str]], Awaitable[AccountChecked | None]]
"""Asks the source of a lane about the account of a denomination (its id) with these fields; None: it cannot say."""


@dataclass(slots=True)
class AccountChecks:
    """Who can be asked, by lane: a whole one ("upstream:3"), or its first part ("upstream") for all of them.

    A check of a first part is given the lane too, as the field "lane".
    """

    by_lane: dict[str, Check] = field(default_factory=dict)

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
