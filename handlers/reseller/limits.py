"""/limits: from which sum on a purchase is confirmed, and of what a reseller is told."""

from __future__ import annotations

from dataclasses import replace

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from core import people, resellers
from core.errors import Refusal
from core.money import exponent, parse_minor
from core.resellers import Role, Wishes
from handlers import callbacks
from handlers.notes import Note, Said, Wording
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs, plain
from handlers.reseller import credit
from handlers.reseller.desk import Desk, WishPress, desk_router, redraw
from handlers.screen import refused
from locales import Safe

CONFIRM, LOW = (100, 500, 2000, 10_000), (100, 500, 2000)  # whole units of a currency with cents


async def limits_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """The screen; with `confirm 500` or `low 1000` behind the command, the change and then the screen."""
    words = (command.args or "").split()
    if words:
        desk.need(Role.OWNER)
        try:
            await _typed(desk, words)
        except Refusal as refusal:
            await message.answer(paragraphs(refused(desk.speech, refusal), _example(desk)))
            return
        except ValueError:
            await message.answer(_example(desk))
            return
    text, rows = await screen(desk)
    await message.answer(text, reply_markup=keyboard(rows))


def _example(desk: Desk) -> Safe:
    return desk.speech.say(
        "For example: <code>/limits confirm 500</code> asks again from that sum on, <code>/limits low 1000</code> tells when the balance "
        "is below. 0 is none."
    )


async def _typed(desk: Desk, words: list[str]) -> None:
    if len(words) != 2 or words[0].lower() not in ("confirm", "low"):
        raise ValueError("not one of ours")
    amount = parse_minor(words[1], (await desk.wallet()).currency)
    if amount < 0:
        raise ValueError("below zero")
    await _change(desk, words[0].lower(), amount)


async def _change(desk: Desk, what: str, amount: int) -> None:
    now = await desk.shop.read(resellers.wishes_of, desk.reseller.id)
    if what == "prices":
        await desk.shop.write(people.want_price_news, customer_id=desk.reseller.id, wanted=not desk.reseller.wants_price_news)
        desk.seat = replace(desk.seat, reseller=replace(desk.reseller, wants_price_news=not desk.reseller.wants_price_news))
        return
    changes: dict[str, Wishes] = {
        "confirm": replace(now, confirm_above_minor=amount or None),
        "low": replace(now, low_balance_minor=amount or None),
        "restock": replace(now, restock=not now.restock),
        "maint": replace(now, maintenance=not now.maintenance),
    }
    await desk.shop.write(resellers.set_wishes, reseller_id=desk.reseller.id, wishes=changes[what], by=desk.who)


async def screen(desk: Desk) -> tuple[Safe, list[Row]]:
    """What is set, with buttons for whoever may change it."""
    speech = desk.speech
    wishes = await desk.shop.read(resellers.wishes_of, desk.reseller.id)
    currency = (await desk.wallet()).currency
    unit = 10 ** exponent(currency) if exponent(currency) else 100

    def money(minor: int) -> str:
        return speech.price(minor, currency)

    text = paragraphs(
        speech.say("⚙️ <b>Limits and notices of {name}</b>", name=desk.reseller.name),
        lines(
            speech.say("Every purchase is confirmed by a button.")
            if wishes.confirm_above_minor is None
            else speech.say(
                "A purchase above {amount} is confirmed by a button, others are made at once.",
                amount=bold(money(wishes.confirm_above_minor)),
            ),
            speech.say("Nothing is said about a low balance.")
            if wishes.low_balance_minor is None
            else speech.say("Below {amount} we tell you that the balance is low.", amount=bold(money(wishes.low_balance_minor))),
        ),
        speech.say(
            "One order has up to {codes} codes; a list up to {lines} lines and {units} codes.",
            codes=speech.number(10_000),
            lines=speech.number(resellers.MOST_LINES),
            units=speech.number(resellers.MOST_UNITS),
        ),
        await credit.in_short(desk) if desk.may.sees or desk.may.owns else None,
        None if desk.may.owns else speech.say("Only the owner can change this."),
        _example(desk) if desk.may.owns else None,
    )
    if not desk.may.owns:
        return text, []

    def choice(what: str, amounts: tuple[int, ...], now: int | None, none: str) -> Row:
        row = [button(("• " if now is None else "") + none, WishPress(what=what))]
        return row + [button(("• " if now == n * unit else "") + money(n * unit), WishPress(what=what, amount=n * unit)) for n in amounts]

    def switch(on: bool, label: str, what: str) -> Row:
        return [button(("🔔 " if on else "🔕 ") + label, WishPress(what=what))]

    return text, [
        choice("confirm", CONFIRM, wishes.confirm_above_minor, speech.label("Always ask")),
        choice("low", LOW, wishes.low_balance_minor, speech.label("Low: off")),
        switch(desk.reseller.wants_price_news, speech.label("Changed prices"), "prices"),
        switch(wishes.restock, speech.label("Back in stock"), "restock"),
        switch(wishes.maintenance, speech.label("Maintenance"), "maint"),
    ]


async def wish_pressed(press: CallbackQuery, callback_data: WishPress, desk: Desk) -> None:
    """Change one thing and show the rest."""
    desk.need(Role.OWNER)
    await _change(desk, callback_data.what, callback_data.amount)
    text, rows = await screen(desk)
    await redraw(press, text, rows)


# The notices themselves


async def low_balance(note: Note) -> Said:
    """To a reseller: there is less than they named."""
    speech, currency = note.speech, note.storefront.currency
    said = speech.say(
        "👛 Your balance is {balance}, below the {limit} you named.",
        balance=bold(speech.price(int(note.body["balance_minor"]), currency)),
        limit=speech.price(int(note.body["below_minor"]), currency),
    )
    return paragraphs(said, speech.say("/limits changes when we tell you.")), keyboard(
        [[button(speech.label("➕ Add money"), callbacks.Balance(fresh=True))]]
    )


def maintenance(note: Note) -> Said:
    """To a reseller: what the staff say about maintenance."""
    speech = note.speech
    return (
        paragraphs(
            speech.say("🛠 <b>Maintenance</b>"), plain(str(note.body["text"]), 1000), speech.say("/limits switches such messages off.")
        ),
        None,
    )


SAYS: dict[str, Wording] = {"low-balance": low_balance, "maintenance": maintenance}


def router() -> Router:
    """/limits, also called /notices."""
    made = desk_router("reseller-limits")
    made.message.register(limits_asked, Command("limits", "notices"))
    made.callback_query.register(wish_pressed, WishPress.filter())
    return made
