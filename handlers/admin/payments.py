"""One payment as the staff sees it: what it went through, asking its provider now, and saying by hand whether the money is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiogram import F, Router
from aiogram.types import CallbackQuery, InaccessibleMessage, Message

from core import brands, orders, payments
from core.catalog import Gone
from core.payments import Intent, IntentState
from core.people import Customer
from handlers.admin.desk import Desk, Do, Go, do, go
from handlers.admin.orders import called
from handlers.means import name_of
from handlers.pieces import Row, bold, keyboard, lines, paragraphs
from locales import N_, Safe

log = structlog.get_logger()

AskNow = Callable[[Intent], Awaitable[orders.Booked | None]]

STATES = {
    IntentState.CREATED: N_("being prepared"),
    IntentState.PENDING: N_("waits for the payer"),
    IntentState.PAID: N_("paid"),
    IntentState.EXPIRED: N_("not paid in time"),
    IntentState.FAILED: N_("failed"),
    IntentState.REFUNDED: N_("given back"),
}
OUTCOMES = {
    "issued": N_("The payment was found, and the order is issued."),
    "issued-partly": N_("The payment was found; as many codes as there are have been issued, the rest is on the buyer's balance."),
    "deposit": N_("The payment was found and is on the buyer's balance."),
    "repeated": N_("The provider says what we know already."),
    "expired": N_("The provider says that it was not paid in time."),
    "failed": N_("The provider says that it failed."),
    "given-back": N_("The provider has given it back to the payer."),
    "part-given-back": N_("The provider has given back a part or all of it to the payer."),
    "disputed": N_("The payer disputes it."),
    "dispute-withdrawn": N_("The payer disputes it, and the provider has taken its money."),
    "dispute-reinstated": N_("The provider has given back what it had taken for a dispute."),
    "dispute-won": N_("A dispute about it ended in your favour."),
    "dispute-lost": N_("A dispute about it is lost."),
}
CREDITED = N_("The payment was found; its order could not be issued, so it is on the buyer's balance.")
NOTHING = N_("The provider knows of no payment, or cannot say yet. It is asked again by itself.")

_asking: set[asyncio.Task[None]] = set()


async def _known(desk: Desk, intent_id: int) -> tuple[Intent, Customer]:
    intent = await desk.shop.read(payments.intent, intent_id)
    payer = (
        None if intent is None else await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=intent.customer_id)
    )
    if intent is None or payer is None:
        raise Gone
    return intent, payer


async def _drawn(desk: Desk, intent_id: int, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    intent, payer = await _known(desk, intent_id)
    say = desk.speech
    steps = await desk.shop.read(payments.steps, intent.id)
    text = paragraphs(
        said,
        lines(
            say.say("<b>Payment {id}</b> by {method}", id=intent.reference, method=name_of(intent.provider, say)),
            say.say("Amount: {amount}", amount=bold(say.price(intent.amount_minor, intent.currency))),
            say.say("Top-up of the balance by {amount}", amount=say.price(intent.worth_minor, intent.worth_currency))
            if intent.order_id is None
            else None,
            say.say("Payer: {who}", who=called(payer)),
            say.say("Order: {number}", number=orders.number_of(intent.order_id)) if intent.order_id is not None else None,
            say.say("Number at the provider: {number}", number=intent.provider_ref) if intent.provider_ref else None,
        ),
        lines(
            *(
                say.say("• {when}: {state} ({cause})", when=say.when(step.at), state=say.label(STATES[step.state]), cause=step.cause)
                for step in steps
            )
        ),
    )
    rows: list[Row] = []
    if intent.provider == "transfer":
        if intent.receipt:
            rows.append([do(say.label("🧾 Show the receipt"), "pay-receipt", intent.id)])
        if intent.state in (IntentState.CREATED, IntentState.PENDING):
            rows.append(by_hand(desk, intent.id))
    elif intent.provider != "stars":
        rows.append([do(say.label("🔄 Ask the provider now"), "pay-ask", intent.id)])
    row = [go(say.label("👤 The buyer"), "person", payer.id)]
    if intent.order_id is not None:
        row.append(go(say.label("🧾 The order"), "order", intent.order_id))
    rows += [row, [desk.home()]]
    return text, rows


def by_hand(desk: Desk, intent_id: int) -> Row:
    """The two answers to "is the money there?"."""
    return [
        do(desk.speech.label("✅ The money is there"), "pay-yes", intent_id, style="success"),
        do(desk.speech.label("✖️ There is no money"), "pay-no", intent_id, style="danger"),
    ]


async def payment(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_payment(press, desk, callback_data.id)


async def show_payment(event: Message | CallbackQuery, desk: Desk, intent_id: int, also: Sequence[Row] = ()) -> None:
    """The payment with what it went through; `also` are rows of buttons to go above its own. Raises Gone."""
    text, rows = await _drawn(desk, intent_id)
    await desk.show(event, text, [*also, *rows])


async def ask_pressed(press: CallbackQuery, callback_data: Do, desk: Desk, ask_now: AskNow) -> None:
    """Ask the provider in the background; the screen says what was found and what was done with it."""
    intent, _ = await _known(desk, callback_data.id)
    message = press.message
    await press.answer(desk.speech.label("Asking the provider…"))
    if message is None or isinstance(message, InaccessibleMessage):
        return

    async def asking() -> None:
        try:
            booked = await ask_now(intent)
            said = NOTHING if booked is None else OUTCOMES.get(booked.says, CREDITED)
            text, rows = await _drawn(desk, intent.id, bold(desk.speech.label(said)))
            await message.edit_text(text, reply_markup=keyboard(rows))
        except Exception as trouble:
            log.warning("payment-asked-in-vain", intent=intent.id, error=type(trouble).__name__)

    task = asyncio.create_task(asking())
    _asking.add(task)
    task.add_done_callback(_asking.discard)


async def receipt_pressed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The picture that the payer sent."""
    intent, _ = await _known(desk, callback_data.id)
    if not isinstance(press.message, Message) or not intent.receipt:
        raise Gone
    if intent.receipt_is_photo:
        await press.message.answer_photo(intent.receipt)
    else:
        await press.message.answer_document(intent.receipt)


async def decided(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """One press books the money or refuses it; of two who press at once, one decides."""
    intent, _ = await _known(desk, callback_data.id)
    there = callback_data.act == "pay-yes"
    booked = await desk.shop.write(orders.decide_by_hand, intent_id=intent.id, there=there, by=desk.by)
    if booked.says == "repeated":
        said = desk.speech.say("This was decided already.")
    elif there:
        said = desk.speech.say(OUTCOMES.get(booked.says, CREDITED))
    else:
        said = desk.speech.say("Refused. The payer has been told.")
    await desk.show(press, *await _drawn(desk, intent.id, said))


def router() -> Router:
    """A payment, and what can be done about it."""
    router = Router(name="admin-payments")
    router.callback_query.register(payment, Go.filter(F.to == "payment"))
    router.callback_query.register(ask_pressed, Do.filter(F.act == "pay-ask"))
    router.callback_query.register(receipt_pressed, Do.filter(F.act == "pay-receipt"))
    router.callback_query.register(decided, Do.filter(F.act == "pay-yes"))
    router.callback_query.register(decided, Do.filter(F.act == "pay-no"))
    return router
