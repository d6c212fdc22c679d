"""/credit: a reseller's line of credit – what is left, what is owed and why, asking for more, and a statement of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, ClassVar

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.filters.callback_data import CallbackData
from aiogram.types import BufferedInputFile, CallbackQuery, Message
from pydantic import Field

from core import credit
from core.credit import AskState, LineState, LineView, Wanted
from core.errors import N_, Refusal
from core.money import NotAnAmount, decimal_text, parse_minor
from core.resellers import Role
from handlers import callbacks
from handlers.callbacks import Number
from handlers.credit_sheet import credit_sheet
from handlers.credit_words import invoice_said, late_said, money, repayment_said, score_said, standing, terms_said, wanted_said
from handlers.pieces import Row, bold, button, keyboard, lines, paragraphs, plain
from handlers.reseller.desk import Desk, desk_router, redraw
from handlers.screen import refused
from handlers.typed import whole_number
from locales import Safe
from papers.pictures import sheet_png


class CreditPress(CallbackData, prefix="rkx"):
    """A button of /credit; `id` is the ask, or the amount of an offer in minor units."""

    act: Annotated[str, Field(pattern=r"^(home|more|score|png|ask|undo|pay)$")]
    id: Number = 0


@dataclass(eq=False)
class NotAnAsk(Refusal):
    says: ClassVar[str] = N_(
        "For a limit, type for example <code>/credit line {limit}</code>; for money at once, <code>/credit advance {sum} 3 30</code>: "
        "paid back in 3 parts, every 30 days."
    )

    limit: str
    sum: str


async def credit_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """How the credit stands; with `line 5000` or `advance 3000 3 30` behind the command, that is asked for first."""
    desk.need(Role.SEE)
    said = None
    if command.args:
        desk.need(Role.OWNER)
        try:
            said = await _typed(desk, command.args.split())
        except Refusal as refusal:
            said = refused(desk.speech, refusal)
    text, rows = await screen(desk, said)
    await message.answer(text, reply_markup=keyboard(rows))


async def _typed(desk: Desk, words: list[str]) -> Safe:
    currency = desk.storefront.currency
    wrong = NotAnAsk(limit=decimal_text(500_000, currency), sum=decimal_text(300_000, currency))
    try:
        wanted, amount = Wanted(words[0].lower()), parse_minor(words[1], currency)
    except (ValueError, IndexError, NotAnAmount):
        raise wrong from None
    numbers = [whole_number(word) for word in words[2:]]
    if len(numbers) != (2 if wanted is Wanted.ADVANCE else 0) or any(n is None or n < 1 for n in numbers) or amount <= 0:
        raise wrong
    parts, days = [n or 0 for n in numbers] or [0, 0]
    return await _ask(desk, wanted, amount, parts, days)


async def _ask(desk: Desk, wanted: Wanted, amount: int, parts: int = 0, days: int = 0) -> Safe:
    await desk.shop.write(
        credit.ask_for,
        customer_id=desk.reseller.id,
        wanted=wanted,
        amount_minor=amount,
        instalments=parts,
        every_days=days,
        by=f"telegram:{desk.who}",
    )
    return desk.speech.say("📨 Sent. The shop decides, and you are told.")


async def screen(desk: Desk, said: Safe | None = None) -> tuple[Safe, list[Row]]:
    """The line, or how to get one."""
    speech, shop, who = desk.speech, desk.shop, desk.reseller
    line = await shop.read(credit.line_of, who.id)
    asked = await shop.read(credit.ask_of, who.id)
    waits = asked if asked is not None and asked.state is AskState.SENT and asked.asked_by != asked.approved_by else None
    score = await shop.read(credit.score_of, who.id)
    currency = desk.storefront.currency
    over = line is not None and line.state is LineState.WRITTEN_OFF
    may_ask = desk.may.owns and waits is None and not over and not (line is not None and line.late_days)
    offer = score.offered_minor if may_ask and score.offered_minor > (line.limit_minor if line is not None else 0) else 0
    example = NotAnAsk(limit=decimal_text(500_000, currency), sum=decimal_text(300_000, currency))
    text = paragraphs(
        said,
        speech.say("💳 <b>Credit of {name}</b>", name=who.name),
        standing(line, speech) if line is not None else speech.say("There is no credit yet. With it you buy now and pay later."),
        speech.say("⏳ Asked for, and waits for the shop: {what}", what=wanted_said(waits, speech)) if waits is not None else None,
        speech.say("Refused: {why}", why=plain(asked.why, 300))
        if asked is not None and asked.state is AskState.REFUSED and asked.why and line is None
        else None,
        speech.say(
            "By your score of {n} we would offer a limit of {amount}.",
            n=speech.number(score.total),
            amount=bold(speech.price(offer, currency)),
        )
        if offer
        else None,
        refused(speech, example) if may_ask else None,
        speech.say("Money that you add pays fees first, then interest, then the rest: /deposit")
        if line is not None and line.owed.total_minor
        else None,
    )
    rows: list[Row] = []
    if offer:
        label = speech.label("📨 Ask for {amount}", amount=speech.price(offer, currency))
        rows.append([button(label, CreditPress(act="ask", id=offer), "success")])
    if waits is not None and desk.may.owns:
        rows.append([button(speech.label("↩️ Withdraw"), CreditPress(act="undo", id=waits.id))])
    if line is not None and line.due and line.balance_minor > 0 and desk.may.owns:
        rows.append([button(speech.label("💵 Pay from the balance"), CreditPress(act="pay"))])
    rows.append([button(speech.label("⭐️ My score"), CreditPress(act="score"))])
    if line is not None:
        rows[-1].insert(0, button(speech.label("🧾 Invoices and terms"), CreditPress(act="more")))
        if desk.own:
            rows.append([button(speech.label("➕ Add money"), callbacks.Balance(fresh=True))])
    return text, rows


async def pressed(press: CallbackQuery, callback_data: CreditPress, desk: Desk) -> None:
    """Any button of /credit."""
    act, speech, mine = callback_data.act, desk.speech, desk.reseller.id
    desk.need(Role.SEE if act in ("home", "more", "score", "png") else Role.OWNER)
    if act == "more":
        await redraw(press, *await _more(desk))
        return
    if act == "score":
        await redraw(press, *await _score(desk))
        return
    if act == "png":
        await _picture(press, desk)
        return
    said: Safe | None = None
    by = f"telegram:{desk.who}"
    if act == "ask":
        offered = (await desk.shop.read(credit.score_of, mine)).offered_minor
        said = await _ask(desk, Wanted.LINE, min(callback_data.id, offered) or offered)
    elif act == "undo":
        await desk.shop.write(credit.withdraw_ask, ask_id=callback_data.id, customer_id=mine, by=by)
        said = speech.say("↩️ Withdrawn.")
    elif act == "pay":
        paid = await desk.shop.write(credit.pay_from_balance, customer_id=mine, by=by)
        said = speech.say("✅ Paid: {amount}", amount=bold(speech.price(paid, desk.storefront.currency)))
    await redraw(press, *await screen(desk, said))


async def _line(desk: Desk) -> LineView:
    line = await desk.shop.read(credit.line_of, desk.reseller.id)
    if line is None:
        raise credit.NoCredit
    return line


async def _more(desk: Desk) -> tuple[Safe, list[Row]]:
    """The newest invoices and repayments, what is due when, and the terms."""
    speech, line = desk.speech, await _line(desk)
    invoices = await desk.shop.read(credit.invoices_of, customer_id=line.customer_id, limit=6)
    paid = await desk.shop.read(credit.repayments_of, customer_id=line.customer_id, limit=4)
    parts = [item for item in line.due if item.of_advance][:12]
    text = paragraphs(
        speech.say("🧾 <b>Invoices</b>"),
        lines(*(invoice_said(one, line.currency, speech) for one in invoices))
        if invoices
        else speech.say("There is none yet; the next one is made on {day}.", day=speech.day(line.next_invoice_on)),
        lines(
            speech.say("Advance, to be paid back:"),
            *(
                speech.say("• {amount} by {day}", amount=money(item.open_minor, line, speech), day=speech.day(item.due_on))
                for item in parts
            ),
        )
        if parts
        else None,
        lines(*(repayment_said(one, line.currency, speech) for one in paid)) if paid else None,
        terms_said(line.terms, line.currency, speech),
    )
    picture, back = (speech.label("🖼 Picture"), "png"), (speech.label("⬅️ Back"), "home")
    return text, [[button(label, CreditPress(act=act)) for label, act in (picture, back)]]


async def _picture(press: CallbackQuery, desk: Desk) -> None:
    """The statement of credit as a picture, drawn beside the event loop."""
    line, shop = await _line(desk), desk.shop
    invoices = await shop.read(credit.invoices_of, customer_id=line.customer_id, limit=12)
    paid = await shop.read(credit.repayments_of, customer_id=line.customer_id, limit=8)
    drawn = await asyncio.to_thread(sheet_png, credit_sheet(line, invoices, paid, desk.speech, desk.reseller.name, shop.tools.clock()))
    if press.message is not None:
        caption = desk.speech.say("💳 <b>Credit of {name}</b>", name=desk.reseller.name)
        await press.message.answer_photo(BufferedInputFile(drawn, "credit.png"), caption=caption)


async def _score(desk: Desk) -> tuple[Safe, list[Row]]:
    """The score, and what would make it better."""
    speech = desk.speech
    score = await desk.shop.read(credit.score_of, desk.reseller.id)
    text = paragraphs(
        score_said(score.total, {part.value: value for part, value in score.parts.items()}, score.weights, speech),
        speech.say(
            "Each part is from 0 to 100; the score is their mean, each by what it counts. "
            "From 40 on we offer that share of a month's purchases."
        ),
        speech.say("Offered now: {amount}", amount=bold(speech.price(score.offered_minor, desk.storefront.currency))),
    )
    return text, [[button(speech.label("⬅️ Back"), CreditPress(act="home"))]]


async def in_short(desk: Desk) -> Safe | None:
    """For /balance and /limits: credit used and left, and what is due when; None for who has none."""
    line, speech = await desk.shop.read(credit.line_of, desk.reseller.id), desk.speech
    if line is None or not (line.limit_minor or line.owed.total_minor):
        return None
    due = line.next_due
    return lines(
        speech.say(
            "Credit: {used} used, {left} left",
            used=bold(money(line.owed.total_minor, line, speech)),
            left=bold(money(line.left_minor, line, speech)),
        ),
        late_said(line, speech)
        or (
            speech.say("Due next: {amount} by {day}", amount=bold(money(due.open_minor, line, speech)), day=speech.day(due.due_on))
            if due
            else None
        ),
    )


def router() -> Router:
    """/credit and its buttons."""
    made = desk_router("reseller-credit")
    made.message.register(credit_asked, Command("credit"))
    made.callback_query.register(pressed, CreditPress.filter())
    return made
