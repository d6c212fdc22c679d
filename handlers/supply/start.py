"""/supply: where an application stands and what happens next, how it begins and ends, and the deposit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import ledger, onboarding, supply
from core.database import Shop
from core.onboarding import ApplicationState, ApplicationView, DepositState, DepositView, Field, Kind, Verdict
from core.people import Customer
from core.storefronts import Storefront
from handlers import callbacks
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs, show
from handlers.screen import refused
from handlers.supply import home
from handlers.supply.buttons import Begin, Continue, Documents, PayDeposit, Summary, Supply, Withdraw
from handlers.supply.words import KINDS, KINDS_SAID, STANDINGS, reason_of
from locales import Safe, Speech


async def supply_asked(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    await open_(message, shop, storefront, customer, speech)


async def supply_pressed(
    press: CallbackQuery, callback_data: Supply, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    await open_(press, shop, storefront, customer, speech, fresh=callback_data.fresh)


async def open_(
    event: Message | CallbackQuery,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    said: Safe | None = None,
    *,
    fresh: bool = False,
) -> None:
    """The supplier's home for who has one – the deposit first, while it is asked for –, else the application."""
    for one in await shop.read(supply.suppliers_of, customer.telegram_id):
        asked = await shop.read(onboarding.deposit_of, one.id)
        if asked is not None and asked.state in (DepositState.ASKED, DepositState.RETURNED):
            await show(event, *await _deposit(shop, customer, speech, asked, said), fresh=fresh)
            return
        await home.show(event, shop, storefront, customer, speech, fresh=fresh)
        return
    await show(event, *await standing(shop, storefront, customer, speech, said), fresh=fresh)


async def standing(shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, said: Safe | None = None) -> Drawn:
    """Where the application stands, and what happens next."""
    found = await shop.read(onboarding.application_of, customer.telegram_id, storefront_id=storefront.id)
    heading = speech.say("<b>🏭 Selling through {shop}</b>", shop=storefront.name)
    if found is None or found.state in (ApplicationState.WITHDRAWN, ApplicationState.REFUSED, ApplicationState.APPROVED):
        return _beginning(found, heading, speech, said)
    if found.state is ApplicationState.SENT:
        return paragraphs(said, heading, *_with_the_shop(found, speech)), keyboard(
            [
                [button(speech.label("📋 What I sent"), Summary(id=found.id))],
                [button(speech.label("↩️ Withdraw"), Withdraw(id=found.id, version=found.version)), _to_shop(speech)],
            ]
        )
    answered = sum(getattr(found, field.value) is not None for field in Field)
    ready = found.next is None and found.unfinished is None
    text = paragraphs(
        said,
        heading,
        _sent_back(found, speech)
        if found.state is ApplicationState.SENT_BACK
        else speech.say("📝 Your application is a draft, and nobody has seen it yet. It is kept here until you send it, or withdraw it."),
        lines(
            speech.say("Answered: {n} of {all}", n=speech.number(answered), all=speech.number(len(Field))),
            speech.say("Papers: {n}", n=speech.number(len(found.papers))),
        ),
        speech.say("Next: look it over and send it.") if ready else speech.say("Next: answer what is missing. You can stop at any time."),
    )
    on = button(speech.label("📋 Look it over"), Summary(id=found.id), "primary")
    if not ready:
        on = button(speech.label("▶️ Continue"), Continue(id=found.id), "primary")
    rows: list[Row] = [[on], [button(speech.label("↩️ Withdraw"), Withdraw(id=found.id, version=found.version)), _to_shop(speech)]]
    if not ready:
        rows.insert(1, [button(speech.label("📋 What I have so far"), Summary(id=found.id))])
    return text, keyboard(rows)


def _to_shop(speech: Speech) -> InlineKeyboardButton:
    return button(speech.label("🛍 To the shop"), callbacks.Home())


def _beginning(found: ApplicationView | None, heading: Safe, speech: Speech, said: Safe | None) -> Drawn:
    before = None
    if found is not None and found.state is ApplicationState.REFUSED:
        reason = reason_of(found.why, found.why_text, speech)
        before = lines(speech.say("🚫 Your application {id} was refused.", id=found.id), reason)
    elif found is not None and found.state is ApplicationState.WITHDRAWN:
        before = speech.say("Your application {id} is withdrawn.", id=found.id)
    text = paragraphs(
        said,
        heading,
        before,
        speech.say(
            "You bring the codes, we sell them, and you are paid for each sale. Tell us who you are, and a person of the shop looks at it."
        ),
        lines(*(speech.say(sentence) for sentence in KINDS_SAID.values())),
        speech.say("As what would you like to apply?"),
    )
    rows: list[Row] = [[button(speech.label(KINDS[kind]), Begin(kind=kind))] for kind in Kind]
    return text, keyboard([*rows, [_to_shop(speech)]])


def _with_the_shop(found: ApplicationView, speech: Speech) -> list[Safe | None]:
    approved = sum(one.verdict is Verdict.APPROVE for one in found.decisions)
    return [
        speech.say("⏳ Your application {id} is with the shop since {when}.", id=found.id, when=speech.when(found.sent_at))
        if found.sent_at
        else None,
        speech.say("One of two reviewers has approved it. The second one looks at it next.") if approved else None,
        speech.say("Next: a person looks at it. You hear from us in this chat; there is nothing you have to do."),
    ]


def _sent_back(found: ApplicationView, speech: Speech) -> Safe:
    return lines(
        speech.say("↩️ <b>Please change something and send it again.</b> The shop says:"),
        reason_of(found.why, found.why_text, speech),
    )


async def withdraw_pressed(
    press: CallbackQuery, callback_data: Withdraw, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    """Asked once more, because what was filled in does not come back."""
    if not callback_data.sure:
        said = speech.say("Withdraw your application? What you filled in is put away, and you begin anew when you apply again.")
        sure = Withdraw(id=callback_data.id, version=callback_data.version, sure=True)
        rows: list[Row] = [
            [button(speech.label("↩️ Yes, withdraw it"), sure, "danger")],
            [button(speech.label("⬅️ No, keep it"), Supply())],
        ]
        await show(press, said, keyboard(rows))
        return
    no: Safe | None = None
    try:
        await shop.write(onboarding.withdraw, application_id=callback_data.id, customer_id=customer.id, version=callback_data.version)
    except (onboarding.Outdated, onboarding.NoApplication) as refusal:
        no = refused(speech, refusal)
    await open_(press, shop, storefront, customer, speech, no)


# The deposit


async def _deposit(shop: Shop, customer: Customer, speech: Speech, asked: DepositView, said: Safe | None = None) -> Drawn:
    """What is to be deposited, what is in the wallet, and one press to pay it."""
    has_minor = await shop.read(ledger.balance, customer.wallet_id)
    enough = has_minor >= asked.amount_minor
    amount = speech.price(asked.amount_minor, asked.currency)
    text = paragraphs(
        said,
        speech.say("<b>🔐 Security deposit</b>"),
        speech.say("Before you list anything, the shop asks for a deposit of {amount}.", amount=bold(amount)),
        speech.say("It is yours, and is given back when you stop selling here."),
        speech.say("👛 Your balance: {balance}", balance=bold(speech.price(has_minor, asked.currency))),
        None if enough else speech.say("Please top up first; then come back here by /supply."),
    )
    pay = button(speech.label("🔐 Deposit {amount}", amount=amount), PayDeposit(supplier=asked.supplier_id), "success")
    rows: list[Row] = [[pay] if enough else [button(speech.label("👛 Top up"), callbacks.Balance())]]
    rows.append([button(speech.label("📄 Papers"), Documents(supplier=asked.supplier_id)), _to_shop(speech)])
    return text, keyboard(rows)


async def deposit_pressed(
    press: CallbackQuery, callback_data: PayDeposit, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    """Move it from the wallet; pressed twice, it is moved once."""
    try:
        await shop.write(onboarding.pay_deposit, supplier_id=callback_data.supplier, customer_id=customer.id)
    except ledger.TooLittle as refusal:
        await open_(press, shop, storefront, customer, speech, refused(speech, refusal), fresh=callback_data.fresh)
        return
    await press.answer(speech.label("✅ Thank you, the deposit is here. You can list your goods now."), show_alert=True)
    await open_(press, shop, storefront, customer, speech, fresh=callback_data.fresh)


# What the shop says of its own accord


async def noticed(note: Note) -> Said:
    """To the applicant: somebody has decided something."""
    speech, body = note.speech, note.body
    found = await note.shop.read(onboarding.application, int(body["application"]))
    to_supply = button(speech.label("🏭 My application"), Supply(fresh=True))
    if found is None:
        return speech.say("There is no such application. /supply shows where yours stands."), None
    event = str(body["event"])
    if event == "half-approved":
        said = speech.say("👍 One of two reviewers has approved your application {id}. The second one looks at it next.", id=found.id)
        return said, keyboard([[to_supply]])
    if event == ApplicationState.SENT_BACK and found.state is ApplicationState.SENT_BACK:
        return paragraphs(_sent_back(found, speech), speech.say("Nothing is lost: change only what is needed.")), keyboard(
            [[button(speech.label("✏️ Change it"), Supply(fresh=True), "primary")]]
        )
    if event == ApplicationState.REFUSED:
        reason = reason_of(found.why, found.why_text, speech)
        return lines(speech.say("🚫 Your application {id} was refused.", id=found.id), reason), keyboard([[to_supply]])
    if event == ApplicationState.APPROVED and found.supplier_id is not None:
        supplier = await note.shop.read(supply.supplier, found.supplier_id)
        asked = await note.shop.read(onboarding.deposit_of, found.supplier_id)
        due = asked is not None and asked.state is DepositState.ASKED
        rows = [[button(speech.label("🏭 My supply"), Supply(fresh=True), "primary")]]
        return paragraphs(
            speech.say("🎉 <b>Welcome!</b> You are approved: {name} can sell here now.", name=bold(supplier.name if supplier else "")),
            speech.say("Your standing: {standing}.", standing=speech.label(STANDINGS[supplier.standing])) if supplier else None,
            speech.say("The shop asks for a deposit first: /supply shows it.")
            if due
            else speech.say("/supply opens your home: begin there."),
        ), keyboard(rows)
    # Sent again or withdrawn since: what is so now is on the screen.
    return speech.say("There is news about your application {id}: /supply shows where it stands.", id=found.id), keyboard([[to_supply]])


def deposit_returned(note: Note) -> Said:
    """To the supplier: the deposit is on the balance again."""
    said = note.speech.say("🔓 Your security deposit of {amount} is on your balance again.", amount=bold(note.price()))
    return said, keyboard([[button(note.speech.label("👛 My balance"), callbacks.Balance(fresh=True))]])


SAYS: Mapping[str, Any] = {"application": noticed, "deposit-returned": deposit_returned}


def router() -> Router:
    """/supply, and what is pressed there."""
    router = conversation("supply-start")
    router.message.register(supply_asked, Command("supply"))
    router.callback_query.register(supply_pressed, Supply.filter())
    router.callback_query.register(withdraw_pressed, Withdraw.filter())
    router.callback_query.register(deposit_pressed, PayDeposit.filter())
    return router
