"""What people looked for and did not get, noted in memory at no cost to them; a job counts it a little later.

What a process that is killed had not counted yet is lost: it is a figure about demand, and nobody's money.
"""

from __future__ import annotations

from collections import Counter

from core.settlement.demand import Missed

MOST = 2000  # things at a time; beyond them nothing new is noted until the job has come round
MOST_OF_ONE = 40  # of them of one person: whoever hammers takes nobody's place

# By storefront, customer, words and denomination: the most units that were lacking. Asked for again, it is the same.
_NOTED: dict[tuple[int, int, str, int], int] = {}
_OF_ONE: Counter[tuple[int, int]] = Counter()


def note_missed(storefront_id: int, customer_id: int, *, words: str = "", sku_id: int = 0, units: int = 0) -> None:
    """Somebody searched in vain, or asked for `units` more of a denomination than there were."""
    key, who = (storefront_id, customer_id, words, sku_id), (storefront_id, customer_id)
    known = _NOTED.get(key)
    if known is None and (len(_NOTED) >= MOST or _OF_ONE[who] >= MOST_OF_ONE):
        return
    if known is None:
        _OF_ONE[who] += 1
    _NOTED[key] = max(units, known or 0)


def take_missed(most: int = 200) -> dict[int, list[Missed]]:
    """The next ones by storefront, oldest first, no longer kept here."""
    found: dict[int, list[Missed]] = {}
    for key in list(_NOTED)[:most]:
        storefront_id, customer_id, words, sku_id = key
        found.setdefault(storefront_id, []).append(Missed(customer_id, words, sku_id, _NOTED.pop(key)))
        _OF_ONE[storefront_id, customer_id] -= 1
        if not _OF_ONE[storefront_id, customer_id]:
            del _OF_ONE[storefront_id, customer_id]
    return found
