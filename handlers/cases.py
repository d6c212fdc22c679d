"""Something is wrong with a code: the buyer says which one and why, sends words and pictures, and follows the case to its end."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InaccessibleMessage,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
)

from core import aftersale
from core.aftersale import CaseCard, CaseDetail, CaseOpen, CaseState, EntryView, Outcome, Reason, Side
from core.catalog import Gone
from core.database import Shop
from core.errors import Refusal
from core.people import Customer
from core.storefronts import Storefront
from handlers import callbacks
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.pieces import Row, bold, button, clipped, full_name, keyboard, lines, paragraphs, plain, show
from locales import N_, Safe, Speech

PAGE = 5
CODES = 8  # of an order on one screen
ALBUM = 10  # pictures in one message of Telegram
SHOWN = 250  # characters of an entry on the screen of a case
NAME = 100  # of a product's and denomination's name there

WHAT_TO_TYPE = N_("Type the number of a case or an order, a code or its last characters, or a part of the name of what was bought.")
ALL_REASONS = tuple(Reason)
# A command is no part of a complaint, and a payment is never one.
SPOKEN = ~F.text.startswith("/") & ~F.successful_payment & ~F.refunded_payment
REASONS = {
    Reason.FACE_VALUE: N_("Another face value than bought"),
    Reason.WRONG_CODE: N_("The number or password is not accepted"),
    Reason.NOT_ACTIVATED: N_("The card is not activated"),
    Reason.USED: N_("Already used or expired"),
    Reason.RECLAIMED: N_("Its former owner took it back"),
    Reason.OTHER: N_("Something else"),
}
CANNED = {"ask-picture": N_("Please send a picture (a screenshot) that shows the code and the error message.")}
WHYS = {
    "works": N_("We checked the code: it is valid and unused."),
    "used-after": N_("The code was redeemed after it had been sent to you."),
    "as-described": N_("The code is as described: region and denomination were named before you paid."),
    "no-proof": N_("What you sent does not show a fault of the code."),
    "given-back": N_("The payment of this order was given back to you."),
    "elsewhere": N_("The code was refunded already."),
}
USUAL = ("works", "used-after", "as-described", "no-proof", "given-back")  # what the staff refuse with by one press
OUTCOMES = {
    Outcome.REPLACED: N_("Replaced"),
    Outcome.REFUNDED: N_("Refunded"),
    Outcome.REFUSED: N_("Refused"),
    Outcome.WITHDRAWN: N_("Withdrawn"),
}
_STATES = {
    CaseState.OPEN: N_("Waits for the shop"),
    CaseState.WAITING_BUYER: N_("Waits for your answer"),
    CaseState.WAITING_SHOP: N_("Waits for the shop"),
}
_MARKS = {CaseState.OPEN: "⏳", CaseState.WAITING_BUYER: "💬", CaseState.WAITING_SHOP: "⏳"}
_ENDS = {Outcome.REPLACED: "🔁", Outcome.REFUNDED: "💸", Outcome.REFUSED: "🚫", Outcome.WITHDRAWN: "↩️"}
_DECIDED = {
    Outcome.REPLACED: N_("✅ Case {case} is decided: you get a new code for {code}. It is the next message; the old code is void."),
    Outcome.REFUNDED: N_("✅ Case {case} is decided: the price of the code {code} is refunded."),
    Outcome.REFUSED: N_("Case {case} is decided: we cannot accept the complaint about the code {code}."),
    Outcome.WITHDRAWN: N_("Case {case} about the code {code} is closed, because we have not heard from you. Nothing was changed."),
}


class Complaining(StatesGroup):
    """What the next message is: the first words of a complaint, more for a case, or an order's number."""

    telling = State()
    adding = State()
    searching = State()


# Words that the staff's side says too


def refused_with_dates(speech: Speech, refusal: Refusal) -> Safe:
    """A refusal whose facts may be moments."""
    facts = {name: speech.when(fact) if isinstance(fact, datetime) else fact for name, fact in speech.spoken(refusal.facts()).items()}
    return speech.say(refusal.says, **facts)


def mark_of(card: CaseCard) -> str:
    return _ENDS[card.outcome] if card.outcome is not None else _MARKS[card.state]


def named(card: CaseCard, speech: Speech) -> str:
    """What was bought, short enough to stand beside a whole conversation."""
    return clipped(full_name(card.product, card.sku, speech), NAME)


def coded(masked: str) -> Safe:
    """The first and last characters of a code."""
    return Safe("<code>") + masked + Safe("</code>")


def why_of(card: CaseCard, speech: Speech, most: int = 2 * SHOWN) -> Safe | None:
    """Why a case was decided so, when there is a reason."""
    if card.why_text:
        return plain(card.why_text, most)
    return speech.say(WHYS[card.why]) if card.why in WHYS else None


def refund_reason(reason: str, speech: Speech, most: int) -> Safe | None:
    """Why money was given back, as the staff typed it; a case is named in the reader's language. None when nothing is said."""
    of_case = re.fullmatch(r"case (\d{1,18}): ([a-z-]+)", reason)
    if of_case is not None and of_case[2] in set(Reason):
        return speech.say("Case {case}: {reason}", case=of_case[1], reason=speech.label(REASONS[Reason(of_case[2])]))
    return plain(reason, most) if reason.strip() else None


def words_of(entry: EntryView, speech: Speech, most: int = SHOWN) -> Safe:
    """What an entry says; a picture without words says that it is one."""
    if entry.says is not None:
        return speech.say(CANNED[entry.says]) if entry.says in CANNED else plain(entry.says)
    words = plain(entry.text, most) if entry.text else None
    return lines(speech.say("🖼 A picture") if entry.picture else None, words)


def picture_of(message: Message) -> tuple[str, str] | None:
    """The file id of a picture in a message and how Telegram sends it: as a photo, or as a document that is an image."""
    if message.photo:
        return message.photo[-1].file_id, "photo"
    if message.document is not None and (message.document.mime_type or "").startswith("image/"):
        return message.document.file_id, "document"
    return None


def said_in(message: Message) -> dict[str, Any] | None:
    """Text and picture of a message as facts of an entry; None when it is neither."""
    picture = picture_of(message)
    text = (message.text or message.caption or "").strip()
    if picture is None and (not text or message.text is None):
        return None
    file_id, kind = picture or (None, None)
    return {"text": text, "picture": file_id, "picture_kind": kind, "once": f"{message.chat.id}:{message.message_id}"}


Fetching = Callable[[int, str], Awaitable[bytes | None]] | None
"""How a file is had that another bot of the shop was given: its storefront and its file id."""


async def _media(entry: EntryView, here: int, fetch: Fetching) -> str | BufferedInputFile | None:
    """A picture as the bot of this storefront can send it; None when it cannot be had."""
    if entry.picture is None or entry.front_id == here or fetch is None:
        return entry.picture
    content = await fetch(entry.front_id, entry.picture)
    return None if content is None else BufferedInputFile(content, "picture.jpg" if entry.picture_kind != "document" else "picture")


async def send_pictures(press: CallbackQuery, entries: list[EntryView], speech: Speech, *, here: int, fetch: Fetching) -> None:
    """All pictures of a case, oldest first: as albums, which Telegram makes of photos or of documents but not of both."""
    if not entries or not isinstance(press.message, Message | InaccessibleMessage):
        await press.answer(speech.label("There is no such picture."))
        return
    try:
        found = [(entry.picture_kind == "document", await _media(entry, here, fetch)) for entry in entries]
        photos = [InputMediaPhoto(media=media) for paper, media in found if media is not None and not paper]
        papers = [InputMediaDocument(media=media) for paper, media in found if media is not None and paper]
        for start in range(0, len(photos), ALBUM):
            await _album(press.message, photos[start : start + ALBUM])
        for start in range(0, len(papers), ALBUM):
            await _album(press.message, papers[start : start + ALBUM])
    except TelegramBadRequest:
        await press.answer(speech.label("Telegram does not have all of these pictures any more."), show_alert=True)


async def _album(message: Message | InaccessibleMessage, media: Sequence[InputMediaPhoto] | Sequence[InputMediaDocument]) -> None:
    """Two to ten pictures together; one alone is no album."""
    if len(media) > 1:
        await message.answer_media_group(list(media))
    elif isinstance(media[0], InputMediaDocument):
        await message.answer_document(media[0].media)
    else:
        await message.answer_photo(media[0].media)


async def send_picture(press: CallbackQuery, entry: EntryView | None, speech: Speech, *, here: int, fetch: Fetching) -> None:
    """The picture of an entry as a new message."""
    if entry is None or entry.picture is None or not isinstance(press.message, Message | InaccessibleMessage):
        await press.answer(speech.label("There is no such picture."))
        return
    try:
        media = await _media(entry, here, fetch)
        if media is None:
            await press.answer(speech.label("Telegram does not have this picture any more."), show_alert=True)
        elif entry.picture_kind == "document":
            await press.message.answer_document(media)
        else:
            await press.message.answer_photo(media)
    except TelegramBadRequest:  # Telegram forgets files, and a bot with a new token knows none of the old.
        await press.answer(speech.label("Telegram does not have this picture any more."), show_alert=True)


# Which code, and why


async def choosing(shop: Shop, customer: Customer, speech: Speech, order_id: int, page: int = 0) -> Drawn:
    """The codes of an order; with only one, straight to the reasons."""
    found = await shop.read(aftersale.complainable, order_id=order_id, buyer_id=customer.id, page=page, limit=CODES)
    if found is None:
        return _nothing(speech)
    if len(found.codes) == 1 and not found.more and not page:
        return await reasons(shop, customer, speech, order_id, found.codes[0].code_id)
    rows: list[Row] = []
    for line in found.codes:
        if line.case_id is not None:
            label = speech.label("{code} · case {case}", code=line.masked, case=line.case_id)
            rows.append([button(label, callbacks.Case(id=line.case_id))])
        else:
            rows.append([button(line.masked, callbacks.WrongCode(order=order_id, which=line.code_id))])
    turning: Row = []
    if page:
        turning.append(button("◀", callbacks.Wrong(id=order_id, page=page - 1)))
    if found.more:
        turning.append(button("▶", callbacks.Wrong(id=order_id, page=page + 1)))
    rows += [turning, _back(order_id, speech)]
    name = bold(full_name(found.order.product, found.order.sku, speech))
    said = paragraphs(
        lines(name, speech.say("Order {number}", number=Safe(f"<code>{found.order.number}</code>"))),
        speech.say("Which code is it? You see the first and last characters of each.")
        if found.codes
        else speech.say("There is no code left in this order to complain about."),
    )
    return said, keyboard(rows)


async def reasons(shop: Shop, customer: Customer, speech: Speech, order_id: int, code_id: int) -> Drawn:
    """What may be wrong with a code; or when it was possible to say so."""
    found = await shop.read(aftersale.complainable, order_id=order_id, buyer_id=customer.id, code_id=code_id)
    if found is None or not found.codes:
        return _nothing(speech)
    [line] = found.codes
    if line.case_id is not None:
        return await case(shop, customer, speech, line.case_id)
    name = bold(full_name(found.order.product, found.order.sku, speech))
    heading = lines(name, speech.say("Code {code}", code=coded(line.masked)))
    if line.late and line.until is not None:
        return paragraphs(heading, refused_with_dates(speech, aftersale.TooLate(until=line.until))), keyboard([_back(order_id, speech)])
    rows: list[Row] = [
        [button(speech.label(REASONS[reason]), callbacks.WrongReason(order=order_id, which=code_id, reason=ALL_REASONS.index(reason)))]
        for reason in REASONS
        if reason in found.reasons
    ]
    until = speech.say("Complaints are possible until {until}.", until=speech.when(line.until)) if line.until is not None else None
    return paragraphs(heading, speech.say("What is wrong with it?"), until), keyboard([*rows, _back(order_id, speech)])


def _back(order_id: int, speech: Speech) -> Row:
    return [
        button(speech.label("⬅️ The order"), callbacks.Order(id=order_id)),
        button(speech.label("🛟 My cases"), callbacks.Cases()),
    ]


def _nothing(speech: Speech) -> Drawn:
    """Another's, or none: the answer is the same, so that nobody learns what there is."""
    rows = [[button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("🛟 My cases"), callbacks.Cases())]]
    return speech.say("There is nothing to complain about here: no such order of yours, or its codes were not sent yet."), keyboard(rows)


async def wrong_pressed(press: CallbackQuery, callback_data: callbacks.Wrong, shop: Shop, customer: Customer, speech: Speech) -> None:
    await show(press, *await choosing(shop, customer, speech, callback_data.id, callback_data.page), fresh=callback_data.fresh)


async def code_pressed(press: CallbackQuery, callback_data: callbacks.WrongCode, shop: Shop, customer: Customer, speech: Speech) -> None:
    await show(press, *await reasons(shop, customer, speech, callback_data.order, callback_data.which))


async def reason_pressed(
    press: CallbackQuery, callback_data: callbacks.WrongReason, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """Ask for words and a picture, which may be left out."""
    order_id, code_id, place = callback_data.order, callback_data.which, callback_data.reason
    found = await shop.read(aftersale.complainable, order_id=order_id, buyer_id=customer.id, code_id=code_id)
    known = found is not None and place < len(ALL_REASONS) and ALL_REASONS[place] in found.reasons
    if found is None or not found.codes or found.codes[0].late or found.codes[0].case_id is not None or not known:
        await show(press, *await reasons(shop, customer, speech, order_id, code_id))
        return
    await state.set_state(Complaining.telling)
    await state.set_data({"order": order_id, "code": code_id, "reason": place})
    said = paragraphs(
        lines(
            bold(speech.label(REASONS[ALL_REASONS[place]])),
            speech.say("Code {code}", code=coded(found.codes[0].masked)),
        ),
        speech.say("Tell us in a message what happened. A picture (a screenshot) helps most; you can send several."),
    )
    rows: list[Row] = [
        [button(speech.label("Send without words"), callbacks.Complain(order=order_id, which=code_id, reason=place), "primary")],
        [button(speech.label("⬅️ Back"), callbacks.WrongCode(order=order_id, which=code_id))],
    ]
    await show(press, said, keyboard(rows))


async def complain_pressed(press: CallbackQuery, callback_data: callbacks.Complain, shop: Shop, customer: Customer, speech: Speech) -> None:
    drawn = await _open(shop, customer, speech, callback_data.order, callback_data.which, callback_data.reason)
    await show(press, *drawn)


async def told(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """The first message of a complaint opens the case; what comes after it goes into the same one."""
    said = said_in(message)
    data = await state.get_data()
    if said is None or not {"order", "code", "reason"} <= data.keys():
        await message.answer(only_words_and_pictures(speech))
        return
    try:
        drawn = await _open(
            shop, customer, speech, int(data["order"]), int(data["code"]), int(data["reason"]), said, state, message.media_group_id
        )
    except aftersale.NothingToSay as refusal:
        await message.answer(refused_with_dates(speech, refusal))  # Asked again: the next message is another try.
        return
    await show(message, *drawn)


async def _open(
    shop: Shop,
    customer: Customer,
    speech: Speech,
    order_id: int,
    code_id: int,
    place: int,
    said: dict[str, Any] | None = None,
    state: FSMContext | None = None,
    album: str | None = None,
) -> Drawn:
    """Open the case, or say why not; with a `state`, what is typed next is added to it, and what is of the same album quietly."""
    if place >= len(ALL_REASONS):
        return _nothing(speech)
    facts: dict[str, Any] = said or {}
    opening = shop.write(aftersale.open_case, buyer_id=customer.id, order_id=order_id, code_id=code_id, reason=ALL_REASONS[place], **facts)
    return await opened(shop, customer, speech, opening, state, album, order_id)


async def opened(
    shop: Shop,
    customer: Customer,
    speech: Speech,
    opening: Awaitable[aftersale.Opened],
    state: FSMContext | None = None,
    album: str | None = None,
    order_id: int = 0,
) -> Drawn:
    """What a case that was opened looks like, or why it was not; raises NothingToSay, which is asked again."""
    try:
        made = await opening
    except aftersale.NothingToSay:
        raise
    except CaseOpen as refusal:
        if state is not None:
            await state.clear()
        return await case(shop, customer, speech, refusal.case_id)
    except Refusal as refusal:
        if state is not None:
            await state.clear()
        if isinstance(refusal, Gone):
            return _nothing(speech)
        below = _back(order_id, speech) if order_id else [button(speech.label("🛟 My cases"), callbacks.Cases())]
        return refused_with_dates(speech, refusal), keyboard([below])
    if state is not None:
        await state.set_state(Complaining.adding)
        await state.set_data({"case": made.case_id, "album": album})
    found = await shop.read(aftersale.case, case_id=made.case_id, buyer_id=customer.id)
    assert found is not None, "it was opened just now"
    rows: list[Row] = [
        [button(speech.label("The case"), callbacks.Case(id=made.case_id))],
        [button(speech.label("🛟 My cases"), callbacks.Cases()), button(speech.label("🛍 To the shop"), callbacks.Home())],
    ]
    sent = speech.say(
        "✅ Sent: it is case {case}. We answer by {when}, here in this chat.", case=made.case_id, when=speech.when(found.card.due_at)
    )
    more = speech.say("If you have more pictures or words, just send them now.") if state is not None else None
    return paragraphs(sent, more), keyboard(rows)


def only_words_and_pictures(speech: Speech) -> Safe:
    return speech.say("We can only read text and pictures here. Please send one of them.")


# The cases


async def list_of(shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, before: int = 0, order_id: int = 0) -> Drawn:
    """A page of the buyer's cases."""
    cards = await shop.read(
        aftersale.cases_of,
        storefront_id=storefront.id,
        buyer_id=customer.id,
        order_id=order_id or None,
        before=before or None,
        limit=PAGE + 1,
    )
    page, has_more = cards[:PAGE], len(cards) > PAGE
    rows: list[Row] = [[button(line_of(card, speech), callbacks.Case(id=card.id))] for card in page]
    turning: Row = []
    if before or order_id:
        turning.append(button(speech.label("⏮ Newest"), callbacks.Cases()))
    if has_more:
        turning.append(button(speech.label("Older ▶️"), callbacks.Cases(before=page[-1].id, order=order_id)))
    rows.append(turning)
    if page:
        rows.append([button(speech.label("🔎 Search"), callbacks.FindCases())])
    rows.append([button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("🛍 To the shop"), callbacks.Home())])
    if page:
        said = speech.say("Choose one to read and answer.")
    elif before:
        said = speech.say("There are no older cases.")
    else:
        said = speech.say("You have no cases. If a code does not work, open its order and press “Something is wrong”.")
    return paragraphs(speech.say("🛟 <b>Your cases</b>"), said), keyboard(rows)


def line_of(card: CaseCard, speech: Speech) -> str:
    """A case in one line: how it stands, its number, what it is about."""
    return f"{mark_of(card)} {card.id} · {speech.day(card.opened_at)} · {clipped(full_name(card.product, card.sku, speech), 30)}"


async def case(shop: Shop, customer: Customer, speech: Speech, case_id: int, before: int = 0, said: Safe | None = None) -> Drawn:
    """One case with what was said in it."""
    found = await shop.read(aftersale.case, case_id=case_id, buyer_id=customer.id, before=before or None)
    if found is None:
        rows = [[button(speech.label("🛟 My cases"), callbacks.Cases()), button(speech.label("🛍 To the shop"), callbacks.Home())]]
        return speech.say("There is no such case of yours."), keyboard(rows)
    card = found.card
    facts = lines(
        speech.say("<b>Case {case}</b> · {state}", case=card.id, state=_state(card, speech)),
        speech.say("{name}, order {number}", name=named(card, speech), number=Safe(f"<code>{card.order_number}</code>")),
        speech.say("Code {code}", code=coded(found.masked)),
        speech.say("New code {code}", code=coded(found.replaced_by)) if found.replaced_by is not None else None,
        speech.say("Reason: {reason}", reason=speech.label(REASONS[card.reason])),
        _deadline(card, speech),
    )
    rows = pictures_under(found, speech)
    if found.pictures > 1:
        rows = [[button(all_pictures(found, speech), callbacks.CasePictures(id=card.id))]]
    if found.earlier:
        rows.append([button(speech.label("⬆️ What was said before"), callbacks.Case(id=card.id, before=found.entries[0].id))])
    if before:
        rows.append([button(speech.label("⏮ Newest"), callbacks.Case(id=card.id))])
    if card.outcome is None:
        rows.append(
            [
                button(speech.label("✍️ Write"), callbacks.AnswerCase(id=card.id), "primary"),
                button(speech.label("↩️ Withdraw"), callbacks.WithdrawCase(id=card.id)),
            ]
        )
    rows.append(_back(card.order_id, speech))
    return paragraphs(said, facts, why_of(card, speech), *thread(found, speech, speech.label("You"), speech.label("The shop"))), keyboard(
        rows
    )


def _state(card: CaseCard, speech: Speech) -> str:
    return f"{mark_of(card)} " + speech.label(OUTCOMES[card.outcome] if card.outcome is not None else _STATES[card.state])


def _deadline(card: CaseCard, speech: Speech) -> Safe | None:
    if card.outcome is not None:
        return None
    if card.state is CaseState.WAITING_BUYER:
        return speech.say("Please answer by {when}; the case is closed after that.", when=speech.when(card.due_at))
    if card.overdue:
        return speech.say("We are late with our answer, and are sorry for it.")
    return speech.say("We answer by {when}.", when=speech.when(card.due_at))


def thread(found: CaseDetail, speech: Speech, buyer: str, shop: str) -> list[Safe]:
    """What was said, oldest first."""
    return [
        lines(
            speech.say("<b>{who}</b>, {when}", who=clipped(buyer, 40) if entry.side is Side.BUYER else shop, when=speech.when(entry.at)),
            words_of(entry, speech),
        )
        for entry in found.entries
    ]


def pictures_under(found: CaseDetail, speech: Speech) -> list[Row]:
    """A button for each picture that is on the screen."""
    pictures = [entry for entry in found.entries if entry.picture is not None]
    singles = [
        button(speech.label("🖼 Picture of {when}", when=speech.when(entry.at)), callbacks.CasePicture(id=entry.id)) for entry in pictures
    ]
    return [[single] for single in singles]


def all_pictures(found: CaseDetail, speech: Speech) -> str:
    """The label of the button that sends every picture of a case."""
    return speech.label_many("🖼 Show {n} picture", "🖼 Show all {n} pictures", found.pictures)


async def cases_pressed(
    press: CallbackQuery, callback_data: callbacks.Cases, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    drawn = await list_of(shop, storefront, customer, speech, callback_data.before, callback_data.order)
    await show(press, *drawn, fresh=callback_data.fresh)


async def case_pressed(press: CallbackQuery, callback_data: callbacks.Case, shop: Shop, customer: Customer, speech: Speech) -> None:
    drawn = await case(shop, customer, speech, callback_data.id, callback_data.before)
    await show(press, *drawn, fresh=callback_data.fresh)


async def picture_pressed(
    press: CallbackQuery, callback_data: callbacks.CasePicture, shop: Shop, customer: Customer, speech: Speech, fetch_file: Fetching = None
) -> None:
    found = await shop.read(aftersale.entry, callback_data.id, buyer_id=customer.id)
    await send_picture(press, found, speech, here=customer.storefront_id, fetch=fetch_file)


async def pictures_pressed(
    press: CallbackQuery, callback_data: callbacks.CasePictures, shop: Shop, customer: Customer, speech: Speech, fetch_file: Fetching = None
) -> None:
    found = await shop.read(aftersale.pictures, case_id=callback_data.id, buyer_id=customer.id)
    await send_pictures(press, found, speech, here=customer.storefront_id, fetch=fetch_file)


async def find_pressed(press: CallbackQuery, speech: Speech, state: FSMContext) -> None:
    await state.set_state(Complaining.searching)
    await show(press, speech.say(WHAT_TO_TYPE), keyboard([[button(speech.label("⬅️ Back"), callbacks.Cases())]]))


async def number_typed(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """The cases that these words are about; when there is none, that is said, and the next text is another try."""
    found = await shop.read(aftersale.find, message.text or "", storefront_id=storefront.id, buyer_id=customer.id)
    if not found:
        said = speech.say("There is no such case. Please check what you typed, or try other words.")
        await show(message, said, keyboard([[button(speech.label("⬅️ Back"), callbacks.Cases())]]))
        return
    await state.clear()
    if len(found) == 1:
        await show(message, *await case(shop, customer, speech, found[0].id))
    else:
        await show(message, *_found(found, speech))


def _found(cards: Sequence[CaseCard], speech: Speech) -> Drawn:
    """Several cases to choose from."""
    rows: list[Row] = [[button(line_of(card, speech), callbacks.Case(id=card.id))] for card in cards]
    rows.append([button(speech.label("🔎 Search"), callbacks.FindCases()), button(speech.label("🛟 My cases"), callbacks.Cases())])
    said = speech.many("Found {n} case.", "Found {n} cases.", len(cards))
    return paragraphs(speech.say("🛟 <b>Your cases</b>"), said), keyboard(rows)


# Saying more, and no longer complaining


async def answer_pressed(
    press: CallbackQuery, callback_data: callbacks.AnswerCase, shop: Shop, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    found = await shop.read(aftersale.case, case_id=callback_data.id, buyer_id=customer.id)
    if found is None or found.card.outcome is not None:
        await show(press, *await case(shop, customer, speech, callback_data.id), fresh=callback_data.fresh)
        return
    await state.set_state(Complaining.adding)
    await state.set_data({"case": callback_data.id})
    said = speech.say("Write to the shop about case {case}: send text or pictures, in as many messages as you like.", case=callback_data.id)
    back = button(speech.label("⬅️ Back"), callbacks.Case(id=callback_data.id))
    await show(press, said, keyboard([[back]]), fresh=callback_data.fresh)


async def added(message: Message, shop: Shop, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """One more message for the case."""
    said = said_in(message)
    data = await state.get_data()
    case_id = data.get("case")
    # An album comes as messages of one group: all of it is kept, and answered once.
    album = message.media_group_id
    same = album is not None and data.get("album") == album
    if said is None or not isinstance(case_id, int):
        await message.answer(only_words_and_pictures(speech))
        return
    rows = [[button(speech.label("The case"), callbacks.Case(id=case_id))]]
    try:
        await shop.write(aftersale.buyer_says, case_id=case_id, buyer_id=customer.id, quiet=same, **said)
    except Refusal as refusal:
        if not isinstance(refusal, aftersale.NothingToSay):
            await state.clear()
        await message.answer(refused_with_dates(speech, refusal), reply_markup=keyboard(rows))
        return
    if not same:
        await state.update_data(album=album)
        await message.answer(speech.say("✅ The shop has it. You can send more."), reply_markup=keyboard(rows))


async def withdraw_pressed(
    press: CallbackQuery, callback_data: callbacks.WithdrawCase, shop: Shop, customer: Customer, speech: Speech
) -> None:
    """Asked once more, because a case does not come back."""
    found = await shop.read(aftersale.case, case_id=callback_data.id, buyer_id=customer.id)
    if found is None or found.card.outcome is not None:
        await show(press, *await case(shop, customer, speech, callback_data.id))
        return
    if not callback_data.wanted:
        said = speech.say("Withdraw case {case}? It will be closed, and nothing is replaced or refunded.", case=callback_data.id)
        rows: list[Row] = [
            [button(speech.label("↩️ Yes, withdraw it"), callbacks.WithdrawCase(id=callback_data.id, wanted=True), "danger")],
            [button(speech.label("⬅️ No, back to the case"), callbacks.Case(id=callback_data.id))],
        ]
        await show(press, said, keyboard(rows))
        return
    try:
        await shop.write(aftersale.withdraw, case_id=callback_data.id, buyer_id=customer.id)
        done = speech.say("The case is withdrawn.")
    except Refusal as refusal:
        done = refused_with_dates(speech, refusal)
    await show(press, *await case(shop, customer, speech, callback_data.id, said=done))


# What the shop says of its own accord


async def noticed(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """A notice to the buyer: the shop has answered, waits for their answer, or has decided."""
    found = await shop.read(aftersale.case, case_id=int(body["case"]))
    if found is None:
        return speech.say("There is no such case of yours."), None
    card = found.card
    to_case = button(speech.label("The case"), callbacks.Case(id=card.id, fresh=True))
    if body["says"] == "case-decided" and card.outcome is not None:
        said = speech.say(_DECIDED[card.outcome], case=card.id, code=coded(found.masked))
        number = speech.say("Order {number}", number=Safe(f"<code>{card.order_number}</code>"))
        return paragraphs(said, why_of(card, speech, 2000) if card.outcome is Outcome.REFUSED else None, number), keyboard([[to_case]])
    if body["says"] == "case-waits":
        said = speech.say(
            "⏳ Case {case} about the code {code} waits for your answer. Without one it is closed on {when}, and nothing is changed.",
            case=card.id,
            code=coded(found.masked),
            when=speech.when(card.due_at),
        )
        return said, keyboard([[button(speech.label("✍️ Answer"), callbacks.AnswerCase(id=card.id, fresh=True), "primary"), to_case]])
    entry = await shop.read(aftersale.entry, int(body.get("entry") or 0))
    heading = speech.say(
        "💬 The shop answers in case {case} (order {number}, code {code}):",
        case=card.id,
        number=Safe(f"<code>{card.order_number}</code>"),
        code=coded(found.masked),
    )
    rows: list[Row] = [
        [button(speech.label("🖼 Show the picture"), callbacks.CasePicture(id=entry.id))] if entry and entry.picture else [],
        [button(speech.label("✍️ Answer"), callbacks.AnswerCase(id=card.id, fresh=True), "primary"), to_case],
    ]
    return paragraphs(heading, words_of(entry, speech, 3000) if entry else None), keyboard(rows)


def router() -> Router:
    """Complaints and their cases."""
    router = conversation("cases")
    router.callback_query.register(wrong_pressed, callbacks.Wrong.filter())
    router.callback_query.register(code_pressed, callbacks.WrongCode.filter())
    router.callback_query.register(reason_pressed, callbacks.WrongReason.filter())
    router.callback_query.register(complain_pressed, callbacks.Complain.filter())
    router.callback_query.register(cases_pressed, callbacks.Cases.filter())
    router.callback_query.register(find_pressed, callbacks.FindCases.filter())
    router.callback_query.register(case_pressed, callbacks.Case.filter())
    router.callback_query.register(answer_pressed, callbacks.AnswerCase.filter())
    router.callback_query.register(withdraw_pressed, callbacks.WithdrawCase.filter())
    router.callback_query.register(pictures_pressed, callbacks.CasePictures.filter())
    router.callback_query.register(picture_pressed, callbacks.CasePicture.filter())
    router.message.register(told, StateFilter(Complaining.telling), SPOKEN)
    router.message.register(added, StateFilter(Complaining.adding), SPOKEN)
    router.message.register(number_typed, StateFilter(Complaining.searching), F.text, ~F.text.startswith("/"))
    return router
