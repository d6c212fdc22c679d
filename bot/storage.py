"""Half-finished conversations in Valkey: when it is away, a person is asked again, and nothing else stops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from aiogram.fsm.storage.base import StateType, StorageKey
from aiogram.fsm.storage.redis import RedisStorage
from redis.exceptions import RedisError

log = structlog.get_logger()


class ForgivingStorage(RedisStorage):
    """A storage that is away knows nothing and forgets what it is told: payments and presses do not depend on it."""

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        try:
            await super().set_state(key, state)
        except (RedisError, OSError) as trouble:
            _missed(trouble)

    async def get_state(self, key: StorageKey) -> str | None:
        try:
            return await super().get_state(key)
        except (RedisError, OSError) as trouble:
            _missed(trouble)
            return None

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        try:
            await super().set_data(key, data)
        except (RedisError, OSError) as trouble:
            _missed(trouble)

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        try:
            return await super().get_data(key)
        except (RedisError, OSError) as trouble:
            _missed(trouble)
            return {}


def _missed(trouble: Exception) -> None:
    log.warning("conversation-store-away", error=type(trouble).__name__)
