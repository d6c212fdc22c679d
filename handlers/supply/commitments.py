"""What a supplier and the shop have promised each other, as the supplier sees it: how it runs, and how it ended."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery

from core import supply
from handlers.admin.offers import name_of
from handlers.commitment_words import told
from handlers.pieces import Row, bold, lines, paragraphs
from handlers.supply.desk import Seat, See, SupplierDesk, see, supply_conversation

_ON_A_SCREEN = 5
_MOST_KEPT = 200  # the newest


def router() -> Router:
    made = supply_conversation("supply-commitments")
    made.callback_query.register(promised, See.filter(F.to == "promised"))
    return made


async def entry(desk: Seat, supplier_id: int) -> Row:
    """The way to them, for a supplier who has any."""
    found = await desk.shop.read(supply.commitment_reports, supplier_id=supplier_id, limit=1)
    return [see(desk.speech.label("🤝 Commitments"), "promised", supplier_id)] if found else []


async def promised(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """Every commitment of a supplier, open ones first."""
    desk, say, page = supplier_desk, supplier_desk.speech, callback_data.page
    chosen = await desk.supplier(callback_data.id)
    found = await desk.shop.read(supply.commitment_reports, supplier_id=chosen.id, limit=_MOST_KEPT)
    parts = []
    for one in found[page * _ON_A_SCREEN : (page + 1) * _ON_A_SCREEN]:
        _, name = await name_of(desk.shop, say, one.sku_id)
        parts.append(lines(bold(name), told(say, one)))
    if not parts:
        parts = [say.say("You and the shop have not promised each other any quantity.")]
    rows: list[Row] = [
        desk.pages("promised", chosen.id, page, more=len(found) > (page + 1) * _ON_A_SCREEN),
        [desk.home(chosen.id)],
    ]
    await desk.show(press, paragraphs(bold(say.label("🤝 Commitments")), *parts), rows)
