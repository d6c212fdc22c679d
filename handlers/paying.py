"""Paying by a provider other than Telegram: "preparing your payment…" turns into the link, and the link into what became of it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import replace

import segno
from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import BufferedInputFile, CallbackQuery, InaccessibleMessage, InlineKeyboardButton, Message

from core import orders, payments
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.money import STARS
from core.payments import Intent, IntentState
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from handlers import browse, buy, callbacks, missed, stars
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.means import asked_by, asked_for, bounds, closed, label_of, method_of, name_of, payable
from handlers.parcel import held_said
from handlers.pieces import Row, bold, button, clipped, full_name, keyboard, lines, paragraphs, plain, show
from handlers.receipts import price_told
from handlers.screen import refused
from locales import Safe, Speech

QR_SCALE = 8


class Showing(StatesGroup):
    """A picture of the receipt is awaited."""

    receipt = State()


async def drawn(shop: Shop, intent: Intent, speech: Speech, said: Safe | None = None) -> Drawn:
    """The screen of a payment as it stands."""
    detail = None if intent.order_id is None else await shop.read(orders.detail, order_id=intent.order_id, buyer_id=intent.customer_id)
    price = speech.price(intent.amount_minor, intent.currency)
    heading: Safe | None = None
    what: Safe | None = None
    if detail is not None:
        card = detail.card
        heading = lines(
            speech.say("Order {number}", number=Safe(f"<code>{card.number}</code>")),
            speech.say("{name} × {quantity}", name=bold(full_name(card.product, card.sku, speech)), quantity=speech.number(card.quantity)),
        )
        what = lines(
            heading,
            speech.say("{amount} of it comes from your balance.", amount=speech.price(card.total_minor - intent.worth_minor, card.currency))
            if card.total_minor > intent.worth_minor
            else None,
            speech.say("With a fee of {amount} for this way to pay.", amount=speech.price(intent.fee_minor, intent.currency))
            if intent.fee_minor
            else None,
        )
    else:
        what = speech.say("{amount} for your balance.", amount=bold(speech.price(intent.worth_minor, intent.worth_currency)))
    name = name_of(intent.provider, speech)
    rows: list[Row] = []
    match intent.state:
        case IntentState.CREATED:
            head = speech.say("⏳ Preparing your payment of {price} by {name}…", price=bold(price), name=name)
            rows.append(_look_again(speech))
            rows.append(_give_up(intent, speech))
            tail = None
        case IntentState.PENDING:
            head = speech.say("Please pay {price} by {name}.", price=bold(price), name=name)
            rows += _ways_on(intent, speech, price)
            waits = speech.say("It can be paid until {when}. What you pay for follows at once.", when=speech.when(intent.expires_at))
            tail = paragraphs(plain(intent.words, 2000) if intent.words else None, waits)
        case IntentState.PAID:
            head = speech.say("✅ Paid {price}.", price=bold(price))
            rows += buy.after_buying(intent.order_id, speech) if intent.order_id is not None else [_home(speech)]
            tail = price_told(detail, speech, always=False) if detail is not None and detail.issued_at is not None else None
            if tail is not None:  # It says of the balance and the fee what was asked before.
                what = heading
            if detail is not None and detail.card.held_until is not None:
                tail = paragraphs(tail, held_said(detail.card.held_until, speech))
        case IntentState.EXPIRED | IntentState.FAILED | IntentState.REFUNDED:
            head = speech.say("This payment of {price} is over. Nothing more will be charged.", price=bold(price))
            if intent.order_id is not None:
                rows.append([button(speech.label("🔁 Order it again"), callbacks.Again(id=intent.order_id))])
            rows.append(_home(speech))
            tail = speech.say("Whatever is still paid for it is added to your balance.")
    return paragraphs(said, head, what, tail), keyboard(rows)


def _home(speech: Speech) -> Row:
    return [button(speech.label("👛 My balance"), callbacks.Balance()), button(speech.label("🛍 To the shop"), callbacks.Home())]


def _look_again(speech: Speech) -> Row:
    """For the payer who still sees the waiting screen: the link may have come while Telegram was out of reach."""
    return [button(speech.label("🔄 Look again"), callbacks.CheckPayment(id=0))]


def _give_up(intent: Intent, speech: Speech) -> Row:
    if intent.order_id is None:
        # The balance as a new message: this one follows the payment.
        return [
            button(speech.label("✖️ Cancel this top-up"), callbacks.CancelTopUp(id=intent.id), "danger"),
            button(speech.label("👛 My balance"), callbacks.Balance(fresh=True)),
        ]
    return [button(speech.label("✖️ Cancel this order"), callbacks.CancelOrder(id=intent.order_id), "danger")]


def _ways_on(intent: Intent, speech: Speech, price: str) -> list[Row]:
    rows: list[Row] = []
    if intent.url:
        rows.append([InlineKeyboardButton(text=clipped(speech.label("💳 Pay {price}", price=price), 60), url=intent.url, style="success")])
    if intent.qr or intent.url:
        rows.append(
            [
                button(speech.label("▦ QR code"), callbacks.PaymentCode(id=intent.id)),
                button(speech.label("🔄 I have paid"), callbacks.CheckPayment(id=intent.id)),
            ]
        )
    if intent.words:
        rows.append([button(speech.label("📎 I have sent the money"), callbacks.Receipt(id=intent.id), "success")])
    rows.append(_give_up(intent, speech))
    return rows


async def pay_pressed(
    press: CallbackQuery,
    callback_data: callbacks.PayBy,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    hold_rules: orders.HoldRules,
    cap: orders.Cap | None,
    wake_asker: Callable[[], None],
    answers_id: int = 0,
) -> None:
    """Place the order, its codes held, and leave the provider to the background: nobody waits for a network here."""
    chosen = replace(buy.chosen_of(callback_data), answers=answers_id)
    method = method_of(callback_data.means, methods)
    if method is None or method.capabilities.currency == STARS:
        said = closed(speech)
        await show(press, *await buy.screen(shop, storefront, customer, speech, methods, chosen, said))
        return
    try:
        quote = await shop.read(
            orders.quote,
            storefront_id=storefront.id,
            customer_id=customer.id,
            sku_id=callback_data.sku,
            quantity=callback_data.quantity,
            ways=[asked_by(method)],
            coupon_id=callback_data.coupon or None,
        )
        rest = quote.by_ways.get(method.name)
        if rest is None or not payable(method, rest.amount_minor):
            said = closed(speech) if rest is None else bounds(method, speech)
            await show(press, *await buy.screen(shop, storefront, customer, speech, methods, chosen, said))
            return
        # First the screen, then the order: once it is placed, the background may turn the screen into the link at any moment.
        screen = await show(press, speech.say("⏳ Preparing your payment…"), keyboard([_look_again(speech)]))
        await shop.write(
            orders.place,
            storefront_id=storefront.id,
            buyer_id=customer.id,
            sku_id=callback_data.sku,
            quantity=callback_data.quantity,
            price_id=callback_data.price,
            rules_version=callback_data.rules,
            once=f"{storefront.id}:{customer.id}:{callback_data.screen}",
            provider=method.name,
            pay_currency=method.capabilities.currency,
            seconds=method.capabilities.seconds_to_pay,
            fee=method.capabilities.fee,
            step_minor=method.capabilities.step_minor,
            worth_minor=rest.worth_minor,
            coupon_id=callback_data.coupon or None,
            reversible=method.capabilities.reversible,
            hold=hold_rules,
            cap=cap,
            by_task=True,
            screen_message_id=screen.message_id if screen else None,
            answers_id=answers_id or None,
        )
    except Gone as gone:
        await show(press, *browse.lost(speech, gone))
        return
    except Refusal as refusal:
        missed.refused(customer, refusal, callback_data.quantity)
        await press.answer(buy.explained_plain(refusal, speech))
        if isinstance(refusal, orders.TooManyOpen | orders.TooManyHolds):
            await show(press, refused(speech, refusal), keyboard([[button(speech.label("🧾 My orders"), callbacks.Orders())]]))
            return
        said = buy.explained(refusal, speech)
        await show(press, *await buy.screen(shop, storefront, customer, speech, methods, chosen, said))
        return
    wake_asker()


async def pay_for_pressed(
    press: CallbackQuery,
    callback_data: callbacks.PayFor,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    hold_rules: orders.HoldRules,
    cap: orders.Cap | None,
    wake_asker: Callable[[], None],
) -> None:
    """The same for what asked its buyer."""
    data = await buy.plainly_bought(shop, customer, callback_data, callbacks.PayBy)
    await pay_pressed(
        press, data, shop, storefront, customer, speech, methods, hold_rules, cap, wake_asker, answers_id=callback_data.answers
    )


async def deposit(
    event: CallbackQuery | Message,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    method: PaymentMethod,
    worth_minor: int,
    cap: orders.Cap | None,
    wake_asker: Callable[[], None],
) -> Safe | None:
    """Money into the wallet by a provider; a sentence instead when one payment cannot be that."""
    can = method.capabilities
    asked = await asked_for(shop, method, [max(1, worth_minor)], storefront.currency)
    if not asked:
        return closed(speech)
    if worth_minor < 1 or not payable(method, asked[0][1]):
        return bounds(method, speech)
    source = event.message if isinstance(event, CallbackQuery) else event
    if source is None or isinstance(source, InaccessibleMessage):
        return speech.say("This screen is too old. Please open it again with /balance.")
    waiting = await source.answer(speech.say("⏳ Preparing your payment…"), reply_markup=keyboard([_look_again(speech)]))
    try:
        await shop.write(
            orders.deposit,
            customer_id=customer.id,
            worth_minor=worth_minor,
            provider=method.name,
            pay_currency=can.currency,
            seconds=can.seconds_to_pay,
            fee=can.fee,
            reversible=can.reversible,
            step_minor=can.step_minor,
            by_task=True,
            screen_message_id=waiting.message_id,
            cap=cap,
        )
    except orders.TooManyTopUps as refusal:
        text, markup = await too_many(shop, customer, speech, refusal)
        await waiting.edit_text(text, reply_markup=markup)
        return None
    except Refusal as refusal:
        await waiting.edit_text(refused(speech, refusal), reply_markup=keyboard([_home(speech)]))
        return None
    wake_asker()
    return None


async def too_many(shop: Shop, customer: Customer, speech: Speech, refusal: orders.TooManyTopUps) -> Drawn:
    """The refusal of one more top-up, with those that wait: each can be paid or cancelled."""
    waiting = await shop.read(payments.open_deposits, customer.id)
    rows: list[Row] = [
        [
            button(
                f"{label_of(intent.provider, speech)} · {speech.price(intent.amount_minor, intent.currency)}",
                callbacks.Payment(id=intent.id),
            )
        ]
        for intent in waiting
    ]
    return refused(speech, refusal), keyboard([*rows, _home(speech)])


async def show_here(press: CallbackQuery, shop: Shop, intent: Intent, speech: Speech) -> None:
    """Draw a payment in the pressed message, which follows it from now on; where it stood before, nothing is left to press."""
    screen = await show(press, *await drawn(shop, intent, speech))
    if screen is None or intent.state not in (IntentState.CREATED, IntentState.PENDING) or screen.message_id == intent.screen_message_id:
        return
    await shop.write(payments.shown_in, intent_id=intent.id, message_id=screen.message_id)
    if intent.screen_message_id is not None and press.bot is not None:
        with contextlib.suppress(TelegramAPIError):  # It may be gone, which is as well.
            await press.bot.edit_message_reply_markup(chat_id=screen.chat.id, message_id=intent.screen_message_id, reply_markup=None)


async def pay_order_pressed(
    press: CallbackQuery,
    callback_data: callbacks.PayOrder,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """The payment of an order that still waits, once more."""
    detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
    intent = None if detail is None else detail.intent
    if intent is None or intent.state not in (IntentState.CREATED, IntentState.PENDING):
        await show(press, *browse.lost(speech, payments.NotPayable()))
        return
    method = methods.get(intent.provider)
    if intent.provider == "stars" and method is not None:
        await stars.invoice_order(press, callback_data.id, shop, customer, speech, method)
        return
    await show_here(press, shop, intent, speech)


async def own(shop: Shop, customer: Customer, intent_id: int) -> Intent | None:
    """The payment, if it is this customer's."""
    intent = await shop.read(payments.intent, intent_id)
    return intent if intent is not None and intent.customer_id == customer.id else None


async def check_pressed(
    press: CallbackQuery,
    callback_data: callbacks.CheckPayment,
    shop: Shop,
    customer: Customer,
    speech: Speech,
    wake_asker: Callable[[], None],
) -> None:
    """The payer says it is paid: the provider is asked at once, in the background. On a waiting screen: what became of it is drawn."""
    intent = await own(shop, customer, callback_data.id) if callback_data.id else await _of_this_screen(press, shop, customer)
    if intent is None:
        await show(press, *browse.lost(speech, payments.NotPayable()))
        return
    if not callback_data.id:
        wake_asker()
        await show_here(press, shop, intent, speech)
        return
    if intent.state is IntentState.PENDING:
        await shop.write(payments.ask_again, intent_id=intent.id, soon=True)
        wake_asker()
        await press.answer(speech.label("We are asking the provider. What you paid for comes by itself as soon as they confirm."))
        return
    await show(press, *await drawn(shop, intent, speech))


async def _of_this_screen(press: CallbackQuery, shop: Shop, customer: Customer) -> Intent | None:
    """The payment that the pressed message waits for; the customer's newest when another message shows it by now."""
    if press.message is not None:
        found = await shop.read(payments.find_intent, customer_id=customer.id, screen_message_id=press.message.message_id)
        if found is not None:
            return found
    return await shop.read(payments.find_intent, customer_id=customer.id)


async def code_pressed(press: CallbackQuery, callback_data: callbacks.PaymentCode, shop: Shop, customer: Customer, speech: Speech) -> None:
    """The QR code as a picture, to be scanned from another screen."""
    intent = await own(shop, customer, callback_data.id)
    text = None if intent is None else intent.qr or intent.url
    if intent is None or text is None or intent.state is not IntentState.PENDING:
        await show(press, *browse.lost(speech, payments.NotPayable()))
        return
    picture = io.BytesIO()
    segno.make_qr(text).save(picture, kind="png", scale=QR_SCALE, border=4)
    said = speech.say(
        "Scan it to pay {price} by {name}.",
        price=bold(speech.price(intent.amount_minor, intent.currency)),
        name=name_of(intent.provider, speech),
    )
    if press.message is not None:
        await press.message.answer_photo(BufferedInputFile(picture.getvalue(), f"pay-{intent.id}.png"), caption=said)


async def receipt_pressed(
    press: CallbackQuery, callback_data: callbacks.Receipt, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """Ask for the picture of the receipt."""
    intent = await own(shop, customer, callback_data.id)
    if intent is None or intent.state is not IntentState.PENDING:
        await show(press, *browse.lost(speech, payments.NotPayable()))
        return
    await state.set_state(Showing.receipt)
    await state.set_data({"intent": intent.id})
    said = speech.say("Please send a picture of the receipt now, so that we can find your money.")
    if press.message is not None:
        await press.message.answer(said)


async def receipt_sent(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """The picture goes to the staff, who confirm by one press."""
    kept = await state.get_data()
    file_id = message.photo[-1].file_id if message.photo else message.document.file_id if message.document else None
    if file_id is None:
        await message.answer(
            speech.say("That is not a picture. Please send a photo or a screenshot of the receipt, or press /orders to leave.")
        )
        return
    await state.clear()
    intent = await own(shop, customer, int(kept.get("intent", 0)))
    noted = intent is not None and await shop.write(
        orders.claim,
        intent_id=intent.id,
        receipt=file_id,
        is_photo=bool(message.photo),
    )
    if not noted:
        text, markup = browse.lost(speech, payments.NotPayable())
        await message.answer(text, reply_markup=markup)
        return
    await message.answer(speech.say("Thank you. A person looks at it now; what you paid for comes as soon as they have found the money."))


def router() -> Router:
    """Ways to pay other than Stars."""
    router = conversation("paying")
    router.callback_query.register(pay_pressed, callbacks.PayBy.filter())
    router.callback_query.register(pay_for_pressed, callbacks.PayFor.filter())
    router.callback_query.register(pay_order_pressed, callbacks.PayOrder.filter())
    router.callback_query.register(check_pressed, callbacks.CheckPayment.filter())
    router.callback_query.register(code_pressed, callbacks.PaymentCode.filter())
    router.callback_query.register(receipt_pressed, callbacks.Receipt.filter())
    router.message.register(receipt_sent, StateFilter(Showing.receipt), F.photo | F.document | (F.text & ~F.text.startswith("/")))
    return router
