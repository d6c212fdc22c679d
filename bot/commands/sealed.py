"""All that lies sealed with the shop's keys: what wraps it anew when the keys are rotated."""

from __future__ import annotations

from dataclasses import dataclass

from core import api, brands, fulfilment, integration, inventory, settlement
from core.database import Shop, Write


@dataclass(frozen=True, slots=True)
class Sealed:
    """The rows of one table whose data keys are wrapped: how they are called, and the command that wraps them anew."""

    table: str
    called: str
    rewrap: Write[..., tuple[int, int | None]]


# A test looks in the database for what is sealed and is not here.
SEALED = (
    Sealed("batches", "batches", inventory.rewrap),
    Sealed("answers", "answers of buyers", fulfilment.rewrap_answers),
    Sealed("tasks", "accounts that sources were told", fulfilment.rewrap_tasks),
    Sealed("memberships", "links into chats", fulfilment.rewrap_memberships),
    Sealed("brands", "tokens of resellers' bots", brands.rewrap_tokens),
    Sealed("upstreams", "connections to upstream shops", integration.rewrap_upstreams),
    Sealed("payout_addresses", "accounts of suppliers", settlement.rewrap_addresses),
    Sealed("payouts", "payouts", settlement.rewrap_payouts),
    Sealed("api_keys", "keys of resellers' programs", api.rewrap_keys),
)


async def wrap_all(shop: Shop) -> dict[str, int]:
    """Bring every sealed row under the newest key, table after table; returns how many of each were under an older one."""
    found = {}
    for one in SEALED:
        found[one.called], after = 0, 0
        while True:
            done, last = await shop.write(one.rewrap, after=after)
            found[one.called] += done
            if last is None:
                break
            after = last
    return found
