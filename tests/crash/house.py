"""A shop that is about to open: where it is, who stands before its door, and whether it is quiet and sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core import outbox
from core.audit import audit
from core.database import Keyring, Shop
from sandbox import Sandbox
from tests.crash.books import Found, compare
from tests.crash.scene import SPEC, Buyer, Line, Premises
from tests.stage import Goods


@dataclass
class Stage:
    """A shop that is about to open, with people before its door."""

    url: str
    keys: Keyring
    premises: Premises
    telegram: Sandbox
    line: Line
    slug: str
    goods: Goods
    codes: list[str]
    buyers: list[Buyer]

    async def telegram_is_quiet(self) -> bool:
        """The shop has dealt with everything that it was told."""
        return not self.telegram.world.mailboxes[SPEC.username].waiting

    async def is_quiet(self) -> bool:
        """Nothing is under way, neither at Telegram nor in the shop."""
        if not await self.telegram_is_quiet():
            return False
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            waiting = await reading.read(outbox.waiting)
        finally:
            await reading.close()
        assert waiting.parked == 0, "nobody has blocked the bot"
        return waiting.open == 0

    async def is_sound(self) -> None:
        """As it is, before anybody repairs anything."""
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            report = await reading.read(audit, sample=2)
        finally:
            await reading.close()
        assert report.clean, report.violations

    async def comparison(self, shop: Shop, money_minor: int) -> Found:
        """What is in the chats against what is in the books."""
        return await compare(shop, self.keys, self.telegram, self.line, self.buyers, codes=self.codes, money_minor=money_minor)

    def chats(self) -> dict[str, dict[int, dict[str, Any]]]:
        """What everybody has in the chat now."""
        return {
            phone: {n: dict(kept.message) for n, kept in chat.messages.items()} for (phone, _), chat in self.telegram.world.chats.items()
        }
