"""Somebody of the staff with a phone, and what an admin's test asks about."""

from __future__ import annotations

from core import journal, people
from core.database import Shop
from core.journal import Entry
from tests.handlers.counter import Buyer, Counter


async def hire(counter: Counter, phone_id: str = "admin") -> Buyer:
    """A new member of the staff, with an open chat."""
    admin = await counter.buyer(phone_id)
    await counter.shop.write(
        people.set_admins_from_settings, storefront_id=counter.storefront.id, telegram_ids=[admin.customer.telegram_id]
    )
    return admin


async def walks(admin: Buyer, *labels: str) -> None:
    """Opens /admin and presses these buttons one after the other."""
    await admin.say("/admin")
    for label in labels:
        await admin.press(label)


async def actions(shop: Shop) -> list[Entry]:
    """The whole action log, oldest first."""
    newest_first = await shop.read(journal.latest, limit=1000)
    return newest_first[::-1]


async def did(shop: Shop) -> list[str]:
    return [entry.did for entry in await actions(shop)]
