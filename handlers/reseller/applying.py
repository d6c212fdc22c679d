"""Applying to be a reseller: five questions, a look at everything, and off it goes."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import onboarding, resellers
from core.database import Shop
from core.errors import Refusal
from core.onboarding import ApplicationState, Legal
from core.people import Customer
from core.resellers import ApplicationView, Asked
from core.storefronts import Storefront
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.pieces import Row, button, fitting, keyboard, lines, paragraphs, show
from handlers.reseller import home
from handlers.reseller.buttons import Answer, Begin, Choose, Home, Look, Send, Withdraw
from handlers.reseller.words import FIELDS, QUESTIONS, value_of
from handlers.screen import refused
from handlers.supply.words import LEGALS
from locales import Safe, Speech

Event = Message | CallbackQuery


class ApplyingToResell(StatesGroup):
    """What the next message is: the answer to a question."""

    answer = State()


async def _own(shop: Shop, customer: Customer, application_id: int) -> ApplicationView:
    """This person's application; raises NoApplication, also for another's."""
    found = await shop.read(resellers.application, application_id)
    if found is None or found.customer_id != customer.id:
        raise resellers.NoApplication
    return found


async def ask_next(
    event: Event, shop: Shop, customer: Customer, speech: Speech, state: FSMContext, application_id: int, said: Safe | None = None
) -> None:
    """The first question that is not answered; then everything, to be looked over."""
    found = await _own(shop, customer, application_id)
    if found.editable and found.next is not None:
        await ask(event, speech, state, found, found.next, said)
    else:
        await show(event, *look(found, speech, said))


async def ask(event: Event, speech: Speech, state: FSMContext, found: ApplicationView, asked: Asked, said: Safe | None = None) -> None:
    """One question with an example, and what was answered before."""
    if not found.editable:
        raise onboarding.Waits if found.state is ApplicationState.SENT else onboarding.Outdated
    rows: list[Row] = []
    if asked is Asked.LEGAL:
        rows = [[button(speech.label(LEGALS[legal]), Choose(id=found.id, legal=legal)) for legal in Legal]]
    else:
        await state.set_state(ApplyingToResell.answer)
        await state.set_data({"reseller": found.id, "asked": asked.value})
    before = value_of(found, asked, speech, 300)
    text = paragraphs(
        said,
        speech.say("<b>Question {n} of {all}</b>", n=speech.number(list(Asked).index(asked) + 1), all=speech.number(len(Asked))),
        speech.say(QUESTIONS[asked]),
        speech.say("So far: {answer}", answer=before) if before is not None else None,
    )
    leave = button(speech.label("⏸ Go on later"), Home())
    if found.next is None:
        leave = button(speech.label("⬅️ Back"), Look(id=found.id))
    await show(event, text, keyboard([*rows, [leave]]))


def look(found: ApplicationView, speech: Speech, said: Safe | None = None) -> Drawn:
    """Everything that was answered, each with the button that asks it again."""
    rows: list[Row] = []
    if found.editable:
        buttons = [button(speech.label("✏️ {what}", what=speech.label(FIELDS[one])), Answer(id=found.id, asked=one)) for one in Asked]
        rows = [buttons[n : n + 2] for n in range(0, len(buttons), 2)]
        if found.next is None:
            rows.append([button(speech.label("📨 Send it to the shop"), Send(id=found.id, version=found.version), "success")])
        rows.append([button(speech.label("↩️ Withdraw"), Withdraw(id=found.id, version=found.version))])
    rows.append([button(speech.label("⬅️ Back"), Home())])

    def drawn(most: int) -> Safe:
        facts = []
        for one in Asked:
            value = value_of(found, one, speech, most)
            facts.append(speech.say("{what}: {value}", what=speech.label(FIELDS[one]), value=value or Safe("–")))
        return paragraphs(
            said,
            speech.say("<b>Application {id}</b>", id=found.id),
            lines(*facts),
            speech.say("Is everything right? Then send it.") if found.editable and found.next is None else None,
        )

    return fitting(drawn, 600), keyboard(rows)


async def begin_pressed(
    press: CallbackQuery, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """Begin, or go on with what was begun."""
    try:
        application_id = await shop.write(resellers.begin, customer_id=customer.id)
    except (onboarding.Waits, resellers.ResellerAlready, resellers.RefusedLately) as refusal:
        await home.open_(press, shop, storefront, customer, speech, refused(speech, refusal))
        return
    await ask_next(press, shop, customer, speech, state, application_id)


async def answer_pressed(
    press: CallbackQuery, callback_data: Answer, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    await ask(press, speech, state, await _own(shop, customer, callback_data.id), callback_data.asked)


async def choose_pressed(
    press: CallbackQuery, callback_data: Choose, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    found = await _own(shop, customer, callback_data.id)
    await shop.write(resellers.put, application_id=found.id, customer_id=customer.id, asked=Asked.LEGAL, text=callback_data.legal.value)
    await ask_next(press, shop, customer, speech, state, found.id, None if found.next is not None else speech.say("✅ Changed."))


async def typed(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """An answer: kept, or refused in one sentence and asked again."""
    data = await state.get_data()
    found, asked = await _own(shop, customer, int(data["reseller"])), Asked(data["asked"])
    if message.text is None:
        await ask(message, speech, state, found, asked, speech.say("Please answer with a text message."))
        return
    try:
        await shop.write(resellers.put, application_id=found.id, customer_id=customer.id, asked=asked, text=message.text)
    except (onboarding.Waits, onboarding.Outdated):
        await state.clear()
        raise
    except Refusal as refusal:
        await ask(message, speech, state, found, asked, refused(speech, refusal))
        return
    await state.clear()
    await ask_next(message, shop, customer, speech, state, found.id, None if found.next is not None else speech.say("✅ Changed."))


async def look_pressed(press: CallbackQuery, callback_data: Look, shop: Shop, customer: Customer, speech: Speech) -> None:
    await show(press, *look(await _own(shop, customer, callback_data.id), speech))


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
            resellers.send, application_id=callback_data.id, customer_id=customer.id, version=callback_data.version, group_id=admin_group
        )
        said = speech.say("📨 Sent. Thank you!")
    except onboarding.NotFinished:
        await ask_next(press, shop, customer, speech, state, callback_data.id)
        return
    except (onboarding.Outdated, resellers.ResellerAlready) as refusal:
        said = refused(speech, refusal)
    await home.open_(press, shop, storefront, customer, speech, said)


def router() -> Router:
    """Everything that fills in an application."""
    made = conversation("reseller-applying")
    presses = made.callback_query
    presses.register(begin_pressed, Begin.filter())
    presses.register(answer_pressed, Answer.filter())
    presses.register(choose_pressed, Choose.filter())
    presses.register(look_pressed, Look.filter())
    presses.register(send_pressed, Send.filter())
    # A command is no answer, and a payment is never one.
    made.message.register(
        typed, StateFilter(ApplyingToResell.answer), ~F.text.startswith("/") & ~F.successful_payment & ~F.refunded_payment
    )
    return made
