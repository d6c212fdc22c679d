"""What the doors for shops of other software share: who is there, how often, from where; and the codes of an order as lines of text."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from fastapi import Request

from core import api
from core.api import CodeOf, Form, OpenedKey
from core.database import Shop

log = structlog.get_logger()

A_MINUTE = 600  # requests of one key; reading a catalogue of ten thousand products is a hundred
MOST_KEPT = 10_000
BETWEEN = "----"  # number and password in one line, as the trade writes them
CODES_AT_ONCE = 1000
MOST_CODES = 10_000


class TooMany(Exception):
    """This key asks too often."""


class NotFromThere(Exception):
    """This key may not be used from this address."""


@dataclass(slots=True)
class Admission:
    """Lets keys of one form in. It counts what this process is asked; `seconds` is a clock that only goes forward."""

    shop: Shop
    form: Form
    seconds: Callable[[], float] = time.monotonic
    _minute: int = -1
    _asked: Counter[str] | None = None

    async def find(self, name: str) -> OpenedKey | None:
        """The key of this name and of this door's form. Raises TooMany."""
        if self._often(name):
            raise TooMany
        found = await self.shop.read(api.find_key, name)
        return found if found is not None and found.key.form is self.form else None

    async def enter(self, key: OpenedKey, request: Request) -> None:
        """Its signature is good: is it used from where it may be? Raises NotFromThere."""
        address = request.client.host if request.client is not None else ""
        if not api.comes_from(key.key.addresses, address):
            raise NotFromThere
        await self.shop.write(api.note_use, key_id=key.key.id, address=address)

    def _often(self, name: str) -> bool:
        minute = int(self.seconds() // 60)
        if minute != self._minute or self._asked is None or len(self._asked) > MOST_KEPT:
            self._minute, self._asked = minute, Counter()
        self._asked[name] += 1
        return self._asked[name] > A_MINUTE


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
