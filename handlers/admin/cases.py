"""Complaints about codes: what waits, the longest overdue first; each case with its facts; and answers by one press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiogram import F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core import aftersale, people
from core.aftersale import CaseCard, CaseDecided, CaseDetail, CaseState, MadeForBuyer, NothingToReplace, NothingToSay, Outcome
from core.catalog import Gone
from core.database import Shop
from core.errors import N_
from core.orders import RevealCause, TakenBack
from core.outbox import Delivery
from core.people import Customer
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Asking, Desk, Do, Go, NotFound, Question, ask, do, go, number_between, short_enough
from handlers.cases import (
    OUTCOMES,
    REASONS,
    USUAL,
    WHAT_TO_TYPE,
    WHYS,
    Fetching,
    all_pictures,
    coded,
    mark_of,
    named,
    picture_of,
    refused_with_dates,
    said_in,
    send_picture,
    send_pictures,
    thread,
    why_of,
    words_of,
)
from handlers.pieces import Row, bold, clipped, full_name, keyboard, lines, paragraphs
from handlers.screen import refused_plain
from locales import Safe, Speech

LONGEST = 2000  # characters of an answer or a reason
_LAST = 4  # deliveries and reveals on the screen
_MOST_HOURS, _MOST_DAYS = 10_000, 365

_ENDED = {
    Outcome.REPLACED: N_("replaced: {n}"),
    Outcome.REFUNDED: N_("refunded: {n}"),
    Outcome.REFUSED: N_("refused: {n}"),
    Outcome.WITHDRAWN: N_("withdrawn: {n}"),
}
_STATES = {
    CaseState.OPEN: N_("waits for our first answer"),
    CaseState.WAITING_BUYER: N_("waits for the buyer"),
    CaseState.WAITING_SHOP: N_("waits for our answer"),
}
_CAUSES = {
    RevealCause.SENT: N_("sent"),
    RevealCause.SHOWN: N_("looked at again"),
    RevealCause.RESENT: N_("sent again by the staff"),
}


def router() -> Router:
    made = Router(name="admin-cases")
    looks: dict[str, Callable[..., Any]] = {
        "cases": queue,
        "cases-all": everything,
        "case": case,
        "case-no": refusing,
        "case-pic": picture,
        "case-pics": pictures,
        "case-terms": deadlines,
    }
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    made.callback_query.register(ask_picture, Do.filter(F.act == "case-picture"))
    made.callback_query.register(replace, Do.filter(F.act == "case-replace"))
    made.callback_query.register(refund, Do.filter(F.act == "case-refund"))
    made.callback_query.register(refuse, Do.filter(F.act == "case-refuse"))
    # Answers are typed, but a picture is an answer too.
    made.message.register(pictured, StateFilter(Asking.answer), F.photo | F.document)
    return made


# Looking


async def queue(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What is to be done, page by page."""
    say, page = desk.speech, callback_data.page
    standing = await desk.shop.read(aftersale.standing, storefront_id=desk.storefront.id)
    cards = await desk.shop.read(aftersale.queue, storefront_id=desk.storefront.id, page=page, limit=PAGE + 1)
    text = paragraphs(
        bold(say.label("Cases")),
        lines(
            say.say("Waiting for us: {n}", n=say.number(standing.waiting)),
            say.say("Overdue: {n}", n=say.number(standing.overdue)),
            say.say("Waiting for buyers: {n}", n=say.number(standing.with_buyers)),
        )
        if standing.waiting or standing.with_buyers
        else say.say("No case is open."),
    )
    rows: list[Row] = [[go(_line(card, say), "case", card.id)] for card in cards[:PAGE]]
    rows += [
        desk.pages("cases", 0, page, more=len(cards) > PAGE),
        [ask(say.label("🔎 Search"), "case.find"), go(say.label("All cases"), "cases-all")],
        [go(say.label("⏱ Deadlines"), "case-terms"), desk.home()],
    ]
    await desk.show(press, text, rows)


def _line(card: CaseCard, say: Speech) -> str:
    mark = "🔴" if card.overdue else mark_of(card)
    return f"{mark} {card.id} · {say.label(REASONS[card.reason])} · {clipped(full_name(card.product, card.sku, say), 24)}"


async def everything(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """All cases, newest first; `id` is the last one seen."""
    say = desk.speech
    cards = await desk.shop.read(aftersale.cases_of, storefront_id=desk.storefront.id, before=callback_data.id or None, limit=PAGE + 1)
    rows: list[Row] = [[go(_line(card, say), "case", card.id)] for card in cards[:PAGE]]
    if callback_data.id:
        rows.append([go(say.label("◀ Newest"), "cases-all")])
    if len(cards) > PAGE:
        rows.append([go(say.label("Older ▶"), "cases-all", cards[PAGE - 1].id)])
    rows.append(desk.back("cases"))
    text = paragraphs(bold(say.label("All cases")), None if cards else say.say("There was no case yet."))
    await desk.show(press, text, rows)


async def case(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """One case; `arg` is the entry before which the thread is read, in plain digits."""
    before = callback_data.arg
    await _show(press, desk, callback_data.id, before=int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None)


async def _show(event: Message | CallbackQuery, desk: Desk, case_id: int, said: Safe | None = None, *, before: int | None = None) -> None:
    found = await desk.shop.read(aftersale.case, case_id=case_id, storefront_id=desk.storefront.id, before=before)
    if found is None:
        raise Gone
    buyer = await desk.shop.read(people.by_id, found.card.buyer_id)
    say = desk.speech
    text = paragraphs(
        said,
        _facts(found, buyer, say),
        _past(found, say),
        _showings(found, say),
        *thread(found, say, buyer.name, say.label("The shop")),
    )
    await desk.show(event, text, _buttons(found, desk))


def _facts(found: CaseDetail, buyer: Customer, say: Speech) -> Safe:
    card = found.card
    frozen = say.price(found.frozen_minor, found.frozen_currency) if found.frozen_minor else None
    return lines(
        say.say("<b>Case {case}</b> · {state}", case=card.id, state=_state(card, say)),
        say.say("Decided on {when} by {who}", when=say.when(card.decided_at), who=_who(card, say)) if card.decided_at else None,
        why_of(card, say),
        say.say("Reason: {reason}", reason=say.label(REASONS[card.reason])),
        say.say("Code {code}", code=coded(found.masked)),
        say.say("New code {code}", code=coded(found.replaced_by)) if found.replaced_by is not None else None,
        say.say("{name}, order {number}", name=named(card, say), number=Safe(f"<code>{card.order_number}</code>")),
        say.say("Buyer: {buyer}", buyer=f"{buyer.name} @{buyer.username}" if buyer.username else buyer.name),
        say.say("Opened on {when}", when=say.when(card.opened_at)),
        _due(card, say),
        say.say("Warranty until {when}", when=say.when(found.warranty_until)) if found.warranty_until else None,
        say.say("Frozen of the supplier's earnings: {amount}", amount=frozen) if frozen else None,
    )


def _state(card: CaseCard, say: Speech) -> str:
    mark = "🔴" if card.overdue else mark_of(card)
    return f"{mark} " + say.label(OUTCOMES[card.outcome] if card.outcome is not None else _STATES[card.state])


def _due(card: CaseCard, say: Speech) -> Safe | None:
    if card.outcome is not None:
        return None
    if card.overdue:
        return say.say("Should have been answered by {when}", when=say.when(card.due_at))
    if card.state is CaseState.WAITING_BUYER:
        return say.say("The buyer has time until {when}", when=say.when(card.due_at))
    return say.say("To be answered by {when}", when=say.when(card.due_at))


def _who(card: CaseCard, say: Speech) -> str:
    if card.decided_by == "buyer":
        return say.label("the buyer")
    if card.decided_by == "time":
        return say.label("the clock")
    return card.decided_by or "–"


def _past(found: CaseDetail, say: Speech) -> Safe:
    past = found.past
    ended = [say.label(sentence, n=say.number(past.ended[outcome])) for outcome, sentence in _ENDED.items() if outcome in past.ended]
    if not ended and not past.open:
        return say.say("It is the buyer's first case.")
    told = [*ended, *([say.label("open: {n}", n=say.number(past.open))] if past.open else [])]
    return say.say("Other cases of the buyer: {list}", list=say.listing(told))


def _showings(found: CaseDetail, say: Speech) -> Safe:
    """When the codes of the order left the shop, every time: sending is not yet arriving, and both are on record."""
    sent = [_delivery(delivery, say) for delivery in found.deliveries]
    shown = [say.say("• {when}: {cause}", when=say.when(one.at), cause=say.label(_CAUSES[one.cause])) for one in found.shown]
    return lines(
        say.many("Revealed {n} time:", "Revealed {n} times:", len(shown)) if shown else say.say("Never revealed."),
        *_ends(shown, say),
        say.many("{n} delivery:", "{n} deliveries:", len(sent)) if sent else None,
        *_ends(sent, say),
    )


def _ends(told: list[Safe], say: Speech) -> list[Safe]:
    """The first one and the last ones of many."""
    if len(told) <= _LAST + 1:
        return told
    between = say.many("• … {n} more …", "• … {n} more …", len(told) - _LAST - 1)
    return [told[0], between, *told[-_LAST:]]


def _delivery(delivery: Delivery, say: Speech) -> Safe:
    if delivery.done_at is not None:
        return say.say("• sent on {when}", when=say.when(delivery.done_at))
    if delivery.parked_at is not None:
        return say.say("• waits until the buyer comes back, since {when}", when=say.when(delivery.parked_at))
    return say.say("• under way since {when}, tries: {n}", when=say.when(delivery.made_at), n=say.number(delivery.attempts))


def _buttons(found: CaseDetail, desk: Desk) -> list[Row]:
    say, card = desk.speech, found.card
    rows: list[Row] = [
        [go(say.label("🖼 Picture of {when}", when=say.when(entry.at)), "case-pic", entry.id)] for entry in found.entries if entry.picture
    ]
    if found.pictures > 1:
        rows = [[go(all_pictures(found, say), "case-pics", card.id)]]
    if found.earlier:
        rows.append([go(say.label("⬆️ What was said before"), "case", card.id, arg=str(found.entries[0].id))])
    if card.outcome is None:
        rows += [
            [
                ask(say.label("✍️ Answer"), "case.say", card.id, style="primary"),
                do(say.label("🖼 Ask for a picture"), "case-picture", card.id),
            ],
            [
                do(say.label("🔁 Replace"), "case-replace", card.id, style="success"),
                do(say.label("💸 Refund"), "case-refund", card.id),
            ],
            [go(say.label("🚫 Refuse"), "case-no", card.id, style="danger")],
        ]
    rows.append([go(say.label("🧾 The order"), "order", card.order_id), go(say.label("👤 The buyer"), "person", card.buyer_id)])
    rows.append(desk.back("cases"))
    return rows


async def picture(press: CallbackQuery, callback_data: Go, desk: Desk, fetch_file: Fetching = None) -> None:
    found = await desk.shop.read(aftersale.entry, callback_data.id, storefront_id=desk.storefront.id)
    await send_picture(press, found, desk.speech, here=desk.storefront.id, fetch=fetch_file)


async def pictures(press: CallbackQuery, callback_data: Go, desk: Desk, fetch_file: Fetching = None) -> None:
    found = await desk.shop.read(aftersale.pictures, case_id=callback_data.id, storefront_id=desk.storefront.id)
    await send_pictures(press, found, desk.speech, here=desk.storefront.id, fetch=fetch_file)


async def refusing(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The usual reasons, and one to be typed."""
    say = desk.speech
    found = await desk.shop.read(aftersale.case, case_id=callback_data.id, storefront_id=desk.storefront.id)
    if found is None:
        raise Gone
    if found.card.outcome is not None:
        await _show(press, desk, callback_data.id)
        return
    # A whole sentence fits no button: it stands above, and its number below.
    reasons = [say.say("{n}. {reason}", n=say.number(place), reason=say.say(WHYS[why])) for place, why in enumerate(USUAL, 1)]
    rows: list[Row] = [[do(say.number(place), "case-refuse", callback_data.id, arg=why) for place, why in enumerate(USUAL, 1)]]
    rows.append([ask(say.label("✍️ Another reason"), "case.refuse", callback_data.id)])
    rows.append(desk.back("case", callback_data.id))
    question = say.say("Why is case {case} refused? The buyer reads the sentence you choose.", case=callback_data.id)
    await desk.show(press, paragraphs(question, lines(*reasons)), rows)


# Deciding


async def ask_picture(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _act(press, desk, callback_data.id, desk.speech.label("The buyer is asked for a picture."), "picture")


async def replace(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _act(press, desk, callback_data.id, desk.speech.label("A new code is on its way to the buyer."), "replace")


async def refund(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _act(press, desk, callback_data.id, desk.speech.label("The price of the code is given back."), "refund")


async def refuse(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    if callback_data.arg not in USUAL:
        raise Gone
    await _act(press, desk, callback_data.id, desk.speech.label("The complaint is refused."), "refuse", callback_data.arg)


async def _act(press: CallbackQuery, desk: Desk, case_id: int, done: str, what: str, why: str = "") -> None:
    """Do it, once; whoever comes second sees what was decided, and sold out leads to the refund."""
    try:
        if what == "picture":
            await desk.shop.write(aftersale.ask_picture, case_id=case_id, storefront_id=desk.storefront.id, by=desk.by)
        elif what == "replace":
            await desk.shop.write(aftersale.replace, case_id=case_id, storefront_id=desk.storefront.id, by=desk.by)
        elif what == "refund":
            await desk.shop.write(aftersale.refund, case_id=case_id, storefront_id=desk.storefront.id, by=desk.by)
        else:
            await desk.shop.write(aftersale.refuse, case_id=case_id, storefront_id=desk.storefront.id, by=desk.by, why=why)
    except (CaseDecided, MadeForBuyer, NothingToReplace, TakenBack) as refusal:
        await press.answer(refused_plain(desk.speech, refusal), show_alert=True)
        await _show(press, desk, case_id, refused_with_dates(desk.speech, refusal))
        return
    await press.answer(done)
    await _show(press, desk, case_id)


# What is typed


async def _ask_words(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Write to the buyer about case {case}: a text, or a picture with or without words.", case=asked.id)


async def _say_words(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _say(desk, message, asked.id)


async def _say(desk: Desk, message: Message, case_id: int) -> None:
    said = said_in(message)
    if said is None:
        raise NothingToSay(most=LONGEST)
    await desk.shop.write(aftersale.shop_says, case_id=case_id, storefront_id=desk.storefront.id, by=desk.by, **said)
    await _show(message, desk, case_id, desk.speech.say("✅ Sent to the buyer."))


async def pictured(message: Message, desk: Desk) -> None:
    """A picture as an answer in a case; to every other question it is none."""
    data = await desk.state.get_data()
    if data.get("question") != "case.say" or picture_of(message) is None:
        raise SkipHandler
    await desk.state.clear()
    await _say(desk, message, int(data["id"]))


async def _ask_why(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type why case {case} is refused; the buyer reads it. For example: <i>{example}</i>",
        case=asked.id,
        example=desk.speech.label("The card was redeemed an hour after you got it."),
    )


async def _refuse_because(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    because = short_enough(text, LONGEST)
    try:
        await desk.shop.write(aftersale.refuse, case_id=asked.id, storefront_id=desk.storefront.id, by=desk.by, why_text=because)
    except CaseDecided as refusal:
        await _show(message, desk, asked.id, refused_with_dates(desk.speech, refusal))
        return
    await _show(message, desk, asked.id)


async def _ask_number(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(WHAT_TO_TYPE)


async def _find(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await desk.shop.read(aftersale.find, text, storefront_id=desk.storefront.id)
    if not found:
        raise NotFound(text=text[:40])
    if len(found) == 1:
        await _show(message, desk, found[0].id)
        return
    rows: list[Row] = [[go(_line(card, desk.speech), "case", card.id)] for card in found]
    await desk.show(message, bold(desk.speech.label("Cases")), [*rows, desk.back("cases")])


# Deadlines


async def deadlines(press: CallbackQuery, desk: Desk) -> None:
    await _deadlines(press, desk)


async def _deadlines(event: Message | CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    terms = await desk.shop.read(aftersale.terms, storefront_id=desk.storefront.id)
    text = paragraphs(
        bold(say.label("Deadlines")),
        lines(
            say.many("We answer within {n} hour.", "We answer within {n} hours.", terms.answer_hours),
            say.many("A case waits for its buyer for {n} day.", "A case waits for its buyer for {n} days.", terms.buyer_days),
            say.many("The warranty lasts {n} hour.", "The warranty lasts {n} hours.", terms.warranty_hours),
        ),
        say.say("A product may have a warranty of its own."),
    )
    rows: list[Row] = [
        [ask(say.label("Our answer"), "case.hours"), ask(say.label("The buyer's answer"), "case.days")],
        [ask(say.label("Warranty"), "case.warranty")],
        desk.back("cases"),
    ]
    await desk.show(event, text, rows)


async def _ask_hours(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type within how many hours the shop answers, for example: <i>24</i>")


async def _set_hours(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(
        aftersale.set_terms, storefront_id=desk.storefront.id, by=desk.by, answer_hours=number_between(text, 1, _MOST_HOURS)
    )
    await _deadlines(message, desk)


async def _ask_days(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type for how many days a case waits for its buyer, for example: <i>7</i>")


async def _set_days(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(aftersale.set_terms, storefront_id=desk.storefront.id, by=desk.by, buyer_days=number_between(text, 1, _MOST_DAYS))
    await _deadlines(message, desk)


async def _ask_warranty(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type for how many hours after its delivery a code may be complained about, for example: <i>72</i>")


async def _set_warranty(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(
        aftersale.set_terms, storefront_id=desk.storefront.id, by=desk.by, warranty_hours=number_between(text, 1, _MOST_HOURS)
    )
    await _deadlines(message, desk)


QUESTIONS["case.say"] = Question(_ask_words, _say_words, "case")
QUESTIONS["case.refuse"] = Question(_ask_why, _refuse_because, "case")
QUESTIONS["case.find"] = Question(_ask_number, _find, "cases")
QUESTIONS["case.hours"] = Question(_ask_hours, _set_hours, "case-terms")
QUESTIONS["case.days"] = Question(_ask_days, _set_days, "case-terms")
QUESTIONS["case.warranty"] = Question(_ask_warranty, _set_warranty, "case-terms")


# What the staff are told


async def alerted(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """An alert about a case: a new one, more of the buyer, an overdue or a withdrawn one."""
    found = await shop.read(aftersale.case, case_id=int(body["case"]))
    if found is None:
        raise Gone
    card = found.card
    buyer = await shop.read(people.by_id, card.buyer_id)
    entries = found.entries[:1] if body["says"] == "case-opened" else []
    if body["says"] == "case-more":
        entry = await shop.read(aftersale.entry, int(body["entry"]))
        entries = [entry] if entry is not None else []
    text = paragraphs(
        _heading(str(body["says"]), card, buyer, speech),
        lines(
            speech.say("Reason: {reason}", reason=speech.label(REASONS[card.reason])),
            speech.say("{name}, order {number}", name=named(card, speech), number=Safe(f"<code>{card.order_number}</code>")),
            speech.say("Code {code}", code=coded(found.masked)),
        ),
        *[words_of(entry, speech, 2500) for entry in entries],
    )
    rows: list[Row] = [[go(speech.label("🖼 Show the picture"), "case-pic", entry.id)] for entry in entries if entry.picture]
    if card.outcome is None:
        rows.append([ask(speech.label("✍️ Answer"), "case.say", card.id), do(speech.label("🖼 Ask for a picture"), "case-picture", card.id)])
    rows.append([go(speech.label("🛟 The case"), "case", card.id, style="primary")])
    return text, keyboard(rows)


def _heading(says: str, card: CaseCard, buyer: Customer, speech: Speech) -> Safe:
    who = bold(buyer.name)
    if says == "case-more":
        return speech.say("💬 {who} writes in case {case}:", who=who, case=card.id)
    if says == "case-overdue":
        return speech.say("🔴 Case {case} should have been answered by {when}.", case=card.id, when=speech.when(card.due_at))
    if says == "case-withdrawn":
        return speech.say("↩️ {who} has withdrawn case {case}.", who=who, case=card.id)
    return speech.say("🟡 {who} complains about a code: case {case}.", who=who, case=card.id)
