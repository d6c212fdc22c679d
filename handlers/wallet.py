"""The wallet: how much is in it, what went in and out, and topping it up with Stars."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiogram import F, Router
from aiogram.filters import Command, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from core import orders, payments
from core.database import Shop
from core.errors import Refusal
from core.ledger import Entry, TransferKind
from core.money import MOST_MINOR, STARS, exponent, parse_minor
from core.payments import IntentState
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from handlers import browse, callbacks
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.means import asked_for, bounds, closed, label_of, method_of, others, payable
from handlers.paying import deposit, drawn, own, show_here, too_many
from handlers.pieces import Row, bold, button, clipped, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused
from handlers.stars import send_invoice
from handlers.typed import whole_number
from locales import N_, Safe, Speech

PAGE = 8
OFFERED = {"CNY": (20, 50, 100, 200), "RUB": (200, 500, 1000, 2000)}
OFFERED_ELSEWHERE = (5, 10, 20, 50)  # of a currency with cents; of one without, a hundred times as much

KINDS = {
    TransferKind.SALE: N_("order"),
    TransferKind.DEPOSIT: N_("top-up"),
    TransferKind.ADJUSTMENT: N_("by the shop"),
    TransferKind.REFUND: N_("refund"),
    TransferKind.SECURITY: N_("security deposit"),
    TransferKind.ESCROW: N_("order on its way"),
    TransferKind.SETTLEMENT: N_("settlement"),
    TransferKind.PAYOUT: N_("payout"),
    TransferKind.PACKAGE: N_("service package"),
    TransferKind.MARGIN: N_("margin of your own bot"),
    TransferKind.CREDIT: N_("credit"),
}


class Typing(StatesGroup):
    """An amount that is typed."""

    amount = State()


async def wallet(
    shop: Shop,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    before: int = 0,
    said: Safe | None = None,
) -> Drawn:
    """The balance, a page of movements, and amounts to top up."""
    purse = await shop.read(payments.wallet, customer.id)
    entries = await shop.read(orders.movements, customer.id, before=before or None, limit=PAGE + 1)
    page, has_more = entries[:PAGE], len(entries) > PAGE
    rows: list[Row] = []
    offered = await _offered(shop, purse.currency, methods)
    if offered:
        amounts = [button(speech.price(worth, purse.currency), callbacks.TopUp(worth=worth), "success") for worth in offered]
        rows += [amounts[start : start + 2] for start in range(0, len(amounts), 2)]
        rows.append([button(speech.label("✏️ Another amount"), callbacks.TypeAmount())])
    turning: Row = []
    if before:
        turning.append(button(speech.label("⏮ Newest"), callbacks.Balance()))
    if has_more:
        turning.append(button(speech.label("Older ▶️"), callbacks.Balance(before=page[-1].transfer_id)))
    rows += [turning, [button(speech.label("🛍 To the shop"), callbacks.Home())]]
    text = paragraphs(
        said,
        speech.say("👛 Your balance: {balance}", balance=bold(speech.price(purse.balance_minor, purse.currency))),
        lines(*(_movement(entry, speech) for entry in page)) if page else speech.say("No movements yet."),
        None
        if not offered
        else speech.say("How much would you like to add?")
        if others(methods)
        else speech.say("How much would you like to add? You pay with Telegram Stars."),
    )
    return text, keyboard(rows)


def _movement(entry: Entry, speech: Speech) -> Safe:
    """One movement in one line: amount, why, when."""
    amount = speech.price(abs(entry.amount_minor), entry.currency)
    signed = f"+{amount}" if entry.amount_minor >= 0 else f"−{amount}"
    why: Safe | str = speech.say(KINDS[entry.kind])
    if entry.kind in (TransferKind.SALE, TransferKind.REFUND, TransferKind.ESCROW) and entry.subject_id is not None:
        why = Safe(" ").join([why, Safe(f"<code>{orders.number_of(entry.subject_id)}</code>")])
    elif entry.note:
        why = plain(entry.note, 80)
    return Safe(" · ").join([bold(signed), why, speech.when(entry.at)])


async def _offered(shop: Shop, currency: str, methods: Mapping[str, PaymentMethod]) -> list[int]:
    """Amounts that one payment by some way can be, in minor units; none when there is no way or no rate."""
    whole = OFFERED.get(currency, OFFERED_ELSEWHERE)
    unit = 10 ** exponent(currency) if exponent(currency) else 100
    amounts = [n * unit for n in whole]
    can_be: set[int] = set()
    for method in methods.values():
        can_be |= {worth for worth, asked in await asked_for(shop, method, amounts, currency) if payable(method, asked)}
    return [worth for worth in amounts if worth in can_be]


async def ways_of_adding(
    shop: Shop, storefront: Storefront, speech: Speech, methods: Mapping[str, PaymentMethod], worth_minor: int
) -> Drawn:
    """By which ways so much can be added, each with what it asks."""
    rows: list[Row] = []
    for method in methods.values():
        for worth, asked in await asked_for(shop, method, [worth_minor], storefront.currency):
            if payable(method, asked):
                price = speech.price(asked, method.capabilities.currency)
                data = callbacks.TopUpBy(worth=worth, means=callbacks.means(method.name))
                rows.append([button(f"{label_of(method.name, speech)} · {price}", data)])
    rows.append([button(speech.label("⬅️ Back"), callbacks.Balance())])
    amount = bold(speech.price(worth_minor, storefront.currency))
    if len(rows) == 1:
        return speech.say("{amount} cannot be added in one payment. Please choose another amount.", amount=amount), keyboard(rows)
    return speech.say("How would you like to pay for {amount}?", amount=amount), keyboard(rows)


async def top_up(
    shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, stars: PaymentMethod | None, worth_minor: int
) -> Safe | None:
    """Send an invoice for so much into the wallet; a sentence instead when one payment cannot be that. Raises TooManyTopUps."""
    if stars is None:
        return speech.say("Stars are not accepted at the moment.")
    asked = await asked_for(shop, stars, [max(1, worth_minor)], storefront.currency)
    if worth_minor < 1 or not asked or not payable(stars, asked[0][1]):
        return bounds(stars, speech)
    can = stars.capabilities
    try:
        intent = await shop.write(
            orders.deposit,
            customer_id=customer.id,
            worth_minor=worth_minor,
            provider=stars.name,
            pay_currency=can.currency,
            seconds=can.seconds_to_pay,
            fee=can.fee,
            reversible=can.reversible,
            step_minor=can.step_minor,
        )
    except orders.TooManyTopUps:
        raise  # Its screen shows those that wait.
    except Refusal as refusal:
        return refused(speech, refusal)
    await invoice(shop, storefront, customer, speech, stars, intent)
    return None


async def invoice(
    shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, stars: PaymentMethod, intent: payments.Intent
) -> None:
    """Send the invoice in Stars of a top-up; may be repeated."""
    amount = speech.price(intent.worth_minor, intent.worth_currency)
    title = speech.label("Top up {amount}", amount=amount)
    description = speech.label("{amount} for your balance in {shop}.", amount=amount, shop=clipped(storefront.name, 100))
    await send_invoice(shop, stars, customer, intent, title, description)


async def balance_asked(message: Message, shop: Shop, customer: Customer, speech: Speech, methods: Mapping[str, PaymentMethod]) -> None:
    await show(message, *await wallet(shop, customer, speech, methods))


async def balance_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Balance,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    drawn = await wallet(shop, customer, speech, methods, callback_data.before)
    await show(press, *drawn, fresh=callback_data.fresh)


async def top_up_pressed(
    press: CallbackQuery,
    callback_data: callbacks.TopUp,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """The invoice comes as a new message; the pressed screen stays, so that a purchase can go on from it."""
    if others(methods) and 0 < callback_data.worth <= MOST_MINOR:
        await show(press, *await ways_of_adding(shop, storefront, speech, methods, callback_data.worth), fresh=True)
        return
    try:
        trouble = await top_up(shop, storefront, customer, speech, methods.get("stars"), callback_data.worth)
    except orders.TooManyTopUps as refusal:
        await show(press, *await too_many(shop, customer, speech, refusal))
        return
    if trouble is None:
        await press.answer(speech.label("The invoice is the next message."))
    else:
        await show(press, *await wallet(shop, customer, speech, methods, said=trouble))


async def top_up_by_pressed(
    press: CallbackQuery,
    callback_data: callbacks.TopUpBy,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    cap: orders.Cap | None,
    wake_asker: Callable[[], None],
) -> None:
    """Pay by the way that was chosen."""
    method = method_of(callback_data.means, methods)
    if method is None:
        said: Safe | None = closed(speech)
    elif method.capabilities.currency == STARS:
        try:
            said = await top_up(shop, storefront, customer, speech, method, callback_data.worth)
        except orders.TooManyTopUps as refusal:
            await show(press, *await too_many(shop, customer, speech, refusal))
            return
    else:
        said = await deposit(press, shop, storefront, customer, speech, method, callback_data.worth, cap, wake_asker)
    if said is not None:
        await show(press, *await wallet(shop, customer, speech, methods, said=said))


async def payment_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Payment,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """A top-up as it stands; one in Stars with its invoice once more."""
    intent = await own(shop, customer, callback_data.id)
    if intent is None:
        await show(press, *browse.lost(speech, payments.NotPayable()))
        return
    stars = methods.get("stars")
    if intent.provider != "stars":
        await show_here(press, shop, intent, speech)
        return
    await show(press, *await drawn(shop, intent, speech))
    if stars is not None and intent.order_id is None and intent.state is IntentState.PENDING:
        await invoice(shop, storefront, customer, speech, stars, intent)


async def cancel_top_up_pressed(
    press: CallbackQuery, callback_data: callbacks.CancelTopUp, shop: Shop, customer: Customer, speech: Speech
) -> None:
    """A top-up that nobody will pay; one that is paid or over is shown as it is."""
    if press.message is not None:  # What this message shows from now on is drawn here, and by nobody else.
        await shop.write(payments.leave_screen, customer_id=customer.id, message_id=press.message.message_id)
    said: Safe | None = None
    try:
        await shop.write(payments.cancel_deposit, intent_id=callback_data.id, customer_id=customer.id)
    except payments.NotPayable:
        said = speech.say("This top-up can no longer be cancelled.")
    intent = await own(shop, customer, callback_data.id)
    if intent is None:
        await show(press, *browse.lost(speech, payments.NotPayable()))
        return
    await show(press, *await drawn(shop, intent, speech, said))


async def type_amount_pressed(press: CallbackQuery, storefront: Storefront, speech: Speech, state: FSMContext) -> None:
    """Ask for an amount to be typed."""
    await state.set_state(Typing.amount)
    example = speech.price(30 * 10 ** max(2, exponent(storefront.currency)), storefront.currency)
    said = speech.say("How much would you like to add? Type an amount, such as {example}.", example=example)
    await show(press, said, keyboard([[button(speech.label("⬅️ Back"), callbacks.Balance())]]))


async def amount_typed(
    message: Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    state: FSMContext,
) -> None:
    """The amount as text: what cannot be is said, and the next text is taken for another try."""
    typed = message.text or ""
    whole = whole_number(typed)
    try:
        if whole is not None and whole > 0:
            typed = str(whole)
        worth = parse_minor(typed, storefront.currency)
    except Refusal as refusal:
        await show(message, refused(speech, refusal), keyboard([[button(speech.label("⬅️ Back"), callbacks.Balance())]]))
        return
    if others(methods) and worth > 0:
        await state.clear()
        await show(message, *await ways_of_adding(shop, storefront, speech, methods, worth))
        return
    try:
        trouble = await top_up(shop, storefront, customer, speech, methods.get("stars"), worth)
    except orders.TooManyTopUps as refusal:
        await state.clear()
        await show(message, *await too_many(shop, customer, speech, refusal))
        return
    if trouble is not None:
        await show(message, trouble, keyboard([[button(speech.label("⬅️ Back"), callbacks.Balance())]]))
        return
    await state.clear()


def router() -> Router:
    """/balance and topping up."""
    router = conversation("wallet")
    router.message.register(balance_asked, Command("balance"))
    router.callback_query.register(balance_pressed, callbacks.Balance.filter())
    router.callback_query.register(top_up_pressed, callbacks.TopUp.filter())
    router.callback_query.register(top_up_by_pressed, callbacks.TopUpBy.filter())
    router.callback_query.register(payment_pressed, callbacks.Payment.filter())
    router.callback_query.register(cancel_top_up_pressed, callbacks.CancelTopUp.filter())
    router.callback_query.register(type_amount_pressed, callbacks.TypeAmount.filter())
    router.message.register(amount_typed, StateFilter(Typing.amount), F.text, ~F.text.startswith("/"))
    return router
