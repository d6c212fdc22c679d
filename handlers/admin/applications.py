"""Applications of suppliers: a live card for everybody who decides, decisions by one press, and what is asked as a deposit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from aiogram import BaseMiddleware, Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Filter
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, TelegramObject
from pydantic import Field

from core import onboarding, people, supply
from core.database import Shop
from core.errors import Refusal
from core.money import decimal_text, parse_minor
from core.onboarding import (
    STANDINGS,
    ApplicationState,
    ApplicationView,
    CardView,
    CheckKind,
    CheckResult,
    CheckView,
    DecisionView,
    DepositState,
    NoApplication,
    Outdated,
    Verdict,
)
from core.onboarding import Field as Asks
from core.people import Customer
from core.storefronts import Storefront
from core.supply import Standing
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, NotFound, Question, ask, do, go, short_enough
from handlers.callbacks import Number, Short
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, clipped, fitting, keyboard, lines, paragraphs, plain
from handlers.screen import refused_plain
from handlers.supply.files import send_file, send_files
from handlers.supply.papers import document_line
from handlers.supply.words import FIELDS, KINDS, PAPERS, REFUSE, SEND_BACK, paper_line, reason_of, until, value_of
from handlers.supply.words import STANDINGS as CALLED
from locales import N_, Safe, Speech, match

LONGEST = 1000  # characters of a typed reason
_GOODS, _NAMES = 500, 80
MARKS = {CheckResult.OK: "✅", CheckResult.WARN: "⚠️", CheckResult.FAIL: "❌", CheckResult.PENDING: "⏳"}
CHECKS = {
    CheckKind.PERSON: N_("Person"),
    CheckKind.NAME: N_("Name"),
    CheckKind.CONTACT: N_("Contact"),
    CheckKind.SAME_PAPER: N_("Papers of others"),
    CheckKind.MISSING: N_("Papers of this kind"),
    CheckKind.EXPIRY: N_("Validity of papers"),
    CheckKind.WORDS: N_("Banned words"),
    CheckKind.CERTIFICATE: N_("Certificate"),
}
# What a person looks at besides what was checked by itself.
LOOK_AT = {
    CheckKind.PERSON: N_("Open the chat of the applicant: does the account look lived in?"),
    CheckKind.NAME: N_("Is the name the one on the papers?"),
    CheckKind.CONTACT: N_("Write to the contact: does the same person answer?"),
    CheckKind.SAME_PAPER: N_("Do the papers look genuine and whole?"),
    CheckKind.MISSING: N_("Are the papers enough for these goods?"),
    CheckKind.EXPIRY: N_("Are the days on the papers the ones that were typed?"),
    CheckKind.WORDS: N_("May these goods be sold here at all?"),
    CheckKind.CERTIFICATE: N_("Look the number up at its register, and say below what it says."),
}
STATES = {
    ApplicationState.DRAFT: N_("draft"),
    ApplicationState.SENT: N_("waits for us"),
    ApplicationState.SENT_BACK: N_("waits for the applicant"),
    ApplicationState.APPROVED: N_("approved"),
    ApplicationState.REFUSED: N_("refused"),
    ApplicationState.WITHDRAWN: N_("withdrawn"),
}
_STATE_MARKS = {
    ApplicationState.DRAFT: "📝",
    ApplicationState.SENT: "⏳",
    ApplicationState.SENT_BACK: "↩️",
    ApplicationState.APPROVED: "✅",
    ApplicationState.REFUSED: "🚫",
    ApplicationState.WITHDRAWN: "🏳️",
}
DEPOSITS = {
    DepositState.ASKED: N_("not paid yet"),
    DepositState.PAID: N_("paid"),
    DepositState.RETURNED: N_("given back"),
    DepositState.WAIVED: N_("not asked for any more"),
}
OFFERED_STANDINGS = (Standing.NEW, Standing.TRUSTED, Standing.AUTHORISED, Standing.CREATOR)


class Review(CallbackData, prefix="apr"):
    """A press on a card: in the reviewer's own chat, or in the group."""

    act: Annotated[str, Field(max_length=8)]
    id: Number
    version: Short
    arg: Annotated[str, Field(max_length=24)] = ""


# The card


async def card_drawn(shop: Shop, card: CardView, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """What a card says at this moment."""
    found = await shop.read(onboarding.application, card.application_id)
    assert found is not None, "a card is of an application"
    if card.version < found.version:
        return paragraphs(
            _heading(found, speech, card.version),
            speech.say("🔁 It was sent again since. The newer card is below."),
        ), None
    text = await _text(shop, found, speech)
    return text, keyboard(_buttons(found, speech))


def _heading(found: ApplicationView, speech: Speech, version: int) -> Safe:
    if version > 1:
        return speech.say("📋 <b>Application {id}</b>, sent for the {n}. time", id=found.id, n=speech.number(version))
    return speech.say("📋 <b>Application {id}</b>", id=found.id)


async def _text(shop: Shop, found: ApplicationView, speech: Speech, *, checklist: bool = False) -> Safe:
    customer = await shop.read(people.by_id, found.customer_id)
    decided = await _decided(shop, found, speech)
    who = f"{customer.name} @{customer.username}" if customer.username else customer.name

    def drawn(most: int) -> Safe:
        """With each answer cut to that length, and what is said of papers to a fifth of it."""
        facts = []
        for field in Asks:
            value = value_of(found, field, speech, most)
            if value is not None:
                facts.append(speech.say("{what}: {value}", what=speech.label(FIELDS[field]), value=value))
        scope = max(12, min(_NAMES, most // 5))
        checks = [_check(one, speech, checklist=checklist, most=min(200, most)) for one in found.checks]
        papers = [
            speech.say("{n}. {paper}", n=speech.number(n), paper=paper_line(one, speech, scope)) for n, one in enumerate(found.papers, 1)
        ]
        return paragraphs(
            _heading(found, speech, found.version),
            lines(*facts, speech.say("From: {who} ({telegram_id})", who=clipped(who, _NAMES), telegram_id=found.telegram_id)),
            lines(speech.say("Papers:"), *papers) if papers else speech.say("No papers."),
            lines(*checks) if checks else None,
            decided,
        )

    return fitting(drawn, _GOODS)


def _check(one: CheckView, speech: Speech, *, checklist: bool, most: int = 200) -> Safe:
    said = speech.say("{mark} {what}", mark=MARKS[one.result], what=speech.label(CHECKS[one.what]))
    fact = _fact(one, speech, most)
    line = said + Safe(": ") + fact if fact is not None else said
    return lines(line, Safe("<i>") + speech.say(LOOK_AT[one.what]) + Safe("</i>")) if checklist else line


def _fact(one: CheckView, speech: Speech, most: int) -> Safe | None:
    """What was found, in words; what others typed is cut to that length."""
    facts, told = one.facts, []
    if facts.get("banned"):
        told.append(
            speech.say("a supplier of theirs is suspended") if facts["banned"] == ["suspended"] else plain(", ".join(facts["banned"]), most)
        )
    if facts.get("refused"):
        told.append(speech.say("refused before: {list}", list=_numbers(facts["refused"])))
    if facts.get("applications"):
        told.append(speech.say("the same as in application {list}", list=_numbers(facts["applications"])))
    if facts.get("suppliers"):
        told.append(speech.say("called like the supplier {list}", list=clipped(", ".join(facts["suppliers"]), min(_NAMES, most))))
    if facts.get("papers"):
        groups = [" / ".join(speech.label(PAPERS[onboarding.PaperKind(kind)]) for kind in group) for group in facts["papers"]]
        told.append(speech.say("missing: {list}", list=", ".join(groups)))
    if facts.get("day"):
        told.append(plain(until(date.fromisoformat(facts["day"]), speech)))
    if facts.get("words"):
        told.append(plain(", ".join(facts["words"]), most))
    if facts.get("numbers"):
        told.append(plain(", ".join(facts["numbers"]), most))
    if one.what is CheckKind.CERTIFICATE and one.result is CheckResult.PENDING:
        told.append(speech.say("no register has answered yet"))
    if facts.get("register"):
        told.append(plain(str(facts["register"]), most))
    elif one.settled_by is not None:
        told.append(speech.say("looked up by hand"))
    return Safe("; ").join(told) if told else None


def _numbers(ids: Sequence[int]) -> str:
    return ", ".join(str(one) for one in ids)


async def _decided(shop: Shop, found: ApplicationView, speech: Speech) -> Safe:
    """Who decided what, and what is still needed."""
    said = [_decision(one, await _name(shop, found.storefront_id, one.by), speech) for one in found.decisions]
    approvals = sum(one.verdict is Verdict.APPROVE for one in found.decisions)
    more = found.reviewers_needed - approvals
    state = None
    if found.state is ApplicationState.SENT:
        if approvals:
            state = speech.say("⏳ <b>One more reviewer has to approve, another person than the first.</b>")
        elif more > 1:
            state = speech.say("⏳ <b>Two different people have to approve this one.</b>")
        else:
            state = speech.say("⏳ <b>Waits for a decision.</b>")
    elif found.state is ApplicationState.APPROVED:
        state = speech.say("✅ <b>Approved.</b> Supplier {id}", id=found.supplier_id)
    elif found.state is ApplicationState.SENT_BACK:
        state = speech.say("↩️ <b>Sent back.</b> The applicant changes it.")
    elif found.state is ApplicationState.REFUSED:
        state = speech.say("🚫 <b>Refused.</b>")
    elif found.state is ApplicationState.WITHDRAWN:
        state = speech.say("🏳️ <b>Withdrawn by the applicant.</b>")
    return lines(*said, state)


def _decision(one: DecisionView, who: str, speech: Speech) -> Safe:
    facts = {"who": bold(clipped(who, _NAMES)), "when": speech.when(one.at)}
    if one.verdict is Verdict.APPROVE and one.standing is not None:
        return speech.say("👤 {who} approved it as {standing}, {when}", standing=speech.label(CALLED[one.standing]), **facts)
    reason = reason_of(one.why, one.why_text, speech, 300) or Safe("–")
    if one.verdict is Verdict.SEND_BACK:
        return speech.say("👤 {who} sent it back, {when}: {reason}", reason=reason, **facts)
    return speech.say("👤 {who} refused it, {when}: {reason}", reason=reason, **facts)


async def _name(shop: Shop, storefront_id: int, by: str) -> str:
    source, _, telegram_id = by.partition(":")
    if source == "telegram" and telegram_id.isdigit():
        found = await shop.read(people.find, storefront_id=storefront_id, telegram_id=int(telegram_id))
        if found is not None:
            return found.name
    return by


def _buttons(found: ApplicationView, speech: Speech) -> list[Row]:
    def press(label: str, act: str, arg: str = "", style: str | None = None) -> Any:
        return button(label, Review(act=act, id=found.id, version=found.version, arg=arg), style)

    rows: list[Row] = []
    if found.state is ApplicationState.SENT:
        agreed = [one.standing for one in found.decisions if one.standing is not None]
        rows += [
            [press(speech.label("✅ Approve as {standing}", standing=speech.label(CALLED[standing])), "yes", standing.value, "success")]
            for standing in agreed[:1] or STANDINGS[found.kind]
        ]
        rows.append([press(speech.label("↩️ Send back"), "backs"), press(speech.label("🚫 Refuse"), "nos", style="danger")])
    looks = [press(speech.label("📎 Papers ({n})", n=speech.number(len(found.papers))), "papers")] if found.papers else []
    rows.append([*looks, press(speech.label("☑️ Checklist"), "checks")])
    return rows


# Presses on a card


class Reviewer(Filter):
    """Lets presses on cards through when they come from the staff, in their own chat with the bot or in the group of all."""

    async def __call__(
        self,
        event: TelegramObject,
        shop: Shop,
        storefront: Storefront,
        bot: Bot,
        state: FSMContext,
        event_router: Router,
        customer: Customer | None = None,
        speech: Speech | None = None,
        admin_group: int | None = None,
    ) -> bool | dict[str, Any]:
        if customer is None or speech is None or not isinstance(event, CallbackQuery) or event.message is None:
            return False
        chat = event.message.chat
        if chat.type != ChatType.PRIVATE and chat.id != admin_group:
            return False
        if not await shop.read(people.is_staff, storefront_id=storefront.id, telegram_id=customer.telegram_id):
            return False
        return {"desk": Desk(shop, storefront, customer, speech, state, bot, event_router)}


class SaysWhy(BaseMiddleware):
    """A refusal is said over the card, and the card is drawn as it is now: whoever pressed an outdated one sees what has happened."""

    async def __call__(
        self, handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]], event: TelegramObject, data: dict[str, Any]
    ) -> Any:
        try:
            return await handler(event, data)
        except Refusal as refusal:
            desk: Desk = data["desk"]
            assert isinstance(event, CallbackQuery)
            await event.answer(refused_plain(desk.speech, refusal), show_alert=True)
            pressed: Review = data["callback_data"]
            found = await desk.shop.read(onboarding.application, pressed.id)
            if found is not None and found.storefront_id == desk.storefront.id and found.version > 0:
                await _redraw(event, desk, found)
        return None


def _reads(event: CallbackQuery, desk: Desk) -> Speech:
    """The language of whoever reads the card: in the group, the shop's."""
    in_group = event.message is not None and event.message.chat.type != ChatType.PRIVATE
    return Speech(match(desk.storefront.language, desk.storefront.language)) if in_group else desk.speech


async def _redraw(event: CallbackQuery, desk: Desk, found: ApplicationView) -> None:
    speech = _reads(event, desk)
    await desk.show(event, await _text(desk.shop, found, speech), _buttons(found, speech))


async def _seen(desk: Desk, pressed: Review) -> ApplicationView:
    """The application of a card as it was seen; raises NoApplication or Outdated."""
    found = await desk.shop.read(onboarding.application, pressed.id)
    if found is None or found.storefront_id != desk.storefront.id or found.version == 0:
        raise NoApplication
    if found.version != pressed.version:
        raise Outdated
    return found


async def look(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """The card itself."""
    await _redraw(press, desk, await _seen(desk, callback_data))


async def approve(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """One press: the last approval that is needed makes the supplier."""
    if callback_data.arg not in set(Standing):
        raise Outdated
    decided = await desk.shop.write(
        onboarding.decide,
        application_id=callback_data.id,
        storefront_id=desk.storefront.id,
        version=callback_data.version,
        telegram_id=desk.customer.telegram_id,
        verdict=Verdict.APPROVE,
        standing=Standing(callback_data.arg),
    )
    if decided.more_needed:
        await press.answer(desk.speech.label("Noted. A second person has to approve it, too."))
    else:
        await press.answer(desk.speech.label("Approved. The supplier is told."))
    await _redraw(press, desk, await _seen(desk, callback_data))


async def reasons(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """The usual reasons by number, and, where typing is heard, one of their own."""
    found = await _seen(desk, callback_data)
    if found.state is not ApplicationState.SENT:
        raise Outdated
    speech, back = _reads(press, desk), callback_data.act == "backs"
    usual = SEND_BACK if back else REFUSE
    act = "back" if back else "no"
    told = [speech.say("{n}. {reason}", n=speech.number(n), reason=speech.say(sentence)) for n, sentence in enumerate(usual.values(), 1)]
    rows: list[Row] = [
        [
            button(speech.number(n), Review(act=act, id=found.id, version=found.version, arg=why), None if back else "danger")
            for n, why in enumerate(usual, 1)
        ]
    ]
    if press.message is not None and press.message.chat.type == ChatType.PRIVATE:
        rows.append([ask(speech.label("✍️ Another reason"), f"app.{act}", found.id, arg=str(found.version))])
    rows.append([button(speech.label("⬅️ Back"), Review(act="look", id=found.id, version=found.version))])
    question = speech.say("Why is application {id} sent back? The applicant reads the sentence you choose.", id=found.id)
    if not back:
        question = speech.say("Why is application {id} refused? The applicant reads the sentence you choose.", id=found.id)
    await desk.show(press, paragraphs(question, lines(*told)), rows)


async def say_no(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """Sent back or refused, for a usual reason."""
    back = callback_data.act == "back"
    if callback_data.arg not in (SEND_BACK if back else REFUSE):
        raise Outdated
    await desk.shop.write(
        onboarding.decide,
        application_id=callback_data.id,
        storefront_id=desk.storefront.id,
        version=callback_data.version,
        telegram_id=desk.customer.telegram_id,
        verdict=Verdict.SEND_BACK if back else Verdict.REFUSE,
        why=callback_data.arg,
    )
    await press.answer(
        desk.speech.label("Sent back. The applicant is told.") if back else desk.speech.label("Refused. The applicant is told.")
    )
    await _redraw(press, desk, await _seen(desk, callback_data))


async def papers(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """The papers themselves, below the card."""
    found, speech = await _seen(desk, callback_data), _reads(press, desk)
    files = [
        # Captions are HTML like every text: what the applicant typed is escaped.
        (one.file_id, one.file_kind, str(speech.say("{n}. {paper}", n=speech.number(n), paper=paper_line(one, speech, 200))))
        for n, one in enumerate(found.papers, 1)
    ]
    await send_files(press, files, speech)


async def checklist(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """Each check with what a person looks at besides; what is pending is answered here by who has looked it up."""
    found, speech = await _seen(desk, callback_data), _reads(press, desk)
    pending = [one.what for one in found.checks if one.result is CheckResult.PENDING and found.state is ApplicationState.SENT]
    rows: list[Row] = [
        [button(sentence, Review(act="settle", id=found.id, version=found.version, arg=f"{answer}-{what}"))]
        for what in pending
        for answer, sentence in (
            ("ok", speech.label("✅ {what}: genuine", what=speech.label(CHECKS[what]))),
            ("fail", speech.label("❌ {what}: not genuine", what=speech.label(CHECKS[what]))),
        )
    ]
    rows.append([button(speech.label("⬅️ Back"), Review(act="look", id=found.id, version=found.version))])
    told = lines(*(_check(one, speech, checklist=True) for one in found.checks))
    await desk.show(press, paragraphs(speech.say("☑️ <b>Checklist of application {id}</b>", id=found.id), told), rows)


async def settle(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """Somebody of the staff has looked a certificate up."""
    found = await _seen(desk, callback_data)
    if found.telegram_id == desk.customer.telegram_id:
        raise onboarding.OwnApplication
    result, _, what = callback_data.arg.partition("-")
    if result not in ("ok", "fail") or what not in set(CheckKind):
        raise Outdated
    done = await desk.shop.write(
        onboarding.settle_check,
        application_id=found.id,
        version=callback_data.version,
        what=CheckKind(what),
        result=CheckResult(result),
        facts={},
        by=desk.by,
    )
    if not done:
        raise Outdated
    await _redraw(press, desk, await _seen(desk, callback_data))


async def not_known(press: CallbackQuery, desk: Desk) -> None:
    raise Outdated


# Typed reasons


async def _ask_back(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type what the applicant should change in application {id}. They read it word for word.", id=asked.id)


async def _ask_no(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type why application {id} is refused. The applicant reads it word for word.", id=asked.id)


async def _take_back(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _typed(desk, message, asked, text, Verdict.SEND_BACK)


async def _take_no(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await _typed(desk, message, asked, text, Verdict.REFUSE)


async def _typed(desk: Desk, message: Message, asked: Asked, text: str, verdict: Verdict) -> None:
    version = int(asked.arg) if asked.arg.isascii() and asked.arg.isdigit() and len(asked.arg) < 10 else -1
    try:
        await desk.shop.write(
            onboarding.decide,
            application_id=asked.id,
            storefront_id=desk.storefront.id,
            version=version,
            telegram_id=desk.customer.telegram_id,
            verdict=verdict,
            why_text=short_enough(text, LONGEST),
        )
    except (Outdated, NoApplication, onboarding.OwnApplication, onboarding.AlreadyApproved) as refusal:
        # Typing it again would end the same: the question is over.
        await desk.show(
            message, Safe(plain(refused_plain(desk.speech, refusal))), [[go(desk.speech.label("📋 Applications"), "apps"), desk.home()]]
        )
        return
    await _screen(message, desk, asked.id)


# The list


async def waiting(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Applications that wait for us, the longest first; with `arg`, all that were ever sent."""
    say, page, everything = desk.speech, callback_data.page, callback_data.arg == "all"
    found = await desk.shop.read(
        onboarding.applications, storefront_id=desk.storefront.id, waiting=not everything, page=page, limit=PAGE + 1
    )
    rows: list[Row] = [
        [go(f"{_STATE_MARKS[one.state]} {one.id} · {clipped(one.name or '–', 24)} · {say.label(KINDS[one.kind])}", "app", one.id)]
        for one in found[:PAGE]
    ]
    rows += [
        desk.pages("apps", 0, page, more=len(found) > PAGE, arg=callback_data.arg),
        [go(say.label("⏳ Waiting"), "apps") if everything else go(say.label("All applications"), "apps", arg="all")],
        [go(say.label("🔐 Deposits"), "deposits")],
        desk.back("supply"),
    ]
    nothing = say.say("No application was sent yet.") if everything else say.say("No application waits for a decision.")
    await desk.show(press, paragraphs(bold(say.label("Applications")), None if found else nothing), rows)


async def one(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _screen(press, desk, callback_data.id)


async def _screen(event: Message | CallbackQuery, desk: Desk, application_id: int) -> None:
    found = await desk.shop.read(onboarding.application, application_id)
    if found is None or found.storefront_id != desk.storefront.id or found.version == 0:
        raise NoApplication
    rows = [*_buttons(found, desk.speech), [go(desk.speech.label("👤 The applicant"), "person", found.customer_id)], desk.back("apps")]
    await desk.show(event, await _text(desk.shop, found, desk.speech), rows)


# Deposits


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


QUESTIONS["app.back"] = Question(_ask_back, _take_back, "apps")
QUESTIONS["app.no"] = Question(_ask_no, _take_no, "apps")
QUESTIONS["deposit.set"] = Question(_ask_deposit, _set_deposit, "deposits")


# Papers of suppliers


async def show_renewal(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await desk.shop.read(onboarding.renewal, callback_data.id)
    if found is None:
        raise Outdated
    await send_file(press, found.file_id, found.file_kind, desk.speech)


async def take_renewal(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A newer paper is accepted, or not; whoever comes second sees what was decided."""
    try:
        await desk.shop.write(
            onboarding.decide_renewal,
            renewal_id=callback_data.id,
            storefront_id=desk.storefront.id,
            telegram_id=desk.customer.telegram_id,
            approved=callback_data.act == "paper-yes",
        )
    except Outdated as refusal:
        await press.answer(refused_plain(desk.speech, refusal), show_alert=True)
    text, markup = await _renewal(desk.shop, desk.storefront, callback_data.id, desk.speech)
    await desk.show(press, text, markup.inline_keyboard if markup else [])


async def _renewal(shop: Shop, storefront: Storefront, renewal_id: int, speech: Speech) -> Said:
    found = await shop.read(onboarding.renewal, renewal_id)
    if found is None:
        return speech.say("There is no such paper."), None
    supplier = await shop.read(supply.supplier, found.document.supplier_id)
    text = lines(
        speech.say("📄 {name} has sent a newer paper.", name=bold(supplier.name if supplier else "–")),
        document_line(found.document, speech),
        speech.say("The newer one: {until}", until=until(found.expires_on, speech)),
    )
    if found.state is not onboarding.RenewalState.SENT:
        who = await _name(shop, storefront.id, found.decided_by or "–")
        accepted = found.state is onboarding.RenewalState.APPROVED
        done = (
            speech.say("✅ {who} has accepted it.", who=bold(who))
            if accepted
            else speech.say("🚫 {who} has not accepted it.", who=bold(who))
        )
        return paragraphs(text, done), None
    rows: list[Row] = [
        [do(speech.label("🖼 Show it"), "paper-show", renewal_id)],
        [
            do(speech.label("✅ Accept it"), "paper-yes", renewal_id, style="success"),
            do(speech.label("🚫 Do not"), "paper-no", renewal_id, style="danger"),
        ],
    ]
    return text, keyboard(rows)


# What the staff are told


async def renewal_sent(note: Note) -> Said:
    return await _renewal(note.shop, note.storefront, int(note.body["renewal"]), note.speech)


async def document_told(note: Note) -> Said:
    """To the staff: a supplier's paper expires, has expired, or has stopped its offers."""
    speech = note.speech
    found = await note.shop.read(onboarding.document, int(note.body["document"]))
    supplier = await note.shop.read(supply.supplier, found.supplier_id) if found else None
    if found is None or supplier is None:
        return speech.say("There is no such paper."), None
    event = str(note.body["event"])
    name = bold(supplier.name)
    heading = speech.say("⏰ A paper of {name} expires.", name=name)
    if event == "expired":
        heading = speech.say("🟡 A paper of {name} has expired: nothing new can be listed on it.", name=name)
    elif event == "stopped":
        heading = speech.say("🔴 A paper of {name} has expired, and the sales that rest on it are stopped.", name=name)
    return lines(heading, document_line(found, speech)), None


def application_withdrawn(note: Note) -> Said:
    return note.speech.say("🏳️ Application {id} was withdrawn by the applicant.", id=int(note.body["application"])), None


SAYS: Mapping[str, Any] = {
    "document-renewal": renewal_sent,
    "document-staff": document_told,
    "application-withdrawn": application_withdrawn,
}


def router() -> Router:
    """The screens of the desk."""
    made = Router(name="admin-applications")
    made.callback_query.register(waiting, Go.filter(F.to == "apps"))
    made.callback_query.register(one, Go.filter(F.to == "app"))
    made.callback_query.register(deposits, Go.filter(F.to == "deposits"))
    made.callback_query.register(deposit, Go.filter(F.to == "deposit"))
    made.callback_query.register(confirm_back, Go.filter(F.to == "deposit-out"))
    made.callback_query.register(give_back, Do.filter(F.act == "deposit-back"))
    made.callback_query.register(ask_none, Do.filter(F.act == "deposit-off"))
    made.callback_query.register(show_renewal, Do.filter(F.act == "paper-show"))
    made.callback_query.register(take_renewal, Do.filter(F.act == "paper-yes"))
    made.callback_query.register(take_renewal, Do.filter(F.act == "paper-no"))
    return made


def cards() -> Router:
    """Presses on cards, which may hang in a group; from anybody else they do nothing."""
    made = Router(name="application-cards")
    staff = Router(name="application-cards-of-staff")
    staff.callback_query.filter(Reviewer())
    staff.callback_query.middleware(SaysWhy())
    for act, pressed in (
        ("look", look),
        ("yes", approve),
        ("backs", reasons),
        ("nos", reasons),
        ("back", say_no),
        ("no", say_no),
        ("papers", papers),
        ("checks", checklist),
        ("settle", settle),
    ):
        staff.callback_query.register(pressed, Review.filter(F.act == act))
    staff.callback_query.register(not_known, Review.filter())
    others = Router(name="application-cards-not-staff")
    others.callback_query.register(not_staff, F.data.startswith(f"{Review.__prefix__}:"))
    made.include_routers(staff, others)
    return made


async def not_staff(press: CallbackQuery, speech: Speech | None = None) -> None:
    """A card's button that was forwarded, forged or cut: it does nothing."""
    if speech is not None:
        await press.answer(speech.label("This button is for the staff of the shop."), show_alert=True)
