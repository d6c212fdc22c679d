"""/statement: every movement of a reseller's balance over some days, as a message, a table or a picture."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from core import orders, resellers
from core.database import utc_now
from core.ledger import Entry, TransferKind
from core.money import decimal_text
from core.resellers import Role, StatementOfReseller
from handlers.pieces import bold, button, keyboard, lines, paragraphs
from handlers.reseller.arguments import MOST_DAYS, days
from handlers.reseller.desk import Desk, StatementPress, desk_router
from handlers.wallet import KINDS
from locales import Safe, Speech
from papers.pictures import Card, Row, Sheet, drawable, sheet_png
from papers.tables import csv_table, xlsx_table

SHOWN = 10  # of the newest movements in the message
_WITH_ORDER = (TransferKind.SALE, TransferKind.REFUND, TransferKind.ESCROW)
COLUMNS = ("time", "kind", "order", "amount", "balance", "currency", "note")


async def statement_asked(message: Message, command: CommandObject, desk: Desk) -> None:
    """The days that were typed, the last seven without any."""
    desk.need(Role.SEE)
    first, last = days(command.args or "", _today(desk))
    made = await _made(desk, first, last)
    text = told(made, desk.speech, first, last)
    at = {"first": first.toordinal(), "last": last.toordinal()}
    forms = [("📄 CSV", "csv"), ("📊 XLSX", "xlsx"), (desk.speech.label("🖼 Picture"), "png")]
    await message.answer(text, reply_markup=keyboard([[button(label, StatementPress(**at, form=form)) for label, form in forms]]))


def _today(desk: Desk) -> date:
    # By the shop's own clock, which is also that of what was posted.
    return desk.shop.tools.clock().astimezone(ZoneInfo(desk.speech.timezone)).date()


async def _made(desk: Desk, first: date, last: date) -> StatementOfReseller:
    zone = ZoneInfo(desk.speech.timezone)
    since = datetime.combine(first, time(), zone)
    until = datetime.combine(last + timedelta(days=1), time(), zone)
    return await desk.shop.read(resellers.statement_of_reseller, reseller_id=desk.reseller.id, since=since, until=until)


def sums(made: StatementOfReseller) -> dict[TransferKind, tuple[int, int]]:
    """How many movements of each kind there were, and their sum."""
    found: dict[TransferKind, tuple[int, int]] = {}
    for entry in made.entries:
        count, minor = found.get(entry.kind, (0, 0))
        found[entry.kind] = (count + 1, minor + entry.amount_minor)
    return found


def _period(speech: Speech, first: date, last: date) -> str:
    return speech.day(first) if first == last else f"{speech.day(first)} – {speech.day(last)}"


def _signed(minor: int, currency: str, speech: Speech) -> str:
    return f"{'+' if minor >= 0 else '−'}{speech.price(abs(minor), currency)}"


def told(made: StatementOfReseller, speech: Speech, first: date, last: date) -> Safe:
    """The statement in some lines: what there was, what moved and why, and what there is."""
    newest = [
        Safe(" · ").join([bold(_signed(entry.amount_minor, made.currency, speech)), *_why(entry, speech), speech.when(entry.at)])
        for entry in list(made.entries)[-SHOWN:][::-1]
    ]
    more = len(made.entries) - len(newest)
    return paragraphs(
        Safe("📒 ") + bold(_period(speech, first, last)),
        lines(
            speech.say("At the beginning: {amount}", amount=speech.price(made.opening_minor, made.currency)),
            *(
                speech.say(
                    "• {what}: {amount} ({n})",
                    what=speech.say(KINDS[kind]),
                    amount=_signed(minor, made.currency, speech),
                    n=speech.number(count),
                )
                for kind, (count, minor) in sums(made).items()
            ),
            speech.say("At the end: {amount}", amount=bold(speech.price(made.closing_minor, made.currency))),
        ),
        lines(*newest) if newest else speech.say("No movements in these days."),
        speech.many("{n} more is in the files.", "{n} more are in the files.", more) if more > 0 else None,
    )


def _why(entry: Entry, speech: Speech) -> list[Safe]:
    why = [speech.say(KINDS[entry.kind])]
    if entry.kind in _WITH_ORDER and entry.subject_id is not None:
        why.append(Safe(f"<code>{orders.number_of(entry.subject_id)}</code>"))
    return why


def rows(made: StatementOfReseller, speech: Speech) -> list[tuple[datetime, str, str, Decimal, Decimal, str, str]]:
    """Every movement with the balance after it."""
    balance, found = made.opening_minor, []
    for entry in made.entries:
        balance += entry.amount_minor
        about = orders.number_of(entry.subject_id) if entry.kind in _WITH_ORDER and entry.subject_id is not None else ""
        amounts = [Decimal(decimal_text(minor, made.currency)) for minor in (entry.amount_minor, balance)]
        found.append((entry.at, speech.label(KINDS[entry.kind]), about, amounts[0], amounts[1], made.currency, entry.note or ""))
    return found


def sheet(made: StatementOfReseller, speech: Speech, name: str, first: date, last: date) -> Sheet:
    """What stands in the picture."""

    def money(minor: int) -> str:
        return drawable(speech.price(minor, made.currency))

    moved = [
        Row(speech.label(KINDS[kind]), drawable(_signed(minor, made.currency, speech)), speech.number(count))
        for kind, (count, minor) in sums(made).items()
    ]
    total = Row(speech.label("At the end"), money(made.closing_minor), strong=True)
    return Sheet(
        name,
        _period(speech, first, last),
        [Row(speech.label("At the end"), money(made.closing_minor))],
        [Card(speech.label("Movements"), [Row(speech.label("At the beginning"), money(made.opening_minor)), *moved, total])],
        speech.label("Every movement is in the table"),
        True,
        speech.when(utc_now()),
    )


async def file_pressed(press: CallbackQuery, callback_data: StatementPress, desk: Desk) -> None:
    """The same days as a file or a picture."""
    desk.need(Role.SEE)
    limits = date(2000, 1, 1).toordinal(), date(2200, 12, 31).toordinal()
    ordinals = callback_data.first, callback_data.last
    if not all(limits[0] <= ordinal <= limits[1] for ordinal in ordinals) or not 0 <= ordinals[1] - ordinals[0] < MOST_DAYS:
        await press.answer(desk.speech.label("This screen is out of date."))
        return
    first, last = (date.fromordinal(ordinal) for ordinal in ordinals)
    made = await _made(desk, first, last)
    speech, stem = desk.speech, f"statement-{first.isoformat()}-{last.isoformat()}"
    if press.message is None:
        return
    if callback_data.form == "png":
        drawn = await asyncio.to_thread(sheet_png, sheet(made, speech, desk.reseller.name, first, last))
        await press.message.answer_photo(BufferedInputFile(drawn, f"{stem}.png"), caption=_period(speech, first, last))
        return
    table = rows(made, speech)
    if callback_data.form == "csv":
        content = await asyncio.to_thread(csv_table, COLUMNS, table, speech.timezone)
    else:
        content = await asyncio.to_thread(xlsx_table, stem, COLUMNS, table, speech.timezone)
    await press.message.answer_document(BufferedInputFile(content, f"{stem}.{callback_data.form}"), caption=_period(speech, first, last))


def router() -> Router:
    """/statement and its files."""
    made = desk_router("reseller-statement")
    made.message.register(statement_asked, Command("statement"))
    made.callback_query.register(file_pressed, StatementPress.filter())
    return made
