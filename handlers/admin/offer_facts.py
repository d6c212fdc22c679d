"""What is said of an offer – its supplier, class, cost, limits, days and country –, asked of the staff and changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import onboarding, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from core.onboarding import DocumentView
from core.supply import SourceClass, SupplierView
from handlers.admin.coupons import day_typed
from handlers.admin.desk import NOTHING, PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, number_between
from handlers.admin.offers import named, offer_of, show_offer
from handlers.buy import CLASSES
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from handlers.supply.stock import walk, walked
from handlers.supply.words import PAPERS
from handlers.typed import whole_number
from locales import Safe, Speech

_PAPERS = 10  # the newest
_NO_PAPER = N_("They have no approved paper on which goods may rest. They send one by /supply, 📄 Papers.")
_VERSIONS = 10  # of a cost, on one screen
_CURRENCY = r"[A-Z]{3}"
_MOST_QUANTITY, _MOST_PRIORITY = 100_000, 1000


@dataclass(eq=False)
class NotACost(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a cost. Please type an amount, and a day if it holds from then on, such as {example}.")

    text: str
    example: str


def router() -> Router:
    made = Router(name="admin-offer-facts")
    looks: dict[str, Callable[..., Any]] = {
        "offer-by": choose_supplier,
        "offer-class": choose_class,
        "offer-paper": choose_paper,
        "offer-costs": cost_history,
        "offer-what": choose_other_class,
    }
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts: dict[str, Callable[..., Any]] = {"of-class": set_class, "of-paper": set_paper, "of-undo": drop_cost}
    for act, change in acts.items():
        made.callback_query.register(change, Do.filter(F.act == act))
    return made


def cost_typed(text: str, currency: str, timezone: str) -> tuple[int, str, datetime | None]:
    """A cost as "85.00", "12.5 USD" or "86.00 from 2026-12-01": minor units, their currency, and from when (None: now).

    The word between the amount and the day may be any. Raises NotACost, NotAnAmount, NotADay.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(rf"(\S+)(?:\s+({_CURRENCY}))?(?:\s+(?:[^\W\d]+\s+)?(\d{{4}}[-./]\S+(?:\s+\d{{1,2}}:\d{{2}})?))?", plain)
    if found is None:
        raise NotACost(text=text[:40], example=f"{decimal_text(8500, currency)} from 2027-01-31")
    amount, other, day = found.groups()
    minor = parse_minor(amount, other or currency)
    return minor, other or currency, None if day is None else day_typed(day, timezone, ends=False)


# A new offer: the supplier, what it rests on, the cost


async def choose_supplier(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, page = desk.speech, callback_data.page
    _, name = await named(desk, callback_data.id)
    found = await desk.shop.read(supply.every_supplier, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [[go(one.name, "offer-class", callback_data.id, arg=str(one.id))] for one in found[:PAGE]]
    rows.append(desk.pages("offer-by", callback_data.id, page, more=len(found) > PAGE))
    rows.append([go(say.label("‹ Back"), "offers", callback_data.id), desk.home()])
    await desk.show(press, paragraphs(bold(name), say.say("Who offers it?")), rows)


async def choose_class(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    _, name = await named(desk, callback_data.id)
    supplier = await desk.shop.read(supply.supplier, whole_number(callback_data.arg) or 0)
    if supplier is None:
        raise Gone
    rows: list[Row] = [[_after_class(say.label(word), supplier, callback_data.id, one)] for one, word in CLASSES.items()]
    rows.append([go(say.label("‹ Back"), "offer-by", callback_data.id), desk.home()])
    await desk.show(press, paragraphs(bold(f"{supplier.name} › {name}"), say.say("What does the offer rest on?")), rows)


def _after_class(label: str, supplier: SupplierView, sku_id: int, chosen: SourceClass) -> InlineKeyboardButton:
    """Of a supplier's own goods it is asked next on which of their papers they rest; then what one costs."""
    if onboarding.needs_paper(supplier.standing) and not onboarding.bought_by_us(chosen):
        return go(label, "offer-paper", sku_id, arg=walk(supplier.id, chosen))
    return ask(label, "offer.new", sku_id, arg=walk(supplier.id, chosen))


async def choose_paper(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    supplier_id, kind, _ = walked(callback_data.arg)
    supplier = await desk.shop.read(supply.supplier, supplier_id)
    if supplier is None or kind is None:
        raise Gone
    papers = await desk.shop.read(onboarding.papers_for_listing, supplier.id)
    rows: list[Row] = [
        [ask(_paper(say, paper), "offer.new", callback_data.id, arg=walk(supplier.id, kind, paper.id))] for paper in papers[-_PAPERS:]
    ]
    rows.append([go(say.label("‹ Back"), "offer-class", callback_data.id, arg=str(supplier.id)), desk.home()])
    said = say.say("Which of their papers do these goods rest on?") if papers else say.say(_NO_PAPER)
    await desk.show(press, paragraphs(bold(supplier.name), said), rows)


def _paper(say: Speech, paper: DocumentView) -> str:
    return clipped(f"📄 {say.label(PAPERS[paper.kind])} · {paper.scope}", 60)


def _of_new(arg: str) -> tuple[int, SourceClass, int | None]:
    """The supplier, the class and the paper that a button of a new offer names; raises Gone."""
    supplier_id, source_class, document_id = walked(arg)
    if source_class is None:
        raise Gone
    return supplier_id, source_class, document_id


async def _ask_new(desk: Desk, asked: Asked) -> Safe:
    supplier_id, _, _ = _of_new(asked.arg)
    found = await desk.shop.read(supply.supplier, supplier_id)
    if found is None:
        raise Gone
    _, name = await named(desk, asked.id)
    example = decimal_text(8500, desk.storefront.currency)
    return paragraphs(
        bold(f"{found.name} › {name}"),
        desk.speech.say(
            "Type what one costs, for example: <i>{example}</i>. Another currency is named behind it: <i>12 USD</i>", example=example
        ),
    )


async def _take_new(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    supplier_id, source_class, document_id = _of_new(asked.arg)
    minor, currency, from_at = cost_typed(text, desk.storefront.currency, desk.speech.timezone)
    if from_at is not None:
        raise NotACost(text=text[:40], example=decimal_text(8500, currency))
    made = await desk.shop.write(
        onboarding.offer_for,
        supplier_id=supplier_id,
        sku_id=asked.id,
        cost_minor=minor,
        cost_currency=currency,
        source_class=source_class,
        document_id=document_id,
        by=desk.by,
    )
    await show_offer(message, desk, made.id)


# Its cost


async def _ask_cost(desk: Desk, asked: Asked) -> Safe:
    say, view = desk.speech, await offer_of(desk, asked.id)
    return paragraphs(
        say.say("Now: {price}", price=say.price(view.cost_minor, view.cost_currency)),
        say.say(
            "Type what one costs from now on, for example: <i>{example}</i>, or from a day on: <i>{example} from 2027-01-31</i>",
            example=decimal_text(view.cost_minor or 8500, view.cost_currency),
        ),
    )


async def _take_cost(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    view = await offer_of(desk, asked.id)
    minor, currency, from_at = cost_typed(text, view.cost_currency, desk.speech.timezone)
    await desk.shop.write(supply.set_cost, offer_id=asked.id, cost_minor=minor, cost_currency=currency, from_at=from_at, by=desk.by)
    await show_offer(message, desk, asked.id)


async def cost_history(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_costs(press, desk, callback_data.id)


async def _show_costs(event: Message | CallbackQuery, desk: Desk, offer_id: int) -> None:
    say, view = desk.speech, await offer_of(desk, offer_id)
    versions = await desk.shop.read(supply.costs_of, offer_id, limit=_VERSIONS)
    told = []
    for one in versions:
        facts = {"cost": say.price(one.cost_minor, one.currency), "when": say.when(one.taken_at or one.from_at)}
        if one.dropped_at is not None:
            told.append(say.say("• {cost} – taken back", cost=facts["cost"]))
        else:
            told.append(say.say("• {cost} from {when} on, waits", **facts) if one.waits else say.say("• {cost} since {when}", **facts))
    rows: list[Row] = [
        [do(say.label("Take back {cost}", cost=say.price(one.cost_minor, one.currency)), "of-undo", offer_id, arg=str(one.version))]
        for one in versions
        if one.waits
    ]
    rows.append([go(say.label("‹ Back"), "offer", offer_id), desk.home()])
    none = say.say("Its cost was never changed.")
    await desk.show(event, paragraphs(bold(view.supplier_name), lines(*told) if told else none), rows)


async def drop_cost(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    version = whole_number(callback_data.arg)
    dropped = version is not None and await desk.shop.write(supply.drop_cost, offer_id=callback_data.id, version=version, by=desk.by)
    say = desk.speech
    await press.answer(say.label("Taken back.") if dropped else say.label("It is in force already, or was taken back before."))
    await _show_costs(press, desk, callback_data.id)


# The other facts, one by one

Facts = dict[str, Any]


def _field(prompt: str, what: str, read: Callable[[Desk, str], Any], *, optional: bool = True) -> Question:
    """A question about one fact of an offer, and the change that its answer is."""

    async def says(desk: Desk, asked: Asked) -> Safe:
        return desk.speech.say(prompt)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        cleared = optional and text == NOTHING
        facts: Facts = {"clear": (what,)} if cleared else {what: read(desk, text)}
        await desk.shop.write(supply.change_offer, offer_id=asked.id, by=desk.by, **facts)
        await show_offer(message, desk, asked.id)

    return Question(says, take, "offer")


def _number(least: int, most: int) -> Callable[[Desk, str], int]:
    return lambda _desk, text: number_between(text, least, most)


def _day(*, ends: bool) -> Callable[[Desk, str], datetime]:
    return lambda desk, text: day_typed(text, desk.speech.timezone, ends=ends)


QUESTIONS |= {
    "offer.new": Question(_ask_new, _take_new, "offers"),
    "offer.cost": Question(_ask_cost, _take_cost, "offer"),
    "offer.stock": _field(
        N_("Type how many the source has besides what lies on our shelf, for example: <i>500</i>. Send - when it has no others."),
        "declared",
        _number(0, supply.MOST_UNITS),
    ),
    "offer.min": _field(
        N_("Type the smallest quantity of one order from this source, for example: <i>10</i>. Send - for no limit."),
        "min_quantity",
        _number(1, _MOST_QUANTITY),
    ),
    "offer.max": _field(
        N_("Type the largest quantity of one order from this source, for example: <i>100</i>. Send - for no limit."),
        "max_quantity",
        _number(1, _MOST_QUANTITY),
    ),
    "offer.land": _field(
        N_("Type the two letters of the country whose buyers may have it, for example: <i>TR</i>. Send - for all countries."),
        "region",
        lambda _desk, text: unicodedata.normalize("NFKC", text).strip().upper(),
    ),
    "offer.warr": _field(
        N_("Type for how many hours a code of this source may be complained about, for example: <i>72</i>. Send - for the product's."),
        "warranty_hours",
        _number(1, supply.MOST_WARRANTY_HOURS),
    ),
    "offer.from": _field(
        N_("Type the first day on which it sells, for example: <i>2027-01-31</i>. Send - to begin now."), "valid_from", _day(ends=False)
    ),
    "offer.until": _field(
        N_("Type the last day on which it sells, for example: <i>2027-01-31</i>. Send - for no end."), "valid_until", _day(ends=True)
    ),
    "offer.prio": _field(
        N_("Type how much it goes before others: the higher number is drawn first, 0 is usual. For example: <i>10</i>"),
        "priority",
        _number(0, _MOST_PRIORITY),
        optional=False,
    ),
    "offer.excl": _field(
        N_("Type until which day no other source is drawn while this one has stock, for example: <i>2027-01-31</i>. Send - for never."),
        "exclusive_until",
        _day(ends=True),
    ),
}


async def choose_other_class(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, view = desk.speech, await offer_of(desk, callback_data.id)
    rows: list[Row] = [
        [do(f"{'✅ ' if one is view.source_class else ''}{say.label(word)}", "of-class", view.id, arg=one.value)]
        for one, word in CLASSES.items()
    ]
    told = []
    if not view.own and not view.owned:
        papers = await desk.shop.read(onboarding.papers_for_listing, view.supplier_id)
        told = [say.say("Which of their papers do these goods rest on?") if papers else say.say(_NO_PAPER)]
        for paper in papers[-_PAPERS:]:
            mark = "✅ " if paper.id == view.document_id else ""
            rows.append([do(f"{mark}{_paper(say, paper)}", "of-paper", view.id, arg=str(paper.id))])
    rows.append([go(say.label("‹ Back"), "offer", view.id), desk.home()])
    await desk.show(press, paragraphs(bold(view.supplier_name), say.say("What does the offer rest on?"), *told), rows)


async def set_class(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """What it rests on, chosen anew."""
    if callback_data.arg not in {one.value for one in SourceClass}:
        raise Gone
    await desk.shop.write(onboarding.rest_on, offer_id=callback_data.id, source_class=SourceClass(callback_data.arg), by=desk.by)
    await show_offer(press, desk, callback_data.id)


async def set_paper(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """On which paper it rests, chosen anew."""
    await desk.shop.write(onboarding.rest_on, offer_id=callback_data.id, document_id=whole_number(callback_data.arg) or 0, by=desk.by)
    await show_offer(press, desk, callback_data.id)
