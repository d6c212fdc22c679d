"""A customer with their orders and balance, credited or debited by hand with a reason."""

from __future__ import annotations

import secrets

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import brands, orders, payments, people, resellers
from core.catalog import Gone
from core.money import decimal_text, parse_minor
from core.people import Customer
from handlers.admin.desk import QUESTIONS, Asked, Desk, Do, Go, NotFound, NotPositive, Question, ask, do, go, id_in, short_enough
from handlers.admin.orders import STATES, called
from handlers.pieces import Row, bold, full_name, lines, paragraphs
from handlers.wallet import KINDS
from locales import Safe

_ORDERS, _MOVEMENTS, _REASON = 5, 5, 300


def router() -> Router:
    made = Router(name="admin-people")
    made.callback_query.register(person, Go.filter(F.to == "person"))
    made.callback_query.register(adjust, Do.filter(F.act == "adjust"))
    made.callback_query.register(wholesale, Do.filter(F.act == "wholesale"))
    return made


async def _ask_who(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type a @username, a Telegram id, our customer id, or a part of the name, for example: <i>@alice</i>")


async def _find(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    say = desk.speech
    found = await desk.shop.read(people.find_any, storefront_id=desk.storefront.id, text=text)
    if not found:
        raise NotFound(text=text[:40])
    if len(found) == 1:
        await _show(message, desk, found[0])
        return
    rows: list[Row] = [[go(f"{called(customer)} · {customer.telegram_id}", "person", customer.id)] for customer in found]
    rows.append([ask(say.label("👤 Search again"), "person.find"), desk.home()])
    await desk.show(message, say.say("Who of these?"), rows)


QUESTIONS["person.find"] = Question(_ask_who, _find, "home")


async def _customer(desk: Desk, customer_id: int) -> Customer:
    """A customer of this storefront; raises Gone."""
    found = await desk.shop.read(brands.served, storefront_id=desk.storefront.id, customer_id=customer_id)
    if found is None:
        raise Gone
    return found


async def person(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    before = id_in(callback_data.arg)
    await _show(press, desk, await _customer(desk, callback_data.id), before=before)


async def _show(event: Message | CallbackQuery, desk: Desk, customer: Customer, before: int | None = None) -> None:
    say = desk.speech
    wallet = await desk.shop.read(payments.wallet, customer.id)
    history = await desk.shop.read(orders.history, buyer_id=customer.id, before=before, limit=_ORDERS + 1)
    moved = await desk.shop.read(orders.movements, customer.id, limit=_MOVEMENTS)
    text = paragraphs(
        lines(
            bold(called(customer)),
            say.say("Telegram id: <code>{id}</code>, our id: {ours}", id=customer.telegram_id, ours=customer.id),
            say.say("Balance: {balance}", balance=say.price(wallet.balance_minor, wallet.currency)),
            say.say("Has blocked the bot.") if customer.blocked else None,
            say.say("A reseller: buys at wholesale prices.") if customer.wholesale else None,
            None if customer.wants_broadcasts else say.say("Wants no broadcasts."),
        ),
        lines(
            say.say("Last movements:"),
            *[
                say.say(
                    "• {amount} {kind}, {when}",
                    amount=("+" if entry.amount_minor > 0 else "") + say.price(entry.amount_minor, entry.currency),
                    kind=say.label(KINDS[entry.kind]),
                    when=say.when(entry.at),
                )
                for entry in moved
            ],
        )
        if moved
        else None,
        say.say("Orders, newest first:") if history else say.say("No orders."),
    )
    rows: list[Row] = []
    for card in history[:_ORDERS]:
        facts = [
            card.number,
            full_name(card.product, card.sku, say),
            say.price(card.total_minor, card.currency),
            say.label(STATES[card.state]),
        ]
        rows.append([go(" · ".join(facts), "order", card.order_id)])
    if len(history) > _ORDERS:
        rows.append([go(say.label("Older ▶"), "person", customer.id, arg=str(history[_ORDERS - 1].order_id))])
    rows += [
        [
            ask(say.label("➕ Credit"), "person.credit", customer.id),
            ask(say.label("➖ Debit"), "person.debit", customer.id),
        ],
        [
            do(say.label("No longer a reseller"), "wholesale", customer.id, arg="0")
            if customer.wholesale
            else do(say.label("🤝 Make a reseller"), "wholesale", customer.id, arg="1"),
            *([go(say.label("🤝 Level and prices"), "rsone", customer.id)] if customer.wholesale else []),
        ],
        [ask(say.label("👤 Another customer"), "person.find"), desk.home()],
    ]
    await desk.show(event, text, rows)


async def wholesale(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Whether a customer buys at wholesale prices."""
    on = callback_data.arg == "1"
    facts = {"storefront_id": desk.storefront.id, "customer_id": callback_data.id}
    if on:
        await desk.shop.write(resellers.take_in, **facts, by=desk.by)
    else:
        await desk.shop.write(resellers.end, **facts, by=desk.by)
    await _show(press, desk, await _customer(desk, callback_data.id))


# Crediting and debiting: the amount, the reason, the confirmation


async def _ask_amount(desk: Desk, asked: Asked, *, credit: bool) -> Safe:
    say, customer = desk.speech, await _customer(desk, asked.id)
    wallet = await desk.shop.read(payments.wallet, customer.id)
    facts = {
        "name": customer.name,
        "balance": say.price(wallet.balance_minor, wallet.currency),
        "example": decimal_text(1000, wallet.currency),
    }
    if credit:
        return say.say("{name} has {balance}. Type the amount to credit, for example: <i>{example}</i>", **facts)
    return say.say("{name} has {balance}. Type the amount to debit, for example: <i>{example}</i>", **facts)


async def _ask_credit(desk: Desk, asked: Asked) -> Safe:
    return await _ask_amount(desk, asked, credit=True)


async def _ask_debit(desk: Desk, asked: Asked) -> Safe:
    return await _ask_amount(desk, asked, credit=False)


async def _take_amount(desk: Desk, message: Message, asked: Asked, text: str, sign: int) -> None:
    minor = parse_minor(text, desk.storefront.currency)
    if not minor:
        raise NotPositive
    await desk.ask(message, "person.reason", asked.id, str(sign * minor))


async def _take_credit(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _take_amount(desk, message, asked, text, 1)


async def _take_debit(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _take_amount(desk, message, asked, text, -1)


async def _ask_reason(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the reason; the customer reads it too. For example: <i>Compensation for order {number}</i>", number=orders.number_of(1)
    )


async def _take_reason(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    reason = short_enough(text, _REASON)
    await _confirm(message, desk, asked.id, int(asked.arg), reason)


QUESTIONS["person.credit"] = Question(_ask_credit, _take_credit, "person")
QUESTIONS["person.debit"] = Question(_ask_debit, _take_debit, "person")
QUESTIONS["person.reason"] = Question(_ask_reason, _take_reason, "person")


async def _confirm(event: Message | CallbackQuery, desk: Desk, customer_id: int, amount_minor: int, reason: str) -> None:
    """What will be done, on a screen with a name of its own, so that two presses are one adjustment."""
    say, customer = desk.speech, await _customer(desk, customer_id)
    wallet = await desk.shop.read(payments.wallet, customer_id)
    screen = secrets.token_hex(6)
    await desk.state.set_data({"screen": screen, "customer": customer_id, "amount_minor": amount_minor, "reason": reason})
    credit = amount_minor > 0
    amount = say.price(abs(amount_minor), wallet.currency)
    text = lines(
        bold(called(customer)),
        say.say("Credit: {amount}", amount=amount) if credit else say.say("Debit: {amount}", amount=amount),
        say.say(
            "Balance: {before} → {after}",
            before=say.price(wallet.balance_minor, wallet.currency),
            after=say.price(wallet.balance_minor + amount_minor, wallet.currency),
        ),
        say.say("Reason: {reason}", reason=reason),
    )
    label = say.label("Credit {amount}", amount=amount) if credit else say.label("Debit {amount}", amount=amount)
    await desk.show(
        event,
        text,
        [
            [do(label, "adjust", customer_id, arg=screen, style="primary" if credit else "danger")],
            [go(say.label("Cancel"), "person", customer_id)],
        ],
    )


async def adjust(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    say, data = desk.speech, await desk.state.get_data()
    if data.get("screen") != callback_data.arg or data.get("customer") != callback_data.id:
        # Pressed before, or from a screen that another one has followed: nothing is done from memory alone.
        await press.answer(
            say.label("This confirmation is out of date. Please look at the balance and begin again if needed."), show_alert=True
        )
        await _show(press, desk, await _customer(desk, callback_data.id))
        return
    await _customer(desk, callback_data.id)
    after = await desk.shop.write(
        payments.adjust,
        customer_id=callback_data.id,
        amount_minor=int(data["amount_minor"]),
        reason=str(data["reason"]),
        by=desk.by,
        once=f"desk:{callback_data.id}:{callback_data.arg}",
    )
    await desk.state.clear()
    await press.answer(say.label("Done. The balance is {balance} now.", balance=say.price(after, desk.storefront.currency)))
    await _show(press, desk, await _customer(desk, callback_data.id))
