"""/orders and /order: the reseller's newest orders, and any one of them by any number it has."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from core import orders, payments
from core.orders import OrderDetail, OrderState
from core.resellers import Role
from handlers import callbacks
from handlers.orders import HELD, MARKS, SEALED, STATES, described
from handlers.pieces import Row, bold, button, full_name, keyboard, lines, paragraphs
from handlers.receipts import back_told, price_told
from handlers.reseller import table
from handlers.reseller.desk import ALSO_BUYERS, CodesPress, Desk, desk_router
from locales import Safe, Speech

SHOWN = 15
LONGEST = 100


async def orders_asked(message: Message, desk: Desk) -> None:
    """The newest orders in one table."""
    desk.need(Role.SEE)
    speech = desk.speech
    cards = await desk.shop.read(orders.history, buyer_id=desk.reseller.id, limit=SHOWN)
    if not cards:
        await message.answer(speech.say("You have no orders yet."))
        return
    cells = [
        (
            "🔎" if card.held_until is not None else MARKS[card.state],
            card.number,
            full_name(card.product, card.sku, speech),
            f"×{card.quantity}",
            speech.price(card.total_minor, card.currency),
        )
        for card in cards
    ]
    tail = speech.say("One of them: <code>/order {number}</code>", number=cards[0].number)
    rows: list[Row] = [[button(speech.label("🧾 My orders"), callbacks.Orders(fresh=True))]] if not desk.in_group else []
    drawn = table.Table(speech.say("🧾 <b>The newest orders</b>"), cells, right=(3, 4), most=(0, 0, 14, 0, 0), tail=tail)
    await table.send_tables(message, [drawn], keyboard(rows) if rows else None)


async def order_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """One order by our number, theirs, or a payment's; or a top-up by its payment's number."""
    if not desk.may.buys:
        desk.need(Role.SEE)
    speech = desk.speech
    text = (command.args or "").strip()[:LONGEST]
    example = Safe("<code>/order 1a2b-3c4d</code>")
    newest = await desk.shop.read(orders.history, buyer_id=desk.reseller.id, limit=1)
    if newest:
        example = Safe(f"<code>/order {newest[0].number}</code>")
    if not text:
        said = speech.say("Type any number of the order: ours, your own, or the payment's. For example: {example}", example=example)
        await message.answer(said)
        return
    theirs = await desk.shop.read(orders.by_number, buyer_id=desk.reseller.id, number=text.replace("\x00", ""))
    if theirs is not None:
        found: list[OrderDetail | payments.Intent] = []
        detail = await desk.shop.read(orders.detail, order_id=theirs.order_id, buyer_id=desk.reseller.id)
        found += [detail] if detail is not None else []
    else:
        found = await desk.shop.read(orders.find_all, text, buyer_id=desk.reseller.id)
    if not found:
        await message.answer(speech.say("There is no such order of yours. For example: {example}", example=example))
        return
    first = found[0]
    if not isinstance(first, OrderDetail):
        amount = bold(speech.price(first.worth_minor, first.worth_currency))
        await message.answer(speech.say("That is a top-up of {amount}: {state}.", amount=amount, state=_state_of(first, speech)))
        return
    if desk.own:
        drawn, markup = described(first, speech)
        await message.answer(drawn, reply_markup=markup)
        return
    rows: list[Row] = []
    if first.card.state is OrderState.ISSUED and first.card.held_until is None and first.seal is None and desk.may.role(Role.BUY):
        rows.append([button(speech.label("👁 Codes, into my private chat"), CodesPress(order=first.card.order_id), "primary")])
    await message.answer(_told(first, speech), reply_markup=keyboard(rows) if rows else None)


def _state_of(intent: payments.Intent, speech: Speech) -> str:
    words = {
        payments.IntentState.PENDING: speech.label("waiting for the payment"),
        payments.IntentState.PAID: speech.label("paid"),
    }
    return words.get(intent.state, speech.label("over, not paid"))


def _told(detail: OrderDetail, speech: Speech) -> Safe:
    card = detail.card
    held = card.held_until is not None
    facts = lines(
        speech.say("{name} × {quantity}", name=bold(full_name(card.product, card.sku, speech)), quantity=speech.number(card.quantity)),
        speech.say("Order {number}", number=Safe(f"<code>{card.number}</code>")),
        speech.say("Ordered on {when}", when=speech.when(card.placed_at)),
        Safe("🔎 " if held else f"{MARKS[card.state]} ")
        + speech.say(HELD if held else SEALED if detail.seal is not None else STATES[card.state]),
    )
    return paragraphs(facts, price_told(detail, speech), back_told(detail, speech))


def router() -> Router:
    """/orders and /order."""
    made = desk_router("reseller-orders")
    made.message.register(orders_asked, Command("orders"), flags=ALSO_BUYERS)
    made.message.register(order_asked, Command("order"))
    return made
