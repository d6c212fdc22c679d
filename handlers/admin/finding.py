"""Any order or top-up, found by any of its numbers."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import InlineKeyboardButton, Message

from core import brands, orders
from core.orders import OrderDetail
from core.payments import Intent
from core.people import Customer
from handlers.admin.desk import QUESTIONS, Asked, Desk, NotFound, Question, go
from handlers.admin.orders import show_order
from handlers.admin.payments import show_payment
from locales import Safe, Speech


def router() -> Router:
    """Everything here is typed, so there is nothing to press."""
    return Router(name="admin-finding")


async def _ask_number(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type a number of the order or the payment – ours, or the provider's –, for example: <i>{example}</i>",
        example=orders.number_of(1),
    )


async def _find(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    """Shows the likeliest; what else the number may mean stands above its buttons."""
    found = [(one, buyer) for one in await desk.shop.read(orders.find_all, text) if (buyer := await _buyer_here(desk, one)) is not None]
    if not found:
        raise NotFound(text=text[:40])
    (likeliest, buyer), *others = found
    also = [[_opens(desk.speech, other)] for other, _ in others]
    if isinstance(likeliest, OrderDetail):
        await show_order(message, desk, likeliest, buyer, also)
    else:
        await show_payment(message, desk, likeliest.id, also)


QUESTIONS["order.find"] = Question(_ask_number, _find, "home")


def _opens(say: Speech, found: OrderDetail | Intent) -> InlineKeyboardButton:
    if isinstance(found, OrderDetail):
        return go(say.label("🧾 Order {number}", number=found.card.number), "order", found.card.order_id)
    return go(say.label("💳 Payment {id}", id=found.reference), "payment", found.id)


async def _buyer_here(desk: Desk, found: OrderDetail | Intent) -> Customer | None:
    """The buyer, when the order or the payment is of this storefront."""
    customer_id = found.card.buyer_id if isinstance(found, OrderDetail) else found.customer_id
    return await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=customer_id)
