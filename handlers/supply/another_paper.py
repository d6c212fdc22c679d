"""Another paper of a supplier: what it is, what it covers, its picture and its last day; a look at it whole, and off it goes."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import onboarding, supply
from core.database import Shop
from core.errors import Refusal
from core.onboarding import PaperField, PaperKind, RenewalState, RenewalView
from core.people import Customer
from handlers.conversation import conversation
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused
from handlers.supply.buttons import (
    AnotherIs,
    AnotherNothing,
    AnotherPaper,
    Documents,
    SendAnother,
    ShowSent,
    StartAgain,
    TakePaperBack,
    WaitingPaper,
)
from handlers.supply.desk import see
from handlers.supply.files import file_in, send_file
from handlers.supply.words import PAPERS, sent_paper_line
from locales import Safe, Speech

Event = Message | CallbackQuery


class Describing(StatesGroup):
    """What the next message is about: a paper's kind, which is pressed; what it covers, its picture, its last day, or its number."""

    kind = State()
    scope = State()
    file = State()
    expires = State()
    number = State()


_STATES = {
    PaperField.KIND: Describing.kind,
    PaperField.SCOPE: Describing.scope,
    PaperField.EXPIRES: Describing.expires,
    PaperField.NUMBER: Describing.number,
}


async def _own(shop: Shop, customer: Customer, paper_id: int) -> RenewalView:
    """A paper that a supplier of this person's has sent or is sending; raises NotYours."""
    found = await shop.read(onboarding.renewal, paper_id)
    acts_for = {one.id for one in await shop.read(supply.suppliers_of, customer.telegram_id)}
    if found is None or found.supplier_id not in acts_for:
        raise onboarding.NotYours
    return found


def _back(found: RenewalView, speech: Speech) -> Row:
    return [button(speech.label("⬅️ Papers"), Documents(supplier=found.supplier_id))]


# Describing it


async def another_pressed(
    press: CallbackQuery, callback_data: AnotherPaper, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """Begin, or go on where it stopped: what was said so far is kept by the shop, whatever was pressed meanwhile."""
    paper_id = await shop.write(onboarding.begin_another, supplier_id=callback_data.supplier, customer_id=customer.id)
    await _ask_next(press, shop, customer, speech, state, paper_id)


async def _ask_next(
    event: Event, shop: Shop, customer: Customer, speech: Speech, state: FSMContext, paper_id: int, said: Safe | None = None
) -> None:
    """What is still to be said, in the order in which it is asked; then the whole paper."""
    found = await _own(shop, customer, paper_id)
    field = onboarding.next_to_say(found)
    if found.state is not RenewalState.DRAFT:
        raise onboarding.Outdated
    if field is PaperField.EXPIRES and found.file_id is None:
        await _ask_file(event, speech, state, found, said)
    elif field is not None:
        await _ask(event, speech, state, found, field, said)
    elif found.file_id is None:
        await _ask_file(event, speech, state, found, said)
    else:
        await _look(event, speech, state, found, said)


async def _ask(event: Event, speech: Speech, state: FSMContext, found: RenewalView, field: PaperField, said: Safe | None = None) -> None:
    rows: list[Row] = []
    if field is PaperField.KIND:
        question = speech.say("What is this paper?")
        rows = [[button(speech.label(PAPERS[kind]), AnotherIs(id=found.id, kind=kind))] for kind in PaperKind]
    elif field is PaperField.SCOPE:
        question = speech.say("Which brands or goods is it about? For example: <i>Steam and PlayStation cards</i>")
    elif field is PaperField.EXPIRES:
        question = speech.say("Until which day is it valid? For example: <i>2027-12-31</i>")
        rows = [[button(speech.label("It does not expire"), AnotherNothing(id=found.id, field=field))]]
    else:
        question = speech.say("What is the number of the certificate? We ask its register. For example: <i>AUTH-2027-001234</i>")
        rows = [[button(speech.label("It has no number"), AnotherNothing(id=found.id, field=field))]]
    await state.set_state(_STATES[field])
    await state.set_data({"paper": found.id})
    text = paragraphs(said, sent_paper_line(found, speech) if found.kind else None, question)
    await show(event, text, keyboard([*rows, _back(found, speech)]))


async def _ask_file(event: Event, speech: Speech, state: FSMContext, found: RenewalView, said: Safe | None = None) -> None:
    await state.set_state(Describing.file)
    await state.set_data({"paper": found.id})
    text = paragraphs(said, sent_paper_line(found, speech), speech.say("📎 Send the paper now, as a photo or as a PDF."))
    await show(event, text, keyboard([_back(found, speech)]))


async def _look(event: Event, speech: Speech, state: FSMContext, found: RenewalView, said: Safe | None = None) -> None:
    """The whole paper, before it is sent."""
    await state.clear()
    assert found.kind is not None, "it is whole"
    text = paragraphs(
        said,
        bold(speech.label(PAPERS[found.kind])),
        sent_paper_line(found, speech, 300),
        speech.say("Is everything right? Then send it."),
    )
    rows: list[Row] = [
        [button(speech.label("📨 Send it to the shop"), SendAnother(id=found.id), "success")],
        [button(speech.label("🖼 Show it"), ShowSent(id=found.id)), button(speech.label("🔁 Start again"), StartAgain(id=found.id))],
        _back(found, speech),
    ]
    await show(event, text, keyboard(rows))


async def _said_of_it(
    event: Event, shop: Shop, customer: Customer, speech: Speech, state: FSMContext, paper_id: int, field: PaperField, text: str
) -> None:
    """Keep what was said, and ask what comes next; of a letter, its number too."""
    await shop.write(onboarding.say_of_another, paper_id=paper_id, customer_id=customer.id, field=field, text=text)
    found = await _own(shop, customer, paper_id)
    if field is PaperField.EXPIRES and found.kind is PaperKind.AUTHORISATION and found.number is None:
        await _ask(event, speech, state, found, PaperField.NUMBER)
    else:
        await _ask_next(event, shop, customer, speech, state, paper_id)


async def _field_of(state: FSMContext) -> PaperField | None:
    """What was asked last; None: the paper itself."""
    asked = await state.get_state()
    return next((field for field, one in _STATES.items() if one.state == asked), None)


async def came(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """Whatever comes while a paper is described: the picture is kept whenever it comes; words answer what was asked."""
    found = await _own(shop, customer, int((await state.get_data())["paper"]))
    field, sent = await _field_of(state), file_in(message)
    try:
        if sent is not None:
            await shop.write(onboarding.keep_file, paper_id=found.id, customer_id=customer.id, **sent)
            here = speech.say("✅ The paper is here.")
            if field is PaperField.NUMBER:
                await _ask(message, speech, state, await _own(shop, customer, found.id), field, here)
            else:
                await _ask_next(message, shop, customer, speech, state, found.id, here)
        elif field is None:
            await _ask_file(message, speech, state, found, speech.say("Please send the paper as a photo or as a PDF."))
        elif field is PaperField.KIND:
            await _ask(message, speech, state, found, field, speech.say("Please press what it is."))
        elif not message.text:
            await _ask(message, speech, state, found, field, speech.say("Please answer with a text message."))
        else:
            await _said_of_it(message, shop, customer, speech, state, found.id, field, message.text)
    except (onboarding.Outdated, onboarding.NotYours):
        await state.clear()
        raise
    except Refusal as refusal:
        assert field is not None, "only words are refused"
        await _ask(message, speech, state, found, field, refused(speech, refusal))


async def is_pressed(
    press: CallbackQuery, callback_data: AnotherIs, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    await _said_of_it(press, shop, customer, speech, state, callback_data.id, PaperField.KIND, callback_data.kind.value)


async def nothing_pressed(
    press: CallbackQuery, callback_data: AnotherNothing, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """It does not expire, or has no number."""
    if callback_data.field not in (PaperField.EXPIRES, PaperField.NUMBER):
        raise onboarding.Outdated
    await _said_of_it(press, shop, customer, speech, state, callback_data.id, callback_data.field, "")


async def start_again_pressed(
    press: CallbackQuery, callback_data: StartAgain, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    await shop.write(onboarding.start_again, paper_id=callback_data.id, customer_id=customer.id)
    await _ask_next(press, shop, customer, speech, state, callback_data.id)


async def send_pressed(
    press: CallbackQuery,
    callback_data: SendAnother,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    admin_group: int | None = None,
) -> None:
    """Off it goes; pressed twice, it is sent once."""
    try:
        await shop.write(onboarding.send_another, paper_id=callback_data.id, customer_id=customer.id, group_id=admin_group)
    except onboarding.NotFinished:
        await _ask_next(press, shop, customer, speech, state, callback_data.id)
        return
    except onboarding.OverAlready as refusal:  # It was described some days ago.
        found = await _own(shop, customer, callback_data.id)
        await _ask(press, speech, state, found, PaperField.EXPIRES, refused(speech, refusal))
        return
    found = await _own(shop, customer, callback_data.id)
    if found.state is not RenewalState.SENT:
        raise onboarding.Outdated
    said = speech.say("📨 Sent. The shop looks at it, and you hear from us here.")
    await show(press, said, keyboard([_back(found, speech)]))


# While it waits


async def waiting_pressed(press: CallbackQuery, callback_data: WaitingPaper, shop: Shop, customer: Customer, speech: Speech) -> None:
    """A paper that the shop has not looked at yet."""
    found = await _own(shop, customer, callback_data.id)
    if found.state is not RenewalState.SENT:
        raise onboarding.Outdated
    text = paragraphs(speech.say("⏳ With the shop, not looked at yet:"), sent_paper_line(found, speech, 300))
    rows: list[Row] = [
        [
            button(speech.label("🖼 Show it"), ShowSent(id=found.id)),
            button(speech.label("↩️ Take it back"), TakePaperBack(id=found.id), "danger"),
        ],
        _back(found, speech),
    ]
    await show(press, text, keyboard(rows))


async def show_sent_pressed(press: CallbackQuery, callback_data: ShowSent, shop: Shop, customer: Customer, speech: Speech) -> None:
    found = await _own(shop, customer, callback_data.id)
    await send_file(press, found.file_id, found.file_kind, speech)


async def take_back_pressed(press: CallbackQuery, callback_data: TakePaperBack, shop: Shop, customer: Customer, speech: Speech) -> None:
    """It is no longer looked at; pressed twice, that is so already."""
    await shop.write(onboarding.take_paper_back, paper_id=callback_data.id, customer_id=customer.id)
    found = await _own(shop, customer, callback_data.id)
    await show(press, speech.say("↩️ Taken back. The shop does not look at it any more."), keyboard([_back(found, speech)]))


# What the shop says of its own accord


async def noticed(note: Note) -> Said:
    """To the supplier: another paper of theirs was accepted, or not."""
    speech = note.speech
    found = await note.shop.read(onboarding.renewal, int(note.body["paper"]))
    if found is None or found.kind is None:
        return speech.say("One of your papers has left the shop."), None
    paper = Safe("<b>") + plain(speech.label(PAPERS[found.kind])) + Safe("</b> · ") + plain(found.scope or "", 200)
    rows: list[Row] = [[button(speech.label("📄 Papers"), Documents(supplier=found.supplier_id, fresh=True))]]
    if note.body["event"] != RenewalState.APPROVED.value:
        return speech.say("🚫 Your paper was not accepted: {paper}. Please send another, or write to the shop.", paper=paper), keyboard(
            rows
        )
    rests = {one.id for one in await note.shop.read(onboarding.papers_for_listing, found.supplier_id)}
    if found.document is None or found.document.id not in rests:
        return speech.say("✅ Your paper is accepted: {paper}.", paper=paper), keyboard(rows)
    rows.insert(0, [see(speech.label("➕ New offer"), "new", found.supplier_id)])
    said = speech.say("✅ Your paper is accepted: {paper}.", paper=paper)
    return lines(said, speech.say("Your offers can rest on it from now on.")), keyboard(rows)


SAYS = {"paper": noticed}


def router() -> Router:
    """Everything about another paper."""
    router = conversation("supply-another-paper")
    presses = router.callback_query
    presses.register(another_pressed, AnotherPaper.filter())
    presses.register(is_pressed, AnotherIs.filter())
    presses.register(nothing_pressed, AnotherNothing.filter())
    presses.register(start_again_pressed, StartAgain.filter())
    presses.register(send_pressed, SendAnother.filter())
    presses.register(waiting_pressed, WaitingPaper.filter())
    presses.register(show_sent_pressed, ShowSent.filter())
    presses.register(take_back_pressed, TakePaperBack.filter())
    # A command is no answer, and a payment is never one.
    spoken = ~F.text.startswith("/") & ~F.successful_payment & ~F.refunded_payment
    router.message.register(came, StateFilter(Describing), spoken)
    return router
