"""The file with the codes that a supplier took off the shelf: made for them alone, and once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import catalog, inventory, supply
from core.database import Shop
from core.people import Customer
from core.supply import NotYours
from handlers.parcel import Outgoing
from handlers.pieces import keyboard, lines
from handlers.supply.desk import see
from locales import Speech
from papers.codes_out import codes_txt


async def taken_back(body: Mapping[str, Any], speech: Speech, shop: Shop, customer: Customer) -> list[Outgoing]:
    """The message with the file; none when it has been in the chat already, or is not this person's. Opening it is logged first."""
    asked = await shop.read(inventory.take_back_view, int(body["take_back"]))
    try:
        assert asked is not None, "a take-back is never deleted"
        facts = await shop.read(supply.offer_of_member, offer_id=asked.offer_id, telegram_id=customer.telegram_id)
    except NotYours:
        return []  # They left the supplier before it was sent: the codes stay void, and nobody gets them.
    taken = await shop.write(
        inventory.open_taken_back,
        take_back_id=int(body["take_back"]),
        customer_id=customer.id,
        to_telegram_id=customer.telegram_id,
    )
    if taken is None:
        return []
    view = taken.view
    sku = await shop.read(catalog.sku, facts.sku_id)
    assert sku is not None, "an offer has a denomination"
    said = lines(
        speech.many("↩️ {n} code of <b>{name}</b>, taken back", "↩️ {n} codes of <b>{name}</b>, taken back", view.quantity, name=sku.name),
        speech.say("They are void in the shop and are never sold here. This file comes once: keep it well."),
    )
    content = codes_txt([(code.card_no, code.card_pwd) for code in taken.codes])
    under = keyboard([[see(speech.label("🏷 The offer"), "offer", view.offer_id)]])
    return [Outgoing(said, under, content, f"taken-back-{view.id}.txt", True)]
