"""Payouts to suppliers at the desk: each with its sum, where it goes and what was paid before; approved, sent, or refused."""

from __future__ import annotations

from collections.abc import Mapping

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import people, settlement, supply
from core.catalog import Gone
from core.database import Shop
from core.money import parse_minor
from core.settlement import PayoutState, PayoutView, PayTo
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, keyboard, lines, paragraphs, plain
from handlers.supply.earnings import payout_line
from handlers.supply.money_words import PAYOUT_STATES, TO, why_waits
from locales import N_, Safe

_BEFORE = 5  # earlier payouts on the card
_LONGEST = 200


def router() -> Router:
    made = Router(name="admin-payouts")
    made.callback_query.register(waiting, Go.filter(F.to == "payouts"))
    made.callback_query.register(payout, Go.filter(F.to == "payout"))
    made.callback_query.register(rules, Go.filter(F.to == "payout-rule"))
    made.callback_query.register(approve, Do.filter(F.act == "po-yes"))
    return made


async def waiting(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What waits for somebody, the oldest first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(settlement.open_payouts, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = []
    for one in found[:PAGE]:
        of = await desk.shop.read(supply.supplier, one.supplier_id)
        label = say.label(
            "{name}: {amount}, {state}",
            name=of.name if of else "",
            amount=say.price(one.amount_minor, one.currency),
            state=say.label(PAYOUT_STATES[one.state]),
        )
        rows.append([go(label, "payout", one.id)])
    rows.append(desk.pages("payouts", 0, page, len(found) > PAGE))
    rows.append([go(say.label("⚙️ Rules of payouts"), "payout-rule")])
    rows.append(desk.back("supply"))
    said = say.say("These wait for you.") if found else say.say("No payout waits for anybody.")
    await desk.show(press, paragraphs(bold(say.say("Payouts")), said), rows)


async def payout(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_payout(press, desk, callback_data.id)


async def _found(desk: Desk, payout_id: int) -> PayoutView:
    found = await desk.shop.read(settlement.payout, payout_id)
    if found is None:
        raise Gone
    return found


async def show_payout(event: Message | CallbackQuery, desk: Desk, payout_id: int) -> None:
    """The card of a payout, with what can be done about it now."""
    found = await _found(desk, payout_id)
    said, rows = await _card(desk, found)
    await desk.show(event, said, [*rows, desk.back("payouts")])


async def _card(desk: Desk, one: PayoutView) -> tuple[Safe, list[Row]]:
    say, shop = desk.speech, desk.shop
    of = await shop.read(supply.supplier, one.supplier_id)
    there = await shop.read(settlement.available, supplier_id=one.supplier_id, currency=one.currency)
    before = [each for each in await shop.read(settlement.payouts_of, one.supplier_id, limit=_BEFORE + 1) if each.id != one.id]
    money = say.price
    text = paragraphs(
        bold(say.say("Payout {id} to {name}", id=one.id, name=of.name if of else "")),
        lines(
            say.say("Amount: {amount}", amount=bold(money(one.amount_minor, one.currency))),
            say.say("Sent as: {amount}", amount=money(one.pay_minor, one.pay_currency)) if one.pay_minor and one.pay_currency else None,
            say.say("State: {state}", state=say.label(PAYOUT_STATES[one.state])),
            say.say("It goes, {how}, to: <code>{where}</code>", how=say.label(TO[one.to]), where=one.words),
            say.say("Asked for: {when}", when=say.when(one.asked_at)),
            say.say("Approved by {who}", who=", ".join([await name_of(shop, who) for who in (one.approved_by, one.second_by) if who]))
            if one.approved_by
            else None,
            say.say("Reference: {reference}", reference=plain(one.reference, 200)) if one.reference else None,
            why_waits(one, say),
        ),
        lines(
            say.say("Besides it the supplier has {amount} due.", amount=money(there.due_minor, one.currency)),
            say.say("Frozen by complaints and objections: {amount}", amount=money(there.frozen_minor, one.currency))
            if there.frozen_minor
            else None,
            say.say("Two of the staff approve what is above {amount}.", amount=money(one.two_above_minor, one.currency))
            if one.state is PayoutState.REQUESTED and one.amount_minor > one.two_above_minor
            else None,
        ),
        lines(say.say("Before it:"), *(payout_line(each, say) for each in before[:_BEFORE])) if before else None,
    )
    rows: list[Row] = []
    if one.state is PayoutState.REQUESTED:
        rows.append([do(say.label("✅ Approve"), "po-yes", one.id, style="success")])
    if one.state is PayoutState.APPROVED and one.to is PayTo.WORDS:
        rows.append([ask(say.label("💸 It is sent"), "payout.sent", one.id, style="success")])
    if one.state is PayoutState.REQUESTED or (one.state is PayoutState.APPROVED and one.tries == 0):
        rows.append([ask(say.label("✖️ Refuse"), "payout.refuse", one.id, style="danger")])
    return text, rows


async def name_of(shop: Shop, by: str) -> str:
    """A person of the action log by name."""
    number = by.removeprefix("telegram:")
    found = await shop.read(people.called, telegram_id=int(number)) if number.isdecimal() else None
    return found or by


async def approve(press: CallbackQuery, callback_data: Do, desk: Desk, payout_coins: Mapping[str, str] | None = None) -> None:
    """One press; above the rule's sum another member of the staff has to press too."""
    found = await _found(desk, callback_data.id)
    coin = (payout_coins or {}).get(found.to.value)
    await desk.shop.write(settlement.approve_payout, payout_id=found.id, by=desk.by, pay_currency=coin)
    await show_payout(press, desk, found.id)


async def _ask_sent(desk: Desk, asked: Asked) -> Safe:
    found, say = await _found(desk, asked.id), desk.speech
    await desk.shop.read(settlement.may_pay, found.id)  # Before they go to their bank, not after.
    return say.say(
        "Send {amount} to <code>{where}</code>, then type the bank's reference, for example: <i>BOC-7781</i>",
        amount=bold(say.price(found.amount_minor, found.currency)),
        where=found.words,
    )


async def _take_sent(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(settlement.sent_by_hand, payout_id=asked.id, by=desk.by, reference=short_enough(text, _LONGEST))
    await show_payout(message, desk, asked.id)


async def _ask_refuse(desk: Desk, asked: Asked) -> Safe:
    await _found(desk, asked.id)
    return desk.speech.say("Type why it is not paid; the supplier reads it. For example: <i>The account has another name.</i>")


async def _take_refuse(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(settlement.refuse_payout, payout_id=asked.id, by=desk.by, why=short_enough(text, _LONGEST))
    await show_payout(message, desk, asked.id)


async def rules(press: CallbackQuery, desk: Desk) -> None:
    await show_rules(press, desk)


async def show_rules(event: Message | CallbackQuery, desk: Desk) -> None:
    """How small a payout may be, and above which sum two approve it."""
    say, currency = desk.speech, desk.storefront.currency
    rule = await desk.shop.read(settlement.rule, currency)
    text = paragraphs(
        bold(say.say("Rules of payouts")),
        lines(
            say.say("A payout is at least {amount}.", amount=bold(say.price(rule.least_minor, currency))),
            say.say("Two of the staff approve what is above {amount}.", amount=bold(say.price(rule.two_above_minor, currency))),
        ),
    )
    rows = [
        [ask(say.label("Smallest payout"), "payout.least")],
        [ask(say.label("Two approve above…"), "payout.two")],
        desk.back("payouts"),
    ]
    await desk.show(event, text, rows)


def _rule(which: str, prompt: str) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say(prompt)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        currency = desk.storefront.currency
        await desk.shop.write(settlement.set_rule, currency=currency, by=desk.by, **{which: parse_minor(text, currency)})
        await show_rules(message, desk)

    return Question(says, take, "payout-rule")


QUESTIONS |= {
    "payout.sent": Question(_ask_sent, _take_sent, "payout"),
    "payout.refuse": Question(_ask_refuse, _take_refuse, "payout"),
    "payout.least": _rule("least_minor", N_("Type the smallest sum that is paid out, for example: <i>100</i>")),
    "payout.two": _rule("two_above_minor", N_("Type above which sum two of the staff approve, for example: <i>10000</i>")),
}


async def alerted(note: Note) -> Said:
    """To the staff: a payout was asked for, declined by its provider, or not answered for long."""
    body, say = note.body, note.speech
    found = await note.shop.read(settlement.payout, int(body["payout"]))
    assert found is not None, "payouts are never deleted"
    of = await note.shop.read(supply.supplier, found.supplier_id)
    facts = {"name": bold(of.name if of else ""), "amount": bold(say.price(found.amount_minor, found.currency))}
    if body["says"] == "payout-asked":
        said = lines(
            say.say("💸 {name} asks for a payout of {amount}.", **facts),
            say.say("It goes, {how}, to: <code>{where}</code>", how=say.label(TO[found.to]), where=settlement.masked(found.words)),
        )
    elif body["says"] == "payout-declined":
        said = say.say("🔴 A payout of {amount} to {name} was declined ({why}). The money is due again.", **facts, why=f"“{body['why']}”")
    elif body["says"] == "payout-gone":
        said = say.say(
            "🔴 A payout of {amount} to {name} that was given up was sent after all. It is booked as paid; please look.", **facts
        )
    elif body["says"] == "payout-stuck" and found.state is PayoutState.APPROVED:
        said = say.say("🔴 There is no way to pay a payout of {amount} to {name} now. Set the way up, or refuse it.", **facts)
    else:
        said = say.say("🔴 Nobody answers whether a payout of {amount} to {name} was sent. It is asked again; please look there.", **facts)
    rows: list[Row] = []
    if body["says"] == "payout-asked" and found.state is PayoutState.REQUESTED:
        rows.append([do(say.label("✅ Approve"), "po-yes", found.id, style="success")])
    rows.append([go(say.label("💸 The payout"), "payout", found.id)])
    return said, keyboard(rows)
