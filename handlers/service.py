"""Work by agreement, from the buyer's side: the brief, the quote, each step paid by itself, accepted or disputed."""

from __future__ import annotations

from collections.abc import Mapping

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import aftersale, catalog, fulfilment, orders
from core.catalog import Gone
from core.database import Shop
from core.errors import N_, Refusal
from core.fulfilment import JobState, JobView, MilestoneView
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from handlers import buy, callbacks, cases
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.notes import Note, Said, Wording
from handlers.pieces import Row, bold, button, full_name, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused
from handlers.tasks import quoted
from locales import Safe, Speech

STATES = {
    JobState.ASKED: N_("Your brief is being read; a quote comes into this chat."),
    JobState.QUOTED: N_("There is a quote for you. You owe nothing before you accept it and pay a step."),
    JobState.AGREED: N_("Agreed. You pay each step by itself, and accept it when it is delivered."),
    JobState.DONE: N_("All is done."),
    JobState.OFF: N_("This was called off."),
}


class ServiceTyping(StatesGroup):
    """A brief is typed, or what is wrong with a step."""

    brief = State()
    dispute = State()


async def screen(shop: Shop, speech: Speech, job: JobView, said: Safe | None = None) -> Drawn:
    """A job as it stands, with what can be done about it."""
    sku = await shop.read(catalog.sku, job.sku_id)
    product = None if sku is None else await shop.read(catalog.product, sku.product_id)
    assert sku is not None and product is not None, "what was asked for is never deleted"
    rows: list[Row] = []
    current, now_what = job.current, list[Safe]()
    if job.state is JobState.QUOTED and job.quote_id is not None:
        rows.append([button(speech.label("🤝 Accept the quote"), callbacks.TakeQuote(id=job.id, quote=job.quote_id), "success")])
    if job.state is JobState.AGREED and current is not None:
        now_what, more = _current(current, job, speech)
        rows += more
    if job.state in (JobState.ASKED, JobState.QUOTED, JobState.AGREED):
        rows.append([button(speech.label("✖️ Call it off"), callbacks.Job(id=job.id, act="o"), "danger")])
    rows.append([button(speech.label("🧰 My requests"), callbacks.Jobs()), button(speech.label("🛍 To the shop"), callbacks.Home())])
    text = paragraphs(
        said,
        lines(bold(full_name(product, sku, speech)), speech.say("Request {n}, {when}", n=job.id, when=speech.when(job.made_at))),
        plain(job.brief, 700),
        lines(*quoted(job, speech)) if job.milestones else None,
        lines(speech.say(STATES[job.state]), *now_what),
    )
    return text, keyboard(rows)


def _current(step: MilestoneView, job: JobView, speech: Speech) -> tuple[list[Safe], list[Row]]:
    """What is to be done about the step that it is about now."""
    if step.stopped_at is not None:
        told = [
            speech.say("⏸ Step {n} is stopped by the shop since {when}. Your money is safe.", n=step.seq, when=speech.when(step.stopped_at))
        ]
        if step.delivered_at is None:
            told.append(speech.say("You can wait until it goes on, or call it off: what you have paid and not received comes back."))
        else:
            told.append(speech.say("What was delivered is neither accepted nor paid out until the shop has decided."))
        return told, []
    if not step.paid:
        label = speech.label("Pay step {n} · {price}", n=step.seq, price=speech.price(step.price_minor, step.currency))
        return [speech.say("Next: step {n}.", n=step.seq)], [[button(label, callbacks.Sku(id=step.sku_id), "success")]]
    if step.delivered_at is None:
        assert step.due_at is not None, "what was paid has its time"
        return [speech.say("Step {n} is paid and under way until {when}.", n=step.seq, when=speech.when(step.due_at))], []
    told = [
        speech.say("📦 Step {n} was delivered on {when}:", n=step.seq, when=speech.when(step.delivered_at)),
        plain(step.result or "", 1200),
        speech.many(
            "Please look at it. Without a word from you it counts as accepted after {n} day.",
            "Please look at it. Without a word from you it counts as accepted after {n} days.",
            job.accept_days,
        ),
    ]
    rows = [
        [button(speech.label("✅ Accept step {n}", n=step.seq), callbacks.Step(id=step.id, act="a"), "success")],
        [button(speech.label("⚠️ Something is wrong with it"), callbacks.Step(id=step.id, act="w"), "danger")],
    ]
    return told, rows


async def brief_pressed(press: CallbackQuery, callback_data: callbacks.Brief, shop: Shop, speech: Speech, state: FSMContext) -> None:
    sku = await shop.read(catalog.sku, callback_data.id)
    product = None if sku is None else await shop.read(catalog.product, sku.product_id)
    if sku is None or product is None:
        raise Gone
    await state.set_state(ServiceTyping.brief)
    await state.set_data({"sku": sku.id})
    hint = product.terms.get("brief")
    asked = paragraphs(
        bold(full_name(product, sku, speech)),
        speech.say("What do you need? Tell us in one message: what, for whom, until when. It costs nothing."),
        plain(str(hint), 800) if hint else None,
    )
    await show(press, asked, keyboard([[button(speech.label("⬅️ Back"), callbacks.Sku(id=sku.id))]]))


async def brief_typed(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    sku_id = int((await state.get_data()).get("sku", 0))
    try:
        job = await shop.write(fulfilment.ask_service, customer_id=customer.id, sku_id=sku_id, brief=message.text or "")
    except fulfilment.BriefTooLong as no:
        await show(message, refused(speech, no), keyboard([[button(speech.label("⬅️ Back"), callbacks.Sku(id=sku_id))]]))
        return
    except Refusal:
        await state.clear()
        raise
    await state.clear()
    await show(message, *await screen(shop, speech, job, speech.say("📨 Sent. You will get a quote here.")))


async def jobs_pressed(press: CallbackQuery, callback_data: callbacks.Jobs, shop: Shop, customer: Customer, speech: Speech) -> None:
    found = await shop.read(fulfilment.jobs_of, customer_id=customer.id)
    rows = [[button(f"{speech.day(job.made_at)} · {job.brief[:40]}", callbacks.Job(id=job.id))] for job in found]
    rows.append([button(speech.label("🛍 To the shop"), callbacks.Home())])
    said = speech.say("🧰 <b>Your requests</b>") if found else speech.say("You have asked for no work yet.")
    await show(press, said, keyboard(rows), fresh=callback_data.fresh)


async def quote_taken(
    press: CallbackQuery,
    callback_data: callbacks.TakeQuote,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """The quote that was read is accepted; when another stands by now, that one is shown and nothing is accepted."""
    said: Safe | None = None
    try:
        job = await shop.write(fulfilment.accept_quote, job_id=callback_data.id, customer_id=customer.id, quote_id=callback_data.quote)
        step = job.current
        if step is not None and not step.paid:
            said = speech.say("🤝 Agreed. This is the first step; its money waits until you accept what is delivered.")
            await show(press, *await buy.screen(shop, storefront, customer, speech, methods, buy.Chosen(step.sku_id, 1), said))
            return
    except Gone:
        raise
    except Refusal as no_way:
        said = refused(speech, no_way)
    await show(press, *await screen(shop, speech, await _mine(shop, customer, callback_data.id), said))


async def _mine(shop: Shop, customer: Customer, job_id: int) -> JobView:
    job = await shop.read(fulfilment.job, job_id=job_id, customer_id=customer.id)
    if job is None:
        raise Gone
    return job


async def job_pressed(press: CallbackQuery, callback_data: callbacks.Job, shop: Shop, customer: Customer, speech: Speech) -> None:
    job = await _mine(shop, customer, callback_data.id)
    said: Safe | None = None
    try:
        match callback_data.act:
            case "o":
                yes = button(speech.label("Yes, call it off"), callbacks.Job(id=job.id, act="O"), "danger")
                no = button(speech.label("No, go on"), callbacks.Job(id=job.id))
                question = speech.say("Call it off? What you have paid and what is not late yet stays as it was agreed.")
                await show(press, question, keyboard([[yes], [no]]))
                return
            case "O":
                job = await shop.write(fulfilment.call_off, job_id=job.id, customer_id=customer.id, by="buyer")
                await settle_steps(shop, job_id=job.id)
                said = speech.say("Called off. What was paid and not delivered comes back to your balance.")
            case _:
                pass
    except Refusal as no_way:
        said = refused(speech, no_way)
    job = await _mine(shop, customer, job.id)
    await show(press, *await screen(shop, speech, job, said), fresh=callback_data.fresh)


async def step_pressed(
    press: CallbackQuery, callback_data: callbacks.Step, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """The buyer accepts what was delivered, or has something to say against it: what, is asked first, and until then nothing changes."""
    if callback_data.act == "w":
        step = await shop.read(fulfilment.delivered_to, milestone_id=callback_data.id, customer_id=customer.id)
        await state.set_state(ServiceTyping.dispute)
        await state.set_data({"step": step.id})
        asked = speech.say(
            "⚠️ What is wrong with step {n}? Tell us in a message; a picture may be with it. "
            "A case is opened with it, and the shop decides. Nothing changes before you send it.",
            n=step.seq,
        )
        await show(press, asked, keyboard([[button(speech.label("⬅️ Back"), callbacks.Job(id=step.job_id))]]))
        return
    step = await shop.write(fulfilment.accept_milestone, milestone_id=callback_data.id, customer_id=customer.id)
    await settle_steps(shop, job_id=step.job_id)
    await show(press, *await screen(shop, speech, await _mine(shop, customer, step.job_id), speech.say("✅ Accepted. Thank you!")))


async def dispute_typed(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """What is wrong with a step: with it the case is opened; what comes after it goes into the same one."""
    said = cases.said_in(message)
    if said is None:
        await message.answer(cases.only_words_and_pictures(speech))
        return
    milestone_id = int((await state.get_data()).get("step", 0))
    dispute = shop.write(aftersale.dispute_step, milestone_id=milestone_id, customer_id=customer.id, **said)
    try:
        drawn = await cases.opened(shop, customer, speech, dispute, state, message.media_group_id)
    except aftersale.NothingToSay as refusal:
        await message.answer(cases.refused_with_dates(speech, refusal))  # Asked again: the next message is another try.
        return
    await show(message, *drawn)


async def settle_steps(shop: Shop, *, job_id: int | None = None) -> int:
    """Tell the orders what became of their steps: accepted ones are issued, those called off give their money back. Safe to repeat.

    Done at the press, and by a job for what a crash or the clock left. Returns how many.
    """
    settled = 0
    for step in await shop.read(fulfilment.steps_to_settle, job_id=job_id):
        await shop.write(orders.settle_step, step)
        settled += 1
    return settled


async def told(note: Note) -> Said:
    """To the buyer: a quote, something delivered, the next step, or the end."""
    job = await note.shop.read(fulfilment.job, job_id=int(note.body["job"]))
    assert job is not None, "a job is never deleted"
    heads = {
        "service-quote": N_("💬 Here is your quote."),
        "service-delivered": N_("📦 Something was delivered to you."),
        "service-next": N_("✅ A step is accepted. Here is the next one."),
        "service-done": N_("✅ All steps are accepted."),
        "service-stopped": N_("⏸ The shop has stopped what you agreed on, for now."),
        "service-goes-on": N_("▶️ What you agreed on goes on."),
    }
    return await screen(note.shop, note.speech, job, note.speech.say(heads[str(note.body["says"])]))


async def told_off(note: Note) -> Said:
    """To both sides: it was called off."""
    job = await note.shop.read(fulfilment.job, job_id=int(note.body["job"]))
    assert job is not None, "a job is never deleted"
    return note.speech.say("✖️ Request {n} was called off.", n=job.id), None


SAYS: dict[str, Wording] = {
    **dict.fromkeys(("service-quote", "service-delivered", "service-next", "service-done", "service-stopped", "service-goes-on"), told),
    "service-off": told_off,
}


def router() -> Router:
    """Requests for work."""
    router = conversation("service")
    router.callback_query.register(brief_pressed, callbacks.Brief.filter())
    router.callback_query.register(jobs_pressed, callbacks.Jobs.filter())
    router.callback_query.register(job_pressed, callbacks.Job.filter())
    router.callback_query.register(quote_taken, callbacks.TakeQuote.filter())
    router.callback_query.register(step_pressed, callbacks.Step.filter())
    router.message.register(brief_typed, StateFilter(ServiceTyping.brief), F.text, ~F.text.startswith("/"))
    router.message.register(dispute_typed, StateFilter(ServiceTyping.dispute), cases.SPOKEN)
    return router
