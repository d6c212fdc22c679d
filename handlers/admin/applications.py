"""Applications of suppliers: decided by one press on a card, for a usual reason or a typed one, and the list of those that wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiogram import BaseMiddleware, Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Filter
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message, TelegramObject

from core import onboarding, people
from core.database import Shop
from core.errors import Refusal
from core.onboarding import (
    ApplicationState,
    ApplicationView,
    CheckKind,
    CheckResult,
    NoApplication,
    Outdated,
    Verdict,
)
from core.people import Customer
from core.storefronts import Storefront
from core.supply import Standing
from handlers.admin.application_card import CHECKS, Review, card_buttons, card_text, check_line
from handlers.admin.desk import PAGE, Desk, Go, ask, go, not_staff
from handlers.admin.typed_reasons import ask_for_reasons
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, clipped, lines, paragraphs
from handlers.screen import refused_plain
from handlers.supply.files import send_files
from handlers.supply.words import KINDS, REFUSE, SEND_BACK, paper_line
from locales import Speech, match

_MARKS = {
    ApplicationState.DRAFT: "📝",
    ApplicationState.SENT: "⏳",
    ApplicationState.SENT_BACK: "↩️",
    ApplicationState.APPROVED: "✅",
    ApplicationState.REFUSED: "🚫",
    ApplicationState.WITHDRAWN: "🏳️",
}


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


def reads(event: CallbackQuery, desk: Desk) -> Speech:
    """The language of whoever reads the card: in the group, the shop's."""
    in_group = event.message is not None and event.message.chat.type != ChatType.PRIVATE
    return Speech(match(desk.storefront.language, desk.storefront.language)) if in_group else desk.speech


async def _redraw(event: CallbackQuery, desk: Desk, found: ApplicationView) -> None:
    speech = reads(event, desk)
    await desk.show(event, await card_text(desk.shop, found, speech), card_buttons(found, speech))


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
    speech, back = reads(press, desk), callback_data.act == "backs"
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
    found, speech = await _seen(desk, callback_data), reads(press, desk)
    files = [
        # Captions are HTML like every text: what the applicant typed is escaped.
        (one.file_id, one.file_kind, str(speech.say("{n}. {paper}", n=speech.number(n), paper=paper_line(one, speech, 200))))
        for n, one in enumerate(found.papers, 1)
    ]
    await send_files(press, files, speech)


async def checklist(press: CallbackQuery, callback_data: Review, desk: Desk) -> None:
    """Each check with what a person looks at besides; what is pending is answered here by who has looked it up."""
    found, speech = await _seen(desk, callback_data), reads(press, desk)
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
    told = lines(*(check_line(one, speech, checklist=True) for one in found.checks))
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


# The list


async def waiting(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Applications that wait for us, the longest first; with `arg`, all that were ever sent."""
    say, page, everything = desk.speech, callback_data.page, callback_data.arg == "all"
    found = await desk.shop.read(
        onboarding.applications, storefront_id=desk.storefront.id, waiting=not everything, page=page, limit=PAGE + 1
    )
    rows: list[Row] = [
        [go(f"{_MARKS[one.state]} {one.id} · {clipped(one.name or '–', 24)} · {say.label(KINDS[one.kind])}", "app", one.id)]
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
    rows = [*card_buttons(found, desk.speech), [go(desk.speech.label("👤 The applicant"), "person", found.customer_id)], desk.back("apps")]
    await desk.show(event, await card_text(desk.shop, found, desk.speech), rows)


async def _told(message: Message, desk: Desk, application_id: int, verdict: Verdict) -> None:
    await _screen(message, desk, application_id)


_OVER = (Outdated, NoApplication, onboarding.OwnApplication, onboarding.AlreadyApproved)
ask_for_reasons("app", onboarding.decide, _OVER, _told, screen="apps")


# What the staff are told


def application_withdrawn(note: Note) -> Said:
    return note.speech.say("🏳️ Application {id} was withdrawn by the applicant.", id=int(note.body["application"])), None


SAYS: Mapping[str, Any] = {"application-withdrawn": application_withdrawn}


def router() -> Router:
    """The screens of the desk."""
    made = Router(name="admin-applications")
    made.callback_query.register(waiting, Go.filter(F.to == "apps"))
    made.callback_query.register(one, Go.filter(F.to == "app"))
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
