"""The line from a bot in a test to the sandbox: plain HTTP, made and closed thousands of times."""

from __future__ import annotations

import ssl
from typing import Any
from unittest.mock import patch

from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.running import keep_answer_type

_CERTIFICATES = ssl.create_default_context()  # Never used here, and slow to read.


class Line(AiohttpSession):
    """As the shop's own, but it reads no certificates and does not wait a quarter of a second for TLS to say goodbye."""

    def __init__(self, api_base: str, **settings: Any) -> None:
        with patch("aiogram.client.session.aiohttp.ssl.create_default_context", return_value=_CERTIFICATES):
            super().__init__(api=TelegramAPIServer.from_base(api_base), **settings)
        self.middleware(keep_answer_type)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
