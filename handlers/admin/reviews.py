"""Orders that are held until the staff have looked at them, and what the staff are told of disputes and of money given back past us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from core import orders, payments, people
from core.catalog import Gone
from core.database import Shop
from core.orders import OrderState, Review
from core.ports import DisputeState, PaymentMethod
from handlers.admin.desk import Desk, Do, Go, do, go
from handlers.admin.orders import called
from handlers.means import name_of
from handlers.pieces import Row, bold, full_name, keyboard, lines, paragraphs
from locales import N_, NN_, Safe, Speech

_LAST = 5

WHYS = {
    "review": N_("🟡 Order {number} is paid with money that can be taken back, and waits for you: is it to be sent?"),
    "overdue": N_("🔴 Order {number} still waits for you, and its buyer with it: is it to be sent?"),
    "returned": N_("🔴 A part of the payment of order {number} was given back before it was sent. It waits for you: is it to be sent?"),
    "disputed": N_("🔴 The payment of order {number} is disputed. It was not sent yet, and waits for you."),
    "blacklist": N_("🔴 A code of order {number} is on the blacklist. It was not sent yet, and waits for you: is it to be sent?"),
}
DISPUTES = {
    "opened": N_("🔴 The payer of payment {payment} asks their bank for {amount} back: {method} ({reason})."),
    "won": N_("✅ The dispute about payment {payment} over {amount} by {method} ended in your favour ({reason})."),
    "lost": N_("🔴 The dispute about payment {payment} over {amount} by {method} is lost ({reason})."),
}
STATES = {DisputeState.OPEN: N_("not decided"), DisputeState.WON: N_("for the shop"), DisputeState.LOST: N_("for the payer")}
_ORDERS = NN_("Paid orders besides: {n}", "Paid orders besides: {n}")


async def held_order(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """The card of a held order for the staff, as it stands now."""
    found = await shop.read(orders.review, int(body["order"]))
    if found is None:
        raise Gone
    return drawn(found, speech, str(body.get("why")))


def drawn(found: Review, say: Speech, why: str) -> tuple[Safe, InlineKeyboardMarkup]:
    """What the decision needs to know, and its two buttons as long as there is something to decide."""
    card, intent = found.order.card, found.order.intent
    number = Safe(f"<code>{card.number}</code>")
    waits = card.held_until is not None
    head = say.say(WHYS.get(why, WHYS["review"]), number=number) if waits else _over(found, say, number)
    paid_by = say.label("balance") if card.paid_by == "wallet" else name_of(card.paid_by, say)
    text = paragraphs(
        head,
        lines(
            say.say("{what} × {quantity}", what=full_name(card.product, card.sku, say), quantity=say.number(card.quantity)),
            say.say("Total: {price}, by {method}", price=bold(say.price(card.total_minor, card.currency)), method=paid_by),
            say.say("Payment {id}: {amount}", id=intent.id, amount=say.price(intent.amount_minor, intent.currency)) if intent else None,
        ),
        lines(
            say.say("Buyer: {buyer}", buyer=called(found.buyer)),
            say.say("First order: {when}", when=say.when(found.since)),
            say.many(*_ORDERS, found.orders),
            say.say("Refunds: {n}", n=say.number(found.refunds)),
            say.say("Held before: {n}", n=say.number(found.held_before)),
            say.say("Disputes: {n}", n=say.number(len(found.disputes))),
            *(
                say.say(
                    "• {when}: {amount}, {state}",
                    when=say.when(one.opened_at),
                    amount=say.price(one.amount_minor, one.currency),
                    state=say.label(STATES[one.state]),
                )
                for one in found.disputes[-_LAST:]
            ),
        ),
        say.say("Please decide by {when}. Nothing is sent before you have decided, not even after that.", when=say.when(card.held_until))
        if card.held_until is not None
        else None,
    )
    rows: list[Row] = []
    if waits:
        rows.append(
            [
                do(say.label("✅ Release: send the codes"), "held-release", card.order_id, style="success"),
                do(say.label("↩️ Refund it all"), "held-refund", card.order_id, style="danger"),
            ]
        )
    rows.append([go(say.label("🧾 The order"), "order", card.order_id), go(say.label("👤 The buyer"), "person", found.buyer.id)])
    return text, keyboard(rows)


def _over(found: Review, say: Speech, number: Safe) -> Safe:
    if found.order.card.state is OrderState.REFUNDED:
        return say.say("Order {number} is not held any more: it was refunded.", number=number)
    return say.say("Order {number} is not held any more.", number=number)


async def disputed(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """A dispute that was opened or decided, with what was delivered and shown when: the evidence."""
    one = await shop.read(payments.dispute, int(body["dispute"]))
    if one is None:
        raise Gone
    buyer = await shop.read(people.by_id, one.customer_id)
    found = None if one.order_id is None else await shop.read(orders.review, one.order_id)
    is_open = body["what"] == "opened"
    text = paragraphs(
        speech.say(
            DISPUTES[str(body["what"])],
            payment=one.intent_id,
            amount=bold(speech.price(one.amount_minor, one.currency)),
            method=name_of(one.provider, speech),
            reason=one.reason or speech.label("no reason given"),
        ),
        lines(
            speech.say("Buyer: {buyer}", buyer=called(buyer)),
            speech.say("Order: {number}", number=Safe(f"<code>{found.order.card.number}</code>"))
            if found is not None
            else speech.say("It was a top-up of the balance."),
            speech.say("Number at the provider: {number}", number=one.key),
        ),
        _evidence(found, speech) if found is not None else None,
        speech.say("Your evidence must be with the provider by {when}.", when=bold(speech.when(one.due_at)))
        if is_open and one.due_at is not None
        else None,
        speech.say("Until it is decided, the buyer cannot pay by ways whose payers can take the money back.") if is_open else None,
    )
    rows: list[Row] = [[go(speech.label("💳 The payment"), "payment", one.intent_id), go(speech.label("👤 The buyer"), "person", buyer.id)]]
    if one.order_id is not None:
        rows.append([go(speech.label("🧾 The order"), "order", one.order_id)])
    return text, keyboard(rows)


def _evidence(found: Review, say: Speech) -> Safe:
    card = found.order.card
    return lines(
        say.say("{what} × {quantity}", what=full_name(card.product, card.sku, say), quantity=say.number(card.quantity)),
        say.say("Ordered: {when}", when=say.when(card.placed_at)),
        *(
            say.say("• codes sent to Telegram account {who}: {when}", who=str(shown.to_telegram_id), when=say.when(shown.at))
            for shown in found.shown[:_LAST]
        ),
        None if found.shown else say.say("Its codes were never sent nor shown."),
    )


async def part_back(body: Mapping[str, Any], speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """Money that a provider gave back on its own account, or took for a dispute, as it was booked."""
    facts = {
        "method": name_of(str(body["method"]), speech),
        "amount": bold(speech.price(int(body["amount_minor"]), str(body["amount_currency"]))),
        "taken": bold(speech.price(int(body["taken_minor"]), str(body["currency"]))),
        "lost": bold(speech.price(int(body["lost_minor"]), str(body["currency"]))),
        "key": Safe("<code>") + str(body["key"]) + Safe("</code>"),
    }
    if body.get("disputed"):
        said = speech.say(
            "🔴 {method} has taken {amount} of payment {key} for the dispute: {taken} was taken from the balance, {lost} is lost.", **facts
        )
    else:
        said = speech.say(
            "🟡 {method} has given back {amount} of payment {key}, not asked by us: {taken} was taken from the balance, {lost} is lost.",
            **facts,
        )
    rows: list[Row] = [[go(speech.label("👤 The buyer"), "person", int(body["customer"]))]]
    if body.get("order") is not None:
        rows[0].append(go(speech.label("🧾 The order"), "order", int(body["order"])))
    return said, keyboard(rows)


async def _review(desk: Desk, order_id: int) -> Review:
    found = await desk.shop.read(orders.review, order_id)
    if found is None or found.buyer.storefront_id != desk.storefront.id:
        raise Gone
    return found


async def card(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The card of an order, from its own screen."""
    await _show(press, desk, callback_data.id)


async def _show(press: CallbackQuery, desk: Desk, order_id: int) -> None:
    text, markup = drawn(await _review(desk, order_id), desk.speech, "review")
    await desk.show(press, text, markup.inline_keyboard)


async def release(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """One press sends what is held; of two who press, one decides, and an old card changes nothing."""
    await _review(desk, callback_data.id)
    done = await desk.shop.write(orders.release, order_id=callback_data.id, by=desk.by)
    said = desk.speech.label("Released: the codes are on their way.") if done.decided else _decided(desk.speech)
    await press.answer(said, show_alert=not done.decided)
    await _show(press, desk, callback_data.id)


async def refund(press: CallbackQuery, callback_data: Do, desk: Desk, methods: Mapping[str, PaymentMethod]) -> None:
    """One press gives all of it back: where it was paid from, if that way can, else to the balance."""
    found = await _review(desk, callback_data.id)
    intent = found.order.intent
    method = methods.get(intent.provider) if intent is not None else None
    done = await desk.shop.write(
        orders.refund_held,
        order_id=callback_data.id,
        by=desk.by,
        to_source=method is not None and method.capabilities.refund_full,
        whole_only=method is None or not method.capabilities.refund_partial,
    )
    if done.refund is None:
        await press.answer(_decided(desk.speech), show_alert=True)
    else:
        price = desk.speech.price(done.refund.amount_minor, done.refund.currency)
        await press.answer(desk.speech.label("Done. {price} refunded.", price=price))
    await _show(press, desk, callback_data.id)


def _decided(say: Speech) -> str:
    return say.label("This was decided already.")


def router() -> Router:
    made = Router(name="admin-reviews")
    made.callback_query.register(card, Go.filter(F.to == "held"))
    made.callback_query.register(release, Do.filter(F.act == "held-release"))
    made.callback_query.register(refund, Do.filter(F.act == "held-refund"))
    return made
