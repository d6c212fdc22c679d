"""What the doors for shops of other software share: who is there, how often, from where; and the codes of an order as lines of text."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from fastapi import Request

from core import api
from core.api import CodeOf, Form, Key, OpenedKey
from core.database import Shop

A_MINUTE = 600  # requests of one key; reading a catalogue of ten thousand products is a hundred
MOST_KEPT = 10_000
BETWEEN = "----"  # number and password in one line, as the trade writes them
CODES_AT_ONCE = 1000
MOST_CODES = 10_000


class TooMany(Exception):
    """This key asks too often."""


class NotFromThere(Exception):
    """This key may not be used from this address."""


class Admission:
    """Lets keys of one form in, `a_minute` times a minute each; what it remembers is this process's own."""

    def __init__(self, shop: Shop, form: Form, *, a_minute: int = A_MINUTE, seconds: Callable[[], float] = time.monotonic) -> None:
        self._shop, self._form, self._a_minute, self._seconds = shop, form, a_minute, seconds
        self._minute, self._asked = -1, Counter[int]()
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
        now = self._seconds()
        if int(now // 60) != self._minute or len(self._asked) > MOST_KEPT:
            self._minute, self._asked = int(now // 60), Counter()
        self._asked[key.id] += 1
        if self._asked[key.id] > self._a_minute:
            raise TooMany
        if now - self._used.get((key.id, address), -60.0) >= 60:
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
