"""The home of somebody who acts for a supplier."""

from __future__ import annotations

from aiogram.types import CallbackQuery, Message

from core import onboarding, supply
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs
from handlers.pieces import show as draw
from handlers.supply.buttons import Documents
from handlers.supply.words import STANDINGS
from locales import Speech


async def show(
    event: Message | CallbackQuery, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, *, fresh: bool = False
) -> None:
    """Each supplier that this person acts for, with its standing and its papers."""
    said, rows = [], list[Row]()
    for one in await shop.read(supply.suppliers_of, customer.telegram_id):
        papers = await shop.read(onboarding.documents_of, one.id)
        good = sum(paper.good for paper in papers)
        said.append(
            lines(
                bold(one.name),
                speech.say("Standing: {standing}", standing=speech.label(STANDINGS[one.standing])),
                speech.say("Suspended: nothing of yours is sold at the moment. Please write to the shop.") if one.suspended else None,
                speech.say("Valid papers: {n} of {all}", n=speech.number(good), all=speech.number(len(papers))),
            )
        )
        rows.append([button(speech.label("📄 Papers of {name}", name=one.name), Documents(supplier=one.id))])
    await draw(event, paragraphs(speech.say("<b>🏭 Your supply</b>"), *said), keyboard(rows), fresh=fresh)
