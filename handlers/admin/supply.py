"""Where the staff find everything about supply: one button for each of its screens."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery

from handlers.admin.desk import Desk, Go, go
from handlers.pieces import bold, paragraphs


def router() -> Router:
    made = Router(name="admin-supply")
    made.callback_query.register(supply, Go.filter(F.to == "supply"))
    return made


async def supply(press: CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    await desk.show(
        press,
        paragraphs(bold(say.say("Supply")), say.say("Who brings goods, on which terms, and where each unit is drawn from.")),
        [
            [
                go(say.label("🏷 Offers"), "offers"),
                go(say.label("📉 Margins"), "reprices"),
                go(say.label("Quotas"), "quotas"),
            ],
            [desk.home()],
        ],
    )
