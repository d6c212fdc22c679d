"""What a reseller has: /balance and /deposit."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from core import aftersale, orders, payments
from core.orders import OrderState
from core.resellers import Role
from handlers import callbacks, commands, wallet
from handlers.cases import line_of
from handlers.pieces import bold, button, keyboard, lines, paragraphs, show
from handlers.reseller import credit
from handlers.reseller.desk import ALSO_BUYERS, GROUPS, Desk, desk_router
from locales import Safe

LOOKED_AT = 50  # of the newest orders, for what is on its way


async def balance_asked(message: Message, desk: Desk) -> None:
    """What can be spent, and what is on its way or held."""
    desk.need(Role.SEE)
    speech, shop = desk.speech, desk.shop
    purse = await desk.wallet()
    newest = await shop.read(orders.history, buyer_id=desk.reseller.id, limit=LOOKED_AT)
    coming = [card for card in newest if card.state is OrderState.FULFILLING]
    checked = [card for card in newest if card.held_until is not None and card.state is not OrderState.FULFILLING]
    due_in = await shop.read(payments.open_deposits, desk.reseller.id)
    money = speech.price
    said = paragraphs(
        speech.say("👛 <b>{name}</b>", name=desk.reseller.name),
        lines(
            speech.say("Available: {amount}", amount=bold(money(purse.balance_minor, purse.currency))),
            speech.many(
                "Held for {n} order on its way: {amount}",
                "Held for {n} orders on their way: {amount}",
                len(coming),
                amount=money(sum(card.total_minor for card in coming), purse.currency),
            )
            if coming
            else speech.say("Held: {amount}", amount=money(0, purse.currency)),
            speech.many("{n} order is being checked by the shop.", "{n} orders are being checked by the shop.", len(checked))
            if checked
            else None,
            speech.many("{n} top-up waits for its payment.", "{n} top-ups wait for their payments.", len(due_in)) if due_in else None,
        ),
        await credit.in_short(desk),
        speech.say("/deposit adds money, /statement tells every movement."),
    )
    rows = [[button(speech.label("➕ Add money"), callbacks.Balance())]] if not desk.in_group and desk.own else []
    if not desk.own and not desk.in_group:
        rows = [[button(speech.label("👛 My own balance"), callbacks.Balance())]]
    await show(message, said, keyboard(rows) if rows else None)


async def deposit_asked(message: Message, desk: Desk) -> None:
    """The ways of adding money, in the reseller's own chat; elsewhere, where they are."""
    speech = desk.speech
    if desk.own:
        await show(message, *await wallet.wallet(desk.shop, desk.customer, speech, desk.methods))
        return
    desk.need(Role.SEE)
    said = speech.say("Money is added by {name}, in the private chat with me: /deposit there.", name=desk.reseller.name)
    await show(message, said, keyboard([[await desk.to_private()]]))


async def keys_asked(message: Message, desk: Desk) -> None:
    """Keys are secrets: they are not spoken of in a group."""
    said: Safe = desk.speech.say("Keys for programs are made and shown in the private chat only: /api there.")
    await show(message, said, keyboard([[await desk.to_private()]]))


async def cases_asked(message: Message, desk: Desk) -> None:
    """The cases of the reseller's orders that are open, the newest first."""
    desk.need(Role.SEE)
    speech = desk.speech
    cards = await desk.shop.read(aftersale.cases_of, storefront_id=desk.storefront.id, buyer_id=desk.reseller.id, limit=10)
    told = [Safe("• ") + line_of(card, speech) for card in cards]
    said = paragraphs(
        speech.say("🛟 <b>The newest cases</b>"),
        lines(*told) if told else speech.say("There are none, and that is good."),
        speech.say("A case is begun with the order's “Something is wrong”, in the private chat of {name}.", name=desk.reseller.name),
    )
    rows = [[button(speech.label("🛟 My cases"), callbacks.Cases())]] if desk.own else []
    await show(message, said, keyboard(rows) if rows else None)


async def help_asked(message: Message, desk: Desk) -> None:
    """Every command of a reseller in one line, as far as this person may give it; in private everybody's help is a press away."""
    speech = desk.speech
    names = commands.GROUP_COMMANDS if desk.in_group else ("balance", "orders", *commands.RESELLER_COMMANDS)
    known = {**commands.COMMANDS, **commands.RESELLER_COMMANDS, "unbind": commands.UNBIND}
    said = paragraphs(
        speech.say("<b>Commands of {name}</b>", name=desk.reseller.name),
        lines(*(Safe(f"/{name} – ") + speech.say(known[name]) for name in names)),
        speech.say("To buy: <code>/buy {number} 5</code>", number=12),
        speech.say("In a group, codes never come into it: they go to the private chat of whoever buys."),
    )
    await message.answer(said)


def router() -> Router:
    """/balance, /deposit, /cases, and /api in a group."""
    made = desk_router("reseller-balance")
    made.message.register(balance_asked, Command("balance"), flags=ALSO_BUYERS)
    made.message.register(deposit_asked, Command("deposit"))
    made.message.register(cases_asked, Command("cases"))
    made.message.register(help_asked, Command("commands"))
    made.message.register(help_asked, Command("help"), lambda message: message.chat.type in GROUPS)
    made.message.register(keys_asked, Command("api"), lambda message: message.chat.type in GROUPS)
    return made
