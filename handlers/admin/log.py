"""The action log: who of the staff did what, how it was before, and how it is after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Context
from fractions import Fraction
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery

from core import journal, people
from core.errors import N_
from core.journal import Entry
from core.money import exponent
from handlers.admin.desk import Desk, Go, go
from handlers.pieces import Row, bold, clipped, lines, paragraphs
from locales import Safe, Speech, languages, own_name

_LINES = 8
_SHOWN = 80  # characters of a value

ACTIONS = {
    "add-category": N_("added category {id}"),
    "change-category": N_("changed category {id}"),
    "move-category": N_("moved category {id}"),
    "add-product": N_("added product {id}"),
    "change-product": N_("changed product {id}"),
    "move-product": N_("moved product {id}"),
    "add-sku": N_("added denomination {id}"),
    "change-sku": N_("changed denomination {id}"),
    "move-sku": N_("moved denomination {id}"),
    "set-price": N_("set the price of denomination {id}"),
    "set-cost": N_("set the cost of denomination {id}"),
    "import-codes": N_("imported codes of denomination {id}"),
    "void-code": N_("made code {id} void"),
    "resend": N_("sent order {id} again"),
    "adjust-balance": N_("changed the balance of customer {id}"),
    "begin-broadcast": N_("began broadcast {id}"),
    "stop-broadcast": N_("stopped broadcast {id}"),
    "change-storefront": N_("changed the shop's settings"),
    "set-rate": N_("set an exchange rate"),
    "rotate-keys": N_("made a new key for the codes"),
    "seed": N_("filled the shelves from a file"),
}

FIELDS = {
    "accepted": N_("codes taken in"),
    "balance_minor": N_("balance"),
    "batch": N_("batch"),
    "categories": N_("new categories"),
    "category_id": N_("in category"),
    "changed": N_("changed things"),
    "codes": N_("new codes"),
    "codes_known": N_("codes that were there already"),
    "cost_minor": N_("cost"),
    "currency": N_("currency"),
    "denominations": N_("new denominations"),
    "description": N_("description"),
    "face_currency": N_("currency of the face value"),
    "face_value": N_("face value in minor units"),
    "face_value_minor": N_("face value"),
    "file": N_("file"),
    "hidden_at": N_("hidden since"),
    "icon": N_("icon"),
    "keywords": N_("keywords"),
    "low_stock_at": N_("low-stock alert"),
    "max_per_buyer": N_("limit per buyer"),
    "max_quantity": N_("largest order"),
    "min_quantity": N_("smallest order"),
    "name": N_("name"),
    "names": N_("names in other languages"),
    "parent_id": N_("in category"),
    "place": N_("place"),
    "posted": N_("sent"),
    "prices": N_("new prices"),
    "products": N_("new products"),
    "protect_content": N_("forwarding is off"),
    "rate": N_("rate"),
    "rates": N_("new rates"),
    "reason": N_("reason"),
    "redeem": N_("how to redeem"),
    "redeem_region": N_("redeem region"),
    "retail_minor": N_("price"),
    "slug": N_("word in links"),
    "source": N_("source"),
    "support": N_("support contact"),
    "taken_back": N_("taken back"),
    "text": N_("text"),
    "texts": N_("texts in other languages"),
    "wrapping_key": N_("number of the key"),
}
"""What is recorded of an action, as it is called in the log."""

# The currency of an amount is recorded beside it; that of a balance is always the shop's.
_CURRENCY_OF = {"retail_minor": "currency", "cost_minor": "currency", "face_value_minor": "face_currency", "balance_minor": ""}
_VALUES = {
    ("void-code", "shelf"): N_("on the shelf"),
    ("void-code", "void"): N_("void"),
    ("import-codes", "pasted"): N_("pasted"),
}


def router() -> Router:
    made = Router(name="admin-log")
    made.callback_query.register(log, Go.filter(F.to == "log"))
    return made


async def log(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The newest first; `id` is the last one seen."""
    say = desk.speech
    entries = await desk.shop.read(journal.latest, before=callback_data.id or None, limit=_LINES + 1)
    names: dict[str, str] = {}
    for entry in entries:
        if entry.by not in names:
            names[entry.by] = await _who(desk, entry.by)
    text = paragraphs(
        bold(say.label("Action log")),
        *[_entry(say, entry, names[entry.by], desk.storefront.currency) for entry in entries[:_LINES]],
        None if entries else say.say("Nothing was done yet."),
    )
    rows: list[Row] = []
    if callback_data.id:
        rows.append([go(say.label("◀ Newest"), "log")])
    if len(entries) > _LINES:
        rows.append([go(say.label("Older ▶"), "log", entries[_LINES - 1].id)])
    rows.append([desk.home()])
    await desk.show(press, text, rows)


async def _who(desk: Desk, by: str) -> str:
    source, _, id = by.partition(":")
    if source == "telegram" and id.isdigit():
        found = await desk.shop.read(people.find, storefront_id=desk.storefront.id, telegram_id=int(id))
        if found is not None:
            return found.name
    return by


def _entry(say: Speech, entry: Entry, who: str, currency: str) -> Safe:
    did = say.label(ACTIONS[entry.did], id=entry.about_id) if entry.did in ACTIONS else f"{entry.did} {entry.about_id}"
    before, after = (_told(say, entry.did, recorded, currency) for recorded in (entry.before, entry.after))
    changes = []
    for name in dict.fromkeys([*before, *after]):
        what = _called(say, name)
        if name in before and name in after:
            changes.append(say.say("{what}: {before} → {after}", what=what, before=before[name], after=after[name]))
        else:
            changes.append(say.say("{what}: {value}", what=what, value=after[name] if name in after else before[name]))
    return lines(say.say("<b>{who}</b> {did}, {when}", who=who, did=did, when=say.when(entry.at)), *changes)


def _told(say: Speech, did: str, recorded: Mapping[str, Any], currency: str) -> dict[str, str]:
    """What was recorded, ready to be read: amounts as prices, which have their currency with them, and a rate between whole units."""
    told = {name: _value(say, did, value) for name, value in recorded.items()}
    if isinstance(since := recorded.get("hidden_at"), str):
        told["hidden_at"] = say.when(datetime.fromisoformat(since))
    for name, beside in _CURRENCY_OF.items():
        value, of = recorded.get(name), recorded.get(beside) if beside else currency
        if name in told and beside in told and value is None:
            del told[beside]
        elif isinstance(value, int) and isinstance(of, str):
            told[name] = say.price(value, of)
            told.pop(beside, None)
    if "face_value_minor" in told and "face_currency" not in recorded:
        # Only what was changed is recorded: without its currency nobody knows where the point stands.
        told["face_value"] = told.pop("face_value_minor")
    if {"rate", "base", "quote"} <= set(told):
        base, quote = told.pop("base"), told.pop("quote")
        told["rate"] = _rate(told["rate"], base, quote)
    return told


def _rate(recorded: str, base: str, quote: str) -> str:
    """A rate of minor units, said of whole ones."""
    rate = Fraction(recorded) * 10 ** exponent(base) / 10 ** exponent(quote)
    return f"1 {base} = {Context(prec=9).divide(rate.numerator, rate.denominator):f} {quote}"


def _value(say: Speech, did: str, value: Any) -> str:
    if value is None or value in ("", {}, []):
        return "–"
    if isinstance(value, bool):
        return say.label("yes") if value else say.label("no")
    if isinstance(value, str):
        said = say.label(_VALUES[did, value]) if (did, value) in _VALUES else value
    elif isinstance(value, dict):
        said = "; ".join(f"{own_name(key) if key in languages() else _called(say, key)}: {_value(say, did, v)}" for key, v in value.items())
    else:
        said = json.dumps(value, ensure_ascii=False)
    return clipped(said, _SHOWN)


def _called(say: Speech, name: str) -> str:
    return say.label(FIELDS[name]) if name in FIELDS else name
