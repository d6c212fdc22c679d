"""A supplier's money in the chat: what was earned, by day and stream; payouts; where the money goes; and what buyers look for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import BufferedInputFile, CallbackQuery, InlineKeyboardButton, Message
from pydantic import Field

from core import books, settlement, supply
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.money import parse_minor
from core.people import Customer
from core.settlement import Earnings, PayoutState, PayoutView, PayTo, Wanted
from core.storefronts import Storefront
from core.supply import SupplierView
from handlers.admin.sent import deleted
from handlers.callbacks import Number
from handlers.conversation import conversation
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, clipped, full_name, keyboard, lines, paragraphs, plain, show, within
from handlers.screen import refused
from handlers.supply.desk import see
from handlers.supply.money_words import PAYOUT_STATES, earnings_csv, earnings_png, earnings_said, file_name, period, why_not
from locales import Safe, Speech

PAGE = 8
DEMAND_DAYS = 30


class Earn(CallbackData, prefix="sup$"):
    """A supplier's money: which screen, of whom, of how many days, in which currency (empty: the first they earned in)."""

    to: Annotated[str, Field(max_length=8)]
    supplier: Number = 0
    id: Number = 0
    currency: Annotated[str, Field(max_length=8)] = ""


class PayoutTyping(StatesGroup):
    """What a supplier types next."""

    amount = State()
    account = State()


def entry(speech: Speech, supplier_id: int) -> InlineKeyboardButton:
    """The button that leads here from a supplier's home."""
    return button(speech.label("💰 My earnings"), Earn(to="days", supplier=supplier_id, id=1))


async def _mine(shop: Shop, customer: Customer, supplier_id: int) -> SupplierView:
    """The supplier, when this person acts for it. Raises Gone: of others nothing is told, not even that they exist."""
    mine = await shop.read(supply.suppliers_of, customer.telegram_id)
    found = next((one for one in mine if supplier_id in (0, one.id)), None)
    if found is None:
        raise Gone
    return found


async def _currency(shop: Shop, storefront: Storefront, supplier_id: int, wanted: str) -> str:
    known = await shop.read(settlement.currencies_of, supplier_id)
    return wanted if wanted in known else (known[0] if known else storefront.currency)


async def _made(shop: Shop, storefront: Storefront, speech: Speech, data: Earn) -> Earnings:
    last = await shop.read(books.today_of, timezone=speech.timezone)
    first = last.replace(day=1) if data.id == 31 else last - timedelta(days=min(max(data.id, 1), 31) - 1)
    currency = await _currency(shop, storefront, data.supplier, data.currency)
    return await shop.read(
        settlement.earnings, supplier_id=data.supplier, currency=currency, first=first, last=last, timezone=speech.timezone
    )


async def commanded(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    """/earnings: of the supplier this person acts for."""
    try:
        found = await _mine(shop, customer, 0)
    except Gone:
        await show(message, speech.say("This is for suppliers of the shop. /supply says how to become one."))
        return
    data = Earn(to="days", supplier=found.id, id=1)
    await show(message, *await _drawn(shop, storefront, speech, data))


async def days(press: CallbackQuery, callback_data: Earn, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    found = await _mine(shop, customer, callback_data.supplier)
    await show(press, *await _drawn(shop, storefront, speech, callback_data.model_copy(update={"supplier": found.id})))


async def _drawn(shop: Shop, storefront: Storefront, speech: Speech, data: Earn) -> Said:
    made = await _made(shop, storefront, speech, data)
    at = data.model_copy(update={"currency": made.currency})

    def to(label: str, **changed: object) -> InlineKeyboardButton:
        return button(label, at.model_copy(update=changed))

    home = see(speech.label("🏭 My supply"), "home", data.supplier)
    rows: list[Row] = [
        [
            to(speech.label("Today"), to="days", id=1),
            to(speech.label("7 days"), to="days", id=7),
            to(speech.label("This month"), to="days", id=31),
        ],
        [to(speech.label("🖼 Picture"), to="png"), to(speech.label("📄 Spreadsheet"), to="csv")],
        [button(speech.label("💸 Ask for a payout"), at.model_copy(update={"to": "ask", "id": 0}), "primary")],
        [to(speech.label("🧾 Payouts"), to="payouts", id=0), to(speech.label("🏦 Where it goes"), to="where", id=0)],
        [to(speech.label("🔎 What buyers looked for"), to="wanted", id=0)],
        [to(currency, to="days", id=data.id, currency=currency) for currency in made.currencies if currency != made.currency],
        [home],
    ]
    return earnings_said(made, speech), keyboard(rows)


async def filed(press: CallbackQuery, callback_data: Earn, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    """The statement as a picture or as a spreadsheet."""
    found = await _mine(shop, customer, callback_data.supplier)
    made = await _made(shop, storefront, speech, callback_data.model_copy(update={"supplier": found.id}))
    if press.message is None:
        return
    caption = f"💰 {period(made, speech)}"
    if callback_data.to == "png":
        # Drawing takes the processor for a moment: the chats of everybody else go on meanwhile.
        picture = BufferedInputFile(await asyncio.to_thread(earnings_png, made, speech), file_name(made, "png"))
        await press.message.answer_photo(picture, caption=caption)
    else:
        document = BufferedInputFile(await asyncio.to_thread(earnings_csv, made, speech), file_name(made, "csv"))
        await press.message.answer_document(document, caption=caption)


def _back(speech: Speech, supplier_id: int, currency: str) -> Row:
    return [button(speech.label("‹ Back"), Earn(to="days", supplier=supplier_id, id=1, currency=currency))]


# Payouts


async def ask_pressed(
    press: CallbackQuery,
    callback_data: Earn,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    state: FSMContext,
    payout_coins: Mapping[str, str] | None = None,
) -> None:
    """How much? All of it by one press, or an amount by typing."""
    found = await _mine(shop, customer, callback_data.supplier)
    currency = await _currency(shop, storefront, found.id, callback_data.currency)
    where = await shop.read(settlement.address, found.id)
    if where is None:
        await _where(press, shop, speech, found.id, currency, payout_coins)
        return
    await state.set_state(PayoutTyping.amount)
    await state.set_data({"supplier": found.id, "currency": currency})
    await show(press, *await _asked(shop, speech, found.id, currency))


async def _asked(shop: Shop, speech: Speech, supplier_id: int, currency: str, no: Safe | None = None) -> Said:
    there = await shop.read(settlement.available, supplier_id=supplier_id, currency=currency)
    where, asked = await shop.read(settlement.address, supplier_id), await shop.read(settlement.rule, currency)
    money = speech.price
    said = paragraphs(
        no,
        lines(
            speech.say("You can ask for {amount}.", amount=bold(money(there.minor, currency))),
            speech.say("Frozen by complaints and objections: {amount}", amount=money(there.frozen_minor, currency))
            if there.frozen_minor
            else None,
            speech.say("It goes to: {where}", where=plain(where.masked, 200)) if where else None,
        ),
        speech.say("Type how much, for example: <i>{example}</i>", example=money(max(asked.least_minor, there.minor // 2), currency)),
    )
    rows: list[Row] = []
    if there.minor >= asked.least_minor:
        label = speech.label("All of it: {amount}", amount=money(there.minor, currency))
        # The sum stands in the button: what was shown is what is asked for.
        rows.append([button(label, Earn(to="all", supplier=supplier_id, id=there.minor, currency=currency), "success")])
    return said, keyboard([*rows, _back(speech, supplier_id, currency)])


async def all_pressed(
    press: CallbackQuery, callback_data: Earn, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    found = await _mine(shop, customer, callback_data.supplier)
    made = await shop.write(
        settlement.ask_payout,
        supplier_id=found.id,
        storefront_id=storefront.id,
        currency=callback_data.currency,
        by=f"telegram:{customer.telegram_id}",
        amount_minor=callback_data.id,
    )
    await show(press, *_asked_for(made, speech))


async def _typed(message: Message, state: FSMContext, speech: Speech) -> dict[str, Any] | None:
    """What the typed message answers; None when that is over: the same message may come twice, and is answered once."""
    data = await state.get_data()
    await state.clear()
    if "supplier" not in data:
        await show(message, speech.say("This question is out of date. Please open /supply again."))
        return None
    return data


async def amount_typed(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext) -> None:
    data = await _typed(message, state, speech)
    if data is None:
        return
    currency = str(data["currency"])
    found = await _mine(shop, customer, int(data["supplier"]))
    try:
        made = await shop.write(
            settlement.ask_payout,
            supplier_id=found.id,
            storefront_id=storefront.id,
            currency=currency,
            by=f"telegram:{customer.telegram_id}",
            amount_minor=parse_minor(message.text or "", currency),
        )
    except Refusal as no:
        await state.set_state(PayoutTyping.amount)
        await state.set_data(data)
        await show(message, *await _asked(shop, speech, found.id, currency, refused(speech, no)))
        return
    await show(message, *_asked_for(made, speech))


def _asked_for(made: PayoutView, speech: Speech) -> Said:
    said = speech.say(
        "✅ You have asked for {amount}. The shop looks at it, and you are told when it is sent.",
        amount=bold(speech.price(made.amount_minor, made.currency)),
    )
    rows = [[button(speech.label("🧾 Payouts"), Earn(to="payouts", supplier=made.supplier_id, currency=made.currency))]]
    return said, keyboard([*rows, _back(speech, made.supplier_id, made.currency)])


async def payouts(press: CallbackQuery, callback_data: Earn, shop: Shop, customer: Customer, speech: Speech) -> None:
    """The list, the newest first; what was sent can be said to have come."""
    found = await _mine(shop, customer, callback_data.supplier)
    page = min(callback_data.id, 10_000)
    rows_of = await shop.read(settlement.payouts_of, found.id, offset=page * PAGE, limit=PAGE + 1)
    told = [payout_line(one, speech) for one in rows_of[:PAGE]]
    at = callback_data.model_copy(update={"supplier": found.id})
    rows: list[Row] = [
        [
            button(
                speech.label("✅ {amount} has arrived", amount=speech.price(one.amount_minor, one.currency)),
                at.model_copy(update={"to": "came", "id": one.id}),
            )
        ]
        for one in rows_of[:PAGE]
        if one.state is PayoutState.SENT
    ]
    turn = [button("◀", at.model_copy(update={"id": page - 1}))] if page else []
    if len(rows_of) > PAGE:
        turn.append(button("▶", at.model_copy(update={"id": page + 1})))
    said = lines(*told) if told else speech.say("There are no payouts yet.")
    await show(press, paragraphs(bold(speech.label("Payouts")), said), keyboard([*rows, turn, _back(speech, found.id, at.currency)]))


def payout_line(one: PayoutView, speech: Speech) -> Safe:
    """A payout on a line."""
    said = speech.say(
        "• {when}: {amount}, {state}",
        when=speech.when(one.asked_at),
        amount=speech.price(one.amount_minor, one.currency),
        state=speech.label(PAYOUT_STATES[one.state]),
    )
    about = why_not(one.why, speech) if one.state is PayoutState.REFUSED and one.why else one.reference
    return said + Safe(" · ") + plain(about, 80) if about else said


async def came(press: CallbackQuery, callback_data: Earn, shop: Shop, customer: Customer, speech: Speech) -> None:
    found = await _mine(shop, customer, callback_data.supplier)
    by = f"telegram:{customer.telegram_id}"
    await shop.write(settlement.confirm_payout, payout_id=callback_data.id, supplier_id=found.id, by=by)
    await payouts(press, callback_data.model_copy(update={"to": "payouts", "id": 0}), shop, customer, speech)


# Where it goes


async def where(
    press: CallbackQuery, callback_data: Earn, shop: Shop, customer: Customer, speech: Speech, payout_coins: Mapping[str, str] | None = None
) -> None:
    found = await _mine(shop, customer, callback_data.supplier)
    await _where(press, shop, speech, found.id, callback_data.currency, payout_coins)


async def _where(
    event: Message | CallbackQuery,
    shop: Shop,
    speech: Speech,
    supplier_id: int,
    currency: str,
    coins: Mapping[str, str] | None = None,
) -> None:
    now = await shop.read(settlement.address, supplier_id)
    said = paragraphs(
        speech.say("Your money goes to: {where}", where=bold(now.masked)) if now else speech.say("Where should your money go?"),
        speech.say("After a change nothing is paid out for a day, and everybody who acts for you is told."),
    )
    at = Earn(to="type", supplier=supplier_id, currency=currency)
    rows = [[button(speech.label("🏦 A bank account or address, in words"), at)]]
    if coins:
        label = speech.label("💎 Crypto Pay ({coin})", coin=next(iter(coins.values())))
        rows.append([button(label, at.model_copy(update={"id": 1}))])
    await show(event, said, keyboard([*rows, _back(speech, supplier_id, currency)]))


async def type_pressed(
    press: CallbackQuery, callback_data: Earn, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    found = await _mine(shop, customer, callback_data.supplier)
    to = PayTo.CRYPTO_PAY if callback_data.id == 1 else PayTo.WORDS
    await state.set_state(PayoutTyping.account)
    await state.set_data({"supplier": found.id, "to": to.value, "currency": callback_data.currency})
    await show(press, _type_said(to, customer, speech), keyboard([_back(speech, found.id, callback_data.currency)]))


def _type_said(to: PayTo, customer: Customer, speech: Speech) -> Safe:
    if to is PayTo.CRYPTO_PAY:
        return speech.say(
            "Type the Telegram number of who gets the money; they must have opened @CryptoBot once. Yours is <code>{id}</code>.",
            id=customer.telegram_id,
        )
    return speech.say("Type the account in words, for example: <i>{example}</i>", example=_account(speech))


def _account(speech: Speech) -> str:
    """An account as somebody who reads this language would write it."""
    return speech.label("Bank of China, 6217 0000 0000 0000, Li Ming")


async def account_typed(
    message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    data = await _typed(message, state, speech)
    if data is None:
        return
    found, to = await _mine(shop, customer, int(data["supplier"])), PayTo(str(data["to"]))
    back = _back(speech, found.id, str(data["currency"]))
    try:
        made = await shop.write(
            settlement.set_address,
            supplier_id=found.id,
            storefront_id=storefront.id,
            to=to,
            words=message.text or "",
            by=f"telegram:{customer.telegram_id}",
        )
    except Refusal as no:
        if isinstance(no, settlement.NotAnAddress) and to is PayTo.WORDS:
            no.example = _account(speech)
        await state.set_state(PayoutTyping.account)
        await state.set_data(data)
        await show(message, paragraphs(refused(speech, no), _type_said(to, customer, speech)), keyboard([back]))
        return
    said = lines(
        speech.say("✅ Your money goes to: {where}", where=bold(made.masked)),
        None if await deleted(message) else speech.say("⚠️ I may not delete your message with the account. Please delete it yourself."),
        speech.say("Payouts can be asked for from {when} on.", when=speech.when(made.from_at)) if made.from_at > made.at else None,
    )
    await show(message, said, keyboard([back]))


# Unmet demand


async def wanted_said(shop: Shop, storefront: Storefront, speech: Speech, today: date) -> Safe:
    """What people looked for and did not get in a month: what, how often, how much of it, and when; without a name."""
    found = await shop.read(settlement.unmet, storefront_id=storefront.id, since=today - timedelta(days=DEMAND_DAYS))
    return within(
        paragraphs(
            bold(speech.label("What buyers looked for and did not find")),
            lines(*(_wanted_line(one, speech) for one in found)) if found else speech.say("Nothing was missed."),
            speech.say("In the last {n} days. Words that fewer than three people typed are not shown.", n=DEMAND_DAYS),
        )
    )


def _wanted_line(one: Wanted, speech: Speech) -> Safe:
    name: Safe | str = Safe("“") + plain(one.words, 60) + Safe("”")
    if one.sku is not None and one.product is not None:
        name = bold(clipped(full_name(one.product, one.sku, speech), 80))
    told = [speech.many("• {name}: {n} person", "• {name}: {n} people", one.people, name=name)]
    if one.times > one.people:
        told.append(speech.many("asked {n} time", "asked {n} times", one.times))
    if one.units:
        told.append(speech.many("{n} lacking", "{n} lacking", one.units))
    first, last = speech.day(one.first), speech.day(one.last)
    told.append(
        speech.say("on {day}", day=last)
        if one.days == 1
        else speech.many("on {n} day, {first} to {last}", "on {n} days, {first} to {last}", one.days, first=first, last=last)
    )
    return Safe(" · ").join(told)


async def wanted(press: CallbackQuery, callback_data: Earn, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    found = await _mine(shop, customer, callback_data.supplier)
    today = await shop.read(books.today_of, timezone=speech.timezone)
    said = await wanted_said(shop, storefront, speech, today)
    await show(press, said, keyboard([_back(speech, found.id, callback_data.currency)]))


# What a supplier is told


async def told(note: Note) -> Said:
    """A payout was sent or refused, or where the money goes was changed."""
    body, speech = note.body, note.speech
    if body["says"] == "payout-address":
        return speech.say(
            "⚠️ Your payouts go to {where} now. Nothing is paid out before {when}; if it was not you, write to the shop at once.",
            where=bold(str(body["masked"]) if "masked" in body else settlement.masked(str(body["words"]))),
            when=speech.when(datetime.fromisoformat(str(body["until"]))),
        ), None
    if body["says"] == "payout-sent":
        return speech.say("💸 Your payout of {amount} is sent.", amount=bold(note.price())), None
    return speech.say(
        "Your payout of {amount} was not made: {why}. The money is yours to ask for again.",
        amount=bold(note.price()),
        why=plain(why_not(str(body.get("why") or ""), speech), 200),
    ), None


def router() -> Router:
    """A supplier's money."""
    made = conversation("supply-earnings")
    made.message.register(commanded, Command("earnings"))
    for to, handler in (
        ("days", days),
        ("ask", ask_pressed),
        ("all", all_pressed),
        ("payouts", payouts),
        ("came", came),
        ("where", where),
        ("type", type_pressed),
        ("wanted", wanted),
    ):
        made.callback_query.register(handler, Earn.filter(F.to == to))
    made.callback_query.register(filed, Earn.filter(F.to.in_({"png", "csv"})))
    # Photos and files are answered, too; a command walks away.
    made.message.register(amount_typed, PayoutTyping.amount, ~F.text.startswith("/"))
    made.message.register(account_typed, PayoutTyping.account, ~F.text.startswith("/"))
    return made
