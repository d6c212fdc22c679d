"""Telegram Stars: invoices, payment with its pre-checkout, refunds and the bot's list of transactions."""

import re
import secrets
import time

from aiogram.methods import CreateInvoiceLink, SendInvoice

from sandbox import limits
from sandbox.errors import ApiError, PhoneError, bad_request, not_modelled
from sandbox.state import Bot, Charge, Invoice, Phone
from sandbox.store import Json
from sandbox.world import World

ONLY_FOR_MONEY = (
    "max_tip_amount",
    "suggested_tip_amounts",
    "provider_data",
    "need_name",
    "need_phone_number",
    "need_email",
    "need_shipping_address",
    "send_phone_number_to_provider",
    "send_email_to_provider",
    "is_flexible",
)


def invoice_asked(bot: Bot, call: SendInvoice | CreateInvoiceLink) -> Invoice:
    """The invoice of a call, checked as Telegram checks Stars invoices; raises ApiError."""
    if call.currency != "XTR":
        raise not_modelled(f"invoices in {call.currency}; only Stars (XTR)")
    if call.provider_token:
        raise bad_request("PAYMENT_PROVIDER_INVALID: provider_token must be empty for XTR")
    if not 1 <= len(call.title) <= limits.INVOICE_TITLE:
        raise bad_request(f"INVOICE_TITLE_INVALID: 1 to {limits.INVOICE_TITLE} characters")
    if not 1 <= len(call.description) <= limits.INVOICE_DESCRIPTION:
        raise bad_request(f"INVOICE_DESCRIPTION_INVALID: 1 to {limits.INVOICE_DESCRIPTION} characters")
    if not 1 <= len(call.payload.encode()) <= limits.INVOICE_PAYLOAD_BYTES:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if len(call.prices) != 1:
        raise bad_request("STARS_INVOICE_INVALID: an invoice in XTR has exactly one price")
    amount = call.prices[0].amount
    if not 1 <= amount <= limits.INVOICE_STARS or not call.prices[0].label:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    for name in ONLY_FOR_MONEY:
        if getattr(call, name):
            raise bad_request(f"STARS_INVOICE_INVALID: {name} is not allowed for XTR")
    start = getattr(call, "start_parameter", None) or ""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{0,{limits.START_PARAMETER}}}", start):
        raise bad_request("START_PARAM_INVALID")
    return Invoice(bot.username, call.title, call.description, call.payload, amount, start)


async def pay(world: World, phone: Phone, bot: Bot, invoice: Invoice, *, skip_success: bool = False) -> Json:
    """The person presses Pay: pre-checkout, then the Stars move, then the bot hears of it (unless held back)."""
    chat = world.chat(phone, bot.username)
    if chat.blocked:
        raise PhoneError(409, "You have blocked this bot.")
    if phone.stars < invoice.total_amount:
        return {"paid": False, "error": f"Not enough Stars: {invoice.total_amount} needed, {phone.stars} left."}
    content = {"currency": "XTR", "total_amount": invoice.total_amount, "invoice_payload": invoice.payload}
    query = world.ask("pre_checkout_query", bot, phone, content, world.patience.pre_checkout)
    answer = await world.answer_to(query, world.patience.pre_checkout)
    if answer is None:
        return {"paid": False, "error": "The bot did not answer in time (BOT_PRECHECKOUT_TIMEOUT)."}
    if not answer["ok"]:
        return {"paid": False, "error": answer["error_message"]}
    # Another payment may have gone through while the bot was thinking.
    if phone.stars < invoice.total_amount:
        return {"paid": False, "error": f"Not enough Stars: {invoice.total_amount} needed, {phone.stars} left."}
    charge = Charge(
        f"stx{secrets.token_urlsafe(36)}",
        bot.username,
        phone.id,
        invoice.total_amount,
        invoice.payload,
        time.time_ns(),
        skip_success,
    )
    phone.stars -= charge.amount
    bot.stars += charge.amount
    world.charges[charge.id] = charge
    keep(world, charge)
    world.tell_phone(phone)
    if not skip_success:
        tell_success(world, charge)
    return {"paid": True, "charge_id": charge.id}


def keep(world: World, charge: Charge) -> None:
    world.store.put("charge", charge.id, charge)
    world.store.put("bot", charge.bot, world.bots[charge.bot])


def succeed(world: World, phone: Phone, charge_id: str) -> None:
    """Lets a payment's message go that was held back; raises PhoneError when there is none."""
    charge = world.charges.get(charge_id)
    if charge is None or charge.phone != phone.id:
        raise PhoneError(404, "This phone made no such payment.")
    if not charge.held_back:
        raise PhoneError(409, "The bot has been told of this payment already.")
    charge.held_back = False
    keep(world, charge)
    tell_success(world, charge)


def tell_success(world: World, charge: Charge) -> None:
    phone, bot = world.phones[charge.phone], world.bots[charge.bot]
    payment = {
        "currency": "XTR",
        "total_amount": charge.amount,
        "invoice_payload": charge.payload,
        "telegram_payment_charge_id": charge.id,
        "provider_payment_charge_id": f"{phone.user_id}_{charge.at}",
    }
    chat = world.chat(phone, bot.username)
    chat.started = True
    kept = world.keep(phone, chat, {"from": phone.user, "successful_payment": payment})
    world.post(bot, "message", kept.message, phone)


def refund(world: World, bot: Bot, user_id: int, charge_id: str) -> None:
    """Gives the Stars of a payment back, once; raises ApiError."""
    charge = world.charges.get(charge_id)
    phone = world.phone_of_user(user_id)
    if phone is None:
        raise bad_request("user not found")
    if charge is None or charge.bot != bot.username or charge.phone != phone.id:
        raise bad_request("CHARGE_ID_INVALID")
    if charge.refunded_at is not None:
        raise ApiError(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
    if bot.stars < charge.amount:
        raise bad_request("BALANCE_TOO_LOW")
    charge.refunded_at = time.time_ns()
    bot.stars -= charge.amount
    phone.stars += charge.amount
    keep(world, charge)
    world.tell_phone(phone)
    refunded = {
        "currency": "XTR",
        "total_amount": charge.amount,
        "invoice_payload": charge.payload,
        "telegram_payment_charge_id": charge.id,
    }
    kept = world.keep(phone, world.chat(phone, bot.username), {"from": phone.user, "refunded_payment": refunded})
    world.post(bot, "message", kept.message, phone)


def transactions(world: World, bot: Bot, offset: int, limit: int) -> list[Json]:
    """A page of the bot's Stars transactions, oldest first; a refund carries the id of its payment."""
    moves: list[tuple[int, str, Charge]] = []
    for charge in world.charges.values():
        if charge.bot == bot.username:
            moves.append((charge.at, "source", charge))
            if charge.refunded_at is not None:
                moves.append((charge.refunded_at, "receiver", charge))
    moves.sort(key=lambda move: move[0])
    return [transaction(world, *move) for move in moves[offset : offset + limit]]


def transaction(world: World, at: int, side: str, charge: Charge) -> Json:
    partner = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": world.phones[charge.phone].user,
        "invoice_payload": charge.payload,
    }
    return {"id": charge.id, "amount": charge.amount, "date": at // 10**9, side: partner}
