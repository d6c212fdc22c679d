"""Applications of resellers: a live card for everybody who decides, and decisions by one press."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from aiogram import BaseMiddleware, F, Router
from aiogram.enums import ChatType
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, TelegramObject
from pydantic import Field

from core import onboarding, people, resellers
from core.database import Shop
from core.errors import Refusal
from core.onboarding import ApplicationState, CardView, Outdated, Verdict
from core.resellers import ApplicationView, Asked, LevelView, NoApplication
from handlers.admin.applications import Reviewer
from handlers.admin.desk import PAGE, Desk, Go, ask, go
from handlers.admin.typed_reasons import ask_for_reasons
from handlers.callbacks import Number, Short
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, clipped, fitting, keyboard, lines, paragraphs, plain
from handlers.reseller.words import FIELDS, REFUSE, SEND_BACK, reason_of, value_of
from handlers.screen import refused_plain
from locales import Safe, Speech, match

_NAMES = 80
NO_LEVEL = "0"  # approved at wholesale prices


class ReviewReseller(CallbackData, prefix="rsr"):
    """A press on a card: in the reviewer's own chat, or in the group."""

    act: Annotated[str, Field(max_length=8)]
    id: Number
    version: Short
    arg: Annotated[str, Field(max_length=20)] = ""


# The card


async def card_drawn(shop: Shop, card: CardView, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """What a card says at this moment."""
    found = await shop.read(resellers.application, card.application_id)
    assert found is not None, "a card is of an application"
    if card.version < found.version:
        return paragraphs(_heading(found, speech), speech.say("🔁 It was sent again since. The newer card is below.")), None
    steps = await shop.read(resellers.levels, storefront_id=found.storefront_id)
    return await _text(shop, found, speech), keyboard(_buttons(found, steps, speech))


def _heading(found: ApplicationView, speech: Speech) -> Safe:
    return speech.say("🤝 <b>Application {id}: reseller</b>", id=found.id)


async def _text(shop: Shop, found: ApplicationView, speech: Speech) -> Safe:
    customer = await shop.read(people.by_id, found.customer_id)
    who = f"{customer.name} @{customer.username}" if customer.username else customer.name
    decided = await _decided(shop, found, speech)

    def drawn(most: int) -> Safe:
        facts = []
        for one in Asked:
            value = value_of(found, one, speech, most)
            if value is not None:
                facts.append(speech.say("{what}: {value}", what=speech.label(FIELDS[one]), value=value))
        return paragraphs(
            _heading(found, speech),
            lines(*facts, speech.say("From: {who} ({telegram_id})", who=clipped(who, _NAMES), telegram_id=found.telegram_id)),
            lines(*_findings(found, speech, most)),
            decided,
        )

    return fitting(drawn, 500)


def _findings(found: ApplicationView, speech: Speech, most: int) -> list[Safe]:
    """What was noticed when it was sent."""
    facts, told = found.findings, []
    if facts.get("banned"):
        told.append(speech.say("❌ On the blacklist: {why}", why=plain(", ".join(facts["banned"]), most)))
    if facts.get("words"):
        told.append(speech.say("❌ Banned words: {list}", list=plain(", ".join(facts["words"]), most)))
    if facts.get("refused"):
        told.append(speech.say("⚠️ Refused before: {list}", list=", ".join(str(one) for one in facts["refused"])))
    if facts.get("applications"):
        told.append(speech.say("⚠️ The same contact as in application {list}", list=", ".join(str(one) for one in facts["applications"])))
    return told or [speech.say("✅ Nothing was noticed.")]


async def _decided(shop: Shop, found: ApplicationView, speech: Speech) -> Safe:
    """Who decided what."""
    states = {
        ApplicationState.SENT: speech.say("⏳ <b>Waits for a decision.</b>"),
        ApplicationState.SENT_BACK: speech.say("↩️ <b>Sent back.</b> The applicant changes it."),
        ApplicationState.REFUSED: speech.say("🚫 <b>Refused.</b>"),
        ApplicationState.WITHDRAWN: speech.say("🏳️ <b>Withdrawn by the applicant.</b>"),
        ApplicationState.APPROVED: speech.say("✅ <b>Approved.</b>"),
        ApplicationState.DRAFT: None,
    }
    said = None
    if (
        found.verdict is not None
        and found.verdict_by is not None
        and found.verdict_at is not None
        and found.state is not ApplicationState.SENT
    ):
        facts = {
            "who": bold(clipped(await _name(shop, found.storefront_id, found.verdict_by), _NAMES)),
            "when": speech.when(found.verdict_at),
        }
        if found.verdict is Verdict.APPROVE:
            level = None if found.level_id is None else await shop.read(resellers.level, found.level_id)
            called = level.name if level is not None else speech.label("at wholesale prices")
            said = speech.say("👤 {who} approved it as {standing}, {when}", standing=clipped(called, 60), **facts)
        else:
            reason = reason_of(found.why, found.why_text, speech, 300) or Safe("–")
            if found.verdict is Verdict.SEND_BACK:
                said = speech.say("👤 {who} sent it back, {when}: {reason}", reason=reason, **facts)
            else:
                said = speech.say("👤 {who} refused it, {when}: {reason}", reason=reason, **facts)
    return lines(said, states[found.state])


async def _name(shop: Shop, storefront_id: int, by: str) -> str:
    source, _, telegram_id = by.partition(":")
    if source == "telegram" and telegram_id.isdigit():
        found = await shop.read(people.find, storefront_id=storefront_id, telegram_id=int(telegram_id))
        if found is not None:
            return found.name
    return by


def _buttons(found: ApplicationView, steps: list[LevelView], speech: Speech) -> list[Row]:
    def press(label: str, act: str, arg: str = "", style: str | None = None) -> Any:
        return button(label, ReviewReseller(act=act, id=found.id, version=found.version, arg=arg), style)

    if found.state is not ApplicationState.SENT:
        return []
    # The lowest level first: who is new begins there.
    rows: list[Row] = [
        [press(speech.label("✅ Approve as {standing}", standing=clipped(one.name, 40)), "yes", str(one.id), "success")]
        for one in reversed(steps)
    ]
    rows.append([press(speech.label("✅ Approve at wholesale prices"), "yes", NO_LEVEL, "success")])
    rows.append([press(speech.label("↩️ Send back"), "backs"), press(speech.label("🚫 Refuse"), "nos", style="danger")])
    return rows


# Presses on a card


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
            pressed: ReviewReseller = data["callback_data"]
            found = await desk.shop.read(resellers.application, pressed.id)
            if found is not None and found.storefront_id == desk.storefront.id and found.version > 0:
                await _redraw(event, desk, found)
        return None


def _reads(event: CallbackQuery, desk: Desk) -> Speech:
    """The language of whoever reads the card: in the group, the shop's."""
    in_group = event.message is not None and event.message.chat.type != ChatType.PRIVATE
    return Speech(match(desk.storefront.language, desk.storefront.language)) if in_group else desk.speech


async def _redraw(event: CallbackQuery, desk: Desk, found: ApplicationView) -> None:
    speech = _reads(event, desk)
    steps = await desk.shop.read(resellers.levels, storefront_id=found.storefront_id)
    await desk.show(event, await _text(desk.shop, found, speech), _buttons(found, steps, speech))


async def _seen(desk: Desk, pressed: ReviewReseller) -> ApplicationView:
    """The application of a card as it was seen; raises NoApplication or Outdated."""
    found = await desk.shop.read(resellers.application, pressed.id)
    if found is None or found.storefront_id != desk.storefront.id or found.version == 0:
        raise NoApplication
    if found.version != pressed.version:
        raise Outdated
    return found


async def look(press: CallbackQuery, callback_data: ReviewReseller, desk: Desk) -> None:
    """The card itself."""
    await _redraw(press, desk, await _seen(desk, callback_data))


async def approve(press: CallbackQuery, callback_data: ReviewReseller, desk: Desk) -> None:
    """One press makes the reseller."""
    if not (callback_data.arg.isascii() and callback_data.arg.isdigit()):
        raise Outdated
    level_id = int(callback_data.arg) or None
    if level_id is not None and level_id not in {
        one.id for one in await desk.shop.read(resellers.levels, storefront_id=desk.storefront.id)
    }:
        raise resellers.NoLevel  # Also a number that no database could hold.
    await desk.shop.write(
        resellers.decide,
        application_id=callback_data.id,
        storefront_id=desk.storefront.id,
        version=callback_data.version,
        telegram_id=desk.customer.telegram_id,
        verdict=Verdict.APPROVE,
        level_id=level_id,
    )
    await press.answer(desk.speech.label("Approved. The reseller is told."))
    await _redraw(press, desk, await _seen(desk, callback_data))


async def reasons(press: CallbackQuery, callback_data: ReviewReseller, desk: Desk) -> None:
    """The usual reasons by number, and, where typing is heard, one of their own."""
    found = await _seen(desk, callback_data)
    if found.state is not ApplicationState.SENT:
        raise Outdated
    speech, back = _reads(press, desk), callback_data.act == "backs"
    usual, act = (SEND_BACK, "back") if back else (REFUSE, "no")
    told = [speech.say("{n}. {reason}", n=speech.number(n), reason=speech.say(sentence)) for n, sentence in enumerate(usual.values(), 1)]

    def press_(label: str, act: str, arg: str = "", style: str | None = None) -> Any:
        return button(label, ReviewReseller(act=act, id=found.id, version=found.version, arg=arg), style)

    rows: list[Row] = [[press_(speech.number(n), act, why, None if back else "danger") for n, why in enumerate(usual, 1)]]
    if press.message is not None and press.message.chat.type == ChatType.PRIVATE:
        rows.append([ask(speech.label("✍️ Another reason"), f"rsapp.{act}", found.id, arg=str(found.version))])
    rows.append([press_(speech.label("⬅️ Back"), "look")])
    question = speech.say("Why is application {id} sent back? The applicant reads the sentence you choose.", id=found.id)
    if not back:
        question = speech.say("Why is application {id} refused? The applicant reads the sentence you choose.", id=found.id)
    await desk.show(press, paragraphs(question, lines(*told)), rows)


async def say_no(press: CallbackQuery, callback_data: ReviewReseller, desk: Desk) -> None:
    """Sent back or refused, for a usual reason."""
    back = callback_data.act == "back"
    if callback_data.arg not in (SEND_BACK if back else REFUSE):
        raise Outdated
    await desk.shop.write(
        resellers.decide,
        application_id=callback_data.id,
        storefront_id=desk.storefront.id,
        version=callback_data.version,
        telegram_id=desk.customer.telegram_id,
        verdict=Verdict.SEND_BACK if back else Verdict.REFUSE,
        why=callback_data.arg,
    )
    say = desk.speech
    await press.answer(say.label("Sent back. The applicant is told.") if back else say.label("Refused. The applicant is told."))
    await _redraw(press, desk, await _seen(desk, callback_data))


async def not_known(press: CallbackQuery, desk: Desk) -> None:
    raise Outdated


# Typed reasons


async def _told(message: Message, desk: Desk, application_id: int, verdict: Verdict) -> None:
    say = desk.speech
    said = say.say("Sent back. The applicant is told.") if verdict is Verdict.SEND_BACK else say.say("Refused. The applicant is told.")
    await desk.show(message, said, [[go(say.label("📋 Applications"), "rsapps"), desk.home()]])


ask_for_reasons("rsapp", resellers.decide, (Outdated, NoApplication, onboarding.OwnApplication), _told, screen="rsapps")


# Those that wait


async def waiting(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Applications that wait for the shop, the longest first."""
    say = desk.speech
    found = await desk.shop.read(resellers.applications, storefront_id=desk.storefront.id, page=callback_data.page, limit=PAGE + 1)
    rows: list[Row] = [
        [button(f"🤝 {one.id} · {clipped(one.name or '–', 40)}", ReviewReseller(act="look", id=one.id, version=one.version))]
        for one in found[:PAGE]
    ]
    if pages := desk.pages("rsapps", 0, callback_data.page, len(found) > PAGE):
        rows.append(pages)
    rows.append(desk.back("resellers"))
    await desk.show(press, say.say("Applications that wait for you:") if found else say.say("No application waits."), rows)


def withdrawn(note: Note) -> Said:
    """To the staff: an application that waited is gone."""
    return note.speech.say("🏳️ Application {id} of a reseller was withdrawn by the applicant.", id=int(note.body["application"])), None


def router() -> Router:
    made = Router(name="admin-reseller-applications")
    made.callback_query.register(waiting, Go.filter(F.to == "rsapps"))
    return made


def cards() -> Router:
    """Presses on cards, which may hang in a group; from anybody else they do nothing."""
    made = Router(name="reseller-cards")
    staff = Router(name="reseller-cards-of-staff")
    staff.callback_query.filter(F.data.startswith(f"{ReviewReseller.__prefix__}:"), Reviewer())
    staff.callback_query.middleware(SaysWhy())
    for act, pressed in (("look", look), ("yes", approve), ("backs", reasons), ("nos", reasons), ("back", say_no), ("no", say_no)):
        staff.callback_query.register(pressed, ReviewReseller.filter(F.act == act))
    staff.callback_query.register(not_known, ReviewReseller.filter())
    others = Router(name="reseller-cards-not-staff")
    others.callback_query.register(not_staff, F.data.startswith(f"{ReviewReseller.__prefix__}:"))
    made.include_routers(staff, others)
    return made


async def not_staff(press: CallbackQuery, speech: Speech | None = None) -> None:
    """A card's button that was forwarded, forged or cut: it does nothing."""
    if speech is not None:
        await press.answer(speech.label("This button is for the staff of the shop."), show_alert=True)
