"""What people looked for and did not get, noted in memory at no cost to them; a job counts it a little later.

What a process that is killed had not counted yet is lost: it is a figure about demand, and nobody's money.
"""

from __future__ import annotations

from collections import deque

from core.settlement import Missed

MOST = 2000  # beyond it the oldest are forgotten

_NOTED: deque[tuple[int, Missed]] = deque(maxlen=MOST)


def note(storefront_id: int, customer_id: int, *, words: str = "", sku_id: int = 0) -> None:
    """Somebody searched in vain, or wanted what is sold out."""
    _NOTED.append((storefront_id, Missed(customer_id, words, sku_id)))


def take(most: int = 200) -> dict[int, list[Missed]]:
    """The next ones by storefront, no longer kept here."""
    found: dict[int, list[Missed]] = {}
    for _ in range(min(most, len(_NOTED))):
        storefront_id, missed = _NOTED.popleft()
        found.setdefault(storefront_id, []).append(missed)
    return found
