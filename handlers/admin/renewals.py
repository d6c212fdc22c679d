"""Papers that suppliers send from the chat, newer ones and others, accepted or not; and what the staff are told of those that expire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery

from core import onboarding, supply
from core.database import Shop
from core.onboarding import CheckView, Outdated, RenewalState, RenewalView
from handlers.admin.application_card import check_line, name_of_staff
from handlers.admin.applications import Reviewer, reads
from handlers.admin.desk import Desk, Do, SaysNo, do
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, fitting, keyboard, lines, paragraphs
from handlers.screen import refused_plain
from handlers.supply.files import send_file
from handlers.supply.papers import document_line
from handlers.supply.words import sent_paper_line, until
from locales import Safe, Speech

_TELLS = 200  # characters of what others typed, in one line of a card


def cards() -> Router:
    """Presses on the cards, in the chats of the staff and in the group."""
    made = Router(name="admin-paper-cards")
    made.callback_query.filter(Do.filter(F.act.in_({"paper-show", "paper-yes", "paper-no"})), Reviewer())
    made.callback_query.middleware(SaysNo())
    made.callback_query.register(show_renewal, Do.filter(F.act == "paper-show"))
    made.callback_query.register(take_renewal, Do.filter(F.act == "paper-yes"))
    made.callback_query.register(take_renewal, Do.filter(F.act == "paper-no"))
    return made


async def show_renewal(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await _ours(desk, callback_data.id)
    await send_file(press, found.file_id, found.file_kind, desk.speech)


async def _ours(desk: Desk, renewal_id: int) -> RenewalView:
    """A paper that was sent to this shop; raises Outdated for any other."""
    found = await desk.shop.read(onboarding.renewal, renewal_id)
    if found is None or found.storefront_id != desk.storefront.id or found.state is RenewalState.DRAFT:
        raise Outdated
    return found


async def take_renewal(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A paper is accepted, or not; whoever comes second sees what was decided."""
    await _ours(desk, callback_data.id)
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
    text, markup = await card_drawn(desk.shop, callback_data.id, reads(press, desk))
    await desk.show(press, text, markup.inline_keyboard if markup else [])


async def card_drawn(shop: Shop, renewal_id: int, speech: Speech) -> Said:
    """What the card of a sent paper says at this moment."""
    found = await shop.read(onboarding.renewal, renewal_id)
    if found is None or found.state is RenewalState.DRAFT:
        return speech.say("There is no such paper."), None
    supplier = await shop.read(supply.supplier, found.supplier_id)
    name = bold(supplier.name if supplier else "–")
    done = await _decided(shop, found, speech)

    def drawn(most: int) -> Safe:
        return paragraphs(
            lines(*_facts(found, name, speech, most)),
            # What was noticed, while somebody can still heed it.
            lines(
                *(
                    check_line(CheckView(one.what, one.result, one.facts, None), speech, checklist=False, most=most)
                    for one in found.findings
                )
            )
            if found.findings
            else None,
            done,
        )

    text = fitting(drawn, _TELLS)
    if done is not None:
        return text, None
    rows: list[Row] = [
        [do(speech.label("🖼 Show it"), "paper-show", renewal_id)],
        [
            do(speech.label("✅ Accept it"), "paper-yes", renewal_id, style="success"),
            do(speech.label("🚫 Do not"), "paper-no", renewal_id, style="danger"),
        ],
    ]
    return text, keyboard(rows)


def _facts(found: RenewalView, name: Safe, speech: Speech, most: int) -> list[Safe]:
    if found.another or found.document is None:
        return [speech.say("📄 {name} has sent another paper.", name=name), sent_paper_line(found, speech, most)]
    return [
        speech.say("📄 {name} has sent a newer paper.", name=name),
        document_line(found.document, speech),
        speech.say("The newer one: {until}", until=until(found.expires_on, speech)),
    ]


async def _decided(shop: Shop, found: RenewalView, speech: Speech) -> Safe | None:
    """Who has decided what; None while it waits."""
    if found.state is RenewalState.SENT:
        return None
    if found.state is RenewalState.TAKEN_BACK:
        return speech.say("↩️ The supplier has taken it back.")
    who = bold(await name_of_staff(shop, found.storefront_id, found.decided_by or "–"))
    if found.state is RenewalState.APPROVED:
        return speech.say("✅ {who} has accepted it.", who=who)
    return speech.say("🚫 {who} has not accepted it.", who=who)


# What the staff are told


async def renewal_sent(note: Note) -> Said:
    """A newer paper that was sent before papers had cards."""
    return await card_drawn(note.shop, int(note.body["renewal"]), note.speech)


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
    elif event == "not-genuine":
        heading = speech.say(
            "⛔️ The certificate of a paper of {name} was not confirmed, and the sales that rest on it are stopped.", name=name
        )
    return lines(heading, document_line(found, speech)), None


SAYS: Mapping[str, Any] = {"document-renewal": renewal_sent, "document-staff": document_told}
