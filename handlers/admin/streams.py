"""What the shop earns, each stream by itself; interest, advertising and data are booked here by hand, and taken back."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import settlement
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import NotAnAmount, decimal_text, parse_minor
from core.settlement import EntryView, Stream
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Go, Question, ask, go, short_enough
from handlers.admin.payouts import name_of
from handlers.pieces import Row, bold, lines, paragraphs, plain
from handlers.statement import pot_of
from locales import Safe, Speech

_LONGEST = 200
_CURRENCY = re.compile(r"[A-Z]{3,8}", re.ASCII)
_ASKS = {
    Stream.INTEREST: N_("Type how much interest came to the bank, then whose: <code>{example} Card Trade Ltd., May</code>"),
    Stream.ADVERTISING: N_("Type what was paid for advertising, then what for: <code>{example} Banner on the first page, May</code>"),
    Stream.DATA: N_("Type what was paid for data, then what for: <code>{example} Monthly report of demand, Acme</code>"),
}
_BOOK = {
    Stream.INTEREST: N_("➕ Interest"),
    Stream.ADVERTISING: N_("➕ Advertising"),
    Stream.DATA: N_("➕ Data"),
}


@dataclass(eq=False)
class NotRevenue(Refusal):
    says: ClassVar[str] = N_("Please type an amount, and behind it what it was for: {example}. Nothing was booked.")

    example: str


def router() -> Router:
    made = Router(name="admin-streams")
    made.callback_query.register(streams, Go.filter(F.to == "revenue"))
    made.callback_query.register(entry, Go.filter(F.to == "rev-entry"))
    return made


def read_entry(text: str, currency: str) -> tuple[int, str, str]:
    """An amount, its currency when it stands behind it, and what it was for. Raises NotRevenue, with nothing lost of what was typed."""
    example = f"{decimal_text(150_000, currency)} …"
    words = unicodedata.normalize("NFKC", text).split(maxsplit=1)
    if len(words) == 2:
        named, _, rest = words[1].partition(" ")
        if _CURRENCY.fullmatch(named) and rest.strip():
            currency, words[1] = named, rest
    try:
        amount = parse_minor(words[0] if words else "", currency)
    except NotAnAmount:
        raise NotRevenue(example=example) from None
    if len(words) < 2 or not words[1].strip() or amount <= 0:
        raise NotRevenue(example=example)
    return amount, currency, words[1].strip()


async def streams(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show(press, desk, callback_data.page)


async def _show(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    say, here = desk.speech, desk.storefront.id
    pots = await desk.shop.read(settlement.revenue_by_stream, storefront_id=here)
    found = await desk.shop.read(settlement.revenue_entries, storefront_id=here, offset=page * PAGE, limit=PAGE + 1)
    text = paragraphs(
        bold(say.say("Revenue by stream")),
        say.say("What the shop has earned since it opened. Sales are shared by themselves; what is no sale is booked here by hand."),
        lines(
            *(
                say.say("{stream}: {amount}", stream=pot_of("revenue", pot.label, say), amount=bold(say.price(pot.minor, pot.currency)))
                for pot in pots
            )
        )
        if pots
        else say.say("Nothing yet."),
        say.say("Booked by hand:") if found else None,
    )
    rows: list[Row] = [[go(_line(one, say), "rev-entry", one.id)] for one in found[:PAGE]]
    rows.append(desk.pages("revenue", 0, page, len(found) > PAGE))
    rows.append([ask(say.label(_BOOK[stream]), f"revenue.{stream}") for stream in Stream])
    await desk.show(event, text, [*rows, desk.back("books")])


def _line(one: EntryView, say: Speech) -> str:
    mark = "↩️ " if one.back_at is not None else ""
    return f"{mark}{pot_of('revenue', one.stream, say)} · {say.price(one.amount_minor, one.currency)} · {plain(one.note, 30)}"


async def entry(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_entry(press, desk, callback_data.id)


async def _show_entry(event: Message | CallbackQuery, desk: Desk, entry_id: int) -> None:
    say, one = desk.speech, await desk.shop.read(settlement.revenue_entry, entry_id=entry_id, storefront_id=desk.storefront.id)
    if one is None:
        raise Gone
    text = paragraphs(
        bold(f"{pot_of('revenue', one.stream, say)} · {say.price(one.amount_minor, one.currency)}"),
        plain(one.note, settlement.LONGEST_NOTE),
        say.say("Booked by {who}, {when}", who=await name_of(desk.shop, one.by), when=say.when(one.at)),
        lines(
            say.say("↩️ Taken back by {who}, {when}", who=await name_of(desk.shop, one.back_by or ""), when=say.when(one.back_at)),
            plain(one.back_why or "", settlement.LONGEST_NOTE),
        )
        if one.back_at is not None
        else None,
    )
    rows: list[Row] = []
    if one.back_at is None:
        rows.append([ask(say.label("↩️ Take it back"), "revenue.back", one.id, style="danger")])
    await desk.show(event, text, [*rows, desk.back("revenue")])


def _question(stream: Stream) -> Question:
    async def says(desk: Desk, asked: Asked) -> Safe:
        example = decimal_text(150_000, desk.storefront.currency)
        return paragraphs(
            desk.speech.say(_ASKS[stream], example=example),
            desk.speech.say("In another currency: <code>{example} USD …</code>", example=example),
        )

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        amount, currency, note = read_entry(short_enough(text, _LONGEST), desk.storefront.currency)
        made = await desk.shop.write(
            settlement.book_revenue,
            storefront_id=desk.storefront.id,
            stream=stream,
            amount_minor=amount,
            currency=currency,
            note=note,
            by=desk.by,
            once=f"desk:{desk.customer.telegram_id}:{message.message_id}",
        )
        await _show_entry(message, desk, made.id)

    return Question(says, take, "revenue")


async def _ask_back(desk: Desk, asked: Asked) -> Safe:
    one = await desk.shop.read(settlement.revenue_entry, entry_id=asked.id, storefront_id=desk.storefront.id)
    if one is None:
        raise Gone
    if one.back_at is not None:
        raise settlement.TakenBackBefore
    return desk.speech.say("Type why it is taken back, for example: <i>Booked twice</i>")


async def _take_back(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    facts = {"entry_id": asked.id, "storefront_id": desk.storefront.id}
    await desk.shop.write(settlement.take_back_revenue, by=desk.by, why=short_enough(text, _LONGEST), **facts)
    await _show_entry(message, desk, asked.id)


QUESTIONS |= {f"revenue.{stream}": _question(stream) for stream in Stream}
QUESTIONS["revenue.back"] = Question(_ask_back, _take_back, "rev-entry")
