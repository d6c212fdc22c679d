"""What is done by hand: the card of a task for the staff or a supplier's members, its buttons, and the quotes for briefs."""

from __future__ import annotations

import io

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import catalog, fulfilment, orders, people, standing, supply
from core.catalog import Gone, ProductKind
from core.database import Shop
from core.errors import N_, Refusal
from core.fulfilment import HandView, JobView, QuoteWrong, Step, TaskState
from core.inventory import Secret
from core.money import NotAnAmount, parse_minor
from core.people import Customer
from core.storefronts import Storefront
from handlers import callbacks
from handlers.admin.sent import deleted, please_delete
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.notes import Note, Said, Wording, coded
from handlers.pieces import Row, button, full_name, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused
from handlers.supply.desk import see
from handlers.typed import whole_number
from locales import Safe, Speech
from papers.codes import BadLine, Unreadable
from papers.codes_in import read_codes

LONGEST = 2000
ON_A_PAGE = 20
MOST_CODES = 1000  # typed for one task
# Why a task cannot be done, as the buyer's order and the action log keep it.
REASONS = (
    N_("The account does not exist or cannot be reached"),
    N_("It is out of stock"),
    N_("The price has changed"),
    N_("Another reason"),
)


class TaskTyping(StatesGroup):
    """The result of a task, or a quote, is typed."""

    result = State()
    quote = State()


def who(customer: Customer) -> str:
    """Who this is in the action log."""
    return f"telegram:{customer.telegram_id}"


async def allowed(shop: Shop, storefront: Storefront, customer: Customer, lane: str) -> None:
    """Raises NotYourTask when this person does not work in the lane."""
    if not await shop.read(fulfilment.may_do, lane=lane, storefront_id=storefront.id, telegram_id=customer.telegram_id):
        raise fulfilment.NotYourTask


async def _mine(shop: Shop, storefront: Storefront, customer: Customer, task_id: int) -> HandView:
    view = await shop.read(fulfilment.in_hand, task_id)
    if view is None:
        raise fulfilment.NotYourTask
    await allowed(shop, storefront, customer, view.task.lane)
    return view


async def card(shop: Shop, speech: Speech, view: HandView, said: Safe | None = None, *, fields_shown: bool = False) -> Drawn:
    """A task with what can be done about it; what the buyer said is shown only when it was asked for."""
    task = view.task
    sku = await shop.read(catalog.sku, task.sku_id)
    product = None if sku is None else await shop.read(catalog.product, sku.product_id)
    assert sku is not None and product is not None, "what was sold is never deleted"
    step = await shop.read(fulfilment.milestone_of_task, task.id)
    fields = fulfilment.kind(task.kind).fields(product.terms)
    told: list[Safe] = []
    if fields_shown:
        titles = {one.name: one.title_in(speech.language) for one in fields}
        told = [
            speech.say("{title}: {answer}", title=titles.get(name, name), answer=Safe(f"<code>{plain(answer)}</code>"))
            for name, answer in task.fields.items()
        ]
    states = {
        TaskState.DONE: N_("✅ Done."),
        TaskState.FAILED: N_("✖️ It was not done; the buyer has been taken care of."),
    }
    state: Safe | None = None
    if task.state in states:
        state = speech.say(states[task.state])
    elif step is not None and step.delivered_at is not None:
        state = speech.say("📦 Delivered on {when}. It waits for the buyer's word.", when=speech.when(step.delivered_at))
    elif view.taken_by is not None and view.taken_at is not None:
        state = speech.say("🖐 Taken by {who} on {when}.", who=await _name(shop, view.taken_by), when=speech.when(view.taken_at))
    text = paragraphs(
        said,
        lines(
            speech.say(
                "🛠 <b>To be done:</b> {name} × {quantity}", name=full_name(product, sku, speech), quantity=speech.number(task.quantity)
            ),
            speech.say("Order {number}", number=coded(orders.number_of(task.order_id))),
            speech.say("Already there: {n}", n=speech.number(task.got)) if task.got else None,
            speech.say("Promised until {when}.", when=speech.when(task.due_at if step is None or step.due_at is None else step.due_at)),
            speech.say("Step {n}: {title}", n=speech.number(step.seq), title=step.title) if step is not None else None,
        ),
        lines(*told) if told else None,
        state,
    )
    rows: list[Row] = []
    if not view.over:
        if task.fields and not fields_shown:
            rows.append([button(speech.label("👁 Show what the buyer said"), callbacks.Task(id=task.id, act="s"))])
        if view.taken_by is None:
            rows.append([button(speech.label("🖐 I take it"), callbacks.Task(id=task.id, act="t"), "success")])
        else:
            rows.append([button(speech.label("✅ Done"), callbacks.Task(id=task.id, act="d"), "success")])
        rows.append([button(speech.label("✖️ Cannot be done"), callbacks.Task(id=task.id, act="n"), "danger")])
    rows.append([button(speech.label("🛠 All tasks"), callbacks.Tasks())])
    return text, keyboard(rows)


async def _name(shop: Shop, by: str) -> str:
    """A person of the action log by name."""
    number = by.removeprefix("telegram:")
    found = await shop.read(people.called, telegram_id=int(number)) if number.isdigit() else None
    return found or by


async def listed(shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, page: int = 0) -> Drawn:
    """What waits for this person's hands, a page of it: briefs first, then tasks, the nearest promise first."""
    lanes = await lanes_of(shop, storefront, customer)
    if not lanes:
        raise fulfilment.NotYourTask
    briefs = await shop.read(fulfilment.briefs, lanes=lanes) if not page else []
    tasks = await shop.read(fulfilment.waiting_for_hands, lanes=lanes, after=page * ON_A_PAGE, limit=ON_A_PAGE + 1)
    rows: list[Row] = [[button(speech.label("📝 Brief {n}", n=one.id), callbacks.Quoting(id=one.id))] for one in briefs]
    for view in tasks[:ON_A_PAGE]:
        sku = await shop.read(catalog.sku, view.task.sku_id)
        mark = "🖐" if view.taken_by else "🆕"
        label = f"{mark} {speech.day(view.task.due_at)} · {sku.name if sku else view.task.sku_id} · {orders.number_of(view.task.order_id)}"
        rows.append([button(label, callbacks.Task(id=view.task.id))])
    said = speech.say("🛠 <b>To be done by hand</b>") if rows else speech.say("There is nothing to be done by hand.")
    turning: Row = []
    if page:
        turning.append(button("◀", callbacks.Tasks(page=page - 1)))
    if len(tasks) > ON_A_PAGE:
        turning.append(button("▶", callbacks.Tasks(page=page + 1)))
    rows.append(turning)
    if await shop.read(supply.suppliers_of, customer.telegram_id):
        rows.append([see(speech.label("🏭 My supply"), "home")])
    rows.append([button(speech.label("🛍 To the shop"), callbacks.Home())])
    return said, keyboard(rows)


async def lanes_of(shop: Shop, storefront: Storefront, customer: Customer) -> list[str]:
    """The lanes in which this person works: the staff see their own."""
    suppliers = await shop.read(supply.suppliers_of, customer.telegram_id)
    lanes = fulfilment.lanes_of([one.id for one in suppliers])
    if await shop.read(people.is_staff, storefront_id=storefront.id, telegram_id=customer.telegram_id):
        lanes.append("staff")
    return lanes


async def tasks_pressed(
    press: CallbackQuery, callback_data: callbacks.Tasks, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    await show(press, *await listed(shop, storefront, customer, speech, callback_data.page))


async def task_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Task,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
) -> None:
    """A button of a card. Whoever is too late sees how it stands."""
    view = await _mine(shop, storefront, customer, callback_data.id)
    by, said = who(customer), None
    fields_shown = False
    try:
        match callback_data.act:
            case "t":
                view = await shop.write(fulfilment.mine, task_id=view.task.id, by=by)
            case "s":
                view = await shop.write(fulfilment.show_fields, task_id=view.task.id, by=by)
                fields_shown = True
            case "d":
                view = await shop.write(fulfilment.mine, task_id=view.task.id, by=by)
                await _ask_result(press, view, shop, speech, state)
                return
            case "n":
                view = await shop.write(fulfilment.mine, task_id=view.task.id, by=by)
                await show(press, *_why_not(view, speech))
                return
            case "N":
                said = await _not_done(shop, customer, view, speech, callback_data.arg)
                view = await _mine(shop, storefront, customer, view.task.id)
            case _:
                pass
    except (fulfilment.TakenByAnother, fulfilment.TaskOver, fulfilment.TaskHeld, fulfilment.OfferForbidden) as no:
        if isinstance(no, fulfilment.TakenByAnother):
            no = fulfilment.TakenByAnother(who=await _name(shop, no.who))
        said = refused(speech, no)
        view = await _mine(shop, storefront, customer, callback_data.id)
    await show(press, *await card(shop, speech, view, said, fields_shown=fields_shown), fresh=callback_data.fresh)


def _why_not(view: HandView, speech: Speech) -> Drawn:
    rows = [
        [button(speech.label(reason), callbacks.Task(id=view.task.id, act="N", arg=number))] for number, reason in enumerate(REASONS, 1)
    ]
    rows.append([button(speech.label("⬅️ Back"), callbacks.Task(id=view.task.id))])
    said = speech.say("Why can it not be done? Another source is asked then, or the buyer's money goes back.")
    return said, keyboard(rows)


async def _not_done(shop: Shop, customer: Customer, view: HandView, speech: Speech, reason: int) -> Safe:
    """Known for sure: the next source is asked, or the money goes back."""
    if not 0 < reason <= len(REASONS):
        raise fulfilment.NotYourTask
    by = who(customer)
    view = await shop.write(fulfilment.mine, task_id=view.task.id, by=by)
    step = await shop.read(fulfilment.milestone_of_task, view.task.id)
    if step is not None:
        await shop.write(fulfilment.call_off, job_id=step.job_id, by=by, why=REASONS[reason - 1])
    await shop.write(orders.task_failed, task_id=view.task.id, cause=f"{by}: {REASONS[reason - 1]}")
    await shop.write(fulfilment.note_done, task_id=view.task.id, by=by, did="leave-task")
    return speech.say("Noted. The buyer is taken care of.")


async def _ask_result(press: CallbackQuery, view: HandView, shop: Shop, speech: Speech, state: FSMContext) -> None:
    await state.set_state(TaskTyping.result)
    await state.set_data({"task": view.task.id})
    if view.task.kind == ProductKind.SERVICE:
        asked = speech.say("What did you deliver? Type it, with a link where the work is. The buyer reads it and accepts.")
    elif fulfilment.made_on_order(view.task.kind):
        asked = speech.say("Type the result for the buyer, for example: <code>Done, 100 diamonds, receipt 8812</code>")
    else:
        asked = speech.say(
            "Send the codes, one on each line ({n} are missing). A number and a password are joined by <code>----</code>.",
            n=speech.number(view.task.missing),
        )
    await show(press, asked, keyboard([[button(speech.label("⬅️ Back"), callbacks.Task(id=view.task.id))]]))


async def result_typed(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """The result as text: a receipt, codes, or work that was done. What cannot be is said, and asked for again."""
    kept = await state.get_data()
    view = await _mine(shop, storefront, customer, int(kept.get("task", 0)))
    text, by = (message.text or "").strip(), who(customer)
    if view.task.kind != ProductKind.SERVICE and not fulfilment.made_on_order(view.task.kind) and not await deleted(message):
        await message.answer(please_delete(speech))
    back = keyboard([[button(speech.label("⬅️ Back"), callbacks.Task(id=view.task.id))]])
    if not text or len(text) > LONGEST:
        await show(message, speech.say("Please type at most {most} characters.", most=speech.number(LONGEST)), back)
        return
    try:
        view = await shop.write(fulfilment.mine, task_id=view.task.id, by=by)
        if view.task.kind == ProductKind.SERVICE:
            await state.clear()
            await shop.write(fulfilment.deliver_milestone, task_id=view.task.id, result=text, by=by)
            said = speech.say("📦 The buyer has it, and is asked to accept it.")
        else:
            units = _units(view, text)
            if not units:
                await show(message, speech.say("I found no codes in that. Please send one on each line."), back)
                return
            done = len(units) >= view.task.missing
            await state.clear()
            came = await shop.write(orders.arrived, task_id=view.task.id, secrets=units, done=False, cause=f"by hand: {by}")
            await shop.write(fulfilment.note_done, task_id=view.task.id, by=by, did="do-task")
            said = speech.say("✅ The buyer has it.") if done and not came.refused else _partly(came, speech)
    except Refusal as no:
        await state.clear()
        said = refused(speech, no)
    view = await _mine(shop, storefront, customer, view.task.id)
    await show(message, *await card(shop, speech, view, said))


def _partly(came: orders.Arrival, speech: Speech) -> Safe:
    return lines(
        speech.say("Taken: {n}.", n=speech.number(came.taken)),
        speech.say("Refused because the shop had them before: {n}.", n=speech.number(came.refused)) if came.refused else None,
    )


def _units(view: HandView, text: str) -> list[Secret]:
    if fulfilment.made_on_order(view.task.kind):
        return fulfilment.receipts(orders.number_of(view.task.order_id), view.task, text)
    try:
        found = list(read_codes("", io.BytesIO(text.encode("utf-8", "replace"))))
    except Unreadable:
        return []
    return [Secret(one.card_no, one.card_pwd) for one in found if not isinstance(one, BadLine)][:MOST_CODES]


# Briefs and quotes


async def brief_card(shop: Shop, speech: Speech, job: JobView, said: Safe | None = None) -> Drawn:
    """A brief with the way to quote it."""
    customer = await shop.read(people.by_id, job.customer_id)
    sku = await shop.read(catalog.sku, job.sku_id)
    product = None if sku is None else await shop.read(catalog.product, sku.product_id)
    assert sku is not None and product is not None, "what was asked for is never deleted"
    text = paragraphs(
        said,
        lines(
            speech.say("📝 <b>Brief {n}</b>: {name}", n=job.id, name=full_name(product, sku, speech)),
            speech.say("From {who}, {when}", who=customer.name, when=speech.when(job.made_at)),
        ),
        plain(job.brief, LONGEST),
        lines(*quoted(job, speech)) if job.milestones else None,
    )
    rows: list[Row] = []
    if job.state in (fulfilment.JobState.ASKED, fulfilment.JobState.QUOTED):
        rows.append([button(speech.label("💬 Quote it"), callbacks.Quoting(id=job.id, act="q"), "success")])
        rows.append([button(speech.label("✖️ No, thank you"), callbacks.Quoting(id=job.id, act="n"), "danger")])
    rows.append([button(speech.label("🛠 All tasks"), callbacks.Tasks())])
    return text, keyboard(rows)


def quoted(job: JobView, speech: Speech) -> list[Safe]:
    """The steps of a quote, a line for each, with how far they are."""
    marks = {None: "▫️", "dispute": "⚠️"}
    return [
        Safe(f"{marks.get(step.accepted_by, '✅')} ")
        + speech.say(
            "{n}. {title} – {price}, within {days} days",
            n=speech.number(step.seq),
            title=step.title,
            price=speech.price(step.price_minor, step.currency),
            days=speech.number(-(-step.hours // 24)),
        )
        for step in job.milestones
    ]


async def quoting_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Quoting,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
) -> None:
    job = await shop.read(fulfilment.job, job_id=callback_data.id)
    if job is None:
        raise Gone
    await allowed(shop, storefront, customer, job.lane)
    said = None
    if callback_data.act == "q":
        await state.set_state(TaskTyping.quote)
        await state.set_data({"job": job.id})
        asked = speech.say(
            "Type the steps, one on each line: what, how much, and in how many days. For example:\n"
            "<code>Deposit and sketch; 100; 3\nFinished logo; 200; 7</code>"
        )
        await show(press, asked, keyboard([[button(speech.label("⬅️ Back"), callbacks.Quoting(id=job.id))]]))
        return
    if callback_data.act == "n":
        try:
            job = await shop.write(fulfilment.call_off, job_id=job.id, by=who(customer), why="declined")
            said = speech.say("The buyer is told.")
        except Refusal as no:
            said = refused(speech, no)
    await show(press, *await brief_card(shop, speech, job, said))


async def quote_typed(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext) -> None:
    kept = await state.get_data()
    job = await shop.read(fulfilment.job, job_id=int(kept.get("job", 0)))
    if job is None:
        await state.clear()
        raise Gone
    await allowed(shop, storefront, customer, job.lane)
    try:
        steps = [step_of(line, storefront.currency) for line in (message.text or "").splitlines() if line.strip()]
        job = await shop.write(standing.quote_service, job_id=job.id, steps=steps, by=who(customer))
    except Refusal as no:
        back = keyboard([[button(speech.label("⬅️ Back"), callbacks.Quoting(id=job.id))]])
        await show(message, paragraphs(refused(speech, no), speech.say("For example:\n<code>Finished logo; 200; 7</code>")), back)
        return
    await state.clear()
    await show(message, *await brief_card(shop, speech, job, speech.say("💬 The buyer has your quote.")))


def step_of(line: str, currency: str) -> Step:
    """A step as people type it: title; price; days. Raises QuoteWrong."""
    parts = [part.strip() for part in line.replace("；", ";").rsplit(";", 2)]
    days = whole_number(parts[2]) if len(parts) == 3 else None
    if len(parts) != 3 or not parts[0] or days is None or not 1 <= days <= 90:
        raise QuoteWrong(most=12)
    try:
        price = parse_minor(parts[1], currency)
    except NotAnAmount:
        raise QuoteWrong(most=12) from None
    if price <= 0:
        raise QuoteWrong(most=12)
    return Step(parts[0][:100], price, days * 24)


# What is told of it


async def told_task(note: Note) -> Said:
    """To whoever does it by hand: a task is new, or its promise comes near."""
    view = await note.shop.read(fulfilment.in_hand, int(note.body["task"]))
    assert view is not None, "a task is never deleted"
    said = note.speech.say("⏰ The promise of this task comes near.") if note.body.get("late") and not view.over else None
    return await card(note.shop, note.speech, view, said)


async def told_brief(note: Note) -> Said:
    """To whoever offers a service: a brief waits for a quote, or what became of one."""
    job = await note.shop.read(fulfilment.job, job_id=int(note.body["job"]))
    assert job is not None, "a job is never deleted"
    heads = {
        "service-brief": N_("🆕 A brief waits for your quote."),
        "service-agreed": N_("🤝 The buyer has accepted the quote. Each step comes as a task when it is paid."),
        "service-accepted": N_("✅ A step was accepted."),
        "service-disputed": N_("⚠️ The buyer says that something is wrong with a delivered step. A case is open about it."),
        "service-halted": N_(
            "⏸ This work must not be sold at the moment. Please do nothing for it; its time stands still until it goes on."
        ),
        "service-resumed": N_("▶️ This work goes on. The time it stood still was added to what you have."),
        "service-off": N_("✖️ This was called off."),
    }
    return await brief_card(note.shop, note.speech, job, note.speech.say(heads[str(note.body["says"])]))


def told_stuck(note: Note) -> Said:
    """To the staff: the bot cannot make what was bought."""
    said = note.speech.say(
        "🔴 The bot cannot make what order {number} bought: {why}. Is it still an admin of the chat, with the right to invite and to ban?",
        number=note.number,
        why=str(note.body.get("why", "")),
    )
    return said, None


SAYS: dict[str, Wording] = {
    "task-card": told_task,
    "task-stuck": told_stuck,
    **dict.fromkeys(
        ("service-brief", "service-agreed", "service-accepted", "service-disputed", "service-halted", "service-resumed"), told_brief
    ),
}


def router() -> Router:
    """The cards of tasks and briefs, and what is typed about them."""
    router = conversation("tasks")
    router.callback_query.register(task_pressed, callbacks.Task.filter())
    router.callback_query.register(tasks_pressed, callbacks.Tasks.filter())
    router.callback_query.register(quoting_pressed, callbacks.Quoting.filter())
    router.message.register(result_typed, StateFilter(TaskTyping.result), F.text, ~F.text.startswith("/"))
    router.message.register(quote_typed, StateFilter(TaskTyping.quote), F.text, ~F.text.startswith("/"))
    return router
