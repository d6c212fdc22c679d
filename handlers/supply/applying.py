"""Filling in an application: each question with an example, papers as photos or PDF, a look at everything, and off it goes."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import onboarding
from core.database import Shop
from core.errors import Refusal
from core.onboarding import ApplicationView, Field, Kind, Legal, PaperField, PaperKind, PaperView
from core.people import Customer
from core.storefronts import Storefront
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.pieces import Row, button, fitting, keyboard, lines, paragraphs, show
from handlers.screen import refused
from handlers.supply import start
from handlers.supply.buttons import (
    Answer,
    AskPaper,
    Begin,
    Choose,
    Continue,
    NothingToSay,
    Paper,
    PaperIs,
    Papers,
    RemovePaper,
    Send,
    ShowPaper,
    Summary,
    Supply,
)
from handlers.supply.files import file_in, send_file
from handlers.supply.words import FIELDS, KINDS, LEGALS, PAPERS, QUESTIONS, country_code, paper_line, value_of
from locales import Safe, Speech

Event = Message | CallbackQuery


class Applying(StatesGroup):
    """What the next message is: the answer to a question, a paper, or something about a paper."""

    field = State()
    papers = State()
    paper_field = State()


async def _own(shop: Shop, customer: Customer, application_id: int) -> ApplicationView:
    """This person's application; raises NoApplication, also for another's."""
    found = await shop.read(onboarding.application, application_id)
    if found is None or found.customer_id != customer.id:
        raise onboarding.NoApplication
    return found


async def _own_paper(shop: Shop, customer: Customer, paper_id: int) -> tuple[PaperView, ApplicationView]:
    paper = await shop.read(onboarding.paper, paper_id)
    if paper is None:
        raise onboarding.NoApplication
    return paper, await _own(shop, customer, paper.application_id)


def _must_be_editable(found: ApplicationView) -> None:
    if not found.editable:
        raise onboarding.Waits if found.state is onboarding.ApplicationState.SENT else onboarding.Outdated


# Questions


async def ask_next(
    event: Event, shop: Shop, customer: Customer, speech: Speech, state: FSMContext, application_id: int, said: Safe | None = None
) -> None:
    """The first question that is not answered; then the papers, once; then the whole application to be looked over."""
    found = await _own(shop, customer, application_id)
    if found.editable and found.next is not None:
        await ask_field(event, shop, customer, speech, state, found, found.next, said)
    elif found.editable and found.unfinished is not None:
        await ask_paper(event, speech, state, found.unfinished, said)
    elif found.editable and not found.papers and said is None:
        await show_papers(event, speech, state, found)
    else:
        await show(event, *summary(found, speech, said))


async def ask_field(
    event: Event,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    found: ApplicationView,
    field: Field,
    said: Safe | None = None,
) -> None:
    """One question with an example, and what was answered before."""
    _must_be_editable(found)
    rows: list[Row] = []
    if field is Field.KIND:
        rows = [[button(speech.label(KINDS[kind]), Choose(id=found.id, field=field, value=kind.value))] for kind in Kind]
    elif field is Field.LEGAL:
        rows = [[button(speech.label(LEGALS[legal]), Choose(id=found.id, field=field, value=legal.value)) for legal in Legal]]
    else:
        await state.set_state(Applying.field)
        await state.set_data({"application": found.id, "field": field.value})
    before = value_of(found, field, speech, 300)
    number = list(Field).index(field) + 1
    text = paragraphs(
        said,
        speech.say("<b>Question {n} of {all}</b>", n=speech.number(number), all=speech.number(len(Field))),
        speech.say(QUESTIONS[field]),
        speech.say("So far: {answer}", answer=before) if before is not None else None,
    )
    leave = button(speech.label("⏸ Go on later"), Supply())
    if found.next is None:
        leave = button(speech.label("⬅️ Back"), Summary(id=found.id))
    await show(event, text, keyboard([*rows, [leave]]))


async def begin_pressed(
    press: CallbackQuery,
    callback_data: Begin,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
) -> None:
    """Begin, or go on with what was begun."""
    try:
        application_id = await shop.write(onboarding.begin, customer_id=customer.id, kind=callback_data.kind)
    except (onboarding.Waits, onboarding.SupplierAlready, onboarding.RefusedLately) as refusal:
        await start.open_(press, shop, storefront, customer, speech, refused(speech, refusal))
        return
    await ask_next(press, shop, customer, speech, state, application_id)


async def field_typed(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """An answer: kept, or refused in one sentence and asked again."""
    data = await state.get_data()
    found = await _own(shop, customer, int(data["application"]))
    field = Field(data["field"])
    if message.text is None:
        await ask_field(message, shop, customer, speech, state, found, field, speech.say("Please answer with a text message."))
        return
    text = country_code(message.text) if field is Field.COUNTRY else message.text
    try:
        await shop.write(onboarding.put, application_id=found.id, customer_id=customer.id, field=field, text=text)
    except (onboarding.Waits, onboarding.Outdated):
        await state.clear()
        raise
    except Refusal as refusal:
        await ask_field(message, shop, customer, speech, state, found, field, refused(speech, refusal))
        return
    await state.clear()
    await ask_next(message, shop, customer, speech, state, found.id, None if found.next is not None else speech.say("✅ Changed."))


async def choose_pressed(
    press: CallbackQuery, callback_data: Choose, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    found = await _own(shop, customer, callback_data.id)
    await shop.write(onboarding.put, application_id=found.id, customer_id=customer.id, field=callback_data.field, text=callback_data.value)
    await ask_next(press, shop, customer, speech, state, found.id, None if found.next is not None else speech.say("✅ Changed."))


async def answer_pressed(
    press: CallbackQuery, callback_data: Answer, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    found = await _own(shop, customer, callback_data.id)
    await ask_field(press, shop, customer, speech, state, found, callback_data.field)


async def continue_pressed(
    press: CallbackQuery, callback_data: Continue, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    await ask_next(press, shop, customer, speech, state, callback_data.id)


# Papers


async def show_papers(event: Event, speech: Speech, state: FSMContext, found: ApplicationView, said: Safe | None = None) -> None:
    """What is there, what would help, and where to send the next one."""
    _must_be_editable(found)
    await state.set_state(Applying.papers)
    await state.set_data({"application": found.id})
    lacking = onboarding.missing(found.kind, found.legal, [paper.kind for paper in found.papers if paper.kind]) if found.legal else []
    wanted = [speech.say("• {paper}", paper=_any_of(group, speech)) for group in lacking]
    text = paragraphs(
        said,
        speech.say("<b>Papers</b>"),
        lines(*(speech.say("{n}. {paper}", n=speech.number(n), paper=paper_line(one, speech)) for n, one in enumerate(found.papers, 1))),
        lines(speech.say("The shop looks for these:"), *wanted) if wanted else None,
        speech.say("📎 Send a photo or a PDF now, one after the other. Without papers your application takes longer."),
    )
    rows: list[Row] = [
        [button(f"{n}. {speech.label(PAPERS[one.kind]) if one.kind else speech.label('A new paper')}", Paper(id=one.id))]
        for n, one in enumerate(found.papers, 1)
    ]
    done = button(speech.label("📋 Look it over"), Summary(id=found.id), "primary" if found.papers else None)
    await show(event, text, keyboard([*rows, [done], [button(speech.label("⏸ Go on later"), Supply())]]))


def _any_of(group: frozenset[PaperKind], speech: Speech) -> str:
    return " / ".join(speech.label(PAPERS[kind]) for kind in PaperKind if kind in group)


async def papers_pressed(
    press: CallbackQuery, callback_data: Papers, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    await show_papers(press, speech, state, await _own(shop, customer, callback_data.id))


async def paper_sent(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """A photo or a file for the application; of an album, each is a paper, and the first is asked about."""
    data = await state.get_data()
    found = await _own(shop, customer, int(data["application"]))
    sent = file_in(message)
    if sent is None:
        await show_papers(message, speech, state, found, speech.say("Please send the paper as a photo or as a PDF."))
        return
    album = message.media_group_id
    once = f"{message.chat.id}:{message.message_id}"
    try:
        paper_id = await shop.write(onboarding.add_paper, application_id=found.id, customer_id=customer.id, once=once, **sent)
    except (onboarding.Waits, onboarding.Outdated):
        await state.clear()
        raise
    if album is not None and data.get("album") == album:
        return
    paper, _ = await _own_paper(shop, customer, paper_id)
    await ask_paper(message, speech, state, paper, speech.say("✅ The paper is here."), album=album)


async def ask_paper(
    event: Event,
    speech: Speech,
    state: FSMContext,
    paper: PaperView,
    said: Safe | None = None,
    field: PaperField | None = None,
    *,
    album: str | None = None,
) -> None:
    """Ask what is not known of a paper yet, or this."""
    field = field or paper.next or PaperField.KIND
    rows: list[Row] = []
    if field is PaperField.KIND:
        # More of an album may be on its way: papers are still taken.
        await state.set_state(Applying.papers)
        await state.set_data({"application": paper.application_id, "album": album})
        text = speech.say("What is this paper?")
        rows = [[button(speech.label(PAPERS[kind]), PaperIs(id=paper.id, kind=kind))] for kind in PaperKind]
    else:
        await state.set_state(Applying.paper_field)
        await state.set_data({"application": paper.application_id, "paper": paper.id, "field": field.value})
        if field is PaperField.SCOPE:
            text = speech.say("Which brands or goods is it about? For example: <i>Steam and PlayStation cards</i>")
        elif field is PaperField.EXPIRES:
            text = speech.say("Until which day is it valid? For example: <i>2027-12-31</i>")
            rows = [[button(speech.label("It does not expire"), NothingToSay(id=paper.id, field=field))]]
        else:
            text = speech.say("What is the number of the certificate? We ask its register. For example: <i>AUTH-2027-001234</i>")
            rows = [[button(speech.label("It has no number"), NothingToSay(id=paper.id, field=field))]]
    rows.append([button(speech.label("⬅️ Papers"), Papers(id=paper.application_id))])
    await show(event, paragraphs(said, paper_line(paper, speech) if paper.kind else None, text), keyboard(rows))


async def _described(
    event: Event, shop: Shop, customer: Customer, speech: Speech, state: FSMContext, paper_id: int, field: PaperField, text: str
) -> None:
    """Keep what was said of a paper, and ask the next thing of it, or of the next paper."""
    await shop.write(onboarding.describe_paper, paper_id=paper_id, customer_id=customer.id, field=field, text=text)
    await state.clear()
    paper, found = await _own_paper(shop, customer, paper_id)
    if paper.next is not None:
        await ask_paper(event, speech, state, paper)
    elif field is PaperField.EXPIRES and paper.kind is PaperKind.AUTHORISATION and paper.number is None:
        await ask_paper(event, speech, state, paper, field=PaperField.NUMBER)
    elif found.unfinished is not None:
        await ask_paper(event, speech, state, found.unfinished)
    else:
        await show_papers(event, speech, state, found, speech.say("✅ Noted."))


async def paper_typed(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """Something about a paper: kept, or refused in one sentence and asked again."""
    data = await state.get_data()
    paper, _ = await _own_paper(shop, customer, int(data["paper"]))
    field = PaperField(data["field"])
    # A paper sent meanwhile is kept too, and asked about after this one.
    sent = file_in(message)
    if sent is not None:
        once = f"{message.chat.id}:{message.message_id}"
        await shop.write(onboarding.add_paper, application_id=paper.application_id, customer_id=customer.id, once=once, **sent)
        await ask_paper(message, speech, state, paper, speech.say("✅ That paper is here too. First to this one:"), field)
        return
    if not message.text:
        await ask_paper(message, speech, state, paper, speech.say("Please answer with a text message."), field)
        return
    try:
        await _described(message, shop, customer, speech, state, paper.id, field, message.text)
    except (onboarding.Waits, onboarding.Outdated, onboarding.NoApplication):
        await state.clear()
        raise
    except Refusal as refusal:
        await ask_paper(message, speech, state, paper, refused(speech, refusal), field)


async def paper_is_pressed(
    press: CallbackQuery, callback_data: PaperIs, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    await _described(press, shop, customer, speech, state, callback_data.id, PaperField.KIND, callback_data.kind.value)


async def nothing_pressed(
    press: CallbackQuery, callback_data: NothingToSay, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    if callback_data.field not in (PaperField.EXPIRES, PaperField.NUMBER):
        raise onboarding.Outdated
    await _described(press, shop, customer, speech, state, callback_data.id, callback_data.field, "")


async def ask_paper_pressed(
    press: CallbackQuery, callback_data: AskPaper, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    paper, found = await _own_paper(shop, customer, callback_data.id)
    _must_be_editable(found)
    await ask_paper(press, speech, state, paper, field=callback_data.field)


async def paper_pressed(press: CallbackQuery, callback_data: Paper, shop: Shop, customer: Customer, speech: Speech) -> None:
    """One paper: look at it, say it again, take it out."""
    paper, found = await _own_paper(shop, customer, callback_data.id)
    rows: list[Row] = [[button(speech.label("🖼 Show it"), ShowPaper(id=paper.id))]]
    if found.editable:
        again = button(speech.label("✏️ Describe it again"), AskPaper(id=paper.id, field=PaperField.KIND))
        number = button(speech.label("🔢 Number"), AskPaper(id=paper.id, field=PaperField.NUMBER))
        rows += [[again, number], [button(speech.label("🗑 Take it out"), RemovePaper(id=paper.id), "danger")]]
        rows.append([button(speech.label("⬅️ Papers"), Papers(id=found.id))])
    else:
        rows.append([button(speech.label("⬅️ Back"), Summary(id=found.id))])
    await show(press, paper_line(paper, speech, 300), keyboard(rows))


async def show_paper_pressed(press: CallbackQuery, callback_data: ShowPaper, shop: Shop, customer: Customer, speech: Speech) -> None:
    paper, _ = await _own_paper(shop, customer, callback_data.id)
    await send_file(press, paper.file_id, paper.file_kind, speech)


async def remove_pressed(
    press: CallbackQuery, callback_data: RemovePaper, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    application_id = await shop.write(onboarding.remove_paper, paper_id=callback_data.id, customer_id=customer.id)
    await show_papers(press, speech, state, await _own(shop, customer, application_id), speech.say("🗑 The paper is taken out."))


# Looking it over, and sending


def summary(found: ApplicationView, speech: Speech, said: Safe | None = None) -> Drawn:
    """Every answer and paper; while it may be changed, a button to each."""
    rows: list[Row] = []
    ready = found.next is None and found.unfinished is None
    if found.editable:
        edits: list[InlineKeyboardButton] = [
            button(f"✏️ {speech.label(FIELDS[field])}", Answer(id=found.id, field=field)) for field in Field
        ]
        rows = [edits[place : place + 2] for place in range(0, len(edits), 2)]
        rows.append([button(speech.label("📎 Papers ({n})", n=speech.number(len(found.papers))), Papers(id=found.id))])
        on = button(speech.label("▶️ Continue"), Continue(id=found.id), "primary")
        if ready:
            on = button(speech.label("📨 Send it to the shop"), Send(id=found.id, version=found.version), "success")
        rows.append([on])
    else:
        rows = [
            [button(f"📎 {n}. {speech.label(PAPERS[one.kind])}", Paper(id=one.id))] for n, one in enumerate(found.papers, 1) if one.kind
        ]
    rows.append([button(speech.label("⬅️ Back"), Supply())])

    def drawn(most: int) -> Safe:
        """With each answer cut to that length, and what is said of papers to a fifth of it."""
        facts = []
        for field in Field:
            value = value_of(found, field, speech, most)
            answer = value if value is not None else speech.say("<i>not answered yet</i>")
            facts.append(speech.say("{what}: {value}", what=speech.label(FIELDS[field]), value=answer))
        scope = max(12, min(100, most // 5))
        papers = [
            speech.say("{n}. {paper}", n=speech.number(n), paper=paper_line(one, speech, scope)) for n, one in enumerate(found.papers, 1)
        ]
        return paragraphs(
            said,
            speech.say("<b>Application {id}</b>", id=found.id),
            lines(*facts),
            lines(speech.say("Papers:"), *papers) if papers else speech.say("No papers yet."),
            speech.say("Is everything right? Then send it.") if found.editable and ready else None,
        )

    return fitting(drawn, 600), keyboard(rows)


async def summary_pressed(press: CallbackQuery, callback_data: Summary, shop: Shop, customer: Customer, speech: Speech) -> None:
    await show(press, *summary(await _own(shop, customer, callback_data.id), speech))


async def send_pressed(
    press: CallbackQuery,
    callback_data: Send,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    admin_group: int | None = None,
) -> None:
    """Off it goes; pressed twice, it is sent once."""
    said: Safe | None
    try:
        await shop.write(
            onboarding.send,
            application_id=callback_data.id,
            customer_id=customer.id,
            version=callback_data.version,
            group_id=admin_group,
        )
        said = speech.say("📨 Sent. Thank you!")
    except onboarding.NotFinished:
        await ask_next(press, shop, customer, speech, state, callback_data.id)
        return
    except (onboarding.Outdated, onboarding.SupplierAlready) as refusal:
        said = refused(speech, refusal)
    await start.open_(press, shop, storefront, customer, speech, said)


def router() -> Router:
    """Everything that fills in an application."""
    router = conversation("supply-applying")
    presses = router.callback_query
    presses.register(begin_pressed, Begin.filter())
    presses.register(choose_pressed, Choose.filter())
    presses.register(answer_pressed, Answer.filter())
    presses.register(continue_pressed, Continue.filter())
    presses.register(papers_pressed, Papers.filter())
    presses.register(paper_is_pressed, PaperIs.filter())
    presses.register(nothing_pressed, NothingToSay.filter())
    presses.register(ask_paper_pressed, AskPaper.filter())
    presses.register(paper_pressed, Paper.filter())
    presses.register(show_paper_pressed, ShowPaper.filter())
    presses.register(remove_pressed, RemovePaper.filter())
    presses.register(summary_pressed, Summary.filter())
    presses.register(send_pressed, Send.filter())
    # A command is no answer, and a payment is never one.
    spoken = ~F.text.startswith("/") & ~F.successful_payment & ~F.refunded_payment
    router.message.register(field_typed, StateFilter(Applying.field), spoken)
    router.message.register(paper_sent, StateFilter(Applying.papers), spoken)
    router.message.register(paper_typed, StateFilter(Applying.paper_field), spoken)
    return router
