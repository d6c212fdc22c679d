"""What kind of product it is, and its terms: what buyers are asked, how long it takes, which chat, which file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from aiogram import F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, ChatMemberAdministrator, Message, MessageOriginChannel

from core import catalog, fulfilment, supply
from core.catalog import Gone, ProductKind, ProductView
from core.errors import N_, Refusal
from core.fulfilment import PATTERNS, Field
from handlers.admin import originals
from handlers.admin.desk import NOTHING, QUESTIONS, Asked, Asking, Desk, Do, Go, Question, ask, do, go, number_between, short_enough
from handlers.answers import words_of
from handlers.notes import Note, Said, Wording
from handlers.pieces import Row, bold, keyboard, lines, paragraphs, plain, region_name
from locales import Safe, Speech, languages

MOST_NAME = 20  # characters of a field's name, so that it stands in a button


@dataclass(eq=False)
class NotAField(Refusal):
    says: ClassVar[str] = N_("Please type a short Latin name, =, and the question, for example: account = Account to top up")


@dataclass(eq=False)
class NotLanguages(Refusal):
    says: ClassVar[str] = N_("Please type one language on each line, for example: zh-hans: 充值账号")


@dataclass(eq=False)
class NotAFile(Refusal):
    says: ClassVar[str] = N_("Please send the file itself, as a file and not as a picture.")


@dataclass(eq=False)
class NotForwarded(Refusal):
    says: ClassVar[str] = N_(
        "Please forward a message of the channel. For a group, make me its admin: I ask you then which product it is for."
    )


@dataclass(eq=False)
class NoAdminThere(Refusal):
    says: ClassVar[str] = N_("I am no admin of that chat. Please make me one, with the rights to invite users and to ban them.")


@dataclass(eq=False)
class RightMissing(Refusal):
    says: ClassVar[str] = N_("I am an admin of that chat, but may not invite and ban users. Please give me both rights.")


def router() -> Router:
    made = Router(name="admin-kinds")
    looks = {"kind": look, "kind-pick": pick, "kind-fields": fields_screen, "kind-field": field_pressed, "kind-see": preview}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts = {
        "kind-set": set_kind,
        "kind-switch": switch,
        "kind-fpat": set_pattern,
        "kind-fopt": toggle_optional,
        "kind-fdel": drop_field,
        "kind-own": make_it,
        "kind-chat": set_chat,
    }
    for act, command in acts.items():
        made.callback_query.register(command, Do.filter(F.act == act))
    made.message.register(file_sent, StateFilter(Asking.answer), F.document)
    made.message.register(forwarded, StateFilter(Asking.answer), F.forward_origin)
    return made


async def _product(desk: Desk, product_id: int) -> ProductView:
    found = await desk.shop.read(catalog.product, product_id)
    if found is None or "job" in found.terms:
        raise Gone
    return found


async def look(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_kind(press, desk, callback_data.id)


async def show_kind(event: Message | CallbackQuery, desk: Desk, product_id: int, said: Safe | None = None) -> None:
    """The kind with all its terms, and what is missing before anything can be delivered."""
    say, here = desk.speech, await _product(desk, product_id)
    one = fulfilment.kind(here.kind)
    told: list[Safe] = []
    rows: list[Row] = [[go(say.label("Another kind"), "kind-pick", here.id)]]
    for number in one.numbers:
        if number.name == "size":
            continue
        value = say.number(one.number(here.terms, number.name))
        told.append(say.say("{title}: {value}", title=say.label(number.title), value=bold(value)))
        rows.append([ask(say.label(number.title), "kind.num", here.id, arg=number.name)])
    for text in one.texts:
        if here.terms.get(text.name) and text.name != "file_id":
            told.append(say.say("{title}: {value}", title=say.label(text.title), value=plain(str(here.terms[text.name]), 300)))
        if text.typed:
            rows.append([ask(say.label(text.title), "kind.txt", here.id, arg=text.name)])
    for name, title in one.switches:
        mark = "☑️" if here.terms.get(name) else "◻️"
        rows.append([do(f"{mark} {say.label(title)}", "kind-switch", here.id, arg=name)])
    if one.has_fields:
        asked = say.listing([field.title for field in one.fields(here.terms)])
        told.append(say.say("Buyers are asked for: {fields}", fields=asked))
        rows.append([go(say.label("✏️ What buyers are asked"), "kind-fields", here.id)])
    if here.kind == ProductKind.MEMBERSHIP:
        rows.append([ask(say.label("📢 Choose the group or channel"), "kind.chat", here.id)])
    if here.kind == ProductKind.FILE:
        rows.append([ask(say.label("📎 Send the file"), "kind.file", here.id)])
    rules = here.terms.get("countries", {})
    for how, sentence in (("only", N_("Sold only in: {countries}")), ("never", N_("Not sold in: {countries}"))):
        if how in rules:
            told.append(say.say(sentence, countries=say.listing([region_name(code, say) for code in rules[how]])))
    rows.append([ask(say.label("🌍 Country rules"), "kind.land", here.id)])
    if not one.from_shelf:
        rows.append([do(say.label("🛠 We make it ourselves"), "kind-own", here.id)])
    rows.append([go(say.label("👁 As buyers see it"), "kind-see", here.id)])
    rows.append(desk.back("prod", here.id))
    try:
        one.ready(here.terms)
        missing = None
    except Refusal as no:
        missing = say.say("⚠️ Not ready: “{term}” is missing.", term=say.label(str(no.facts().get("term", ""))))
    title = say.say("{product}: {kind}", product=bold(here.name), kind=say.label(one.title))
    await desk.show(event, paragraphs(said, lines(title, say.say(one.about)), lines(*told) if told else None, missing), rows)


async def pick(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    here = await _product(desk, callback_data.id)
    kinds = fulfilment.all_kinds()
    rows = [
        [do(("• " if name == here.kind else "") + desk.speech.label(each.title), "kind-set", here.id, arg=name)]
        for name, each in kinds.items()
    ]
    rows.append(desk.back("kind", here.id))
    told = [
        desk.speech.say("{kind}: {about}", kind=bold(desk.speech.label(k.title)), about=desk.speech.label(k.about)) for k in kinds.values()
    ]
    await desk.show(press, paragraphs(desk.speech.say("What kind of product is it?"), lines(*told)), rows)


async def set_kind(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    here = await _product(desk, callback_data.id)
    await desk.shop.write(fulfilment.set_kind, here.id, kind_name=callback_data.arg, by=desk.by)
    await show_kind(press, desk, here.id)


async def switch(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    here = await _product(desk, callback_data.id)
    value = not here.terms.get(callback_data.arg)
    if callback_data.arg == "watermark" and value:
        await originals.check(desk.bot, {**here.terms, "watermark": True})
    await desk.shop.write(fulfilment.set_term, here.id, name=callback_data.arg, value=value, by=desk.by)
    await show_kind(press, desk, here.id)


async def make_it(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The shop itself makes as many as are ordered, of each denomination."""
    here = await _product(desk, callback_data.id)
    fulfilment.kind(here.kind).ready(here.terms)
    for sku in await desk.shop.read(catalog.skus_of, [here.id], hidden_too=True):
        offer = await desk.shop.write(supply.own_offer, storefront=desk.storefront, sku_id=sku.id)
        await desk.shop.write(supply.declare, offer_id=offer.id, quantity=supply.AS_MANY_AS_ONE_LIKES, by=desk.by)
    await show_kind(press, desk, here.id, desk.speech.say("✅ Every denomination can be ordered now, as many as there are buyers."))


async def preview(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What a buyer reads, and is asked."""
    say, here = desk.speech, await _product(desk, callback_data.id)
    fields = fulfilment.kind(here.kind).fields(here.terms)
    asked = [
        lines(
            bold(f"{number}. {field.title_in(say.language)}"),
            say.say("Choices: {choices}", choices=say.listing(field.choices))
            if field.choices
            else say.say("Typed, for example: {example}", example=field.example),
            say.say("May be skipped.") if field.optional else None,
        )
        for number, field in enumerate(fields, 1)
    ]
    nothing = None if asked else say.say("Buyers are asked nothing before they pay.")
    await desk.show(press, paragraphs(bold(here.name), words_of(here, say), *asked, nothing), [desk.back("kind", here.id)])


# Fields


def _fields(here: ProductView) -> list[Field]:
    return fulfilment.fields_of(here.terms.get("fields"))


async def _keep(desk: Desk, here: ProductView, fields: list[Field]) -> None:
    value = fulfilment.schema_of(fields) or None
    if value is None and "fields" not in here.terms:
        return
    await desk.shop.write(fulfilment.set_term, here.id, name="fields", value=value, by=desk.by)


async def _change(desk: Desk, product_id: int, name: str, change: Callable[[Field], Field]) -> None:
    here = await _product(desk, product_id)
    fields = _fields(here)
    if all(field.name != name for field in fields):
        raise Gone
    await _keep(desk, here, [change(field) if field.name == name else field for field in fields])


async def fields_screen(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_fields(press, desk, callback_data.id)


async def show_fields(event: Message | CallbackQuery, desk: Desk, product_id: int) -> None:
    say, here = desk.speech, await _product(desk, product_id)
    fields = _fields(here)
    rows: list[Row] = [[go(f"{field.title} ({field.name})", "kind-field", here.id, arg=field.name)] for field in fields]
    rows.append([ask(say.label("➕ One more question"), "kind.fadd", here.id)])
    rows.append(desk.back("kind", here.id))
    none = say.say("Nothing was set: buyers are asked for the account to top up.")
    await desk.show(event, say.say("What buyers are asked before they pay:") if fields else none, rows)


async def field_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_field(press, desk, callback_data.id, callback_data.arg)


async def show_field(event: Message | CallbackQuery, desk: Desk, product_id: int, name: str) -> None:
    say, here = desk.speech, await _product(desk, product_id)
    field = next((one for one in _fields(here) if one.name == name), None)
    if field is None:
        raise Gone
    patterns = [
        do(
            ("• " if not field.choices and key == field.pattern else "") + say.label(pattern.title),
            "kind-fpat",
            here.id,
            arg=f"{name}.{place}",
        )
        for place, (key, pattern) in enumerate(PATTERNS.items())
    ]
    rows = [patterns[first : first + 2] for first in range(0, len(patterns), 2)]
    rows.append(
        [ask(say.label("Choices instead"), "kind.fcho", here.id, arg=name), ask(say.label("Languages"), "kind.flang", here.id, arg=name)]
    )
    mark = "☑️" if field.optional else "◻️"
    rows.append([do(f"{mark} {say.label('May be skipped')}", "kind-fopt", here.id, arg=name)])
    rows.append([do(say.label("🗑 Remove this question"), "kind-fdel", here.id, arg=name, style="danger")])
    rows.append(desk.back("kind-fields", here.id))
    text = paragraphs(
        lines(bold(field.title), *(Safe(f"{language}: ") + title for language, title in field.titles.items())),
        say.say("Its name for the source: {name}", name=Safe(f"<code>{field.name}</code>")),
        say.say("Choices: {choices}", choices=say.listing(field.choices))
        if field.choices
        else say.say("Typed, for example: {example}", example=field.example),
    )
    await desk.show(event, text, rows)


async def set_pattern(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    name, _, place = callback_data.arg.partition(".")
    # By its place, so that a long name has room; older buttons say it by name.
    pattern = place if place in PATTERNS else dict(enumerate(PATTERNS)).get(int(place) if place.isdecimal() else -1)
    if pattern is None:
        raise Gone
    await _change(desk, callback_data.id, name, lambda field: replace(field, pattern=pattern, choices=()))
    await show_field(press, desk, callback_data.id, name)


async def toggle_optional(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _change(desk, callback_data.id, callback_data.arg, lambda field: replace(field, optional=not field.optional))
    await show_field(press, desk, callback_data.id, callback_data.arg)


async def drop_field(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    here = await _product(desk, callback_data.id)
    await _keep(desk, here, [field for field in _fields(here) if field.name != callback_data.arg])
    await show_fields(press, desk, here.id)


# What is typed


def _says(sentence: str) -> Any:
    async def says(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say(sentence)

    return says


async def _says_number(desk: Desk, asked: Asked) -> Safe:
    here = await _product(desk, asked.id)
    number = next((one for one in fulfilment.kind(here.kind).numbers if one.name == asked.arg), None)
    if number is None:
        raise Gone
    return desk.speech.say(
        "{title}: type a whole number from {least} to {most}, for example <code>{example}</code>.",
        title=desk.speech.label(number.title),
        least=desk.speech.number(number.least),
        most=desk.speech.number(number.most),
        example=number.default or number.least,
    )


async def _take_number(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    here = await _product(desk, asked.id)
    number = next((one for one in fulfilment.kind(here.kind).numbers if one.name == asked.arg), None)
    if number is None:
        raise Gone
    value = number_between(text, number.least, number.most)
    await desk.shop.write(fulfilment.set_term, here.id, name=number.name, value=value, by=desk.by)
    await show_kind(message, desk, here.id)


async def _says_text(desk: Desk, asked: Asked) -> Safe:
    here = await _product(desk, asked.id)
    text = next((one for one in fulfilment.kind(here.kind).texts if one.name == asked.arg and one.typed), None)
    if text is None:
        raise Gone
    return desk.speech.say("{title}: type it, or <code>-</code> for none.", title=desk.speech.label(text.title))


async def _take_text(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    here = await _product(desk, asked.id)
    value = None if text == NOTHING else short_enough(text, 1000)
    if value is not None or asked.arg in here.terms:
        await desk.shop.write(fulfilment.set_term, here.id, name=asked.arg, value=value, by=desk.by)
    await show_kind(message, desk, here.id)


async def _take_countries(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    here = await _product(desk, asked.id)
    value: dict[str, list[str]] | None = None
    if text != NOTHING:
        never = text.startswith(("-", "−", "!"))
        codes = text.lstrip("-−! ").replace(",", " ").replace("，", " ").split()
        value = fulfilment.countries_of({"never" if never else "only": codes})
    if value is not None or "countries" in here.terms:
        await desk.shop.write(fulfilment.set_term, here.id, name="countries", value=value, by=desk.by)
    await show_kind(message, desk, here.id)


async def _take_field(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    name, equals, title = text.partition("=")
    name, title = name.strip().lower(), title.strip()
    if not equals or not name or not title or len(name) > MOST_NAME:
        raise NotAField
    here = await _product(desk, asked.id)
    fields = [*_fields(here), Field(name, title)]
    try:
        fulfilment.fields_of(fulfilment.schema_of(fields))
    except fulfilment.FieldsWrong:
        raise NotAField from None
    await _keep(desk, here, fields)
    await show_field(message, desk, here.id, name)


async def _take_choices(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    parts = [part.strip() for part in text.replace("，", ",").replace("\n", ",").split(",") if part.strip()]
    await _change(desk, asked.id, asked.arg, lambda field: replace(field, choices=tuple(parts)))
    await show_field(message, desk, asked.id, asked.arg)


async def _take_languages(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    titles: dict[str, str] = {}
    for line in text.splitlines():
        language, _, title = line.replace("：", ":").partition(":")
        if language.strip().lower() not in languages() or not 0 < len(title.strip()) <= 60:
            raise NotLanguages
        titles[language.strip().lower()] = title.strip()
    await _change(desk, asked.id, asked.arg, lambda field: replace(field, titles={**field.titles, **titles}))
    await show_field(message, desk, asked.id, asked.arg)


async def _no_file(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    raise NotAFile


async def _no_chat(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    raise NotForwarded


async def _answered(desk: Desk, key: str) -> int:
    """The product that the open question is about; lets the message through when it answers another one."""
    data = await desk.state.get_data()
    if data.get("question") != key:
        raise SkipHandler
    return int(data["id"])


async def file_sent(message: Message, desk: Desk) -> None:
    """The original of a file product: Telegram keeps it, we keep its name there."""
    product_id = await _answered(desk, "kind.file")
    document = message.document
    assert document is not None, "the filter has seen it"
    here = await _product(desk, product_id)
    terms = {**here.terms, "file_id": document.file_id, "file_name": (document.file_name or "file")[:120], "size": document.file_size or 1}
    await originals.check(desk.bot, terms)  # Refused, the question stays open: the next file is another try.
    await desk.state.clear()
    await desk.shop.write(fulfilment.set_kind, here.id, terms=terms, by=desk.by)
    await show_kind(message, desk, here.id, desk.speech.say("✅ Every buyer gets a copy of this file."))


async def forwarded(message: Message, desk: Desk) -> None:
    """A message of a channel: that is the chat of the membership."""
    product_id = await _answered(desk, "kind.chat")
    origin = message.forward_origin
    if not isinstance(origin, MessageOriginChannel):
        raise NotForwarded
    await _set_chat(desk, product_id, origin.chat.id)
    await desk.state.clear()
    await show_kind(message, desk, product_id, desk.speech.say("✅ Buyers get links into this chat."))


async def set_chat(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """The chat in which the bot was made an admin, for this product."""
    try:
        chat_id = int(callback_data.arg)
    except ValueError:
        raise Gone from None
    await _set_chat(desk, callback_data.id, chat_id)
    await show_kind(press, desk, callback_data.id, desk.speech.say("✅ Buyers get links into this chat."))


async def _set_chat(desk: Desk, product_id: int, chat_id: int) -> None:
    """Raises NoAdminThere or RightMissing when the bot could not invite to it."""
    here = await _product(desk, product_id)
    try:
        me = await desk.bot.get_chat_member(chat_id, desk.bot.id)
        chat = await desk.bot.get_chat(chat_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        raise NoAdminThere from None
    if not isinstance(me, ChatMemberAdministrator):
        raise NoAdminThere
    if not me.can_invite_users or not me.can_restrict_members:
        raise RightMissing
    terms = {**here.terms, "chat_id": chat_id, "chat_title": (chat.title or "…")[:120]}
    await desk.shop.write(fulfilment.set_kind, here.id, terms=terms, by=desk.by)


QUESTIONS["kind.num"] = Question(_says_number, _take_number, "kind")
QUESTIONS["kind.txt"] = Question(_says_text, _take_text, "kind")
QUESTIONS["kind.land"] = Question(
    _says(
        N_(
            "In which countries is it sold? Type their letters, for example <code>CN HK</code>; with a minus in front where it is not "
            "sold, for example <code>-US</code>; <code>-</code> alone for no rule."
        )
    ),
    _take_countries,
    "kind",
)
QUESTIONS["kind.fadd"] = Question(
    _says(N_("What is asked? Type a short Latin name for the source, =, and the question: <code>account = Account to top up</code>")),
    _take_field,
    "kind-fields",
)
QUESTIONS["kind.fcho"] = Question(
    _says(N_("Type the choices, parted by commas, for example: <code>Asia, Europe, America</code>")), _take_choices, "kind-fields"
)
QUESTIONS["kind.flang"] = Question(
    _says(N_("Type the question in other languages, one on each line: <code>zh-hans: 充值账号</code>")), _take_languages, "kind-fields"
)
QUESTIONS["kind.file"] = Question(_says(N_("Send the file into this chat. It is kept by Telegram; buyers get copies.")), _no_file, "kind")
QUESTIONS["kind.chat"] = Question(
    _says(
        N_(
            "Make me an admin of the group or channel, with the rights to invite and to ban; I ask you then which product it is for. "
            "For a channel you can also forward one of its messages to me."
        )
    ),
    _no_chat,
    "kind",
)


async def told_chat(note: Note) -> Said:
    """To the member of the staff who made the bot an admin somewhere: for which product?"""
    speech: Speech = note.speech
    products = await note.shop.read(catalog.products_of_kind, ProductKind.MEMBERSHIP)
    rows = [[do(product.name, "kind-chat", product.id, arg=str(int(note.body["chat"])))] for product in products[:40]]
    said = speech.say("📢 I am an admin of “{chat}” now.", chat=str(note.body.get("title", "")))
    if not rows:
        return lines(said, speech.say("Make a product of the kind “Membership” first, then choose it there.")), None
    return lines(said, speech.say("For which product shall buyers get links into it?")), keyboard(rows)


SAYS: dict[str, Wording] = {"chat-offered": told_chat}
