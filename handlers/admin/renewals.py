"""Newer papers of suppliers, accepted or not, and what the staff are told of papers that expire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery

from core import onboarding, supply
from core.database import Shop
from core.onboarding import (
    Outdated,
)
from core.storefronts import Storefront
from handlers.admin.application_card import name_of_staff
from handlers.admin.desk import Desk, Do, do
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, keyboard, lines, paragraphs
from handlers.screen import refused_plain
from handlers.supply.files import send_file
from handlers.supply.papers import document_line
from handlers.supply.words import until
from locales import Speech


def router() -> Router:
    made = Router(name="admin-renewals")
    made.callback_query.register(show_renewal, Do.filter(F.act == "paper-show"))
    made.callback_query.register(take_renewal, Do.filter(F.act == "paper-yes"))
    made.callback_query.register(take_renewal, Do.filter(F.act == "paper-no"))
    return made


async def show_renewal(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await desk.shop.read(onboarding.renewal, callback_data.id)
    if found is None:
        raise Outdated
    await send_file(press, found.file_id, found.file_kind, desk.speech)


async def take_renewal(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A newer paper is accepted, or not; whoever comes second sees what was decided."""
    try:
        await desk.shop.write(
            onboarding.decide_renewal,
            renewal_id=callback_data.id,
            storefront_id=desk.storefront.id,
            telegram_id=desk.customer.telegram_id,
            approved=callback_data.act == "paper-yes",
        )
    except Outdated as refusal:
        await press.answer(refused_plain(desk.speech, refusal), show_alert=True)
    text, markup = await _renewal(desk.shop, desk.storefront, callback_data.id, desk.speech)
    await desk.show(press, text, markup.inline_keyboard if markup else [])


async def _renewal(shop: Shop, storefront: Storefront, renewal_id: int, speech: Speech) -> Said:
    found = await shop.read(onboarding.renewal, renewal_id)
    if found is None:
        return speech.say("There is no such paper."), None
    supplier = await shop.read(supply.supplier, found.document.supplier_id)
    text = lines(
        speech.say("📄 {name} has sent a newer paper.", name=bold(supplier.name if supplier else "–")),
        document_line(found.document, speech),
        speech.say("The newer one: {until}", until=until(found.expires_on, speech)),
    )
    if found.state is not onboarding.RenewalState.SENT:
        who = await name_of_staff(shop, storefront.id, found.decided_by or "–")
        accepted = found.state is onboarding.RenewalState.APPROVED
        done = (
            speech.say("✅ {who} has accepted it.", who=bold(who))
            if accepted
            else speech.say("🚫 {who} has not accepted it.", who=bold(who))
        )
        return paragraphs(text, done), None
    rows: list[Row] = [
        [do(speech.label("🖼 Show it"), "paper-show", renewal_id)],
        [
            do(speech.label("✅ Accept it"), "paper-yes", renewal_id, style="success"),
            do(speech.label("🚫 Do not"), "paper-no", renewal_id, style="danger"),
        ],
    ]
    return text, keyboard(rows)


# What the staff are told


async def renewal_sent(note: Note) -> Said:
    return await _renewal(note.shop, note.storefront, int(note.body["renewal"]), note.speech)


async def document_told(note: Note) -> Said:
    """To the staff: a supplier's paper expires, has expired, or has stopped its offers."""
    speech = note.speech
    found = await note.shop.read(onboarding.document, int(note.body["document"]))
    supplier = await note.shop.read(supply.supplier, found.supplier_id) if found else None
    if found is None or supplier is None:
        return speech.say("There is no such paper."), None
    event = str(note.body["event"])
    name = bold(supplier.name)
    heading = speech.say("⏰ A paper of {name} expires.", name=name)
    if event == "expired":
        heading = speech.say("🟡 A paper of {name} has expired: nothing new can be listed on it.", name=name)
    elif event == "stopped":
        heading = speech.say("🔴 A paper of {name} has expired, and the sales that rest on it are stopped.", name=name)
    return lines(heading, document_line(found, speech)), None


SAYS: Mapping[str, Any] = {"document-renewal": renewal_sent, "document-staff": document_told}
