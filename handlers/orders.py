"""A buyer's orders: the history, one order, its codes once more, and the same again."""

from __future__ import annotations

from collections.abc import Mapping

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from core import orders, payments
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.orders import OrderCard, OrderDetail, OrderState
from core.payments import IntentState
from core.people import Customer
from core.ports import PaymentMethod
from core.storefronts import Storefront
from handlers import buy, callbacks
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.parcel import held_said, seal_buttons, seal_said
from handlers.pieces import LABEL, Row, bold, button, clipped, full_name, keyboard, lines, paragraphs, show
from handlers.receipts import back_told, price_told
from handlers.screen import refused
from locales import N_, Safe, Speech

PAGE = 5

MARKS = {
    OrderState.PENDING: "⏳",
    OrderState.FULFILLING: "🚚",
    OrderState.ISSUED: "✅",
    OrderState.EXPIRED: "⌛️",
    OrderState.CANCELLED: "✖️",
    OrderState.REFUNDED: "↩️",
}
STATES = {
    OrderState.PENDING: N_("Waiting for your payment"),
    OrderState.FULFILLING: N_("Paid, and on its way"),
    OrderState.ISSUED: N_("Paid, the codes are yours"),
    OrderState.EXPIRED: N_("Not paid in time"),
    OrderState.CANCELLED: N_("Cancelled"),
    OrderState.REFUNDED: N_("Refunded"),
}
HELD = N_("Paid, being checked by the shop")
SEALED = N_("Paid and sealed: the codes wait for you to open it")


async def history(shop: Shop, customer: Customer, speech: Speech, before: int = 0) -> Drawn:
    """A page of the history."""
    cards = await shop.read(orders.history, buyer_id=customer.id, before=before or None, limit=PAGE + 1)
    page, has_more = cards[:PAGE], len(cards) > PAGE
    to_shop = button(speech.label("🛍 To the shop"), callbacks.Home())
    if not page:
        said = speech.say("You have no orders yet.") if not before else speech.say("There are no older orders.")
        return said, keyboard([[to_shop]])
    rows: list[Row] = [[button(_line(card, speech), callbacks.Order(id=card.order_id))] for card in page]
    turning: Row = []
    if before:
        turning.append(button(speech.label("⏮ Newest"), callbacks.Orders()))
    if has_more:
        turning.append(button(speech.label("Older ▶️"), callbacks.Orders(before=page[-1].order_id)))
    rows += [turning, [button(speech.label("🛟 My cases"), callbacks.Cases()), to_shop]]
    hint = speech.say("To find an order, just type its number.")
    return paragraphs(speech.say("🧾 <b>Your orders</b>"), hint), keyboard(rows)


def _line(card: OrderCard, speech: Speech) -> str:
    """An order in one line: when, what, how many, how much. The name gives way: what was paid is never cut."""
    mark = "🔎" if card.held_until is not None else MARKS[card.state]
    before = f"{mark} {speech.day(card.placed_at)} · "
    after = f" × {speech.number(card.quantity)} · {speech.price(card.total_minor, card.currency)}"
    room = min(30, max(8, LABEL - len(before) - len(after)))
    return f"{before}{clipped(full_name(card.product, card.sku, speech), room)}{after}"


def described(detail: OrderDetail, speech: Speech, said: Safe | None = None) -> Drawn:
    """One order with what can be done about it."""
    card = detail.card
    rows: list[Row] = []
    held = card.held_until is not None
    if held:
        pass  # Nothing can be shown, opened, returned or complained about before the shop has looked at it.
    elif detail.seal is not None:
        rows += seal_buttons(detail.seal, speech)
    elif card.state is OrderState.ISSUED:
        rows.append([button(speech.label("👁 Show the codes"), callbacks.ShowCodes(id=card.order_id), "primary")])
        rows.append([button(speech.label("⚠️ Something is wrong"), callbacks.Wrong(id=card.order_id))])
    if card.state is OrderState.PENDING:
        if detail.intent is not None and detail.intent.state is IntentState.PENDING:
            price = speech.price(detail.intent.amount_minor, detail.intent.currency)
            rows.append([button(speech.label("Pay {price}", price=price), callbacks.PayOrder(id=card.order_id), "success")])
        rows.append([button(speech.label("✖️ Cancel this order"), callbacks.CancelOrder(id=card.order_id), "danger")])
    rows.append([button(speech.label("🔁 Buy again"), callbacks.Again(id=card.order_id))])
    rows.append([button(speech.label("⬅️ My orders"), callbacks.Orders()), button(speech.label("🛍 To the shop"), callbacks.Home())])
    facts = lines(
        speech.say("{name} × {quantity}", name=bold(full_name(card.product, card.sku, speech)), quantity=speech.number(card.quantity)),
        speech.say("Order {number}", number=Safe(f"<code>{card.number}</code>")),
        speech.say("Ordered on {when}", when=speech.when(card.placed_at)),
        Safe("🔎 " if held else f"{MARKS[card.state]} ")
        + speech.say(HELD if held else SEALED if detail.seal is not None else STATES[card.state]),
    )
    return paragraphs(said, facts, price_told(detail, speech), back_told(detail, speech), _delivery(detail, speech)), keyboard(rows)


def _delivery(detail: OrderDetail, speech: Speech) -> Safe | None:
    if detail.card.held_until is not None:
        return held_said(detail.card.held_until, speech)
    if detail.seal is not None:
        return seal_said(detail.seal, speech)
    if detail.due_at is not None:
        return speech.say("It comes by {when} at the latest, or you get your money back.", when=speech.when(detail.due_at))
    if detail.card.state is not OrderState.ISSUED or not detail.deliveries:
        return None
    latest = detail.deliveries[-1]
    if latest.done_at is not None:
        return speech.say("Delivered on {when}.", when=speech.when(latest.done_at))
    return speech.say("The codes are on their way to you.")


def _not_yours(speech: Speech) -> Drawn:
    """Another's order, or none: the answer is the same, so that nobody learns which numbers exist."""
    return speech.say("There is no such order of yours."), keyboard(
        [[button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("🛍 To the shop"), callbacks.Home())]]
    )


async def orders_asked(message: Message, shop: Shop, customer: Customer, speech: Speech) -> None:
    await show(message, *await history(shop, customer, speech))


async def orders_pressed(press: CallbackQuery, callback_data: callbacks.Orders, shop: Shop, customer: Customer, speech: Speech) -> None:
    drawn = await history(shop, customer, speech, callback_data.before)
    await show(press, *drawn, fresh=callback_data.fresh)


async def order_pressed(press: CallbackQuery, callback_data: callbacks.Order, shop: Shop, customer: Customer, speech: Speech) -> None:
    detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
    await show(press, *(_not_yours(speech) if detail is None else described(detail, speech)))


async def codes_pressed(press: CallbackQuery, callback_data: callbacks.ShowCodes, shop: Shop, customer: Customer, speech: Speech) -> None:
    """The codes as new messages, by the road of every delivery; each showing is recorded before."""
    try:
        await shop.write(orders.show_again, order_id=callback_data.id, buyer_id=customer.id)
    except Gone:
        await show(press, *_not_yours(speech))
        return
    except Refusal as refusal:
        detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
        await show(press, *(_not_yours(speech) if detail is None else described(detail, speech, refused(speech, refusal))))
        return
    await press.answer(speech.label("Here they are."))


async def open_pressed(press: CallbackQuery, callback_data: callbacks.Open, shop: Shop, customer: Customer, speech: Speech) -> None:
    """The codes of a sealed order come as the next message, and the order can no longer be returned."""
    try:
        opened = await shop.write(orders.open_sealed, order_id=callback_data.id, buyer_id=customer.id)
    except Gone:  # Not theirs, or refunded.
        said = None
    except Refusal as refusal:
        said = refused(speech, refusal)
    else:
        said = speech.say("🔓 Opened. Your codes are the next message.") if opened else speech.say("This order was opened before.")
    detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
    await show(press, *(_not_yours(speech) if detail is None else described(detail, speech, said)))


async def return_pressed(press: CallbackQuery, callback_data: callbacks.Return, shop: Shop, customer: Customer, speech: Speech) -> None:
    """Asked once more, then a sealed order goes back and its money into the wallet; what is too late for that is said."""
    detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
    if detail is None:
        await show(press, *_not_yours(speech))
        return
    if not callback_data.sure and detail.seal is not None and detail.seal.returnable:
        price = speech.price(detail.seal.amount_minor, detail.seal.currency)
        question = paragraphs(
            speech.say("Return order {number} unopened?", number=Safe(f"<code>{detail.card.number}</code>")),
            speech.say("{price} will be added to your balance.", price=bold(price)),
        )
        yes = button(speech.label("↩️ Yes, return it"), callbacks.Return(id=callback_data.id, sure=True), "danger")
        await show(press, question, keyboard([[yes], [button(speech.label("Keep it"), callbacks.Order(id=callback_data.id))]]))
        return
    try:
        made = await shop.write(orders.return_sealed, order_id=callback_data.id, buyer_id=customer.id)
        said = speech.say("↩️ Returned. {price} was added to your balance.", price=bold(speech.price(made.amount_minor, made.currency)))
    except Refusal as refusal:
        said = refused(speech, refusal)
    detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
    await show(press, *(_not_yours(speech) if detail is None else described(detail, speech, said)))


async def again_pressed(
    press: CallbackQuery,
    callback_data: callbacks.Again,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """The buy screen with what was bought, at today's price: one press more buys it."""
    same = await shop.read(orders.again, order_id=callback_data.id, buyer_id=customer.id)
    if same is None:
        drawn = _not_yours(speech)
    else:
        drawn = await buy.screen(shop, storefront, customer, speech, methods, buy.Chosen(*same))
    await show(press, *drawn, fresh=callback_data.fresh)


async def cancel_pressed(
    press: CallbackQuery, callback_data: callbacks.CancelOrder, shop: Shop, customer: Customer, speech: Speech
) -> None:
    """An order that nobody will pay; one that is paid or over is shown as it is."""
    if press.message is not None:  # What this message shows from now on is drawn here, and by nobody else.
        await shop.write(payments.leave_screen, customer_id=customer.id, message_id=press.message.message_id)
    try:
        await shop.write(orders.cancel, order_id=callback_data.id, buyer_id=customer.id)
        said = speech.say("The order is cancelled. Nothing was charged; please do not pay its invoice any more.")
    except Gone:
        said = speech.say("This order can no longer be cancelled.")
    detail = await shop.read(orders.detail, order_id=callback_data.id, buyer_id=customer.id)
    await show(press, *(_not_yours(speech) if detail is None else described(detail, speech, said)))


async def found(message: Message, text: str, shop: Shop, customer: Customer, speech: Speech) -> bool:
    """Answer with the buyer's order of this number, if there is one."""
    detail = await shop.read(orders.find, text, buyer_id=customer.id)
    if detail is None:
        return False
    await show(message, *described(detail, speech))
    return True


def router() -> Router:
    """/orders and everything under it."""
    router = conversation("orders")
    router.message.register(orders_asked, Command("orders"))
    router.callback_query.register(orders_pressed, callbacks.Orders.filter())
    router.callback_query.register(order_pressed, callbacks.Order.filter())
    router.callback_query.register(codes_pressed, callbacks.ShowCodes.filter())
    router.callback_query.register(open_pressed, callbacks.Open.filter())
    router.callback_query.register(return_pressed, callbacks.Return.filter())
    router.callback_query.register(again_pressed, callbacks.Again.filter())
    router.callback_query.register(cancel_pressed, callbacks.CancelOrder.filter())
    return router
