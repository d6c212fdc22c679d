"""Commitments: what suppliers and the shop have promised each other, made, looked at and called off by the staff."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.supply import CommitmentReport, Precedence, Promise
from handlers.admin.coupons import day_typed
from handlers.admin.desk import QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.admin.offers import named, offer_of
from handlers.commitment_words import told
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from handlers.typed import whole_number
from locales import Safe

_ON_A_SCREEN = 5
_MOST_KEPT = 500  # the newest, of all suppliers

_SIDES = {
    Promise.SUPPLIER: N_("The supplier, to bring them"),
    Promise.SHOP: N_("The shop, to sell them"),
    Promise.BOTH: N_("Both sides"),
}
_WAYS = {
    Precedence.PRIORITY: N_("Before all other sources"),
    Precedence.EXCLUSIVE: N_("Alone, while some are left"),
}


_Choice = TypeVar("_Choice", Promise, Precedence)


@dataclass(eq=False)
class NotACommitment(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a quantity and a day. Please type both, such as {example}.")

    text: str
    example: str = "500 2027-01-31"


def router() -> Router:
    made = Router(name="admin-commitments")
    looks: dict[str, Callable[..., Any]] = {
        "commits": commitments,
        "commit": commitment,
        "commit-who": choose_side,
        "commit-how": choose_way,
        "commit-end": before_calling_off,
    }
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    made.callback_query.register(call_off, Do.filter(F.act == "commit-off"))
    return made


def commitment_typed(text: str, timezone: str) -> tuple[int, datetime | None, datetime]:
    """A promise as "500 2027-01-31" or, from one day to another, "500 2027-01-01 2027-01-31": units, from when (None: now), until when.

    Raises NotACommitment, NotADay.
    """
    words = unicodedata.normalize("NFKC", text).split()
    quantity = whole_number(words[0]) if len(words) in (2, 3) else None
    if quantity is None or not 0 < quantity <= supply.MOST_PROMISED:
        raise NotACommitment(text=text[:40])
    begins = day_typed(words[1], timezone, ends=False) if len(words) == 3 else None
    return quantity, begins, day_typed(words[-1], timezone, ends=True)


# Looking


async def commitments(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The commitments of an offer, or of all: open ones first."""
    say, page, offer_id = desk.speech, callback_data.page, callback_data.id
    facts = {"offer_id": offer_id} if offer_id else {}
    found = await desk.shop.read(supply.commitment_reports, limit=_MOST_KEPT, **facts)
    shown = found[page * _ON_A_SCREEN : (page + 1) * _ON_A_SCREEN]
    rows: list[Row] = []
    parts: list[Safe] = []
    for one in shown:
        title = await _title(desk, one)
        parts.append(lines(bold(title), told(say, one)))
        rows.append([go(clipped(f"{_mark(one)} {title}", 60), "commit", one.id)])
    rows.append(desk.pages("commits", offer_id, page, more=len(found) > (page + 1) * _ON_A_SCREEN))
    if offer_id:
        await offer_of(desk, offer_id)
        if all(one.closed_at is not None for one in found):
            rows.append([go(say.label("➕ New commitment"), "commit-who", offer_id)])
    rows.append(desk.back("offer", offer_id) if offer_id else desk.back("supply"))
    nothing = (
        say.say("Nothing is promised of this offer.")
        if offer_id
        else say.say("Nothing is promised by anybody yet. You find commitments at the offers of a supplier.")
    )
    await desk.show(press, paragraphs(bold(say.label("🤝 Commitments")), *(parts or [nothing])), rows)


def _mark(one: CommitmentReport) -> str:
    return "🤝" if one.closed_at is None else "⚠️" if one.breach else "✅"


async def _title(desk: Desk, one: CommitmentReport) -> str:
    _, name = await named(desk, one.sku_id)
    return f"{one.supplier_name} › {name}"


async def _report(desk: Desk, commitment_id: int) -> CommitmentReport:
    found = await desk.shop.read(supply.commitment_reports, commitment_id=commitment_id)
    if not found:
        raise Gone
    return found[0]


async def commitment(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_commitment(press, desk, callback_data.id)


async def show_commitment(event: Message | CallbackQuery, desk: Desk, commitment_id: int) -> None:
    """The report: who promised how much until when, what was drawn and brought, what is short, and whose fault it is."""
    say, found = desk.speech, await _report(desk, commitment_id)
    rows: list[Row] = [[go(say.label("Open the offer"), "offer", found.offer_id)]]
    if found.closed_at is None:
        rows.append([go(say.label("⏹ Call it off"), "commit-end", commitment_id, style="danger")])
    rows.append(desk.back("commits", found.offer_id))
    await desk.show(event, paragraphs(bold(await _title(desk, found)), told(say, found)), rows)


# Making one


async def choose_side(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Who has promised."""
    say, view = desk.speech, await offer_of(desk, callback_data.id)
    rows: list[Row] = [[go(say.label(label), "commit-how", view.id, arg=side.value)] for side, label in _SIDES.items()]
    rows.append(desk.back("commits", view.id))
    await desk.show(press, paragraphs(bold(view.supplier_name), say.say("Who has promised the quantity?")), rows)


async def choose_way(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """How they are drawn while some are left."""
    say, view = desk.speech, await offer_of(desk, callback_data.id)
    side = _one_of(Promise, callback_data.arg)
    rows: list[Row] = [[ask(say.label(label), "commit.new", view.id, arg=f"{side.value}.{way.value}")] for way, label in _WAYS.items()]
    rows.append(desk.back("commit-who", view.id))
    await desk.show(press, paragraphs(bold(view.supplier_name), say.say("How are they sold?")), rows)


def _one_of(choices: type[_Choice], word: str) -> _Choice:
    """What a button says; raises Gone for a forged one."""
    try:
        return choices(word)
    except ValueError:
        raise Gone from None


async def _ask_new(desk: Desk, asked: Asked) -> Safe:
    view = await offer_of(desk, asked.id)
    _, name = await named(desk, view.sku_id)
    return desk.speech.say(
        "Type how many units of <b>{name}</b> are promised, and until which day, for example: <i>{example}</i>. "
        "With two days it begins on the first of them.",
        name=name,
        example=NotACommitment.example,
    )


async def _take_new(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    side, _, way = asked.arg.partition(".")
    promised_by, precedence = _one_of(Promise, side), _one_of(Precedence, way)
    quantity, begins, until = commitment_typed(text, desk.speech.timezone)
    made = await desk.shop.write(
        supply.commit,
        offer_id=asked.id,
        precedence=precedence,
        promised_by=promised_by,
        quantity=quantity,
        from_at=begins,
        until=until,
        by=desk.by,
    )
    await show_commitment(message, desk, made)


QUESTIONS["commit.new"] = Question(_ask_new, _take_new, "commits")


# Calling one off


async def before_calling_off(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, found = desk.speech, await _report(desk, callback_data.id)
    text = paragraphs(
        bold(await _title(desk, found)),
        say.say("Call this commitment off? Nothing is set aside for it any more, and nobody is short. The supplier is told."),
    )
    rows: list[Row] = [
        [do(say.label("⏹ Call it off"), "commit-off", found.id, style="danger")],
        [go(say.label("Cancel"), "commit", found.id)],
    ]
    await desk.show(press, text, rows)


async def call_off(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    if not await desk.shop.write(supply.call_off_commitment, commitment_id=callback_data.id, by=desk.by):
        await press.answer(desk.speech.label("It is over already."), show_alert=True)
    await show_commitment(press, desk, callback_data.id)
