"""Paying with Telegram Stars: an invoice, a hold on the codes just before the money moves, and the codes when it has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from aiogram import F, Router
from aiogram.types import CallbackQuery, Message, PreCheckoutQuery

from core import orders, payments
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.payments import Intent
from core.people import Customer
from core.ports import Ask, PaymentMethod
from core.storefronts import Storefront
from handlers import browse, buy, callbacks, missed
from handlers.conversation import conversation
from handlers.means import asked_by, bounds, payable
from handlers.pieces import bold, button, clipped, full_name, keyboard, paragraphs, show
from handlers.receipts import price_told
from handlers.screen import refused
from locales import Safe, Speech

log = structlog.get_logger()

TITLE, DESCRIPTION = 32, 255  # characters of an invoice
SECONDS_TO_ANSWER = 6  # Telegram waits ten; the payer should not wait as long
PAUSES_SECONDS = (0.2, 0.5, 1, 2, 4, 8)  # between the tries to record a payment; Telegram is kept waiting meanwhile
HOLD_SECONDS = 120  # from the pre-checkout to the payment, which takes a moment

_unfinished: set[asyncio.Task[Any]] = set()


async def send_invoice(shop: Shop, method: PaymentMethod, customer: Customer, intent: Intent, title: str, description: str) -> None:
    """Ask the payer for an intent's money; may be repeated."""
    created = await method.create(
        Ask(
            reference=intent.reference,
            amount_minor=intent.amount_minor,
            currency=intent.currency,
            title=clipped(title, TITLE),
            description=clipped(description, DESCRIPTION),
            payer_telegram_id=customer.telegram_id,
            expires_at=intent.expires_at,
        )
    )
    if created.provider_ref is not None:
        await shop.write(payments.give_ref, intent_id=intent.id, provider_ref=created.provider_ref)


async def by_stars_pressed(
    press: CallbackQuery,
    callback_data: callbacks.BuyByStars,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
    answers_id: int = 0,
) -> None:
    """Place the order and send its invoice; the codes are held only when the payer confirms."""
    chosen = replace(buy.chosen_of(callback_data), answers=answers_id)
    method = methods.get("stars")
    if method is None:
        said = speech.say("Stars are not accepted at the moment.")
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
            # No such button is drawn; the rate may have moved since.
            await show(press, *await buy.screen(shop, storefront, customer, speech, methods, chosen, bounds(method, speech)))
            return
        pending = await shop.write(
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
            answers_id=answers_id or None,
        )
    except Gone as gone:
        await show(press, *browse.lost(speech, gone))
        return
    except Refusal as refusal:
        missed.refused(customer, refusal, callback_data.quantity)
        await press.answer(buy.explained_plain(refusal, speech))
        if isinstance(refusal, orders.TooManyOpen | orders.TooManyHolds):
            to_orders = button(speech.label("🧾 My orders"), callbacks.Orders())
            await show(press, refused(speech, refusal), keyboard([[to_orders]]))
            return
        said = buy.explained(refusal, speech)
        await show(press, *await buy.screen(shop, storefront, customer, speech, methods, chosen, said))
        return
    await invoice_order(press, pending.order_id, shop, customer, speech, method)


async def stars_for_pressed(
    press: CallbackQuery,
    callback_data: callbacks.StarsFor,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    methods: Mapping[str, PaymentMethod],
) -> None:
    """The same for what asked its buyer."""
    data = await buy.plainly_bought(shop, customer, callback_data, callbacks.BuyByStars)
    await by_stars_pressed(press, data, shop, storefront, customer, speech, methods, answers_id=callback_data.answers)


async def invoice_order(press: CallbackQuery, order_id: int, shop: Shop, customer: Customer, speech: Speech, method: PaymentMethod) -> None:
    detail = await shop.read(orders.detail, order_id=order_id, buyer_id=customer.id)
    if detail is None or detail.intent is None:
        raise Gone
    card, intent = detail.card, detail.intent
    name = full_name(card.product, card.sku, speech)
    description = speech.label_many(
        "{n} code of {name}. Order {number}.",
        "{n} codes of {name}. Order {number}.",
        card.quantity,
        name=clipped(name, 150),
        number=card.number,
    )
    await send_invoice(shop, method, customer, intent, name, description)
    said = speech.many(
        "The invoice for {price} is the next message. Order {number} waits for it until {when}; your code comes right after you pay.",
        "The invoice for {price} is the next message. Order {number} waits for it until {when}; your codes come right after you pay.",
        card.quantity,
        price=bold(speech.price(intent.amount_minor, intent.currency)),
        number=Safe(f"<code>{card.number}</code>"),
        when=speech.when(intent.expires_at),
    )
    part = card.total_minor - intent.worth_minor
    if part > 0:
        said = paragraphs(said, speech.say("{amount} of it comes from your balance.", amount=speech.price(part, card.currency)))
    rows = [
        [button(speech.label("✖️ Cancel this order"), callbacks.CancelOrder(id=order_id), "danger")],
        [button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("🛍 To the shop"), callbacks.Home())],
    ]
    await show(press, said, keyboard(rows))


async def checkout(query: PreCheckoutQuery, shop: Shop, customer: Customer, speech: Speech, hold_rules: orders.HoldRules) -> None:
    """The payer has confirmed: hold the codes, or refuse with the reason before any money moves."""
    reserving = asyncio.ensure_future(_reserved(query, shop, customer, hold_rules))
    await asyncio.wait({reserving}, timeout=SECONDS_TO_ANSWER)
    if not reserving.done():
        # It goes on, and a hold that nobody pays ends by itself; the payer is asked to try again.
        _unfinished.add(reserving)
        reserving.add_done_callback(_finished_late)
        await query.answer(ok=False, error_message=speech.label("We are very busy right now. Please try again in a moment."))
        return
    try:
        await reserving
    except Refusal as refusal:
        await query.answer(ok=False, error_message=buy.explained_plain(refusal, speech))
    else:
        await query.answer(ok=True)


async def _reserved(query: PreCheckoutQuery, shop: Shop, customer: Customer, hold_rules: orders.HoldRules) -> None:
    """Hold the codes of the order behind an invoice; raises the refusal, also for an invoice that is not of ours."""
    intent = await shop.read(payments.by_reference, query.invoice_payload)
    if intent is None:
        raise payments.NotPayable
    try:
        await shop.write(
            orders.reserve,
            intent_id=intent.id,
            customer_id=customer.id,
            amount_minor=query.total_amount,
            currency=query.currency,
            hold_seconds=HOLD_SECONDS,
            # The payer has confirmed: this hold lasts a moment, so the share that unpaid orders may keep is not for it.
            rules=orders.HoldRules(hold_rules.most_of_buyer, share_percent=100),
        )
    except orders.SoldOut as refusal:
        detail = None if intent.order_id is None else await shop.read(orders.detail, order_id=intent.order_id)
        missed.refused(customer, refusal, 1 if detail is None else detail.card.quantity)
        raise


def _finished_late(task: asyncio.Task[Any]) -> None:
    _unfinished.discard(task)
    trouble = None if task.cancelled() else task.exception()
    log.warning("reserved-late", error=type(trouble).__name__ if trouble else None)


async def booked(shop: Shop, *, event_key: str, reference: str, customer_id: int, amount_minor: int, currency: str) -> orders.Settled:
    """Record money that came in. A database that does not answer is asked again; the event's key makes that safe."""
    for pause in (*PAUSES_SECONDS, None):
        try:
            # Under whatever number it was paid, it is the payer's: Telegram tells it to nobody else.
            intent = await shop.read(payments.by_reference, reference)
            return await shop.write(
                orders.settle,
                provider="stars",
                event_key=event_key,
                intent_id=None if intent is None else intent.id,
                customer_id=customer_id,
                amount_minor=amount_minor,
                currency=currency,
            )
        except Exception as trouble:
            log.error("payment-not-booked-yet", error=type(trouble).__name__, again_after_seconds=pause)
            if pause is None:
                raise  # The reconciliation with Telegram's own list books it.
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


async def given_back(message: Message, shop: Shop, customer: Customer) -> None:
    """Telegram gave Stars back: what they were worth leaves the wallet again, and the staff are told."""
    refund = message.refunded_payment
    assert refund is not None, "the filter lets only refunds in"
    await shop.write(orders.given_back, provider="stars", event_key=refund.telegram_payment_charge_id, customer_id=customer.id)


async def paid(message: Message, shop: Shop, customer: Customer, speech: Speech) -> None:
    """Money came in. Its order is issued with it; when it cannot be, the money is the buyer's and a notice tells them."""
    payment = message.successful_payment
    assert payment is not None, "the filter lets only payments in"
    settled = await booked(
        shop,
        event_key=payment.telegram_payment_charge_id,
        reference=payment.invoice_payload,
        customer_id=customer.id,
        amount_minor=payment.total_amount,
        currency=payment.currency,
    )
    # Whatever was only credited is told by the notice that was posted with it; a repeated report is told nothing twice.
    if settled.issued and settled.order_id is not None:
        detail = await shop.read(orders.detail, order_id=settled.order_id, buyer_id=customer.id)
        if detail is not None and detail.card.held_until is not None:
            return  # The notice that it is held was posted with it.
        said = speech.many(
            "✅ Paid {price}. Your code is the next message.",
            "✅ Paid {price}. Your {n} codes are the next message.",
            detail.card.quantity if detail else 1,
            price=bold(speech.price(payment.total_amount, payment.currency)),
        )
        why = price_told(detail, speech, always=False) if detail is not None else None
        await message.answer(paragraphs(said, why), reply_markup=keyboard(buy.after_buying(settled.order_id, speech)))


def router() -> Router:
    """Invoices, and what Telegram reports about them."""
    router = conversation("stars")
    router.pre_checkout_query.register(checkout)
    router.message.register(paid, F.successful_payment)
    router.message.register(given_back, F.refunded_payment)
    router.callback_query.register(by_stars_pressed, callbacks.BuyByStars.filter())
    router.callback_query.register(stars_for_pressed, callbacks.StarsFor.filter())
    return router
