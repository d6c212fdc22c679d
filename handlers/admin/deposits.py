"""Security deposits: what each standing is asked for, who has paid one, and giving it back."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import onboarding, supply
from core.money import decimal_text, parse_minor
from core.onboarding import (
    DepositState,
)
from core.supply import Standing
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, NotFound, Question, ask, do, go
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from handlers.supply.words import STANDINGS as CALLED
from locales import N_, Safe

DEPOSITS = {
    DepositState.ASKED: N_("not paid yet"),
    DepositState.PAID: N_("paid"),
    DepositState.RETURNED: N_("given back"),
    DepositState.WAIVED: N_("not asked for any more"),
}
OFFERED_STANDINGS = (Standing.NEW, Standing.TRUSTED, Standing.AUTHORISED, Standing.CREATOR)


def router() -> Router:
    made = Router(name="admin-deposits")
    made.callback_query.register(deposits, Go.filter(F.to == "deposits"))
    made.callback_query.register(deposit, Go.filter(F.to == "deposit"))
    made.callback_query.register(confirm_back, Go.filter(F.to == "deposit-out"))
    made.callback_query.register(give_back, Do.filter(F.act == "deposit-back"))
    made.callback_query.register(ask_none, Do.filter(F.act == "deposit-off"))
    return made


async def deposits(press: CallbackQuery, desk: Desk) -> None:
    await _deposits(press, desk)


async def _deposits(event: Message | CallbackQuery, desk: Desk) -> None:
    """What each standing is asked for, and the suppliers of whom something was."""
    say, currency = desk.speech, desk.storefront.currency
    terms = await desk.shop.read(onboarding.deposit_terms, storefront_id=desk.storefront.id)
    told = [
        say.say(
            "{standing}: {amount}",
            standing=say.label(CALLED[one]),
            amount=say.price(terms[one], currency) if one in terms else say.label("none"),
        )
        for one in OFFERED_STANDINGS
    ]
    rows: list[Row] = [[ask(f"✏️ {say.label(CALLED[one])}", "deposit.set", arg=one.value) for one in OFFERED_STANDINGS]]
    asked = await desk.shop.read(onboarding.deposits, limit=PAGE)
    for deposit in asked:
        supplier = await desk.shop.read(supply.supplier, deposit.supplier_id)
        name = clipped(supplier.name if supplier else "–", 24)
        label = f"{name} · {say.price(deposit.amount_minor, deposit.currency)} · {say.label(DEPOSITS[deposit.state])}"
        rows.append([go(label, "deposit", deposit.supplier_id)])
    rows.append(desk.back("apps"))
    text = paragraphs(
        bold(say.label("Security deposits")),
        say.say("Suppliers who are approved from now on are asked for this before they list anything:"),
        lines(*told),
    )
    await desk.show(event, text, rows)


async def deposit(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _deposit(press, desk, callback_data.id)


async def _deposit(event: Message | CallbackQuery, desk: Desk, supplier_id: int) -> None:
    say = desk.speech
    found = await desk.shop.read(onboarding.deposit_of, supplier_id)
    supplier = await desk.shop.read(supply.supplier, supplier_id)
    if found is None or supplier is None:
        raise NotFound(text=str(supplier_id))
    rows: list[Row] = []
    if found.state is DepositState.PAID:
        rows.append([go(say.label("🔓 Give it back"), "deposit-out", supplier_id, style="danger")])
    elif found.state is not DepositState.WAIVED:
        rows.append([do(say.label("Ask for none any more"), "deposit-off", supplier_id)])
    rows.append(desk.back("deposits"))
    text = lines(
        bold(supplier.name),
        say.say("Deposit: {amount}, {state}", amount=say.price(found.amount_minor, found.currency), state=say.label(DEPOSITS[found.state])),
        say.say("While it is not there, they list nothing.") if found.state in (DepositState.ASKED, DepositState.RETURNED) else None,
    )
    await desk.show(event, text, rows)


async def confirm_back(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """A second press gives it back: the money is at the supplier's disposal then."""
    say, supplier_id = desk.speech, callback_data.id
    found = await desk.shop.read(onboarding.deposit_of, supplier_id)
    supplier = await desk.shop.read(supply.supplier, supplier_id)
    if found is None or supplier is None:
        raise NotFound(text=str(supplier_id))
    text = say.say(
        "Give {amount} back to {name}? They list nothing new until it is paid again.",
        amount=bold(say.price(found.amount_minor, found.currency)),
        name=supplier.name,
    )
    rows = [[do(say.label("🔓 Give it back"), "deposit-back", supplier_id, style="danger")], desk.back("deposit", supplier_id)]
    await desk.show(press, text, rows)


async def give_back(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(onboarding.give_deposit_back, supplier_id=callback_data.id, by=desk.by)
    await press.answer(desk.speech.label("The deposit is on their balance again."))
    await _deposit(press, desk, callback_data.id)


async def ask_none(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(onboarding.waive_deposit, supplier_id=callback_data.id, by=desk.by)
    await _deposit(press, desk, callback_data.id)


async def _ask_deposit(desk: Desk, asked: Asked) -> Safe:
    if asked.arg not in OFFERED_STANDINGS:
        raise NotFound(text=asked.arg)
    return desk.speech.say(
        "Type what suppliers with the standing “{standing}” deposit, for example: <i>{example}</i>. Type 0 to ask for nothing.",
        standing=desk.speech.label(CALLED[Standing(asked.arg)]),
        example=decimal_text(50_000, desk.storefront.currency),
    )


async def _set_deposit(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    if asked.arg not in OFFERED_STANDINGS:
        raise NotFound(text=asked.arg)
    await desk.shop.write(
        onboarding.set_deposit,
        storefront_id=desk.storefront.id,
        standing=Standing(asked.arg),
        amount_minor=parse_minor(text, desk.storefront.currency),
        by=desk.by,
    )
    await _deposits(message, desk)


QUESTIONS["deposit.set"] = Question(_ask_deposit, _set_deposit, "deposits")
