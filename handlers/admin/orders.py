"""One order as the staff sees it, and its codes sent once more."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import brands, orders
from core.catalog import Gone
from core.errors import N_
from core.orders import OrderDetail, OrderState
from core.outbox import Delivery
from core.payments import Intent, IntentState
from core.people import Customer
from handlers.admin.desk import Desk, Do, Go, ask, do, go
from handlers.means import name_of
from handlers.pieces import Row, full_name, lines, paragraphs
from handlers.receipts import back_told, price_told
from locales import Safe, Speech

STATES = {
    OrderState.PENDING: N_("waits for payment"),
    OrderState.FULFILLING: N_("on its way"),
    OrderState.ISSUED: N_("issued"),
    OrderState.EXPIRED: N_("not paid in time"),
    OrderState.CANCELLED: N_("cancelled"),
    OrderState.REFUNDED: N_("refunded"),
}

_INTENT_STATES = {
    IntentState.CREATED: N_("not asked yet"),
    IntentState.PENDING: N_("waits for payment"),
    IntentState.PAID: N_("paid"),
    IntentState.EXPIRED: N_("not paid in time"),
    IntentState.FAILED: N_("failed"),
    IntentState.REFUNDED: N_("refunded"),
}

_LAST = 5  # deliveries on the screen


def router() -> Router:
    made = Router(name="admin-orders")
    made.callback_query.register(order, Go.filter(F.to == "order"))
    made.callback_query.register(resend, Do.filter(F.act == "resend"))
    return made


async def _buyer_here(desk: Desk, found: OrderDetail) -> Customer | None:
    """The buyer, when the order is of this storefront."""
    return await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=found.card.buyer_id)


async def _order(desk: Desk, order_id: int) -> tuple[OrderDetail, Customer]:
    found = await desk.shop.read(orders.detail, order_id=order_id)
    buyer = None if found is None else await _buyer_here(desk, found)
    if found is None or buyer is None:
        raise Gone
    return found, buyer


async def order(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_order(press, desk, *await _order(desk, callback_data.id))


def _paid(say: Speech, intent: Intent) -> Safe:
    return say.say(
        "Payment {id}: {amount} by {method}, {state}",
        id=intent.id,
        amount=say.price(intent.amount_minor, intent.currency),
        method=name_of(intent.provider, say),
        state=say.label(_INTENT_STATES[intent.state]),
    )


async def show_order(event: Message | CallbackQuery, desk: Desk, found: OrderDetail, buyer: Customer, also: Sequence[Row] = ()) -> None:
    """The order with its payment and deliveries; `also` are rows of buttons to go above its own."""
    say, card = desk.speech, found.card
    deliveries = [_delivery(say, delivery) for delivery in found.deliveries[-_LAST:]]
    text = paragraphs(
        lines(
            say.say("<b>Order {number}</b> (id {id})", number=card.number, id=card.order_id),
            say.say("State: {state}", state=say.label(STATES[card.state])),
            say.say("Held for review until {when}: not sent.", when=say.when(card.held_until)) if card.held_until else None,
            say.say("Buyer: {buyer}", buyer=called(buyer)),
        ),
        lines(
            say.say("{what} × {quantity}", what=full_name(card.product, card.sku, say), quantity=say.number(card.quantity)),
            say.say("Sealed: not opened by the buyer yet.") if found.seal else None,
            say.say("Cost: {cost}", cost=say.price(found.cost_minor, desk.storefront.currency)),
            say.say("Ordered: {when}", when=say.when(card.placed_at)),
            say.say("On its way, promised by {when}", when=say.when(found.due_at)) if found.due_at else None,
            say.say("Issued: {when}", when=say.when(found.issued_at)) if found.issued_at else None,
        ),
        price_told(found, say),
        back_told(found, say),
        _paid(say, found.intent) if found.intent else None,
        lines(say.say("Deliveries:"), *deliveries) if deliveries else None,
        say.many("The codes left the shop {n} time.", "The codes left the shop {n} times.", found.reveals) if found.reveals else None,
    )
    rows: list[Row] = [*also]
    if found.intent is not None:
        rows.append([go(say.label("💳 The payment"), "payment", found.intent.id)])
    if card.state is OrderState.FULFILLING:
        rows.append([go(say.label("🚚 On its way"), "on-way", card.order_id, style="primary")])
    if card.state in (OrderState.FULFILLING, OrderState.ISSUED, OrderState.REFUNDED):
        rows.append([go(say.label("🧭 Why these sources"), "why-source", card.order_id)])
    if card.held_until is not None:
        rows.append([go(say.label("🔎 Release or refund"), "held", card.order_id, style="primary")])
    elif card.state is OrderState.ISSUED:
        rows.append([do(say.label("📨 Send the codes again"), "resend", card.order_id)])
    if card.state is OrderState.ISSUED:
        rows.append([go(say.label("↩️ Refund…"), "refund", card.order_id)])
    if found.issued_at is not None:
        rows.append([go(say.label("🤝 Who earns what"), "shares", card.order_id)])
    rows.append([go(say.label("👤 The buyer"), "person", buyer.id), ask(say.label("🧾 Another order"), "order.find")])
    rows.append([desk.home()])
    await desk.show(event, text, rows)


def _delivery(say: Speech, delivery: Delivery) -> Safe:
    if delivery.done_at is not None:
        return say.say("• sent on {when}", when=say.when(delivery.done_at))
    if delivery.parked_at is not None:
        return say.say("• waits until the buyer comes back, since {when}", when=say.when(delivery.parked_at))
    return say.say("• under way since {when}, tries: {n}", when=say.when(delivery.made_at), n=say.number(delivery.attempts))


def called(customer: Customer) -> str:
    """A customer as the staff sees them: the name, and @username when there is one."""
    return f"{customer.name} @{customer.username}" if customer.username else customer.name


async def resend(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """To the buyer and nobody else; while a delivery is under way there is no second one."""
    await _order(desk, callback_data.id)
    posted = await desk.shop.write(orders.resend, order_id=callback_data.id, by=desk.by)
    say = desk.speech
    await press.answer(
        say.label("The codes are on their way to the buyer.") if posted else say.label("A delivery is under way already."),
        show_alert=True,
    )
    await show_order(press, desk, *await _order(desk, callback_data.id))
