"""Credit for the staff: who asks, who has how much, who is late; limits, terms, freezing, and writing off by two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import credit, people
from core.catalog import Gone
from core.credit import AskState, AskView, LineState, LineView, Part, Terms
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.credit_words import invoice_said, money, repayment_said, score_said, standing, terms_said, wanted_said
from handlers.pieces import Row, bold, clipped, lines, paragraphs, plain
from handlers.typed import percent_typed, whole_number
from locales import Safe

_LONGEST = credit.LONGEST_WHY


@dataclass(eq=False)
class NotTerms(Refusal):
    says: ClassVar[str] = N_("Please type six numbers, as in the example.")


async def hub(press: CallbackQuery, desk: Desk) -> None:
    """All of credit on one screen."""
    say, here = desk.speech, desk.storefront.id
    waiting = await desk.shop.read(credit.asks_waiting, storefront_id=here, limit=100)
    late = await desk.shop.read(credit.lines_of, storefront_id=here, late=True, limit=100)
    weights = await desk.shop.read(credit.weights_of, here)
    text = paragraphs(
        bold(say.say("💳 Credit of resellers")),
        say.say("A limit is how far a balance may fall below zero. Nobody decides about their own credit."),
        say.say(
            "Score {formula}, its weights: {weights}",
            formula=credit.FORMULA,
            weights=" · ".join(say.number(weights[part]) for part in Part),
        ),
    )
    rows: list[Row] = [
        [
            go(say.label("📋 Waiting ({n})", n=say.number(len(waiting))), "crasks"),
            go(say.label("⚠️ Late ({n})", n=say.number(len(late))), "crlate"),
        ],
        [go(say.label("💳 All lines"), "crlines"), ask(say.label("⚖️ Weights"), "cr.weights")],
        desk.back("resellers"),
    ]
    await desk.show(press, text, rows)


async def _name(desk: Desk, customer_id: int) -> str:
    customer = await desk.shop.read(people.one, storefront_id=desk.storefront.id, customer_id=customer_id)
    if customer is None:
        raise Gone
    return customer.name


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Lines, all or those that are late."""
    say, late = desk.speech, callback_data.to == "crlate"
    found = await desk.shop.read(
        credit.lines_of, storefront_id=desk.storefront.id, late=late, offset=callback_data.page * PAGE, limit=PAGE + 1
    )
    rows: list[Row] = []
    for one in found[:PAGE]:
        mark = "❄️ " if one.state is LineState.FROZEN else "⚠️ " if one.late_days else ""
        owed, limit = money(one.owed.total_minor, one, say), money(one.limit_minor, one, say)
        label = f"{mark}{clipped(await _name(desk, one.customer_id), 24)} · {owed} / {limit}"
        rows.append([go(label, "crone", one.customer_id)])
    if pages := desk.pages(callback_data.to, 0, callback_data.page, len(found) > PAGE):
        rows.append(pages)
    rows.append(desk.back("credit"))
    text = say.say("Owed and limit, of each line:") if found else say.say("There are none, and that is good.")
    await desk.show(press, text, rows)


async def waiting(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What was asked for, the longest waiting first."""
    say = desk.speech
    found = await desk.shop.read(credit.asks_waiting, storefront_id=desk.storefront.id, offset=callback_data.page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [
        [go(f"{clipped(await _name(desk, one.customer_id), 30)} · {money(one.wanted_minor, one, say)}", "crask", one.id)]
        for one in found[:PAGE]
    ]
    if pages := desk.pages("crasks", 0, callback_data.page, len(found) > PAGE):
        rows.append(pages)
    rows.append(desk.back("credit"))
    await desk.show(press, say.say("Who asks for credit:") if found else say.say("No application waits."), rows)


# What was asked for


async def _ask(desk: Desk, ask_id: int) -> AskView:
    found = await desk.shop.read(credit.ask, ask_id)
    if found is None or found.storefront_id != desk.storefront.id:
        raise Gone
    return found


async def ask_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_ask(press, desk, callback_data.id)


async def show_ask(event: CallbackQuery | Message, desk: Desk, ask_id: int, said: Safe | None = None) -> None:
    """The card: who, what, how good, and the decision."""
    say, found = desk.speech, await _ask(desk, ask_id)
    line = await desk.shop.read(credit.line_of, found.customer_id)
    weights = await desk.shop.read(credit.weights_of, desk.storefront.id)
    states = {
        AskState.SENT: say.say("⏳ <b>Waits for a decision.</b>"),
        AskState.APPROVED: say.say("✅ <b>Approved.</b>"),
        AskState.REFUSED: say.say("🚫 <b>Refused.</b>"),
        AskState.WITHDRAWN: say.say("🏳️ <b>Withdrawn by the applicant.</b>"),
    }
    text = paragraphs(
        said,
        bold(clipped(await _name(desk, found.customer_id), 100)),
        wanted_said(found, say),
        score_said(found.score, found.parts, weights, say),
        say.say("By the formula: {amount}", amount=bold(money(found.offered_minor, found, say))),
        standing(line, say) if line is not None else None,
        say.say("A first person has approved {amount}; a second one has to.", amount=bold(money(found.granted_minor or 0, found, say)))
        if found.approved_by is not None and found.state is AskState.SENT
        else None,
        lines(states[found.state], plain(found.why, _LONGEST) if found.why else None),
    )
    rows: list[Row] = []
    if found.state is AskState.SENT:
        wanted = found.granted_minor or found.wanted_minor
        rows.append([do(say.label("✅ Grant {amount}", amount=money(wanted, found, say)), "crwant", found.id, style="success")])
        if found.approved_by is None and 0 < found.offered_minor != wanted:
            label = say.label("✅ Grant {amount}, as the formula says", amount=money(found.offered_minor, found, say))
            rows.append([do(label, "cryes", found.id)])
        rows.append(
            [ask(say.label("✏️ Another amount"), "cr.grant", found.id), ask(say.label("🚫 Refuse"), "cr.no", found.id, style="danger")]
        )
    rows.append([go(say.label("👤 The customer"), "person", found.customer_id)])
    rows.append(desk.back("crasks"))
    await desk.show(event, text, rows)


async def _grant(event: CallbackQuery | Message, desk: Desk, found: AskView, amount_minor: int) -> None:
    made = await desk.shop.write(
        credit.approve_ask, ask_id=found.id, storefront_id=desk.storefront.id, amount_minor=amount_minor, by=desk.by
    )
    say = desk.speech
    said = say.say("✅ Granted. They are told.")
    if made.state is AskState.SENT:
        said = say.say("Approved by you. It is so much that a second person of the staff has to approve the same.")
    await show_ask(event, desk, found.id, said)


async def grant_wanted(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await _ask(desk, callback_data.id)
    await _grant(press, desk, found, found.granted_minor or found.wanted_minor)


async def grant_offered(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await _ask(desk, callback_data.id)
    await _grant(press, desk, found, found.offered_minor)


async def _ask_grant(desk: Desk, asked: Asked) -> Safe:
    await _ask(desk, asked.id)
    return desk.speech.say(
        "How much is granted? For example: <code>{amount}</code>", amount=decimal_text(500_000, desk.storefront.currency)
    )


async def _take_grant(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _grant(message, desk, await _ask(desk, asked.id), parse_minor(text, desk.storefront.currency))


async def _ask_no(desk: Desk, asked: Asked) -> Safe:
    await _ask(desk, asked.id)
    return desk.speech.say("Type why it is refused. The reseller reads it word for word.")


async def _take_no(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(
        credit.refuse_ask, ask_id=asked.id, storefront_id=desk.storefront.id, why=short_enough(text, _LONGEST), by=desk.by
    )
    await show_ask(message, desk, asked.id, desk.speech.say("Refused. The applicant is told."))


# One line


async def _line(desk: Desk, customer_id: int) -> LineView:
    found = await desk.shop.read(credit.line_of, customer_id)
    if found is None or found.storefront_id != desk.storefront.id:
        raise Gone
    return found


async def one_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_one(press, desk, callback_data.id)


async def show_one(event: CallbackQuery | Message, desk: Desk, customer_id: int, said: Safe | None = None) -> None:
    """A reseller's line with its history; of who has none, their score."""
    say, name = desk.speech, await _name(desk, customer_id)
    found = await desk.shop.read(credit.line_of, customer_id)
    score = await desk.shop.read(credit.score_of, customer_id)
    invoices = await desk.shop.read(credit.invoices_of, customer_id=customer_id, limit=5)
    paid = await desk.shop.read(credit.repayments_of, customer_id=customer_id, limit=3)
    text = paragraphs(
        said,
        bold(clipped(name, 100)),
        standing(found, say) if found is not None else say.say("There is no credit yet."),
        terms_said(found.terms, found.currency, say) if found is not None else None,
        lines(*(invoice_said(one, desk.storefront.currency, say) for one in invoices)) if invoices else None,
        lines(*(repayment_said(one, desk.storefront.currency, say) for one in paid)) if paid else None,
        score_said(score.total, {part.value: value for part, value in score.parts.items()}, score.weights, say),
        say.say("By the formula: {amount}", amount=bold(say.price(score.offered_minor, desk.storefront.currency))),
        lines(say.say("✖️ One person wants this written off; a second one has to say so."), plain(found.off_why or "", _LONGEST))
        if found is not None and found.off_by is not None and found.state is not LineState.WRITTEN_OFF
        else None,
    )
    await desk.show(event, text, [*_rows(desk, customer_id, found), desk.back("crlines")])


def _rows(desk: Desk, customer_id: int, found: LineView | None) -> list[Row]:
    say = desk.speech
    if found is not None and found.state is LineState.WRITTEN_OFF:
        return []
    rows: list[Row] = [[ask(say.label("✏️ Limit"), "cr.limit", customer_id)]]
    if found is None:
        return rows
    rows[0].append(ask(say.label("📐 Terms"), "cr.terms", customer_id))
    if found.state is LineState.FROZEN:
        rows.append([do(say.label("💳 Open it again"), "crthaw", customer_id)])
    else:
        rows.append([do(say.label("❄️ Freeze"), "crfreeze", customer_id)])
    rows[-1].append(do(say.label("🧾 Invoice now"), "crbill", customer_id))
    if found.off_by is not None:
        rows.append(
            [do(say.label("✖️ Write it off"), "croff", customer_id, style="danger"), do(say.label("↩️ Do not"), "crspare", customer_id)]
        )
    elif found.owed.total_minor:
        rows.append([ask(say.label("✖️ Write it off"), "cr.off", customer_id, style="danger")])
    return rows


async def freeze(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(credit.freeze, customer_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_one(press, desk, callback_data.id, desk.speech.say("✅ Changed."))


async def thaw(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(credit.unfreeze, customer_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_one(press, desk, callback_data.id, desk.speech.say("✅ Changed."))


async def invoice_now(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The period ends today."""
    await desk.shop.write(credit.invoice_now, customer_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_one(press, desk, callback_data.id, desk.speech.say("✅ Done. They are told."))


async def write_off(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The second person's word; without a first one's the button is an old one."""
    if (await _line(desk, callback_data.id)).off_by is None:
        raise credit.AskIsOver
    await desk.shop.write(credit.write_off, customer_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_one(press, desk, callback_data.id, desk.speech.say("✅ Changed."))


async def spare(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(credit.spare, customer_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_one(press, desk, callback_data.id, desk.speech.say("✅ Changed."))


async def _ask_limit(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Which limit has {name}? For example: <code>{amount}</code>. 0 is none.",
        name=bold(clipped(await _name(desk, asked.id), 100)),
        amount=decimal_text(500_000, desk.storefront.currency),
    )


async def _take_limit(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    amount = parse_minor(text, desk.storefront.currency)
    made = await desk.shop.write(credit.set_limit, customer_id=asked.id, storefront_id=desk.storefront.id, limit_minor=amount, by=desk.by)
    if made.state is AskState.SENT:
        await show_ask(
            message,
            desk,
            made.id,
            desk.speech.say("Approved by you. It is so much that a second person of the staff has to approve the same."),
        )
        return
    await show_one(message, desk, asked.id, desk.speech.say("✅ Changed."))


async def _ask_terms(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type interest a year, interest when late, the fee for a late invoice, days of a period, days to pay, and after how many late days "
        "it is frozen (0: never). For example: <code>12% 18% {fee} 30 10 15</code>",
        fee=decimal_text(5_000, desk.storefront.currency),
    )


def terms_typed(text: str, currency: str) -> Terms:
    """Terms as they are typed. Raises NotTerms or NotAnAmount."""
    words = text.split()
    if len(words) != 6:
        raise NotTerms
    rates, days = [percent_typed(word, most=100) for word in words[:2]], [whole_number(word) for word in words[3:]]
    if any(rate is None for rate in rates) or any(n is None or not 0 <= n <= 1000 for n in days):
        raise NotTerms
    rate, late = (100 * (one or 0) for one in rates)
    period, term, freeze_ = (one or 0 for one in days)
    return Terms(rate, late, parse_minor(words[2], currency), period, term, freeze_)


async def _take_terms(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    terms = terms_typed(text, desk.storefront.currency)
    await desk.shop.write(credit.set_terms, customer_id=asked.id, storefront_id=desk.storefront.id, terms=terms, by=desk.by)
    await show_one(message, desk, asked.id, desk.speech.say("✅ Changed."))


async def _ask_off(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type why it is lost. A second person of the staff has to write it off too.")


async def _take_off(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(
        credit.write_off, customer_id=asked.id, storefront_id=desk.storefront.id, by=desk.by, why=short_enough(text, _LONGEST)
    )
    await show_one(message, desk, asked.id, desk.speech.say("✅ Changed."))


async def _ask_weights(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "What counts how much? Type five numbers from 0 to 100: buying regularly, turnover, few refunds, paying in time, "
        "time with the shop. For example: <code>15 30 20 25 10</code>"
    )


async def _take_weights(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    numbers = [whole_number(word) for word in text.split()]
    if len(numbers) != len(Part) or any(n is None for n in numbers):
        raise credit.WeightsWrong
    weights = {part: n or 0 for part, n in zip(Part, numbers, strict=True)}
    await desk.shop.write(credit.set_score_weights, storefront_id=desk.storefront.id, weights=weights, by=desk.by)
    await desk.show(message, desk.speech.say("✅ Changed."), [desk.back("credit")])


QUESTIONS |= {
    "cr.grant": Question(_ask_grant, _take_grant, "crask"),
    "cr.no": Question(_ask_no, _take_no, "crask"),
    "cr.limit": Question(_ask_limit, _take_limit, "crone"),
    "cr.terms": Question(_ask_terms, _take_terms, "crone"),
    "cr.off": Question(_ask_off, _take_off, "crone"),
    "cr.weights": Question(_ask_weights, _take_weights, "credit"),
}


def router() -> Router:
    made = Router(name="admin-credit")
    screens = made.callback_query
    screens.register(hub, Go.filter(F.to == "credit"))
    screens.register(listed, Go.filter(F.to == "crlines"))
    screens.register(listed, Go.filter(F.to == "crlate"))
    screens.register(waiting, Go.filter(F.to == "crasks"))
    screens.register(ask_pressed, Go.filter(F.to == "crask"))
    screens.register(one_pressed, Go.filter(F.to == "crone"))
    for act, done in (
        ("crwant", grant_wanted),
        ("cryes", grant_offered),
        ("crfreeze", freeze),
        ("crthaw", thaw),
        ("crbill", invoice_now),
        ("croff", write_off),
        ("crspare", spare),
    ):
        screens.register(done, Do.filter(F.act == act))
    return made
