"""Quotas: so much face value bought of a supplier at a discount, the offers under it, and what is left of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, NotPositive, Question, ask, do, go
from handlers.admin.offers import named, offer_of, quota_line, show_offer
from handlers.pieces import Row, bold, lines, paragraphs
from handlers.typed import percent_typed, whole_number
from locales import Safe

_CURRENCY = r"[A-Z]{3}"


@dataclass(eq=False)
class NotAQuota(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a quota. Please type face value, currency and discount, such as {example}.")

    text: str
    example: str = "100000 CNY 15%"


def router() -> Router:
    made = Router(name="admin-quotas")
    looks: dict[str, Callable[..., Any]] = {"offer-quota": choose_quota, "quotas": quotas, "quota": quota}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts: dict[str, Callable[..., Any]] = {"of-quota": put_under_quota, "qu-end": end_quota, "qu-open": open_quota}
    for act, change in acts.items():
        made.callback_query.register(change, Do.filter(F.act == act))
    return made


def quota_typed(text: str) -> tuple[int, str, int]:
    """A quota as "100000 CNY 15%": face value in minor units, its currency, the discount in hundredths of a per cent.

    Raises NotAQuota, NotAnAmount.
    """
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    found = re.fullmatch(rf"([\d.,]+)\s*({_CURRENCY})\s+(\S+)", plain, re.ASCII)
    off = None if found is None else percent_typed(found[3], most=99)
    if found is None or off is None:
        raise NotAQuota(text=text[:40])
    minor = parse_minor(found[1], found[2])
    if not minor:
        raise NotAQuota(text=text[:40])
    return minor, found[2], off


async def choose_quota(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The supplier's quotas, for an offer to be put under one."""
    say, view = desk.speech, await offer_of(desk, callback_data.id)
    found = [one for one in await desk.shop.read(supply.quotas, supplier_id=view.supplier_id) if not one.ended]
    rows: list[Row] = [[do(say.label("Quota {id}", id=one.id), "of-quota", view.id, arg=str(one.id))] for one in found[:PAGE]]
    rows.append([ask(say.label("➕ New quota"), "quota.new", view.supplier_id)])
    rows.append([go(say.label("‹ Back"), "offer", view.id), desk.home()])
    told = [quota_line(say, one) for one in found[:PAGE]]
    none = say.say("This supplier has no quota contract yet.")
    await desk.show(press, paragraphs(bold(view.supplier_name), lines(*told) if told else none), rows)


async def put_under_quota(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Under the quota that is named; out of its quota when none is."""
    quota_id = whole_number(callback_data.arg) if callback_data.arg else None
    facts: dict[str, Any] = {"quota_id": quota_id} if quota_id else {"clear": ("quota_id",)}
    await desk.shop.write(supply.change_offer, offer_id=callback_data.id, by=desk.by, **facts)
    await show_offer(press, desk, callback_data.id)


async def quotas(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Every quota, the newest first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(supply.quotas)
    shown = found[page * PAGE : (page + 1) * PAGE]
    rows: list[Row] = [[go(say.label("Quota {id}", id=one.id), "quota", one.id)] for one in shown]
    rows += [desk.pages("quotas", 0, page, more=len(found) > (page + 1) * PAGE), desk.back("supply")]
    told = [quota_line(say, one) for one in shown]
    none = say.say("There are no quota contracts yet. You find them at the offers of a supplier.")
    await desk.show(press, paragraphs(bold(say.label("Quotas")), lines(*told) if told else none), rows)


async def quota(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_quota(press, desk, callback_data.id)


async def show_quota(event: Message | CallbackQuery, desk: Desk, quota_id: int) -> None:
    say, found = desk.speech, await desk.shop.read(supply.quota, quota_id)
    supplier = None if found is None else await desk.shop.read(supply.supplier, found.supplier_id)
    if found is None or supplier is None:
        raise Gone
    orders, units = await desk.shop.read(supply.drawn_by, quota_id)
    under = [view for view in await desk.shop.read(supply.offer_views, supplier_id=supplier.id) if view.quota and view.quota.id == quota_id]
    text = paragraphs(
        bold(supplier.name),
        lines(
            quota_line(say, found),
            say.say(
                "Drawn: {drawn}, by {orders} orders with {units} units",
                drawn=say.price(found.drawn_minor, found.currency),
                orders=say.number(orders),
                units=say.number(units),
            ),
            say.say("Valid from: {when}", when=say.when(found.valid_from)) if found.valid_from else None,
            say.say("Valid until: {when}", when=say.when(found.valid_until)) if found.valid_until else None,
            say.say("It has ended: nothing is drawn any more.") if found.ended else None,
        ),
    )
    rows: list[Row] = []
    for view in under[:PAGE]:
        _, name = await named(desk, view.sku_id)
        rows.append([go(name, "offer", view.id), do(say.label("Take out"), "of-quota", view.id)])
    ending = (
        do(say.label("Open again"), "qu-open", quota_id) if found.ended else do(say.label("End it"), "qu-end", quota_id, style="danger")
    )
    rows += [[ask(say.label("Face value in all"), "quota.total", quota_id), ending], desk.back("quotas")]
    await desk.show(event, text, rows)


async def _ask_quota(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the face value in all, its currency, and the discount, for example: <i>{example}</i>", example=NotAQuota.example
    )


async def _take_quota(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    minor, currency, off = quota_typed(text)
    made = await desk.shop.write(
        supply.new_quota, supplier_id=asked.id, currency=currency, face_total_minor=minor, discount_bp=off, by=desk.by
    )
    await show_quota(message, desk, made)


async def _ask_total(desk: Desk, asked: Asked) -> Safe:
    found = await desk.shop.read(supply.quota, asked.id)
    if found is None:
        raise Gone
    say = desk.speech
    return paragraphs(
        quota_line(say, found),
        say.say("Type the face value in all, for example: <i>{example}</i>", example=decimal_text(found.face_total_minor, found.currency)),
    )


async def _take_total(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await desk.shop.read(supply.quota, asked.id)
    if found is None:
        raise Gone
    minor = parse_minor(text, found.currency)
    if not minor:
        raise NotPositive
    await desk.shop.write(supply.change_quota, quota_id=asked.id, face_total_minor=minor, by=desk.by)
    await show_quota(message, desk, asked.id)


QUESTIONS["quota.new"] = Question(_ask_quota, _take_quota, "quotas")
QUESTIONS["quota.total"] = Question(_ask_total, _take_total, "quota")


async def end_quota(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.change_quota, quota_id=callback_data.id, ended=True, by=desk.by)
    await show_quota(press, desk, callback_data.id)


async def open_quota(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.change_quota, quota_id=callback_data.id, ended=False, by=desk.by)
    await show_quota(press, desk, callback_data.id)
