"""The papers of a supplier: until when each is good, what waits for the shop, and a newer one for one that expires."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import onboarding, supply
from core.database import Shop
from core.errors import Refusal
from core.onboarding import DocumentView
from core.people import Customer
from handlers.conversation import conversation
from handlers.notes import Note, Said
from handlers.pieces import Row, button, keyboard, lines, paragraphs, plain, show, within
from handlers.screen import refused
from handlers.supply.buttons import AnotherPaper, Documents, NeverExpires, Renew, ShowDocument, Supply, WaitingPaper
from handlers.supply.files import file_in, send_file
from handlers.supply.words import PAPERS, sent_paper_line, until
from locales import Safe, Speech

LISTED = 20


class Renewing(StatesGroup):
    """What the next message is: the newer paper, or its last day."""

    paper = State()
    day = State()


async def _own(shop: Shop, customer: Customer, document_id: int) -> DocumentView:
    """A paper of a supplier that this person acts for; raises NotYours."""
    found = await shop.read(onboarding.document, document_id)
    acts_for = {one.id for one in await shop.read(supply.suppliers_of, customer.telegram_id)}
    if found is None or found.supplier_id not in acts_for:
        raise onboarding.NotYours
    return found


def document_line(found: DocumentView, speech: Speech) -> Safe:
    """A paper in one line, with a mark that says whether it is good."""
    mark = "✅" if found.good else "❌"
    return Safe(" · ").join(
        [plain(f"{mark} {speech.label(PAPERS[found.kind])}"), plain(found.scope, 100), plain(until(found.expires_on, speech))]
    )


async def documents_pressed(press: CallbackQuery, callback_data: Documents, shop: Shop, customer: Customer, speech: Speech) -> None:
    """Every paper with its last day, and those that wait for the shop."""
    if callback_data.supplier not in {one.id for one in await shop.read(supply.suppliers_of, customer.telegram_id)}:
        raise onboarding.NotYours
    found = (await shop.read(onboarding.documents_of, callback_data.supplier))[-LISTED:]
    said = [
        lines(
            speech.say("{n}. {paper}", n=speech.number(n), paper=document_line(one, speech)),
            speech.say("⏳ A newer one is with the shop.") if one.waits is not None else None,
        )
        for n, one in enumerate(found, 1)
    ]
    rows: list[Row] = [
        [
            button(speech.label("🖼 Show {n}", n=speech.number(n)), ShowDocument(id=one.id)),
            button(speech.label("🔄 Renew {n}", n=speech.number(n)), Renew(id=one.id))
            if one.waits is None
            else _waits(speech, n, one.waits),
        ]
        for n, one in enumerate(found, 1)
    ]
    waiting = await shop.read(onboarding.papers_waiting, callback_data.supplier)
    for n, another in enumerate(waiting, len(found) + 1):
        said.append(speech.say("{n}. {paper}", n=speech.number(n), paper=Safe("⏳ ") + sent_paper_line(another, speech)))
        rows.append([_waits(speech, n, another.id)])
    rows.append([button(speech.label("➕ Another paper"), AnotherPaper(supplier=callback_data.supplier))])
    rows.append([button(speech.label("⬅️ Back"), Supply())])
    nothing = speech.say("There are no papers yet.")
    text = within(paragraphs(speech.say("<b>📄 Your papers</b>"), lines(*said) or nothing))
    await show(press, text, keyboard(rows), fresh=callback_data.fresh)


def _waits(speech: Speech, n: int, paper_id: int) -> InlineKeyboardButton:
    return button(speech.label("⏳ With the shop: {n}", n=speech.number(n)), WaitingPaper(id=paper_id))


async def show_pressed(press: CallbackQuery, callback_data: ShowDocument, shop: Shop, customer: Customer, speech: Speech) -> None:
    found = await _own(shop, customer, callback_data.id)
    await send_file(press, found.file_id, found.file_kind, speech)


async def renew_pressed(
    press: CallbackQuery, callback_data: Renew, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    found = await _own(shop, customer, callback_data.id)
    if found.waits is not None:
        said = speech.say("A newer paper is with the shop already. You hear from us when it was looked at.")
        await show(press, said, keyboard([[button(speech.label("⬅️ Papers"), Documents(supplier=found.supplier_id))]]))
        return
    await state.set_state(Renewing.paper)
    await state.set_data({"document": found.id})
    await show(press, *_ask_paper(found, speech), fresh=callback_data.fresh)


def _ask_paper(found: DocumentView, speech: Speech, said: Safe | None = None) -> tuple[Safe, Any]:
    text = paragraphs(said, document_line(found, speech), speech.say("📎 Send the newer paper as a photo or as a PDF."))
    return text, keyboard([[button(speech.label("⬅️ Papers"), Documents(supplier=found.supplier_id))]])


def _ask_day(found: DocumentView, speech: Speech, said: Safe | None = None) -> tuple[Safe, Any]:
    text = paragraphs(said, speech.say("Until which day is it valid? For example: <i>2027-12-31</i>"))
    rows: list[Row] = [
        [button(speech.label("It does not expire"), NeverExpires(id=found.id))],
        [button(speech.label("⬅️ Papers"), Documents(supplier=found.supplier_id))],
    ]
    return text, keyboard(rows)


async def paper_sent(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    found = await _own(shop, customer, int((await state.get_data())["document"]))
    sent = file_in(message)
    if sent is None:
        await show(message, *_ask_paper(found, speech, speech.say("Please send the paper as a photo or as a PDF.")))
        return
    await state.set_state(Renewing.day)
    await state.set_data({"document": found.id, "once": f"{message.chat.id}:{message.message_id}", **sent})
    await show(message, *_ask_day(found, speech, speech.say("✅ The paper is here.")))


async def day_typed(
    message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext, admin_group: int | None = None
) -> None:
    data = await state.get_data()
    found = await _own(shop, customer, int(data["document"]))
    try:
        day = onboarding.read_date(message.text or "")
        await _renew(message, shop, customer, speech, state, data, day, admin_group)
    except Refusal as refusal:
        await show(message, *_ask_day(found, speech, refused(speech, refusal)))


async def never_pressed(
    press: CallbackQuery,
    callback_data: NeverExpires,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    typing: dict[str, Any] | None = None,
    admin_group: int | None = None,
) -> None:
    """The press ends the typing on its way here; what had been sent is handed over by `KeepsPaper`."""
    if not typing or typing.get("document") != callback_data.id or "file_id" not in typing:
        raise onboarding.Outdated
    await _renew(press, shop, customer, speech, state, typing, None, admin_group)


async def _renew(
    event: Message | CallbackQuery,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    data: Mapping[str, Any],
    day: date | None,
    admin_group: int | None,
) -> None:
    found = await _own(shop, customer, int(data["document"]))
    await shop.write(
        onboarding.renew,
        document_id=found.id,
        telegram_id=customer.telegram_id,
        file_id=str(data["file_id"]),
        file_unique_id=str(data["file_unique_id"]),
        file_kind=str(data["file_kind"]),
        expires_on=day,
        once=str(data["once"]),
        group_id=admin_group,
    )
    await state.clear()
    said = speech.say("📨 Sent. The shop looks at it, and you hear from us here.")
    await show(event, said, keyboard([[button(speech.label("⬅️ Papers"), Documents(supplier=found.supplier_id))]]))


class KeepsPaper:
    """Hands what was typed so far to a press, before the press ends the typing."""

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        state: FSMContext | None = data.get("state")
        if state is not None and data.get("raw_state") == Renewing.day.state:
            data["typing"] = await state.get_data()
        return await handler(event, data)


# What the shop says of its own accord

EVENTS = ("expires", "expired", "stopped", "not-genuine", "renewal-approved", "renewal-refused")


async def noticed(note: Note) -> Said:
    """To the supplier: a paper expires, has expired, has stopped something, or its renewal was decided."""
    speech, body = note.speech, note.body
    found = await note.shop.read(onboarding.document, int(body["document"]))
    if found is None:
        return speech.say("One of your papers has left the shop."), None
    paper = Safe("<b>") + plain(speech.label(PAPERS[found.kind])) + Safe("</b> · ") + plain(found.scope, 200)
    day = date.fromisoformat(str(body["expires_on"])) if body.get("expires_on") else None
    facts = {"paper": paper, "day": speech.day(day) if day else "–"}
    sentences = {
        "expires": speech.say("⏰ A paper of yours is valid until {day}: {paper}. Please send the newer one in time.", **facts),
        "expired": speech.say(
            "❌ A paper of yours was valid until {day}: {paper}. Nothing new can be listed on it, and in a few days its sales stop.",
            **facts,
        ),
        "stopped": speech.say(
            "⛔️ Sales stopped: the paper they rest on was valid until {day}: {paper}. A newer one starts them again.", **facts
        ),
        "not-genuine": speech.say(
            "⛔️ The certificate of a paper of yours was not confirmed: {paper}. What rests on it does not sell. Please send another paper,"
            " or write to the shop.",
            **facts,
        ),
        "renewal-approved": speech.say("✅ Your newer paper is accepted: {paper}.", **facts),
        "renewal-refused": speech.say("🚫 Your newer paper was not accepted: {paper}. Please send another, or write to the shop.", **facts),
    }
    rows: list[Row] = [[button(speech.label("📄 Papers"), Documents(supplier=found.supplier_id, fresh=True))]]
    event = str(body["event"])
    if event != "renewal-approved":
        rows.insert(0, [button(speech.label("🔄 Renew it"), Renew(id=found.id, fresh=True), "primary")])
    return sentences.get(event, sentences["expires"]), keyboard(rows)


SAYS: Mapping[str, Any] = {"document": noticed}


def router() -> Router:
    """The papers of a supplier."""
    router = conversation("supply-papers")
    router.callback_query.outer_middleware(KeepsPaper())
    router.callback_query.register(documents_pressed, Documents.filter())
    router.callback_query.register(show_pressed, ShowDocument.filter())
    router.callback_query.register(renew_pressed, Renew.filter())
    router.callback_query.register(never_pressed, NeverExpires.filter())
    spoken = ~F.text.startswith("/") & ~F.successful_payment & ~F.refunded_payment
    router.message.register(paper_sent, StateFilter(Renewing.paper), spoken)
    router.message.register(day_typed, StateFilter(Renewing.day), spoken)
    return router
