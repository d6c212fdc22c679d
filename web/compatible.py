"""What the doors for shops of other software share: who is there, how often, from where; and the codes of an order as lines of text."""

from __future__ import annotations

import time

from fastapi import Request

from core import api
from core.api import CodeOf, Form, Key, OpenedKey
from core.database import Shop
from web.api import ApiDoor

MOST_KEPT = 5000
BETWEEN = "----"  # number and password in one line, as the trade writes them
CODES_AT_ONCE = 1000
MOST_CODES = 10_000


class TooMany(Exception):
    """This key asks too often; after so many seconds it may again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class NotFromThere(Exception):
    """This key may not be used from this address."""


class Admission:
    """Lets keys of one form in, as often a minute as at our own door, and counted in the same memory."""

    def __init__(self, shop: Shop, form: Form, door: ApiDoor) -> None:
        self._shop, self._form, self._door = shop, form, door
        self._used: dict[tuple[int, str], float] = {}

    async def find(self, name: str) -> OpenedKey | None:
        """The key of this name and of this door's form."""
        if not 0 < len(name) <= 64 or not name.isascii() or not name.isprintable():
            return None
        found = await self._shop.read(api.find_key, name)
        return found if found is not None and found.key.form is self._form else None

    async def enter(self, key: Key, request: Request) -> None:
        """Its signature is good; only then it is counted, so that nobody uses up another's minute. Raises NotFromThere and TooMany."""
        address = request.client.host if request.client is not None else ""
        if not api.comes_from(key.addresses, address):
            raise NotFromThere
        room = await self._door.memory.room(key.name, self._door.per_minute)
        if room.left < 0:
            raise TooMany(room.reset_seconds)
        now = time.monotonic()
        if now - self._used.get((key.id, address), -1e9) >= 60:
            if len(self._used) > MOST_KEPT:
                self._used.clear()
            self._used[key.id, address] = now
            await self._shop.write(api.note_use, key_id=key.id, address=address)


async def lines_of(shop: Shop, key_id: int, order_id: int) -> list[str] | None:
    """All codes of an order, one a line, logged as fetched before they are here; None when the order is being looked at.

    Raises what api.codes refuses.
    """
    found: list[str] = []
    after = 0
    while len(found) < MOST_CODES:
        page = await shop.write(api.codes, key_id=key_id, order_id=order_id, after=after, limit=CODES_AT_ONCE)
        if page is None:
            return None
        found += [line_of(code) for code in page.codes]
        if page.after is None:
            break
        after = page.after
    return found


def line_of(code: CodeOf) -> str:
    """A code as one line: a code with line breaks of its own would be read as several."""
    bare = BETWEEN.join(part for part in (code.card_no, code.card_pwd) if part)
    return " / ".join(line.strip() for line in " · ".join((bare, *code.notes)).splitlines() if line.strip())
