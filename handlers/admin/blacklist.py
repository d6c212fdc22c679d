"""The blacklist at the desk: lists of codes sent as a file, and people the shop does not deal with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, Message

from core import blacklist
from core.blacklist import FeedView, PersonView
from core.catalog import Gone
from core.errors import N_, Refusal
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Asking, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.admin.sent import DOWNLOAD_BYTES, TooBig, deleted, fetched, please_delete
from handlers.pieces import Row, bold, lines, paragraphs
from handlers.screen import refused
from locales import Safe, Speech

_VALUE, _REASON = 200, 300
WHATS = {
    "telegram": N_("Telegram id"),
    "name": N_("name of a person or company"),
    "contact": N_("contact (phone, mail, @name)"),
    "document": N_("number of a document"),
}


@dataclass(eq=False)
class NotTextFile(Refusal):
    says: ClassVar[str] = N_("The file is not text in UTF-8. Please save it as .txt in UTF-8, with one code or hash on each line.")


@dataclass(eq=False)
class NobodyTold(Refusal):
    says: ClassVar[str] = N_("The first line has to tell somebody: please type what they are known by, and the reason in a second line.")


def router() -> Router:
    made = Router(name="admin-blacklist")
    made.callback_query.register(listed, Go.filter(F.to == "blacklist"))
    made.callback_query.register(people, Go.filter(F.to == "bl-people"))
    made.callback_query.register(begin_feed, Go.filter(F.to == "bl-feed"))
    made.callback_query.register(looked_at, Go.filter(F.to == "bl-list"))
    made.callback_query.register(withdraw, Do.filter(F.act == "feed-back"))
    made.callback_query.register(pardon, Do.filter(F.act == "person-free"))
    made.message.register(feed_sent, StateFilter(Asking.feed), ~F.text.startswith("/"))
    return made


# Codes


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The lists, newest first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(blacklist.feeds, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(f"{_mark(one)} {one.name} · {say.number(one.fresh)}", "bl-list", one.id)] for one in found[:PAGE]]
    rows.append([go(say.label("📥 Send a list of codes"), "bl-feed")])
    rows.append([go(say.label("👤 People"), "bl-people")])
    rows += [desk.pages("blacklist", 0, page, more=len(found) > PAGE), desk.back("supply")]
    text = paragraphs(
        bold(say.label("Blacklist")),
        say.say("Codes on it are not taken in; those on the shelf become void, and what was sold but not sent yet waits for you."),
        None if found else say.say("There are none yet."),
    )
    await desk.show(press, text, rows)


def _mark(feed: FeedView) -> str:
    if feed.withdrawn_at is not None:
        return "↩️"
    return "✅" if feed.swept_at is not None else "⏳"


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_feed(press, desk, callback_data.id)


async def show_feed(event: Message | CallbackQuery, desk: Desk, feed_id: int, note: Safe | None = None) -> None:
    """One list: what it brought, and what was found with it."""
    say, found = desk.speech, await desk.shop.read(blacklist.feed, feed_id)
    if found is None:
        raise Gone
    text = paragraphs(
        bold(found.name),
        lines(
            say.say("Sent: {when}", when=say.when(found.made_at)),
            say.many("{n} new code", "{n} new codes", found.fresh),
            say.many("{n} line was on the list already", "{n} lines were on the list already", found.known) if found.known else None,
            say.many("{n} line could not be read.", "{n} lines could not be read.", found.unread) if found.unread else None,
            say.many("{n} unsold code of ours became void", "{n} unsold codes of ours became void", found.voided),
        ),
        _how_far(say, found),
        note,
    )
    rows: list[Row] = []
    if found.withdrawn_at is None:
        rows.append([do(say.label("↩️ Take this list back"), "feed-back", found.id)])
    rows.append(desk.back("blacklist"))
    await desk.show(event, text, rows)


def _how_far(say: Speech, found: FeedView) -> Safe:
    if found.withdrawn_at is not None:
        return say.say("↩️ It was taken back: its codes may come in again. What became void stays void.")
    if found.swept_at is None:
        return say.say("⏳ The shelf is being compared with it; you are told when that is done.")
    return say.say("✅ The shelf was compared with it.")


async def begin_feed(press: CallbackQuery, desk: Desk) -> None:
    """The next message is a list of codes."""
    say = desk.speech
    await desk.state.set_state(Asking.feed)
    await desk.state.set_data({})
    text = paragraphs(
        say.say("Send the list as a .txt file: on each line a code, or its SHA-256 as 64 hexadecimal digits."),
        say.say("Only hashes are kept, and your message is deleted when it is read."),
    )
    await desk.show(press, text, [[go(say.label("Cancel"), "blacklist")]])


async def feed_sent(message: Message, desk: Desk) -> None:
    """A list has come, as a file or pasted."""
    say = desk.speech
    cancel: list[Row] = [[go(say.label("Cancel"), "blacklist")]]
    if message.document is None and not message.text:
        await desk.show(message, say.say("Please paste the codes as text, or send them as a file."), cancel)
        return
    if message.document is not None and (message.document.file_size or 0) > DOWNLOAD_BYTES:
        await desk.show(message, refused(say, TooBig()), cancel)
        return
    await desk.state.clear()
    if message.document is not None:
        name, stream = message.document.file_name or "", await fetched(desk.bot, message.document)
    else:
        name, stream = say.label("pasted"), io.BytesIO((message.text or "").encode("utf-8", "replace"))
    feed = await blacklist.take_feed(desk.shop, name=name, by=desk.by, lines=_lines(stream))
    gone = await deleted(message)
    await show_feed(message, desk, feed.id, None if gone else please_delete(say))


def _lines(stream: io.BytesIO) -> Iterator[str]:
    """The lines of a text, one after the other; raises NotTextFile before anything is read when it is none."""
    stream.seek(0)
    head = stream.read(4096)
    if b"\0" in head:
        raise NotTextFile
    stream.seek(0)
    return iter(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline=None))


async def withdraw(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(blacklist.withdraw_feed, feed_id=callback_data.id, by=desk.by)
    await show_feed(press, desk, callback_data.id)


# People


async def people(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_people(press, desk, callback_data.page)


async def show_people(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    """Whom the shop does not deal with; a press on one takes them off."""
    say = desk.speech
    found = await desk.shop.read(blacklist.banned_people, offset=page * PAGE, limit=PAGE + 1)
    text = paragraphs(
        bold(say.label("People the shop does not deal with")),
        say.say("An application that matches one of these is marked. Only hashes are kept; the last characters tell two entries apart."),
        lines(*(_told(say, one) for one in found[:PAGE])) if found else None,
        None if found else say.say("There are none yet."),
    )
    rows: list[Row] = [
        [do(say.label("✖️ Take away: {word}", word=f"{say.label(WHATS[one.what])} {one.hint}"), "person-free", one.id)]
        for one in found[:PAGE]
    ]
    rows += [[ask(say.label("➕ By {what}", what=say.label(title)), "person.ban", arg=what)] for what, title in WHATS.items()]
    rows += [desk.pages("bl-people", 0, page, more=len(found) > PAGE), desk.back("blacklist")]
    await desk.show(event, text, rows)


def _told(say: Speech, one: PersonView) -> Safe:
    return say.say("• {what} {hint}: {reason}", what=say.label(WHATS[one.what]), hint=one.hint, reason=one.reason or "–")


async def pardon(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(blacklist.pardon_person, person_id=callback_data.id, by=desk.by)
    await show_people(press, desk)


async def _ask_ban(desk: Desk, asked: Asked) -> Safe:
    if asked.arg not in WHATS:
        raise Gone
    say = desk.speech
    return say.say(
        "Type the {what}, and the reason in a second line. For example:\n<code>{example}</code>",
        what=say.label(WHATS[asked.arg]),
        example={"telegram": "123456789", "name": "Acme Games Ltd", "contact": "@bad_name", "document": "91310000X"}[asked.arg]
        + "\n"
        + say.label("Sold used codes."),
    )


async def _take_ban(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    if asked.arg not in WHATS:
        raise Gone
    value, _, reason = text.partition("\n")
    if not any(map(str.isalnum, value)):
        raise NobodyTold
    reason = short_enough(reason.strip(), _REASON)
    await desk.shop.write(blacklist.ban_person, what=asked.arg, value=short_enough(value, _VALUE), reason=reason, by=desk.by)
    await show_people(message, desk)


QUESTIONS["person.ban"] = Question(_ask_ban, _take_ban, "bl-people")
